/* Names in the order of their first appearance: byte strings to dense numbers and back.
 * Relies on: engine/core.
 * Relied on by: bench/session.c, bench/accuracy.c. */
#ifndef SIPCNN_BENCH_NAMES_H
#define SIPCNN_BENCH_NAMES_H

#include "engine/core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of byte strings; the one added first has number 0. Zero-initialise; free with bench_names_free. One
 * set belongs to one thread. */
typedef struct BenchNames {
    uint32_t count;
    uint32_t capacity; /* entries allocated */
    struct BenchName *entries;
    uint32_t *table; /* open addressing: number + 1, 0 is free */
    uint32_t table_size;
} BenchNames;

/* The number of `key` (any bytes, copied) in *number, added if it is new; *added (may be NULL) tells.
 * CORE_MEMORY. */
CORE_NODISCARD CoreStatus bench_names_add(BenchNames *names, const void *key, size_t size, uint32_t *number,
                                          bool *added, CoreError *error);
/* As bench_names_add for a zero-terminated text. */
CORE_NODISCARD CoreStatus bench_names_add_text(BenchNames *names, const char *text, uint32_t *number,
                                               CoreError *error);
/* Whether `key` is there; its number in *number. */
bool bench_names_find(const BenchNames *names, const void *key, size_t size, uint32_t *number);
/* The bytes of a name, zero-terminated; borrowed until bench_names_free. */
const char *bench_names_text(const BenchNames *names, uint32_t number);
void bench_names_free(BenchNames *names);

#endif
