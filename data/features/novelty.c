/* A set of pairs that forgets: a set-associative table, the pair unseen for longest gives way.
 * Relies on: engine/core/mix.h.
 * Relied on by: data/features/context. */
#include "data/features/novelty.h"
#include "engine/core/mix.h"

#include <stddef.h>
#include <stdlib.h>

enum { TIME_BITS = 24, TIME_MASK = (1 << TIME_BITS) - 1 }; /* wraps after 194 days */

CoreStatus feature_novelty_init(FeatureNovelty *novelty, CoreError *error) {
    const size_t entries = (size_t)NOVELTY_BUCKETS * NOVELTY_WAYS;
    novelty->entries = calloc(entries, sizeof *novelty->entries);
    return novelty->entries ? CORE_OK
                            : core_fail(error, CORE_MEMORY, "no memory for what was seen lately: %zu bytes",
                                        entries * sizeof *novelty->entries);
}

void feature_novelty_free(FeatureNovelty *novelty) {
    free(novelty->entries);
    novelty->entries = NULL;
}

static size_t bucket_of(uint64_t owner, uint64_t value) {
    const uint64_t place = core_mix(owner) + core_mix(value) % NOVELTY_SPREAD;
    return (size_t)(place % NOVELTY_BUCKETS) * NOVELTY_WAYS;
}

/* The upper bits of an entry, never all zero. */
static uint64_t mark_of(uint64_t owner, uint64_t value) {
    return core_mix(owner ^ core_mix(value + CORE_MIX_STEP)) << TIME_BITS | UINT64_C(1) << 63;
}

static uint32_t age_of(uint64_t entry, uint32_t now_s) {
    return (now_s - (uint32_t)entry) & TIME_MASK;
}

/* The way of the bucket that holds the mark, lately or not; NOVELTY_WAYS for none. */
static unsigned find(const uint64_t *bucket, uint64_t mark) {
    unsigned way = 0;
    while (way < NOVELTY_WAYS && (bucket[way] & ~(uint64_t)TIME_MASK) != mark)
        way++;
    return way;
}

/* An empty way, or the one unseen for longest. */
static unsigned oldest(const uint64_t *bucket, uint32_t now_s) {
    unsigned worst = 0;
    for (unsigned way = 0; way < NOVELTY_WAYS; way++) {
        if (!bucket[way]) return way;
        if (age_of(bucket[way], now_s) > age_of(bucket[worst], now_s)) worst = way;
    }
    return worst;
}

bool feature_novelty_is_new(FeatureNovelty *novelty, uint64_t owner, uint64_t value, uint32_t now_s) {
    if (!value) return false;
    uint64_t *bucket = novelty->entries + bucket_of(owner, value);
    const uint64_t mark = mark_of(owner, value);
    unsigned way = find(bucket, mark);
    const bool fresh = way == NOVELTY_WAYS || age_of(bucket[way], now_s) > NOVELTY_AGE_S;
    if (way == NOVELTY_WAYS) way = oldest(bucket, now_s);
    bucket[way] = mark | (now_s & TIME_MASK);
    return fresh;
}

bool feature_novelty_knows(const FeatureNovelty *novelty, uint64_t owner, uint64_t value, uint32_t now_s,
                           uint32_t most_s) {
    if (!value) return false;
    const uint64_t *bucket = novelty->entries + bucket_of(owner, value);
    const unsigned way = find(bucket, mark_of(owner, value));
    return way < NOVELTY_WAYS && age_of(bucket[way], now_s) <= most_s;
}
