/* A loaded model: the file's bytes and the views into them. For this room only; others use infer/sipcnn.h.
 * Relies on: engine/core/model.h.
 * Relied on by: infer/detector, tests. */
#ifndef SIPCNN_INFER_MODEL_H
#define SIPCNN_INFER_MODEL_H

#include "engine/core/model.h"
#include "infer/sipcnn.h"

struct SipcnnModel {
    CoreModel core; /* views into bytes */
    uint8_t *bytes;
};

#endif
