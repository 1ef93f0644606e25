/* Replay: a dataset's messages through encode and context_step, in capture order, as a sensor would see them.
 * Relies on: data/dataset (dataset.h, reader.h, ahead.h), data/features.
 * Relied on by: data/dataset/cache, train (rows to score), tests. */
#ifndef SIPCNN_DATASET_REPLAY_H
#define SIPCNN_DATASET_REPLAY_H

#include "data/dataset/reader.h"
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
    const bool *wanted; /* [n_captures] captures whose rows are wanted; a chain is left where none is wanted
                           from there on. NULL: all. */
} DatasetReplayOptions;

/* What training needs to know of a row beside its features. */
typedef struct DatasetExample {
    int64_t time_ns;
    uint64_t message; /* row in the dataset */
    uint32_t capture;
    uint32_t run;     /* 0: none */
    uint32_t classes; /* mask, as in the dataset */
    uint32_t client;  /* 1-based number of the pair (capture, client address); 0: no client */
    uint8_t primary;
    uint8_t part;
    uint8_t warm;    /* 1: from the second replay, in a context that is hours old */
    uint8_t request; /* 1: a request, 0: a reply */
    uint32_t zero;
} DatasetExample;

/* A row as the replay delivers it; `features` and `keys` are valid until the next call. */
typedef struct DatasetReplayRow {
    DatasetExample example;
    const FeatureRow *features;
    const FeatureKeys *keys;
} DatasetReplayRow;

typedef struct DatasetReplay DatasetReplay;

/* A replay at its start, of a dataset in memory or of a file of any size. Borrows its source, the options and
 * what they point to until freed; the reader is the replay's alone until then. Reads and encodes on a thread
 * of its own; wire_osip_init must have run. CORE_MEMORY, CORE_UNAVAILABLE (no thread), CORE_ARGUMENT (an
 * unknown run to drop); else as dataset_reader_next. One caller at a time. */
CORE_NODISCARD CoreStatus dataset_replay_new(const Dataset *dataset, const DatasetReplayOptions *options,
                                             DatasetReplay **replay, CoreError *error);
CORE_NODISCARD CoreStatus dataset_replay_open(DatasetReader *reader, const DatasetReplayOptions *options,
                                              DatasetReplay **replay, CoreError *error);

/* The next row: CORE_OK, CORE_END behind the last, CORE_MEMORY, or what the reader says. Chains of captures
 * that follow each other are replayed one behind the other, all else in dataset order. */
CORE_NODISCARD CoreStatus dataset_replay_next(DatasetReplay *replay, DatasetReplayRow *row, CoreError *error);

/* Messages read so far and in all, those of warm histories included: for progress lines. */
void dataset_replay_progress(const DatasetReplay *replay, uint64_t *done, uint64_t *total);

/* Clients numbered so far: the greatest DatasetExample.client. */
uint32_t dataset_replay_clients(const DatasetReplay *replay);

void dataset_replay_free(DatasetReplay *replay);

/* Hash of what options change in the rows (`wanted` apart), for the cache's name. NULL counts as all zero.
 * Pure. */
uint64_t dataset_replay_options_hash(const DatasetReplayOptions *options);

#endif
