/* Fuzz target: the bytes as TCP segments of a few connections, in any order, with SYN, FIN, RST and cut
 * captures. Relies on: data/wire/streams.h. Relied on by: libFuzzer, or tests/fuzz_replay.c in the ordinary
 * suite.
 *
 * Input: segments, each with one byte of flags (1 other direction, 2 SYN, 4 FIN, 8 RST, 16 ACK, 32 cut, 64 a
 * sequence number of its own follows in four bytes, else the one that continues its direction; 128 another
 * port), one byte of time step (10 ms, with the lowest bit seconds), two of length, then the payload. If the
 * first byte has bit 0 set, the others are one stream (bit 1: of WebSocket frames), which comes in one piece
 * and again byte by byte, and must give the same messages. */
#include "data/wire/scan.h"
#include "data/wire/streams.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

/* Kept, for speed; each use of it has addresses of its own and a clock that has moved on. */
static WireStreams *streams;
static WireCounters counters;
static uint64_t uses;
static int64_t now_ns;

static void start(WireIp *ip) {
    if (!streams && wire_streams_new(&streams, &counters, NULL) != CORE_OK) abort();
    *ip = (WireIp){.version = 4};
    memcpy(ip->source.ip + 8, &uses, sizeof uses);
    uses++;
}

/* Takes all messages; *hash goes on over their bytes, lengths and flags. */
static void take(uint64_t *hash) {
    WireMessage message;
    while (wire_streams_next(streams, now_ns, &message)) {
        if (message.length > WIRE_MESSAGE_MAX) abort();
        for (uint32_t i = 0; i < message.length; i++)
            *hash = (*hash ^ message.bytes[i]) * 0x100000001b3u;
        *hash = (*hash ^ message.length ^ (uint64_t)message.flags << 20) * 0x100000001b3u;
    }
    sink ^= (uint8_t)*hash;
}

static void feed(const WireTcp *tcp, uint64_t *hash) {
    uint64_t sum = 0;
    WirePacketFate fate = wire_streams_look(streams, tcp);
    if (fate == WIRE_PACKET_SIP) fate = wire_streams_add(streams, tcp, 0, now_ns);
    counters.packets++;
    counters.fate[fate]++;
    take(hash);
    for (int i = 0; i < WIRE_PACKET_FATES; i++) {
        if (counters.fate[i] > counters.packets) abort();
        sum += counters.fate[i];
    }
    if (sum != counters.packets) abort();
}

/* The bytes in pieces of `piece`, behind something that says what they are; a hash over all messages. */
static uint64_t read_stream(const uint8_t *data, size_t size, size_t piece, const char *before) {
    uint64_t hash = 0xcbf29ce484222325u;
    WireIp ip;
    start(&ip);
    WireTcp tcp = {.ip = &ip, .payload = (const uint8_t *)before, .length = (uint32_t)strlen(before)};
    feed(&tcp, &hash);
    tcp.sequence += tcp.length;
    for (size_t at = 0; at < size; at += piece) {
        tcp.payload = data + at;
        tcp.length = (uint32_t)(size - at < piece ? size - at : piece);
        feed(&tcp, &hash);
        tcp.sequence += tcp.length;
    }
    return hash;
}

static void read_segments(const uint8_t *data, size_t size) {
    uint64_t hash = 0;
    uint32_t next[4] = {0};
    WireIp ip;
    start(&ip);
    ip.destination = ip.source;
    for (size_t at = 0; size - at >= 4;) {
        unsigned flags = data[at], step = data[at + 1], length = (unsigned)(data[at + 2] << 8 | data[at + 3]);
        at += 4;
        int way = (flags & 1) | (flags >> 6 & 2);
        if (flags & 64 && size - at >= 4) {
            next[way] = wire_be32(data + at);
            at += 4;
        }
        if (length > size - at) length = (unsigned)(size - at);
        now_ns += (int64_t)(step >> 1) * (step & 1 ? INT64_C(1000000000) : INT64_C(10000000));
        ip.source.ip[0] = flags & 1;
        ip.destination.ip[0] = !(flags & 1);
        uint8_t *copy = malloc(length ? length : 1); /* of its own size, so that reads behind it are seen */
        if (!copy) break;
        memcpy(copy, data + at, length);
        WireTcp tcp = {
            .ip = &ip,
            .source_port = (uint16_t)(flags >> 7),
            .destination_port = (uint16_t)(flags >> 7),
            .sequence = next[way],
            .acknowledged = next[way ^ 1],
            .ack = (flags & 16) != 0,
            .syn = (flags & 2) != 0,
            .fin = (flags & 4) != 0,
            .rst = (flags & 8) != 0,
            .payload = copy,
            .length = length,
            .missing = flags & 32 ? 100 : 0,
        };
        feed(&tcp, &hash);
        free(copy);
        next[way] += length + tcp.missing;
        at += length;
    }
    now_ns += INT64_C(100000000000); /* whatever is held is due */
    take(&hash);
    if (counters.fate[WIRE_PACKET_HELD] > counters.packets) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char message[] = "BYE sip:a SIP/2.0\r\nl: 0\r\n\r\n";
    static const char upgrade[] = "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
    if (size < 1) return 0;
    if (data[0] & 1) {
        const char *before = data[0] & 2 ? upgrade : message;
        if (read_stream(data + 1, size - 1, size, before) != read_stream(data + 1, size - 1, 1, before))
            abort();
    } else {
        read_segments(data + 1, size - 1);
    }
    return 0;
}
