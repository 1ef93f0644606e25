/* Runs the collector's tests.
 * Relies on: test_incident.c, test_store.c, Check.
 * Relied on by: ctest. */
#include <stdlib.h>

#include "tests/collector/test_collector.h"

int main(void) {
    Suite *suite = suite_create("collector");
    suite_add_tcase(suite, incident_tests());
    suite_add_tcase(suite, store_tests());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
