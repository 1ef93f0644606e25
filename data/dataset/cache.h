/* The feature cache: every message of a dataset as the model sees it, computed once, kept in a disposable
 * file beside the dataset and mapped into memory.
 * Relies on: data/dataset/replay.h, data/features, engine/core.
 * Relied on by: train (batches are shuffled rows of it), bench. */
#ifndef SIPCNN_DATASET_CACHE_H
#define SIPCNN_DATASET_CACHE_H

#include "data/dataset/dataset.h"
#include "data/dataset/progress.h"
#include "data/dataset/replay.h"
#include "data/features/features.h"

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

/* Read-only after dataset_cache_open; threads may share it. Rows of a capture are in capture order; warm rows
 * come behind the capture's ordinary ones. */
typedef struct DatasetCache {
    uint64_t count;
    const DatasetExample *examples; /* [count] */
    const FeatureRow *rows;         /* [count] */
    uint32_t n_clients;             /* the largest DatasetExample.client */
    bool reused;                    /* the file was there and fitted */
    void *mapping;
    size_t mapping_size;
} DatasetCache;

/* The cache of `dataset`, read from `dataset_path`, whose hash the caller has (dataset_hash). The file is
 * named by dataset hash, feature-spec hash and the hash of *options; one that is damaged or does not fit is
 * built anew (temporary file, then rename). `folder` NULL: beside the dataset. wire_osip_init must have run.
 * `progress` may be NULL. CORE_IO, CORE_MEMORY, CORE_ARGUMENT (an unknown run to drop), CORE_INTERRUPTED (the
 * progress function said stop; nothing is left behind). */
CORE_NODISCARD CoreStatus dataset_cache_open(const Dataset *dataset, const char *dataset_path,
                                             const uint8_t hash[DATASET_HASH_SIZE], const char *folder,
                                             const DatasetReplayOptions *options,
                                             const DatasetProgress *progress, DatasetCache *cache,
                                             CoreError *error);

/* Unmaps the file (which stays) and zeroes *cache. Safe on a zeroed one and twice. */
void dataset_cache_close(DatasetCache *cache);

#endif
