/* From a trained network to an ONNX model, for other people's runtimes.
 * Relies on: engine/onnx.h, train/model.h, engine/core/model.h.
 * Relied on by: sipcnn-train, tests. */
#ifndef SIPCNN_TRAIN_ONNX_H
#define SIPCNN_TRAIN_ONNX_H

#include "train/model.h"

/* The ONNX bytes in *bytes (free()) of a network, with what the model file `about` says of it: the parts of a
 * FeatureRow in (u8, one batch dimension in front), "logits" f32 [N, classes] and "hidden" f32 [N, hidden]
 * out. The normalisation of the counters is part of the graph. metadata_props, JSON but for the first two:
 *   feature_spec_version, feature_spec_hash  what the inputs mean; as in the model file
 *   classes      names in the order of the logits
 *   thresholds   {class: {"threshold", "k", "n"}}, "unknown" for novelty
 *   probability  {class: {"temperature", "bias"}} where calibrated: p = sigmoid(logit / temperature + bias)
 *   novelty      {"centres": {class or "benign": [hidden]}, "inverse_variance": [hidden]}: the least over the
 *                centres of sum((hidden - centre)^2 * inverse_variance) / units
 *   counters     names of the values of input_counters
 *   provenance   of the model file
 * CORE_MEMORY, CORE_LIMIT. */
CORE_NODISCARD CoreStatus train_onnx(const TrainModel *network, const CoreModel *about, uint8_t **bytes,
                                     size_t *size, CoreError *error);

#endif
