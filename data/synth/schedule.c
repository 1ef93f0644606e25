/* The event queue, a 4-ary heap, and slots with generations.
 * Relies on: data/synth/schedule.h.
 * Relied on by: data/synth. */
#include "data/synth/schedule.h"

#include <stdlib.h>

/* ---- queue --------------------------------------------------------------------------------------------- */

static bool earlier(const SynthEvent *a, const SynthEvent *b) {
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

bool synth_queue_push(SynthQueue *queue, int64_t time_ns, uint32_t actor, uint32_t what, SynthHandle handle) {
    if (queue->count == queue->room) {
        size_t room = queue->room ? 2 * queue->room : 1024;
        void *grown = realloc(queue->events, room * sizeof *queue->events);
        if (!grown) return false;
        queue->events = grown;
        queue->room = room;
    }
    SynthEvent event = {time_ns, queue->order++, actor, what, handle};
    size_t at = queue->count++;
    while (at > 0) {
        size_t parent = (at - 1) / 4;
        if (!earlier(&event, &queue->events[parent])) break;
        queue->events[at] = queue->events[parent];
        at = parent;
    }
    queue->events[at] = event;
    return true;
}

bool synth_queue_pop(SynthQueue *queue, SynthEvent *event) {
    if (queue->count == 0) return false;
    *event = queue->events[0];
    SynthEvent last = queue->events[--queue->count];
    size_t at = 0;
    for (;;) {
        size_t child = 4 * at + 1, best = child;
        if (child >= queue->count) break;
        for (size_t i = child + 1; i < child + 4 && i < queue->count; i++)
            if (earlier(&queue->events[i], &queue->events[best])) best = i;
        if (!earlier(&queue->events[best], &last)) break;
        queue->events[at] = queue->events[best];
        at = best;
    }
    if (queue->count) queue->events[at] = last;
    return true;
}

void synth_queue_free(SynthQueue *queue) {
    free(queue->events);
    memset(queue, 0, sizeof *queue);
}

/* ---- slots --------------------------------------------------------------------------------------------- */

enum { PAGE = 64 }; /* slots that are allocated together */

static bool grow(SynthSlots *slots) {
    uint32_t room = slots->room + PAGE, pages = room / PAGE;
    void *list = realloc(slots->pages, pages * sizeof *slots->pages);
    if (!list) return false;
    slots->pages = list;
    void *generations = realloc(slots->generations, room * sizeof *slots->generations);
    if (!generations) return false;
    slots->generations = generations;
    void *free_list = realloc(slots->free_list, room * sizeof *slots->free_list);
    if (!free_list) return false;
    slots->free_list = free_list;
    uint8_t *page = malloc(PAGE * slots->size);
    if (!page) return false;
    slots->pages[pages - 1] = page;
    for (uint32_t i = slots->room; i < room; i++)
        slots->generations[i] = 1;
    slots->room = room;
    return true;
}

static void *slot(const SynthSlots *slots, uint32_t index) {
    return slots->pages[index / PAGE] + (index % PAGE) * slots->size;
}

void *synth_slots_take(SynthSlots *slots, bool clear, SynthHandle *handle) {
    uint32_t index;
    if (slots->n_free) {
        index = slots->free_list[--slots->n_free];
    } else {
        if (slots->used == slots->room && !grow(slots)) return NULL;
        index = slots->used++;
    }
    void *thing = slot(slots, index);
    if (clear) memset(thing, 0, slots->size);
    *handle = (SynthHandle)slots->generations[index] << 32 | index;
    return thing;
}

void *synth_slots_find(const SynthSlots *slots, SynthHandle handle) {
    uint32_t index = (uint32_t)handle;
    if (!handle || index >= slots->used || slots->generations[index] != handle >> 32) return NULL;
    return slot(slots, index);
}

void synth_slots_give(SynthSlots *slots, SynthHandle handle) {
    if (!synth_slots_find(slots, handle)) return;
    uint32_t index = (uint32_t)handle;
    if (++slots->generations[index] == 0) slots->generations[index] = 1;
    slots->free_list[slots->n_free++] = index;
}

void synth_slots_free(SynthSlots *slots) {
    for (uint32_t i = 0; i < slots->room / PAGE; i++)
        free(slots->pages[i]);
    free(slots->pages);
    free(slots->generations);
    free(slots->free_list);
    size_t size = slots->size;
    memset(slots, 0, sizeof *slots);
    slots->size = size;
}
