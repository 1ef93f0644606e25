/* Thresholds, incident rules and novelty.
 * Relies on: train/scores.h, train/threshold.h, train/windows.h, train/metrics.h.
 * Relied on by: sipcnn-train, tests. */
#include "train/calibrate.h"

#include "train/metrics.h"
#include "train/windows.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum {
    CENTRE_ROWS_LEAST = 20,
    INCIDENT_K_LEAST = 4,
    UNKNOWN_K_LEAST = 8,
    SEVERAL = 3, /* times the false messages that a class may cause whose incidents need several verdicts */
};

TrainCalibrateOptions train_calibrate_defaults(void) {
    return (TrainCalibrateOptions){.threshold = {.false_per_million = 100, .margin = 0.5f, .standard = 1},
                                   .novelty_margin = 1.5f};
}

/* ---- novelty ---- */

static void add_vector(double *sum, const float *x, uint32_t n) {
    for (uint32_t j = 0; j < n; j++)
        sum[j] += x[j];
}

static bool after_onset(const TrainScored *row) {
    return row->part != DATASET_ONSET;
}

void train_novelty_fit(const TrainScores *training, TrainCalibration *calibration) {
    uint32_t hidden = training->hidden, classes = training->classes;
    double sum[1024], spread[1024], within[1024] = {0}, known = 0;
    for (uint32_t c = 0; c <= classes; c++) {
        uint32_t n = 0;
        memset(sum, 0, sizeof sum);
        memset(spread, 0, sizeof spread);
        float *centre = calibration->centres + (size_t)c * hidden;
        for (uint32_t i = 0; i < training->count; i++) {
            if (training->rows[i].primary != c || !after_onset(&training->rows[i])) continue;
            add_vector(sum, training->features + (size_t)i * hidden, hidden);
            n++;
        }
        calibration->centre_known[c] = n >= CENTRE_ROWS_LEAST;
        if (!calibration->centre_known[c]) continue;
        for (uint32_t j = 0; j < hidden; j++)
            centre[j] = (float)(sum[j] / n);
        for (uint32_t i = 0; i < training->count; i++) {
            const float *x = training->features + (size_t)i * hidden;
            if (training->rows[i].primary != c || !after_onset(&training->rows[i])) continue;
            for (uint32_t j = 0; j < hidden; j++)
                spread[j] += (double)(x[j] - centre[j]) * (double)(x[j] - centre[j]);
        }
        for (uint32_t j = 0; j < hidden; j++)
            within[j] += spread[j] / n;
        known++;
    }
    /* Units that never vary would make every new value infinitely far: a floor of a tenth of the mean
     * variance. */
    double mean = 0;
    for (uint32_t j = 0; j < hidden; j++)
        mean += within[j] / (known ? known : 1) / hidden;
    for (uint32_t j = 0; j < hidden; j++)
        calibration->inverse_variance[j] = (float)(1 / (within[j] / (known ? known : 1) + 0.1 * mean + 1e-6));
}

static float novelty_of(const TrainScores *scores, const TrainCalibration *calibration, uint32_t i) {
    if (scores->novelty) return scores->novelty[i];
    return train_novelty(calibration, scores->classes, scores->hidden,
                         scores->features + (size_t)i * scores->hidden);
}

static void choose_novelty(const TrainScores *validation, float margin, TrainCalibration *calibration) {
    float greatest = 0;
    for (uint32_t i = 0; i < validation->count; i++) {
        if (validation->rows[i].primary != DATASET_BENIGN) continue;
        float novelty = novelty_of(validation, calibration, i);
        if (novelty > greatest) greatest = novelty;
    }
    calibration->unknown.value = greatest > 0 ? greatest * margin : FLT_MAX;
}

/* ---- thresholds ---- */

static uint32_t greatest_run(const TrainScores *scores) {
    uint32_t run = 0;
    for (uint32_t i = 0; i < scores->count; i++)
        if (scores->rows[i].run > run) run = scores->rows[i].run;
    return run;
}

/* What a request of each run weighs ([the greatest run + 1], to be freed): all runs the same, and a request 1
 * on average, so that a few long runs do not decide for the many short ones. NULL: no memory. */
static float *weigh_runs(const TrainScores *scores) {
    const uint32_t runs = greatest_run(scores) + 1;
    float *weights = calloc(runs, sizeof *weights);
    double rows = 0, used = 0;
    for (uint32_t i = 0; weights && i < scores->count; i++)
        if (scores->rows[i].primary != DATASET_BENIGN && scores->rows[i].part == DATASET_REQUEST)
            weights[scores->rows[i].run]++;
    for (uint32_t r = 0; weights && r < runs; r++) {
        rows += (double)weights[r];
        used += weights[r] > 0;
    }
    for (uint32_t r = 0; weights && r < runs; r++)
        if (weights[r] > 0) weights[r] = (float)(rows / used / (double)weights[r]);
    return weights;
}

/* Scored messages as cases of one class: benign messages of all kinds from honest clients and, unless only
 * those are wanted (no run_weights), requests after onset of attacks. Honest messages of a client that
 * attacks at some time say nothing of what an honest client may expect, and an incident of such a client is
 * no false one. */
static size_t collect_cases(const TrainScores *scores, const float *run_weights, uint32_t class_index,
                            TrainCase *cases) {
    size_t n = 0;
    for (uint32_t i = 0; i < scores->count; i++) {
        const TrainScored *row = &scores->rows[i];
        bool benign = row->primary == DATASET_BENIGN, holds = row->classes >> class_index & 1;
        if (benign ? row->attacker : !run_weights || row->part != DATASET_REQUEST) continue;
        cases[n].weight = benign ? 1 : run_weights[row->run];
        cases[n].logit = scores->logits[(size_t)i * scores->classes + class_index];
        cases[n++].kind = benign ? TRAIN_CASE_BENIGN : holds ? TRAIN_CASE_POSITIVE : TRAIN_CASE_ATTACK;
    }
    return n;
}

/* Thresholds and probabilities. Benign messages of the training side count too: what is taken for an attack
 * there will be elsewhere. */
static CoreStatus choose_thresholds(const DatasetClass *classes, const TrainScores *training,
                                    const TrainScores *validation, const TrainCalibrateOptions *options,
                                    TrainCalibration *calibration, CoreError *error) {
    TrainCase *cases = malloc(((size_t)validation->count + training->count + 1) * sizeof *cases);
    float *weights = weigh_runs(validation);
    if (!cases || !weights) {
        free(cases);
        free(weights);
        return core_fail(error, CORE_MEMORY, "out of memory for calibration");
    }
    for (uint32_t c = 0; c < validation->classes; c++) {
        size_t n = collect_cases(validation, weights, c, cases);
        n += collect_cases(training, NULL, c, cases + n);
        const bool at_once = classes[c].onset == 0;
        TrainThresholdOptions share = options->threshold;
        share.false_per_million *= (at_once ? 1.0 : SEVERAL) / validation->classes;
        const float chosen = train_threshold_choose(cases, n, &share, at_once);
        calibration->thresholds[c].value = train_threshold_limit(chosen + options->shift[c]);
        calibration->platt[c] = train_platt_fit(cases, n);
    }
    free(weights);
    free(cases);
    return CORE_OK;
}

/* ---- k of n ---- */

/* Memory of the verdict sequences. */
typedef struct SequenceBuffers {
    uint8_t *said, *primary;
    uint32_t *run, *begin, *next, *marks;
    bool *attacked;
} SequenceBuffers;

/* Sorts verdicts by client, keeping their order. Client 0 (no client) has an empty sequence: it has no key.
 */
static void fill_sequences(const TrainScores *scores, const TrainCalibration *calibration, uint32_t clients,
                           SequenceBuffers *buffers) {
    for (uint32_t i = 0; i < scores->count; i++) {
        uint32_t client = scores->rows[i].client;
        if (client) buffers->begin[client + 1]++;
        buffers->attacked[client] = scores->rows[i].attacker;
    }
    for (uint32_t c = 0; c < clients; c++)
        buffers->begin[c + 1] += buffers->begin[c];
    memcpy(buffers->next, buffers->begin, clients * sizeof *buffers->next);
    for (uint32_t i = 0; i < scores->count; i++) {
        uint32_t client = scores->rows[i].client;
        if (!client) continue;
        uint32_t at = buffers->next[client]++;
        buffers->said[at] = (uint8_t)train_verdict(scores, calibration, i);
        buffers->primary[at] = scores->rows[i].primary;
        buffers->run[at] = scores->rows[i].run;
    }
}

static void choose_rules(const DatasetClass *classes, uint32_t n_classes, const TrainSequences *sequences,
                         TrainCalibration *calibration) {
    for (uint32_t c = 0; c < n_classes; c++)
        if (classes[c].onset)
            train_windows_choose(sequences, (uint8_t)(c + 1), train_windows_ladder(INCIDENT_K_LEAST),
                                 &calibration->thresholds[c]);
        else
            calibration->thresholds[c].k = calibration->thresholds[c].n = 1;
    train_windows_choose(sequences, (uint8_t)(n_classes + 1), train_windows_ladder(UNKNOWN_K_LEAST),
                         &calibration->unknown);
}

static CoreStatus choose_windows(const DatasetClass *classes, const TrainScores *validation,
                                 TrainCalibration *calibration, CoreError *error) {
    uint32_t clients = 1;
    for (uint32_t i = 0; i < validation->count; i++)
        if (validation->rows[i].client >= clients) clients = validation->rows[i].client + 1;
    size_t rows = validation->count + (size_t)1;
    SequenceBuffers b = {.said = malloc(rows),
                         .primary = malloc(rows),
                         .run = calloc(rows, sizeof *b.run),
                         .begin = calloc(clients + (size_t)1, sizeof *b.begin),
                         .next = calloc(clients, sizeof *b.next),
                         .marks = calloc(greatest_run(validation) + (size_t)1, sizeof *b.marks),
                         .attacked = calloc(clients, sizeof *b.attacked)};
    CoreStatus status = CORE_OK;
    if (b.said && b.primary && b.run && b.begin && b.next && b.marks && b.attacked) {
        fill_sequences(validation, calibration, clients, &b);
        TrainSequences sequences = {b.said, b.primary, b.run, b.begin, b.attacked, clients, b.marks};
        choose_rules(classes, validation->classes, &sequences, calibration);
    } else {
        status = core_fail(error, CORE_MEMORY, "out of memory for calibration");
    }
    free(b.said);
    free(b.primary);
    free(b.run);
    free(b.begin);
    free(b.next);
    free(b.marks);
    free(b.attacked);
    return status;
}

CoreStatus train_calibrate(const DatasetClass *classes, const TrainScores *training,
                           const TrainScores *validation, const TrainCalibrateOptions *options,
                           TrainCalibration *calibration, CoreError *error) {
    choose_novelty(validation, options->novelty_margin, calibration);
    CoreStatus status = choose_thresholds(classes, training, validation, options, calibration, error);
    return status == CORE_OK ? choose_windows(classes, validation, calibration, error) : status;
}
