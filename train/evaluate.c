/* Counting verdicts on a side of a dataset.
 * Relies on: train/scores.h, train/metrics.h.
 * Relied on by: sipcnn-train, tests. */
#include "train/evaluate.h"

#include <stdlib.h>

static void count_benign(const DatasetExample *example, uint32_t said, uint8_t *client_seen,
                         TrainEvaluation *e) {
    e->benign++;
    e->false_messages += said != TRAIN_SAID_BENIGN;
    if (!client_seen[example->client]) e->benign_clients++;
    client_seen[example->client] = 1;
}

static void count_attack(const DatasetExample *example, uint32_t said, TrainEvaluation *e) {
    bool wrong = said != TRAIN_SAID_BENIGN && !train_right(example->primary, example->classes, said);
    if (example->part == DATASET_REQUEST) {
        e->attacks++;
        e->attacks_seen += said != TRAIN_SAID_BENIGN;
    } else if (example->part == DATASET_ONSET) {
        e->onset_wrong += wrong;
    }
}

CoreStatus train_evaluate(const TrainData *data, const TrainScores *scores,
                          const TrainCalibration *calibration, TrainEvaluation *evaluation,
                          CoreError *error) {
    *evaluation = (TrainEvaluation){0};
    uint32_t clients = 0;
    for (uint64_t i = 0; i < data->count; i++)
        if (data->examples[i].client > clients) clients = data->examples[i].client;
    uint8_t *client_seen = calloc(clients + (size_t)1, 1);
    if (!client_seen) return core_fail(error, CORE_MEMORY, "out of memory for the evaluation");
    client_seen[0] = 1; /* no client */
    for (uint32_t i = 0; i < scores->count; i++) {
        const DatasetExample *example = &data->examples[scores->rows[i]];
        uint32_t said = train_verdict(scores, calibration, i);
        if (example->primary == DATASET_BENIGN)
            count_benign(example, said, client_seen, evaluation);
        else
            count_attack(example, said, evaluation);
        bool request = example->part == DATASET_REQUEST;
        if (request) train_tally_add(&evaluation->requests, example->primary, example->classes, said);
        if (request || example->part == DATASET_ONSET)
            train_tally_add(&evaluation->with_onset, example->primary, example->classes, said);
        else
            train_tally_add(&evaluation->replies, example->primary, example->classes, said);
    }
    free(client_seen);
    return CORE_OK;
}
