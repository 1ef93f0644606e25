/* The network of docs/model-format.md in double precision, word by word and without any short cut.
 * Relies on: engine/core/model.h, data/features/features.h.
 * Relied on by: tests/executor. */
#ifndef SIPCNN_TESTS_EXECUTOR_REFERENCE_H
#define SIPCNN_TESTS_EXECUTOR_REFERENCE_H

#include "data/features/features.h"
#include "engine/core/model.h"

typedef struct ReferenceResult {
    double logits[CORE_MODEL_CLASSES_MAX];
    double novelty;
} ReferenceResult;

/* `skipped` as in infer/executor.h. */
void reference_run(const CoreModel *model, const FeatureRow *row, unsigned skipped, ReferenceResult *result);

#endif
