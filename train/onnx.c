/* The SIP CNN as an ONNX model: its inputs described, its calibration as metadata.
 * Relies on: engine/onnx.h, jansson.
 * Relied on by: sipcnn-train, tests. */
#include "train/onnx.h"

#include "engine/onnx.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const GraphOnnxText inputs[] = {
    {"input_tokens",
     "FeatureRow.tokens: for each start line, header and SDP line, in order of appearance, the ids of "
     "name, shape of the value, length class and flags; 0 behind the last one"},
    {"input_n_tokens",
     "FeatureRow.n_tokens: how many positions of input_tokens hold a token, from the front"},
    {"input_text",
     "FeatureRow.text: bytes around what is unusual in the message's fields; 0 behind the last one"},
    {"input_n_text", "FeatureRow.n_text: how many bytes of input_text are text, from the front"},
    {"input_events",
     "FeatureRow.events: for the last messages of the dialog, the newest at the end, the ids of kind, "
     "time step, relations, more relations, authentication and CSeq step; 0 in front of the first"},
    {"input_n_events", "FeatureRow.n_events: how many positions of input_events hold an event, from the end"},
    {"input_counters",
     "FeatureRow.counters: facts of the message and decayed counters of client, account, target and "
     "all traffic, as bytes; the metadata \"counters\" names each"},
};

/* ---- metadata ---- */

static json_t *floats_json(const float *values, uint32_t count) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(array, json_real((double)values[i]));
    return array;
}

static json_t *classes_json(const CoreModel *about) {
    json_t *names = json_array();
    for (uint32_t c = 0; c < about->dims.classes; c++)
        json_array_append_new(names, json_string(about->class_names[c]));
    return names;
}

static json_t *thresholds_json(const CoreModel *about) {
    json_t *all = json_object();
    for (uint32_t c = 0; c <= about->dims.classes; c++) {
        const bool unknown = c == about->dims.classes;
        const CoreModelThreshold *threshold = unknown ? &about->unknown : &about->thresholds[c];
        json_object_set_new(all, unknown ? "unknown" : about->class_names[c],
                            json_pack("{s:f, s:i, s:i}", "threshold", (double)threshold->value, "k",
                                      (int)threshold->k, "n", (int)threshold->n));
    }
    return all;
}

static json_t *probability_json(const CoreModel *about) {
    json_t *all = json_object();
    for (uint32_t c = 0; c < about->dims.classes; c++)
        if (about->temperature[c] > 0)
            json_object_set_new(all, about->class_names[c],
                                json_pack("{s:f, s:f}", "temperature", (double)about->temperature[c], "bias",
                                          (double)about->calibration_bias[c]));
    return all;
}

static json_t *novelty_json(const CoreModel *about) {
    const uint32_t hidden = about->dims.hidden;
    json_t *centres = json_object();
    for (uint32_t c = 0; c <= about->dims.classes; c++)
        if (about->centre_known[c])
            json_object_set_new(centres, c ? about->class_names[c - 1] : "benign",
                                floats_json(about->centres + (size_t)c * hidden, hidden));
    return json_pack("{s:o, s:o}", "centres", centres, "inverse_variance",
                     floats_json(about->inverse_variance, hidden));
}

static json_t *counters_json(const CoreModel *about) {
    json_t *names = json_array();
    char name[64];
    for (uint32_t i = 0; i < about->dims.counters; i++) {
        feature_input_name(i, name, sizeof name);
        json_array_append_new(names, json_string(name));
    }
    return names;
}

/* The entries behind the two of the feature spec; provenance is the last. */
static json_t *(*const makers[])(const CoreModel *about) = {classes_json, thresholds_json, probability_json,
                                                            novelty_json, counters_json};
static const char *const made[] = {"classes", "thresholds", "probability", "novelty", "counters"};
enum { MADE = sizeof made / sizeof made[0], SPEC = 2, ENTRIES = SPEC + MADE + 1 };

typedef struct Metadata {
    char version[16], hash[24];
    char *texts[MADE + 1];
    GraphOnnxText entries[ENTRIES];
} Metadata;

static void free_metadata(Metadata *metadata) {
    for (int i = 0; i <= MADE; i++)
        free(metadata->texts[i]);
}

static CoreStatus make_metadata(const CoreModel *about, Metadata *metadata, CoreError *error) {
    bool complete = true;
    *metadata = (Metadata){0};
    snprintf(metadata->version, sizeof metadata->version, "%u", about->spec_version);
    snprintf(metadata->hash, sizeof metadata->hash, "%016llx", (unsigned long long)about->spec_hash);
    metadata->entries[0] = (GraphOnnxText){"feature_spec_version", metadata->version};
    metadata->entries[1] = (GraphOnnxText){"feature_spec_hash", metadata->hash};
    for (int i = 0; i <= MADE; i++) {
        json_t *json = i < MADE ? makers[i](about) : NULL;
        metadata->texts[i] = i < MADE ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9))
                                      : strndup(about->provenance, about->provenance_size);
        json_decref(json);
        complete = complete && metadata->texts[i];
        metadata->entries[SPEC + i] = (GraphOnnxText){i < MADE ? made[i] : "provenance", metadata->texts[i]};
    }
    if (complete) return CORE_OK;
    free_metadata(metadata);
    return core_fail(error, CORE_MEMORY, "out of memory for the model's metadata");
}

/* ---- the model ---- */

CoreStatus train_onnx(const TrainModel *network, const CoreModel *about, uint8_t **bytes, size_t *size,
                      CoreError *error) {
    Metadata metadata;
    CoreStatus status = make_metadata(about, &metadata, error);
    if (status) return status;
    const GraphOnnxOutput outputs[] = {
        {network->logits, "logits", "of each class, in the order of the metadata \"classes\""},
        {network->hidden, "hidden", "the penultimate layer, from which the novelty is computed"}};
    const GraphOnnx wanted = {
        .name = "sipcnn v1",
        .doc = "Recognises attacks in SIP signalling, one message at a time. The inputs are those "
               "that the feature spec of the metadata computes from a capture.",
        .outputs = outputs,
        .n_outputs = sizeof outputs / sizeof *outputs,
        .inputs = inputs,
        .n_inputs = sizeof inputs / sizeof *inputs,
        .metadata = metadata.entries,
        .n_metadata = ENTRIES};
    status = graph_onnx(network->graph, &wanted, bytes, size, error);
    free_metadata(&metadata);
    return status;
}
