/* "Seen lately?": a small bitmap that forgets by rotation. Collisions make it say yes too often, never no.
 * Relies on: libc.
 * Relied on by: data/features/context. */
#ifndef SIPCNN_FEATURES_BITMAP_H
#define SIPCNN_FEATURES_BITMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { BITMAP_WORDS = 4, BITMAP_BITS = 64 * BITMAP_WORDS, BITMAP_FULL = BITMAP_BITS / 4 };

/* Entries live for one to two rotations; one comes when a quarter of the bits is set or after BITMAP_AGE_NS.
 */
typedef struct FeatureBitmap {
    uint64_t current[BITMAP_WORDS], previous[BITMAP_WORDS];
    uint32_t set;      /* bits of current */
    uint32_t turned_s; /* time of the last rotation, s */
} FeatureBitmap;

static const int64_t BITMAP_AGE_NS = 7200 * INT64_C(1000000000);

/* True if `hash` (0: absent, never new) was not seen lately; then it has been now. */
static inline bool feature_bitmap_is_new(FeatureBitmap *bitmap, uint64_t hash, int64_t now_ns) {
    if (!hash) return false;
    uint32_t now_s = (uint32_t)(now_ns / INT64_C(1000000000));
    if (bitmap->set >= BITMAP_FULL || now_s - bitmap->turned_s > BITMAP_AGE_NS / INT64_C(1000000000)) {
        memcpy(bitmap->previous, bitmap->current, sizeof bitmap->previous);
        memset(bitmap->current, 0, sizeof bitmap->current);
        bitmap->set = 0;
        bitmap->turned_s = now_s;
    }
    unsigned word = (unsigned)(hash >> 6) % BITMAP_WORDS;
    uint64_t bit = UINT64_C(1) << (hash & 63);
    if (bitmap->current[word] & bit) return false;
    bool fresh = !(bitmap->previous[word] & bit);
    bitmap->current[word] |= bit;
    bitmap->set++;
    return fresh;
}

#endif
