/* Buffers between two forbidden pages.
 * Relies on: mmap.
 * Relied on by: tests/kernels. */
#include "tests/kernels/guard.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

Guard guard_new(size_t size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t inner = (size + page - 1) / page * page;
    char *mapping = mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED || mprotect(mapping + page, inner, PROT_READ | PROT_WRITE) != 0) abort();
    return (Guard){.start = mapping + page, .size = inner};
}

void guard_free(Guard *guard) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(guard->start - page, guard->size + 2 * page);
    guard->start = NULL;
}

void *guard_place(const Guard *guard, size_t bytes, bool at_end) {
    if (bytes > guard->size) abort();
    return at_end ? guard->start + guard->size - bytes : guard->start;
}
