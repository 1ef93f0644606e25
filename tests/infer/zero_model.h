/* A valid model with zero weights: every logit is the output's bias, whatever the message.
 * Relies on: engine/core/model.h, data/features/features.h, data/digest.
 * Relied on by: tests of infer, make_zero_model. */
#ifndef SIPCNN_TESTS_ZERO_MODEL_H
#define SIPCNN_TESTS_ZERO_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/model.h"

enum { ZERO_MODEL_CLASSES = 11 };
extern const char *const zero_model_class_names[ZERO_MODEL_CLASSES]; /* "flood" first, "spit" last */

/* What is not zero. */
typedef struct ZeroModel {
    float bias[ZERO_MODEL_CLASSES];      /* the logits */
    float threshold[ZERO_MODEL_CLASSES]; /* of the logits */
    float temperature[ZERO_MODEL_CLASSES];
    float novelty_threshold; /* novelty is 0 */
    uint32_t k, n;           /* of every class and of "unknown" */
    uint32_t spec_version;
} ZeroModel;

/* Everything is benign: thresholds 1, 1 of 1, the right feature spec. */
ZeroModel zero_model(void);
/* Everything is of one class, by its name, or "unknown". */
ZeroModel zero_model_loud(const char *class_name, uint32_t k, uint32_t n);

/* The file's bytes (free()) and their size. Ends the program with a message on failure: this is for tests. */
uint8_t *zero_model_bytes(const ZeroModel *options, size_t *size);
void zero_model_write(const ZeroModel *options, const char *path);

#endif
