/* A fixed number of records found by key, exact LRU.
 * Relies on: data/features/hash.h.
 * Relied on by: data/features/context. */
#include "data/features/table.h"

#include <stdlib.h>
#include <string.h>

/* Links are index + 1, so that zeroed memory is an empty table. */
typedef struct FeatureNode {
    FeatureKey key;
    uint32_t chain;        /* next node of the bucket */
    uint32_t newer, older; /* LRU list */
    uint32_t place;        /* the bucket it is in */
} FeatureNode;

CoreStatus feature_table_init(FeatureTable *table, uint32_t capacity, size_t record_size,
                              const FeatureSecret *secret, CoreError *error) {
    *table = (FeatureTable){.capacity = capacity, .record_size = record_size, .buckets = 1, .secret = secret};
    while (table->buckets < capacity)
        table->buckets *= 2;
    table->bucket = calloc(table->buckets, sizeof *table->bucket);
    table->nodes = calloc(capacity, sizeof *table->nodes);
    table->records = calloc(capacity, record_size);
    if (table->bucket && table->nodes && table->records) return CORE_OK;
    feature_table_free(table);
    return core_fail(error, CORE_MEMORY, "no memory for a table of %u records of %zu bytes", capacity,
                     record_size);
}

void feature_table_free(FeatureTable *table) {
    free(table->bucket);
    free(table->nodes);
    free(table->records);
    *table = (FeatureTable){0};
}

static void unlink_age(FeatureTable *table, FeatureNode *node) {
    if (node->newer)
        table->nodes[node->newer - 1].older = node->older;
    else
        table->newest = node->older;
    if (node->older)
        table->nodes[node->older - 1].newer = node->newer;
    else
        table->oldest = node->newer;
}

static void make_newest(FeatureTable *table, uint32_t link) {
    FeatureNode *node = &table->nodes[link - 1];
    node->newer = 0;
    node->older = table->newest;
    if (table->newest)
        table->nodes[table->newest - 1].newer = link;
    else
        table->oldest = link;
    table->newest = link;
}

static void unlink_chain(FeatureTable *table, uint32_t link) {
    uint32_t *from = &table->bucket[table->nodes[link - 1].place];
    while (*from != link)
        from = &table->nodes[*from - 1].chain;
    *from = table->nodes[link - 1].chain;
}

/* A node to hold a new key: a fresh one, or the oldest. */
static uint32_t take_node(FeatureTable *table) {
    if (table->used < table->capacity) return ++table->used;
    uint32_t link = table->oldest;
    unlink_age(table, &table->nodes[link - 1]);
    unlink_chain(table, link);
    return link;
}

static uint32_t place_of(const FeatureTable *table, const FeatureKey *key) {
    return (uint32_t)feature_hash_place(key, table->secret) & (table->buckets - 1);
}

/* The node of `key` in the chain that begins at `place`; 0: none. */
static uint32_t follow_chain(const FeatureTable *table, uint32_t place, const FeatureKey *key) {
    uint32_t link = table->bucket[place];
    while (link && memcmp(&table->nodes[link - 1].key, key, sizeof *key) != 0)
        link = table->nodes[link - 1].chain;
    return link;
}

const void *feature_table_find(const FeatureTable *table, const FeatureKey *key) {
    const uint32_t link = follow_chain(table, place_of(table, key), key);
    return link ? table->records + (size_t)(link - 1) * table->record_size : NULL;
}

void *feature_table_touch(FeatureTable *table, const FeatureKey *key, bool *created) {
    const uint32_t place = place_of(table, key);
    uint32_t link = follow_chain(table, place, key);
    *created = link == 0;
    if (link) {
        if (table->newest != link) {
            unlink_age(table, &table->nodes[link - 1]);
            make_newest(table, link);
        }
        return table->records + (size_t)(link - 1) * table->record_size;
    }
    link = take_node(table);
    table->nodes[link - 1].key = *key;
    table->nodes[link - 1].place = place;
    table->nodes[link - 1].chain = table->bucket[place];
    table->bucket[place] = link;
    make_newest(table, link);
    return memset(table->records + (size_t)(link - 1) * table->record_size, 0, table->record_size);
}
