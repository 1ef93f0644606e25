/* A fixed number of records found by key, in order of use.
 * Relies on: engine/core/status.h, xxHash (header only), getrandom.
 * Relied on by: infer/incidents. */
#include "infer/table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Links are index + 1, so that zeroed memory is an empty table. */
typedef struct SipcnnNode {
    SipcnnKey key;
    uint32_t chain;        /* next node of the bucket, or next free node */
    uint32_t newer, older; /* list of use */
    uint32_t place;        /* its bucket */
} SipcnnNode;

static bool draw_secret(uint8_t *secret, size_t size) {
    size_t have = 0;
    while (have < size) {
        ssize_t got = getrandom(secret + have, size - have, 0);
        if (got < 0 && errno != EINTR) return false;
        if (got > 0) have += (size_t)got;
    }
    return true;
}

CoreStatus sipcnn_table_init(SipcnnTable *table, uint32_t capacity, size_t record_size, CoreError *error) {
    *table = (SipcnnTable){.capacity = capacity, .record_size = record_size, .buckets = 1};
    if (!draw_secret(table->secret, sizeof table->secret))
        return core_fail(error, CORE_UNAVAILABLE, "no random bytes: %s", strerror(errno));
    while (table->buckets < capacity)
        table->buckets *= 2;
    table->bucket = calloc(table->buckets, sizeof *table->bucket);
    table->nodes = calloc(capacity, sizeof *table->nodes);
    table->records = calloc(capacity, record_size);
    if (table->bucket != NULL && table->nodes != NULL && table->records != NULL) return CORE_OK;
    sipcnn_table_free(table);
    return core_fail(error, CORE_MEMORY, "no memory for a table of %u records of %zu bytes",
                     (unsigned)capacity, record_size);
}

void sipcnn_table_free(SipcnnTable *table) {
    free(table->bucket);
    free(table->nodes);
    free(table->records);
    *table = (SipcnnTable){0};
}

static uint32_t place_of(const SipcnnTable *table, const SipcnnKey *key) {
    uint64_t hash = XXH3_64bits_withSecret(key, sizeof *key, table->secret, sizeof table->secret);
    return (uint32_t)hash & (table->buckets - 1);
}

static void *record_of(const SipcnnTable *table, uint32_t link) {
    return table->records + (size_t)(link - 1) * table->record_size;
}

static uint32_t link_of(const SipcnnTable *table, const void *record) {
    return (uint32_t)((size_t)((const uint8_t *)record - table->records) / table->record_size) + 1;
}

static void leave_order(SipcnnTable *table, const SipcnnNode *node) {
    if (node->newer != 0)
        table->nodes[node->newer - 1].older = node->older;
    else
        table->newest = node->older;
    if (node->older != 0)
        table->nodes[node->older - 1].newer = node->newer;
    else
        table->oldest = node->newer;
}

static void become_newest(SipcnnTable *table, uint32_t link) {
    SipcnnNode *node = &table->nodes[link - 1];
    node->newer = 0;
    node->older = table->newest;
    if (table->newest != 0)
        table->nodes[table->newest - 1].newer = link;
    else
        table->oldest = link;
    table->newest = link;
}

void *sipcnn_table_find(const SipcnnTable *table, const SipcnnKey *key) {
    if (table->used == 0) return NULL;
    uint32_t link = table->bucket[place_of(table, key)];
    while (link != 0 && memcmp(&table->nodes[link - 1].key, key, sizeof *key) != 0)
        link = table->nodes[link - 1].chain;
    return link != 0 ? record_of(table, link) : NULL;
}

void *sipcnn_table_add(SipcnnTable *table, const SipcnnKey *key) {
    if (sipcnn_table_full(table)) return NULL;
    uint32_t link = table->unused;
    if (link != 0)
        table->unused = table->nodes[link - 1].chain;
    else
        link = table->used + 1; /* without free nodes, the used ones are the first ones */
    table->used++;
    SipcnnNode *node = &table->nodes[link - 1];
    node->key = *key;
    node->place = place_of(table, key);
    node->chain = table->bucket[node->place];
    table->bucket[node->place] = link;
    become_newest(table, link);
    return memset(record_of(table, link), 0, table->record_size);
}

void sipcnn_table_use(SipcnnTable *table, void *record) {
    uint32_t link = link_of(table, record);
    if (table->newest == link) return;
    leave_order(table, &table->nodes[link - 1]);
    become_newest(table, link);
}

void *sipcnn_table_oldest(const SipcnnTable *table) {
    return table->oldest != 0 ? record_of(table, table->oldest) : NULL;
}

void sipcnn_table_remove(SipcnnTable *table, void *record) {
    uint32_t link = link_of(table, record);
    SipcnnNode *node = &table->nodes[link - 1];
    leave_order(table, node);
    uint32_t *from = &table->bucket[node->place];
    while (*from != link)
        from = &table->nodes[*from - 1].chain;
    *from = node->chain;
    node->chain = table->unused;
    table->unused = link;
    table->used--;
}
