/* sipcnn-train evaluate and calibrate.
 * Relies on: train/job.h, train/export.h.
 * Relied on by: main.c. */
#include "train/job.h"

#include "data/digest/digest.h"
#include "engine/core/file.h"
#include "train/export.h"

#include <stdlib.h>
#include <string.h>

/* A network that can judge, from a checkpoint or from a model file. */
typedef struct Judge {
    TrainCheckpoint checkpoint; /* of a model file: only what opening a dataset needs */
    TrainModel model;
    TrainCalibration calibration; /* of a model file */
    uint8_t *bytes;               /* of a model file */
    CoreModel file;
} Judge;

static CoreStatus load_checkpoint(const Arguments *arguments, Judge *judge, CoreError *error) {
    CoreStatus status = train_checkpoint_read(arguments->checkpoint, &judge->checkpoint, error);
    if (status) return status;
    status = train_fit_network(&judge->checkpoint, TRAIN_BEST, arguments->threads, &judge->model, error);
    if (status || judge->checkpoint.calibrated) return status;
    fprintf(stderr, "sipcnn-train: %s is not calibrated: every threshold is 0\n", arguments->checkpoint);
    return train_calibration_new(judge->model.dims.classes, judge->model.dims.hidden,
                                 &judge->checkpoint.calibration, error);
}

static CoreStatus load_model(const Arguments *arguments, Judge *judge, CoreError *error) {
    size_t size;
    CoreStatus status = core_file_read(arguments->model, CORE_MODEL_SIZE_MAX, &judge->bytes, &size, error);
    if (status) return status;
    status = core_model_read(judge->bytes, size, digest_sha256, &judge->file, error);
    if (status == CORE_OK)
        status = train_import(&judge->file, arguments->threads, &judge->model, &judge->calibration, error);
    if (status) return core_fail_context(error, status, "%s", arguments->model);
    TrainCheckpoint *c = &judge->checkpoint;
    c->n_classes = judge->file.dims.classes;
    for (uint32_t i = 0; i < c->n_classes; i++)
        memcpy(c->classes[i].name, judge->file.class_names[i], CORE_MODEL_NAME_SIZE);
    memcpy(c->local, arguments->local, sizeof c->local);
    c->n_local = arguments->n_local;
    return CORE_OK;
}

static void free_judge(Judge *judge) {
    train_model_free(&judge->model);
    train_calibration_free(&judge->calibration);
    train_checkpoint_free(&judge->checkpoint);
    free(judge->bytes);
    free(judge);
}

static CoreStatus check_classes(const Judge *judge, const TrainSource *source, CoreError *error) {
    bool same = judge->checkpoint.n_classes == source->data.n_classes;
    for (uint32_t i = 0; same && i < source->data.n_classes; i++)
        same = strcmp(judge->checkpoint.classes[i].name, source->data.classes[i].name) == 0;
    return same ? CORE_OK
                : core_fail(error, CORE_ARGUMENT, "%s: its classes are not those of the network",
                            judge->checkpoint.dataset_path);
}

static int print_evaluation(const Arguments *arguments, const TrainEvaluation *evaluation,
                            const TrainData *data) {
    if (!arguments->json) {
        report_evaluation(stdout, evaluation, data->classes, data->n_classes);
        return EXIT_OK;
    }
    json_t *json = report_evaluation_json(evaluation, data->classes, data->n_classes);
    int result = json && json_dumpf(json, stdout, JSON_INDENT(1)) == 0 ? EXIT_OK : EXIT_FAILED;
    putchar('\n');
    json_decref(json);
    return result;
}

/* Judges the wanted side and prints the table. */
static CoreStatus evaluate(Judge *judge, TrainSource *source, const Arguments *arguments, int *result,
                           CoreError *error) {
    TrainStream *stream;
    TrainEvaluation evaluation;
    ReportLine line;
    DatasetSide side = arguments->side == DATASET_SIDES ? DATASET_TEST : arguments->side;
    const TrainCalibration *calibration = judge->bytes ? &judge->calibration : &judge->checkpoint.calibration;
    CoreStatus status = train_stream_open(source, side, false, &stream, error);
    if (status) return status;
    report_line_start(&line, "scoring", arguments->quiet);
    status = train_evaluate_stream(&judge->model, stream, calibration, report_progress_rows, &line,
                                   &evaluation, error);
    report_line_end(&line);
    train_stream_free(stream);
    if (status == CORE_OK) *result = print_evaluation(arguments, &evaluation, &source->data);
    return status;
}

int evaluate_command(const Arguments *arguments) {
    if (!arguments->checkpoint == !arguments->model || (arguments->model && !arguments->dataset)) {
        fprintf(stderr,
                "sipcnn-train evaluate: needs --checkpoint, or --model and --dataset (--help tells more)\n");
        return EXIT_USAGE;
    }
    CoreError error = {0};
    Judge *judge = calloc(1, sizeof *judge);
    if (!judge) return job_failed(&(CoreError){.text = "out of memory"});
    TrainSource source = {0};
    report_catch_interrupts();
    CoreStatus status =
        arguments->model ? load_model(arguments, judge, &error) : load_checkpoint(arguments, judge, &error);
    const char *split = arguments->split;
    if (status == CORE_OK && arguments->dataset)
        snprintf(judge->checkpoint.dataset_path, sizeof judge->checkpoint.dataset_path, "%s",
                 arguments->dataset);
    else if (!split)
        split = judge->checkpoint.split;
    if (status == CORE_OK) status = job_open(&judge->checkpoint, split, false, arguments, &source, &error);
    if (status == CORE_OK) status = check_classes(judge, &source, &error);
    int result = EXIT_OK;
    if (status == CORE_OK) status = evaluate(judge, &source, arguments, &result, &error);
    if (status) result = job_failed(&error);
    train_source_close(&source);
    free_judge(judge);
    return result;
}

static int print_calibration(const Arguments *arguments, const TrainCheckpoint *checkpoint) {
    if (!arguments->json) {
        report_calibration(stdout, checkpoint);
        return EXIT_OK;
    }
    json_t *json = report_calibration_json(checkpoint);
    int result = json && json_dumpf(json, stdout, JSON_INDENT(1)) == 0 ? EXIT_OK : EXIT_FAILED;
    putchar('\n');
    json_decref(json);
    return result;
}

int calibrate_command(const Arguments *arguments) {
    if (!arguments->checkpoint) {
        fprintf(stderr, "sipcnn-train calibrate: --checkpoint is needed (--help tells more)\n");
        return EXIT_USAGE;
    }
    CoreError error = {0};
    TrainCheckpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (!checkpoint) return job_failed(&(CoreError){.text = "out of memory"});
    TrainSource source = {0};
    report_catch_interrupts();
    CoreStatus status = train_checkpoint_read(arguments->checkpoint, checkpoint, &error);
    if (status == CORE_OK && arguments->dataset)
        snprintf(checkpoint->dataset_path, sizeof checkpoint->dataset_path, "%s", arguments->dataset);
    const char *split = arguments->split ? arguments->split : checkpoint->split;
    if (status == CORE_OK) status = job_open(checkpoint, split, true, arguments, &source, &error);
    if (status == CORE_OK && source.data.n_classes != checkpoint->n_classes)
        status = core_fail(&error, CORE_ARGUMENT, "%s: its classes are not those of the run",
                           checkpoint->dataset_path);
    if (status == CORE_OK) status = job_calibrate(checkpoint, &source, arguments, &error);
    if (status == CORE_OK)
        status = train_checkpoint_write(
            checkpoint, arguments->output ? arguments->output : arguments->checkpoint, &error);
    int result = status ? job_failed(&error) : print_calibration(arguments, checkpoint);
    train_source_close(&source);
    train_checkpoint_free(checkpoint);
    free(checkpoint);
    return result;
}
