/* Numbers for 64-bit hashes, in order of appearance: what has been seen before, and where.
 * Relies on: libc.
 * Relied on by: leaks.c, near.c, split_facts.c; tools/data/check_swap. */
#ifndef SIPCNN_DATASET_MARKS_H
#define SIPCNN_DATASET_MARKS_H

#include <stdbool.h>
#include <stdint.h>

enum { MARKS_MAX = 1 << 30 };

/* Zeroed: empty. */
typedef struct Marks {
    uint64_t *hashes; /* [count] */
    uint32_t *slots;  /* [slot_room] number + 1, 0: free; a power of two */
    uint32_t count, room, slot_room;
} Marks;

/* The hash's number, from 0 on; *fresh: it is new. UINT32_MAX: no memory, or more than MARKS_MAX. */
uint32_t marks_number(Marks *marks, uint64_t hash, bool *fresh);

/* Forgets all but keeps the memory; gives it back. */
void marks_clear(Marks *marks);
void marks_free(Marks *marks);

/* Gives *array (elements of that size) room for `need` elements, new ones zeroed; false without memory.
 * `array` points to a pointer. */
bool marks_reserve(void *array, uint32_t *room, uint32_t need, uint32_t element);

#endif
