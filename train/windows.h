/* Choosing when verdicts become an incident: k of the last n of a client's messages.
 * Relies on: engine/core/model.h (CoreModelThreshold).
 * Relied on by: train/calibrate, tests. */
#ifndef SIPCNN_TRAIN_WINDOWS_H
#define SIPCNN_TRAIN_WINDOWS_H

#include "engine/core/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Verdicts of clients, one client's after another's, each in capture order. */
typedef struct TrainSequences {
    const uint8_t *said;   /* [begin[count]] */
    const uint32_t *begin; /* [count + 1] */
    const bool *attacked;  /* [count] the client attacked at some time */
    uint32_t count;
} TrainSequences;

/* The most verdicts `what` among any n successive ones of a benign client. */
uint32_t train_windows_worst(const TrainSequences *sequences, uint8_t what, uint32_t n);

/* The quickest rule of a fixed ladder, from number `first` on, that no benign client comes near: the worst
 * window stays below k by a quarter of k, and by two at least. Fills k and n of *rule; the last of the ladder
 * when none is safe. */
void train_windows_choose(const TrainSequences *sequences, uint8_t what, uint32_t first,
                          CoreModelThreshold *rule);

/* Number of the ladder's first rule with at least this k. */
uint32_t train_windows_ladder(uint32_t k);

#endif
