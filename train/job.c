/* Steps that several commands of sipcnn-train share.
 * Relies on: train, jansson (through report.c).
 * Relied on by: fit_command.c, score_commands.c, export_command.c. */
#include "train/job.h"

#include "engine/core/file.h"
#include "train/export.h"

#include <stdlib.h>
#include <string.h>

enum {
    CACHE_CAPS = 8,       /* the feature cache keeps so many times a group's cap */
    SCORES_MAX = 8000000, /* messages to calibrate on: about 600 MB */
};

int job_failed(const CoreError *error) {
    fprintf(stderr, "sipcnn-train: %s\n", error->text);
    return EXIT_FAILED;
}

/* What a run can draw from a group: its cap many times over. */
static DatasetCacheBound cache_bound(const TrainOptions *options) {
    DatasetCacheBound bound = dataset_cache_bound();
    if (options->cache_rows > 0) bound.rows = (uint64_t)options->cache_rows;
    while (bound.group < CACHE_CAPS * options->cap && bound.group < UINT32_MAX / 2)
        bound.group *= 2;
    return bound;
}

/* A cache that could not keep all. */
static void tell_bound(const TrainSource *source) {
    if (source->cache.count && !source->cache.whole)
        fprintf(stderr, "the feature cache keeps %llu of %llu labelled messages\n",
                (unsigned long long)source->cache.count, (unsigned long long)source->cache.labelled);
}

/* CLASS=LOGITS of the command line, by class. */
static CoreStatus read_shifts(const Arguments *arguments, const TrainData *data,
                              float shift[DATASET_CLASSES_MAX], CoreError *error) {
    for (uint32_t i = 0; i < arguments->n_shifts; i++) {
        const char *text = arguments->shifts[i];
        const size_t length = strcspn(text, "=");
        uint32_t c = 0;
        while (c < data->n_classes &&
               (strncmp(data->classes[c].name, text, length) != 0 || data->classes[c].name[length] != '\0'))
            c++;
        if (c == data->n_classes)
            return core_fail(error, CORE_NOT_FOUND, "--shift %s: the dataset has no such class", text);
        shift[c] = strtof(text + length + 1, NULL);
    }
    return CORE_OK;
}

CoreStatus job_open(const TrainCheckpoint *checkpoint, const char *split, bool train,
                    const Arguments *arguments, TrainSource *source, CoreError *error) {
    ReportLine line;
    report_line_start(&line, "features", arguments->quiet);
    DatasetProgress progress = {report_progress_rows, &line};
    TrainSourceOptions options = {.path = checkpoint->dataset_path,
                                  .split = split,
                                  .build = train,
                                  .cache = {.folder = arguments->cache,
                                            .replay = {.drop_runs = checkpoint->drop_runs,
                                                       .n_drop_runs = checkpoint->n_drop_runs,
                                                       .warm_every = (uint32_t)checkpoint->options.warm_every,
                                                       .local = checkpoint->local,
                                                       .n_local = checkpoint->n_local},
                                            .bound = cache_bound(&checkpoint->options),
                                            .progress = &progress}};
    CoreStatus status = train_source_open(&options, source, error);
    report_line_end(&line);
    if (status == CORE_OK && !arguments->quiet) tell_bound(source);
    float shift[DATASET_CLASSES_MAX]; /* tried before hours are spent */
    return status == CORE_OK ? read_shifts(arguments, &source->data, shift, error) : status;
}

/* Scores all of a side, with the novelty that the calibration's centres give. */
static CoreStatus score_side(TrainModel *model, TrainSource *source, DatasetSide side,
                             const TrainCalibration *calibration, const Arguments *arguments,
                             TrainScores *scores, CoreError *error) {
    TrainStream *stream;
    ReportLine line;
    CoreStatus status = train_stream_open(source, side, true, &stream, error);
    if (status) return status;
    report_line_start(&line, "scoring", arguments->quiet);
    status = train_scores_stream(model, stream, calibration, SCORES_MAX, report_progress_rows, &line, scores,
                                 error);
    report_line_end(&line);
    train_stream_free(stream);
    if (status == CORE_OK && scores->left_out && !arguments->quiet)
        fprintf(stderr, "calibrating on %u of %llu messages: a share of the runs and clients\n",
                scores->count, (unsigned long long)(scores->count + scores->left_out));
    return status;
}

CoreStatus job_score_training(TrainModel *model, const TrainData *data, const TrainOptions *options,
                              const Arguments *arguments, TrainScores *scores, CoreError *error) {
    TrainSampler sampler;
    TrainSamplerOptions draw = train_sampler_options(options);
    CoreStatus status = train_sampler_new(data, DATASET_TRAIN, &draw, &sampler, error);
    if (status) return status;
    uint32_t *rows = malloc(sampler.n_rows * sizeof *rows);
    TrainDraw *draws = malloc(sampler.n_rows * sizeof *draws);
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
static CoreStatus note_metrics(TrainCheckpoint *checkpoint, const TrainScores *scores, DatasetSide side,
                               CoreError *error) {
    TrainEvaluation evaluation;
    CoreStatus status = train_evaluate(scores, &checkpoint->calibration, &evaluation, error);
    if (status) return status;
    json_t *metrics =
        json_pack("{s:s, s:o, s:o}", "side", dataset_side_name(side), "evaluation",
                  report_evaluation_json(&evaluation, checkpoint->classes, checkpoint->n_classes),
                  "thresholds", report_calibration_json(checkpoint));
    char *text = metrics ? json_dumps(metrics, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    int length = snprintf(checkpoint->metrics, sizeof checkpoint->metrics, "%s", text ? text : "");
    if (!text) status = core_fail(error, CORE_MEMORY, "out of memory for the metrics");
    if (length >= (int)sizeof checkpoint->metrics) checkpoint->metrics[0] = '\0';
    free(text);
    json_decref(metrics);
    return status;
}

/* Scores the validation side; without one the training side, and says so. */
static CoreStatus score_validation(TrainModel *model, TrainSource *source, const TrainCheckpoint *checkpoint,
                                   const Arguments *arguments, DatasetSide *side, TrainScores *validation,
                                   CoreError *error) {
    *side = DATASET_VALIDATION;
    CoreStatus status =
        score_side(model, source, *side, &checkpoint->calibration, arguments, validation, error);
    if (status != CORE_NOT_FOUND) return status;
    fprintf(stderr, "sipcnn-train: no validation side, calibrating on training messages: thresholds will be "
                    "too low\n");
    *side = DATASET_TRAIN;
    return score_side(model, source, *side, &checkpoint->calibration, arguments, validation, error);
}

CoreStatus job_calibrate(TrainCheckpoint *checkpoint, TrainSource *source, const Arguments *arguments,
                         CoreError *error) {
    TrainModel model;
    TrainScores training = {0}, validation = {0};
    DatasetSide side = DATASET_VALIDATION;
    TrainCalibrateOptions options = arguments->calibrate;
    CoreStatus status = read_shifts(arguments, &source->data, options.shift, error);
    if (status == CORE_OK)
        status = train_fit_network(checkpoint, TRAIN_BEST, arguments->threads, &model, error);
    if (status) return status;
    train_calibration_free(&checkpoint->calibration);
    checkpoint->calibrated = false;
    status = job_score_training(&model, &source->data, &checkpoint->options, arguments, &training, error);
    if (status == CORE_OK)
        status = train_calibration_new(training.classes, training.hidden, &checkpoint->calibration, error);
    if (status == CORE_OK) train_novelty_fit(&training, &checkpoint->calibration);
    if (status == CORE_OK)
        status = score_validation(&model, source, checkpoint, arguments, &side, &validation, error);
    if (status == CORE_OK)
        status = train_calibrate(source->data.classes, &training, &validation, &options,
                                 &checkpoint->calibration, error);
    if (status == CORE_OK) status = note_metrics(checkpoint, &validation, side, error);
    checkpoint->calibrated = status == CORE_OK;
    train_scores_free(&training);
    train_scores_free(&validation);
    train_model_free(&model);
    return status;
}

CoreStatus job_model(const TrainCheckpoint *checkpoint, uint8_t **bytes, size_t *size, CoreError *error) {
    char *provenance = report_provenance(checkpoint);
    if (!provenance) return core_fail(error, CORE_MEMORY, "out of memory for the provenance");
    CoreStatus status = train_export(checkpoint, provenance, bytes, size, error);
    free(provenance);
    return status;
}

CoreStatus job_export(const TrainCheckpoint *checkpoint, const char *path, CoreError *error) {
    uint8_t *bytes;
    size_t size;
    CoreStatus status = job_model(checkpoint, &bytes, &size, error);
    if (status) return status;
    status = core_file_write(path, bytes, size, error);
    free(bytes);
    return status;
}
