/* Frames: a UDP datagram in IP packets (fragments if it is long) under one of four link layers.
 * Relies on: data/wire/message.h, random.h.
 * Relied on by: output.c. */
#ifndef SIPCNN_SYNTH_FRAME_H
#define SIPCNN_SYNTH_FRAME_H

#include "data/synth/output.h"

enum {
    FRAME_MTU = 1500,
    FRAME_ROOM = FRAME_MTU + 18, /* of one frame */
    FRAME_DATAGRAM_MAX = 65000,
};

typedef struct FrameMaker {
    SynthLink link;
    uint64_t key; /* of the addresses of interfaces, and of what IP IDs start with */
    uint32_t ids; /* packets so far */
    uint16_t vlan;
    uint8_t datagram[8 + FRAME_DATAGRAM_MAX]; /* UDP header and payload of the current one */
    uint32_t length, done;                    /* of it; bytes that frames were made of */
    WireAddress source, destination;
    uint32_t id;
} FrameMaker;

/* libpcap's number of the link layer. */
uint32_t frame_link_type(SynthLink link);

/* Takes a datagram; the frames follow from frame_next. False: it is too long. */
bool frame_begin(FrameMaker *maker, const WireAddress *source, const WireAddress *destination,
                 const uint8_t *bytes, uint32_t length);

/* Writes the next frame to `bytes` (FRAME_ROOM) and returns its length; 0: there is none left. */
uint32_t frame_next(FrameMaker *maker, uint8_t *bytes);

#endif
