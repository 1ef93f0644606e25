/* Counting verdicts on a side of a dataset.
 * Relies on: train/scores.h, train/metrics.h.
 * Relied on by: sipcnn-train, tests. */
#include "train/evaluate.h"

#include <stdlib.h>
#include <string.h>

/* Clients with a benign message so far: one byte each, room for [room]. */
typedef struct Seen {
    uint8_t *clients;
    size_t room;
} Seen;

/* *first: whether the client, if there is one, is new. False: no memory. */
static bool see_client(Seen *seen, uint32_t client, bool *first) {
    if (client >= seen->room) {
        size_t room = (size_t)client + client / 2 + 1024;
        uint8_t *grown = realloc(seen->clients, room);
        if (!grown) return false;
        memset(grown + seen->room, 0, room - seen->room);
        seen->clients = grown;
        seen->room = room;
    }
    *first = client && !seen->clients[client];
    seen->clients[client] = 1;
    return true;
}

static void count_attack(const TrainScored *row, uint32_t said, TrainEvaluation *e) {
    bool wrong = said != TRAIN_SAID_BENIGN && !train_right(row->primary, row->classes, said);
    if (row->part == DATASET_REQUEST) {
        e->attacks++;
        e->attacks_seen += said != TRAIN_SAID_BENIGN;
    } else if (row->part == DATASET_ONSET) {
        e->onset_wrong += wrong;
    }
}

/* False: no memory. */
static bool count_row(const TrainScored *row, uint32_t said, Seen *seen, TrainEvaluation *e) {
    if (row->primary == DATASET_BENIGN) {
        bool first;
        if (!see_client(seen, row->client, &first)) return false;
        e->benign++;
        e->false_messages += said != TRAIN_SAID_BENIGN;
        e->benign_clients += first;
    } else {
        count_attack(row, said, e);
    }
    bool request = row->part == DATASET_REQUEST;
    if (request) train_tally_add(&e->requests, row->primary, row->classes, said);
    if (request || row->part == DATASET_ONSET)
        train_tally_add(&e->with_onset, row->primary, row->classes, said);
    else
        train_tally_add(&e->replies, row->primary, row->classes, said);
    return true;
}

CoreStatus train_evaluate(const TrainScores *scores, const TrainCalibration *calibration,
                          TrainEvaluation *evaluation, CoreError *error) {
    Seen seen = {0};
    bool good = true;
    *evaluation = (TrainEvaluation){0};
    for (uint32_t i = 0; i < scores->count && good; i++)
        good = count_row(&scores->rows[i], train_verdict(scores, calibration, i), &seen, evaluation);
    free(seen.clients);
    return good ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory for the evaluation");
}

static CoreStatus count_chunk(TrainScorer *scorer, const TrainChunk *chunk,
                              const TrainCalibration *calibration, Seen *seen, TrainEvaluation *evaluation,
                              CoreError *error) {
    uint32_t classes = scorer->model->dims.classes, hidden = scorer->model->dims.hidden;
    CoreStatus status = train_scorer_run(scorer, chunk->rows, chunk->n, error);
    for (uint32_t i = 0; i < chunk->n && status == CORE_OK; i++) {
        TrainScored row = train_scored(&chunk->examples[i]);
        float novelty = train_novelty(calibration, classes, hidden, scorer->features + (size_t)i * hidden);
        uint32_t said = train_verdict_of(calibration, classes, scorer->logits + (size_t)i * classes, novelty);
        if (!count_row(&row, said, seen, evaluation))
            status = core_fail(error, CORE_MEMORY, "out of memory for the evaluation");
    }
    return status;
}

CoreStatus train_evaluate_stream(TrainModel *model, TrainStream *stream, const TrainCalibration *calibration,
                                 TrainReport *report, void *user, TrainEvaluation *evaluation,
                                 CoreError *error) {
    TrainScorer scorer;
    const TrainChunk *chunk;
    Seen seen = {0};
    *evaluation = (TrainEvaluation){0};
    CoreStatus status = train_scorer_new(model, &scorer, error);
    while (status == CORE_OK && (status = train_stream_next(stream, &chunk, error)) == CORE_OK) {
        status = count_chunk(&scorer, chunk, calibration, &seen, evaluation, error);
        if (status == CORE_OK && report && !report(user, chunk->done, chunk->total))
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
    }
    train_scorer_free(&scorer);
    free(seen.clients);
    return status == CORE_END ? CORE_OK : status;
}
