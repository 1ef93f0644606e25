/* The clock of the benchmarks, and the least and the median of several measurements.
 * Relies on: POSIX.
 * Relied on by: bench/latency.c, bench/fma.c, bench/kernels_command.c, bench/peers_command.c. */
#ifndef SIPCNN_BENCH_TIMING_H
#define SIPCNN_BENCH_TIMING_H

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

#endif
