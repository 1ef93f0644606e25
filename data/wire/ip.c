/* IPv4 and IPv6 headers, without state.
 * Relies on: data/wire/ip.h.
 * Relied on by: data/wire/decap.c. */
#include "data/wire/ip.h"

enum {
    IP4_HEADER_MIN = 20,
    IP6_HEADER = 40,
    /* RFC 8200 names seven kinds, each at most once but one; more is somebody playing. */
    EXTENSIONS_MAX = 16,
};

static void map_address(const uint8_t *bytes, WireAddress *address) {
    memset(address, 0, sizeof *address);
    memset(address->ip + 10, 0xff, 2);
    memcpy(address->ip + 12, bytes, 4);
}

static WireIpResult parse_ip4(const uint8_t *bytes, uint32_t captured, WireIp *ip) {
    if (captured < IP4_HEADER_MIN) return WIRE_IP_CUT;
    uint32_t header = (bytes[0] & 15u) * 4, total = wire_be16(bytes + 2);
    if (total == 0) total = captured; /* segmentation offload leaves the length to the card */
    if (header < IP4_HEADER_MIN || header > captured || total < header) return WIRE_IP_CUT;
    uint32_t fragment = wire_be16(bytes + 6);
    map_address(bytes + 12, &ip->source);
    map_address(bytes + 16, &ip->destination);
    ip->version = 4;
    ip->cut = total > captured;
    ip->missing = ip->cut ? total - captured : 0;
    ip->payload = bytes + header;
    ip->length = (ip->cut ? captured : total) - header;
    ip->header_length = header;
    ip->protocol = bytes[9];
    ip->id = wire_be16(bytes + 4);
    ip->more = (fragment & 0x2000) != 0;
    ip->offset = (fragment & 0x1fff) * 8;
    ip->fragment = ip->more || ip->offset > 0;
    return WIRE_IP_OK;
}

/* Bytes of the extension header of type `protocol` at bytes, 0 if it is none that can be skipped. */
static uint32_t extension_length(const uint8_t *bytes, uint8_t protocol) {
    switch (protocol) {
    case 0:   /* hop-by-hop options */
    case 43:  /* routing */
    case 60:  /* destination options */
    case 135: /* mobility */
    case 139: /* host identity */
    case 140: /* shim6 */ return (bytes[1] + 1u) * 8;
    case 51: /* authentication header, RFC 4302: counted in words of 4 */ return (bytes[1] + 2u) * 4;
    case 44: /* fragment */ return 8;
    default: return 0;
    }
}

WireIpResult wire_ip6_extensions(const uint8_t *bytes, uint32_t length, uint8_t protocol, WireIp *ip) {
    uint32_t at = 0;
    for (int i = 0; i < EXTENSIONS_MAX && !ip->fragment; i++) {
        static const uint8_t none[2] = {0, 0};
        uint32_t skip = extension_length(length - at >= 2 ? bytes + at : none, protocol);
        if (skip == 0) break;
        if (skip > length - at) return WIRE_IP_CUT;
        if (protocol == 44) {
            uint32_t fields = wire_be16(bytes + at + 2);
            ip->id = wire_be32(bytes + at + 4);
            ip->offset = fields & 0xfff8;
            ip->more = (fields & 1) != 0;
            ip->fragment = ip->more || ip->offset > 0; /* else an "atomic" one, whole in itself */
        }
        protocol = bytes[at];
        at += skip;
    }
    ip->protocol = protocol;
    ip->payload = bytes + at;
    ip->length = length - at;
    ip->header_length += at;
    return WIRE_IP_OK;
}

static WireIpResult parse_ip6(const uint8_t *bytes, uint32_t captured, WireIp *ip) {
    if (captured < IP6_HEADER) return WIRE_IP_CUT;
    uint32_t total = IP6_HEADER + wire_be16(bytes + 4);
    if (total == IP6_HEADER) total = captured; /* offload, as above */
    memcpy(ip->source.ip, bytes + 8, 16);
    memcpy(ip->destination.ip, bytes + 24, 16);
    ip->version = 6;
    ip->cut = total > captured;
    ip->missing = ip->cut ? total - captured : 0;
    ip->header_length = IP6_HEADER;
    return wire_ip6_extensions(bytes + IP6_HEADER, (ip->cut ? captured : total) - IP6_HEADER, bytes[6], ip);
}

WireIpResult wire_ip_parse(const uint8_t *bytes, uint32_t captured, WireIp *ip) {
    memset(ip, 0, sizeof *ip);
    if (captured < 1) return WIRE_IP_CUT;
    switch (bytes[0] >> 4) {
    case 4: return parse_ip4(bytes, captured, ip);
    case 6: return parse_ip6(bytes, captured, ip);
    default: return WIRE_IP_OTHER;
    }
}

uint64_t wire_sum(uint64_t total, const uint8_t *bytes, uint32_t length) {
    uint32_t at = 0;
    /* Two words at a time: the carries are folded in the end. */
    for (; length - at >= 4; at += 4)
        total += wire_be32(bytes + at);
    if (length - at >= 2) {
        total += wire_be16(bytes + at);
        at += 2;
    }
    return at < length ? total + ((uint64_t)bytes[at] << 8) : total;
}

uint16_t wire_checksum(uint64_t total) {
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}
