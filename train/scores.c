/* Scoring rows with the network; verdicts.
 * Relies on: train/model.h, train/data.h, train/stream.h, engine/rng.h.
 * Relied on by: train/calibrate, train/evaluate, tests. */
#include "train/scores.h"

#include "engine/rng.h"
#include "train/metrics.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_GROUPS = 0x40000004, LEVEL_MAX = 62 };

/* ---- running the network ---- */

CoreStatus train_scorer_new(TrainModel *model, TrainScorer *scorer, CoreError *error) {
    *scorer = (TrainScorer){.model = model,
                            .zeros = calloc((size_t)TRAIN_CHUNK * model->dims.classes, sizeof(float))};
    return scorer->zeros ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory for scoring");
}

CoreStatus train_scorer_run(TrainScorer *scorer, const FeatureRow *rows, uint32_t n, CoreError *error) {
    Graph *graph = scorer->model->graph;
    TrainBatch batch = {rows, scorer->zeros, scorer->zeros, scorer->zeros};
    CoreStatus status = train_model_bind(scorer->model, &batch, error);
    if (status == CORE_OK) status = graph_forward(graph, (int32_t)n, false, error);
    if (status) return status;
    scorer->logits = graph_value(graph, scorer->model->logits);
    scorer->features = graph_value(graph, scorer->model->hidden);
    return CORE_OK;
}

void train_scorer_free(TrainScorer *scorer) {
    free(scorer->zeros);
    *scorer = (TrainScorer){0};
}

/* ---- scores ---- */

TrainScored train_scored(const DatasetExample *example) {
    return (TrainScored){.client = example->client,
                         .run = example->run,
                         .classes = example->classes,
                         .primary = example->primary,
                         .part = example->part};
}

static bool resize(void *array, size_t count, size_t size) {
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = count > SIZE_MAX / size ? NULL : realloc(old, count * size);
    if (grown) memcpy(array, &grown, sizeof grown);
    return grown != NULL;
}

static bool make_room(TrainScores *s, uint32_t room, bool features) {
    s->room = room;
    return resize(&s->rows, room, sizeof *s->rows) && resize(&s->logits, room, s->classes * sizeof(float)) &&
           (features ? resize(&s->features, room, s->hidden * sizeof(float))
                     : resize(&s->novelty, room, sizeof(float)));
}

static CoreStatus no_room(const TrainScores *scores, CoreError *error) {
    return core_fail(error, CORE_MEMORY, "out of memory for the scores of %u messages", scores->room);
}

/* Scores rows first .. first + n of the list, whose order is that of the scores. */
static CoreStatus score_rows(TrainScorer *scorer, const TrainData *data, const uint32_t *rows, uint32_t n,
                             FeatureRow *buffer, TrainScores *scores, CoreError *error) {
    CoreStatus status = CORE_OK;
    for (uint32_t i = 0; i < n && status == CORE_OK; i++)
        status = train_data_rows(data, rows[i], 1, &buffer[i], error);
    if (status == CORE_OK) status = train_scorer_run(scorer, buffer, n, error);
    if (status) return status;
    memcpy(scores->logits + (size_t)scores->count * scores->classes, scorer->logits,
           (size_t)n * scores->classes * sizeof(float));
    memcpy(scores->features + (size_t)scores->count * scores->hidden, scorer->features,
           (size_t)n * scores->hidden * sizeof(float));
    for (uint32_t i = 0; i < n && data->examples; i++)
        scores->rows[scores->count + i] = train_scored(&data->examples[rows[i]]);
    scores->count += n;
    return CORE_OK;
}

static CoreStatus score_all(TrainScorer *scorer, const TrainData *data, const uint32_t *rows, uint32_t count,
                            FeatureRow *buffer, TrainReport *report, void *user, TrainScores *scores,
                            CoreError *error) {
    CoreStatus status = CORE_OK;
    while (status == CORE_OK && scores->count < count) {
        uint32_t done = scores->count, n = count - done < TRAIN_CHUNK ? count - done : TRAIN_CHUNK;
        if (report && !report(user, done, count)) return core_fail(error, CORE_INTERRUPTED, "interrupted");
        status = score_rows(scorer, data, rows + done, n, buffer, scores, error);
    }
    return status;
}

static CoreStatus mark_attackers(const TrainData *data, TrainScores *scores, CoreError *error) {
    uint8_t *attacked;
    uint32_t n_clients;
    CoreStatus status = train_attackers(data, &attacked, &n_clients, error);
    for (uint32_t i = 0; i < scores->count && status == CORE_OK; i++)
        scores->rows[i].attacker = attacked[scores->rows[i].client];
    free(attacked);
    return status;
}

CoreStatus train_scores_compute(TrainModel *model, const TrainData *data, const uint32_t *rows,
                                uint32_t count, TrainReport *report, void *user, TrainScores *scores,
                                CoreError *error) {
    TrainScorer scorer;
    *scores = (TrainScores){.classes = model->dims.classes, .hidden = model->dims.hidden};
    CoreStatus status = train_scorer_new(model, &scorer, error);
    FeatureRow *buffer = malloc(TRAIN_CHUNK * sizeof *buffer);
    if (status == CORE_OK && (!buffer || !make_room(scores, count + 1, true)))
        status = no_room(scores, error);
    if (status == CORE_OK)
        status = score_all(&scorer, data, rows, count, buffer, report, user, scores, error);
    if (status == CORE_OK && data->examples) status = mark_attackers(data, scores, error);
    free(buffer);
    train_scorer_free(&scorer);
    if (status) train_scores_free(scores);
    return status;
}

/* ---- scores of a stream ---- */

/* Whether the row's run or client is still wanted. */
static bool remains(const TrainScored *row, uint32_t level) {
    uint64_t group = row->run ? (uint64_t)1 << 32 | row->run : row->client;
    return (rng_bits(0, STREAM_GROUPS, group, 0) & (((uint64_t)1 << level) - 1)) == 0;
}

static void thin_out(TrainScores *s, uint32_t level) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!remains(&s->rows[i], level)) continue;
        s->rows[kept] = s->rows[i];
        s->novelty[kept] = s->novelty[i];
        memmove(s->logits + (size_t)kept++ * s->classes, s->logits + (size_t)i * s->classes,
                s->classes * sizeof(float));
    }
    s->left_out += s->count - kept;
    s->count = kept;
}

static bool make_more_room(TrainScores *s, uint32_t most) {
    if (s->count < s->room) return true;
    uint64_t room = s->room < 4096 ? 4096 : (uint64_t)s->room + s->room / 2;
    return make_room(s, room < most ? (uint32_t)room : most, false);
}

static CoreStatus add_chunk(TrainScorer *scorer, const TrainChunk *chunk, const TrainCalibration *calibration,
                            uint32_t most, uint32_t *level, TrainScores *s, CoreError *error) {
    CoreStatus status = train_scorer_run(scorer, chunk->rows, chunk->n, error);
    if (status) return status;
    for (uint32_t i = 0; i < chunk->n; i++) {
        TrainScored row = train_scored(&chunk->examples[i]);
        while (s->count == most && *level < LEVEL_MAX)
            thin_out(s, ++*level);
        if (!remains(&row, *level) || s->count == most) {
            s->left_out++;
            continue;
        }
        if (!make_more_room(s, most)) return no_room(s, error);
        s->rows[s->count] = row;
        s->novelty[s->count] =
            train_novelty(calibration, s->classes, s->hidden, scorer->features + (size_t)i * s->hidden);
        memcpy(s->logits + (size_t)s->count++ * s->classes, scorer->logits + (size_t)i * s->classes,
               s->classes * sizeof(float));
    }
    return CORE_OK;
}

CoreStatus train_scores_stream(TrainModel *model, TrainStream *stream, const TrainCalibration *calibration,
                               uint32_t most, TrainReport *report, void *user, TrainScores *scores,
                               CoreError *error) {
    TrainScorer scorer;
    const TrainChunk *chunk;
    uint32_t level = 0;
    *scores = (TrainScores){.classes = model->dims.classes, .hidden = model->dims.hidden};
    CoreStatus status = train_scorer_new(model, &scorer, error);
    while (status == CORE_OK && (status = train_stream_next(stream, &chunk, error)) == CORE_OK) {
        status = add_chunk(&scorer, chunk, calibration, most, &level, scores, error);
        if (status == CORE_OK && report && !report(user, chunk->done, chunk->total))
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
    }
    for (uint32_t i = 0; i < scores->count; i++)
        scores->rows[i].attacker = train_stream_attacked(stream, scores->rows[i].client);
    train_scorer_free(&scorer);
    if (status == CORE_END) return CORE_OK;
    train_scores_free(scores);
    return status;
}

void train_scores_free(TrainScores *scores) {
    free(scores->rows);
    free(scores->logits);
    free(scores->features);
    free(scores->novelty);
    *scores = (TrainScores){0};
}

/* ---- calibration and verdicts ---- */

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

uint32_t train_verdict_of(const TrainCalibration *calibration, uint32_t classes, const float *logits,
                          float novelty) {
    uint32_t best = 0;
    float margin = -FLT_MAX;
    for (uint32_t c = 0; c < classes; c++) {
        float z = logits[c] - calibration->thresholds[c].value;
        if (z > margin) margin = z, best = c + 1;
    }
    if (margin >= 0) return best;
    return novelty >= calibration->unknown.value ? classes + 1 : TRAIN_SAID_BENIGN;
}

uint32_t train_verdict(const TrainScores *scores, const TrainCalibration *calibration, uint32_t i) {
    float novelty = scores->novelty ? scores->novelty[i]
                                    : train_novelty(calibration, scores->classes, scores->hidden,
                                                    scores->features + (size_t)i * scores->hidden);
    return train_verdict_of(calibration, scores->classes, scores->logits + (size_t)i * scores->classes,
                            novelty);
}
