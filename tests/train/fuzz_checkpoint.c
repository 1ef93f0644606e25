/* Fuzz target: the checkpoint reader behind its digest. The input is a list of edits to a whole checkpoint.
 * Relies on: train/checkpoint.h, engine/core/file.h, data/digest.
 * Relied on by: libFuzzer, or tests/fuzz_replay.c. */
#include "data/digest/digest.h"
#include "engine/core/file.h"
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes of a small calibrated run, its digest cut off. */
static CoreStatus make_whole(uint8_t **bytes, size_t *size) {
    static TrainCheckpoint state;
    CoreError error;
    char path[] = "/tmp/sipcnn-fuzz-checkpoint-XXXXXX";
    int file = mkstemp(path);
    if (file < 0) return CORE_IO;
    close(file);
    state = (TrainCheckpoint){
        .options = train_options_defaults(), .n_classes = 2, .epoch = 2, .n_local = 1, .n_drop_runs = 1};
    state.spec_version = FEATURE_SPEC_VERSION;
    state.spec_hash = feature_spec_hash();
    state.calibrated = true;
    CoreStatus status = train_checkpoint_allocate(&state, 8, &error);
    if (status == CORE_OK)
        status = train_calibration_new(2, train_model_dims(2).hidden, &state.calibration, &error);
    if (status == CORE_OK) status = train_checkpoint_write(&state, path, &error);
    if (status == CORE_OK) status = core_file_read(path, 1 << 24, bytes, size, &error);
    if (status == CORE_OK) *size -= DIGEST_SHA256_SIZE;
    train_checkpoint_free(&state);
    unlink(path);
    return status;
}

/* Each four bytes of input set one byte: offset (24 bits, from the end when bit 23 is set) and value. A rest
 * of one to three bytes cuts the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static TrainCheckpoint checkpoint;
    static uint8_t *whole;
    static size_t whole_size;
    if (!whole && make_whole(&whole, &whole_size) != CORE_OK) return 0;
    uint8_t *bytes = malloc(whole_size + DIGEST_SHA256_SIZE);
    if (!bytes) return 0;
    memcpy(bytes, whole, whole_size);
    size_t body = whole_size;
    for (; size >= 4; data += 4, size -= 4) {
        size_t offset = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)(data[2] & 0x7f) << 16;
        offset %= whole_size;
        bytes[data[2] & 0x80 ? whole_size - 1 - offset : offset] = data[3];
    }
    for (; size; data++, size--)
        body = body * *data / 256;
    CoreError error;
    if (digest_sha256(bytes, body, bytes + body) == CORE_OK &&
        train_checkpoint_parse("fuzz", bytes, body + DIGEST_SHA256_SIZE, &checkpoint, &error) == CORE_OK)
        train_checkpoint_free(&checkpoint);
    free(bytes);
    return 0;
}
