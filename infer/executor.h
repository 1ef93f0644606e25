/* The forward pass of "sipcnn v1": one feature row to logits and novelty (docs/model-format.md, The network).
 * Relies on: engine/core/model.h, engine/kernels, data/features/features.h.
 * Relied on by: infer/detector, sipcnn-bench, tests. */
#ifndef SIPCNN_INFER_EXECUTOR_H
#define SIPCNN_INFER_EXECUTOR_H

#include "data/features/features.h"
#include "engine/core/model.h"
#include "engine/core/status.h"

/* Branches of the network, as bits. A skipped branch hands zeros to the head, as when training dropped it. */
enum {
    SIPCNN_SKIP_TOKENS = 1u << 0,
    SIPCNN_SKIP_TEXT = 1u << 1,
    SIPCNN_SKIP_DIALOG = 1u << 2,
    SIPCNN_SKIP_COUNTERS = 1u << 3, /* all groups and the message's own inputs */
};

typedef struct SipcnnExecutor SipcnnExecutor;

/* An executor for `model`, which is borrowed, not changed, must outlive it and may serve any number of
 * executors. Its dims must be those of FeatureRow (sipcnn_model_load sees to it): CORE_SHAPE if a row would
 * be read beyond its end. CORE_MEMORY. All memory is taken here, some 80 KiB. The caller frees *executor. */
CORE_NODISCARD CoreStatus sipcnn_executor_new(const CoreModel *model, SipcnnExecutor **executor,
                                              CoreError *error);

/* Computes logits [classes] and the novelty (>= 0; 0 for a model without centres) of one row. Cost grows with
 * what the row holds: positions beyond n_tokens, n_text and n_events are not computed, and weights of
 * counters that are empty or of units that are 0 are not read. `skipped_branches` is 0 or a sum of
 * SIPCNN_SKIP_*. Allocates nothing, never fails; the same bits on AVX2 and AVX-512, which differ from the
 * portable kernels' by rounding. One thread at a time. */
void sipcnn_executor_run(SipcnnExecutor *executor, const FeatureRow *row, unsigned skipped_branches,
                         float *logits, float *novelty);

/* NULL is allowed. */
void sipcnn_executor_free(SipcnnExecutor *executor);

#endif
