/* sipcnn-bench accuracy: scores of verdicts and incidents against labels.
 * Relies on: bench/accuracy.h, getopt_long.
 * Relied on by: bench/main.c. */
#include "bench/accuracy.h"
#include "bench/commands.h"

#include <getopt.h>
#include <stdlib.h>

static const char usage[] =
    "usage: sipcnn-bench accuracy [--json] [--rules] NAME...\n\n"
    "Each NAME stands for four files: NAME.labels.tsv and NAME.runs.tsv (also .xz), NAME.verdicts.jsonl and\n"
    "NAME.incidents.jsonl, the last two as sipcnn-infer writes them. docs/labels.md defines the scores. "
    "Exits 1 when\n"
    "verdicts are missing or doubled, so that there is no score.\n\n"
    "options:\n"
    "  --json    print JSON\n"
    "  --rules   score the incidents of the rules instead of the model's\n\n"
    "example:\n"
    "  sipcnn-infer --model lab.sipcnn --read mixed.pcap --verdicts mixed.verdicts.jsonl --json > "
    "mixed.incidents.jsonl\n"
    "  sipcnn-bench accuracy mixed\n";

static CoreStatus score_sessions(char **names, int n, bool rules, BenchScore *score, CoreError *error) {
    CoreStatus status = bench_classes_init(&score->classes, error);
    for (int i = 0; status == CORE_OK && i < n; i++) {
        BenchSession session;
        status = bench_session_read(names[i], rules, &score->classes, &session, error);
        if (status == CORE_OK) status = bench_score_add(score, &session, error);
        bench_session_free(&session);
    }
    return status ? status : bench_score_finish(score, error);
}

static int print_score(const BenchScore *score, bool as_json) {
    if (!as_json) {
        bench_score_print(stdout, score);
        return BENCH_EXIT_OK;
    }
    json_t *json = bench_score_json(score);
    int failed = !json || json_dumpf(json, stdout, JSON_INDENT(1)) != 0;
    putchar('\n');
    json_decref(json);
    return failed ? BENCH_EXIT_FAILED : BENCH_EXIT_OK;
}

int bench_accuracy_command(int argc, char **argv) {
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"rules", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    bool as_json = false, rules = false;
    for (int letter; (letter = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (letter == 'h') return fputs(usage, stdout) < 0;
        if (letter == '?') return BENCH_EXIT_USAGE;
        as_json |= letter == 'j';
        rules |= letter == 'r';
    }
    if (optind == argc) {
        fputs(usage, stderr);
        return BENCH_EXIT_USAGE;
    }
    CoreError error = {0};
    BenchScore *score = calloc(1, sizeof *score);
    if (!score) return BENCH_EXIT_FAILED;
    CoreStatus status = score_sessions(argv + optind, argc - optind, rules, score, &error);
    int result = status ? BENCH_EXIT_FAILED : print_score(score, as_json);
    if (status) fprintf(stderr, "sipcnn-bench: %s\n", error.text);
    if (status == CORE_OK && json_array_size(score->failures)) result = BENCH_EXIT_FAILED;
    bench_score_free(score);
    free(score);
    return result;
}
