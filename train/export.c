/* Folding embeddings into tables, and tables back into embeddings.
 * Relies on: train/model.h, engine/core/model.h, data/digest.
 * Relied on by: sipcnn-train, tests. */
#include "train/export.h"

#include "data/digest/digest.h"
#include "train/fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Layers are named after the file's tensors: NAME is parameter NAME.weight, NAME_bias is NAME.bias, and
 * NAME_table is folded from NAME_embedding.table and NAME.weight. */
static bool ends_with(const char *name, const char *end, char *stem, size_t capacity) {
    size_t length = strlen(name), tail = strlen(end);
    if (length <= tail || strcmp(name + length - tail, end) != 0) return false;
    snprintf(stem, capacity, "%.*s", (int)(length - tail), name);
    return true;
}

static CoreStatus find(Graph *graph, const char *layer, const char *what, GraphParameter *parameter,
                       CoreError *error) {
    char name[96];
    snprintf(name, sizeof name, "%s%s", layer, what);
    return graph_parameter(graph, name, parameter, error);
}

/* table[k][v][o] = sum over e of embedding[v][e] * weight[k][e][o]. */
static void fold(const GraphParameter *embedding, const GraphParameter *weight, float *table) {
    int32_t rows = embedding->shape.size[0], width = embedding->shape.size[1];
    int32_t taps = weight->shape.size[0], channels = weight->shape.size[2];
    for (int32_t k = 0; k < taps; k++)
        for (int32_t v = 0; v < rows; v++)
            for (int32_t o = 0; o < channels; o++) {
                double sum = 0;
                for (int32_t e = 0; e < width; e++)
                    sum += (double)embedding->values[v * width + e] *
                           (double)weight->values[(k * width + e) * channels + o];
                table[((size_t)k * (size_t)rows + (size_t)v) * (size_t)channels + (size_t)o] = (float)sum;
            }
}

static CoreStatus shape_error(const char *tensor, CoreError *error) {
    return core_fail(error, CORE_SHAPE, "tensor %s does not fit its layer", tensor);
}

static CoreStatus export_tensor(Graph *graph, const CoreModelDims *dims, CoreModelTensor tensor, float *to,
                                CoreError *error) {
    const char *name = core_model_tensor_name(tensor);
    char stem[64], embedding_name[80];
    GraphParameter parameter, embedding;
    if (ends_with(name, "_table", stem, sizeof stem)) {
        snprintf(embedding_name, sizeof embedding_name, "%s_embedding", stem);
        CoreStatus status = find(graph, embedding_name, ".table", &embedding, error);
        if (status == CORE_OK) status = find(graph, stem, ".weight", &parameter, error);
        if (status) return status;
        size_t count = (size_t)parameter.shape.size[0] * (size_t)embedding.shape.size[0] *
                       (size_t)parameter.shape.size[2];
        if (count != core_model_elements(dims, tensor)) return shape_error(name, error);
        fold(&embedding, &parameter, to);
        return CORE_OK;
    }
    bool bias = ends_with(name, "_bias", stem, sizeof stem);
    CoreStatus status = find(graph, bias ? stem : name, bias ? ".bias" : ".weight", &parameter, error);
    if (status) return status;
    if (parameter.count != core_model_elements(dims, tensor)) return shape_error(name, error);
    memcpy(to, parameter.values, parameter.count * sizeof(float));
    return CORE_OK;
}

static void describe(const TrainCheckpoint *checkpoint, const char *provenance, CoreModel *file) {
    const TrainCalibration *calibration = &checkpoint->calibration;
    for (uint32_t c = 0; c < checkpoint->n_classes; c++) {
        snprintf(file->class_names[c], sizeof file->class_names[c], "%s", checkpoint->classes[c].name);
        file->temperature[c] = calibration->platt[c].temperature;
        file->calibration_bias[c] = calibration->platt[c].bias;
    }
    file->spec_version = checkpoint->spec_version;
    file->spec_hash = checkpoint->spec_hash;
    file->low = checkpoint->norm.low;
    file->high = checkpoint->norm.high;
    file->mean = checkpoint->norm.mean;
    file->scale = checkpoint->norm.scale;
    memcpy(file->thresholds, calibration->thresholds, sizeof file->thresholds);
    file->unknown = calibration->unknown;
    memcpy(file->centre_known, calibration->centre_known, sizeof file->centre_known);
    file->centres = calibration->centres;
    file->inverse_variance = calibration->inverse_variance;
    file->provenance = provenance;
    file->provenance_size = (uint32_t)strlen(provenance);
}

CoreStatus train_export(const TrainCheckpoint *checkpoint, const char *provenance, uint8_t **bytes,
                        size_t *size, CoreError *error) {
    if (!checkpoint->calibrated)
        return core_fail(error, CORE_ARGUMENT, "not calibrated yet: sipcnn-train calibrate does that");
    TrainModel model;
    CoreStatus status = train_fit_network(checkpoint, TRAIN_BEST, 1, &model, error);
    if (status) return status;
    CoreModel *file = calloc(1, sizeof *file);
    size_t total = 0;
    for (int t = 0; t < CORE_TENSORS; t++)
        total += core_model_elements(&model.dims, (CoreModelTensor)t);
    float *weights = calloc(total, sizeof *weights);
    if (!file || !weights) status = core_fail(error, CORE_MEMORY, "out of memory for the model");
    size_t used = 0;
    for (int t = 0; status == CORE_OK && t < CORE_TENSORS; t++) {
        file->weights[t] = weights + used;
        status = export_tensor(model.graph, &model.dims, (CoreModelTensor)t, weights + used, error);
        used += core_model_elements(&model.dims, (CoreModelTensor)t);
    }
    if (status == CORE_OK) {
        file->dims = model.dims;
        describe(checkpoint, provenance, file);
        status = core_model_write(file, digest_sha256, bytes, size, error);
    }
    free(weights);
    free(file);
    train_model_free(&model);
    return status;
}

/* ---- and back ---- */

/* The inverse of fold: row v of the embedding is the table's rows of all taps side by side. */
static void unfold(const float *table, GraphParameter *embedding, GraphParameter *weight) {
    int32_t rows = embedding->shape.size[0], width = embedding->shape.size[1];
    int32_t taps = weight->shape.size[0], channels = weight->shape.size[2];
    memset(weight->values, 0, weight->count * sizeof(float));
    for (int32_t k = 0; k < taps; k++)
        for (int32_t o = 0; o < channels; o++) {
            weight->values[(k * width + k * channels + o) * channels + o] = 1;
            for (int32_t v = 0; v < rows; v++)
                embedding->values[v * width + k * channels + o] =
                    table[((size_t)k * (size_t)rows + (size_t)v) * (size_t)channels + (size_t)o];
        }
}

static CoreStatus import_tensor(Graph *graph, const CoreModel *file, CoreModelTensor tensor,
                                CoreError *error) {
    const char *name = core_model_tensor_name(tensor);
    char stem[64], embedding_name[80];
    GraphParameter parameter, embedding;
    if (ends_with(name, "_table", stem, sizeof stem)) {
        snprintf(embedding_name, sizeof embedding_name, "%s_embedding", stem);
        CoreStatus status = find(graph, embedding_name, ".table", &embedding, error);
        if (status == CORE_OK) status = find(graph, stem, ".weight", &parameter, error);
        if (status) return status;
        unfold(file->weights[tensor], &embedding, &parameter);
        return CORE_OK;
    }
    bool bias = ends_with(name, "_bias", stem, sizeof stem);
    CoreStatus status = find(graph, bias ? stem : name, bias ? ".bias" : ".weight", &parameter, error);
    if (status) return status;
    if (parameter.count != core_model_elements(&file->dims, tensor)) return shape_error(name, error);
    memcpy(parameter.values, file->weights[tensor], parameter.count * sizeof(float));
    return CORE_OK;
}

static CoreStatus import_calibration(const CoreModel *file, TrainCalibration *calibration, CoreError *error) {
    uint32_t classes = file->dims.classes, hidden = file->dims.hidden;
    CoreStatus status = train_calibration_new(classes, hidden, calibration, error);
    if (status) return status;
    memcpy(calibration->thresholds, file->thresholds, sizeof calibration->thresholds);
    calibration->unknown = file->unknown;
    memcpy(calibration->centre_known, file->centre_known, sizeof calibration->centre_known);
    memcpy(calibration->centres, file->centres, (classes + (size_t)1) * hidden * sizeof(float));
    memcpy(calibration->inverse_variance, file->inverse_variance, hidden * sizeof(float));
    return CORE_OK;
}

static CoreStatus import_network(const CoreModel *file, int threads, TrainModel *model, CoreError *error) {
    CoreModelDims dims = file->dims;
    dims.token_embedding = 3 * dims.token_channels;
    dims.text_embedding = 5 * dims.text_channels;
    dims.event_embedding = 3 * dims.dialog_features;
    TrainNorm norm;
    memcpy(norm.low, file->low, sizeof norm.low);
    memcpy(norm.high, file->high, sizeof norm.high);
    memcpy(norm.mean, file->mean, sizeof norm.mean);
    memcpy(norm.scale, file->scale, sizeof norm.scale);
    TrainModelOptions options = {.max_batch = 256};
    CoreStatus status = train_model_new(&dims, &norm, &options, model, error);
    if (status) return status;
    graph_set_threads(model->graph, threads);
    for (int t = 0; status == CORE_OK && t < CORE_TENSORS; t++)
        status = import_tensor(model->graph, file, (CoreModelTensor)t, error);
    if (status) train_model_free(model);
    return status;
}

CoreStatus train_import(const CoreModel *file, int threads, TrainModel *model, TrainCalibration *calibration,
                        CoreError *error) {
    *model = (TrainModel){0};
    *calibration = (TrainCalibration){0};
    if (file->spec_version != FEATURE_SPEC_VERSION || file->spec_hash != feature_spec_hash())
        return core_fail(error, CORE_VERSION, "feature spec %u (%016llx), this program has %u (%016llx)",
                         file->spec_version, (unsigned long long)file->spec_hash, FEATURE_SPEC_VERSION,
                         (unsigned long long)feature_spec_hash());
    if (file->dims.counters != FEATURE_COUNTERS)
        return core_fail(error, CORE_SHAPE, "the model has %u counters, this program %d", file->dims.counters,
                         FEATURE_COUNTERS);
    CoreStatus status = import_network(file, threads, model, error);
    if (status) return status;
    status = import_calibration(file, calibration, error);
    if (status) train_model_free(model);
    return status;
}
