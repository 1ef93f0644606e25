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
static DatasetCache cache;
static CoreError error;
static DatasetReplayOptions options;
static uint8_t hash[DATASET_HASH_SIZE];
static char folder[64], path[512];

static void setup(void) {
    assert_ok(wire_osip_init(&error), error);
    small_dataset(&dataset);
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.h5", folder);
    assert_ok(dataset_write(&dataset, path, &error), error);
    assert_ok(dataset_hash(path, hash, &error), error);
    memset(&options, 0, sizeof options);
}

static void teardown(void) {
    dataset_cache_close(&cache);
    dataset_free(&dataset);
    remove_folder(folder);
}

static void open_cache(void) {
    dataset_cache_close(&cache);
    assert_ok(dataset_cache_open(&dataset, path, hash, NULL, &options, NULL, &cache, &error), error);
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

START_TEST(cache_holds_the_replay) {
    DatasetReplay *replay;
    DatasetReplayRow row;
    options.warm_every = 2;
    open_cache();
    ck_assert(!cache.reused);
    ck_assert_uint_eq(cache.count, 160);
    assert_ok(dataset_replay_new(&dataset, &options, &replay, &error), error);
    for (uint64_t i = 0; i < cache.count; i++) {
        const DatasetExample *e = &cache.examples[i];
        assert_ok(dataset_replay_next(replay, &row, &error), error);
        ck_assert_mem_eq(&cache.rows[i], row.features, sizeof *row.features);
        ck_assert_uint_eq(e->message, row.message);
        ck_assert_uint_eq(e->warm, row.warm);
        ck_assert_uint_eq(e->request, row.request);
        ck_assert_int_eq(e->time_ns, dataset.time_ns[row.message]);
        ck_assert_uint_eq(e->capture, dataset.capture[row.message]);
        ck_assert_uint_eq(e->run, dataset.run[row.message]);
        ck_assert_uint_eq(e->classes, dataset.classes[row.message]);
        ck_assert_uint_eq(e->primary, dataset.primary[row.message]);
        ck_assert_uint_eq(e->part, dataset.part[row.message]);
    }
    dataset_replay_free(replay);
}
END_TEST

/* A request and its reply have one client; the same address in another capture is another one. */
START_TEST(clients_are_numbered) {
    open_cache();
    for (uint64_t i = 0; i < cache.count; i += 2) {
        ck_assert_uint_gt(cache.examples[i].client, 0);
        ck_assert_uint_eq(cache.examples[i].client, cache.examples[i + 1].client);
    }
    ck_assert_uint_eq(cache.examples[0].client, cache.examples[8].client);
    ck_assert_uint_ne(cache.examples[0].client, cache.examples[2].client);
    ck_assert_uint_ne(cache.examples[0].client, cache.examples[40].client);
    ck_assert_uint_eq(cache.n_clients,
                      5 + 4 + 5); /* 5 of capture three is a phone and the scanner, 6 is new */
}
END_TEST

START_TEST(cache_is_used_again) {
    char name[512];
    open_cache();
    find_cache(name);
    open_cache();
    ck_assert(cache.reused);
    ck_assert_uint_eq(cache.count, 90);
    assert_ok(dataset_cache_open(&dataset, path, hash, folder, NULL, NULL, &cache, &error), error);
    ck_assert(cache.reused);
}
END_TEST

START_TEST(other_inputs_have_other_caches) {
    static const uint32_t drop[] = {1};
    open_cache();
    options.drop_runs = drop;
    options.n_drop_runs = 1;
    open_cache();
    ck_assert(!cache.reused);
    ck_assert_uint_eq(cache.count, 80);
    hash[0] ^= 1;
    open_cache();
    ck_assert(!cache.reused);
    hash[0] ^= 1;
    options.n_drop_runs = 0;
    open_cache();
    ck_assert(cache.reused);
}
END_TEST

/* Any byte that changed, a cut and a longer file: built anew, with the right rows. */
START_TEST(damaged_caches_are_built_anew) {
    char name[512];
    uint64_t state = (uint64_t)_i;
    open_cache();
    find_cache(name);
    FeatureRow last = cache.rows[89];
    long size = (long)cache.mapping_size;
    dataset_cache_close(&cache);
    FILE *file = fopen(name, "r+b");
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
    ck_assert_uint_eq(cache.count, 90);
    ck_assert_mem_eq(&cache.rows[89], &last, sizeof last);
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
    ck_assert_int_eq(dataset_cache_open(&dataset, path, hash, NULL, &options, &progress, &cache, &error),
                     CORE_INTERRUPTED);
    int files = 0;
    DIR *entries = opendir(folder);
    while (readdir(entries))
        files++;
    closedir(entries);
    ck_assert_int_eq(files, 3); /* ., .., a.h5 */
}
END_TEST

START_TEST(unwritable_folder_is_reported) {
    ck_assert_int_eq(dataset_cache_open(&dataset, path, hash, "/nonexistent", &options, NULL, &cache, &error),
                     CORE_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/a.h5."));
}
END_TEST

Suite *cache_suite(void) {
    Suite *suite = suite_create("cache");
    TCase *cases = tcase_create("file");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, cache_holds_the_replay);
    tcase_add_test(cases, clients_are_numbered);
    tcase_add_test(cases, cache_is_used_again);
    tcase_add_test(cases, other_inputs_have_other_caches);
    tcase_add_loop_test(cases, damaged_caches_are_built_anew, 0, 40);
    tcase_add_test(cases, interrupted_build_leaves_nothing);
    tcase_add_test(cases, unwritable_folder_is_reported);
    suite_add_tcase(suite, cases);
    return suite;
}
