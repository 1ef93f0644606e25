/* Runs the suites of engine/core.
 * Relies on: Check.
 * Relied on by: ctest. */
#include <stdlib.h>

#include "tests/core/suites.h"

int main(void) {
    SRunner *runner = srunner_create(bytes_suite());
    srunner_add_suite(runner, arena_suite());
    srunner_add_suite(runner, cpu_suite());
    srunner_add_suite(runner, file_suite());
    srunner_add_suite(runner, model_suite());
    srunner_add_suite(runner, memory_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
