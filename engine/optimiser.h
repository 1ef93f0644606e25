/* AdamW with warm-up, cosine schedule and clipping of the gradient's norm.
 * Relies on: engine/graph.h, engine/kernels.
 * Relied on by: train, bench. */
#ifndef SIPCNN_ENGINE_OPTIMISER_H
#define SIPCNN_ENGINE_OPTIMISER_H

#include "engine/graph.h"

/* AdamW: Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019. The rate grows linearly
 * over warmup_steps to `rate`, then falls on half a cosine to final_fraction * rate at total_steps and stays
 * there. */
typedef struct OptimiserOptions {
    float rate;         /* > 0 */
    float beta1, beta2; /* in [0, 1) */
    float epsilon;      /* > 0 */
    float weight_decay; /* >= 0; weights and tables only, biases never */
    float clip_norm;    /* > 0: longer gradients are scaled to this Euclidean norm; 0: off */
    uint64_t warmup_steps;
    uint64_t total_steps; /* 0: the rate stays constant after the warm-up */
    float final_fraction; /* in [0, 1] */
} OptimiserOptions;

/* rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, weight decay 0.01, clip_norm 1, no schedule. */
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

/* The rate that step number `step` (from 1) uses. */
float optimiser_rate(const OptimiserOptions *options, uint64_t step);

/* The whole state as plain memory: both moments f32 [count] (layout of GraphState.parameters) and the number
 * of steps done. Saved and restored together with graph_state, training goes on with the same bits. Borrowed.
 */
typedef struct OptimiserState {
    size_t count;
    float *first_moment;
    float *second_moment;
    uint64_t *step;
} OptimiserState;

OptimiserState optimiser_state(Optimiser *optimiser);

#endif
