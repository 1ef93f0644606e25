/* TCP packets to SIP messages: which direction carries SIP, what is held, what is lost.
 * Relies on: data/wire/{streams,stream_table,segments,framer,websocket,scan}.h.
 * Relied on by: data/wire/decap.c. */
#include "data/wire/streams.h"

#include "data/wire/scanner.h"
#include "data/wire/stream_table.h"

#include <stdlib.h>

enum {
    TCP_HEADER_MIN = 20,
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_ACK = 16,
};

typedef struct View {
    const uint8_t *bytes;
    uint32_t length;
} View;

/* What a step of reading a stream came to. */
typedef enum Step {
    STEP_MORE,    /* nothing to be had before more bytes come */
    STEP_AGAIN,   /* something was passed over or learnt; look again */
    STEP_MESSAGE, /* *message is filled */
} Step;

/* What the bytes of a direction not followed yet look like. */
typedef struct Guess {
    WireStreamKind kind;
    bool lost; /* SIP, but no message starts at the first byte */
} Guess;

struct WireStreams {
    WireStreamTable *table;
    WireCounters *counters;
    uint64_t bytes; /* allocated for segments */
    int64_t now_ns;
    bool finishing;

    uint16_t looked; /* of the packet just looked at: its entry or NONE, and what it is taken for */
    Guess guess;
    uint16_t reading;      /* being read for messages, NONE: none */
    uint16_t reading_next; /* to be read after it: the other direction, whose hole turned out to be lost */
    View direct;    /* bytes of the packet itself that `reading` continues with; nothing of it is held then */
    bool dropped;   /* bytes of the packet were passed over that may have been SIP */
    bool has_first; /* the first message of the packet, found when its fate was decided */
    WireMessage first;
    uint8_t unmasked[WIRE_MESSAGE_MAX]; /* a WebSocket message */
};

CoreStatus wire_streams_new(WireStreams **streams, WireCounters *counters, CoreError *error) {
    WireStreams *made = calloc(1, sizeof *made);
    if (!made) return core_fail(error, CORE_MEMORY, "no memory for TCP streams");
    CoreStatus status = wire_stream_table_new(&made->table, error);
    if (status) {
        free(made);
        return status;
    }
    made->counters = counters;
    made->looked = made->reading = made->reading_next = WIRE_STREAM_NONE;
    *streams = made;
    return CORE_OK;
}

void wire_streams_free(WireStreams *streams) {
    if (!streams) return;
    wire_stream_table_free(streams->table);
    free(streams);
}

bool wire_tcp_parse(const WireIp *ip, WireTcp *tcp) {
    const uint8_t *bytes = ip->payload;
    if (ip->length < TCP_HEADER_MIN) return false;
    uint32_t header = (bytes[12] >> 4) * 4u;
    if (header < TCP_HEADER_MIN || header > ip->length) return false;
    *tcp = (WireTcp){
        .ip = ip,
        .source_port = wire_be16(bytes),
        .destination_port = wire_be16(bytes + 2),
        .sequence = wire_be32(bytes + 4) + ((bytes[13] & TCP_SYN) != 0), /* a SYN counts as one */
        .acknowledged = wire_be32(bytes + 8),
        .ack = (bytes[13] & TCP_ACK) != 0,
        .syn = (bytes[13] & TCP_SYN) != 0,
        .fin = (bytes[13] & TCP_FIN) != 0,
        .rst = (bytes[13] & TCP_RST) != 0,
        .payload = bytes + header,
        .length = ip->length - header,
        .missing = ip->missing,
    };
    return true;
}

static WireStream *stream_at(WireStreams *streams, uint16_t index) {
    return &streams->table->streams[index];
}

/* ---- giving up ---- */

static void count_again(WireStreams *streams, WireStream *stream, WirePacketFate fate) {
    streams->counters->fate[WIRE_PACKET_HELD] -= stream->packets;
    streams->counters->fate[fate] += stream->packets;
    stream->packets = 0;
}

/* Forgets what is held. */
static void clear(WireStreams *streams, uint16_t index) {
    WireStream *stream = stream_at(streams, index);
    if (stream->segments.bytes) streams->bytes -= wire_segments_cost(stream->segments.capacity);
    wire_segments_clear(&stream->segments);
    wire_stream_release(streams->table, index);
    if (streams->reading == index) streams->direct = (View){0};
    stream->framer = (WireFramer){0};
    stream->websocket = (WireWebsocket){0};
    stream->hole_lost = stream->flush = false;
}

/* Room in the idle or live part of the table. */
static void make_room(WireStreams *streams, WireStreamKind kind);

static void become_other(WireStreams *streams, uint16_t index) {
    count_again(streams, stream_at(streams, index), WIRE_PACKET_OTHER);
    clear(streams, index);
    if (wire_stream_is_live((WireStreamKind)stream_at(streams, index)->kind))
        make_room(streams, WIRE_STREAM_OTHER);
    wire_stream_touch(streams->table, index, WIRE_STREAM_OTHER);
}

/* What is held will not become whole. Of a direction that has shown no SIP yet, it was none. */
static void give_up(WireStreams *streams, uint16_t index) {
    WireStream *stream = stream_at(streams, index);
    bool known = stream->kind == WIRE_STREAM_SIP || stream->kind == WIRE_STREAM_WEBSOCKET;
    if (!wire_segments_empty(&stream->segments)) {
        stream->lost = true;
        stream->line_start = false;
        if (known) streams->counters->stream_gaps++;
    }
    count_again(streams, stream, known ? WIRE_PACKET_BAD_STREAM : WIRE_PACKET_OTHER);
    clear(streams, index);
}

static void make_room(WireStreams *streams, WireStreamKind kind) {
    uint16_t victim = wire_stream_victim(streams->table, kind);
    if (victim == WIRE_STREAM_NONE) return;
    give_up(streams, victim);
    wire_stream_remove(streams->table, victim);
    if (streams->reading_next == victim) streams->reading_next = WIRE_STREAM_NONE;
}

/* Puts bytes into the buffer of a stream, at the cost of those that have held for longest. *fresh: some of
 * them were new. False: they are too far away, or there is no memory. */
static bool keep(WireStreams *streams, uint16_t index, uint32_t sequence, View view, bool *fresh) {
    WireStream *stream = stream_at(streams, index);
    uint32_t before = stream->segments.bytes ? wire_segments_cost(stream->segments.capacity) : 0;
    uint32_t capacity = wire_segments_capacity(&stream->segments, sequence, view.length);
    if (capacity == 0) return false;
    uint32_t more = wire_segments_cost(capacity) - before;
    while (streams->bytes + more > WIRE_STREAM_BYTES) {
        uint16_t oldest = streams->table->held.oldest;
        if (oldest == index) oldest = stream->held.newer;
        if (oldest == WIRE_STREAM_NONE) break;
        give_up(streams, oldest);
    }
    if (!wire_segments_add(&stream->segments, sequence, view.bytes, view.length, fresh)) return false;
    uint32_t after = stream->segments.bytes ? wire_segments_cost(stream->segments.capacity) : 0;
    streams->bytes += after - before;
    return true;
}

/* ---- reading a stream ---- */

static View view_of(WireStreams *streams, uint16_t index) {
    const WireSegments *segments = &stream_at(streams, index)->segments;
    if (index == streams->reading && streams->direct.length > 0) return streams->direct;
    if (!segments->bytes) return (View){0};
    return (View){segments->bytes + segments->head, segments->tail - segments->head};
}

static void consume(WireStreams *streams, uint16_t index, uint32_t length) {
    if (index == streams->reading && streams->direct.length > 0) {
        streams->direct.bytes += length;
        streams->direct.length -= length;
    } else {
        stream_at(streams, index)->segments.head += length;
    }
}

static void fill(const WireStream *stream, const uint8_t *bytes, uint32_t length, uint32_t flags,
                 WireMessage *message) {
    *message = (WireMessage){
        .bytes = bytes,
        .length = length < WIRE_MESSAGE_MAX ? length : WIRE_MESSAGE_MAX,
        .flags = stream->flags | flags | (length > WIRE_MESSAGE_MAX ? WIRE_FLAG_TRUNCATED : 0) |
                 (stream->segments.differs ? WIRE_FLAG_OVERLAP : 0),
        .transport = stream->kind == WIRE_STREAM_WEBSOCKET ? WIRE_WEBSOCKET : WIRE_TCP,
        .source.port = stream->key.source_port,
        .destination.port = stream->key.destination_port,
    };
    memcpy(message->source.ip, stream->key.source, sizeof message->source.ip);
    memcpy(message->destination.ip, stream->key.destination, sizeof message->destination.ip);
}

/* Bytes between messages; after too many of them the direction carries something else. */
static Step pass_over(WireStreams *streams, uint16_t index, uint32_t length) {
    WireStream *stream = stream_at(streams, index);
    consume(streams, index, length);
    stream->lost_bytes += length;
    streams->dropped = true;
    if (stream->lost_bytes <= WIRE_STREAM_LOST_BYTES) return STEP_AGAIN;
    become_other(streams, index);
    return STEP_MORE;
}

/* Moves to where a message starts. STEP_MESSAGE: one may start at the first byte. */
static Step find_start(WireStreams *streams, uint16_t index, View view) {
    WireStream *stream = stream_at(streams, index);
    if (stream->framer.searched > 0 || stream->framer.whole > 0) return STEP_MESSAGE;
    if (stream->lost) {
        uint32_t length = wire_framer_search(view.bytes, view.length, &stream->line_start);
        return length > 0 ? pass_over(streams, index, length) : STEP_MESSAGE;
    }
    uint32_t length = wire_framer_line_ends(view.bytes, view.length);
    if (length == 0) return STEP_MESSAGE;
    consume(streams, index, length);
    return STEP_AGAIN;
}

static void lose_framing(WireStreams *streams, WireStream *stream, bool line_start) {
    if (!stream->lost) streams->counters->stream_resyncs++;
    stream->lost = true;
    stream->line_start = line_start;
}

static Step read_sip(WireStreams *streams, uint16_t index, View view, WireMessage *message) {
    WireStream *stream = stream_at(streams, index);
    uint32_t length = 0;
    Step step = find_start(streams, index, view);
    if (step != STEP_MESSAGE) return step;
    WireFramerResult result = wire_framer_next(&stream->framer, view.bytes, view.length, &length);
    if (result == WIRE_FRAMER_MORE) return STEP_MORE;
    if (result == WIRE_FRAMER_NOT_SIP) {
        lose_framing(streams, stream, false);
        return STEP_AGAIN;
    }
    bool damaged = result == WIRE_FRAMER_DAMAGED;
    fill(stream, view.bytes, length, damaged ? WIRE_FLAG_UNFRAMED : 0, message);
    consume(streams, index, length);
    stream->lost = false;
    if (damaged) lose_framing(streams, stream, true);
    return STEP_MESSAGE;
}

static Step read_websocket(WireStreams *streams, uint16_t index, View view, WireMessage *message) {
    WireStream *stream = stream_at(streams, index);
    uint32_t length = 0, used = 0;
    bool cut = false;
    if (stream->lost && !wire_websocket_is_sip(view.bytes, view.length))
        return pass_over(streams, index, view.length);
    stream->lost = false;
    WireWebsocketResult result = wire_websocket_next(&stream->websocket, view.bytes, view.length,
                                                     streams->unmasked, &length, &cut, &used);
    if (result == WIRE_WEBSOCKET_DAMAGED) {
        streams->counters->stream_resyncs++;
        stream->websocket = (WireWebsocket){0};
        stream->lost = true;
        return pass_over(streams, index, view.length);
    }
    consume(streams, index, used);
    if (result == WIRE_WEBSOCKET_MORE) return STEP_MORE;
    if (!wire_is_sip(streams->unmasked, length)) return STEP_AGAIN; /* a keep-alive, or another protocol */
    fill(stream, streams->unmasked, length, cut ? WIRE_FLAG_TRUNCATED : 0, message);
    return STEP_MESSAGE;
}

/* "SIP/2.0" somewhere in the bytes. */
static bool mentions_sip(const uint8_t *bytes, uint32_t length) {
    static const char version[] = "SIP/2.0";
    const uint8_t *at = bytes, *end = bytes + length;
    while (end - at >= 7 && (at = memchr(at + 3, '/', (size_t)(end - at) - 3)) != NULL) {
        if (end - at >= 4 && memcmp(at - 3, version, 7) == 0) return true;
        at -= 2;
    }
    return false;
}

/* The first word is short and of token bytes only, as far as it is there. */
static bool starts_with_word(const uint8_t *bytes, uint32_t length) {
    uint32_t word = 0;
    while (word < length && wire_in(WIRE_SET_TOKEN, bytes[word]))
        word++;
    return word <= WIRE_STREAM_WORD_MAX && (word == length || bytes[word] == ' ' || bytes[word] == '\t');
}

/* What a direction carries, by the shape of its next bytes. One that carries something else (`other`) is
 * believed otherwise only where a message starts right here. */
static Guess guess(View view, bool other) {
    uint32_t skip = wire_framer_line_ends(view.bytes, view.length), length;
    const uint8_t *bytes = view.bytes + skip;
    uint32_t left = view.length - skip;
    /* First, because the bytes of a frame's header may pass for part of an odd method. */
    if (wire_websocket_is_sip(view.bytes, view.length)) return (Guess){.kind = WIRE_STREAM_WEBSOCKET};
    if (wire_is_sip(bytes, left)) return (Guess){.kind = WIRE_STREAM_SIP};
    if (left >= 4 && wire_websocket_upgrade(bytes, left, &length) != WIRE_UPGRADE_NO)
        return (Guess){.kind = WIRE_STREAM_UPGRADE};
    if (other) return (Guess){.kind = WIRE_STREAM_OTHER};
    if (wire_websocket_upgrade(bytes, left, &length) == WIRE_UPGRADE_MORE ||
        (wire_may_become_sip(bytes, left) && starts_with_word(bytes, left)))
        return (Guess){.kind = WIRE_STREAM_MAYBE};
    if (mentions_sip(bytes, left)) return (Guess){.kind = WIRE_STREAM_SIP, .lost = true};
    return (Guess){.kind = WIRE_STREAM_OTHER};
}

static Step read_maybe(WireStreams *streams, uint16_t index, View view) {
    WireStream *stream = stream_at(streams, index);
    uint32_t skip = wire_framer_line_ends(view.bytes, view.length);
    if (skip > 0) {
        consume(streams, index, skip);
        return STEP_AGAIN;
    }
    Guess now = guess(view, false);
    if (now.kind == WIRE_STREAM_MAYBE) return STEP_MORE;
    if (now.kind == WIRE_STREAM_OTHER) {
        become_other(streams, index);
        stream->unsure = stream->lost;
        return STEP_MORE;
    }
    stream->kind = (uint8_t)now.kind;
    stream->lost = now.lost;
    stream->line_start = true;
    return STEP_AGAIN;
}

static Step read_upgrade(WireStreams *streams, uint16_t index, View view) {
    uint32_t length = 0, skip = wire_framer_line_ends(view.bytes, view.length);
    WireUpgrade upgrade = wire_websocket_upgrade(view.bytes + skip, view.length - skip, &length);
    if (upgrade == WIRE_UPGRADE_MORE) return STEP_MORE;
    if (upgrade == WIRE_UPGRADE_NO) {
        become_other(streams, index);
        return STEP_MORE;
    }
    consume(streams, index, skip + length);
    stream_at(streams, index)->kind = WIRE_STREAM_WEBSOCKET;
    return STEP_AGAIN;
}

static Step read_step(WireStreams *streams, uint16_t index, WireMessage *message) {
    View view = view_of(streams, index);
    if (view.length == 0) return STEP_MORE;
    switch ((WireStreamKind)stream_at(streams, index)->kind) {
    case WIRE_STREAM_MAYBE: return read_maybe(streams, index, view);
    case WIRE_STREAM_SIP: return read_sip(streams, index, view, message);
    case WIRE_STREAM_UPGRADE: return read_upgrade(streams, index, view);
    case WIRE_STREAM_WEBSOCKET: return read_websocket(streams, index, view, message);
    case WIRE_STREAM_OPENING:
    case WIRE_STREAM_OTHER: break;
    }
    return STEP_MORE;
}

/* What is left of the packet itself goes into the buffer. */
static void keep_direct(WireStreams *streams, uint16_t index) {
    WireStream *stream = stream_at(streams, index);
    View left = streams->direct;
    bool fresh;
    streams->direct = (View){0};
    if (left.length == 0) return;
    stream->segments.next -= left.length;
    if (keep(streams, index, stream->segments.next, left, &fresh)) return;
    stream->segments.next += left.length;
    streams->dropped = true;
    give_up(streams, index);
    stream->lost = true;
}

/* A message that a hole cuts: its begin is worth a verdict, as of one that the capture cut. */
static bool read_cut(WireStreams *streams, uint16_t index, WireMessage *message) {
    WireStream *stream = stream_at(streams, index);
    View view = view_of(streams, index);
    if (view.length == 0 || stream->kind != WIRE_STREAM_SIP ||
        (stream->lost && stream->framer.searched == 0) || !wire_is_sip(view.bytes, view.length))
        return false;
    fill(stream, view.bytes, view.length, WIRE_FLAG_TRUNCATED, message);
    consume(streams, index, view.length);
    return true;
}

/* Goes on behind a hole, or behind what the capture cut off. */
static void skip_gap(WireStreams *streams, uint16_t index) {
    WireStream *stream = stream_at(streams, index);
    if (stream->cut > 0 && !wire_segments_have_hole(&stream->segments)) {
        stream->segments.head = stream->segments.tail;
        stream->segments.next += stream->cut;
    } else {
        wire_segments_skip_hole(&stream->segments);
    }
    stream->cut = 0;
    stream->lost = stream->line_start = true; /* senders like to start messages where segments start */
    stream->framer = (WireFramer){0};
    stream->websocket = (WireWebsocket){0};
    stream->hole_ns = streams->now_ns;
    streams->counters->stream_gaps++;
}

static bool is_gap_lost(const WireStream *stream) {
    if (!wire_segments_have_hole(&stream->segments)) return stream->cut > 0;
    return stream->hole_lost || stream->flush ||
           (stream->acked_known && wire_sequence_from(stream->acked, stream->segments.next) > 0);
}

/* The next message of the stream, as far as its bytes reach. */
static bool read_stream(WireStreams *streams, uint16_t index, WireMessage *message) {
    WireStream *stream = stream_at(streams, index);
    for (;;) {
        Step step = read_step(streams, index, message);
        if (step == STEP_AGAIN) continue;
        if (step == STEP_MORE && index == streams->reading) keep_direct(streams, index);
        if (step == STEP_MORE && wire_stream_is_live((WireStreamKind)stream->kind) && is_gap_lost(stream)) {
            if (!read_cut(streams, index, message)) {
                skip_gap(streams, index);
                continue;
            }
            step = STEP_MESSAGE;
        }
        if (step == STEP_MORE) return false;
        stream->packets = 0; /* they were part of a message */
        stream->lost_bytes = 0;
        stream->delivered = true;
        return true;
    }
}

/* After the last message: what is left is held, or nothing is. */
static void come_to_rest(WireStreams *streams, uint16_t index) {
    WireStream *stream = stream_at(streams, index);
    if (stream->flush && wire_stream_is_live((WireStreamKind)stream->kind)) give_up(streams, index);
    stream->flush = stream->hole_lost = false;
    if (wire_segments_empty(&stream->segments)) {
        if (stream->segments.bytes) streams->bytes -= wire_segments_cost(stream->segments.capacity);
        wire_segments_clear(&stream->segments);
        wire_stream_release(streams->table, index);
    } else if (!stream->is_held || stream->delivered) {
        wire_stream_hold(streams->table, index, streams->now_ns);
    }
    stream->delivered = false;
}

/* ---- packets ---- */

static WireStreamKey key_of(const WireTcp *tcp, bool reverse) {
    WireStreamKey key;
    memcpy(key.source, reverse ? tcp->ip->destination.ip : tcp->ip->source.ip, sizeof key.source);
    memcpy(key.destination, reverse ? tcp->ip->source.ip : tcp->ip->destination.ip, sizeof key.destination);
    key.source_port = reverse ? tcp->destination_port : tcp->source_port;
    key.destination_port = reverse ? tcp->source_port : tcp->destination_port;
    return key;
}

/* The receiver of the other direction says how far it has come. */
static void note_acknowledgement(WireStreams *streams, const WireTcp *tcp) {
    WireStreamKey key = key_of(tcp, true);
    uint16_t index = tcp->ack ? wire_stream_find(streams->table, &key) : WIRE_STREAM_NONE;
    if (index == WIRE_STREAM_NONE) return;
    WireStream *stream = stream_at(streams, index);
    stream->acked = tcp->acknowledged;
    stream->acked_known = true;
    if (!wire_stream_is_live((WireStreamKind)stream->kind) || !wire_segments_have_hole(&stream->segments))
        return;
    if (!is_gap_lost(stream)) return;
    wire_stream_touch(streams->table, index,
                      (WireStreamKind)stream->kind); /* not the next to be pushed out */
    streams->reading_next = index;
}

/* A connection opens. One that is followed is left alone until its first byte comes: anybody can send a SYN.
 */
static void open_stream(WireStreams *streams, const WireTcp *tcp) {
    WireStreamKey key = key_of(tcp, false);
    uint16_t index = wire_stream_find(streams->table, &key);
    if (index == WIRE_STREAM_NONE) {
        make_room(streams, WIRE_STREAM_OPENING);
        index = wire_stream_add(streams->table, &key, WIRE_STREAM_OPENING);
        stream_at(streams, index)->segments.next = tcp->sequence;
        return;
    }
    WireStream *stream = stream_at(streams, index);
    if (wire_stream_is_live((WireStreamKind)stream->kind)) {
        stream->restart = tcp->sequence;
        stream->restart_known = tcp->sequence != stream->segments.next;
        return;
    }
    wire_stream_touch(streams->table, index, WIRE_STREAM_OPENING);
    stream->segments.next = tcp->sequence;
    stream->acked_known = stream->unsure = false;
}

/* How far a segment is ahead of what is expected; INT32_MIN: too far, either way. */
static int32_t ahead_of(const WireStream *stream, uint32_t sequence) {
    int32_t ahead = wire_sequence_from(sequence, stream->segments.next);
    return ahead > WIRE_STREAM_WINDOW || ahead < -WIRE_STREAM_WINDOW ? INT32_MIN : ahead;
}

/* The first byte of the connection that a SYN announced: what was followed is over. */
static void restart_stream(WireStreams *streams, uint16_t index, const WireTcp *tcp) {
    WireStream *stream = stream_at(streams, index);
    int32_t from = wire_sequence_from(tcp->sequence, stream->restart);
    bool new_window = from >= 0 && from <= WIRE_STREAM_WINDOW;
    if (!stream->restart_known || !new_window || (from > 0 && ahead_of(stream, tcp->sequence) != INT32_MIN))
        return;
    give_up(streams, index);
    make_room(streams, WIRE_STREAM_OPENING);
    wire_stream_touch(streams->table, index, WIRE_STREAM_OPENING);
    stream->segments = (WireSegments){.next = stream->restart};
    stream->restart_known = stream->acked_known = stream->far_known = stream->lost = false;
    stream->cut = 0;
}

/* The end of a connection: what is not whole will not become so. The entry stays, so that retransmissions are
 * known as such. */
static void close_stream(WireStreams *streams, uint16_t index, const WireTcp *tcp) {
    WireStream *stream = stream_at(streams, index);
    if (wire_stream_is_live((WireStreamKind)stream->kind) &&
        tcp->sequence + tcp->length == stream->segments.next && !wire_segments_have_hole(&stream->segments))
        give_up(streams, index);
}

static WirePacketFate look_at_payload(WireStreams *streams, const WireTcp *tcp) {
    const View view = {tcp->payload, tcp->length};
    bool other = false;
    if (streams->looked != WIRE_STREAM_NONE) {
        restart_stream(streams, streams->looked, tcp);
        const WireStream *stream = stream_at(streams, streams->looked);
        if (wire_stream_is_live((WireStreamKind)stream->kind)) {
            streams->guess.kind = (WireStreamKind)stream->kind;
            return WIRE_PACKET_SIP;
        }
        int32_t ahead = ahead_of(stream, tcp->sequence);
        if (stream->kind == WIRE_STREAM_OPENING && ahead != INT32_MIN && ahead != 0) {
            streams->guess = (Guess){.kind = WIRE_STREAM_MAYBE}; /* the first segment is still to come */
            return ahead > 0 ? WIRE_PACKET_SIP : WIRE_PACKET_OTHER;
        }
        other = stream->kind == WIRE_STREAM_OTHER && !stream->unsure;
    }
    streams->guess = guess(view, other);
    if (streams->guess.kind != WIRE_STREAM_OTHER) return WIRE_PACKET_SIP;
    if (streams->looked != WIRE_STREAM_NONE)
        wire_stream_touch(streams->table, streams->looked, WIRE_STREAM_OTHER);
    return WIRE_PACKET_OTHER;
}

/* Messages that nobody took are lost; the streams must come to rest all the same. */
static void finish_reading(WireStreams *streams) {
    WireMessage ignored;
    while (streams->reading != WIRE_STREAM_NONE || streams->reading_next != WIRE_STREAM_NONE)
        if (!wire_streams_next(streams, streams->now_ns, &ignored)) break;
    streams->has_first = false;
}

WirePacketFate wire_streams_look(WireStreams *streams, const WireTcp *tcp) {
    WireStreamKey key = key_of(tcp, false);
    finish_reading(streams);
    note_acknowledgement(streams, tcp);
    if (tcp->syn) open_stream(streams, tcp);
    streams->looked = wire_stream_find(streams->table, &key);
    if (tcp->length > 0) return look_at_payload(streams, tcp);
    if ((tcp->fin || tcp->rst) && streams->looked != WIRE_STREAM_NONE)
        close_stream(streams, streams->looked, tcp);
    return WIRE_PACKET_OTHER;
}

/* The entry of the packet looked at, live from now on. */
static uint16_t follow(WireStreams *streams, const WireTcp *tcp) {
    uint16_t index = streams->looked;
    WireStreamKey key = key_of(tcp, false);
    bool known = index != WIRE_STREAM_NONE;
    if (known && wire_stream_is_live((WireStreamKind)stream_at(streams, index)->kind)) {
        wire_stream_touch(streams->table, index, (WireStreamKind)stream_at(streams, index)->kind);
        return index;
    }
    make_room(streams, streams->guess.kind);
    int32_t ahead = known ? ahead_of(stream_at(streams, index), tcp->sequence) : 0;
    bool opening = known && stream_at(streams, index)->kind == WIRE_STREAM_OPENING;
    if (known)
        wire_stream_touch(streams->table, index, streams->guess.kind);
    else
        index = wire_stream_add(streams->table, &key, streams->guess.kind);
    WireStream *stream = stream_at(streams, index);
    if (!opening || ahead == INT32_MIN) stream->segments = (WireSegments){.next = tcp->sequence};
    stream->lost = streams->guess.lost;
    stream->line_start = true;
    stream->unsure = false;
    stream->lost_bytes = 0;
    return index;
}

/* A segment far from what is expected: the capture lost much, the connection is another one, or it is forged.
 * True: follow it. */
static bool jump(WireStreams *streams, uint16_t index, const WireTcp *tcp) {
    WireStream *stream = stream_at(streams, index);
    int32_t ahead = wire_sequence_from(tcp->sequence, stream->segments.next);
    bool received = ahead > 0 && stream->acked_known && wire_sequence_from(stream->acked, tcp->sequence) >= 0;
    bool continues = stream->far_known && stream->far_next == tcp->sequence;
    stream->far_next = tcp->sequence + tcp->length + tcp->missing;
    stream->far_known = !received && !continues;
    if (stream->far_known) return false;
    give_up(streams, index);
    if (stream->kind == WIRE_STREAM_UPGRADE) stream->kind = WIRE_STREAM_MAYBE;
    stream->segments.next = tcp->sequence;
    stream->lost = stream->line_start = true;
    stream->cut = 0;
    streams->counters->stream_gaps++;
    return true;
}

/* Puts the payload where it belongs. False: all of it was there before. */
static bool place(WireStreams *streams, uint16_t index, const WireTcp *tcp) {
    WireStream *stream = stream_at(streams, index);
    WireSegments *segments = &stream->segments;
    int32_t ahead = wire_sequence_from(tcp->sequence, segments->next);
    View view = {tcp->payload, tcp->length};
    bool fresh = false, hole = wire_segments_have_hole(segments);
    if (ahead <= 0 && wire_segments_empty(segments)) {
        if (-ahead >= (int64_t)view.length) return false;
        streams->direct = (View){view.bytes - ahead, view.length - (uint32_t)-ahead};
        segments->next += streams->direct.length;
        fresh = true;
    } else if (!keep(streams, index, tcp->sequence, view, &fresh)) {
        streams->dropped = fresh = true;
        stream->hole_lost = true; /* there is no room to wait for it */
    }
    if (fresh && tcp->missing > 0 && segments->next == tcp->sequence + tcp->length)
        stream->cut = tcp->missing;
    if (!hole) stream->hole_ns = streams->now_ns;
    if (wire_time_apart(streams->now_ns, stream->hole_ns) > WIRE_STREAM_GAP_SECONDS * UINT64_C(1000000000))
        stream->hole_lost = true;
    return fresh;
}

WirePacketFate wire_streams_add(WireStreams *streams, const WireTcp *tcp, uint32_t flags, int64_t now_ns) {
    streams->now_ns = now_ns;
    streams->dropped = false;
    uint16_t index = follow(streams, tcp);
    WireStream *stream = stream_at(streams, index);
    streams->reading = index;
    if (ahead_of(stream, tcp->sequence) == INT32_MIN && !jump(streams, index, tcp)) {
        streams->reading = WIRE_STREAM_NONE;
        return WIRE_PACKET_BAD_STREAM;
    }
    if (wire_segments_empty(&stream->segments)) {
        stream->flags = 0;
        stream->segments.differs = false;
    }
    stream->flags |= flags;
    if (!place(streams, index, tcp)) {
        streams->reading = WIRE_STREAM_NONE;
        return WIRE_PACKET_REPEATED;
    }
    streams->has_first = read_stream(streams, index, &streams->first);
    if (streams->has_first) return WIRE_PACKET_SIP;
    streams->reading = WIRE_STREAM_NONE;
    come_to_rest(streams, index);
    if (streams->dropped) return WIRE_PACKET_BAD_STREAM;
    if (wire_segments_empty(&stream->segments)) return WIRE_PACKET_OTHER;
    stream->packets++;
    if (tcp->fin) close_stream(streams, index, tcp); /* counts again what the caller is about to count */
    return WIRE_PACKET_HELD;
}

/* A stream that has held for too long, or at the end of a capture any that holds. */
static bool take_due(WireStreams *streams) {
    uint16_t index;
    while ((index = streams->table->held.oldest) != WIRE_STREAM_NONE) {
        WireStream *stream = stream_at(streams, index);
        if (!streams->finishing &&
            wire_time_apart(streams->now_ns, stream->since_ns) <= WIRE_STREAM_SECONDS * UINT64_C(1000000000))
            return false;
        if (wire_segments_have_hole(&stream->segments)) {
            stream->flush = true;
            streams->reading = index;
            return true;
        }
        give_up(streams, index);
    }
    return false;
}

bool wire_streams_next(WireStreams *streams, int64_t now_ns, WireMessage *message) {
    streams->now_ns = now_ns;
    if (streams->has_first) {
        *message = streams->first;
        streams->has_first = false;
        return true;
    }
    for (;;) {
        if (streams->reading != WIRE_STREAM_NONE) {
            if (read_stream(streams, streams->reading, message)) return true;
            uint16_t read = streams->reading;
            streams->reading = WIRE_STREAM_NONE;
            come_to_rest(streams, read);
        }
        if (streams->reading_next != WIRE_STREAM_NONE) {
            streams->reading = streams->reading_next;
            streams->reading_next = WIRE_STREAM_NONE;
        } else if (!take_due(streams)) {
            return false;
        }
    }
}

void wire_streams_finish(WireStreams *streams) {
    finish_reading(streams);
    streams->finishing = true;
}
