/* IPv4 and IPv6 headers (RFC 791, RFC 8200), without state.
 * Relies on: data/wire/message.h.
 * Relied on by: data/wire/decap.c, fragments, duplicates, streams; what writes packets (data/dataset,
 * data/synth). */
#ifndef SIPCNN_WIRE_IP_H
#define SIPCNN_WIRE_IP_H

#include "data/wire/message.h"

typedef enum WireIpResult {
    WIRE_IP_OK,
    WIRE_IP_CUT,   /* the header is not all there, or its lengths contradict each other */
    WIRE_IP_OTHER, /* neither version 4 nor 6 */
} WireIpResult;

enum { WIRE_PROTOCOL_IPIP = 4, WIRE_PROTOCOL_TCP = 6, WIRE_PROTOCOL_UDP = 17, WIRE_PROTOCOL_IPV6 = 41 };

/* One IP packet: what is behind its headers, and what its fragment fields say. */
typedef struct WireIp {
    WireAddress source, destination; /* ports are 0 */
    const uint8_t *payload;          /* borrowed from the packet */
    uint32_t length;                 /* captured bytes of the payload */
    uint32_t header_length;          /* from the first byte of the packet to the payload */
    bool cut;                        /* the payload was longer on the wire */
    uint32_t missing;                /* by so many bytes */
    uint8_t version;                 /* 4 or 6 */
    uint8_t protocol;                /* of the payload, extension headers passed */
    bool fragment;                   /* one of several fragments */
    bool more;                       /* further fragments follow */
    uint32_t id;                     /* identification */
    uint32_t offset;                 /* of this fragment's payload, bytes */
} WireIp;

/* Reads the headers at bytes[0..captured). Thread-safe. */
WireIpResult wire_ip_parse(const uint8_t *bytes, uint32_t captured, WireIp *ip);

/* Walks IPv6 extension headers at bytes[0..length), starting with one of type `protocol`, up to what is none
 * or a fragment header that splits; fills the fields of *ip from `payload` on. */
WireIpResult wire_ip6_extensions(const uint8_t *bytes, uint32_t length, uint8_t protocol, WireIp *ip);

/* The one's complement sum of big-endian words (RFC 1071) so far, an odd byte at the end as if a zero
 * followed, and the checksum that it gives. */
uint64_t wire_sum(uint64_t total, const uint8_t *bytes, uint32_t length);
uint16_t wire_checksum(uint64_t total);

/* How far two packet times are apart, whichever is later; any two int64_t. */
static inline uint64_t wire_time_apart(int64_t a, int64_t b) {
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

static inline uint16_t wire_be16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t wire_be32(const uint8_t *bytes) {
    return (uint32_t)wire_be16(bytes) << 16 | wire_be16(bytes + 2);
}

#endif
