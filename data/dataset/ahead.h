/* Work done ahead: a thread fills slots of a ring, the caller takes them in the same order.
 * Relies on: engine/core/status.h, POSIX threads.
 * Relied on by: data/dataset/replay (reading and encoding), train (batches, rows to score). */
#ifndef SIPCNN_DATASET_AHEAD_H
#define SIPCNN_DATASET_AHEAD_H

#include "engine/core/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Ahead Ahead;

/* Fills a slot, on the ring's thread. CORE_OK: there may be more; anything else ends the work, and the slot
 * is not delivered (CORE_END: there was no more). */
typedef CoreStatus AheadFill(void *user, void *slot, CoreError *error);

/* Starts the thread with a ring of `slots` (>= 2) slots of `size` bytes each, zeroed at first and left as
 * they are between fills. What is delivered does not depend on when the thread runs. End with ahead_free.
 * CORE_MEMORY, CORE_UNAVAILABLE (no thread). */
CORE_NODISCARD CoreStatus ahead_new(AheadFill *fill, void *user, size_t size, uint32_t slots, Ahead **ahead,
                                    CoreError *error);

/* The next slot, valid until the next call; waits for it. When the slots are used up: what `fill` returned
 * last, with its error. One caller at a time. */
CORE_NODISCARD CoreStatus ahead_next(Ahead *ahead, void **slot, CoreError *error);

/* Seconds that ahead_next has waited so far: what the caller could not do meanwhile. */
double ahead_waited(const Ahead *ahead);

/* Stops the thread (after the fill at hand) and gives all back. NULL is fine. */
void ahead_free(Ahead *ahead);

#endif
