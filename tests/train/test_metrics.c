/* Tallies against counts made by hand, and an evaluation.
 * Relies on: train/metrics.h, train/evaluate.h.
 * Relied on by: test_train.c. */
#include "tests/train/suites.h"
#include "train/evaluate.h"
#include "train/metrics.h"

/* 3 benign (1 called class 1), 4 of class 1 (2 right, 1 called class 2, 1 missed), 2 of class 2 that are also
 * class 1 (1 called class 1, which is right, 1 called class 2). */
static void fill(TrainTally *tally) {
    static const struct {
        uint8_t primary;
        uint32_t classes, said;
    } rows[] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 1}, {1, 1, 1}, {1, 1, 1},
                {1, 1, 2}, {1, 1, 0}, {2, 3, 1}, {2, 3, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        train_tally_add(tally, rows[i].primary, rows[i].classes, rows[i].said);
}

START_TEST(counts_by_hand) {
    TrainTally tally = {0};
    fill(&tally);
    ck_assert_double_eq_tol(train_tally_recall(&tally, 0), 2. / 3, 1e-12);
    ck_assert_double_eq_tol(train_tally_precision(&tally, 0), 2. / 3, 1e-12);
    ck_assert_double_eq_tol(train_tally_recall(&tally, 1), 2. / 4, 1e-12);
    ck_assert_double_eq_tol(train_tally_precision(&tally, 1), 3. / 4,
                            1e-12); /* the `also` row counts as right */
    ck_assert_double_eq_tol(train_tally_f1(&tally, 1), .6, 1e-12);
    ck_assert_double_eq_tol(train_tally_recall(&tally, 2), 1, 1e-12);
    ck_assert_double_eq_tol(train_tally_precision(&tally, 2), .5, 1e-12);
    ck_assert_uint_eq(tally.confusion[1][2], 1);
    uint32_t counted;
    ck_assert_double_eq_tol(train_tally_macro_f1(&tally, 3, &counted), (2. / 3 + .6) / 2, 1e-12);
    ck_assert_uint_eq(counted, 2);
}
END_TEST

START_TEST(empty_is_zero) {
    TrainTally tally = {0};
    uint32_t counted;
    ck_assert_double_eq(train_tally_macro_f1(&tally, 0, &counted), 0);
    ck_assert_uint_eq(counted, 0);
    ck_assert_double_eq(train_tally_f1(&tally, 5), 0);
}
END_TEST

START_TEST(right_is_primary_or_also) {
    ck_assert(train_right(0, 0, 0));
    ck_assert(!train_right(0, 0, 1));
    ck_assert(train_right(3, 1u << 2 | 1u << 31, 3));
    ck_assert(train_right(3, 1u << 2 | 1u << 31, 32));
    ck_assert(!train_right(3, UINT32_MAX, 33)); /* unknown is never right */
}
END_TEST

/* Two classes, five rows, scores made so that the verdicts are benign, 1, 1, 2, unknown. */
START_TEST(evaluation_parts) {
    DatasetExample examples[5] = {{.primary = 0, .part = DATASET_REPLY, .client = 1},
                                  {.primary = 0, .part = DATASET_REQUEST, .client = 1},
                                  {.primary = 1, .classes = 1, .part = DATASET_REQUEST, .client = 2},
                                  {.primary = 1, .classes = 1, .part = DATASET_ONSET, .client = 2},
                                  {.primary = 2, .classes = 2, .part = DATASET_REPLY, .client = 3}};
    float logits[10] = {-1, -1, 3, 2, 1, -1, -1, 0, -1, -1}, features[5] = {0, 0, 0, 0, 9};
    TrainScored rows[5];
    TrainScores scores = {
        .count = 5, .classes = 2, .hidden = 1, .rows = rows, .logits = logits, .features = features};
    TrainCalibration calibration;
    CoreError error;
    for (int i = 0; i < 5; i++)
        rows[i] = train_scored(&examples[i]);
    ck_assert_int_eq(train_calibration_new(2, 1, &calibration, &error), CORE_OK);
    calibration.centre_known[0] = 1;
    calibration.inverse_variance[0] = 1;
    calibration.unknown.value = 80;
    TrainEvaluation e;
    ck_assert_int_eq(train_evaluate(&scores, &calibration, &e, &error), CORE_OK);
    ck_assert_uint_eq(e.benign, 2);
    ck_assert_uint_eq(e.false_messages, 1);
    ck_assert_uint_eq(e.benign_clients, 1);
    ck_assert_uint_eq(e.attacks, 1);
    ck_assert_uint_eq(e.attacks_seen, 1);
    ck_assert_uint_eq(e.onset_wrong, 1);
    ck_assert_uint_eq(e.requests.n[0], 1);
    ck_assert_uint_eq(e.requests.confusion[0][1], 1);
    ck_assert_uint_eq(e.with_onset.n[1], 2);
    ck_assert_uint_eq(e.with_onset.confusion[1][2], 1);
    ck_assert_uint_eq(e.replies.n[2], 1);
    ck_assert_uint_eq(e.replies.confusion[2][3], 1); /* unknown */
    train_calibration_free(&calibration);
}
END_TEST

Suite *metrics_suite(void) {
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("metrics");
    tcase_add_test(tests, counts_by_hand);
    tcase_add_test(tests, empty_is_zero);
    tcase_add_test(tests, right_is_primary_or_also);
    tcase_add_test(tests, evaluation_parts);
    suite_add_tcase(suite, tests);
    return suite;
}
