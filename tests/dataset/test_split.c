/* Splits: whole captures, runs, tools and source groups; shares kept class by class; the same seed, the same
 * split. Relies on: data/dataset/split.h. Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/split.h"

#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"

#include <stdio.h>
#include <stdlib.h>

enum { CAPTURES = 12, RUNS_EACH = 3 };

static Dataset dataset;
static CoreError error;
static DatasetSplitOptions options;

/* Twelve captures of ten benign messages, of which the second continues the first, each with a run of each
 * class; tool t<n> made the runs of the captures n, n + 4, n + 8. */
static void setup(void) {
    empty_dataset(&dataset);
    for (int c = 0; c < CAPTURES; c++) {
        DatasetCapture capture = {.follows = c == 1 ? 0 : DATASET_NO_CAPTURE};
        DatasetLabel label = {0};
        snprintf(capture.name, sizeof capture.name, "c%d", c);
        assert_ok(dataset_add_capture(&dataset, &capture, &error), error);
        for (uint32_t r = 0; r < RUNS_EACH; r++) {
            DatasetRun run = {.number = r + 1, .primary = r + 1};
            snprintf(run.tool, sizeof run.tool, "t%d", c % 4);
            assert_ok(dataset_add_run(&dataset, &run, NULL, 0, &error), error);
        }
        for (int m = 0; m < 10; m++) {
            /* The capture's number and its time run against each other. */
            WireMessage message = sip_message("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2\r\n\r\n", 2,
                                              1, 1000 * (CAPTURES - c) + m);
            assert_ok(dataset_add_message(&dataset, &message, &label, &error), error);
        }
    }
    options = (DatasetSplitOptions){.name = "first", .validation = 0.25, .test = 0.25, .seed = 1};
}

static void teardown(void) {
    dataset_free(&dataset);
}

static const DatasetSplit *make(void) {
    assert_ok(dataset_split_make(&dataset, &options, &error), error);
    assert_ok(dataset_check(&dataset, &error), error);
    return dataset_find_split(&dataset, "first");
}

static int captures_on(const DatasetSplit *split, DatasetSide side) {
    int count = 0;
    for (int c = 0; c < CAPTURES; c++)
        count += split->captures[c] == side;
    return count;
}

START_TEST(captures_stay_whole) {
    const DatasetSplit *split = make();
    ck_assert_int_eq(captures_on(split, DATASET_TRAIN), 6);
    ck_assert_int_eq(captures_on(split, DATASET_VALIDATION), 3);
    ck_assert_int_eq(captures_on(split, DATASET_TEST), 3);
    ck_assert_uint_eq(split->captures[0], split->captures[1]);
    for (uint32_t r = 0; r < dataset.n_runs; r++)
        ck_assert_uint_eq(split->runs[r], split->captures[dataset.runs[r].capture]);
}
END_TEST

START_TEST(seed_decides) {
    uint8_t first[CAPTURES];
    bool differs = false;
    memcpy(first, make()->captures, CAPTURES);
    ck_assert_mem_eq(first, make()->captures, CAPTURES);
    for (options.seed = 2; options.seed < 6; options.seed++)
        differs = differs || memcmp(first, make()->captures, CAPTURES) != 0;
    ck_assert(differs);
    ck_assert_uint_eq(dataset.n_splits, 1);
}
END_TEST

START_TEST(assigned_captures_stay_where_they_are) {
    DatasetAssignment assignments[] = {
        {"c4", DATASET_TEST}, {"c5", DATASET_UNUSED}, {"c1", DATASET_VALIDATION}};
    options.assignments = assignments;
    options.n_assignments = 3;
    const DatasetSplit *split = make();
    ck_assert_uint_eq(split->captures[4], DATASET_TEST);
    ck_assert_uint_eq(split->captures[5], DATASET_UNUSED);
    ck_assert_uint_eq(split->captures[1], DATASET_VALIDATION);
    ck_assert_uint_eq(split->captures[0], DATASET_VALIDATION);
    assignments[1] = (DatasetAssignment){"c0", DATASET_TRAIN};
    ck_assert_int_eq(dataset_split_make(&dataset, &options, &error), CORE_ARGUMENT);
    assignments[1] = (DatasetAssignment){"c99", DATASET_TRAIN};
    ck_assert_int_eq(dataset_split_make(&dataset, &options, &error), CORE_ARGUMENT);
    ck_assert_str_eq(error.text, "no capture is called c99");
}
END_TEST

START_TEST(runs_of_each_class_are_spread) {
    int count[RUNS_EACH][DATASET_SIDES] = {{0}};
    options.by = DATASET_BY_RUN;
    const DatasetSplit *split = make();
    for (uint32_t r = 0; r < dataset.n_runs; r++)
        count[dataset.runs[r].primary - 1][split->runs[r]]++;
    for (int c = 0; c < RUNS_EACH; c++) {
        ck_assert_int_eq(count[c][DATASET_TRAIN], 6);
        ck_assert_int_eq(count[c][DATASET_VALIDATION], 3);
        ck_assert_int_eq(count[c][DATASET_TEST], 3);
    }
    ck_assert_int_eq(captures_on(split, DATASET_VALIDATION), 3);
}
END_TEST

START_TEST(tools_stay_whole) {
    DatasetAssignment assignment = {"t2", DATASET_TEST};
    uint8_t side[4];
    options.by = DATASET_BY_TOOL;
    options.assignments = &assignment;
    options.n_assignments = 1;
    const DatasetSplit *split = make();
    for (uint32_t r = 0; r < dataset.n_runs; r++) {
        int tool = dataset.runs[r].tool[1] - '0';
        if (r < 4 * RUNS_EACH) side[tool] = split->runs[r];
        ck_assert_uint_eq(split->runs[r], side[tool]);
    }
    ck_assert_uint_eq(side[2], DATASET_TEST);
    assignment.name = "c1";
    ck_assert_int_eq(dataset_split_make(&dataset, &options, &error), CORE_ARGUMENT);
    ck_assert_str_eq(error.text, "no tool is called c1");
}
END_TEST

START_TEST(time_orders_captures) {
    options.by = DATASET_BY_TIME;
    const DatasetSplit *split = make();
    /* Capture 11 is the earliest; captures 1 and 0 are one chain, the latest. */
    ck_assert_uint_eq(split->captures[11], DATASET_TRAIN);
    ck_assert_uint_eq(split->captures[0], DATASET_TEST);
    ck_assert_uint_eq(split->captures[1], DATASET_TEST);
    for (int c = 3; c < CAPTURES; c++)
        ck_assert_uint_le(split->captures[c], split->captures[c - 1]);
    ck_assert_int_ge(captures_on(split, DATASET_VALIDATION), 2);
}
END_TEST

/* Who sends in capture c; 10.0.`network`.`host`. */
static void set_client(int c, int network, int host) {
    for (uint64_t row = 0; row < dataset.count; row++) {
        if (dataset.capture[row] != (uint32_t)c) continue;
        dataset.source[row][14] = (uint8_t)network;
        dataset.source[row][15] = (uint8_t)host;
    }
}

START_TEST(groups_stay_whole) {
    options.by = DATASET_BY_GROUP;
    for (int c = 0; c < CAPTURES; c++)
        set_client(c, c % 5, c);
    /* No address comes twice: captures are the groups, but for the chain. */
    ck_assert_int_eq(captures_on(make(), DATASET_VALIDATION), 3);
    options.prefix4 = 24;
    for (options.seed = 1; options.seed < 6; options.seed++) {
        const DatasetSplit *split = make();
        for (int c = 5; c < CAPTURES; c++)
            ck_assert_uint_eq(split->captures[c], split->captures[c - 5]);
        ck_assert_uint_eq(split->captures[0], split->captures[1]);
        ck_assert_int_gt(captures_on(split, DATASET_TRAIN), 0);
        ck_assert_int_gt(captures_on(split, DATASET_VALIDATION), 0);
        ck_assert_int_gt(captures_on(split, DATASET_TEST), 0);
    }
}
END_TEST

START_TEST(captures_that_share_clients_are_no_groups) {
    WireAddress attacker;
    DatasetRun run = {.primary = 1};
    options.by = DATASET_BY_GROUP;
    ck_assert_int_eq(dataset_split_make(&dataset, &options, &error), CORE_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "1 source groups for 3 sides"));
    for (int c = 0; c < CAPTURES; c++)
        set_client(c, c, 2);
    make();
    /* A run's clients count, too: 10.0.2.2 sends in capture 2 and attacks in the last. */
    ck_assert(wire_address_parse("10.0.2.2", &attacker));
    assert_ok(dataset_add_run(&dataset, &run, &attacker, 1, &error), error);
    for (options.seed = 1; options.seed < 6; options.seed++) {
        const DatasetSplit *split = make();
        ck_assert_uint_eq(split->captures[2], split->captures[CAPTURES - 1]);
    }
}
END_TEST

START_TEST(rows_have_sides_of_their_own) {
    int count[DATASET_SIDES] = {0};
    options.by = DATASET_BY_ROW;
    options.validation = 0.3;
    options.test = 0.1;
    const DatasetSplit *split = make();
    for (uint64_t row = 0; row < 10000; row++)
        count[dataset_row_side(split, row, 3, 0)]++;
    ck_assert_int_le(abs(count[DATASET_VALIDATION] - 3000), 200);
    ck_assert_int_le(abs(count[DATASET_TEST] - 1000), 150);
    ck_assert_int_eq(count[DATASET_UNUSED], 0);
    split->captures[3] = DATASET_SIDE_BY_ROW + 10 * 9 + 9;
    ck_assert_int_eq(dataset_check(&dataset, &error), CORE_FORMAT);
    options.validation = 0.25;
    ck_assert_int_eq(dataset_split_make(&dataset, &options, &error), CORE_ARGUMENT);
}
END_TEST

START_TEST(bad_shares_are_refused) {
    static const double shares[][2] = {{-0.1, 0}, {0.5, 0.5}, {0, 1}, {0.0 / 1 - 1, 0}};
    options.validation = shares[_i][0];
    options.test = shares[_i][1];
    ck_assert_int_eq(dataset_split_make(&dataset, &options, &error), CORE_ARGUMENT);
}
END_TEST

Suite *split_suite(void) {
    Suite *suite = suite_create("split");
    TCase *cases = tcase_create("sides");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, captures_stay_whole);
    tcase_add_test(cases, seed_decides);
    tcase_add_test(cases, assigned_captures_stay_where_they_are);
    tcase_add_test(cases, runs_of_each_class_are_spread);
    tcase_add_test(cases, tools_stay_whole);
    tcase_add_test(cases, time_orders_captures);
    tcase_add_test(cases, groups_stay_whole);
    tcase_add_test(cases, captures_that_share_clients_are_no_groups);
    tcase_add_test(cases, rows_have_sides_of_their_own);
    tcase_add_loop_test(cases, bad_shares_are_refused, 0, 4);
    suite_add_tcase(suite, cases);
    return suite;
}
