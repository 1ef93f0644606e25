/* A valid model with reproducible random contents, for tests that need one.
 * Relies on: engine/core.
 * Relied on by: tests/core, tests/infer. */
#ifndef SIPCNN_TESTS_CORE_MODEL_FIXTURE_H
#define SIPCNN_TESTS_CORE_MODEL_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/model.h"

typedef struct ModelFixture {
    CoreModel model;
    float *memory; /* behind every pointer of the model */
} ModelFixture;

/* Small odd dimensions, all different, so that a swapped pair shows. */
CoreModelDims model_fixture_small_dims(void);

/* Fills *fixture with a model of these dims; weights uniform in -scale .. scale (0 gives the constant model).
 * False without memory or if the dims are invalid. Free with model_fixture_free. */
bool model_fixture_new(ModelFixture *fixture, const CoreModelDims *dims, uint64_t seed, float scale);
void model_fixture_free(ModelFixture *fixture);

/* Uniform in -1 .. 1 (SplitMix64). */
float model_fixture_random(uint64_t *state);

#endif
