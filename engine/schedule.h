/* How the learning rate changes: with the steps, and when a measure stops getting better.
 * Relies on: engine/core/status.h.
 * Relied on by: engine/optimiser.h, train, bench. */
#ifndef SIPCNN_ENGINE_SCHEDULE_H
#define SIPCNN_ENGINE_SCHEDULE_H

#include "engine/core/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ScheduleKind { SCHEDULE_COSINE, SCHEDULE_STEP } ScheduleKind;

/* What the rate is multiplied with. It grows linearly over warmup_steps to 1; then, for the steps s = 1, 2,
 * ... behind the warm-up, cosine: f + (1 - f) * (1 + cos(pi * s / S)) / 2 with f = final_fraction and S =
 * total_steps - warmup_steps, and f from total_steps on (Loshchilov & Hutter 2017); total_steps 0: 1 step:
 * step_factor ^ floor((s - 1) / step_length). */
typedef struct Schedule {
    ScheduleKind kind;
    uint64_t warmup_steps;
    uint64_t total_steps;
    float final_fraction; /* in [0, 1] */
    uint64_t step_length; /* >= 1 */
    float step_factor;    /* > 0 */
} Schedule;

/* The factor of step number `step`, from 1. */
double schedule_factor(const Schedule *schedule, uint64_t step);
/* CORE_ARGUMENT names what is out of range. */
CoreStatus schedule_check(const Schedule *schedule, CoreError *error) CORE_NODISCARD;

/* A factor that falls when a measure is on a plateau. Plain memory: saved and restored with a training's
 * state. The caller sets the options and leaves the rest zero but for scale, which starts as 1. */
typedef struct Plateau {
    float factor;      /* scale is multiplied with it */
    uint32_t patience; /* so many observations without a better measure are accepted, the next is not */
    float least;       /* better means smaller than the best by more than this */
    double scale;
    double best;
    bool measured; /* best is one */
    uint32_t waited;
} Plateau;

/* Takes a new measure (smaller is better; negate others) and returns scale. NaN is never better. */
double plateau_observe(Plateau *plateau, double measure);

#endif
