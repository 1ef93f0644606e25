/* Tests of the feature spec: rows are pure, the same whatever the hash key, and change only with the version.
 * Relies on: data/features, Check.
 * Relied on by: ctest. */
#include "data/features/hash.h"
#include "data/wire/osip.h"
#include "tests/features/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void compose(const Line *line, char *buffer, WireMessage *message) {
    char vias[1024] = "";
    for (int i = 0; i < line->vias; i++) {
        size_t used = strlen(vias);
        snprintf(vias + used, sizeof vias - used, "Via: SIP/2.0/UDP 10.9.9.%d:5060;branch=z9hG4bKlower%d\r\n",
                 i, i);
    }
    const char *body = line->body ? line->body : "";
    int n = snprintf(
        buffer, 4096,
        "%s\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK%s\r\n%sMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\n"
        "Call-ID: %s\r\nCSeq: %s\r\n%s%s%s%s%sContent-Length: %zu\r\n\r\n%s",
        line->start, line->from_ip, line->branch ? line->branch : "one", vias,
        line->from ? line->from : "<sip:alice@example.org>;tag=a1",
        line->to ? line->to : "<sip:bob@example.org>", line->call_id ? line->call_id : "call-1",
        line->cseq ? line->cseq : "1 INVITE", line->contact ? "Contact: " : "",
        line->contact ? line->contact : "", line->contact ? "\r\n" : "", line->more ? line->more : "",
        line->body ? "Content-Type: text/plain\r\n" : "", strlen(body), body);
    ck_assert_int_lt(n, 4096);
    *message = (WireMessage){.bytes = (const uint8_t *)buffer,
                             .length = (uint32_t)n,
                             .time_ns = INT64_C(1700000000000000000) + (int64_t)(line->at * 1e9),
                             .frame = 1,
                             .transport = WIRE_UDP};
    ck_assert(wire_address_parse(line->from_ip, &message->source));
    ck_assert(wire_address_parse(line->to_ip, &message->destination));
    message->source.port = message->destination.port = 5060;
}

void play(FeatureContext *context, const Line *line, FeatureRow *row, FeatureKeys *keys) {
    char buffer[4096];
    WireMessage message;
    FeatureEncoded encoded;
    FeatureRow own_row;
    FeatureKeys own_keys;
    compose(line, buffer, &message);
    feature_encode(&message, &encoded);
    feature_context_step(context, &message, &encoded, row ? row : &own_row, keys ? keys : &own_keys);
}

FeatureContext *empty_context(void) {
    FeatureContext *context;
    CoreError error;
    ck_assert_msg(wire_osip_init(&error) == CORE_OK, "%s", error.text);
    ck_assert_msg(feature_context_new(NULL, 0, &context, &error) == CORE_OK, "%s", error.text);
    return context;
}

unsigned fact(const FeatureRow *row, FeatureFact which) {
    return row->counters[which];
}

long counted(const FeatureRow *row, FeatureGroup group, FeaturePeerCounter counter) {
    return lroundf(feature_peer_value(row, group, counter, 3));
}

/* ---- a script with most of what a row depends on ---- */

static const Line script[] = {
    {.from_ip = "10.0.0.1",
     .to_ip = "10.0.0.9",
     .at = 0,
     .start = "REGISTER sip:example.org SIP/2.0",
     .call_id = "r1",
     .cseq = "1 REGISTER",
     .branch = "r1",
     .to = "<sip:alice@example.org>",
     .contact = "<sip:alice@10.0.0.1>"},
    {.from_ip = "10.0.0.9",
     .to_ip = "10.0.0.1",
     .at = 0.01,
     .start = "SIP/2.0 401 Unauthorized",
     .call_id = "r1",
     .cseq = "1 REGISTER",
     .branch = "r1",
     .to = "<sip:alice@example.org>;tag=s",
     .more = "WWW-Authenticate: Digest realm=\"example.org\",nonce=\"n\"\r\n"},
    {.from_ip = "10.0.0.1",
     .to_ip = "10.0.0.9",
     .at = 0.02,
     .start = "REGISTER sip:example.org SIP/2.0",
     .call_id = "r1",
     .cseq = "2 REGISTER",
     .branch = "r2",
     .to = "<sip:alice@example.org>",
     .contact = "<sip:alice@10.0.0.1>",
     .more =
         "Authorization: Digest username=\"alice\",realm=\"example.org\",nonce=\"n\",uri=\"sip:example.org\","
         "response=\"0123456789abcdef0123456789abcdef\"\r\n"},
    {.from_ip = "10.0.0.9",
     .to_ip = "10.0.0.1",
     .at = 0.03,
     .start = "SIP/2.0 200 OK",
     .call_id = "r1",
     .cseq = "2 REGISTER",
     .branch = "r2",
     .to = "<sip:alice@example.org>;tag=s",
     .contact = "<sip:alice@10.0.0.1>;expires=60"},
    {.from_ip = "10.0.0.1",
     .to_ip = "10.0.0.9",
     .at = 1,
     .start = "INVITE sip:bob@example.org SIP/2.0",
     .contact = "<sip:alice@10.0.0.1>"},
    {.from_ip = "10.0.0.9",
     .to_ip = "10.0.0.2",
     .at = 1.01,
     .start = "INVITE sip:bob@10.0.0.2 SIP/2.0",
     .branch = "two",
     .vias = 1,
     .contact = "<sip:alice@10.0.0.1>"},
    {.from_ip = "10.0.0.2",
     .to_ip = "10.0.0.9",
     .at = 2,
     .start = "SIP/2.0 200 OK",
     .branch = "two",
     .vias = 1,
     .to = "<sip:bob@example.org>;tag=b1",
     .contact = "<sip:bob@10.0.0.2>"},
    {.from_ip = "10.0.0.9",
     .to_ip = "10.0.0.1",
     .at = 2.01,
     .start = "SIP/2.0 200 OK",
     .to = "<sip:bob@example.org>;tag=b1",
     .contact = "<sip:bob@10.0.0.2>"},
    {.from_ip = "10.0.0.1",
     .to_ip = "10.0.0.9",
     .at = 2.02,
     .start = "ACK sip:bob@10.0.0.2 SIP/2.0",
     .branch = "three",
     .cseq = "1 ACK",
     .to = "<sip:bob@example.org>;tag=b1"},
    {.from_ip = "10.0.0.7",
     .to_ip = "10.0.0.9",
     .at = 3,
     .start = "BYE sip:bob@10.0.0.2 SIP/2.0",
     .branch = "four",
     .cseq = "2 BYE",
     .to = "<sip:bob@example.org>;tag=b1",
     .more = "Subject: '; DROP TABLE calls; --\r\n"},
};
enum { SCRIPT = sizeof script / sizeof script[0] };

START_TEST(same_rows_under_another_hash_key) {
    FeatureContext *one = empty_context(), *two = empty_context();
    for (unsigned i = 0; i < SCRIPT; i++) {
        FeatureRow a, b;
        play(one, &script[i], &a, NULL);
        play(two, &script[i], &b, NULL);
        ck_assert_msg(memcmp(&a, &b, sizeof a) == 0, "row %u differs between two contexts", i);
    }
    feature_context_free(one);
    feature_context_free(two);
}
END_TEST

/* A change of this value is a change of the feature spec: increase FEATURE_SPEC_VERSION or spec.c's revision.
 */
START_TEST(rows_change_only_with_the_spec) {
    FeatureContext *context = empty_context();
    uint64_t hash = feature_spec_hash();
    for (unsigned i = 0; i < SCRIPT; i++) {
        FeatureRow row;
        play(context, &script[i], &row, NULL);
        hash = feature_hash(&row, sizeof row, hash);
    }
    feature_context_free(context);
    ck_assert_msg(hash == UINT64_C(0xfad2f418482f8cb9), "rows of the script hash to 0x%016llx",
                  (unsigned long long)hash);
}
END_TEST

START_TEST(encode_is_pure) {
    char buffer[4096];
    WireMessage message;
    compose(&script[2], buffer, &message);
    FeatureEncoded first, second;
    memset(&first, 0x55, sizeof first);
    memset(&second, 0xaa, sizeof second);
    feature_encode(&message, &first);
    message.time_ns += 5;
    feature_encode(&message, &second);
    ck_assert_mem_eq(first.tokens, second.tokens, sizeof first.tokens);
    ck_assert_mem_eq(first.text, second.text, sizeof first.text);
    ck_assert_uint_eq(first.username, second.username);
    ck_assert_uint_ne(first.username, 0);
    ck_assert_uint_eq(first.n_tokens, 10);
}
END_TEST

START_TEST(addresses_and_names_leave_no_trace) {
    Line other = script[4];
    other.from_ip = "10.0.0.77";
    other.call_id = "another-call-id@somewhere";
    other.from = "<sip:carol@example.net>;tag=zzzz";
    other.contact = "<sip:carol@10.0.0.77>";
    other.more = NULL;
    FeatureContext *one = empty_context(), *two = empty_context();
    FeatureRow a, b;
    play(one, &script[4], &a, NULL);
    play(two, &other, &b, NULL);
    ck_assert_mem_eq(&a, &b, sizeof a);
    feature_context_free(one);
    feature_context_free(two);
}
END_TEST

START_TEST(local_hosts_are_no_client) {
    FeatureLocal local[2];
    CoreError error;
    ck_assert_int_eq(feature_local_parse("10.0.0.0/29", &local[0], &error), CORE_OK);
    ck_assert_int_eq(feature_local_parse("fd66::/16", &local[1], &error), CORE_OK);
    const char *const bad[] = {"10.0.0.0/33", "10.0.0/8", "fd66::/129", "x", "10.0.0.1/", "10.0.0.1/8x", ""};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FeatureLocal unused;
        ck_assert_int_eq(feature_local_parse(bad[i], &unused, &error), CORE_FORMAT);
        ck_assert_ptr_nonnull(strstr(error.text, bad[i]));
    }
    FeatureContext *context;
    ck_assert_int_eq(feature_context_new(local, 2, &context, &error), CORE_OK);
    FeatureKeys keys;
    FeatureRow row;
    play(context, &script[0], &row, &keys);
    ck_assert(!keys.has_client);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_HAS_CLIENT), 0);
    Line outside = script[0];
    outside.from_ip = "10.0.0.8";
    outside.call_id = "other";
    play(context, &outside, &row, &keys);
    ck_assert(keys.has_client);
    outside.from_ip = "fd66::8";
    outside.to_ip = "fe80::1";
    outside.call_id = "third";
    play(context, &outside, &row, &keys);
    ck_assert(!keys.has_client);
    feature_context_free(context);
}
END_TEST

START_TEST(names_of_inputs_are_unique) {
    static char names[FEATURE_COUNTERS][80];
    for (unsigned i = 0; i < FEATURE_COUNTERS; i++)
        feature_input_name(i, names[i], sizeof names[i]);
    for (unsigned i = 0; i < FEATURE_COUNTERS; i++)
        for (unsigned k = 0; k < i; k++)
            ck_assert_str_ne(names[i], names[k]);
    ck_assert_str_eq(names[FEATURE_CLIENT_AT + 1], "client.INVITE.30s");
}
END_TEST

static Suite *features_suite(void) {
    Suite *suite = suite_create("features");
    TCase *tests = tcase_create("rows");
    tcase_add_test(tests, same_rows_under_another_hash_key);
    tcase_add_test(tests, rows_change_only_with_the_spec);
    tcase_add_test(tests, encode_is_pure);
    tcase_add_test(tests, addresses_and_names_leave_no_trace);
    tcase_add_test(tests, local_hosts_are_no_client);
    tcase_add_test(tests, names_of_inputs_are_unique);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(features_suite());
    srunner_add_suite(runner, counters_suite());
    srunner_add_suite(runner, dialog_suite());
    srunner_add_suite(runner, text_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
