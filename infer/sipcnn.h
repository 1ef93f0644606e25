/* libsipcnn: the detector for other programs. One model, one detector per stream of messages, one verdict per
 * message.
 * Relies on: engine/core/status.h, data/wire/message.h, data/features/features.h.
 * Relied on by: sipcnn-infer, sipcnn-bench, programs that embed libsipcnn.
 *
 *   sipcnn_init(&error);                                       once, before any thread
 *   sipcnn_model_load("first-light.sipcnn", &model, &error);   read-only afterwards, shared by detectors
 *   sipcnn_detector_new(model, NULL, &detector, &error);
 *   for each message, in capture order:
 *       feature_encode(&message, &encoded);                    pure; on as many threads as you like
 *       sipcnn_detector_step(detector, &message, &encoded, &verdict);
 *
 * The library never prints, never exits and allocates nothing per message. infer/incidents.h turns verdicts
 * into incidents, infer/rules.h judges without a model, infer/reporter.h delivers. */
#ifndef SIPCNN_INFER_SIPCNN_H
#define SIPCNN_INFER_SIPCNN_H

#include <stddef.h>
#include <stdint.h>

#include "data/features/features.h"
#include "data/wire/message.h"
#include "engine/core/status.h"

enum {
    SIPCNN_CLASSES_MAX = 32, /* classes of a model */
    /* Classes of a verdict beside the model's 0 .. n - 1. */
    SIPCNN_BENIGN = -1,
    SIPCNN_UNKNOWN = -2, /* like nothing that training saw */
};

/* Sets up libosip2's process-wide hooks. Once, before any thread; again does nothing. CORE_MEMORY. */
CORE_NODISCARD CoreStatus sipcnn_init(CoreError *error);

typedef struct SipcnnModel SipcnnModel;

/* Reads a .sipcnn file (docs/model-format.md) from the regular file `path`. The caller frees *model. Errors
 * name the file: CORE_IO (cannot be read), CORE_FORMAT (damaged, cut short, no model), CORE_LIMIT (too
 * large), CORE_VERSION (another format, or another feature spec: both versions are named), CORE_SHAPE (sizes
 * that do not fit the feature spec), CORE_MEMORY. Thread-safe. */
CORE_NODISCARD CoreStatus sipcnn_model_load(const char *path, SipcnnModel **model, CoreError *error);
/* The same from memory (copied); `name` stands for the file in errors. */
CORE_NODISCARD CoreStatus sipcnn_model_parse(const void *data, size_t size, const char *name,
                                             SipcnnModel **model, CoreError *error);
/* Frees the model (NULL is allowed); no detector may use it any more. */
void sipcnn_model_free(SipcnnModel *model);

/* Number of classes, 1 .. SIPCNN_CLASSES_MAX. NULL: 0. */
int sipcnn_model_classes(const SipcnnModel *model);
/* Name of a verdict's class: 0 .. classes - 1, SIPCNN_BENIGN or SIPCNN_UNKNOWN; anything else gives "?".
 * UTF-8, lives as long as the model. */
const char *sipcnn_model_class_name(const SipcnnModel *model, int class_index);
/* An incident opens when k of its key's last n verdicts agree: *k and *n of a class (or SIPCNN_UNKNOWN). */
void sipcnn_model_agreement(const SipcnnModel *model, int class_index, uint32_t *k, uint32_t *n);

typedef struct SipcnnOptions {
    const FeatureLocal *local; /* the operator's own hosts: never a client; copied */
    size_t n_local;
} SipcnnOptions;

/* What the detector says of one message. Arrays are filled up to the model's number of classes. */
typedef struct SipcnnVerdict {
    int class_index;                 /* 0 .. classes - 1, SIPCNN_BENIGN or SIPCNN_UNKNOWN */
    float logit[SIPCNN_CLASSES_MAX]; /* the model's outputs */
    float p[SIPCNN_CLASSES_MAX];     /* probability of each class on its own; they need not sum to 1 */
    float novelty;                   /* distance to what training saw, 0 .. */
    float p_class;    /* p of class_index; for SIPCNN_UNKNOWN novelty / (novelty + its threshold);
                         for SIPCNN_BENIGN 1 - the greatest p */
    FeatureKeys keys; /* whom the message belongs to */
} SipcnnVerdict;

typedef struct SipcnnDetector SipcnnDetector;

/* A detector with an empty context. `model` is borrowed and must outlive it; NULL gives a detector that keeps
 * its context for the rules and judges everything benign. `options` may be NULL. All memory (at most 99 MiB,
 * touched as it is used) is taken here. The caller frees *detector. CORE_MEMORY, CORE_SHAPE. */
CORE_NODISCARD CoreStatus sipcnn_detector_new(const SipcnnModel *model, const SipcnnOptions *options,
                                              SipcnnDetector **detector, CoreError *error);

/* Judges one message by itself and what came before it, in capture order: per class z = logit - threshold;
 * the class of the greatest z if that is >= 0, else SIPCNN_UNKNOWN if novelty reaches its threshold, else
 * SIPCNN_BENIGN. `encoded` is feature_encode's result for `message`. Allocates nothing, never fails. One
 * thread at a time. */
void sipcnn_detector_step(SipcnnDetector *detector, const WireMessage *message, const FeatureEncoded *encoded,
                          SipcnnVerdict *verdict);

/* What the model saw of the last message; valid until the next step. For infer/rules.h and for tools. */
const FeatureRow *sipcnn_detector_row(const SipcnnDetector *detector);

/* NULL is allowed. */
void sipcnn_detector_free(SipcnnDetector *detector);

#endif
