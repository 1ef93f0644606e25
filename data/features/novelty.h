/* "Seen lately?": what was seen with which key, for all keys together, in memory of a fixed size.
 * Relies on: libc.
 * Relied on by: data/features/context. */
#ifndef SIPCNN_FEATURES_NOVELTY_H
#define SIPCNN_FEATURES_NOVELTY_H

#include "engine/core/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A set of (owner, value) pairs that forgets. A pair lives until NOVELTY_AGE_S after it was last seen, or
 * until newer pairs need its place. An owner's pairs have NOVELTY_SPREAD buckets, so that one owner who sends
 * only new things pushes out little but its own. Owners and values are hashes with constant seeds: what is
 * forgotten first is the same on every machine. */
enum {
    NOVELTY_AGE_S = 7200,
    NOVELTY_WAYS = 8,          /* entries of a bucket: a cache line */
    NOVELTY_BUCKETS = 1 << 17, /* 8 MiB: a million pairs */
    NOVELTY_SPREAD = 256,      /* up to 2,048 pairs of an owner */
};

typedef struct FeatureNovelty {
    uint64_t *entries; /* 40 bits of the pair's hash, 24 of the time in s; 0: empty */
} FeatureNovelty;

/* Takes the memory, zero and touched only as it is used. CORE_MEMORY, with nothing held. */
CORE_NODISCARD CoreStatus feature_novelty_init(FeatureNovelty *novelty, CoreError *error);
void feature_novelty_free(FeatureNovelty *novelty);

/* True if `value` (0: absent, never new) was not seen with `owner` lately; then it has been now. now_s never
 * decreases. */
bool feature_novelty_is_new(FeatureNovelty *novelty, uint64_t owner, uint64_t value, uint32_t now_s);

/* Whether it was seen within the last most_s <= NOVELTY_AGE_S seconds, without seeing it. */
bool feature_novelty_knows(const FeatureNovelty *novelty, uint64_t owner, uint64_t value, uint32_t now_s,
                           uint32_t most_s);

#endif
