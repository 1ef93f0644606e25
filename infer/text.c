/* What people read: incidents line by line, and the summary whose counters add up.
 * Relies on: infer/sensor, infer/verdict_json, data/wire/source.h.
 * Relied on by: infer/sensor, infer/main. */
#include "infer/text.h"

#include <inttypes.h>
#include <time.h>

#include "infer/rules.h"

static const char *const colours[] = {"\033[2m", "", "\033[33m", "\033[1;31m"}; /* by severity */

static void format_time(int64_t time_ns, char *text, size_t capacity) {
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm local;
    char date[32];
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &local) == 0)
        snprintf(date, sizeof date, "%" PRId64, (int64_t)seconds);
    snprintf(text, capacity, "%s.%03d", date, (int)(time_ns / 1000000 % 1000));
}

size_t text_incident(const SipcnnIncident *incident, const SipcnnIncidentLabels *labels, bool coloured,
                     char *line, size_t capacity) {
    static const char *const states[] = {"open", "update", "closed"};
    char time[48], client[WIRE_ADDRESS_TEXT_MAX], target[WIRE_ADDRESS_TEXT_MAX];
    format_time(incident->time_ns, time, sizeof time);
    if (incident->by_target)
        snprintf(client, sizeof client, "%" PRIu32 " clients", incident->clients);
    else
        wire_address_text(&incident->client, false, client, sizeof client);
    wire_address_text(&incident->target, false, target, sizeof target);
    const char *on = coloured ? colours[incident->severity] : "", *off = coloured ? "\033[0m" : "";
    int length = snprintf(line, capacity,
                          "%s  %s%-6s  %-8s  %-17s%s  %-15s -> %-15s  %6" PRIu64 " messages  by %s%s%s\n",
                          time, on, states[incident->state], sipcnn_severity_name(incident->severity),
                          labels->class_name, off, client, target, incident->messages, labels->by,
                          labels->rule != NULL ? " " : "", labels->rule != NULL ? labels->rule : "");
    if (length < 0) return 0;
    return (size_t)length < capacity ? (size_t)length : capacity - 1;
}

/* ", 12 name" for each count that is not zero, and the sum in front. */
typedef struct Part {
    uint64_t count;
    const char *name;
} Part;

static void print_parts(FILE *file, const char *title, uint64_t sum, const Part *parts, size_t n) {
    const char *separator = " = ";
    fprintf(file, "  %-10s %" PRIu64, title, sum);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].count == 0) continue;
        fprintf(file, "%s%" PRIu64 " %s", separator, parts[i].count, parts[i].name);
        separator = " + ";
    }
    fputc('\n', file);
}

static void print_packets(FILE *file, const WireCounters *wire) {
    static const char *const names[] = {
#define FATE_NAME(name, text) text,
        WIRE_PACKET_MAP(FATE_NAME)
#undef FATE_NAME
    };
    Part parts[WIRE_PACKET_FATES];
    for (int i = 0; i < WIRE_PACKET_FATES; i++)
        parts[i] = (Part){wire->fate[i], names[i]};
    print_parts(file, "packets", wire->packets, parts, WIRE_PACKET_FATES);
    if (wire->stream_gaps + wire->stream_resyncs > 0)
        fprintf(file, "  %-10s %" PRIu64 " gaps, %" PRIu64 " starts looked for\n", "streams",
                wire->stream_gaps, wire->stream_resyncs);
    if (wire->kernel_received == 0) return;
    fprintf(file, "  %-10s %" PRIu64 " received, %" PRIu64 " of them dropped\n", "kernel",
            wire->kernel_received, wire->kernel_dropped);
}

static void print_messages(FILE *file, const SipcnnModel *model, const WireCounters *wire,
                           const SensorCounters *sensor) {
    Part fates[] = {{sensor->messages, model != NULL ? "verdicts" : "judged by rules"},
                    {wire->messages - sensor->messages, "not judged"}};
    print_parts(file, "messages", wire->messages, fates, 2);
    if (model == NULL) return;
    int n = sipcnn_model_classes(model);
    Part parts[SIPCNN_CLASSES_MAX + 2] = {{sensor->verdicts[n + 1], "benign"},
                                          {sensor->verdicts[n], "unknown"}};
    for (int i = 0; i < n; i++)
        parts[i + 2] = (Part){sensor->verdicts[i], sipcnn_model_class_name(model, i)};
    print_parts(file, "verdicts", sensor->messages, parts, (size_t)n + 2);
}

static void print_incidents(FILE *file, const char *title, const SipcnnIncidentCounters *counters,
                            const Part *parts, size_t n) {
    print_parts(file, title, counters->opened, parts, n);
    if (counters->open > 0) fprintf(file, "  %-10s %" PRIu64 " still open\n", "", counters->open);
    if (counters->closed_early + counters->forgotten_keys + counters->forgotten_crowds == 0) return;
    fprintf(file,
            "  %-10s %" PRIu64 " closed early, %" PRIu64 " clients and %" PRIu64
            " crowds forgotten for lack of room\n",
            "", counters->closed_early, counters->forgotten_keys, counters->forgotten_crowds);
}

static void print_reporter(FILE *file, const SipcnnReporterCounters *reporter) {
    Part parts[] = {
        {reporter->delivered, "delivered"},
        {reporter->queued, "waiting"},
        {reporter->dropped_update, "updates dropped"},
        {reporter->dropped_state, "openings and closings dropped"},
        {reporter->dropped_invalid + reporter->dropped_memory, "not queued"},
        {reporter->dropped_token, "refused for the token"},
        {reporter->dropped_refused, "refused"},
        {reporter->dropped_undelivered, "not delivered in time"},
    };
    print_parts(file, "reports", reporter->submitted, parts, sizeof parts / sizeof parts[0]);
}

void text_summary(FILE *file, const SipcnnModel *model, const WireCounters *wire,
                  const SensorCounters *sensor, double seconds) {
    Part parts[SIPCNN_INCIDENT_CLASSES];
    fprintf(file, "%" PRIu64 " messages in %.2f s", sensor->messages, seconds);
    if (seconds > 0) fprintf(file, ", %.0f messages/s", (double)sensor->messages / seconds);
    fputc('\n', file);
    print_packets(file, wire);
    print_messages(file, model, wire, sensor);
    int n = sipcnn_model_classes(model);
    for (int i = 0; i <= n && model != NULL; i++)
        parts[i] =
            (Part){sensor->model_opened[i], sipcnn_model_class_name(model, i < n ? i : SIPCNN_UNKNOWN)};
    if (model != NULL) print_incidents(file, "incidents", &sensor->model, parts, (size_t)n + 1);
    for (int i = 0; i < SIPCNN_RULE_CLASSES; i++)
        parts[i] = (Part){sensor->rules_opened[i], sipcnn_rule_class_name((SipcnnRuleClass)i)};
    print_incidents(file, "by rules", &sensor->rules, parts, SIPCNN_RULE_CLASSES);
    if (sensor->reports) print_reporter(file, &sensor->reporter);
}
