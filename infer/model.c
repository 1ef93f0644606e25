/* Loads a model file and refuses what this build's features would not fit.
 * Relies on: engine/core/model.h, engine/core/file.h, data/digest, data/features/features.h.
 * Relied on by: infer/detector, sipcnn-infer, programs that embed libsipcnn. */
#include "infer/model.h"

#include "data/digest/digest.h"
#include "engine/core/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static CoreStatus check_spec(const CoreModel *model, CoreError *error) {
    if (model->spec_version == FEATURE_SPEC_VERSION && model->spec_hash == feature_spec_hash())
        return CORE_OK;
    return core_fail(error, CORE_VERSION,
                     "trained for feature spec %" PRIu32 " (%016" PRIx64
                     "), this program computes spec %d (%016" PRIx64 ")",
                     model->spec_version, model->spec_hash, (int)FEATURE_SPEC_VERSION, feature_spec_hash());
}

static CoreStatus check_size(const char *what, uint32_t has, uint32_t wants, CoreError *error) {
    if (has == wants) return CORE_OK;
    return core_fail(error, CORE_SHAPE, "%s: the model takes %" PRIu32 ", the features have %" PRIu32, what,
                     has, wants);
}

/* The spec's hash covers these too; a file that lies about its spec must still not make us read beyond a row.
 */
static CoreStatus check_shape(const CoreModelDims *dims, CoreError *error) {
    const struct {
        const char *what;
        uint32_t has, wants;
    } sizes[] = {
        {"token positions", dims->token_positions, FEATURE_TOKENS},
        {"token fields", dims->token_fields, FEATURE_TOKEN_FIELDS},
        {"text bytes", dims->text_bytes, FEATURE_TEXT},
        {"event positions", dims->event_positions, FEATURE_EVENTS},
        {"event fields", dims->event_fields, FEATURE_EVENT_FIELDS},
        {"counters", dims->counters, FEATURE_COUNTERS},
    };
    CoreStatus status = CORE_OK;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && status == CORE_OK; i++)
        status = check_size(sizes[i].what, sizes[i].has, sizes[i].wants, error);
    for (int i = 0; i < FEATURE_TOKEN_FIELDS && status == CORE_OK; i++)
        status =
            check_size("token vocabulary", dims->token_vocabulary[i], feature_token_vocabulary[i], error);
    for (int i = 0; i < FEATURE_EVENT_FIELDS && status == CORE_OK; i++)
        status =
            check_size("event vocabulary", dims->event_vocabulary[i], feature_event_vocabulary[i], error);
    for (int i = 0; i < FEATURE_GROUPS && status == CORE_OK; i++) {
        status = check_size("start of a counter group", dims->groups[i].begin, feature_group_begin[i], error);
        uint32_t count = (uint32_t)(feature_group_begin[i + 1] - feature_group_begin[i]);
        if (status == CORE_OK)
            status = check_size("size of a counter group", dims->groups[i].count, count, error);
    }
    return status;
}

CoreStatus sipcnn_model_load(const char *path, SipcnnModel **model, CoreError *error) {
    uint8_t *bytes;
    size_t size;
    CoreStatus status = core_file_read(path, CORE_MODEL_SIZE_MAX, &bytes, &size, error);
    if (status != CORE_OK) return status;
    status = sipcnn_model_parse(bytes, size, path, model, error);
    free(bytes);
    return status;
}

/* The copy begins where a cache line does: the format's sections do too, and a vector of weights that lies in
 * two lines costs two reads. */
static uint8_t *copy_aligned(const void *data, size_t size) {
    enum { LINE = 64 };
    uint8_t *copy = aligned_alloc(LINE, (size + LINE) / LINE * LINE);
    return copy != NULL && size > 0 ? memcpy(copy, data, size) : copy;
}

CoreStatus sipcnn_model_parse(const void *data, size_t size, const char *name, SipcnnModel **model,
                              CoreError *error) {
    if (size > CORE_MODEL_SIZE_MAX)
        return core_fail(error, CORE_LIMIT, "%s: %zu bytes, a model has at most %u", name, size,
                         CORE_MODEL_SIZE_MAX);
    SipcnnModel *made = calloc(1, sizeof *made);
    if (made != NULL) made->bytes = copy_aligned(data, size);
    if (made == NULL || made->bytes == NULL) {
        free(made);
        return core_fail(error, CORE_MEMORY, "%s: no memory for a model", name);
    }
    CoreStatus status = core_model_read(made->bytes, size, digest_sha256, &made->core, error);
    if (status == CORE_OK) status = check_spec(&made->core, error);
    if (status == CORE_OK) status = check_shape(&made->core.dims, error);
    if (status == CORE_OK) {
        *model = made;
        return CORE_OK;
    }
    sipcnn_model_free(made);
    return core_fail_context(error, status, "%s", name);
}

void sipcnn_model_free(SipcnnModel *model) {
    if (model == NULL) return;
    free(model->bytes);
    free(model);
}

int sipcnn_model_classes(const SipcnnModel *model) {
    return model != NULL ? (int)model->core.dims.classes : 0;
}

const char *sipcnn_model_class_name(const SipcnnModel *model, int class_index) {
    if (class_index == SIPCNN_BENIGN) return "benign";
    if (class_index == SIPCNN_UNKNOWN) return "unknown";
    if (class_index < 0 || class_index >= sipcnn_model_classes(model)) return "?";
    return model->core.class_names[class_index];
}

void sipcnn_model_agreement(const SipcnnModel *model, int class_index, uint32_t *k, uint32_t *n) {
    *k = *n = 1;
    if (model == NULL || class_index >= sipcnn_model_classes(model)) return;
    const CoreModelThreshold *threshold =
        class_index >= 0 ? &model->core.thresholds[class_index] : &model->core.unknown;
    *k = threshold->k;
    *n = threshold->n;
}
