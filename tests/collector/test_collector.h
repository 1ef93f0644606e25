/* What the files of the collector's test share.
 * Relies on: Check.
 * Relied on by: tests/collector. */
#ifndef SIPCNN_TEST_COLLECTOR_H
#define SIPCNN_TEST_COLLECTOR_H

#include <check.h>

TCase *incident_tests(void);
TCase *store_tests(void);

#endif
