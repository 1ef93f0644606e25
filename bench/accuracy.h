/* Scores of verdicts and incidents against labels (docs/labels.md, "Scores").
 * Relies on: bench/session.h, bench/bootstrap.h.
 * Relied on by: bench/accuracy_command.c, tests. */
#ifndef SIPCNN_BENCH_ACCURACY_H
#define SIPCNN_BENCH_ACCURACY_H

#include "bench/session.h"

#include <stdio.h>

/* Verdicts over one set of messages. `order` lists the classes in the order in which they appeared as
 * primary: sums over classes run in this order. */
typedef struct BenchTally {
    uint64_t n[BENCH_CLASSES_MAX], hit[BENCH_CLASSES_MAX];       /* by primary */
    uint64_t named[BENCH_CLASSES_MAX], right[BENCH_CLASSES_MAX]; /* by verdict */
    uint64_t wrong[BENCH_CLASSES_MAX][BENCH_CLASSES_MAX];        /* [primary][verdict] */
    uint32_t order[BENCH_CLASSES_MAX], n_order;
} BenchTally;

double bench_tally_recall(const BenchTally *tally, uint32_t class_number);
double bench_tally_f1(const BenchTally *tally, uint32_t class_number);
/* Mean F1 of the classes with at least 50 messages; *counted (may be NULL) tells how many. */
double bench_tally_macro_f1(const BenchTally *tally, uint32_t *counted);

/* One run: whether, when and after how many of its messages an incident of a right class and client was
 * there. */
typedef struct BenchRunResult {
    char *session, *run, *tool;
    uint32_t class_number;
    bool found;
    double seconds;
    uint64_t messages;
} BenchRunResult;

/* Benign messages of a client (a pair of session and address), and when it was seen. */
typedef struct BenchClient {
    uint64_t benign, wrong;
    double first, last;
} BenchClient;

/* The scores of any number of sessions. Zero-initialise, then bench_classes_init(&score->classes). */
typedef struct BenchScore {
    BenchNames classes;
    BenchTally requests;   /* the headline: requests after onset */
    BenchTally with_onset; /* with onset messages, where benign counts as a miss */
    BenchTally replies;
    uint64_t attacks, attacks_seen; /* attack requests after onset, and those not judged benign */
    uint64_t onset_wrong;
    json_t *failures;        /* array of texts: reasons why there is no score at all */
    json_t *false_incidents; /* array of objects */
    BenchNames client_names; /* session and address */
    BenchClient *clients;    /* [client_names.count] */
    size_t clients_capacity;
    BenchRunResult *runs; /* [n_runs] */
    size_t n_runs, runs_capacity;
    /* By bench_score_finish: */
    uint64_t benign, false_messages, runs_found;
    double false_upper; /* 95 % bound of false_messages / benign */
    double benign_client_hours;
    double interval[2];       /* Wilson, of runs_found / n_runs */
    bool median_known;        /* false: half of the runs or more were missed */
    uint64_t median_messages; /* messages of a run until its incident */
} BenchScore;

/* Adds a session. CORE_MEMORY, CORE_LIMIT. */
CORE_NODISCARD CoreStatus bench_score_add(BenchScore *score, const BenchSession *session, CoreError *error);
/* Once, after the last session. CORE_MEMORY. */
CORE_NODISCARD CoreStatus bench_score_finish(BenchScore *score, CoreError *error);
void bench_score_free(BenchScore *score);

/* All figures as JSON (json_decref; NULL: no memory), and as text. */
json_t *bench_score_json(const BenchScore *score);
void bench_score_print(FILE *stream, const BenchScore *score);

#endif
