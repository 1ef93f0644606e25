/* Tab-separated tables with a header, and files read line by line, plain or compressed with xz.
 * Relies on: data/dataset (compressed files).
 * Relied on by: bench/session.c. */
#ifndef SIPCNN_BENCH_TABLE_H
#define SIPCNN_BENCH_TABLE_H

#include "engine/core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A file's lines, one at a time. */
typedef struct BenchLines {
    char path[4096]; /* of the file that was opened */
    FILE *file;
    char *unpacked; /* of an .xz file */
    char *line;     /* the current line without its end; borrowed until the next */
    size_t length, capacity;
    size_t number; /* of the current line, from 1 */
} BenchLines;

/* Opens `path`, or path.xz when that exists and `compressed` allows it. CORE_IO, CORE_FORMAT (damaged xz). */
CORE_NODISCARD CoreStatus bench_lines_open(const char *path, bool compressed, BenchLines *lines,
                                           CoreError *error);
/* The next line; CORE_END after the last. */
CORE_NODISCARD CoreStatus bench_lines_next(BenchLines *lines, CoreError *error);
void bench_lines_close(BenchLines *lines);

enum { BENCH_COLUMNS_MAX = 16 };

/* A table: the wanted columns of each row, found by the header's names. */
typedef struct BenchTable {
    BenchLines lines;
    size_t n_wanted, n_columns;
    int wanted_of[BENCH_COLUMNS_MAX * 2];  /* column of the file -> wanted column or -1 */
    const char *values[BENCH_COLUMNS_MAX]; /* of the current row, by wanted column; borrowed until the next */
} BenchTable;

/* Opens a table and finds the n_wanted column `names`; CORE_FORMAT when one is missing. */
CORE_NODISCARD CoreStatus bench_table_open(const char *path, const char *const *names, size_t n_wanted,
                                           BenchTable *table, CoreError *error);
/* The next row that is not empty; CORE_END after the last, CORE_FORMAT when it is too short. */
CORE_NODISCARD CoreStatus bench_table_next(BenchTable *table, CoreError *error);
void bench_table_close(BenchTable *table);

#endif
