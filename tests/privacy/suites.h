/* The suites that tests/privacy/test_privacy.c runs.
 * Relies on: Check.
 * Relied on by: tests/privacy. */
#ifndef SIPCNN_TESTS_PRIVACY_SUITES_H
#define SIPCNN_TESTS_PRIVACY_SUITES_H

#include <check.h>

Suite *words_suite(void);
Suite *message_suite(void);
Suite *sealed_suite(void);

#endif
