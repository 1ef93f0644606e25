/* The trainer's tests.
 * Relies on: Check, train.
 * Relied on by: ctest. */
#include "tests/train/suites.h"

#include <stdlib.h>

int main(void) {
    SRunner *runner = srunner_create(metrics_suite());
    srunner_add_suite(runner, threshold_suite());
    srunner_add_suite(runner, platt_suite());
    srunner_add_suite(runner, windows_suite());
    srunner_add_suite(runner, sampler_suite());
    srunner_add_suite(runner, norm_suite());
    srunner_add_suite(runner, batches_suite());
    srunner_add_suite(runner, stream_suite());
    srunner_add_suite(runner, fit_suite());
    srunner_add_suite(runner, checkpoint_suite());
    srunner_add_suite(runner, export_suite());
    srunner_add_suite(runner, calibrate_suite());
    srunner_add_suite(runner, parity_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
