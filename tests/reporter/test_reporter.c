/* Tests of the reporter: against a collector that misbehaves, and against the real one.
 * Relies on: infer/reporter, tests/reporter/fake_collector, the built sipcnn-collector, Check.
 * Relied on by: ctest. */
#include "tests/reporter/test_reporter.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "infer/reporter.h"
#include "tests/reporter/fake_collector.h"

/* Ample for a busy machine; close returns as soon as everything is delivered. */
enum { DRAIN_MS = 30000 };

static SipcnnReporter *start(const SipcnnReporterOptions *options) {
    SipcnnReporter *reporter = NULL;
    CoreError error;
    ck_assert_msg(sipcnn_reporter_new(options, &reporter, &error) == CORE_OK, "%s", error.text);
    return reporter;
}

/* Quick times, so that the suite is quick too. */
static SipcnnReporterOptions quick(const char *url) {
    return (SipcnnReporterOptions){
        .url = url, .batch_delay_ms = 20, .backoff_first_ms = 20, .backoff_cap_ms = 100};
}

static void submit(SipcnnReporter *reporter, int number, const char *state) {
    char json[256];
    int length = snprintf(
        json, sizeof json,
        "{\"id\":\"t:%d\",\"by\":\"model\",\"state\":\"%s\",\"class\":\"scan\",\"client\":\"10.0.0.9\","
        "\"time\":1795524750.5,\"messages\":1,\"n\":%d}",
        number, state, number);
    sipcnn_reporter_submit(reporter, json, (size_t)length);
}

static bool wait_delivered(SipcnnReporter *reporter, uint64_t count, unsigned most_ms) {
    SipcnnReporterState state;
    for (int64_t end = clock_ms() + most_ms; clock_ms() < end; sleep_ms(10)) {
        sipcnn_reporter_state(reporter, &state);
        if (state.counters.delivered >= count) return true;
    }
    return false;
}

static uint64_t dropped(const SipcnnReporterCounters *c) {
    return c->dropped_update + c->dropped_state + c->dropped_invalid + c->dropped_memory + c->dropped_token +
           c->dropped_refused + c->dropped_undelivered;
}

static SipcnnReporterCounters stop(SipcnnReporter *reporter, uint32_t drain_ms) {
    SipcnnReporterCounters counters;
    sipcnn_reporter_close(reporter, drain_ms, &counters);
    ck_assert_uint_eq(counters.queued, 0);
    ck_assert_uint_eq(counters.submitted, counters.delivered + dropped(&counters));
    return counters;
}

/* ---- options --------------------------------------------------------------------------------------------
 */

START_TEST(judges_urls) {
    static const struct {
        const char *url;
        bool insecure;
        const char *error; /* NULL: accepted */
    } cases[] = {
        {"http://127.0.0.1:8700", false, NULL},
        {"http://127.9.9.9:8700/", false, NULL},
        {"http://localhost/", false, NULL},
        {"http://[::1]:8700", false, NULL},
        {"https://collector.example.org", false, NULL},
        {"http://collector.example.org", true, NULL},
        {"http://collector.example.org", false, "unencrypted"},
        {"http://127.0.0.1.example.org/", false, "unencrypted"},
        {"http://localhost.example.org/", false, "unencrypted"},
        {"http://10.0.0.1/", false, "unencrypted"},
        {"http://user:secret@127.0.0.1/", false, "token file"},
        {"ftp://127.0.0.1/", false, "only http and https"},
        {"file:///etc/passwd", false, ""},
        {"127.0.0.1:8700", false, "127.0.0.1:8700"},
        {"", false, ""},
        {NULL, false, "no collector URL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SipcnnReporterOptions options = {.url = cases[i].url, .insecure = cases[i].insecure};
        SipcnnReporter *reporter = NULL;
        CoreError error = {0};
        CoreStatus status = sipcnn_reporter_new(&options, &reporter, &error);
        ck_assert_msg((status == CORE_OK) == (cases[i].error == NULL), "%s: %s", cases[i].url, error.text);
        if (cases[i].error != NULL) {
            ck_assert_int_eq(status, CORE_ARGUMENT);
            ck_assert_msg(strstr(error.text, cases[i].error) != NULL, "%s", error.text);
            ck_assert_ptr_null(strstr(error.text, "secret"));
        }
        sipcnn_reporter_close(reporter, 0, NULL);
    }
}
END_TEST

START_TEST(refuses_files) {
    SipcnnReporterOptions options = {.url = "https://127.0.0.1", .ca_file = "/nonexistent/ca.pem"};
    SipcnnReporter *reporter = NULL;
    CoreError error;
    ck_assert_int_eq(sipcnn_reporter_new(&options, &reporter, &error), CORE_IO);
    ck_assert_str_eq(error.text, "/nonexistent/ca.pem: No such file or directory");
    options = (SipcnnReporterOptions){.url = "https://127.0.0.1", .token_file = "/nonexistent/token"};
    ck_assert_int_eq(sipcnn_reporter_new(&options, &reporter, &error), CORE_IO);
    ck_assert_ptr_null(reporter);
}
END_TEST

/* ---- delivery -------------------------------------------------------------------------------------------
 */

START_TEST(delivers_in_order) {
    FakeCollector fake = {0};
    fake_start(&fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake.base);
    SipcnnReporter *reporter = start(&options);
    for (int i = 0; i < 950; i++)
        submit(reporter, i, "open");
    SipcnnReporterCounters counters = stop(reporter, DRAIN_MS);
    fake_stop(&fake);
    ck_assert_uint_eq(counters.delivered, 950);
    ck_assert_uint_eq(fake.id_count, 950);
    for (int i = 0; i < 950; i++)
        ck_assert_int_eq(fake.ids[i], i);
    ck_assert_uint_le(fake.largest_batch, SIPCNN_REPORTER_BATCH_LIMIT);
    ck_assert_uint_le(fake.requests, 12);
    ck_assert_str_eq(fake.url, "/v1/incidents");
    ck_assert_str_eq(fake.content_type, "application/json");
    ck_assert_str_eq(fake.authorization, "");
}
END_TEST

START_TEST(keeps_path_of_url) {
    FakeCollector fake = {0};
    char url[128];
    fake_start(&fake, NULL, NULL);
    snprintf(url, sizeof url, "%s/hooks/sip", fake.base);
    SipcnnReporterOptions options = quick(url);
    SipcnnReporter *reporter = start(&options);
    submit(reporter, 1, "open");
    stop(reporter, DRAIN_MS);
    fake_stop(&fake);
    ck_assert_str_eq(fake.url, "/hooks/sip");
}
END_TEST

/* A hundred of the longest incidents do not fit the collector's limit in one request. */
START_TEST(bounds_body) {
    FakeCollector fake = {0};
    char *json = malloc(SIPCNN_REPORTER_LINE_LIMIT + 1);
    fake_start(&fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake.base);
    SipcnnReporter *reporter = start(&options);
    memset(json, ' ', SIPCNN_REPORTER_LINE_LIMIT + 1);
    memcpy(json, "{\"n\":1}", 7);
    for (int i = 0; i < 100; i++)
        sipcnn_reporter_submit(reporter, json, SIPCNN_REPORTER_LINE_LIMIT);
    sipcnn_reporter_submit(reporter, json, SIPCNN_REPORTER_LINE_LIMIT + 1);
    sipcnn_reporter_submit(reporter, json, 0);
    SipcnnReporterCounters counters = stop(reporter, DRAIN_MS);
    fake_stop(&fake);
    free(json);
    ck_assert_uint_eq(counters.delivered, 100);
    ck_assert_uint_eq(counters.dropped_invalid, 2);
    ck_assert_uint_le(fake.largest_body, SIPCNN_REPORTER_BATCH_BYTES);
    ck_assert_uint_gt(fake.largest_body, SIPCNN_REPORTER_BATCH_BYTES / 2);
}
END_TEST

START_TEST(retries_until_accepted) {
    FakeCollector fake = {
        .script = {{.status = 500}, {.status = 503}, {.status = 429, .retry_after = "1"}, {.status = 408}}};
    fake_start(&fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake.base);
    SipcnnReporter *reporter = start(&options);
    submit(reporter, 7, "open");
    ck_assert(wait_delivered(reporter, 1, 5000));
    SipcnnReporterState state;
    sipcnn_reporter_state(reporter, &state);
    SipcnnReporterCounters counters = stop(reporter, 100);
    fake_stop(&fake);
    ck_assert_uint_eq(counters.retried, 4);
    ck_assert_uint_eq(fake.requests, 5);
    ck_assert_int_ge(fake.times_ms[3] - fake.times_ms[2],
                     990); /* Retry-After, in spite of the short back-off */
    ck_assert_int_le(fake.times_ms[2] - fake.times_ms[0], 500);
    ck_assert_int_eq(fake.ids[0], 7);
    ck_assert(!state.failing);
    ck_assert_uint_ge(state.problem, 3);
    ck_assert_ptr_nonnull(strstr(state.error, "the collector answered 408: {\"error\":\"first line\"}"));
    ck_assert_ptr_null(strstr(state.error, "second"));
}
END_TEST

START_TEST(bounds_retry_after) {
    FakeCollector fake = {.script = {{.status = 503, .retry_after = "100000000"}}};
    fake_start(&fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake.base);
    options.retry_after_cap_ms = 200;
    SipcnnReporter *reporter = start(&options);
    submit(reporter, 7, "open");
    ck_assert(wait_delivered(reporter, 1, 3000));
    stop(reporter, 0);
    fake_stop(&fake);
    ck_assert_int_ge(fake.times_ms[1] - fake.times_ms[0], 190);
}
END_TEST

START_TEST(gives_up_on_refusal) {
    static const unsigned codes[] = {401, 403, 404, 410, 302, 400};
    FakeCollector fake = {0};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        fake.script[i].status = codes[i];
    fake.script[4].location = "http://127.0.0.1:1/";
    fake_start(&fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake.base);
    SipcnnReporter *reporter = start(&options);
    SipcnnReporterState state;
    for (unsigned i = 0; i < 6; i++) {
        submit(reporter, (int)i, "open");
        for (int64_t end = clock_ms() + 3000; fake_requests(&fake) <= i && clock_ms() < end;)
            sleep_ms(5);
        sleep_ms(50);
        sipcnn_reporter_state(reporter, &state);
        char code[8];
        snprintf(code, sizeof code, "%u", codes[i]);
        ck_assert_msg(strstr(state.error, code) != NULL, "%u: %s", codes[i], state.error);
        ck_assert_msg((strstr(state.error, "wrong token") != NULL) == (i < 2), "%s", state.error);
        ck_assert_uint_eq(state.problem, i + 1);
    }
    SipcnnReporterCounters counters = stop(reporter, 1000);
    fake_stop(&fake);
    ck_assert_uint_eq(fake.requests, 6);
    ck_assert_uint_eq(counters.retried, 0);
    ck_assert_uint_eq(counters.dropped_token, 2);
    ck_assert_uint_eq(counters.dropped_refused, 4);
}
END_TEST

START_TEST(one_bad_incident_costs_no_other) {
    FakeCollector fake = {.poison = "\"n\":37}"};
    fake_start(&fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake.base);
    SipcnnReporter *reporter = start(&options);
    for (int i = 0; i < 100; i++)
        submit(reporter, i, "open");
    SipcnnReporterCounters counters = stop(reporter, DRAIN_MS);
    fake_stop(&fake);
    ck_assert_uint_eq(counters.delivered, 99);
    ck_assert_uint_eq(counters.dropped_refused, 1);
    ck_assert_uint_le(fake.requests, 25);
    for (int i = 0; i < 99; i++)
        ck_assert_int_eq(fake.ids[i], i < 37 ? i : i + 1);
}
END_TEST

/* Delivers one incident in spite of the script and returns the last problem. */
static SipcnnReporterState deliver_one(FakeCollector *fake, uint32_t request_timeout_ms) {
    fake_start(fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake->base);
    options.request_timeout_ms = request_timeout_ms;
    SipcnnReporter *reporter = start(&options);
    submit(reporter, 1, "open");
    ck_assert(wait_delivered(reporter, 1, 20000));
    SipcnnReporterState state;
    sipcnn_reporter_state(reporter, &state);
    stop(reporter, 0);
    fake_stop(fake);
    return state;
}

START_TEST(survives_slow_reply) {
    FakeCollector fake = {.script = {{.delay_ms = 900}}};
    SipcnnReporterState state = deliver_one(&fake, 500);
    ck_assert_msg(strstr(state.error, "timed out") != NULL, "%s", state.error);
    ck_assert_uint_ge(state.counters.retried, 1);
}
END_TEST

START_TEST(survives_endless_reply) {
    FakeCollector fake = {.script = {{.reply_bytes = 70000}, {.endless = true}}};
    SipcnnReporterState state = deliver_one(&fake, 10000);
    ck_assert_msg(strstr(state.error, "reply is longer than 64 KiB") != NULL, "%s", state.error);
    ck_assert_uint_eq(fake.requests, 3);
}
END_TEST

/* ---- a collector that is not there ----------------------------------------------------------------------
 */

/* A port on which nobody listens. */
static unsigned free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(probe, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(probe, (struct sockaddr *)&address, &size), 0);
    close(probe);
    return ntohs(address.sin_port);
}

START_TEST(bounds_queue) {
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", free_port());
    SipcnnReporterOptions options = quick(url);
    options.backoff_first_ms = options.backoff_cap_ms = 60000;
    SipcnnReporter *reporter = start(&options);
    int64_t before = clock_ms();
    for (int i = 0; i < 20000; i++)
        submit(reporter, i, i % 4 == 0 ? "open" : "update");
    ck_assert_int_le(clock_ms() - before, 2000);
    SipcnnReporterState state;
    sipcnn_reporter_state(reporter, &state);
    ck_assert_uint_le(state.counters.queued, SIPCNN_REPORTER_QUEUE_LIMIT + SIPCNN_REPORTER_BATCH_LIMIT);
    ck_assert_uint_eq(state.counters.dropped_state, 0); /* 5,000 openings fit */
    ck_assert_uint_gt(state.counters.dropped_update, 11000);
    for (int i = 0; i < 10000; i++)
        submit(reporter, i, "closed");
    sipcnn_reporter_state(reporter, &state);
    ck_assert_uint_gt(state.counters.dropped_state, 6000);
    before = clock_ms();
    SipcnnReporterCounters counters = stop(reporter, 200);
    ck_assert_int_le(clock_ms() - before, 1500);
    ck_assert_uint_eq(counters.delivered, 0);
    ck_assert_uint_gt(counters.dropped_undelivered, 8000);
}
END_TEST

START_TEST(ends_in_the_middle_of_a_request) {
    FakeCollector fake = {.script = {{.delay_ms = 1500}}};
    fake_start(&fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake.base);
    SipcnnReporter *reporter = start(&options);
    submit(reporter, 1, "open");
    sleep_ms(200);
    int64_t before = clock_ms();
    SipcnnReporterCounters counters = stop(reporter, 100);
    ck_assert_int_le(clock_ms() - before, 600);
    ck_assert_uint_eq(counters.dropped_undelivered, 1);
    fake_stop(&fake);
}
END_TEST

static void *submit_many(void *reporter) {
    for (int i = 0; i < 300; i++)
        submit(reporter, i, "update");
    return NULL;
}

START_TEST(takes_from_many_threads) {
    FakeCollector fake = {0};
    fake_start(&fake, NULL, NULL);
    SipcnnReporterOptions options = quick(fake.base);
    SipcnnReporter *reporter = start(&options);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, submit_many, reporter), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    SipcnnReporterCounters counters = stop(reporter, DRAIN_MS);
    fake_stop(&fake);
    ck_assert_uint_eq(counters.delivered, 900);
}
END_TEST

/* ---- the real collector ---------------------------------------------------------------------------------
 */

typedef struct Collector {
    char folder[64], database[96], token[96];
    pid_t process;
} Collector;

static void write_token(const char *path, const char *token) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(file, token, strlen(token)), (ssize_t)strlen(token));
    close(file);
}

static void collector_prepare(Collector *collector) {
    snprintf(collector->folder, sizeof collector->folder, "/tmp/sipcnn-reporter-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(collector->folder));
    snprintf(collector->database, sizeof collector->database, "%s/incidents.db", collector->folder);
    snprintf(collector->token, sizeof collector->token, "%s/token", collector->folder);
    write_token(collector->token, "the-token\n");
}

static void collector_start(Collector *collector, unsigned port) {
    char number[16];
    snprintf(number, sizeof number, "%u", port);
    collector->process = fork();
    ck_assert_int_ge(collector->process, 0);
    if (collector->process != 0) return;
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    execl(SIPCNN_BINARY_DIR "/tools/collector/sipcnn-collector", "sipcnn-collector", "--port", number,
          "--database", collector->database, "--token-file", collector->token, (char *)NULL);
    _exit(127);
}

static void collector_stop(Collector *collector) {
    int status = 0;
    char path[128];
    kill(collector->process, SIGTERM);
    ck_assert_int_eq(waitpid(collector->process, &status, 0), collector->process);
    ck_assert_int_eq(status, 0);
    static const char *const files[] = {"incidents.db", "incidents.db-wal", "incidents.db-shm", "token",
                                        "wrong"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", collector->folder, files[i]);
        unlink(path);
    }
    rmdir(collector->folder);
}

static size_t keep_reply(char *data, size_t size, size_t count, void *context) {
    char *reply = context;
    size_t used = strlen(reply);
    snprintf(reply + used, 4096 - used, "%.*s", (int)(size * count), data);
    return size * count;
}

static void get(unsigned port, const char *path, char reply[4096]) {
    char url[128];
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    reply[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply);
    ck_assert_int_eq(curl_easy_perform(easy), CURLE_OK);
    curl_easy_cleanup(easy);
}

START_TEST(collector_down_then_up) {
    Collector collector;
    char url[64], reply[4096];
    unsigned port = free_port();
    collector_prepare(&collector);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    SipcnnReporterOptions options = quick(url);
    options.token_file = collector.token;
    SipcnnReporter *reporter = start(&options);
    for (int i = 0; i < 150; i++)
        submit(reporter, i, "open");
    sleep_ms(300);
    SipcnnReporterState state;
    sipcnn_reporter_state(reporter, &state);
    ck_assert(state.failing);
    ck_assert_uint_eq(state.problem, 1); /* the same problem is told once */
    ck_assert_msg(strstr(state.error, "Connection refused") || strstr(state.error, "connect"), "%s",
                  state.error);
    ck_assert_uint_eq(state.counters.delivered, 0);
    collector_start(&collector, port);
    ck_assert(wait_delivered(reporter, 150, 10000));
    get(port, "/v1/stats", reply);
    ck_assert_msg(strstr(reply, "\"total\":150,\"open\":150") != NULL, "%s", reply);
    for (int i = 0; i < 50; i++)
        submit(reporter, i, "closed");
    stop(reporter, DRAIN_MS);
    get(port, "/v1/stats", reply);
    ck_assert_msg(strstr(reply, "\"total\":150,\"open\":100,\"closed\":50") != NULL, "%s", reply);
    collector_stop(&collector);
}
END_TEST

START_TEST(wrong_token) {
    Collector collector;
    char url[64], wrong[128], reply[4096];
    unsigned port = free_port();
    collector_prepare(&collector);
    collector_start(&collector, port);
    snprintf(wrong, sizeof wrong, "%s/wrong", collector.folder);
    write_token(wrong, "another-token");
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    SipcnnReporterOptions options = quick(url);
    options.token_file = wrong;
    SipcnnReporter *reporter = start(&options);
    submit(reporter, 1, "open");
    SipcnnReporterState state = {0};
    for (int64_t end = clock_ms() + 5000; state.counters.dropped_token == 0 && clock_ms() < end; sleep_ms(10))
        sipcnn_reporter_state(reporter, &state);
    ck_assert_msg(strstr(state.error, "/v1/incidents: wrong token (the collector answered 401)") != NULL,
                  "%s", state.error);
    ck_assert_ptr_null(strstr(state.error, "another-token"));
    stop(reporter, 1000);
    get(port, "/v1/stats", reply);
    ck_assert_msg(strstr(reply, "\"total\":0") != NULL, "%s", reply);
    collector_stop(&collector);
}
END_TEST

int main(void) {
    CoreError error;
    if (sipcnn_reporter_global_init(&error) != CORE_OK) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("reporter");
    TCase *tests = tcase_create("reporter");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, judges_urls);
    tcase_add_test(tests, refuses_files);
    tcase_add_test(tests, delivers_in_order);
    tcase_add_test(tests, keeps_path_of_url);
    tcase_add_test(tests, bounds_body);
    tcase_add_test(tests, retries_until_accepted);
    tcase_add_test(tests, bounds_retry_after);
    tcase_add_test(tests, gives_up_on_refusal);
    tcase_add_test(tests, one_bad_incident_costs_no_other);
    tcase_add_test(tests, survives_slow_reply);
    tcase_add_test(tests, survives_endless_reply);
    tcase_add_test(tests, bounds_queue);
    tcase_add_test(tests, ends_in_the_middle_of_a_request);
    tcase_add_test(tests, takes_from_many_threads);
    tcase_add_test(tests, collector_down_then_up);
    tcase_add_test(tests, wrong_token);
    add_tls_tests(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
