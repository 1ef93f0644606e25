/* The scores as text and as JSON.
 * Relies on: bench/accuracy.h, jansson.
 * Relied on by: bench/accuracy_command.c, tests. */
#include "bench/accuracy.h"

#include <stdlib.h>
#include <string.h>

enum { FALSE_INCIDENTS_SHOWN = 20, WRONG_SHOWN = 5 };

static double per_million(const BenchScore *score) {
    return 1e6 * (double)score->false_messages / (double)(score->benign ? score->benign : 1);
}

/* Classes by name. */
static uint32_t sorted_classes(const BenchScore *score, uint32_t *sorted) {
    const BenchTally *tally = &score->requests;
    memcpy(sorted, tally->order, sizeof tally->order);
    for (uint32_t i = 1; i < tally->n_order; i++)
        for (uint32_t j = i; j && strcmp(bench_names_text(&score->classes, sorted[j - 1]),
                                         bench_names_text(&score->classes, sorted[j])) > 0;
             j--) {
            uint32_t swap = sorted[j];
            sorted[j] = sorted[j - 1];
            sorted[j - 1] = swap;
        }
    return tally->n_order;
}

/* The next commonest wrong verdict on a class that is not in `told` yet; false: none is left. */
static bool next_wrong(const BenchTally *tally, uint32_t c, uint64_t *told, uint32_t *said) {
    uint64_t most = 0;
    for (uint32_t s = 0; s < BENCH_CLASSES_MAX; s++)
        if (!(*told >> s & 1) && tally->wrong[c][s] > most) most = tally->wrong[c][s], *said = s;
    if (most) *told |= (uint64_t)1 << *said;
    return most > 0;
}

/* ---- JSON ---- */

static json_t *class_json(const BenchScore *score, uint32_t c) {
    const BenchTally *tally = &score->requests;
    json_t *wrong = json_object();
    uint64_t told = 0;
    for (uint32_t said; next_wrong(tally, c, &told, &said);)
        json_object_set_new(wrong, bench_names_text(&score->classes, said),
                            json_integer((json_int_t)tally->wrong[c][said]));
    return json_pack("{s:I, s:f, s:f, s:o}", "n", (json_int_t)tally->n[c], "recall",
                     bench_tally_recall(tally, c), "f1", bench_tally_f1(tally, c), "wrong", wrong);
}

static json_t *missed_json(const BenchScore *score) {
    json_t *missed = json_array();
    for (size_t i = 0; i < score->n_runs; i++) {
        const BenchRunResult *run = &score->runs[i];
        if (!run->found)
            json_array_append_new(missed, json_pack("{s:s, s:s, s:s, s:s, s:b, s:n, s:n}", "session",
                                                    run->session, "run", run->run, "cls",
                                                    bench_names_text(&score->classes, run->class_number),
                                                    "tool", run->tool, "found", 0, "seconds", "messages"));
    }
    return missed;
}

static json_t *shown_incidents(const BenchScore *score) {
    json_t *shown = json_array();
    for (size_t i = 0; i < json_array_size(score->false_incidents) && i < FALSE_INCIDENTS_SHOWN; i++)
        json_array_append(shown, json_array_get(score->false_incidents, i));
    return shown;
}

json_t *bench_score_json(const BenchScore *score) {
    uint32_t sorted[BENCH_CLASSES_MAX], counted;
    double macro = bench_tally_macro_f1(&score->requests, &counted);
    json_t *per_class = json_object();
    for (uint32_t i = 0, n = sorted_classes(score, sorted); i < n; i++)
        json_object_set_new(per_class, bench_names_text(&score->classes, sorted[i]),
                            class_json(score, sorted[i]));
    json_t *recall =
        score->attacks ? json_real((double)score->attacks_seen / (double)score->attacks) : json_null();
    return json_pack("{s:O, s:f, s:i, s:f, s:f, s:I, s:o, s:o, s:I, s:i, s:I, s:f, s:f, s:f, s:I, s:o, s:I, "
                     "s:I, s:[f,f], s:o, s:o}",
                     "fail", score->failures, "macro_f1", macro, "classes", (int)counted,
                     "macro_f1_with_onset", bench_tally_macro_f1(&score->with_onset, NULL),
                     "macro_f1_replies", bench_tally_macro_f1(&score->replies, NULL), "onset_wrong",
                     (json_int_t)score->onset_wrong, "any_attack_recall", recall, "per_class", per_class,
                     "benign", (json_int_t)score->benign, "benign_clients", (int)score->client_names.count,
                     "false_messages", (json_int_t)score->false_messages, "false_per_million",
                     per_million(score), "false_per_million_upper95", 1e6 * score->false_upper,
                     "benign_client_hours", score->benign_client_hours, "false_incidents",
                     (json_int_t)json_array_size(score->false_incidents), "false_incident_list",
                     shown_incidents(score), "runs", (json_int_t)score->n_runs, "runs_found",
                     (json_int_t)score->runs_found, "runs_interval", score->interval[0], score->interval[1],
                     "runs_missed", missed_json(score), "median_messages_to_incident",
                     score->median_known ? json_integer((json_int_t)score->median_messages) : json_null());
}

/* ---- text ---- */

static void print_classes(FILE *stream, const BenchScore *score) {
    const BenchTally *tally = &score->requests;
    uint32_t sorted[BENCH_CLASSES_MAX];
    fprintf(stream, "%-18s %9s %7s %7s   %s\n", "requests", "n", "recall", "F1", "judged wrong");
    for (uint32_t i = 0, n = sorted_classes(score, sorted); i < n; i++) {
        uint32_t c = sorted[i], said;
        uint64_t told = 0;
        fprintf(stream, "%-18s %9llu %7.4f %7.4f   ", bench_names_text(&score->classes, c),
                (unsigned long long)tally->n[c], bench_tally_recall(tally, c), bench_tally_f1(tally, c));
        for (int shown = 0; shown < WRONG_SHOWN && next_wrong(tally, c, &told, &said); shown++)
            fprintf(stream, "%s%s %llu", shown ? ", " : "", bench_names_text(&score->classes, said),
                    (unsigned long long)tally->wrong[c][said]);
        fputc('\n', stream);
    }
}

static void print_runs(FILE *stream, const BenchScore *score) {
    for (size_t i = 0; i < score->n_runs; i++) {
        const BenchRunResult *run = &score->runs[i];
        if (!run->found)
            fprintf(stream, "  missed: %s run %s %s (%s)\n", run->session, run->run,
                    bench_names_text(&score->classes, run->class_number), run->tool);
    }
    for (size_t i = 0; i < json_array_size(score->false_incidents) && i < FALSE_INCIDENTS_SHOWN; i++) {
        char *text = json_dumps(json_array_get(score->false_incidents, i), 0);
        fprintf(stream, "  false incident: %s\n", text ? text : "");
        free(text);
    }
}

void bench_score_print(FILE *stream, const BenchScore *score) {
    uint32_t counted;
    double macro = bench_tally_macro_f1(&score->requests, &counted);
    print_classes(stream, score);
    fprintf(stream, "macro F1 %.4f over %u classes (requests after onset); with onset %.4f; replies %.4f\n",
            macro, counted, bench_tally_macro_f1(&score->with_onset, NULL),
            bench_tally_macro_f1(&score->replies, NULL));
    fprintf(stream, "any attack %.4f of %llu; wrong class on onset %llu\n",
            score->attacks ? (double)score->attacks_seen / (double)score->attacks : 0.0,
            (unsigned long long)score->attacks, (unsigned long long)score->onset_wrong);
    fprintf(stream, "false messages %llu of %llu = %.0f per million (95 %% below %.0f), %u benign clients\n",
            (unsigned long long)score->false_messages, (unsigned long long)score->benign, per_million(score),
            1e6 * score->false_upper, score->client_names.count);
    fprintf(
        stream,
        "false incidents %zu in %.1f client-hours; runs found %llu/%zu (95 %% %.2f-%.2f), median messages ",
        json_array_size(score->false_incidents), score->benign_client_hours,
        (unsigned long long)score->runs_found, score->n_runs, score->interval[0], score->interval[1]);
    if (score->median_known)
        fprintf(stream, "to incident %llu\n", (unsigned long long)score->median_messages);
    else
        fprintf(stream, "to incident unknown\n");
    print_runs(stream, score);
    for (size_t i = 0; i < json_array_size(score->failures); i++)
        fprintf(stream, "NO SCORE: %s\n", json_string_value(json_array_get(score->failures, i)));
}
