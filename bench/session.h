/* A scored session: the labels, runs, verdicts and incidents of one capture, joined by message.
 * Relies on: bench/names.h, bench/table.h, jansson.
 * Relied on by: bench/accuracy.c, tests. */
#ifndef SIPCNN_BENCH_SESSION_H
#define SIPCNN_BENCH_SESSION_H

#include "bench/names.h"

#include <jansson.h>

/* Class names of all sessions of a score share one set, so that a set of classes is a mask. */
enum { BENCH_CLASSES_MAX = 64 };
/* Always there, with these numbers. */
enum { BENCH_BENIGN = 0, BENCH_IGNORE = 1 };

typedef enum BenchPart { BENCH_REQUEST, BENCH_ONSET, BENCH_OTHER } BenchPart; /* OTHER: reply, relay */

/* What was said about a message. */
typedef struct BenchVerdict {
    uint32_t said;   /* class number */
    uint32_t client; /* in BenchSession.hosts: source of a request, destination of a reply */
    double time;     /* seconds since the epoch */
} BenchVerdict;

/* One row of NAME.labels.tsv. */
typedef struct BenchLabel {
    uint32_t primary; /* class number */
    BenchPart part;
    uint64_t also;               /* mask of classes; right verdicts are these and primary */
    uint32_t run;                /* in BenchSession.run_names */
    const BenchVerdict *verdict; /* NULL: none */
} BenchLabel;

/* One row of NAME.runs.tsv. */
typedef struct BenchRun {
    uint32_t run; /* in BenchSession.run_names */
    uint32_t class_number;
    char *tool;
    double start, end;
    uint32_t *clients; /* distinct, in BenchSession.hosts */
    size_t n_clients;
} BenchRun;

/* An incident: its first line, and the times at which it was open. */
typedef struct BenchIncident {
    json_t *line;
    uint32_t class_number;
    bool has_client;
    uint32_t client; /* in BenchSession.hosts */
    double *times;   /* of its lines that do not close it */
    size_t n_times, capacity;
} BenchIncident;

typedef struct BenchSession {
    char *name;           /* without directories */
    BenchNames hosts;     /* canonical addresses */
    BenchNames run_names; /* of labels and runs */
    BenchNames keys;      /* (frame, index) of the labels; a label's number is its key's */
    BenchLabel *labels;
    size_t n_labels, labels_capacity;
    uint64_t *also; /* [run_names.count] mask of the `also` classes of the run's labels */
    BenchRun *runs;
    size_t n_runs, runs_capacity;
    BenchNames verdict_keys;
    BenchVerdict *verdicts;
    size_t n_verdicts, verdicts_capacity, duplicates;
    BenchNames incident_ids;
    BenchIncident *incidents;
    size_t n_incidents, incidents_capacity;
} BenchSession;

/* Reads NAME.labels.tsv, NAME.runs.tsv (each also as .xz), NAME.verdicts.jsonl and NAME.incidents.jsonl; of
 * the incidents those of the rules when `rules` is true, else those of the model. `classes` (shared, holding
 * benign and ignore already: bench_classes_init) grows by the names found. Free with bench_session_free,
 * after a failure too. Errors name file and line: CORE_IO, CORE_FORMAT, CORE_LIMIT, CORE_MEMORY. */
CORE_NODISCARD CoreStatus bench_session_read(const char *name, bool rules, BenchNames *classes,
                                             BenchSession *session, CoreError *error);
void bench_session_free(BenchSession *session);

/* Starts a set of class names with BENCH_BENIGN and BENCH_IGNORE. */
CORE_NODISCARD CoreStatus bench_classes_init(BenchNames *classes, CoreError *error);

/* The canonical text of the address in "10.0.0.1:5060", "[fd66::1]:5060" or a bare address: equal addresses
 * have equal texts. "" of "", and "not an address: ..." of anything else. Cut to capacity. */
void bench_host(const char *address, char *text, size_t capacity);

#endif
