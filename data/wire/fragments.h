/* Reassembly of IP fragments, version 4 and 6, within bounds.
 * Relies on: data/wire/ip.h, engine/core/status.h.
 * Relied on by: data/wire/decap.c. */
#ifndef SIPCNN_WIRE_FRAGMENTS_H
#define SIPCNN_WIRE_FRAGMENTS_H

#include "data/wire/ip.h"
#include "engine/core/status.h"

/* Bounds. A site's honest fragments (large INVITEs, one link) are a handful at a time; the rest is room for
 * reordering, and what an attacker can make us hold. Linux holds 4 MiB by default too. */
enum {
    WIRE_FRAGMENT_DATAGRAMS = 1024,   /* datagrams in pieces at a time */
    WIRE_FRAGMENT_BYTES = 4 << 20,    /* bytes of their payload */
    WIRE_FRAGMENT_SECONDS = 15,       /* packet time; RFC 791 suggests 15 s */
    WIRE_FRAGMENT_LENGTH_MAX = 65535, /* payload of one datagram */
};

typedef struct WireFragments WireFragments;

typedef enum WireFragmentResult {
    WIRE_FRAGMENT_HELD,     /* kept, the datagram is not complete */
    WIRE_FRAGMENT_DROPPED,  /* impossible offsets or lengths, or no memory */
    WIRE_FRAGMENT_COMPLETE, /* *whole is the datagram */
} WireFragmentResult;

typedef struct WireWhole {
    const uint8_t *payload; /* valid until the next call with this table */
    uint32_t length;
    uint8_t protocol; /* of the first fragment */
    bool overlap;     /* fragments overlapped and said different things, or overlapped in part */
} WireWhole;

CORE_NODISCARD CoreStatus wire_fragments_new(WireFragments **table, CoreError *error);

/* Adds a fragment whose payload is complete. Where fragments overlap the first that came wins. Datagrams that
 * ran out of time or had to make room are given up: *given_up grows by the number of their fragments, which
 * had been HELD. */
WireFragmentResult wire_fragments_add(WireFragments *table, const WireIp *fragment, int64_t time_ns,
                                      WireWhole *whole, uint64_t *given_up);

/* Gives up everything; returns the number of fragments that had been HELD. */
uint64_t wire_fragments_clear(WireFragments *table);

void wire_fragments_free(WireFragments *table);

#endif
