/* A writer of JSON lines into a fixed buffer: whatever SIP carries comes out as valid, harmless JSON.
 * Relies on: libc.
 * Relied on by: infer/verdict_json. */
#ifndef SIPCNN_INFER_JSON_H
#define SIPCNN_INFER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text goes to bytes[0 .. length). When `capacity` is too small, `full` is set, nothing is written beyond it,
 * and the line is not to be used. The caller writes the members in order; json_* functions only know values.
 */
typedef struct SipcnnJson {
    char *bytes;
    size_t capacity, length;
    bool full;
} SipcnnJson;

/* Copies JSON text as it is: braces, commas, quoted keys. */
void sipcnn_json_raw(SipcnnJson *json, const char *text);
/* A string of `length` bytes, quoted: control bytes, quotes, backslashes, < > & and U+2028/9 are escaped,
 * each maximal part of broken UTF-8 becomes U+FFFD (Unicode 15, section 3.9). */
void sipcnn_json_string(SipcnnJson *json, const void *text, size_t length);
void sipcnn_json_unsigned(SipcnnJson *json, uint64_t value);
/* Nanoseconds since the epoch as seconds: six decimals, nine where six would lose something. */
void sipcnn_json_time(SipcnnJson *json, int64_t time_ns);
/* A number with at most six decimals; NaN is written as 0, what is beyond 1e9 as 1e9 (with its sign). */
void sipcnn_json_number(SipcnnJson *json, double value);

#endif
