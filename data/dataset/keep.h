/* Which rows a bounded cache keeps: of each run, client and capture a random share, decided while they come.
 * Relies on: libc, xxHash.
 * Relied on by: cache.c. Internal to data/dataset.
 *
 * Each group has a reservoir (Vitter, "Random sampling with a reservoir", 1985): its first rows, then each
 * further one in place of a random one. When all groups together exceed the bound, the reservoirs of the
 * larger kind (runs, or all else) are halved, down to one row; after that every second group of it goes, by
 * the hash of its number. All numbers are hashes of what they decide about: the same rows give the same
 * choice. */
#ifndef SIPCNN_DATASET_KEEP_H
#define SIPCNN_DATASET_KEEP_H

#include "engine/core/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What a group is, and its number. */
typedef enum KeepKind { KEEP_RUN, KEEP_CLIENT, KEEP_CAPTURE, KEEP_KINDS } KeepKind;

typedef struct KeepGroup {
    uint32_t *slots; /* [count] places of its rows */
    uint32_t count, room;
    uint64_t seen;
} KeepGroup;

typedef struct Keep {
    KeepGroup *groups[KEEP_KINDS]; /* [n_groups] by number */
    uint64_t n_groups[KEEP_KINDS];
    uint64_t bound;    /* rows in all */
    uint32_t most[2];  /* rows of a group that is a run; of another */
    uint32_t level[2]; /* groups whose hash ends in so many zeros remain */
    uint64_t kept[2];
    uint64_t n_slots; /* places 0 .. n_slots were given out */
    uint32_t *free;   /* [n_free] of them, those that hold nothing (any more) */
    uint64_t n_free, free_room;
    uint64_t left_out; /* rows that were not kept, or not for good */
} Keep;

#define KEEP_NOWHERE UINT32_MAX

/* At most `bound` rows in all and `most` of a group, both >= 1 and bound < KEEP_NOWHERE. */
void keep_init(Keep *keep, uint64_t bound, uint32_t most);
void keep_free(Keep *keep);

/* Where the next row of that group goes: a place that may have been another row's, or KEEP_NOWHERE. As long
 * as nothing was left out, places are 0, 1, 2, … CORE_MEMORY. */
CORE_NODISCARD CoreStatus keep_row(Keep *keep, KeepKind kind, uint32_t group, uint32_t *slot,
                                   CoreError *error);

#endif
