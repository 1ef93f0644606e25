/* What the commands' options have in common: numbers, and lists of words.
 * Relies on: libc.
 * Relied on by: the command files. */
#ifndef SIPCNN_BENCH_OPTIONS_H
#define SIPCNN_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The whole number from 1 to `greatest` that `text` is; false, *value undefined, when it is none. */
bool bench_read_count(const char *text, size_t greatest, size_t *value);

enum { BENCH_LIST_MAX = 8 };

/* The numbers of "1,2"; *count of them, at most BENCH_LIST_MAX. False: one is no number from 1 to `greatest`.
 */
bool bench_read_counts(const char *text, size_t greatest, size_t values[BENCH_LIST_MAX], size_t *count);

/* The words of "train,infer" as bits: bit i stands for words[i], i < n <= 32. False: one is unknown, or none
 * is there. */
bool bench_read_words(const char *text, const char *const *words, size_t n, unsigned *mask);

#endif
