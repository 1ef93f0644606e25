/* What sipcnn-infer does with each message, in capture order: verdict, incidents, lines, delivery.
 * Relies on: libsipcnn, infer/options, infer/text.
 * Relied on by: infer/pipeline, infer/main. */
#include "infer/sensor.h"

#include "infer/rules.h"
#include "infer/text.h"
#include "infer/verdict_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_BUFFER = 1 << 20 };

/* One kind of judge: the model or the rules. */
typedef struct Judge {
    const char *by;
    SipcnnIncidents *incidents; /* NULL: no model */
    char id_prefix[SENSOR_NAME_MAX + 32];
    const char *class_names[SIPCNN_INCIDENT_CLASSES];
    uint64_t opened[SIPCNN_INCIDENT_CLASSES];
} Judge;

struct Sensor {
    const Options *options;
    const SipcnnModel *model;
    SipcnnDetector *detector;
    Judge by_model, by_rule;
    FILE *verdicts; /* NULL: none; may be stdout */
    char *verdict_buffer;
    SipcnnReporter *reporter;
    SipcnnReporterCounters delivery; /* after the reporter was closed */
    uint64_t problem;                /* of the reporter, as last told to the user */
    int64_t clock_ns;                /* monotonic, of the last look at the reporter */
    uint64_t last_frame;
    bool coloured, streaming;
    CoreError failure; /* of an output; status CORE_OK: none */
    uint64_t messages;
    uint64_t counts[SIPCNN_CLASSES_MAX + 2];
    char line[SIPCNN_LINE_MAX];
};

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- outputs ---- */

static void fail_output(Sensor *sensor, const char *name) {
    if (sensor->failure.status == CORE_OK)
        core_fail(&sensor->failure, CORE_IO, "%s: %s", name, strerror(errno));
}

static const char *verdicts_name(const Sensor *sensor) {
    return sensor->verdicts == stdout ? "standard output" : sensor->options->verdicts;
}

static bool is_input(const char *path, const char *input) {
    struct stat a, b;
    return input != NULL && stat(path, &a) == 0 && stat(input, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static CoreStatus open_verdicts(Sensor *sensor, CoreError *error) {
    const char *path = sensor->options->verdicts;
    if (path == NULL) return CORE_OK;
    if (is_input(path, sensor->options->read))
        return core_fail(error, CORE_ARGUMENT, "%s: is the capture that is to be read", path);
    sensor->verdicts = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (sensor->verdicts == NULL) return core_fail(error, CORE_IO, "%s: %s", path, strerror(errno));
    sensor->verdict_buffer = malloc(OUTPUT_BUFFER);
    if (sensor->verdict_buffer == NULL)
        return core_fail(error, CORE_MEMORY, "no memory for an output buffer");
    setvbuf(sensor->verdicts, sensor->verdict_buffer, _IOFBF, OUTPUT_BUFFER);
    return CORE_OK;
}

static void write_line(Sensor *sensor, FILE *file, const char *name, size_t length) {
    if (sensor->failure.status == CORE_OK && fwrite(sensor->line, 1, length, file) != length)
        fail_output(sensor, name);
}

static void flush_outputs(Sensor *sensor) {
    if (sensor->failure.status != CORE_OK) return;
    if (sensor->verdicts != NULL && fflush(sensor->verdicts) != 0)
        fail_output(sensor, verdicts_name(sensor));
    else if (fflush(stdout) != 0)
        fail_output(sensor, "standard output");
}

/* ---- construction ---- */

static void name_incidents(Judge *judge, const char *by, const char *sensor_name) {
    judge->by = by;
    snprintf(judge->id_prefix, sizeof judge->id_prefix, "%s-%" PRIx64 "-%c", sensor_name,
             (uint64_t)clock_ns(CLOCK_REALTIME), by[0]);
}

static CoreStatus judge_by_model(Sensor *sensor, CoreError *error) {
    SipcnnIncidentClass classes[SIPCNN_INCIDENT_CLASSES];
    int n = sipcnn_model_classes(sensor->model);
    if (sensor->model == NULL) return CORE_OK;
    for (int i = 0; i <= n; i++) {
        int class_index = i < n ? i : SIPCNN_UNKNOWN;
        uint32_t k, of_n;
        sipcnn_model_agreement(sensor->model, class_index, &k, &of_n);
        sensor->by_model.class_names[i] = sipcnn_model_class_name(sensor->model, class_index);
        classes[i] = sipcnn_incident_class(sensor->by_model.class_names[i], k, of_n);
    }
    return sipcnn_incidents_new(classes, n + 1, &sensor->by_model.incidents, error);
}

static CoreStatus judge_by_rules(Sensor *sensor, CoreError *error) {
    SipcnnIncidentClass classes[SIPCNN_RULE_CLASSES];
    for (int i = 0; i < SIPCNN_RULE_CLASSES; i++) {
        sensor->by_rule.class_names[i] = sipcnn_rule_class_name((SipcnnRuleClass)i);
        classes[i] = sipcnn_incident_class(sensor->by_rule.class_names[i], 1, 1);
    }
    return sipcnn_incidents_new(classes, SIPCNN_RULE_CLASSES, &sensor->by_rule.incidents, error);
}

static CoreStatus start_reporter(Sensor *sensor, CoreError *error) {
    const Options *options = sensor->options;
    if (options->report == NULL) return CORE_OK;
    SipcnnReporterOptions reporter = {
        .url = options->report,
        .token_file = options->token_file,
        .ca_file = options->ca_file,
        .insecure = options->insecure,
    };
    CoreStatus status = sipcnn_reporter_global_init(error);
    return status == CORE_OK ? sipcnn_reporter_new(&reporter, &sensor->reporter, error) : status;
}

CoreStatus sensor_new(const Options *options, const SipcnnModel *model, Sensor **sensor, CoreError *error) {
    Sensor *made = calloc(1, sizeof *made);
    if (made == NULL) return core_fail(error, CORE_MEMORY, "no memory for a sensor");
    made->options = options;
    made->model = model;
    made->coloured = !options->json && isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    made->streaming = options->interface != NULL || strcmp(options->read, "-") == 0;
    name_incidents(&made->by_model, "model", options->sensor);
    name_incidents(&made->by_rule, "rule", options->sensor);
    SipcnnOptions detector = {options->local, options->n_local};
    CoreStatus status = sipcnn_detector_new(model, &detector, &made->detector, error);
    if (status == CORE_OK) status = judge_by_model(made, error);
    if (status == CORE_OK) status = judge_by_rules(made, error);
    if (status == CORE_OK) status = start_reporter(made, error);
    if (status == CORE_OK) status = open_verdicts(made, error);
    if (status == CORE_OK)
        *sensor = made;
    else
        sensor_free(made);
    return status;
}

void sensor_free(Sensor *sensor) {
    if (sensor == NULL) return;
    sipcnn_reporter_close(sensor->reporter, 0, NULL);
    if (sensor->verdicts == stdout)
        setvbuf(stdout, NULL, _IONBF, 0);
    else if (sensor->verdicts != NULL)
        fclose(sensor->verdicts);
    free(sensor->verdict_buffer);
    sipcnn_incidents_free(sensor->by_model.incidents);
    sipcnn_incidents_free(sensor->by_rule.incidents);
    sipcnn_detector_free(sensor->detector);
    free(sensor);
}

/* ---- one message ---- */

/* Tells everybody who listens of one change. `message` is NULL when no message caused it. */
static void tell(Sensor *sensor, Judge *judge, const SipcnnIncident *incident, const char *rule,
                 const WireMessage *message, const FeatureEncoded *encoded) {
    SipcnnIncidentLabels labels = {
        .id_prefix = judge->id_prefix,
        .by = judge->by,
        .sensor = sensor->options->sensor,
        .class_name = judge->class_names[incident->class_index],
        .rule = rule,
    };
    if (message != NULL) {
        labels.method = sipcnn_method_text(message, encoded);
        labels.call_id = sipcnn_call_id_text(message, encoded);
    }
    judge->opened[incident->class_index] += incident->state == SIPCNN_OPEN;
    if (sensor->options->json || sensor->reporter != NULL) {
        size_t length =
            sipcnn_incident_line(incident, &labels, sensor->line); /* never 0: the labels are short */
        if (sensor->reporter != NULL)
            sipcnn_reporter_submit(sensor->reporter, sensor->line, length - (length > 0));
        if (sensor->options->json) write_line(sensor, stdout, "standard output", length);
    }
    if (!sensor->options->json && sensor->verdicts != stdout) {
        size_t length = text_incident(incident, &labels, sensor->coloured, sensor->line, sizeof sensor->line);
        write_line(sensor, stdout, "standard output", length);
    }
    if (sensor->streaming) flush_outputs(sensor);
}

static void expire(Sensor *sensor, int64_t time_ns, uint64_t frame) {
    Judge *judges[] = {&sensor->by_model, &sensor->by_rule};
    SipcnnIncident change;
    for (size_t i = 0; i < sizeof judges / sizeof judges[0]; i++)
        while (judges[i]->incidents != NULL &&
               sipcnn_incidents_expire(judges[i]->incidents, time_ns, frame, &change))
            tell(sensor, judges[i], &change, NULL, NULL, NULL);
}

static void add_verdict(Sensor *sensor, const WireMessage *message, const FeatureEncoded *encoded,
                        const SipcnnVerdict *verdict) {
    int n = sipcnn_model_classes(sensor->model);
    int class_index = verdict->class_index == SIPCNN_UNKNOWN ? n : verdict->class_index;
    SipcnnIncidentEvent event = {message->time_ns, message->frame, class_index, verdict->p_class,
                                 verdict->keys};
    SipcnnIncident change;
    sensor->counts[class_index >= 0 ? class_index : n + 1]++;
    if (sipcnn_incidents_add(sensor->by_model.incidents, &event, &change))
        tell(sensor, &sensor->by_model, &change, NULL, message, encoded);
}

static void add_rules(Sensor *sensor, const WireMessage *message, const FeatureEncoded *encoded,
                      const FeatureKeys *keys) {
    const char *fired[SIPCNN_RULE_CLASSES];
    int count = sipcnn_rules_judge(sipcnn_detector_row(sensor->detector), keys, fired);
    SipcnnIncidentEvent event = {message->time_ns, message->frame, -1, 1, *keys};
    SipcnnIncident change;
    if (count == 0) (void)sipcnn_incidents_add(sensor->by_rule.incidents, &event, &change);
    for (int i = 0; i < SIPCNN_RULE_CLASSES && count > 0; i++) {
        if (fired[i] == NULL) continue;
        event.class_index = i;
        if (sipcnn_incidents_add(sensor->by_rule.incidents, &event, &change))
            tell(sensor, &sensor->by_rule, &change, fired[i], message, encoded);
    }
}

void sensor_step(Sensor *sensor, const WireMessage *message, const FeatureEncoded *encoded) {
    SipcnnVerdict verdict;
    if (sensor->failure.status != CORE_OK) return;
    sipcnn_detector_step(sensor->detector, message, encoded, &verdict);
    sensor->messages++;
    sensor->last_frame = message->frame;
    if (sensor->verdicts != NULL) {
        size_t length = sipcnn_verdict_line(sensor->model, message, encoded, &verdict, sensor->line);
        write_line(sensor, sensor->verdicts, verdicts_name(sensor), length);
    }
    expire(sensor, message->time_ns, message->frame);
    if (sensor->model != NULL) add_verdict(sensor, message, encoded, &verdict);
    add_rules(sensor, message, encoded, &verdict.keys);
}

/* ---- between messages ---- */

static void tell_problem(Sensor *sensor) {
    SipcnnReporterState state;
    sipcnn_reporter_state(sensor->reporter, &state);
    if (state.problem == sensor->problem) return;
    sensor->problem = state.problem;
    fprintf(stderr, "sipcnn-infer: %s; detection goes on\n", state.error);
}

CoreStatus sensor_flush(Sensor *sensor, CoreError *error) {
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    if (sensor->streaming) flush_outputs(sensor);
    if (sensor->reporter != NULL && now - sensor->clock_ns > 250000000) {
        sensor->clock_ns = now;
        tell_problem(sensor);
    }
    if (sensor->failure.status == CORE_OK) return CORE_OK;
    return core_fail(error, sensor->failure.status, "%s", sensor->failure.text);
}

void sensor_idle(Sensor *sensor) {
    const int64_t lag = 1000000000; /* packets may still wait in the kernel */
    expire(sensor, clock_ns(CLOCK_REALTIME) - lag, sensor->last_frame);
}

/* ---- the end ---- */

/* Waits until everything is delivered or the first attempt has failed, so that the reason is known, and
 * leaves the rest of the time to close's attempts. */
static void await_delivery(Sensor *sensor, unsigned *drain_ms, SipcnnReporterState *state) {
    const unsigned step_ms = 10;
    const struct timespec step = {.tv_nsec = step_ms * 1000000};
    for (;; *drain_ms -= step_ms) {
        sipcnn_reporter_state(sensor->reporter, state);
        if (state->counters.queued == 0 || state->failing || *drain_ms < step_ms) return;
        nanosleep(&step, NULL);
    }
}

static CoreStatus close_reporter(Sensor *sensor, unsigned drain_ms, CoreError *error) {
    SipcnnReporterState state;
    if (sensor->reporter == NULL) return CORE_OK;
    await_delivery(sensor, &drain_ms, &state);
    sipcnn_reporter_close(sensor->reporter, drain_ms, &sensor->delivery);
    sensor->reporter = NULL;
    uint64_t lost = sensor->delivery.submitted - sensor->delivery.delivered;
    if (lost == 0) return CORE_OK;
    return core_fail(error, CORE_UNAVAILABLE,
                     "%s: %" PRIu64 " of %" PRIu64 " changes of incidents not delivered: %s",
                     sensor->options->report, lost, sensor->delivery.submitted,
                     state.error[0] != '\0' ? state.error : "out of time");
}

CoreStatus sensor_finish(Sensor *sensor, unsigned drain_ms, CoreError *error) {
    Judge *judges[] = {&sensor->by_model, &sensor->by_rule};
    SipcnnIncident change;
    for (size_t i = 0; i < sizeof judges / sizeof judges[0]; i++)
        while (judges[i]->incidents != NULL && sipcnn_incidents_finish(judges[i]->incidents, &change))
            tell(sensor, judges[i], &change, NULL, NULL, NULL);
    flush_outputs(sensor);
    if (sensor->verdicts != NULL && sensor->verdicts != stdout) {
        if (fclose(sensor->verdicts) != 0) fail_output(sensor, verdicts_name(sensor));
        sensor->verdicts = NULL;
    }
    CoreStatus status = close_reporter(sensor, drain_ms, error);
    if (sensor->failure.status == CORE_OK) return status;
    return core_fail(error, sensor->failure.status, "%s", sensor->failure.text);
}

void sensor_counters(Sensor *sensor, SensorCounters *counters) {
    *counters = (SensorCounters){.messages = sensor->messages};
    memcpy(counters->verdicts, sensor->counts, sizeof counters->verdicts);
    memcpy(counters->model_opened, sensor->by_model.opened, sizeof counters->model_opened);
    memcpy(counters->rules_opened, sensor->by_rule.opened, sizeof counters->rules_opened);
    if (sensor->by_model.incidents != NULL)
        counters->model = sipcnn_incidents_counters(sensor->by_model.incidents);
    counters->rules = sipcnn_incidents_counters(sensor->by_rule.incidents);
    counters->reports = sensor->options->report != NULL;
    counters->reporter = sensor->delivery;
    if (sensor->reporter == NULL) return;
    SipcnnReporterState state;
    sipcnn_reporter_state(sensor->reporter, &state);
    counters->reporter = state.counters;
}
