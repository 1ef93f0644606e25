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
    const uint8_t *said;    /* [begin[count]] */
    const uint8_t *primary; /* [begin[count]] what it was */
    const uint32_t *run;    /* [begin[count]] of which run, 0: none */
    const uint32_t *begin;  /* [count + 1] */
    const bool *attacked;   /* [count] the client attacked at some time */
    uint32_t count;
    uint32_t *marks; /* [the greatest run + 1] scratch, zeroed */
} TrainSequences;

/* What a rule would do. */
typedef struct TrainWindowsEffect {
    uint32_t clients,
        near; /* that never attacked and said something; of them, those that come near an incident */
    uint32_t runs, found; /* whose primary class it is; of them, those whose clients open an incident */
} TrainWindowsEffect;

/* The most verdicts `what` among any n successive ones of a benign client. */
uint32_t train_windows_worst(const TrainSequences *sequences, uint8_t what, uint32_t n);

/* The effect of k of n on verdicts `what`. A client comes near when its worst window is less than a quarter
 * of k, and less than two, below k. */
TrainWindowsEffect train_windows_effect(const TrainSequences *sequences, uint8_t what, uint32_t k,
                                        uint32_t n);

/* The rule of a fixed ladder, from number `first` on, that costs least: the share of runs missed, plus twenty
 * times the share of honest clients that come near an incident; the quickest among equals. Fills k and n of
 * *rule. */
void train_windows_choose(const TrainSequences *sequences, uint8_t what, uint32_t first,
                          CoreModelThreshold *rule);

/* Number of the ladder's first rule with at least this k. */
uint32_t train_windows_ladder(uint32_t k);

#endif
