/* Incidents as the sensor sends them: parses and validates the body of POST /v1/incidents.
 * Relies on: engine/core/status, jansson.
 * Relied on by: tools/collector/store, tools/collector/server. */
#ifndef SIPCNN_COLLECTOR_INCIDENT_H
#define SIPCNN_COLLECTOR_INCIDENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

enum {
    COLLECTOR_BODY_LIMIT = 1024 * 1024, /* bytes of a request */
    COLLECTOR_BATCH_LIMIT = 1000        /* incidents in a request */
};

/* UTF-8, borrowed from the batch's document; may hold NUL bytes, hence the length. */
typedef struct CollectorText {
    const char *bytes;
    size_t length;
} CollectorText;

/* One change of state of one incident: what the database searches for, and the whole object as text. */
typedef struct CollectorIncident {
    CollectorText id, by, state, class_name, client, target, severity, sensor;
    double first, last, time; /* epoch seconds of packets */
    double p;                 /* 0 to 1, negative when not given */
    int64_t frame, messages;
    char *raw; /* compact ASCII JSON, fields unknown here included; owned by the batch */
} CollectorIncident;

typedef struct CollectorBatch {
    json_t *document;
    CollectorIncident *incidents;
    size_t count;
} CollectorBatch;

/* Parses `body`: {"incidents":[...]} or one incident object. All or nothing.
 * Errors: CORE_FORMAT (not JSON, with line, column and byte; or a field of a wrong type or value, with its
 * path, such as "incidents[3].p"), CORE_LIMIT (too many), CORE_MEMORY. The text may quote the body. The
 * caller frees the batch with collector_batch_free, after an error too. Thread-safe. */
CoreStatus collector_batch_parse(const char *body, size_t length, CollectorBatch *batch, CoreError *error);

/* Frees what the batch holds; a zeroed batch is allowed. */
void collector_batch_free(CollectorBatch *batch);

#endif
