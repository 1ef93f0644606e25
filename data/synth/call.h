/* What the simulation knows of a call, and the steps of its transactions. Internal to data/synth.
 * Relies on: agent.h, phone.h.
 * Relied on by: phone*.c, server.c, world.c.
 *
 * A call is named by messages through its handle, as a Call-ID names it on the wire. It is small: an INVITE
 * flood makes as many as it has messages. */
#ifndef SIPCNN_SYNTH_CALL_H
#define SIPCNN_SYNTH_CALL_H

#include "data/synth/phone.h"

enum { CALL_LEGS = 4 };

typedef enum CallState { CALL_TRYING, CALL_RINGING, CALL_CONFIRMED, CALL_ENDED } CallState;

typedef struct SynthCall {
    int64_t made_ns;
    uint32_t run; /* of whoever made it */
    uint8_t state;
    uint8_t n_legs;
    uint8_t event;                         /* of a subscription at the server */
    bool subscription;                     /* made by SUBSCRIBE or REFER, not by INVITE */
    SynthHandle invite;                    /* the caller's transaction */
    SynthHandle forward;                   /* the server's */
    SynthHandle ends[2];                   /* caller's and callee's view, once there is a dialog */
    SynthHandle legs[CALL_LEGS];           /* of those who were called */
    SynthHandle plan;                      /* SynthCallPlan of the caller */
    uint32_t bye;                          /* CSeq of the BYE that ended it */
    bool leaving[2];                       /* this end has sent a BYE */
    uint32_t actors[2];                    /* actor + 1 of either end; 0: not a phone */
    WireAddress edge_outside, edge_inside; /* the parties behind a B2BUA edge */
} SynthCall;

/* A callee's side of a call that has not been confirmed. */
typedef struct SynthLeg {
    SynthHandle call;
    uint32_t actor;
    uint8_t state; /* CallState */
    bool cancelled, acked, reliable;
    uint8_t fate, resent; /* what happens to it (phone_answer.c); copies of its 200 */
    uint16_t last_status;
    uint32_t rseq, session;
    uint32_t transfer_to; /* user + 1 */
    char tag[72];
    SynthMessage invite;
} SynthLeg;

/* A client transaction of a phone. */
typedef struct SynthTransaction {
    uint32_t actor;
    uint8_t purpose; /* Purpose of phone.c */
    uint8_t sent, challenged;
    bool provisional, done, reinvite;
    uint16_t status;
    SynthHandle call, plan;
    WireAddress destination;
    SynthMessage request;
} SynthTransaction;

/* An INVITE that the server forwards, perhaps to several contacts. */
enum { FORWARD_BRANCHES = 4 };
typedef struct SynthForward {
    SynthHandle call;
    WireAddress source;
    uint8_t n_branches, n_open;
    bool final, cancelled, rang;
    uint16_t best;
    char best_reason[40];
    WireAddress to[FORWARD_BRANCHES];
    WireAddress uri_address[FORWARD_BRANCHES];
    uint16_t status[FORWARD_BRANCHES];
    SynthMessage request; /* as it came in */
    SynthMessage branches[FORWARD_BRANCHES];
} SynthForward;

static inline SynthCall *synth_call(const SynthWorld *world, SynthHandle handle) {
    return synth_slots_find(&world->calls, handle);
}

/* A new call; 0: no memory. It is forgotten on its own when nothing has come of it for some minutes. */
SynthHandle synth_call_new(SynthWorld *world, uint32_t run);

/* The end's slot, made if there is none; NULL: no memory. */
SynthEnd *synth_call_end(SynthWorld *world, SynthCall *call, unsigned side, bool make);

/* Gives everything back that the call holds but the call itself, which stays for a while. */
void synth_call_over(SynthWorld *world, SynthCall *call);

/* The URI of a Contact. */
SynthSlice synth_contact_uri(const SynthMessage *message);

/* The view of the dialog that a request or its reply makes: of who was asked (with the To tag that it gave),
 * and of who asked. */
void synth_end_of_asked(SynthRandom *random, const SynthMessage *request, const char *tag, SynthEnd *end);
void synth_end_of_asker(const SynthMessage *request, const SynthMessage *reply, SynthEnd *end);

/* The server and, if the site has one, the edge in front of it. False: no memory. */
bool synth_server_start(SynthWorld *world);
bool synth_edge_start(SynthWorld *world);

/* Passes a message on: one hop further, with a Via of `host` at `self` on top, one Max-Forwards less, and
 * `note` in its trail; a Record-Route if asked. False: it has been passed on too often (and nothing was
 * sent). */
typedef struct SynthPassing {
    const SynthStyle *style; /* forms of branch */
    const char *host;        /* of Via and Record-Route */
    WireAddress self, to;
    SynthHandle note;
    bool record_route;
    bool stateless; /* the branch follows from the one below */
} SynthPassing;
bool synth_pass(SynthWorld *world, SynthRandom *random, const SynthPassing *passing, SynthMessage *message);

/* Passes a reply back by its Vias; the top one is the own. False: there is no other. */
bool synth_pass_back(SynthWorld *world, const WireAddress *self, SynthMessage *reply);

/* Notes in the top Via where the message really came from, as RFC 3261 18.2.1 and RFC 3581 ask. */
void synth_note_source(SynthMessage *message, const WireAddress *source, bool always);

#endif
