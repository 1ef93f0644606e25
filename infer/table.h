/* A fixed number of records found by key, in order of use. Nothing is forgotten silently: the owner removes
 * the oldest record when the table is full. Relies on: engine/core/status.h, xxHash (header only). Relied on
 * by: infer/incidents. */
#ifndef SIPCNN_INFER_TABLE_H
#define SIPCNN_INFER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

/* An address and what it stands for. All bytes count, so that `spare` is to be zero. */
typedef struct SipcnnKey {
    uint8_t ip[16];
    uint8_t role;
    uint8_t class_index;
    uint8_t spare[6];
} SipcnnKey;

typedef struct SipcnnTable {
    uint32_t capacity, used, buckets; /* buckets: a power of two */
    size_t record_size;
    uint32_t newest, oldest, unused; /* ends of the list of use, free nodes; index + 1, 0: none */
    uint32_t *bucket;                /* index + 1 of a chain's first node */
    struct SipcnnNode *nodes;
    uint8_t *records;
    uint8_t secret[192]; /* random, so that nobody can aim at a chain; decides placement only */
} SipcnnTable;

/* Room for `capacity` (1 .. 2^24) records of record_size bytes (a multiple of 8). Memory is zero and touched
 * only as it is used. CORE_MEMORY or CORE_UNAVAILABLE (no random bytes), with nothing held. Thread-safe for
 * different tables, as all below. */
CORE_NODISCARD CoreStatus sipcnn_table_init(SipcnnTable *table, uint32_t capacity, size_t record_size,
                                            CoreError *error);
/* Safe on a zeroed table. */
void sipcnn_table_free(SipcnnTable *table);

/* The record of `key`, or NULL. Records stay where they are until they are removed. */
void *sipcnn_table_find(const SipcnnTable *table, const SipcnnKey *key);
/* A zeroed record for a `key` that is not there, as the newest; NULL if the table is full. */
void *sipcnn_table_add(SipcnnTable *table, const SipcnnKey *key);
/* Makes a record of this table the newest. */
void sipcnn_table_use(SipcnnTable *table, void *record);
/* The record that was used longest ago, or NULL if there is none. */
void *sipcnn_table_oldest(const SipcnnTable *table);
void sipcnn_table_remove(SipcnnTable *table, void *record);

static inline bool sipcnn_table_full(const SipcnnTable *table) {
    return table->used == table->capacity;
}

#endif
