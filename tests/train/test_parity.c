/* The shipped model in the engine's graph and in the runtime's executor, on a real capture.
 * Relies on: data/samples, models, train/export.h, infer/executor.h.
 * Relied on by: test_train.c. */
#include "data/dataset/import.h"
#include "data/dataset/replay.h"
#include "data/digest/digest.h"
#include "data/wire/osip.h"
#include "engine/core/file.h"
#include "infer/executor.h"
#include "tests/train/suites.h"
#include "train/export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char capture[] = SIPCNN_SOURCE_DIR "/data/samples/demo.pcap.xz";
static const char model_path[] = SIPCNN_SOURCE_DIR "/models/first-light.sipcnn";

static CoreError error;

/* Every row of the capture, as the sensor would compute it. */
static FeatureRow *load_rows(uint32_t *count) {
    static const DatasetClass any[] = {{"any", 5}};
    Dataset dataset;
    DatasetImportOptions options = {.otherwise = DATASET_BENIGN};
    DatasetImportReport report;
    DatasetReplay *replay;
    DatasetReplayRow row;
    DatasetReplayOptions whole = {0};
    char copy[] = "/tmp/sipcnn-test-parity-XXXXXX.pcap.xz"; /* without the labels beside it */
    uint8_t *bytes;
    size_t size;
    ck_assert_int_ge(mkstemps(copy, 8), 0);
    ck_assert_int_eq(core_file_read(capture, 1 << 28, &bytes, &size, &error), CORE_OK);
    ck_assert_int_eq(core_file_write(copy, bytes, size, &error), CORE_OK);
    free(bytes);
    ck_assert_int_eq(wire_osip_init(&error), CORE_OK);
    ck_assert_int_eq(dataset_init(&dataset, any, 1, &error), CORE_OK);
    ck_assert_msg(dataset_import(copy, &options, &dataset, &report, &error) == CORE_OK, "%s", error.text);
    unlink(copy);
    FeatureRow *rows = calloc(report.messages, sizeof *rows);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(dataset_replay_new(&dataset, &whole, &replay, &error), CORE_OK);
    for (*count = 0; dataset_replay_next(replay, &row, &error) == CORE_OK; ++*count)
        rows[*count] = *row.features;
    ck_assert_uint_eq(*count, report.messages);
    dataset_replay_free(replay);
    dataset_free(&dataset);
    return rows;
}

static void compare(const CoreModel *file, const FeatureRow *rows, uint32_t count) {
    TrainModel model;
    TrainCalibration calibration;
    TrainScores scores;
    SipcnnExecutor *executor;
    TrainData data = {.count = count, .rows = rows};
    uint32_t *order = calloc(count, sizeof *order);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    ck_assert_msg(train_import(file, 2, &model, &calibration, &error) == CORE_OK, "%s", error.text);
    ck_assert_int_eq(train_scores_compute(&model, &data, order, count, NULL, NULL, &scores, &error), CORE_OK);
    ck_assert_int_eq(sipcnn_executor_new(file, &executor, &error), CORE_OK);
    for (uint32_t i = 0; i < count; i++) {
        float logits[CORE_MODEL_CLASSES_MAX], novelty;
        sipcnn_executor_run(executor, &rows[i], 0, logits, &novelty);
        for (uint32_t c = 0; c < scores.classes; c++)
            ck_assert_float_eq_tol(logits[c], scores.logits[(size_t)i * scores.classes + c], 1e-5f);
    }
    sipcnn_executor_free(executor);
    train_scores_free(&scores);
    train_calibration_free(&calibration);
    train_model_free(&model);
    free(order);
}

START_TEST(engine_and_runtime_agree_on_a_capture) {
    if (access(capture, R_OK) || access(model_path, R_OK)) {
        printf("skipped: no %s or no %s\n", capture, model_path);
        return;
    }
    uint8_t *bytes;
    size_t size;
    uint32_t count;
    CoreModel *file = calloc(1, sizeof *file);
    FeatureRow *rows = load_rows(&count);
    ck_assert_uint_gt(count, 1000);
    ck_assert_int_eq(core_file_read(model_path, CORE_MODEL_SIZE_MAX, &bytes, &size, &error), CORE_OK);
    ck_assert_msg(core_model_read(bytes, size, digest_sha256, file, &error) == CORE_OK, "%s", error.text);
    compare(file, rows, count);
    free(rows);
    free(file);
    free(bytes);
}
END_TEST

Suite *parity_suite(void) {
    Suite *suite = suite_create("parity");
    TCase *tests = tcase_create("parity");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, engine_and_runtime_agree_on_a_capture);
    suite_add_tcase(suite, tests);
    return suite;
}
