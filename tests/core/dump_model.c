/* Writes a test model to a file and prints what it put in, one value a line, as read_model.py prints it.
 * Relies on: engine/core, data/digest.
 * Relied on by: compare_readers.sh. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/digest/digest.h"
#include "engine/core/file.h"
#include "tests/core/model_fixture.h"

static void print_floats(const char *name, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        printf("%s[%zu] %08" PRIx32 "\n", name, i, bits);
    }
}

static void print_dims(const CoreModelDims *dims) {
#define PRINT_DIM(field, least, most) printf(#field " %u\n", dims->field);
    CORE_MODEL_DIMS(PRINT_DIM)
#undef PRINT_DIM
    for (size_t i = 0; i < CORE_MODEL_FIELDS_MAX; i++)
        printf("token_vocabulary[%zu] %u\n", i, dims->token_vocabulary[i]);
    for (size_t i = 0; i < CORE_MODEL_FIELDS_MAX; i++)
        printf("event_vocabulary[%zu] %u\n", i, dims->event_vocabulary[i]);
    for (size_t i = 0; i < CORE_GROUPS; i++)
        printf("groups[%zu] %u %u\n", i, dims->groups[i].begin, dims->groups[i].count);
}

static void print_model(const CoreModel *model) {
    const CoreModelDims *dims = &model->dims;
    print_dims(dims);
    for (size_t i = 0; i < dims->classes; i++)
        printf("class[%zu] %s\n", i, model->class_names[i]);
    printf("spec %u %016" PRIx64 "\n", model->spec_version, model->spec_hash);
    print_floats("low", model->low, dims->counters);
    print_floats("high", model->high, dims->counters);
    print_floats("mean", model->mean, dims->counters);
    print_floats("scale", model->scale, dims->counters);
    for (size_t i = 0; i < CORE_TENSORS; i++) {
        CoreModelTensor tensor = (CoreModelTensor)i;
        CoreModelShape shape = core_model_shape(dims, tensor);
        printf("shape of %s", core_model_tensor_name(tensor));
        for (size_t j = 0; j < shape.rank; j++)
            printf(" %u", shape.dims[j]);
        putchar('\n');
        print_floats(core_model_tensor_name(tensor), model->weights[i], core_model_elements(dims, tensor));
    }
    for (size_t i = 0; i <= dims->classes; i++) {
        CoreModelThreshold threshold = i < dims->classes ? model->thresholds[i] : model->unknown;
        print_floats("threshold", &threshold.value, 1);
        printf("k of n %u %u\n", threshold.k, threshold.n);
    }
    for (size_t i = 0; i <= dims->classes; i++)
        printf("centre_known[%zu] %u\n", i, model->centre_known[i]);
    print_floats("centres", model->centres, (dims->classes + 1) * dims->hidden);
    print_floats("inverse_variance", model->inverse_variance, dims->hidden);
    print_floats("temperature", model->temperature, dims->classes);
    print_floats("calibration_bias", model->calibration_bias, dims->classes);
    printf("provenance %.*s\n", (int)model->provenance_size, model->provenance);
}

/* The dims of the seed for fuzzing: the smallest file that is a model. */
static CoreModelDims smallest_dims(void) {
    CoreModelDims dims = {.counters = 1, .groups = {{0, 1}}};
#define LEAST(field, least, most) dims.field = least;
    CORE_MODEL_DIMS(LEAST)
#undef LEAST
    dims.token_vocabulary[0] = dims.event_vocabulary[0] = 1;
    return dims;
}

int main(int argc, char **argv) {
    bool smallest = argc == 3 && strcmp(argv[1], "--smallest") == 0;
    if (argc != 2 && !smallest) {
        fprintf(stderr, "usage: %s [--smallest] FILE\n", argv[0]);
        return 2;
    }
    CoreModelDims dims = smallest ? smallest_dims() : model_fixture_small_dims();
    ModelFixture fixture;
    CoreError error = {.text = "no memory"};
    uint8_t *data = NULL;
    size_t size = 0;
    if (!model_fixture_new(&fixture, &dims, 2026, 0.5f) ||
        core_model_write(&fixture.model, digest_sha256, &data, &size, &error) != CORE_OK ||
        core_file_write(argv[argc - 1], data, size, &error) != CORE_OK) {
        fprintf(stderr, "%s\n", error.text);
        free(data);
        model_fixture_free(&fixture);
        return 1;
    }
    print_model(&fixture.model);
    free(data);
    model_fixture_free(&fixture);
    return 0;
}
