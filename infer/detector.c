/* The detector: context, forward pass, thresholds; one verdict per message.
 * Relies on: data/features/features.h, infer/executor, infer/model.
 * Relied on by: sipcnn-infer, sipcnn-bench, programs that embed libsipcnn. */
#include "data/wire/osip.h"
#include "infer/executor.h"
#include "infer/model.h"

#include <math.h>
#include <stdlib.h>

struct SipcnnDetector {
    const SipcnnModel *model; /* NULL: rules only */
    FeatureContext *context;
    SipcnnExecutor *executor;
    FeatureRow row;
};

CoreStatus sipcnn_init(CoreError *error) {
    return wire_osip_init(error);
}

CoreStatus sipcnn_detector_new(const SipcnnModel *model, const SipcnnOptions *options,
                               SipcnnDetector **detector, CoreError *error) {
    const FeatureLocal *local = options != NULL ? options->local : NULL;
    size_t n_local = options != NULL ? options->n_local : 0;
    SipcnnDetector *made = calloc(1, sizeof *made);
    if (made == NULL) return core_fail(error, CORE_MEMORY, "no memory for a detector");
    made->model = model;
    CoreStatus status = feature_context_new(local, n_local, &made->context, error);
    if (status == CORE_OK && model != NULL)
        status = sipcnn_executor_new(&model->core, &made->executor, error);
    if (status == CORE_OK)
        *detector = made;
    else
        sipcnn_detector_free(made);
    return status;
}

void sipcnn_detector_free(SipcnnDetector *detector) {
    if (detector == NULL) return;
    if (detector->context != NULL) feature_context_free(detector->context);
    if (detector->executor != NULL) sipcnn_executor_free(detector->executor);
    free(detector);
}

const FeatureRow *sipcnn_detector_row(const SipcnnDetector *detector) {
    return &detector->row;
}

/* Calibrated (Platt) where the file says how. */
static float probability(const CoreModel *model, int class_index, float logit) {
    float temperature = model->temperature[class_index];
    if (temperature > 0) logit = logit / temperature + model->calibration_bias[class_index];
    return 1.0f / (1.0f + expf(-logit));
}

/* Contracts: z = logit - threshold; the greatest z decides if it is not negative, then novelty. */
static void decide(const CoreModel *model, SipcnnVerdict *verdict) {
    float best = -INFINITY, greatest_p = 0;
    int best_class = 0;
    for (int i = 0; i < (int)model->dims.classes; i++) {
        float z = verdict->logit[i] - model->thresholds[i].value;
        verdict->p[i] = probability(model, i, verdict->logit[i]);
        if (verdict->p[i] > greatest_p) greatest_p = verdict->p[i];
        if (z <= best) continue;
        best = z;
        best_class = i;
    }
    float novelty_limit = model->unknown.value;
    if (best >= 0) {
        verdict->class_index = best_class;
        verdict->p_class = verdict->p[best_class];
    } else if (verdict->novelty >= novelty_limit) {
        float sum = verdict->novelty + novelty_limit;
        verdict->class_index = SIPCNN_UNKNOWN;
        verdict->p_class = sum > 0 && novelty_limit > 0 ? verdict->novelty / sum : 1;
        if (!(verdict->p_class <= 1)) verdict->p_class = 1; /* an infinite novelty */
    } else {
        verdict->class_index = SIPCNN_BENIGN;
        verdict->p_class = 1 - greatest_p;
    }
}

void sipcnn_detector_step(SipcnnDetector *detector, const WireMessage *message, const FeatureEncoded *encoded,
                          SipcnnVerdict *verdict) {
    feature_context_step(detector->context, message, encoded, &detector->row, &verdict->keys);
    if (detector->model == NULL) {
        verdict->class_index = SIPCNN_BENIGN;
        verdict->novelty = 0;
        verdict->p_class = 1;
        return;
    }
    sipcnn_executor_run(detector->executor, &detector->row, 0, verdict->logit, &verdict->novelty);
    decide(&detector->model->core, verdict);
}
