/* A buffer that starts at the first byte not yet taken, and a bit for each byte behind its first hole.
 * Relies on: data/wire/segments.h.
 * Relied on by: data/wire/streams.c. */
#include "data/wire/segments.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 2048 }; /* one Ethernet frame's worth */

static uint8_t *bitmap(const WireSegments *segments) {
    return segments->bytes + segments->capacity;
}

static bool is_there(const WireSegments *segments, uint32_t at) {
    return at < segments->tail || (bitmap(segments)[at / 8] >> at % 8 & 1) != 0;
}

/* Where a sequence number lies, counted from bytes[0]. */
static int64_t position(const WireSegments *segments, uint32_t sequence) {
    return (int64_t)segments->tail + wire_sequence_from(sequence, segments->next);
}

/* Taken bytes go in steps of 8, so that the bitmap moves by whole bytes. */
static uint32_t taken(const WireSegments *segments) {
    return segments->head / 8 * 8;
}

uint32_t wire_segments_capacity(const WireSegments *segments, uint32_t sequence, uint32_t length) {
    int64_t end = position(segments, sequence) + length - taken(segments);
    uint32_t capacity = segments->capacity ? segments->capacity : CAPACITY_MIN;
    if (end > WIRE_SEGMENTS_MAX) return 0;
    while (capacity < end)
        capacity *= 2;
    return capacity;
}

/* Drops the taken bytes. */
static void compact(WireSegments *segments) {
    uint32_t by = taken(segments);
    if (by == 0) return;
    uint8_t *have = bitmap(segments);
    memmove(segments->bytes, segments->bytes + by, segments->furthest - by);
    memmove(have, have + by / 8, segments->capacity / 8 - by / 8);
    memset(have + segments->capacity / 8 - by / 8, 0, by / 8);
    segments->head -= by;
    segments->tail -= by;
    segments->furthest -= by;
}

/* Another capacity, a multiple of 8. */
static bool resize(WireSegments *segments, uint32_t capacity) {
    uint8_t *bytes = malloc(wire_segments_cost(capacity));
    if (!bytes) return false;
    if (segments->bytes) {
        memcpy(bytes, segments->bytes, segments->furthest);
        memcpy(bytes + capacity, bitmap(segments), segments->capacity / 8);
    }
    memset(bytes + capacity + segments->capacity / 8, 0, capacity / 8 - segments->capacity / 8);
    free(segments->bytes);
    segments->bytes = bytes;
    segments->capacity = capacity;
    return true;
}

/* Moves the tail over the bytes that have no hole before them any more, and clears their bits. */
static void join(WireSegments *segments) {
    uint32_t from = segments->tail;
    uint8_t *have = bitmap(segments);
    while (segments->tail < segments->furthest && is_there(segments, segments->tail)) {
        have[segments->tail / 8] &= (uint8_t) ~(1u << segments->tail % 8);
        segments->tail++;
    }
    segments->next += segments->tail - from;
}

/* True if any of the bytes were not there. */
static bool put_behind_hole(WireSegments *segments, uint32_t at, const uint8_t *bytes, uint32_t length) {
    uint8_t *have = bitmap(segments);
    bool fresh = false;
    for (uint32_t i = 0; i < length; i++, at++) {
        if (is_there(segments, at)) {
            if (segments->bytes[at] != bytes[i]) segments->differs = true;
        } else {
            segments->bytes[at] = bytes[i];
            have[at / 8] |= (uint8_t)(1u << at % 8);
            fresh = true;
        }
    }
    return fresh;
}

/* What lies before the tail can only be compared. Returns its length. */
static uint32_t compare_known(WireSegments *segments, int64_t at, const uint8_t *bytes, uint32_t length) {
    uint32_t skip = at < 0 ? (-at < length ? (uint32_t)-at : length) : 0;
    at += skip;
    if (at >= segments->tail) return skip;
    uint32_t known = segments->tail - (uint32_t)at;
    if (known > length - skip) known = length - skip;
    if (known > 0 && memcmp(segments->bytes + at, bytes + skip, known) != 0) segments->differs = true;
    return skip + known;
}

bool wire_segments_add(WireSegments *segments, uint32_t sequence, const uint8_t *bytes, uint32_t length,
                       bool *fresh) {
    *fresh = false;
    int64_t at = position(segments, sequence);
    if (at + length > segments->capacity) {
        uint32_t capacity = wire_segments_capacity(segments, sequence, length);
        compact(segments);
        if (capacity > segments->capacity && !resize(segments, capacity)) return false;
        at = position(segments, sequence);
    }
    uint32_t known = compare_known(segments, at, bytes, length);
    if (known == length) return true;
    uint32_t begin = (uint32_t)(at + known), end = (uint32_t)(at + length);
    bytes += known;
    length -= known;
    if (begin == segments->tail && !wire_segments_have_hole(segments)) {
        memcpy(segments->bytes + begin, bytes, length);
        segments->tail = segments->furthest = end;
        segments->next += length;
        *fresh = true;
        return true;
    }
    *fresh = put_behind_hole(segments, begin, bytes, length);
    if (end > segments->furthest) segments->furthest = end;
    join(segments);
    return true;
}

void wire_segments_skip_hole(WireSegments *segments) {
    uint32_t from = segments->tail;
    while (segments->tail < segments->furthest && !is_there(segments, segments->tail))
        segments->tail += segments->tail % 8 == 0 && bitmap(segments)[segments->tail / 8] == 0 ? 8 : 1;
    segments->next += segments->tail - from;
    segments->head = segments->tail;
    if (segments->bytes) join(segments);
}

void wire_segments_clear(WireSegments *segments) {
    segments->next += segments->furthest - segments->tail;
    free(segments->bytes);
    *segments = (WireSegments){.next = segments->next, .differs = segments->differs};
}
