/* Learning again from training and validation side together.
 * Relies on: train/job.h, train/fit.h, train/calibrate.h.
 * Relied on by: fit_command.c. */
#include "train/refit.h"

#include "train/calibrate.h"
#include "train/fit.h"

#include <string.h>

/* The same run, not begun. */
static void begin_again(const TrainCheckpoint *first, TrainCheckpoint *again) {
    *again = *first;
    memset(again->arrays, 0, sizeof again->arrays);
    memset(again->history, 0, sizeof again->history);
    again->n = again->step = again->counter = 0;
    again->epoch = again->batch = again->best_epoch = 0;
    again->loss_sum = again->best_f1 = again->best_loss = 0;
    again->calibrated = false;
    again->calibration = (TrainCalibration){0};
    again->options.epochs = first->best_epoch;
}

static void join_sides(TrainSource *source) {
    for (uint64_t i = 0; i < source->data.count; i++)
        if (source->sides[i] == DATASET_VALIDATION) source->sides[i] = DATASET_TRAIN;
}

static CoreStatus learn(const TrainData *data, TrainCheckpoint *again, const Arguments *arguments,
                        CoreError *error) {
    TrainFit fit;
    ReportLine line;
    CoreStatus status = train_fit_new(data, again, arguments->threads, &fit, error);
    if (status == CORE_OK && !arguments->quiet)
        fprintf(stderr, "again from both sides: %u rows an epoch in %u runs and clients, %u epochs\n",
                fit.training.n_epoch, fit.training.n_groups, (unsigned)again->options.epochs);
    report_line_start(&line, "training", arguments->quiet);
    while (status == CORE_OK)
        status = train_fit_epoch(&fit, report_fit_progress, &line, error);
    report_line_end(&line);
    if (status == CORE_END && !arguments->quiet)
        fprintf(stderr, "again: waited for batches %.2f %% of the time\n", 100 * train_fit_idle(&fit));
    train_fit_free(&fit);
    return status == CORE_END ? CORE_OK : status;
}

/* The first run's thresholds, around the new network's centres. */
static CoreStatus take_over(const TrainCheckpoint *first, const TrainData *data, TrainCheckpoint *again,
                            const Arguments *arguments, CoreError *error) {
    TrainModel model;
    TrainScores scores = {0};
    CoreStatus status = train_fit_network(again, TRAIN_BEST, arguments->threads, &model, error);
    if (status) return status;
    status = job_score_training(&model, data, &again->options, arguments, &scores, error);
    if (status == CORE_OK)
        status = train_calibration_new(scores.classes, scores.hidden, &again->calibration, error);
    if (status == CORE_OK) {
        train_novelty_fit(&scores, &again->calibration);
        memcpy(again->calibration.thresholds, first->calibration.thresholds,
               sizeof again->calibration.thresholds);
        memcpy(again->calibration.platt, first->calibration.platt, sizeof again->calibration.platt);
        again->calibration.unknown = first->calibration.unknown;
        again->calibrated = true;
    }
    train_scores_free(&scores);
    train_model_free(&model);
    return status;
}

CoreStatus train_refit(const TrainCheckpoint *first, TrainSource *source, const Arguments *arguments,
                       TrainCheckpoint *again, CoreError *error) {
    begin_again(first, again);
    join_sides(source);
    CoreStatus status = learn(&source->data, again, arguments, error);
    return status ? status : take_over(first, &source->data, again, arguments, error);
}
