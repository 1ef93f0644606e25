/* CPU features: which of the instruction sets that kernels are compiled for may run here.
 * Relies on: libc, CPUID and XGETBV on x86-64.
 * Relied on by: engine/kernels' dispatch, tests and benchmarks that run at each level. */
#include "engine/core/cpu.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {
#define LEVEL_NAME(name, text) text,
    CORE_CPU_MAP(LEVEL_NAME)
#undef LEVEL_NAME
};

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

/* Register sets that the operating system saves on a context switch (Intel SDM vol. 1, 13.3). A CPU that has
 * AVX under a kernel that does not save YMM would lose data silently, so CPUID alone is no answer. */
static uint64_t saved_registers(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

CoreCpuLevel core_cpu_level_native(void) {
    const uint64_t ymm = 0x06, zmm = 0xe6; /* XCR0: SSE, AVX; and opmask, ZMM_Hi256, Hi16_ZMM */
    const unsigned avx512_dq = 1u << 17, avx512_bw = 1u << 30, avx512_vl = 1u << 31;
    const unsigned leaf1 = bit_OSXSAVE | bit_AVX | bit_FMA;
    const unsigned avx512 = bit_AVX512F | avx512_dq | avx512_bw | avx512_vl;
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & leaf1) != leaf1) return CORE_CPU_PORTABLE;
    uint64_t saved = saved_registers();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return CORE_CPU_PORTABLE;
    if ((saved & ymm) != ymm || !(b & bit_AVX2)) return CORE_CPU_PORTABLE;
    return (saved & zmm) == zmm && (b & avx512) == avx512 ? CORE_CPU_AVX512 : CORE_CPU_AVX2;
}
#else
CoreCpuLevel core_cpu_level_native(void) {
    return CORE_CPU_PORTABLE;
}
#endif

CoreCpuLevel core_cpu_level(void) {
    CoreCpuLevel level = core_cpu_level_native();
    const char *wish = getenv("SIPCNN_MAX_ISA");
    if (!wish || !*wish) return level;
    CoreCpuLevel cap = CORE_CPU_PORTABLE;
    core_cpu_level_parse(wish, &cap);
    return cap < level ? cap : level;
}

const char *core_cpu_level_name(CoreCpuLevel level) {
    size_t index = (size_t)level;
    return index < CORE_CPU_LEVELS ? level_names[index] : "unknown";
}

bool core_cpu_level_parse(const char *name, CoreCpuLevel *level) {
    for (size_t i = 0; i < CORE_CPU_LEVELS; i++) {
        if (strcmp(name, level_names[i]) != 0) continue;
        *level = (CoreCpuLevel)i;
        return true;
    }
    return false;
}
