/* The directions of TCP connections that are followed: a fixed table, and who is old, who holds bytes.
 * Relies on: data/wire/{segments,framer,websocket}.h, engine/core/status.h.
 * Relied on by: data/wire/streams.c. */
#ifndef SIPCNN_WIRE_STREAM_TABLE_H
#define SIPCNN_WIRE_STREAM_TABLE_H

#include "data/wire/framer.h"
#include "data/wire/segments.h"
#include "data/wire/websocket.h"
#include "engine/core/status.h"

/* Bounds. Two tables in one, so that a flood of connection attempts, or other people's web traffic, pushes
 * out no direction that carries SIP. To lose an entry costs little: a message that starts at the start of a
 * segment is found again by its shape. */
enum {
    WIRE_STREAMS_LIVE = 4096, /* directions that carry SIP or may: 2,048 connections, a large edge proxy's */
    WIRE_STREAMS_IDLE = 4096, /* directions just opened, or seen to carry something else */
    WIRE_STREAMS = WIRE_STREAMS_LIVE + WIRE_STREAMS_IDLE,
    WIRE_STREAM_NONE = 0xffff,
};

typedef enum WireStreamKind {
    WIRE_STREAM_OPENING,   /* SYN seen, no byte yet; idle */
    WIRE_STREAM_OTHER,     /* something else than SIP; idle */
    WIRE_STREAM_MAYBE,     /* its first line is not whole; from here on live */
    WIRE_STREAM_SIP,       /* framed by Content-Length */
    WIRE_STREAM_UPGRADE,   /* the header section of an HTTP upgrade that is not whole */
    WIRE_STREAM_WEBSOCKET, /* frames of RFC 6455 */
} WireStreamKind;

/* One direction. Compared as bytes; has no padding. */
typedef struct WireStreamKey {
    uint8_t source[16], destination[16];
    uint16_t source_port, destination_port;
} WireStreamKey;

typedef struct WireStreamLinks {
    uint16_t older, newer; /* WIRE_STREAM_NONE at the ends */
} WireStreamLinks;

typedef struct WireStream {
    WireStreamKey key;
    uint16_t chain;       /* next of the same bucket, or next free one */
    WireStreamLinks used; /* in order of their last packet, live and idle ones apart */
    WireStreamLinks held; /* in order of `since_ns`; only if is_held */
    uint8_t kind;         /* WireStreamKind */
    bool is_held;         /* holds bytes of a message that is not whole */
    bool lost;            /* framing: where the next message starts is not known */
    bool line_start;      /* what comes next begins a line (if lost) */
    bool hole_lost;       /* what is missing will not come */
    bool flush;           /* nothing will come any more, or too late */
    bool unsure;          /* OTHER by what came behind a hole only */
    bool delivered;       /* a message since the stream was last at rest */
    bool acked_known, restart_known, far_known;
    uint32_t acked;            /* the other side says it has all before */
    uint32_t restart;          /* first sequence number that a later SYN announced */
    uint32_t far_next;         /* end of the last segment that was too far away */
    uint32_t cut;              /* bytes behind the tail that the capture cut off */
    uint32_t packets;          /* counted as HELD since the last message */
    uint32_t lost_bytes;       /* passed over since the last message */
    uint32_t flags;            /* WIRE_FLAG_* of the packets of what is held */
    int64_t since_ns, hole_ns; /* when it began to hold; when its hole opened */
    WireSegments segments;
    WireFramer framer;
    WireWebsocket websocket;
} WireStream;

typedef struct WireStreamEnds {
    uint16_t oldest, newest;
    uint32_t count;
} WireStreamEnds;

typedef struct WireStreamTable {
    WireStreamEnds live, idle, held;
    uint16_t free;   /* given back */
    uint16_t unused; /* never used from here on */
    uint16_t buckets[WIRE_STREAMS];
    uint8_t secret[192]; /* of the hash: where an entry lies is no attacker's to choose */
    WireStream streams[WIRE_STREAMS];
} WireStreamTable;

CORE_NODISCARD CoreStatus wire_stream_table_new(WireStreamTable **table, CoreError *error);

/* Index of the entry, or WIRE_STREAM_NONE. */
uint16_t wire_stream_find(const WireStreamTable *table, const WireStreamKey *key);

/* The entry that has to go before one of this kind is added; WIRE_STREAM_NONE: there is room. */
uint16_t wire_stream_victim(const WireStreamTable *table, WireStreamKind kind);

/* A fresh entry as the newest; there must be room. */
uint16_t wire_stream_add(WireStreamTable *table, const WireStreamKey *key, WireStreamKind kind);

/* Makes it the newest, of another kind if need be; there must be room. */
void wire_stream_touch(WireStreamTable *table, uint16_t index, WireStreamKind kind);

/* It holds bytes since now: puts it at the newer end of the held ones. And out of them. */
void wire_stream_hold(WireStreamTable *table, uint16_t index, int64_t now_ns);
void wire_stream_release(WireStreamTable *table, uint16_t index);

/* Takes it out. Its segments must have been cleared. */
void wire_stream_remove(WireStreamTable *table, uint16_t index);

/* Frees the table and what its streams hold. */
void wire_stream_table_free(WireStreamTable *table);

static inline bool wire_stream_is_live(WireStreamKind kind) {
    return kind >= WIRE_STREAM_MAYBE;
}

#endif
