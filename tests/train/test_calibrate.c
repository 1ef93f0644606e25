/* Novelty and calibration on scores made by hand.
 * Relies on: train/calibrate.h.
 * Relied on by: test_train.c. */
#include "engine/rng.h"
#include "tests/train/suites.h"
#include "train/calibrate.h"
#include "train/metrics.h"

#include <stdlib.h>

enum { ROWS = 400, CLASSES = 2, HIDDEN = 2 };

static CoreError error;
static DatasetClass classes[CLASSES] = {{"slow", 5}, {"sudden", 0}};
static TrainScored rows[ROWS];
static float logits[ROWS * CLASSES], features[ROWS * HIDDEN];
static TrainScores scores = {.count = ROWS,
                             .classes = CLASSES,
                             .hidden = HIDDEN,
                             .rows = rows,
                             .logits = logits,
                             .features = features};
static TrainCalibration calibration;

/* Half benign at (0, 0), a quarter of each class at (10, 0) and (0, 10), one unit around; logits -5 and 5.
 * Client 1 is benign and is called "slow" twice in a row. */
static void set_up(void) {
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t kind = i % 2 ? 1 + i / 2 % 2 : 0;
        rows[i] = (TrainScored){.primary = (uint8_t)kind,
                                .classes = kind ? 1u << (kind - 1) : 0,
                                .client = kind ? 9 : 1 + i % 8 / 2,
                                .run = kind,
                                .attacker = kind != 0,
                                .part = DATASET_REQUEST};
        features[2 * i] = rng_uniform(1, 0, i, 0) * 2 - 1 + (kind == 1 ? 10 : 0);
        features[2 * i + 1] = rng_uniform(1, 0, i, 1) * 2 - 1 + (kind == 2 ? 10 : 0);
        for (uint32_t c = 0; c < CLASSES; c++)
            logits[i * CLASSES + c] = (kind == c + 1 ? 5.f : -5.f) + rng_uniform(1, 1, i, c);
    }
    ck_assert_int_eq(train_calibration_new(CLASSES, HIDDEN, &calibration, &error), CORE_OK);
}

static void tear_down(void) {
    train_calibration_free(&calibration);
}

START_TEST(centres_and_distance) {
    train_novelty_fit(&scores, &calibration);
    ck_assert_uint_eq(calibration.centre_known[0], 1);
    ck_assert_float_eq_tol(calibration.centres[0], 0, .15f);
    ck_assert_float_eq_tol(calibration.centres[2], 10, .15f);
    ck_assert_float_eq_tol(calibration.centres[5], 10, .15f);
    /* The variance of a uniform of width 2 is 1/3, with a tenth as floor. */
    ck_assert_float_eq_tol(calibration.inverse_variance[0], 1 / (1 / 3.f * 1.1f), .5f);
    float near[2] = {9.9f, 0}, far[2] = {-30, -30};
    ck_assert_float_lt(train_novelty(&calibration, CLASSES, HIDDEN, near), 1);
    ck_assert_float_gt(train_novelty(&calibration, CLASSES, HIDDEN, far), 100);
}
END_TEST

/* A threshold goes where it is moved, but not out of its range. */
START_TEST(shifted_thresholds) {
    TrainCalibrateOptions options = train_calibrate_defaults();
    train_novelty_fit(&scores, &calibration);
    ck_assert_int_eq(train_calibrate(classes, &scores, &scores, &options, &calibration, &error), CORE_OK);
    const float first = calibration.thresholds[0].value;
    options.shift[0] = 1.25f;
    options.shift[1] = 16;
    ck_assert_int_eq(train_calibrate(classes, &scores, &scores, &options, &calibration, &error), CORE_OK);
    ck_assert_float_eq(calibration.thresholds[0].value, first + 1.25f);
    ck_assert_float_eq(calibration.thresholds[1].value, 16);
}
END_TEST

START_TEST(a_separable_case) {
    TrainCalibrateOptions options = train_calibrate_defaults();
    train_novelty_fit(&scores, &calibration);
    ck_assert_int_eq(train_calibrate(classes, &scores, &scores, &options, &calibration, &error), CORE_OK);
    for (uint32_t c = 0; c < CLASSES; c++) {
        ck_assert_float_gt(calibration.thresholds[c].value, -4);
        ck_assert_float_lt(calibration.thresholds[c].value, 5.5f);
    }
    uint32_t right = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t said = train_verdict(&scores, &calibration, i);
        right += said == rows[i].primary;
        ck_assert(said == rows[i].primary || said == TRAIN_SAID_BENIGN);
    }
    ck_assert_uint_ge(right, ROWS * 95 / 100); /* the strict class gives a little away */
    ck_assert_uint_eq(calibration.thresholds[0].k, 4);
    ck_assert_uint_eq(calibration.thresholds[1].k, 1);
    ck_assert_uint_ge(calibration.unknown.k, 8);
    features[0] = features[1] = 80; /* like nothing before */
    ck_assert_uint_eq(train_verdict(&scores, &calibration, 0), CLASSES + 1);
}
END_TEST

START_TEST(benign_false_messages_raise_k) {
    TrainCalibrateOptions options = train_calibrate_defaults();
    options.threshold.false_per_million = 1e6; /* thresholds by F1 alone */
    uint32_t told = 0;
    for (uint32_t i = 0; i < ROWS && told < 3; i++)
        if (rows[i].client == 1) logits[i * CLASSES] = 7, told++;
    train_novelty_fit(&scores, &calibration);
    ck_assert_int_eq(train_calibrate(classes, &scores, &scores, &options, &calibration, &error), CORE_OK);
    ck_assert_uint_ge(calibration.thresholds[0].k, 5);
    ck_assert_uint_eq(calibration.thresholds[1].k, 1);
}
END_TEST

START_TEST(first_message_classes_are_strict) {
    TrainCalibrateOptions options = train_calibrate_defaults();
    options.threshold.false_per_million = 1e6;
    logits[0 * CLASSES + 1] = 4; /* a benign message close to "sudden" */
    train_novelty_fit(&scores, &calibration);
    ck_assert_int_eq(train_calibrate(classes, &scores, &scores, &options, &calibration, &error), CORE_OK);
    ck_assert_float_gt(calibration.thresholds[1].value, 4);
}
END_TEST

START_TEST(no_centre_without_rows) {
    for (uint32_t i = 0; i < ROWS; i++)
        if (rows[i].primary == 2) rows[i].part = DATASET_ONSET;
    train_novelty_fit(&scores, &calibration);
    ck_assert_uint_eq(calibration.centre_known[2], 0);
    ck_assert_uint_eq(calibration.centre_known[1], 1);
}
END_TEST

Suite *calibrate_suite(void) {
    Suite *suite = suite_create("calibrate");
    TCase *tests = tcase_create("calibrate");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, centres_and_distance);
    tcase_add_test(tests, a_separable_case);
    tcase_add_test(tests, shifted_thresholds);
    tcase_add_test(tests, benign_false_messages_raise_k);
    tcase_add_test(tests, first_message_classes_are_strict);
    tcase_add_test(tests, no_centre_without_rows);
    suite_add_tcase(suite, tests);
    return suite;
}
