/* Tests of the decayed counters, what is new and the table, against libm and naive models.
 * Relies on: data/features, Check, libm.
 * Relied on by: test_features. */
#include "data/features/counters.h"
#include "data/features/novelty.h"
#include "data/features/table.h"
#include "tests/features/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t second = INT64_C(1000000000);

START_TEST(exp_and_log_agree_with_libm) {
    for (double x = 0; x < 90; x = x * 1.01 + 1e-4) {
        double expected = exp(-(double)(float)x), found = feature_exp_minus((float)x);
        ck_assert_msg(fabs(found - expected) <= 4e-6 * expected || x > 79, "exp(-%g) is %.9g, not %.9g", x,
                      found, expected);
        expected = log1p((double)(float)(x * x * x));
        found = feature_log1p((float)(x * x * x));
        ck_assert_msg(fabs(found - expected) <= 2e-6 * (1 + expected), "log1p(%g) is %.9g, not %.9g",
                      x * x * x, found, expected);
    }
    ck_assert(feature_exp_minus(0) == 1.0f);
    ck_assert(feature_exp_minus(1e9f) == 0.0f);
    ck_assert(feature_log1p(0) == 0.0f);
}
END_TEST

/* Events at a steady rate: each counter settles at 1 / (1 - exp(-step / tau)). */
START_TEST(decay_follows_the_formula) {
    float values[FEATURE_TAUS] = {0};
    for (int i = 0; i < 200000; i++) {
        feature_decay(values, 1, second / 4);
        feature_count(values, 0);
    }
    const double tau[FEATURE_TAUS] = {1, 30, 600, 7200};
    for (unsigned i = 0; i < FEATURE_TAUS; i++) {
        double expected = (1 - exp(-50000 / tau[i])) / (1 - exp(-0.25 / tau[i]));
        ck_assert_msg(fabs(values[i] - expected) < 2e-3 * expected, "tau %g: %g, not %g", tau[i], values[i],
                      expected);
    }
}
END_TEST

START_TEST(a_steady_rate_has_neutral_ratios) {
    float values[FEATURE_TAUS] = {0};
    uint8_t features[FEATURE_PER_COUNTER];
    for (int i = 0; i < 400000; i++) {
        feature_decay(values, 1, second / 10);
        feature_count(values, 0);
    }
    feature_quantise(values, 1, 40000 * second, features);
    for (unsigned i = FEATURE_TAUS; i < FEATURE_PER_COUNTER; i++)
        ck_assert_int_le(abs(features[i] - 128), 2);
    for (int i = 0; i < 100; i++)
        feature_count(values, 0);
    feature_quantise(values, 1, 40000 * second, features);
    ck_assert_int_gt(features[FEATURE_TAUS], 150);
    feature_quantise(values, 1, 59 * second, features);
    ck_assert_int_eq(features[FEATURE_TAUS], 128);
    feature_quantise(values, 1, 60 * second, features);
    ck_assert_int_gt(features[FEATURE_TAUS], 150);
}
END_TEST

START_TEST(quantised_values_come_back) {
    for (int n = 0; n < 5000; n = n * 5 / 4 + 1) {
        FeatureRow row = {0};
        float values[FEATURE_PEER_COUNTERS * FEATURE_TAUS] = {0};
        for (int i = 0; i < n; i++)
            feature_count(values, FEATURE_PEER_BYE);
        feature_quantise(values, FEATURE_PEER_COUNTERS, 0, row.counters + FEATURE_TARGET_AT);
        float found = feature_peer_value(&row, FEATURE_GROUP_TARGET, FEATURE_PEER_BYE, 1);
        ck_assert_msg(fabsf(found - (float)n) <= 0.04f * (float)(n + 1), "%d came back as %g", n, found);
        ck_assert_int_eq(row.counters[FEATURE_TARGET_AT], 0);
    }
}
END_TEST

START_TEST(log_time_grows) {
    ck_assert_uint_eq(feature_log_time(-1), 0);
    ck_assert_uint_eq(feature_log_time(0), 1);
    uint8_t before = 0;
    for (int64_t ns = 1000; ns < 4000000 * second; ns *= 2) {
        uint8_t now = feature_log_time(ns);
        ck_assert_uint_ge(now, before);
        before = now;
    }
    ck_assert_uint_gt(before, 240);
    ck_assert_uint_eq(feature_log_time(INT64_MAX), 255);
}
END_TEST

/* Thousands of owners with a few things each, and one with more than its share of the table. */
START_TEST(novelty_is_exact_until_it_is_full) {
    enum { OWNERS = 20000, THINGS = 10, CROWD = 1000 };
    FeatureNovelty novelty;
    ck_assert_int_eq(feature_novelty_init(&novelty, NULL), CORE_OK);
    unsigned fresh = 0;
    for (uint64_t owner = 1; owner <= OWNERS; owner++)
        for (uint64_t thing = 1; thing <= THINGS; thing++)
            fresh += feature_novelty_is_new(&novelty, owner, thing, 100);
    ck_assert_uint_eq(fresh, OWNERS * THINGS);
    for (uint64_t thing = 1; thing <= CROWD; thing++)
        ck_assert(feature_novelty_is_new(&novelty, 7, thing << 20, 101));
    unsigned kept = 0;
    for (uint64_t thing = 1; thing <= CROWD; thing++)
        kept += feature_novelty_knows(&novelty, 7, thing << 20, 102, NOVELTY_AGE_S);
    ck_assert_uint_ge(kept, CROWD * 99 / 100);
    for (uint64_t thing = 1; thing <= 1000000; thing++)
        feature_novelty_is_new(&novelty, 9, thing << 20, 103);
    kept = 0;
    for (uint64_t owner = 1000; owner <= OWNERS; owner++)
        for (uint64_t thing = 1; thing <= THINGS; thing++)
            kept += feature_novelty_knows(&novelty, owner, thing, 104, NOVELTY_AGE_S);
    ck_assert_uint_ge(kept, (OWNERS - 999) * THINGS * 99 / 100);
    feature_novelty_free(&novelty);
}
END_TEST

START_TEST(novelty_forgets_after_its_age) {
    FeatureNovelty novelty;
    ck_assert_int_eq(feature_novelty_init(&novelty, NULL), CORE_OK);
    ck_assert(!feature_novelty_is_new(&novelty, 1, 0, 5));
    ck_assert(feature_novelty_is_new(&novelty, 1, 2, 5));
    ck_assert(!feature_novelty_is_new(&novelty, 1, 2, 5 + NOVELTY_AGE_S));
    ck_assert(!feature_novelty_is_new(&novelty, 1, 2, 5 + 2 * NOVELTY_AGE_S)); /* since it was last seen */
    ck_assert(!feature_novelty_knows(&novelty, 2, 1, 6 + 2 * NOVELTY_AGE_S, NOVELTY_AGE_S));
    ck_assert(!feature_novelty_knows(&novelty, 1, 2, 6 + 3 * NOVELTY_AGE_S, NOVELTY_AGE_S));
    ck_assert(feature_novelty_is_new(&novelty, 1, 2, 6 + 3 * NOVELTY_AGE_S));
    ck_assert(feature_novelty_knows(&novelty, 1, 2, 6 + 3 * NOVELTY_AGE_S, NOVELTY_AGE_S));
    feature_novelty_free(&novelty);
}
END_TEST

/* The table against a model that keeps an array in order of use. */
START_TEST(table_is_exact_lru) {
    enum { CAPACITY = 37, KEYS = 90 };
    FeatureSecret secret = {{1, 2, 3}};
    FeatureTable table;
    ck_assert_int_eq(feature_table_init(&table, CAPACITY, 8, &secret, NULL), CORE_OK);
    int model[CAPACITY], used = 0;
    uint32_t random = 1;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        int id = (int)((random >> 16) % KEYS), at = 0;
        while (at < used && model[at] != id)
            at++;
        bool expected = at == used;
        if (expected && used < CAPACITY) used++;
        if (at >= used) at = used - 1;
        memmove(model + 1, model, (size_t)at * sizeof *model);
        model[0] = id;
        FeatureKey key = {{(uint8_t)id}};
        bool created;
        int64_t *record = feature_table_touch(&table, &key, &created);
        ck_assert_int_eq(created, expected);
        ck_assert_int_eq(*record, created ? 0 : id + 1);
        *record = id + 1;
        key.bytes[0] = (uint8_t)KEYS;
        ck_assert_ptr_null(feature_table_find(&table, &key));
        key.bytes[0] = (uint8_t)model[used - 1]; /* finding does not make newer */
        ck_assert_int_eq(*(const int64_t *)feature_table_find(&table, &key), model[used - 1] + 1);
    }
    feature_table_free(&table);
}
END_TEST

Suite *counters_suite(void) {
    Suite *suite = suite_create("counters");
    TCase *tests = tcase_create("arithmetic and tables");
    tcase_add_test(tests, exp_and_log_agree_with_libm);
    tcase_add_test(tests, decay_follows_the_formula);
    tcase_add_test(tests, a_steady_rate_has_neutral_ratios);
    tcase_add_test(tests, quantised_values_come_back);
    tcase_add_test(tests, log_time_grows);
    tcase_add_test(tests, novelty_is_exact_until_it_is_full);
    tcase_add_test(tests, novelty_forgets_after_its_age);
    tcase_add_test(tests, table_is_exact_lru);
    suite_add_tcase(suite, tests);
    return suite;
}
