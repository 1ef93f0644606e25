/* The labelled rows of a side in capture order, however many: from a feature cache that holds them all, else
 * straight from the dataset.
 * Relies on: train/data.h, data/dataset (replay.h, ahead.h).
 * Relied on by: train/scores, train/evaluate, train/job. */
#ifndef SIPCNN_TRAIN_STREAM_H
#define SIPCNN_TRAIN_STREAM_H

#include "train/data.h"

enum { TRAIN_CHUNK = 256 };

/* Up to TRAIN_CHUNK rows; only the last chunk has fewer. */
typedef struct TrainChunk {
    uint32_t n;
    uint64_t done, total; /* messages looked at so far, and in all: for progress lines */
    DatasetExample examples[TRAIN_CHUNK];
    FeatureRow rows[TRAIN_CHUNK];
} TrainChunk;

typedef struct TrainStream TrainStream;

/* Starts at the side's first row; rows of the second, warm replay come only when `warm` is true. Borrows its
 * source, which belongs to the stream until train_stream_free. Works ahead on threads of its own.
 * CORE_MEMORY, CORE_UNAVAILABLE (no thread); else as dataset_replay_open. */
CORE_NODISCARD CoreStatus train_stream_open(TrainSource *source, DatasetSide side, bool warm,
                                            TrainStream **stream, CoreError *error);
/* The same of rows that are at hand. */
CORE_NODISCARD CoreStatus train_stream_data(const TrainData *data, DatasetSide side, bool warm,
                                            TrainStream **stream, CoreError *error);

/* The next chunk, valid until the next call. CORE_END behind the last; CORE_NOT_FOUND: the side has no
 * labelled row; CORE_IO; else as dataset_replay_next. */
CORE_NODISCARD CoreStatus train_stream_next(TrainStream *stream, const TrainChunk **chunk, CoreError *error);

/* After CORE_END: whether some message of that client, labelled or not, is of a run. */
bool train_stream_attacked(const TrainStream *stream, uint32_t client);

void train_stream_free(TrainStream *stream);

/* Which clients attacked at some time, one byte for each, in *attacked (free()), for rows that are at hand.
 * CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_attackers(const TrainData *data, uint8_t **attacked, uint32_t *n_clients,
                                          CoreError *error);

#endif
