/* Overflow-checked arithmetic on sizes: every sum or product of numbers from a file goes through here.
 * Relies on: libc.
 * Relied on by: arena, bytes, the model file, and every room that sizes memory from outside data. */
#ifndef SIPCNN_CORE_CHECKED_H
#define SIPCNN_CORE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

/* In plain C, for compilers without the builtins. */
#define CORE_PORTABLE_ADD(a, b, result, maximum)                                                             \
    ((b) > (maximum) - (a) ? false : (*(result) = (a) + (b), true))
#define CORE_PORTABLE_MUL(a, b, result, maximum)                                                             \
    ((a) != 0 && (b) > (maximum) / (a) ? false : (*(result) = (a) * (b), true))

#if defined(__GNUC__)
#define CORE_ADD_FITS(a, b, result, maximum) (!__builtin_add_overflow((a), (b), (result)))
#define CORE_MUL_FITS(a, b, result, maximum) (!__builtin_mul_overflow((a), (b), (result)))
#else
#define CORE_ADD_FITS CORE_PORTABLE_ADD
#define CORE_MUL_FITS CORE_PORTABLE_MUL
#endif

/* *result = a + b, or a * b. True if it fits the type; else false, and *result is not to be used.
 * Pure; thread-safe. */
#define CORE_CHECKED_DEFINE(suffix, Type, maximum)                                                           \
    CORE_NODISCARD static inline bool core_add_##suffix(Type a, Type b, Type *result) {                      \
        return CORE_ADD_FITS(a, b, result, maximum);                                                         \
    }                                                                                                        \
    CORE_NODISCARD static inline bool core_mul_##suffix(Type a, Type b, Type *result) {                      \
        return CORE_MUL_FITS(a, b, result, maximum);                                                         \
    }
CORE_CHECKED_DEFINE(size, size_t, SIZE_MAX)
CORE_CHECKED_DEFINE(u32, uint32_t, UINT32_MAX)
CORE_CHECKED_DEFINE(u64, uint64_t, UINT64_MAX)
#undef CORE_CHECKED_DEFINE

/* *result = value rounded up to a multiple of `alignment`, a power of two. The sum is checked before the
 * rounding, so that a value near the top of the range cannot wrap to a small one. */
CORE_NODISCARD static inline bool core_align_size(size_t value, size_t alignment, size_t *result) {
    size_t sum;
    if (!core_add_size(value, alignment - 1, &sum)) return false;
    *result = sum & ~(alignment - 1);
    return true;
}

#endif
