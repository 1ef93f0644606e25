/* Tab-separated tables and files of lines.
 * Relies on: data/dataset (compressed files).
 * Relied on by: bench/session.c. */
#include "bench/table.h"

#include "data/dataset/compressed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNPACKED_MAX ((uint64_t)4 << 30) /* labels are about 30 bytes a message */

CoreStatus bench_lines_open(const char *path, bool compressed, BenchLines *lines, CoreError *error) {
    *lines = (BenchLines){0};
    int length = snprintf(lines->path, sizeof lines->path, "%s.xz", path);
    if (length < 0 || (size_t)length >= sizeof lines->path)
        return core_fail(error, CORE_LIMIT, "%s: name too long", path);
    if (!compressed || access(lines->path, F_OK)) {
        lines->path[length - 3] = '\0';
        lines->file = fopen(lines->path, "r");
    } else {
        size_t size;
        CoreStatus status = compressed_read(lines->path, UNPACKED_MAX, &lines->unpacked, &size, error);
        if (status) return status;
        lines->file = size ? fmemopen(lines->unpacked, size, "r") : fopen("/dev/null", "r");
    }
    if (!lines->file) {
        bench_lines_close(lines);
        return core_fail(error, CORE_IO, "%s: %s", lines->path, strerror(errno));
    }
    return CORE_OK;
}

CoreStatus bench_lines_next(BenchLines *lines, CoreError *error) {
    errno = 0;
    ssize_t length = getline(&lines->line, &lines->capacity, lines->file);
    if (length < 0 && (errno || ferror(lines->file)))
        return core_fail(error, CORE_IO, "%s: %s", lines->path, strerror(errno));
    if (length < 0) return CORE_END;
    while (length && (lines->line[length - 1] == '\n' || lines->line[length - 1] == '\r'))
        lines->line[--length] = '\0';
    lines->length = (size_t)length;
    lines->number++;
    return CORE_OK;
}

void bench_lines_close(BenchLines *lines) {
    if (lines->file) fclose(lines->file);
    free(lines->line);
    free(lines->unpacked);
    lines->file = NULL;
    lines->line = lines->unpacked = NULL;
}

static CoreStatus read_header(BenchTable *table, const char *const *names, CoreError *error) {
    CoreStatus status = bench_lines_next(&table->lines, error);
    if (status == CORE_END)
        return core_fail(error, CORE_FORMAT, "%s: empty, a header was expected", table->lines.path);
    if (status) return status;
    bool found[BENCH_COLUMNS_MAX] = {false};
    char *rest = table->lines.line;
    for (char *cell; (cell = strsep(&rest, "\t")) != NULL; table->n_columns++) {
        if (table->n_columns == BENCH_COLUMNS_MAX * 2)
            return core_fail(error, CORE_LIMIT, "%s: more than %d columns", table->lines.path,
                             BENCH_COLUMNS_MAX * 2);
        table->wanted_of[table->n_columns] = -1;
        for (size_t i = 0; i < table->n_wanted; i++)
            if (strcmp(cell, names[i]) == 0) table->wanted_of[table->n_columns] = (int)i, found[i] = true;
    }
    for (size_t i = 0; i < table->n_wanted; i++)
        if (!found[i])
            return core_fail(error, CORE_FORMAT, "%s: no column \"%s\"", table->lines.path, names[i]);
    return CORE_OK;
}

CoreStatus bench_table_open(const char *path, const char *const *names, size_t n_wanted, BenchTable *table,
                            CoreError *error) {
    *table = (BenchTable){.n_wanted = n_wanted};
    CoreStatus status = bench_lines_open(path, true, &table->lines, error);
    if (status) return status;
    status = read_header(table, names, error);
    if (status) bench_table_close(table);
    return status;
}

CoreStatus bench_table_next(BenchTable *table, CoreError *error) {
    CoreStatus status;
    do
        status = bench_lines_next(&table->lines, error);
    while (status == CORE_OK && table->lines.length == 0);
    if (status) return status;
    for (size_t i = 0; i < table->n_wanted; i++)
        table->values[i] = NULL;
    char *rest = table->lines.line, *cell;
    for (size_t column = 0; column < table->n_columns && (cell = strsep(&rest, "\t")) != NULL; column++)
        if (table->wanted_of[column] >= 0) table->values[table->wanted_of[column]] = cell;
    for (size_t i = 0; i < table->n_wanted; i++)
        if (!table->values[i])
            return core_fail(error, CORE_FORMAT, "%s:%zu: too few columns", table->lines.path,
                             table->lines.number);
    return CORE_OK;
}

void bench_table_close(BenchTable *table) {
    bench_lines_close(&table->lines);
}
