/* sipcnn-train fit and resume.
 * Relies on: train/job.h, train/fit.h, train/refit.h.
 * Relied on by: main.c. */
#include "train/job.h"
#include "train/refit.h"

#include <stdlib.h>
#include <string.h>

static void print_epoch(const TrainCheckpoint *state, bool has_validation, bool quiet) {
    const TrainEpoch *epoch = &state->history[state->epoch - 1];
    if (quiet) return;
    fprintf(stderr, "epoch %2u  loss %.4f", state->epoch, (double)epoch->loss);
    if (has_validation)
        fprintf(stderr, "  validation loss %.4f  macro F1 %.4f%s", (double)epoch->validation_loss,
                (double)epoch->macro_f1, state->best_epoch == state->epoch ? "  *" : "");
    fputc('\n', stderr);
}

/* Epoch after epoch until the end or Ctrl-C; the run is saved after each. */
static CoreStatus train_epochs(TrainFit *fit, const char *output, const Arguments *arguments,
                               CoreError *error) {
    ReportLine line;
    report_line_start(&line, "training", arguments->quiet);
    CoreStatus status;
    do {
        status = train_fit_epoch(fit, report_fit_progress, &line, error);
        report_line_end(&line);
        if (status == CORE_OK) print_epoch(fit->state, fit->validation.n_rows > 0, arguments->quiet);
        if (status != CORE_OK && status != CORE_INTERRUPTED) break;
        CoreStatus written = train_checkpoint_write(fit->state, output, error);
        if (written) return written;
    } while (status == CORE_OK);
    if (status == CORE_INTERRUPTED)
        core_fail(error, status, "interrupted; sipcnn-train resume %s continues", output);
    return status == CORE_END ? CORE_OK : status;
}

static CoreStatus check_dataset(const TrainCheckpoint *state, const TrainSource *source, CoreError *error) {
    if (memcmp(state->dataset_hash, source->hash, sizeof state->dataset_hash) == 0) return CORE_OK;
    return core_fail(error, CORE_FORMAT, "%s is not the dataset that this run began with (SHA-256 differs)",
                     state->dataset_path);
}

/* Learns again from both sides and writes that network's model file; the run itself stays as it was. */
static CoreStatus export_again(const TrainCheckpoint *state, TrainSource *source, const Arguments *arguments,
                               CoreError *error) {
    TrainCheckpoint *again = calloc(1, sizeof *again);
    if (!again) return core_fail(error, CORE_MEMORY, "out of memory");
    CoreStatus status = train_refit(state, source, arguments, again, error);
    if (status == CORE_OK) status = job_export(again, arguments->export_path, error);
    train_checkpoint_free(again);
    free(again);
    return status;
}

/* Calibrates the finished run and writes the model file. */
static CoreStatus finish(TrainCheckpoint *state, TrainSource *source, bool has_validation, const char *output,
                         const Arguments *arguments, CoreError *error) {
    if (!arguments->export_path) return CORE_OK;
    CoreStatus status = job_calibrate(state, source, arguments, error);
    if (status == CORE_OK) status = train_checkpoint_write(state, output, error);
    if (status) return status;
    if (state->options.refit > 0 && has_validation) return export_again(state, source, arguments, error);
    return job_export(state, arguments->export_path, error);
}

static int train(TrainCheckpoint *state, TrainSource *source, const char *output,
                 const Arguments *arguments) {
    CoreError error = {0};
    TrainFit fit;
    CoreStatus status = train_fit_new(&source->data, state, arguments->threads, &fit, &error);
    if (status == CORE_OK && !arguments->quiet)
        fprintf(stderr, "%u training rows an epoch in %u runs and clients, %u to validate\n",
                fit.training.n_epoch, fit.training.n_groups, fit.validation.n_epoch);
    if (status == CORE_OK) status = train_epochs(&fit, output, arguments, &error);
    if (status == CORE_OK && !arguments->quiet)
        fprintf(stderr, "%s: best epoch %u of %u; waited for batches %.2f %% of the time\n", output,
                state->best_epoch, state->epoch, 100 * train_fit_idle(&fit));
    bool has_validation = fit.validation.n_rows > 0;
    train_fit_free(&fit);
    if (status == CORE_OK) status = finish(state, source, has_validation, output, arguments, &error);
    return status ? job_failed(&error) : EXIT_OK;
}

int fit_command(const Arguments *arguments) {
    if (!arguments->dataset || !arguments->output) {
        fprintf(stderr, "sipcnn-train fit: --dataset and --output are needed (--help tells more)\n");
        return EXIT_USAGE;
    }
    CoreError error = {0};
    TrainCheckpoint *state = calloc(1, sizeof *state);
    TrainSource source = {0};
    CoreStatus status = state ? CORE_OK : core_fail(&error, CORE_MEMORY, "out of memory");
    if (status == CORE_OK) {
        report_catch_interrupts();
        state->options = arguments->options;
        snprintf(state->dataset_path, sizeof state->dataset_path, "%s", arguments->dataset);
        snprintf(state->split, sizeof state->split, "%s", arguments->split ? arguments->split : "first");
        snprintf(state->command, sizeof state->command, "%s", arguments->command);
        memcpy(state->local, arguments->local, sizeof state->local);
        memcpy(state->drop_runs, arguments->drop_runs, sizeof state->drop_runs);
        state->n_local = arguments->n_local;
        state->n_drop_runs = arguments->n_drop_runs;
        state->spec_version = FEATURE_SPEC_VERSION;
        state->spec_hash = feature_spec_hash();
        status = job_open(state, state->split, true, arguments, &source, &error);
    }
    int result;
    if (status == CORE_OK) {
        memcpy(state->dataset_hash, source.hash, sizeof state->dataset_hash);
        memcpy(state->classes, source.data.classes, source.data.n_classes * sizeof *state->classes);
        state->n_classes = source.data.n_classes;
        result = train(state, &source, arguments->output, arguments);
    } else {
        result = job_failed(&error);
    }
    train_source_close(&source);
    if (state) train_checkpoint_free(state);
    free(state);
    return result;
}

int resume_command(const Arguments *arguments) {
    if (!arguments->checkpoint) {
        fprintf(stderr, "sipcnn-train resume: the checkpoint is needed (--help tells more)\n");
        return EXIT_USAGE;
    }
    CoreError error = {0};
    TrainCheckpoint *state = calloc(1, sizeof *state);
    TrainSource source = {0};
    CoreStatus status = state ? train_checkpoint_read(arguments->checkpoint, state, &error)
                              : core_fail(&error, CORE_MEMORY, "out of memory");
    if (status == CORE_OK && arguments->dataset)
        snprintf(state->dataset_path, sizeof state->dataset_path, "%s", arguments->dataset);
    if (status == CORE_OK) {
        report_catch_interrupts();
        status = job_open(state, state->split, true, arguments, &source, &error);
    }
    if (status == CORE_OK) status = check_dataset(state, &source, &error);
    int result = status ? job_failed(&error)
                        : train(state, &source, arguments->output ? arguments->output : arguments->checkpoint,
                                arguments);
    train_source_close(&source);
    if (state) train_checkpoint_free(state);
    free(state);
    return result;
}
