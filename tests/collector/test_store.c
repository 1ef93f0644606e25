/* Tests of the collector's database: what a change does to an incident, and what questions answer.
 * Relies on: tools/collector/store, SQLite (to plant foreign databases), Check.
 * Relied on by: test_collector.c. */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/collector/test_collector.h"
#include "tools/collector/store.h"

static char path[64];
static CollectorStore *store;

static void open_store(void) {
    CoreError error;
    ck_assert_msg(collector_store_open(path, &store, &error) == CORE_OK, "%s", error.text);
}

static void set_up(void) {
    snprintf(path, sizeof path, "/tmp/sipcnn-store-XXXXXX");
    close(mkstemp(path));
    unlink(path);
    open_store();
}

static void tear_down(void) {
    char side[80];
    collector_store_close(store);
    unlink(path);
    snprintf(side, sizeof side, "%s-wal", path);
    unlink(side);
    snprintf(side, sizeof side, "%s-shm", path);
    unlink(side);
}

/* Stores one change; `last` also serves as its time. */
static void put(const char *id, const char *state, double last, int messages, const char *severity) {
    char body[512];
    CollectorBatch batch;
    CoreError error;
    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"by\":\"model\",\"state\":\"%s\",\"class\":\"%s\",\"client\":\"10.0.0.%zu\","
             "\"first\":100,"
             "\"last\":%.1f,\"time\":%.1f,\"messages\":%d,\"p\":0.5,\"severity\":\"%s\",\"mark\":%d}",
             id, state, id[0] == 's' ? "scan" : "flood", strlen(id), last, last, messages, severity,
             messages * 2);
    ck_assert_msg(collector_batch_parse(body, strlen(body), &batch, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(collector_store_put(store, &batch, 1000 + last, &error) == CORE_OK, "%s", error.text);
    collector_batch_free(&batch);
}

static json_t *list(const CollectorQuery *query) {
    json_t *reply = NULL;
    CoreError error;
    ck_assert_msg(collector_store_list(store, query, &reply, &error) == CORE_OK, "%s", error.text);
    return reply;
}

/* The ids of a list, as "a b c". */
static const char *ids(CollectorQuery query) {
    static char text[4096];
    json_t *reply = list(&query);
    const json_t *incident = NULL;
    size_t at = 0, used = 0;
    text[0] = '\0';
    json_array_foreach(json_object_get(reply, "incidents"), at, incident) used +=
        (size_t)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? " " : "",
                         json_string_value(json_object_get(incident, "id")));
    json_decref(reply);
    return text;
}

static json_t *detail(const char *id) {
    json_t *reply = NULL;
    ck_assert_int_eq(collector_store_detail(store, id, &reply, NULL), CORE_OK);
    return reply;
}

static json_int_t integer(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

START_TEST(keeps_first_latest_and_history) {
    put("s1", "open", 100, 5, "medium");
    put("s1", "update", 110, 50, "high");
    put("s1", "closed", 120, 60, "high");
    json_t *one = detail("s1");
    ck_assert_str_eq(text(one, "state"), "closed");
    ck_assert_str_eq(text(one, "severity"), "high");
    ck_assert_int_eq(integer(one, "messages"), 60);
    ck_assert_int_eq(integer(one, "mark"), 120); /* a field that the collector does not know */
    ck_assert_int_eq(integer(one, "changes"), 3);
    ck_assert(json_real_value(json_object_get(one, "received")) == 1100);
    ck_assert(json_real_value(json_object_get(one, "changed")) == 1120);
    ck_assert_str_eq(text(json_object_get(one, "opened"), "state"), "open");
    ck_assert_int_eq(integer(json_object_get(one, "opened"), "messages"), 5);
    const json_t *history = json_object_get(one, "history");
    ck_assert_uint_eq(json_array_size(history), 3);
    ck_assert_str_eq(text(json_array_get(history, 0), "severity"), "medium");
    ck_assert_str_eq(text(json_array_get(history, 1), "state"), "update");
    ck_assert_int_eq(integer(json_array_get(history, 2), "messages"), 60);
    json_decref(one);
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10}), "s1");
}
END_TEST

START_TEST(repeats_change_nothing) {
    for (int round = 0; round < 3; round++) {
        put("s1", "open", 100, 5, "medium");
        put("s1", "update", 110, 50, "high");
        put("s1", "closed", 120, 60, "high");
        put("f22", "open", 100, 5, "low");
    }
    json_t *one = detail("s1"), *reply = list(&(CollectorQuery){.limit = 10});
    ck_assert_int_eq(integer(one, "changes"), 3);
    ck_assert_int_eq(integer(one, "revision"), 3);
    ck_assert_str_eq(text(one, "state"), "closed");
    ck_assert_int_eq(integer(reply, "revision"), 4);
    json_decref(one);
    json_decref(reply);
}
END_TEST

START_TEST(order_of_arrival_does_not_matter) {
    put("s1", "closed", 120, 60, "high"); /* the opening was lost or comes late */
    put("s1", "update", 130, 70, "low");  /* nothing reopens a closed incident */
    put("s1", "open", 100, 5, "low");
    json_t *one = detail("s1");
    ck_assert_str_eq(text(one, "state"), "closed");
    ck_assert_int_eq(integer(one, "messages"), 60);
    ck_assert_int_eq(integer(one, "changes"), 3);
    json_decref(one);
    put("s22", "update", 130, 70, "low");
    put("s22", "update", 120, 60, "high");
    one = detail("s22");
    ck_assert_int_eq(integer(one, "messages"), 70);
    json_decref(one);
    put("s22", "closed", 110, 80, "medium"); /* closing counts whatever its time */
    one = detail("s22");
    ck_assert_str_eq(text(one, "state"), "closed");
    ck_assert_int_eq(integer(one, "messages"), 80);
    json_decref(one);
}
END_TEST

START_TEST(filters_and_pages) {
    put("s1", "open", 100, 1, "low");
    put("f22", "open", 101, 1, "high");
    put("s333", "open", 102, 1, "low");
    put("f4444", "open", 103, 1, "high");
    put("f22", "update", 104, 2, "high");
    put("s1", "closed", 105, 2, "low");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10}), "f4444 s333 f22 s1");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .state = "open"}), "f4444 s333 f22");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .state = "update"}), "f22");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .state = "closed"}), "s1");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .class_name = "scan"}), "s333 s1");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .client = "10.0.0.3"}), "f22");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .class_name = "scan", .state = "open"}), "s333");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .class_name = "' OR 1 --"}), "");
    json_t *page = list(&(CollectorQuery){.limit = 2});
    ck_assert_str_eq(ids((CollectorQuery){.limit = 2, .after = integer(page, "next")}), "f22 s1");
    json_decref(page);
    page = list(&(CollectorQuery){.limit = 10});
    ck_assert(json_is_null(json_object_get(page, "next")));
    json_decref(page);
}
END_TEST

START_TEST(tells_what_changed_since) {
    put("s1", "open", 100, 1, "low");
    put("f22", "open", 101, 1, "high");
    json_t *page = list(&(CollectorQuery){.limit = 10});
    int64_t revision = integer(page, "revision");
    json_decref(page);
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .since = revision}), "");
    put("s333", "open", 102, 1, "low");
    put("s1", "update", 103, 2, "low");
    put("s1", "update", 104, 3, "low");
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10, .since = revision}), "s333 s1");
    page = list(&(CollectorQuery){.limit = 1, .since = revision});
    ck_assert_int_eq(integer(page, "revision"), revision + 1);
    ck_assert_str_eq(ids((CollectorQuery){.limit = 1, .since = integer(page, "revision")}), "s1");
    json_decref(page);
}
END_TEST

START_TEST(counts) {
    put("s1", "open", 100, 1, "low");
    put("s22", "open", 100, 1, "high");
    put("f1", "open", 100, 1, "high");
    put("f1", "closed", 101, 1, "high");
    json_t *stats = NULL;
    ck_assert_int_eq(collector_store_stats(store, &stats, NULL), CORE_OK);
    char *dump = json_dumps(stats, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(
        dump,
        "{\"by\":{\"model\":{\"closed\":1,\"open\":2}},\"class\":{\"flood\":{\"closed\":1,\"open\":0},"
        "\"scan\":{\"closed\":0,\"open\":2}},\"closed\":1,\"open\":2,\"revision\":4,"
        "\"severity\":{\"high\":{\"closed\":1,\"open\":1},\"low\":{\"closed\":0,\"open\":1}},\"total\":3}");
    free(dump);
    json_decref(stats);
}
END_TEST

START_TEST(bounds_history) {
    put("s1", "open", 100, 1, "low");
    for (int i = 0; i < COLLECTOR_HISTORY_LIMIT + 20; i++)
        put("s1", "update", 101 + i, i, "low");
    json_t *one = detail("s1");
    const json_t *history = json_object_get(one, "history");
    ck_assert_uint_eq(json_array_size(history), COLLECTOR_HISTORY_LIMIT);
    ck_assert_int_eq(integer(one, "changes"), COLLECTOR_HISTORY_LIMIT + 21);
    ck_assert_int_eq(integer(json_array_get(history, 0), "messages"), 20);
    json_decref(one);
}
END_TEST

START_TEST(expires_what_has_not_changed) {
    int64_t removed = 0;
    put("s1", "open", 100, 1, "low");
    put("s22", "open", 101, 1, "low");
    put("s1", "update", 200, 1, "low");
    ck_assert_int_eq(collector_store_expire(store, 1150, 10, &removed, NULL), CORE_OK);
    ck_assert_int_eq(removed, 1);
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10}), "s1");
    json_t *reply = NULL;
    ck_assert_int_eq(collector_store_detail(store, "s22", &reply, NULL), CORE_NOT_FOUND);
    put("s22", "update", 300, 1, "low"); /* its history went with it, so this is a new incident */
    json_t *one = detail("s22");
    ck_assert_int_eq(integer(one, "changes"), 1);
    json_decref(one);
}
END_TEST

START_TEST(survives_reopening) {
    struct stat status;
    put("s1", "open", 100, 1, "low");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    collector_store_close(store);
    open_store();
    ck_assert_str_eq(ids((CollectorQuery){.limit = 10}), "s1");
}
END_TEST

static void plant(const char *sql) {
    sqlite3 *database = NULL;
    collector_store_close(store);
    store = NULL;
    unlink(path);
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

START_TEST(leaves_foreign_files_alone) {
    CoreError error;
    plant("CREATE TABLE theirs(x)");
    ck_assert_int_eq(collector_store_open(path, &store, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "another program"));
    plant("PRAGMA application_id=1936289891; PRAGMA user_version=2; CREATE TABLE x(x)");
    ck_assert_int_eq(collector_store_open(path, &store, &error), CORE_VERSION);
    ck_assert_ptr_nonnull(strstr(error.text, "database version 2, this collector reads version 1"));
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("not a database ", file);
    fclose(file);
    ck_assert_int_eq(collector_store_open(path, &store, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, path));
    ck_assert_ptr_null(store);
}
END_TEST

TCase *store_tests(void) {
    TCase *tests = tcase_create("store");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, keeps_first_latest_and_history);
    tcase_add_test(tests, repeats_change_nothing);
    tcase_add_test(tests, order_of_arrival_does_not_matter);
    tcase_add_test(tests, filters_and_pages);
    tcase_add_test(tests, tells_what_changed_since);
    tcase_add_test(tests, counts);
    tcase_add_test(tests, bounds_history);
    tcase_add_test(tests, expires_what_has_not_changed);
    tcase_add_test(tests, survives_reopening);
    tcase_add_test(tests, leaves_foreign_files_alone);
    return tests;
}
