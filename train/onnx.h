/* From a trained network to an ONNX model, for other people's runtimes.
 * Relies on: engine/onnx.h, train/model.h, engine/core/model.h.
 * Relied on by: sipcnn-train, tests. */
#ifndef SIPCNN_TRAIN_ONNX_H
#define SIPCNN_TRAIN_ONNX_H

#include "train/model.h"

/* The ONNX bytes in *bytes (free()) of a network, with what the model file `about` says of it. The parts of a
 * FeatureRow go in (u8, a batch dimension in front), "logits" f32 [N, classes] and "hidden" f32 [N, hidden]
 * come out; the normalisation of the counters is part of the graph. Inputs, outputs and metadata:
 * docs/onnx.md. CORE_MEMORY, CORE_LIMIT. */
CORE_NODISCARD CoreStatus train_onnx(const TrainModel *network, const CoreModel *about, uint8_t **bytes,
                                     size_t *size, CoreError *error);

#endif
