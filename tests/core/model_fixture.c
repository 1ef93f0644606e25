/* A valid model with reproducible random contents, for tests that need one.
 * Relies on: engine/core.
 * Relied on by: tests/core, tests/infer. */
#include "tests/core/model_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

float model_fixture_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (float)(z >> 40) / (float)(1 << 23) - 1.0f;
}

CoreModelDims model_fixture_small_dims(void) {
    return (CoreModelDims){.token_positions = 7,
                           .token_fields = 3,
                           .token_embedding = 5,
                           .token_channels = 4,
                           .token_features = 6,
                           .text_bytes = 13,
                           .text_embedding = 2,
                           .text_channels = 3,
                           .text_features = 5,
                           .event_positions = 9,
                           .event_fields = 2,
                           .event_embedding = 3,
                           .dialog_features = 4,
                           .counters = 21,
                           .client_features = 3,
                           .account_features = 2,
                           .target_features = 5,
                           .all_features = 1,
                           .hidden = 8,
                           .classes = 3,
                           .token_vocabulary = {9, 4, 2},
                           .event_vocabulary = {6, 3},
                           .groups = {{0, 4}, {4, 6}, {10, 3}, {13, 7}, {20, 1}}};
}

/* The next `count` floats of the block; NULL block measures. */
static float *take(float *memory, size_t *used, size_t count) {
    float *block = memory ? memory + *used : NULL;
    *used += count;
    return block;
}

static const float *take_random(float *memory, size_t *used, size_t count, uint64_t *state, float scale) {
    float *block = take(memory, used, count);
    for (size_t i = 0; block && i < count; i++)
        block[i] = scale * model_fixture_random(state);
    return block;
}

static size_t fill(ModelFixture *fixture, uint64_t seed, float scale) {
    CoreModel *model = &fixture->model;
    float *memory = fixture->memory;
    size_t used = 0, counters = model->dims.counters;
    float *low = take(memory, &used, counters), *high = take(memory, &used, counters);
    float *mean = take(memory, &used, counters), *deviation = take(memory, &used, counters);
    for (size_t i = 0; memory && i < counters; i++) {
        low[i] = 20 + 20 * model_fixture_random(&seed);
        high[i] = low[i] + 100 + 100 * model_fixture_random(&seed);
        mean[i] = 128 + 50 * model_fixture_random(&seed);
        deviation[i] = i % 5 == 0 ? 0 : 0.02f + 0.01f * model_fixture_random(&seed);
    }
    model->low = low;
    model->high = high;
    model->mean = mean;
    model->scale = deviation;
    for (size_t i = 0; i < CORE_TENSORS; i++)
        model->weights[i] =
            take_random(memory, &used, core_model_elements(&model->dims, (CoreModelTensor)i), &seed, scale);
    model->centres = take_random(memory, &used, (model->dims.classes + 1) * model->dims.hidden, &seed, 1);
    float *variance = take(memory, &used, model->dims.hidden);
    for (size_t i = 0; memory && i < model->dims.hidden; i++)
        variance[i] = 1.5f + model_fixture_random(&seed);
    model->inverse_variance = variance;
    return used;
}

static void fill_classes(CoreModel *model) {
    for (uint32_t i = 0; i < model->dims.classes; i++) {
        snprintf(model->class_names[i], CORE_MODEL_NAME_SIZE, i == 1 ? "na\xc3\xafve_%u" : "class_%u", i);
        model->thresholds[i] = (CoreModelThreshold){0.25f * (float)i - 1, 1 + i % 3, 3 + i};
        model->temperature[i] = i % 2 ? 1.5f : 0;
        model->calibration_bias[i] = i % 2 ? -0.125f : 0;
    }
    for (uint32_t i = 0; i <= model->dims.classes; i++)
        model->centre_known[i] = i != 1;
    model->unknown = (CoreModelThreshold){2.5f, 3, 5};
    model->spec_version = 7;
    model->spec_hash = 0x0123456789abcdef;
    model->provenance = "{\"seed\": 1, \"note\": \"r\xc3\xa9sum\xc3\xa9\"}";
    model->provenance_size = (uint32_t)strlen(model->provenance);
}

bool model_fixture_new(ModelFixture *fixture, const CoreModelDims *dims, uint64_t seed, float scale) {
    *fixture = (ModelFixture){.memory = NULL};
    if (core_model_dims_check(dims, NULL) != CORE_OK) return false;
    fixture->model.dims = *dims;
    fill_classes(&fixture->model);
    fixture->memory = calloc(fill(fixture, seed, scale), sizeof(float));
    if (!fixture->memory) return false;
    fill(fixture, seed, scale);
    return true;
}

void model_fixture_free(ModelFixture *fixture) {
    free(fixture->memory);
    *fixture = (ModelFixture){.memory = NULL};
}
