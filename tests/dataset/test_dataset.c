/* Runs the suites of data/dataset.
 * Relies on: tests/dataset/suites.h.
 * Relied on by: ctest. */
#include "tests/dataset/suites.h"

#include <stdlib.h>

int main(void) {
    SRunner *runner = srunner_create(labels_suite());
    srunner_add_suite(runner, augment_suite());
    srunner_add_suite(runner, comments_suite());
    srunner_add_suite(runner, store_suite());
    srunner_add_suite(runner, streaming_suite());
    srunner_add_suite(runner, sandbox_suite());
    srunner_add_suite(runner, import_suite());
    srunner_add_suite(runner, split_suite());
    srunner_add_suite(runner, replay_suite());
    srunner_add_suite(runner, ahead_suite());
    srunner_add_suite(runner, keep_suite());
    srunner_add_suite(runner, cache_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
