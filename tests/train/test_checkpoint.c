/* Checkpoints: what is written is read, and nothing else is.
 * Relies on: train/checkpoint.h.
 * Relied on by: test_train.c. */
#include "engine/core/file.h"
#include "tests/train/suites.h"
#include "tests/train/synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char path[64];
static Synthetic synthetic;
static TrainCheckpoint state, copy;
static uint8_t *bytes;
static size_t size;
static CoreError error;

static void set_up(void) {
    snprintf(path, sizeof path, "/tmp/sipcnn-test-checkpoint-XXXXXX");
    ck_assert_int_ge(mkstemp(path), 0);
    synthetic_new(&synthetic, 40, 1);
    synthetic_state(&synthetic, &state);
    ck_assert_int_eq(train_checkpoint_allocate(&state, 50, &error), CORE_OK);
    for (int a = 0; a < TRAIN_ARRAYS; a++)
        for (uint64_t i = 0; i < state.n; i++)
            state.arrays[a][i] = (float)(a * 1000) + (float)i;
    state.epoch = 3;
    state.history[2] = (TrainEpoch){1, 2, 3};
    state.batch = 17;
    state.loss_sum = 1.5;
    state.step = 12345678901;
    state.n_local = 1;
    state.local[0].prefix = 104;
    state.n_drop_runs = 2;
    state.drop_runs[1] = 99;
    state.calibrated = true;
    CoreModelDims dims = train_model_dims(SYNTHETIC_CLASSES);
    ck_assert_int_eq(train_calibration_new(SYNTHETIC_CLASSES, dims.hidden, &state.calibration, &error),
                     CORE_OK);
    state.calibration.thresholds[2] = (CoreModelThreshold){.5f, 3, 5};
    state.calibration.centre_known[1] = 1;
    state.calibration.centres[dims.hidden + 1] = 7;
    snprintf(state.metrics, sizeof state.metrics, "{}");
    ck_assert_int_eq(train_checkpoint_write(&state, path, &error), CORE_OK);
    ck_assert_int_eq(core_file_read(path, 1 << 24, &bytes, &size, &error), CORE_OK);
}

static void tear_down(void) {
    free(bytes);
    remove(path);
    train_checkpoint_free(&state);
    synthetic_free(&synthetic);
}

START_TEST(round_trip) {
    ck_assert_int_eq(train_checkpoint_read(path, &copy, &error), CORE_OK);
    ck_assert(memcmp(&copy.options, &state.options, sizeof state.options) == 0);
    ck_assert_uint_eq(copy.step, state.step);
    ck_assert_uint_eq(copy.batch, 17);
    ck_assert_double_eq(copy.loss_sum, 1.5);
    ck_assert_float_eq(copy.history[2].macro_f1, 3);
    ck_assert_uint_eq(copy.local[0].prefix, 104);
    ck_assert_uint_eq(copy.drop_runs[1], 99);
    ck_assert_str_eq(copy.classes[1].name, "odd");
    ck_assert_uint_eq(copy.classes[0].onset, 5);
    for (int a = 0; a < TRAIN_ARRAYS; a++)
        ck_assert(memcmp(copy.arrays[a], state.arrays[a], state.n * sizeof(float)) == 0);
    ck_assert(copy.calibrated);
    ck_assert_uint_eq(copy.calibration.thresholds[2].n, 5);
    ck_assert_str_eq(copy.metrics, "{}");
    /* The same run gives the same bytes. */
    uint8_t *again;
    size_t again_size;
    ck_assert_int_eq(train_checkpoint_write(&copy, path, &error), CORE_OK);
    ck_assert_int_eq(core_file_read(path, 1 << 24, &again, &again_size, &error), CORE_OK);
    ck_assert_uint_eq(again_size, size);
    ck_assert(memcmp(again, bytes, size) == 0);
    free(again);
    train_checkpoint_free(&copy);
}
END_TEST

START_TEST(every_cut_is_refused) {
    for (size_t cut = 0; cut < size; cut += cut < 256 || cut > size - 256 ? 1 : 977) {
        CoreStatus status = train_checkpoint_parse("x.ckpt", bytes, cut, &copy, &error);
        ck_assert_int_eq(status, CORE_FORMAT);
        ck_assert_ptr_nonnull(strstr(error.text, "x.ckpt"));
    }
}
END_TEST

START_TEST(flipped_bits_are_refused) {
    for (size_t i = 0; i < size; i += 131) {
        bytes[i] ^= (uint8_t)(1u << (i % 8));
        ck_assert_int_eq(train_checkpoint_parse("x.ckpt", bytes, size, &copy, &error), CORE_FORMAT);
        bytes[i] ^= (uint8_t)(1u << (i % 8));
    }
}
END_TEST

START_TEST(another_feature_spec_is_refused) {
    state.spec_hash++;
    ck_assert_int_eq(train_checkpoint_write(&state, path, &error), CORE_OK);
    ck_assert_int_eq(train_checkpoint_read(path, &copy, &error), CORE_VERSION);
    ck_assert_ptr_nonnull(strstr(error.text, "feature spec"));
}
END_TEST

START_TEST(missing_and_foreign_files) {
    ck_assert_int_eq(train_checkpoint_read("/nowhere/run.ckpt", &copy, &error), CORE_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/run.ckpt"));
    ck_assert_int_eq(train_checkpoint_parse(
                         "text", (const uint8_t *)"just a text that is no checkpoint at all, however long",
                         54, &copy, &error),
                     CORE_FORMAT);
}
END_TEST

Suite *checkpoint_suite(void) {
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("checkpoint");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, round_trip);
    tcase_add_test(tests, every_cut_is_refused);
    tcase_add_test(tests, flipped_bits_are_refused);
    tcase_add_test(tests, another_feature_spec_is_refused);
    tcase_add_test(tests, missing_and_foreign_files);
    suite_add_tcase(suite, tests);
    return suite;
}
