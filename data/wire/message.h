/* One SIP message as it was found on the wire: the value that every later room works on.
 * Relies on: libc.
 * Relied on by: data/wire, data/features, data/dataset, infer, tools. */
#ifndef SIPCNN_WIRE_MESSAGE_H
#define SIPCNN_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The longest message that is looked at; more is cut and flagged. UDP cannot carry more. */
#define WIRE_MESSAGE_MAX 65535u

/* An address and port. IPv4 addresses are stored mapped (::ffff:a.b.c.d), so that one comparison serves both.
 */
typedef struct WireAddress {
    uint8_t ip[16];
    uint16_t port; /* host byte order */
} WireAddress;

typedef enum WireTransport {
    WIRE_UDP = 0,
    WIRE_TCP = 1,
    WIRE_WEBSOCKET = 2,
} WireTransport;

/* Facts about how the message travelled. Stored in datasets: values never change meaning. */
enum {
    WIRE_FLAG_TRUNCATED = 1u << 0,  /* the capture or WIRE_MESSAGE_MAX cut the message */
    WIRE_FLAG_FRAGMENTED = 1u << 1, /* put together from IP fragments */
    WIRE_FLAG_OVERLAP = 1u << 2,    /* fragments overlapped, or bytes of a stream came twice and differed */
    WIRE_FLAG_TUNNELLED = 1u << 3,  /* found inside IP-in-IP */
    WIRE_FLAG_UNFRAMED = 1u << 4,   /* on TCP without a length to believe; its body is left out */
};

/* `bytes` is borrowed: it lives as long as the source that delivered the message says. */
typedef struct WireMessage {
    const uint8_t *bytes;
    uint32_t length;
    uint32_t flags;    /* WIRE_FLAG_* */
    int64_t time_ns;   /* packet time, ns since the epoch */
    uint64_t frame;    /* 1-based number of the capture frame that completed the message */
    uint32_t index;    /* 0-based number of the message within that frame */
    uint8_t transport; /* WireTransport */
    WireAddress source;
    WireAddress destination;
} WireMessage;

static inline bool wire_same_ip(const WireAddress *a, const WireAddress *b) {
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static inline bool wire_same_address(const WireAddress *a, const WireAddress *b) {
    return a->port == b->port && wire_same_ip(a, b);
}

/* True if the address is an IPv4 one. */
static inline bool wire_is_ipv4(const WireAddress *address) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address->ip, mapped, sizeof mapped) == 0;
}

enum { WIRE_ADDRESS_TEXT_MAX = 64 };

/* Writes "10.0.0.1:5060" or "[fd66::1]:5060" (with_port false: the bare address) and a NUL into `text`
 * (WIRE_ADDRESS_TEXT_MAX bytes are always enough); returns `text`. Thread-safe. */
char *wire_address_text(const WireAddress *address, bool with_port, char *text, uint32_t capacity);

/* Reads an IPv4 or IPv6 address without port ("10.0.0.1", "fd66::1"); false if it is none. Thread-safe. */
bool wire_address_parse(const char *text, WireAddress *address);

#endif
