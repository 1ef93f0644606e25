/* Time per message of each step of the path, on one thread, and of the whole sensor as a process.
 * Relies on: data/wire, data/features, infer (executor).
 * Relied on by: bench/latency_command.c. */
#ifndef SIPCNN_BENCH_LATENCY_H
#define SIPCNN_BENCH_LATENCY_H

#include "engine/core/model.h"

#include <stddef.h>
#include <stdint.h>

/* Steps in the order of the path: X(NAME, text). */
#define BENCH_STEP_MAP(X)                                                                                    \
    X(READ, "read")       /* packet to message: source, decapsulation, duplicates */                         \
    X(ENCODE, "encode")   /* scan, libosip2 where asked, tokens and text */                                  \
    X(CONTEXT, "context") /* keys, counters, dialog history */                                               \
    X(FORWARD, "forward") /* the network */                                                                  \
    X(WHOLE, "whole")     /* all of them */

typedef enum BenchStep {
#define BENCH_STEP_ENUM(name, text) BENCH_STEP_##name,
    BENCH_STEP_MAP(BENCH_STEP_ENUM)
#undef BENCH_STEP_ENUM
        BENCH_STEPS
} BenchStep;

const char *bench_step_name(BenchStep step);

/* Nanoseconds of every message and step. Zeroed: nothing measured. */
typedef struct BenchTimes {
    uint32_t *ns[BENCH_STEPS]; /* [count] */
    size_t count, capacity;
} BenchTimes;

/* Runs the capture `path` through the path once, with an empty context, and appends what each message took;
 * at most `limit` messages. The clock's own time (some 20 ns a step) is in the figures. Errors as those of
 * wire_source_next and sipcnn_executor_new. */
CORE_NODISCARD CoreStatus bench_latency_run(const CoreModel *model, const char *path, size_t limit,
                                            BenchTimes *times, CoreError *error);
void bench_times_free(BenchTimes *times);

/* Of one step; the times are sorted in place. */
typedef struct BenchSummary {
    double mean; /* ns */
    uint32_t least, median, p90, p99, p999, greatest;
} BenchSummary;

BenchSummary bench_times_summary(BenchTimes *times, BenchStep step);

/* What one run of a program took. */
typedef struct BenchProcess {
    double seconds, cpu_seconds;
    long max_rss_kib;
} BenchProcess;

/* Runs argv[0] (found on the PATH) with its output thrown away and waits for it. CORE_IO: it cannot be
 * started, or failed. */
CORE_NODISCARD CoreStatus bench_process_run(const char *const argv[], BenchProcess *process,
                                            CoreError *error);

#endif
