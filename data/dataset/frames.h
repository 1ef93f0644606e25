/* Frames for messages: raw IP packets in a pcap file with nanoseconds, from which the same messages are read.
 * Relies on: data/wire/message.h, libc.
 * Relied on by: data/dataset/export.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_FRAMES_H
#define SIPCNN_DATASET_FRAMES_H

#include "data/wire/message.h"
#include "engine/core/status.h"

#include <stdio.h>

/* A direction of a TCP connection. */
typedef struct FrameFlow {
    WireAddress source, destination;
    uint32_t sequence; /* of its next byte */
    bool used;
} FrameFlow;

typedef struct FrameWriter {
    FILE *file;      /* borrowed */
    bool keep;       /* messages keep their frame numbers: frames of 20 bytes stand where no SIP was */
    uint64_t frames; /* written */
    uint64_t fillers;
    uint32_t identification; /* of the next packet: none shall look like a mirror port's copy */
    FrameFlow *flows;        /* [flow_room] hash table, a power of two */
    size_t n_flows, flow_room;
    uint8_t *packet, *datagram; /* room for the largest, with its IP header and without */
    WireMessage segment;        /* TCP messages of one frame are collected here: bytes of `held` */
    uint8_t *held;
    uint32_t in_segment; /* messages; 0: none is held */
} FrameWriter;

/* Writes the file's header. Free with frames_free, also after a failure. CORE_MEMORY, CORE_IO (errno). */
CORE_NODISCARD CoreStatus frames_init(FrameWriter *writer, FILE *file, bool keep, CoreError *error);

/* Appends a message in frames of its own; TCP messages of one frame and connection that come one behind the
 * other share one. *frame and *index: where whoever reads the file finds it. UDP gives back flags and bytes
 * exactly; TCP and WebSocket as the messages' own framing allows. CORE_ARGUMENT: too long for UDP, a time
 * beyond 2106, or a frame number that cannot be kept; CORE_IO, CORE_MEMORY. */
CORE_NODISCARD CoreStatus frames_put(FrameWriter *writer, const WireMessage *message, uint64_t *frame,
                                     uint32_t *index, CoreError *error);

/* Writes what is held. */
CORE_NODISCARD CoreStatus frames_finish(FrameWriter *writer, CoreError *error);

void frames_free(FrameWriter *writer);

#endif
