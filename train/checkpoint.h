/* A training run as a value, from options to weights and calibration; saved whole, resumed exactly.
 * Relies on: train/data.h, train/scores.h, engine/core (bytes, file), data/digest.
 * Relied on by: train/fit, train/calibrate, train/export, sipcnn-train. */
#ifndef SIPCNN_TRAIN_CHECKPOINT_H
#define SIPCNN_TRAIN_CHECKPOINT_H

#include "train/data.h"
#include "train/scores.h"

/* Everything that decides what a training run computes: X(name, whole, default, least, most, help). One list
 * yields the struct, the command line (--name, '_' written '-'), the checkpoint and the provenance. */
#define TRAIN_OPTIONS(X)                                                                                     \
    X(seed, 1, 1, 0, 4294967295.0, "of initial weights, order of rows and dropout")                          \
    X(epochs, 1, 16, 1, 1000, "at most so many passes over the training rows")                               \
    X(patience, 1, 8, 1, 1000, "stop after so many epochs without a better validation F1")                   \
    X(batch, 1, 256, 1, 4096, "rows of a step")                                                              \
    X(rate, 0, 2e-3, 1e-7, 1, "greatest learning rate (AdamW, one epoch of warm-up, cosine)")                \
    X(weight_decay, 0, 1, 0, 10, "decoupled weight decay")                                                   \
    X(clip, 0, 1, 0, 1e6, "longest gradient; 0: no clipping")                                                \
    X(average, 0, 0.998, 0, 0.99999,                                                                         \
      "decay of the average of the weights that is validated and kept; 0: none")                             \
    X(cap, 1, 300, 1, 1e9, "rows of an attack run or of a benign client in an epoch")                        \
    X(rows_per_epoch, 1, 500000, 2, 4e9, "at most so many rows in all; the cap falls until they suffice")    \
    X(cache_rows, 1, 4e6, 1, 2e9,                                                                            \
      "rows in the feature cache; of a larger dataset a random share of each run and client")                \
    X(balance, 0, 0.5, 0, 1, "weight of rare classes: (all rows / rows of the class) to this power")         \
    X(run_balance, 0, 0.5, 0, 1,                                                                             \
      "weight of short runs: (mean rows of a run / rows of the run) to this power")                          \
    X(smoothing, 0, 0.02, 0, 0.5, "label smoothing: targets are s/2 and 1 - s/2")                            \
    X(also, 0, 0.7, 0.5, 1,                                                                                  \
      "target of a class that holds beside the primary one: so that this is named first")                    \
    X(drop_tokens, 0, 0.3, 0, 0.9, "probability that a row's token branch is dropped")                       \
    X(drop_text, 0, 0.1, 0, 0.9, "the same of the text branch")                                              \
    X(drop_dialog, 0, 0.3, 0, 0.9, "the same of the dialog branch")                                          \
    X(drop_counters, 0, 0.4, 0, 0.9, "the same of the counters")                                             \
    X(drop_groups, 0, 0.2, 0, 0.9, "the same of each group of counters by itself")                           \
    X(drop_inputs, 0, 0.3, 0, 0.9, "dropout of single counters")                                             \
    X(jitter, 0, 8, 0, 64, "spread of the random shift of a group's counters (16 steps: a factor e)")        \
    X(swap, 0, 0.3, 0, 1,                                                                                    \
      "probability that a row of a class that one message decides, or a benign one, swaps histories")        \
    X(pass, 0, 0.05, 0, 1,                                                                                   \
      "probability that an attack's row becomes one that a server passes on, which is benign")               \
    X(drop_hidden, 0, 0.3, 0, 0.9, "dropout of the penultimate layer")                                       \
    X(warm_every, 1, 3, 0, 1000, "replay every n-th capture again in a context hours old; 0: none")          \
    X(refit, 1, 1, 0, 1,                                                                                     \
      "1: for --export learn again from training and validation side with the thresholds found; 0: do not")

typedef struct TrainOptions {
#define TRAIN_OPTION_FIELD(name, whole, standard, least, most, help) double name;
    TRAIN_OPTIONS(TRAIN_OPTION_FIELD)
#undef TRAIN_OPTION_FIELD
} TrainOptions;

TrainOptions train_options_defaults(void);

/* One finished epoch. */
typedef struct TrainEpoch {
    float loss, validation_loss, macro_f1; /* validation values are 0 without a validation side */
} TrainEpoch;

/* Arrays of a run, each in the layout of GraphState.parameters. */
typedef enum TrainArray {
    TRAIN_PARAMETERS,
    TRAIN_FIRST_MOMENT,
    TRAIN_SECOND_MOMENT,
    TRAIN_AVERAGE, /* of the parameters: what is validated */
    TRAIN_BEST,    /* the average of the best epoch: what is kept */
    TRAIN_ARRAYS
} TrainArray;

enum {
    TRAIN_EPOCHS_MAX = 1000,
    TRAIN_LOCAL_MAX = 32,
    TRAIN_DROP_RUNS_MAX = 4096,
    TRAIN_PATH_SIZE = 1024,
    TRAIN_COMMAND_SIZE = 2048,
    TRAIN_METRICS_SIZE = 16384
};

/* Zeroed: nothing begun. Owns its arrays. */
typedef struct TrainCheckpoint {
    TrainOptions options;
    /* What it is trained on. */
    char dataset_path[TRAIN_PATH_SIZE];
    char split[DATASET_NAME_SIZE];
    uint8_t dataset_hash[DATASET_HASH_SIZE];
    FeatureLocal local[TRAIN_LOCAL_MAX];
    uint32_t n_local;
    uint32_t drop_runs[TRAIN_DROP_RUNS_MAX];
    uint32_t n_drop_runs;
    char command[TRAIN_COMMAND_SIZE]; /* for provenance */
    uint32_t spec_version;
    uint64_t spec_hash;
    DatasetClass classes[DATASET_CLASSES_MAX];
    uint32_t n_classes;
    TrainNorm norm;
    float positive_weights[DATASET_CLASSES_MAX];
    /* Where it is. */
    uint32_t epoch, batch;                /* finished epochs, and steps of the current one */
    double loss_sum;                      /* of the current epoch's rows */
    double best_f1, best_loss;            /* of the best epoch, on the validation side */
    uint32_t best_epoch;                  /* 0: none yet */
    TrainEpoch history[TRAIN_EPOCHS_MAX]; /* [epoch] */
    uint64_t step, counter;               /* of the optimiser and of the graph's random numbers */
    uint64_t n;                           /* floats of each array */
    float *arrays[TRAIN_ARRAYS];
    /* What calibration added. */
    bool calibrated;
    TrainCalibration calibration;
    char metrics[TRAIN_METRICS_SIZE]; /* JSON text: what calibration saw, for provenance */
} TrainCheckpoint;

/* Allocates the five arrays, zeroed. CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_checkpoint_allocate(TrainCheckpoint *checkpoint, uint64_t n,
                                                    CoreError *error);

/* Writes the checkpoint to a temporary file that is renamed over `path` when it is whole. The same run gives
 * the same bytes. CORE_IO, CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_checkpoint_write(const TrainCheckpoint *checkpoint, const char *path,
                                                 CoreError *error);
/* Reads a checkpoint; free with train_checkpoint_free. Errors name the file: CORE_IO, CORE_FORMAT (not a
 * checkpoint, damaged), CORE_VERSION (other format or feature spec), CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_checkpoint_read(const char *path, TrainCheckpoint *checkpoint,
                                                CoreError *error);
/* The same from memory, for which `name` stands in errors. */
CORE_NODISCARD CoreStatus train_checkpoint_parse(const char *name, const uint8_t *bytes, size_t size,
                                                 TrainCheckpoint *checkpoint, CoreError *error);
void train_checkpoint_free(TrainCheckpoint *checkpoint);

#endif
