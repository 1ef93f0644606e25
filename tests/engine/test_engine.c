/* Runs the engine's tests but the op checks. Parallel regions run in the forked tests only: libgomp hangs in
 * a fork of a process that has had one. Relies on: suites.h. Relied on by: ctest. */
#include "tests/engine/suites.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
/* LLVM's libomp never frees the descriptors of its threads when a team grows. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libomp.so";
}
#endif
#endif

int main(void) {
    Suite *suite = suite_create("engine");
    suite_add_tcase(suite, rng_tests());
    suite_add_tcase(suite, graph_tests());
    suite_add_tcase(suite, shortcut_tests());
    suite_add_tcase(suite, example_tests());
    suite_add_tcase(suite, schedule_tests());
    suite_add_tcase(suite, optimiser_tests());
    suite_add_tcase(suite, training_tests());
    suite_add_tcase(suite, zoo_tests());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
