/* Hashes of the feature spec.
 * Relies on: xxHash (header only).
 * Relied on by: the other files of data/features. */
#include "data/features/hash.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t feature_hash(const void *data, size_t size, uint64_t seed) {
    uint64_t hash = XXH3_64bits_withSeed(data, size, seed);
    return hash ? hash : 1;
}

uint64_t feature_hash_folded(const void *data, size_t size, uint64_t seed) {
    uint8_t folded[256];
    if (size > sizeof folded) size = sizeof folded;
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        folded[i] = feature_lower(bytes[i]);
    return feature_hash(folded, size, seed);
}

FeatureKey feature_hash_key(const void *data, size_t size, const FeatureSecret *secret) {
    XXH128_hash_t hash = XXH3_128bits_withSecret(data, size, secret->bytes, sizeof secret->bytes);
    FeatureKey key;
    memcpy(key.bytes, &hash.low64, 8);
    memcpy(key.bytes + 8, &hash.high64, 8);
    return key;
}

uint64_t feature_hash_place(const FeatureKey *key, const FeatureSecret *secret) {
    return XXH3_64bits_withSecret(key->bytes, sizeof key->bytes, secret->bytes, sizeof secret->bytes);
}
