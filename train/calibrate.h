/* Calibration: thresholds, k of n and novelty from validation data, once the weights stand.
 * Relies on: train/scores.h, train/threshold.h, train/windows.h.
 * Relied on by: sipcnn-train, tests. */
#ifndef SIPCNN_TRAIN_CALIBRATE_H
#define SIPCNN_TRAIN_CALIBRATE_H

#include "train/scores.h"
#include "train/threshold.h"

typedef struct TrainCalibrateOptions {
    TrainThresholdOptions threshold;
    float novelty_margin; /* the novelty threshold is so many times the greatest of a benign validation
                             message */
    float shift[DATASET_CLASSES_MAX]; /* by class: what is known better than the validation side knows it,
                                         added to the threshold before k of n is chosen */
} TrainCalibrateOptions;

/* 100 false messages per million over all classes (thrice that where several verdicts make an incident),
 * margin 0.5, standard threshold 1, novelty margin 1.5, no shift. */
TrainCalibrateOptions train_calibrate_defaults(void);

/* Centres of benign and of each class, and the inverse variance within them, from training rows after onset.
 * A class needs at least 20 rows. */
void train_novelty_fit(const TrainScores *training, TrainCalibration *calibration);

/* Fills the rest of *calibration, which train_novelty_fit has given its centres (the novelty of `validation`
 * is that from them): thresholds from both, all else from `validation`, a side in capture order. A class that
 * the first message decides (onset 0 in `classes`, [validation->classes]) opens an incident at its first
 * verdict, so its threshold is stricter (train_threshold_choose). CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_calibrate(const DatasetClass *classes, const TrainScores *training,
                                          const TrainScores *validation, const TrainCalibrateOptions *options,
                                          TrainCalibration *calibration, CoreError *error);

#endif
