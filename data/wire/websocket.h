/* SIP over WebSocket (RFC 7118): the upgrade of an HTTP connection and the frames behind it (RFC 6455).
 * Relies on: data/wire/framer.h, data/wire/message.h.
 * Relied on by: data/wire/streams.c. */
#ifndef SIPCNN_WIRE_WEBSOCKET_H
#define SIPCNN_WIRE_WEBSOCKET_H

#include "data/wire/message.h"

enum {
    /* A header section of HTTP that is longer is no upgrade of ours: servers take 8 KiB by default. */
    WIRE_UPGRADE_MAX = 16 << 10,
    WIRE_WEBSOCKET_HEADER_MAX = 14, /* 2 bytes, 8 of length, 4 of mask */
};

typedef enum WireUpgrade {
    WIRE_UPGRADE_MORE, /* it may be one once more bytes are there */
    WIRE_UPGRADE_SIP,  /* GET or 101 with Sec-WebSocket-Protocol: sip; *length bytes long */
    WIRE_UPGRADE_NO,
} WireUpgrade;

/* Whether bytes[0..available) start with one side of the handshake: a GET, or a reply 101. Each direction is
 * judged alone, so that one is enough. Linear. Thread-safe. */
WireUpgrade wire_websocket_upgrade(const uint8_t *bytes, uint32_t available, uint32_t *length);

/* One direction of a WebSocket connection; all zero at the start of its frames. */
typedef struct WireWebsocket {
    uint64_t skip;    /* bytes of a message that was too long, still to pass over */
    uint32_t walked;  /* offset of the first frame not looked at; those before it belong to one message */
    uint32_t payload; /* bytes of that message so far */
    bool started;     /* a message has started, its last frame is not there */
    bool discard;     /* the rest of the frames of this message is passed over */
} WireWebsocket;

typedef enum WireWebsocketResult {
    WIRE_WEBSOCKET_MORE,    /* no message; *used bytes (control frames) can go */
    WIRE_WEBSOCKET_MESSAGE, /* a message of *length bytes in `message`, cut if it is longer than
                               WIRE_MESSAGE_MAX (*cut); *used bytes can go */
    WIRE_WEBSOCKET_DAMAGED, /* no frames of RFC 6455, or compressed ones: nothing can be read from here on */
} WireWebsocketResult;

/* The next whole message of bytes[0..available), unmasked into message[0..WIRE_MESSAGE_MAX). Linear over all
 * calls. Thread-safe. */
WireWebsocketResult wire_websocket_next(WireWebsocket *state, const uint8_t *bytes, uint32_t available,
                                        uint8_t *message, uint32_t *length, bool *cut, uint32_t *used);

/* True if the bytes start with a data frame whose payload has the shape of SIP: how a connection is found
 * whose upgrade nobody saw. Looks at 4 KiB. Thread-safe. */
bool wire_websocket_is_sip(const uint8_t *bytes, uint32_t length);

#endif
