/* Tests of the incident parser: what is accepted, and what is refused with which words.
 * Relies on: tools/collector/incident, Check.
 * Relied on by: test_collector.c. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/collector/test_collector.h"
#include "tools/collector/incident.h"

#define GOOD "\"id\":\"a\",\"by\":\"model\",\"state\":\"open\",\"class\":\"scan\",\"time\":1"

START_TEST(takes_all_fields) {
    static const char body[] = "{\"incidents\":[{\"id\":\"s:1\",\"by\":\"rule\",\"state\":\"closed\","
                               "\"class\":\"flood\",\"client\":\"\","
                               "\"target\":\"a\\u0000b\",\"first\":1.5,\"last\":2,\"time\":1795524750.728123,"
                               "\"frame\":9007199254740993,"
                               "\"messages\":7,\"p\":0.25,\"severity\":\"critical\",\"sensor\":\"\\u00e9\","
                               "\"sources\":[\"x\"],\"evidence\":[],"
                               "\"unknown\":{\"deep\":[null,0.1]}}]}";
    CollectorBatch batch;
    CoreError error = {0};
    ck_assert_msg(collector_batch_parse(body, sizeof body - 1, &batch, &error) == CORE_OK, "%s", error.text);
    ck_assert_uint_eq(batch.count, 1);
    const CollectorIncident *one = &batch.incidents[0];
    ck_assert_str_eq(one->id.bytes, "s:1");
    ck_assert_str_eq(one->by.bytes, "rule");
    ck_assert_str_eq(one->state.bytes, "closed");
    ck_assert_str_eq(one->severity.bytes, "critical");
    ck_assert_uint_eq(one->client.length, 0);
    ck_assert_uint_eq(one->target.length, 3);
    ck_assert_mem_eq(one->target.bytes, "a\0b", 3);
    ck_assert_mem_eq(one->sensor.bytes, "\xc3\xa9", 2);
    ck_assert(one->first == 1.5 && one->last == 2 && one->time == 1795524750.728123 && one->p == 0.25);
    ck_assert_int_eq(one->frame, 9007199254740993);
    ck_assert_int_eq(one->messages, 7);
    ck_assert_ptr_nonnull(strstr(one->raw, "\"unknown\":{\"deep\":[null,0.1]}"));
    ck_assert_ptr_nonnull(strstr(one->raw, "\"time\":1795524750.728123,\"frame\":9007199254740993"));
    ck_assert_ptr_nonnull(strstr(one->raw, "\"sensor\":\"\\u00E9\""));
    collector_batch_free(&batch);
}
END_TEST

START_TEST(fills_in_what_is_missing) {
    static const char body[] = "{" GOOD "}";
    CollectorBatch batch;
    ck_assert_int_eq(collector_batch_parse(body, sizeof body - 1, &batch, NULL), CORE_OK);
    const CollectorIncident *one = &batch.incidents[0];
    ck_assert(one->first == 1 && one->last == 1 && one->p < 0);
    ck_assert_str_eq(one->client.bytes, "");
    ck_assert_str_eq(one->severity.bytes, "");
    collector_batch_free(&batch);
}
END_TEST

static const struct {
    const char *body, *error;
} refused[] = {
    {"", "line 1, column 0 (byte 0)"},
    {"nonsense", "line 1, column 8 (byte 8)"},
    {"[]", "incident: expected an object"},
    {"{\"incidents\":{}}", "incidents: expected an array"},
    {"{\"incidents\":[\n{]}", "line 2, column 2 (byte 17)"},
    {"{\"incidents\":[1]}", "incidents[0]: expected an object"},
    {"{\"incidents\":[{" GOOD "},{}]}", "incidents[1].id: missing"},
    {"{" GOOD "} trailing", "line 1"},
    {"{" GOOD ",\"id\":\"b\"}", "duplicate object key"},
    {"{" GOOD ",\"client\":\"\xff\"}", "byte"},
    {"{" GOOD ",\"p\":1.01}", "incident.p: expected a number from 0 to 1"},
    {"{" GOOD ",\"p\":-0.1}", "incident.p: expected a number from 0 to 1"},
    {"{" GOOD ",\"p\":\"1\"}", "incident.p: expected a number from 0 to 1"},
    {"{" GOOD ",\"p\":1e999}", "line 1"},
    {"{" GOOD ",\"last\":-1}", "incident.last: expected a number of epoch seconds"},
    {"{" GOOD ",\"last\":1e300}", "incident.last: expected a number of epoch seconds"},
    {"{" GOOD ",\"messages\":1.5}", "incident.messages: expected an integer that is not negative"},
    {"{" GOOD ",\"frame\":-1}", "incident.frame: expected an integer that is not negative"},
    {"{" GOOD ",\"frame\":99999999999999999999}", "line 1"},
    {"{" GOOD ",\"severity\":\"fatal\"}",
     "incident.severity: expected one of \"low\" \"medium\" \"high\" \"critical\""},
    {"{" GOOD ",\"severity\":\"low\\u0000\"}", "incident.severity: expected one of"},
    {"{" GOOD ",\"sources\":\"x\"}", "incident.sources: expected an array of strings"},
    {"{" GOOD ",\"sources\":[1]}", "incident.sources: expected a string"},
    {"{" GOOD ",\"client\":null}", "incident.client: expected a string"},
    {"{\"id\":\"\",\"by\":\"model\",\"state\":\"open\",\"class\":\"scan\",\"time\":1}",
     "incident.id: 0 bytes of text"},
    {"{\"id\":\"a b\",\"by\":\"model\",\"state\":\"open\",\"class\":\"scan\",\"time\":1}",
     "incident.id: expected visible ASCII characters"},
    {"{\"id\":\"a\\u0000\",\"by\":\"model\",\"state\":\"open\",\"class\":\"scan\",\"time\":1}",
     "incident.id: expected visible ASCII characters"},
    {"{\"id\":\"a\",\"by\":\"man\",\"state\":\"open\",\"class\":\"scan\",\"time\":1}",
     "incident.by: expected one of \"model\" \"rule\""},
    {"{\"id\":\"a\",\"by\":\"rule\",\"state\":\"opened\",\"class\":\"scan\",\"time\":1}",
     "incident.state: expected one of \"open\" \"update\" \"closed\""},
    {"{\"id\":\"a\",\"by\":\"rule\",\"state\":\"open\",\"class\":\"a\\nb\",\"time\":1}",
     "incident.class: expected text without control characters"},
    {"{\"id\":\"a\",\"by\":\"rule\",\"state\":\"open\",\"class\":\"scan\"}", "incident.time: missing"},
};

START_TEST(refuses) {
    CollectorBatch batch;
    CoreError error = {0};
    const char *body = refused[_i].body;
    ck_assert_msg(collector_batch_parse(body, strlen(body), &batch, &error) == CORE_FORMAT, "%s", body);
    ck_assert_msg(strstr(error.text, refused[_i].error) != NULL, "%s: %s", body, error.text);
    collector_batch_free(&batch);
}
END_TEST

/* Every prefix of a good body is refused, none is half accepted. */
START_TEST(refuses_every_truncation) {
    static const char body[] =
        "{\"incidents\":[{" GOOD ",\"evidence\":[\"\\ud83d\\ude00\"],\"p\":0.5},{" GOOD "}]}";
    for (size_t length = 0; length < sizeof body - 1; length++) {
        CollectorBatch batch;
        ck_assert_int_eq(collector_batch_parse(body, length, &batch, NULL), CORE_FORMAT);
        collector_batch_free(&batch);
    }
}
END_TEST

static char *repeat(const char *head, const char *part, size_t count, const char *tail) {
    size_t length = strlen(part);
    char *text = malloc(strlen(head) + count * length + strlen(tail) + 1), *at = text;
    at += snprintf(at, strlen(head) + 1, "%s", head);
    for (size_t i = 0; i < count; i++, at += length)
        memcpy(at, part, length);
    snprintf(at, strlen(tail) + 1, "%s", tail);
    return text;
}

START_TEST(bounds_sizes) {
    static const struct {
        const char *head, *part;
        size_t most;
        const char *tail;
    } cases[] = {
        {"{\"by\":\"model\",\"state\":\"open\",\"class\":\"c\",\"time\":1,\"id\":\"", "x", 128, "\"}"},
        {"{\"by\":\"model\",\"state\":\"open\",\"id\":\"i\",\"time\":1,\"class\":\"", "x", 64, "\"}"},
        {"{" GOOD ",\"client\":\"", "x", 256, "\"}"},
        {"{" GOOD ",\"target\":\"", "x", 1024, "\"}"},
        {"{" GOOD ",\"sensor\":\"", "\xc3\xa9", 128, "\"}"},
        {"{" GOOD ",\"evidence\":[\"", "x", 8192, "\"]}"},
        {"{" GOOD ",\"sources\":[\"\"", ",\"\"", 4095, "]}"},
        {"{\"incidents\":[{" GOOD "}", ",{" GOOD "}", COLLECTOR_BATCH_LIMIT - 1, "]}"},
        {"{" GOOD ",\"deep\":", "[", 100000, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t over = 0; over < 2; over++) {
            CollectorBatch batch;
            CoreError error = {0};
            char *body = repeat(cases[i].head, cases[i].part, cases[i].most + over, cases[i].tail);
            CoreStatus status = collector_batch_parse(body, strlen(body), &batch, &error);
            bool fits = over == 0 && cases[i].tail[0] != '\0';
            ck_assert_msg((status == CORE_OK) == fits, "%s %zu: %s", cases[i].head, over, error.text);
            collector_batch_free(&batch);
            free(body);
        }
}
END_TEST

TCase *incident_tests(void) {
    TCase *tests = tcase_create("incident");
    tcase_add_test(tests, takes_all_fields);
    tcase_add_test(tests, fills_in_what_is_missing);
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tests, refuses_every_truncation);
    tcase_add_test(tests, bounds_sizes);
    return tests;
}
