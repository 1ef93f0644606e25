/* From a trained run to a model file and back into a network.
 * Relies on: train/checkpoint.h, engine/core/model.h, data/digest.
 * Relied on by: sipcnn-train, tests. */
#ifndef SIPCNN_TRAIN_EXPORT_H
#define SIPCNN_TRAIN_EXPORT_H

#include "train/checkpoint.h"

/* The model file's bytes in *bytes (free()) of a calibrated run: its best weights with the embeddings folded
 * into the first convolutions. `provenance` is a JSON text. CORE_ARGUMENT: not calibrated; CORE_FORMAT: a
 * weight is not finite; CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_export(const TrainCheckpoint *checkpoint, const char *provenance,
                                       uint8_t **bytes, size_t *size, CoreError *error);

/* A network for scoring, and the calibration, of a model file that was read with core_model_read. A folded
 * table is unfolded as an embedding of taps * channels values whose convolution picks each tap's share, so
 * the logits are those of the file up to rounding. Free both. CORE_VERSION: the model is for another feature
 * spec; CORE_SHAPE, CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_import(const CoreModel *file, int threads, TrainModel *model,
                                       TrainCalibration *calibration, CoreError *error);

#endif
