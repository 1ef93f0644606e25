/* The trained graph and the runtime's executor say the same of real messages: every row of every sample.
 * Relies on: train (checkpoint, scores), infer/executor, data/dataset (import, replay); the fixture's
 * checkpoint and model (make_model.py), data/samples. Relied on by: ctest. */
#include "data/dataset/import.h"
#include "data/dataset/replay.h"
#include "data/digest/digest.h"
#include "data/wire/osip.h"
#include "engine/core/file.h"
#include "infer/executor.h"
#include "train/fit.h"
#include "train/scores.h"

#include <check.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER    SIPCNN_BINARY_DIR "/tests/system/"
#define TOLERANCE 1e-5f

static CoreError error;

static void ok(CoreStatus status) {
    ck_assert_msg(status == CORE_OK, "%s", error.text);
}

/* The feature rows of a capture, as the trainer gets them; the caller frees *rows. */
static uint32_t rows_of(const char *capture, const TrainCheckpoint *run, FeatureRow **rows) {
    DatasetImportOptions options = {.otherwise = DATASET_UNLABELLED};
    DatasetImportReport report;
    Dataset dataset;
    DatasetReplayOptions plain = {0};
    DatasetReplay *replay;
    DatasetReplayRow row;
    uint32_t count = 0;
    ok(dataset_init(&dataset, run->classes, run->n_classes, &error));
    ok(dataset_import(capture, &options, &dataset, &report, &error));
    *rows = malloc(dataset.count * sizeof **rows);
    ck_assert_ptr_nonnull(*rows);
    ok(dataset_replay_new(&dataset, &plain, &replay, &error));
    while (dataset_replay_next(replay, &row, &error) == CORE_OK)
        (*rows)[count++] = *row.features;
    ck_assert_uint_eq(count, dataset.count);
    dataset_replay_free(replay);
    dataset_free(&dataset);
    return count;
}

/* The greatest difference between the two over `count` rows. */
static float compare(TrainModel *graph, SipcnnExecutor *executor, const FeatureRow *rows, uint32_t count) {
    TrainData data = {.count = count, .rows = rows};
    TrainScores scores;
    float greatest = 0;
    uint32_t *order = malloc(count * sizeof *order), classes = graph->dims.classes;
    ck_assert_ptr_nonnull(order);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    ok(train_scores_compute(graph, &data, order, count, NULL, NULL, &scores, &error));
    for (uint32_t i = 0; i < count; i++) {
        float logits[CORE_MODEL_CLASSES_MAX], novelty;
        sipcnn_executor_run(executor, &rows[i], 0, logits, &novelty);
        for (uint32_t c = 0; c < classes; c++) {
            float difference = fabsf(logits[c] - scores.logits[(size_t)i * classes + c]);
            ck_assert(isfinite(logits[c]));
            if (difference > greatest) greatest = difference;
        }
    }
    train_scores_free(&scores);
    free(order);
    return greatest;
}

START_TEST(executor_says_what_the_graph_says) {
    TrainCheckpoint *run = calloc(1, sizeof *run);
    CoreModel *file = calloc(1, sizeof *file);
    TrainModel graph;
    SipcnnExecutor *executor;
    uint8_t *bytes;
    size_t size;
    glob_t samples;
    uint64_t messages = 0;
    float greatest = 0;
    ok(wire_osip_init(&error));
    ok(train_checkpoint_read(FOLDER "quick.ckpt", run, &error));
    ok(train_fit_network(run, TRAIN_BEST, 1, &graph, &error));
    ok(core_file_read(FOLDER "quick.sipcnn", CORE_MODEL_SIZE_MAX, &bytes, &size, &error));
    ok(core_model_read(bytes, size, digest_sha256, file, &error));
    ok(sipcnn_executor_new(file, &executor, &error));
    ck_assert_int_eq(glob(SIPCNN_SOURCE_DIR "/data/samples/*.pcap.xz", 0, NULL, &samples), 0);
    for (size_t i = 0; i < samples.gl_pathc; i++) {
        FeatureRow *rows;
        uint32_t count = rows_of(samples.gl_pathv[i], run, &rows);
        float difference = compare(&graph, executor, rows, count);
        ck_assert_msg(difference <= TOLERANCE, "%s: the logits differ by %g", samples.gl_pathv[i],
                      difference);
        if (difference > greatest) greatest = difference;
        messages += count;
        free(rows);
    }
    printf("%llu messages: the logits of graph and executor differ by %g at most\n",
           (unsigned long long)messages, (double)greatest);
    globfree(&samples);
    sipcnn_executor_free(executor);
    train_model_free(&graph);
    train_checkpoint_free(run);
    free(run);
    free(file);
    free(bytes);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("parity");
    TCase *tests = tcase_create("samples");
    tcase_set_timeout(tests, 180);
    tcase_add_test(tests, executor_says_what_the_graph_says);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
