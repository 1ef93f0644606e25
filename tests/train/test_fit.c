/* The training loop learns, and gives the same bits on any number of threads, interrupted or not.
 * Relies on: train/fit.h, train/checkpoint.h.
 * Relied on by: test_train.c. */
#include "tests/sizes.h"
#include "tests/train/suites.h"
#include "tests/train/synthetic.h"
#include "train/evaluate.h"
#include "train/fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CoreError error;
static const int threads[] = {1, 2, 3, 8};
enum { N_THREADS = sizeof threads / sizeof *threads };

/* Stops at the n-th batch boundary. */
static bool stop_after(void *user, const TrainProgress *progress) {
    int *left = user;
    ck_assert_uint_le(progress->done, progress->total);
    return (*left)-- > 0;
}

/* Trains `state` to its end. */
static void train_to_the_end(const Synthetic *s, TrainCheckpoint *state, int n_threads) {
    TrainFit fit;
    CoreStatus status;
    ck_assert_msg(train_fit_new(&s->data, state, n_threads, &fit, &error) == CORE_OK, "%s", error.text);
    while ((status = train_fit_epoch(&fit, NULL, NULL, &error)) == CORE_OK)
        ;
    ck_assert_msg(status == CORE_END, "%s", error.text);
    train_fit_free(&fit);
}

static void assert_same_run(const TrainCheckpoint *a, const TrainCheckpoint *b) {
    ck_assert_uint_eq(a->n, b->n);
    for (int array = 0; array < TRAIN_ARRAYS; array++)
        ck_assert_msg(memcmp(a->arrays[array], b->arrays[array], a->n * sizeof(float)) == 0,
                      "array %d differs", array);
    ck_assert_uint_eq(a->epoch, b->epoch);
    ck_assert_uint_eq(a->step, b->step);
    ck_assert_uint_eq(a->counter, b->counter);
    ck_assert(memcmp(a->history, b->history, a->epoch * sizeof *a->history) == 0);
}

static double macro_f1(const Synthetic *s, const TrainCheckpoint *state, DatasetSide side) {
    TrainModel model;
    TrainStream *stream;
    TrainCalibration calibration;
    TrainEvaluation *evaluation = calloc(1, sizeof *evaluation);
    ck_assert_int_eq(train_fit_network(state, TRAIN_BEST, 1, &model, &error), CORE_OK);
    ck_assert_int_eq(train_stream_data(&s->data, side, false, &stream, &error), CORE_OK);
    ck_assert_int_eq(train_calibration_new(model.dims.classes, model.dims.hidden, &calibration, &error),
                     CORE_OK);
    ck_assert_int_eq(train_evaluate_stream(&model, stream, &calibration, NULL, NULL, evaluation, &error),
                     CORE_OK);
    double macro = train_tally_macro_f1(&evaluation->requests, 1, NULL);
    train_calibration_free(&calibration);
    train_stream_free(stream);
    train_model_free(&model);
    free(evaluation);
    return macro;
}

START_TEST(learns_every_branch) {
    Synthetic s;
    TrainCheckpoint *state = calloc(1, sizeof *state);
    synthetic_new(&s, test_size(2400, 400), 1);
    synthetic_state(&s, state);
    state->options.epochs = state->options.patience = test_size(24, 4);
    state->options.rate = 5e-3;
    train_to_the_end(&s, state, 2);
    ck_assert_uint_gt(state->best_epoch, test_size(3, 0));
    ck_assert_float_lt(state->history[state->epoch - 1].loss,
                       state->history[0].loss / (float)test_size(4, 1));
    ck_assert_double_ge(macro_f1(&s, state, DATASET_TRAIN), test_size(97, 0) / 100.);
    ck_assert_double_ge(macro_f1(&s, state, DATASET_VALIDATION), test_size(90, 0) / 100.);
    train_checkpoint_free(state);
    free(state);
    synthetic_free(&s);
}
END_TEST

START_TEST(same_bits_on_any_threads) {
    Synthetic s;
    TrainCheckpoint *one = calloc(1, sizeof *one), *other = calloc(1, sizeof *other);
    synthetic_new(&s, 500, 2);
    synthetic_state(&s, one);
    one->options.epochs = 2;
    train_to_the_end(&s, one, 1);
    for (size_t i = 1; i < N_THREADS; i++) {
        synthetic_state(&s, other);
        other->options.epochs = 2;
        train_to_the_end(&s, other, threads[i]);
        assert_same_run(one, other);
        train_checkpoint_free(other);
    }
    synthetic_state(&s, other);
    other->options.epochs = 2;
    other->options.seed = 2;
    train_to_the_end(&s, other, 1);
    ck_assert(memcmp(one->arrays[TRAIN_BEST], other->arrays[TRAIN_BEST], one->n * sizeof(float)) != 0);
    train_checkpoint_free(other);
    train_checkpoint_free(one);
    free(one);
    free(other);
    synthetic_free(&s);
}
END_TEST

/* Interrupted at every kind of place (first batch, mid-epoch, during validation, between epochs), saved, read
 * back, resumed on another number of threads: the bits of a run that never stopped. */
START_TEST(resumed_is_uninterrupted) {
    static const int stops[] = {0, 1, 4, 7, 9, 13, 17};
    char path[] = "/tmp/sipcnn-test-resume-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    Synthetic s;
    TrainCheckpoint *whole = calloc(1, sizeof *whole), *state = calloc(1, sizeof *state);
    synthetic_new(&s, 500, 4);
    synthetic_state(&s, whole);
    whole->options.epochs = 2;
    train_to_the_end(&s, whole, 2);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        TrainFit fit;
        int left = stops[i];
        synthetic_state(&s, state);
        state->options.epochs = 2;
        ck_assert_int_eq(train_fit_new(&s.data, state, threads[i % N_THREADS], &fit, &error), CORE_OK);
        CoreStatus status;
        while ((status = train_fit_epoch(&fit, stop_after, &left, &error)) == CORE_OK)
            ;
        train_fit_free(&fit);
        ck_assert(status == CORE_INTERRUPTED || status == CORE_END);
        ck_assert_int_eq(train_checkpoint_write(state, path, &error), CORE_OK);
        train_checkpoint_free(state);
        ck_assert_int_eq(train_checkpoint_read(path, state, &error), CORE_OK);
        train_to_the_end(&s, state, threads[(i + 1) % N_THREADS]);
        assert_same_run(whole, state);
        train_checkpoint_free(state);
    }
    remove(path);
    train_checkpoint_free(whole);
    free(whole);
    free(state);
    synthetic_free(&s);
}
END_TEST

START_TEST(stops_without_progress) {
    Synthetic s;
    TrainCheckpoint *state = calloc(1, sizeof *state);
    synthetic_new(&s, 400, 5);
    for (uint32_t i = 0; i < 400; i++) /* labels without sense: the validation loss soon rises */
        if (s.sides[i] == DATASET_VALIDATION && s.examples[i].run)
            s.examples[i].classes = 1u << (s.examples[i].classes == 1 ? 1 : 0);
    synthetic_state(&s, state);
    state->options.epochs = 60;
    state->options.rate = 1e-2;
    state->options.patience = 3;
    train_to_the_end(&s, state, 2);
    ck_assert_uint_lt(state->epoch, 60);
    ck_assert_uint_eq(state->epoch, state->best_epoch + 3);
    train_checkpoint_free(state);
    free(state);
    synthetic_free(&s);
}
END_TEST

static bool idle_is_a_share(void *user, const TrainProgress *progress) {
    (void)user;
    ck_assert(progress->idle >= 0 && progress->idle <= 1);
    return true;
}

START_TEST(waiting_is_told) {
    Synthetic s;
    TrainFit fit;
    TrainCheckpoint *state = calloc(1, sizeof *state);
    synthetic_new(&s, 400, 6);
    synthetic_state(&s, state);
    ck_assert_int_eq(train_fit_new(&s.data, state, 1, &fit, &error), CORE_OK);
    ck_assert(train_fit_idle(&fit) == 0);
    ck_assert_int_eq(train_fit_epoch(&fit, idle_is_a_share, NULL, &error), CORE_OK);
    ck_assert(train_fit_idle(&fit) >= 0 && train_fit_idle(&fit) < 1);
    train_fit_free(&fit);
    train_checkpoint_free(state);
    free(state);
    synthetic_free(&s);
}
END_TEST

START_TEST(a_state_of_another_network_is_refused) {
    Synthetic s;
    TrainCheckpoint *state = calloc(1, sizeof *state);
    TrainFit fit;
    synthetic_new(&s, 100, 7);
    synthetic_state(&s, state);
    ck_assert_int_eq(train_checkpoint_allocate(state, 100, &error), CORE_OK);
    ck_assert_int_eq(train_fit_new(&s.data, state, 1, &fit, &error), CORE_SHAPE);
    train_fit_free(&fit);
    train_checkpoint_free(state);
    free(state);
    synthetic_free(&s);
}
END_TEST

Suite *fit_suite(void) {
    Suite *suite = suite_create("fit");
    TCase *tests = tcase_create("fit");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, learns_every_branch);
    tcase_add_test(tests, same_bits_on_any_threads);
    tcase_add_test(tests, resumed_is_uninterrupted);
    tcase_add_test(tests, stops_without_progress);
    tcase_add_test(tests, waiting_is_told);
    tcase_add_test(tests, a_state_of_another_network_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
