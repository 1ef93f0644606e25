/* SIP over WebSocket: the upgrade, frames cut anywhere, and what cannot be read.
 * Relies on: tests/wire/connection.h, Check.
 * Relied on by: ctest. */
#include "tests/wire/connection.h"
#include "tests/wire/suites.h"
#include "tests/wire/support.h"

#include <stdio.h>

static const char upgrade[] =
    "GET / HTTP/1.1\r\nHost: sip.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: chat, SIP\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";

/* A frame of RFC 6455; mask 0: none. */
static void put_frame(bool final, unsigned opcode, uint32_t mask, const char *payload, size_t length) {
    put8(&stream, (final ? 0x80u : 0) | opcode);
    unsigned bit = mask ? 0x80 : 0;
    if (length < 126) {
        put8(&stream, bit | (unsigned)length);
    } else if (length < 65536) {
        put8(&stream, bit | 126);
        put16(&stream, (unsigned)length);
    } else {
        put8(&stream, bit | 127);
        put32(&stream, 0);
        put32(&stream, (uint32_t)length);
    }
    if (mask) put32(&stream, mask);
    for (size_t i = 0; i < length; i++)
        put8(&stream, (uint8_t)payload[i] ^ (mask >> (24 - i % 4 * 8) & 0xff));
}

/* What make_stream makes, as frames: one whole, one in three with a ping between, a keep-alive, one short. */
static void make_websocket(bool masked, const char *handshake) {
    uint32_t mask = masked ? 0x37fa213d : 0;
    tcp_make_stream();
    expected[3] = "SIP/2.0 200 OK\r\nl: 0\r\n\r\n";
    stream.length = 0;
    put(&stream, handshake, strlen(handshake));
    put_frame(true, 1, mask, expected[0], strlen(expected[0]));
    put_frame(true, 9, mask, "ping", 4);
    put_frame(false, 2, mask, expected[1], 50);
    put_frame(true, 10, mask, "", 0);
    put_frame(false, 0, mask * 3, expected[1] + 50, 0);
    put_frame(true, 0, mask * 5, expected[1] + 50, strlen(expected[1]) - 50);
    put_frame(true, 1, mask, "\r\n\r\n", 4);
    put_frame(true, 1, mask, expected[2], strlen(expected[2]));
    put_frame(true, 1, mask, expected[3], strlen(expected[3]));
    put_frame(true, 8, mask, "\3\350bye", 5);
}

static void assert_all_websocket(const char *what, int detail) {
    ck_assert_msg(n_found == MESSAGES, "%s %d: %d messages", what, detail, n_found);
    for (int i = 0; i < MESSAGES; i++) {
        tcp_assert_found(i, expected[i], 0);
        ck_assert_int_eq(found[i].message.transport, WIRE_WEBSOCKET);
    }
    ck_assert_uint_eq(wire_decap_counters(decap).stream_resyncs, 0);
}

START_TEST(websocket_cut_at_every_byte) {
    for (int side = 0; side < 2; side++) {
        const char *handshake =
            side ? "HTTP/1.1 101 Switching\r\nSec-WebSocket-Protocol: sip\r\n\r\n" : upgrade;
        make_websocket(side == 0, handshake);
        for (uint32_t cut = 1; cut < stream.length; cut++) {
            tcp_connect_again();
            tcp_send(1, ACK, stream.data, cut);
            tcp_send(1 + cut, ACK, stream.data + cut, stream.length - cut);
            assert_all_websocket("cut at", (int)cut);
        }
    }
}
END_TEST

START_TEST(websocket_in_any_order) {
    uint64_t random = 11;
    make_websocket(true, upgrade);
    for (int round = 0; round < 200; round++) {
        tcp_connect_again();
        uint32_t base = (uint32_t)next_random(&random);
        tcp_send(base - 1, SYN, NULL, 0);
        tcp_shuffle_and_send(&random, base, round % 2);
        assert_all_websocket("order", round);
    }
    tcp_connect_again();
    tcp_send_stream(1);
    assert_all_websocket("size", 1);
}
END_TEST

START_TEST(websocket_without_its_start) {
    for (int masked = 0; masked < 2; masked++) {
        make_websocket(masked, "");
        tcp_start();
        tcp_send(5, ACK, stream.data, stream.length);
        assert_all_websocket("middle", masked);
        tcp_finish();
    }
    /* A hole: the rest of its segments is of no use, the next frame that starts a segment is. */
    make_websocket(true, upgrade);
    tcp_start();
    uint32_t middle = sizeof upgrade - 1 + 100, length = (uint32_t)stream.length;
    tcp_send(0, ACK, stream.data, middle);
    tcp_send(middle + 10, ACK, stream.data + middle + 10, length - middle - 10);
    tcp_acknowledge(length);
    ck_assert_int_eq(n_found, 0);
    stream.length = 0;
    put_frame(true, 1, 0x01020304, expected[3], strlen(expected[3]));
    ck_assert_int_eq(tcp_send(length, ACK, stream.data, stream.length), WIRE_PACKET_SIP);
    tcp_assert_found(0, expected[3], 0);
}
END_TEST

START_TEST(websocket_that_cannot_be_read) {
    static const uint8_t bad[][2] = {{0xc1, 0x05}, {0x83, 0x05}, {0x80, 0x05},
                                     {0x09, 0x00}, {0x89, 0x7e}, {0x8b, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tcp_start();
        tcp_send(1, ACK, upgrade, sizeof upgrade - 1);
        uint8_t frame[16] = {bad[i][0], bad[i][1], 'S', 'I', 'P', '/', '2'};
        ck_assert_int_eq(tcp_send(sizeof upgrade, ACK, frame, sizeof frame), WIRE_PACKET_BAD_STREAM);
        ck_assert_uint_eq(wire_decap_counters(decap).stream_resyncs, 1);
        tcp_finish();
        ck_assert_int_eq(n_found, 0);
    }
}
END_TEST

START_TEST(websocket_messages_that_are_too_long) {
    static char text[100000];
    memset(text, 'x', sizeof text);
    memcpy(text, "OPTIONS sip:a@b SIP/2.0\r\nX: ", 28);
    for (int pieces = 1; pieces < 4; pieces++) {
        for (uint32_t size = 1400; size < 100000; size += 61000) {
            tcp_start();
            stream.length = 0;
            put(&stream, upgrade, sizeof upgrade - 1);
            for (int i = 0; i < pieces; i++) {
                size_t from = sizeof text / (size_t)pieces * (size_t)i;
                size_t to = i + 1 < pieces ? sizeof text / (size_t)pieces * (size_t)(i + 1) : sizeof text;
                put_frame(i + 1 == pieces, i > 0 ? 0 : 1, 0xdeadbeef, text + from, to - from);
            }
            put_frame(true, 1, 0, "SIP/2.0 200 OK\r\n\r\n", 18);
            tcp_send_stream(size < 60000 ? size : 60000);
            ck_assert_int_eq(n_found, 2);
            ck_assert_uint_eq(found[0].message.length, 65535);
            ck_assert_uint_eq(found[0].message.flags, WIRE_FLAG_TRUNCATED);
            ck_assert_mem_eq(found[0].bytes, text, 65535);
            tcp_assert_found(1, "SIP/2.0 200 OK\r\n\r\n", 0);
            tcp_finish();
        }
    }
}
END_TEST

/* The rest of a message that was cut is no message, whatever it looks like; the bounds themselves are
 * allowed. */
START_TEST(websocket_at_its_bounds) {
    static char text[80000];
    memset(text, 'x', sizeof text);
    memcpy(text, "OPTIONS sip:a@b SIP/2.0\r\nX: ", 28);
    make_websocket(true, upgrade);
    stream.length = 0;
    put_frame(true, 2, 0, text, 65535);
    put_frame(true, 9, 1, text, 125);
    put_frame(true, 2, 1, expected[3], strlen(expected[3]));
    tcp_send_stream(50000);
    ck_assert_int_eq(n_found, 2);
    ck_assert_uint_eq(found[0].message.length, 65535);
    ck_assert_uint_eq(found[0].message.flags, 0);
    tcp_assert_found(1, expected[3], 0);
    tcp_connect_again();
    stream.length = 0;
    put_frame(false, 1, 1, text, 70000);
    put_frame(true, 8, 0, "", 0);
    put_frame(true, 0, 1, text, 40);
    put_frame(true, 2, 1, expected[3], strlen(expected[3]));
    tcp_send_stream(50000);
    ck_assert_int_eq(n_found, 2);
    ck_assert_uint_eq(found[0].message.flags, WIRE_FLAG_TRUNCATED);
    tcp_assert_found(1, expected[3], 0);
    ck_assert_uint_eq(wire_decap_counters(decap).stream_resyncs, 0);
    tcp_connect_again();
    static const char tight[] = "GET / HTTP/1.1\r\nSec-WebSocket-Protocol:chat,sip\r\n\r\n";
    stream.length = 0;
    put(&stream, tight, sizeof tight - 1);
    put_frame(true, 1, 5, expected[3], strlen(expected[3]));
    tcp_send_stream(7);
    ck_assert_int_eq(n_found, 1);
}
END_TEST

Suite *websocket_suite(void) {
    Suite *suite = suite_create("websocket");
    TCase *websocket = tcase_create("websocket");
    tcase_add_checked_fixture(websocket, tcp_set_up, tcp_tear_down);
    tcase_add_test(websocket, websocket_cut_at_every_byte);
    tcase_add_test(websocket, websocket_in_any_order);
    tcase_add_test(websocket, websocket_without_its_start);
    tcase_add_test(websocket, websocket_that_cannot_be_read);
    tcase_add_test(websocket, websocket_messages_that_are_too_long);
    tcase_add_test(websocket, websocket_at_its_bounds);
    suite_add_tcase(suite, websocket);
    return suite;
}
