/* Batches: what they hold, whoever asks when; the rows of a cache; files that break.
 * Relies on: train/batches.h.
 * Relied on by: test_train.c. */
#include "tests/train/suites.h"
#include "tests/train/synthetic.h"
#include "train/batches.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 300, BATCH = 64 };

static CoreError error;
static Synthetic synthetic;
static TrainCheckpoint *state;
static TrainDraw draws[ROWS];
static TrainBatchesOptions options;

static void set_up(void) {
    state = calloc(1, sizeof *state);
    synthetic_new(&synthetic, ROWS, 6);
    synthetic_state(&synthetic, state);
    state->options.batch = BATCH;
    state->options.smoothing = 0.1;
    state->options.also = 0.7;
    synthetic.examples[103].classes |= 1u << 2; /* beside its primary */
    for (uint32_t i = 0; i < ROWS; i++)
        draws[i] = (TrainDraw){i * 7 % ROWS, 1 + (float)i};
    options = (TrainBatchesOptions){.data = &synthetic.data,
                                    .options = &state->options,
                                    .classes = SYNTHETIC_CLASSES,
                                    .n = ROWS,
                                    .draws = draws};
}

static void tear_down(void) {
    train_checkpoint_free(state);
    free(state);
    synthetic_free(&synthetic);
}

static TrainBatches *open_batches(void) {
    TrainBatches *batches;
    ck_assert_int_eq(train_batches_new(&options, &batches, &error), CORE_OK);
    return batches;
}

/* On onset rows the classes that hold are masked, all others are negative; elsewhere every class counts. */
START_TEST(targets_masks_and_weights) {
    TrainBatches *batches = open_batches();
    const TrainLoaded *loaded;
    uint32_t done = 0, masked = 0, beside = 0;
    for (; train_batches_next(batches, &loaded, &error) == CORE_OK; done += loaded->n) {
        ck_assert_uint_eq(loaded->n, ROWS - done < BATCH ? ROWS - done : BATCH);
        ck_assert_ptr_eq(loaded->draws, draws + done);
        for (uint32_t i = 0; i < loaded->n; i++) {
            uint32_t row = draws[done + i].row;
            const DatasetExample *example = &synthetic.examples[row];
            ck_assert_mem_eq(&loaded->batch.rows[i], &synthetic.rows[row], sizeof(FeatureRow));
            ck_assert_float_eq(loaded->batch.weights[i], draws[done + i].weight);
            for (uint32_t c = 0; c < SYNTHETIC_CLASSES; c++) {
                bool holds = example->classes >> c & 1, hidden = holds && example->part == DATASET_ONSET;
                float target = !holds ? .05f : example->primary == c + 1 ? .95f : .68f;
                ck_assert_float_eq(loaded->batch.mask[i * SYNTHETIC_CLASSES + c], hidden ? 0 : 1);
                ck_assert_float_eq_tol(loaded->batch.targets[i * SYNTHETIC_CLASSES + c], target, 1e-6f);
                masked += hidden;
                beside += holds && example->primary != c + 1;
            }
        }
    }
    ck_assert_uint_eq(done, ROWS);
    ck_assert_uint_gt(masked, 5);
    ck_assert_uint_eq(beside, 1);
    train_batches_free(batches);
}
END_TEST

/* Jitter belongs to the step: a run that is continued in the middle of an epoch sees the same rows. */
START_TEST(continued_epochs_see_the_same) {
    static FeatureRow whole[ROWS];
    const TrainLoaded *loaded;
    uint32_t done = 0, changed = 0;
    options.training = true;
    options.step = 11;
    TrainBatches *batches = open_batches();
    for (; train_batches_next(batches, &loaded, &error) == CORE_OK; done += loaded->n)
        memcpy(whole + done, loaded->batch.rows, loaded->n * sizeof *whole);
    train_batches_free(batches);
    for (uint32_t i = 0; i < ROWS; i++)
        changed += memcmp(&whole[i], &synthetic.rows[draws[i].row], sizeof *whole) != 0;
    ck_assert_uint_gt(changed, ROWS / 2);
    options.begin = done = 2 * BATCH;
    options.step = 13;
    batches = open_batches();
    for (; train_batches_next(batches, &loaded, &error) == CORE_OK; done += loaded->n)
        ck_assert_mem_eq(whole + done, loaded->batch.rows, loaded->n * sizeof *whole);
    ck_assert_uint_eq(done, ROWS);
    train_batches_free(batches);
}
END_TEST

/* Where a row has another's history, it is a benign one or one that the text decides, only the counters
 * behind the message's own differ, and what a history decides is masked. */
START_TEST(histories_are_borrowed) {
    const size_t own = feature_group_begin[FEATURE_GROUP_CLIENT];
    const TrainLoaded *loaded;
    uint32_t done = 0, borrowed[SYNTHETIC_CLASSES + 1] = {0};
    options.training = true;
    state->options.jitter = 0;
    state->options.pass = 0;
    state->options.swap = 0.5;
    TrainBatches *batches = open_batches();
    for (; train_batches_next(batches, &loaded, &error) == CORE_OK; done += loaded->n)
        for (uint32_t i = 0; i < loaded->n; i++) {
            const DatasetExample *example = &synthetic.examples[draws[done + i].row];
            const FeatureRow *row = &loaded->batch.rows[i], *was = &synthetic.rows[draws[done + i].row];
            const float *mask = loaded->batch.mask + (size_t)i * SYNTHETIC_CLASSES;
            ck_assert_mem_eq(row, was, offsetof(FeatureRow, counters) + own);
            if (memcmp(row, was, sizeof *row) == 0) continue;
            borrowed[example->primary]++;
            ck_assert(mask[0] == 0 && mask[1] > 0 && mask[2] == 0);
        }
    ck_assert_uint_eq(done, ROWS);
    ck_assert_uint_gt(borrowed[DATASET_BENIGN], 20);
    ck_assert_uint_gt(borrowed[2], 5);
    ck_assert_uint_eq(borrowed[1] + borrowed[3], 0);
    train_batches_free(batches);
}
END_TEST

/* An attack's row that is passed on: a benign one's history and facts, no class holds, all count. */
START_TEST(what_is_passed_on_is_benign) {
    const TrainLoaded *loaded;
    uint32_t done = 0, passed = 0;
    for (uint32_t i = 0; i < ROWS; i++)
        synthetic.rows[i].counters[FEATURE_FACT_PASSED_CALLEE] =
            synthetic.examples[i].primary == DATASET_BENIGN;
    options.training = true;
    state->options.jitter = state->options.swap = 0;
    state->options.pass = 0.5;
    TrainBatches *batches = open_batches();
    for (; train_batches_next(batches, &loaded, &error) == CORE_OK; done += loaded->n)
        for (uint32_t i = 0; i < loaded->n; i++) {
            const uint32_t at = draws[done + i].row;
            const FeatureRow *row = &loaded->batch.rows[i];
            if (memcmp(row, &synthetic.rows[at], sizeof *row) == 0) continue;
            ck_assert_uint_ne(synthetic.examples[at].primary, DATASET_BENIGN);
            ck_assert_uint_eq(row->counters[FEATURE_FACT_PASSED_CALLEE], 1);
            ck_assert_mem_eq(row, &synthetic.rows[at], offsetof(FeatureRow, counters));
            for (uint32_t c = i * SYNTHETIC_CLASSES; c < (i + 1) * SYNTHETIC_CLASSES; c++)
                ck_assert(loaded->batch.mask[c] > 0 && loaded->batch.targets[c] < 0.1f);
            passed++;
        }
    ck_assert_uint_gt(passed, ROWS / 8);
    train_batches_free(batches);
}
END_TEST

/* Features from a file, and one that ends too early. */
START_TEST(rows_come_from_the_cache) {
    char path[] = "/tmp/sipcnn-test-batches-XXXXXX";
    DatasetCache cache = {.count = ROWS, .examples = synthetic.examples, .fd = mkstemp(path)};
    const TrainLoaded *loaded;
    FeatureRow first;
    ck_assert_int_ge(cache.fd, 0);
    /* The rows' place in a cache file: found by reading one back. */
    for (size_t at = 0; at < 4096; at += 8) {
        ck_assert_int_eq(pwrite(cache.fd, synthetic.rows, ROWS * sizeof(FeatureRow), (off_t)at),
                         ROWS * sizeof(FeatureRow));
        ck_assert_int_eq(dataset_cache_read(&cache, 0, 1, &first, &error), CORE_OK);
        if (memcmp(&first, synthetic.rows, sizeof first) == 0) break;
        ck_assert_int_eq(ftruncate(cache.fd, 0), 0);
    }
    TrainData data = synthetic.data;
    data.rows = NULL;
    data.cache = &cache;
    options.data = &data;
    TrainBatches *batches = open_batches();
    uint32_t done = 0;
    for (; train_batches_next(batches, &loaded, &error) == CORE_OK; done += loaded->n)
        for (uint32_t i = 0; i < loaded->n; i++)
            ck_assert_mem_eq(&loaded->batch.rows[i], &synthetic.rows[draws[done + i].row],
                             sizeof(FeatureRow));
    ck_assert_uint_eq(done, ROWS);
    train_batches_free(batches);
    ck_assert_int_eq(ftruncate(cache.fd, 100 * sizeof(FeatureRow)), 0);
    CoreStatus status;
    batches = open_batches();
    while ((status = train_batches_next(batches, &loaded, &error)) == CORE_OK)
        ;
    ck_assert_int_eq(status, CORE_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "feature cache"));
    train_batches_free(batches);
    close(cache.fd);
    unlink(path);
}
END_TEST

Suite *batches_suite(void) {
    Suite *suite = suite_create("batches");
    TCase *tests = tcase_create("batches");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, targets_masks_and_weights);
    tcase_add_test(tests, continued_epochs_see_the_same);
    tcase_add_test(tests, histories_are_borrowed);
    tcase_add_test(tests, what_is_passed_on_is_benign);
    tcase_add_test(tests, rows_come_from_the_cache);
    suite_add_tcase(suite, tests);
    return suite;
}
