/* What the files of the reporter's test share.
 * Relies on: Check.
 * Relied on by: tests/reporter. */
#ifndef SIPCNN_TEST_REPORTER_H
#define SIPCNN_TEST_REPORTER_H

#include <check.h>

void add_tls_tests(TCase *tests);

#endif
