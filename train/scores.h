/* Scores: what the network says of many rows, and the verdicts that thresholds make of it.
 * Relies on: train/model.h, train/data.h.
 * Relied on by: train/fit (validation), train/calibrate, train/evaluate, tests. */
#ifndef SIPCNN_TRAIN_SCORES_H
#define SIPCNN_TRAIN_SCORES_H

#include "train/data.h"
#include "train/model.h"

/* Logits and penultimate layer of `count` rows of a TrainData. */
typedef struct TrainScores {
    uint32_t count, classes, hidden;
    uint32_t *rows;  /* [count] indices into the data */
    float *logits;   /* [count][classes] */
    float *features; /* [count][hidden] values of the penultimate layer */
} TrainScores;

/* How far along something is; false stops it, which then returns CORE_INTERRUPTED. May be NULL. */
typedef bool TrainReport(void *user, uint64_t done, uint64_t total);

/* Runs the network over rows[0 .. count). Free with train_scores_free. CORE_MEMORY, CORE_INTERRUPTED. */
CORE_NODISCARD CoreStatus train_scores_compute(TrainModel *model, const TrainData *data, const uint32_t *rows,
                                               uint32_t count, TrainReport *report, void *user,
                                               TrainScores *scores, CoreError *error);
void train_scores_free(TrainScores *scores);

/* Indices of the labelled rows of a side in *rows (free()), in data order, rows of the second, warm replay
 * only when `warm` is true. CORE_MEMORY; CORE_NOT_FOUND: there is none. */
CORE_NODISCARD CoreStatus train_rows_of(const TrainData *data, DatasetSide side, bool warm, uint32_t **rows,
                                        uint32_t *count, CoreError *error);

/* Thresholds, incident rules and novelty of a calibrated network (docs/model-format.md gives their meaning).
 */
typedef struct TrainCalibration {
    CoreModelThreshold thresholds[CORE_MODEL_CLASSES_MAX];
    CoreModelThreshold unknown;
    uint32_t centre_known[CORE_MODEL_CLASSES_MAX + 1]; /* benign first */
    float *centres;                                    /* [classes + 1][hidden] */
    float *inverse_variance;                           /* [hidden] */
} TrainCalibration;

/* Thresholds of logit 0, an unreachable novelty, incident rules 1 of 1, no centre. CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_calibration_new(uint32_t classes, uint32_t hidden,
                                                TrainCalibration *calibration, CoreError *error);
void train_calibration_free(TrainCalibration *calibration);

/* Distance of a penultimate vector to the nearest centre, scaled by inverse variances and divided by the
 * number of units; 0 without a centre. */
float train_novelty(const TrainCalibration *calibration, uint32_t classes, uint32_t hidden,
                    const float *features);

/* The verdict on score number i, as a sensor would give it (TrainTally's `said`). */
uint32_t train_verdict(const TrainScores *scores, const TrainCalibration *calibration, uint32_t i);

#endif
