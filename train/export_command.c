/* sipcnn-train export: a run as a model file; a run or a model file as an ONNX model.
 * Relies on: train/job.h, train/export.h, train/onnx.h.
 * Relied on by: main.c. */
#include "train/job.h"

#include "data/digest/digest.h"
#include "engine/core/file.h"
#include "train/export.h"
#include "train/fit.h"
#include "train/onnx.h"

#include <stdlib.h>

/* A trained network, and its model file. */
typedef struct Exported {
    TrainModel network;
    uint8_t *bytes;
    size_t size;
    CoreModel file; /* views into bytes */
} Exported;

static CoreStatus read_file(Exported *exported, CoreError *error) {
    return core_model_read(exported->bytes, exported->size, digest_sha256, &exported->file, error);
}

static CoreStatus load_run(const char *path, Exported *exported, CoreError *error) {
    TrainCheckpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (!checkpoint) return core_fail(error, CORE_MEMORY, "out of memory");
    CoreStatus status = train_checkpoint_read(path, checkpoint, error);
    if (status == CORE_OK) {
        status = job_model(checkpoint, &exported->bytes, &exported->size, error);
        if (status == CORE_OK) status = read_file(exported, error);
        if (status == CORE_OK)
            status = train_fit_network(checkpoint, TRAIN_BEST, 1, &exported->network, error);
        if (status) core_fail_context(error, status, "%s", path);
    }
    train_checkpoint_free(checkpoint);
    free(checkpoint);
    return status;
}

static CoreStatus load_model(const char *path, Exported *exported, CoreError *error) {
    TrainCalibration calibration = {0};
    CoreStatus status = core_file_read(path, CORE_MODEL_SIZE_MAX, &exported->bytes, &exported->size, error);
    if (status) return status;
    status = read_file(exported, error);
    if (status == CORE_OK) status = train_import(&exported->file, 1, &exported->network, &calibration, error);
    train_calibration_free(&calibration);
    return status ? core_fail_context(error, status, "%s", path) : CORE_OK;
}

static CoreStatus write_onnx(const Exported *exported, const char *path, CoreError *error) {
    uint8_t *bytes;
    size_t size;
    CoreStatus status = train_onnx(&exported->network, &exported->file, &bytes, &size, error);
    if (status) return status;
    status = core_file_write(path, bytes, size, error);
    free(bytes);
    return status;
}

static int usage_error(const char *text) {
    fprintf(stderr, "sipcnn-train export: %s (--help tells more)\n", text);
    return EXIT_USAGE;
}

int export_command(const Arguments *arguments) {
    const char *run = arguments->checkpoint, *model = arguments->model;
    if (!run == !model) return usage_error("--checkpoint or --model is needed, not both");
    if (run && !arguments->output && !arguments->onnx) return usage_error("--output or --onnx is needed");
    if (model && (arguments->output || !arguments->onnx))
        return usage_error("--model goes with --onnx alone");
    CoreError error = {0};
    Exported *exported = calloc(1, sizeof *exported);
    if (!exported) return job_failed(&(CoreError){.text = "out of memory"});
    CoreStatus status = run ? load_run(run, exported, &error) : load_model(model, exported, &error);
    if (status == CORE_OK && arguments->output)
        status = core_file_write(arguments->output, exported->bytes, exported->size, &error);
    if (status == CORE_OK && arguments->onnx) status = write_onnx(exported, arguments->onnx, &error);
    train_model_free(&exported->network);
    free(exported->bytes);
    free(exported);
    return status ? job_failed(&error) : EXIT_OK;
}
