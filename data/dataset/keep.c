/* Which rows a bounded cache keeps.
 * Relies on: xxHash.
 * Relied on by: cache.c. */
#include "data/dataset/keep.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

enum { LEVEL_MAX = 62 };

static int side_of(KeepKind kind) {
    return kind == KEEP_RUN ? 0 : 1;
}

/* A number that depends on group and place alone. */
static uint64_t hash_of(KeepKind kind, uint64_t group, uint64_t place) {
    uint64_t what[3] = {(uint64_t)kind, group, place};
    return XXH3_64bits(what, sizeof what);
}

void keep_init(Keep *keep, uint64_t bound, uint32_t most) {
    *keep = (Keep){.bound = bound, .most = {most, most}};
}

void keep_free(Keep *keep) {
    for (int kind = 0; kind < KEEP_KINDS; kind++) {
        for (uint64_t g = 0; g < keep->n_groups[kind]; g++)
            free(keep->groups[kind][g].slots);
        free(keep->groups[kind]);
    }
    free(keep->free);
    *keep = (Keep){0};
}

/* ---- growth -------------------------------------------------------------------------------------------- */

static CoreStatus no_memory(CoreError *error, uint64_t count, const char *what) {
    return core_fail(error, CORE_MEMORY, "no memory for %llu %s", (unsigned long long)count, what);
}

static CoreStatus reach_group(Keep *keep, KeepKind kind, uint64_t group, CoreError *error) {
    uint64_t had = keep->n_groups[kind];
    if (group < had) return CORE_OK;
    uint64_t room = had + had / 2 < 1024 ? 1024 : had + had / 2;
    if (room <= group) room = group + 1;
    KeepGroup *grown =
        room > SIZE_MAX / sizeof *grown ? NULL : realloc(keep->groups[kind], (size_t)room * sizeof *grown);
    if (!grown) return no_memory(error, room, "runs and clients");
    memset(grown + had, 0, (size_t)(room - had) * sizeof *grown);
    keep->groups[kind] = grown;
    keep->n_groups[kind] = room;
    return CORE_OK;
}

/* One more place for the group. */
static CoreStatus reach_slot(KeepGroup *group, CoreError *error) {
    if (group->count < group->room) return CORE_OK;
    uint32_t room = group->room ? group->room * 2 : 4;
    uint32_t *grown = realloc(group->slots, room * sizeof *grown);
    if (!grown) return no_memory(error, room, "rows");
    group->slots = grown;
    group->room = room;
    return CORE_OK;
}

static CoreStatus reach_free(Keep *keep, uint64_t more, CoreError *error) {
    uint64_t needed = keep->n_free + more;
    if (needed <= keep->free_room) return CORE_OK;
    uint64_t room = needed + needed / 2;
    uint32_t *grown = realloc(keep->free, (size_t)room * sizeof *grown);
    if (!grown) return no_memory(error, room, "rows");
    keep->free = grown;
    keep->free_room = room;
    return CORE_OK;
}

/* ---- shrinking ----------------------------------------------------------------------------------------- */

/* Leaves `most` random rows of the group; the places of the others become free. */
static void shrink_group(Keep *keep, KeepKind kind, uint64_t number, uint32_t most) {
    KeepGroup *group = &keep->groups[kind][number];
    for (uint32_t i = 0; i < most && most < group->count; i++) {
        uint64_t place = ~(group->seen * KEEP_NOWHERE + i);
        uint32_t other =
            i + (uint32_t)(hash_of(kind, number | (uint64_t)most << 32, place) % (group->count - i));
        uint32_t slot = group->slots[i];
        group->slots[i] = group->slots[other];
        group->slots[other] = slot;
    }
    while (group->count > most) {
        keep->free[keep->n_free++] = group->slots[--group->count];
        keep->kept[side_of(kind)]--;
        keep->left_out++;
    }
}

static bool remains(const Keep *keep, KeepKind kind, uint64_t number) {
    uint64_t mask = ((uint64_t)1 << keep->level[side_of(kind)]) - 1;
    return (hash_of(kind, number, 0) & mask) == 0;
}

/* Halves what the larger side may keep of a group, or its groups. */
static CoreStatus shrink(Keep *keep, CoreError *error) {
    int side = keep->kept[0] > keep->kept[1] ? 0 : 1;
    CoreStatus status = reach_free(keep, keep->kept[side], error);
    if (status != CORE_OK) return status;
    if (keep->most[side] > 1)
        keep->most[side] /= 2;
    else if (keep->level[side] < LEVEL_MAX)
        keep->level[side]++;
    for (int kind = 0; kind < KEEP_KINDS; kind++)
        for (uint64_t g = 0; side_of((KeepKind)kind) == side && g < keep->n_groups[kind]; g++)
            shrink_group(keep, (KeepKind)kind, g, remains(keep, (KeepKind)kind, g) ? keep->most[side] : 0);
    return CORE_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static uint32_t take_slot(Keep *keep) {
    return keep->n_free ? keep->free[--keep->n_free] : (uint32_t)keep->n_slots++;
}

CoreStatus keep_row(Keep *keep, KeepKind kind, uint32_t number, uint32_t *slot, CoreError *error) {
    int side = side_of(kind);
    *slot = KEEP_NOWHERE;
    CoreStatus status = reach_group(keep, kind, number, error);
    while (status == CORE_OK && keep->kept[0] + keep->kept[1] >= keep->bound)
        status = shrink(keep, error);
    if (status != CORE_OK) return status;
    KeepGroup *group = &keep->groups[kind][number];
    uint64_t place = group->seen++;
    if (!remains(keep, kind, number)) {
        keep->left_out++;
        return CORE_OK;
    }
    if (place < keep->most[side]) {
        status = reach_slot(group, error);
        if (status != CORE_OK) return status;
        group->slots[group->count++] = *slot = take_slot(keep);
        keep->kept[side]++;
        return CORE_OK;
    }
    uint64_t other = hash_of(kind, number, place + 1) % (place + 1);
    if (other < group->count) *slot = group->slots[other];
    keep->left_out++;
    return CORE_OK;
}
