/* Names in the order of their first appearance: a hash table over an array of strings.
 * Relies on: engine/core.
 * Relied on by: bench/session.c, bench/accuracy.c. */
#include "bench/names.h"

#include <stdlib.h>
#include <string.h>

typedef struct BenchName {
    char *bytes;
    size_t size;
    uint64_t hash;
} BenchName;

/* FNV-1a, 64 bits. */
static uint64_t hash_bytes(const void *key, size_t size) {
    const uint8_t *bytes = key;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

/* The slot where `key` is or would be put. */
static uint32_t slot_of(const BenchNames *names, const void *key, size_t size, uint64_t hash) {
    uint32_t slot = (uint32_t)hash & (names->table_size - 1);
    for (; names->table[slot]; slot = (slot + 1) & (names->table_size - 1)) {
        const BenchName *entry = &names->entries[names->table[slot] - 1];
        if (entry->hash == hash && entry->size == size && memcmp(entry->bytes, key, size) == 0) break;
    }
    return slot;
}

/* Room for one more entry: entries and table grow by doubling, the table stays at most half full. */
static CoreStatus grow(BenchNames *names, CoreError *error) {
    if (names->count < names->capacity) return CORE_OK;
    if (names->capacity > UINT32_MAX / 8) return core_fail(error, CORE_LIMIT, "too many names");
    uint32_t capacity = names->capacity ? 2 * names->capacity : 64;
    BenchName *entries = realloc(names->entries, capacity * sizeof *entries);
    if (!entries) return core_fail(error, CORE_MEMORY, "out of memory for %u names", capacity);
    names->entries = entries;
    uint32_t *table = calloc(2 * (size_t)capacity, sizeof *table);
    if (!table) return core_fail(error, CORE_MEMORY, "out of memory for %u names", capacity);
    free(names->table);
    names->table = table;
    names->table_size = 2 * capacity;
    names->capacity = capacity;
    for (uint32_t i = 0; i < names->count; i++)
        table[slot_of(names, entries[i].bytes, entries[i].size, entries[i].hash)] = i + 1;
    return CORE_OK;
}

CoreStatus bench_names_add(BenchNames *names, const void *key, size_t size, uint32_t *number, bool *added,
                           CoreError *error) {
    CoreStatus status = grow(names, error);
    if (status) return status;
    uint64_t hash = hash_bytes(key, size);
    uint32_t slot = slot_of(names, key, size, hash);
    if (added) *added = !names->table[slot];
    if (!names->table[slot]) {
        char *bytes = malloc(size + 1);
        if (!bytes) return core_fail(error, CORE_MEMORY, "out of memory for a name of %zu bytes", size);
        if (size) memcpy(bytes, key, size);
        bytes[size] = '\0';
        names->entries[names->count] = (BenchName){bytes, size, hash};
        names->table[slot] = ++names->count;
    }
    *number = names->table[slot] - 1;
    return CORE_OK;
}

CoreStatus bench_names_add_text(BenchNames *names, const char *text, uint32_t *number, CoreError *error) {
    return bench_names_add(names, text, strlen(text), number, NULL, error);
}

bool bench_names_find(const BenchNames *names, const void *key, size_t size, uint32_t *number) {
    if (!names->count) return false;
    uint32_t slot = slot_of(names, key, size, hash_bytes(key, size));
    if (names->table[slot]) *number = names->table[slot] - 1;
    return names->table[slot] != 0;
}

const char *bench_names_text(const BenchNames *names, uint32_t number) {
    return names->entries[number].bytes;
}

void bench_names_free(BenchNames *names) {
    for (uint32_t i = 0; i < names->count; i++)
        free(names->entries[i].bytes);
    free(names->entries);
    free(names->table);
    *names = (BenchNames){0};
}
