/* Counts and rates of verdicts against labels: recall, precision, F1, macro F1.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: train/evaluate, train/fit, train/calibrate. */
#ifndef SIPCNN_TRAIN_METRICS_H
#define SIPCNN_TRAIN_METRICS_H

#include "data/dataset/dataset.h"

/* What can be said of a message: 0 benign, 1 + class index, 1 + n_classes for unknown. */
enum { TRAIN_SAID_BENIGN = 0, TRAIN_SAID_MAX = DATASET_CLASSES_MAX + 2 };

/* Classes with fewer messages do not enter the macro F1. */
enum { TRAIN_MACRO_LEAST = 50 };

/* Verdicts over one set of messages. Zero-initialise. */
typedef struct TrainTally {
    uint64_t n[TRAIN_SAID_MAX];                         /* messages whose primary it is */
    uint64_t hit[TRAIN_SAID_MAX];                       /* of them, judged right */
    uint64_t named[TRAIN_SAID_MAX];                     /* verdicts that name it */
    uint64_t right[TRAIN_SAID_MAX];                     /* of them, right */
    uint64_t confusion[TRAIN_SAID_MAX][TRAIN_SAID_MAX]; /* [primary][said], right and wrong */
} TrainTally;

/* Whether `said` is right for a message: it is its primary or one of the classes that hold beside it. */
static inline bool train_right(uint8_t primary, uint32_t classes, uint32_t said) {
    return said == primary || (said > 0 && said <= DATASET_CLASSES_MAX && classes >> (said - 1) & 1);
}

/* Counts a verdict on a message with this primary (DATASET_BENIGN or class index + 1) and mask of classes. */
void train_tally_add(TrainTally *tally, uint8_t primary, uint32_t classes, uint32_t said);
/* 0 where nothing was counted. `what` as in `said`. */
double train_tally_recall(const TrainTally *tally, uint32_t what);
double train_tally_precision(const TrainTally *tally, uint32_t what);
double train_tally_f1(const TrainTally *tally, uint32_t what);
/* Mean F1 over what has at least `least` messages, benign included; *counted (may be NULL) tells how many. */
double train_tally_macro_f1(const TrainTally *tally, uint64_t least, uint32_t *counted);

#endif
