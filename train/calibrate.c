/* Thresholds, incident rules and novelty.
 * Relies on: train/scores.h, train/threshold.h, train/windows.h, train/metrics.h.
 * Relied on by: sipcnn-train, tests. */
#include "train/calibrate.h"

#include "train/metrics.h"
#include "train/windows.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { CENTRE_ROWS_LEAST = 20, INCIDENT_K_LEAST = 3, UNKNOWN_K_LEAST = 8 };

TrainCalibrateOptions train_calibrate_defaults(void) {
    return (TrainCalibrateOptions){.threshold = {.false_per_million = 30, .margin = 0.5f, .standard = 1},
                                   .novelty_margin = 1.5f};
}

/* ---- novelty ---- */

static void add_vector(double *sum, const float *x, uint32_t n) {
    for (uint32_t j = 0; j < n; j++)
        sum[j] += x[j];
}

static bool after_onset(const DatasetExample *example) {
    return example->part != DATASET_ONSET;
}

void train_novelty_fit(const TrainData *data, const TrainScores *training, TrainCalibration *calibration) {
    uint32_t hidden = training->hidden, classes = training->classes;
    double sum[1024], spread[1024], within[1024] = {0}, known = 0;
    for (uint32_t c = 0; c <= classes; c++) {
        uint32_t n = 0;
        memset(sum, 0, sizeof sum);
        memset(spread, 0, sizeof spread);
        float *centre = calibration->centres + (size_t)c * hidden;
        for (uint32_t i = 0; i < training->count; i++) {
            const DatasetExample *example = &data->examples[training->rows[i]];
            if (example->primary != c || !after_onset(example)) continue;
            add_vector(sum, training->features + (size_t)i * hidden, hidden);
            n++;
        }
        calibration->centre_known[c] = n >= CENTRE_ROWS_LEAST;
        if (!calibration->centre_known[c]) continue;
        for (uint32_t j = 0; j < hidden; j++)
            centre[j] = (float)(sum[j] / n);
        for (uint32_t i = 0; i < training->count; i++) {
            const DatasetExample *example = &data->examples[training->rows[i]];
            const float *x = training->features + (size_t)i * hidden;
            if (example->primary != c || !after_onset(example)) continue;
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

static void choose_novelty(const TrainData *data, const TrainScores *validation, float margin,
                           TrainCalibration *calibration) {
    float greatest = 0;
    for (uint32_t i = 0; i < validation->count; i++) {
        if (data->examples[validation->rows[i]].primary != DATASET_BENIGN) continue;
        float novelty = train_novelty(calibration, validation->classes, validation->hidden,
                                      validation->features + (size_t)i * validation->hidden);
        if (novelty > greatest) greatest = novelty;
    }
    calibration->unknown.value = greatest > 0 ? greatest * margin : FLT_MAX;
}

/* ---- thresholds ---- */

/* Which clients attacked at some time. Their honest messages say nothing of what an honest client may expect,
 * and an incident of such a client is no false one. */
static bool *find_attackers(const TrainData *data, uint32_t clients) {
    bool *attacked = calloc(clients, sizeof *attacked);
    for (uint64_t i = 0; attacked && i < data->count; i++)
        if (data->examples[i].run) attacked[data->examples[i].client] = true;
    if (attacked) attacked[0] = false; /* no client */
    return attacked;
}

static uint32_t clients_of(const TrainData *data) {
    uint32_t most = 0;
    for (uint64_t i = 0; i < data->count; i++)
        if (data->examples[i].client > most) most = data->examples[i].client;
    return most + 1;
}

/* Scored messages as cases of one class: benign messages of all kinds from honest clients and, unless only
 * those are wanted, requests after onset of attacks. */
static size_t collect_cases(const TrainData *data, const TrainScores *scores, const bool *attacked,
                            bool only_benign, uint32_t class_index, TrainCase *cases) {
    size_t n = 0;
    for (uint32_t i = 0; i < scores->count; i++) {
        const DatasetExample *example = &data->examples[scores->rows[i]];
        bool benign = example->primary == DATASET_BENIGN, holds = example->classes >> class_index & 1;
        if (benign ? attacked[example->client] : only_benign || example->part != DATASET_REQUEST) continue;
        cases[n].logit = scores->logits[(size_t)i * scores->classes + class_index];
        cases[n++].kind = benign ? TRAIN_CASE_BENIGN : holds ? TRAIN_CASE_POSITIVE : TRAIN_CASE_ATTACK;
    }
    return n;
}

/* Benign messages of the training side count too: what is taken for an attack there will be elsewhere. */
static CoreStatus choose_thresholds(const TrainData *data, const TrainScores *training,
                                    const TrainScores *validation, const bool *attacked,
                                    const TrainThresholdOptions *options, TrainCalibration *calibration,
                                    CoreError *error) {
    TrainCase *cases = malloc(((size_t)validation->count + training->count + 1) * sizeof *cases);
    if (!cases) return core_fail(error, CORE_MEMORY, "out of memory for calibration");
    TrainThresholdOptions share = *options;
    share.false_per_million /= validation->classes;
    for (uint32_t c = 0; c < validation->classes; c++) {
        size_t n = collect_cases(data, validation, attacked, false, c, cases);
        n += collect_cases(data, training, attacked, true, c, cases + n);
        calibration->thresholds[c].value =
            train_threshold_choose(cases, n, &share, data->classes[c].onset == 0);
    }
    free(cases);
    return CORE_OK;
}

/* ---- k of n ---- */

/* Memory of the verdict sequences. */
typedef struct SequenceBuffers {
    uint8_t *said;
    uint32_t *begin, *next;
} SequenceBuffers;

/* Sorts verdicts by client, keeping their order. Client 0 (no client) has an empty sequence: it has no key.
 */
static void fill_sequences(const TrainData *data, const TrainScores *scores,
                           const TrainCalibration *calibration, uint32_t clients, SequenceBuffers *buffers) {
    for (uint32_t i = 0; i < scores->count; i++) {
        uint32_t client = data->examples[scores->rows[i]].client;
        if (client) buffers->begin[client + 1]++;
    }
    for (uint32_t c = 0; c < clients; c++)
        buffers->begin[c + 1] += buffers->begin[c];
    memcpy(buffers->next, buffers->begin, clients * sizeof *buffers->next);
    for (uint32_t i = 0; i < scores->count; i++) {
        uint32_t client = data->examples[scores->rows[i]].client;
        if (client) buffers->said[buffers->next[client]++] = (uint8_t)train_verdict(scores, calibration, i);
    }
}

static void choose_rules(const TrainData *data, const TrainSequences *sequences,
                         TrainCalibration *calibration) {
    for (uint32_t c = 0; c < data->n_classes; c++)
        if (data->classes[c].onset)
            train_windows_choose(sequences, (uint8_t)(c + 1), train_windows_ladder(INCIDENT_K_LEAST),
                                 &calibration->thresholds[c]);
        else
            calibration->thresholds[c].k = calibration->thresholds[c].n = 1;
    train_windows_choose(sequences, (uint8_t)(data->n_classes + 1), train_windows_ladder(UNKNOWN_K_LEAST),
                         &calibration->unknown);
}

static CoreStatus choose_windows(const TrainData *data, const TrainScores *validation, const bool *attacked,
                                 uint32_t clients, TrainCalibration *calibration, CoreError *error) {
    SequenceBuffers buffers = {malloc(validation->count + (size_t)1),
                               calloc(clients + (size_t)1, sizeof(uint32_t)),
                               calloc(clients, sizeof(uint32_t))};
    CoreStatus status = CORE_OK;
    if (buffers.said && buffers.begin && buffers.next) {
        fill_sequences(data, validation, calibration, clients, &buffers);
        TrainSequences sequences = {buffers.said, buffers.begin, attacked, clients};
        choose_rules(data, &sequences, calibration);
    } else {
        status = core_fail(error, CORE_MEMORY, "out of memory for calibration");
    }
    free(buffers.said);
    free(buffers.begin);
    free(buffers.next);
    return status;
}

CoreStatus train_calibrate(const TrainData *data, const TrainScores *training, const TrainScores *validation,
                           const TrainCalibrateOptions *options, TrainCalibration *calibration,
                           CoreError *error) {
    train_novelty_fit(data, training, calibration);
    choose_novelty(data, validation, options->novelty_margin, calibration);
    uint32_t clients = clients_of(data);
    bool *attacked = find_attackers(data, clients);
    if (!attacked) return core_fail(error, CORE_MEMORY, "out of memory for calibration");
    CoreStatus status =
        choose_thresholds(data, training, validation, attacked, &options->threshold, calibration, error);
    if (status == CORE_OK) status = choose_windows(data, validation, attacked, clients, calibration, error);
    free(attacked);
    return status;
}
