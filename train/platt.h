/* Turning a class's logits into probabilities (Platt, "Probabilistic outputs for support vector machines and
 * comparisons to regularized likelihood methods", 1999).
 * Relies on: train/threshold.h (TrainCase).
 * Relied on by: train/calibrate, tests. */
#ifndef SIPCNN_TRAIN_PLATT_H
#define SIPCNN_TRAIN_PLATT_H

#include "train/threshold.h"

/* p = sigmoid(logit / temperature + bias), as in the model file. Temperature 0: not calibrated. */
typedef struct TrainPlatt {
    float temperature, bias;
} TrainPlatt;

/* The pair of greatest likelihood for cases of which each kind counts half in all: p is the belief before
 * anybody knows how common the class is. Targets are smoothed as Platt does, (n + 1) / (n + 2), so that
 * separable cases give finite values; temperature stays within 1/8 .. 8 and bias within -32 .. 32.
 * Temperature 0 with fewer than ten cases on either side. Pure. */
TrainPlatt train_platt_fit(const TrainCase *cases, size_t n);

#endif
