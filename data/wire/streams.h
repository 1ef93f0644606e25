/* SIP in TCP connections: reassembly of each direction, framing by Content-Length, WebSocket.
 * Relies on: data/wire/ip.h, data/wire/source.h (the fates of packets).
 * Relied on by: data/wire/decap.c. */
#ifndef SIPCNN_WIRE_STREAMS_H
#define SIPCNN_WIRE_STREAMS_H

#include "data/wire/ip.h"
#include "data/wire/source.h"

/* Bounds; the numbers of streams stand in stream_table.h, the bytes of one in segments.h. */
enum {
    /* Bytes held in all. An honest sender's second half follows within milliseconds, so a site holds a few
     * hundred messages of a few KiB at most; the rest is what an attacker can make us hold. When it is full,
     * the stream that has held for longest gives its bytes up. */
    WIRE_STREAM_BYTES = 4 << 20,
    /* Packet time that a message may take to become whole: a segment lost five times (RFC 6298: 1, 2, 4, 8
       s). */
    WIRE_STREAM_SECONDS = 30,
    /* After this time a hole counts as lost by the capture: a sender's first and second retransmission are
     * over (1 + 2 s). Earlier if the receiver acknowledged what is missing. */
    WIRE_STREAM_GAP_SECONDS = 3,
    /* A segment that starts further away from what is expected is no part of the window: twice the largest
     * window without scaling. Followed only if the receiver acknowledged it or a second one continues it. */
    WIRE_STREAM_WINDOW = 128 << 10,
    /* Bytes without any message, after which a direction carries something else. */
    WIRE_STREAM_LOST_BYTES = 64 << 10,
    /* The longest first word of a direction not known yet that is waited for: no method is longer. */
    WIRE_STREAM_WORD_MAX = 32,
};

/* One TCP packet. */
typedef struct WireTcp {
    const WireIp *ip;
    uint16_t source_port, destination_port;
    uint32_t sequence;     /* of the first payload byte */
    uint32_t acknowledged; /* if `ack` */
    bool ack, syn, fin, rst;
    const uint8_t *payload;   /* borrowed */
    uint32_t length, missing; /* bytes captured, and bytes behind them that were on the wire only */
} WireTcp;

typedef struct WireStreams WireStreams;

/* *counters receives fates that change later (HELD becomes dropped or not SIP), gaps and resynchronisations.
 */
CORE_NODISCARD CoreStatus wire_streams_new(WireStreams **streams, WireCounters *counters, CoreError *error);

/* Reads the TCP header of a packet; false if it is not all there. Thread-safe. */
bool wire_tcp_parse(const WireIp *ip, WireTcp *tcp);

/* Follows the connection. WIRE_PACKET_SIP: the payload may belong to SIP, it goes to wire_streams_add next;
 * else the packet's fate. */
WirePacketFate wire_streams_look(WireStreams *streams, const WireTcp *tcp);

/* Adds the payload of the packet just looked at; returns its fate. The first copy of a byte wins. `flags` are
 * WIRE_FLAG_* of the packet. */
WirePacketFate wire_streams_add(WireStreams *streams, const WireTcp *tcp, uint32_t flags, int64_t now_ns);

/* The next message that the last packet completed, or that it made plain will never be completed (behind a
 * hole that stays); false: none. Fills bytes, length, flags, transport and addresses of *message; the bytes
 * are valid until the next call, as long as the packet's. Take all of them before the next packet: what is
 * left then is lost. Messages that waited for too long at `now_ns` come too, whichever packet it was. */
bool wire_streams_next(WireStreams *streams, int64_t now_ns, WireMessage *message);

/* At the end of a capture: holes stay, what is not whole becomes dropped. wire_streams_next then gives the
 * messages behind the holes. */
void wire_streams_finish(WireStreams *streams);

void wire_streams_free(WireStreams *streams);

#endif
