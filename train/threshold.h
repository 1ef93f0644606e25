/* Choosing a class's threshold from validation scores.
 * Relies on: libc.
 * Relied on by: train/calibrate, tests. */
#ifndef SIPCNN_TRAIN_THRESHOLD_H
#define SIPCNN_TRAIN_THRESHOLD_H

#include "engine/core/status.h"

#include <stdbool.h>
#include <stddef.h>

/* What a scored message is for one class. */
typedef enum TrainCaseKind {
    TRAIN_CASE_POSITIVE, /* the class holds */
    TRAIN_CASE_ATTACK,   /* another attack */
    TRAIN_CASE_BENIGN
} TrainCaseKind;

typedef struct TrainCase {
    float logit;
    float weight; /* of its right or wrong verdict in F1; benign messages count as they are */
    TrainCaseKind kind;
} TrainCase;

typedef struct TrainThresholdOptions {
    double false_per_million; /* benign messages at or above the threshold, at most */
    float margin;   /* logits above the greatest benign score that the rate excludes, where F1 allows it */
    float standard; /* the threshold of a class without a positive case, at least */
} TrainThresholdOptions;

/* A threshold near the best F1, in which a benign message beyond the rate weighs like three wrong verdicts:
 * the lowest that comes within 0.5 % of it, moved up to the margin above the benign scores that the rate does
 * not admit as far as F1 stays within 3 % of the best; `strict`, for a class of which one verdict is an
 * incident, within 25 %. Not the middle of the gap: an attack never seen before scores lower than those
 * known. A class whose F1 stays below 0.3 is better not named: its threshold lies above the benign scores.
 * Sorts `cases` in place. Never NaN; within 0 .. 16: below 0 a class is less likely than not. */
float train_threshold_choose(TrainCase *cases, size_t n, const TrainThresholdOptions *options, bool strict);

/* The nearest threshold within 0 .. 16. */
float train_threshold_limit(float threshold);

#endif
