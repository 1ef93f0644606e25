/* A SIP message as the synthesiser's actors exchange it: fields, not bytes, and the bytes that a stack makes
 * of it. Relies on: data/wire (addresses, names of methods), text.h. Relied on by: data/synth.
 *
 * A message is a value: it owns its texts in `pool`, so that a proxy changes its own copy. What a receiver
 * needs to know of it (whose account, where the Contact is, which call) stands beside the text as plain
 * fields, so that nobody in the simulation parses. A forger fills those fields as a server would read what it
 * writes. */
#ifndef SIPCNN_SYNTH_MESSAGE_H
#define SIPCNN_SYNTH_MESSAGE_H

#include "data/synth/text.h"
#include "data/wire/message.h"
#include "data/wire/scan.h"

enum {
    SYNTH_POOL = 6144, /* bytes of text of one message; more is cut and the message counted as cut */
    SYNTH_VIAS = 8,    /* a message with more hops is dropped by proxies (483) */
    SYNTH_ROUTES = 4,
    SYNTH_EXTRAS = 14,
    SYNTH_HOPS = 6,      /* legs that a request can pass from its maker to its last receiver */
    SYNTH_BYTES = 65000, /* the longest message */
};

/* Text in the message's pool; length 0: absent. */
typedef struct SynthSlice {
    uint16_t at, length;
} SynthSlice;

/* Where something belongs in the simulation, valid while its generation matches; 0: nothing. */
typedef uint64_t SynthHandle;

/* From, To: name-addr without tag. */
typedef struct SynthParty {
    SynthSlice value; /* "\"Alice\" <sip:alice@example.net>" as written, without the tag */
    SynthSlice tag;
    SynthSlice user; /* user part of its URI */
} SynthParty;

/* A further header, name included. */
typedef struct SynthExtra {
    uint8_t id;       /* WireHeaderId, for its place in the order; WIRE_HEADER_OTHER: `name` is its name */
    const char *name; /* constant text, for WIRE_HEADER_OTHER */
    SynthSlice value;
} SynthExtra;

/* What a digest answer is worth to the server; nobody computes MD5 here, responses are drawn. */
typedef enum SynthProof {
    SYNTH_PROOF_NONE,  /* no credentials */
    SYNTH_PROOF_WRONG, /* wrong password */
    SYNTH_PROOF_STALE, /* right password, old nonce */
    SYNTH_PROOF_RIGHT,
} SynthProof;

struct SynthStyle;

typedef struct SynthMessage {
    const struct SynthStyle
        *style;              /* how it is written: order, names, spacing. Borrowed, lives as the world does */
    uint8_t method;          /* WireMethod; of a reply its CSeq's. WIRE_METHOD_OTHER: method_text */
    uint16_t status;         /* 0: a request */
    const char *method_text; /* constant; NULL: the name of `method` */
    const char *reason;      /* constant */
    SynthSlice uri;          /* request URI */
    SynthSlice uri_user;
    SynthParty from, to;
    SynthSlice call_id;
    uint32_t cseq;
    SynthSlice vias[SYNTH_VIAS];     /* top first: whole values */
    SynthSlice branch;               /* of the top Via */
    SynthSlice branches[SYNTH_VIAS]; /* of each */
    SynthSlice record_routes[SYNTH_ROUTES], routes[SYNTH_ROUTES];
    SynthSlice contact; /* whole value or values */
    SynthSlice credentials, challenge;
    SynthSlice nonce; /* within either */
    SynthSlice body;
    const char *content_type; /* constant; NULL: none */
    const uint8_t *blob;      /* a body that does not fit the pool, instead of it; lives as the world does */
    uint32_t blob_length;
    SynthExtra extras[SYNTH_EXTRAS];
    int32_t expires;      /* -1: no Expires header */
    int16_t max_forwards; /* -1: none */
    uint8_t n_vias, n_record_routes, n_routes, n_extras;
    bool proxy_auth; /* credentials and challenge are a proxy's (407) */
    bool bare; /* without the headers that the style adds by itself (User-Agent, Allow, Supported, ...) */

    /* What it means to receivers. */
    WireAddress reply_to[SYNTH_VIAS]; /* where a reply goes once it has this Via on top */
    WireAddress route_to[SYNTH_ROUTES], record_route_to[SYNTH_ROUTES]; /* where those lead */
    WireAddress uri_address;     /* where the request URI points; port 0: to the server's domain */
    WireAddress contact_address; /* where the Contact really leads (behind its NAT); port 0: none */
    int32_t contact_expires; /* of a REGISTER: seconds asked for; 0 removes; -1: no Contact (a question) */
    bool contact_star;       /* "Contact: *" */
    uint8_t proof;           /* SynthProof */
    int64_t nonce_ns;        /* when the nonce was given out */
    bool qop, stale;         /* of a challenge */
    bool vouched;            /* came to the edge from an address that the site believes */
    bool broken;             /* a server that reads it finds it faulty: 400, or no reply at all */
    bool failure_ack;        /* an ACK of a failure: for the next hop only */
    bool cut;                /* the pool was too small for some text: an error of the builder */
    uint32_t account;        /* user + 1 of the credentials' account, 0: none that exists */
    SynthHandle call;        /* the call that its Call-ID and tags belong to, 0: none that exists */
    SynthHandle
        trail[SYNTH_HOPS]; /* each leg's sender's own note (a transaction), for the reply's way back */
    uint8_t hop;           /* legs behind it: 0 on the maker's own leg */
    bool renamed;          /* a B2BUA gave this leg a Call-ID of its own */
    bool strays;  /* its maker did not make the call: an in-dialog request of the other side; `relay` of a run
                   */
    bool sdp;     /* the body is an offer or answer */
    bool hold;    /* of a held stream */
    uint32_t run; /* run + 1 that it belongs to; 0: none */
    uint32_t ask; /* number of the request within the run, for its replies */
    bool onset;   /* among the run's first */
    uint32_t text_id; /* of MESSAGE: which text, for those who answer */

    uint16_t used; /* bytes of `pool` */
    char pool[SYNTH_POOL];
} SynthMessage;

/* Zeroes everything but the pool. */
void synth_message_init(SynthMessage *message, const struct SynthStyle *style);

/* Copies the fields and the used part of the pool. */
void synth_message_copy(SynthMessage *to, const SynthMessage *from);

/* Texts: `synth_message_text` opens the pool for appending, `synth_message_slice` closes what was appended.
 *     SynthText text = synth_message_text(m);  synth_put_text(&text, "sip:"); ...  m->uri =
 * synth_message_slice(m, &text); One at a time. `synth_message_set` does both for a constant text. */
SynthText synth_message_text(SynthMessage *message);
SynthSlice synth_message_slice(SynthMessage *message, const SynthText *text);
SynthSlice synth_message_set(SynthMessage *message, const char *bytes, size_t length);

static inline const char *synth_slice(const SynthMessage *message, SynthSlice slice) {
    return message->pool + slice.at;
}

/* A slice of `from` copied into `to`'s pool. */
SynthSlice synth_message_take(SynthMessage *to, const SynthMessage *from, SynthSlice slice);

/* Adds a header of a known kind, or (WIRE_HEADER_OTHER) one with a constant name. False: there are too many.
 */
bool synth_message_extra(SynthMessage *message, uint8_t id, const char *name, const char *value,
                         size_t length);

/* Puts a Via on top: "SIP/2.0/UDP host:port;branch=..."; `branch` is text within the value given by offset.
 */
bool synth_message_push_via(SynthMessage *message, SynthSlice value, SynthSlice branch,
                            const WireAddress *reply_to);
/* Takes the top Via off. */
void synth_message_pop_via(SynthMessage *message);

/* Copies Via `at` of `from` to the same place. */
void synth_message_take_via(SynthMessage *to, const SynthMessage *from, uint8_t at);

/* The bytes, as the message's style writes them. Returns the length, at most `room` (>= SYNTH_BYTES). */
uint32_t synth_render(const SynthMessage *message, uint8_t *bytes, uint32_t room);

/* A reply as a server makes it of a request: Vias, From, To, Call-ID, CSeq, Record-Route and all marks
 * copied; `to_tag` (may be NULL) added if the request's To has none. */
void synth_reply(SynthMessage *reply, const SynthMessage *request, const struct SynthStyle *style,
                 uint16_t status, const char *reason, const char *to_tag);

/* The reason phrase of a status in RFC 3261's words; never NULL. */
const char *synth_reason(uint16_t status);

#endif
