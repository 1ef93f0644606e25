/* Every kernel of every instruction set against a naive double-precision reference, in guarded buffers, with
 * NaN in all that must not be read, and bit for bit against the portable kernels.
 * Relies on: checks.h, guard.h, engine/kernels, Check.
 * Relied on by: ctest. */
#include "engine/kernels/declare.h"
#include "tests/kernels/checks.h"
#include "tests/kernels/guard.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the list: a family without a check does not compile ---- */

static const struct {
    const char *name;
    FamilyCheck *check;
} checks[] = {
#define KERNEL_CHECK(family, Type) {#family, check_##family},
    KERNEL_FAMILY_MAP(KERNEL_CHECK)
#undef KERNEL_CHECK
};
enum { N_CHECKS = sizeof checks / sizeof checks[0] };

static void run_checks(CoreCpuLevel level, int check) {
    const Kernels *kernels = kernels_at(level);
    if (!kernels) {
        fprintf(stderr, "%s: skipped, this machine or SIPCNN_MAX_ISA has no %s\n", checks[check].name,
                core_cpu_level_name(level));
        return;
    }
    ck_assert_str_eq(kernels->isa, core_cpu_level_name(level));
    Guard guards[BUFFERS];
    for (int i = 0; i < BUFFERS; i++)
        guards[i] = guard_new(BUFFER_SIZE);
    for (uint32_t seed = 0; seed < ROUNDS; seed++) {
        Round round = {.kernels = kernels, .seed = seed, .guards = guards};
        checks[check].check(&round);
    }
    for (int i = 0; i < BUFFERS; i++)
        guard_free(&guards[i]);
}

START_TEST(portable) {
    run_checks(CORE_CPU_PORTABLE, _i);
}
END_TEST

START_TEST(avx2) {
    run_checks(CORE_CPU_AVX2, _i);
}
END_TEST

START_TEST(avx512) {
    run_checks(CORE_CPU_AVX512, _i);
}
END_TEST

/* Each instruction set that kernels.def names has every family, and no function twice. */
START_TEST(list_is_complete) {
    static const struct {
        const char *family, *isa, *function;
    } rows[] = {
#define KERNEL(family, isa, function) {#family, #isa, #function},
#include "engine/kernels/kernels.def"
#undef KERNEL
    };
    const size_t n_rows = sizeof rows / sizeof rows[0];
    ck_assert_uint_eq(n_rows % N_CHECKS, 0);
    for (size_t i = 0; i < n_rows; i++) {
        char expected[80];
        snprintf(expected, sizeof expected, "kernel_%s_%s", rows[i].family, rows[i].isa);
        ck_assert_str_eq(rows[i].function, expected);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(rows[i].function, rows[k].function);
    }
}
END_TEST

START_TEST(environment_caps_the_level) {
    setenv("SIPCNN_MAX_ISA", "portable", 1);
    ck_assert_str_eq(kernels_best()->isa, "portable");
    ck_assert_ptr_null(kernels_at(CORE_CPU_AVX2));
    unsetenv("SIPCNN_MAX_ISA");
    const Kernels *native = kernels_at(core_cpu_level());
    ck_assert_str_eq(kernels_best()->isa, native ? core_cpu_level_name(core_cpu_level()) : "portable");
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("kernels");
    tcase_add_loop_test(tcase, portable, 0, N_CHECKS);
    tcase_add_loop_test(tcase, avx2, 0, N_CHECKS);
    tcase_add_loop_test(tcase, avx512, 0, N_CHECKS);
    tcase_add_test(tcase, list_is_complete);
    tcase_add_test(tcase, environment_caps_the_level);
    Suite *suite = suite_create("kernels");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
