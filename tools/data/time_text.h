/* Times as people and other programs write them.
 * Relies on: libc.
 * Relied on by: tools/data/label. */
#ifndef SIPCNN_TOOLS_DATA_TIME_TEXT_H
#define SIPCNN_TOOLS_DATA_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads epoch seconds ("1796067328.5") or ISO 8601 with a zone or UTC ("2026-11-30T19:40:00.25+0100",
 * "2026-11-30 19:40:00Z") as ns since the epoch; false if it is neither, or before 1970 or after 2255. */
bool time_text_parse(const char *text, int64_t *time_ns);

/* Writes "2026-11-30 19:40:00" (UTC) and returns `text`; 20 bytes are enough. */
char *time_text_format(int64_t time_ns, char *text, size_t capacity);

#endif
