/* The card of a dataset: Markdown for whoever gets it.
 * Relies on: tools/data/tally.h, jansson.
 * Relied on by: tools/data/info. */
#include "tools/data/card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_SHOWN = 8 };

/* ---- text ---------------------------------------------------------------------------------------------- */

/* A cell of a table: what would end it or start markup is escaped, control bytes are dots. */
static void print_text(const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr("|\\`*_<>[]#", c)) putchar('\\');
        putchar(c < ' ' || c == 127 ? '.' : c);
    }
}

static void print_cell(const char *text) {
    fputs("| ", stdout);
    print_text(text);
    putchar(' ');
}

static void print_count(uint64_t count) {
    printf("| %llu ", (unsigned long long)count);
}

/* ---- what it is ---------------------------------------------------------------------------------------- */

static uint32_t count_sessions(const Dataset *d) {
    uint32_t count = 0;
    for (uint32_t c = 0; c < d->n_captures; c++) {
        uint32_t first = 0;
        while (strcmp(d->captures[first].session, d->captures[c].session) != 0)
            first++;
        count += first == c;
    }
    return count;
}

static void print_summary(const CardOptions *o, const Tally *t) {
    const Dataset *d = t->head;
    const char *name = strrchr(o->path, '/');
    int64_t first = INT64_MAX, last = INT64_MIN;
    double seconds = 0;
    char from[32] = "", to[32] = "";
    for (uint32_t c = 0; c < d->n_captures; c++) {
        if (!t->captures[c].messages) continue;
        if (t->captures[c].first_ns < first) first = t->captures[c].first_ns;
        if (t->captures[c].last_ns > last) last = t->captures[c].last_ns;
        seconds += (double)(t->captures[c].last_ns - t->captures[c].first_ns) / 1e9;
    }
    if (first <= last) tally_time(first, from);
    if (first <= last) tally_time(last, to);
    fputs("# Dataset ", stdout);
    print_text(name ? name + 1 : o->path);
    printf("\n\n| | |\n|---|---|\n| SHA-256 | `%s` |\n", t->sha256);
    printf("| messages | %llu, %llu bytes |\n", (unsigned long long)t->messages,
           (unsigned long long)t->bytes);
    printf("| sessions | %u, in %u captures |\n", count_sessions(d), d->n_captures);
    printf("| attack runs | %u, of %u tools |\n", d->n_runs, t->n_tools);
    printf("| time | %s to %s, %.0f s of traffic |\n", from, to, seconds);
    fputs("| licence ", stdout);
    print_cell(o->licence ? o->licence : "not stated");
    printf("|\n\n## Origin\n\n");
    if (o->origin) print_text(o->origin);
    fputs(o->origin ? "\n\nMade by: " : "Made by: ", stdout);
    print_text(d->provenance[0] ? d->provenance : "not stated");
    printf("\n\n## Pseudonymisation\n\n%s\n",
           d->pseudonymised ? "Addresses and names were replaced, consistently within the dataset, before it "
                              "was written. Text of messages labelled\nas attacks may be as it was."
                            : "None: addresses and names are those of the captures.");
}

static void print_sessions(const Tally *t) {
    const Dataset *d = t->head;
    printf("\n## Sessions\n\n| session | capture | messages | benign | attack | runs | from | seconds | "
           "SHA-256 |\n|---|---|---|---|---|---|---|---|---|\n");
    for (uint32_t c = 0; c < d->n_captures; c++) {
        const TallyCapture *capture = &t->captures[c];
        uint32_t runs = 0;
        char from[32] = "";
        for (uint32_t r = 0; r < d->n_runs; r++)
            runs += d->runs[r].capture == c;
        if (capture->messages) tally_time(capture->first_ns, from);
        print_cell(d->captures[c].session);
        print_cell(d->captures[c].name);
        print_count(capture->messages);
        print_count(capture->benign);
        print_count(capture->attack);
        printf("| %u | %s | %.0f | `", runs, from, (double)(capture->last_ns - capture->first_ns) / 1e9);
        for (int i = 0; i < 8; i++)
            printf("%02x", d->captures[c].sha256[i]);
        printf("…` |\n");
    }
}

static void print_classes(const Tally *t) {
    const Balance *b = &t->balance;
    printf("\n## Classes\n\n| class | messages | requests | replies | onset | also | runs | tools |\n"
           "|---|---|---|---|---|---|---|---|\n");
    for (int kind = 0; kind < BALANCE_KINDS; kind++) {
        uint32_t tools = 0;
        if (!balance_kind(t->head, kind)) continue;
        for (uint32_t i = 0; kind >= 1 && kind <= (int)t->head->n_classes && i < t->n_tools; i++)
            tools += t->tools[i].classes >> (kind - 1) & 1;
        print_cell(balance_kind(t->head, kind));
        print_count(b->messages[kind]);
        print_count(b->parts[kind][DATASET_REQUEST]);
        print_count(b->parts[kind][DATASET_REPLY]);
        print_count(b->parts[kind][DATASET_ONSET]);
        print_count(b->also[kind]);
        printf("| %u | %u |\n", b->runs[kind], tools);
    }
}

static void print_tools(const Tally *t) {
    if (t->n_tools == 0) return;
    printf("\n## Tools\n\n| tool | runs | messages | classes |\n|---|---|---|---|\n");
    for (uint32_t i = 0; i < t->n_tools; i++) {
        bool first = true;
        print_cell(t->tools[i].name[0] ? t->tools[i].name : "(not stated)");
        printf("| %u | %llu | ", t->tools[i].runs, (unsigned long long)t->tools[i].messages);
        for (uint32_t c = 0; c < t->head->n_classes; c++) {
            if (!(t->tools[i].classes >> c & 1)) continue;
            if (!first) fputs(", ", stdout);
            print_text(t->head->class_list[c].name);
            first = false;
        }
        printf(" |\n");
    }
}

static void print_splits(const Tally *t) {
    printf("\n## Splits\n\n%s", t->head->n_splits ? "" : "None.\n");
    for (uint32_t i = 0; i < t->head->n_splits; i++) {
        printf("%s### ", i ? "\n" : "");
        print_text(t->head->splits[i].name);
        printf("\n\nMessages (runs).\n\n| class | train | validation | test | unused "
               "|\n|---|---|---|---|---|\n");
        for (int kind = 0; kind < BALANCE_KINDS; kind++) {
            if (!balance_kind(t->head, kind)) continue;
            print_cell(balance_kind(t->head, kind));
            for (int side = 0; side < DATASET_SIDES; side++)
                printf("| %llu (%u) ", (unsigned long long)t->splits[i].sides[side].messages[kind],
                       t->splits[i].sides[side].runs[kind]);
            printf("|\n");
        }
    }
}

/* ---- what check found ---------------------------------------------------------------------------------- */

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key, const char *otherwise) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : otherwise;
}

static void print_accuracy(const json_t *value) {
    if (json_is_number(value))
        printf("| %.3f ", json_number_value(value));
    else
        fputs("| – ", stdout);
}

static void print_fields(const json_t *fields) {
    size_t at, shown = 0;
    const json_t *field;
    printf("\n| field | against | other runs | other sessions | permuted | without false positive | |\n"
           "|---|---|---|---|---|---|---|\n");
    json_array_foreach(fields, at, field) {
        bool leak = json_is_true(json_object_get(field, "leak"));
        bool all = json_is_null(json_object_get(field, "class"));
        if (json_is_true(json_object_get(field, "behaviour"))) continue;
        if (!leak && (!all || shown >= FIELDS_SHOWN)) continue;
        shown++;
        print_cell(text_of(field, "field", "?"));
        print_cell(text_of(field, "class", "all attacks"));
        print_accuracy(json_object_get(field, "runs"));
        print_accuracy(json_object_get(field, "sessions"));
        print_accuracy(json_object_get(field, "chance"));
        printf("| %.1f %% | %s |\n", 100 * number(field, "pure"), leak ? "**leak**" : "");
    }
}

static void print_hunt(const json_t *hunt) {
    const char *skipped = text_of(hunt, "skipped", NULL);
    if (skipped) {
        fputs("Single fields: not looked at, ", stdout);
        print_text(skipped);
        printf(".\n");
        return;
    }
    printf("Single fields as rules, balanced accuracy (0.5 is chance), over %.0f attack and %.0f benign "
           "requests; the strongest that are\nno behaviour, and every leak. Permuted labels give %.3f on "
           "average.\n",
           number(hunt, "attacks"), number(hunt, "benign"), number(hunt, "permuted_mean"));
    print_fields(json_object_get(hunt, "fields"));
}

static double share(const json_t *pair) {
    double part = json_number_value(json_array_get(pair, 0)),
           whole = json_number_value(json_array_get(pair, 1));
    return whole > 0 ? 100 * part / whole : 0;
}

static void print_shared(const json_t *split) {
    const char *key;
    json_t *kind;
    if (!json_is_object(split)) return;
    fputs("\nWhat validation and test of split ", stdout);
    print_text(text_of(split, "name", "?"));
    printf(" share with an earlier side:\n\n| | shared | benign messages | attack messages | |\n"
           "|---|---|---|---|---|\n");
    json_object_foreach((json_t *)(uintptr_t)split, key, kind) {
        if (!json_is_object(kind)) continue;
        print_cell(key);
        printf("| %.0f of %.0f | %.2f %% | %.2f %% | %s |\n", number(kind, "shared"), number(kind, "of"),
               share(json_object_get(kind, "benign")), share(json_object_get(kind, "attack")),
               json_is_true(json_object_get(kind, "leak")) ? "**leak**" : "");
    }
}

static void print_swapped(const json_t *swap) {
    const char *key;
    json_t *field;
    if (!json_is_object(swap)) return;
    fputs("\nVerdicts of ", stdout);
    print_text(text_of(swap, "model", "?"));
    printf(
        " that move when a header is swapped between attack and benign:\n\n| header | benign | attack | |\n"
        "|---|---|---|---|\n");
    json_object_foreach((json_t *)(uintptr_t)swap, key, field) {
        if (!json_is_object(field)) continue;
        const json_t *moved = json_object_get(field, "moved");
        double benign = number(swap, "benign"), attack = number(swap, "attack");
        print_cell(key);
        printf("| %.2f %% | %.2f %% | %s |\n",
               benign > 0 ? 100 * json_number_value(json_array_get(moved, 0)) / benign : 0,
               attack > 0 ? 100 * json_number_value(json_array_get(moved, 1)) / attack : 0,
               json_is_true(json_object_get(field, "leak")) ? "**leak**" : "");
    }
}

/* The check's object, whose dataset has to be this one. */
static CoreStatus read_check(const CardOptions *o, const Tally *t, json_t **check, CoreError *error) {
    json_error_t fault;
    *check = json_load_file(o->check, 0, &fault);
    if (!*check) return core_fail(error, CORE_FORMAT, "%s line %d: %s", o->check, fault.line, fault.text);
    if (strcmp(text_of(*check, "sha256", ""), t->sha256) == 0) return CORE_OK;
    json_decref(*check);
    *check = NULL;
    return core_fail(error, CORE_FORMAT,
                     "%s is no check of this dataset: another SHA-256 (a split made since "
                     "changes it)",
                     o->check);
}

static void print_check(const json_t *check) {
    printf("\n## Leaks\n\n");
    if (!check) {
        printf("Not checked.\n");
        return;
    }
    printf("`sipcnn-data check`: **%s**.\n\n", json_is_true(json_object_get(check, "ok"))
                                                   ? "no leak above the limits"
                                                   : "leaks above the limits");
    print_hunt(json_object_get(check, "hunt"));
    print_shared(json_object_get(check, "split"));
    print_swapped(json_object_get(check, "swap"));
}

CoreStatus card_print(const CardOptions *options, const Tally *tally, CoreError *error) {
    json_t *check = NULL;
    CoreStatus status = options->check ? read_check(options, tally, &check, error) : CORE_OK;
    if (status != CORE_OK) return status;
    print_summary(options, tally);
    print_sessions(tally);
    print_classes(tally);
    print_tools(tally);
    print_splits(tally);
    print_check(check);
    json_decref(check);
    return CORE_OK;
}
