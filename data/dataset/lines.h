/* Tables of text, line by line: tab- or comma-separated fields with errors that name file, line and column.
 * Relies on: engine/core/status.h, data/wire/message.h.
 * Relied on by: labels.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_LINES_H
#define SIPCNN_DATASET_LINES_H

#include "data/wire/message.h"
#include "engine/core/status.h"

#include <stddef.h>

enum {
    LINES_FIELDS_MAX = 16,
    LINES_LENGTH_MAX = 1 << 19, /* the line of a run names its clients: 10,000 IPv6 addresses */
};

/* One table being read. `fields` of the current line are zero-terminated and live until the next one. */
typedef struct Lines {
    const char *name; /* of the file */
    const char *at, *end;
    char separator;
    const char *const *columns; /* names, for errors */
    unsigned n_columns;
    uint32_t line; /* 1-based, of the fields */
    char *fields[LINES_FIELDS_MAX];
    size_t lengths[LINES_FIELDS_MAX];
    char *buffer; /* LINES_LENGTH_MAX */
    CoreError *error;
} Lines;

/* Starts a table whose first line must be exactly the columns' names. The text is borrowed. lines_free after
 * any outcome. CORE_FORMAT, CORE_MEMORY. */
CORE_NODISCARD CoreStatus lines_begin(Lines *lines, const char *name, const char *text, size_t size,
                                      char separator, const char *const *columns, unsigned n_columns,
                                      CoreError *error);

/* True if the first line of the text is these columns' names. */
bool lines_header_is(const char *text, size_t size, char separator, const char *const *columns,
                     unsigned n_columns);

/* The next line that is not empty, with one field per column. CORE_END behind the last. A field of a
 * comma-separated table may stand in double quotes (RFC 4180, without line breaks). */
CORE_NODISCARD CoreStatus lines_next(Lines *lines);

/* Fills the error with "NAME line N, column: what 'field'" and returns CORE_FORMAT. */
CoreStatus lines_fail(const Lines *lines, unsigned column, const char *what);

/* A whole number of 0..maximum. */
CORE_NODISCARD CoreStatus lines_number(const Lines *lines, unsigned column, uint64_t maximum,
                                       uint64_t *value);

/* Seconds since the epoch with up to nine decimals, as ns. */
CORE_NODISCARD CoreStatus lines_time(const Lines *lines, unsigned column, int64_t *time_ns);

void lines_free(Lines *lines);

#endif
