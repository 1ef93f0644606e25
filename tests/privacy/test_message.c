/* Messages: what is replaced, what stays, relations, Content-Length, the attack's text.
 * Relies on: data/privacy/pseudonyms.h, Check.
 * Relied on by: test_privacy.c. */
#include "data/privacy/pseudonyms.h"
#include "data/wire/scan.h"
#include "tests/privacy/suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CoreError error;
static Pseudonyms *pseudonyms;
static char out[WIRE_MESSAGE_MAX + 1];
static uint32_t kept, flags;

static void set_up(void) {
    uint8_t key[PRIVACY_KEY_SIZE];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(11 * i + 5);
    ck_assert_int_eq(pseudonyms_new(key, &pseudonyms, &error), CORE_OK);
}

static void tear_down(void) {
    ck_assert_int_eq(pseudonyms_status(pseudonyms, &error), CORE_OK);
    pseudonyms_free(pseudonyms);
}

static const char *change(const char *text, bool keep_odd) {
    WireMessage message = {.bytes = (const uint8_t *)text, .length = (uint32_t)strlen(text)};
    kept = flags = 0;
    uint32_t length = pseudonyms_message(pseudonyms, &message, keep_odd, (uint8_t *)out, &flags, &kept);
    out[length] = '\0';
    return out;
}

/* The text behind `mark` up to one of `ends`, in one of 32 static buffers. */
static const char *part(const char *text, const char *mark, const char *ends) {
    static char buffers[32][256];
    static unsigned next;
    const char *found = strstr(text, mark);
    ck_assert_msg(found != NULL, "no %s in\n%s", mark, text);
    found += strlen(mark);
    char *buffer = buffers[next++ % 32];
    snprintf(buffer, sizeof buffers[0], "%.*s", (int)strcspn(found, ends), found);
    return buffer;
}

static const char invite[] =
    "INVITE sip:+4930123456@pbx.example.com;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.1.22.133:5060;branch=z9hG4bKnashds8;rport=5062;received=10.1.22.133\r\n"
    "Via: SIP/2.0/TCP [2001:db8::1a]:5070;branch=z9hG4bK776asdhds\r\n"
    "From: \"Alice Liddell\" <sip:alice@pbx.example.com>;tag=1928301774ab\r\n"
    "To: <sip:+4930123456@pbx.example.com>\r\n"
    "Contact: "
    "<sip:alice@10.1.22.133:5062;transport=udp;ob>;expires=3600;+sip.instance=\"<urn:uuid:f81d4fae-7dec-"
    "11d0-a765-00a0c91e6bf6>\"\r\n"
    "Call-ID: a84b4c76e66710@10.1.22.133\r\nCSeq: 314159 INVITE\r\nMax-Forwards: 70\r\n"
    "Allow: INVITE, ACK, CANCEL\r\nUser-Agent: Phone/1.2 001565a1b2c3\r\nX-Secret-Account: customer4711\r\n"
    "Authorization: Digest username=\"alice\", realm=\"pbx.example.com\", nonce=\"dcd98b7102dd2f0e8b11d0\", "
    "uri=\"sip:pbx.example.com\", response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, "
    "nc=00000001\r\n"
    "Content-Type: application/sdp\r\nContent-Length: 233\r\n\r\n"
    "v=0\r\no=alice 2890844526 2890844527 IN IP4 10.1.22.133\r\ns=Call of Alice\r\nc=IN IP4 10.1.22.133\r\n"
    "t=0 0\r\nm=audio 49170 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=candidate:Ha011685 1 UDP 2130706431 10.1.22.133 49170 typ host\r\na=sendrecv\r\n";

START_TEST(nothing_that_names_somebody_is_left) {
    static const char *const gone[] = {"+4930123456@",   "10.1.22.133",  "2001:db8::1a", "pbx.example",
                                       "example",        "alice",        "Alice",        "Liddell",
                                       "1928301774ab",   "nashds8",      "776asdhds",    "a84b4c76",
                                       "f81d4f",         "dcd98b7",      "6629fa",       "289084452",
                                       "00a0c91e6bf6\"", "001565a1b2c3", "customer4711", "Ha011685"};
    const char *text = change(invite, false);
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        ck_assert_msg(!strstr(text, gone[i]), "%s is left in\n%s", gone[i], text);
}
END_TEST

START_TEST(what_the_grammar_needs_stays) {
    static const char *const there[] = {"INVITE sip:+49",
                                        ";user=phone SIP/2.0\r\n",
                                        "Via: SIP/2.0/UDP ",
                                        ":5060;branch=z9hG4bK",
                                        ";rport=5062;received=",
                                        ":5062;transport=udp;ob>",
                                        ";expires=3600;",
                                        "+sip.instance=\"<urn:uuid:",
                                        "CSeq: 314159 INVITE",
                                        "Max-Forwards: 70",
                                        "User-Agent: Phone/1.2",
                                        "X-Secret-Account: ",
                                        "algorithm=MD5",
                                        "nc=00000001",
                                        " IN IP4 ",
                                        "m=audio 49170 RTP/AVP 0 101",
                                        "a=rtpmap:101 telephone",
                                        " 49170 typ host",
                                        "Allow: INVITE, ACK, CANCEL\r\n"};
    const char *text = change(invite, false);
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        ck_assert_msg(strstr(text, there[i]) != NULL, "%s is missing in\n%s", there[i], text);
}
END_TEST

START_TEST(relations_stay) {
    const char *text = change(invite, false);
    const char *host = part(text, "Via: SIP/2.0/UDP ", ":");
    ck_assert_str_eq(part(text, "received=", "\r"), host);
    ck_assert_str_eq(part(text, "\r\nc=IN IP4 ", "\r"), host);
    ck_assert_str_eq(part(part(text, "Call-ID: ", "\r"), "@", ""), host);
    const char *domain = part(text, "realm=\"", "\"");
    ck_assert_str_eq(part(part(text, "From: ", ">"), "@", ""), domain);
    ck_assert_str_eq(part(text, "uri=\"sip:", "\""), domain);
    const char *user = part(text, "username=\"", "\"");
    ck_assert_str_eq(part(part(text, "From: ", "@"), "sip:", ""), user);
    ck_assert_str_eq(part(text, "\r\no=", " "), user);
    ck_assert_str_eq(part(text, "INVITE sip:", "@"), part(part(text, "To: ", ">"), "<sip:", "@"));
    WireAddress address;
    char shown[WIRE_ADDRESS_TEXT_MAX];
    ck_assert(wire_address_parse("10.1.22.133", &address));
    pseudonyms_address(pseudonyms, &address);
    ck_assert_str_eq(wire_address_text(&address, false, shown, sizeof shown), host);
}
END_TEST

static void check_length(const char *text) {
    static WireScan before, after;
    wire_scan((const uint8_t *)text, (uint32_t)strlen(text), false, &before);
    const char *changed = change(text, false);
    wire_scan((const uint8_t *)changed, (uint32_t)strlen(changed), false, &after);
    ck_assert_uint_eq(before.anomalies, after.anomalies);
    ck_assert_int_eq(after.content_length - (int64_t)after.body.length,
                     before.content_length - (int64_t)before.body.length);
    ck_assert_int_eq(after.header_count, before.header_count);
}

/* Right stays right, and wrong stays as wrong as it was. */
START_TEST(content_length_follows_the_body) {
    char wrong[sizeof invite];
    check_length(invite);
    memcpy(wrong, invite, sizeof invite);
    memcpy(strstr(wrong, "Content-Length: 233") + 16, "777", 3);
    check_length(wrong);
    memcpy(strstr(wrong, "Content-Length: 777") + 16, "050", 3);
    check_length(wrong);
}
END_TEST

START_TEST(odd_text_of_attacks_stays_and_the_rest_does_not) {
    static const char text[] =
        "REGISTER sip:pbx.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.22.133;branch=z9hG4bK1a2b3c4d\r\n"
        "From: \"' OR 1=1; --\" <sip:alice@pbx.example.com>;tag=77aa88bb\r\n"
        "To: <sip:alice@pbx.example.com>\r\nCall-ID: 8899aabbcc@10.1.22.133\r\nCSeq: 1 REGISTER\r\n"
        "Subject: $(reboot)\r\nContent-Length: 0\r\n\r\n";
    const char *changed = change(text, true);
    ck_assert_ptr_nonnull(strstr(changed, "From: \"' OR 1=1; --\" <sip:"));
    ck_assert_ptr_nonnull(strstr(changed, "Subject: $(reboot)\r\n"));
    ck_assert_uint_eq(kept, 2);
    ck_assert_ptr_null(strstr(changed, "alice"));
    ck_assert_ptr_null(strstr(changed, "77aa88bb"));
    ck_assert_ptr_null(strstr(changed, "10.1.22.133"));
    ck_assert_ptr_null(strstr(change(text, false), "reboot"));
    ck_assert_uint_eq(kept, 0);
}
END_TEST

/* The body is the attack; it does not speak for who sent it. */
START_TEST(an_odd_body_keeps_no_other_field) {
    static const char text[] =
        "MESSAGE sip:alice@pbx.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.22.133;branch=z9hG4bK1a2b3c4d\r\n"
        "From: \"Bob Stone\" <sip:bobby@pbx.example.com>;tag=77aa88bb\r\n"
        "To: <sip:alice@pbx.example.com>\r\nCall-ID: 8899aabbcc@10.1.22.133\r\nCSeq: 1 MESSAGE\r\n"
        "Content-Type: text/plain\r\nContent-Length: 27\r\n\r\n1' OR BENCHMARK(1,MD5(1))/*";
    static const char *const gone[] = {"alice", "Stone", "bobby", "10.1.22", "77aa88bb", "8899aabb"};
    const char *changed = change(text, true);
    ck_assert_ptr_nonnull(strstr(changed, "\r\n\r\n1' OR BENCHMARK(1,MD5(1))/*"));
    ck_assert_uint_eq(kept, 1);
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        ck_assert_msg(!strstr(changed, gone[i]), "%s is left in\n%s", gone[i], changed);
    ck_assert_ptr_null(strstr(change(text, false), "MD5(1)"));
}
END_TEST

/* An anomaly that other names do not end needs no name: who sends broken messages is the same as before. */
START_TEST(anomalies_stay_under_other_names) {
    static const char *const texts[] = {
        "OPTIONS   sip:alice@pbx.example.com   SIP/2.0\r\nTo: <sip:alice@pbx.example.com\r\nl: 0\r\n\r\n",
        "OPTIONS sip:alice@pbx.example.com SIP/9.1\r\nContact: <sip:alice@pbx.example.com:99999>\r\n\r\n",
        "OPTIONS alice SIP/2.0\r\nMax-Forwards: 256000\r\nFrom : \"alice <sip:alice@pbx.example.com>\r\n\r\n",
        "INVITE sip:alice@pbx.example.com SIP/2.0\r\nc: application/sdp\r\n\r\nv0\r\noalice 1 1\r\n"};
    static WireScan before, after;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        wire_scan((const uint8_t *)texts[i], (uint32_t)strlen(texts[i]), false, &before);
        const char *changed = change(texts[i], true);
        wire_scan((const uint8_t *)changed, (uint32_t)strlen(changed), false, &after);
        ck_assert_uint_eq(before.anomalies, after.anomalies);
        ck_assert_uint_eq(kept, 0);
        ck_assert_msg(!strstr(changed, "alice"), "alice is left in\n%s", changed);
    }
}
END_TEST

/* One that they would end stays with its line. */
START_TEST(lines_of_other_anomalies_stay) {
    char text[512], run[65];
    memset(run, 'A', sizeof run - 1);
    run[sizeof run - 1] = '\0';
    snprintf(text, sizeof text,
             "OPTIONS sip:alice@pbx.example.com SIP/2.0\r\nX-Long: %sb7\r\nTo: "
             "<sip:alice@pbx.example.com>\r\n\r\n",
             run);
    const char *changed = change(text, true);
    ck_assert_ptr_nonnull(strstr(changed, run));
    ck_assert_uint_eq(kept, 1);
    ck_assert_ptr_null(strstr(changed, "alice"));
    ck_assert_ptr_null(strstr(change(text, false), run));
}
END_TEST

/* The attack is in the realm; the user name is the same as in the account's other messages. */
START_TEST(a_kept_field_does_not_hide_whose_it_is) {
    static const char text[] =
        "REGISTER sip:pbx.example.com SIP/2.0\r\nFrom: <sip:alice@pbx.example.com>;tag=77aa88bb\r\n"
        "To: <sip:alice@pbx.example.com>\r\nAuthorization: Digest username=\"%s\", realm=\"x' OR "
        "1=1--\", response=\"11223344\"\r\n\r\n";
    char message[512];
    snprintf(message, sizeof message, text, "alice");
    const char *changed = change(message, true);
    ck_assert_str_eq(part(changed, "username=\"", "\""), part(changed, "From: <sip:", "@"));
    ck_assert_str_eq(part(changed, "realm=\"", "\""), "x' OR 1=1--");
    snprintf(message, sizeof message, text, "x' OR 2=2--");
    ck_assert_str_eq(part(change(message, true), "username=\"", "\""), "x' OR 2=2--");
}
END_TEST

/* What a tolerant parser reads behind an open quotation mark is there afterwards. */
START_TEST(an_open_quote_hides_nothing) {
    static WireScan scan;
    const char *changed = change("OPTIONS sip:alice@pbx.example.com SIP/2.0\r\n"
                                 "From: \"<sip:alice@pbx.example.com:5062>;tag=77aa88bb\r\n\r\n",
                                 false);
    wire_scan((const uint8_t *)changed, (uint32_t)strlen(changed), false, &scan);
    ck_assert_uint_eq(scan.from.tag.length, 8);
    ck_assert_ptr_nonnull(strstr(changed, ":5062>;tag="));
    ck_assert_str_eq(part(changed, "From: \"<sip:", ":"), part(changed, "OPTIONS sip:", " "));
    ck_assert_ptr_nonnull(strstr(
        change("OPTIONS sip:a@b SIP/2.0\r\nFrom: \"tag\\\"\" <sip:a@b>\r\n\r\n", false), "\\\"\" <sip:"));
    ck_assert_ptr_null(strstr(out, "tag"));
}
END_TEST

static const char *display(const char *name) {
    char text[256];
    snprintf(text, sizeof text, "OPTIONS sip:sales@b SIP/2.0\r\nFrom: \"%s\" <sip:sales@b>\r\n\r\n", name);
    return part(change(text, false), "From: \"", "\"");
}

/* In odd text of honest people. */
START_TEST(public_words_stay_in_odd_text) {
    const char *mixed = display("Nadia Brown; Sales"), *plain = display("Nadia Brown Sales");
    ck_assert_ptr_nonnull(strstr(mixed, "; Sales"));
    ck_assert_ptr_null(strstr(mixed, "Nadia"));
    ck_assert_ptr_null(strstr(mixed, "Brown"));
    ck_assert_int_eq(strncmp(mixed, plain, strlen("Nadia Brown")), 0);
    ck_assert_ptr_null(strstr(plain, "Sales"));
    ck_assert_ptr_null(strstr(out, "sip:sales"));
    const char *room = display("Meeting Room <B>"), *only = display("Accounts=Payable");
    ck_assert_int_eq(strncmp(room, "Meeting Room <", 14), 0);
    ck_assert_int_ne(room[14], 'B');
    ck_assert_int_eq(strncmp(only, "Accounts=", 9), 0);
    ck_assert_str_ne(only, "Accounts=Payable");
    ck_assert_str_ne(display("Sales; 4711"), "Sales; 4711");
    const char *body = change("MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\n\r\n"
                              "Bob put cat photos in /tmp/share",
                              false);
    ck_assert_ptr_nonnull(strstr(body, " cat "));
    ck_assert_ptr_nonnull(strstr(body, " in /tmp/share"));
    ck_assert_ptr_null(strstr(body, "Bob"));
}
END_TEST

/* Not a header's grammar, but still nobody's name. */
START_TEST(broken_messages_are_changed_too) {
    static const char *const texts[] = {
        "OPTIONS sip:alice@example.com SIP/2.0\r\nVia SIP/2.0/UDP alice.example.com\r\n: alice\r\nFrom "
        "alice\r\n\r\nalice",
        "SIP/2.0 200 alice@example.com sip:alice@example.com\r\nTo: \"alice <sip:alice@example.com\r\n",
        "OPTIONS alice SIP/2.0\r\nVia: ,,alice;=alice;;\r\nContact: <<sip:alice@example.com>>,alice\r\nl: "
        "99\r\n\r\nalice",
        "INVITE sip:sip:alice@sip:alice@example.com SIP/2.0\r\nRefer-To: "
        "<sip:x@y?Replaces=alice%40example.com>\r\n\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *changed = change(texts[i], false);
        ck_assert_uint_eq(strlen(changed), strlen(texts[i]));
        if (i != 1) ck_assert_msg(!strstr(changed, "alice"), "alice is left in\n%s", changed);
        ck_assert_msg(!strstr(changed, "@example.com"), "example.com is left in\n%s", changed);
    }
}
END_TEST

START_TEST(bodies_are_changed_by_their_type) {
    static const char text[] =
        "PUBLISH sip:a@b SIP/2.0\r\nContent-Type: application/pidf+xml\r\n\r\n"
        "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params\" entity=\"sip:alice@example.com\">"
        "<tuple id=\"bs35r9\"><note>At Paris office</note></tuple></presence>";
    const char *changed = change(text, false);
    ck_assert_ptr_nonnull(strstr(changed, "<presence xmlns=\"urn:ietf:params\" entity=\"sip:"));
    ck_assert_ptr_nonnull(strstr(changed, "<tuple id=\""));
    ck_assert_ptr_nonnull(strstr(changed, "</note></tuple></presence>"));
    ck_assert_ptr_null(strstr(changed, "alice"));
    ck_assert_ptr_null(strstr(changed, "Paris"));
    ck_assert_ptr_null(strstr(
        change("MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\n\r\nmeet Bob at noon", false), "Bob"));
}
END_TEST

START_TEST(settings_name_nobody) {
    char text[256] =
        "{\"hosts\": [\"10.74.196.171\"], \"method\": \"REGISTER\", \"rate\": 2.5, \"user\": \"maya_brown\", "
        "\"range\": \"3163-3213\", \"limit\": 4444}";
    char plain[64] = "svwar -e100-200 10.74.196.171 sip:maya@h.example";
    pseudonyms_settings(pseudonyms, text, sizeof text);
    ck_assert_ptr_null(strstr(text, "10.74.196.171"));
    ck_assert_ptr_null(strstr(text, "maya"));
    ck_assert_ptr_null(strstr(text, "3163"));
    ck_assert_ptr_nonnull(strstr(text, "\"method\": \"REGISTER\", \"rate\": 2.5"));
    ck_assert_ptr_nonnull(strstr(text, "\"limit\": 4444}"));
    pseudonyms_settings(pseudonyms, plain, sizeof plain);
    ck_assert_ptr_null(strstr(plain, "10.74.196.171"));
    ck_assert_ptr_null(strstr(plain, "maya"));
}
END_TEST

Suite *message_suite(void) {
    Suite *suite = suite_create("messages");
    TCase *tests = tcase_create("pseudonyms");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, nothing_that_names_somebody_is_left);
    tcase_add_test(tests, what_the_grammar_needs_stays);
    tcase_add_test(tests, relations_stay);
    tcase_add_test(tests, content_length_follows_the_body);
    tcase_add_test(tests, odd_text_of_attacks_stays_and_the_rest_does_not);
    tcase_add_test(tests, an_odd_body_keeps_no_other_field);
    tcase_add_test(tests, anomalies_stay_under_other_names);
    tcase_add_test(tests, lines_of_other_anomalies_stay);
    tcase_add_test(tests, a_kept_field_does_not_hide_whose_it_is);
    tcase_add_test(tests, an_open_quote_hides_nothing);
    tcase_add_test(tests, public_words_stay_in_odd_text);
    tcase_add_test(tests, broken_messages_are_changed_too);
    tcase_add_test(tests, bodies_are_changed_by_their_type);
    tcase_add_test(tests, settings_name_nobody);
    suite_add_tcase(suite, tests);
    return suite;
}
