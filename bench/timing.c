/* The clock of the benchmarks, and the least and the median of several measurements.
 * Relies on: POSIX.
 * Relied on by: bench/latency.c, bench/fma.c, bench/kernels_command.c, bench/peers_command.c. */
#include "bench/timing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t bench_now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

double bench_seconds_since(uint64_t begin) {
    return 1e-9 * (double)(bench_now_ns() - begin);
}

void bench_series_add(BenchSeries *series, double value) {
    if (series->count < BENCH_ROUNDS_MAX) series->values[series->count++] = value;
}

static int compare_double(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The values in ascending order; the copy keeps the series const. */
static int sorted(const BenchSeries *series, double values[BENCH_ROUNDS_MAX]) {
    memcpy(values, series->values, (size_t)series->count * sizeof *values);
    qsort(values, (size_t)series->count, sizeof *values, compare_double);
    return series->count;
}

double bench_series_least(const BenchSeries *series) {
    double values[BENCH_ROUNDS_MAX];
    return sorted(series, values) ? values[0] : 0;
}

double bench_series_greatest(const BenchSeries *series) {
    double values[BENCH_ROUNDS_MAX];
    const int n = sorted(series, values);
    return n ? values[n - 1] : 0;
}

double bench_series_median(const BenchSeries *series) {
    double values[BENCH_ROUNDS_MAX];
    const int n = sorted(series, values);
    return n ? .5 * (values[(n - 1) / 2] + values[n / 2]) : 0;
}
