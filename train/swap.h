/* Rows that borrow another client's history, so that the network does not learn what is not so.
 * Relies on: train/data.h (examples, feature rows), engine/rng.h.
 * Relied on by: train/batches. */
#ifndef SIPCNN_TRAIN_SWAP_H
#define SIPCNN_TRAIN_SWAP_H

#include "train/data.h"

/* A batch; rows, targets and mask of the loss are changed. */
typedef struct TrainSwap {
    uint64_t seed, step; /* of the optimiser: each step has its own random numbers */
    float swap, pass;    /* probabilities that a row borrows in either way */
    float absent;        /* target of a class that does not hold */
    uint32_t n, n_classes;
    const DatasetClass *classes;     /* [n_classes] */
    const DatasetExample **examples; /* [n] whose row each is */
    FeatureRow *rows;                /* [n] */
    float *targets, *mask;           /* [n][n_classes] */
} TrainSwap;

/* A history is the counters of client, account, target and all traffic.
 *
 * swap: a class that the first message decides (onset 0: a broken message, an injected text, a BYE from
 * outside) holds whatever its client did before. So a row of such a class takes over the history of a benign
 * row, and a benign row that of a row of such a class; the classes that a history decides are masked then.
 *
 * pass: what a back-to-back user agent passes on is not its own doing, whatever it is. So an attack's row
 * takes over the history of a benign row that was passed on, and the facts that say so, and is benign.
 *
 * The lender is drawn from the batch; a row that meets none in a few draws stays as it is. A pure function of
 * its arguments. */
void train_swap(const TrainSwap *swap);

#endif
