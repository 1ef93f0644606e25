/* Runs infer's suites.
 * Relies on: Check, tests/infer/suites.h.
 * Relied on by: ctest. */
#include <stdlib.h>

#include "tests/infer/suites.h"

int main(void) {
    Suite *suite = suite_create("infer");
    suite_add_tcase(suite, json_cases());
    suite_add_tcase(suite, table_cases());
    suite_add_tcase(suite, incidents_cases());
    suite_add_tcase(suite, crowd_cases());
    suite_add_tcase(suite, rules_cases());
    suite_add_tcase(suite, traffic_cases());
    suite_add_tcase(suite, model_cases());
    suite_add_tcase(suite, lines_cases());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
