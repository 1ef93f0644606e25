/* Scores: what the network says of many rows, and the verdicts that thresholds make of it.
 * Relies on: train/model.h, train/data.h, train/stream.h.
 * Relied on by: train/fit (validation), train/calibrate, train/evaluate, tests. */
#ifndef SIPCNN_TRAIN_SCORES_H
#define SIPCNN_TRAIN_SCORES_H

#include "train/data.h"
#include "train/model.h"
#include "train/platt.h"
#include "train/stream.h"

/* Thresholds, incident rules and novelty of a calibrated network (docs/model-format.md gives their meaning).
 */
typedef struct TrainCalibration {
    CoreModelThreshold thresholds[CORE_MODEL_CLASSES_MAX];
    CoreModelThreshold unknown;
    TrainPlatt platt[CORE_MODEL_CLASSES_MAX];          /* zeroed: not calibrated */
    uint32_t centre_known[CORE_MODEL_CLASSES_MAX + 1]; /* benign first */
    float *centres;                                    /* [classes + 1][hidden] */
    float *inverse_variance;                           /* [hidden] */
} TrainCalibration;

/* A row that was scored, as far as judging needs it. */
typedef struct TrainScored {
    uint32_t client, run, classes; /* as in DatasetExample */
    uint8_t primary, part;
    bool attacker; /* some message of its client is of a run */
    uint8_t zero;
} TrainScored;

/* That of an example, with `attacker` unknown (false). */
TrainScored train_scored(const DatasetExample *example);

/* Logits and what else the network says of `count` rows. */
typedef struct TrainScores {
    uint32_t count, classes, hidden;
    TrainScored *rows; /* [count] */
    float *logits;     /* [count][classes] */
    float *features;   /* [count][hidden] values of the penultimate layer; NULL where only novelty was kept */
    float *novelty;    /* [count] distances to the calibration's centres; NULL where `features` is there */
    uint32_t room;     /* in the arrays */
    uint64_t left_out; /* rows of a stream that were too many to keep */
} TrainScores;

/* How far along something is; false stops it, which then returns CORE_INTERRUPTED. May be NULL. */
typedef bool TrainReport(void *user, uint64_t done, uint64_t total);

/* Runs the network over rows[0 .. count) of `data` and keeps the penultimate layer. Free with
 * train_scores_free. CORE_MEMORY, CORE_INTERRUPTED, CORE_IO. */
CORE_NODISCARD CoreStatus train_scores_compute(TrainModel *model, const TrainData *data, const uint32_t *rows,
                                               uint32_t count, TrainReport *report, void *user,
                                               TrainScores *scores, CoreError *error);

/* Runs the network over a stream from its start and keeps logits and novelty, about 64 bytes a row with
 * eleven classes. Of more than `most` rows whole runs and clients are left out, by the hash of their number,
 * until the rest fits. Errors as above, and those of the stream. */
CORE_NODISCARD CoreStatus train_scores_stream(TrainModel *model, TrainStream *stream,
                                              const TrainCalibration *calibration, uint32_t most,
                                              TrainReport *report, void *user, TrainScores *scores,
                                              CoreError *error);
void train_scores_free(TrainScores *scores);

/* What judging a stream's chunk needs, and where the latest chunk's results are. */
typedef struct TrainScorer {
    TrainModel *model;
    float *zeros;                   /* inputs of the loss, which nobody reads */
    const float *logits, *features; /* [n][classes], [n][hidden] of the latest rows; borrowed */
} TrainScorer;

/* CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_scorer_new(TrainModel *model, TrainScorer *scorer, CoreError *error);
/* Runs the network over up to TRAIN_CHUNK rows. */
CORE_NODISCARD CoreStatus train_scorer_run(TrainScorer *scorer, const FeatureRow *rows, uint32_t n,
                                           CoreError *error);
void train_scorer_free(TrainScorer *scorer);

/* Thresholds of logit 0, an unreachable novelty, incident rules 1 of 1, no centre. CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_calibration_new(uint32_t classes, uint32_t hidden,
                                                TrainCalibration *calibration, CoreError *error);
void train_calibration_free(TrainCalibration *calibration);

/* Distance of a penultimate vector to the nearest centre, scaled by inverse variances and divided by the
 * number of units; 0 without a centre. */
float train_novelty(const TrainCalibration *calibration, uint32_t classes, uint32_t hidden,
                    const float *features);

/* The verdict on a row with these logits, as a sensor would give it (TrainTally's `said`), and on score
 * number i. */
uint32_t train_verdict_of(const TrainCalibration *calibration, uint32_t classes, const float *logits,
                          float novelty);
uint32_t train_verdict(const TrainScores *scores, const TrainCalibration *calibration, uint32_t i);

#endif
