/* Where messages come from: a capture file, standard input or a live interface, through libpcap.
 * Relies on: data/wire/message.h, libpcap.
 * Relied on by: data/dataset (import), infer, tools, bench. */
#ifndef SIPCNN_WIRE_SOURCE_H
#define SIPCNN_WIRE_SOURCE_H

#include "data/wire/message.h"
#include "engine/core/status.h"

/* Every packet ends in exactly one of these; their sum is `packets`. X(name, text). */
#define WIRE_PACKET_MAP(X)                                                                                   \
    X(SIP, "carrying SIP")                                                                                   \
    X(OTHER, "not SIP")                                                                                      \
    X(DUPLICATE, "duplicates of a mirror port")                                                              \
    X(HELD, "held or part of a later packet")                                                                \
    X(REPEATED, "TCP retransmissions")                                                                       \
    X(CUT, "too short to decode")                                                                            \
    X(BAD_FRAGMENT, "fragments dropped")                                                                     \
    X(BAD_STREAM, "TCP segments dropped")                                                                    \
    X(LINK, "unknown link layer")

typedef enum WirePacketFate {
#define WIRE_PACKET_ENUM(name, text) WIRE_PACKET_##name,
    WIRE_PACKET_MAP(WIRE_PACKET_ENUM)
#undef WIRE_PACKET_ENUM
        WIRE_PACKET_FATES
} WirePacketFate;

typedef struct WireCounters {
    uint64_t packets;                 /* delivered to us by libpcap */
    uint64_t fate[WIRE_PACKET_FATES]; /* by what became of them; they sum to `packets` */
    uint64_t messages;                /* SIP messages delivered; a TCP segment may complete several */
    uint64_t stream_gaps;             /* places where bytes of a followed TCP stream were given up */
    uint64_t stream_resyncs; /* places where its framing was lost: damaged lengths, bytes between messages */
    /* Live only; received includes dropped, and on the loopback interface both copies of each packet, of
     * which libpcap delivers one. received - dropped - packets are those still in the ring. */
    uint64_t kernel_received, kernel_dropped;
} WireCounters;

typedef struct WireSource WireSource;

typedef struct WireLiveOptions {
    const char *interface;
    const char *filter;    /* libpcap filter expression, or NULL */
    uint32_t buffer_bytes; /* 0: a default of 16 MiB */
    bool promiscuous;
} WireLiveOptions;

/* Opens a pcap or pcapng file ("-": standard input); libpcap reads pcapng of one link layer only. The caller
 * frees *source. Errors name the file: missing, empty, not a capture, unsupported link layer. One thread at a
 * time. */
CORE_NODISCARD CoreStatus wire_source_open_file(const char *path, WireSource **source, CoreError *error);

/* Opens a live interface, non-blocking, in the kernel's block mode. Errors name the interface and the reason
 * (missing privilege, no such device, bad filter). Packets come in blocks at most 20 ms old. */
CORE_NODISCARD CoreStatus wire_source_open_live(const WireLiveOptions *options, WireSource **source,
                                                CoreError *error);

/* The next SIP message. CORE_OK: *message is filled, its bytes valid until the next call on this source.
 * CORE_AGAIN: none within timeout_ms (live only; < 0 waits for ever), CORE_END: the file is at its end,
 * CORE_FORMAT/CORE_IO: the capture is damaged at the frame that the error names; all before it was delivered
 * (live: the interface is gone; one that is merely down may come up again). CORE_INTERRUPTED: see
 * wire_source_interrupt. */
CORE_NODISCARD CoreStatus wire_source_next(WireSource *source, int timeout_ms, WireMessage *message,
                                           CoreError *error);

/* Makes the wire_source_next that is running or comes next return CORE_INTERRUPTED, once. Async-signal-safe,
 * any thread. One that waits for standard input is woken only by a signal whose handler has no SA_RESTART. */
void wire_source_interrupt(WireSource *source);

/* A copy of the counters so far. */
WireCounters wire_source_counters(WireSource *source);

/* Bytes of the file consumed and its size (size 0: unknown), for progress lines. */
void wire_source_progress(const WireSource *source, uint64_t *done, uint64_t *total);

void wire_source_free(WireSource *source);

#endif
