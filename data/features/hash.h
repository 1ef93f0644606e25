/* Hashes of the feature spec: XXH3, with constant seeds where a value enters a row, with a random secret for
 * lookups. Relies on: xxHash (header only). Relied on by: the other files of data/features. */
#ifndef SIPCNN_FEATURES_HASH_H
#define SIPCNN_FEATURES_HASH_H

#include <stddef.h>
#include <stdint.h>

/* A table's key: an address, or the keyed hash of a text. */
typedef struct FeatureKey {
    uint8_t bytes[16];
} FeatureKey;

/* Random bytes that no sender can guess, so that nobody can aim at a table's slots (HashDoS). */
typedef struct FeatureSecret {
    uint8_t bytes[192];
} FeatureSecret;

static inline uint8_t feature_lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* A hash that is the same on every machine; never 0, which stands for "absent". `seed` keeps kinds apart. */
uint64_t feature_hash(const void *data, size_t size, uint64_t seed);

/* The same with ASCII letters taken as lower case; only the first 256 bytes count. */
uint64_t feature_hash_folded(const void *data, size_t size, uint64_t seed);

/* Hashes of one process: 128 bits of a text as a key, 64 bits of a key as its place. */
FeatureKey feature_hash_key(const void *data, size_t size, const FeatureSecret *secret);
uint64_t feature_hash_place(const FeatureKey *key, const FeatureSecret *secret);

#endif
