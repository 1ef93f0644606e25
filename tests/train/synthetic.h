/* A small labelled data set whose classes each show in another branch of the network.
 * Relies on: train/data.h, train/checkpoint.h.
 * Relied on by: the trainer's tests. */
#ifndef SIPCNN_TESTS_TRAIN_SYNTHETIC_H
#define SIPCNN_TESTS_TRAIN_SYNTHETIC_H

#include "train/checkpoint.h"
#include "train/data.h"

/* Class 0 "busy" (onset 5) shows in the client's counters, class 1 "odd" (onset 0) in the text, class 2
 * "shape" (onset 5) in the tokens; rows are noise otherwise. Runs are 1-based; benign rows have clients. */
enum { SYNTHETIC_CLASSES = 3 };

typedef struct Synthetic {
    TrainData data;
    DatasetExample *examples;
    FeatureRow *rows;
    uint8_t *sides;
    DatasetClass classes[SYNTHETIC_CLASSES];
} Synthetic;

/* `count` rows, half of them benign; every fourth run and client is on the validation side. Check guards
 * memory. */
void synthetic_new(Synthetic *synthetic, uint32_t count, uint64_t seed);
void synthetic_free(Synthetic *synthetic);

/* A fresh run on it with small, quick settings; train_checkpoint_free. */
void synthetic_state(const Synthetic *synthetic, TrainCheckpoint *state);

#endif
