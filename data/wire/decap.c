/* From a captured frame to the SIP messages in it.
 * Relies on: data/wire/{ip,fragments,duplicates,scan,streams}.h, libpcap's link-layer numbers.
 * Relied on by: data/wire/source.c, tests. */
#include "data/wire/decap.h"

#include "data/wire/duplicates.h"
#include "data/wire/fragments.h"
#include "data/wire/scan.h"
#include "data/wire/streams.h"

#include <pcap/dlt.h>
#include <stdlib.h>

enum {
    UDP_HEADER = 8,
    TAGS_MAX = 8,    /* VLAN tags in a row; two are standard (QinQ), nobody stacks more than a few */
    TUNNELS_MAX = 4, /* IP headers inside IP headers; deeper nesting is an attack on the reader */
    ETHERTYPE_IP4 = 0x0800,
    ETHERTYPE_IP6 = 0x86dd,
};

struct WireDecap {
    WireFragments *fragments[TUNNELS_MAX]; /* one table per depth of tunnel, made when first needed */
    WireDuplicates *duplicates;
    WireStreams *streams;
    WireCounters counters;
    WireMessage datagram; /* of the last frame, if has_datagram */
    bool has_datagram;
    int64_t time_ns; /* of the last frame, as the next three */
    uint64_t frame;
    uint32_t index; /* of the next message */
};

/* A frame on its way through the layers. */
typedef struct Walk {
    const WireFrame *frame;
    const uint8_t *ip; /* outermost IP header */
    uint32_t ip_length;
    WireIp outer;
    bool compared; /* with the recent packets; once per frame */
    uint32_t flags;
} Walk;

bool wire_link_supported(int link_type) {
    switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_NULL:
    case DLT_LOOP: return true;
    default: return false;
    }
}

CoreStatus wire_decap_new(WireDecap **decap, CoreError *error) {
    WireDecap *made = calloc(1, sizeof *made);
    if (!made) return core_fail(error, CORE_MEMORY, "no memory for decapsulation");
    CoreStatus status = wire_duplicates_new(&made->duplicates, error);
    if (!status) status = wire_fragments_new(&made->fragments[0], error);
    if (!status) status = wire_streams_new(&made->streams, &made->counters, error);
    if (status) {
        wire_decap_free(made);
        return status;
    }
    *decap = made;
    return CORE_OK;
}

void wire_decap_free(WireDecap *decap) {
    if (!decap) return;
    for (int i = 0; i < TUNNELS_MAX; i++)
        wire_fragments_free(decap->fragments[i]);
    wire_duplicates_free(decap->duplicates);
    wire_streams_free(decap->streams);
    free(decap);
}

WireCounters wire_decap_counters(const WireDecap *decap) {
    return decap->counters;
}

static void move_held_to_dropped(WireDecap *decap, uint64_t fragments) {
    decap->counters.fate[WIRE_PACKET_HELD] -= fragments;
    decap->counters.fate[WIRE_PACKET_BAD_FRAGMENT] += fragments;
}

/* A PPPoE session header at bytes[at..) and the PPP protocol behind it (RFC 2516). */
static WirePacketFate pass_pppoe(const uint8_t *bytes, uint32_t captured, uint32_t at, uint32_t *ip_at) {
    if (captured < at + 8) return WIRE_PACKET_CUT;
    uint32_t protocol = wire_be16(bytes + at + 6);
    *ip_at = at + 8;
    return protocol == 0x0021 || protocol == 0x0057 ? WIRE_PACKET_SIP : WIRE_PACKET_OTHER;
}

/* Behind an Ethernet type field at bytes[at..at+2): passes VLAN tags (802.1Q, 802.1ad, older QinQ) and PPPoE.
 */
static WirePacketFate pass_tags(const uint8_t *bytes, uint32_t captured, uint32_t at, uint32_t *ip_at) {
    for (int tags = 0; tags <= TAGS_MAX; tags++) {
        if (captured < at + 2) return WIRE_PACKET_CUT;
        switch (wire_be16(bytes + at)) {
        case ETHERTYPE_IP4:
        case ETHERTYPE_IP6: *ip_at = at + 2; return WIRE_PACKET_SIP;
        case 0x8100:
        case 0x88a8:
        case 0x9100:
        case 0x9200: at += 4; break;
        case 0x8864: return pass_pppoe(bytes, captured, at + 2, ip_at);
        default: return WIRE_PACKET_OTHER;
        }
    }
    return WIRE_PACKET_OTHER;
}

/* BSD loopback: an address family in the byte order of whoever wrote the file, or in network order. */
static WirePacketFate pass_family(const uint8_t *bytes, uint32_t captured, uint32_t *ip_at) {
    if (captured < 4) return WIRE_PACKET_CUT;
    uint32_t family = wire_be32(bytes);
    if (family > 0xffff) family = family >> 24 | (family >> 8 & 0xff00);
    switch (family) {
    case 2: /* AF_INET everywhere */
    case 10:
    case 24:
    case 28:
    case 30: *ip_at = 4; return WIRE_PACKET_SIP; /* AF_INET6 of Linux and the BSDs */
    default: return WIRE_PACKET_LINK;
    }
}

/* Where the IP header starts; WIRE_PACKET_SIP means: go on. */
static WirePacketFate pass_link(const WireFrame *frame, uint32_t *ip_at) {
    *ip_at = 0;
    switch (frame->link_type) {
    case DLT_EN10MB: return pass_tags(frame->bytes, frame->captured, 12, ip_at);
    case DLT_LINUX_SLL: return pass_tags(frame->bytes, frame->captured, 14, ip_at);
    case DLT_LINUX_SLL2: {
        if (frame->captured < 20) return WIRE_PACKET_CUT;
        uint32_t type = wire_be16(frame->bytes);
        *ip_at = 20;
        return type == ETHERTYPE_IP4 || type == ETHERTYPE_IP6 ? WIRE_PACKET_SIP : WIRE_PACKET_OTHER;
    }
    case DLT_NULL:
    case DLT_LOOP: return pass_family(frame->bytes, frame->captured, ip_at);
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6: return WIRE_PACKET_SIP;
    default: return WIRE_PACKET_LINK;
    }
}

static bool is_duplicate(WireDecap *decap, Walk *walk) {
    if (walk->compared) return false;
    walk->compared = true;
    return wire_duplicates_seen(decap->duplicates, walk->ip, walk->ip_length, &walk->outer,
                                walk->frame->time_ns);
}

static WirePacketFate read_udp(WireDecap *decap, Walk *walk, const WireIp *ip) {
    if (ip->length < UDP_HEADER) return WIRE_PACKET_CUT;
    const uint8_t *payload = ip->payload + UDP_HEADER;
    uint32_t claimed = wire_be16(ip->payload + 4), length = ip->length - UDP_HEADER;
    bool cut = ip->cut;
    if (claimed >= UDP_HEADER) { /* less is offload's 0, or a lie */
        cut = claimed - UDP_HEADER > length;
        if (claimed - UDP_HEADER < length) length = claimed - UDP_HEADER;
    }
    if (!wire_is_sip(payload, length)) return WIRE_PACKET_OTHER;
    if (is_duplicate(decap, walk)) return WIRE_PACKET_DUPLICATE;
    decap->datagram = (WireMessage){
        .bytes = payload,
        .length = length,
        .flags = walk->flags | (cut ? WIRE_FLAG_TRUNCATED : 0),
        .transport = WIRE_UDP,
        .source = ip->source,
        .destination = ip->destination,
    };
    decap->datagram.source.port = wire_be16(ip->payload);
    decap->datagram.destination.port = wire_be16(ip->payload + 2);
    decap->has_datagram = true;
    return WIRE_PACKET_SIP;
}

static WirePacketFate read_tcp(WireDecap *decap, Walk *walk, const WireIp *ip) {
    WireTcp tcp;
    if (!wire_tcp_parse(ip, &tcp)) return WIRE_PACKET_CUT;
    WirePacketFate fate = wire_streams_look(decap->streams, &tcp);
    if (fate != WIRE_PACKET_SIP) return fate;
    if (is_duplicate(decap, walk)) return WIRE_PACKET_DUPLICATE;
    return wire_streams_add(decap->streams, &tcp, walk->flags, walk->frame->time_ns);
}

/* Adds a fragment; if that completes the datagram, *ip becomes the whole one. WIRE_PACKET_SIP: go on. */
static WirePacketFate reassemble(WireDecap *decap, Walk *walk, int depth, WireIp *ip) {
    if (ip->cut) return WIRE_PACKET_CUT;
    if (is_duplicate(decap, walk)) return WIRE_PACKET_DUPLICATE;
    if (!decap->fragments[depth] && wire_fragments_new(&decap->fragments[depth], NULL) != CORE_OK)
        return WIRE_PACKET_BAD_FRAGMENT;
    WireWhole whole;
    uint64_t given_up = 0;
    WireFragmentResult result =
        wire_fragments_add(decap->fragments[depth], ip, walk->frame->time_ns, &whole, &given_up);
    move_held_to_dropped(decap, given_up);
    if (result == WIRE_FRAGMENT_HELD) return WIRE_PACKET_HELD;
    if (result == WIRE_FRAGMENT_DROPPED) return WIRE_PACKET_BAD_FRAGMENT;
    walk->flags |= WIRE_FLAG_FRAGMENTED | (whole.overlap ? WIRE_FLAG_OVERLAP : 0);
    ip->fragment = false;
    ip->payload = whole.payload;
    ip->length = whole.length;
    ip->protocol = whole.protocol;
    if (ip->version == 6 &&
        wire_ip6_extensions(whole.payload, whole.length, whole.protocol, ip) != WIRE_IP_OK)
        return WIRE_PACKET_CUT;
    return ip->fragment ? WIRE_PACKET_BAD_FRAGMENT : WIRE_PACKET_SIP;
}

static WirePacketFate walk_ip(WireDecap *decap, Walk *walk) {
    const uint8_t *bytes = walk->ip;
    uint32_t length = walk->ip_length;
    for (int depth = 0; depth < TUNNELS_MAX; depth++) {
        WireIp ip;
        WireIpResult parsed = wire_ip_parse(bytes, length, &ip);
        if (parsed == WIRE_IP_CUT) return WIRE_PACKET_CUT;
        if (parsed == WIRE_IP_OTHER) return depth == 0 ? WIRE_PACKET_LINK : WIRE_PACKET_OTHER;
        if (depth == 0) {
            walk->outer = ip;
            walk->ip_length = ip.header_length + ip.length; /* without the padding of short frames */
        }
        if (ip.fragment) {
            WirePacketFate fate = reassemble(decap, walk, depth, &ip);
            if (fate != WIRE_PACKET_SIP) return fate;
        }
        if (ip.protocol == WIRE_PROTOCOL_UDP) return read_udp(decap, walk, &ip);
        if (ip.protocol == WIRE_PROTOCOL_TCP) return read_tcp(decap, walk, &ip);
        if (ip.protocol != WIRE_PROTOCOL_IPIP && ip.protocol != WIRE_PROTOCOL_IPV6) return WIRE_PACKET_OTHER;
        walk->flags |= WIRE_FLAG_TUNNELLED;
        bytes = ip.payload;
        length = ip.length;
    }
    return WIRE_PACKET_OTHER;
}

WirePacketFate wire_decap_frame(WireDecap *decap, const WireFrame *frame) {
    uint32_t ip_at;
    decap->time_ns = frame->time_ns;
    decap->frame = frame->number;
    decap->index = 0;
    decap->has_datagram = false;
    WirePacketFate fate = pass_link(frame, &ip_at);
    if (fate == WIRE_PACKET_SIP) {
        Walk walk = {.frame = frame, .ip = frame->bytes + ip_at, .ip_length = frame->captured - ip_at};
        fate = walk_ip(decap, &walk);
    }
    decap->counters.packets++;
    decap->counters.fate[fate]++;
    return fate;
}

bool wire_decap_next(WireDecap *decap, WireMessage *message) {
    if (decap->has_datagram) {
        *message = decap->datagram;
        decap->has_datagram = false;
    } else if (!wire_streams_next(decap->streams, decap->time_ns, message)) {
        return false;
    }
    message->time_ns = decap->time_ns;
    message->frame = decap->frame;
    message->index = decap->index++;
    decap->counters.messages++;
    return true;
}

void wire_decap_finish(WireDecap *decap) {
    for (int i = 0; i < TUNNELS_MAX; i++)
        if (decap->fragments[i]) move_held_to_dropped(decap, wire_fragments_clear(decap->fragments[i]));
    wire_streams_finish(decap->streams);
}
