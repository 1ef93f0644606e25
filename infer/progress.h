/* A progress line on the terminal for what takes longer than two seconds.
 * Relies on: data/wire/source.h.
 * Relied on by: infer/pipeline, infer/main. */
#ifndef SIPCNN_INFER_PROGRESS_H
#define SIPCNN_INFER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "data/wire/source.h"

typedef struct Progress {
    int64_t started_ns, shown_ns; /* monotonic clock */
    bool visible;
} Progress;

void progress_start(Progress *progress);
/* Rewrites the line twice a second at most. On the thread that reads the source. */
void progress_tick(Progress *progress, WireSource *source);
/* Wipes the line. */
void progress_end(Progress *progress);

/* Nanoseconds of the monotonic clock. */
int64_t progress_clock(void);

#endif
