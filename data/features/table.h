/* A fixed number of records found by key; when full, the one unused for longest gives way (exact LRU).
 * Relies on: data/features/hash.h.
 * Relied on by: data/features/context. */
#ifndef SIPCNN_FEATURES_TABLE_H
#define SIPCNN_FEATURES_TABLE_H

#include "data/features/hash.h"
#include "engine/core/status.h"

#include <stdbool.h>

typedef struct FeatureTable {
    uint32_t capacity, used, buckets; /* buckets: a power of two */
    size_t record_size;
    uint32_t newest, oldest; /* ends of the LRU list; index + 1, 0: none */
    uint32_t *bucket;        /* index + 1 of a chain's first node */
    struct FeatureNode *nodes;
    uint8_t *records;
    const FeatureSecret *secret; /* borrowed */
} FeatureTable;

/* Room for `capacity` records of record_size bytes (a multiple of 8). Memory is zero and touched only as it
 * is used. CORE_MEMORY, with nothing held. */
CORE_NODISCARD CoreStatus feature_table_init(FeatureTable *table, uint32_t capacity, size_t record_size,
                                             const FeatureSecret *secret, CoreError *error);

/* The record of `key`, made the newest. If it was not there it is zeroed, in place of the oldest when the
 * table is full, and *created is true. Never NULL; valid until the next call on this table. */
void *feature_table_touch(FeatureTable *table, const FeatureKey *key, bool *created);

/* The record of `key` as it is, without making it newer; NULL if it is not there. */
const void *feature_table_find(const FeatureTable *table, const FeatureKey *key);

void feature_table_free(FeatureTable *table);

#endif
