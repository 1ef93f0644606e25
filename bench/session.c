/* Reading the four files of a scored session.
 * Relies on: bench/names.h, bench/table.h, jansson.
 * Relied on by: bench/accuracy.c, tests. */
#include "bench/session.h"

#include "bench/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- small things ---- */

/* Room for one more element in an array that doubles. */
static CoreStatus reserve(void **array, size_t count, size_t *capacity, size_t size, CoreError *error) {
    if (count < *capacity) return CORE_OK;
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void *larger = wanted < SIZE_MAX / size ? realloc(*array, wanted * size) : NULL;
    if (!larger) return core_fail(error, CORE_MEMORY, "out of memory for %zu entries", wanted);
    *array = larger;
    *capacity = wanted;
    return CORE_OK;
}

static bool read_u64(const char *text, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

static bool read_double(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end;
}

static CoreStatus bad_line(const BenchLines *lines, const char *what, CoreError *error) {
    return core_fail(error, CORE_FORMAT, "%s:%zu: %s", lines->path, lines->number, what);
}

CoreStatus bench_classes_init(BenchNames *classes, CoreError *error) {
    *classes = (BenchNames){0};
    uint32_t number;
    CoreStatus status = bench_names_add_text(classes, "benign", &number, error);
    return status ? status : bench_names_add_text(classes, "ignore", &number, error);
}

static CoreStatus class_number(BenchNames *classes, const char *text, uint32_t *number, CoreError *error) {
    CoreStatus status = bench_names_add_text(classes, text, number, error);
    if (status == CORE_OK && *number >= BENCH_CLASSES_MAX)
        return core_fail(error, CORE_LIMIT, "more than %d class names, the last is \"%.40s\"",
                         BENCH_CLASSES_MAX, text);
    return status;
}

static CoreStatus class_mask(BenchNames *classes, const char *list, uint64_t *mask, CoreError *error) {
    for (char name[64]; *list; list += *list == ',') {
        size_t length = strcspn(list, ",");
        if (length >= sizeof name)
            return core_fail(error, CORE_FORMAT, "class name too long: %.60s...", list);
        memcpy(name, list, length);
        name[length] = '\0';
        list += length;
        uint32_t number;
        if (!length) continue;
        CoreStatus status = class_number(classes, name, &number, error);
        if (status) return status;
        *mask |= (uint64_t)1 << number;
    }
    return CORE_OK;
}

/* A number in JSON or a text that holds one. */
static bool json_seconds(const json_t *value, double *seconds) {
    if (json_is_string(value)) return read_double(json_string_value(value), seconds);
    *seconds = json_number_value(value);
    return json_is_number(value);
}

void bench_host(const char *address, char *text, size_t capacity) {
    char host[128];
    const char *begin = address + (*address == '[');
    const char *colon = strchr(address, ':');
    size_t length = *address == '['                    ? strcspn(begin, "]")
                    : colon && !strchr(colon + 1, ':') ? (size_t)(colon - address)
                                                       : strlen(address);
    uint8_t ip[16];
    if (length < sizeof host) {
        memcpy(host, begin, length);
        host[length] = '\0';
        char *scope = strchr(host, '%');
        if (scope) *scope = '\0';
        char canonical[INET6_ADDRSTRLEN];
        bool v4 = !scope && inet_pton(AF_INET, host, ip) == 1, v6 = !v4 && inet_pton(AF_INET6, host, ip) == 1;
        if (!length) {
            snprintf(text, capacity, "%s", "");
            return;
        }
        if ((v4 || v6) && (!scope || scope[1]) &&
            inet_ntop(v4 ? AF_INET : AF_INET6, ip, canonical, sizeof canonical)) {
            snprintf(text, capacity, "%s%s%s", canonical, scope ? "%" : "", scope ? scope + 1 : "");
            return;
        }
    }
    snprintf(text, capacity, "not an address: %s", address);
}

static CoreStatus host_number(BenchNames *hosts, const char *address, uint32_t *number, CoreError *error) {
    char text[256];
    bench_host(address, text, sizeof text);
    return bench_names_add_text(hosts, text, number, error);
}

/* The key of a message, for the sets of labels and verdicts. */
typedef struct MessageKey {
    uint64_t frame, index;
} MessageKey;

/* ---- labels ---- */

enum { LABEL_FRAME, LABEL_INDEX, LABEL_PRIMARY, LABEL_ALSO, LABEL_RUN, LABEL_PART, LABEL_COLUMNS };
static const char *const label_columns[] = {"frame", "index", "primary", "also", "run", "part"};

static BenchPart part_of(const char *text) {
    return strcmp(text, "request") == 0 ? BENCH_REQUEST
           : strcmp(text, "onset") == 0 ? BENCH_ONSET
                                        : BENCH_OTHER;
}

static CoreStatus add_label(BenchSession *session, const BenchTable *table, BenchNames *classes,
                            CoreError *error) {
    const char *const *value = table->values;
    MessageKey key;
    if (!read_u64(value[LABEL_FRAME], &key.frame))
        return bad_line(&table->lines, "frame is not a number", error);
    if (!read_u64(value[LABEL_INDEX], &key.index))
        return bad_line(&table->lines, "index is not a number", error);
    BenchLabel label = {.part = part_of(value[LABEL_PART])};
    CoreStatus status = class_number(classes, value[LABEL_PRIMARY], &label.primary, error);
    if (status == CORE_OK) status = class_mask(classes, value[LABEL_ALSO], &label.also, error);
    if (status == CORE_OK)
        status = bench_names_add_text(&session->run_names, value[LABEL_RUN], &label.run, error);
    if (status) return core_fail_context(error, status, "%s:%zu", table->lines.path, table->lines.number);
    uint32_t number;
    status = bench_names_add(&session->keys, &key, sizeof key, &number, NULL, error);
    if (status == CORE_OK)
        status = reserve((void **)&session->labels, session->n_labels, &session->labels_capacity,
                         sizeof label, error);
    if (status) return status;
    session->labels[number] = label; /* the last row of a message counts */
    session->n_labels = session->keys.count;
    return CORE_OK;
}

static CoreStatus read_labels(BenchSession *session, const char *path, BenchNames *classes,
                              CoreError *error) {
    BenchTable table;
    CoreStatus status = bench_table_open(path, label_columns, LABEL_COLUMNS, &table, error);
    if (status) return status;
    while ((status = bench_table_next(&table, error)) == CORE_OK)
        if ((status = add_label(session, &table, classes, error))) break;
    bench_table_close(&table);
    return status == CORE_END ? CORE_OK : status;
}

/* ---- runs ---- */

enum { RUN_RUN, RUN_CLASS, RUN_TOOL, RUN_START, RUN_END, RUN_CLIENTS, RUN_COLUMNS };
static const char *const run_columns[] = {"run", "class", "tool", "start", "end", "clients"};

static CoreStatus add_client(BenchSession *session, BenchRun *run, const char *address, CoreError *error) {
    uint32_t number;
    CoreStatus status = host_number(&session->hosts, address, &number, error);
    for (size_t i = 0; status == CORE_OK && i < run->n_clients; i++)
        if (run->clients[i] == number) return CORE_OK;
    uint32_t *larger = status ? NULL : realloc(run->clients, (run->n_clients + 1) * sizeof *larger);
    if (!larger) return status ? status : core_fail(error, CORE_MEMORY, "out of memory");
    run->clients = larger;
    run->clients[run->n_clients++] = number;
    return CORE_OK;
}

static CoreStatus add_run(BenchSession *session, const BenchTable *table, BenchNames *classes,
                          CoreError *error) {
    const char *const *value = table->values;
    CoreStatus status = reserve((void **)&session->runs, session->n_runs, &session->runs_capacity,
                                sizeof *session->runs, error);
    if (status) return status;
    BenchRun *run = &session->runs[session->n_runs];
    *run = (BenchRun){0};
    if (!read_double(value[RUN_START], &run->start))
        return bad_line(&table->lines, "start is not a number", error);
    if (!read_double(value[RUN_END], &run->end)) return bad_line(&table->lines, "end is not a number", error);
    run->tool = strdup(value[RUN_TOOL]);
    if (!run->tool) return core_fail(error, CORE_MEMORY, "out of memory");
    session->n_runs++;
    status = class_number(classes, value[RUN_CLASS], &run->class_number, error);
    if (status == CORE_OK)
        status = bench_names_add_text(&session->run_names, value[RUN_RUN], &run->run, error);
    char *copy = status ? NULL : strdup(value[RUN_CLIENTS]), *rest = copy;
    if (!copy && status == CORE_OK) status = core_fail(error, CORE_MEMORY, "out of memory");
    for (char *address; status == CORE_OK && (address = strsep(&rest, ",")) != NULL;)
        if (*address) status = add_client(session, run, address, error);
    free(copy);
    return status;
}

static CoreStatus read_runs(BenchSession *session, const char *path, BenchNames *classes, CoreError *error) {
    BenchTable table;
    CoreStatus status = bench_table_open(path, run_columns, RUN_COLUMNS, &table, error);
    if (status) return status;
    while ((status = bench_table_next(&table, error)) == CORE_OK)
        if ((status = add_run(session, &table, classes, error))) break;
    bench_table_close(&table);
    return status == CORE_END ? CORE_OK : status;
}

static CoreStatus collect_also(BenchSession *session, CoreError *error) {
    session->also = calloc((size_t)session->run_names.count + 1, sizeof *session->also);
    if (!session->also) return core_fail(error, CORE_MEMORY, "out of memory");
    for (size_t i = 0; i < session->n_labels; i++)
        session->also[session->labels[i].run] |= session->labels[i].also;
    return CORE_OK;
}

/* ---- verdicts ---- */

static CoreStatus verdict_line(BenchSession *session, json_t *line, const BenchLines *lines,
                               BenchNames *classes, CoreError *error) {
    const char *said, *source, *destination;
    json_int_t frame, index = 0;
    json_t *time, *state;
    if (json_unpack(line, "{s:I, s?I, s:o, s:s, s:s, s:s, s:o}", "frame", &frame, "index", &index, "time",
                    &time, "src", &source, "dst", &destination, "class", &said, "status", &state))
        return bad_line(lines, "a verdict needs frame, time, src, dst, status and class", error);
    BenchVerdict verdict;
    if (!json_seconds(time, &verdict.time)) return bad_line(lines, "time is not a number", error);
    bool reply = json_is_true(state) || (json_is_number(state) && json_number_value(state) != 0);
    MessageKey key = {(uint64_t)frame, (uint64_t)index};
    uint32_t number;
    bool added;
    CoreStatus status = class_number(classes, said, &verdict.said, error);
    if (status == CORE_OK)
        status = host_number(&session->hosts, reply ? destination : source, &verdict.client, error);
    if (status == CORE_OK)
        status = bench_names_add(&session->verdict_keys, &key, sizeof key, &number, &added, error);
    if (status == CORE_OK)
        status = reserve((void **)&session->verdicts, session->n_verdicts, &session->verdicts_capacity,
                         sizeof verdict, error);
    if (status) return core_fail_context(error, status, "%s:%zu", lines->path, lines->number);
    session->duplicates += !added;
    session->verdicts[number] = verdict;
    session->n_verdicts = session->verdict_keys.count;
    return CORE_OK;
}

/* ---- incidents ---- */

static CoreStatus add_time(BenchIncident *incident, double time, CoreError *error) {
    CoreStatus status =
        reserve((void **)&incident->times, incident->n_times, &incident->capacity, sizeof time, error);
    if (status == CORE_OK) incident->times[incident->n_times++] = time;
    return status;
}

static CoreStatus new_incident(BenchSession *session, json_t *line, BenchNames *classes, CoreError *error) {
    BenchIncident incident = {0};
    const char *name = json_string_value(json_object_get(line, "class"));
    const char *client = json_string_value(json_object_get(line, "client"));
    CoreStatus status = name ? class_number(classes, name, &incident.class_number, error)
                             : core_fail(error, CORE_FORMAT, "an incident needs a class");
    incident.has_client = client && *client;
    if (status == CORE_OK && incident.has_client)
        status = host_number(&session->hosts, client, &incident.client, error);
    if (status == CORE_OK)
        status = reserve((void **)&session->incidents, session->n_incidents, &session->incidents_capacity,
                         sizeof incident, error);
    if (status) return status;
    incident.line = json_incref(line);
    session->incidents[session->n_incidents++] = incident;
    return CORE_OK;
}

static CoreStatus incident_line(BenchSession *session, json_t *line, const BenchLines *lines, bool rules,
                                BenchNames *classes, CoreError *error) {
    const char *by = json_string_value(json_object_get(line, "by"));
    if ((by && strcmp(by, "rule") == 0) != rules) return CORE_OK;
    const char *id = json_string_value(json_object_get(line, "id"));
    const char *state = json_string_value(json_object_get(line, "state"));
    if (!id || !state) return bad_line(lines, "an incident needs id and state", error);
    uint32_t number;
    bool added;
    double time;
    CoreStatus status = bench_names_add(&session->incident_ids, id, strlen(id), &number, &added, error);
    if (status == CORE_OK && added) status = new_incident(session, line, classes, error);
    if (status) return core_fail_context(error, status, "%s:%zu", lines->path, lines->number);
    if (strcmp(state, "closed") == 0) return CORE_OK;
    if (!json_seconds(json_object_get(line, "time"), &time))
        return bad_line(lines, "time is not a number", error);
    return add_time(&session->incidents[number], time, error);
}

/* ---- both JSON files ---- */

static CoreStatus read_json_lines(BenchSession *session, const char *path, bool incidents, bool rules,
                                  BenchNames *classes, CoreError *error) {
    BenchLines lines;
    CoreStatus status = bench_lines_open(path, false, &lines, error);
    if (status) return status;
    while ((status = bench_lines_next(&lines, error)) == CORE_OK) {
        json_error_t fault;
        json_t *line = json_loadb(lines.line, lines.length, JSON_ALLOW_NUL, &fault);
        if (!json_is_object(line))
            status = bad_line(&lines, line ? "not a JSON object" : fault.text, error);
        else if (incidents)
            status = incident_line(session, line, &lines, rules, classes, error);
        else
            status = verdict_line(session, line, &lines, classes, error);
        json_decref(line);
        if (status) break;
    }
    bench_lines_close(&lines);
    return status == CORE_END ? CORE_OK : status;
}

static void join_verdicts(BenchSession *session) {
    for (uint32_t i = 0, number; i < session->n_labels; i++)
        if (bench_names_find(&session->verdict_keys, bench_names_text(&session->keys, i), sizeof(MessageKey),
                             &number))
            session->labels[i].verdict = &session->verdicts[number];
}

CoreStatus bench_session_read(const char *name, bool rules, BenchNames *classes, BenchSession *session,
                              CoreError *error) {
    *session = (BenchSession){0};
    const char *slash = strrchr(name, '/');
    session->name = strdup(slash ? slash + 1 : name);
    if (!session->name) return core_fail(error, CORE_MEMORY, "out of memory");
    char path[4096];
    if (strlen(name) + sizeof ".incidents.jsonl.xz" > sizeof path)
        return core_fail(error, CORE_LIMIT, "%s: name too long", name);
    snprintf(path, sizeof path, "%s.labels.tsv", name);
    CoreStatus status = read_labels(session, path, classes, error);
    if (status) return status;
    snprintf(path, sizeof path, "%s.runs.tsv", name);
    if ((status = read_runs(session, path, classes, error))) return status;
    if ((status = collect_also(session, error))) return status;
    snprintf(path, sizeof path, "%s.verdicts.jsonl", name);
    if ((status = read_json_lines(session, path, false, rules, classes, error))) return status;
    snprintf(path, sizeof path, "%s.incidents.jsonl", name);
    if ((status = read_json_lines(session, path, true, rules, classes, error))) return status;
    join_verdicts(session);
    return CORE_OK;
}

void bench_session_free(BenchSession *session) {
    for (size_t i = 0; i < session->n_runs; i++) {
        free(session->runs[i].tool);
        free(session->runs[i].clients);
    }
    for (size_t i = 0; i < session->n_incidents; i++) {
        json_decref(session->incidents[i].line);
        free(session->incidents[i].times);
    }
    bench_names_free(&session->hosts);
    bench_names_free(&session->run_names);
    bench_names_free(&session->keys);
    bench_names_free(&session->verdict_keys);
    bench_names_free(&session->incident_ids);
    free(session->name);
    free(session->labels);
    free(session->also);
    free(session->runs);
    free(session->verdicts);
    free(session->incidents);
    *session = (BenchSession){0};
}
