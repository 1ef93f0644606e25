/* Incidents of a target: eight clients within ten minutes, and classes that are always counted by target.
 * Relies on: infer/incidents, tests/infer/stream, Check.
 * Relied on by: tests/infer/test_infer. */
#include <string.h>

#include "tests/infer/stream.h"
#include "tests/infer/suites.h"

static bool lists(const SipcnnIncident *incident, unsigned client) {
    WireAddress address = stream_client(client);
    for (uint32_t i = 0; i < incident->n_sources; i++)
        if (wire_same_ip(&incident->sources[i], &address)) return true;
    return false;
}

START_TEST(eight_clients_make_a_crowd) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 7; client++) {
        stream_send(&stream, 100 + client * 70, client, 1, ORDINARY);
        ck_assert_int_eq(stream.count, 0);
    }
    stream_send(&stream, 650, 8, 2, ORDINARY); /* another target */
    ck_assert_int_eq(stream.count, 0);
    stream_send(&stream, 660, 9, 1, ORDINARY);
    const SipcnnIncident *open = stream_only(&stream, SIPCNN_OPEN);
    WireAddress nobody = {0}, target = stream_target(1);
    ck_assert(open->by_target && wire_same_ip(&open->client, &nobody) &&
              wire_same_ip(&open->target, &target));
    ck_assert_uint_eq(open->n_sources, 8);
    ck_assert_uint_eq(open->clients, 8);
    for (unsigned client = 1; client <= 7; client++)
        ck_assert(lists(open, client));
    ck_assert(lists(open, 9) && !lists(open, 8));
    ck_assert_int_eq(open->first_ns, INT64_C(170000000000));
    stream_free(&stream);
}
END_TEST

START_TEST(more_than_ten_minutes_do_not_count) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 20; client++) {
        stream_send(&stream, 100 + client * 90, client, 1, ORDINARY); /* seven within any ten minutes */
        ck_assert_int_eq(stream.count, 0);
    }
    stream_free(&stream);
}
END_TEST

START_TEST(clients_with_an_incident_of_their_own_do_not_count) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 4; client++)
        for (int i = 0; i < 3; i++)
            stream_send(&stream, 100 + i, client, 1, ORDINARY);
    ck_assert_uint_eq(sipcnn_incidents_counters(stream.incidents).open, 4);
    for (unsigned client = 11; client <= 17; client++) {
        stream_send(&stream, 110, client, 1, ORDINARY);
        ck_assert(stream.count == 0 || !stream.changes[0].by_target);
    }
    stream_send(&stream, 111, 18, 1, ORDINARY);
    const SipcnnIncident *open = stream_only(&stream, SIPCNN_OPEN);
    ck_assert(open->by_target && open->clients == 8 && !lists(open, 1));
    /* The message of a client with its own incident is counted there and only there. */
    stream_send(&stream, 112.5, 1, 1, ORDINARY);
    ck_assert(!stream_only(&stream, SIPCNN_UPDATE)->by_target);
    stream_free(&stream);
}
END_TEST

/* Eight honest clients with one odd verdict each are no crowd: their other messages to the target count
 * against. */
START_TEST(honest_clients_with_one_odd_message_are_no_crowd) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 12; client++) {
        for (int i = 0; i < 10; i++) {
            stream_send(&stream, 100 + client * 5 + i / 10.0, client, 1, i == 4 ? ORDINARY : BENIGN);
            ck_assert_int_eq(stream.count, 0);
        }
    }
    stream_free(&stream);
}
END_TEST

START_TEST(other_traffic_of_the_target_does_not_hide_a_crowd) {
    Stream stream = stream_new();
    int opened = 0;
    for (unsigned i = 0; i < 400; i++) {
        bool odd = i % 40 == 0;
        stream_send(&stream, 100 + i, odd ? 500 + i : 1 + i % 30, 1, odd ? ORDINARY : BENIGN);
        for (int c = 0; c < stream.count; c++)
            opened += stream.changes[c].state == SIPCNN_OPEN;
    }
    ck_assert_int_eq(opened, 1);
    stream_free(&stream);
}
END_TEST

START_TEST(a_crowd_is_updated_and_closed) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 8; client++)
        stream_send(&stream, 100, client, 1, ORDINARY);
    uint64_t number = stream_only(&stream, SIPCNN_OPEN)->number;
    for (unsigned client = 9; client <= 60; client++)
        stream_send(&stream, 101, client, 1, ORDINARY);
    stream_send(&stream, 110, 61, 1, ORDINARY);
    const SipcnnIncident *update = stream_only(&stream, SIPCNN_UPDATE);
    ck_assert_uint_eq(update->number, number);
    ck_assert_uint_eq(update->n_sources, SIPCNN_SOURCES);
    ck_assert(update->clients >= 55 && update->clients <= 61); /* of 61; the bitmap gives a lower bound */
    ck_assert(lists(update, 61));
    ck_assert_uint_eq(update->messages, 8 + 53);
    stream_send(&stream, 170, 1, 2, BENIGN);
    ck_assert(stream_only(&stream, SIPCNN_CLOSED)->by_target);
    stream_free(&stream);
}
END_TEST

START_TEST(distributed_classes_are_always_by_target) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 7; client++) {
        for (int i = 0; i < 3; i++) {
            stream_send(&stream, 100 + client, client, 1, BY_TARGET);
            ck_assert_int_eq(stream.count, 0); /* however well few clients agree */
        }
    }
    stream_send(&stream, 108, 8, 1, BY_TARGET);
    const SipcnnIncident *open = stream_only(&stream, SIPCNN_OPEN);
    ck_assert(open->by_target && open->clients == 8);
    stream_free(&stream);
}
END_TEST

START_TEST(many_clients_one_after_the_other_are_no_distributed_attack) {
    Stream stream = stream_new();
    for (unsigned client = 1; client <= 20; client++) {
        stream_send(&stream, 100 + client * 9, client, 1, BY_TARGET); /* seven within any minute */
        ck_assert_int_eq(stream.count, 0);
    }
    stream_free(&stream);
}
END_TEST

/* Messages without client are the operator's own hosts: never blamed, only ever part of a target's incident.
 */
START_TEST(own_hosts_are_never_a_client) {
    Stream stream = stream_new();
    for (int i = 0; i < 50; i++) {
        stream_send(&stream, 100 + i / 10.0, 0, 1, i % 2 ? ORDINARY : AT_ONCE);
        ck_assert_int_eq(stream.count, 0);
    }
    for (unsigned client = 1; client <= 7; client++) {
        stream_send(&stream, 110, client, 1, ORDINARY);
        ck_assert_int_eq(stream.count, 0); /* seven clients and the own hosts are not eight */
    }
    stream_send(&stream, 111, 8, 1, ORDINARY);
    const SipcnnIncident *open = stream_only(&stream, SIPCNN_OPEN);
    ck_assert_uint_eq(open->n_sources, 8);
    for (int i = 0; i < 4; i++)
        stream_send(&stream, 112, 0, 3, BY_TARGET);
    stream_finish(&stream);
    for (int i = 0; i < stream.count; i++) {
        WireAddress nobody = {0};
        ck_assert(stream.changes[i].by_target && wire_same_ip(&stream.changes[i].client, &nobody));
    }
    ck_assert_int_eq(stream.count, 1); /* own hosts alone are no crowd */
    stream_free(&stream);
}
END_TEST

TCase *crowd_cases(void) {
    TCase *cases = tcase_create("crowds");
    tcase_add_test(cases, eight_clients_make_a_crowd);
    tcase_add_test(cases, more_than_ten_minutes_do_not_count);
    tcase_add_test(cases, clients_with_an_incident_of_their_own_do_not_count);
    tcase_add_test(cases, honest_clients_with_one_odd_message_are_no_crowd);
    tcase_add_test(cases, other_traffic_of_the_target_does_not_hide_a_crowd);
    tcase_add_test(cases, a_crowd_is_updated_and_closed);
    tcase_add_test(cases, distributed_classes_are_always_by_target);
    tcase_add_test(cases, many_clients_one_after_the_other_are_no_distributed_attack);
    tcase_add_test(cases, own_hosts_are_never_a_client);
    return cases;
}
