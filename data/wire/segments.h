/* One direction of a TCP connection: bytes put in order, what lies behind a hole held.
 * Relies on: libc.
 * Relied on by: data/wire/streams.c. */
#ifndef SIPCNN_WIRE_SEGMENTS_H
#define SIPCNN_WIRE_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes that one direction may hold: twice the longest message that is framed, so that as much again may wait
 * behind a hole in it. */
enum { WIRE_SEGMENTS_MAX = 256 << 10 };

/* All zero but `next` is an empty one. Positions count from bytes[0]: head <= tail <= furthest <= capacity.
 */
typedef struct WireSegments {
    uint8_t *bytes;    /* NULL while nothing is held; its bitmap of bytes behind the tail comes after it */
    uint32_t capacity; /* bytes; the allocation is capacity * 9 / 8 */
    uint32_t head;     /* first byte not yet taken */
    uint32_t tail;     /* end of the bytes without hole */
    uint32_t furthest; /* end of the last byte behind a hole; the tail if there is no hole */
    uint32_t next;     /* sequence number of the byte at the tail */
    bool differs;      /* a byte came again and was another one; the first stays */
} WireSegments;

/* What an allocation of this capacity costs. */
static inline uint32_t wire_segments_cost(uint32_t capacity) {
    return capacity + capacity / 8;
}

static inline bool wire_segments_have_hole(const WireSegments *segments) {
    return segments->furthest > segments->tail;
}

static inline bool wire_segments_empty(const WireSegments *segments) {
    return segments->head == segments->furthest;
}

/* How far sequence number a is behind b; negative: before it (RFC 9293 section 3.4). */
static inline int32_t wire_sequence_from(uint32_t a, uint32_t b) {
    return (int32_t)(a - b);
}

/* The capacity that wire_segments_add would want for these bytes, 0 if they are too far away. The capacity
 * never shrinks while bytes are held. */
uint32_t wire_segments_capacity(const WireSegments *segments, uint32_t sequence, uint32_t length);

/* Puts bytes in their place; those that are there already stay. *fresh: any were not. The caller made sure
 * that wire_segments_capacity is not 0. False without memory: nothing changed. */
bool wire_segments_add(WireSegments *segments, uint32_t sequence, const uint8_t *bytes, uint32_t length,
                       bool *fresh);

/* Gives up the hole at the tail: what waited before it is dropped, the head moves to what lies behind it.
 * Without a hole nothing is left. */
void wire_segments_skip_hole(WireSegments *segments);

/* Forgets everything held; `next` moves behind it. Frees memory. */
void wire_segments_clear(WireSegments *segments);

#endif
