/* From a captured frame to the SIP messages in it: link layer, IP, fragments, tunnels, UDP, TCP, duplicates.
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

/* What becomes of one frame; counts it. WIRE_PACKET_SIP: at least one message is complete. One thread at a
 * time. */
WirePacketFate wire_decap_frame(WireDecap *decap, const WireFrame *frame);

/* The next message that is complete since the last frame; false: none. Its bytes are valid until the next
 * call, as long as the frame's. A frame of any fate may complete messages: by showing that bytes which an
 * earlier one waited for were lost. Take all of them before the next frame; what is left then is lost. */
bool wire_decap_next(WireDecap *decap, WireMessage *message);

/* At the end of a capture: fragments and pieces of messages still held become dropped ones. wire_decap_next
 * then gives the messages that waited behind lost bytes, as of the last frame. */
void wire_decap_finish(WireDecap *decap);

/* The counters so far (kernel counters are 0). What was held may count as something else later. */
WireCounters wire_decap_counters(const WireDecap *decap);

void wire_decap_free(WireDecap *decap);

#endif
