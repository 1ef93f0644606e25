/* Incidents of a client: k of n, updates, silence, bounds (docs/man/sipcnn-infer.1: INCIDENTS).
 * Relies on: infer/incidents, tests/infer/stream, Check.
 * Relied on by: tests/infer/test_infer. */
#include <stdlib.h>
#include <string.h>

#include "tests/infer/stream.h"
#include "tests/infer/suites.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

START_TEST(opens_when_three_of_five_agree) {
    static const int judged[] = {ORDINARY, ORDINARY, BENIGN, ORDINARY};
    Stream stream = stream_new();
    for (int i = 0; i < 4; i++) {
        stream_send(&stream, 100 + i, 7, 1, judged[i]);
        ck_assert_int_eq(stream.count, i == 3);
    }
    const SipcnnIncident *open = stream_only(&stream, SIPCNN_OPEN);
    WireAddress client = stream_client(7), target = stream_target(1);
    ck_assert(wire_same_ip(&open->client, &client) && wire_same_ip(&open->target, &target));
    ck_assert(!open->by_target && open->class_index == ORDINARY && open->change == 1 && open->number == 1);
    ck_assert_double_eq(SECONDS(open->first_ns), 100);
    ck_assert_double_eq(SECONDS(open->last_ns), 103);
    ck_assert_double_eq(SECONDS(open->time_ns), 103);
    ck_assert_uint_eq(open->frame, 4);
    ck_assert_uint_eq(open->messages, 3);
    ck_assert_int_eq(open->severity, SIPCNN_MEDIUM);
    stream_free(&stream);
}
END_TEST

START_TEST(stays_closed_when_agreement_leaves_the_window) {
    static const int judged[] = {ORDINARY, BENIGN,  BENIGN, ORDINARY, BENIGN,
                                 ORDINARY, AT_ONCE, BENIGN, ORDINARY};
    Stream stream = stream_new();
    for (int i = 0; i < 9; i++) {
        stream_send(&stream, 100 + i, 7, 1, judged[i]);
        ck_assert(stream.count == 0 || stream.changes[0].class_index == AT_ONCE);
    }
    stream_free(&stream);
}
END_TEST

START_TEST(other_clients_do_not_count) {
    Stream stream = stream_new();
    for (int i = 0; i < 5; i++) {
        stream_send(&stream, 100 + i, 1, 1, i < 2 ? ORDINARY : BENIGN);
        ck_assert_int_eq(stream.count, 0);
        stream_send(&stream, 100 + i, 2, 1, i < 2 ? ORDINARY : BENIGN);
        ck_assert_int_eq(stream.count, 0);
    }
    stream_free(&stream);
}
END_TEST

START_TEST(one_of_one_opens_at_once) {
    Stream stream = stream_new();
    stream_send(&stream, 100, 7, 1, BENIGN);
    stream_send(&stream, 101, 7, 1, AT_ONCE);
    ck_assert_int_eq(stream_only(&stream, SIPCNN_OPEN)->class_index, AT_ONCE);
    stream_free(&stream);
}
END_TEST

/* A message each second: an update each ten seconds, with everything counted. */
START_TEST(updates_every_ten_seconds) {
    Stream stream = stream_new();
    stream_send(&stream, 100, 7, 1, AT_ONCE);
    for (int i = 1; i <= 45; i++) {
        stream_send(&stream, 100 + i, 7, i, AT_ONCE);
        ck_assert_int_eq(stream.count, i % 10 == 0);
        if (i % 10 != 0) continue;
        const SipcnnIncident *update = stream_only(&stream, SIPCNN_UPDATE);
        WireAddress target = stream_target((unsigned)i);
        ck_assert_uint_eq(update->messages, (unsigned)i + 1);
        ck_assert_uint_eq(update->change, (unsigned)i / 10 + 1);
        ck_assert(wire_same_ip(&update->target, &target));
        ck_assert_double_eq(SECONDS(update->first_ns), 100);
    }
    stream_free(&stream);
}
END_TEST

START_TEST(closes_after_a_minute_of_silence) {
    Stream stream = stream_new();
    stream_send(&stream, 100, 7, 1, AT_ONCE);
    stream_send(&stream, 105, 7, 1, AT_ONCE);
    stream_send(&stream, 164.999, 7, 1, BENIGN); /* what is not of the class does not keep it open */
    ck_assert_int_eq(stream.count, 0);
    stream_send(&stream, 165, 9, 1, BENIGN); /* another client's message moves the time on */
    const SipcnnIncident *closed = stream_only(&stream, SIPCNN_CLOSED);
    ck_assert_double_eq(SECONDS(closed->time_ns), 165);
    ck_assert_uint_eq(closed->frame, 4);
    ck_assert_double_eq(SECONDS(closed->last_ns), 105);
    ck_assert_uint_eq(closed->messages, 2);
    stream_send(&stream, 166, 7, 1, AT_ONCE);
    ck_assert_uint_eq(stream_only(&stream, SIPCNN_OPEN)->number, 2);
    SipcnnIncidentCounters counters = sipcnn_incidents_counters(stream.incidents);
    ck_assert(counters.opened == 2 && counters.closed == 1 && counters.open == 1);
    stream_free(&stream);
}
END_TEST

START_TEST(late_message_closes_and_opens) {
    Stream stream = stream_new();
    stream_send(&stream, 100, 7, 1, AT_ONCE);
    stream_send(&stream, 300, 7, 1, AT_ONCE);
    ck_assert_int_eq(stream.count, 2);
    ck_assert_int_eq(stream.changes[0].state, SIPCNN_CLOSED);
    ck_assert_int_eq(stream.changes[1].state, SIPCNN_OPEN);
    ck_assert_uint_ne(stream.changes[0].number, stream.changes[1].number);
    stream_free(&stream);
}
END_TEST

START_TEST(the_end_closes_what_is_open) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 5; client++)
        stream_send(&stream, 100 + client, client, 1, AT_ONCE);
    stream_finish(&stream);
    ck_assert_int_eq(stream.count, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(stream.changes[i].state, SIPCNN_CLOSED);
        ck_assert_uint_eq(stream.changes[i].frame, 5);
        ck_assert_double_eq(SECONDS(stream.changes[i].time_ns), 105);
    }
    stream_free(&stream);
}
END_TEST

START_TEST(time_never_runs_backwards) {
    Stream stream = stream_new();
    stream_send(&stream, 1000, 7, 1, AT_ONCE);
    stream_send(&stream, 10, 7, 1, AT_ONCE);
    ck_assert_int_eq(stream.count, 0);
    stream_send(&stream, 1010, 7, 1, AT_ONCE);
    const SipcnnIncident *update = stream_only(&stream, SIPCNN_UPDATE);
    ck_assert(SECONDS(update->first_ns) == 1000 && SECONDS(update->last_ns) == 1010);
    stream_free(&stream);
}
END_TEST

/* Severity of the closing after so many messages of a class. */
static SipcnnSeverity severity_after(int messages, int class_index) {
    Stream stream = stream_new();
    for (int i = 0; i < messages; i++)
        stream_send(&stream, 100 + i / 10.0, 7, 1, class_index);
    stream_finish(&stream);
    SipcnnSeverity severity = stream_only(&stream, SIPCNN_CLOSED)->severity;
    stream_free(&stream);
    return severity;
}

START_TEST(volume_raises_severity_by_one_step) {
    ck_assert_int_eq(severity_after(99, ORDINARY), SIPCNN_MEDIUM);
    ck_assert_int_eq(severity_after(100, ORDINARY), SIPCNN_HIGH);
    ck_assert_int_eq(severity_after(5000, ORDINARY), SIPCNN_HIGH);
    ck_assert_int_eq(severity_after(100, AT_ONCE), SIPCNN_CRITICAL);
}
END_TEST

/* A client whose window is all benign again takes no room. */
START_TEST(benign_clients_are_not_kept) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 40000; client++)
        for (int i = 0; i < 6; i++)
            stream_send(&stream, 100 + client, client, 1, i == 0 ? ORDINARY : BENIGN);
    ck_assert_uint_eq(sipcnn_incidents_counters(stream.incidents).forgotten_keys, 0);
    stream_free(&stream);
}
END_TEST

/* Five thousand incidents at once: the oldest ones are closed early and counted, none is lost silently. */
START_TEST(memory_is_bounded) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 5000; client++)
        stream_send(&stream, 100, client, 1, AT_ONCE);
    SipcnnIncidentCounters counters = sipcnn_incidents_counters(stream.incidents);
    ck_assert_uint_eq(counters.opened, 5000);
    ck_assert_uint_eq(counters.opened, counters.closed + counters.open);
    ck_assert_uint_eq(counters.closed_early, counters.closed);
    ck_assert_uint_gt(counters.closed_early, 0);
    for (unsigned client = 1; client <= 20000; client++)
        stream_send(&stream, 101, client, 1, ORDINARY);
    ck_assert_uint_gt(sipcnn_incidents_counters(stream.incidents).forgotten_keys, 0);
    for (unsigned target = 1; target <= 5000; target++)
        stream_send(&stream, 101, 1, target, BY_TARGET);
    ck_assert_uint_gt(sipcnn_incidents_counters(stream.incidents).forgotten_crowds, 0);
    stream_free(&stream);
}
END_TEST

/* ---- random streams against a reference that keeps everything ---- */

enum { STREAMS = 100, LENGTH = 200, CLIENTS = 3 };

typedef struct Reference {
    int judged[LENGTH];
    int count;
    double opened, last; /* of the incident; last < 0: none is open */
    double changed;
} Reference;

/* -1, or the change that the message at `now` causes for class ORDINARY. */
static int reference_change(Reference *reference, double now, int judged) {
    int agree = 0;
    reference->judged[reference->count++] = judged;
    if (judged != ORDINARY) return -1;
    for (int i = reference->count - 1; i >= 0 && i >= reference->count - 5; i--)
        agree += reference->judged[i] == ORDINARY;
    if (reference->last < 0 && agree < 3) return -1;
    int change = reference->last < 0 ? SIPCNN_OPEN : now - reference->changed >= 10 ? SIPCNN_UPDATE : -1;
    reference->last = now;
    if (change >= 0) reference->changed = now;
    return change;
}

START_TEST(random_streams_match_the_reference) {
    srand(11);
    for (int s = 0; s < STREAMS; s++) {
        Stream stream = stream_new();
        Reference references[CLIENTS];
        double now = 1000;
        for (int c = 0; c < CLIENTS; c++)
            references[c] = (Reference){.last = -1};
        for (int i = 0; i < LENGTH; i++) {
            unsigned client = (unsigned)rand() % CLIENTS;
            int judged = rand() % 3 == 0 ? BENIGN : ORDINARY;
            int closed = 0;
            now += rand() % 20 == 0 ? rand() % 80 : rand() % 4;
            for (int c = 0; c < CLIENTS; c++)
                if (references[c].last >= 0 && now - references[c].last >= 60)
                    references[c].last = -1, closed++;
            int change = reference_change(&references[client], now, judged);
            stream_send(&stream, now, client + 1, 1, judged);
            ck_assert_int_eq(stream.count, closed + (change >= 0));
            for (int c = 0; c < closed; c++)
                ck_assert_int_eq(stream.changes[c].state, SIPCNN_CLOSED);
            if (change >= 0) ck_assert_int_eq(stream.changes[closed].state, change);
        }
        stream_free(&stream);
    }
}
END_TEST

START_TEST(impossible_classes_are_refused) {
    static const SipcnnIncidentClass bad[] = {
        {.k = 0, .n = 1}, {.k = 2, .n = 1}, {.k = 1, .n = SIPCNN_AGREEMENT_MAX + 1}};
    SipcnnIncidents *incidents;
    CoreError error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(sipcnn_incidents_new(&bad[i], 1, &incidents, &error), CORE_ARGUMENT);
    ck_assert_int_eq(sipcnn_incidents_new(bad, 0, &incidents, &error), CORE_ARGUMENT);
    ck_assert_int_eq(sipcnn_incidents_new(bad, SIPCNN_INCIDENT_CLASSES + 1, &incidents, &error),
                     CORE_ARGUMENT);
    sipcnn_incidents_free(NULL);
}
END_TEST

TCase *incidents_cases(void) {
    TCase *cases = tcase_create("incidents");
    tcase_add_test(cases, opens_when_three_of_five_agree);
    tcase_add_test(cases, stays_closed_when_agreement_leaves_the_window);
    tcase_add_test(cases, other_clients_do_not_count);
    tcase_add_test(cases, one_of_one_opens_at_once);
    tcase_add_test(cases, updates_every_ten_seconds);
    tcase_add_test(cases, closes_after_a_minute_of_silence);
    tcase_add_test(cases, late_message_closes_and_opens);
    tcase_add_test(cases, the_end_closes_what_is_open);
    tcase_add_test(cases, time_never_runs_backwards);
    tcase_add_test(cases, volume_raises_severity_by_one_step);
    tcase_add_test(cases, benign_clients_are_not_kept);
    tcase_add_test(cases, memory_is_bounded);
    tcase_add_test(cases, random_streams_match_the_reference);
    tcase_add_test(cases, impossible_classes_are_refused);
    return cases;
}
