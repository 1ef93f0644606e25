/* A valid model with zero weights.
 * Relies on: engine/core/model.h, data/features/features.h, data/digest.
 * Relied on by: tests of infer, make_zero_model. */
#include "tests/infer/zero_model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/digest/digest.h"
#include "data/features/features.h"
#include "engine/core/file.h"

const char *const zero_model_class_names[ZERO_MODEL_CLASSES] = {
    "flood",  "distributed_flood", "scan",      "enumeration", "bruteforce", "teardown",
    "hijack", "malformed",         "injection", "toll_fraud",  "spit"};
enum { CLASSES = ZERO_MODEL_CLASSES };

static void give_up(const char *text) {
    fprintf(stderr, "zero model: %s\n", text);
    exit(EXIT_FAILURE);
}

static void set_dims(CoreModelDims *dims) {
    *dims = (CoreModelDims){
        .token_positions = FEATURE_TOKENS,
        .token_fields = FEATURE_TOKEN_FIELDS,
        .token_embedding = 12,
        .token_channels = 24,
        .token_features = 32,
        .text_bytes = FEATURE_TEXT,
        .text_embedding = 8,
        .text_channels = 16,
        .text_features = 32,
        .event_positions = FEATURE_EVENTS,
        .event_fields = FEATURE_EVENT_FIELDS,
        .event_embedding = 12,
        .dialog_features = 24,
        .counters = FEATURE_COUNTERS,
        .client_features = 32,
        .account_features = 16,
        .target_features = 24,
        .all_features = 8,
        .hidden = 64,
        .classes = CLASSES,
    };
    for (int i = 0; i < FEATURE_TOKEN_FIELDS; i++)
        dims->token_vocabulary[i] = feature_token_vocabulary[i];
    for (int i = 0; i < FEATURE_EVENT_FIELDS; i++)
        dims->event_vocabulary[i] = feature_event_vocabulary[i];
    for (int i = 0; i < FEATURE_GROUPS; i++) {
        dims->groups[i].begin = feature_group_begin[i];
        dims->groups[i].count = (uint32_t)(feature_group_begin[i + 1] - feature_group_begin[i]);
    }
}

static size_t most_elements(const CoreModelDims *dims) {
    size_t most = (size_t)(CLASSES + 1) * dims->hidden + dims->counters;
    for (int i = 0; i < CORE_TENSORS; i++)
        if (core_model_elements(dims, (CoreModelTensor)i) > most)
            most = core_model_elements(dims, (CoreModelTensor)i);
    return most;
}

ZeroModel zero_model(void) {
    ZeroModel model = {.novelty_threshold = 1, .k = 1, .n = 1, .spec_version = FEATURE_SPEC_VERSION};
    for (int i = 0; i < CLASSES; i++)
        model.threshold[i] = 1;
    return model;
}

ZeroModel zero_model_loud(const char *class_name, uint32_t k, uint32_t n) {
    ZeroModel model = zero_model();
    bool found = false;
    model.k = k;
    model.n = n;
    for (int i = 0; i < CLASSES; i++) {
        if (strcmp(class_name, zero_model_class_names[i]) != 0) continue;
        model.bias[i] = 5;
        found = true;
    }
    if (strcmp(class_name, "unknown") == 0)
        model.novelty_threshold = 0;
    else if (!found)
        give_up("no such class");
    return model;
}

static void set_thresholds(CoreModel *model, const ZeroModel *options) {
    for (int i = 0; i < CLASSES; i++) {
        snprintf(model->class_names[i], sizeof model->class_names[i], "%s", zero_model_class_names[i]);
        model->thresholds[i] = (CoreModelThreshold){options->threshold[i], options->k, options->n};
        model->temperature[i] = options->temperature[i];
    }
    model->unknown = (CoreModelThreshold){options->novelty_threshold, options->k, options->n};
}

uint8_t *zero_model_bytes(const ZeroModel *options, size_t *size) {
    CoreModel *model = calloc(1, sizeof *model);
    if (model == NULL) give_up("no memory");
    set_dims(&model->dims);
    float *zeros = calloc(most_elements(&model->dims), sizeof *zeros);
    if (zeros == NULL) give_up("no memory");
    model->spec_version = options->spec_version;
    model->spec_hash = feature_spec_hash();
    model->low = model->high = model->mean = model->scale = zeros;
    for (int i = 0; i < CORE_TENSORS; i++)
        model->weights[i] = zeros;
    model->weights[CORE_TENSOR_OUTPUT_BIAS] = options->bias;
    model->centres = model->inverse_variance = zeros;
    model->provenance = "{}";
    model->provenance_size = 2;
    set_thresholds(model, options);
    uint8_t *bytes;
    CoreError error;
    if (core_model_write(model, digest_sha256, &bytes, size, &error) != CORE_OK) give_up(error.text);
    free(zeros);
    free(model);
    return bytes;
}

void zero_model_write(const ZeroModel *options, const char *path) {
    size_t size;
    uint8_t *bytes = zero_model_bytes(options, &size);
    CoreError error;
    if (core_file_write(path, bytes, size, &error) != CORE_OK) give_up(error.text);
    free(bytes);
}
