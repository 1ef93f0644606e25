/* How often malloc and its kin have been called: the linker sends all calls through a counter (--wrap).
 * Relies on: the link options of tests/engine.
 * Relied on by: test_training.c, test_zoo.c. */
#ifndef SIPCNN_TESTS_ALLOCATIONS_H
#define SIPCNN_TESTS_ALLOCATIONS_H

/* Calls since the program began, of all threads. */
int allocations_count(void);

#endif
