/* Frames of every link layer, tunnels, fragments, duplicates, and the counters' identity.
 * Relies on: data/wire/decap.h, Check.
 * Relied on by: ctest. */
#include "data/wire/decap.h"
#include "data/wire/fragments.h"
#include "tests/wire/frames.h"
#include "tests/wire/suites.h"
#include "tests/wire/support.h"

#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>

static WireDecap *decap;
static WireMessage message;
static Bytes udp, ip, frame;
static uint64_t frames;
static int64_t now_ns;

static void set_up(void) {
    ck_assert_int_eq(wire_decap_new(&decap, NULL), CORE_OK);
    frames = 0;
    now_ns = INT64_C(1700000000000000000);
}

static void assert_identity(void) {
    WireCounters counters = wire_decap_counters(decap);
    uint64_t sum = 0;
    for (int i = 0; i < WIRE_PACKET_FATES; i++)
        sum += counters.fate[i];
    ck_assert_uint_eq(sum, counters.packets);
    ck_assert_uint_eq(counters.packets, frames);
    ck_assert_uint_eq(counters.messages, counters.fate[WIRE_PACKET_SIP]);
}

static void tear_down(void) {
    assert_identity();
    wire_decap_finish(decap);
    assert_identity();
    wire_decap_free(decap);
}

/* Each frame 10 ms after the last: too far apart to be duplicates. */
static WirePacketFate feed(int link_type, const Bytes *bytes) {
    WireFrame one = {
        .bytes = guarded_copy(bytes->data, bytes->length, true),
        .captured = (uint32_t)bytes->length,
        .link_type = link_type,
        .time_ns = now_ns += 10000000,
        .number = ++frames,
    };
    WirePacketFate fate = wire_decap_frame(decap, &one);
    ck_assert_int_eq(wire_decap_next(decap, &message), fate == WIRE_PACKET_SIP);
    return fate;
}

static void make_request(const char *call_id) {
    const char *text = request_with_call_id(call_id);
    make_udp(&udp, text, strlen(text));
}

static void assert_delivered(const char *call_id, uint32_t flags) {
    const char *text = request_with_call_id(call_id);
    ck_assert_uint_eq(message.length, strlen(text));
    ck_assert_mem_eq(message.bytes, text, message.length);
    ck_assert_uint_eq(message.flags, flags);
    ck_assert_uint_eq(message.frame, frames);
    ck_assert_uint_eq(message.index, 0);
    ck_assert_int_eq(message.time_ns, now_ns);
    ck_assert_int_eq(message.source.port, 5060);
    ck_assert_int_eq(message.destination.port, 5080);
}

static void assert_addresses(const char *source, const char *destination) {
    char text[WIRE_ADDRESS_TEXT_MAX];
    ck_assert_str_eq(wire_address_text(&message.source, false, text, sizeof text), source);
    ck_assert_str_eq(wire_address_text(&message.destination, false, text, sizeof text), destination);
}

/* Ethernet with `tags` (each "type, tag control") before the IP type. */
static void make_ethernet(const unsigned *tags, int count, unsigned type, const Bytes *payload) {
    static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    frame.length = 0;
    put(&frame, addresses, sizeof addresses);
    for (int i = 0; i < count; i++) {
        put16(&frame, tags[i]);
        put16(&frame, 100);
    }
    put16(&frame, type);
    put(&frame, payload->data, payload->length);
}

START_TEST(ethernet_and_tags) {
    static const unsigned tags[] = {0x88a8, 0x8100, 0x9100, 0x8100, 0x8100, 0x8100, 0x8100, 0x8100, 0x8100};
    make_request("eth");
    make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
    for (int count = 0; count <= 9; count++) {
        make_ethernet(tags, count, 0x0800, &ip);
        ck_assert_int_eq(feed(DLT_EN10MB, &frame), count <= 8 ? WIRE_PACKET_SIP : WIRE_PACKET_OTHER);
        if (count <= 8) assert_delivered("eth", 0);
    }
    assert_addresses("10.0.0.1", "10.0.0.2");
    make_ethernet(NULL, 0, 0x0806, &ip);
    ck_assert_int_eq(feed(DLT_EN10MB, &frame), WIRE_PACKET_OTHER);
    make_ip6(&ip, 17, udp.data, udp.length);
    make_ethernet(tags, 1, 0x86dd, &ip);
    ck_assert_int_eq(feed(DLT_EN10MB, &frame), WIRE_PACKET_SIP);
    assert_delivered("eth", 0);
    assert_addresses("fd66::1", "fd66::2");
}
END_TEST

START_TEST(pppoe) {
    static Bytes session;
    make_request("ppp");
    make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
    session.length = 0;
    put16(&session, 0x1100);
    put16(&session, 7);
    put16(&session, (unsigned)ip.length + 2);
    put16(&session, 0x0021);
    put(&session, ip.data, ip.length);
    make_ethernet(NULL, 0, 0x8864, &session);
    ck_assert_int_eq(feed(DLT_EN10MB, &frame), WIRE_PACKET_SIP);
    assert_delivered("ppp", 0);
    session.data[7] = 0x23; /* not IP */
    make_ethernet(NULL, 0, 0x8864, &session);
    ck_assert_int_eq(feed(DLT_EN10MB, &frame), WIRE_PACKET_OTHER);
}
END_TEST

/* Padding of short Ethernet frames is no part of the message. */
START_TEST(padding_is_cut) {
    make_udp(&udp, "BYE sip:a SIP/2.0", 17);
    make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
    put(&ip, "\0\0\0\0\0\0", 6);
    make_ethernet(NULL, 0, 0x0800, &ip);
    ck_assert_int_eq(feed(DLT_EN10MB, &frame), WIRE_PACKET_SIP);
    ck_assert_uint_eq(message.length, 17);
    ck_assert_uint_eq(message.flags, 0);
}
END_TEST

START_TEST(cooked_raw_and_loopback) {
    static const uint8_t cooked[14] = {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0};
    make_request("link");
    make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
    frame.length = 0;
    put(&frame, cooked, sizeof cooked);
    put16(&frame, 0x0800);
    put(&frame, ip.data, ip.length);
    ck_assert_int_eq(feed(DLT_LINUX_SLL, &frame), WIRE_PACKET_SIP);
    assert_delivered("link", 0);
    frame.length = 0;
    put16(&frame, 0x0800);
    put(&frame, cooked, sizeof cooked);
    put32(&frame, 0);
    put(&frame, ip.data, ip.length);
    ck_assert_int_eq(feed(DLT_LINUX_SLL2, &frame), WIRE_PACKET_SIP);
    assert_delivered("link", 0);
    static const int raw[] = {DLT_RAW, DLT_IPV4};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(feed(raw[i], &ip), WIRE_PACKET_SIP);
        assert_delivered("link", 0);
    }
    for (int order = 0; order < 2; order++) {
        frame.length = 0;
        if (order == 0)
            put32(&frame, 2);
        else
            put_le32(&frame, 2);
        put(&frame, ip.data, ip.length);
        ck_assert_int_eq(feed(order == 0 ? DLT_LOOP : DLT_NULL, &frame), WIRE_PACKET_SIP);
        assert_delivered("link", 0);
    }
    frame.data[0] = 99;
    ck_assert_int_eq(feed(DLT_NULL, &frame), WIRE_PACKET_LINK);
    ip.data[0] = 0x50;
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_LINK);
    ck_assert_int_eq(feed(DLT_IEEE802_11, &ip), WIRE_PACKET_LINK);
    ck_assert(!wire_link_supported(DLT_IEEE802_11));
    static const int all[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW,
                              DLT_IPV4,   DLT_IPV6,      DLT_NULL,       DLT_LOOP};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ck_assert(wire_link_supported(all[i]));
    make_ip6(&ip, 17, udp.data, udp.length);
    ck_assert_int_eq(feed(DLT_IPV6, &ip), WIRE_PACKET_SIP);
    assert_addresses("fd66::1", "fd66::2");
}
END_TEST

START_TEST(extension_headers) {
    static Bytes chain;
    make_request("ext");
    chain.length = 0;
    put(&chain, "\x3c\x00\x01\x04\0\0\0\0", 8);                  /* hop-by-hop, then destination options */
    put(&chain, "\x33\x01\x01\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* destination options, then AH */
    put(&chain, "\x2c\x04\0\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 24); /* AH, then an atomic fragment */
    put(&chain, "\x11\0\0\0\0\0\0\x09", 8);
    put(&chain, udp.data, udp.length);
    make_ip6(&ip, 0, chain.data, chain.length);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
    assert_delivered("ext", 0);
    make_ip6(&ip, 50, chain.data, chain.length); /* ESP: nothing to see */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_OTHER);
    chain.length = 0;
    for (int i = 0; i < 100; i++)
        put(&chain, "\x3c\0\0\0\0\0\0\0", 8);
    make_ip6(&ip, 60, chain.data, chain.length);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_OTHER);
}
END_TEST

START_TEST(tunnels) {
    static Bytes inner;
    make_request("tun");
    make_ip4(&inner, 17, 1, 0, false, udp.data, udp.length);
    for (int depth = 1; depth <= 4; depth++) {
        if (depth % 2)
            make_ip6(&ip, 4, inner.data, inner.length);
        else
            make_ip4(&ip, 41, 9, 0, false, inner.data, inner.length);
        ck_assert_int_eq(feed(DLT_RAW, &ip), depth < 4 ? WIRE_PACKET_SIP : WIRE_PACKET_OTHER);
        if (depth < 4) assert_delivered("tun", WIRE_FLAG_TUNNELLED);
        inner = ip;
    }
}
END_TEST

START_TEST(what_is_not_sip) {
    make_udp(&udp, "\x80\x00\x01\x02", 4);
    make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_OTHER);
    make_request("sctp");
    make_ip4(&ip, 132, 1, 0, false, udp.data, udp.length);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_OTHER);
    static Bytes error; /* an ICMP error that quotes a request */
    make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
    error.length = 0;
    put(&error, "\x03\x03\0\0\0\0\0\0", 8);
    put(&error, ip.data, ip.length);
    make_ip4(&ip, 1, 1, 0, false, error.data, error.length);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_OTHER);
}
END_TEST

/* Every shorter capture of a frame has a fate, and none reads outside (guarded_copy). */
START_TEST(cut_captures) {
    make_request("cut");
    for (int version = 4; version <= 6; version += 2) {
        if (version == 4)
            make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
        else
            make_ip6(&ip, 17, udp.data, udp.length);
        make_ethernet(NULL, 0, version == 4 ? 0x0800 : 0x86dd, &ip);
        size_t whole = frame.length, headers = 14 + (version == 4 ? 20 : 40) + 8;
        for (frame.length = 0; frame.length < whole; frame.length++) {
            WirePacketFate fate = feed(DLT_EN10MB, &frame);
            if (frame.length < headers) ck_assert_int_eq(fate, WIRE_PACKET_CUT);
            if (frame.length < headers + 36) continue;
            ck_assert_int_eq(fate, WIRE_PACKET_SIP);
            ck_assert_uint_eq(message.flags, WIRE_FLAG_TRUNCATED);
            ck_assert_uint_eq(message.length, frame.length - headers);
        }
    }
}
END_TEST

START_TEST(lying_lengths) {
    make_request("lie");
    make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
    ip.data[2] = ip.data[3] = 0; /* total length 0: left to the network card */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
    assert_delivered("lie", 0);
    ip.data[3] = 10; /* less than the header */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_CUT);
    make_ip4(&ip, 17, 1, 0, false, udp.data, udp.length);
    ip.data[24] = 0xff; /* UDP says it is longer */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
    assert_delivered("lie", WIRE_FLAG_TRUNCATED);
    ip.data[24] = 0;
    ip.data[25] = 8 + 40; /* UDP says it is shorter */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
    ck_assert_uint_eq(message.length, 40);
    ip.data[0] = 0x4f; /* header longer than the packet */
    ip.length = 40;
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_CUT);
}
END_TEST

/* Pieces of `size` bytes of the UDP datagram, piece number `index`; false behind the end. */
static bool make_piece(int version, size_t size, size_t index) {
    size_t offset = size * index;
    if (offset >= udp.length) return false;
    size_t length = udp.length - offset < size ? udp.length - offset : size;
    bool more = offset + length < udp.length;
    if (version == 4)
        make_ip4(&ip, 17, 77, offset, more, udp.data + offset, length);
    else
        make_ip6_fragment(&ip, 17, 77, offset, more, udp.data + offset, length);
    return true;
}

START_TEST(fragments_in_any_order) {
    static const size_t sizes[] = {8, 16, 64, 104};
    make_request("frag");
    for (int round = 0; round < 24; round++) {
        int version = round % 2 ? 6 : 4, order = round / 2 % 3;
        size_t size = sizes[round / 6], count = (udp.length + size - 1) / size;
        for (size_t i = 0; i < count; i++) {
            size_t index = order == 0 ? i : order == 1 ? count - 1 - i : (i * 7 + 3) % count;
            if (order == 2 && count % 7 == 0) index = i; /* no permutation */
            ck_assert(make_piece(version, size, index));
            WirePacketFate fate = feed(DLT_RAW, &ip);
            ck_assert_int_eq(fate, i + 1 < count ? WIRE_PACKET_HELD : WIRE_PACKET_SIP);
        }
        assert_delivered("frag", WIRE_FLAG_FRAGMENTED);
        assert_addresses(version == 4 ? "10.0.0.1" : "fd66::1", version == 4 ? "10.0.0.2" : "fd66::2");
    }
}
END_TEST

/* Pieces of several datagrams in turn; only identification and (version 4) protocol tell them apart. */
START_TEST(interleaved_datagrams) {
    char call_id[16];
    for (int version = 4; version <= 6; version += 2) {
        for (size_t piece = 0; piece < 2; piece++) {
            for (unsigned i = 0; i < 50; i++) {
                snprintf(call_id, sizeof call_id, "i%02u", i);
                make_request(call_id);
                size_t offset = piece * 64, length = piece ? udp.length - 64 : 64;
                if (version == 4)
                    make_ip4(&ip, 17, i, offset, !piece, udp.data + offset, length);
                else
                    make_ip6_fragment(&ip, 17, i << 24 | i, offset, !piece, udp.data + offset, length);
                ck_assert_int_eq(feed(DLT_RAW, &ip), piece ? WIRE_PACKET_SIP : WIRE_PACKET_HELD);
                if (piece) assert_delivered(call_id, WIRE_FLAG_FRAGMENTED);
            }
        }
    }
    make_request("proto");
    make_ip4(&ip, 6, 7, 0, true, udp.data, 64);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
    make_ip4(&ip, 17, 7, 64, false, udp.data + 64, udp.length - 64);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
}
END_TEST

START_TEST(overlapping_fragments_keep_the_first) {
    make_request("over");
    for (int version = 4; version <= 6; version += 2) {
        /* [0, 64) as sent, [32, 96) with other bytes in its first half, the rest. */
        make_piece(version, 64, 0);
        ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
        uint8_t second[64];
        memset(second, 'X', 32);
        memcpy(second + 32, udp.data + 64, 32);
        if (version == 4)
            make_ip4(&ip, 17, 77, 32, true, second, 64);
        else
            make_ip6_fragment(&ip, 17, 77, 32, true, second, 64);
        ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
        if (version == 4)
            make_ip4(&ip, 17, 77, 96, false, udp.data + 96, udp.length - 96);
        else
            make_ip6_fragment(&ip, 17, 77, 96, false, udp.data + 96, udp.length - 96);
        ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
        assert_delivered("over", WIRE_FLAG_FRAGMENTED | WIRE_FLAG_OVERLAP);
    }
    /* An exact repetition, as of a retransmitting link, is no overlap. */
    make_piece(4, 64, 0);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
    for (size_t i = 1; make_piece(4, 64, i); i++)
        (void)feed(DLT_RAW, &ip);
    assert_delivered("over", WIRE_FLAG_FRAGMENTED);
}
END_TEST

START_TEST(impossible_fragments) {
    make_request("bad");
    make_ip4(&ip, 17, 5, 0, true, udp.data, 13); /* not a multiple of 8 */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_BAD_FRAGMENT);
    make_ip4(&ip, 17, 5, 65528, false, udp.data, 64); /* beyond 65,535 */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_BAD_FRAGMENT);
    make_ip4(&ip, 17, 5, 64, false, udp.data, 0); /* empty */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_BAD_FRAGMENT);
    make_ip4(&ip, 17, 5, 64, false, udp.data + 64, 16); /* ends at 80 ... */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
    make_ip4(&ip, 17, 5, 80, true, udp.data + 80, 16); /* ... but goes on */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_BAD_FRAGMENT);
    make_ip4(&ip, 17, 5, 16, false, udp.data + 16, 16); /* or ends earlier */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_BAD_FRAGMENT);
    make_ip4(&ip, 17, 5, 0, true, udp.data, 64);
    ip.length -= 8; /* the capture cut it */
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_CUT);
}
END_TEST

/* 1,024 datagrams, 4 MiB, 15 s: what is given up was held and is counted as dropped. */
START_TEST(fragment_bounds) {
    static uint8_t zeros[1400];
    for (unsigned id = 0; id < WIRE_FRAGMENT_DATAGRAMS + 10; id++) {
        make_ip4(&ip, 17, id, 0, true, zeros, 16);
        now_ns -= 10000000; /* all at one time */
        ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
    }
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_HELD], WIRE_FRAGMENT_DATAGRAMS);
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_BAD_FRAGMENT], 10);
    now_ns += WIRE_FRAGMENT_SECONDS * INT64_C(1000000000);
    make_ip4(&ip, 17, 5000, 0, true, zeros, 16);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_HELD], 1);
    for (unsigned id = 6000; id < 6100; id++) { /* 64 KiB each: 64 fit */
        make_ip4(&ip, 17, id, 64000, true, zeros, 1400);
        ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_HELD);
    }
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_HELD], WIRE_FRAGMENT_BYTES / 65536);
    wire_decap_finish(decap);
    ck_assert_uint_eq(wire_decap_counters(decap).fate[WIRE_PACKET_HELD], 0);
    assert_identity();
}
END_TEST

/* The same packet again after `microseconds`, as another port of the mirror sees it. */
static WirePacketFate again(int microseconds, int changes) {
    ip.data[8] -= (uint8_t)changes;  /* TTL */
    ip.data[10] += (uint8_t)changes; /* checksums of IP and UDP */
    if ((ip.data[6] & 0x1f) == 0 && ip.data[7] == 0) ip.data[26] += (uint8_t)changes;
    now_ns += microseconds * INT64_C(1000) - 10000000;
    return feed(DLT_RAW, &ip);
}

START_TEST(duplicates) {
    make_request("dup");
    make_ip4(&ip, 17, 7, 0, false, udp.data, udp.length);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
    ck_assert_int_eq(again(100, 1), WIRE_PACKET_DUPLICATE);
    ck_assert_int_eq(again(100, 1), WIRE_PACKET_SIP); /* one duplicate at most; this is a packet of its own */
    ck_assert_int_eq(again(100, 0), WIRE_PACKET_DUPLICATE);
    ck_assert_int_eq(again(20000, 0), WIRE_PACKET_SIP);
    ck_assert_int_eq(again(5001, 0), WIRE_PACKET_SIP);
    ck_assert_int_eq(again(5000, 0), WIRE_PACKET_DUPLICATE);
    ck_assert_int_eq(again(20000, 0), WIRE_PACKET_SIP);
    ip.data[5]++; /* another identification */
    ck_assert_int_eq(again(10, 0), WIRE_PACKET_SIP);
    ip.data[ip.length - 5]++; /* another byte of the message */
    ck_assert_int_eq(again(10, 0), WIRE_PACKET_SIP);
    ck_assert_int_eq(again(-4000, 0), WIRE_PACKET_DUPLICATE);  /* captured in the other order */
    make_ethernet((const unsigned[]){0x8100}, 1, 0x0800, &ip); /* a tag more on one side */
    now_ns += 20000000;
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
    now_ns -= 9000000;
    ck_assert_int_eq(feed(DLT_EN10MB, &frame), WIRE_PACKET_DUPLICATE);
    make_ip6(&ip, 17, udp.data, udp.length);
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
    ip.data[7]--; /* hop limit */
    now_ns -= 9000000;
    ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_DUPLICATE);
}
END_TEST

START_TEST(duplicate_fragments_and_interleaved_copies) {
    make_request("dupfrag");
    for (size_t i = 0; make_piece(4, 64, i); i++) {
        bool last = !(ip.data[6] & 0x20);
        ck_assert_int_eq(feed(DLT_RAW, &ip), last ? WIRE_PACKET_SIP : WIRE_PACKET_HELD);
        if (last) assert_delivered("dupfrag", WIRE_FLAG_FRAGMENTED);
        ck_assert_int_eq(again(50, 1), WIRE_PACKET_DUPLICATE);
    }
    /* 500 packets in 2.5 ms, then their copies in the same order. */
    for (int copy = 0; copy < 2; copy++) {
        for (int i = 0; i < 500; i++) {
            char call_id[16];
            snprintf(call_id, sizeof call_id, "n%d", i);
            make_request(call_id);
            make_ip4(&ip, 17, (unsigned)i, 0, false, udp.data, udp.length);
            ck_assert_int_eq(again(5, copy), copy ? WIRE_PACKET_DUPLICATE : WIRE_PACKET_SIP);
        }
    }
}
END_TEST

/* A raw packet with a SIP request of about `size` bytes, the same for the same number. */
static void make_numbered(unsigned number, size_t size) {
    static char text[2048];
    size_t used = (size_t)snprintf(text, sizeof text, "OPTIONS sip:%u@h SIP/2.0\r\nX: ", number);
    while (used < size)
        text[used++] = (char)('a' + number % 26);
    make_udp(&udp, text, used);
    make_ip4(&ip, 17, number & 0xffff, 0, false, udp.data, udp.length);
}

/* The ring of recent packets wraps many times; a copy that comes 100 packets later is always known, and one
 * that comes after more than the ring holds is a packet of its own. */
START_TEST(the_ring_of_recent_packets_wraps) {
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 6000; i++) {
            size_t size =
                round == 0 ? 40
                           : 100 + i * 37 % 1300; /* the number of packets is the limit, then their bytes */
            make_numbered(round * 10000 + i, size);
            now_ns -= 10000000;
            ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_SIP);
            if (i < 100) continue;
            make_numbered(round * 10000 + i - 100, round == 0 ? 40 : 100 + (i - 100) * 37 % 1300);
            now_ns -= 10000000;
            ck_assert_int_eq(feed(DLT_RAW, &ip), WIRE_PACKET_DUPLICATE);
        }
        make_numbered(round * 10000 + 5950, round == 0 ? 40 : 100 + 5950 * 37 % 1300);
        ck_assert_int_eq(again(0, 0), WIRE_PACKET_DUPLICATE);
        make_numbered(round * 10000, round == 0 ? 40 : 100);
        ck_assert_int_eq(again(0, 0), WIRE_PACKET_SIP);
    }
}
END_TEST

/* Whatever the bytes, each frame has one fate, and the held ones come back or are counted as dropped. */
START_TEST(random_frames_keep_the_identity) {
    static const int links[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_NULL, DLT_LOOP};
    uint64_t random = 42;
    for (int i = 0; i < 60000; i++) {
        make_request("rnd");
        int version = next_random(&random) % 2 ? 4 : 6;
        if (!make_piece(version, 8 + 8 * (next_random(&random) % 40), next_random(&random) % 6)) continue;
        make_ethernet(NULL, 0, version == 4 ? 0x0800 : 0x86dd, &ip);
        for (uint64_t edits = next_random(&random) % 4; edits > 0; edits--)
            frame.data[next_random(&random) % (frame.length < 90 ? frame.length : 90)] =
                (uint8_t)next_random(&random);
        if (next_random(&random) % 8 == 0) frame.length = next_random(&random) % frame.length;
        int link = next_random(&random) % 4 ? DLT_EN10MB : links[next_random(&random) % 6];
        if (feed(link, &frame) == WIRE_PACKET_SIP) {
            uint8_t *copy = malloc(message.length + 1);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, message.bytes, message.length); /* readable to its end */
            free(copy);
        }
    }
}
END_TEST

Suite *decap_suite(void) {
    Suite *suite = suite_create("decap");
    TCase *layers = tcase_create("layers"), *fragments = tcase_create("fragments");
    tcase_add_checked_fixture(layers, set_up, tear_down);
    tcase_add_checked_fixture(fragments, set_up, tear_down);
    tcase_add_test(layers, ethernet_and_tags);
    tcase_add_test(layers, pppoe);
    tcase_add_test(layers, padding_is_cut);
    tcase_add_test(layers, cooked_raw_and_loopback);
    tcase_add_test(layers, extension_headers);
    tcase_add_test(layers, tunnels);
    tcase_add_test(layers, what_is_not_sip);
    tcase_add_test(layers, cut_captures);
    tcase_add_test(layers, lying_lengths);
    tcase_add_test(fragments, fragments_in_any_order);
    tcase_add_test(fragments, interleaved_datagrams);
    tcase_add_test(fragments, overlapping_fragments_keep_the_first);
    tcase_add_test(fragments, impossible_fragments);
    tcase_add_test(fragments, fragment_bounds);
    tcase_add_test(fragments, duplicates);
    tcase_add_test(fragments, duplicate_fragments_and_interleaved_copies);
    tcase_add_test(fragments, the_ring_of_recent_packets_wraps);
    tcase_add_test(fragments, random_frames_keep_the_identity);
    suite_add_tcase(suite, layers);
    suite_add_tcase(suite, fragments);
    return suite;
}
