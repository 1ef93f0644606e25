/* A stream of judged messages for the tests of incidents.
 * Relies on: infer/incidents.
 * Relied on by: tests/infer/test_incidents, test_crowds. */
#ifndef SIPCNN_TESTS_INFER_STREAM_H
#define SIPCNN_TESTS_INFER_STREAM_H

#include "infer/incidents.h"

enum {
    ORDINARY,  /* class 0: 3 of 5 by client */
    AT_ONCE,   /* class 1: 1 of 1 by client */
    BY_TARGET, /* class 2: 3 of 4 by target */
    CLASSES,
    BENIGN = -1,
};
enum { CHANGES_MAX = 64 };

typedef struct Stream {
    SipcnnIncidents *incidents;
    uint64_t frame;
    SipcnnIncident changes[CHANGES_MAX]; /* of the last call, closings first */
    int count;
} Stream;

Stream stream_new(void);
void stream_free(Stream *stream);

/* A message of client number `client` (0: none, the operator's own) to target number `target`, judged, at
 * `seconds`.
 */
void stream_send(Stream *stream, double seconds, unsigned client, unsigned target, int class_index);
void stream_finish(Stream *stream);

/* The address that stands for a number, as text: "10.0.0.7" of client 7, "10.1.0.7" of target 7. */
WireAddress stream_client(unsigned number);
WireAddress stream_target(unsigned number);

/* Fails the test unless the last call made exactly one change, of this state; returns it. */
const SipcnnIncident *stream_only(const Stream *stream, SipcnnIncidentState state);

#endif
