/* A writer of JSON lines into a fixed buffer.
 * Relies on: libc.
 * Relied on by: infer/verdict_json. */
#include "infer/json.h"

#include <string.h>

static void put(SipcnnJson *json, const char *text, size_t length) {
    if (json->full || length > json->capacity - json->length) {
        json->full = true;
        return;
    }
    memcpy(json->bytes + json->length, text, length);
    json->length += length;
}

void sipcnn_json_raw(SipcnnJson *json, const char *text) {
    put(json, text, strlen(text));
}

/* ---- strings ---- */

/* Bytes that may stand as they are: printable ASCII but for quotes, backslash and what HTML gives meaning to.
 */
static bool is_plain(uint8_t byte) {
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\' && byte != '<' && byte != '>' &&
           byte != '&';
}

static void put_escape(SipcnnJson *json, unsigned unit) {
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\',
                    'u',
                    digits[unit >> 12 & 15],
                    digits[unit >> 8 & 15],
                    digits[unit >> 4 & 15],
                    digits[unit & 15]};
    put(json, text, sizeof text);
}

/* Length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), or, as a negative number, of the
 * maximal part of one that is to be replaced as a whole. */
static int utf8_length(const uint8_t *at, const uint8_t *end) {
    uint8_t lead = at[0];
    int length = lead >= 0xc2 && lead <= 0xdf   ? 2
                 : (lead & 0xf0) == 0xe0        ? 3
                 : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                : 0;
    if (length == 0) return -1;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < length; i++, low = 0x80, high = 0xbf)
        if (at + i == end || at[i] < low || at[i] > high) return -i;
    return length;
}

static const uint8_t *put_special(SipcnnJson *json, const uint8_t *at, const uint8_t *end) {
    if (*at == '"' || *at == '\\') {
        char text[2] = {'\\', (char)*at};
        put(json, text, sizeof text);
        return at + 1;
    }
    if (*at < 0x80) {
        put_escape(json, *at);
        return at + 1;
    }
    int length = utf8_length(at, end);
    if (length < 0) {
        put(json, "\xef\xbf\xbd", 3);
        return at - length;
    }
    /* U+2028 and U+2029 end a line in JavaScript; U+0080 to U+009F steer terminals. */
    if (length == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9))
        put_escape(json, 0x2000u + (at[2] & 0x3fu));
    else if (length == 2 && at[0] == 0xc2 && at[1] < 0xa0)
        put_escape(json, at[1]);
    else
        put(json, (const char *)at, (size_t)length);
    return at + length;
}

void sipcnn_json_string(SipcnnJson *json, const void *text, size_t length) {
    const uint8_t *at = text, *end = at + length;
    put(json, "\"", 1);
    while (at < end) {
        const uint8_t *start = at;
        while (at < end && is_plain(*at))
            at++;
        put(json, (const char *)start, (size_t)(at - start));
        if (at < end) at = put_special(json, at, end);
    }
    put(json, "\"", 1);
}

/* ---- numbers ---- */

/* `value` in decimal, with leading zeros up to `width`; returns its length. `text` has 20 bytes or more. */
static size_t decimal(uint64_t value, size_t width, char *text) {
    char reversed[24];
    size_t n = 0, length = 0;
    for (; value > 0 || n < width; value /= 10)
        reversed[n++] = (char)('0' + value % 10);
    while (n > 0)
        text[length++] = reversed[--n];
    return length;
}

void sipcnn_json_unsigned(SipcnnJson *json, uint64_t value) {
    char text[24];
    put(json, text, decimal(value, 1, text));
}

void sipcnn_json_time(SipcnnJson *json, int64_t time_ns) {
    char text[48];
    size_t length = 0;
    if (time_ns < 0) text[length++] = '-';
    uint64_t ns = time_ns < 0 ? 0 - (uint64_t)time_ns : (uint64_t)time_ns;
    length += decimal(ns / 1000000000, 1, text + length);
    text[length++] = '.';
    if (ns % 1000 == 0)
        length += decimal(ns % 1000000000 / 1000, 6, text + length);
    else
        length += decimal(ns % 1000000000, 9, text + length);
    put(json, text, length);
}

void sipcnn_json_number(SipcnnJson *json, double value) {
    char text[48];
    size_t length = 0;
    if (!(value == value)) value = 0;
    if (value > 1e9) value = 1e9;
    if (value < -1e9) value = -1e9;
    double size = value < 0 ? -value : value;
    uint64_t millionths = (uint64_t)(size * 1e6 + 0.5);
    if (value < 0 && millionths > 0) text[length++] = '-';
    length += decimal(millionths / 1000000, 1, text + length);
    if (millionths % 1000000 != 0) {
        text[length++] = '.';
        length += decimal(millionths % 1000000, 6, text + length);
        while (text[length - 1] == '0')
            length--;
    }
    put(json, text, length);
}
