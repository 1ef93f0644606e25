/* Parity of the trained graph, the runtime's executor on its file, and the file read back.
 * Relies on: train/export.h, infer/executor.h.
 * Relied on by: test_train.c. */
#include "data/digest/digest.h"
#include "infer/executor.h"
#include "tests/train/suites.h"
#include "tests/train/synthetic.h"
#include "train/calibrate.h"
#include "train/export.h"
#include "train/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 700 };

static CoreError error;
static Synthetic synthetic;
static TrainCheckpoint *state;
static TrainScores scores;
static uint8_t *bytes;
static size_t size;
static CoreModel *file;

/* A run of one epoch, calibrated on all rows, exported. */
static void set_up(void) {
    TrainFit fit;
    TrainModel model;
    uint32_t rows[ROWS];
    state = calloc(1, sizeof *state);
    file = calloc(1, sizeof *file);
    synthetic_new(&synthetic, ROWS, 8);
    memset(&synthetic.rows[1], 0, sizeof(FeatureRow)); /* no token, no text, no event */
    synthetic_state(&synthetic, state);
    ck_assert_int_eq(train_fit_new(&synthetic.data, state, 2, &fit, &error), CORE_OK);
    ck_assert_int_eq(train_fit_epoch(&fit, NULL, NULL, &error), CORE_OK);
    train_fit_free(&fit);
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i;
    ck_assert_int_eq(train_fit_network(state, TRAIN_BEST, 2, &model, &error), CORE_OK);
    ck_assert_int_eq(train_scores_compute(&model, &synthetic.data, rows, ROWS, NULL, NULL, &scores, &error),
                     CORE_OK);
    train_model_free(&model);
    TrainCalibrateOptions options = train_calibrate_defaults();
    ck_assert_int_eq(train_calibration_new(scores.classes, scores.hidden, &state->calibration, &error),
                     CORE_OK);
    train_novelty_fit(&scores, &state->calibration);
    ck_assert_int_eq(
        train_calibrate(synthetic.classes, &scores, &scores, &options, &state->calibration, &error), CORE_OK);
    state->calibrated = true;
    ck_assert_msg(train_export(state, "{\"seed\":1}", &bytes, &size, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(core_model_read(bytes, size, digest_sha256, file, &error) == CORE_OK, "%s", error.text);
}

static void tear_down(void) {
    train_scores_free(&scores);
    train_checkpoint_free(state);
    synthetic_free(&synthetic);
    free(state);
    free(file);
    free(bytes);
}

START_TEST(executor_says_the_same) {
    SipcnnExecutor *executor;
    ck_assert_msg(sipcnn_executor_new(file, &executor, &error) == CORE_OK, "%s", error.text);
    for (uint32_t i = 0; i < ROWS; i++) {
        float logits[SYNTHETIC_CLASSES], novelty;
        sipcnn_executor_run(executor, &synthetic.rows[i], 0, logits, &novelty);
        for (int c = 0; c < SYNTHETIC_CLASSES; c++)
            ck_assert_float_eq_tol(logits[c], scores.logits[i * SYNTHETIC_CLASSES + (uint32_t)c], 1e-5f);
        float ours = train_novelty(&state->calibration, scores.classes, scores.hidden,
                                   scores.features + (size_t)i * scores.hidden);
        ck_assert_float_eq_tol(novelty, ours, 1e-4f * (1 + ours));
    }
    sipcnn_executor_free(executor);
}
END_TEST

START_TEST(file_read_back_says_the_same) {
    TrainModel model;
    TrainCalibration calibration;
    TrainScores again;
    uint32_t rows[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i;
    ck_assert_msg(train_import(file, 1, &model, &calibration, &error) == CORE_OK, "%s", error.text);
    ck_assert_int_eq(train_scores_compute(&model, &synthetic.data, rows, ROWS, NULL, NULL, &again, &error),
                     CORE_OK);
    for (uint32_t i = 0; i < ROWS * SYNTHETIC_CLASSES; i++)
        ck_assert_float_eq_tol(again.logits[i], scores.logits[i], 1e-5f);
    for (uint32_t c = 0; c < SYNTHETIC_CLASSES; c++) {
        ck_assert_float_eq(calibration.thresholds[c].value, state->calibration.thresholds[c].value);
        ck_assert_uint_eq(calibration.thresholds[c].k, state->calibration.thresholds[c].k);
    }
    train_scores_free(&again);
    train_calibration_free(&calibration);
    train_model_free(&model);
}
END_TEST

START_TEST(file_tells_where_it_is_from) {
    ck_assert_str_eq(file->class_names[1], "odd");
    ck_assert_uint_eq(file->provenance_size, strlen("{\"seed\":1}"));
    ck_assert(memcmp(file->provenance, "{\"seed\":1}", file->provenance_size) == 0);
    ck_assert(file->spec_hash == feature_spec_hash());
    ck_assert_uint_eq(file->thresholds[1].k, 1); /* the first message decides */
    ck_assert_uint_eq(file->thresholds[1].n, 1);
    ck_assert_uint_ge(file->thresholds[0].k, 3);
}
END_TEST

START_TEST(only_calibrated_runs_are_exported) {
    uint8_t *none;
    size_t none_size;
    state->calibrated = false;
    ck_assert_int_eq(train_export(state, "{}", &none, &none_size, &error), CORE_ARGUMENT);
    state->calibrated = true;
    state->arrays[TRAIN_BEST][3] = NAN;
    ck_assert_int_eq(train_export(state, "{}", &none, &none_size, &error), CORE_FORMAT);
}
END_TEST

START_TEST(another_feature_spec_is_refused) {
    TrainModel model;
    TrainCalibration calibration;
    file->spec_hash++;
    ck_assert_int_eq(train_import(file, 1, &model, &calibration, &error), CORE_VERSION);
}
END_TEST

Suite *export_suite(void) {
    Suite *suite = suite_create("export");
    TCase *tests = tcase_create("export");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, executor_says_the_same);
    tcase_add_test(tests, file_read_back_says_the_same);
    tcase_add_test(tests, file_tells_where_it_is_from);
    tcase_add_test(tests, only_calibrated_runs_are_exported);
    tcase_add_test(tests, another_feature_spec_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
