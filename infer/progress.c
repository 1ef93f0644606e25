/* A progress line on the terminal for what takes longer than two seconds.
 * Relies on: data/wire/source.h.
 * Relied on by: infer/pipeline, infer/main. */
#include "infer/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define FIRST_NS INT64_C(2000000000)
#define STEP_NS  INT64_C(500000000)

int64_t progress_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void progress_start(Progress *progress) {
    int64_t now = progress_clock();
    *progress = (Progress){.started_ns = now, .shown_ns = now + FIRST_NS - STEP_NS};
}

void progress_tick(Progress *progress, WireSource *source) {
    int64_t now = progress_clock();
    if (now - progress->shown_ns < STEP_NS) return;
    uint64_t done, total, messages = wire_source_counters(source).messages;
    double seconds = (double)(now - progress->started_ns) / 1e9;
    wire_source_progress(source, &done, &total);
    progress->shown_ns = now;
    progress->visible = true;
    fprintf(stderr, "\r\033[K%" PRIu64 " messages, %.0f/s", messages, (double)messages / seconds);
    if (total > 0 && done > 0 && done <= total)
        fprintf(stderr, ", %.0f %%, %.0f s left", 100.0 * (double)done / (double)total,
                seconds * (double)(total - done) / (double)done);
    fflush(stderr);
}

void progress_end(Progress *progress) {
    if (progress->visible) fputs("\r\033[K", stderr);
    progress->visible = false;
}
