/* The test cases that test_engine runs.
 * Relies on: Check.
 * Relied on by: tests/engine. */
#ifndef SIPCNN_TESTS_SUITES_H
#define SIPCNN_TESTS_SUITES_H

#include <check.h>

TCase *example_tests(void);
TCase *graph_tests(void);
TCase *optimiser_tests(void);
TCase *rng_tests(void);
TCase *schedule_tests(void);
TCase *shortcut_tests(void);
TCase *training_tests(void);
TCase *zoo_tests(void);

#endif
