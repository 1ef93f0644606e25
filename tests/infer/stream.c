/* A stream of judged messages for the tests of incidents.
 * Relies on: infer/incidents, Check.
 * Relied on by: tests/infer/test_incidents, test_crowds. */
#include "tests/infer/stream.h"

#include <check.h>

Stream stream_new(void) {
    const SipcnnIncidentClass classes[CLASSES] = {
        {.k = 3, .n = 5, .severity = SIPCNN_MEDIUM},
        {.k = 1, .n = 1, .severity = SIPCNN_CRITICAL},
        {.k = 3, .n = 4, .by_target = true, .severity = SIPCNN_HIGH},
    };
    Stream stream = {0};
    ck_assert_int_eq(sipcnn_incidents_new(classes, CLASSES, &stream.incidents, NULL), CORE_OK);
    return stream;
}

void stream_free(Stream *stream) {
    sipcnn_incidents_free(stream->incidents);
}

static WireAddress address(uint8_t net, unsigned number) {
    WireAddress made = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = net}};
    made.ip[14] = (uint8_t)(number >> 8);
    made.ip[15] = (uint8_t)number;
    return made;
}

WireAddress stream_client(unsigned number) {
    return address(0, number);
}

WireAddress stream_target(unsigned number) {
    return address(1, number);
}

static SipcnnIncident *next_change(Stream *stream) {
    ck_assert_int_lt(stream->count, CHANGES_MAX);
    return &stream->changes[stream->count];
}

void stream_send(Stream *stream, double seconds, unsigned client, unsigned target, int class_index) {
    SipcnnIncidentEvent event = {
        .time_ns = (int64_t)(seconds * 1e9 + 0.5),
        .frame = ++stream->frame,
        .class_index = class_index,
        .p = 0.9f,
        .keys = {.has_client = client != 0, .client = stream_client(client), .target = stream_target(target)},
    };
    stream->count = 0;
    while (sipcnn_incidents_expire(stream->incidents, event.time_ns, event.frame, next_change(stream)))
        stream->count++;
    if (sipcnn_incidents_add(stream->incidents, &event, next_change(stream))) stream->count++;
}

void stream_finish(Stream *stream) {
    stream->count = 0;
    while (sipcnn_incidents_finish(stream->incidents, next_change(stream)))
        stream->count++;
}

const SipcnnIncident *stream_only(const Stream *stream, SipcnnIncidentState state) {
    ck_assert_int_eq(stream->count, 1);
    ck_assert_int_eq(stream->changes[0].state, state);
    return &stream->changes[0];
}
