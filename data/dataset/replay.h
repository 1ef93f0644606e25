/* Replay: a dataset's messages through encode and context_step, in capture order, as a sensor would see them.
 * Relies on: data/dataset/dataset.h, data/features.
 * Relied on by: data/dataset/cache, tests. */
#ifndef SIPCNN_DATASET_REPLAY_H
#define SIPCNN_DATASET_REPLAY_H

#include "data/dataset/dataset.h"
#include "data/features/features.h"

/* Hours of sparse benign history before the capture in a warm replay: the longest decayed counter needs four.
 */
enum { DATASET_WARM_HOURS = 4 };

/* All zero: every message once, contexts empty at the start of each capture that follows none. */
typedef struct DatasetReplayOptions {
    const uint32_t *drop_runs; /* [n_drop_runs] runs (as in Dataset.run): all messages with one of their
                                  Call-IDs in the run's capture are left out */
    size_t n_drop_runs;
    uint32_t warm_every; /* n > 0: captures 0, n, 2n … are replayed a second time, after their own benign
                            messages stretched over the hours before */
    const FeatureLocal *local; /* [n_local] the operator's own hosts */
    size_t n_local;
} DatasetReplayOptions;

/* A row as the replay delivers it; `features` and `keys` are valid until the next call. */
typedef struct DatasetReplayRow {
    uint64_t message; /* row in the dataset */
    bool warm;
    bool request;
    const FeatureRow *features;
    const FeatureKeys *keys;
} DatasetReplayRow;

typedef struct DatasetReplay DatasetReplay;

/* A replay at its start. Borrows dataset and options until freed. wire_osip_init must have run. CORE_MEMORY,
 * CORE_ARGUMENT (an unknown run to drop). One thread at a time. */
CORE_NODISCARD CoreStatus dataset_replay_new(const Dataset *dataset, const DatasetReplayOptions *options,
                                             DatasetReplay **replay, CoreError *error);

/* The next row: CORE_OK, CORE_END behind the last, CORE_MEMORY. Chains of captures that follow each other are
 * replayed one behind the other, all else in dataset order. */
CORE_NODISCARD CoreStatus dataset_replay_next(DatasetReplay *replay, DatasetReplayRow *row, CoreError *error);

/* Messages stepped through so far and in all, warm history included: for progress lines. */
void dataset_replay_progress(const DatasetReplay *replay, uint64_t *done, uint64_t *total);

void dataset_replay_free(DatasetReplay *replay);

/* Hash of what options change in the rows, for the cache's name. NULL counts as all zero. Pure. */
uint64_t dataset_replay_options_hash(const DatasetReplayOptions *options);

#endif
