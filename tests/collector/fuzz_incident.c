/* Fuzz target: the body of POST /v1/incidents, and that what is accepted reads back as the same JSON.
 * Relies on: tools/collector/incident, jansson.
 * Relied on by: ctest, libFuzzer. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tools/collector/incident.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A member that the database shows must be text with its length inside the document. */
static bool is_sound(const CollectorIncident *incident) {
    json_t *again = json_loads(incident->raw, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    const json_t *id = json_object_get(again, "id");
    bool same = json_is_string(id) && json_string_length(id) == incident->id.length &&
                memcmp(json_string_value(id), incident->id.bytes, incident->id.length) == 0;
    for (const unsigned char *c = (const unsigned char *)incident->raw; *c != 0; c++)
        same = same && *c >= 0x20 && *c <= 0x7f;
    json_decref(again);
    return same && incident->id.length > 0 && incident->id.length <= 128 &&
           incident->class_name.length <= 64 && incident->time >= 0 && incident->p <= 1 &&
           incident->frame >= 0 && incident->messages >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CollectorBatch batch;
    CoreError error = {0};
    CoreStatus status = collector_batch_parse((const char *)data, size, &batch, &error);
    bool sound = status == CORE_OK || error.text[0] != '\0';
    for (size_t i = 0; status == CORE_OK && i < batch.count; i++)
        sound = sound && is_sound(&batch.incidents[i]);
    collector_batch_free(&batch);
    if (!sound) __builtin_trap();
    return 0;
}
