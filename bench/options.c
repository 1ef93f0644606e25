/* What the commands' options have in common: numbers, and lists of words.
 * Relies on: libc.
 * Relied on by: the command files. */
#include "bench/options.h"

#include <stdlib.h>
#include <string.h>

/* The number at the start of *text, which is moved behind it. */
static bool next_count(const char **text, size_t greatest, size_t *value) {
    char *end;
    if (**text < '0' || **text > '9') return false;
    const unsigned long number = strtoul(*text, &end, 10);
    *text = end;
    *value = number;
    return number >= 1 && number <= greatest;
}

bool bench_read_count(const char *text, size_t greatest, size_t *value) {
    return next_count(&text, greatest, value) && !*text;
}

bool bench_read_counts(const char *text, size_t greatest, size_t values[BENCH_LIST_MAX], size_t *count) {
    for (*count = 0; *count < BENCH_LIST_MAX;) {
        if (!next_count(&text, greatest, &values[(*count)++])) return false;
        if (!*text) return true;
        if (*text++ != ',') return false;
    }
    return false;
}

bool bench_read_words(const char *text, const char *const *words, size_t n, unsigned *mask) {
    for (*mask = 0;; text++) {
        const size_t length = strcspn(text, ",");
        size_t i = 0;
        while (i < n && (strlen(words[i]) != length || strncmp(words[i], text, length) != 0))
            i++;
        if (i == n) return false;
        *mask |= 1u << i;
        text += length;
        if (!*text) return true;
    }
}
