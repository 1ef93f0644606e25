/* Attacks: the builders of every class, and how one becomes an actor of the world.
 * Relies on: world.h, agent.h, phone.h.
 * Relied on by: world.c (the plan), tools/data.
 *
 * A builder is one way of making an attack's messages, independent of the others of its class: the contract's
 * `tool`. At its time the world makes an actor of the builder's kind, with `size` zeroed bytes of state, and
 * calls `start`. The builder draws everything about the run from actor->random (rate, spread, victims,
 * disguise), opens the run (synth_run_open), sets message->run of what it sends (agent.run does that for what
 * agent.h builds) and wakes itself. It sees replies in its `receive`, like anybody. Labels follow: messages
 * of the run at hop 0 are `request`, replies to them `reply`, further legs `relay`. */
#ifndef SIPCNN_SYNTH_ATTACK_H
#define SIPCNN_SYNTH_ATTACK_H

#include "data/synth/agent.h"
#include "data/synth/phone.h"
#include "data/synth/world.h"

typedef struct SynthWish {
    double seconds;    /* left until the session ends: plan the run within it */
    uint32_t messages; /* at most about so many requests */
} SynthWish;

typedef struct SynthAttackBuilder {
    const char *tool; /* "synth-flood-burst" */
    SynthClass class;
    double seconds; /* that a run needs at least (slow builders: many); the plan gives shorter sessions to
                       others */
    SynthActorKind kind;
    size_t size;
    void (*start)(SynthWorld *world, SynthActor *actor, const SynthWish *wish);
} SynthAttackBuilder;

/* All builders (attack.c). */
extern const SynthAttackBuilder *const synth_attack_builders[];
extern const uint32_t synth_attack_count;

#endif
