/* k of n against counts made by hand and a slow count.
 * Relies on: train/windows.h.
 * Relied on by: test_train.c. */
#include "engine/rng.h"
#include "tests/train/suites.h"
#include "train/windows.h"

static const uint8_t said[] = {0, 1, 1, 0, 0, 1, /**/ 1, 1, 1, 1, /**/ 0, 0, 2};
static const uint32_t begin[] = {0, 6, 10, 13};
static const bool attacked[] = {false, true, false};
static const TrainSequences sequences = {said, begin, attacked, 3};

START_TEST(worst_by_hand) {
    ck_assert_uint_eq(train_windows_worst(&sequences, 1, 1), 1);
    ck_assert_uint_eq(train_windows_worst(&sequences, 1, 3), 2);
    ck_assert_uint_eq(train_windows_worst(&sequences, 1, 5), 3);
    ck_assert_uint_eq(train_windows_worst(&sequences, 1, 64), 3);
    ck_assert_uint_eq(train_windows_worst(&sequences, 2, 8), 1);
    ck_assert_uint_eq(train_windows_worst(&sequences, 3, 8), 0);
}
END_TEST

START_TEST(choice_keeps_away_from_benign) {
    CoreModelThreshold rule;
    train_windows_choose(&sequences, 3, train_windows_ladder(3), &rule); /* never said of anybody */
    ck_assert_uint_eq(rule.k, 3);
    ck_assert_uint_eq(rule.n, 5);
    train_windows_choose(&sequences, 1, train_windows_ladder(3),
                         &rule); /* three of six were said of a benign client */
    ck_assert_uint_ge(rule.k, train_windows_worst(&sequences, 1, rule.n) + 2);
    ck_assert_uint_eq(rule.k, 6);
    train_windows_choose(&sequences, 3, train_windows_ladder(8), &rule);
    ck_assert_uint_eq(rule.k, 8);
}
END_TEST

START_TEST(worst_equals_slow_count) {
    enum { LENGTH = 300 };
    uint8_t random[LENGTH];
    uint32_t ends[4] = {0, 120, 121, LENGTH};
    bool none[3] = {false};
    for (uint32_t i = 0; i < LENGTH; i++)
        random[i] = (uint8_t)rng_below(3, 5, 0, 0, i);
    TrainSequences many = {random, ends, none, 3};
    for (uint32_t n = 1; n <= 64; n += 7) {
        uint32_t worst = 0;
        for (uint32_t s = 0; s < 3; s++)
            for (uint32_t at = ends[s]; at < ends[s + 1]; at++) {
                uint32_t inside = 0;
                for (uint32_t i = at; i < at + n && i < ends[s + 1]; i++)
                    inside += random[i] == 2;
                if (inside > worst) worst = inside;
            }
        ck_assert_uint_eq(train_windows_worst(&many, 2, n), worst);
    }
}
END_TEST

Suite *windows_suite(void) {
    Suite *suite = suite_create("windows");
    TCase *tests = tcase_create("windows");
    tcase_add_test(tests, worst_by_hand);
    tcase_add_test(tests, choice_keeps_away_from_benign);
    tcase_add_test(tests, worst_equals_slow_count);
    suite_add_tcase(suite, tests);
    return suite;
}
