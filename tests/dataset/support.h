/* Small datasets and captures to test with.
 * Relies on: data/dataset/dataset.h, Check.
 * Relied on by: tests/dataset. */
#ifndef SIPCNN_TESTS_DATASET_SUPPORT_H
#define SIPCNN_TESTS_DATASET_SUPPORT_H

#include "data/dataset/dataset.h"

/* Fails the running test with the error's text unless `call`, which may fill `error`, gives CORE_OK. */
#define assert_ok(call, error)                                                                               \
    do {                                                                                                     \
        CoreStatus status_ = (call);                                                                         \
        ck_assert_msg(status_ == CORE_OK, "%s", (error).text);                                               \
    } while (0)

/* A new folder for the running test, removed by remove_folder. */
void make_folder(char folder[64]);
void remove_folder(const char *folder);
/* folder/name, in one of four static buffers. */
const char *in_folder(const char *folder, const char *name);
void write_text(const char *path, const char *text);

/* The classes "flood" (onset 2), "scan" (onset 1) and "teardown" (onset 0). */
void empty_dataset(Dataset *dataset);

/* Captures "one", "two" (which follows one) and "three", of 40, 20 and 30 messages: calls and registrations
 * of a few clients, a flood run in one, a scan and a teardown run in three, a split "first". */
void small_dataset(Dataset *dataset);

/* Text of a request or (status > 0) reply of call `call` by user `user`, in a static buffer. */
const char *sip_text(const char *method, int status, int call, int user);

/* A message with this text from 10.0.0.`from` to 10.0.0.`to`, `seconds` after a fixed day. */
WireMessage sip_message(const char *text, int from, int to, double seconds);

/* Writes messages first .. end of a dataset as a capture (raw IPv4, ns), one per frame. */
void write_capture(const char *path, const Dataset *dataset, uint64_t first, uint64_t end);

/* Fails the test unless both hold the same. */
void assert_same_dataset(const Dataset *a, const Dataset *b);

/* A deterministic generator of numbers. */
uint64_t next_random(uint64_t *state);

#endif
