/* A bump arena: blocks of 64-byte aligned memory out of one allocation, given back all at once.
 * Relies on: checked.
 * Relied on by: engine (activations, scratch), infer (an executor's buffers). */
#ifndef SIPCNN_CORE_ARENA_H
#define SIPCNN_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

/* A cache line, and the width of the widest vector register. */
#define CORE_ARENA_ALIGNMENT 64

/* The fields are for reading only. One arena belongs to one thread at a time. */
typedef struct CoreArena {
    uint8_t *base;
    size_t capacity;   /* bytes at base */
    size_t used;       /* bytes handed out since the last reset, padding included */
    size_t high_water; /* the most that was ever used, for sizing */
} CoreArena;

/* An arena of `capacity` bytes (rounded up to the alignment; 0 is legal and gives an arena that is always
 * full). CORE_MEMORY when there are none. Free with core_arena_free. */
CORE_NODISCARD CoreStatus core_arena_new(CoreArena *arena, size_t capacity, CoreError *error);
/* Gives the memory back; all blocks die. Safe on a zeroed arena and twice. */
void core_arena_free(CoreArena *arena);

/* `count` elements of `size` bytes, aligned to CORE_ARENA_ALIGNMENT, contents undefined; NULL if the product
 * overflows or the arena is full. A block of no bytes is a valid pointer. Lives until reset or free. */
CORE_NODISCARD void *core_arena_take(CoreArena *arena, size_t count, size_t size);
/* Makes the whole arena free again; all blocks die. Under AddressSanitizer a use of one is then reported. */
void core_arena_reset(CoreArena *arena);

/* What a block of count * size bytes uses up, for planning a capacity: the sum of the footprints of all
 * blocks is exactly enough. (More than the rounded size under AddressSanitizer, which needs a red zone behind
 * each.) SIZE_MAX if that overflows; it then fits no arena. */
size_t core_arena_footprint(size_t count, size_t size);

#endif
