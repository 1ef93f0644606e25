/* Incidents as the sensor sends them: parses and validates the body of POST /v1/incidents.
 * Relies on: engine/core/status, jansson.
 * Relied on by: tools/collector/store, tools/collector/server. */
#include "tools/collector/incident.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum FieldKind {
    FIELD_ID,      /* visible ASCII: it becomes part of a URL */
    FIELD_NAME,    /* text without control characters */
    FIELD_TEXT,    /* any text */
    FIELD_CHOICE,  /* one of `choices` */
    FIELD_SECONDS, /* epoch seconds */
    FIELD_COUNT,   /* integer, not negative */
    FIELD_SHARE,   /* 0 to 1 */
    FIELD_TEXTS    /* array of text, only checked */
} FieldKind;

typedef struct Field {
    const char *name;
    FieldKind kind;
    bool required;
    size_t most;   /* bytes of text; of each text in an array */
    size_t offset; /* in CollectorIncident */
    const char *const *choices;
} Field;

static const char *const by_choices[] = {"model", "rule", NULL};
static const char *const state_choices[] = {"open", "update", "closed", NULL};
static const char *const severity_choices[] = {"low", "medium", "high", "critical", NULL};

enum { TEXTS_LIMIT = 4096 };                 /* entries of an array */
static const double latest = 253402300799.0; /* the end of the year 9999 */

#define AT(member) offsetof(CollectorIncident, member)
/* Contracts: what a sensor says about an incident. Anything else in the object is kept in `raw` unread. */
static const Field fields[] = {
    {"id", FIELD_ID, true, 128, AT(id), NULL},
    {"by", FIELD_CHOICE, true, 0, AT(by), by_choices},
    {"state", FIELD_CHOICE, true, 0, AT(state), state_choices},
    {"class", FIELD_NAME, true, 64, AT(class_name), NULL},
    {"client", FIELD_TEXT, false, 256, AT(client), NULL},
    {"target", FIELD_TEXT, false, 1024, AT(target), NULL},
    {"severity", FIELD_CHOICE, false, 0, AT(severity), severity_choices},
    {"sensor", FIELD_TEXT, false, 256, AT(sensor), NULL},
    {"first", FIELD_SECONDS, false, 0, AT(first), NULL},
    {"last", FIELD_SECONDS, false, 0, AT(last), NULL},
    {"time", FIELD_SECONDS, true, 0, AT(time), NULL},
    {"frame", FIELD_COUNT, false, 0, AT(frame), NULL},
    {"messages", FIELD_COUNT, false, 0, AT(messages), NULL},
    {"p", FIELD_SHARE, false, 0, AT(p), NULL},
    {"sources", FIELD_TEXTS, false, 256, 0, NULL},
    {"evidence", FIELD_TEXTS, false, 8192, 0, NULL},
};
#undef AT

/* "incidents[3]" or "incident", for messages. */
typedef struct Place {
    char text[32];
} Place;

static CoreStatus wrong(const Place *place, const Field *field, const char *expected, CoreError *error) {
    return core_fail(error, CORE_FORMAT, "%s.%s: expected %s", place->text, field->name, expected);
}

static bool has_byte_outside(const json_t *value, unsigned low, unsigned high) {
    const char *text = json_string_value(value);
    for (size_t i = 0; i < json_string_length(value); i++)
        if ((unsigned char)text[i] < low || (unsigned char)text[i] > high) return true;
    return false;
}

static CoreStatus check_text(const Place *place, const Field *field, const json_t *value, CoreError *error) {
    if (!json_is_string(value)) return wrong(place, field, "a string", error);
    size_t length = json_string_length(value);
    if (length > field->most || (field->required && length == 0))
        return core_fail(error, CORE_FORMAT, "%s.%s: %zu bytes of text, allowed are %d to %zu", place->text,
                         field->name, length, field->required ? 1 : 0, field->most);
    if (field->kind == FIELD_ID && has_byte_outside(value, 0x21, 0x7e))
        return wrong(place, field, "visible ASCII characters", error);
    if (field->kind == FIELD_NAME &&
        (has_byte_outside(value, 0x20, 0xff) || strchr(json_string_value(value), 0x7f)))
        return wrong(place, field, "text without control characters", error);
    return CORE_OK;
}

static CoreStatus check_choice(const Place *place, const Field *field, const json_t *value,
                               CoreError *error) {
    char expected[96] = "one of";
    for (size_t i = 0; field->choices[i] != NULL; i++) {
        const char *choice = field->choices[i];
        if (json_is_string(value) && json_string_length(value) == strlen(choice) &&
            strcmp(json_string_value(value), choice) == 0)
            return CORE_OK;
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, " \"%s\"", choice);
    }
    return wrong(place, field, expected, error);
}

static CoreStatus check_texts(const Place *place, const Field *field, const json_t *value, CoreError *error) {
    if (!json_is_array(value)) return wrong(place, field, "an array of strings", error);
    if (json_array_size(value) > TEXTS_LIMIT)
        return core_fail(error, CORE_FORMAT, "%s.%s: %zu entries, allowed are %d", place->text, field->name,
                         json_array_size(value), TEXTS_LIMIT);
    for (size_t i = 0; i < json_array_size(value); i++) {
        CoreStatus status = check_text(place, field, json_array_get(value, i), error);
        if (status != CORE_OK) return status;
    }
    return CORE_OK;
}

static CoreStatus take_number(const Place *place, const Field *field, const json_t *value, double most,
                              double *number, CoreError *error) {
    *number = json_number_value(value);
    if (json_is_number(value) && *number >= 0 && *number <= most) return CORE_OK;
    return wrong(place, field, most > 1 ? "a number of epoch seconds" : "a number from 0 to 1", error);
}

static CoreStatus take_field(const Place *place, const Field *field, const json_t *value,
                             CollectorIncident *incident, CoreError *error) {
    char *member = (char *)incident + field->offset;
    CoreStatus status = CORE_OK;
    switch (field->kind) {
    case FIELD_ID:
    case FIELD_NAME:
    case FIELD_TEXT: status = check_text(place, field, value, error); break;
    case FIELD_CHOICE: status = check_choice(place, field, value, error); break;
    case FIELD_TEXTS: return check_texts(place, field, value, error);
    case FIELD_SECONDS: return take_number(place, field, value, latest, (double *)(void *)member, error);
    case FIELD_SHARE: return take_number(place, field, value, 1, (double *)(void *)member, error);
    case FIELD_COUNT:
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return wrong(place, field, "an integer that is not negative", error);
        *(int64_t *)(void *)member = json_integer_value(value);
        return CORE_OK;
    }
    if (status == CORE_OK)
        *(CollectorText *)(void *)member =
            (CollectorText){json_string_value(value), json_string_length(value)};
    return status;
}

static CoreStatus take_incident(const Place *place, const json_t *object, CollectorIncident *incident,
                                CoreError *error) {
    if (!json_is_object(object)) return core_fail(error, CORE_FORMAT, "%s: expected an object", place->text);
    const CollectorText empty = {"", 0};
    *incident =
        (CollectorIncident){.client = empty, .target = empty, .severity = empty, .sensor = empty, .p = -1};
    incident->first = incident->last = -1;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        if (value == NULL && !fields[i].required) continue;
        if (value == NULL)
            return core_fail(error, CORE_FORMAT, "%s.%s: missing", place->text, fields[i].name);
        CoreStatus status = take_field(place, &fields[i], value, incident, error);
        if (status != CORE_OK) return status;
    }
    if (incident->first < 0) incident->first = incident->time;
    if (incident->last < 0) incident->last = incident->time;
    incident->raw = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(16));
    return incident->raw != NULL ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory");
}

static CoreStatus take_incidents(const json_t *list, CollectorBatch *batch, CoreError *error) {
    if (!json_is_array(list)) return core_fail(error, CORE_FORMAT, "incidents: expected an array");
    size_t count = json_array_size(list);
    if (count > COLLECTOR_BATCH_LIMIT)
        return core_fail(error, CORE_LIMIT, "incidents: %zu in one request, allowed are %d", count,
                         COLLECTOR_BATCH_LIMIT);
    batch->incidents = calloc(count > 0 ? count : 1, sizeof *batch->incidents);
    if (batch->incidents == NULL) return core_fail(error, CORE_MEMORY, "out of memory");
    for (; batch->count < count; batch->count++) {
        Place place;
        snprintf(place.text, sizeof place.text, "incidents[%zu]", batch->count);
        CoreStatus status =
            take_incident(&place, json_array_get(list, batch->count), &batch->incidents[batch->count], error);
        if (status != CORE_OK) return status;
    }
    return CORE_OK;
}

CoreStatus collector_batch_parse(const char *body, size_t length, CollectorBatch *batch, CoreError *error) {
    *batch = (CollectorBatch){0};
    json_error_t where;
    /* A NUL in a string is legal JSON and may come from an attacker's message: it must not cost the incident.
     */
    batch->document = json_loadb(body, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    if (batch->document == NULL && json_error_code(&where) == json_error_out_of_memory)
        return core_fail(error, CORE_MEMORY, "out of memory");
    if (batch->document == NULL)
        return core_fail(error, CORE_FORMAT, "line %d, column %d (byte %d): %s", where.line, where.column,
                         where.position, where.text);
    const json_t *list = json_object_get(batch->document, "incidents");
    if (list != NULL) return take_incidents(list, batch, error);
    batch->incidents = calloc(1, sizeof *batch->incidents);
    if (batch->incidents == NULL) return core_fail(error, CORE_MEMORY, "out of memory");
    CoreStatus status = take_incident(&(Place){"incident"}, batch->document, &batch->incidents[0], error);
    if (status == CORE_OK) batch->count = 1;
    return status;
}

void collector_batch_free(CollectorBatch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        free(batch->incidents[i].raw);
    free(batch->incidents);
    json_decref(batch->document);
    *batch = (CollectorBatch){0};
}
