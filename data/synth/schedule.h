/* The event queue: what happens next, in packet time.
 * Relies on: message.h.
 * Relied on by: world.h. */
#ifndef SIPCNN_SYNTH_SCHEDULE_H
#define SIPCNN_SYNTH_SCHEDULE_H

#include "data/synth/message.h"
#include "engine/core/status.h"

/* Ordered by time; among equals first in, first out. */
typedef struct SynthEvent {
    int64_t time_ns;
    uint64_t order;
    uint32_t actor, what;
    SynthHandle handle;
} SynthEvent;

/* A 4-ary heap. Zeroed: empty. */
typedef struct SynthQueue {
    SynthEvent *events;
    size_t count, room;
    uint64_t order;
} SynthQueue;

/* Adds an event; false: no memory. */
bool synth_queue_push(SynthQueue *queue, int64_t time_ns, uint32_t actor, uint32_t what, SynthHandle handle);

/* Takes the earliest; false: there is none. */
bool synth_queue_pop(SynthQueue *queue, SynthEvent *event);

void synth_queue_free(SynthQueue *queue);

/* Slots of one size that are taken and given back, with generations: a handle to a slot given back is stale
 * and finds nothing. Zeroed but for `size`: empty. */
typedef struct SynthSlots {
    size_t size; /* of one thing, set by the owner */
    uint8_t **pages;
    uint32_t *generations, *free_list;
    uint32_t used, room, n_free;
} SynthSlots;

/* A zeroed (`clear`) or leftover slot and its handle (never 0); NULL: no memory. Pointers stay valid until
 * given back. */
void *synth_slots_take(SynthSlots *slots, bool clear, SynthHandle *handle);
/* The thing, or NULL: the handle is 0 or stale. */
void *synth_slots_find(const SynthSlots *slots, SynthHandle handle);
void synth_slots_give(SynthSlots *slots, SynthHandle handle);
void synth_slots_free(SynthSlots *slots);

#endif
