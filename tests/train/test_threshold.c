/* Thresholds from synthetic scores.
 * Relies on: train/threshold.h.
 * Relied on by: test_train.c. */
#include "engine/rng.h"
#include "tests/train/suites.h"
#include "train/threshold.h"

#include <math.h>
#include <string.h>

static const TrainThresholdOptions options = {.false_per_million = 0, .margin = 1, .standard = 1};

/* `n` cases of one kind at low, low + step, ... */
static size_t add(TrainCase *cases, size_t at, TrainCaseKind kind, size_t n, float low, float step) {
    for (size_t i = 0; i < n; i++)
        cases[at + i] = (TrainCase){low + step * (float)i, 1, kind};
    return at + n;
}

START_TEST(just_above_a_separate_side) {
    TrainCase cases[200];
    size_t n = add(cases, 0, TRAIN_CASE_BENIGN, 100, -5, .05f); /* up to -0.05 */
    n = add(cases, n, TRAIN_CASE_POSITIVE, 100, 3, .01f);
    float threshold = train_threshold_choose(cases, n, &options, false);
    ck_assert_float_eq_tol(threshold, -.05f + 1, .01f);
}
END_TEST

START_TEST(margin_above_benign) {
    TrainCase cases[300];
    size_t n = add(cases, 0, TRAIN_CASE_BENIGN, 100, -5, .05f); /* up to -0.05 */
    n = add(cases, n, TRAIN_CASE_POSITIVE, 200, .5f, .05f);     /* the lowest lie within the margin */
    float threshold = train_threshold_choose(cases, n, &options, false);
    ck_assert_float_ge(threshold, .5f);
    ck_assert_float_le(threshold, -.05f + 1 + 1e-5f);
}
END_TEST

START_TEST(rate_admits_an_outlier) {
    TrainCase cases[400];
    size_t n = add(cases, 0, TRAIN_CASE_BENIGN, 199, -5, .01f);
    n = add(cases, n, TRAIN_CASE_BENIGN, 1, 6, 0);
    n = add(cases, n, TRAIN_CASE_POSITIVE, 100, 2, .01f);
    TrainThresholdOptions lenient = options;
    lenient.false_per_million = 5000; /* one of 200 */
    ck_assert_float_lt(train_threshold_choose(cases, n, &lenient, false), 2.5f);
    /* Without that rate it weighs three wrong verdicts: still better than to name nothing ... */
    ck_assert_float_lt(train_threshold_choose(cases, n, &options, false), 2.5f);
    /* ... also where a single false message is an incident, if nothing else would be named. */
    ck_assert_float_lt(train_threshold_choose(cases, n, &options, true), 3.1f);
}
END_TEST

/* A few benign outliers cost a strict class a quarter of its F1 at most; below that it names none of them. */
START_TEST(strict_lies_above_benign_where_it_can) {
    TrainCase cases[1200];
    size_t n = add(cases, 0, TRAIN_CASE_BENIGN, 1000, -5, 0);
    n = add(cases, n, TRAIN_CASE_BENIGN, 1, 2, 0);
    n = add(cases, n, TRAIN_CASE_POSITIVE, 100, 0, .1f); /* a fifth below the outlier */
    TrainThresholdOptions close = options;
    close.margin = .25f;
    ck_assert_float_ge(train_threshold_choose(cases, n, &close, true), 2.25f - 1e-5f);
    cases[1000].logit = 9; /* where nearly nothing would be left */
    add(cases, 1001, TRAIN_CASE_POSITIVE, 100, 0, .1f);
    ck_assert_float_lt(train_threshold_choose(cases, n, &close, true), 5);
}
END_TEST

START_TEST(other_attacks_cost_precision_only) {
    TrainCase cases[300];
    size_t n = add(cases, 0, TRAIN_CASE_ATTACK, 100, 0, .01f);
    n = add(cases, n, TRAIN_CASE_POSITIVE, 100, 2, .01f);
    n = add(cases, n, TRAIN_CASE_BENIGN, 100, -8, .01f);
    float threshold = train_threshold_choose(cases, n, &options, true);
    ck_assert_float_eq_tol(threshold, .99f, .02f); /* half a percent of F1 makes no difference */
}
END_TEST

START_TEST(no_positive_case) {
    TrainCase cases[100];
    size_t n = add(cases, 0, TRAIN_CASE_BENIGN, 100, -9, .05f);
    ck_assert_float_eq(train_threshold_choose(cases, n, &options, false), 1); /* the standard */
    n = add(cases, 0, TRAIN_CASE_BENIGN, 100, 0, .05f);
    ck_assert_float_eq_tol(train_threshold_choose(cases, n, &options, false), 4.95f + 1, 1e-5f);
    ck_assert_float_eq(train_threshold_choose(cases, 0, &options, false), 1);
}
END_TEST

/* Whatever the scores: finite and in range. */
/* What weighs nothing does not decide: a long run whose scores lie low, among short ones that lie high. */
START_TEST(weights_decide) {
    TrainCase cases[300];
    size_t n = add(cases, 0, TRAIN_CASE_BENIGN, 100, -5, .1f); /* up to 4.9 */
    n = add(cases, n, TRAIN_CASE_POSITIVE, 100, 1, 0);
    n = add(cases, n, TRAIN_CASE_POSITIVE, 100, 7, 0);
    TrainCase copy[300];
    memcpy(copy, cases, sizeof copy);
    ck_assert_float_le(train_threshold_choose(copy, n, &options, false), 1);
    for (size_t i = 100; i < 200; i++)
        cases[i].weight = .01f;
    ck_assert_float_gt(train_threshold_choose(cases, n, &options, false), 4.9f);
}
END_TEST

START_TEST(random_scores) {
    for (uint32_t round = 0; round < 200; round++) {
        TrainCase cases[64];
        size_t n = (size_t)rng_below(65, 1, 0, round, 0);
        for (uint32_t i = 0; i < n; i++)
            cases[i] = (TrainCase){20 * rng_uniform(1, 1, round, i) - 10, rng_uniform(1, 1, 3, i),
                                   (TrainCaseKind)rng_below(3, 1, 2, round, i)};
        float threshold = train_threshold_choose(cases, n, &options, true);
        ck_assert(isfinite(threshold) && threshold >= 0 && threshold <= 16);
    }
}
END_TEST

START_TEST(a_hopeless_class_is_not_named) {
    TrainCase cases[300];
    size_t n = add(cases, 0, TRAIN_CASE_BENIGN, 200, -3, .01f);
    n = add(cases, n, TRAIN_CASE_ATTACK, 95, -3, .01f);
    n = add(cases, n, TRAIN_CASE_POSITIVE, 5, -2.5f, .1f); /* amid the others */
    ck_assert_float_ge(train_threshold_choose(cases, n, &options, false), 1);
}
END_TEST

Suite *threshold_suite(void) {
    Suite *suite = suite_create("threshold");
    TCase *tests = tcase_create("threshold");
    tcase_add_test(tests, just_above_a_separate_side);
    tcase_add_test(tests, margin_above_benign);
    tcase_add_test(tests, rate_admits_an_outlier);
    tcase_add_test(tests, strict_lies_above_benign_where_it_can);
    tcase_add_test(tests, other_attacks_cost_precision_only);
    tcase_add_test(tests, a_hopeless_class_is_not_named);
    tcase_add_test(tests, no_positive_case);
    tcase_add_test(tests, weights_decide);
    tcase_add_test(tests, random_scores);
    suite_add_tcase(suite, tests);
    return suite;
}
