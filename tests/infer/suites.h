/* The suites of infer's test program.
 * Relies on: Check.
 * Relied on by: tests/infer. */
#ifndef SIPCNN_TESTS_INFER_SUITES_H
#define SIPCNN_TESTS_INFER_SUITES_H

#include <check.h>

TCase *json_cases(void);
TCase *table_cases(void);
TCase *incidents_cases(void);
TCase *crowd_cases(void);
TCase *rules_cases(void);
TCase *traffic_cases(void);
TCase *model_cases(void);
TCase *lines_cases(void);

#endif
