/* Counts and rates of verdicts against labels.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: train/evaluate, train/fit, train/calibrate. */
#include "train/metrics.h"

void train_tally_add(TrainTally *tally, uint8_t primary, uint32_t classes, uint32_t said) {
    bool right = train_right(primary, classes, said);
    tally->n[primary]++;
    tally->named[said]++;
    tally->hit[primary] += right;
    tally->right[said] += right;
    tally->confusion[primary][said]++;
}

static double share(uint64_t part, uint64_t whole) {
    return whole ? (double)part / (double)whole : 0;
}

double train_tally_recall(const TrainTally *tally, uint32_t what) {
    return share(tally->hit[what], tally->n[what]);
}

double train_tally_precision(const TrainTally *tally, uint32_t what) {
    return share(tally->right[what], tally->named[what]);
}

double train_tally_f1(const TrainTally *tally, uint32_t what) {
    double recall = train_tally_recall(tally, what), precision = train_tally_precision(tally, what);
    return recall + precision > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

double train_tally_macro_f1(const TrainTally *tally, uint64_t least, uint32_t *counted) {
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t what = 0; what < TRAIN_SAID_MAX; what++)
        if (tally->n[what] && tally->n[what] >= least) sum += train_tally_f1(tally, what), n++;
    if (counted) *counted = n;
    return n ? sum / n : 0;
}
