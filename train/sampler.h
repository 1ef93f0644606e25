/* Which rows an epoch learns from: a shuffled draw with an equal cap for every run and every benign client.
 * Relies on: train/data.h, engine/rng.h.
 * Relied on by: train/fit, train/job. */
#ifndef SIPCNN_TRAIN_SAMPLER_H
#define SIPCNN_TRAIN_SAMPLER_H

#include "train/data.h"

typedef struct TrainSamplerOptions {
    uint32_t cap;  /* >= 1: rows of a group in an epoch, at most */
    uint32_t rows; /* >= 2: rows of an epoch, at most; where they do not suffice, runs get half of them (the
                      others what is left), and the cap of each of the two falls until they do */
    float run_balance; /* b > 0: the rows of an attack run of n rows an epoch weigh (m / n)^b, within 1/4..4,
                          where m is the mean over the runs of the same class: b = 1 makes runs count alike */
} TrainSamplerOptions;

/* Runs, and all other groups: they share an epoch's rows. */
enum { TRAIN_SAMPLER_RUNS, TRAIN_SAMPLER_OTHERS, TRAIN_SAMPLER_KINDS };

/* Labelled rows of one side, grouped: the rows of an attack run, the benign rows of a client, or (without a
 * client) of a capture. */
typedef struct TrainSampler {
    uint32_t *rows;  /* [n_rows] indices into TrainData, group by group, runs first */
    uint32_t *begin; /* [n_groups + 1] */
    float *weights;  /* [n_groups] of the group's rows in the loss */
    uint32_t n_rows, n_groups, n_runs;
    uint32_t caps[TRAIN_SAMPLER_KINDS]; /* rows of a group in an epoch */
    uint32_t
        draws[TRAIN_SAMPLER_KINDS]; /* rows of an epoch; below the sum of min(cap, size) only if that is
                                       too many even with cap 1: then each epoch leaves out other groups */
    uint32_t n_epoch;               /* rows of an epoch: the sum of `draws` */
} TrainSampler;

/* Free with train_sampler_free. CORE_MEMORY; CORE_NOT_FOUND: the side has no labelled row. */
CORE_NODISCARD CoreStatus train_sampler_new(const TrainData *data, DatasetSide side,
                                            const TrainSamplerOptions *options, TrainSampler *sampler,
                                            CoreError *error);
void train_sampler_free(TrainSampler *sampler);

/* One row of an epoch. */
typedef struct TrainDraw {
    uint32_t row;
    float weight;
} TrainDraw;

/* The epoch's n_epoch draws in their order: a pure function of sampler, seed and epoch. `scratch` and `draws`
 * hold n_rows each. */
void train_sampler_epoch(const TrainSampler *sampler, uint64_t seed, uint32_t epoch, uint32_t *scratch,
                         TrainDraw *draws);

/* Weights of the loss where a class holds: (rows of an epoch / rows of an epoch with the class)^balance,
 * within 1..20; 1 for a class without a row. Onset rows do not count. */
void train_class_weights(const TrainData *data, const TrainSampler *sampler, float balance,
                         float weights[DATASET_CLASSES_MAX]);

#endif
