/* Labelled rows as training sees them, and what is taken from them before it starts: sides, normalisation.
 * Relies on: data/dataset (examples, reader, feature cache), train/model.h (TrainNorm).
 * Relied on by: train. */
#ifndef SIPCNN_TRAIN_DATA_H
#define SIPCNN_TRAIN_DATA_H

#include "data/dataset/cache.h"
#include "data/dataset/dataset.h"
#include "train/model.h"

/* Views; what they point to is constant and may be shared between threads. */
typedef struct TrainData {
    uint64_t count;                 /* < 2^32 */
    const DatasetExample *examples; /* [count] */
    const FeatureRow *rows;         /* [count]; NULL: they are in `cache` */
    const uint8_t *sides;           /* [count] DatasetSide */
    const DatasetClass *classes;    /* [n_classes] */
    uint32_t n_classes;
    const DatasetCache *cache;
} TrainData;

/* Whether a row has a label to learn or to score: neither ignored nor unlabelled. */
static inline bool train_labelled(const DatasetExample *example) {
    return example->primary != DATASET_IGNORE && example->primary != DATASET_UNLABELLED;
}

/* Features of rows first .. first + n. Thread-safe. CORE_IO: the cache's file cannot be read. */
CORE_NODISCARD CoreStatus train_data_rows(const TrainData *data, uint64_t first, uint64_t n, FeatureRow *rows,
                                          CoreError *error);

/* Normalisation of the counters from the labelled rows of the training side: mean, deviation and range of
 * each; a deviation below 1e-3 gives scale 0. Without such rows everything is 0. CORE_MEMORY, CORE_IO. */
CORE_NODISCARD CoreStatus train_norm_compute(const TrainData *data, TrainNorm *norm, CoreError *error);

/* A dataset file of any size with one split, opened for training or scoring: its tables, and of its rows
 * those that the feature cache keeps. */
typedef struct TrainSource {
    DatasetReader *reader;
    const Dataset *head;       /* the reader's tables */
    const DatasetSplit *split; /* of head; NULL: every row is on the test side */
    DatasetReplayOptions replay;
    DatasetCache cache; /* count 0 if it was not opened */
    uint8_t hash[DATASET_HASH_SIZE];
    uint8_t *sides;
    TrainData data; /* of the cache's rows */
} TrainSource;

typedef struct TrainSourceOptions {
    const char *path;  /* of the dataset */
    const char *split; /* NULL: every row is on the test side */
    bool build;        /* build the cache if there is none; else only a whole one that is there is used */
    DatasetCacheOptions cache; /* what `cache.replay` points to is borrowed until the source is closed */
} TrainSourceOptions;

/* Opens dataset and cache. Forks: call it before threads or OpenMP are used. Free with train_source_close,
 * also after a failure. CORE_NOT_FOUND: no such split (the message lists those there are); else as
 * dataset_reader_open and dataset_cache_open. */
CORE_NODISCARD CoreStatus train_source_open(const TrainSourceOptions *options, TrainSource *source,
                                            CoreError *error);
void train_source_close(TrainSource *source);

/* The side of a row of the source. */
static inline DatasetSide train_source_side(const TrainSource *source, const DatasetExample *example) {
    if (!source->split) return DATASET_TEST;
    return dataset_row_side(source->split, example->message, example->capture, example->run);
}

#endif
