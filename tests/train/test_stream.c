/* Rows of a side one after the other, from a cache that holds all of them and without one: the same scores.
 * Relies on: train/stream.h, train/scores.h, train/evaluate.h, data/dataset/store.h.
 * Relied on by: test_train.c. */
#include "data/dataset/store.h"
#include "tests/train/suites.h"
#include "tests/train/synthetic.h"
#include "train/evaluate.h"
#include "train/fit.h"
#include "train/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAPTURES = 4, MESSAGES = 400 };

static CoreError error;
static char folder[] = "/tmp/sipcnn-test-stream-XXXXXX";
static char path[64];
static TrainSource whole, bounded;
static TrainSourceOptions options;

/* OPTIONS of a few clients; every fourth message is of the capture's run, by a client of its own. */
static void add_messages(Dataset *dataset, uint32_t capture) {
    char text[512];
    for (uint32_t i = 0; i < MESSAGES; i++) {
        bool attack = i % 4 == 3;
        int length =
            snprintf(text, sizeof text,
                     "OPTIONS sip:%u@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK%u\r\n"
                     "From: <sip:a@b.example>;tag=%u\r\nTo: <sip:b@b.example>\r\nCall-ID: %u-%u\r\n"
                     "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                     i % 7, i, i, capture, i);
        WireMessage message = {.bytes = (const uint8_t *)text,
                               .length = (uint32_t)length,
                               .time_ns = (int64_t)(capture * 1000 + i) * 1000000,
                               .frame = i + 1};
        message.source.ip[15] = (uint8_t)(attack ? 200 : 1 + i % 5);
        message.destination.ip[15] = 100;
        message.source.port = message.destination.port = 5060;
        DatasetLabel label = {.primary = i % 50 == 0 ? DATASET_IGNORE : DATASET_BENIGN};
        if (attack) label = (DatasetLabel){.primary = 1, .classes = 1, .run = capture + 1};
        ck_assert_int_eq(dataset_add_message(dataset, &message, &label, &error), CORE_OK);
    }
}

/* Captures 0 and 3 are validation, 2 follows 1; the run of capture 2 is on the validation side too. */
static void write_dataset(void) {
    static const DatasetClass classes[] = {{"busy", 5}, {"odd", 0}, {"shape", 5}};
    Dataset dataset;
    DatasetSplit *split;
    WireAddress attacker = {.ip = {[15] = 200}};
    ck_assert_int_eq(dataset_init(&dataset, classes, 3, &error), CORE_OK);
    for (uint32_t c = 0; c < CAPTURES; c++) {
        DatasetCapture capture = {.follows = c == 2 ? 1 : DATASET_NO_CAPTURE};
        DatasetRun run = {.capture = c, .number = 1, .primary = 1, .tool = "own"};
        snprintf(capture.name, sizeof capture.name, "c%u", c);
        ck_assert_int_eq(dataset_add_capture(&dataset, &capture, &error), CORE_OK);
        ck_assert_int_eq(dataset_add_run(&dataset, &run, &attacker, 1, &error), CORE_OK);
        add_messages(&dataset, c);
    }
    ck_assert_int_eq(dataset_add_split(&dataset, "first", &split, &error), CORE_OK);
    for (uint32_t c = 0; c < CAPTURES; c++)
        split->captures[c] = split->runs[c] = c % 3 == 0 ? DATASET_VALIDATION : DATASET_TRAIN;
    split->runs[2] = DATASET_VALIDATION;
    ck_assert_msg(dataset_write(&dataset, path, &error) == CORE_OK, "%s", error.text);
    dataset_free(&dataset);
}

static void set_up(void) {
    snprintf(folder, sizeof folder, "/tmp/sipcnn-test-stream-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.h5", folder);
    write_dataset();
    options = (TrainSourceOptions){.path = path,
                                   .split = "first",
                                   .build = true,
                                   .cache = {.folder = folder, .replay = {.warm_every = 3}}};
    ck_assert_msg(train_source_open(&options, &whole, &error) == CORE_OK, "%s", error.text);
    options.cache.bound = (DatasetCacheBound){.rows = 100, .group = 30};
    ck_assert_msg(train_source_open(&options, &bounded, &error) == CORE_OK, "%s", error.text);
    ck_assert(whole.cache.whole && !bounded.cache.whole);
    ck_assert_uint_le(bounded.cache.count, 100);
}

static void tear_down(void) {
    char command[128];
    train_source_close(&whole);
    train_source_close(&bounded);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Every row of both streams, side by side. */
static uint32_t compare_streams(DatasetSide side, bool warm) {
    TrainStream *a, *b;
    const TrainChunk *x, *y;
    uint32_t count = 0;
    ck_assert_int_eq(train_stream_open(&whole, side, warm, &a, &error), CORE_OK);
    ck_assert_int_eq(train_stream_open(&bounded, side, warm, &b, &error), CORE_OK);
    while (train_stream_next(a, &x, &error) == CORE_OK) {
        ck_assert_int_eq(train_stream_next(b, &y, &error), CORE_OK);
        ck_assert_uint_eq(x->n, y->n);
        ck_assert_uint_le(y->done, y->total);
        ck_assert_mem_eq(x->rows, y->rows, x->n * sizeof *x->rows);
        for (uint32_t i = 0; i < x->n; i++, count++) {
            ck_assert_uint_eq(x->examples[i].message, y->examples[i].message);
            ck_assert_uint_eq(x->examples[i].warm, y->examples[i].warm);
            ck_assert(warm || !x->examples[i].warm);
            ck_assert_int_eq(train_source_side(&bounded, &y->examples[i]), side);
        }
    }
    ck_assert_int_eq(train_stream_next(b, &y, &error), CORE_END);
    train_stream_free(a);
    train_stream_free(b);
    return count;
}

START_TEST(a_replay_gives_what_the_cache_holds) {
    uint32_t benign = MESSAGES - MESSAGES / 4 - MESSAGES / 50, attacks = MESSAGES / 4;
    ck_assert_uint_eq(compare_streams(DATASET_VALIDATION, false), 2 * (benign + attacks) + attacks);
    ck_assert_uint_eq(compare_streams(DATASET_VALIDATION, true), 4 * (benign + attacks) + attacks);
    ck_assert_uint_eq(compare_streams(DATASET_TRAIN, true), 2 * (benign + attacks) - attacks);
    for (int i = 0; i < 2; i++) {
        TrainStream *stream;
        const TrainChunk *chunk;
        ck_assert_int_eq(train_stream_open(i ? &whole : &bounded, DATASET_TEST, false, &stream, &error),
                         CORE_OK);
        ck_assert_int_eq(train_stream_next(stream, &chunk, &error), CORE_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(error.text, "test"));
        train_stream_free(stream);
    }
}
END_TEST

START_TEST(without_a_cache_all_is_replayed) {
    TrainSource none;
    options.build = false;
    options.split = NULL;
    options.cache.folder = "/nonexistent";
    ck_assert_msg(train_source_open(&options, &none, &error) == CORE_OK, "%s", error.text);
    ck_assert_uint_eq(none.cache.count, 0);
    TrainStream *stream;
    const TrainChunk *chunk;
    uint32_t count = 0;
    ck_assert_int_eq(train_stream_open(&none, DATASET_TEST, false, &stream, &error), CORE_OK);
    for (; train_stream_next(stream, &chunk, &error) == CORE_OK; count += chunk->n)
        ck_assert_uint_gt(chunk->n, 0);
    ck_assert_uint_eq(count, CAPTURES * (MESSAGES - MESSAGES / 50));
    train_stream_free(stream);
    train_source_close(&none);
}
END_TEST

/* A network that was never trained, and centres, to judge with. */
static void new_network(TrainModel *model, TrainCalibration *calibration) {
    TrainNorm norm = {0};
    TrainModelOptions plain = {.max_batch = TRAIN_CHUNK, .seed = 3};
    CoreModelDims dims = train_model_dims(3);
    ck_assert_int_eq(train_model_new(&dims, &norm, &plain, model, &error), CORE_OK);
    ck_assert_int_eq(train_calibration_new(3, dims.hidden, calibration, &error), CORE_OK);
    calibration->centre_known[0] = 1;
    for (uint32_t i = 0; i < dims.hidden; i++)
        calibration->inverse_variance[i] = 1;
    calibration->unknown.value = 0.02f;
}

/* Scores and counts do not depend on where the rows come from. */
START_TEST(scores_and_counts_agree) {
    TrainModel model;
    TrainCalibration calibration;
    TrainScores scores[2];
    TrainEvaluation *counts = calloc(3, sizeof *counts);
    new_network(&model, &calibration);
    for (int i = 0; i < 2; i++) {
        TrainStream *stream;
        TrainSource *source = i ? &bounded : &whole;
        ck_assert_int_eq(train_stream_open(source, DATASET_VALIDATION, true, &stream, &error), CORE_OK);
        ck_assert_int_eq(
            train_scores_stream(&model, stream, &calibration, 1 << 20, NULL, NULL, &scores[i], &error),
            CORE_OK);
        train_stream_free(stream);
        ck_assert_int_eq(train_stream_open(source, DATASET_VALIDATION, true, &stream, &error), CORE_OK);
        ck_assert_int_eq(train_evaluate_stream(&model, stream, &calibration, NULL, NULL, &counts[i], &error),
                         CORE_OK);
        train_stream_free(stream);
    }
    ck_assert_uint_eq(scores[0].count, scores[1].count);
    ck_assert_mem_eq(scores[0].logits, scores[1].logits, scores[0].count * 3 * sizeof(float));
    ck_assert_mem_eq(scores[0].novelty, scores[1].novelty, scores[0].count * sizeof(float));
    uint32_t attackers = 0;
    for (uint32_t i = 0; i < scores[0].count; i++) {
        ck_assert_uint_eq(scores[0].rows[i].attacker, scores[1].rows[i].attacker);
        ck_assert_uint_eq(scores[0].rows[i].attacker, scores[0].rows[i].run != 0);
        attackers += scores[0].rows[i].attacker;
    }
    ck_assert_uint_eq(attackers, 5 * MESSAGES / 4);
    ck_assert_int_eq(train_evaluate(&scores[0], &calibration, &counts[2], &error), CORE_OK);
    ck_assert_mem_eq(&counts[0], &counts[1], sizeof *counts);
    ck_assert_mem_eq(&counts[0], &counts[2], sizeof *counts);
    for (int i = 0; i < 2; i++)
        train_scores_free(&scores[i]);
    free(counts);
    train_calibration_free(&calibration);
    train_model_free(&model);
}
END_TEST

/* Too many to keep: whole clients and runs go, what remains is complete and in order. */
START_TEST(scores_are_bounded_by_whole_clients) {
    TrainModel model;
    TrainCalibration calibration;
    TrainScores all, some;
    uint32_t of_all[64] = {0}, of_some[64] = {0};
    new_network(&model, &calibration);
    for (int i = 0; i < 2; i++) {
        TrainStream *stream;
        ck_assert_int_eq(train_stream_open(&whole, DATASET_TRAIN, true, &stream, &error), CORE_OK);
        ck_assert_int_eq(train_scores_stream(&model, stream, &calibration, i ? 300 : 1 << 20, NULL, NULL,
                                             i ? &some : &all, &error),
                         CORE_OK);
        train_stream_free(stream);
    }
    ck_assert_uint_eq(all.left_out, 0);
    ck_assert_uint_le(some.count, 300);
    ck_assert_uint_gt(some.count, 0);
    ck_assert_uint_eq(some.count + some.left_out, all.count);
    for (uint32_t i = 0; i < all.count; i++)
        of_all[all.rows[i].client]++;
    for (uint32_t i = 0; i < some.count; i++)
        of_some[some.rows[i].client]++;
    for (int c = 0; c < 64; c++)
        ck_assert(of_some[c] == 0 || of_some[c] == of_all[c]);
    for (uint32_t i = 0, j = 0; i < some.count; i++, j++) {
        while (!of_some[all.rows[j].client])
            j++;
        ck_assert_mem_eq(some.logits + 3 * i, all.logits + 3 * j, 3 * sizeof(float));
    }
    train_scores_free(&all);
    train_scores_free(&some);
    train_calibration_free(&calibration);
    train_model_free(&model);
}
END_TEST

Suite *stream_suite(void) {
    Suite *suite = suite_create("stream");
    TCase *tests = tcase_create("stream");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_replay_gives_what_the_cache_holds);
    tcase_add_test(tests, without_a_cache_all_is_replayed);
    tcase_add_test(tests, scores_and_counts_agree);
    tcase_add_test(tests, scores_are_bounded_by_whole_clients);
    suite_add_tcase(suite, tests);
    return suite;
}
