/* TCP connections made up packet by packet.
 * Relies on: tests/wire/connection.h, tests/wire/support.h, Check.
 * Relied on by: tests/wire/test_streams.c, test_websocket.c. */
#include "tests/wire/connection.h"

#include "tests/wire/support.h"

#include <check.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>

WireDecap *decap;
Found found[FOUND_MAX];
int n_found;
Bytes stream, segment, packet;
uint64_t frames;
int64_t now_ns;
unsigned port;
static unsigned identification;

void tcp_forget(void) {
    for (int i = 0; i < n_found; i++)
        free(found[i].bytes);
    n_found = 0;
}

void tcp_start(void) {
    tcp_forget();
    wire_decap_free(decap);
    ck_assert_int_eq(wire_decap_new(&decap, NULL), CORE_OK);
    frames = 0;
    port = 40000;
}

/* Another connection, in loops that would take long with another reader. */
void tcp_connect_again(void) {
    tcp_forget();
    port++;
}

void tcp_set_up(void) {
    decap = NULL;
    now_ns = INT64_C(1700000000000000000);
    tcp_start();
}

void tcp_assert_identity(void) {
    WireCounters counters = wire_decap_counters(decap);
    uint64_t sum = 0;
    for (int i = 0; i < WIRE_PACKET_FATES; i++) {
        ck_assert_uint_le(counters.fate[i], counters.packets);
        sum += counters.fate[i];
    }
    ck_assert_uint_eq(sum, counters.packets);
    ck_assert_uint_eq(counters.packets, frames);
}

void tcp_take_messages(void) {
    WireMessage message;
    while (wire_decap_next(decap, &message)) {
        ck_assert_int_lt(n_found, FOUND_MAX);
        Found *one = &found[n_found++];
        one->message = message;
        one->bytes = malloc(message.length + 1);
        ck_assert_ptr_nonnull(one->bytes);
        memcpy(one->bytes, message.bytes, message.length);
        one->bytes[message.length] = '\0';
    }
}

void tcp_finish(void) {
    wire_decap_finish(decap);
    tcp_take_messages();
    if (port == 40000) ck_assert_uint_eq(wire_decap_counters(decap).messages, (uint64_t)n_found);
    tcp_assert_identity();
}

void tcp_tear_down(void) {
    tcp_finish();
    tcp_forget();
    wire_decap_free(decap);
}

/* One packet, a millisecond after the last; its bytes end at an inaccessible page. */
WirePacketFate tcp_feed_packet(uint32_t captured) {
    WireFrame frame = {
        .bytes = guarded_copy(packet.data, captured, true),
        .captured = captured,
        .link_type = DLT_RAW,
        .time_ns = now_ns += 1000000,
        .number = ++frames,
    };
    WirePacketFate fate = wire_decap_frame(decap, &frame);
    tcp_take_messages();
    return fate;
}

void tcp_make_segment(bool reply, unsigned client_port, uint32_t sequence, uint32_t acknowledged,
                      unsigned flags, const void *payload, size_t length) {
    segment.length = 0;
    put16(&segment, reply ? 5060 : client_port);
    put16(&segment, reply ? client_port : 5060);
    put32(&segment, sequence);
    put32(&segment, acknowledged);
    put16(&segment, 5u << 12 | flags);
    put16(&segment, 64240);
    put32(&segment, 0);
    put(&segment, payload, length);
    make_ip4(&packet, 6, ++identification & 0xffff, 0, false, segment.data, segment.length);
    if (!reply) return;
    uint8_t address[4];
    memcpy(address, packet.data + 12, 4);
    memcpy(packet.data + 12, packet.data + 16, 4);
    memcpy(packet.data + 16, address, 4);
}

/* A segment of the client's direction. */
WirePacketFate tcp_send(uint32_t sequence, unsigned flags, const void *payload, size_t length) {
    tcp_make_segment(false, port, sequence, 0, flags, payload, length);
    return tcp_feed_packet((uint32_t)packet.length);
}

/* The server acknowledges. */
WirePacketFate tcp_acknowledge(uint32_t acknowledged) {
    tcp_make_segment(true, port, 77, acknowledged, ACK, NULL, 0);
    return tcp_feed_packet((uint32_t)packet.length);
}

WirePacketFate tcp_send_text(uint32_t sequence, const char *text) {
    return tcp_send(sequence, ACK, text, strlen(text));
}

/* A request with this Call-ID, its length under the given header name (NULL: none), and a body. */
const char *tcp_request(const char *call_id, const char *length_name, const char *body) {
    static char texts[8][4096];
    static unsigned turn;
    char *text = texts[turn++ % 8], header[64] = "";
    if (length_name) snprintf(header, sizeof header, "%s: %zu\r\n", length_name, strlen(body));
    snprintf(text, sizeof texts[0],
             "MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK%s\r\n%sFrom: "
             "<sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: %s\r\nCSeq: 1 "
             "MESSAGE\r\nContent-Type: text/plain\r\n\r\n%s",
             call_id, header, call_id, body);
    return text;
}

void tcp_assert_found(int i, const char *text, uint32_t flags) {
    ck_assert_int_lt(i, n_found);
    ck_assert_uint_eq(found[i].message.length, strlen(text));
    ck_assert_mem_eq(found[i].bytes, text, strlen(text));
    ck_assert_uint_eq(found[i].message.flags, flags);
}

/* ---- the stream that most tests cut up ---- */

const char *expected[MESSAGES];
uint32_t ends[MESSAGES];

/* Long and compact Content-Length, spaces and capitals, keep-alives, a body that looks like a header. */
void tcp_make_stream(void) {
    stream.length = 0;
    expected[0] = tcp_request("one", "Content-Length", "Content-Length: 5\r\n\r\nx\r\n");
    expected[1] = tcp_request("two", "l", "");
    expected[2] = "SIP/2.0 200 OK\r\nCall-ID: three\r\nCONTENT-LENGTH  :\t3\r\n\r\nabc";
    expected[3] = tcp_request("four", "L", "\r\n\r\n");
    static const char *const between[MESSAGES] = {"", "\r\n\r\n", "\r\n", ""};
    for (int i = 0; i < MESSAGES; i++) {
        put(&stream, between[i], strlen(between[i]));
        put(&stream, expected[i], strlen(expected[i]));
        ends[i] = (uint32_t)stream.length;
    }
}

/* All messages of the stream, each complete at the frame that `frame_of` (if not NULL) says. */
void tcp_assert_all(const char *what, int detail) {
    ck_assert_msg(n_found == MESSAGES, "%s %d: %d messages", what, detail, n_found);
    for (int i = 0; i < MESSAGES; i++) {
        tcp_assert_found(i, expected[i], 0);
        ck_assert_int_eq(found[i].message.transport, WIRE_TCP);
        ck_assert_int_eq(found[i].message.source.port, port);
        ck_assert_int_eq(found[i].message.destination.port, 5060);
        bool same = i > 0 && found[i].message.frame == found[i - 1].message.frame;
        ck_assert_uint_eq(found[i].message.index, same ? found[i - 1].message.index + 1 : 0);
    }
}

/* Pieces of random length in random order, some twice, some overlapping with the same bytes. */
void tcp_shuffle_and_send(uint64_t *random, uint32_t base, bool repeat) {
    struct {
        uint32_t at, length;
    } pieces[4096];
    int n = 0;
    uint32_t longest = 1 + (uint32_t)(next_random(random) % 400);
    for (uint32_t at = 0; at < stream.length;) {
        uint32_t left = (uint32_t)stream.length - at, length = 1 + (uint32_t)(next_random(random) % longest);
        if (length > left) length = left;
        pieces[n].at = at;
        pieces[n++].length = length;
        if (repeat && next_random(random) % 4 == 0) {
            uint32_t back = (uint32_t)(next_random(random) % (at + 1));
            pieces[n].at = at - back;
            pieces[n++].length = length + back;
        }
        at += length;
    }
    for (int i = n - 1; i > 0; i--) { /* within a few segments, as networks do; or wildly */
        int reach = *random % 2 ? 4 : n, from = i - reach < 0 ? 0 : i - reach;
        int j = from + (int)(next_random(random) % (uint64_t)(i - from + 1));
        uint32_t at = pieces[i].at, length = pieces[i].length;
        pieces[i].at = pieces[j].at, pieces[i].length = pieces[j].length;
        pieces[j].at = at, pieces[j].length = length;
    }
    for (int i = 0; i < n; i++)
        tcp_send(base + pieces[i].at, ACK, stream.data + pieces[i].at, pieces[i].length);
}

/* Sends the whole of `stream` in segments of `size`. */
void tcp_send_stream(uint32_t size) {
    for (uint32_t at = 0; at < stream.length; at += size)
        tcp_send(at, ACK, stream.data + at, stream.length - at < size ? stream.length - at : size);
}
