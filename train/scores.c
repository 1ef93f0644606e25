/* Scoring rows with the network; verdicts.
 * Relies on: train/model.h, train/data.h.
 * Relied on by: train/fit, train/calibrate, train/evaluate, tests. */
#include "train/scores.h"

#include "train/metrics.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { SCORE_BATCH = 256 };

/* Buffers of a scoring run; the loss inputs are zeros, nobody reads the loss. */
typedef struct ScoreBuffers {
    FeatureRow *rows;
    float *zeros;
} ScoreBuffers;

static CoreStatus score_batches(TrainModel *model, const TrainData *data, const ScoreBuffers *buffers,
                                TrainReport *report, void *user, TrainScores *scores, CoreError *error) {
    TrainBatch batch = {buffers->rows, buffers->zeros, buffers->zeros, buffers->zeros};
    CoreStatus status = train_model_bind(model, &batch, error);
    for (uint32_t done = 0; status == CORE_OK && done < scores->count; done += SCORE_BATCH) {
        if (report && !report(user, done, scores->count))
            return core_fail(error, CORE_INTERRUPTED, "interrupted");
        uint32_t n = scores->count - done < SCORE_BATCH ? scores->count - done : SCORE_BATCH;
        for (uint32_t i = 0; i < n; i++)
            buffers->rows[i] = data->rows[scores->rows[done + i]];
        status = graph_forward(model->graph, (int32_t)n, false, error);
        if (status) return status;
        memcpy(scores->logits + (size_t)done * scores->classes, graph_value(model->graph, model->logits),
               (size_t)n * scores->classes * sizeof(float));
        memcpy(scores->features + (size_t)done * scores->hidden, graph_value(model->graph, model->hidden),
               (size_t)n * scores->hidden * sizeof(float));
    }
    return status;
}

CoreStatus train_scores_compute(TrainModel *model, const TrainData *data, const uint32_t *rows,
                                uint32_t count, TrainReport *report, void *user, TrainScores *scores,
                                CoreError *error) {
    uint32_t classes = model->dims.classes, hidden = model->dims.hidden;
    *scores = (TrainScores){.count = count, .classes = classes, .hidden = hidden};
    scores->rows = malloc((count + (size_t)1) * sizeof *scores->rows);
    scores->logits = malloc((count + (size_t)1) * classes * sizeof *scores->logits);
    scores->features = malloc((count + (size_t)1) * hidden * sizeof *scores->features);
    ScoreBuffers buffers = {malloc(SCORE_BATCH * sizeof(FeatureRow)),
                            calloc((size_t)SCORE_BATCH * classes, sizeof(float))};
    CoreStatus status;
    if (scores->rows && scores->logits && scores->features && buffers.rows && buffers.zeros) {
        memcpy(scores->rows, rows, count * sizeof *rows);
        status = score_batches(model, data, &buffers, report, user, scores, error);
    } else {
        status = core_fail(error, CORE_MEMORY, "out of memory for the scores of %u messages", count);
    }
    free(buffers.rows);
    free(buffers.zeros);
    if (status) train_scores_free(scores);
    return status;
}

void train_scores_free(TrainScores *scores) {
    free(scores->rows);
    free(scores->logits);
    free(scores->features);
    *scores = (TrainScores){0};
}

CoreStatus train_rows_of(const TrainData *data, DatasetSide side, bool warm, uint32_t **rows, uint32_t *count,
                         CoreError *error) {
    *count = 0;
    *rows = malloc((data->count + 1) * sizeof **rows);
    if (!*rows) return core_fail(error, CORE_MEMORY, "out of memory");
    for (uint64_t i = 0; i < data->count; i++)
        if (data->sides[i] == side && train_labelled(&data->examples[i]) && (warm || !data->examples[i].warm))
            (*rows)[(*count)++] = (uint32_t)i;
    if (*count) return CORE_OK;
    free(*rows);
    *rows = NULL;
    return core_fail(error, CORE_NOT_FOUND, "no labelled message on the %s side", dataset_side_name(side));
}

CoreStatus train_calibration_new(uint32_t classes, uint32_t hidden, TrainCalibration *calibration,
                                 CoreError *error) {
    *calibration = (TrainCalibration){.unknown = {FLT_MAX, 1, 1}};
    for (uint32_t c = 0; c < classes; c++)
        calibration->thresholds[c] = (CoreModelThreshold){0, 1, 1};
    calibration->centres = calloc((classes + (size_t)1) * hidden, sizeof(float));
    calibration->inverse_variance = calloc(hidden, sizeof(float));
    if (calibration->centres && calibration->inverse_variance) return CORE_OK;
    train_calibration_free(calibration);
    return core_fail(error, CORE_MEMORY, "out of memory");
}

void train_calibration_free(TrainCalibration *calibration) {
    free(calibration->centres);
    free(calibration->inverse_variance);
    *calibration = (TrainCalibration){0};
}

float train_novelty(const TrainCalibration *calibration, uint32_t classes, uint32_t hidden,
                    const float *features) {
    float nearest = FLT_MAX;
    bool any = false;
    for (uint32_t c = 0; c <= classes; c++) {
        if (!calibration->centre_known[c]) continue;
        const float *centre = calibration->centres + (size_t)c * hidden;
        float sum = 0;
        for (uint32_t j = 0; j < hidden; j++)
            sum += (features[j] - centre[j]) * (features[j] - centre[j]) * calibration->inverse_variance[j];
        if (sum < nearest) nearest = sum;
        any = true;
    }
    return any ? nearest / (float)hidden : 0;
}

uint32_t train_verdict(const TrainScores *scores, const TrainCalibration *calibration, uint32_t i) {
    const float *logits = scores->logits + (size_t)i * scores->classes;
    uint32_t best = 0;
    float margin = -FLT_MAX;
    for (uint32_t c = 0; c < scores->classes; c++) {
        float z = logits[c] - calibration->thresholds[c].value;
        if (z > margin) margin = z, best = c + 1;
    }
    if (margin >= 0) return best;
    float novelty = train_novelty(calibration, scores->classes, scores->hidden,
                                  scores->features + (size_t)i * scores->hidden);
    return novelty >= calibration->unknown.value ? scores->classes + 1 : TRAIN_SAID_BENIGN;
}
