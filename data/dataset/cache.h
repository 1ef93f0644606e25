/* The feature cache: labelled messages of a dataset as the model sees them, computed once, kept in a
 * disposable file beside the dataset.
 * Relies on: data/dataset (replay.h, reader.h, progress.h), data/features, engine/core.
 * Relied on by: train (batches are shuffled rows of it), bench. */
#ifndef SIPCNN_DATASET_CACHE_H
#define SIPCNN_DATASET_CACHE_H

#include "data/dataset/progress.h"
#include "data/dataset/replay.h"
#include "data/features/features.h"

/* How much of a large dataset is kept (while it is built the file may be twice as long): of each run, benign
 * client and (rows without client) capture a random share, the same at each building. */
typedef struct DatasetCacheBound {
    uint64_t rows;  /* in all; 1 .. 2^31 - 1 */
    uint32_t group; /* of one run, client or capture; >= 1 */
} DatasetCacheBound;

/* 4 million rows (about 5 GiB), 16,384 of a group: what a training run draws from; ordinary datasets are kept
 * whole. */
DatasetCacheBound dataset_cache_bound(void);

typedef struct DatasetCacheOptions {
    const char *folder;              /* of the cache; NULL: beside the dataset */
    DatasetReplayOptions replay;     /* `wanted` must be NULL */
    DatasetCacheBound bound;         /* zeroed: dataset_cache_bound */
    const DatasetProgress *progress; /* of building; NULL: silent */
} DatasetCacheOptions;

/* Rows with a label (neither ignored nor unlabelled; the others are replayed only). Examples are in memory,
 * features are read when they are asked for. Constant after opening; threads may share it. */
typedef struct DatasetCache {
    uint64_t count;           /* rows of a capture are in capture order, its warm ones behind */
    DatasetExample *examples; /* [count] */
    uint8_t *attacked;  /* [n_clients + 1] 1: some message of the client, labelled or not, is of a run */
    uint32_t n_clients; /* the largest DatasetExample.client */
    uint64_t labelled;  /* rows with a label in the dataset, warm ones included */
    bool whole;         /* all of these are here */
    bool reused;        /* the file was there and fitted */
    int fd;             /* of the file, while count > 0 or `examples` is set */
} DatasetCache;

/* The cache of the dataset behind `reader`, read from `dataset_path`, whose hash the caller has
 * (dataset_hash). The file is named by dataset hash, feature-spec hash and the hash of options and bound; one
 * that is damaged or does not fit is built anew (temporary file, then rename). wire_osip_init must have run.
 * CORE_IO, CORE_MEMORY, CORE_ARGUMENT (an unknown run to drop), CORE_INTERRUPTED (the progress function said
 * stop; nothing is left behind), or what the reader says. Close with dataset_cache_close. */
CORE_NODISCARD CoreStatus dataset_cache_open(DatasetReader *reader, const char *dataset_path,
                                             const uint8_t hash[DATASET_HASH_SIZE],
                                             const DatasetCacheOptions *options, DatasetCache *cache,
                                             CoreError *error);

/* The same without building: CORE_NOT_FOUND when there is no fitting file. */
CORE_NODISCARD CoreStatus dataset_cache_find(DatasetReader *reader, const char *dataset_path,
                                             const uint8_t hash[DATASET_HASH_SIZE],
                                             const DatasetCacheOptions *options, DatasetCache *cache,
                                             CoreError *error);

/* Features of rows first .. first + n. Thread-safe. CORE_IO. */
CORE_NODISCARD CoreStatus dataset_cache_read(const DatasetCache *cache, uint64_t first, uint64_t n,
                                             FeatureRow *rows, CoreError *error);

/* Tells the system that this row will be read soon. Thread-safe. */
void dataset_cache_prefetch(const DatasetCache *cache, uint64_t row);

/* Closes the file (which stays) and zeroes *cache. Safe on a zeroed one and twice. */
void dataset_cache_close(DatasetCache *cache);

#endif
