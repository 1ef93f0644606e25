/* Tests of the reporter over TLS: nothing is sent to a host that does not prove who it is.
 * Relies on: infer/reporter, tests/reporter/fake_collector, Check.
 * Relied on by: test_reporter.c. */
#include "tests/reporter/test_reporter.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "infer/reporter.h"
#include "tests/reporter/fake_collector.h"

typedef struct Trial {
    const char *name; /* subject of the server's certificate */
    bool trusted;     /* the reporter gets the certificate as its CA file */
    bool delivers;
} Trial;

static void run_trial(const Trial *trial) {
    char path[] = "/tmp/sipcnn-ca-XXXXXX", *certificate = NULL, *key = NULL;
    close(mkstemp(path));
    make_certificate(trial->name, path, &certificate, &key);
    FakeCollector fake = {0};
    fake_start(&fake, certificate, key);
    SipcnnReporterOptions options = {.url = fake.base,
                                     .ca_file = trial->trusted ? path : NULL,
                                     .batch_delay_ms = 10,
                                     .backoff_first_ms = 50};
    SipcnnReporter *reporter = NULL;
    SipcnnReporterCounters counters;
    SipcnnReporterState state = {0};
    CoreError error;
    ck_assert_msg(sipcnn_reporter_new(&options, &reporter, &error) == CORE_OK, "%s", error.text);
    sipcnn_reporter_submit(reporter, "{\"n\":1}", 7);
    for (int64_t end = clock_ms() + 20000; clock_ms() < end; sleep_ms(10)) {
        sipcnn_reporter_state(reporter, &state);
        if (state.failing || state.counters.delivered > 0) break;
    }
    sipcnn_reporter_close(reporter, 300, &counters);
    unlink(path);
    fake_stop(&fake);
    free(certificate);
    free(key);
    ck_assert_uint_eq(counters.delivered, trial->delivers ? 1 : 0);
    ck_assert_uint_eq(fake.requests, trial->delivers ? 1 : 0);
    ck_assert_msg(state.failing != trial->delivers, "%s: %s", trial->name, state.error);
}

static const Trial trials[] = {
    {"IP:127.0.0.1", true, true},
    {"IP:127.0.0.1", false, false},
    {"IP:127.0.0.2", true, false},
    {"DNS:collector.example.org", true, false},
};

START_TEST(proves_identity) {
    run_trial(&trials[_i]);
}
END_TEST

void add_tls_tests(TCase *tests) {
    tcase_add_loop_test(tests, proves_identity, 0, (int)(sizeof trials / sizeof trials[0]));
}
