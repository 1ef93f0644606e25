/* The suites of this room's test program.
 * Relies on: Check.
 * Relied on by: tests/core. */
#ifndef SIPCNN_TESTS_CORE_SUITES_H
#define SIPCNN_TESTS_CORE_SUITES_H

#include <check.h>

Suite *bytes_suite(void);
Suite *arena_suite(void);
Suite *cpu_suite(void);
Suite *file_suite(void);
Suite *model_suite(void);
Suite *memory_suite(void);

#endif
