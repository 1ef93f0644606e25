/* The batches of an epoch, read and spelt out ahead of the trainer by a thread of their own.
 * Relies on: train/data.h, train/sampler.h, train/checkpoint.h (options), data/dataset/ahead.h.
 * Relied on by: train/fit. */
#ifndef SIPCNN_TRAIN_BATCHES_H
#define SIPCNN_TRAIN_BATCHES_H

#include "train/checkpoint.h"
#include "train/sampler.h"

/* A batch as the network and its loss want it: a pure function of draws, options, place and step. */
typedef struct TrainLoaded {
    const TrainDraw *draws; /* [n] */
    uint32_t n;
    TrainBatch batch; /* of n rows */
} TrainLoaded;

typedef struct TrainBatchesOptions {
    const TrainData *data;
    const TrainOptions *options;
    uint32_t classes;
    bool training;  /* counters are jittered */
    uint64_t step;  /* of the optimiser, before the first batch */
    uint32_t begin; /* the first draw, a multiple of the batch */
    uint32_t n;     /* draws in all */
    const TrainDraw *draws;
} TrainBatchesOptions;

typedef struct TrainBatches TrainBatches;

/* Starts loading. Borrows what the options (copied) point to until train_batches_free. CORE_MEMORY,
 * CORE_UNAVAILABLE (no thread). */
CORE_NODISCARD CoreStatus train_batches_new(const TrainBatchesOptions *options, TrainBatches **batches,
                                            CoreError *error);

/* The next batch, valid until the next call. CORE_END behind the last; CORE_IO. */
CORE_NODISCARD CoreStatus train_batches_next(TrainBatches *batches, const TrainLoaded **loaded,
                                             CoreError *error);

/* Seconds that train_batches_next has waited so far. */
double train_batches_waited(const TrainBatches *batches);

void train_batches_free(TrainBatches *batches);

#endif
