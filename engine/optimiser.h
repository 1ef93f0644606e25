/* Optimisers: AdamW and gradient descent with momentum, with schedule, clipping, decay, and weight averaging.
 * Relies on: engine/graph.h, engine/schedule.h, engine/kernels.
 * Relied on by: train, bench. */
#ifndef SIPCNN_ENGINE_OPTIMISER_H
#define SIPCNN_ENGINE_OPTIMISER_H

#include "engine/graph.h"
#include "engine/schedule.h"

/* With the gradient g, clipped, and s = g + l2 * p of the parameters p that decay, step number t does
 *   AdamW: m = beta1 m + (1 - beta1) s, v = beta2 v + (1 - beta2) s^2,
 *          p -= rate * (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay * p)
 *          (Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019)
 *   SGD:   m = momentum m + s, p -= rate * (m + weight_decay * p); with nesterov, s + momentum m instead of m
 *          (Sutskever et al., ICML 2013)
 * where rate is that of the options times the schedule's factor and the scale of optimiser_set_scale. */
typedef enum OptimiserKind { OPTIMISER_ADAMW, OPTIMISER_SGD } OptimiserKind;

typedef struct OptimiserOptions {
    OptimiserKind kind;
    float rate;         /* > 0 */
    float beta1, beta2; /* AdamW: in [0, 1) */
    float epsilon;      /* AdamW: > 0 */
    float momentum;     /* SGD: in [0, 1) */
    bool nesterov;      /* SGD */
    float weight_decay; /* >= 0, decoupled; weights and tables only, biases never */
    float l2;           /* >= 0: the loss has l2 / 2 * |p|^2 of the same parameters on top */
    float clip_norm;    /* > 0: longer gradients are scaled to this Euclidean norm; 0: off */
    Schedule schedule;
} OptimiserOptions;

/* AdamW, rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, momentum 0.9, weight decay 0.01, clip_norm 1, no
 * schedule. */
OptimiserOptions optimiser_defaults(void);

typedef struct Optimiser Optimiser;

/* An optimiser for a finished graph, which it borrows and which must outlive it. CORE_ARGUMENT names the
 * option. */
CoreStatus optimiser_new(Graph *graph, const OptimiserOptions *options, Optimiser **optimiser,
                         CoreError *error) CORE_NODISCARD;
void optimiser_free(Optimiser *optimiser);

/* One step with the gradients of the last backward. CORE_FORMAT when the gradient is not finite: nothing is
 * changed then but *norm. `norm` (may be NULL): the gradient's norm before clipping. Allocates nothing. */
CoreStatus optimiser_step(Optimiser *optimiser, double *norm, CoreError *error) CORE_NODISCARD;

/* Scales the rate of the steps to come, for instance by what plateau_observe returns; 1 at the start. */
void optimiser_set_scale(Optimiser *optimiser, double scale);

/* The rate that step number `step` (from 1) uses, at scale 1. */
float optimiser_rate(const OptimiserOptions *options, uint64_t step);

/* Moves `average`, an array in the layout of GraphState.parameters that the caller owns, towards the
 * parameters (Polyak & Juditsky 1992): average = d * average + (1 - d) * parameters with d = min(decay, (1 +
 * t) / (10 + t)) after t steps, so that the first average is not the initial weights. decay 0: a copy. */
void optimiser_average(const Optimiser *optimiser, double decay, float *average);

/* The whole state as plain memory: both moments f32 [count] (layout of GraphState.parameters; SGD leaves the
 * second zero), the number of steps done, and the scale. Saved and restored together with graph_state,
 * training goes on with the same bits. Borrowed. */
typedef struct OptimiserState {
    size_t count;
    float *first_moment;
    float *second_moment;
    uint64_t *step;
    double *scale;
} OptimiserState;

OptimiserState optimiser_state(Optimiser *optimiser);

#endif
