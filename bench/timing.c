/* The clock of the benchmarks; the same work timed in several turns, and the least and the median of these.
 * Relies on: engine/core, POSIX.
 * Relied on by: all that is timed here. */
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

CoreStatus bench_turns_calibrate(BenchTurns *turns, double sample, CoreError *error) {
    double seconds = 0;
    for (turns->count = 1; turns->count < 1u << 24; turns->count *= 2) {
        CoreStatus status = turns->run(turns->job, turns->count, &seconds, error);
        if (status) return status;
        if (seconds >= sample / 4) break;
    }
    const double count = seconds > 0 ? turns->count * sample / seconds : 1;
    turns->count = count < 1 ? 1 : count > 1e7 ? 10000000 : (uint32_t)count;
    return CORE_OK;
}

CoreStatus bench_turns_take(BenchTurns *turns, CoreError *error) {
    double seconds;
    CoreStatus status = turns->run(turns->job, 1, &seconds, error);
    if (status == CORE_OK) status = turns->run(turns->job, turns->count, &seconds, error);
    if (status == CORE_OK) bench_series_add(&turns->seconds, seconds / turns->count);
    return status;
}
