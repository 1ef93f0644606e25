/* The clock of the benchmarks; the same work timed in several turns, and the least and the median of these.
 * Relies on: engine/core, POSIX.
 * Relied on by: all that is timed here. */
#ifndef SIPCNN_BENCH_TIMING_H
#define SIPCNN_BENCH_TIMING_H

#include "engine/core/status.h"

#include <stdint.h>

/* Nanoseconds of a clock that only goes forward. */
uint64_t bench_now_ns(void);

/* Seconds since `begin`, a former bench_now_ns. */
double bench_seconds_since(uint64_t begin);

enum { BENCH_ROUNDS_MAX = 101 };

/* What the same work took, measured several times with other work in between: on a shared machine, and one
 * whose clock depends on its load, a single figure says nothing. Zero-initialise. */
typedef struct BenchSeries {
    int count;
    double values[BENCH_ROUNDS_MAX]; /* in the order of measuring */
} BenchSeries;

/* Adds a value; beyond BENCH_ROUNDS_MAX it is left out. */
void bench_series_add(BenchSeries *series, double value);
/* The least, the greatest and the median (of an even number the mean of the middle two); 0 without values. */
double bench_series_least(const BenchSeries *series);
double bench_series_greatest(const BenchSeries *series);
double bench_series_median(const BenchSeries *series);

/* Work that is timed in turns. */
typedef struct BenchTurns {
    /* Does the work `count` times; *seconds is what that took. */
    CoreStatus (*run)(void *job, uint32_t count, double *seconds, CoreError *error);
    void *job;
    uint32_t count;      /* of a turn */
    BenchSeries seconds; /* of doing it once, a value for each turn */
} BenchTurns;

/* Sets turns->count to what takes about `sample` seconds. Errors as those of the work. */
CORE_NODISCARD CoreStatus bench_turns_calibrate(BenchTurns *turns, double sample, CoreError *error);
/* One turn, after doing the work once so that caches and threads are awake. */
CORE_NODISCARD CoreStatus bench_turns_take(BenchTurns *turns, CoreError *error);

#endif
