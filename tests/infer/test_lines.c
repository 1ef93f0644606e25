/* The two lines, byte for byte (docs/man/sipcnn-infer.1).
 * Relies on: infer/verdict_json, tests/infer/zero_model, Check.
 * Relied on by: tests/infer/test_infer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/wire/osip.h"
#include "infer/verdict_json.h"
#include "tests/infer/suites.h"
#include "tests/infer/zero_model.h"

static char line[SIPCNN_LINE_MAX + 1];
static SipcnnModel *model;

static void set_up(void) {
    ZeroModel zero = zero_model();
    size_t size;
    uint8_t *bytes = zero_model_bytes(&zero, &size);
    ck_assert_int_eq(sipcnn_init(NULL), CORE_OK);
    ck_assert_int_eq(sipcnn_model_parse(bytes, size, "zero", &model, NULL), CORE_OK);
    free(bytes);
}

static void tear_down(void) {
    sipcnn_model_free(model);
}

static WireMessage message_of(const char *text) {
    WireMessage message = {.bytes = (const uint8_t *)text,
                           .length = (uint32_t)strlen(text),
                           .frame = 12,
                           .index = 3,
                           .time_ns = 1795524750728123000};
    ck_assert(wire_address_parse("10.0.0.1", &message.source) &&
              wire_address_parse("fd66::1", &message.destination));
    message.source.port = message.destination.port = 5060;
    return message;
}

static const char *verdict_line(const char *text, int class_index) {
    WireMessage message = message_of(text);
    FeatureEncoded encoded;
    SipcnnVerdict verdict = {.class_index = class_index, .p = {0.01f, 0.5f}, .novelty = 0.1f};
    feature_encode(&message, &encoded);
    line[sipcnn_verdict_line(model, &message, &encoded, &verdict, line)] = '\0';
    return line;
}

#define HEADERS                                                                                              \
    "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: "       \
    "x\"<y>@h\r\n"
#define P                                                                                                    \
    "\"p\":{\"flood\":0.01,\"distributed_flood\":0.5,\"scan\":0,\"enumeration\":0,\"bruteforce\":0,"         \
    "\"teardown\":0,"                                                                                        \
    "\"hijack\":0,\"malformed\":0,\"injection\":0,\"toll_fraud\":0,\"spit\":0},\"novelty\":0.1}\n"
#define START                                                                                                \
    "{\"frame\":12,\"index\":3,\"time\":1795524750.728123,\"src\":\"10.0.0.1:5060\",\"dst\":\"[fd66::1]:"    \
    "5060\","

START_TEST(verdict_of_a_request) {
    ck_assert_str_eq(
        verdict_line("REGISTER sip:b SIP/2.0\r\n" HEADERS "CSeq: 1 REGISTER\r\n\r\n", SIPCNN_BENIGN),
        START "\"method\":\"REGISTER\",\"status\":0,\"call_id\":\"x\\\"\\u003cy\\u003e@h\",\"class\":"
              "\"benign\"," P);
}
END_TEST

START_TEST(verdict_of_a_reply) {
    ck_assert_str_eq(verdict_line("SIP/2.0 401 Unauthorized\r\n" HEADERS "CSeq: 1 REGISTER\r\n\r\n", 4),
                     START "\"method\":\"REGISTER\",\"status\":401,\"call_id\":\"x\\\"\\u003cy\\u003e@h\","
                           "\"class\":\"bruteforce\"," P);
}
END_TEST

START_TEST(unknown_methods_are_told_as_written) {
    ck_assert_ptr_nonnull(strstr(
        verdict_line("FROBNICATE sip:b SIP/2.0\r\n" HEADERS "CSeq: 1 FROBNICATE\r\n\r\n", SIPCNN_UNKNOWN),
        "\"method\":\"FROBNICATE\",\"status\":0,"));
    ck_assert_ptr_nonnull(
        strstr(verdict_line("SIP/2.0 200 OK\r\n" HEADERS "CSeq: 1 FROBNICATE\r\n\r\n", SIPCNN_UNKNOWN),
               "\"method\":\"FROBNICATE\",\"status\":200,"));
    ck_assert_ptr_nonnull(strstr(line, "\"class\":\"unknown\""));
}
END_TEST

START_TEST(rubbish_gets_a_line_too) {
    ck_assert_str_eq(verdict_line("", SIPCNN_BENIGN),
                     START "\"method\":\"\",\"status\":0,\"call_id\":\"\",\"class\":\"benign\"," P);
    ck_assert_ptr_nonnull(strstr(verdict_line("\xff\xfe SIP/2.0\r\n", SIPCNN_BENIGN), START));
}
END_TEST

START_TEST(long_call_ids_are_cut) {
    static char text[70000];
    static const char start[] = "INVITE sip:b SIP/2.0\r\nCall-ID: ", end[] = "\r\nCSeq: 1 INVITE\r\n\r\n";
    memcpy(text, start, sizeof start - 1);
    memset(text + sizeof start - 1, 1, 60000); /* the longest escapes */
    memcpy(text + sizeof start - 1 + 60000, end, sizeof end);
    const char *written = verdict_line(text, SIPCNN_BENIGN);
    ck_assert_uint_gt(strlen(written), 0);
    ck_assert_uint_lt(strlen(written), SIPCNN_LINE_MAX);
}
END_TEST

static SipcnnIncident incident_of(SipcnnIncidentState state) {
    SipcnnIncident incident = {.number = 7,
                               .change = 2,
                               .state = state,
                               .class_index = 0,
                               .first_ns = 1000000000,
                               .last_ns = 2500000000,
                               .time_ns = 2500000000,
                               .frame = 99,
                               .messages = 12,
                               .p = 0.75f,
                               .severity = SIPCNN_HIGH};
    ck_assert(wire_address_parse("10.0.0.9", &incident.client) &&
              wire_address_parse("10.0.0.1", &incident.target));
    return incident;
}

static const char *incident_line(const SipcnnIncident *incident, const char *rule, SipcnnText method,
                                 SipcnnText call_id) {
    SipcnnIncidentLabels labels = {"lab-1a-m", rule ? "rule" : "model", "lab", "flood", rule, method,
                                   call_id};
    line[sipcnn_incident_line(incident, &labels, line)] = '\0';
    return line;
}

START_TEST(incident_of_a_client) {
    SipcnnIncident incident = incident_of(SIPCNN_UPDATE);
    SipcnnText invite = {(const uint8_t *)"INVITE", 6}, call_id = {(const uint8_t *)"a@b", 3}, none = {0};
    ck_assert_str_eq(
        incident_line(&incident, NULL, invite, call_id),
        "{\"id\":\"lab-1a-m7\",\"by\":\"model\",\"state\":\"update\",\"class\":\"flood\",\"client\":\"10.0.0."
        "9\","
        "\"target\":\"10.0.0.1\",\"first\":1.000000,\"last\":2.500000,\"time\":2.500000,\"frame\":99,"
        "\"messages\":12,\"p\":0.75,\"severity\":\"high\",\"sensor\":\"lab\",\"change\":2,"
        "\"evidence\":[\"INVITE\",\"a@b\"]}\n");
    ck_assert_ptr_nonnull(
        strstr(incident_line(&incident, "invite-rate", none, none), "\"evidence\":[\"invite-rate\"]}"));
    incident.state = SIPCNN_CLOSED;
    ck_assert_ptr_nonnull(strstr(incident_line(&incident, NULL, none, none), "\"state\":\"closed\""));
    ck_assert_ptr_nonnull(strstr(line, "\"evidence\":[]}"));
}
END_TEST

START_TEST(incident_of_a_target) {
    SipcnnIncident incident = incident_of(SIPCNN_OPEN);
    SipcnnText none = {0};
    incident.by_target = true;
    incident.n_sources = 2;
    incident.clients = 9;
    ck_assert(wire_address_parse("10.0.0.2", &incident.sources[0]) &&
              wire_address_parse("fd66::3", &incident.sources[1]));
    ck_assert_ptr_nonnull(
        strstr(incident_line(&incident, NULL, none, none), "\"client\":\"\",\"target\":\"10.0.0.1\""));
    ck_assert_ptr_nonnull(
        strstr(line, "\"clients\":9,\"sources\":[\"10.0.0.2\",\"fd66::3\"],\"evidence\":[]}\n"));
}
END_TEST

START_TEST(a_long_sensor_name_gives_no_line) {
    static char name[SIPCNN_LINE_MAX];
    SipcnnIncident incident = incident_of(SIPCNN_OPEN);
    memset(name, 'x', sizeof name - 1);
    SipcnnIncidentLabels labels = {.id_prefix = name, .by = "model", .sensor = name, .class_name = "flood"};
    ck_assert_uint_eq(sipcnn_incident_line(&incident, &labels, line), 0);
    labels.sensor = "lab"; /* of a long prefix the end is kept */
    ck_assert_uint_gt(sipcnn_incident_line(&incident, &labels, line), 0);
}
END_TEST

TCase *lines_cases(void) {
    TCase *cases = tcase_create("lines");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, verdict_of_a_request);
    tcase_add_test(cases, verdict_of_a_reply);
    tcase_add_test(cases, unknown_methods_are_told_as_written);
    tcase_add_test(cases, rubbish_gets_a_line_too);
    tcase_add_test(cases, long_call_ids_are_cut);
    tcase_add_test(cases, incident_of_a_client);
    tcase_add_test(cases, incident_of_a_target);
    tcase_add_test(cases, a_long_sensor_name_gives_no_line);
    return cases;
}
