/* How something long tells how far along it is, and hears that it should stop.
 * Relies on: libc.
 * Relied on by: data/dataset/import, data/dataset/cache. */
#ifndef SIPCNN_DATASET_PROGRESS_H
#define SIPCNN_DATASET_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* `report` is called every few thousand messages with done <= total (total 0: unknown); false stops the work,
 * which then returns CORE_INTERRUPTED. A NULL `report` is never called. */
typedef struct DatasetProgress {
    bool (*report)(void *user, uint64_t done, uint64_t total);
    void *user;
} DatasetProgress;

/* Calls the function, if there is one; true: go on. `progress` may be NULL. */
static inline bool dataset_progress(const DatasetProgress *progress, uint64_t done, uint64_t total) {
    return !progress || !progress->report || progress->report(progress->user, done, total);
}

#endif
