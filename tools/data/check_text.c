/* sipcnn-data check for people: what leaks, how much, where to look.
 * Relies on: tools/data/check.h.
 * Relied on by: tools/data/check. */
#include "tools/data/check.h"

#include <math.h>
#include <stdio.h>

enum { SHOWN = 12 }; /* fields of the table without --all */

/* ---- single fields ------------------------------------------------------------------------------------- */

/* Values come from the wire: nothing but plain ASCII reaches a terminal. */
static void print_value(const char *text) {
    putchar('\'');
    for (; *text; text++)
        putchar(*text >= ' ' && *text <= '~' ? *text : '?');
    putchar('\'');
}

static void number(double value, char text[8]) {
    if (isnan(value))
        snprintf(text, 8, "-");
    else
        snprintf(text, 8, "%.3f", value);
}

static const char *class_of(const CheckResult *r, const DatasetLeak *leak) {
    return leak->class_index < 0 ? "all attacks" : r->head->class_list[leak->class_index].name;
}

static void print_row(const DatasetLeak *leak) {
    char runs[8], sessions[8], chance[8], pure[8];
    number(leak->runs, runs);
    number(leak->sessions, sessions);
    number(fmax(leak->runs_chance, leak->sessions_chance), chance);
    number(leak->pure, pure);
    printf("%-26s %8s %8s %8s %8s %7u  %s\n", trait_name(leak->trait), runs, sessions, chance, pure,
           leak->n_values,
           leak->leak                        ? "LEAK"
           : trait_is_behaviour(leak->trait) ? "behaviour"
                                             : "");
}

static void print_leak(const CheckResult *r, const DatasetLeak *leak) {
    double best = fmax(leak->runs, leak->sessions); /* fmax passes over NAN */
    printf(
        "LEAK: %s, %s: alone it tells attack from benign with balanced accuracy %.3f, and finds %.1f %% of "
        "the attacks\n  without a false positive; ",
        trait_name(leak->trait), class_of(r, leak), best, 100 * leak->pure);
    print_value(leak->value.text);
    printf(" stands in %.1f %% of the attacks and %.1f %% of the benign requests beside them\n",
           100 * leak->value.attack_share, 100 * leak->value.benign_share);
    for (uint32_t i = 0; i < leak->n_examples; i++) {
        const DatasetLeakExample *example = &leak->examples[i];
        printf("  see capture %s, frame %llu", r->head->captures[example->capture].name,
               (unsigned long long)example->frame);
        if (example->index) printf(", message %u", example->index);
        if (example->run)
            printf(" (run %u, %s)", r->head->runs[example->run - 1].number,
                   r->head->runs[example->run - 1].tool);
        putchar('\n');
    }
}

static void print_values(const DatasetLeak *leak) {
    for (uint32_t i = 0; i < leak->n_top; i++) {
        printf("    attack %5.1f %%  benign %5.1f %%  ", 100 * leak->top[i].attack_share,
               100 * leak->top[i].benign_share);
        print_value(leak->top[i].text);
        putchar('\n');
    }
}

/* The fields of one class, or of all attacks; the strongest ones unless all are wanted. */
static void print_table(const CheckResult *r, const CheckView *view, int class_index) {
    uint32_t shown = 0;
    for (size_t i = 0; i < r->leaks.n_leaks; i++) {
        const DatasetLeak *leak = &r->leaks.leaks[i];
        bool wanted = (int)leak->trait == view->trait;
        if (leak->class_index != class_index) continue;
        if (shown == 0) printf("%s\n", class_of(r, leak));
        if (!view->all && shown >= SHOWN && !leak->leak && !wanted) continue;
        shown++;
        print_row(leak);
        if (wanted) print_values(leak);
    }
    if (shown == 0) printf("%s: too few runs\n", r->head->class_list[class_index].name);
    putchar('\n');
}

static void print_leaks(const CheckResult *r, const CheckView *view) {
    const DatasetLeakReport *l = &r->leaks;
    if (r->no_hunt) {
        printf("single fields: not looked at, %s\n", r->no_hunt);
        return;
    }
    printf(
        "single fields as rules: %llu attack requests of %u runs and clients, %llu benign requests of %u "
        "clients,\n%u captures have both; balanced accuracy in other runs and in other sessions (0.5 is "
        "chance),\nwhat permuted labels reach, and the share of attacks found without a false positive\n\n",
        (unsigned long long)l->attacks, l->attack_groups, (unsigned long long)l->benign, l->benign_groups,
        l->mixed_captures);
    printf("%-26s %8s %8s %8s %8s %7s\n", "field", "runs", "sessions", "chance", "pure", "values");
    print_table(r, view, view->class_index);
    for (int c = 0; view->all && view->class_index < 0 && c < (int)r->head->n_classes; c++)
        print_table(r, view, c);
    printf("permuted labels: mean %.3f, greatest %.3f%s\n", l->permuted_mean, l->permuted_worst,
           l->trusted ? "" : ": not chance, the figures above cannot be trusted (too few runs or clients?)");
    for (size_t i = 0; i < l->n_leaks; i++)
        if (l->leaks[i].leak) print_leak(r, &l->leaks[i]);
}

/* ---- two sides of a split ------------------------------------------------------------------------------ */

static double share(uint64_t part, uint64_t whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_near_example(const CheckResult *r, NearKind kind, uint32_t i) {
    const NearExample *example = &r->near.kinds[kind].examples[i];
    printf("  see");
    for (int which = 0; which < 2; which++) {
        const DatasetLeakExample *place = &r->near_places[kind][i][which];
        printf("%s %s: capture %s, frame %llu", which ? " and" : "", dataset_side_name(example->side[which]),
               r->head->captures[place->capture].name, (unsigned long long)place->frame);
    }
    putchar('\n');
}

static void print_near(const CheckResult *r, bool all) {
    if (!r->split) {
        printf("\ntwo sides of a split: not looked at, no --split\n");
        return;
    }
    printf("\nsplit %s: what validation and test share with an earlier side%s\n\n", r->split->name,
           r->near.sample > 1 ? " (of a sample)" : "");
    printf("%-12s %10s %10s %10s %10s %14s\n", "", "shared", "of", "benign", "attack", "only attacks");
    for (int kind = 0; kind < NEAR_KINDS; kind++) {
        const NearShared *s = &r->near.kinds[kind];
        printf("%-12s %10llu %10llu %8.2f %% %8.2f %% %12.2f %%  %s\n", near_name((NearKind)kind),
               (unsigned long long)s->items, (unsigned long long)s->of, share(s->covered[0], s->messages[0]),
               share(s->covered[1], s->messages[1]), share(s->pure, s->messages[1]),
               check_near_ok(r, (NearKind)kind) ? "" : "LEAK");
    }
    if (r->near.sessions) printf("%u sessions stand on two sides\n", r->near.sessions);
    for (int kind = 0; kind < NEAR_KINDS; kind++) {
        if (!all && check_near_ok(r, (NearKind)kind)) continue;
        if (r->near.kinds[kind].n_examples) printf("%s on two sides\n", near_name((NearKind)kind));
        for (uint32_t i = 0; i < r->near.kinds[kind].n_examples; i++)
            print_near_example(r, (NearKind)kind, i);
    }
}

/* ---- swapped headers ----------------------------------------------------------------------------------- */

static void print_swap(const CheckResult *r) {
    if (!r->model) return;
    printf("\n%s: verdicts when a header is swapped between attack and benign\n\n", r->model);
    printf("%-12s %12s %12s %14s %14s\n", "swapped", "benign", "attack", "benign moved", "attack moved");
    for (int field = 0; field < SWAP_FIELDS; field++) {
        const SwapResult *s = &r->swap.fields[field];
        printf("%-12s %12llu %12llu %12.2f %% %12.2f %%  %s\n", check_swap_name((SwapField)field),
               (unsigned long long)s->swapped[0], (unsigned long long)s->swapped[1],
               share(s->moved[0], r->swap.messages[0]), share(s->moved[1], r->swap.messages[1]),
               check_swap_ok(r, (SwapField)field) ? "" : "LEAK");
    }
}

void check_print(const CheckResult *r, const CheckView *view) {
    printf("%s: %llu messages, SHA-256 %s\n\n", r->path, (unsigned long long)r->messages, r->sha256);
    print_leaks(r, view);
    print_near(r, view->all);
    print_swap(r);
    printf("\n%s\n", check_ok(r) ? "no leak above the limits" : "leaks above the limits");
}
