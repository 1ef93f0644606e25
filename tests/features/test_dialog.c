/* Tests of clients, relayed legs and dialog relations (docs/architecture.md: whose a message is).
 * Relies on: data/features, Check.
 * Relied on by: test_features. */
#include "tests/features/support.h"

#include <stdio.h>
#include <string.h>

static const char phone[] = "10.0.0.1", proxy[] = "10.0.0.9", callee[] = "10.0.0.2", stranger[] = "10.0.0.66";
static const char invite[] = "INVITE sip:bob@example.org SIP/2.0",
                  answered[] = "<sip:bob@example.org>;tag=b1";

static void assert_client(const FeatureKeys *keys, const char *expected) {
    char text[WIRE_ADDRESS_TEXT_MAX];
    ck_assert_str_eq(wire_address_text(&keys->client, false, text, sizeof text), expected);
}

/* A call through a proxy, answered; rows of the last message are left in *row. */
static FeatureContext *call(FeatureRow *row) {
    FeatureContext *context = empty_context();
    const Line lines[] = {
        {.from_ip = phone, .to_ip = proxy, .at = 0, .start = invite, .contact = "<sip:alice@10.0.0.1>"},
        {.from_ip = proxy,
         .to_ip = callee,
         .at = 0.01,
         .start = invite,
         .branch = "two",
         .vias = 1,
         .contact = "<sip:alice@10.0.0.1>"},
        {.from_ip = callee,
         .to_ip = proxy,
         .at = 1,
         .start = "SIP/2.0 200 OK",
         .branch = "two",
         .vias = 1,
         .to = answered,
         .contact = "<sip:bob@10.0.0.2>"},
        {.from_ip = proxy,
         .to_ip = phone,
         .at = 1.01,
         .start = "SIP/2.0 200 OK",
         .to = answered,
         .contact = "<sip:bob@10.0.0.2>"},
        {.from_ip = phone,
         .to_ip = callee,
         .at = 1.02,
         .start = "ACK sip:bob@10.0.0.2 SIP/2.0",
         .branch = "three",
         .cseq = "1 ACK",
         .to = answered},
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        FeatureKeys keys;
        play(context, &lines[i], row, &keys);
        assert_client(&keys, phone);
        ck_assert_int_eq(keys.relayed, i == 1 || i == 2);
        ck_assert_int_eq(keys.matched, i == 2 || i == 3);
    }
    return context;
}

START_TEST(every_leg_has_the_caller_as_client) {
    FeatureRow row;
    FeatureContext *context = call(&row);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_INVITE), 1);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_SUCCESS), 1);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_ESTABLISHED), 1);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_STRAY), 0);
    ck_assert_uint_eq(row.n_events, 5);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_DIALOG_CONFIRMED), 1);
    feature_context_free(context);
}
END_TEST

/* Writing a second Via does not make an attacker a proxy: nothing arrived at its address before. */
START_TEST(forged_via_excuses_nobody) {
    FeatureContext *context = empty_context();
    FeatureKeys keys;
    play(context, &(Line){.from_ip = stranger, .to_ip = proxy, .start = invite, .vias = 1}, NULL, &keys);
    assert_client(&keys, stranger);
    ck_assert(!keys.relayed);
    feature_context_free(context);
}
END_TEST

/* RFC 3261: the CANCEL and the ACK of a failure on a proxy's leg are the proxy's own messages, but the
 * caller's doing. */
START_TEST(a_proxys_own_cancel_and_ack_are_the_callers) {
    FeatureContext *context = empty_context();
    FeatureKeys keys;
    play(context, &(Line){.from_ip = phone, .to_ip = proxy, .start = invite}, NULL, NULL);
    play(context,
         &(Line){.from_ip = proxy, .to_ip = callee, .at = 0.1, .start = invite, .branch = "two", .vias = 1},
         NULL, NULL);
    Line hop = {.from_ip = proxy,
                .to_ip = callee,
                .at = 1,
                .start = "CANCEL sip:bob@example.org SIP/2.0",
                .branch = "two",
                .cseq = "1 CANCEL"};
    play(context, &hop, NULL, &keys);
    assert_client(&keys, phone);
    ck_assert(keys.relayed);
    hop.start = "ACK sip:bob@example.org SIP/2.0";
    hop.cseq = "1 ACK";
    play(context, &hop, NULL, &keys);
    assert_client(&keys, phone);
    hop.from_ip = stranger; /* knows the branch, but the leg is not its own */
    play(context, &hop, NULL, &keys);
    assert_client(&keys, stranger);
    feature_context_free(context);
}
END_TEST

/* A new transaction may take the place of the very one that it follows. */
START_TEST(many_legs_keep_their_client) {
    FeatureContext *context = empty_context();
    FeatureKeys keys;
    play(context, &(Line){.from_ip = phone, .to_ip = proxy, .start = invite}, NULL, NULL);
    for (int i = 0; i < 40; i++) {
        char branch[16];
        snprintf(branch, sizeof branch, "leg%d", i);
        play(context,
             &(Line){.from_ip = proxy,
                     .to_ip = callee,
                     .at = 0.01 * i,
                     .start = invite,
                     .branch = branch,
                     .vias = 1},
             NULL, &keys);
        if (i < 8) assert_client(&keys, phone);
    }
    feature_context_free(context);
}
END_TEST

START_TEST(a_late_leg_is_its_own) {
    FeatureContext *context = empty_context();
    FeatureKeys keys;
    play(context, &(Line){.from_ip = phone, .to_ip = proxy, .at = 0, .start = invite}, NULL, &keys);
    play(context,
         &(Line){.from_ip = proxy, .to_ip = callee, .at = 33, .start = invite, .branch = "two", .vias = 1},
         NULL, &keys);
    assert_client(&keys, proxy);
    feature_context_free(context);
}
END_TEST

/* A reply in a dialog never seen is its sender's own; one that fits a dialog but no request of it, its
 * receiver's. */
START_TEST(replies_that_answer_nothing_seen) {
    FeatureContext *context = empty_context();
    FeatureKeys keys;
    FeatureRow row;
    Line reply = {.from_ip = stranger, .to_ip = phone, .start = "SIP/2.0 486 Busy Here"};
    play(context, &reply, &row, &keys);
    assert_client(&keys, stranger);
    ck_assert(!keys.matched);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_MATCHED), 0);
    play(context, &(Line){.from_ip = phone, .to_ip = proxy, .start = invite, .call_id = "known"}, NULL, NULL);
    reply.from_ip = proxy;
    reply.call_id = "known";
    reply.branch = "another";
    play(context, &reply, &row, &keys);
    assert_client(&keys, phone);
    ck_assert(!keys.matched);
    feature_context_free(context);
}
END_TEST

START_TEST(bye_from_a_stranger_shows) {
    FeatureRow row;
    FeatureContext *context = call(&row);
    Line bye = {.from_ip = stranger,
                .to_ip = callee,
                .at = 2,
                .start = "BYE sip:bob@10.0.0.2 SIP/2.0",
                .branch = "four",
                .cseq = "2 BYE",
                .to = answered};
    FeatureKeys keys;
    play(context, &bye, &row, &keys);
    assert_client(&keys, stranger);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_SOURCE_IS_PARTY), 0);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_FROM_TAG_KNOWN), 1);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_FOREIGN_DIALOG), 1);
    /* It did not end the dialog, and the caller's own BYE is that of a party. */
    bye.from_ip = phone;
    bye.branch = "five";
    play(context, &bye, &row, NULL);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_DIALOG_ENDED), 0);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_SOURCE_IS_PARTY), 1);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_FOREIGN_DIALOG), 0);
    feature_context_free(context);
}
END_TEST

/* Who forges a reply is its client, not the caller whose request it seems to answer; and it changes nothing.
 */
START_TEST(forged_replies_belong_to_their_sender) {
    FeatureContext *context = empty_context();
    FeatureKeys keys;
    FeatureRow row;
    play(context, &(Line){.from_ip = phone, .to_ip = proxy, .start = invite}, NULL, NULL);
    Line reply = {
        .from_ip = stranger, .to_ip = phone, .at = 1, .start = "SIP/2.0 603 Decline", .to = answered};
    play(context, &reply, &row, &keys);
    assert_client(&keys, stranger);
    char target[WIRE_ADDRESS_TEXT_MAX];
    ck_assert_str_eq(wire_address_text(&keys.target, false, target, sizeof target), phone);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_SOURCE_IS_PARTY), 0);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_FOREIGN_DIALOG), 1);
    reply.from_ip = proxy;
    play(context, &reply, &row, &keys);
    assert_client(&keys, phone);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_RETRANSMISSION), 0);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_DIALOG_ENDED), 0);
    play(context,
         &(Line){.from_ip = stranger, .to_ip = proxy, .at = 2, .start = "SIP/2.0 000 Zero", .call_id = "z"},
         &row, &keys);
    assert_client(&keys, stranger);
    feature_context_free(context);
}
END_TEST

/* A forged CANCEL copies the branch of the caller's: the answer to it is the forger's, that to the caller the
 * caller's. */
START_TEST(the_answer_to_a_copied_branch_goes_to_its_sender) {
    FeatureContext *context = empty_context();
    FeatureRow row;
    FeatureKeys keys;
    const char *const from[] = {phone, stranger};
    play(context, &(Line){.from_ip = phone, .to_ip = proxy, .at = 0, .start = invite}, &row, &keys);
    for (unsigned i = 0; i < 2; i++)
        play(context,
             &(Line){.from_ip = from[i],
                     .to_ip = proxy,
                     .at = 1,
                     .start = "CANCEL sip:bob@example.org SIP/2.0",
                     .cseq = "1 CANCEL"},
             &row, &keys);
    for (unsigned i = 0; i < 2; i++) {
        play(context,
             &(Line){
                 .from_ip = proxy, .to_ip = from[i], .at = 1, .start = "SIP/2.0 200 OK", .cseq = "1 CANCEL"},
             &row, &keys);
        ck_assert(keys.matched);
        assert_client(&keys, from[i]);
    }
    feature_context_free(context);
}
END_TEST

START_TEST(media_moved_by_reinvite_shows) {
    FeatureContext *context = empty_context();
    FeatureRow row;
    Line first = {.from_ip = phone, .to_ip = callee, .start = invite, .contact = "<sip:alice@10.0.0.1>"};
    play(context, &first, &row, NULL);
    play(context,
         &(Line){.from_ip = callee, .to_ip = phone, .at = 1, .start = "SIP/2.0 200 OK", .to = answered}, &row,
         NULL);
    Line again = {.from_ip = phone,
                  .to_ip = callee,
                  .at = 2,
                  .start = invite,
                  .cseq = "2 INVITE",
                  .branch = "six",
                  .to = answered,
                  .contact = "<sip:alice@10.0.0.200>"};
    play(context, &again, &row, NULL);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_CONTACT_CHANGED), 1);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_TO_TAG_KNOWN), 1);
    feature_context_free(context);
}
END_TEST

START_TEST(retransmissions_count_as_such) {
    FeatureContext *context = empty_context();
    FeatureRow row;
    Line line = {.from_ip = phone, .to_ip = proxy, .start = invite};
    for (int i = 0; i < 3; i++) {
        line.at = i * 0.5;
        play(context, &line, &row, NULL);
    }
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_RETRANSMISSION), 2);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_NEW_CALL), 1);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_RETRANSMISSION), 1);
    feature_context_free(context);
}
END_TEST

static void guess(FeatureContext *context, int n, const char *reply, FeatureRow *row) {
    char cseq[32], branch[32], id[32];
    snprintf(cseq, sizeof cseq, "%d REGISTER", n);
    snprintf(branch, sizeof branch, "g%d", n);
    snprintf(id, sizeof id, "guess-%d", n);
    Line line = {.from_ip = stranger,
                 .to_ip = proxy,
                 .at = n,
                 .start = "REGISTER sip:example.org SIP/2.0",
                 .call_id = id,
                 .cseq = cseq,
                 .branch = branch,
                 .to = "<sip:alice@example.org>",
                 .more = "Authorization: Digest "
                         "username=\"alice\",realm=\"e\",nonce=\"n\",uri=\"sip:e\",response=\"00\"\r\n"};
    play(context, &line, row, NULL);
    line.from_ip = proxy;
    line.to_ip = stranger;
    line.start = reply;
    line.more = NULL;
    play(context, &line, row, NULL);
}

START_TEST(failed_digests_count_for_client_and_account) {
    FeatureContext *context = empty_context();
    FeatureRow row;
    for (int i = 1; i <= 7; i++)
        guess(context, i, "SIP/2.0 401 Unauthorized", &row);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_AUTH_FAILURE), 7);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_NEW_USERNAME), 1);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_TARGET, FEATURE_PEER_AUTH_FAILURE), 7);
    guess(context, 8, "SIP/2.0 200 OK", &row);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_AUTH_FAILURE), 7);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_AUTH_SUCCESS), 1);
    Line thief = {.from_ip = callee,
                  .to_ip = proxy,
                  .at = 20,
                  .start = "REGISTER sip:example.org SIP/2.0",
                  .call_id = "t",
                  .cseq = "1 REGISTER",
                  .to = "<sip:alice@example.org>"};
    play(context, &thief, &row, NULL);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_ACCOUNT_OWNED), 1);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_ACCOUNT_FOREIGN), 1);
    feature_context_free(context);
}
END_TEST

START_TEST(history_keeps_the_last_events) {
    FeatureContext *context = empty_context();
    FeatureRow row, before;
    memset(&before, 0, sizeof before);
    for (int i = 1; i <= 40; i++) {
        char cseq[32], branch[32];
        snprintf(cseq, sizeof cseq, "%d OPTIONS", i);
        snprintf(branch, sizeof branch, "o%d", i);
        play(context,
             &(Line){.from_ip = phone,
                     .to_ip = proxy,
                     .at = i,
                     .start = "OPTIONS sip:example.org SIP/2.0",
                     .cseq = cseq,
                     .branch = branch},
             &row, NULL);
        ck_assert_uint_eq(row.n_events, i < FEATURE_EVENTS ? (unsigned)i : FEATURE_EVENTS);
        if (i > 1)
            ck_assert_mem_eq(row.events[FEATURE_EVENTS - 2], before.events[FEATURE_EVENTS - 1],
                             FEATURE_EVENT_FIELDS);
        for (int k = 0; k < FEATURE_EVENTS - row.n_events; k++)
            ck_assert_uint_eq(row.events[k][0], 0);
        before = row;
    }
    feature_context_free(context);
}
END_TEST

/* A registrar looks after its phones; a stranger asks the same of them. */
START_TEST(who_serves_and_who_asks_shows) {
    enum {
        SERVED = FEATURE_SERVED_AT + FEATURE_SERVED_REGISTER * FEATURE_PER_COUNTER,
        ASKING = FEATURE_ASKING_AT + FEATURE_ASKING_REGISTER * FEATURE_PER_COUNTER
    };
    FeatureContext *context = empty_context();
    FeatureRow row;
    const Line reg = {.from_ip = phone, .to_ip = proxy, .at = 0, .start = "REGISTER sip:example.org SIP/2.0"};
    play(context, &reg, &row, NULL);
    ck_assert_uint_eq(row.counters[FEATURE_FACT_ASKED_BACK], 0);
    ck_assert_uint_eq(row.counters[SERVED], 0);
    const Line ping = {.from_ip = proxy,
                       .to_ip = phone,
                       .at = 0,
                       .start = "OPTIONS sip:bob@10.0.0.1 SIP/2.0",
                       .call_id = "ping",
                       .cseq = "1 OPTIONS"};
    play(context, &ping, &row, NULL);
    ck_assert_uint_eq(row.counters[FEATURE_FACT_ASKED_BACK], 1);
    ck_assert_uint_gt(row.counters[SERVED], 0);
    ck_assert_uint_gt(row.counters[ASKING], 0);
    const Line probe = {.from_ip = stranger,
                        .to_ip = phone,
                        .at = 0,
                        .start = "OPTIONS sip:bob@10.0.0.1 SIP/2.0",
                        .call_id = "probe",
                        .cseq = "1 OPTIONS"};
    play(context, &probe, &row, NULL);
    ck_assert_uint_eq(row.counters[FEATURE_FACT_ASKED_BACK], 0);
    ck_assert_uint_eq(row.counters[SERVED], 0);
    ck_assert_uint_gt(row.counters[ASKING], 0);
    feature_context_free(context);
}
END_TEST

/* A back-to-back user agent calls with a Call-ID of its own whoever it is asked to; later calls are its own.
 */
START_TEST(what_is_passed_on_shows) {
    static const struct {
        Line line;
        uint8_t passed;
    } steps[] = {
        {{.from_ip = phone, .to_ip = proxy, .at = 0, .start = invite, .call_id = "in"}, 0},
        {{.from_ip = proxy, .to_ip = callee, .at = 0.1, .start = invite, .call_id = "out"}, 1},
        {{.from_ip = callee, .to_ip = proxy, .at = 5, .start = "SIP/2.0 200 OK", .call_id = "out"}, 1},
        {{.from_ip = stranger, .to_ip = callee, .at = 5, .start = invite, .call_id = "other"}, 0},
        {{.from_ip = proxy, .to_ip = callee, .at = 60, .start = invite, .call_id = "own"}, 0},
    };
    FeatureContext *context = empty_context();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        FeatureRow row;
        play(context, &steps[i].line, &row, NULL);
        ck_assert_uint_eq(row.counters[FEATURE_FACT_PASSED_CALLER], steps[i].passed);
        ck_assert_uint_eq(row.counters[FEATURE_FACT_PASSED_CALLEE], steps[i].passed);
    }
    feature_context_free(context);
}
END_TEST

/* The answer to odd text shows that text, and what follows in its dialog; another dialog does not. */
START_TEST(a_dialogs_text_stays_in_sight) {
    static const char subject[] = "Subject: x'; DROP TABLE users; --\r\n";
    const Line lines[] = {
        {.from_ip = phone, .to_ip = proxy, .at = 0, .start = invite, .more = subject},
        {.from_ip = proxy, .to_ip = phone, .at = 1, .start = "SIP/2.0 404 Not Found", .to = answered},
        {.from_ip = phone, .to_ip = proxy, .at = 2, .start = invite, .call_id = "other"},
    };
    FeatureContext *context = empty_context();
    FeatureRow rows[3];
    for (unsigned i = 0; i < 3; i++)
        play(context, &lines[i], &rows[i], NULL);
    ck_assert_uint_gt(rows[0].n_text, 10);
    ck_assert_uint_eq(rows[1].n_text, rows[0].n_text);
    ck_assert_mem_eq(rows[1].text, rows[0].text, sizeof rows[0].text);
    ck_assert_uint_eq(rows[1].counters[FEATURE_FACT_UNUSUAL_FIELDS], 0);
    ck_assert_uint_eq(rows[2].n_text, 0);
    feature_context_free(context);
}
END_TEST

/* Whose message was broken has it held against it in its dialog, and not who is called with it, who refuses
 * it, even without giving its Call-ID back; a reply that nobody asked for is its sender's own. */
START_TEST(faults_are_their_clients) {
    static const char broken[] = "CSeq: 7 OPTIONS\r\nMax-Forwards: \xff\r\n";
    static const struct {
        Line line;
        const char *client;
        bool fault;
    } steps[] = {
        {{.from_ip = stranger, .to_ip = callee, .at = 0, .start = invite, .more = broken}, stranger, true},
        {{.from_ip = callee, .to_ip = stranger, .at = 0.1, .start = "SIP/2.0 200 OK", .to = answered},
         stranger,
         true},
        {{.from_ip = callee,
          .to_ip = stranger,
          .at = 0.5,
          .start = "BYE sip:alice@10.0.0.66 SIP/2.0",
          .cseq = "1 BYE",
          .branch = "bye",
          .from = answered,
          .to = "<sip:alice@example.org>;tag=a1"},
         callee,
         false},
        {{.from_ip = callee,
          .to_ip = stranger,
          .at = 0.9,
          .start = "SIP/2.0 400 Bad Request",
          .call_id = "?",
          .branch = "?"},
         stranger,
         false},
        {{.from_ip = callee,
          .to_ip = phone,
          .at = 0.9,
          .start = "SIP/2.0 400 Bad Request",
          .call_id = "??",
          .branch = "?"},
         callee,
         false},
    };
    FeatureContext *context = empty_context();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        FeatureRow row;
        FeatureKeys keys;
        play(context, &steps[i].line, &row, &keys);
        assert_client(&keys, steps[i].client);
        ck_assert_uint_eq(row.counters[FEATURE_FACT_DIALOG_FAULT], steps[i].fault);
    }
    feature_context_free(context);
}
END_TEST

/* Time that runs backwards stands still. */
START_TEST(time_never_runs_backwards) {
    FeatureContext *context = empty_context();
    FeatureRow row;
    play(context, &(Line){.from_ip = phone, .to_ip = proxy, .at = 100, .start = invite}, &row, NULL);
    play(context, &(Line){.from_ip = phone, .to_ip = proxy, .at = 0, .start = invite, .call_id = "x"}, &row,
         NULL);
    ck_assert_int_eq(counted(&row, FEATURE_GROUP_CLIENT, FEATURE_PEER_INVITE), 2);
    ck_assert_uint_eq(fact(&row, FEATURE_FACT_CLIENT_STEP), 1);
    feature_context_free(context);
}
END_TEST

Suite *dialog_suite(void) {
    Suite *suite = suite_create("dialogs");
    TCase *tests = tcase_create("relations");
    tcase_add_test(tests, every_leg_has_the_caller_as_client);
    tcase_add_test(tests, forged_via_excuses_nobody);
    tcase_add_test(tests, a_proxys_own_cancel_and_ack_are_the_callers);
    tcase_add_test(tests, many_legs_keep_their_client);
    tcase_add_test(tests, a_late_leg_is_its_own);
    tcase_add_test(tests, replies_that_answer_nothing_seen);
    tcase_add_test(tests, bye_from_a_stranger_shows);
    tcase_add_test(tests, forged_replies_belong_to_their_sender);
    tcase_add_test(tests, the_answer_to_a_copied_branch_goes_to_its_sender);
    tcase_add_test(tests, media_moved_by_reinvite_shows);
    tcase_add_test(tests, retransmissions_count_as_such);
    tcase_add_test(tests, failed_digests_count_for_client_and_account);
    tcase_add_test(tests, history_keeps_the_last_events);
    tcase_add_test(tests, who_serves_and_who_asks_shows);
    tcase_add_test(tests, what_is_passed_on_shows);
    tcase_add_test(tests, a_dialogs_text_stays_in_sight);
    tcase_add_test(tests, faults_are_their_clients);
    tcase_add_test(tests, time_never_runs_backwards);
    suite_add_tcase(suite, tests);
    return suite;
}
