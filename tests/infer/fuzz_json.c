/* Fuzzes the two lines with whole messages; jansson is the oracle: each line is one valid JSON object with
 * the right keys, without a byte that could break out of a page, a terminal or a line. Relies on:
 * infer/verdict_json, jansson. Relied on by: ctest, the fuzzing build. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/wire/osip.h"
#include "infer/verdict_json.h"
#include "tests/infer/zero_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what, const char *line) {
    if (holds) return;
    fprintf(stderr, "%s: %s\n", what, line);
    abort();
}

static json_t *load(const char *line, size_t length) {
    json_error_t error;
    demand(length > 1 && length < SIPCNN_LINE_MAX && line[length - 1] == '\n', "no line", line);
    for (size_t i = 0; i + 1 < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        demand(byte >= 0x20 && byte != 0x7f && byte != '<' && byte != '>' && byte != '&', "a bare byte",
               line);
    }
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    demand(json_is_object(object), error.text, line);
    return object;
}

static void check_verdict(const SipcnnModel *model, const WireMessage *message,
                          const FeatureEncoded *encoded) {
    static char line[SIPCNN_LINE_MAX + 1];
    SipcnnVerdict verdict = {.class_index = SIPCNN_BENIGN, .novelty = 0.25f};
    size_t length = sipcnn_verdict_line(model, message, encoded, &verdict, line);
    line[length] = '\0';
    json_t *object = load(line, length);
    demand(json_object_size(object) == 11, "eleven keys", line);
    demand(json_object_size(json_object_get(object, "p")) == ZERO_MODEL_CLASSES, "p of every class", line);
    demand(json_is_string(json_object_get(object, "call_id")), "call_id", line);
    demand(json_integer_value(json_object_get(object, "status")) == encoded->status, "status", line);
    /* A Call-ID that was valid and short comes back as it was. */
    WireSlice slice = encoded->call_id;
    if (slice.length <= SIPCNN_CALL_ID_SHOWN) {
        json_t *same = json_stringn((const char *)message->bytes + slice.offset, slice.length);
        if (same != NULL)
            demand(json_equal(same, json_object_get(object, "call_id")), "another Call-ID", line);
        json_decref(same);
    }
    json_decref(object);
}

static void check_incident(const WireMessage *message, const FeatureEncoded *encoded) {
    static char line[SIPCNN_LINE_MAX + 1];
    SipcnnIncident incident = {
        .number = UINT64_MAX, .by_target = true, .n_sources = SIPCNN_SOURCES, .first_ns = -1};
    SipcnnIncidentLabels labels = {"sensor-1-m",
                                   "model",
                                   "sensor",
                                   "flood",
                                   "rule",
                                   sipcnn_method_text(message, encoded),
                                   sipcnn_call_id_text(message, encoded)};
    size_t length = sipcnn_incident_line(&incident, &labels, line);
    line[length] = '\0';
    json_t *object = load(line, length);
    demand(json_array_size(json_object_get(object, "evidence")) == 3, "three pieces of evidence", line);
    demand(json_array_size(json_object_get(object, "sources")) == SIPCNN_SOURCES, "sources", line);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static SipcnnModel *model;
    if (size > WIRE_MESSAGE_MAX) return 0;
    if (model == NULL) {
        ZeroModel zero = zero_model();
        size_t model_size;
        uint8_t *bytes = zero_model_bytes(&zero, &model_size);
        CoreError error;
        if (sipcnn_init(&error) != CORE_OK ||
            sipcnn_model_parse(bytes, model_size, "zero", &model, &error) != CORE_OK)
            demand(0, "set-up", error.text);
        free(bytes);
    }
    WireMessage message = {.bytes = data, .length = (uint32_t)size, .frame = 1, .time_ns = 1};
    FeatureEncoded encoded;
    feature_encode(&message, &encoded);
    check_verdict(model, &message, &encoded);
    check_incident(&message, &encoded);
    return 0;
}
