/* Replay: a dataset gives the same features, byte for byte, as the capture it came from.
 * Relies on: data/dataset (import, replay, compressed), data/wire, data/features.
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/replay.h"

#include "data/dataset/compressed.h"
#include "data/dataset/import.h"
#include "data/dataset/store.h"
#include "data/wire/osip.h"
#include "data/wire/source.h"
#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"
#include "tests/sizes.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static Dataset dataset;
static CoreError error;
static DatasetReplayOptions options;
static FeatureRow *rows; /* collected by replay_all */
static DatasetReplayRow *seen;
static uint64_t n_rows;

static void setup(void) {
    assert_ok(wire_osip_init(&error), error);
    small_dataset(&dataset);
    memset(&options, 0, sizeof options);
}

static void forget(void) {
    free(rows);
    free(seen);
    rows = NULL;
    seen = NULL;
    n_rows = 0;
}

static void teardown(void) {
    dataset_free(&dataset);
    forget();
}

static void replay_all(const Dataset *d) {
    DatasetReplay *replay;
    DatasetReplayRow row;
    CoreStatus status;
    forget();
    rows = malloc((2 * d->count + 1) * sizeof *rows);
    seen = malloc((2 * d->count + 1) * sizeof *seen);
    assert_ok(dataset_replay_new(d, &options, &replay, &error), error);
    while ((status = dataset_replay_next(replay, &row, &error)) == CORE_OK) {
        seen[n_rows] = row;
        rows[n_rows++] = *row.features;
    }
    ck_assert_int_eq(status, CORE_END);
    dataset_replay_free(replay);
}

static bool same_row(const FeatureRow *a, const FeatureRow *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

/* Replays a file window by window and compares with the rows of replay_all. */
static void compare_with_file(const char *path) {
    DatasetReader *reader;
    DatasetReplay *replay;
    DatasetReplayRow row;
    CoreStatus status;
    uint64_t count = 0;
    assert_ok(dataset_reader_open(path, &reader, &error), error);
    assert_ok(dataset_replay_open(reader, &options, &replay, &error), error);
    while ((status = dataset_replay_next(replay, &row, &error)) == CORE_OK) {
        ck_assert_uint_lt(count, n_rows);
        ck_assert_mem_eq(&row.example, &seen[count].example, sizeof row.example);
        ck_assert(same_row(row.features, &rows[count]));
        count++;
    }
    ck_assert_int_eq(status, CORE_END);
    ck_assert_uint_eq(count, n_rows);
    dataset_replay_free(replay);
    dataset_reader_close(reader);
}

START_TEST(every_message_gives_a_row) {
    replay_all(&dataset);
    ck_assert_uint_eq(n_rows, dataset.count);
    for (uint64_t i = 0; i < n_rows; i++) {
        ck_assert_uint_eq(seen[i].example.message, i);
        ck_assert(!seen[i].example.warm);
        ck_assert_int_eq(seen[i].example.request, dataset.part[i] == DATASET_REQUEST ||
                                                      (dataset.part[i] == DATASET_ONSET && i % 2 == 0));
    }
}
END_TEST

/* Capture two continues one: as if both were one capture. Capture three starts anew. */
START_TEST(contexts_continue_or_start_anew) {
    Dataset joined;
    DatasetLabel label = {0};
    DatasetCapture capture = {.name = "joined", .follows = DATASET_NO_CAPTURE};
    FeatureRow *apart, *alone;
    empty_dataset(&joined);
    for (uint64_t row = 0; row < 60; row++) {
        WireMessage message;
        if (row == 0) assert_ok(dataset_add_capture(&joined, &capture, &error), error);
        dataset_message_view(&dataset, row, &message);
        assert_ok(dataset_add_message(&joined, &message, &label, &error), error);
    }
    replay_all(&dataset);
    apart = rows;
    rows = NULL;
    replay_all(&joined);
    for (uint64_t row = 0; row < 60; row++)
        ck_assert(same_row(&apart[row], &rows[row]));
    dataset.captures[1].follows = DATASET_NO_CAPTURE;
    alone = rows;
    rows = NULL;
    replay_all(&dataset);
    ck_assert(!same_row(&apart[45], &rows[45]));
    for (uint64_t row = 60; row < 90; row++)
        ck_assert(same_row(&apart[row], &rows[row]));
    free(apart);
    free(alone);
    dataset_free(&joined);
}
END_TEST

/* Without the flood run's Call-IDs the replay is that of a dataset that never had them. */
START_TEST(dropped_runs_leave_no_trace) {
    static const uint32_t drop[] = {1};
    FeatureRow *dropped;
    uint64_t at = 0;
    Dataset without;
    DatasetCapture capture = {.name = "x", .follows = DATASET_NO_CAPTURE};
    DatasetLabel label = {0};
    WireMessage message;
    /* A further leg of a call of the run, which no label ties to it. */
    dataset_message_view(&dataset, 39, &message);
    empty_dataset(&without);
    assert_ok(dataset_add_capture(&without, &capture, &error), error);
    for (uint64_t row = 0; row < 30; row++) {
        dataset_message_view(&dataset, row, &message);
        assert_ok(dataset_add_message(&without, &message, &label, &error), error);
    }
    dataset.run[39] = 0;
    dataset.primary[39] = DATASET_IGNORE;
    options.drop_runs = drop;
    options.n_drop_runs = 1;
    replay_all(&dataset);
    ck_assert_uint_eq(n_rows, 80);
    dropped = rows;
    rows = NULL;
    options.n_drop_runs = 0;
    replay_all(&without);
    for (at = 0; at < 30; at++)
        ck_assert(same_row(&dropped[at], &rows[at]));
    free(dropped);
    dataset_free(&without);
    static const uint32_t unknown[] = {4};
    DatasetReplay *replay;
    options = (DatasetReplayOptions){.drop_runs = unknown, .n_drop_runs = 1};
    ck_assert_int_eq(dataset_replay_new(&dataset, &options, &replay, &error), CORE_ARGUMENT);
}
END_TEST

START_TEST(warm_rows_come_second_and_remember) {
    FeatureRow *plain;
    uint64_t done, total, differing = 0;
    DatasetReplay *replay;
    replay_all(&dataset);
    plain = rows;
    rows = NULL;
    options.warm_every = 2; /* captures 0 and 2 */
    replay_all(&dataset);
    ck_assert_uint_eq(n_rows, 90 + 40 + 30);
    for (uint64_t i = 0; i < 40; i++) {
        ck_assert(!seen[i].example.warm && seen[40 + i].example.warm);
        ck_assert_uint_eq(seen[40 + i].example.message, i);
        ck_assert(same_row(&plain[i], &rows[i]));
        differing += !same_row(&plain[i], &rows[40 + i]);
        /* Its dialogs are new: the history of calls is the same as in an empty context. */
        ck_assert_mem_eq(plain[i].events, rows[40 + i].events, sizeof plain[i].events);
        ck_assert_uint_eq(plain[i].n_events, rows[40 + i].n_events);
    }
    ck_assert_uint_gt(differing, 35);
    for (uint64_t i = 40; i < 60; i++)
        ck_assert(same_row(&plain[i], &rows[40 + i]));
    ck_assert(seen[159].example.warm);
    free(plain);
    assert_ok(dataset_replay_new(&dataset, &options, &replay, &error), error);
    DatasetReplayRow row;
    while (dataset_replay_next(replay, &row, &error) == CORE_OK)
        continue;
    dataset_replay_progress(replay, &done, &total);
    ck_assert_uint_eq(done, total);
    ck_assert_uint_eq(total, 90 + 2 * (40 + 30)); /* one and three are read three times */
    dataset_replay_free(replay);
}
END_TEST

/* A file, read in windows and in the order of its chains, gives the rows of the dataset in memory. */
START_TEST(a_file_gives_the_same_rows) {
    static const uint32_t drop[] = {1};
    char folder[64];
    make_folder(folder);
    const char *path = in_folder(folder, "a.h5");
    dataset.captures[1].follows = DATASET_NO_CAPTURE; /* three follows one, over two */
    dataset.captures[2].follows = 0;
    assert_ok(dataset_write(&dataset, path, &error), error);
    options.warm_every = 2;
    replay_all(&dataset);
    ck_assert_uint_eq(seen[80].example.capture, 2); /* behind one and its warm rows */
    compare_with_file(path);
    options.n_drop_runs = 1;
    options.drop_runs = drop;
    replay_all(&dataset);
    ck_assert_uint_eq(n_rows, 160 - 2 * 10);
    compare_with_file(path);
    remove_folder(folder);
}
END_TEST

/* What nobody wants is not replayed, unless a wanted capture follows it. */
START_TEST(unwanted_captures_are_left_out) {
    bool wanted[3] = {false, true, false};
    FeatureRow *all;
    replay_all(&dataset);
    all = rows;
    rows = NULL;
    options.wanted = wanted;
    replay_all(&dataset);
    ck_assert_uint_eq(n_rows, 60); /* two follows one */
    for (uint64_t i = 0; i < n_rows; i++)
        ck_assert(same_row(&all[i], &rows[i]));
    wanted[1] = false;
    wanted[2] = true;
    replay_all(&dataset);
    ck_assert_uint_eq(n_rows, 30);
    ck_assert_uint_eq(seen[0].example.message, 60);
    ck_assert(same_row(&all[60], &rows[0]));
    wanted[2] = false;
    replay_all(&dataset);
    ck_assert_uint_eq(n_rows, 0);
    free(all);
}
END_TEST

/* A request and its reply have one client; the same address in another capture is another one. */
START_TEST(clients_are_numbered) {
    replay_all(&dataset);
    uint32_t most = 0;
    for (uint64_t i = 0; i < n_rows; i += 2) {
        ck_assert_uint_gt(seen[i].example.client, 0);
        ck_assert_uint_eq(seen[i].example.client, seen[i + 1].example.client);
        if (seen[i].example.client > most) most = seen[i].example.client;
    }
    ck_assert_uint_eq(seen[0].example.client, seen[8].example.client);
    ck_assert_uint_ne(seen[0].example.client, seen[2].example.client);
    ck_assert_uint_ne(seen[0].example.client, seen[40].example.client);
    ck_assert_uint_eq(most, 5 + 4 + 5); /* 5 of capture three is a phone and the scanner, 6 is new */
}
END_TEST

/* Left before its end: the reading thread goes, whatever it was at. */
START_TEST(a_replay_can_be_left) {
    DatasetReplay *replay;
    DatasetReplayRow row;
    options.warm_every = 1;
    for (int taken = 0; taken < 90; taken += 7) {
        assert_ok(dataset_replay_new(&dataset, &options, &replay, &error), error);
        for (int i = 0; i < taken; i++)
            assert_ok(dataset_replay_next(replay, &row, &error), error);
        dataset_replay_free(replay);
    }
}
END_TEST

START_TEST(options_have_different_hashes) {
    static const uint32_t runs[] = {1, 2};
    FeatureLocal local = {.prefix = 120};
    DatasetReplayOptions variants[] = {{0},
                                       {.drop_runs = runs, .n_drop_runs = 1},
                                       {.drop_runs = runs, .n_drop_runs = 2},
                                       {.warm_every = 1},
                                       {.warm_every = 3},
                                       {.local = &local, .n_local = 1}};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            ck_assert_int_eq(dataset_replay_options_hash(&variants[i]) ==
                                 dataset_replay_options_hash(&variants[j]),
                             i == j);
    ck_assert_uint_eq(dataset_replay_options_hash(NULL), dataset_replay_options_hash(&variants[0]));
}
END_TEST

/* ---- from a capture: the sensor's way and the dataset's way ---------------------------------------------
 */

/* Compares the rows of replay_all with those straight from the capture. */
static void compare_with_sensor(const char *path) {
    WireSource *source;
    WireMessage message;
    FeatureContext *context;
    FeatureEncoded encoded;
    FeatureRow row;
    FeatureKeys keys;
    CoreStatus status;
    uint64_t count = 0;
    assert_ok(wire_source_open_file(path, &source, &error), error);
    assert_ok(feature_context_new(NULL, 0, &context, &error), error);
    while ((status = wire_source_next(source, -1, &message, &error)) == CORE_OK) {
        memset(&row, 0xaa, sizeof row);
        feature_encode(&message, &encoded);
        feature_context_step(context, &message, &encoded, &row, &keys);
        ck_assert_uint_lt(count, n_rows);
        ck_assert_msg(same_row(&row, &rows[count]), "%s: message %llu differs", path,
                      (unsigned long long)count);
        count++;
    }
    ck_assert_int_eq(status, CORE_END);
    ck_assert_uint_eq(count, n_rows);
    feature_context_free(context);
    wire_source_free(source);
}

/* Import, write, read, replay: the file gives what the dataset in memory gives. */
static bool through_dataset(const char *path, const char *folder, const char *labels) {
    DatasetImportOptions import = {.labels = labels, .otherwise = DATASET_UNLABELLED};
    DatasetImportReport report;
    Dataset d, again;
    empty_dataset(&d);
    CoreStatus status = dataset_import(path, &import, &d, &report, &error);
    if (status == CORE_OK) {
        const char *file = in_folder(folder, "a.h5");
        assert_ok(dataset_write(&d, file, &error), error);
        assert_ok(dataset_read(file, &again, &error), error);
        replay_all(&again);
        dataset_free(&again);
        compare_with_file(file);
    }
    dataset_free(&d);
    return status == CORE_OK;
}

/* How many of the captures that are found, `most` at most, could be compared. */
static unsigned compare_captures(const char *pattern, unsigned most) {
    char folder[64];
    unsigned compared = 0;
    glob_t found;
    make_folder(folder);
    const char *rules = in_folder(folder, "none.csv");
    write_text(rules, "start,end,client,target,call_id,class,also,run,tool,note\n");
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && compared < most; i++) {
            uint8_t hash[DATASET_HASH_SIZE];
            char plain[64];
            bool inflated;
            int fd;
            if (!through_dataset(found.gl_pathv[i], folder, rules)) continue;
            assert_ok(compressed_open(found.gl_pathv[i], UINT64_MAX, &fd, &inflated, hash, &error), error);
            snprintf(plain, sizeof plain, "/proc/self/fd/%d", fd);
            compare_with_sensor(plain);
            close(fd);
            compared++;
        }
        globfree(&found);
    }
    remove_folder(folder);
    return compared;
}

START_TEST(samples_give_the_sensors_features) {
    unsigned compared = compare_captures(SAMPLES_DIR "/*.pcap.xz", test_size(UINT_MAX, 4));
    ck_assert_msg(compared >= 4, "only %u captures in " SAMPLES_DIR, compared);
}
END_TEST

START_TEST(corpus_gives_the_sensors_features) {
    const char *corpus = getenv("SIPCNN_CORPUS");
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s/*/*.pcap*", corpus ? corpus : CORPUS_DIR);
    unsigned compared = compare_captures(pattern, UINT_MAX);
    if (compared == 0) fprintf(stderr, "no captures in %s; not compared\n", pattern);
}
END_TEST

START_TEST(own_capture_gives_the_sensors_features) {
    char folder[64];
    make_folder(folder);
    write_capture(in_folder(folder, "own.pcap"), &dataset, 0, dataset.count);
    ck_assert(through_dataset(in_folder(folder, "own.pcap"), folder, NULL));
    ck_assert_uint_eq(n_rows, dataset.count);
    compare_with_sensor(in_folder(folder, "own.pcap"));
    remove_folder(folder);
}
END_TEST

Suite *replay_suite(void) {
    Suite *suite = suite_create("replay");
    TCase *cases = tcase_create("contexts");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, every_message_gives_a_row);
    tcase_add_test(cases, contexts_continue_or_start_anew);
    tcase_add_test(cases, dropped_runs_leave_no_trace);
    tcase_add_test(cases, warm_rows_come_second_and_remember);
    tcase_add_test(cases, a_file_gives_the_same_rows);
    tcase_add_test(cases, unwanted_captures_are_left_out);
    tcase_add_test(cases, clients_are_numbered);
    tcase_add_test(cases, a_replay_can_be_left);
    tcase_add_test(cases, options_have_different_hashes);
    tcase_add_test(cases, own_capture_gives_the_sensors_features);
    tcase_add_test(cases, samples_give_the_sensors_features);
    tcase_add_test(cases, corpus_gives_the_sensors_features);
    suite_add_tcase(suite, cases);
    return suite;
}
