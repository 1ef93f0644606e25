/* Numbers for 64-bit hashes, in order of appearance.
 * Relies on: libc.
 * Relied on by: leaks.c, near.c, split_facts.c; tools/data/check_swap. */
#include "data/dataset/marks.h"

#include <stdlib.h>
#include <string.h>

bool marks_reserve(void *array, uint32_t *room, uint32_t need, uint32_t element) {
    uint64_t larger = *room ? *room : 64;
    void *old, *moved;
    if (need <= *room) return true;
    while (larger < need)
        larger *= 2;
    memcpy(&old, array, sizeof old);
    moved =
        larger > UINT32_MAX || larger > SIZE_MAX / element ? NULL : realloc(old, (size_t)larger * element);
    if (!moved) return false;
    memset((uint8_t *)moved + (size_t)*room * element, 0, (size_t)(larger - *room) * element);
    memcpy(array, &moved, sizeof moved);
    *room = (uint32_t)larger;
    return true;
}

static uint32_t *slot_of(const Marks *marks, uint64_t hash) {
    uint32_t at = (uint32_t)(hash ^ hash >> 32) & (marks->slot_room - 1);
    while (marks->slots[at] && marks->hashes[marks->slots[at] - 1] != hash)
        at = (at + 1) & (marks->slot_room - 1);
    return &marks->slots[at];
}

static bool grow_slots(Marks *marks) {
    Marks larger = *marks;
    larger.slot_room = marks->slot_room ? marks->slot_room * 2 : 128;
    larger.slots = calloc(larger.slot_room, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (uint32_t i = 0; i < marks->count; i++)
        *slot_of(&larger, marks->hashes[i]) = i + 1;
    free(marks->slots);
    *marks = larger;
    return true;
}

uint32_t marks_number(Marks *marks, uint64_t hash, bool *fresh) {
    *fresh = false;
    if (marks->count >= marks->slot_room / 2 && (marks->count >= MARKS_MAX || !grow_slots(marks)))
        return UINT32_MAX;
    uint32_t *slot = slot_of(marks, hash);
    if (*slot) return *slot - 1;
    if (!marks_reserve(&marks->hashes, &marks->room, marks->count + 1, sizeof *marks->hashes))
        return UINT32_MAX;
    marks->hashes[marks->count] = hash;
    *slot = ++marks->count;
    *fresh = true;
    return marks->count - 1;
}

void marks_clear(Marks *marks) {
    if (marks->slots) memset(marks->slots, 0, marks->slot_room * sizeof *marks->slots);
    marks->count = 0;
}

void marks_free(Marks *marks) {
    free(marks->hashes);
    free(marks->slots);
    *marks = (Marks){0};
}
