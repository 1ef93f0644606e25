/* How much a test does: all of it, or under the presets that instrument every access less of the same.
 * Relies on: the environment.
 * Relied on by: tests whose size gives certainty, not coverage; sizes.py says the same to scripts. */
#ifndef SIPCNN_TESTS_SIZES_H
#define SIPCNN_TESTS_SIZES_H

#include <stdlib.h>
#include <string.h>

/* `small` where SIPCNN_TEST_SIZE is "small", as the test presets asan and tsan set it (CMakePresets.json),
 * else `full`. Every path runs at either size: repetitions, rows and epochs may become fewer. Whether the
 * arithmetic learns is the same in every build and told by Release. ./test.sh --long runs the full sizes
 * under sanitizers. */
static inline unsigned test_size(unsigned full, unsigned small) {
    const char *size = getenv("SIPCNN_TEST_SIZE");
    return size && strcmp(size, "small") == 0 ? small : full;
}

#endif
