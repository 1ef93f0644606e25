/* What the attack builders share: pace, victims, agents, pending transactions, honest cover.
 * Relies on: attack.h, attack_grammar.h.
 * Relied on by: data/synth/attack_*.c. Internal to data/synth. */
#ifndef SIPCNN_SYNTH_ATTACK_RUN_H
#define SIPCNN_SYNTH_ATTACK_RUN_H

#include "data/synth/attack.h"
#include "data/synth/attack_grammar.h"

/* When the next request goes out. */
typedef enum AttackRhythm {
    ATTACK_EVEN,
    ATTACK_JITTER, /* even, give or take a third */
    ATTACK_RANDOM, /* exponential gaps */
    ATTACK_BURSTS, /* `burst` at once, then silence */
    ATTACK_RAMP_UP,
    ATTACK_RAMP_DOWN,
    ATTACK_WAVES, /* quick and slow by turns */
    ATTACK_RHYTHMS
} AttackRhythm;

typedef struct AttackPace {
    double rate;    /* requests per second on average */
    uint32_t limit; /* requests in all */
    uint32_t sent;
    uint32_t burst;
    uint8_t rhythm;
} AttackPace;

/* Whom requests are for. */
typedef enum AttackVictims {
    ATTACK_ONE,     /* one account */
    ATTACK_FEW,     /* three accounts */
    ATTACK_KNOWN,   /* any account */
    ATTACK_UNKNOWN, /* names that no account has */
    ATTACK_VICTIMS
} AttackVictims;

/* Whose name stands in From. */
typedef enum AttackFrom {
    ATTACK_FROM_OWN,     /* the agent's, always the same */
    ATTACK_FROM_ROTATES, /* accounts of the site by turns */
    ATTACK_FROM_RANDOM,  /* digits that nobody has */
    ATTACK_FROM_TO,      /* the same as in To */
    ATTACK_FROM_FOREIGN, /* some name at some other domain */
    ATTACK_FROMS
} AttackFrom;

/* A request that waits for its answer. */
typedef struct AttackPending {
    bool used, final;
    uint8_t sends;
    uint16_t generation;
    uint32_t agent;
    uint32_t tag; /* of the builder: an account, a step */
    WireAddress destination;
    SynthMessage request;
    bool answered; /* an INVITE with a 2xx, that made the dialog `end` */
    SynthEnd end;
} AttackPending;

enum {
    ATTACK_PENDING = 48,
    ATTACK_WAKE_TICK = 0,
    ATTACK_WAKE_RETRANSMIT,
    ATTACK_WAKE_COVER, /* an honest call from the attacker's address */
    ATTACK_WAKE_LATER, /* the builder's own, handle of a pending request */
};

typedef struct AttackRun AttackRun;

/* The first member of every builder's state. */
struct AttackRun {
    uint32_t run; /* index + 1 */
    int64_t end_ns;
    AttackPace pace;
    SynthAgent *agents; /* [n_agents] owned */
    uint32_t n_agents;
    AttackPending *pending; /* [ATTACK_PENDING] owned; NULL: the builder never looks at replies */
    uint32_t next_pending;
    SynthPhone *cover; /* honest phone at the same address, owned by the world */
    void *owned;       /* freed with the run */
    /* Habits; builders set what they do not want drawn. */
    bool acks, retransmits, same_call_id, bare, drops_contact;
    bool spoofed; /* nobody listens at its sources */
    bool fresh;   /* no address of an honest client among its own */
    uint8_t from, victims;
    char call_id[96];
    uint32_t cseq;
    uint32_t chosen[3]; /* accounts for ATTACK_ONE and ATTACK_FEW */
    /* Sends one request, or more; false: there is nothing left to do. */
    bool (*tick)(SynthWorld *world, SynthActor *actor);
    /* A final or provisional reply to a pending request. NULL: ACKs, if the run does, and nothing else. */
    void (*reply)(SynthWorld *world, SynthActor *actor, AttackPending *pending, const SynthMessage *message);
    void (*later)(SynthWorld *world, SynthActor *actor, AttackPending *pending);
};

/* The functions of every builder's SynthActorKind. */
void attack_wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle);
void attack_receive(SynthWorld *world, SynthActor *actor, const SynthPacket *packet);
void attack_end(SynthActor *actor);

/* Draws habits, `agents` agents (each at an attacker's address; the first with a style that the others share
 * or not), opens the run with `settings` in front of what is drawn here, and plans the first tick, after
 * honest cover now and then. False: no memory (the world stops). `tracks`: replies are looked at. */
bool attack_begin(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, uint32_t agents, bool tracks, const char *settings);

/* After attack_begin: all agents are the first one, at further ports of its address. */
void attack_share_host(SynthWorld *world, SynthActor *actor);

/* A pace: a rate drawn log-uniformly, a number of requests in [low, high] cut to what the wish allows. */
AttackPace attack_pace(SynthRandom *random, const SynthWish *wish, double slow, double fast, uint32_t low,
                       uint32_t high);

/* A victim's user part, by run->victims. */
void attack_victim(SynthWorld *world, SynthActor *actor, SynthText *user);

/* A request of the run from its agent `index` to `user` (may be empty) at `host` (NULL: the server's domain),
 * as the run's habits say: identity, Call-ID, body, headers that the method needs. */
void attack_request(SynthWorld *world, SynthActor *actor, uint32_t index, WireMethod method, const char *user,
                    size_t length, const char *host, const WireAddress *address, SynthMessage *request);

/* Sends it; with `destination` NULL to where clients of the site send. If the run tracks, the reply comes to
 * run->reply with this `tag`. The pending request, or NULL. */
AttackPending *attack_fire(SynthWorld *world, SynthActor *actor, uint32_t index, SynthMessage *request,
                           const WireAddress *destination, uint32_t tag);

/* ACK of a failed INVITE or of a 2xx; CANCEL of one that rings; BYE in the dialog that a 2xx made. */
void attack_ack(SynthWorld *world, SynthActor *actor, AttackPending *pending, const SynthMessage *reply);
void attack_cancel(SynthWorld *world, SynthActor *actor, const AttackPending *pending);
void attack_bye(SynthWorld *world, SynthActor *actor, AttackPending *pending);

/* Wakes run->later for a pending request. */
void attack_later(SynthWorld *world, SynthActor *actor, const AttackPending *pending, double seconds);

/* The same request once more, with an answer to the challenge in `reply`. False: there is no challenge. */
bool attack_answer(SynthWorld *world, SynthActor *actor, AttackPending *pending, const SynthMessage *reply,
                   SynthProof proof, uint32_t tag);

/* Where an attack on the site goes: to where its clients send, if the capture sees that, else to the server.
 */
const WireAddress *attack_entry(const SynthWorld *world);

/* Whether the site answers such a request with success whoever it is for, so that it is no flood and no
 * probe. */
bool attack_always_succeeds(const SynthWorld *world, WireMethod method);

/* Some phone to attack directly, and its account; false: there is none, or the capture would not see it. */
bool attack_find_phone(SynthWorld *world, SynthRandom *random, WireAddress *address, uint32_t *user);

/* A call of others, none of whom shares the attacker's address; false: there is none now. */
bool attack_sniff(SynthWorld *world, SynthActor *actor, bool confirmed, SynthSniffed *sniffed);

/* An account that nobody of the plan uses, taken from now on; UINT32_MAX: none. */
uint32_t attack_free_user(SynthWorld *world, SynthRandom *random);
/* An account whose password was stolen: one that a phone uses, or one that nobody uses. */
uint32_t attack_stolen_user(SynthWorld *world, SynthRandom *random);

static inline void attack_set_name(SynthAgent *agent, const char *user, size_t length) {
    if (length >= sizeof agent->user) length = sizeof agent->user - 1;
    memcpy(agent->user, user, length);
    agent->user[length] = 0;
}

#endif
