/* Labelled rows as training sees them, and what is taken from them before it starts: sides, normalisation.
 * Relies on: data/dataset (examples, feature cache), train/model.h (TrainNorm).
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
    const FeatureRow *rows;         /* [count] */
    const uint8_t *sides;           /* [count] DatasetSide */
    const DatasetClass *classes;    /* [n_classes] */
    uint32_t n_classes;
} TrainData;

/* Whether a row has a label to learn or to score: neither ignored nor unlabelled. */
static inline bool train_labelled(const DatasetExample *example) {
    return example->primary != DATASET_IGNORE && example->primary != DATASET_UNLABELLED;
}

/* Normalisation of the counters from the labelled rows of the training side: mean, deviation and range of
 * each; a deviation below 1e-3 gives scale 0. Without such rows everything is 0. Pure. */
void train_norm_compute(const TrainData *data, TrainNorm *norm);

/* A dataset with its cache and one split, opened for training or scoring. */
typedef struct TrainSource {
    Dataset dataset;
    DatasetCache cache;
    uint8_t hash[DATASET_HASH_SIZE];
    uint8_t *sides;
    TrainData data;
} TrainSource;

typedef struct TrainSourceOptions {
    const char *path;   /* of the dataset */
    const char *split;  /* NULL: every row is on the test side */
    const char *folder; /* of the feature cache; NULL: beside the dataset */
    DatasetReplayOptions replay;
    const DatasetProgress *progress; /* of building the cache; NULL: silent */
} TrainSourceOptions;

/* Reads dataset and cache. Call it before OpenMP is used (dataset_read forks). Free with train_source_close,
 * also after a failure. CORE_NOT_FOUND: no such split (the message lists those there are); else as
 * dataset_read and dataset_cache_open. */
CORE_NODISCARD CoreStatus train_source_open(const TrainSourceOptions *options, TrainSource *source,
                                            CoreError *error);
void train_source_close(TrainSource *source);

#endif
