/* What the suites of this room share: guarded memory, files, the corpus, checks of a scan.
 * Relies on: data/wire/scan.h, libc.
 * Relied on by: tests/wire. */
#ifndef SIPCNN_TESTS_WIRE_SUPPORT_H
#define SIPCNN_TESTS_WIRE_SUPPORT_H

#include "data/wire/scan.h"

#include <stddef.h>

/* A copy of the bytes whose end (at_end) or begin touches an inaccessible page: a read outside is a crash.
 * One copy at a time; length at most 128 KiB. */
uint8_t *guarded_copy(const void *bytes, size_t length, bool at_end);

/* The whole file, malloc'ed; NULL if it cannot be read. */
uint8_t *read_file(const char *path, size_t *length);

/* Path of a file of the third-party corpus (static buffer), or NULL if the corpus is absent. */
const char *corpus_path(const char *name);

/* Path of a file beside these tests (static buffer). */
const char *fixture_path(const char *name);

/* A file of the given bytes in a fresh temporary directory (static buffer); the test process leaves it. */
const char *temporary_file(const void *bytes, size_t length);

/* "NAME@offset,NAME@offset" of a scan, sorted by discovery (static buffer). */
const char *anomalies_text(const WireScan *scan);

/* True if the slice of the message reads `text`. */
bool slice_is(const uint8_t *message, WireSlice slice, const char *text);

/* NULL, or what is wrong with a scan of `length` bytes: a slice outside, a count over its bound. */
const char *scan_fault(const WireScan *scan, uint32_t length);

/* A small counter-based generator, so that a seed names a test for ever (SplitMix64). */
static inline uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

#endif
