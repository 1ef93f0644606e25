/* The HTTP upgrade, frame headers, and messages of one or more frames.
 * Relies on: data/wire/websocket.h, framer.h, scanner.h.
 * Relied on by: data/wire/streams.c. */
#include "data/wire/websocket.h"

#include "data/wire/framer.h"
#include "data/wire/scanner.h"

enum {
    OPCODE_CONTINUATION = 0,
    OPCODE_TEXT = 1,
    OPCODE_BINARY = 2,
    OPCODE_CLOSE = 8,
    OPCODE_PONG = 10,
    CONTROL_MAX = 125, /* payload of a control frame, RFC 6455 section 5.5 */
    LOOK_MAX = 4096,   /* of a payload whose shape is asked for */
};

typedef struct Frame {
    bool final, masked;
    uint8_t opcode, mask[4];
    uint32_t header; /* bytes before the payload */
    uint64_t length; /* of the payload */
} Frame;

/* MESSAGE: *frame is filled. */
static WireWebsocketResult read_frame(const uint8_t *bytes, uint32_t available, Frame *frame) {
    if (available < 2) return WIRE_WEBSOCKET_MORE;
    uint32_t size = bytes[1] & 127, extended = size == 127 ? 8 : size == 126 ? 2 : 0;
    *frame = (Frame){.final = bytes[0] >> 7, .masked = bytes[1] >> 7, .opcode = bytes[0] & 15};
    /* Reserved bits belong to extensions: compressed messages, which we cannot read. */
    if (bytes[0] & 0x70 || (frame->opcode > OPCODE_BINARY && frame->opcode < OPCODE_CLOSE) ||
        frame->opcode > OPCODE_PONG)
        return WIRE_WEBSOCKET_DAMAGED;
    if (frame->opcode >= OPCODE_CLOSE && (!frame->final || size > CONTROL_MAX)) return WIRE_WEBSOCKET_DAMAGED;
    frame->header = 2 + extended + (frame->masked ? 4 : 0);
    if (available < frame->header) return WIRE_WEBSOCKET_MORE;
    frame->length = extended ? 0 : size;
    for (uint32_t i = 0; i < extended; i++)
        frame->length = frame->length << 8 | bytes[2 + i];
    if (frame->masked) memcpy(frame->mask, bytes + frame->header - 4, 4);
    return frame->length >> 63 ? WIRE_WEBSOCKET_DAMAGED : WIRE_WEBSOCKET_MESSAGE;
}

static void unmask(const Frame *frame, const uint8_t *from, uint32_t length, uint8_t *to) {
    if (!frame->masked) {
        memcpy(to, from, length);
        return;
    }
    for (uint32_t i = 0; i < length; i++)
        to[i] = from[i] ^ frame->mask[i % 4];
}

/* Puts the payloads of the data frames in bytes[0..end) together, at most WIRE_MESSAGE_MAX bytes; the last
 * frame's may be there in part. */
static uint32_t assemble(const uint8_t *bytes, uint32_t end, uint8_t *message) {
    uint32_t length = 0;
    Frame frame;
    for (uint32_t at = 0; at < end && read_frame(bytes + at, end - at, &frame) == WIRE_WEBSOCKET_MESSAGE;) {
        at += frame.header;
        uint32_t part = frame.length < end - at ? (uint32_t)frame.length : end - at;
        if (frame.opcode < OPCODE_CLOSE) {
            uint32_t fits = part < WIRE_MESSAGE_MAX - length ? part : WIRE_MESSAGE_MAX - length;
            unmask(&frame, bytes + at, fits, message + length);
            length += fits;
        }
        at += part;
    }
    return length;
}

/* A data frame's place in its message; false if it has none. */
static bool is_in_order(const WireWebsocket *state, const Frame *frame) {
    if (frame->opcode >= OPCODE_CLOSE) return true;
    bool inside = state->started || state->discard;
    return inside == (frame->opcode == OPCODE_CONTINUATION);
}

/* The frame at `walked` makes the message longer than what is looked at: it is cut once so much is there. */
static WireWebsocketResult cut_message(WireWebsocket *state, const Frame *frame, const uint8_t *bytes,
                                       uint32_t available, uint8_t *message, uint32_t *length,
                                       uint32_t *used) {
    uint32_t here = available - state->walked - frame->header;
    if (here < WIRE_MESSAGE_MAX - state->payload) {
        state->walked -= *used;
        return WIRE_WEBSOCKET_MORE;
    }
    *length = assemble(bytes + *used, available - *used, message);
    *used = state->walked + frame->header;
    *state = (WireWebsocket){.skip = frame->length, .discard = !frame->final};
    return WIRE_WEBSOCKET_MESSAGE;
}

/* Passes over what is left of a frame; true if it is behind us. */
static bool pass_over(WireWebsocket *state, uint32_t available, uint32_t *used) {
    uint32_t left = available - *used;
    uint32_t now = state->skip < left ? (uint32_t)state->skip : left;
    *used += now;
    state->skip -= now;
    return state->skip == 0;
}

WireWebsocketResult wire_websocket_next(WireWebsocket *state, const uint8_t *bytes, uint32_t available,
                                        uint8_t *message, uint32_t *length, bool *cut, uint32_t *used) {
    WireWebsocketResult result = WIRE_WEBSOCKET_MORE;
    Frame frame;
    *used = 0;
    *cut = false;
    while (pass_over(state, available, used)) {
        if (state->walked < *used) state->walked = *used;
        uint32_t at = state->walked;
        result = read_frame(bytes + at, available - at, &frame);
        if (result == WIRE_WEBSOCKET_MESSAGE && !is_in_order(state, &frame)) result = WIRE_WEBSOCKET_DAMAGED;
        if (result != WIRE_WEBSOCKET_MESSAGE) break;
        result = WIRE_WEBSOCKET_MORE;
        bool data = frame.opcode < OPCODE_CLOSE;
        if (state->discard || (!data && !state->started)) {
            if (data && frame.final) state->discard = false;
            *used = at + frame.header;
            state->skip = frame.length;
            continue;
        }
        if (data && frame.length > WIRE_MESSAGE_MAX - state->payload) {
            *cut = true;
            return cut_message(state, &frame, bytes, available, message, length, used);
        }
        if (frame.length > available - at - frame.header) break;
        state->walked = at + frame.header + (uint32_t)frame.length;
        if (!data) continue;
        state->payload += (uint32_t)frame.length;
        state->started = !frame.final;
        if (!frame.final) continue;
        *length = assemble(bytes + *used, state->walked - *used, message);
        *used = state->walked;
        *state = (WireWebsocket){0};
        return WIRE_WEBSOCKET_MESSAGE;
    }
    state->walked -= state->walked < *used ? state->walked : *used; /* counted from what is not used */
    return result;
}

bool wire_websocket_is_sip(const uint8_t *bytes, uint32_t length) {
    uint8_t text[LOOK_MAX];
    Frame frame;
    if (read_frame(bytes, length, &frame) != WIRE_WEBSOCKET_MESSAGE ||
        (frame.opcode != OPCODE_TEXT && frame.opcode != OPCODE_BINARY))
        return false;
    uint32_t there = length - frame.header;
    if (there > frame.length) there = (uint32_t)frame.length;
    if (there > LOOK_MAX) there = LOOK_MAX;
    unmask(&frame, bytes + frame.header, there, text);
    return wire_is_sip(text, there);
}

/* ---- upgrade ---- */

/* True if bytes[0..length) start with `text`, or (partly) are the begin of it. */
static bool starts_with(const uint8_t *bytes, uint32_t length, const char *text, bool partly) {
    uint32_t n = (uint32_t)strlen(text), compare = length < n ? length : n;
    return (partly || length >= n) && memcmp(bytes, text, compare) == 0;
}

/* A comma-separated list that holds "sip" (RFC 7118 section 4). */
static bool lists_sip(const WireScanner *scanner, WireSlice value) {
    WireSlice element;
    uint32_t at = value.offset, end = value.offset + value.length;
    while (at < end) {
        uint32_t comma = wire_find(scanner, at, end, ',');
        element = wire_trim(scanner, at, comma);
        if (wire_equals(scanner, element, "sip")) return true;
        at = comma + 1;
    }
    return false;
}

static bool offers_sip(const uint8_t *bytes, uint32_t length) {
    WireScanner scanner = {bytes, length, NULL};
    for (uint32_t at = 0; at < length;) {
        uint32_t end = wire_find(&scanner, at, length, '\n'), colon = wire_find(&scanner, at, end, ':');
        if (colon < end && wire_equals(&scanner, wire_trim(&scanner, at, colon), "sec-websocket-protocol") &&
            lists_sip(&scanner, wire_trim(&scanner, colon + 1, end)))
            return true;
        at = end + 1;
    }
    return false;
}

WireUpgrade wire_websocket_upgrade(const uint8_t *bytes, uint32_t available, uint32_t *length) {
    static const char *const starts[] = {"GET ", "HTTP/1.1 101"};
    bool may_be = false;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        may_be = may_be || starts_with(bytes, available, starts[i], true);
    if (!may_be) return WIRE_UPGRADE_NO;
    uint32_t seen = available < WIRE_UPGRADE_MAX ? available : WIRE_UPGRADE_MAX;
    *length = wire_framer_header_end(bytes, seen, 0);
    if (*length > 0) return offers_sip(bytes, *length) ? WIRE_UPGRADE_SIP : WIRE_UPGRADE_NO;
    return seen < WIRE_UPGRADE_MAX ? WIRE_UPGRADE_MORE : WIRE_UPGRADE_NO;
}
