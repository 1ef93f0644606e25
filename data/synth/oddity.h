/* Text that only looks odd: what honest people, phones and servers write and a careless eye takes for an
 * attack.
 * Relies on: data/synth/message.h.
 * Relied on by: data/synth. Internal to data/synth. */
#ifndef SIPCNN_SYNTH_ODDITY_H
#define SIPCNN_SYNTH_ODDITY_H

#include "data/synth/message.h"

typedef enum SynthOddity {
    SYNTH_ODD_NAME,       /* a display name: apostrophes, accents, all scripts, marks */
    SYNTH_ODD_PROSE,      /* a text or subject: prices, times, smileys, code, words of SQL and shells */
    SYNTH_ODD_AGENT,      /* a User-Agent or Server */
    SYNTH_ODD_PARAMETERS, /* of a Contact's URI: ";line=...", cookies of edges, GRUUs */
    SYNTH_ODD_FEATURES,   /* of a Contact: ";+sip.instance=..." */
    SYNTH_ODD_SESSION,    /* SDP: the name of a session */
    SYNTH_ODD_LINES,      /* SDP: i=, u=, e= and p= lines, each with its CRLF */
    SYNTH_ODD_DIALLED,    /* a user part: feature codes, escapes, telephone-subscriber with parameters */
    SYNTH_ODD_PRESENCE,   /* a PIDF document */
    SYNTH_ODDITIES
} SynthOddity;

/* Appends one, drawn again if it is too long for the room, and nothing if none fits. UTF-8 stays whole, no
 * bytes below blank but the line ends of SYNTH_ODD_LINES and _PRESENCE. Deterministic in *random. */
void synth_oddity(SynthRandom *random, SynthOddity oddity, SynthText *text);

/* A Call-ID of a form (any number): masked by an edge, base64, URNs, with marks; without host. */
void synth_odd_call_id(SynthRandom *random, uint32_t form, SynthText *text);

/* Headers that carry such texts; `which` below the count says which one, its value is drawn. Nothing happens
 * if the message has that header, or no room. */
extern const uint32_t synth_odd_request_headers, synth_odd_reply_headers;
void synth_add_odd_header(SynthRandom *random, uint32_t which, SynthMessage *message);

#endif
