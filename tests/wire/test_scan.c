/* The scan: fields of hand-written messages, each anomaly with its offset, bounds, linear time.
 * Relies on: data/wire/scan.h, Check.
 * Relied on by: ctest. */
#include "engine/core/status.h"
#include "tests/wire/suites.h"
#include "tests/wire/support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static WireScan scan;

static void scan_text(const char *text) {
    uint32_t length = (uint32_t)strlen(text);
    wire_scan((const uint8_t *)text, length, false, &scan);
    ck_assert_ptr_null(scan_fault(&scan, length));
}

static void assert_slice(const char *message, WireSlice slice, const char *expected) {
    ck_assert_msg(slice_is((const uint8_t *)message, slice, expected), "\"%.*s\" is not \"%s\"",
                  (int)slice.length, message + slice.offset, expected);
}

static const char invite[] =
    "INVITE sip:bob;phone=1:secret@[2001:db8::10]:5080;transport=udp;lr?subject=hi&x=y SIP/2.0\r\n"
    "v: SIP/2.0/UDP pc33.example.com:5066;branch=z9hG4bK776asdhds;rport, SIP/2.0/TCP [::1]\r\n"
    "Via: SIP / 2.0 / TLS  edge.example.com ;branch=z9hG4bKabc\r\n"
    "Max-Forwards: 70\r\n"
    "To: \"Bob \\\"B\\\" Builder\" <sips:bob@example.com>\r\n"
    "FROM : Alice Liddell\r\n"
    "   <sip:alice@example.com;user=phone>;x=\"a;b\";tag=1928301774\r\n"
    "i: a84b4c76e66710@pc33.example.com\r\n"
    "CSeq: 314159 INVITE\r\n"
    "m: <sip:alice@pc33.example.com:5066>;expires=1800;q=0.7, \"x, y\" "
    "<tel:+1-201-555-0123;phone-context=z>\r\n"
    "Contact: sip:third@example.com\r\n"
    "Expires: 60\r\n"
    "User-Agent: Softphone/1.0 (\"beta\")\r\n"
    "Proxy-Authorization: Digest username=\"alice\", realm=\"example.com\",\r\n"
    " nonce=\"84a4cc6f3082121f32b42a2187831a9e\", uri=\"sip:bob@example.com\", qop=auth,\r\n"
    " response=\"7587245234b3434cc3412213e5f113a5\"\r\n"
    "X-Odd: \r\n"
    "c: application/sdp;charset=utf-8\r\n"
    "Content-Length: 126\r\n"
    "\r\n"
    "v=0\r\n"
    "o=alice 53655765 2353687637 IN IP4 192.0.2.7\r\n"
    "s=-\r\n"
    "c=IN IP4 224.2.1.1/127\r\n"
    "t=0 0\r\n"
    "m=audio 49172/2 RTP/AVP 0\r\n"
    "a=sendonly\r\n";

START_TEST(fields_of_a_request) {
    scan_text(invite);
    ck_assert_str_eq(anomalies_text(&scan), "");
    ck_assert(scan.request);
    ck_assert_int_eq(scan.method, WIRE_INVITE);
    ck_assert_int_eq(scan.status, 0);
    assert_slice(invite, scan.method_text, "INVITE");
    assert_slice(invite, scan.uri.scheme, "sip");
    assert_slice(invite, scan.uri.user, "bob;phone=1");
    assert_slice(invite, scan.uri.password, "secret");
    assert_slice(invite, scan.uri.host, "[2001:db8::10]");
    ck_assert_int_eq(scan.uri.port, 5080);
    assert_slice(invite, scan.uri.params, ";transport=udp;lr");
    assert_slice(invite, scan.uri.headers, "?subject=hi&x=y");
    ck_assert_int_eq(scan.vias, 3);
    assert_slice(invite, scan.sent_by, "pc33.example.com:5066");
    assert_slice(invite, scan.branch, "z9hG4bK776asdhds");
    ck_assert_int_eq(scan.max_forwards, 70);
    assert_slice(invite, scan.to.display, "Bob \\\"B\\\" Builder");
    assert_slice(invite, scan.to.uri.scheme, "sips");
    assert_slice(invite, scan.to.tag, "");
    assert_slice(invite, scan.from.display, "Alice Liddell");
    assert_slice(invite, scan.from.uri.user, "alice");
    assert_slice(invite, scan.from.uri.params, ";user=phone");
    assert_slice(invite, scan.from.tag, "1928301774");
    assert_slice(invite, scan.call_id, "a84b4c76e66710@pc33.example.com");
    ck_assert_uint_eq(scan.cseq, 314159);
    ck_assert_int_eq(scan.contacts, 3);
    assert_slice(invite, scan.contact.uri.user, "alice");
    ck_assert_int_eq(scan.contact.uri.port, 5066);
    ck_assert_int_eq((int)scan.expires, 1800); /* the Contact's own parameter wins over the header */
    assert_slice(invite, scan.user_agent, "Softphone/1.0 (\"beta\")");
    ck_assert(scan.credentials.present);
    assert_slice(invite, scan.credentials.username, "alice");
    assert_slice(invite, scan.credentials.realm, "example.com");
    assert_slice(invite, scan.credentials.nonce, "84a4cc6f3082121f32b42a2187831a9e");
    assert_slice(invite, scan.credentials.uri, "sip:bob@example.com");
    assert_slice(invite, scan.credentials.response, "7587245234b3434cc3412213e5f113a5");
    ck_assert(!scan.challenge.present);
    ck_assert(scan.sdp.present && scan.sdp.hold);
    ck_assert_int_eq(scan.sdp.media, 1);
    ck_assert_int_eq(scan.sdp.lines, 7);
    ck_assert_int_eq(scan.sdp.port, 49172);
    assert_slice(invite, scan.sdp.connection, "224.2.1.1");
    assert_slice(invite, scan.sdp.origin, "alice 53655765 2353687637 IN IP4 192.0.2.7");
}
END_TEST

START_TEST(flags_of_headers) {
    scan_text(invite);
    const WireHeader *via = &scan.headers[0], *second = &scan.headers[1];
    ck_assert_int_eq(scan.header_count, 15);
    ck_assert_int_eq(via->flags, WIRE_HEADER_COMPACT);
    ck_assert_int_eq(second->flags, WIRE_HEADER_REPEATED);
    const WireHeader *from = &scan.headers[scan.first[WIRE_HEADER_FROM]];
    ck_assert_int_eq(from->flags, WIRE_HEADER_ODD_CASE | WIRE_HEADER_SPACE_COLON | WIRE_HEADER_FOLDED);
    assert_slice(invite, from->name, "FROM");
    const WireHeader *odd = &scan.headers[scan.first[WIRE_HEADER_OTHER]];
    ck_assert_int_eq(odd->flags, WIRE_HEADER_EMPTY);
    assert_slice(invite, odd->name, "X-Odd");
    ck_assert_int_eq(scan.count[WIRE_HEADER_VIA], 2);
    ck_assert_int_eq(scan.count[WIRE_HEADER_CONTACT], 2);
    ck_assert_int_eq(scan.first[WIRE_HEADER_ROUTE], -1);
}
END_TEST

START_TEST(fields_of_a_reply) {
    static const char reply[] =
        "SIP/2.0 401 Not you\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx;received=::1\r\n"
        "From: <sip:a@example.com>;tag=1\r\nTo: sip:a@example.com;tag=2\r\nCall-ID: c\r\n"
        "CSeq: 7 REGISTER\r\nServer: Registrar\r\n"
        "WWW-Authenticate: Digest realm=\"r\",nonce=n,stale=TRUE\r\nContent-Length: 0\r\n\r\n";
    scan_text(reply);
    ck_assert_str_eq(anomalies_text(&scan), "");
    ck_assert(!scan.request);
    ck_assert_int_eq(scan.status, 401);
    ck_assert_int_eq(scan.method, WIRE_REGISTER);
    assert_slice(reply, scan.method_text, "REGISTER");
    assert_slice(reply, scan.reason, "Not you");
    assert_slice(reply, scan.to.uri.whole, "sip:a@example.com");
    assert_slice(reply, scan.to.tag, "2");
    assert_slice(reply, scan.user_agent, "Registrar");
    ck_assert(scan.challenge.present && scan.challenge.stale);
    assert_slice(reply, scan.challenge.nonce, "n");
    ck_assert_int_eq((int)scan.expires, -1);
    ck_assert_int_eq(scan.max_forwards, -1);
    ck_assert_int_eq((int)scan.content_length, 0);
}
END_TEST

START_TEST(star_contact_and_multipart_description) {
    scan_text("REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\n"
              "To: <sip:a@h>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContact: *\r\nExpires: 0\r\n\r\n");
    ck_assert_str_eq(anomalies_text(&scan), "");
    ck_assert_int_eq(scan.contacts, 1);
    ck_assert_uint_eq(scan.contact.uri.whole.length, 1);
    ck_assert_uint_eq(scan.contact.uri.host.length, 0);
    ck_assert_int_eq((int)scan.expires, 0);
    scan_text(
        "INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\n"
        "To: <sip:a@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n"
        "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
        "c=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n\r\n--b--\r\n");
    ck_assert_str_eq(anomalies_text(&scan), "");
    ck_assert(scan.sdp.present && !scan.sdp.hold);
    ck_assert_int_eq(scan.sdp.port, 4000);
}
END_TEST

/* Of what is repeated inside a header the first counts; what is absent stays empty. */
START_TEST(repeated_and_absent_parameters) {
    static const char text[] =
        "INVITE tel:+1-201-555-0123;phone-context=x SIP/2.0\r\n"
        "Via: SIP/2.0/UDP h;branch=z9hG4bKone;branch=z9hG4bKtwo\r\n"
        "From: <sip:a@h>;tag=one;tag=two\r\nTo: <sip:a@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
        "Authorization: Digest realm=\"one\",opaque=\"x\",realm=\"two\"\r\n"
        "Authorization: Digest realm=\"three\",nonce=\"n\"\r\n\r\n";
    scan_text(text);
    assert_slice(text, scan.uri.user, "+1-201-555-0123");
    assert_slice(text, scan.uri.params, ";phone-context=x");
    assert_slice(text, scan.branch, "z9hG4bKone");
    assert_slice(text, scan.from.tag, "one");
    assert_slice(text, scan.credentials.realm, "one");
    ck_assert_uint_eq(scan.credentials.username.length, 0);
    ck_assert_uint_eq(scan.credentials.nonce.length, 0);
}
END_TEST

/* Appends printf-formatted text to a message of `capacity` bytes; returns its new length. */
static size_t append(char *message, size_t used, size_t capacity, const char *format, ...) CORE_PRINTF(4, 5);

static size_t append(char *message, size_t used, size_t capacity, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(message + used, capacity - used, format, arguments);
    va_end(arguments);
    ck_assert(more >= 0 && (size_t)more < capacity - used);
    return used + (size_t)more;
}

/* A message that has no anomaly, as a list of lines; a case replaces, inserts or appends. */
static const char *const plain[] = {
    "OPTIONS sip:bob@example.com SIP/2.0\r\n",
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n",
    "From: <sip:alice@example.com>;tag=1\r\n",
    "To: <sip:bob@example.com>\r\n",
    "Call-ID: 1@192.0.2.1\r\n",
    "CSeq: 1 OPTIONS\r\n",
    "\r\n",
};

enum { PLAIN_LINES = sizeof plain / sizeof plain[0], START = 0, VIA, FROM, TO, CALL_ID, CSEQ, BLANK };

typedef struct Case {
    int line;              /* of `plain` that is replaced; PLAIN_LINES: appended behind the blank line */
    const char *text;      /* what stands there instead */
    const char *anomalies; /* "NAME@offset within text", comma-separated */
    int moved;             /* 1: the offsets count from the begin of the message */
} Case;

#define X10(text) text text text text text text text text text text
static const Case cases[] = {
    {START, "OPTIONS sip:bob@example.com\r\n", "START_LINE@0", 0},
    {START, "hello world\r\n", "START_LINE@0", 0},
    {START, "SIP/2.0\r\n", "START_LINE@0", 0},
    {START, "OPTIONS sip:bob@example.com SIP/3.0\r\n", "VERSION@28", 0},
    {START, "OPTIONS sip:bob@example.com sip/2.0\r\n", "", 0},
    {START, "options sip:bob@example.com SIP/2.0\r\n", "METHOD_UNKNOWN@0,CSEQ_METHOD@180", 1},
    {START, "OPT(IONS sip:bob@example.com SIP/2.0\r\n", "METHOD_NOT_TOKEN@0,CSEQ_METHOD@181", 1},
    {START, "SIP/2.0 099 Early\r\n", "STATUS_RANGE@8", 0},
    {START, "SIP/2.0 700 Late\r\n", "STATUS_RANGE@8", 0},
    {START, "SIP/2.0 20 Two digits\r\n", "STATUS_RANGE@8", 0},
    {START, "SIP/2.0 abc\r\n", "STATUS_RANGE@8", 0},
    {START, "SIP/2.0  200 OK\r\n", "START_SPACING@7", 0},
    {START, "SIP/2.0\t200 OK\r\n", "START_SPACING@7", 0},
    {START, "SIP/2.0 200\tOK\r\n", "START_SPACING@7", 0},
    {START, "INVITE\r\n", "START_LINE@0", 0},
    {START, "SIP/2.0 200\r\n", "", 0},
    {START, "OPTIONS  sip:bob@example.com SIP/2.0\r\n", "START_SPACING@7", 0},
    {START, "OPTIONS\tsip:bob@example.com SIP/2.0\r\n", "START_SPACING@7", 0},
    {START, "OPTIONS sip:bob@example.com\tSIP/2.0\r\n", "START_SPACING@7", 0},
    {START, "OPTIONS sip:bob@example.com  SIP/2.0\r\n", "START_SPACING@7", 0},
    {START, "OPTIONS SIP/2.0\r\n", "START_LINE@0,URI_INVALID@8", 0},
    {START, "OPTIONS sip:bob@example.com SIP/2.0 \r\n", "START_SPACING@7", 0},
    {START, "OPTIONS sip:b b@example.com SIP/2.0\r\n", "START_SPACING@7,URI_INVALID@13", 0},
    {START, "OPTIONS bob@example.com SIP/2.0\r\n", "URI_INVALID@8", 0},
    {START, "OPTIONS sip: SIP/2.0\r\n", "URI_INVALID@12", 0},
    {START, "OPTIONS <sip:bob@example.com> SIP/2.0\r\n", "URI_INVALID@8", 0},
    {START, "OPTIONS sip:bob@exam\"ple.com SIP/2.0\r\n", "URI_INVALID@20", 0},
    {START, "OPTIONS sip:bob@[fd66::1 SIP/2.0\r\n", "URI_INVALID@16", 0},
    {START, "OPTIONS sip:bob@[fd66::g] SIP/2.0\r\n", "URI_INVALID@23", 0},
    {START, "OPTIONS sip:bob@[] SIP/2.0\r\n", "URI_INVALID@16", 0},
    {START, "OPTIONS sip:bob@[fd66::1]x SIP/2.0\r\n", "URI_INVALID@25", 0},
    {START, "OPTIONS urn:service:sos SIP/2.0\r\n", "", 0},
    {START, "OPTIONS sip:b%4xb@example.com SIP/2.0\r\n", "PERCENT_INVALID@13", 0},
    {START, "OPTIONS sip:b%41b@example.com SIP/2.0\r\n", "", 0},
    {START, "OPTIONS sip:bob@example.com:99999 SIP/2.0\r\n", "PORT_INVALID@28", 0},
    {START, "OPTIONS sip:bob@example.com: SIP/2.0\r\n", "PORT_INVALID@28", 0},
    {START, "OPTIONS sip:bob@example.com;;lr SIP/2.0\r\n", "PARAMETER_INVALID@28", 0},
    {START, "\r\n OPTIONS sip:bob@example.com SIP/2.0\r\n", "LEADING_BYTES@0", 0},
    {START, "OPTIONS sip:bob@example.com SIP/2.0\n", "LINE_ENDING@35", 0},
    {VIA, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r", "LINE_ENDING@47", 0},
    {BLANK, "", "NO_BLANK_LINE@189", 1},
    {BLANK, "\n", "LINE_ENDING@0", 0},
    {BLANK, "No colon here\r\n\r\n", "NO_COLON@0", 0},
    {BLANK, "Od(d: 1\r\n\r\n", "HEADER_NAME@2", 0},
    {BLANK, ": 1\r\n\r\n", "HEADER_NAME@0", 0},
    {BLANK,
     "Subject: a\x01"
     "b\r\n\r\n",
     "CONTROL_BYTE@10", 0},
    {BLANK, "Subject: a\x7f\r\n\r\n", "CONTROL_BYTE@10", 0},
    {BLANK, "Subject: \xc3\xa9t\xc3\xa9\r\n\r\n", "", 0},
    {BLANK, "Subject: \xc3\r\n\r\n", "NOT_UTF8@9", 0},
    {BLANK, "Subject: \xed\xa0\x80\r\n\r\n", "NOT_UTF8@9", 0},
    {BLANK, "Subject: \xc0\xaf\r\n\r\n", "NOT_UTF8@9", 0},
    {CALL_ID, "Call-ID: \xc3\xa9\r\n", "NON_ASCII@9", 0},
    {FROM, "From: \xc3\xa9 <sip:a@h>;tag=1\r\n", "", 0},
    {FROM, "From: \"\xc3\xa9\" <sip:a@h>;tag=1\r\n", "", 0},
    {FROM, "From: <sip:\xc3\xa9@h>;tag=1\r\n", "ADDRESS_INVALID@11,NON_ASCII@11", 0},
    {VIA, "", "MISSING_VIA@142", 1},
    {FROM, "", "MISSING_FROM@154", 1},
    {TO, "", "MISSING_TO@164", 1},
    {CALL_ID, "", "MISSING_CALL_ID@169", 1},
    {CSEQ, "", "MISSING_CSEQ@174", 1},
    {TO, "To: <sip:bob@example.com>\r\nt: <sip:bob@example.com>\r\n", "REPEATED_HEADER@27", 0},
    {CSEQ, "CSeq: 2147483648 OPTIONS\r\n", "CSEQ_INVALID@6", 0},
    {CSEQ, "CSeq: 2147483647 OPTIONS\r\n", "", 0},
    {CSEQ, "CSeq: -1 OPTIONS\r\n", "CSEQ_INVALID@6,CSEQ_METHOD@6", 0},
    {CSEQ, "CSeq: 1\r\n", "CSEQ_INVALID@6,CSEQ_METHOD@7", 0},
    {CSEQ, "CSeq: 1OPTIONS\r\n", "CSEQ_INVALID@6", 0},
    {CSEQ, "CSeq: 1 INVITE\r\n", "CSEQ_METHOD@8", 0},
    {BLANK, "Content-Length: ten\r\n\r\n", "CONTENT_LENGTH@16", 0},
    {BLANK, "Content-Length: -1\r\n\r\n", "CONTENT_LENGTH@16", 0},
    {BLANK, "Content-Length: 4294967328\r\n\r\n", "CONTENT_LENGTH@16", 0},
    {BLANK, "Content-Length: 0x3\r\n\r\n", "CONTENT_LENGTH@16", 0},
    {BLANK, "Content-Length: 00\r\n\r\n", "", 0},
    {BLANK, "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nabc", "BODY_SHORT@50", 0},
    {BLANK, "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nabc", "BODY_LONG@49", 0},
    {BLANK, "Content-Length: 0\r\n\r\n\r\n", "", 0},
    {BLANK, "Max-Forwards: 256\r\n\r\n", "MAX_FORWARDS@14", 0},
    {BLANK, "Max-Forwards: x\r\n\r\n", "MAX_FORWARDS@14", 0},
    {BLANK, "Expires: 4294967296\r\n\r\n", "EXPIRES@9", 0},
    {BLANK, "Contact: <sip:a@h>;expires=soon\r\n\r\n", "EXPIRES@27", 0},
    {VIA, "Via: SIP/1.0/UDP h;branch=z9hG4bK1\r\n", "VIA_INVALID@5", 0},
    {VIA, "Via: SIP/2.0/UDP ;branch=z9hG4bK1\r\n", "VIA_INVALID@5", 0},
    {VIA, "Via: h;branch=z9hG4bK1\r\n", "VIA_INVALID@5", 0},
    {VIA, "Via: SIP/2.0/UDP h h;branch=z9hG4bK1\r\n", "VIA_INVALID@18", 0},
    {VIA, "Via: SIP/2.0/UDP h:0;branch=z9hG4bK1\r\n", "PORT_INVALID@19", 0},
    {VIA, "Via: SIP/2.0/UDP h\r\n", "BRANCH_MISSING@5", 0},
    {VIA, "Via: SIP/2.0/UDP h;branch=z9hG4bK\r\n", "BRANCH_MISSING@26", 0},
    {TO, "To: bob\r\n", "ADDRESS_INVALID@4", 0},
    {TO, "To: Watson, Thomas <sip:t@h>\r\n", "ADDRESS_INVALID@10", 0},
    {TO, "To: \"a\" b <sip:t@h>\r\n", "ADDRESS_INVALID@7", 0},
    {TO, "To: < sip:t@h >\r\n", "ADDRESS_INVALID@5", 0},
    {TO, "To: sip:t@h?x=y\r\n", "ADDRESS_INVALID@11", 0},
    {TO, "To: <sip:t@h> x\r\n", "ADDRESS_INVALID@14", 0},
    {TO, "To: sip:@h\r\n", "", 0},
    {TO, "To: \"\" <sip:t@h>\r\n", "", 0},
    {TO, "To: <tel:+1-201-555-0123>\r\n", "", 0},
    {TO, "To: \"open <sip:t@h>\r\n", "QUOTE_UNBALANCED@4", 0},
    {TO, "To: \"back\\\" <sip:t@h>\r\n", "QUOTE_UNBALANCED@4", 0},
    {TO, "To: <sip:t@h\r\n", "ANGLE_UNBALANCED@4", 0},
    {TO, "To: sip:t@h>\r\n", "ADDRESS_INVALID@11,ANGLE_UNBALANCED@11", 0},
    {TO, "To: <sip:t@h>;=1\r\n", "PARAMETER_INVALID@14", 0},
    {TO, "To: <sip:t@h>;tag=\r\n", "PARAMETER_INVALID@14", 0},
    {TO, "To: <sip:t@h>;a=\"x\r\n", "QUOTE_UNBALANCED@16,PARAMETER_INVALID@14", 0},
    {BLANK, "Route: <sip:h;lr>, <sip:i\r\n\r\n", "ANGLE_UNBALANCED@19", 0},
    {BLANK, "Subject: \"one quote is text\r\n\r\n", "", 0},
    {BLANK, "Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n\r\n", "", 0},
    {BLANK, "Date: Fri, 01 Jan 2010 16:00:00 EST\r\n\r\n", "DATE_INVALID@6", 0},
    {BLANK, "Date: yesterday\r\n\r\n", "DATE_INVALID@6", 0},
    {BLANK, "Authorization: Digest\r\n\r\n", "AUTH_INVALID@15", 0},
    {BLANK, "Authorization: \r\n\r\n", "AUTH_INVALID@15", 0},
    {BLANK, "Authorization: , a=b\r\n\r\n", "AUTH_INVALID@15", 0},
    {BLANK, "Authorization: Digest,a=b\r\n\r\n", "AUTH_INVALID@15", 0},
    {BLANK, "Authorization: Digest a=\"b\",,c=d\r\n\r\n", "AUTH_INVALID@28", 0},
    {BLANK, "Authorization: Other opaque=data here\r\n\r\n", "", 0},
    {PLAIN_LINES, "body", "BODY_TYPE@0", 0},
    {BLANK, "Content-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\no=- 1 1 IN IP4 h\r\n", "SDP_INVALID@38", 0},
    {BLANK,
     "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nm=audio 70000 RTP/AVP 0\r\n",
     "SDP_INVALID@69", 0},
    {BLANK, "Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 h\ns=-\nt=0 0\n", "LINE_ENDING@29", 0},
    {BLANK, "c: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 h\r\ns=\r\n\r\n", "", 0},
    {BLANK, "c: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 h\r\n", "SDP_INVALID@22", 0},
    {BLANK, "c: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n\r\nt=0 0\r\n", "SDP_INVALID@50", 0},
    {BLANK, "c: text/plain\r\n\r\nx" X10("======") "====", "BYTE_RUN@18", 0},
    {BLANK, "Subject: %x%x\r\n\r\n", "FORMAT_DIRECTIVE@9", 0},
    {BLANK, "Subject: %08x.%08x\r\n\r\n", "FORMAT_DIRECTIVE@9", 0},
    {BLANK, "Subject: %2$s %1$n\r\n\r\n", "FORMAT_DIRECTIVE@9", 0},
    {BLANK, "Subject: 100% sure, 50% done\r\n\r\n", "", 0},
    {BLANK, "Subject: %20d%41s\r\n\r\n", "", 0},
    {BLANK, "Subject: " X10("abcdefg") X10("AAAAAA") "AAAA\r\n\r\n", "BYTE_RUN@79", 0},
    {BLANK, "Subject: " X10("abcdefg") X10("AAAAAA") "AAA\r\n\r\n", "", 0},
    {BLANK, "Subject: " X10("          ") "x\r\n\r\n", "", 0},
    {TO, "To: <sip:" X10("user-name-123") "@h>\r\n", "LONG_TOKEN@9", 0},
    {TO, "To: <sip:" X10("user-name-12") "12345678@h>\r\n", "", 0},
    {TO, "To: <sip:" X10("user-name-12") "123456789@h>\r\n", "LONG_TOKEN@9", 0},
};

START_TEST(each_anomaly_is_found_at_its_place) {
    const Case *it = &cases[_i];
    char message[4096] = "", expected[256] = "";
    size_t used = 0, moved = 0, expected_used = 0;
    for (int line = 0; line <= PLAIN_LINES; line++) {
        if (line == it->line && !it->moved) moved = used;
        if (line < PLAIN_LINES || line == it->line)
            used = append(message, used, sizeof message, "%s", line == it->line ? it->text : plain[line]);
    }
    for (const char *at = it->anomalies; *at;) { /* moves each offset */
        char name[64];
        unsigned offset = 0;
        int length = 0;
        ck_assert_int_eq(sscanf(at, "%63[A-Z0-9_]@%u%n", name, &offset, &length), 2);
        expected_used = append(expected, expected_used, sizeof expected, "%s%s@%zu", expected_used ? "," : "",
                               name, offset + moved);
        at += length + (at[length] == ',');
    }
    scan_text(message);
    ck_assert_msg(strcmp(anomalies_text(&scan), expected) == 0,
                  "case %d \"%s\":\n  got      %s\n  expected %s", _i, it->text, anomalies_text(&scan),
                  expected);
}
END_TEST

/* Anomalies of size, which no literal shows well. */
START_TEST(size_anomalies) {
    static char message[64000];
    size_t base = 0, room = sizeof message;
    for (int line = START; line < BLANK; line++)
        base = append(message, base, room, "%s", plain[line]);
    size_t used = base;
    for (int i = 0; i < WIRE_HEADERS_MAX; i++)
        used = append(message, used, room, "X-%d: v\r\n", i);
    append(message, used, room, "\r\n");
    scan_text(message);
    ck_assert_int_eq(scan.header_count, WIRE_HEADERS_MAX);
    ck_assert(scan.anomalies == 1ull << WIRE_ANOMALY_MANY_HEADERS);

    /* What a server acts on is found behind any padding. */
    used = append(message, used, room, "Contact: <sip:a@b>\r\nContact: <sip:c@d>\r\n\r\n");
    scan_text(message);
    ck_assert_int_eq(scan.header_count, WIRE_HEADERS_MAX + 1);
    ck_assert_int_eq(scan.first[WIRE_HEADER_CONTACT], WIRE_HEADERS_MAX);
    ck_assert_int_eq(scan.contacts, 1);

    used = append(message, base, room, "X-A: ");
    for (int i = 0; i < 257; i++)
        message[used++] = ";,&="[i % 4];
    append(message, used, room, "\r\n\r\n");
    scan_text(message);
    ck_assert(scan.anomalies == 1ull << WIRE_ANOMALY_MANY_SEPARATORS);
    ck_assert_uint_eq(scan.anomaly_offset[0], used - 1 - 4); /* the plain lines have 4 of their own */

    used = append(message, base, room, "X-A: ");
    for (int i = 0; i < 1024; i++)
        message[used++] = (char)('a' + i % 26);
    append(message, used, room, "\r\n\r\n");
    scan_text(message);
    ck_assert(scan.anomalies == 1ull << WIRE_ANOMALY_LONG_LINE);
}
END_TEST

/* The capture's cut is not the sender's fault. */
START_TEST(truncation_is_forgiven) {
    for (uint32_t length = 36; length < sizeof invite - 1; length++) {
        wire_scan((const uint8_t *)invite, length, true, &scan);
        if (length < 90) continue; /* a cut start line is no start line */
        ck_assert_msg(scan.anomalies == 0, "at %u: %s", length, anomalies_text(&scan));
    }
    /* What the sender left out of a whole header section is missed all the same. */
    static const char bare[] = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\nv=";
    wire_scan((const uint8_t *)bare, sizeof bare - 1, true, &scan);
    ck_assert(scan.anomalies >> WIRE_ANOMALY_MISSING_FROM & 1);
    ck_assert(!(scan.anomalies >> WIRE_ANOMALY_MISSING_VIA & 1));
}
END_TEST

START_TEST(nothing_is_read_outside_at_any_length) {
    const char *const messages[] = {invite, plain[0], "SIP/2.0 200 OK\r\nm: \"\\", "A", "\r\n\r\n", ""};
    for (size_t m = 0; m < sizeof messages / sizeof messages[0]; m++) {
        uint32_t whole = (uint32_t)strlen(messages[m]);
        for (uint32_t length = 0; length <= whole; length++) {
            for (int side = 0; side < 2; side++) {
                const uint8_t *copy = guarded_copy(messages[m], length, side == 0);
                wire_scan(copy, length, length % 2, &scan);
                ck_assert_ptr_null(scan_fault(&scan, length));
                (void)wire_is_sip(copy, length);
            }
            const uint8_t *copy = guarded_copy(messages[m] + length, whole - length, true); /* tails */
            wire_scan(copy, whole - length, false, &scan);
            ck_assert_ptr_null(scan_fault(&scan, whole - length));
        }
    }
}
END_TEST

static uint32_t mutate(uint8_t *bytes, uint32_t length, uint64_t *random) {
    static const char spice[] = "\r\n\t \":;,<>@%=?\\[]/&*\x80\xff\x01";
    for (uint64_t edits = 1 + next_random(random) % 4; edits > 0; edits--) {
        uint32_t at = (uint32_t)(next_random(random) % length);
        uint8_t byte = next_random(random) % 2 ? (uint8_t)spice[next_random(random) % sizeof spice]
                                               : (uint8_t)next_random(random);
        switch (next_random(random) % 3) {
        case 0: bytes[at] = byte; break;
        case 1:
            memmove(bytes + at, bytes + at + 1, length - at - 1);
            length--;
            break;
        default:
            memmove(bytes + at + 1, bytes + at, length - at);
            bytes[at] = byte;
            length++;
        }
    }
    return length;
}

START_TEST(mutations_stay_inside) {
    uint64_t random = 8;
    for (int i = 0; i < 40000; i++) {
        uint8_t bytes[sizeof invite + 16];
        memcpy(bytes, invite, sizeof invite - 1);
        uint32_t length = mutate(bytes, sizeof invite - 1, &random);
        uint8_t *copy = malloc(length);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bytes, length);
        wire_scan(copy, length, i % 2, &scan);
        const char *fault = scan_fault(&scan, length);
        free(copy);
        ck_assert_msg(!fault, "mutation %d: %s", i, fault);
    }
}
END_TEST

/* Every field is set: what stood in the memory before makes no difference. */
START_TEST(results_do_not_depend_on_memory) {
    static WireScan other;
    memset(&scan, 0xaa, sizeof scan);
    memset(&other, 0x55, sizeof other);
    wire_scan((const uint8_t *)invite, sizeof invite - 1, false, &scan);
    wire_scan((const uint8_t *)invite, sizeof invite - 1, false, &other);
    memset(scan.headers + scan.header_count, 0,
           sizeof scan.headers - scan.header_count * sizeof scan.headers[0]);
    memset(other.headers + other.header_count, 0,
           sizeof other.headers - other.header_count * sizeof scan.headers[0]);
    for (uint32_t i = 0; i < scan.header_count; i++)
        ck_assert_mem_eq(&scan.headers[i].value, &other.headers[i].value, sizeof(WireSlice));
    ck_assert_int_eq(scan.located, other.located);
    ck_assert_mem_eq(scan.first, other.first, sizeof scan.first);
    ck_assert_mem_eq(&scan.sdp, &other.sdp, sizeof scan.sdp - 8);
}
END_TEST

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The least time of several, so that other work on the machine does not count. */
static double scan_time(const char *head, const char *fill, const char *tail, uint32_t length) {
    static uint8_t message[WIRE_MESSAGE_MAX];
    uint32_t used = (uint32_t)strlen(head), step = (uint32_t)strlen(fill);
    memcpy(message, head, used);
    for (; used + step < length; used += step)
        memcpy(message + used, fill, step);
    memcpy(message + used, tail, strlen(tail));
    used += (uint32_t)strlen(tail);
    double least = 1e9;
    for (int run = 0; run < 15; run++) {
        double begin = cpu_seconds();
        wire_scan(message, used, false, &scan);
        (void)wire_is_sip(message, used);
        double spent = cpu_seconds() - begin;
        if (spent < least) least = spent;
    }
    return least;
}

/* Eight times the bytes may take twelve times as long, no more: a quadratic step takes 64 times. Below 300
 * us, 5 ns for each byte, caches and clocks say more than the code; a busy machine gets five attempts. */
START_TEST(time_is_linear) {
    static const struct {
        const char *head, *fill;
    } shapes[] = {
        {"", "\r\n"},
        {"", "\r"},
        {"", " "},
        {"", "A"},
        {"", "A "},
        {"INVITE ", "sip:"},
        {"INVITE sip:", "@"},
        {"INVITE sip:a@b SIP/2.0\r\n", "\r"},
        {"INVITE sip:a@b SIP/2.0\r\nX: ", "\r "},
        {"INVITE sip:a@b SIP/2.0\r\n", "a:\r\n"},
        {"INVITE sip:a@b SIP/2.0\r\nX: a", "\r\n "},
        {"INVITE sip:a@b SIP/2.0\r\nVia: ", ","},
        {"INVITE sip:a@b SIP/2.0\r\nVia: ", "SIP/2.0/UDP h;branch=a,"},
        {"INVITE sip:a@b SIP/2.0\r\nContact: ", "\""},
        {"INVITE sip:a@b SIP/2.0\r\nContact: ", "<,"},
        {"INVITE sip:a@b SIP/2.0\r\nContact: ", "\"<\","},
        {"INVITE sip:a@b SIP/2.0\r\nTo: <sip:a@b>", ";a=\"\""},
        {"INVITE sip:a@b SIP/2.0\r\nTo: <sip:a@b", ";a"},
        {"INVITE sip:a@b SIP/2.0\r\nTo: ", "\\\""},
        {"INVITE sip:a@b SIP/2.0\r\nAuthorization: Digest ", "a=b,"},
        {"INVITE sip:a@b SIP/2.0\r\nX: ", "%41%n"},
        {"INVITE sip:a@b SIP/2.0\r\nc: application/sdp\r\n\r\n", "\n"},
        {"INVITE sip:a@b SIP/2.0\r\nc: application/sdp\r\n\r\n", "m=a 1 b\r\n"},
        {"INVITE sip:a@b SIP/2.0\r\nc: application/sdp\r\n\r\nm=", " "},
        {"INVITE sip:a@b SIP/2.0\r\nc: multipart/mixed\r\n\r\n", "v=0\r\n"},
        {"INVITE sip:a@b SIP/2.0\r\nX: ", "\xc3\xa9"},
    };
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof shapes[0]; i++) {
        const char *head = shapes[i / 2].head, *fill = shapes[i / 2].fill, *tail = i % 2 ? "x" : "";
        double small = 0, large = 1;
        for (int attempt = 0; attempt < 5 && large > 12 * small && large > 300e-6; attempt++) {
            small = scan_time(head, fill, tail, 8000);
            large = scan_time(head, fill, tail, 64000);
        }
        ck_assert_msg(large <= 12 * small || large <= 300e-6, "shape %zu: %.0f us, then %.0f us", i,
                      1e6 * small, 1e6 * large);
    }
}
END_TEST

START_TEST(shape_of_sip) {
    static const struct {
        const char *text;
        bool sip;
    } shapes[] = {
        {"INVITE sip:a@b SIP/2.0\r\n", true},
        {"\r\n\r\nINVITE sip:a@b SIP/2.0\r\n", true},
        {" INVITE sip:a@b SIP/2.0\r\n", true},
        {"SIP/2.0 200 OK\r\n", true},
        {"sip/2.0 200 OK\r\n", true},
        {"NEWMETHOD urn:x SIP/7.0\r\n", true},
        {"INVITE  sip:a b@c   SIP/2.0", true},
        {"OPTIONS sip:a@b", true},
        {"REGISTER\ttel:1", true},
        {"OPTIONS mailto:a", false},
        {"options sip:a@b", false},
        {"IN\x80VITE sip:a@b SIP/2.0\r\n", true},
        {"GET / HTTP/1.1\r\n", false},
        {"DESCRIBE rtsp://h/ RTSP/1.0\r\n", false},
        {"<134>Nov 24 10:00:00 proxy: INVITE sip:a@b SIP/2.0\r\n", false},
        {"INVITE\r\nsip:a SIP/2.0\r\n", false},
        {"hello\r\nINVITE sip:a@b SIP/2.0\r\n", false},
        {"", false},
        {"\r\n\r\n", false},
        {"INVITE", false},
        {"INVITE ", false},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        uint32_t length = (uint32_t)strlen(shapes[i].text);
        ck_assert_msg(wire_is_sip(guarded_copy(shapes[i].text, length, true), length) == shapes[i].sip,
                      "\"%s\"", shapes[i].text);
    }
}
END_TEST

START_TEST(every_name_is_found) {
    static const struct {
        const char *name;
        char compact;
        bool once;
    } names[] = {
#define NAME(id, text, compact, once) {text, compact, once},
        WIRE_HEADER_MAP(NAME)
#undef NAME
    };
    for (int id = 1; id < WIRE_HEADER_COUNT; id++) {
        char message[256];
        ck_assert_str_eq(wire_header_name((WireHeaderId)id), names[id - 1].name);
        snprintf(message, sizeof message, "OPTIONS sip:h SIP/2.0\r\n%s: x\r\n%c: y\r\n\r\n",
                 names[id - 1].name, names[id - 1].compact ? names[id - 1].compact : '?');
        scan_text(message);
        ck_assert_int_eq(scan.headers[0].id, id);
        ck_assert_int_eq(scan.headers[0].flags, 0);
        if (!names[id - 1].compact) continue;
        ck_assert_int_eq(scan.headers[1].id, id);
        ck_assert_int_eq(scan.headers[1].flags, WIRE_HEADER_COMPACT | WIRE_HEADER_REPEATED);
        bool repeated = (scan.anomalies >> WIRE_ANOMALY_REPEATED_HEADER & 1) != 0;
        ck_assert_int_eq(repeated, names[id - 1].once);
    }
    ck_assert_str_eq(wire_method_name(WIRE_PRACK), "PRACK");
    ck_assert_str_eq(wire_method_name((WireMethod)200), "OTHER");
    ck_assert_str_eq(wire_header_name((WireHeaderId)250), "other");
    ck_assert_str_eq(wire_anomaly_name((WireAnomaly)250), "unknown");
}
END_TEST

START_TEST(addresses_as_text) {
    char text[WIRE_ADDRESS_TEXT_MAX];
    WireAddress address;
    ck_assert(wire_address_parse("10.0.0.1", &address));
    address.port = 5060;
    ck_assert_str_eq(wire_address_text(&address, true, text, sizeof text), "10.0.0.1:5060");
    ck_assert_str_eq(wire_address_text(&address, false, text, sizeof text), "10.0.0.1");
    ck_assert(wire_address_parse("fd66::1", &address));
    address.port = 65535;
    ck_assert_str_eq(wire_address_text(&address, true, text, sizeof text), "[fd66::1]:65535");
    ck_assert_str_eq(wire_address_text(&address, true, text, 5), "[fd6");
    ck_assert(!wire_address_parse("10.0.0", &address));
    ck_assert(!wire_address_parse("10.0.0.1:5060", &address));
    ck_assert(!wire_address_parse("", &address));
}
END_TEST

Suite *scan_suite(void) {
    Suite *suite = suite_create("scan");
    TCase *fields = tcase_create("fields"), *anomalies = tcase_create("anomalies"),
          *bounds = tcase_create("bounds");
    tcase_add_test(fields, fields_of_a_request);
    tcase_add_test(fields, flags_of_headers);
    tcase_add_test(fields, fields_of_a_reply);
    tcase_add_test(fields, star_contact_and_multipart_description);
    tcase_add_test(fields, repeated_and_absent_parameters);
    tcase_add_test(fields, shape_of_sip);
    tcase_add_test(fields, every_name_is_found);
    tcase_add_test(fields, addresses_as_text);
    tcase_add_loop_test(anomalies, each_anomaly_is_found_at_its_place, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(anomalies, size_anomalies);
    tcase_add_test(anomalies, truncation_is_forgiven);
    tcase_add_test(bounds, nothing_is_read_outside_at_any_length);
    tcase_add_test(bounds, mutations_stay_inside);
    tcase_add_test(bounds, results_do_not_depend_on_memory);
    tcase_add_test(bounds, time_is_linear);
    suite_add_tcase(suite, fields);
    suite_add_tcase(suite, anomalies);
    suite_add_tcase(suite, bounds);
    return suite;
}
