/* A side of a dataset, judged and counted as docs/labels.md defines the scores.
 * Relies on: train/scores.h, train/metrics.h.
 * Relied on by: sipcnn-train, tests. */
#ifndef SIPCNN_TRAIN_EVALUATE_H
#define SIPCNN_TRAIN_EVALUATE_H

#include "train/metrics.h"
#include "train/scores.h"

typedef struct TrainEvaluation {
    TrainTally requests;   /* the headline: requests after onset, benign ones included */
    TrainTally with_onset; /* the same with onset rows, where benign counts as a miss */
    TrainTally replies;
    uint64_t attacks, attacks_seen; /* attack requests after onset, and those judged to be any attack */
    uint64_t onset_wrong;           /* onset rows judged to be a class that does not hold */
    uint64_t benign, false_messages;
    uint64_t benign_clients;
} TrainEvaluation;

/* Counts the verdicts on `scores`. CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_evaluate(const TrainScores *scores, const TrainCalibration *calibration,
                                         TrainEvaluation *evaluation, CoreError *error);

/* Runs the network over a stream from its start and counts the verdicts: any number of rows in constant
 * memory (and a byte for each client). CORE_MEMORY, CORE_INTERRUPTED, and what the stream says. */
CORE_NODISCARD CoreStatus train_evaluate_stream(TrainModel *model, TrainStream *stream,
                                                const TrainCalibration *calibration, TrainReport *report,
                                                void *user, TrainEvaluation *evaluation, CoreError *error);

#endif
