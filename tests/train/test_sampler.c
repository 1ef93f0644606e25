/* Caps, shuffles and weights.
 * Relies on: train/sampler.h.
 * Relied on by: test_train.c. */
#include "tests/train/suites.h"
#include "tests/train/synthetic.h"
#include "train/sampler.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 600, CAP = 10 };

static Synthetic synthetic;
static TrainSampler sampler;
static uint32_t scratch[ROWS];
static TrainDraw draws[ROWS], others[ROWS];
static const TrainSamplerOptions plain = {.cap = CAP, .rows = ROWS, .run_balance = .5f};

static void set_up(void) {
    CoreError error;
    synthetic_new(&synthetic, ROWS, 3);
    synthetic.examples[5].primary = DATASET_IGNORE;
    synthetic.examples[9].primary = DATASET_UNLABELLED;
    synthetic.sides[11] = DATASET_UNUSED;
    ck_assert_int_eq(train_sampler_new(&synthetic.data, DATASET_TRAIN, &plain, &sampler, &error), CORE_OK);
}

static void tear_down(void) {
    train_sampler_free(&sampler);
    synthetic_free(&synthetic);
}

START_TEST(draws_keep_to_the_rules) {
    train_sampler_epoch(&sampler, 1, 0, scratch, draws);
    uint8_t seen[ROWS] = {0};
    uint32_t of_run[64] = {0}, of_client[256] = {0};
    for (uint32_t i = 0; i < sampler.n_epoch; i++) {
        const DatasetExample *example = &synthetic.examples[draws[i].row];
        ck_assert(!seen[draws[i].row]++);
        ck_assert(train_labelled(example));
        ck_assert_int_eq(synthetic.sides[draws[i].row], DATASET_TRAIN);
        if (example->run)
            ck_assert_uint_le(++of_run[example->run], CAP);
        else
            ck_assert_uint_le(++of_client[example->client], CAP);
    }
    ck_assert_uint_gt(sampler.n_epoch, CAP * 15);
    ck_assert_uint_lt(sampler.n_epoch, sampler.n_rows);
}
END_TEST

START_TEST(epochs_differ_and_repeat) {
    train_sampler_epoch(&sampler, 1, 4, scratch, draws);
    train_sampler_epoch(&sampler, 1, 5, scratch, others);
    ck_assert(memcmp(draws, others, sampler.n_epoch * sizeof *draws) != 0);
    train_sampler_epoch(&sampler, 2, 4, scratch, others);
    ck_assert(memcmp(draws, others, sampler.n_epoch * sizeof *draws) != 0);
    train_sampler_epoch(&sampler, 1, 4, scratch, others);
    ck_assert(memcmp(draws, others, sampler.n_epoch * sizeof *draws) == 0);
}
END_TEST

/* Over many epochs every row of a capped group comes about equally often. */
START_TEST(choice_is_even) {
    uint32_t times[ROWS] = {0};
    enum { EPOCHS = 400 };
    for (uint32_t e = 0; e < EPOCHS; e++) {
        train_sampler_epoch(&sampler, 9, e, scratch, draws);
        for (uint32_t i = 0; i < sampler.n_epoch; i++)
            times[draws[i].row]++;
    }
    for (uint32_t g = 0; g < sampler.n_groups; g++) {
        uint32_t size = sampler.begin[g + 1] - sampler.begin[g];
        double expected = size > CAP ? (double)EPOCHS * CAP / size : EPOCHS;
        for (uint32_t i = sampler.begin[g]; i < sampler.begin[g + 1]; i++)
            ck_assert_double_eq_tol(times[sampler.rows[i]], expected, size > CAP ? 50 : 0);
    }
}
END_TEST

START_TEST(weights_of_runs_and_classes) {
    for (uint32_t g = 0; g < sampler.n_groups; g++) {
        ck_assert_float_ge(sampler.weights[g], .25f);
        ck_assert_float_le(sampler.weights[g], 4);
        if (!synthetic.examples[sampler.rows[sampler.begin[g]]].run)
            ck_assert_float_eq(sampler.weights[g], 1);
    }
    float weights[DATASET_CLASSES_MAX];
    train_class_weights(&synthetic.data, &sampler, 0, weights);
    ck_assert_float_eq(weights[0], 1);
    train_class_weights(&synthetic.data, &sampler, 1, weights);
    ck_assert_float_gt(weights[0], 2);
    ck_assert_float_le(weights[0], 20);
    ck_assert_float_eq(weights[SYNTHETIC_CLASSES], 1); /* no such class */
}
END_TEST

/* The budget: runs keep half of it and more where the clients leave some; the cap falls, not the groups. */
START_TEST(an_epoch_has_its_budget) {
    static const uint32_t budgets[] = {200, 120, 60, 31, 7, 2};
    CoreError error;
    TrainSampler some;
    uint32_t all[TRAIN_SAMPLER_KINDS] = {sampler.draws[0], sampler.draws[1]};
    TrainSamplerOptions options = plain;
    options.rows = budgets[_i];
    ck_assert_uint_gt(sampler.n_epoch, 200);
    ck_assert_int_eq(train_sampler_new(&synthetic.data, DATASET_TRAIN, &options, &some, &error), CORE_OK);
    ck_assert_uint_eq(some.n_epoch, some.draws[0] + some.draws[1]);
    ck_assert_uint_le(some.n_epoch, options.rows);
    ck_assert_uint_ge(some.n_epoch, options.rows - (_i < 4 ? some.n_groups : 0));
    for (int kind = 0; kind < TRAIN_SAMPLER_KINDS; kind++) {
        uint32_t groups = kind == TRAIN_SAMPLER_RUNS ? some.n_runs : some.n_groups - some.n_runs;
        uint32_t fair = all[kind] < options.rows / 2 ? all[kind] : options.rows / 2;
        ck_assert_uint_ge(some.draws[kind] + groups, fair);
        ck_assert_uint_le(some.caps[kind], CAP);
    }
    train_sampler_epoch(&some, 1, 0, scratch, draws);
    uint8_t seen[ROWS] = {0};
    uint32_t runs = 0;
    for (uint32_t i = 0; i < some.n_epoch; i++) {
        ck_assert(!seen[draws[i].row]++);
        runs += synthetic.examples[draws[i].row].run != 0;
    }
    ck_assert_uint_eq(runs, some.draws[TRAIN_SAMPLER_RUNS]);
    train_sampler_free(&some);
}
END_TEST

/* More groups than rows: every epoch leaves out others, all come in the end. */
START_TEST(groups_take_turns) {
    CoreError error;
    TrainSampler some;
    uint32_t times[ROWS] = {0}, covered = 0;
    TrainSamplerOptions options = {.cap = CAP, .rows = 6};
    ck_assert_int_eq(train_sampler_new(&synthetic.data, DATASET_TRAIN, &options, &some, &error), CORE_OK);
    ck_assert_uint_gt(some.n_groups, 12);
    for (uint32_t e = 0; e < 600; e++) {
        train_sampler_epoch(&some, 1, e, scratch, draws);
        for (uint32_t i = 0; i < 6; i++)
            times[draws[i].row]++;
    }
    for (uint32_t g = 0; g < some.n_groups; g++) {
        uint32_t of_group = 0;
        for (uint32_t i = some.begin[g]; i < some.begin[g + 1]; i++)
            of_group += times[some.rows[i]];
        covered += of_group > 0;
    }
    ck_assert_uint_eq(covered, some.n_groups);
    train_sampler_free(&some);
}
END_TEST

START_TEST(an_empty_side_is_an_error) {
    TrainSampler none;
    CoreError error;
    ck_assert_int_eq(train_sampler_new(&synthetic.data, DATASET_TEST, &plain, &none, &error), CORE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.text, "test"));
}
END_TEST

Suite *sampler_suite(void) {
    Suite *suite = suite_create("sampler");
    TCase *tests = tcase_create("sampler");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, draws_keep_to_the_rules);
    tcase_add_test(tests, epochs_differ_and_repeat);
    tcase_add_test(tests, choice_is_even);
    tcase_add_test(tests, weights_of_runs_and_classes);
    tcase_add_loop_test(tests, an_epoch_has_its_budget, 0, 6);
    tcase_add_test(tests, groups_take_turns);
    tcase_add_test(tests, an_empty_side_is_an_error);
    suite_add_tcase(suite, tests);
    return suite;
}
