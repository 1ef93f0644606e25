/* The two lines that sipcnn-infer writes: one JSON object per verdict and one per change of an incident.
 * Their shape is fixed (docs/man/sipcnn-infer.1). Relies on: infer/sipcnn.h, infer/incidents, infer/json.
 * Relied on by: sipcnn-infer, programs that embed libsipcnn. */
#ifndef SIPCNN_INFER_VERDICT_JSON_H
#define SIPCNN_INFER_VERDICT_JSON_H

#include "infer/incidents.h"
#include "infer/sipcnn.h"

enum {
    SIPCNN_LINE_MAX = 16384,    /* bytes that are enough for any line, newline included */
    SIPCNN_CALL_ID_SHOWN = 512, /* bytes of a Call-ID in a line; the rest is left out */
    SIPCNN_METHOD_SHOWN = 64,   /* of a method */
};

/* A borrowed piece of a message. */
typedef struct SipcnnText {
    const uint8_t *bytes;
    size_t length;
} SipcnnText;

/* The method of a message: of a reply the one in its CSeq, as written ("" if there is none). Only a method
 * that no RFC knows costs a scan. `encoded` belongs to `message`; the result lives as long as the message. */
SipcnnText sipcnn_method_text(const WireMessage *message, const FeatureEncoded *encoded);
SipcnnText sipcnn_call_id_text(const WireMessage *message, const FeatureEncoded *encoded);

/* One verdict as a JSON line with its newline in `line` (SIPCNN_LINE_MAX bytes); returns its length.
 * Thread-safe.
 */
size_t sipcnn_verdict_line(const SipcnnModel *model, const WireMessage *message,
                           const FeatureEncoded *encoded, const SipcnnVerdict *verdict, char *line);

/* What an incident's line says beside the incident. */
typedef struct SipcnnIncidentLabels {
    const char *id_prefix;      /* "SENSOR-BOOT-"; the incident's number follows */
    const char *by;             /* "model" or "rule" */
    const char *sensor;         /* name of the sensor */
    const char *class_name;     /* of the incident's class */
    const char *rule;           /* name of the rule that fired, or NULL */
    SipcnnText method, call_id; /* of the message that caused the change; NULL bytes: none did */
} SipcnnIncidentLabels;

/* One change of an incident, the same way; 0 if the labels do not fit a line. */
size_t sipcnn_incident_line(const SipcnnIncident *incident, const SipcnnIncidentLabels *labels, char *line);

#endif
