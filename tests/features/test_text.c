/* Tests of the text channel: plain fields leave no trace, unusual ones are kept.
 * Relies on: data/features, Check.
 * Relied on by: test_features. */
#include "tests/features/support.h"

#include <string.h>

static FeatureEncoded encode(const Line *line) {
    char buffer[4096];
    WireMessage message;
    FeatureEncoded encoded;
    Line full = *line;
    full.from_ip = "10.0.0.1";
    full.to_ip = "10.0.0.9";
    if (!full.start) full.start = "INVITE sip:bob@example.org SIP/2.0";
    compose(&full, buffer, &message);
    feature_encode(&message, &encoded);
    return encoded;
}

static bool holds(const FeatureEncoded *encoded, const char *text) {
    char copy[FEATURE_TEXT + 1];
    memcpy(copy, encoded->text, FEATURE_TEXT);
    copy[encoded->n_text] = '\0';
    return strstr(copy, text) != NULL;
}

START_TEST(plain_messages_have_no_text) {
    const Line plain[] = {
        {.more = "User-Agent: Example Phone 2.0 (build 7; x86_64)\r\n"},
        {.from = "\"Alice Example\" <sip:alice@example.org:5062;transport=udp>;tag=9fx-7.a"},
        {.from = "\"Tim O'Brien\" <sip:o'brien@example.org>;tag=1", .to = "<sip:%2B49301234@example.org>"},
        {.start = "INVITE sip:*21%23@example.org SIP/2.0"},
        {.from = "\"Jos\xc3\xa9\" <sip:jose@example.org>;tag=1", .to = "sip:+4930123456@example.org"},
        {.contact = "<sip:a@[fd66::1]:5060;ob>;+sip.instance=\"<urn:uuid:1-2>\";expires=60"},
        {.more = "Call-Info: <http://www.example.org/a/b?c=1&d=%20e>;purpose=info\r\nReason: "
                 "Q.850;cause=16;text=\"Normal call clearing\"\r\nAccept: application/*, text/plain\r\n"},
        {.more = "Content-Type: text/plain\r\n", .body = "I'll be there at 5:30 (or later); R&D/Sales too!"},
        {.more = "Content-Type: application/sdp\r\n",
         .body = "v=0\r\no=- 1 2 IN IP6 fd66::1\r\ns=SIP/SDP call\r\nc=IN IP6 fd66::1\r\nt=0 0\r\nm=audio 4 "
                 "RTP/AVP "
                 "0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:/ab+c|2^20|1:32\r\n"},
        {.more = "Allow: INVITE, ACK, BYE\r\nSupported: replaces, 100rel\r\nDate: Sat, 13 Nov 2010 23:29:00 "
                 "GMT\r\n"},
        {.more = "Authorization: Digest "
                 "username=\"alice\",realm=\"e.org\",nonce=\"a+/=\",uri=\"sip:e.org\",qop=auth,"
                 "response=\"00\",cnonce=\"x\",nc=00000001\r\n"},
    };
    for (unsigned i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        FeatureEncoded encoded = encode(&plain[i]);
        ck_assert_msg(encoded.n_text == 0, "line %u: '%.*s'", i, (int)encoded.n_text,
                      (const char *)encoded.text);
    }
}
END_TEST

START_TEST(injections_are_kept) {
    const struct {
        Line line;
        const char *text;
    } cases[] = {
        {{.from = "\"x' OR '1'='1\" <sip:a@e.org>;tag=1"}, "x' or '1'='1"},
        {{.start = "INVITE sip:' union select 1@e.org SIP/2.0"}, "union select"},
        {{.more = "User-Agent: <script>alert(1)</script>\r\n", .to = "<sip:`id`@e.org>"}, "`id`"},
        {{.more = "Subject: ${jndi:ldap://x}\r\n"}, "${jndi"},
        {{.more = "User-Agent: ../../../../etc/passwd\r\n"}, "../../etc/passwd"},
        {{.more = "X-Thing: %n%n%n%s\r\n"}, "%n%n%n%s"},
        {{.more = "Organization: <a HrEf=\"JaVaScript:eval(name)\">X</a>\r\n"}, "<a href="},
        {{.contact = "<sip:a@10.0.0.1>;x=%3Bcat%20/etc/passwd"}, "x=%3bcat"},
        {{.more = "Diversion: \"file:///..%c0%af..%c0%afetc\" <sip:a@e.org>\r\n"}, "..%c0%af"},
        {{.more = "X-Info: 313\" order by 38\r\n"}, "313\" order by"},
        {{.more = "X-Info: a;cat /etc/passwd\r\n"}, "cat /etc/passwd"},
        {{.more = "Content-Type: text/plain\r\n", .body = "a' UNION SELECT"}, "a' union"},
        {{.more = "Content-Type: application/sdp\r\n",
          .body = "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=|| ping -c 7 192.0.2.1 #\r\nc=IN IP4 10.0.0.1\r\nt=0 "
                  "0\r\nm=audio 4 RTP/AVP 0\r\n"},
         "|| ping -c"},
        {{.more = "Authorization: Digest username=\"a' "
                  "--\",realm=\"e\",nonce=\"n\",uri=\"u\",response=\"0\"\r\n"},
         "a' --"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FeatureEncoded encoded = encode(&cases[i].line);
        ck_assert_msg(holds(&encoded, cases[i].text), "case %u has '%.*s'", i, (int)encoded.n_text,
                      (const char *)encoded.text);
        ck_assert_uint_ge(encoded.unusual_fields, 1);
    }
}
END_TEST

/* The window starts shortly before the first unusual byte, so that long harmless text does not push it out.
 */
START_TEST(the_window_follows_the_unusual_byte) {
    char more[400];
    memset(more, 'a', sizeof more);
    memcpy(more, "Subject: ", 9);
    memcpy(more + 300, "${evil}\r\n", 10);
    FeatureEncoded encoded = encode(&(Line){.more = more});
    ck_assert(holds(&encoded, "${evil}"));
    ck_assert_uint_le(encoded.n_text, 65);
}
END_TEST

START_TEST(text_is_bounded) {
    char more[3000] = "";
    const char line[] = "X-Evil: $$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$\r\n";
    for (unsigned i = 0; i < 40; i++)
        memcpy(more + i * (sizeof line - 1), line, sizeof line);
    FeatureEncoded encoded = encode(&(Line){.more = more});
    ck_assert_uint_eq(encoded.n_text, FEATURE_TEXT);
    ck_assert_uint_eq(encoded.unusual_fields, 40);
}
END_TEST

START_TEST(numbers_are_read) {
    const struct {
        const char *start;
        unsigned digits;
        bool is_long;
    } cases[] = {{"INVITE sip:1001@e.org SIP/2.0", 4, false},
                 {"INVITE sip:+4930123456@e.org SIP/2.0", 10, true},
                 {"INVITE sip:0049301234567@e.org SIP/2.0", 13, true},
                 {"INVITE sip:5551234567@e.org SIP/2.0", 10, false},
                 {"INVITE sip:bob@e.org SIP/2.0", 0, false},
                 {"INVITE tel:+1-900-555-0100 SIP/2.0", 11, true}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FeatureEncoded encoded = encode(&(Line){.start = cases[i].start});
        ck_assert_uint_eq(encoded.digits, cases[i].digits);
        ck_assert_msg(encoded.long_number == cases[i].is_long, "%s", cases[i].start);
    }
}
END_TEST

Suite *text_suite(void) {
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("fields");
    tcase_add_test(tests, plain_messages_have_no_text);
    tcase_add_test(tests, injections_are_kept);
    tcase_add_test(tests, the_window_follows_the_unusual_byte);
    tcase_add_test(tests, text_is_bounded);
    tcase_add_test(tests, numbers_are_read);
    suite_add_tcase(suite, tests);
    return suite;
}
