/* Frames for messages: raw IP packets in a pcap file with nanoseconds, from which the same messages are read.
 * Relies on: data/wire/ip.h, libc.
 * Relied on by: data/dataset/export.c. */
#include "data/dataset/frames.h"

#include "data/wire/ip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    IP4 = 20,
    IP6 = 40,
    IP6_FRAGMENT = 8,
    UDP = 8,
    TCP = 20,
    PACKET_ROOM = 3 * IP6 + 65536 + 64,
    SEGMENT_MAX = 65000,               /* payload of one TCP segment */
    HELD_ROOM = WIRE_MESSAGE_MAX + 64, /* a message and what WebSocket puts in front */
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_NOTHING = 253, /* RFC 3692: for experiments; no SIP in it */
    LINKTYPE_RAW = 101,
    FILLERS_A_MESSAGE = 1000, /* more empty frames than that are no capture but a made-up number */
};

/* ---- bytes --------------------------------------------------------------------------------------------- */

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

static bool has_ip4(const WireMessage *message) {
    return wire_is_ipv4(&message->source) && wire_is_ipv4(&message->destination);
}

/* ---- pcap ---------------------------------------------------------------------------------------------- */

static CoreStatus write_bytes(FrameWriter *w, const void *bytes, size_t size, CoreError *error) {
    if (size == 0 || fwrite(bytes, size, 1, w->file) == 1) return CORE_OK;
    return core_fail(error, CORE_IO, "cannot write: %s", strerror(errno));
}

static CoreStatus write_record(FrameWriter *w, int64_t time_ns, const uint8_t *packet, uint32_t length,
                               CoreError *error) {
    uint32_t head[4] = {(uint32_t)(time_ns / 1000000000), (uint32_t)(time_ns % 1000000000), length, length};
    CoreStatus status = write_bytes(w, head, sizeof head, error);
    if (status == CORE_OK) status = write_bytes(w, packet, length, error);
    w->frames++;
    return status;
}

CoreStatus frames_init(FrameWriter *w, FILE *file, bool keep, CoreError *error) {
    /* Magic for nanoseconds in this machine's order of bytes, version 2.4, longest packet, link layer. */
    uint32_t head[6] = {0xa1b23c4d, 0, 0, 0, 262144, LINKTYPE_RAW};
    uint16_t version[2] = {2, 4};
    memcpy(&head[1], version, sizeof version);
    memset(w, 0, sizeof *w);
    w->file = file;
    w->keep = keep;
    w->flow_room = 1024;
    w->flows = calloc(w->flow_room, sizeof *w->flows);
    w->packet = malloc(PACKET_ROOM);
    w->datagram = malloc(PACKET_ROOM);
    w->held = malloc(HELD_ROOM);
    if (!w->flows || !w->packet || !w->datagram || !w->held)
        return core_fail(error, CORE_MEMORY, "no memory for frames");
    return write_bytes(w, head, sizeof head, error);
}

void frames_free(FrameWriter *w) {
    free(w->flows);
    free(w->packet);
    free(w->datagram);
    free(w->held);
    memset(w, 0, sizeof *w);
}

/* ---- IP ------------------------------------------------------------------------------------------------ */

/* A fragment of a datagram: bytes begin .. end, of which more follow or not. */
typedef struct Piece {
    uint32_t begin, end;
    bool more;
} Piece;

static uint32_t put_ip4(uint8_t *at, const WireMessage *m, uint32_t protocol, uint32_t length, Piece piece,
                        uint32_t identification) {
    memset(at, 0, IP4);
    at[0] = 0x45;
    put16(at + 2, IP4 + length);
    put16(at + 4, identification);
    put16(at + 6, piece.begin / 8 | (piece.more ? 0x2000u : 0));
    at[8] = 64;
    at[9] = (uint8_t)protocol;
    memcpy(at + 12, m->source.ip + 12, 4);
    memcpy(at + 16, m->destination.ip + 12, 4);
    put16(at + 10, wire_checksum(wire_sum(0, at, IP4)));
    return IP4;
}

/* The flow label carries the identification, which IPv6 has in fragments only. */
static uint32_t put_ip6(uint8_t *at, const WireMessage *m, uint32_t protocol, uint32_t length, Piece piece,
                        uint32_t identification) {
    bool fragment = piece.more || piece.begin > 0;
    memset(at, 0, IP6 + IP6_FRAGMENT);
    put32(at, 0x60000000u | (identification & 0xfffff));
    put16(at + 4, length + (fragment ? (uint32_t)IP6_FRAGMENT : 0));
    at[6] = (uint8_t)(fragment ? PROTOCOL_FRAGMENT : protocol);
    at[7] = 64;
    memcpy(at + 8, m->source.ip, 16);
    memcpy(at + 24, m->destination.ip, 16);
    if (!fragment) return IP6;
    at[IP6] = (uint8_t)protocol;
    put16(at + IP6 + 2, piece.begin | (piece.more ? 1u : 0));
    put32(at + IP6 + 4, identification);
    return IP6 + IP6_FRAGMENT;
}

/* Writes one packet with a piece of the datagram, in a tunnel if the message came through one. */
static CoreStatus write_packet(FrameWriter *w, const WireMessage *m, uint32_t protocol,
                               const uint8_t *datagram, Piece piece, uint32_t identification,
                               CoreError *error) {
    bool ip4 = has_ip4(m), tunnelled = m->flags & WIRE_FLAG_TUNNELLED;
    uint32_t outer = tunnelled ? (ip4 ? IP4 : IP6) : 0, length = piece.end - piece.begin;
    uint8_t *at = w->packet + outer;
    uint32_t header = ip4 ? put_ip4(at, m, protocol, length, piece, identification)
                          : put_ip6(at, m, protocol, length, piece, identification);
    memcpy(at + header, datagram + piece.begin, length);
    length += header;
    if (tunnelled && ip4) put_ip4(w->packet, m, WIRE_PROTOCOL_IPIP, length, (Piece){0}, identification);
    if (tunnelled && !ip4) {
        uint8_t first[IP6_FRAGMENT]; /* put_ip6 clears room for a fragment header that is not there */
        memcpy(first, at, sizeof first);
        put_ip6(w->packet, m, WIRE_PROTOCOL_IPV6, length, (Piece){0}, identification);
        memcpy(at, first, sizeof first);
    }
    return write_record(w, m->time_ns, w->packet, outer + length, error);
}

/* The checksum of UDP or TCP with the addresses in front. */
static uint32_t checksum(const WireMessage *m, uint32_t protocol, const uint8_t *datagram, uint32_t length) {
    /* A mapped prefix twice sums to nothing. */
    uint64_t total = wire_sum(protocol + length, m->source.ip, 16);
    return wire_checksum(wire_sum(wire_sum(total, m->destination.ip, 16), datagram, length));
}

/* ---- frame numbers ------------------------------------------------------------------------------------- */

static CoreStatus write_filler(FrameWriter *w, const WireMessage *m, CoreError *error) {
    uint8_t packet[IP4];
    put_ip4(packet, m, PROTOCOL_NOTHING, 0, (Piece){0}, 0);
    w->fillers++;
    return write_record(w, m->time_ns, packet, sizeof packet, error);
}

/* Empty frames until a message that takes `frames` frames ends with its own number. */
static CoreStatus fill_up(FrameWriter *w, const WireMessage *m, uint32_t frames, CoreError *error) {
    CoreStatus status = CORE_OK;
    if (!w->keep) return CORE_OK;
    if (m->frame < w->frames + frames ||
        m->frame - w->frames > (uint64_t)FILLERS_A_MESSAGE * (w->frames + 1000))
        return core_fail(error, CORE_ARGUMENT, "frame number %llu cannot be kept behind frame %llu",
                         (unsigned long long)m->frame, (unsigned long long)w->frames);
    while (status == CORE_OK && w->frames + frames < m->frame)
        status = write_filler(w, m, error);
    return status;
}

/* ---- UDP ----------------------------------------------------------------------------------------------- */

/* Two fragments, or one packet. Overlapping ones share eight bytes. */
static CoreStatus write_pieces(FrameWriter *w, const WireMessage *m, const uint8_t *datagram, uint32_t length,
                               CoreError *error) {
    uint32_t identification = w->identification++, half = length / 2 / 8 * 8;
    uint32_t back = m->flags & WIRE_FLAG_OVERLAP ? 8 : 0;
    bool fragmented = m->flags & WIRE_FLAG_FRAGMENTED && half > back;
    CoreStatus status = fill_up(w, m, fragmented ? 2 : 1, error);
    if (status != CORE_OK) return status;
    if (!fragmented)
        return write_packet(w, m, WIRE_PROTOCOL_UDP, datagram, (Piece){0, length, false}, identification,
                            error);
    status = write_packet(w, m, WIRE_PROTOCOL_UDP, datagram, (Piece){0, half, true}, identification, error);
    if (status != CORE_OK) return status;
    return write_packet(w, m, WIRE_PROTOCOL_UDP, datagram, (Piece){half - back, length, false},
                        identification, error);
}

/* A message that was cut is one whose UDP header claims a byte more than came. */
static CoreStatus put_udp(FrameWriter *w, const WireMessage *m, CoreError *error) {
    uint32_t length = UDP + m->length, room = has_ip4(m) ? 65535 - 2 * IP4 : 65535 - IP6 - IP6_FRAGMENT;
    uint8_t *datagram = w->datagram;
    if (length > room)
        return core_fail(error, CORE_ARGUMENT, "a message of %u bytes is too long for UDP", m->length);
    put16(datagram, m->source.port);
    put16(datagram + 2, m->destination.port);
    put16(datagram + 4, length + (m->flags & WIRE_FLAG_TRUNCATED ? 1 : 0));
    put16(datagram + 6, 0);
    memcpy(datagram + UDP, m->bytes, m->length);
    uint32_t check = checksum(m, WIRE_PROTOCOL_UDP, datagram, length);
    put16(datagram + 6, check ? check : 0xffff);
    return write_pieces(w, m, datagram, length, error);
}

/* ---- TCP ----------------------------------------------------------------------------------------------- */

static size_t slot_of(const FrameWriter *w, const WireAddress *source, const WireAddress *destination) {
    uint64_t hash = (uint64_t)source->port << 16 | destination->port;
    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ source->ip[i] ^ (uint64_t)destination->ip[i] << 8) * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = (size_t)(hash >> 32) & (w->flow_room - 1);
    while (w->flows[slot].used && !(wire_same_address(&w->flows[slot].source, source) &&
                                    wire_same_address(&w->flows[slot].destination, destination)))
        slot = (slot + 1) & (w->flow_room - 1);
    return slot;
}

static bool grow_flows(FrameWriter *w) {
    FrameWriter larger = *w;
    if (2 * w->n_flows < w->flow_room) return true;
    larger.flow_room = 2 * w->flow_room;
    larger.flows = calloc(larger.flow_room, sizeof *larger.flows);
    if (!larger.flows) return false;
    for (size_t i = 0; i < w->flow_room; i++)
        if (w->flows[i].used)
            larger.flows[slot_of(&larger, &w->flows[i].source, &w->flows[i].destination)] = w->flows[i];
    free(w->flows);
    w->flows = larger.flows;
    w->flow_room = larger.flow_room;
    return true;
}

/* The connection's direction; NULL: no memory. */
static FrameFlow *flow_of(FrameWriter *w, const WireMessage *m) {
    if (!grow_flows(w)) return NULL;
    FrameFlow *flow = &w->flows[slot_of(w, &m->source, &m->destination)];
    if (flow->used) return flow;
    w->n_flows++;
    *flow = (FrameFlow){m->source, m->destination, 1, true};
    return flow;
}

/* One segment in the middle of a connection. */
static CoreStatus write_segment(FrameWriter *w, const WireMessage *m, const uint8_t *payload, uint32_t length,
                                CoreError *error) {
    uint8_t *segment = w->datagram;
    FrameFlow *flow = flow_of(w, m);
    if (!flow) return core_fail(error, CORE_MEMORY, "no memory for TCP connections");
    memset(segment, 0, TCP);
    put16(segment, m->source.port);
    put16(segment + 2, m->destination.port);
    put32(segment + 4, flow->sequence);
    put32(segment + 8, 1);
    segment[12] = TCP / 4 << 4;
    segment[13] = 0x18; /* PSH, ACK */
    put16(segment + 14, 65535);
    memcpy(segment + TCP, payload, length);
    put16(segment + 16, checksum(m, WIRE_PROTOCOL_TCP, segment, TCP + length));
    flow->sequence += length;
    return write_packet(w, m, WIRE_PROTOCOL_TCP, segment, (Piece){0, TCP + length, false},
                        w->identification++, error);
}

CoreStatus frames_finish(FrameWriter *w, CoreError *error) {
    WireMessage *m = &w->segment;
    CoreStatus status = CORE_OK;
    if (w->in_segment == 0) return CORE_OK;
    status = fill_up(w, m, (m->length + SEGMENT_MAX - 1) / SEGMENT_MAX, error);
    for (uint32_t at = 0; at < m->length && status == CORE_OK; at += SEGMENT_MAX) {
        uint32_t part = m->length - at < SEGMENT_MAX ? m->length - at : SEGMENT_MAX;
        status = write_segment(w, m, w->held + at, part, error);
    }
    w->in_segment = 0;
    return status;
}

/* What stands in front of a message in its stream: nothing, or the head of a WebSocket text frame. */
static uint32_t put_frame_head(uint8_t *at, const WireMessage *m) {
    if (m->transport != WIRE_WEBSOCKET) return 0;
    at[0] = 0x81;
    if (m->length < 126) {
        at[1] = (uint8_t)m->length;
        return 2;
    }
    at[1] = 126;
    put16(at + 2, m->length);
    return 4;
}

static bool joins_segment(const FrameWriter *w, const WireMessage *m) {
    const WireMessage *s = &w->segment;
    return w->in_segment && m->index > 0 && s->frame == m->frame && s->transport == m->transport &&
           wire_same_address(&s->source, &m->source) && wire_same_address(&s->destination, &m->destination) &&
           s->length + m->length + 4 <= SEGMENT_MAX;
}

/* Held until a message comes that is in another frame: the frame is then the next, or the last of several. */
static CoreStatus put_tcp(FrameWriter *w, const WireMessage *m, uint64_t *frame, uint32_t *index,
                          CoreError *error) {
    if (!joins_segment(w, m)) {
        CoreStatus status = frames_finish(w, error);
        if (status != CORE_OK) return status;
        w->segment = *m;
        w->segment.length = 0;
    }
    WireMessage *s = &w->segment;
    s->length += put_frame_head(w->held + s->length, m);
    memcpy(w->held + s->length, m->bytes, m->length);
    s->length += m->length;
    *index = w->in_segment++;
    *frame = w->keep ? m->frame : w->frames + (s->length + SEGMENT_MAX - 1) / SEGMENT_MAX;
    return CORE_OK;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

CoreStatus frames_put(FrameWriter *w, const WireMessage *m, uint64_t *frame, uint32_t *index,
                      CoreError *error) {
    if (m->time_ns < 0 || m->time_ns / 1000000000 > UINT32_MAX)
        return core_fail(error, CORE_ARGUMENT, "its time is beyond what a pcap file can say");
    if (m->transport != WIRE_UDP) return put_tcp(w, m, frame, index, error);
    CoreStatus status = frames_finish(w, error);
    if (status == CORE_OK) status = put_udp(w, m, error);
    *frame = w->frames;
    *index = 0;
    return status;
}
