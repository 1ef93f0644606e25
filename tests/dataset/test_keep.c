/* Reservoirs of runs and clients under a common bound.
 * Relies on: data/dataset/keep.h.
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/keep.h"

#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 1 << 18 };

static CoreError error;
static Keep keep;
static uint32_t *holder; /* [n_slots] the row at each place */
static uint32_t n_rows;  /* came so far */

static void setup(void) {
    holder = malloc(ROWS * sizeof *holder);
    n_rows = 0;
}

static void teardown(void) {
    keep_free(&keep);
    free(holder);
}

static void row(KeepKind kind, uint32_t group) {
    uint32_t slot;
    assert_ok(keep_row(&keep, kind, group, &slot, &error), error);
    if (slot != KEEP_NOWHERE) holder[slot] = n_rows;
    n_rows++;
}

static uint64_t kept(void) {
    return keep.kept[0] + keep.kept[1];
}

/* Every place of every group is its own, and the numbers add up. */
static void check_places(void) {
    uint8_t *taken = calloc(keep.n_slots + 1, 1);
    uint64_t places = 0;
    for (int kind = 0; kind < KEEP_KINDS; kind++)
        for (uint64_t g = 0; g < keep.n_groups[kind]; g++)
            for (uint32_t i = 0; i < keep.groups[kind][g].count; i++, places++)
                ck_assert_uint_eq(taken[keep.groups[kind][g].slots[i]]++, 0);
    for (uint64_t i = 0; i < keep.n_free; i++)
        ck_assert_uint_eq(taken[keep.free[i]]++, 0);
    ck_assert_uint_eq(places, kept());
    ck_assert_uint_eq(places + keep.n_free, keep.n_slots);
    ck_assert_uint_eq(kept() + keep.left_out, n_rows);
    free(taken);
}

START_TEST(what_fits_is_kept_in_order) {
    keep_init(&keep, 1001, 100);
    for (uint32_t i = 0; i < 1000; i++)
        row(i % 3 == 0 ? KEEP_RUN : i % 3 == 1 ? KEEP_CLIENT : KEEP_CAPTURE, i % 10);
    ck_assert_uint_eq(keep.left_out, 0);
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(holder[i], i);
    check_places();
}
END_TEST

/* A long run keeps `most` rows, each equally likely whenever it came. */
START_TEST(a_reservoir_is_fair) {
    enum { GROUPS = 400, LENGTH = 200, MOST = 20 };
    uint32_t quarter[4] = {0};
    keep_init(&keep, ROWS, MOST);
    for (uint32_t i = 0; i < LENGTH; i++)
        for (uint32_t g = 0; g < GROUPS; g++)
            row(KEEP_RUN, g);
    ck_assert_uint_eq(kept(), GROUPS * MOST);
    for (uint32_t s = 0; s < GROUPS * MOST; s++)
        quarter[holder[s] / GROUPS * 4 / LENGTH]++;
    for (int q = 0; q < 4; q++) /* 2,000 each, deviation 39 */
        ck_assert_msg(quarter[q] > 1830 && quarter[q] < 2170, "quarter %d has %u", q, quarter[q]);
    check_places();
}
END_TEST

/* The bound holds at every moment; the larger kind gives way; what is left is still fair. */
START_TEST(the_bound_takes_from_the_larger) {
    enum { CLIENTS = 500, LENGTH = 100, BOUND = 6000 };
    uint32_t early = 0;
    keep_init(&keep, BOUND, 1 << 14);
    for (uint32_t i = 0; i < 1500; i++)
        row(KEEP_RUN, i % 3);
    for (uint32_t i = 0; i < LENGTH; i++)
        for (uint32_t c = 0; c < CLIENTS; c++) {
            row(KEEP_CLIENT, c);
            ck_assert_uint_le(kept(), BOUND);
        }
    ck_assert_uint_eq(keep.kept[0], 1500); /* runs were never the larger */
    ck_assert_uint_ge(keep.kept[1], BOUND / 4);
    for (uint64_t c = 0; c < CLIENTS; c++) {
        ck_assert_uint_eq(keep.groups[KEEP_CLIENT][c].count, keep.most[1]);
        for (uint32_t i = 0; i < keep.most[1]; i++)
            early += (holder[keep.groups[KEEP_CLIENT][c].slots[i]] - 1500) / CLIENTS < LENGTH / 2;
    }
    double half = (double)keep.kept[1] / 2;
    ck_assert_double_eq_tol(early, half, half / 8);
    check_places();
}
END_TEST

/* More groups than rows: a share of the groups remains, in both kinds. */
START_TEST(more_groups_than_rows) {
    keep_init(&keep, 1000, 64);
    for (uint32_t i = 0; i < 60000; i++) {
        row(KEEP_CLIENT, i / 2);
        row(KEEP_RUN, 1 + i / 3);
        ck_assert_uint_le(kept(), 1000);
    }
    ck_assert_uint_eq(keep.most[0], 1);
    ck_assert_uint_eq(keep.most[1], 1);
    ck_assert_uint_gt(kept(), 400);
    ck_assert_uint_gt(keep.kept[0], 100);
    ck_assert_uint_gt(keep.kept[1], 100);
    check_places();
}
END_TEST

START_TEST(the_same_rows_give_the_same_choice) {
    uint32_t *before = malloc(ROWS * sizeof *before);
    for (int time = 0; time < 2; time++) {
        n_rows = 0;
        memset(holder, 0, ROWS * sizeof *holder);
        keep_init(&keep, 500, 32);
        for (uint32_t i = 0; i < 30000; i++)
            row(i % 5 ? KEEP_CLIENT : KEEP_RUN, i * 7919 % 300);
        if (time == 0) {
            memcpy(before, holder, ROWS * sizeof *before);
            keep_free(&keep);
        }
    }
    ck_assert_mem_eq(before, holder, ROWS * sizeof *before);
    free(before);
}
END_TEST

Suite *keep_suite(void) {
    Suite *suite = suite_create("keep");
    TCase *cases = tcase_create("reservoirs");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, what_fits_is_kept_in_order);
    tcase_add_test(cases, a_reservoir_is_fair);
    tcase_add_test(cases, the_bound_takes_from_the_larger);
    tcase_add_test(cases, more_groups_than_rows);
    tcase_add_test(cases, the_same_rows_give_the_same_choice);
    suite_add_tcase(suite, cases);
    return suite;
}
