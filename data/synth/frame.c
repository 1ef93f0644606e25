/* Frames of UDP datagrams (RFC 768, 791, 8200), with their checksums.
 * Relies on: data/synth/frame.h, data/wire/ip.h.
 * Relied on by: data/synth/output.c. */
#include "data/synth/frame.h"

#include "data/wire/ip.h"

#include <string.h>

enum { IP4_HEADER = 20, IP6_HEADER = 40, IP6_FRAGMENT = 8, UDP_HEADER = 8 };

/* ---- small things -------------------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t length) {
    memcpy(at, bytes, length);
    return at + length;
}

/* A number of an interface that is always the same. */
static uint64_t of_interface(const FrameMaker *maker, const WireAddress *address) {
    uint64_t hash = maker->key;
    for (size_t i = 0; i < sizeof address->ip; i++)
        hash = (hash ^ address->ip[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

uint32_t frame_link_type(SynthLink link) {
    static const uint32_t types[SYNTH_LINKS] = {1, 1, 113, 101};
    return types[link];
}

/* ---- the datagram -------------------------------------------------------------------------------------- */

bool frame_begin(FrameMaker *maker, const WireAddress *source, const WireAddress *destination,
                 const uint8_t *bytes, uint32_t length) {
    if (length > FRAME_DATAGRAM_MAX) return false;
    uint8_t *at = put16(maker->datagram, source->port);
    bool ip4 = wire_is_ipv4(source);
    at = put16(at, destination->port);
    at = put16(at, UDP_HEADER + length);
    at = put16(at, 0);
    memcpy(at, bytes, length);
    maker->source = *source;
    maker->destination = *destination;
    maker->length = UDP_HEADER + length;
    maker->done = 0;
    uint64_t total = wire_sum(0, source->ip + (ip4 ? 12 : 0), ip4 ? 4 : 16);
    total =
        wire_sum(total, destination->ip + (ip4 ? 12 : 0), ip4 ? 4 : 16) + WIRE_PROTOCOL_UDP + maker->length;
    uint16_t check = wire_checksum(wire_sum(total, maker->datagram, maker->length));
    put16(maker->datagram + 6, check ? check : 0xffff);
    maker->id = (uint32_t)of_interface(maker, source) + maker->ids++;
    return true;
}

/* ---- layers -------------------------------------------------------------------------------------------- */

static uint8_t *put_mac(const FrameMaker *maker, uint8_t *at, const WireAddress *address) {
    uint64_t number = of_interface(maker, address);
    at[0] = 0x00; /* a vendor's address */
    for (int i = 1; i < 6; i++)
        at[i] = (uint8_t)(number >> 8 * i);
    return at + 6;
}

static uint8_t *put_link(const FrameMaker *maker, uint8_t *at, bool ip4) {
    uint32_t type = ip4 ? 0x0800 : 0x86dd;
    switch (maker->link) {
    case SYNTH_ETHERNET:
    case SYNTH_VLAN:
        at = put_mac(maker, at, &maker->destination);
        at = put_mac(maker, at, &maker->source);
        if (maker->link == SYNTH_VLAN) {
            at = put16(at, 0x8100);
            at = put16(at, maker->vlan);
        }
        return put16(at, type);
    case SYNTH_COOKED:
        at = put16(at, 0); /* to us */
        at = put16(at, 1); /* Ethernet */
        at = put16(at, 6);
        at = put_mac(maker, at, &maker->source);
        at = put16(at, 0);
        return put16(at, type);
    default: return at;
    }
}

static uint8_t *put_ip4(const FrameMaker *maker, uint8_t *at, uint32_t payload, bool more) {
    static const uint8_t lives[] = {64, 63, 62, 128, 127, 57, 64, 255};
    uint8_t *start = at;
    at = put16(at, 0x4500 | (maker->key >> 40 & 1 ? 0x60 : 0));
    at = put16(at, IP4_HEADER + payload);
    at = put16(at, maker->id & 0xffff);
    at = put16(at, (more ? 0x2000u : 0) | maker->done / 8);
    *at++ = lives[of_interface(maker, &maker->source) >> 50 & 7];
    *at++ = WIRE_PROTOCOL_UDP;
    at = put16(at, 0);
    at = put_bytes(at, maker->source.ip + 12, 4);
    at = put_bytes(at, maker->destination.ip + 12, 4);
    put16(start + 10, wire_checksum(wire_sum(0, start, IP4_HEADER)));
    return at;
}

static uint8_t *put_ip6(const FrameMaker *maker, uint8_t *at, uint32_t payload, bool fragment, bool more) {
    at = put16(at, 0x6000);
    at = put16(at, 0);
    at = put16(at, payload + (fragment ? IP6_FRAGMENT : 0));
    *at++ = fragment ? 44 : WIRE_PROTOCOL_UDP;
    *at++ = 64;
    at = put_bytes(at, maker->source.ip, 16);
    at = put_bytes(at, maker->destination.ip, 16);
    if (!fragment) return at;
    *at++ = WIRE_PROTOCOL_UDP;
    *at++ = 0;
    at = put16(at, maker->done | more);
    at = put16(at, maker->id >> 16);
    return put16(at, maker->id & 0xffff);
}

uint32_t frame_next(FrameMaker *maker, uint8_t *bytes) {
    uint32_t left = maker->length - maker->done;
    bool ip4 = wire_is_ipv4(&maker->source);
    uint32_t room = FRAME_MTU - (ip4 ? IP4_HEADER : IP6_HEADER);
    if (left == 0) return 0;
    bool fragment = maker->length > room;
    if (fragment) room = (room - (ip4 ? 0 : IP6_FRAGMENT)) / 8 * 8;
    bool more = fragment && left > room;
    uint32_t part = more ? room : left;
    uint8_t *at = put_link(maker, bytes, ip4);
    at = ip4 ? put_ip4(maker, at, part, more) : put_ip6(maker, at, part, fragment, more);
    at = put_bytes(at, maker->datagram + maker->done, part);
    maker->done += part;
    return (uint32_t)(at - bytes);
}
