/* The rules on whole conversations: attacks are named, honest work is left alone. Messages are built here and
 * go through encode and context like captured ones. Relies on: data/features/features.h, infer/rules, Check.
 * Relied on by: tests/infer/test_infer. */
#include <stdio.h>
#include <string.h>

#include "data/wire/osip.h"
#include "infer/rules.h"
#include "tests/infer/suites.h"

static FeatureContext *context;
static double now;
static unsigned fires[SIPCNN_RULE_CLASSES]; /* messages for which a rule of the class fired */

static const char *const client_ip = "10.0.0.9", *const server_ip = "10.0.0.1";

static void set_up(void) {
    CoreError error;
    ck_assert_int_eq(wire_osip_init(&error), CORE_OK);
    ck_assert_int_eq(feature_context_new(NULL, 0, &context, &error), CORE_OK);
    now = 1700000000;
    memset(fires, 0, sizeof fires);
}

static void tear_down(void) {
    feature_context_free(context);
}

static unsigned fired_in_all(void) {
    unsigned sum = 0;
    for (int i = 0; i < SIPCNN_RULE_CLASSES; i++)
        sum += fires[i];
    return sum;
}

/* ---- messages ---- */

/* A request and its replies share these. */
typedef struct Request {
    const char *method, *user, *to_tag, *extra;
    unsigned call, branch, cseq;
    const char *server; /* NULL: the usual one */
} Request;

static void deliver(const char *text, const char *from, const char *to) {
    static uint64_t frame;
    WireMessage message = {.bytes = (const uint8_t *)text,
                           .length = (uint32_t)strlen(text),
                           .frame = ++frame,
                           .time_ns = (int64_t)(now * 1e9)};
    FeatureEncoded encoded;
    FeatureRow row;
    FeatureKeys keys;
    const char *names[SIPCNN_RULE_CLASSES];
    ck_assert(wire_address_parse(from, &message.source) && wire_address_parse(to, &message.destination));
    message.source.port = message.destination.port = 5060;
    feature_encode(&message, &encoded);
    feature_context_step(context, &message, &encoded, &row, &keys);
    sipcnn_rules_judge(&row, &keys, names);
    for (int i = 0; i < SIPCNN_RULE_CLASSES; i++)
        fires[i] += names[i] != NULL;
}

static const char *headers(const Request *request, bool reply) {
    static char text[1024];
    const char *tag = request->to_tag ? request->to_tag : reply ? ";tag=srv" : "";
    snprintf(text, sizeof text,
             "Via: SIP/2.0/UDP %s:5060;branch=z9hG4bK-%u-%u\r\nFrom: <sip:alice@example.com>;tag=f%u\r\n"
             "To: <sip:%s@example.com>%s\r\nCall-ID: c%u@%s\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\n"
             "Contact: <sip:alice@%s>\r\n%sContent-Length: 0\r\n\r\n",
             client_ip, request->call, request->branch, request->call, request->user, tag, request->call,
             client_ip, request->cseq, request->method, client_ip, request->extra ? request->extra : "");
    return text;
}

static void ask(const Request *request) {
    char text[2048];
    const char *server = request->server ? request->server : server_ip;
    snprintf(text, sizeof text, "%s sip:%s@%s SIP/2.0\r\n%s", request->method, request->user, server,
             headers(request, false));
    deliver(text, client_ip, server);
}

static void answer(const Request *request, const char *status) {
    char text[2048];
    snprintf(text, sizeof text, "SIP/2.0 %s\r\n%s", status, headers(request, true));
    deliver(text, request->server ? request->server : server_ip, client_ip);
}

static const char credentials[] =
    "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"n\", uri=\"sip:example.com\", "
    "response=\"0123456789abcdef0123456789abcdef\"\r\n";

static const char *user_number(unsigned number) {
    static char text[16];
    snprintf(text, sizeof text, "%u", 1000 + number);
    return text;
}

static void finish_call(Request invite, const char *status) {
    Request ack = invite;
    answer(&invite, status);
    ack.method = "ACK";
    ack.to_tag = ";tag=srv";
    ack.branch += status[0] == '2';
    ask(&ack);
}

/* ---- attacks ---- */

START_TEST(invite_flood) {
    for (unsigned i = 0; i < 2000; i++, now += 0.02)
        ask(&(Request){.method = "INVITE", .user = "100", .call = i, .branch = 1, .cseq = 1});
    ck_assert_uint_gt(fires[SIPCNN_RULE_FLOOD], 100);
    ck_assert_uint_eq(fires[SIPCNN_RULE_FLOOD], fired_in_all());
}
END_TEST

START_TEST(password_guessing) {
    for (unsigned i = 0; i < 200; i++, now += 0.1) {
        Request request = {
            .method = "REGISTER", .user = "alice", .call = i, .branch = 1, .cseq = 2, .extra = credentials};
        ask(&request);
        answer(&request, "401 Unauthorized");
    }
    ck_assert_uint_gt(fires[SIPCNN_RULE_BRUTEFORCE], 100);
    ck_assert_uint_eq(fires[SIPCNN_RULE_BRUTEFORCE], fired_in_all());
}
END_TEST

START_TEST(user_enumeration) {
    for (unsigned i = 0; i < 200; i++, now += 0.1) {
        Request request = {.method = "OPTIONS", .user = user_number(i), .call = i, .branch = 1, .cseq = 1};
        ask(&request);
        answer(&request, "404 Not Found");
    }
    ck_assert_uint_gt(fires[SIPCNN_RULE_ENUMERATION], 100);
    ck_assert_uint_eq(fires[SIPCNN_RULE_ENUMERATION], fired_in_all());
}
END_TEST

START_TEST(host_scan) {
    for (unsigned i = 1; i < 250; i++, now += 0.05) {
        char host[32];
        snprintf(host, sizeof host, "10.7.0.%u", i);
        ask(&(Request){
            .method = "OPTIONS", .user = "100", .call = i, .branch = 1, .cseq = 1, .server = host});
    }
    ck_assert_uint_gt(fires[SIPCNN_RULE_SCAN], 50);
    ck_assert_uint_eq(fires[SIPCNN_RULE_SCAN], fired_in_all());
}
END_TEST

START_TEST(prefix_probing) {
    static const char *const prefixes[] = {"00",   "000",  "900",  "9900", "8800", "700",  "6600",
                                           "5500", "100",  "1100", "810",  "8100", "0810", "+",
                                           "011",  "9011", "8011", "7011", "6011", "99011"};
    for (unsigned i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++, now += 3) {
        char user[32];
        snprintf(user, sizeof user, "%s972592345678", prefixes[i]);
        Request invite = {.method = "INVITE", .user = user, .call = i, .branch = 1, .cseq = 1};
        ask(&invite);
        finish_call(invite, "403 Forbidden");
    }
    ck_assert_uint_gt(fires[SIPCNN_RULE_TOLL_FRAUD], 0);
    ck_assert_uint_eq(fires[SIPCNN_RULE_TOLL_FRAUD], fired_in_all());
}
END_TEST

/* ---- honest work ---- */

/* A busy trunk: ten calls a second, which ring for twelve seconds before anybody answers. */
START_TEST(trunk) {
    enum { CALLS = 600, RINGING = 120 };
    Request calls[CALLS];
    char users[CALLS][16];
    for (unsigned i = 0; i < CALLS; i++, now += 0.1) {
        snprintf(users[i], sizeof users[i], "%s", user_number(i % 400));
        calls[i] = (Request){.method = "INVITE", .user = users[i], .call = i, .branch = 1, .cseq = 1};
        ask(&calls[i]);
        answer(&calls[i], "100 Trying");
        answer(&calls[i], "180 Ringing");
        if (i < RINGING) continue;
        finish_call(calls[i - RINGING], i % 5 == 0   ? "486 Busy Here"
                                        : i % 7 == 0 ? "404 Not Found"
                                                     : "200 OK");
    }
    ck_assert_uint_eq(fired_in_all(), 0);
}
END_TEST

/* OPTIONS to two hundred dead phones every thirty seconds, retransmitted as RFC 3261 says, never answered. */
START_TEST(monitor_of_dead_phones) {
    for (unsigned round = 0; round < 20; round++, now += 20) {
        for (unsigned i = 0; i < 200; i++, now += 0.05) {
            Request request = {
                .method = "OPTIONS", .user = user_number(i), .call = round * 200 + i, .branch = 1, .cseq = 1};
            for (int copy = 0; copy < 3; copy++)
                ask(&request);
        }
    }
    ck_assert_uint_eq(fired_in_all(), 0);
}
END_TEST

/* Five hundred phones behind one address register again within seconds, with nonces that the registrar has
 * lost. */
START_TEST(registration_storm) {
    enum { PHONES = 500, BEHIND = 20 };
    Request first[PHONES];
    char users[PHONES][16];
    for (unsigned i = 0; i < PHONES + BEHIND; i++, now += 0.01) {
        if (i < PHONES) {
            snprintf(users[i], sizeof users[i], "%s", user_number(i));
            first[i] = (Request){.method = "REGISTER",
                                 .user = users[i],
                                 .call = i,
                                 .branch = 1,
                                 .cseq = 5,
                                 .extra = credentials};
            ask(&first[i]);
            answer(&first[i], "401 Unauthorized");
        }
        if (i < BEHIND) continue;
        Request second = first[i - BEHIND];
        second.branch = 2;
        second.cseq = 6;
        ask(&second);
        answer(&second, "200 OK");
    }
    ck_assert_uint_eq(fired_in_all(), 0);
}
END_TEST

/* A call centre's dialler: three calls a second; busy, wrong numbers, early hang-ups, few conversations. */
START_TEST(dialler) {
    for (unsigned i = 0; i < 2000; i++, now += 0.33) {
        Request invite = {.method = "INVITE", .user = user_number(i), .call = i, .branch = 1, .cseq = 1};
        ask(&invite);
        answer(&invite, "180 Ringing");
        switch (i % 5) {
        case 0: finish_call(invite, "486 Busy Here"); break;
        case 1: finish_call(invite, "404 Not Found"); break;
        case 2: finish_call(invite, "200 OK"); break;
        default: {
            Request cancel = invite;
            cancel.method = "CANCEL";
            ask(&cancel);
            answer(&cancel, "200 OK");
            finish_call(invite, "487 Request Terminated");
        }
        }
    }
    ck_assert_uint_eq(fired_in_all(), 0);
}
END_TEST

/* A phone whose password was changed: it tries every twenty seconds for two hours. */
START_TEST(wrong_password) {
    for (unsigned i = 0; i < 360; i++, now += 20) {
        Request request = {
            .method = "REGISTER", .user = "alice", .call = i, .branch = 1, .cseq = 2, .extra = credentials};
        ask(&request);
        answer(&request, "403 Forbidden");
    }
    ck_assert_uint_eq(fired_in_all(), 0);
}
END_TEST

TCase *traffic_cases(void) {
    TCase *cases = tcase_create("traffic");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, invite_flood);
    tcase_add_test(cases, password_guessing);
    tcase_add_test(cases, user_enumeration);
    tcase_add_test(cases, host_scan);
    tcase_add_test(cases, prefix_probing);
    tcase_add_test(cases, trunk);
    tcase_add_test(cases, monitor_of_dead_phones);
    tcase_add_test(cases, registration_storm);
    tcase_add_test(cases, dialler);
    tcase_add_test(cases, wrong_password);
    return cases;
}
