/* CPU features: which of the instruction sets that kernels are compiled for may run here.
 * Relies on: libc, CPUID and XGETBV on x86-64.
 * Relied on by: engine/kernels' dispatch, tests and benchmarks that run at each level. */
#ifndef SIPCNN_CORE_CPU_H
#define SIPCNN_CORE_CPU_H

#include <stdbool.h>

/* Each level includes the ones before it.
 *   portable  what the compiler's baseline has (SSE2 on x86-64)
 *   avx2      AVX2 and FMA, and the kernel saves the YMM registers
 *   avx512    AVX-512 F, DQ, BW and VL, and the kernel saves ZMM and mask registers */
#define CORE_CPU_MAP(X)                                                                                      \
    X(PORTABLE, "portable")                                                                                  \
    X(AVX2, "avx2")                                                                                          \
    X(AVX512, "avx512")

typedef enum CoreCpuLevel {
#define CORE_CPU_ENUM(name, text) CORE_CPU_##name,
    CORE_CPU_MAP(CORE_CPU_ENUM)
#undef CORE_CPU_ENUM
        CORE_CPU_LEVELS
} CoreCpuLevel;

/* What this processor and its operating system support, capped by the environment variable SIPCNN_MAX_ISA,
 * the name of a level (any other value caps at portable, the safe one). CPUID is slow in a virtual machine:
 * ask once, when the dispatch table is filled. Thread-safe as long as nobody changes the environment. */
CoreCpuLevel core_cpu_level(void);
/* The same without the environment's cap. */
CoreCpuLevel core_cpu_level_native(void);
/* "portable", "avx2" or "avx512"; a constant string, never NULL. */
const char *core_cpu_level_name(CoreCpuLevel level);
/* The level of that name. False, *level untouched, if there is none. */
bool core_cpu_level_parse(const char *name, CoreCpuLevel *level);

#endif
