/* Probabilities from logits.
 * Relies on: train/platt.h.
 * Relied on by: test_train.c. */
#include "engine/rng.h"
#include "tests/train/suites.h"
#include "train/platt.h"

#include <math.h>
#include <stdlib.h>

static double probability(TrainPlatt platt, double logit) {
    return 1 / (1 + exp(-(logit / (double)platt.temperature + (double)platt.bias)));
}

/* Cases whose odds are known: a positive with probability sigmoid(slope x + bias). */
START_TEST(finds_the_law_that_drew_the_cases) {
    enum { N = 40000 };
    TrainCase *cases = malloc(N * sizeof *cases);
    ck_assert_ptr_nonnull(cases);
    double positive = 0;
    for (uint32_t i = 0; i < N; i++) {
        float x = 8 * rng_uniform(1, 0, 0, i) - 4;
        double p = 1 / (1 + exp(-(0.5 * (double)x + 0.25)));
        cases[i] =
            (TrainCase){x, 1, (double)rng_uniform(1, 1, 0, i) < p ? TRAIN_CASE_POSITIVE : TRAIN_CASE_BENIGN};
        positive += cases[i].kind == TRAIN_CASE_POSITIVE;
    }
    TrainPlatt platt = train_platt_fit(cases, N);
    ck_assert_double_eq_tol((double)platt.temperature, 2, 0.1);
    /* Both sides weigh the same, which shifts the bias by the log odds of the sides. */
    ck_assert_double_eq_tol((double)platt.bias, 0.25 - log(positive / (N - positive)), 0.05);
    free(cases);
}
END_TEST

START_TEST(overconfident_logits_are_cooled) {
    TrainCase cases[400];
    for (uint32_t i = 0; i < 400; i++) { /* three of four are what +-6 says */
        bool positive = i % 2, wrong = i % 8 < 2;
        cases[i] =
            (TrainCase){positive != wrong ? 6 : -6, 1, positive ? TRAIN_CASE_POSITIVE : TRAIN_CASE_ATTACK};
    }
    TrainPlatt platt = train_platt_fit(cases, 400);
    ck_assert_double_eq_tol(probability(platt, 6), 0.75, 0.01);
    ck_assert_double_eq_tol(probability(platt, -6), 0.25, 0.01);
}
END_TEST

START_TEST(separate_sides_stay_finite_and_in_order) {
    TrainCase cases[100];
    for (uint32_t i = 0; i < 100; i++)
        cases[i] = (TrainCase){i < 50 ? -6 : 6, 1, i < 50 ? TRAIN_CASE_BENIGN : TRAIN_CASE_POSITIVE};
    TrainPlatt platt = train_platt_fit(cases, 100);
    ck_assert(isfinite(platt.temperature) && isfinite(platt.bias) && platt.temperature >= 0.125f);
    ck_assert_double_gt(probability(platt, 6), 0.95);
    ck_assert_double_lt(probability(platt, -6), 0.05);
}
END_TEST

START_TEST(too_few_cases_are_not_calibrated) {
    TrainCase cases[30];
    for (uint32_t i = 0; i < 30; i++)
        cases[i] = (TrainCase){(float)i, 1, i < 25 ? TRAIN_CASE_BENIGN : TRAIN_CASE_POSITIVE};
    ck_assert_float_eq(train_platt_fit(cases, 30).temperature, 0);
    ck_assert_float_eq(train_platt_fit(cases, 0).temperature, 0);
}
END_TEST

Suite *platt_suite(void) {
    Suite *suite = suite_create("platt");
    TCase *tests = tcase_create("platt");
    tcase_add_test(tests, finds_the_law_that_drew_the_cases);
    tcase_add_test(tests, overconfident_logits_are_cooled);
    tcase_add_test(tests, separate_sides_stay_finite_and_in_order);
    tcase_add_test(tests, too_few_cases_are_not_calibrated);
    suite_add_tcase(suite, tests);
    return suite;
}
