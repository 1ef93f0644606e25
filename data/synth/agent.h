/* A user agent: a style at an address with an identity, and the requests that it makes.
 * Relies on: world.h.
 * Relied on by: data/synth: phones, machines, attacks.
 *
 * Pure builders of messages: nothing is sent here and no state but the agent's own counters changes. */
#ifndef SIPCNN_SYNTH_AGENT_H
#define SIPCNN_SYNTH_AGENT_H

#include "data/synth/world.h"

typedef struct SynthAgent {
    const SynthStyle *style;
    WireAddress address;          /* its socket */
    char host[SYNTH_HOST_SIZE];   /* how it writes its address into Via, Contact and SDP (behind a NAT: a
                                     private one) */
    uint16_t host_port;           /* and its port */
    bool behind_nat;              /* `host` is private: a move of the NAT does not change it */
    char user[SYNTH_USER_SIZE];   /* From and Contact; may be empty */
    char display[72];             /* empty: none */
    char domain[SYNTH_HOST_SIZE]; /* of its own URI */
    uint32_t account;             /* user + 1 of the world that it has, 0: none */
    uint32_t run;                 /* set while it works for an attack: run + 1 of all it sends; 0: honest */
    bool has_nonce;               /* a challenge that was answered is remembered: */
    int64_t nonce_ns;
    bool nonce_proxy;
    uint32_t nonce_count;
    char realm[SYNTH_HOST_SIZE], nonce_text[64]; /* of that challenge */
    bool nonce_qop;
} SynthAgent;

/* An agent of `account` (index) at `address`; UINT32_MAX: without account, the caller fills `user`. `style`
 * NULL: one of the site's or a fresh one, as likely as for everybody. A display name is drawn. */
void synth_agent_init(SynthWorld *world, SynthRandom *random, SynthAgent *agent, const SynthStyle *style,
                      const WireAddress *address, uint32_t account);

/* Whom a request is for. */
typedef struct SynthTarget {
    const char *user; /* NULL or empty: the host itself */
    uint32_t user_length;
    const char *host;           /* with port; NULL: the server's domain */
    const WireAddress *address; /* where that host is; NULL: the server */
} SynthTarget;

/* The target `user` at the site's domain. */
SynthTarget synth_user_target(const char *user, size_t length);

/* A request outside of dialogs: new Call-ID, From tag and branch, the agent's Contact, Allow and so on as its
 * style writes them for the method. REGISTER: To and From are the agent's own, `target` counts for the
 * request URI only. No body, no Expires, no credentials. */
void synth_request(SynthWorld *world, SynthRandom *random, const SynthAgent *agent, WireMethod method,
                   const SynthTarget *target, SynthMessage *request);

/* Parts that a caller sets when it wants others than synth_request's. */
void synth_set_call_id(SynthMessage *message, const char *text, size_t length);
void synth_set_from(SynthMessage *message, const SynthStyle *style, const char *display, const char *user,
                    const char *domain); /* keeps the tag */
void synth_set_branch(SynthRandom *random, const SynthAgent *agent,
                      SynthMessage *message); /* a new top Via */
void synth_set_offer(SynthRandom *random, const SynthAgent *agent, SynthMessage *message, uint32_t session,
                     uint32_t version, bool hold); /* SDP body */
void synth_set_body(SynthMessage *message, const char *content_type, const char *bytes, size_t length);
/* Contact with the agent's user and this expires parameter (-1: none). */
void synth_set_contact(const SynthAgent *agent, SynthMessage *message, const char *user, int32_t expires);

/* A whole REGISTER for `expires` seconds (0: removes; `star`: all bindings), same Call-ID as `before` (NULL:
 * new). */
void synth_register(SynthWorld *world, SynthRandom *random, const SynthAgent *agent, int32_t expires,
                    bool star, const SynthMessage *before, SynthMessage *request);

/* The same request as a new transaction: CSeq + 1, new branch, without credentials. In place. */
void synth_again(SynthRandom *random, const SynthAgent *agent, SynthMessage *request);

/* Adds the answer to the challenge of `reply` (401, 407) and remembers its nonce in the agent; `proof` says
 * how good it is. False: the reply has no challenge. */
bool synth_authorise(SynthRandom *random, SynthAgent *agent, const SynthMessage *reply, SynthProof proof,
                     SynthMessage *request);
/* The same with the nonce remembered; false: there is none. */
bool synth_preauthorise(SynthWorld *world, SynthRandom *random, SynthAgent *agent, SynthProof proof,
                        SynthMessage *request);

/* The ACK of a failed INVITE (same branch) and the CANCEL of a pending one. */
void synth_ack_failure(const SynthAgent *agent, const SynthMessage *invite, const SynthMessage *reply,
                       SynthMessage *ack);
void synth_cancel(const SynthAgent *agent, const SynthMessage *invite, SynthMessage *cancel);

/* One end of a dialog, with what its next request needs. Texts as the owner of the end writes them: a forger
 * fills it from what it sniffed or guessed. */
typedef struct SynthEnd {
    char call_id[160], local[224], remote[224]; /* From and To values without tags */
    char local_tag[72], remote_tag[72];
    char target[160];               /* remote target URI */
    char routes[SYNTH_ROUTES][128]; /* Route values in order */
    WireAddress route_to[SYNTH_ROUTES];
    uint8_t n_routes;
    WireAddress target_address; /* where the target really is */
    uint32_t cseq;              /* of the last request sent */
    SynthHandle call;           /* 0: unknown to everybody (guessed ids) */
    bool caller;
} SynthEnd;

/* A request within the dialog; CSeq is the end's next one (an ACK's: `cseq`). */
void synth_in_dialog(SynthWorld *world, SynthRandom *random, const SynthAgent *agent, SynthEnd *end,
                     WireMethod method, uint32_t cseq, SynthMessage *request);

/* A live dialog as somebody on the wire would know it: both ends, where they are, and the last INVITE's Via
 * (for a CANCEL or a forged reply while it rings). */
typedef struct SynthSniffed {
    SynthEnd ends[2];          /* caller's, callee's view */
    WireAddress parties[2];    /* their sockets */
    WireAddress next_hop;      /* where the caller's requests go first */
    bool confirmed;            /* answered; else it rings */
    char via[160], branch[96]; /* of the INVITE on the caller's leg */
    uint32_t invite_cseq;
    char uri[160]; /* request URI of the INVITE */
} SynthSniffed;

/* Some call of now between honest phones that the capture point sees; false: there is none. */
bool synth_sniff(SynthWorld *world, SynthRandom *random, bool confirmed, SynthSniffed *sniffed);

#endif
