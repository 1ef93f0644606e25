/* Normalisation of the counters.
 * Relies on: train/data.h.
 * Relied on by: test_train.c. */
#include "tests/train/suites.h"
#include "tests/train/synthetic.h"

#include <math.h>

START_TEST(mean_deviation_and_range) {
    Synthetic s;
    TrainNorm norm;
    synthetic_new(&s, 8, 1);
    for (uint32_t i = 0; i < 8; i++) {
        s.sides[i] = i < 6 ? DATASET_TRAIN : DATASET_VALIDATION;
        s.rows[i].counters[0] = (uint8_t)(10 * i);
        s.rows[i].counters[1] = i == 7 ? 200 : 9; /* constant where it is learned from */
    }
    s.examples[5].primary = DATASET_IGNORE; /* leaves 0, 10, 20, 30, 40 */
    CoreError error;
    ck_assert_int_eq(train_norm_compute(&s.data, &norm, &error), CORE_OK);
    ck_assert_float_eq_tol(norm.mean[0], 20, 1e-6);
    ck_assert_float_eq_tol(norm.scale[0], 1 / sqrtf(200), 1e-6);
    ck_assert_float_eq(norm.low[0], 0);
    ck_assert_float_eq(norm.high[0], 40);
    ck_assert_float_eq(norm.mean[1], 9);
    ck_assert_float_eq(norm.scale[1], 0);
    ck_assert_float_eq(norm.high[1], 9);
    synthetic_free(&s);
}
END_TEST

START_TEST(rare_values_are_cut_to_six_deviations) {
    enum { ROWS = 1000 };
    Synthetic s;
    TrainNorm norm;
    synthetic_new(&s, ROWS, 1);
    for (uint32_t i = 0; i < ROWS; i++) {
        s.sides[i] = DATASET_TRAIN;
        s.rows[i].counters[0] = i ? 0 : 255;
    }
    CoreError error;
    ck_assert_int_eq(train_norm_compute(&s.data, &norm, &error), CORE_OK);
    ck_assert_float_eq_tol((norm.high[0] - norm.mean[0]) * norm.scale[0], 6, 1e-4);
    ck_assert_float_eq(norm.low[0], 0);
    synthetic_free(&s);
}
END_TEST

START_TEST(nothing_to_learn_from) {
    Synthetic s;
    TrainNorm norm;
    synthetic_new(&s, 8, 1);
    for (uint32_t i = 0; i < 8; i++)
        s.sides[i] = DATASET_TEST;
    CoreError error;
    ck_assert_int_eq(train_norm_compute(&s.data, &norm, &error), CORE_OK);
    for (int c = 0; c < FEATURE_COUNTERS; c++)
        ck_assert(norm.scale[c] == 0 && norm.mean[c] == 0 && norm.low[c] == 0 && norm.high[c] == 0);
    synthetic_free(&s);
}
END_TEST

Suite *norm_suite(void) {
    Suite *suite = suite_create("norm");
    TCase *tests = tcase_create("norm");
    tcase_add_test(tests, mean_deviation_and_range);
    tcase_add_test(tests, rare_values_are_cut_to_six_deviations);
    tcase_add_test(tests, nothing_to_learn_from);
    suite_add_tcase(suite, tests);
    return suite;
}
