/* Rows that borrow another client's history, so that what one message decides is not learned from it.
 * Relies on: train/data.h (examples, feature rows), engine/rng.h.
 * Relied on by: train/batches. */
#ifndef SIPCNN_TRAIN_SWAP_H
#define SIPCNN_TRAIN_SWAP_H

#include "train/data.h"

/* A batch; `rows` and the loss's `mask` are changed. */
typedef struct TrainSwap {
    uint64_t seed, step; /* of the optimiser: each step has its own random numbers */
    float probability;   /* that a row borrows */
    uint32_t n, n_classes;
    const DatasetClass *classes;     /* [n_classes] */
    const DatasetExample **examples; /* [n] whose row each is */
    FeatureRow *rows;                /* [n] */
    float *mask;                     /* [n][n_classes] */
} TrainSwap;

/* A class that the first message decides (onset 0: a broken message, an injected text, a BYE from outside)
 * holds whatever its client did before. So a row of such a class takes over the counters of client, account,
 * target and all traffic from a benign row, and a benign row those of a row of such a class; the classes that
 * a history decides are masked then. The partner is drawn from the batch; a row that meets none in a few
 * draws stays as it is. Sets mask entries to 0 and no other. A pure function of its arguments. */
void train_swap(const TrainSwap *swap);

#endif
