/* The feature cache: what it holds, when it is used again, when it is built anew.
 * Relies on: data/dataset (cache, store).
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/cache.h"

#include "data/dataset/store.h"
#include "data/wire/osip.h"
#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"

#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static Dataset dataset;
static DatasetReader *reader;
static DatasetCache cache;
static CoreError error;
static DatasetCacheOptions options;
static uint8_t hash[DATASET_HASH_SIZE];
static char folder[64], path[512];

/* What `dataset` holds, as the file. */
static void write_dataset(void) {
    dataset_reader_close(reader);
    assert_ok(dataset_write(&dataset, path, &error), error);
    assert_ok(dataset_hash(path, hash, &error), error);
    assert_ok(dataset_reader_open(path, &reader, &error), error);
}

static void setup(void) {
    assert_ok(wire_osip_init(&error), error);
    small_dataset(&dataset);
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.h5", folder);
    reader = NULL;
    write_dataset();
    memset(&options, 0, sizeof options);
}

static void teardown(void) {
    dataset_cache_close(&cache);
    dataset_reader_close(reader);
    dataset_free(&dataset);
    remove_folder(folder);
}

static void open_cache(void) {
    dataset_cache_close(&cache);
    assert_ok(dataset_cache_open(reader, path, hash, &options, &cache, &error), error);
}

static FeatureRow cache_row(uint64_t i) {
    FeatureRow row;
    assert_ok(dataset_cache_read(&cache, i, 1, &row, &error), error);
    return row;
}

static bool is_labelled(const DatasetExample *e) {
    return e->primary != DATASET_IGNORE && e->primary != DATASET_UNLABELLED;
}

static void find_cache(char name[512]) {
    char pattern[600];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/a.h5.*.cache", folder);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, 1);
    snprintf(name, 512, "%s", found.gl_pathv[0]);
    globfree(&found);
}

/* All labelled rows of the replay, in its order. */
START_TEST(cache_holds_the_replay) {
    DatasetReplay *replay;
    DatasetReplayRow row;
    uint64_t i = 0;
    options.replay.warm_every = 2;
    open_cache();
    ck_assert(!cache.reused);
    ck_assert(cache.whole);
    ck_assert_uint_eq(cache.count, 156);
    ck_assert_uint_eq(cache.labelled, 156);
    assert_ok(dataset_replay_new(&dataset, &options.replay, &replay, &error), error);
    while (dataset_replay_next(replay, &row, &error) == CORE_OK) {
        const DatasetExample *e = &row.example;
        if (!is_labelled(e)) continue;
        ck_assert_mem_eq(&cache.examples[i], e, sizeof *e);
        FeatureRow features = cache_row(i++);
        ck_assert_mem_eq(&features, row.features, sizeof features);
        ck_assert_int_eq(e->time_ns, dataset.time_ns[e->message]);
        ck_assert_uint_eq(e->capture, dataset.capture[e->message]);
        ck_assert_uint_eq(e->run, dataset.run[e->message]);
        ck_assert_uint_eq(e->classes, dataset.classes[e->message]);
        ck_assert_uint_eq(e->primary, dataset.primary[e->message]);
        ck_assert_uint_eq(e->part, dataset.part[e->message]);
    }
    ck_assert_uint_eq(i, cache.count);
    ck_assert_uint_eq(cache.n_clients, dataset_replay_clients(replay));
    dataset_replay_free(replay);
    ck_assert_int_eq(dataset_cache_read(&cache, cache.count + 99, 1, &(FeatureRow){0}, &error), CORE_IO);
}
END_TEST

/* Also those whose only message of a run is not labelled. */
START_TEST(attackers_are_known) {
    uint8_t expected[32] = {0};
    DatasetReplay *replay;
    DatasetReplayRow row;
    for (uint64_t i = 30; i < 40; i++)
        dataset.primary[i] = DATASET_IGNORE, dataset.part[i] = DATASET_RELAY, dataset.classes[i] = 0;
    write_dataset();
    open_cache();
    assert_ok(dataset_replay_new(&dataset, &options.replay, &replay, &error), error);
    while (dataset_replay_next(replay, &row, &error) == CORE_OK)
        if (row.example.run) expected[row.example.client] = 1;
    dataset_replay_free(replay);
    ck_assert_uint_eq(cache.count, 90 - 10 - 2);
    ck_assert_mem_eq(cache.attacked, expected, cache.n_clients + 1);
}
END_TEST

/* More than the bounds: the same share whenever it is built, each row with its features. */
START_TEST(a_bounded_cache_keeps_a_share) {
    DatasetReplay *replay;
    DatasetReplayRow row;
    FeatureRow *all = malloc(160 * sizeof *all);
    uint32_t of_run[4] = {0};
    uint64_t i = 0;
    static DatasetExample examples[64];
    char other[64];
    make_folder(other);
    static const DatasetCacheBound bounds[] = {{1000, 4}, {30, 64}, {8, 64}};
    options.bound = bounds[_i];
    open_cache();
    ck_assert(!cache.whole);
    ck_assert_uint_eq(cache.labelled, 88);
    ck_assert_uint_le(cache.count, _i == 0 ? 60 : bounds[_i].rows);
    ck_assert_uint_ge(cache.count, _i == 2 ? 2 : 8);
    assert_ok(dataset_replay_new(&dataset, &options.replay, &replay, &error), error);
    while (dataset_replay_next(replay, &row, &error) == CORE_OK)
        all[i++] = *row.features;
    dataset_replay_free(replay);
    for (i = 0; i < cache.count; i++) {
        FeatureRow features = cache_row(i);
        ck_assert_mem_eq(&features, &all[cache.examples[i].message], sizeof features);
        if (_i == 0) ck_assert_uint_le(++of_run[cache.examples[i].run], cache.examples[i].run ? 4 : 99);
        if (i) ck_assert_uint_gt(cache.examples[i].message, cache.examples[i - 1].message);
    }
    memcpy(examples, cache.examples, cache.count * sizeof *examples);
    open_cache();
    ck_assert(cache.reused);
    options.folder = other;
    open_cache();
    ck_assert_mem_eq(examples, cache.examples, cache.count * sizeof *examples);
    remove_folder(other);
    free(all);
}
END_TEST

START_TEST(finding_does_not_build) {
    ck_assert_int_eq(dataset_cache_find(reader, path, hash, &options, &cache, &error), CORE_NOT_FOUND);
    open_cache();
    dataset_cache_close(&cache);
    assert_ok(dataset_cache_find(reader, path, hash, &options, &cache, &error), error);
    ck_assert(cache.reused);
}
END_TEST

START_TEST(cache_is_used_again) {
    char name[512];
    open_cache();
    find_cache(name);
    open_cache();
    ck_assert(cache.reused);
    ck_assert_uint_eq(cache.count, 88);
    dataset_cache_close(&cache);
    options.folder = folder;
    assert_ok(dataset_cache_open(reader, path, hash, &options, &cache, &error), error);
    ck_assert(cache.reused);
}
END_TEST

START_TEST(other_inputs_have_other_caches) {
    static const uint32_t drop[] = {1};
    open_cache();
    options.replay.drop_runs = drop;
    options.replay.n_drop_runs = 1;
    open_cache();
    ck_assert(!cache.reused);
    ck_assert_uint_eq(cache.count, 78);
    hash[0] ^= 1;
    open_cache();
    ck_assert(!cache.reused);
    hash[0] ^= 1;
    options.replay.n_drop_runs = 0;
    open_cache();
    ck_assert(cache.reused);
    options.bound = (DatasetCacheBound){.rows = 1000, .group = 1000};
    open_cache();
    ck_assert(!cache.reused);
}
END_TEST

/* Any byte that changed, a cut and a longer file: built anew, with the right rows. */
START_TEST(damaged_caches_are_built_anew) {
    char name[512];
    uint64_t state = (uint64_t)_i;
    open_cache();
    find_cache(name);
    FeatureRow last = cache_row(87);
    dataset_cache_close(&cache);
    FILE *file = fopen(name, "r+b");
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    if (_i == 0) {
        ck_assert_int_eq(ftruncate(fileno(file), size - 1), 0);
    } else if (_i == 1) {
        ck_assert_int_eq(ftruncate(fileno(file), size + 8), 0);
    } else {
        long at = _i < 20 ? (_i - 2) * 5 : (long)(next_random(&state) % (uint64_t)size);
        fseek(file, at, SEEK_SET);
        int byte = getc(file);
        fseek(file, at, SEEK_SET);
        putc(byte ^ 0x11, file);
    }
    fclose(file);
    open_cache();
    ck_assert(!cache.reused);
    ck_assert_uint_eq(cache.count, 88);
    FeatureRow again = cache_row(87);
    ck_assert_mem_eq(&again, &last, sizeof last);
}
END_TEST

static bool stop(void *user, uint64_t done, uint64_t total) {
    (void)user;
    return done > total;
}

START_TEST(interrupted_build_leaves_nothing) {
    DatasetProgress progress = {stop, NULL};
    DatasetLabel label = {0};
    for (int i = 0; i < 5000; i++) {
        WireMessage message = sip_message(sip_text("OPTIONS", 0, i, 3), 3, 1, 1000 + i);
        assert_ok(dataset_add_message(&dataset, &message, &label, &error), error);
    }
    write_dataset();
    options.progress = &progress;
    ck_assert_int_eq(dataset_cache_open(reader, path, hash, &options, &cache, &error), CORE_INTERRUPTED);
    int files = 0;
    DIR *entries = opendir(folder);
    while (readdir(entries))
        files++;
    closedir(entries);
    ck_assert_int_eq(files, 3); /* ., .., a.h5 */
}
END_TEST

START_TEST(unwritable_folder_is_reported) {
    options.folder = "/nonexistent";
    ck_assert_int_eq(dataset_cache_open(reader, path, hash, &options, &cache, &error), CORE_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/a.h5."));
}
END_TEST

Suite *cache_suite(void) {
    Suite *suite = suite_create("cache");
    TCase *cases = tcase_create("file");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, cache_holds_the_replay);
    tcase_add_test(cases, attackers_are_known);
    tcase_add_loop_test(cases, a_bounded_cache_keeps_a_share, 0, 3);
    tcase_add_test(cases, finding_does_not_build);
    tcase_add_test(cases, cache_is_used_again);
    tcase_add_test(cases, other_inputs_have_other_caches);
    tcase_add_loop_test(cases, damaged_caches_are_built_anew, 0, 40);
    tcase_add_test(cases, interrupted_build_leaves_nothing);
    tcase_add_test(cases, unwritable_folder_is_reported);
    suite_add_tcase(suite, cases);
    return suite;
}
