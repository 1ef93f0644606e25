/* sipcnn-infer: reads SIP from a capture or an interface, judges every message, reports attacks.
 * Relies on: libsipcnn and the other files of the command.
 * Relied on by: nobody. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "infer/options.h"
#include "infer/pipeline.h"
#include "infer/progress.h"
#include "infer/signals.h"

enum { DRAIN_MS = 5000 }; /* for the last incidents to reach the collector */

static int fail(const CoreError *error) {
    fprintf(stderr, "sipcnn-infer: %s\n", error->text);
    return EXIT_FAILED;
}

static CoreStatus open_source(const Options *options, WireSource **source, CoreError *error) {
    if (options->read != NULL) return wire_source_open_file(options->read, source, error);
    WireLiveOptions live = {.interface = options->interface, .filter = options->filter, .promiscuous = true};
    return wire_source_open_live(&live, source, error);
}

static CoreStatus open_model(const Options *options, SipcnnModel **model, CoreError *error) {
    if (options->rules_only) return CORE_OK;
    CoreStatus status = sipcnn_model_load(options->model, model, error);
    if (status == CORE_OK) return status;
    CoreError reason = *error;
    return core_fail(error, status, "%s (--model names another model, --rules-only needs none)", reason.text);
}

/* A capture without SIP is most likely the wrong file: that is a failure, not a quiet success. */
static bool has_no_sip(const Options *options, const WireCounters *wire, CoreStatus status) {
    return status == CORE_OK && wire->messages == 0 && options->interface == NULL;
}

static int run(const Options *options, Pipeline *pipeline) {
    CoreError error, ending;
    CoreStatus status = pipeline_run(pipeline, &error);
    pipeline->ended_ns = progress_clock();
    signals_remove();
    CoreStatus finished = sensor_finish(pipeline->sensor, DRAIN_MS, &ending);
    WireCounters wire = wire_source_counters(pipeline->source);
    if (pipeline->progress != NULL) progress_end(pipeline->progress);
    if (has_no_sip(options, &wire, status)) {
        fprintf(stderr, "sipcnn-infer: %s: no SIP message in it (%llu packets)\n", options->read,
                (unsigned long long)wire.packets);
        return EXIT_FAILED;
    }
    if (!options->quiet) pipeline_summary(pipeline, &wire);
    if (status != CORE_OK && status != CORE_INTERRUPTED) return fail(&error);
    return finished == CORE_OK ? EXIT_OK : fail(&ending);
}

static int watch(const Options *options, const SipcnnModel *model) {
    Progress progress;
    Pipeline pipeline = {
        .model = model,
        .workers = options->workers,
        .pipe = options->read != NULL && strcmp(options->read, "-") == 0,
        .started_ns = progress_clock(),
    };
    CoreError error;
    if (options->read != NULL && !options->quiet && isatty(STDERR_FILENO)) pipeline.progress = &progress;
    progress_start(&progress);
    if (open_source(options, &pipeline.source, &error) != CORE_OK) return fail(&error);
    signals_install(pipeline.source);
    int code = EXIT_FAILED;
    if (sensor_new(options, model, &pipeline.sensor, &error) == CORE_OK)
        code = run(options, &pipeline);
    else
        fail(&error);
    signals_remove();
    sensor_free(pipeline.sensor);
    wire_source_free(pipeline.source);
    return code;
}

int main(int argc, char **argv) {
    static Options options;
    SipcnnModel *model = NULL;
    CoreError error;
    int code;
    if (!options_read(argc, argv, &options, &code)) return code;
    if (sipcnn_init(&error) != CORE_OK || open_model(&options, &model, &error) != CORE_OK)
        return fail(&error);
    code = watch(&options, model);
    sipcnn_model_free(model);
    return code;
}
