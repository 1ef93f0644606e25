/* CPU levels: against the kernel's own list of features, and the environment's cap.
 * Relies on: Check, engine/core, /proc/cpuinfo.
 * Relied on by: ctest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/cpu.h"
#include "tests/core/suites.h"

/* Linux masks what it does not save, so its list is an independent answer to the same question. */
static bool kernel_has(const char *flags, const char *name) {
    char word[32];
    snprintf(word, sizeof word, " %s ", name);
    return strstr(flags, word) != NULL;
}

START_TEST(level_agrees_with_the_kernel) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    static char line[16384];
    bool found = false;
    while (!found && fgets(line, sizeof line, file))
        found = strncmp(line, "flags", 5) == 0;
    fclose(file);
    if (!found) return; /* not x86 */
    line[strcspn(line, "\n")] = ' ';
    CoreCpuLevel expected = CORE_CPU_PORTABLE;
    if (kernel_has(line, "avx2") && kernel_has(line, "fma")) expected = CORE_CPU_AVX2;
    if (expected == CORE_CPU_AVX2 && kernel_has(line, "avx512f") && kernel_has(line, "avx512dq") &&
        kernel_has(line, "avx512bw") && kernel_has(line, "avx512vl"))
        expected = CORE_CPU_AVX512;
    ck_assert_int_eq(core_cpu_level_native(), expected);
}
END_TEST

START_TEST(environment_caps_the_level) {
    CoreCpuLevel native = core_cpu_level_native();
    for (int i = 0; i < CORE_CPU_LEVELS; i++) {
        CoreCpuLevel cap = (CoreCpuLevel)i, parsed = CORE_CPU_PORTABLE;
        ck_assert(core_cpu_level_parse(core_cpu_level_name(cap), &parsed));
        ck_assert_int_eq(parsed, cap);
        ck_assert_int_eq(setenv("SIPCNN_MAX_ISA", core_cpu_level_name(cap), 1), 0);
        ck_assert_int_eq(core_cpu_level(), cap < native ? cap : native);
    }
    ck_assert_int_eq(setenv("SIPCNN_MAX_ISA", "mmx", 1), 0);
    ck_assert_int_eq(core_cpu_level(), CORE_CPU_PORTABLE);
    ck_assert_int_eq(setenv("SIPCNN_MAX_ISA", "", 1), 0);
    ck_assert_int_eq(core_cpu_level(), native);
    ck_assert_int_eq(unsetenv("SIPCNN_MAX_ISA"), 0);
    ck_assert_int_eq(core_cpu_level(), native);
    ck_assert_str_eq(core_cpu_level_name((CoreCpuLevel)77), "unknown");
}
END_TEST

Suite *cpu_suite(void) {
    Suite *suite = suite_create("core: cpu");
    TCase *tests = tcase_create("cpu");
    tcase_add_test(tests, level_agrees_with_the_kernel);
    tcase_add_test(tests, environment_caps_the_level);
    suite_add_tcase(suite, tests);
    return suite;
}
