/* Steps that several commands of sipcnn-train share.
 * Relies on: train, jansson (through report.c).
 * Relied on by: fit_command.c, score_commands.c. */
#include "train/job.h"

#include "engine/core/file.h"
#include "train/export.h"

#include <stdlib.h>

int job_failed(const CoreError *error) {
    fprintf(stderr, "sipcnn-train: %s\n", error->text);
    return EXIT_FAILED;
}

CoreStatus job_open(const TrainCheckpoint *checkpoint, const char *split, const Arguments *arguments,
                    TrainSource *source, CoreError *error) {
    ReportLine line;
    report_line_start(&line, "features", arguments->quiet);
    DatasetProgress progress = {report_progress_rows, &line};
    TrainSourceOptions options = {.path = checkpoint->dataset_path,
                                  .split = split,
                                  .folder = arguments->cache,
                                  .replay = {.drop_runs = checkpoint->drop_runs,
                                             .n_drop_runs = checkpoint->n_drop_runs,
                                             .warm_every = (uint32_t)checkpoint->options.warm_every,
                                             .local = checkpoint->local,
                                             .n_local = checkpoint->n_local},
                                  .progress = &progress};
    CoreStatus status = train_source_open(&options, source, error);
    report_line_end(&line);
    return status;
}

CoreStatus job_score(TrainModel *model, const TrainData *data, DatasetSide side, bool warm,
                     const Arguments *arguments, TrainScores *scores, CoreError *error) {
    *scores = (TrainScores){0};
    uint32_t *rows, count;
    CoreStatus status = train_rows_of(data, side, warm, &rows, &count, error);
    if (status) return status;
    ReportLine line;
    report_line_start(&line, "scoring", arguments->quiet);
    status = train_scores_compute(model, data, rows, count, report_progress_rows, &line, scores, error);
    report_line_end(&line);
    free(rows);
    return status;
}

CoreStatus job_score_training(TrainModel *model, const TrainData *data, const TrainOptions *options,
                              const Arguments *arguments, TrainScores *scores, CoreError *error) {
    TrainSampler sampler;
    CoreStatus status = train_sampler_new(data, DATASET_TRAIN, (uint32_t)options->cap, 0, &sampler, error);
    if (status) return status;
    uint32_t *rows = malloc(sampler.n_rows * sizeof *rows);
    TrainDraw *draws = malloc(sampler.n_epoch * sizeof *draws);
    if (rows && draws) {
        ReportLine line;
        train_sampler_epoch(&sampler, (uint64_t)options->seed, 0, rows, draws);
        for (uint32_t i = 0; i < sampler.n_epoch; i++)
            rows[i] = draws[i].row;
        report_line_start(&line, "scoring", arguments->quiet);
        status = train_scores_compute(model, data, rows, sampler.n_epoch, report_progress_rows, &line, scores,
                                      error);
        report_line_end(&line);
    } else {
        status = core_fail(error, CORE_MEMORY, "out of memory");
    }
    free(rows);
    free(draws);
    train_sampler_free(&sampler);
    return status;
}

/* Notes what the calibrated network makes of the side that it was calibrated on. */
static CoreStatus note_metrics(TrainCheckpoint *checkpoint, const TrainData *data, const TrainScores *scores,
                               DatasetSide side, CoreError *error) {
    TrainEvaluation evaluation;
    CoreStatus status = train_evaluate(data, scores, &checkpoint->calibration, &evaluation, error);
    if (status) return status;
    json_t *metrics = json_pack("{s:s, s:o, s:o}", "side", dataset_side_name(side), "evaluation",
                                report_evaluation_json(&evaluation, data->classes, data->n_classes),
                                "thresholds", report_calibration_json(checkpoint));
    char *text = metrics ? json_dumps(metrics, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    int length = snprintf(checkpoint->metrics, sizeof checkpoint->metrics, "%s", text ? text : "");
    if (!text) status = core_fail(error, CORE_MEMORY, "out of memory for the metrics");
    if (length >= (int)sizeof checkpoint->metrics) checkpoint->metrics[0] = '\0';
    free(text);
    json_decref(metrics);
    return status;
}

CoreStatus job_calibrate(TrainCheckpoint *checkpoint, const TrainData *data, const Arguments *arguments,
                         CoreError *error) {
    TrainModel model;
    TrainScores training = {0}, validation = {0};
    DatasetSide side = DATASET_VALIDATION;
    CoreStatus status = train_fit_network(checkpoint, TRAIN_BEST, arguments->threads, &model, error);
    if (status) return status;
    status = job_score_training(&model, data, &checkpoint->options, arguments, &training, error);
    if (status == CORE_OK) status = job_score(&model, data, side, true, arguments, &validation, error);
    if (status == CORE_NOT_FOUND) {
        fprintf(stderr, "sipcnn-train: no validation side, calibrating on training messages: thresholds will "
                        "be too low\n");
        side = DATASET_TRAIN;
        status = job_score(&model, data, side, true, arguments, &validation, error);
    }
    train_calibration_free(&checkpoint->calibration);
    checkpoint->calibrated = false;
    if (status == CORE_OK)
        status = train_calibration_new(training.classes, training.hidden, &checkpoint->calibration, error);
    if (status == CORE_OK)
        status = train_calibrate(data, &training, &validation, &arguments->calibrate,
                                 &checkpoint->calibration, error);
    if (status == CORE_OK) status = note_metrics(checkpoint, data, &validation, side, error);
    checkpoint->calibrated = status == CORE_OK;
    train_scores_free(&training);
    train_scores_free(&validation);
    train_model_free(&model);
    return status;
}

CoreStatus job_export(const TrainCheckpoint *checkpoint, const char *path, CoreError *error) {
    char *provenance = report_provenance(checkpoint);
    if (!provenance) return core_fail(error, CORE_MEMORY, "out of memory for the provenance");
    uint8_t *bytes;
    size_t size;
    CoreStatus status = train_export(checkpoint, provenance, &bytes, &size, error);
    free(provenance);
    if (status) return status;
    status = core_file_write(path, bytes, size, error);
    free(bytes);
    return status;
}
