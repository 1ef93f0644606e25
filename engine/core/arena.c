/* A bump arena: blocks of 64-byte aligned memory out of one allocation, given back all at once.
 * Relies on: checked, AddressSanitizer's interface where it is built in.
 * Relied on by: engine (activations, scratch), infer (an executor's buffers). */
#include "engine/core/arena.h"

#include <stdlib.h>

#include "engine/core/checked.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_RED_ZONE CORE_ARENA_ALIGNMENT
#else
#define ARENA_RED_ZONE                       0
#define ASAN_POISON_MEMORY_REGION(p, size)   ((void)(p), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#endif

size_t core_arena_footprint(size_t count, size_t size) {
    size_t bytes;
    if (!core_mul_size(count, size, &bytes) || !core_add_size(bytes, ARENA_RED_ZONE, &bytes) ||
        !core_align_size(bytes, CORE_ARENA_ALIGNMENT, &bytes))
        return SIZE_MAX;
    return bytes;
}

CoreStatus core_arena_new(CoreArena *arena, size_t capacity, CoreError *error) {
    *arena = (CoreArena){0};
    size_t rounded;
    if (!core_align_size(capacity, CORE_ARENA_ALIGNMENT, &rounded))
        return core_fail(error, CORE_MEMORY, "an arena of %zu bytes is larger than the address space",
                         capacity);
    uint8_t *base = aligned_alloc(CORE_ARENA_ALIGNMENT, rounded ? rounded : CORE_ARENA_ALIGNMENT);
    if (!base) return core_fail(error, CORE_MEMORY, "no memory for an arena of %zu bytes", rounded);
    *arena = (CoreArena){.base = base, .capacity = rounded};
    ASAN_POISON_MEMORY_REGION(base, rounded);
    return CORE_OK;
}

void core_arena_free(CoreArena *arena) {
    if (arena->base) ASAN_UNPOISON_MEMORY_REGION(arena->base, arena->capacity);
    free(arena->base);
    *arena = (CoreArena){0};
}

void *core_arena_take(CoreArena *arena, size_t count, size_t size) {
    size_t footprint = core_arena_footprint(count, size);
    if (!arena->base || footprint > arena->capacity - arena->used) return NULL;
    uint8_t *block = arena->base + arena->used;
    arena->used += footprint;
    if (arena->used > arena->high_water) arena->high_water = arena->used;
    ASAN_UNPOISON_MEMORY_REGION(block, count * size);
    return block;
}

void core_arena_reset(CoreArena *arena) {
    if (arena->base) ASAN_POISON_MEMORY_REGION(arena->base, arena->capacity);
    arena->used = 0;
}
