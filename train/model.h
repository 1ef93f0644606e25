/* The SIP CNN ("sipcnn v1", docs/architecture.md) as a graph that learns.
 * Relies on: engine, engine/core/model.h (dimensions), data/features (the rows).
 * Relied on by: train/fit, train/scores, train/export, bench. */
#ifndef SIPCNN_TRAIN_MODEL_H
#define SIPCNN_TRAIN_MODEL_H

#include "data/features/features.h"
#include "engine/core/model.h"
#include "engine/graph.h"

/* The branches of the network: what training drops and what a sensor sheds under load. */
typedef enum TrainBranch {
    TRAIN_BRANCH_TOKENS,
    TRAIN_BRANCH_TEXT,
    TRAIN_BRANCH_DIALOG,
    TRAIN_BRANCH_COUNTERS,
    TRAIN_BRANCHES
} TrainBranch;

/* Normalisation of the counters: (clamp(x, low, high) - mean) * scale. */
typedef struct TrainNorm {
    float low[FEATURE_COUNTERS], high[FEATURE_COUNTERS];
    float mean[FEATURE_COUNTERS], scale[FEATURE_COUNTERS];
} TrainNorm;

typedef struct TrainModelOptions {
    int32_t max_batch;
    uint64_t seed;                        /* of the initial weights and of dropout */
    float branch_dropout[TRAIN_BRANCHES]; /* probability that a sample's branch is zeroed, never rescaled */
    float group_dropout;           /* probability that one group of counters is zeroed, never rescaled */
    float input_dropout;           /* of single counters, inverted dropout */
    float hidden_dropout;          /* of the penultimate layer, inverted dropout */
    const float *positive_weights; /* [classes], NULL: ones; of the loss where a class holds */
} TrainModelOptions;

/* A graph and its nodes. One caller at a time. */
typedef struct TrainModel {
    Graph *graph;
    CoreModelDims dims;
    GraphNode tokens, n_tokens, text, n_text, events, n_events, counters; /* inputs: parts of a FeatureRow */
    GraphNode targets, mask, weights;                                     /* inputs of the loss */
    GraphNode hidden, logits;
} TrainModel;

/* The dimensions of a network for today's feature spec and `classes` classes (1..32), widths as shipped. */
CoreModelDims train_model_dims(uint32_t classes);

/* Builds the graph with fresh weights; free with train_model_free. Every dimension of *dims that describes
 * the input must be that of the feature spec (CORE_SHAPE). CORE_MEMORY, CORE_ARGUMENT. */
CORE_NODISCARD CoreStatus train_model_new(const CoreModelDims *dims, const TrainNorm *norm,
                                          const TrainModelOptions *options, TrainModel *model,
                                          CoreError *error);
void train_model_free(TrainModel *model);

/* Rows and loss inputs of a batch; all borrowed until the next call. */
typedef struct TrainBatch {
    const FeatureRow *rows; /* [n] */
    const float *targets;   /* [n][classes] 0 or 1 */
    const float *mask;      /* [n][classes] 0: not learned from */
    const float *weights;   /* [n] */
} TrainBatch;

/* Where the next runs of the graph read from. */
CORE_NODISCARD CoreStatus train_model_bind(TrainModel *model, const TrainBatch *batch, CoreError *error);

#endif
