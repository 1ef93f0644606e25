/* From a captured frame to the SIP message in it: link layer, IP, fragments, tunnels, UDP, duplicates.
 * Relies on: data/wire/source.h (the fates of packets), libpcap's link-layer numbers.
 * Relied on by: data/wire/source.c, tests. */
#ifndef SIPCNN_WIRE_DECAP_H
#define SIPCNN_WIRE_DECAP_H

#include "data/wire/source.h"

typedef struct WireFrame {
    const uint8_t *bytes; /* borrowed */
    uint32_t captured;    /* bytes there are */
    int link_type;        /* DLT_* of libpcap */
    int64_t time_ns;
    uint64_t number; /* 1-based */
} WireFrame;

typedef struct WireDecap WireDecap;

/* True for the link layers that are read: Ethernet (with VLAN tags and PPPoE), Linux cooked v1 and v2, raw
 * IP, BSD loopback. */
bool wire_link_supported(int link_type);

CORE_NODISCARD CoreStatus wire_decap_new(WireDecap **decap, CoreError *error);

/* What becomes of one frame. WIRE_PACKET_SIP: *message is filled, its bytes are valid until the next call and
 * as long as the frame's. Counts the frame. One thread at a time. */
WirePacketFate wire_decap_frame(WireDecap *decap, const WireFrame *frame, WireMessage *message);

/* At the end of a capture: fragments still held become dropped ones. */
void wire_decap_finish(WireDecap *decap);

/* The counters so far (kernel counters are 0). */
WireCounters wire_decap_counters(const WireDecap *decap);

void wire_decap_free(WireDecap *decap);

#endif
