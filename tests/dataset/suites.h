/* The suites that tests/dataset/test_dataset.c runs.
 * Relies on: Check.
 * Relied on by: tests/dataset. */
#ifndef SIPCNN_TESTS_DATASET_SUITES_H
#define SIPCNN_TESTS_DATASET_SUITES_H

#include <check.h>

Suite *labels_suite(void);
Suite *augment_suite(void);
Suite *comments_suite(void);
Suite *store_suite(void);
Suite *streaming_suite(void);
Suite *sandbox_suite(void);
Suite *import_suite(void);
Suite *split_suite(void);
Suite *replay_suite(void);
Suite *ahead_suite(void);
Suite *keep_suite(void);
Suite *cache_suite(void);

#endif
