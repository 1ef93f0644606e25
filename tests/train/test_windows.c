/* k of n against counts made by hand and a slow count.
 * Relies on: train/windows.h.
 * Relied on by: test_train.c. */
#include "engine/rng.h"
#include "tests/train/suites.h"
#include "train/windows.h"

static const uint8_t said[] = {0, 1, 1, 0, 0, 1, /**/ 1, 1, 1, 1, /**/ 0, 0, 2};
static const uint8_t primary[] = {0, 0, 0, 0, 0, 0, /**/ 1, 1, 2, 2, /**/ 0, 0, 0};
static const uint32_t run[] = {0, 0, 0, 0, 0, 0, /**/ 1, 1, 2, 2, /**/ 0, 0, 0};
static const uint32_t begin[] = {0, 6, 10, 13};
static const bool attacked[] = {false, true, false};
static uint32_t marks[3];
static const TrainSequences sequences = {said, primary, run, begin, attacked, 3, marks};

START_TEST(worst_by_hand) {
    ck_assert_uint_eq(train_windows_worst(&sequences, 1, 1), 1);
    ck_assert_uint_eq(train_windows_worst(&sequences, 1, 3), 2);
    ck_assert_uint_eq(train_windows_worst(&sequences, 1, 5), 3);
    ck_assert_uint_eq(train_windows_worst(&sequences, 1, 64), 3);
    ck_assert_uint_eq(train_windows_worst(&sequences, 2, 8), 1);
    ck_assert_uint_eq(train_windows_worst(&sequences, 3, 8), 0);
}
END_TEST

START_TEST(effect_by_hand) {
    TrainWindowsEffect effect = train_windows_effect(&sequences, 1, 2, 3);
    ck_assert_uint_eq(effect.clients, 2);
    ck_assert_uint_eq(effect.near, 1); /* two of three: with a slack of two, every verdict comes near */
    ck_assert_uint_eq(effect.runs, 1);
    ck_assert_uint_eq(effect.found, 1);
    effect = train_windows_effect(&sequences, 1, 3, 5);
    ck_assert_uint_eq(effect.near, 1);
    ck_assert_uint_eq(effect.found, 0); /* the run had two messages; the third verdict was on another's */
    effect = train_windows_effect(&sequences, 2, 2, 3);
    ck_assert_uint_eq(effect.near, 1);
    ck_assert_uint_eq(effect.runs, 1);
    ck_assert_uint_eq(effect.found, 0);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(marks[i], 0);
}
END_TEST

/* 200 honest clients, of whom `noisy` get three verdicts in a row, and 50 runs of six messages. */
static void choose(uint32_t noisy, uint32_t per_run, CoreModelThreshold *rule) {
    enum { CLIENTS = 250, LENGTH = 6 };
    static uint8_t says[CLIENTS * LENGTH], is[CLIENTS * LENGTH];
    static uint32_t runs[CLIENTS * LENGTH], ends[CLIENTS + 1], seen[51];
    static bool attackers[CLIENTS];
    for (uint32_t c = 0; c < CLIENTS; c++) {
        attackers[c] = c >= 200;
        ends[c + 1] = (c + 1) * LENGTH;
        for (uint32_t i = 0; i < LENGTH; i++) {
            says[c * LENGTH + i] = attackers[c] ? i < per_run : c < noisy && i < 3;
            is[c * LENGTH + i] = attackers[c];
            runs[c * LENGTH + i] = attackers[c] ? c - 199 : 0;
        }
    }
    TrainSequences many = {says, is, runs, ends, attackers, CLIENTS, seen};
    train_windows_choose(&many, 1, 0, rule);
}

START_TEST(choice_weighs_runs_against_honest_clients) {
    CoreModelThreshold rule;
    choose(0, 6, &rule); /* nothing speaks against being quick */
    ck_assert_uint_eq(rule.k, 3);
    choose(1, 6, &rule); /* half a percent of the clients costs as much as a tenth of the runs */
    ck_assert_uint_eq(rule.k, 6);
    choose(1, 3, &rule); /* but not as all of them */
    ck_assert_uint_eq(rule.k, 3);
    train_windows_choose(&sequences, 3, train_windows_ladder(8), &rule); /* never said */
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
    TrainSequences many = {.said = random, .begin = ends, .attacked = none, .count = 3};
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
    tcase_add_test(tests, effect_by_hand);
    tcase_add_test(tests, choice_weighs_runs_against_honest_clients);
    tcase_add_test(tests, worst_equals_slow_count);
    suite_add_tcase(suite, tests);
    return suite;
}
