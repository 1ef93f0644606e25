/* The JSON writer: exact texts, and any bytes against jansson.
 * Relies on: infer/json, jansson, Check.
 * Relied on by: tests/infer/test_infer. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/json.h"
#include "tests/infer/suites.h"

static char buffer[1 << 16];

static const char *string_text(const void *text, size_t length) {
    SipcnnJson json = {.bytes = buffer, .capacity = sizeof buffer - 1};
    sipcnn_json_string(&json, text, length);
    ck_assert(!json.full);
    buffer[json.length] = '\0';
    return buffer;
}

START_TEST(strings_are_escaped) {
    static const struct {
        const char *in, *out;
        size_t length; /* 0: strlen */
    } cases[] = {
        {"", "\"\"", 0},
        {"sip:100@10.0.0.1", "\"sip:100@10.0.0.1\"", 0},
        {"a\"b\\c", "\"a\\\"b\\\\c\"", 0},
        {"\0\x01\x1f\x7f", "\"\\u0000\\u0001\\u001f\\u007f\"", 4},
        {"</script>&", "\"\\u003c/script\\u003e\\u0026\"", 0},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\x9e", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\x9e\"", 0},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"", 0},
        {"\xc2\x9b"
         "31m",
         "\"\\u009b31m\"", 0}, /* a terminal's CSI */
        /* Unicode 15, table 3-8: one replacement per maximal part. */
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
         "A\"",
         0},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41",
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
         "A\"",
         0},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42",
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
         "A\xef\xbf\xbd\xef\xbf\xbd"
         "B\"",
         0},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41",
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
         "A\"",
         0},
        {"cut \xe2\x82", "\"cut \xef\xbf\xbd\"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(string_text(cases[i].in, cases[i].length ? cases[i].length : strlen(cases[i].in)),
                         cases[i].out);
}
END_TEST

/* jansson decodes strictly: what we write for random bytes must be a string, and where the input was valid
 * UTF-8 the same one. */
START_TEST(random_bytes_are_valid_json) {
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        uint8_t text[48];
        size_t length = 0;
        for (; length < sizeof text; length++) {
            random = random * 1664525u + 1013904223u;
            if (random >> 28 == 0) break;
            uint8_t byte = (uint8_t)(random >> 16);
            text[length] = random >> 27 & 1 ? byte : (uint8_t)(0x80 | (byte & 0x3f)); /* more continuations */
        }
        const char *written = string_text(text, length);
        json_error_t error;
        json_t *value = json_loads(written, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        ck_assert_msg(value != NULL, "%s in %s", error.text, written);
        json_t *same = json_stringn((const char *)text, length);
        if (same != NULL) ck_assert(json_equal(same, value));
        json_decref(same);
        json_decref(value);
    }
}
END_TEST

static const char *number_text(double value) {
    SipcnnJson json = {.bytes = buffer, .capacity = sizeof buffer - 1};
    sipcnn_json_number(&json, value);
    buffer[json.length] = '\0';
    return buffer;
}

START_TEST(numbers_are_decimal) {
    ck_assert_str_eq(number_text(0), "0");
    ck_assert_str_eq(number_text(-0.0), "0");
    ck_assert_str_eq(number_text(1), "1");
    ck_assert_str_eq(number_text(0.01f), "0.01");
    ck_assert_str_eq(number_text(0.9999996), "1");
    ck_assert_str_eq(number_text(1e-7), "0");
    ck_assert_str_eq(number_text(-1e-7), "0");
    ck_assert_str_eq(number_text(-12.5), "-12.5");
    ck_assert_str_eq(number_text(123456.789012), "123456.789012");
    ck_assert_str_eq(number_text(1e300), "1000000000");
    ck_assert_str_eq(number_text(-INFINITY), "-1000000000");
    ck_assert_str_eq(number_text(NAN), "0");
    for (int i = 0; i < 100000; i++) {
        double value = (i * 7919 % 2000001 - 1000000) / 997.0;
        ck_assert(fabs(strtod(number_text(value), NULL) - value) <= 0.5000001e-6);
    }
}
END_TEST

static const char *time_text(int64_t time_ns) {
    SipcnnJson json = {.bytes = buffer, .capacity = sizeof buffer - 1};
    sipcnn_json_time(&json, time_ns);
    buffer[json.length] = '\0';
    return buffer;
}

START_TEST(times_keep_every_digit) {
    ck_assert_str_eq(time_text(1795524750728123000), "1795524750.728123");
    ck_assert_str_eq(time_text(1795524750728123456), "1795524750.728123456");
    ck_assert_str_eq(time_text(1795524750000000001), "1795524750.000000001");
    ck_assert_str_eq(time_text(0), "0.000000");
    ck_assert_str_eq(time_text(-1500000000), "-1.500000");
    ck_assert_str_eq(time_text(INT64_MIN), "-9223372036.854775808");
    ck_assert_str_eq(time_text(INT64_MAX), "9223372036.854775807");
}
END_TEST

START_TEST(a_full_buffer_is_noticed) {
    char small[8 + 1];
    memset(small, '#', sizeof small);
    SipcnnJson json = {.bytes = small, .capacity = 8};
    sipcnn_json_raw(&json, "{\"a\":");
    sipcnn_json_unsigned(&json, 123);
    ck_assert(!json.full);
    sipcnn_json_raw(&json, "}");
    ck_assert(json.full);
    sipcnn_json_string(&json, "x", 1);
    ck_assert_uint_eq(json.length, 8);
    ck_assert_int_eq(small[8], '#');
}
END_TEST

TCase *json_cases(void) {
    TCase *cases = tcase_create("json");
    tcase_add_test(cases, strings_are_escaped);
    tcase_add_test(cases, random_bytes_are_valid_json);
    tcase_add_test(cases, numbers_are_decimal);
    tcase_add_test(cases, times_keep_every_digit);
    tcase_add_test(cases, a_full_buffer_is_noticed);
    return cases;
}
