/* Buffers between two forbidden pages: a kernel that reads or writes outside of its extents dies, without
 * ASan. Relies on: mmap. Relied on by: tests/kernels. */
#ifndef SIPCNN_TESTS_GUARD_H
#define SIPCNN_TESTS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Guard {
    char *start; /* accessible memory, a forbidden page on either side */
    size_t size;
} Guard;

/* A guarded region of at least `size` bytes; aborts the test program when there is no memory. */
Guard guard_new(size_t size);
void guard_free(Guard *guard);
/* `bytes` bytes at the very end of the region (an over-read faults) or at its very start (an under-read
 * faults). */
void *guard_place(const Guard *guard, size_t bytes, bool at_end);

#endif
