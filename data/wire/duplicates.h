/* The second copy of a packet that a mirror port delivers.
 * Relies on: data/wire/ip.h, engine/core/status.h.
 * Relied on by: data/wire/decap.c. */
#ifndef SIPCNN_WIRE_DUPLICATES_H
#define SIPCNN_WIRE_DUPLICATES_H

#include "data/wire/ip.h"
#include "engine/core/status.h"

enum {
    /* Both copies of a mirrored packet leave the switch within microseconds; a SIP retransmission comes
     * after 500 ms (RFC 3261's T1), a retransmission that somebody else forwards after a router's delay. */
    WIRE_DUPLICATE_MICROSECONDS = 5000,
};

typedef struct WireDuplicates WireDuplicates;

CORE_NODISCARD CoreStatus wire_duplicates_new(WireDuplicates **recent, CoreError *error);

/* True if the IP packet at bytes[0..length) equals one that came within 5 ms and has had no duplicate yet,
 * from the IP header on, identification included, TTL or hop limit and the checksums of IP, UDP and TCP
 * apart. If not, the packet is remembered. `ip` is what wire_ip_parse says of it. */
bool wire_duplicates_seen(WireDuplicates *recent, const uint8_t *bytes, uint32_t length, const WireIp *ip,
                          int64_t time_ns);

void wire_duplicates_free(WireDuplicates *recent);

#endif
