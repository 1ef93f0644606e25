/* Counting right and wrong verdicts, matching incidents with runs.
 * Relies on: bench/session.h, bench/bootstrap.h.
 * Relied on by: bench/accuracy_command.c, tests. */
#include "bench/accuracy.h"

#include "bench/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MACRO_LEAST = 50, TARGET_CLIENTS_LEAST = 8 };
static const double run_grace = 5; /* seconds after a run's end in which its incident still counts */
static const double coverage = .999;

/* ---- tallies ---- */

static bool is_right(const BenchLabel *label, uint32_t said) {
    return said == label->primary || label->also >> said & 1;
}

static void tally_add(BenchTally *tally, const BenchLabel *label, uint32_t said) {
    bool right = is_right(label, said);
    if (!tally->n[label->primary]++) tally->order[tally->n_order++] = label->primary;
    tally->named[said]++;
    tally->hit[label->primary] += right;
    tally->right[said] += right;
    tally->wrong[label->primary][said] += !right;
}

double bench_tally_recall(const BenchTally *tally, uint32_t c) {
    return tally->n[c] ? (double)tally->hit[c] / (double)tally->n[c] : 0;
}

double bench_tally_f1(const BenchTally *tally, uint32_t c) {
    double recall = bench_tally_recall(tally, c);
    double precision = tally->named[c] ? (double)tally->right[c] / (double)tally->named[c] : 0;
    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

double bench_tally_macro_f1(const BenchTally *tally, uint32_t *counted) {
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < tally->n_order; i++)
        if (tally->n[tally->order[i]] >= MACRO_LEAST) sum += bench_tally_f1(tally, tally->order[i]), n++;
    if (counted) *counted = n;
    return n ? sum / n : 0;
}

/* ---- messages ---- */

static CoreStatus count_client(BenchScore *score, const BenchSession *session, const BenchVerdict *verdict,
                               CoreError *error) {
    const char *host = bench_names_text(&session->hosts, verdict->client);
    size_t name_length = strlen(session->name), host_length = strlen(host);
    char *key = malloc(name_length + host_length + 2);
    if (!key) return core_fail(error, CORE_MEMORY, "out of memory");
    memcpy(key, session->name, name_length + 1);
    memcpy(key + name_length + 1, host, host_length + 1);
    uint32_t number;
    bool added;
    CoreStatus status =
        bench_names_add(&score->client_names, key, name_length + host_length + 1, &number, &added, error);
    free(key);
    if (status == CORE_OK && added && number >= score->clients_capacity) {
        size_t capacity = 2 * (size_t)number + 64;
        BenchClient *larger = realloc(score->clients, capacity * sizeof *larger);
        if (!larger) return core_fail(error, CORE_MEMORY, "out of memory");
        score->clients = larger;
        score->clients_capacity = capacity;
    }
    if (status) return status;
    BenchClient *client = &score->clients[number];
    if (added) *client = (BenchClient){.first = verdict->time, .last = verdict->time};
    client->benign++;
    client->wrong += verdict->said != BENCH_BENIGN;
    client->first = fmin(client->first, verdict->time);
    client->last = fmax(client->last, verdict->time);
    return CORE_OK;
}

static CoreStatus count_label(BenchScore *score, const BenchSession *session, const BenchLabel *label,
                              CoreError *error) {
    /* An attack without a verdict counts as judged benign. */
    uint32_t said = label->verdict ? label->verdict->said : (uint32_t)BENCH_BENIGN;
    bool benign = label->primary == BENCH_BENIGN;
    if (label->part == BENCH_REQUEST) {
        tally_add(&score->requests, label, said);
        tally_add(&score->with_onset, label, said);
        score->attacks += !benign;
        score->attacks_seen += !benign && said != BENCH_BENIGN;
    } else if (label->part == BENCH_ONSET && !benign) {
        tally_add(&score->with_onset, label, said);
        score->onset_wrong += said != BENCH_BENIGN && !is_right(label, said);
    } else {
        tally_add(&score->replies, label, said);
    }
    return benign && label->verdict ? count_client(score, session, label->verdict, error) : CORE_OK;
}

/* Takes over `text`. */
static void note_failure(BenchScore *score, json_t *text) {
    json_array_append_new(score->failures, text);
}

static void check_coverage(BenchScore *score, const BenchSession *session) {
    size_t scored = 0, have = 0, extra = session->n_verdicts;
    for (size_t i = 0; i < session->n_labels; i++) {
        const BenchLabel *label = &session->labels[i];
        extra -= label->verdict != NULL;
        scored += label->primary != BENCH_IGNORE;
        have += label->primary != BENCH_IGNORE && label->verdict;
    }
    if (session->duplicates)
        note_failure(score, json_sprintf("%s: %zu duplicate verdicts", session->name, session->duplicates));
    if ((double)have < coverage * (double)scored)
        note_failure(score,
                     json_sprintf("%s: verdicts for %zu of %zu messages", session->name, have, scored));
    if ((double)extra > .001 * (double)session->n_labels + 3)
        note_failure(score,
                     json_sprintf("%s: %zu verdicts for what is no SIP message", session->name, extra));
}

/* ---- runs and incidents ---- */

/* The first time within a run's life at which the incident was open. */
static bool alive_within(const BenchIncident *incident, const BenchRun *run, double *time) {
    bool alive = false;
    for (size_t i = 0; i < incident->n_times; i++) {
        double t = incident->times[i];
        if (t < run->start || t > run->end + run_grace || (alive && t >= *time)) continue;
        *time = t;
        alive = true;
    }
    return alive;
}

static bool client_of_run(const BenchRun *run, uint32_t client) {
    for (size_t i = 0; i < run->n_clients; i++)
        if (run->clients[i] == client) return true;
    return false;
}

static uint64_t messages_until(const BenchSession *session, const BenchRun *run, double time) {
    uint64_t n = 0;
    for (size_t i = 0; i < session->n_labels; i++) {
        const BenchLabel *label = &session->labels[i];
        n += label->run == run->run && label->primary != BENCH_IGNORE && label->primary != BENCH_BENIGN &&
             label->verdict && label->verdict->time <= time;
    }
    return n;
}

/* Matches a run with the incidents; `matched` notes those that belong to some run. */
static void match_run(const BenchSession *session, const BenchRun *run, bool *matched,
                      BenchRunResult *result) {
    uint64_t right = (uint64_t)1 << run->class_number | session->also[run->run];
    double first = 0, time = 0;
    for (size_t i = 0; i < session->n_incidents; i++) {
        const BenchIncident *incident = &session->incidents[i];
        bool right_class = right >> incident->class_number & 1;
        bool fits = incident->has_client ? client_of_run(run, incident->client)
                                         : right_class && run->n_clients >= TARGET_CLIENTS_LEAST;
        if (!fits || !alive_within(incident, run, &time)) continue;
        matched[i] = true;
        if (!right_class) continue;
        first = result->found ? fmin(first, time) : time;
        result->found = true;
    }
    result->class_number = run->class_number;
    if (!result->found) return;
    result->seconds = first - run->start;
    result->messages = messages_until(session, run, first);
}

static CoreStatus add_run_result(BenchScore *score, const BenchSession *session, const BenchRun *run,
                                 bool *matched, CoreError *error) {
    if (score->n_runs == score->runs_capacity) {
        size_t capacity = 2 * score->runs_capacity + 16;
        BenchRunResult *larger = realloc(score->runs, capacity * sizeof *larger);
        if (!larger) return core_fail(error, CORE_MEMORY, "out of memory");
        score->runs = larger;
        score->runs_capacity = capacity;
    }
    BenchRunResult *result = &score->runs[score->n_runs++];
    *result = (BenchRunResult){.session = strdup(session->name),
                               .run = strdup(bench_names_text(&session->run_names, run->run)),
                               .tool = strdup(run->tool)};
    if (!result->session || !result->run || !result->tool)
        return core_fail(error, CORE_MEMORY, "out of memory");
    match_run(session, run, matched, result);
    return CORE_OK;
}

static void add_false_incident(BenchScore *score, const BenchSession *session,
                               const BenchIncident *incident) {
    static const char *const kept[] = {"class", "client", "target", "time", "frame"};
    json_t *object = json_pack("{s:s}", "session", session->name);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        json_t *value = json_object_get(incident->line, kept[i]);
        json_object_set_new(object, kept[i], value ? json_incref(value) : json_null());
    }
    json_array_append_new(score->false_incidents, object);
}

static CoreStatus count_incidents(BenchScore *score, const BenchSession *session, CoreError *error) {
    bool *matched = calloc(session->n_incidents + 1, sizeof *matched);
    CoreStatus status = matched ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory");
    for (size_t i = 0; status == CORE_OK && i < session->n_runs; i++)
        status = add_run_result(score, session, &session->runs[i], matched, error);
    for (size_t i = 0; status == CORE_OK && i < session->n_incidents; i++)
        if (!matched[i]) add_false_incident(score, session, &session->incidents[i]);
    free(matched);
    return status;
}

CoreStatus bench_score_add(BenchScore *score, const BenchSession *session, CoreError *error) {
    if (!score->failures) score->failures = json_array();
    if (!score->false_incidents) score->false_incidents = json_array();
    if (!score->failures || !score->false_incidents) return core_fail(error, CORE_MEMORY, "out of memory");
    check_coverage(score, session);
    CoreStatus status = CORE_OK;
    for (size_t i = 0; status == CORE_OK && i < session->n_labels; i++)
        if (session->labels[i].primary != BENCH_IGNORE)
            status = count_label(score, session, &session->labels[i], error);
    return status ? status : count_incidents(score, session, error);
}

/* ---- figures over all sessions ---- */

static void wilson(uint64_t hits, uint64_t n, double interval[2]) {
    const double z = 1.96;
    interval[0] = 0, interval[1] = 1;
    if (!n) return;
    double p = (double)hits / (double)n, m = (double)n;
    double scale = 1 + z * z / m, centre = p + z * z / 2 / m;
    double radius = z * sqrt(p * (1 - p) / m + z * z / 4 / m / m);
    interval[0] = (centre - radius) / scale;
    interval[1] = (centre + radius) / scale;
}

static int compare_u64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Messages to the incident of the middle run; a missed run counts as infinitely late. */
static CoreStatus find_median(BenchScore *score, CoreError *error) {
    uint64_t *messages = malloc((score->n_runs + 1) * sizeof *messages);
    if (!messages) return core_fail(error, CORE_MEMORY, "out of memory");
    for (size_t i = 0; i < score->n_runs; i++)
        messages[i] = score->runs[i].found ? score->runs[i].messages : UINT64_MAX;
    qsort(messages, score->n_runs, sizeof *messages, compare_u64);
    score->median_known = score->n_runs && messages[score->n_runs / 2] != UINT64_MAX;
    if (score->median_known) score->median_messages = messages[score->n_runs / 2];
    free(messages);
    return CORE_OK;
}

CoreStatus bench_score_finish(BenchScore *score, CoreError *error) {
    uint32_t n = score->client_names.count;
    double seconds = 0;
    BenchClientCount *counts = malloc((n + (size_t)1) * sizeof *counts);
    if (!counts) return core_fail(error, CORE_MEMORY, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        const BenchClient *client = &score->clients[i];
        counts[i] = (BenchClientCount){client->benign, client->wrong};
        score->benign += client->benign;
        score->false_messages += client->wrong;
        seconds += fmax(client->last - client->first, 1);
    }
    score->benign_client_hours = seconds / 3600;
    for (size_t i = 0; i < score->n_runs; i++)
        score->runs_found += score->runs[i].found;
    wilson(score->runs_found, score->n_runs, score->interval);
    CoreStatus status = bench_bootstrap_upper(counts, n, &score->false_upper, error);
    free(counts);
    return status ? status : find_median(score, error);
}

void bench_score_free(BenchScore *score) {
    for (size_t i = 0; i < score->n_runs; i++) {
        free(score->runs[i].session);
        free(score->runs[i].run);
        free(score->runs[i].tool);
    }
    bench_names_free(&score->classes);
    bench_names_free(&score->client_names);
    free(score->clients);
    free(score->runs);
    json_decref(score->failures);
    json_decref(score->false_incidents);
    *score = (BenchScore){0};
}
