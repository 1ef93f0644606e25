/* The suites of tests/train, one per file.
 * Relies on: Check.
 * Relied on by: test_train.c. */
#ifndef SIPCNN_TESTS_TRAIN_SUITES_H
#define SIPCNN_TESTS_TRAIN_SUITES_H

#include <check.h>

Suite *metrics_suite(void);
Suite *threshold_suite(void);
Suite *platt_suite(void);
Suite *windows_suite(void);
Suite *sampler_suite(void);
Suite *norm_suite(void);
Suite *batches_suite(void);
Suite *stream_suite(void);
Suite *fit_suite(void);
Suite *checkpoint_suite(void);
Suite *export_suite(void);
Suite *calibrate_suite(void);
Suite *parity_suite(void);

#endif
