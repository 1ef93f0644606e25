/* The two lines that sipcnn-infer writes: one JSON object per verdict and one per change of an incident.
 * Relies on: infer/sipcnn.h, infer/incidents, infer/json, data/wire/scan.
 * Relied on by: sipcnn-infer, programs that embed libsipcnn. */
#include "infer/verdict_json.h"

#include "data/wire/scan.h"
#include "infer/json.h"

#include <string.h>

static SipcnnText slice_of(const WireMessage *message, WireSlice slice, size_t limit) {
    if (slice.offset > message->length || slice.length > message->length - slice.offset)
        return (SipcnnText){0};
    return (SipcnnText){message->bytes + slice.offset, slice.length < limit ? slice.length : limit};
}

SipcnnText sipcnn_method_text(const WireMessage *message, const FeatureEncoded *encoded) {
    if (encoded->method != WIRE_METHOD_OTHER) {
        const char *name = wire_method_name((WireMethod)encoded->method);
        return (SipcnnText){(const uint8_t *)name, strlen(name)};
    }
    WireScan scan;
    wire_scan(message->bytes, message->length, (message->flags & WIRE_FLAG_TRUNCATED) != 0, &scan);
    return slice_of(message, scan.method_text, SIPCNN_METHOD_SHOWN);
}

SipcnnText sipcnn_call_id_text(const WireMessage *message, const FeatureEncoded *encoded) {
    return slice_of(message, encoded->call_id, SIPCNN_CALL_ID_SHOWN);
}

static void put_text(SipcnnJson *json, const char *key, SipcnnText text) {
    sipcnn_json_raw(json, key);
    sipcnn_json_string(json, text.bytes != NULL ? text.bytes : (const uint8_t *)"", text.length);
}

static void put_name(SipcnnJson *json, const char *key, const char *text) {
    sipcnn_json_raw(json, key);
    sipcnn_json_string(json, text, strlen(text));
}

static void put_address(SipcnnJson *json, const char *key, const WireAddress *address, bool with_port) {
    char text[WIRE_ADDRESS_TEXT_MAX];
    put_name(json, key, wire_address_text(address, with_port, text, sizeof text));
}

static void put_count(SipcnnJson *json, const char *key, uint64_t value) {
    sipcnn_json_raw(json, key);
    sipcnn_json_unsigned(json, value);
}

static void put_time(SipcnnJson *json, const char *key, int64_t time_ns) {
    sipcnn_json_raw(json, key);
    sipcnn_json_time(json, time_ns);
}

static void put_number(SipcnnJson *json, const char *key, double value) {
    sipcnn_json_raw(json, key);
    sipcnn_json_number(json, value);
}

/* SIPCNN_LINE_MAX holds the longest line, so that `full` cannot be set; were it, the line would be empty. */
static size_t end_line(SipcnnJson *json) {
    sipcnn_json_raw(json, "}\n");
    return json->full ? 0 : json->length;
}

size_t sipcnn_verdict_line(const SipcnnModel *model, const WireMessage *message,
                           const FeatureEncoded *encoded, const SipcnnVerdict *verdict, char *line) {
    SipcnnJson json = {.bytes = line, .capacity = SIPCNN_LINE_MAX};
    put_count(&json, "{\"frame\":", message->frame);
    put_count(&json, ",\"index\":", message->index);
    put_time(&json, ",\"time\":", message->time_ns);
    put_address(&json, ",\"src\":", &message->source, true);
    put_address(&json, ",\"dst\":", &message->destination, true);
    put_text(&json, ",\"method\":", sipcnn_method_text(message, encoded));
    put_count(&json, ",\"status\":", encoded->status);
    put_text(&json, ",\"call_id\":", sipcnn_call_id_text(message, encoded));
    put_name(&json, ",\"class\":", sipcnn_model_class_name(model, verdict->class_index));
    sipcnn_json_raw(&json, ",\"p\":{");
    for (int i = 0; i < sipcnn_model_classes(model); i++) {
        put_name(&json, i > 0 ? "," : "", sipcnn_model_class_name(model, i));
        put_number(&json, ":", verdict->p[i]);
    }
    put_number(&json, "},\"novelty\":", verdict->novelty);
    return end_line(&json);
}

static void put_sources(SipcnnJson *json, const SipcnnIncident *incident) {
    put_count(json, ",\"clients\":", incident->clients);
    sipcnn_json_raw(json, ",\"sources\":[");
    for (uint32_t i = 0; i < incident->n_sources; i++)
        put_address(json, i > 0 ? "," : "", &incident->sources[i], false);
    sipcnn_json_raw(json, "]");
}

/* What decided, for a person to look up: the rule, the method, the Call-ID. */
static void put_evidence(SipcnnJson *json, const SipcnnIncidentLabels *labels) {
    const char *separator = "";
    sipcnn_json_raw(json, ",\"evidence\":[");
    if (labels->rule != NULL) {
        put_name(json, separator, labels->rule);
        separator = ",";
    }
    if (labels->method.bytes != NULL) {
        put_text(json, separator, labels->method);
        separator = ",";
    }
    if (labels->call_id.bytes != NULL) put_text(json, separator, labels->call_id);
    sipcnn_json_raw(json, "]");
}

static void put_id(SipcnnJson *json, const char *prefix, uint64_t number) {
    char id[160];
    size_t length = strlen(prefix);
    SipcnnJson digits = {.bytes = id, .capacity = sizeof id};
    sipcnn_json_raw(&digits, length < 128 ? prefix : prefix + (length - 128));
    sipcnn_json_unsigned(&digits, number);
    sipcnn_json_raw(json, "{\"id\":");
    sipcnn_json_string(json, id, digits.length);
}

size_t sipcnn_incident_line(const SipcnnIncident *incident, const SipcnnIncidentLabels *labels, char *line) {
    static const char *const states[] = {"open", "update", "closed"};
    SipcnnJson json = {.bytes = line, .capacity = SIPCNN_LINE_MAX};
    put_id(&json, labels->id_prefix, incident->number);
    put_name(&json, ",\"by\":", labels->by);
    put_name(&json, ",\"state\":", states[incident->state]);
    put_name(&json, ",\"class\":", labels->class_name);
    if (incident->by_target)
        sipcnn_json_raw(&json, ",\"client\":\"\"");
    else
        put_address(&json, ",\"client\":", &incident->client, false);
    put_address(&json, ",\"target\":", &incident->target, false);
    put_time(&json, ",\"first\":", incident->first_ns);
    put_time(&json, ",\"last\":", incident->last_ns);
    put_time(&json, ",\"time\":", incident->time_ns);
    put_count(&json, ",\"frame\":", incident->frame);
    put_count(&json, ",\"messages\":", incident->messages);
    put_number(&json, ",\"p\":", incident->p);
    put_name(&json, ",\"severity\":", sipcnn_severity_name(incident->severity));
    put_name(&json, ",\"sensor\":", labels->sensor);
    put_count(&json, ",\"change\":", incident->change);
    if (incident->by_target) put_sources(&json, incident);
    put_evidence(&json, labels);
    return end_line(&json);
}
