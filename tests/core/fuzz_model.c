/* Fuzzes the model reader behind its digest; what it accepts must be written back as the same bytes.
 * Relies on: engine/core.
 * Relied on by: ctest (replay), the fuzz preset. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every file is well sealed here: SHA-256 cannot be guessed, and damage is not what this looks for. */
static CoreStatus zero_digest(const void *data, size_t size, uint8_t out[CORE_MODEL_DIGEST_SIZE]) {
    (void)data;
    (void)size;
    memset(out, 0, CORE_MODEL_DIGEST_SIZE);
    return CORE_OK;
}

static void round_trip(const CoreModel *model, const uint8_t *file, size_t size) {
    uint8_t *again = NULL;
    size_t again_size = 0;
    if (core_model_write(model, zero_digest, &again, &again_size, NULL) != CORE_OK) __builtin_trap();
    /* Optional sections are skipped by the reader and so not written; the version is always our own. */
    if (again_size == size && memcmp(again, file, size) != 0) __builtin_trap();
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *file = malloc(size ? size : 1);
    if (!file) return 0;
    memcpy(file, data, size);
    if (size >= 24)
        for (size_t i = 0; i < 8; i++)
            file[16 + i] = (uint8_t)((uint64_t)size >> (8 * i));
    if (size >= 24 + CORE_MODEL_DIGEST_SIZE)
        memset(file + size - CORE_MODEL_DIGEST_SIZE, 0, CORE_MODEL_DIGEST_SIZE);
    CoreModel model;
    CoreError error;
    if (core_model_read(file, size, zero_digest, &model, &error) == CORE_OK) round_trip(&model, file, size);
    free(file);
    return 0;
}
