/* The model file (.sipcnn): its layout, a reader that trusts nothing, and a writer. docs/model-format.md.
 * Relies on: status, checked, bytes.
 * Relied on by: train (export), infer (executor, detector), tests. */
#ifndef SIPCNN_CORE_MODEL_H
#define SIPCNN_CORE_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

#define CORE_MODEL_VERSION_MAJOR 1 /* another major is refused */
#define CORE_MODEL_VERSION_MINOR 0 /* a newer minor is refused, an older one read */

/* Limits of the format; docs/model-format.md gives their reasons. */
#define CORE_MODEL_SIZE_MAX       (64u << 20) /* bytes of a file */
#define CORE_MODEL_SECTIONS_MAX   32u
#define CORE_MODEL_FIELDS_MAX     8u  /* id fields of a token or an event */
#define CORE_MODEL_CLASSES_MAX    32u /* a set of classes is a 32-bit mask */
#define CORE_MODEL_NAME_SIZE      32u /* bytes of a class name, the final zero included */
#define CORE_MODEL_WINDOW_MAX     64u /* n of k-of-n */
#define CORE_MODEL_PROVENANCE_MAX (1u << 20)
#define CORE_MODEL_DIGEST_SIZE    32u

/* Dimensions of "sipcnn v1", X(field, least, most), in the file's order. */
#define CORE_MODEL_DIMS(X)                                                                                   \
    X(token_positions, 1, 255)  /* T: tokens of a message */                                                 \
    X(token_fields, 1, 8)       /* F: ids of a token */                                                      \
    X(token_embedding, 1, 256)  /* E: folded into token_table; told for the record */                        \
    X(token_channels, 1, 256)   /* C1 */                                                                     \
    X(token_features, 1, 256)   /* C2: what the branch hands on */                                           \
    X(text_bytes, 1, 1024)      /* B */                                                                      \
    X(text_embedding, 1, 256)   /* E2: folded into text_table */                                             \
    X(text_channels, 1, 256)    /* C3 */                                                                     \
    X(text_features, 1, 256)    /* C4 */                                                                     \
    X(event_positions, 1, 64)   /* H: events of a dialog's history */                                        \
    X(event_fields, 1, 8)       /* G: ids of an event */                                                     \
    X(event_embedding, 1, 256)  /* E3: folded into dialog_table */                                           \
    X(dialog_features, 1, 256)  /* C5 */                                                                     \
    X(counters, 1, 4096)        /* N: inputs of the counters branch */                                       \
    X(client_features, 1, 256)  /* D1 */                                                                     \
    X(account_features, 1, 256) /* D2 */                                                                     \
    X(target_features, 1, 256)  /* D3 */                                                                     \
    X(all_features, 1, 256)     /* D4: all traffic together */                                               \
    X(hidden, 1, 1024)          /* units of the penultimate layer */                                         \
    X(classes, 1, 32)           /* outputs */

/* Groups of the counters, in the order in which the head takes them. */
typedef enum CoreModelGroup {
    CORE_GROUP_MESSAGE, /* scalars of the message, passed straight on */
    CORE_GROUP_CLIENT,
    CORE_GROUP_ACCOUNT,
    CORE_GROUP_TARGET,
    CORE_GROUP_ALL,
    CORE_GROUPS
} CoreModelGroup;

/* Inputs begin .. begin + count of the counters. */
typedef struct CoreModelRange {
    uint32_t begin, count;
} CoreModelRange;

typedef struct CoreModelDims {
#define CORE_MODEL_DIMS_FIELD(field, least, most) uint32_t field;
    CORE_MODEL_DIMS(CORE_MODEL_DIMS_FIELD)
#undef CORE_MODEL_DIMS_FIELD
    uint32_t token_vocabulary[CORE_MODEL_FIELDS_MAX]; /* ids of each field, 1..256; 0 beyond token_fields */
    uint32_t event_vocabulary[CORE_MODEL_FIELDS_MAX];
    CoreModelRange groups[CORE_GROUPS]; /* together they cover 0..counters, none overlaps another */
} CoreModelDims;

/* Weight tensors in the file's order: X(NAME, name, rank, shape...), shapes in terms of `d`, a CoreModelDims
 * *. Row-major f32; taps first, then inputs, then outputs, so that a forward kernel's inner loop runs over
 * contiguous outputs. The tables hold what an id adds to each output at each tap: the embedding is folded in;
 * row offset_f + id of a table belongs to id of field f, where offset_f = sum of the vocabularies before f.
 */
#define CORE_MODEL_TENSORS(X)                                                                                \
    X(TOKEN_TABLE, token_table, 3, 3, core_model_token_rows(d), d->token_channels)                           \
    X(TOKEN_BIAS, token_bias, 1, d->token_channels, 1, 1)                                                    \
    X(TOKEN_DEPTHWISE, token_depthwise, 2, 3, d->token_channels, 1)                                          \
    X(TOKEN_DEPTHWISE_BIAS, token_depthwise_bias, 1, d->token_channels, 1, 1)                                \
    X(TOKEN_POINTWISE, token_pointwise, 2, d->token_channels, d->token_features, 1)                          \
    X(TOKEN_POINTWISE_BIAS, token_pointwise_bias, 1, d->token_features, 1, 1)                                \
    X(TEXT_TABLE, text_table, 3, 5, 256, d->text_channels)                                                   \
    X(TEXT_BIAS, text_bias, 1, d->text_channels, 1, 1)                                                       \
    X(TEXT_CONV2, text_conv2, 3, 3, d->text_channels, d->text_features)                                      \
    X(TEXT_CONV2_BIAS, text_conv2_bias, 1, d->text_features, 1, 1)                                           \
    X(DIALOG_TABLE, dialog_table, 3, 3, core_model_event_rows(d), d->dialog_features)                        \
    X(DIALOG_BIAS, dialog_bias, 1, d->dialog_features, 1, 1)                                                 \
    X(DIALOG_CONV2, dialog_conv2, 3, 3, d->dialog_features, d->dialog_features)                              \
    X(DIALOG_CONV2_BIAS, dialog_conv2_bias, 1, d->dialog_features, 1, 1)                                     \
    X(DIALOG_CONV3, dialog_conv3, 3, 3, d->dialog_features, d->dialog_features)                              \
    X(DIALOG_CONV3_BIAS, dialog_conv3_bias, 1, d->dialog_features, 1, 1)                                     \
    X(CLIENT, client, 2, d->groups[CORE_GROUP_CLIENT].count, d->client_features, 1)                          \
    X(CLIENT_BIAS, client_bias, 1, d->client_features, 1, 1)                                                 \
    X(ACCOUNT, account, 2, d->groups[CORE_GROUP_ACCOUNT].count, d->account_features, 1)                      \
    X(ACCOUNT_BIAS, account_bias, 1, d->account_features, 1, 1)                                              \
    X(TARGET, target, 2, d->groups[CORE_GROUP_TARGET].count, d->target_features, 1)                          \
    X(TARGET_BIAS, target_bias, 1, d->target_features, 1, 1)                                                 \
    X(ALL, all, 2, d->groups[CORE_GROUP_ALL].count, d->all_features, 1)                                      \
    X(ALL_BIAS, all_bias, 1, d->all_features, 1, 1)                                                          \
    X(HIDDEN, hidden, 2, core_model_concat_width(d), d->hidden, 1)                                           \
    X(HIDDEN_BIAS, hidden_bias, 1, d->hidden, 1, 1)                                                          \
    X(OUTPUT, output, 2, d->hidden, d->classes, 1)                                                           \
    X(OUTPUT_BIAS, output_bias, 1, d->classes, 1, 1)

typedef enum CoreModelTensor {
#define CORE_MODEL_TENSOR_ENUM(NAME, name, rank, d0, d1, d2) CORE_TENSOR_##NAME,
    CORE_MODEL_TENSORS(CORE_MODEL_TENSOR_ENUM)
#undef CORE_MODEL_TENSOR_ENUM
        CORE_TENSORS
} CoreModelTensor;

typedef struct CoreModelShape {
    uint32_t rank;    /* 1..3 */
    uint32_t dims[3]; /* 1 beyond rank */
} CoreModelShape;

/* A verdict's threshold and an incident's rule: it opens when k of the key's last n verdicts agree. */
typedef struct CoreModelThreshold {
    float value;   /* a logit; for "unknown", a novelty */
    uint32_t k, n; /* 1 <= k <= n <= CORE_MODEL_WINDOW_MAX */
} CoreModelThreshold;

/* A model, as read from a file or as put together by the trainer. Pointers are borrowed: from the file's
 * bytes after core_model_read, from the trainer's arrays before core_model_write. Read-only after that, and
 * then shared between threads freely. Every float is finite. */
typedef struct CoreModel {
    CoreModelDims dims;
    char class_names[CORE_MODEL_CLASSES_MAX][CORE_MODEL_NAME_SIZE]; /* UTF-8, zero-padded */
    /* The feature spec that the weights were trained with: a caller with another one refuses the model. */
    uint32_t spec_version;
    uint64_t spec_hash;
    const float *low, *high;            /* [counters]: x' = clamp(x, low, high); low <= high */
    const float *mean, *scale;          /* [counters]: (x' - mean) * scale; scale >= 0 */
    const float *weights[CORE_TENSORS]; /* shapes by core_model_shape */
    CoreModelThreshold thresholds[CORE_MODEL_CLASSES_MAX]; /* [classes] */
    CoreModelThreshold unknown;
    /* [classes + 1], benign first: 1 if training saw the class and `centres` has its row. */
    uint32_t centre_known[CORE_MODEL_CLASSES_MAX + 1];
    const float *centres;          /* [classes + 1][hidden] */
    const float *inverse_variance; /* [hidden], >= 0 */
    /* p = sigmoid(logit / temperature + bias); temperature 0 means the class is not calibrated. */
    float temperature[CORE_MODEL_CLASSES_MAX], calibration_bias[CORE_MODEL_CLASSES_MAX]; /* [classes] */
    const char *provenance; /* UTF-8 JSON for people and tools, not zero-terminated, never parsed here */
    uint32_t provenance_size;
} CoreModel;

/* SHA-256 of `size` bytes into `out`; core links no cryptography, so the caller brings it. Anything but
 * CORE_OK makes reading or writing fail with that status. */
typedef CoreStatus (*CoreDigest)(const void *data, size_t size, uint8_t out[CORE_MODEL_DIGEST_SIZE]);

/* Fills *model with views into data, which must be aligned for float and outlive the model (a malloc'd block
 * is and does). Allocates nothing. On failure *model is not to be used, and the one line in *error names the
 * section, the field and the offset; the caller puts the file's name in front (core_fail_context).
 *   CORE_FORMAT   damaged, cut short, not a model   CORE_VERSION  a version or feature that this reader lacks
 *   CORE_LIMIT    a number outside the format's limits   CORE_ARGUMENT  data not aligned
 *   CORE_UNAVAILABLE  a big-endian machine: the views are little-endian
 * Thread-safe. */
CORE_NODISCARD CoreStatus core_model_read(const uint8_t *data, size_t size, CoreDigest digest,
                                          CoreModel *model, CoreError *error);

/* The file's bytes in *out (free()) and *size. Refuses what core_model_read would refuse, with the same
 * words. CORE_MEMORY when there is none. Thread-safe. */
CORE_NODISCARD CoreStatus core_model_write(const CoreModel *model, CoreDigest digest, uint8_t **out,
                                           size_t *size, CoreError *error);

/* Checks dims alone, before memory is sized by them: every number in its limits, groups covering the
 * counters. CORE_OK, or CORE_LIMIT or CORE_FORMAT with the field's name. */
CORE_NODISCARD CoreStatus core_model_dims_check(const CoreModelDims *dims, CoreError *error);

/* All below are pure and need dims that passed the check. */

/* Rows of token_table and dialog_table: the sum of the fields' vocabularies. */
uint32_t core_model_token_rows(const CoreModelDims *dims);
uint32_t core_model_event_rows(const CoreModelDims *dims);
/* Inputs of the hidden layer: tokens | text | dialog | message | client | account | target | all. */
uint32_t core_model_concat_width(const CoreModelDims *dims);
CoreModelShape core_model_shape(const CoreModelDims *dims, CoreModelTensor tensor);
/* Elements of one tensor, and the tensor's name ("token_table"), a constant string. */
size_t core_model_elements(const CoreModelDims *dims, CoreModelTensor tensor);
const char *core_model_tensor_name(CoreModelTensor tensor);

#endif
