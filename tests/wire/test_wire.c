/* Runs the suites of wire that need no process of their own.
 * Relies on: tests/wire/suites.h.
 * Relied on by: ctest. */
#include "tests/wire/suites.h"

#include <stdlib.h>

int main(void) {
    SRunner *runner = srunner_create(scan_suite());
    srunner_add_suite(runner, torture_suite());
    srunner_add_suite(runner, decap_suite());
    srunner_add_suite(runner, streams_suite());
    srunner_add_suite(runner, websocket_suite());
    srunner_add_suite(runner, source_suite());
    srunner_add_suite(runner, live_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
