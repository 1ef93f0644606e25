/* Tables of text, line by line: tab- or comma-separated fields with errors that name file, line and column.
 * Relies on: engine/core/status.h.
 * Relied on by: labels.c. */
#include "data/dataset/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char byte_order_mark[] = "\xef\xbb\xbf";

static const char *skip_mark(const char *text, size_t size) {
    size_t length = sizeof byte_order_mark - 1;
    return size >= length && memcmp(text, byte_order_mark, length) == 0 ? text + length : text;
}

/* The length of the line at `at`, without its end; *next is the start of the next. */
static size_t line_length(const char *at, const char *end, const char **next) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    *next = stop ? stop + 1 : end;
    if (!stop) stop = end;
    if (stop > at && stop[-1] == '\r') stop--;
    return (size_t)(stop - at);
}

static void join(char *out, size_t room, char separator, const char *const *columns, unsigned n_columns) {
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < n_columns && used < room; i++) {
        int wrote = i ? snprintf(out + used, room - used, "%c%s", separator, columns[i])
                      : snprintf(out + used, room - used, "%s", columns[i]);
        if (wrote > 0) used += (size_t)wrote;
    }
}

bool lines_header_is(const char *text, size_t size, char separator, const char *const *columns,
                     unsigned n_columns) {
    char header[256];
    const char *next, *at = skip_mark(text, size);
    join(header, sizeof header, separator, columns, n_columns);
    size_t length = line_length(at, text + size, &next);
    return length == strlen(header) && memcmp(at, header, length) == 0;
}

CoreStatus lines_begin(Lines *lines, const char *name, const char *text, size_t size, char separator,
                       const char *const *columns, unsigned n_columns, CoreError *error) {
    char header[256];
    memset(lines, 0, sizeof *lines);
    lines->name = name;
    lines->separator = separator;
    lines->columns = columns;
    lines->n_columns = n_columns;
    lines->error = error;
    join(header, sizeof header, ' ', columns, n_columns);
    if (!lines_header_is(text, size, separator, columns, n_columns))
        return core_fail(error, CORE_FORMAT,
                         "%s line 1: not the header of a known table (expected the %s-separated columns %s)",
                         name, separator == '\t' ? "tab" : "comma", header);
    line_length(skip_mark(text, size), text + size, &lines->at);
    lines->end = text + size;
    lines->line = 1;
    lines->buffer = malloc(LINES_LENGTH_MAX);
    return lines->buffer ? CORE_OK : core_fail(error, CORE_MEMORY, "%s: no memory to read it", name);
}

void lines_free(Lines *lines) {
    free(lines->buffer);
    lines->buffer = NULL;
}

static CoreStatus fail_line(const Lines *lines, const char *what) {
    return core_fail(lines->error, CORE_FORMAT, "%s line %u: %s", lines->name, (unsigned)lines->line, what);
}

CoreStatus lines_fail(const Lines *lines, unsigned column, const char *what) {
    char shown[48];
    size_t length = lines->lengths[column], kept = 0;
    for (; kept < length && kept < sizeof shown - 1; kept++) {
        unsigned char byte = (unsigned char)lines->fields[column][kept];
        shown[kept] = (char)(byte < ' ' || byte > '~' ? '?' : byte);
    }
    shown[kept] = '\0';
    return core_fail(lines->error, CORE_FORMAT, "%s line %u, %s: %s: '%s%s'", lines->name,
                     (unsigned)lines->line, lines->columns[column], what, shown, kept < length ? "..." : "");
}

/* Unquotes a field that starts behind a double quote, in place; returns what follows the closing quote. */
static char *unquote(char *at, char **end) {
    char *out = at;
    while (*at) {
        if (*at == '"' && at[1] != '"') {
            *end = out;
            return at + 1;
        }
        if (*at == '"') at++;
        *out++ = *at++;
    }
    return NULL;
}

/* Cuts the next field off; returns what follows its separator, NULL at the line's end; false if malformed. */
static bool cut_field(Lines *lines, char **at, unsigned field) {
    char *start = *at, *end, *next;
    if (lines->separator == ',' && *start == '"') {
        next = unquote(++start, &end);
        if (!next || (*next && *next != ',')) return false;
    } else {
        next = start + strcspn(start, lines->separator == '\t' ? "\t" : ",");
        end = next;
    }
    *at = *next ? next + 1 : NULL;
    *end = '\0';
    lines->fields[field] = start;
    lines->lengths[field] = (size_t)(end - start);
    return true;
}

static CoreStatus cut_line(Lines *lines) {
    char what[96], *at = lines->buffer;
    unsigned found = 0;
    for (; at; found++) {
        char *dummy = at;
        if (found == lines->n_columns) return fail_line(lines, "more fields than columns");
        if (!cut_field(lines, &dummy, found)) return fail_line(lines, "a quoted field that does not end");
        at = dummy;
    }
    if (found == lines->n_columns) return CORE_OK;
    snprintf(what, sizeof what, "%u fields where %u are expected; %s is missing", found, lines->n_columns,
             lines->columns[found]);
    return fail_line(lines, what);
}

CoreStatus lines_next(Lines *lines) {
    while (lines->at < lines->end) {
        const char *line = lines->at;
        size_t length = line_length(line, lines->end, &lines->at);
        if (lines->line == UINT32_MAX) return fail_line(lines, "too many lines");
        lines->line++;
        if (length == 0) continue;
        if (length >= LINES_LENGTH_MAX) return fail_line(lines, "too long");
        if (memchr(line, '\0', length)) return fail_line(lines, "a zero byte");
        memcpy(lines->buffer, line, length);
        lines->buffer[length] = '\0';
        return cut_line(lines);
    }
    return CORE_END;
}

CoreStatus lines_number(const Lines *lines, unsigned column, uint64_t maximum, uint64_t *value) {
    const char *at = lines->fields[column];
    uint64_t sum = 0;
    if (!*at) return lines_fail(lines, column, "a number is missing");
    for (; *at; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (digit > 9 || *at < '0') return lines_fail(lines, column, "not a whole number");
        if (digit > maximum || sum > (maximum - digit) / 10)
            return lines_fail(lines, column, "too large a number");
        sum = sum * 10 + digit;
    }
    *value = sum;
    return CORE_OK;
}

CoreStatus lines_time(const Lines *lines, unsigned column, int64_t *time_ns) {
    /* Up to the year 2262, where 64 bits of nanoseconds end. */
    static const int64_t last_second = INT64_MAX / 1000000000 - 1;
    const char *at = lines->fields[column];
    int64_t seconds = 0, fraction = 0, unit = 1000000000;
    if (*at < '0' || *at > '9') return lines_fail(lines, column, "not a time in seconds since the epoch");
    for (; *at >= '0' && *at <= '9'; at++) {
        seconds = seconds * 10 + (*at - '0');
        if (seconds > last_second) return lines_fail(lines, column, "a time after the year 2262");
    }
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9' && unit > 1; at++) {
            unit /= 10;
            fraction += (*at - '0') * unit;
        }
    if (*at) return lines_fail(lines, column, "not a time in seconds since the epoch");
    *time_ns = seconds * 1000000000 + fraction;
    return CORE_OK;
}
