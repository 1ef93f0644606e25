/* The suites that tests/wire/test_wire.c runs.
 * Relies on: Check.
 * Relied on by: tests/wire. */
#ifndef SIPCNN_TESTS_WIRE_SUITES_H
#define SIPCNN_TESTS_WIRE_SUITES_H

#include <check.h>

Suite *scan_suite(void);
Suite *torture_suite(void);
Suite *decap_suite(void);
Suite *streams_suite(void);
Suite *websocket_suite(void);
Suite *source_suite(void);
Suite *live_suite(void);

#endif
