/* Measuring the path step by step, and a whole process.
 * Relies on: data/wire, data/features, infer/executor.h, POSIX.
 * Relied on by: bench/latency_command.c. */
#include "bench/latency.h"

#include "bench/timing.h"
#include "data/features/features.h"
#include "data/wire/source.h"
#include "infer/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

const char *bench_step_name(BenchStep step) {
    static const char *const names[] = {
#define BENCH_STEP_TEXT(name, text) text,
        BENCH_STEP_MAP(BENCH_STEP_TEXT)
#undef BENCH_STEP_TEXT
    };
    return names[step];
}

static CoreStatus grow(BenchTimes *times, CoreError *error) {
    if (times->count < times->capacity) return CORE_OK;
    size_t capacity = times->capacity ? 2 * times->capacity : 4096;
    for (int step = 0; step < BENCH_STEPS; step++) {
        uint32_t *larger = realloc(times->ns[step], capacity * sizeof *larger);
        if (!larger)
            return core_fail(error, CORE_MEMORY, "out of memory for the times of %zu messages", capacity);
        times->ns[step] = larger;
    }
    times->capacity = capacity;
    return CORE_OK;
}

static uint32_t elapsed(uint64_t begin, uint64_t end) {
    return end - begin > UINT32_MAX ? UINT32_MAX : (uint32_t)(end - begin);
}

/* What a run works with. */
typedef struct Path {
    WireSource *source;
    FeatureContext *context;
    SipcnnExecutor *executor;
} Path;

static CoreStatus step_message(const Path *path, BenchTimes *times, CoreError *error) {
    WireMessage message;
    FeatureEncoded encoded;
    FeatureRow row;
    FeatureKeys keys;
    float logits[CORE_MODEL_CLASSES_MAX], novelty;
    uint64_t at[BENCH_STEPS];
    CoreStatus status = grow(times, error);
    if (status) return status;
    at[BENCH_STEP_READ] = bench_now_ns();
    status = wire_source_next(path->source, -1, &message, error);
    if (status) return status;
    at[BENCH_STEP_ENCODE] = bench_now_ns();
    feature_encode(&message, &encoded);
    at[BENCH_STEP_CONTEXT] = bench_now_ns();
    feature_context_step(path->context, &message, &encoded, &row, &keys);
    at[BENCH_STEP_FORWARD] = bench_now_ns();
    sipcnn_executor_run(path->executor, &row, 0, logits, &novelty);
    at[BENCH_STEP_WHOLE] = bench_now_ns();
    for (int step = 0; step < BENCH_STEP_WHOLE; step++)
        times->ns[step][times->count] = elapsed(at[step], at[step + 1]);
    times->ns[BENCH_STEP_WHOLE][times->count++] = elapsed(at[0], at[BENCH_STEP_WHOLE]);
    return CORE_OK;
}

CoreStatus bench_latency_run(const CoreModel *model, const char *path, size_t limit, BenchTimes *times,
                             CoreError *error) {
    Path parts = {0};
    CoreStatus status = wire_source_open_file(path, &parts.source, error);
    if (status == CORE_OK) status = feature_context_new(NULL, 0, &parts.context, error);
    if (status == CORE_OK) status = sipcnn_executor_new(model, &parts.executor, error);
    for (size_t i = 0; status == CORE_OK && i < limit; i++)
        status = step_message(&parts, times, error);
    sipcnn_executor_free(parts.executor);
    if (parts.context) feature_context_free(parts.context);
    if (parts.source) wire_source_free(parts.source);
    return status == CORE_END ? CORE_OK : status;
}

void bench_times_free(BenchTimes *times) {
    for (int step = 0; step < BENCH_STEPS; step++)
        free(times->ns[step]);
    *times = (BenchTimes){0};
}

static int compare_u32(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The value below which a share of the sorted times lies. */
static uint32_t quantile(const uint32_t *sorted, size_t n, double share) {
    size_t rank = (size_t)(share * (double)n);
    return sorted[rank < n ? rank : n - 1];
}

BenchSummary bench_times_summary(BenchTimes *times, BenchStep step) {
    uint32_t *ns = times->ns[step];
    size_t n = times->count;
    BenchSummary summary = {0};
    if (!n) return summary;
    for (size_t i = 0; i < n; i++)
        summary.mean += ns[i] / (double)n;
    qsort(ns, n, sizeof *ns, compare_u32);
    summary.least = ns[0];
    summary.median = quantile(ns, n, .5);
    summary.p90 = quantile(ns, n, .9);
    summary.p99 = quantile(ns, n, .99);
    summary.p999 = quantile(ns, n, .999);
    summary.greatest = ns[n - 1];
    return summary;
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

extern char **environ;

CoreStatus bench_process_run(const char *const argv[], BenchProcess *process, CoreError *error) {
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions)) return core_fail(error, CORE_MEMORY, "out of memory");
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    pid_t child;
    uint64_t begin = bench_now_ns();
    int failure = posix_spawnp(&child, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure) return core_fail(error, CORE_IO, "%s: %s", argv[0], strerror(failure));
    struct rusage usage;
    int result;
    while (wait4(child, &result, 0, &usage) < 0)
        if (errno != EINTR) return core_fail(error, CORE_IO, "%s: %s", argv[0], strerror(errno));
    process->seconds = bench_seconds_since(begin);
    process->cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    process->max_rss_kib = usage.ru_maxrss;
    if (WIFEXITED(result) && WEXITSTATUS(result) == 0) return CORE_OK;
    return core_fail(error, CORE_IO, "%s failed (exit code %d)", argv[0],
                     WIFEXITED(result) ? WEXITSTATUS(result) : -1);
}
