/* SIP in TCP streams: every way to cut, shuffle, repeat and lose segments.
 * Relies on: tests/wire/connection.h, data/wire/{segments,streams,stream_table}.h, Check.
 * Relied on by: ctest. */
#include "data/wire/segments.h"
#include "data/wire/stream_table.h"
#include "data/wire/streams.h"
#include "tests/wire/connection.h"
#include "tests/wire/suites.h"
#include "tests/wire/support.h"

#include <stdio.h>
#include <stdlib.h>

START_TEST(a_cut_at_every_byte) {
    char address[WIRE_ADDRESS_TEXT_MAX];
    tcp_make_stream();
    for (int syn = 0; syn < 2; syn++) {
        for (uint32_t cut = 1; cut < stream.length; cut++) {
            tcp_connect_again();
            uint32_t base = 0xffffff00u + cut; /* sequence numbers wrap on the way */
            if (syn) tcp_send(base - 1, SYN, NULL, 0);
            tcp_send(base, ACK, stream.data, cut);
            for (int i = 0; i < n_found; i++)
                ck_assert_uint_eq(found[i].message.frame, frames);
            int first = n_found;
            WirePacketFate fate = tcp_send(base + cut, ACK, stream.data + cut, stream.length - cut);
            ck_assert_int_eq(fate, WIRE_PACKET_SIP);
            tcp_assert_all("cut at", (int)cut);
            for (int i = 0; i < MESSAGES; i++)
                ck_assert_int_eq(ends[i] <= cut, i < first);
        }
    }
    ck_assert_uint_eq(wire_decap_counters(decap).stream_resyncs, 0);
    ck_assert_str_eq(wire_address_text(&found[0].message.source, false, address, sizeof address), "10.0.0.1");
}
END_TEST

START_TEST(segments_of_every_size) {
    tcp_make_stream();
    for (uint32_t size = 1; size < 300; size = size < 20 ? size + 1 : size + 17) {
        tcp_start();
        for (uint32_t at = 0; at < stream.length; at += size) {
            uint32_t left = (uint32_t)stream.length - at;
            tcp_send(at, ACK, stream.data + at, left < size ? left : size);
        }
        tcp_assert_all("size", (int)size);
        tcp_finish();
        ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_BAD_STREAM], 0);
    }
}
END_TEST

START_TEST(segments_in_any_order) {
    uint64_t random = 7;
    tcp_make_stream();
    for (int round = 0; round < 400; round++) {
        tcp_connect_again();
        uint32_t base = (uint32_t)next_random(&random);
        tcp_send(base - 1, SYN, NULL, 0);
        tcp_shuffle_and_send(&random, base, round % 2);
        tcp_assert_all("order", round);
        WireCounters counters = wire_decap_counters(decap);
        ck_assert_uint_eq(counters.stream_gaps + counters.stream_resyncs, 0);
        ck_assert_uint_eq(counters.fate[WIRE_PACKET_BAD_STREAM], 0);
    }
}
END_TEST

START_TEST(retransmissions_say_nothing_new) {
    tcp_make_stream();
    ck_assert_int_eq(tcp_send(1000, ACK, stream.data, 100), WIRE_PACKET_HELD);
    ck_assert_int_eq(tcp_send(1000, ACK, stream.data, 100), WIRE_PACKET_REPEATED);
    ck_assert_int_eq(tcp_send(1050, ACK, stream.data + 50, stream.length - 50), WIRE_PACKET_SIP);
    tcp_assert_all("repeated", 0);
    ck_assert_int_eq(tcp_send(1000, ACK, stream.data, stream.length), WIRE_PACKET_REPEATED);
    ck_assert_int_eq(tcp_send(999, ACK, "", 1), WIRE_PACKET_REPEATED); /* TCP's own keep-alive */
    ck_assert_int_eq(tcp_send(1000 + (uint32_t)stream.length, FIN | ACK, NULL, 0), WIRE_PACKET_OTHER);
    ck_assert_int_eq(tcp_send(1000, ACK, stream.data, stream.length), WIRE_PACKET_REPEATED);
    ck_assert_int_eq(n_found, MESSAGES);
}
END_TEST

START_TEST(the_first_copy_of_a_byte_wins) {
    static char other[4096];
    const char *text = tcp_request("first", "Content-Length", "body of the first copy");
    uint32_t length = (uint32_t)strlen(text);
    memset(other, 'X', sizeof other);
    tcp_send(999, SYN, NULL, 0);
    tcp_send(1000, ACK, text, 100);
    tcp_send(1200, ACK, text + 200, length - 200); /* behind a hole */
    ck_assert_int_eq(tcp_send(1000, ACK, other, 50), WIRE_PACKET_REPEATED);
    ck_assert_int_eq(tcp_send(1210, ACK, other, 30), WIRE_PACKET_REPEATED);
    ck_assert_int_eq(tcp_send(1050, ACK, text + 50, 50), WIRE_PACKET_REPEATED);
    ck_assert_int_eq(n_found, 0);
    memcpy(other + 50, text + 100, 100);
    ck_assert_int_eq(tcp_send(1050, ACK, other, 160),
                     WIRE_PACKET_SIP); /* differs before and behind what it fills */
    ck_assert_int_eq(n_found, 1);
    tcp_assert_found(0, text, WIRE_FLAG_OVERLAP);
    text = tcp_request("second", "l", "");
    ck_assert_int_eq(tcp_send_text(1000 + length, text), WIRE_PACKET_SIP);
    tcp_assert_found(1, text, 0);
}
END_TEST

/* ---- loss ---- */

/* Three messages; the middle of the second is lost. */
static uint32_t lose_a_piece(const char *texts[3]) {
    texts[0] = tcp_request("whole", "l", "abc");
    texts[1] = tcp_request("holed", "l", "abc");
    texts[2] = tcp_request("behind", "l", "abc");
    uint32_t length = (uint32_t)strlen(texts[0]);
    ck_assert_int_eq(tcp_send_text(1000, texts[0]), WIRE_PACKET_SIP);
    ck_assert_int_eq(tcp_send(1000 + length, ACK, texts[1], 150), WIRE_PACKET_HELD);
    uint32_t at = 1000 + length + (uint32_t)strlen(texts[1]);
    ck_assert_int_eq(tcp_send_text(at, texts[2]), WIRE_PACKET_HELD);
    ck_assert_int_eq(n_found, 1);
    return at + (uint32_t)strlen(texts[2]);
}

static void assert_cut_and_behind(const char *texts[3]) {
    char cut[256];
    snprintf(cut, sizeof cut, "%.150s", texts[1]);
    ck_assert_int_eq(n_found, 3);
    tcp_assert_found(1, cut, WIRE_FLAG_TRUNCATED);
    tcp_assert_found(2, texts[2], 0);
    ck_assert_uint_eq(found[1].message.frame, frames);
    ck_assert_uint_eq(found[1].message.index, 0);
    ck_assert_uint_eq(found[2].message.frame, frames);
    ck_assert_uint_eq(found[2].message.index, 1);
    ck_assert_uint_eq(wire_decap_counters(decap).stream_gaps, 1);
}

START_TEST(a_hole_that_the_receiver_acknowledged_is_lost) {
    const char *texts[3];
    uint32_t end = lose_a_piece(texts);
    ck_assert_int_eq(tcp_acknowledge(1000 + (uint32_t)strlen(texts[0])),
                     WIRE_PACKET_OTHER); /* up to the hole */
    ck_assert_int_eq(n_found, 1);
    ck_assert_int_eq(tcp_acknowledge(end), WIRE_PACKET_OTHER);
    assert_cut_and_behind(texts);
    ck_assert_int_eq(tcp_send_text(end, texts[0]), WIRE_PACKET_SIP);
    tcp_assert_found(3, texts[0], 0);
}
END_TEST

START_TEST(a_hole_that_stays_is_lost) {
    const char *texts[3];
    uint32_t end = lose_a_piece(texts);
    now_ns += INT64_C(2900000000);
    ck_assert_int_eq(tcp_send(end, ACK, "\r\n", 2), WIRE_PACKET_HELD);
    ck_assert_int_eq(n_found, 1);
    now_ns += INT64_C(200000000);
    ck_assert_int_eq(tcp_send(end + 2, ACK, "\r\n", 2), WIRE_PACKET_SIP);
    assert_cut_and_behind(texts);
}
END_TEST

/* Somebody else's packet shows that the time is over. */
START_TEST(a_stream_does_not_hold_for_ever) {
    const char *texts[3];
    (void)lose_a_piece(texts);
    tcp_make_segment(false, 50000, 1, 0, ACK, "x", 1);
    now_ns += (WIRE_STREAM_SECONDS - 1) * INT64_C(1000000000);
    ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_HELD);
    ck_assert_int_eq(n_found, 1);
    tcp_make_segment(false, 50001, 1, 0, ACK, "\x16\3\1", 3);
    now_ns += INT64_C(1000000000);
    ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_OTHER);
    assert_cut_and_behind(texts);
    WireCounters before = wire_decap_counters(decap);
    ck_assert_uint_eq(before.fate[WIRE_PACKET_HELD], 3); /* those that became messages, and the "x" */
    now_ns += WIRE_STREAM_SECONDS * INT64_C(1000000000);
    ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_OTHER);
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_HELD], 2);
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_OTHER], before.fate[WIRE_PACKET_OTHER] + 2);
}
END_TEST

START_TEST(the_end_of_the_capture_shows_what_waited) {
    const char *texts[3];
    (void)lose_a_piece(texts);
    tcp_send(1, ACK, NULL, 0);
    tcp_finish();
    assert_cut_and_behind(texts);
    tcp_start();
    ck_assert_int_eq(tcp_send(1, ACK, texts[0], 100), WIRE_PACKET_HELD);
    tcp_finish();
    ck_assert_int_eq(n_found, 0);
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_HELD], 0);
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_BAD_STREAM], 1);
}
END_TEST

/* Each segment of a stream lost in turn, with acknowledgements: everything that the lost one did not touch is
 * found, and nothing else. */
START_TEST(any_one_segment_lost) {
    tcp_make_stream();
    for (uint32_t size = 37; size < 700; size += 61) {
        for (uint32_t lost = 0; lost < stream.length; lost += size) {
            tcp_connect_again();
            tcp_send(999, SYN, NULL, 0);
            for (uint32_t at = 0; at < stream.length; at += size) {
                uint32_t left = (uint32_t)stream.length - at, length = left < size ? left : size;
                if (at != lost) tcp_send(1000 + at, ACK, stream.data + at, length);
                tcp_acknowledge(1000 + at + length);
            }
            for (int i = 0; i < MESSAGES; i++) {
                bool whole = false, touched = lost < ends[i] && lost + size > ends[i] - strlen(expected[i]);
                for (int j = 0; j < n_found; j++)
                    whole = whole || (found[j].message.length == strlen(expected[i]) &&
                                      memcmp(found[j].bytes, expected[i], strlen(expected[i])) == 0);
                /* The last message starts on the line on which the one before it ends; without its length
                 * only the start of a line is looked at. */
                bool hidden = i == 3 && lost < ends[2] && lost + size > ends[2] - strlen(expected[2]);
                /* The first segment: not known to be SIP before a whole start line is seen. */
                hidden = hidden || lost == 0;
                if (!hidden) ck_assert_msg(whole == !touched, "size %u lost %u message %d", size, lost, i);
            }
        }
    }
}
END_TEST

START_TEST(a_capture_that_starts_in_the_middle) {
    const char *first = tcp_request("first", "l", "a=b\r\n"), *second = tcp_request("second", "l", "");
    char both[8192];
    snprintf(both, sizeof both, "%s%s", first, second);
    uint32_t length = (uint32_t)strlen(first);
    for (uint32_t at = 60; at < length; at++) { /* before that, no mention of SIP is left in between */
        tcp_connect_again();
        WirePacketFate fate = tcp_send(at, ACK, both + at, strlen(both) - at);
        ck_assert_int_eq(fate, WIRE_PACKET_SIP);
        ck_assert_int_eq(n_found, 1);
        tcp_assert_found(0, second, 0);
    }
}
END_TEST

START_TEST(what_the_capture_cut) {
    const char *text = tcp_request("snap", "l", "0123456789");
    char cut[1024];
    for (uint32_t keep = 70; keep < 40 + strlen(text); keep += 13) {
        tcp_start();
        tcp_make_segment(false, 40000, 1, 0, ACK, text, strlen(text));
        ck_assert_int_eq(tcp_feed_packet(keep), WIRE_PACKET_SIP);
        snprintf(cut, sizeof cut, "%.*s", (int)keep - 40, text);
        ck_assert_int_eq(n_found, 1);
        tcp_assert_found(0, cut, WIRE_FLAG_TRUNCATED);
        ck_assert_int_eq(tcp_send_text(1 + (uint32_t)strlen(text), text), WIRE_PACKET_SIP);
        tcp_assert_found(1, text, 0);
        tcp_finish();
    }
    tcp_make_segment(false, 40000, 1, 0, ACK, text, strlen(text));
    ck_assert_int_eq(tcp_feed_packet(39), WIRE_PACKET_CUT);
    packet.data[20 + 12] = 0x40; /* a header of 16 bytes */
    ck_assert_int_eq(tcp_feed_packet(100), WIRE_PACKET_CUT);
}
END_TEST

/* ---- framing ---- */

START_TEST(damaged_lengths) {
    static const char *const lengths[] = {
        "Content-Length: -1\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length:\r\n",
        "l: 3 3\r\n",
        "",
        "Content-Length: 4294967299\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "l: 131072\r\n",
        "l: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3,3\r\n",
    };
    const char *next = tcp_request("next", "l", "ok");
    char head[512], text[4096];
    uint64_t damaged = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (uint32_t size = 1; size < 2000; size = size * 5 + 3) {
            tcp_connect_again();
            snprintf(head, sizeof head, "BYE sip:a@b SIP/2.0\r\nCall-ID: damaged\r\n%s\r\n", lengths[i]);
            snprintf(text, sizeof text, "%sabc\r\n%s%s", head, next, next);
            for (uint32_t at = 0, end = (uint32_t)strlen(text); at < end; at += size)
                tcp_send(at, ACK, text + at, end - at < size ? end - at : size);
            ck_assert_msg(n_found == 3, "%s in %u: %d", lengths[i], size, n_found);
            tcp_assert_found(0, head, WIRE_FLAG_UNFRAMED);
            tcp_assert_found(1, next, 0);
            tcp_assert_found(2, next, 0);
            ck_assert_uint_eq(wire_decap_counters(decap).stream_resyncs, ++damaged);
        }
    }
}
END_TEST

START_TEST(lengths_that_are_odd_but_clear) {
    static const char *const lengths[] = {
        "Content-Length: 3\r\nl:3\r\n",
        "CONTENT-length \t: 003\r\n",
        "Content-Length:\r\n 3\r\n",
        "Content-Lengthy: 9\r\nX-Content-Length: 9\r\nl: 3\r\n",
        "l: 3 \t\r\n",
    };
    char text[512];
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int bare = 0; bare < 2; bare++) { /* lines that end in LF alone */
            tcp_start();
            snprintf(text, sizeof text, "BYE sip:a@b SIP/2.0%s%s%sabc", bare ? "\n" : "\r\n", lengths[i],
                     bare ? "\n" : "\r\n");
            tcp_send_text(5, text);
            ck_assert_msg(n_found == 1, "%s: %d", lengths[i], n_found);
            tcp_assert_found(0, text, 0);
            ck_assert_uint_eq(wire_decap_counters(decap).stream_resyncs, 0);
            tcp_finish();
        }
    }
}
END_TEST

START_TEST(long_messages_are_cut) {
    static char body[1 << 17];
    char head[128];
    memset(body, 'b', sizeof body);
    static const uint32_t sizes[] = {65535, 65536, 100000, WIRE_FRAMER_MESSAGE_MAX};
    for (int i = 0; i < 8; i++) {
        tcp_start();
        uint32_t whole = sizes[i / 2], length = whole - 60;
        snprintf(head, sizeof head, "BYE sip:a@b SIP/2.0\r\nX: %%0*d\r\nl: %u\r\n\r\n", length);
        char filled[256]; /* exactly 60 bytes of header section */
        snprintf(filled, sizeof filled, "BYE sip:a@b SIP/2.0\r\nX: %0*d\r\nl: %u\r\n\r\n",
                 60 - 21 - 3 - 2 - 3 - 4 - (length > 99999 ? 6 : 5), 0, length);
        ck_assert_uint_eq(strlen(filled), 60);
        stream.length = 0;
        put(&stream, filled, 60);
        put(&stream, body, length);
        tcp_send_stream(i % 2 ? 1400 : 60000);
        ck_assert_int_eq(n_found, 1);
        ck_assert_uint_eq(found[0].message.length, whole < 65535 ? whole : 65535);
        ck_assert_uint_eq(found[0].message.flags, whole > 65535 ? WIRE_FLAG_TRUNCATED : 0);
        ck_assert_uint_eq(found[0].message.frame, frames);
        const char *next = tcp_request("next", "l", "");
        ck_assert_int_eq(tcp_send_text((uint32_t)stream.length, next), WIRE_PACKET_SIP);
        tcp_assert_found(1, next, 0);
        tcp_finish();
    }
}
END_TEST

START_TEST(a_header_section_without_end) {
    const char *next = tcp_request("next", "l", "");
    for (uint32_t size = 900; size < 60000; size += 29000) {
        tcp_start();
        stream.length = 0;
        put(&stream, "OPTIONS sip:a@b SIP/2.0\r\n", 25);
        while (stream.length < 70000)
            put(&stream, "Subject: and so on\r\n", 20);
        put(&stream, "\r\n", 2);
        put(&stream, next, strlen(next));
        tcp_send_stream(size);
        ck_assert_int_eq(n_found, 2);
        ck_assert_uint_eq(found[0].message.length, 65535);
        ck_assert_uint_eq(found[0].message.flags, WIRE_FLAG_UNFRAMED);
        tcp_assert_found(1, next, 0);
        tcp_finish();
    }
}
END_TEST

/* ---- connections ---- */

START_TEST(ports_are_used_again) {
    const char *text = tcp_request("again", "l", "");
    uint32_t length = (uint32_t)strlen(text);
    tcp_send(999, SYN, NULL, 0);
    ck_assert_int_eq(tcp_send_text(1000, text), WIRE_PACKET_SIP);
    ck_assert_int_eq(tcp_send(1000 + length, ACK, text, 50), WIRE_PACKET_HELD);
    ck_assert_int_eq(tcp_send(0x70000000, SYN, NULL, 0), WIRE_PACKET_OTHER);
    ck_assert_int_eq(tcp_send(0x70000001, ACK, text, 20), WIRE_PACKET_HELD);
    ck_assert_int_eq(tcp_send(0x70000015, ACK, text + 20, length - 20), WIRE_PACKET_SIP);
    tcp_assert_found(1, text, 0);
    WireCounters counters = wire_decap_counters(decap);
    ck_assert_uint_eq(counters.fate[WIRE_PACKET_BAD_STREAM],
                      1); /* the half message of the first connection */
    /* Without a SYN: the first segment of the new connection is lost on us, the second is followed. */
    ck_assert_int_eq(tcp_send_text(0x10000000, text), WIRE_PACKET_BAD_STREAM);
    ck_assert_int_eq(tcp_send_text(0x10000000 + length, text), WIRE_PACKET_SIP);
    ck_assert_int_eq(n_found, 3);
}
END_TEST

START_TEST(forged_segments_do_not_derail) {
    const char *text = tcp_request("true", "l", "body");
    uint32_t length = (uint32_t)strlen(text), at = 1000;
    tcp_send(999, SYN, NULL, 0);
    for (int i = 0; i < 8; i++) {
        tcp_send(at, ACK, text, 100);
        switch (i) {
        case 0: tcp_send(0x20000000, SYN, NULL, 0); break;
        case 1: tcp_send(0x20000000, RST, NULL, 0); break;
        case 2: tcp_send(at + 50, RST, NULL, 0); break;
        case 3: tcp_send(at + 5000, FIN | ACK, NULL, 0); break;
        case 4: tcp_send(0x20000000, ACK, text, length); break;
        case 5: tcp_send(at - 0x20000000, ACK, text, length); break;
        case 6: tcp_acknowledge(at + 0x20000000); break;
        default: tcp_acknowledge(at - 5000); break;
        }
        tcp_send(at + 100, ACK, text + 100, length - 100);
        ck_assert_msg(n_found == i + 1, "case %d: %d messages", i, n_found);
        tcp_assert_found(i, text, 0);
        at += length;
    }
}
END_TEST

START_TEST(a_connection_that_ends_in_a_message) {
    const char *text = tcp_request("never", "l", "body");
    static const unsigned flags[] = {FIN | ACK, RST, FIN | ACK};
    for (int i = 0; i < 3; i++) {
        tcp_start();
        ck_assert_int_eq(tcp_send(1, ACK, text, 100), WIRE_PACKET_HELD);
        if (i < 2)
            tcp_send(101, flags[i], NULL, 0);
        else
            tcp_send(101, flags[i], text + 100, 20);
        ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_HELD], 0);
        ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_BAD_STREAM], i < 2 ? 1 : 2);
        tcp_finish();
        ck_assert_int_eq(n_found, 0);
    }
}
END_TEST

START_TEST(much_is_lost_and_acknowledged) {
    const char *text = tcp_request("far", "l", "");
    uint32_t length = (uint32_t)strlen(text), far = 50000000;
    tcp_send_text(1000, text);
    tcp_acknowledge(1000 + length);
    tcp_acknowledge(far + length);
    ck_assert_int_eq(tcp_send_text(far, text), WIRE_PACKET_SIP);
    ck_assert_int_eq(tcp_send_text(far + length, text), WIRE_PACKET_SIP);
    ck_assert_int_eq(n_found, 3);
    ck_assert_uint_eq(wire_decap_counters(decap).stream_gaps, 1);
}
END_TEST

/* Other protocols, with SIP in what they carry. */
START_TEST(other_streams_are_left_alone) {
    static const char *const starts[] = {
        "GET /a HTTP/1.1\r\nHost: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "\x16\3\1\2\0\1\0",
        "SSH-2.0-x\r\n",
        "EHLO mail\r\n",
        "{\"a\": 1}",
        "GET /chat HTTP/1.1\r\nSec-WebSocket-Protocol: chat, sipx\r\n\r\n",
        "RTSP/1.0 200 OK\r\n\r\n",
    };
    char text[4096];
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        uint32_t length = (uint32_t)strlen(starts[i]);
        tcp_start();
        tcp_send(0, SYN, NULL, 0);
        tcp_send(1, ACK, starts[i], length);
        snprintf(text, sizeof text, "see\r\n\r\n%s", tcp_request("quoted", "l", ""));
        ck_assert_int_eq(tcp_send_text(1 + length, text), WIRE_PACKET_OTHER);
        ck_assert_msg(n_found == 0, "%s", starts[i]);
        tcp_finish();
        ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_OTHER], 3);
    }
}
END_TEST

/* 10,000 connections hold half a message each: memory stays bounded, everything has a fate, and the one that
 * is honest is not pushed out. */
START_TEST(bounds) {
    static char half[3000];
    const char *text = tcp_request("honest", "l", "body");
    uint32_t length = (uint32_t)strlen(text), at = 1;
    snprintf(half, sizeof half, "INVITE sip:a@b SIP/2.0\r\nX: ");
    memset(half + strlen(half), 'x', sizeof half - strlen(half));
    for (unsigned i = 0; i < 10000; i++) {
        tcp_make_segment(false, 1000 + i, 5, 0, ACK, half, sizeof half);
        now_ns -= 1000000;
        ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_HELD);
        tcp_make_segment(false, 20000 + i, 5, 0, SYN, NULL, 0);
        tcp_feed_packet((uint32_t)packet.length);
        if (i % 100) continue;
        tcp_send(at, ACK, text, 100);
        tcp_send(at + 100, ACK, text + 100, length - 100);
        ck_assert_int_eq(n_found, 1);
        tcp_forget();
        at += length;
    }
    WireCounters counters = wire_decap_counters(decap);
    uint64_t cost = 4096 + 512; /* of 3,000 bytes */
    ck_assert_uint_ge(counters.fate[WIRE_PACKET_BAD_STREAM], 10000 - WIRE_STREAM_BYTES / cost - 1);
    ck_assert_uint_le(counters.fate[WIRE_PACKET_BAD_STREAM], 10000 - WIRE_STREAM_BYTES / cost + 1);
    n_found = 0;
    wire_decap_finish(decap);
    tcp_take_messages();
    ck_assert_int_eq(n_found, 0);
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_HELD], 100);
    tcp_assert_identity();
    tcp_start();
}
END_TEST

START_TEST(copies_of_a_mirror_port) {
    tcp_make_stream();
    ck_assert_int_eq(tcp_send(1, ACK, stream.data, 200), WIRE_PACKET_HELD);
    now_ns -= 900000;
    packet.data[8]--;       /* TTL */
    packet.data[20 + 16]++; /* checksum */
    ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_DUPLICATE);
    ck_assert_int_eq(tcp_send(201, ACK, stream.data + 200, stream.length - 200), WIRE_PACKET_SIP);
    now_ns -= 900000;
    ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_DUPLICATE);
    tcp_assert_all("mirror", 0);
}
END_TEST

START_TEST(fragments_and_version_6) {
    const char *text = tcp_request("six", "l", "");
    tcp_make_segment(false, 40000, 1, 0, ACK, text, strlen(text));
    make_ip6(&packet, 6, segment.data, segment.length);
    ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_SIP);
    tcp_assert_found(0, text, 0);
    make_ip4(&packet, 6, 9, 0, true, segment.data, 64);
    ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_HELD);
    make_ip4(&packet, 6, 9, 64, false, segment.data + 64, segment.length - 64);
    ck_assert_int_eq(tcp_feed_packet((uint32_t)packet.length), WIRE_PACKET_SIP);
    tcp_assert_found(1, text, WIRE_FLAG_FRAGMENTED);
}
END_TEST

/* ---- the buffer, against a model that keeps everything ---- */

START_TEST(segments_against_a_model) {
    enum { SIZE = 20000 };
    static uint8_t data[SIZE], seen[SIZE], copy[512];
    uint64_t random = 3;
    for (uint32_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)next_random(&random);
    for (int round = 0; round < 60; round++) {
        uint32_t base = (uint32_t)next_random(&random), tail = 0, taken = 0;
        WireSegments segments = {.next = base};
        memset(seen, 0, sizeof seen);
        while (tail < SIZE) {
            uint32_t at = tail > 600 ? tail - (uint32_t)(next_random(&random) % 600) : 0;
            at += (uint32_t)(next_random(&random) % 1200);
            uint32_t length = 1 + (uint32_t)(next_random(&random) % sizeof copy);
            if (at >= SIZE) continue;
            if (length > SIZE - at) length = SIZE - at;
            bool fresh, any = false;
            for (uint32_t i = at; i < at + length; i++) {
                any = any || !seen[i];
                copy[i - at] = seen[i] ? (uint8_t)~data[i] : data[i]; /* a second copy is another one */
                seen[i] = 1;
            }
            ck_assert(wire_segments_add(&segments, base + at, copy, length, &fresh));
            ck_assert_int_eq(fresh, any);
            while (tail < SIZE && seen[tail])
                tail++;
            ck_assert_uint_eq(segments.next - base, tail);
            ck_assert_uint_eq(segments.tail - segments.head, tail - taken);
            ck_assert_mem_eq(segments.bytes + segments.head, data + taken, tail - taken);
            if (next_random(&random) % 3) continue;
            uint32_t take = (uint32_t)(next_random(&random) % (tail - taken + 1));
            segments.head += take;
            taken += take;
            ck_assert_uint_le(segments.capacity, 16384);
        }
        wire_segments_clear(&segments);
        ck_assert_uint_eq(segments.next, base + SIZE);
    }
}
END_TEST

/* Holes of every small size at every position in a byte of the bitmap. */
START_TEST(segments_behind_a_hole) {
    bool fresh;
    for (uint32_t before = 0; before < 20; before++) {
        for (uint32_t hole = 1; hole < 40; hole++) {
            WireSegments segments = {.next = 7};
            const uint8_t bytes[20] = "0123456789abcdefghi", *behind = bytes + 3;
            ck_assert(wire_segments_add(&segments, 7, bytes, before, &fresh));
            ck_assert(wire_segments_add(&segments, 7 + before + hole, behind, 9, &fresh));
            ck_assert(
                wire_segments_add(&segments, 7 + before + hole + 10, behind, 2, &fresh)); /* and another */
            for (int i = 0; i < 2; i++) {
                uint32_t length = i ? 2 : 9, end = 7 + before + hole + (i ? 12 : 9);
                ck_assert(wire_segments_have_hole(&segments));
                wire_segments_skip_hole(&segments);
                ck_assert_uint_eq(segments.next, end);
                ck_assert_uint_eq(segments.tail - segments.head, length);
                ck_assert_mem_eq(segments.bytes + segments.head, behind, length);
            }
            ck_assert(!wire_segments_have_hole(&segments));
            wire_segments_clear(&segments);
        }
    }
}
END_TEST

Suite *streams_suite(void) {
    Suite *suite = suite_create("streams");
    TCase *tcp = tcase_create("tcp");
    tcase_add_checked_fixture(tcp, tcp_set_up, tcp_tear_down);
    tcase_add_test(tcp, a_cut_at_every_byte);
    tcase_add_test(tcp, segments_of_every_size);
    tcase_add_test(tcp, segments_in_any_order);
    tcase_add_test(tcp, retransmissions_say_nothing_new);
    tcase_add_test(tcp, the_first_copy_of_a_byte_wins);
    tcase_add_test(tcp, a_hole_that_the_receiver_acknowledged_is_lost);
    tcase_add_test(tcp, a_hole_that_stays_is_lost);
    tcase_add_test(tcp, a_stream_does_not_hold_for_ever);
    tcase_add_test(tcp, the_end_of_the_capture_shows_what_waited);
    tcase_add_test(tcp, any_one_segment_lost);
    tcase_add_test(tcp, a_capture_that_starts_in_the_middle);
    tcase_add_test(tcp, what_the_capture_cut);
    tcase_add_test(tcp, damaged_lengths);
    tcase_add_test(tcp, lengths_that_are_odd_but_clear);
    tcase_add_test(tcp, long_messages_are_cut);
    tcase_add_test(tcp, a_header_section_without_end);
    tcase_add_test(tcp, ports_are_used_again);
    tcase_add_test(tcp, forged_segments_do_not_derail);
    tcase_add_test(tcp, a_connection_that_ends_in_a_message);
    tcase_add_test(tcp, much_is_lost_and_acknowledged);
    tcase_add_test(tcp, other_streams_are_left_alone);
    tcase_add_test(tcp, bounds);
    tcase_add_test(tcp, copies_of_a_mirror_port);
    tcase_add_test(tcp, fragments_and_version_6);
    tcase_add_test(tcp, segments_against_a_model);
    tcase_add_test(tcp, segments_behind_a_hole);
    suite_add_tcase(suite, tcp);
    return suite;
}
