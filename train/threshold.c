/* Sweeping a threshold over sorted scores.
 * Relies on: libc.
 * Relied on by: train/calibrate, tests. */
#include "train/threshold.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static const float least_threshold = 0, greatest_threshold = 16;
#define TIE           0.005 /* share of the best F1 that makes no difference */
#define MARGIN_LOSS   0.03  /* share of it that a margin above the benign scores may cost */
#define BOUND_LOSS    0.25 /* share of it that a strict threshold gives away to lie above the benign scores */
#define USELESS       0.3  /* F1 below which a class is better not named */
#define BENIGN_WEIGHT 3    /* of a false message beyond the admitted rate, in wrong verdicts */

/* Descending logits. */
static int compare_cases(const void *a, const void *b) {
    const TrainCase *x = a, *y = b;
    return (x->logit < y->logit) - (x->logit > y->logit);
}

/* What a sweep from the greatest score down looks for. */
typedef struct Sweep {
    double allowed;  /* benign cases above the threshold that count once; more weigh BENIGN_WEIGHT each */
    double best;     /* F1 with that weight */
    float low, high; /* thresholds whose F1 is within a share of the best */
} Sweep;

typedef struct Totals {
    double positive, benign;
} Totals;

/* Visits every threshold between two different scores: cases[0..i] are named, the threshold lies in
 * (cases[i + 1].logit, cases[i].logit]. With `share` 0 finds the best F1, else the range of thresholds whose
 * F1 is at least that share of it. */
static void sweep_cases(const TrainCase *cases, size_t n, Totals totals, double share, Sweep *sweep) {
    double named[3] = {0};
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        named[cases[i].kind] += cases[i].kind == TRAIN_CASE_BENIGN ? 1 : (double)cases[i].weight;
        if (i + 1 < n && cases[i + 1].logit == cases[i].logit) continue;
        double beyond = fmax(named[TRAIN_CASE_BENIGN] - sweep->allowed, 0);
        double wrong = named[TRAIN_CASE_ATTACK] + named[TRAIN_CASE_BENIGN] + (BENIGN_WEIGHT - 1) * beyond;
        double f1 = 2 * named[TRAIN_CASE_POSITIVE] / (named[TRAIN_CASE_POSITIVE] + wrong + totals.positive);
        if (share == 0) {
            sweep->best = fmax(sweep->best, f1);
        } else if (f1 >= share * sweep->best) {
            if (!inside) sweep->high = cases[i].logit;
            sweep->low = i + 1 < n ? cases[i + 1].logit : cases[i].logit - 2;
            inside = true;
        }
    }
}

static Totals count_cases(const TrainCase *cases, size_t n) {
    Totals totals = {0};
    for (size_t i = 0; i < n; i++) {
        if (cases[i].kind == TRAIN_CASE_POSITIVE) totals.positive += (double)cases[i].weight;
        totals.benign += cases[i].kind == TRAIN_CASE_BENIGN;
    }
    return totals;
}

/* The greatest benign score that has to stay below the threshold. */
static float benign_bound(const TrainCase *cases, size_t n, double allowed) {
    double seen = 0;
    for (size_t i = 0; i < n; i++)
        if (cases[i].kind == TRAIN_CASE_BENIGN && ++seen > allowed) return cases[i].logit;
    return least_threshold - 4;
}

float train_threshold_limit(float threshold) {
    return threshold > least_threshold ? fminf(threshold, greatest_threshold) : least_threshold;
}

float train_threshold_choose(TrainCase *cases, size_t n, const TrainThresholdOptions *options, bool strict) {
    qsort(cases, n, sizeof *cases, compare_cases);
    Totals totals = count_cases(cases, n);
    Sweep sweep = {.allowed = floor(totals.benign * options->false_per_million / 1e6)};
    float bound = benign_bound(cases, n, sweep.allowed) + options->margin;
    sweep_cases(cases, n, totals, 0, &sweep);
    if (sweep.best < USELESS) return train_threshold_limit(fmaxf(bound, options->standard));
    sweep_cases(cases, n, totals, 1 - TIE, &sweep);
    const float low = nextafterf(sweep.low, FLT_MAX); /* that score itself is not to be named */
    sweep_cases(cases, n, totals, 1 - (strict ? BOUND_LOSS : MARGIN_LOSS), &sweep);
    return train_threshold_limit(fmaxf(low, fminf(bound, sweep.high)));
}
