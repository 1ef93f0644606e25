/* Distributed floods: many sources at one target, none of which alone is a flood.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>

enum { SOURCES_MIN = 20, SOURCES_MAX = 10000, PER_SOURCE = 24 };

typedef struct Swarm {
    AttackRun base;
    WireMethod methods[3];
    uint32_t n_methods;
    uint32_t group,
        period;    /* swarm_waves: sources at work at once; requests before the next ones take over */
    uint32_t next; /* swarm_bots: by turns, so that nobody sends much more than the others */
    bool by_turns, at_phone;
    WireAddress target;
    uint32_t target_user;
} Swarm;

/* A rate for all together, so many sources that none stands out, and requests for each. */
static uint32_t draw_size(SynthRandom *random, const SynthWish *wish, Swarm *swarm, uint32_t most) {
    uint32_t messages = wish->messages ? wish->messages : 20000;
    uint32_t high = messages < most ? messages : most;
    if (high < SOURCES_MIN) high = SOURCES_MIN;
    uint32_t sources = (uint32_t)synth_log_uniform(random, SOURCES_MIN, high + 1.0);
    bool slow = synth_chance(random, 0.25) && wish->seconds > 120;
    uint32_t few = sources < 150 ? 150 : sources;
    uint32_t many = sources * PER_SOURCE > messages ? messages : sources * PER_SOURCE;
    if (many < few) many = few;
    double fast = 4.0 * sources < 1500 ? 4.0 * sources : 1500;
    swarm->base.pace = attack_pace(random, wish, slow ? 1.6 : 16, slow ? 6 : fast, few, many);
    /* no pauses at the ends, and done in time */
    if (slow) swarm->base.pace.rhythm = synth_chance(random, 0.5) ? ATTACK_EVEN : ATTACK_JITTER;
    uint32_t in_time = (uint32_t)(0.7 * wish->seconds * swarm->base.pace.rate);
    if (!slow && in_time > 150 && swarm->base.pace.limit > in_time) swarm->base.pace.limit = in_time;
    return sources;
}

/* Victims whose requests stay unfinished. */
static void draw_victims(const SynthWorld *world, SynthRandom *random, Swarm *swarm) {
    static const uint16_t weights[ATTACK_VICTIMS] = {5, 2, 2, 2};
    swarm->base.victims = (uint8_t)synth_weighted(random, weights, ATTACK_VICTIMS);
    for (uint32_t i = 0; i < swarm->n_methods; i++) {
        WireMethod method = swarm->methods[i];
        bool open = method == WIRE_INVITE || (method == WIRE_REGISTER && world->server.challenge_register) ||
                    (method != WIRE_OPTIONS && method != WIRE_REGISTER && world->server.challenge_messages);
        if (!open) swarm->base.victims = ATTACK_UNKNOWN;
    }
}

static void draw_methods(const SynthWorld *world, SynthRandom *random, Swarm *swarm, const WireMethod *from,
                         uint32_t count) {
    swarm->n_methods = synth_chance(random, 0.75) ? 1 : synth_between(random, 2, 3);
    for (uint32_t i = 0; i < swarm->n_methods; i++) {
        swarm->methods[i] = from[synth_below(random, count)];
        if (attack_always_succeeds(world, swarm->methods[i])) swarm->methods[i] = WIRE_INVITE;
    }
}

static void send_one(SynthWorld *world, SynthActor *actor, uint32_t agent) {
    Swarm *swarm = actor->state;
    SynthMessage request;
    WireMethod method = swarm->methods[synth_below(&actor->random, swarm->n_methods)];
    char user[SYNTH_USER_SIZE], host[SYNTH_HOST_SIZE + 8];
    SynthText text = synth_text(user, sizeof user);
    if (swarm->at_phone) {
        uint32_t length = synth_host_text(&swarm->target, host);
        snprintf(host + length, sizeof host - length, ":%u", swarm->target.port);
        synth_put(&text, world->users[swarm->target_user].name, world->users[swarm->target_user].length);
        attack_request(world, actor, agent, method, user, text.length, host, &swarm->target, &request);
    } else {
        attack_victim(world, actor, &text);
        attack_request(world, actor, agent, method, user, text.length, NULL, NULL, &request);
    }
    attack_fire(world, actor, agent, &request, swarm->at_phone ? &swarm->target : NULL, 0);
}

static bool turn_tick(SynthWorld *world, SynthActor *actor) {
    Swarm *swarm = actor->state;
    uint32_t sources = swarm->base.n_agents;
    send_one(world, actor, swarm->by_turns ? swarm->next++ % sources : synth_below(&actor->random, sources));
    return true;
}

/* -- bots with stacks of their own ---------------------------------------------------------------------- */

static void bots_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_INVITE, WIRE_MESSAGE, WIRE_SUBSCRIBE,
                                         WIRE_OPTIONS};
    Swarm *swarm = actor->state;
    AttackRun *run = &swarm->base;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, swarm, methods, SYNTH_COUNT(methods));
    draw_victims(world, random, swarm);
    swarm->by_turns = synth_chance(random, 0.5);
    run->from = synth_chance(random, 0.6) ? ATTACK_FROM_OWN : ATTACK_FROM_ROTATES;
    uint32_t sources = draw_size(random, wish, swarm, 2000);
    if (run->victims != ATTACK_UNKNOWN && swarm->methods[0] == WIRE_INVITE && swarm->n_methods == 1)
        swarm->at_phone = synth_chance(random, 0.2) &&
                          attack_find_phone(world, random, &swarm->target, &swarm->target_user);
    run->tick = turn_tick;
    attack_begin(world, actor, &attack_swarm_bots, wish, sources, false, swarm->at_phone ? "direct=1" : "");
}

const SynthAttackBuilder attack_swarm_bots = {
    .tool = "synth-distributed_flood-bots",
    .class = SYNTH_DISTRIBUTED_FLOOD,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-distributed_flood-bots"),
    .size = sizeof(Swarm),
    .start = bots_start,
};

/* -- one machine that forges its sources ------------------------------------------------------------------
 */

static void spoofed_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE,  WIRE_INVITE, WIRE_REGISTER, WIRE_OPTIONS,
                                         WIRE_MESSAGE, WIRE_BYE,    WIRE_SUBSCRIBE};
    Swarm *swarm = actor->state;
    AttackRun *run = &swarm->base;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, swarm, methods, SYNTH_COUNT(methods));
    draw_victims(world, random, swarm);
    run->from = synth_chance(random, 0.5) ? ATTACK_FROM_RANDOM : ATTACK_FROM_ROTATES;
    run->bare = synth_chance(random, 0.5);
    run->drops_contact = synth_chance(random, 0.3);
    run->spoofed = run->fresh = true;
    uint32_t sources = draw_size(random, wish, swarm, SOURCES_MAX);
    swarm->by_turns = synth_chance(random, 0.3);
    run->tick = turn_tick;
    attack_begin(world, actor, &attack_swarm_spoofed, wish, sources, false, "spoofed=1");
}

const SynthAttackBuilder attack_swarm_spoofed = {
    .tool = "synth-distributed_flood-spoofed",
    .class = SYNTH_DISTRIBUTED_FLOOD,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-distributed_flood-spoofed"),
    .size = sizeof(Swarm),
    .start = spoofed_start,
};

/* -- bots that register, challenged and never answering -----------------------------------------------------
 */

static bool register_tick(SynthWorld *world, SynthActor *actor) {
    Swarm *swarm = actor->state;
    uint32_t agent = swarm->next++ % swarm->base.n_agents;
    SynthMessage request;
    char user[SYNTH_USER_SIZE];
    SynthText text = synth_text(user, sizeof user);
    attack_victim(world, actor, &text);
    attack_request(world, actor, agent, WIRE_REGISTER, user, text.length, NULL, NULL, &request);
    request.expires = synth_chance(&actor->random, 0.2) ? 0 : request.expires;
    attack_fire(world, actor, agent, &request, NULL, 0);
    return true;
}

static void register_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Swarm *swarm = actor->state;
    AttackRun *run = &swarm->base;
    SynthRandom *random = &actor->random;
    swarm->methods[0] = WIRE_REGISTER;
    swarm->n_methods = 1;
    draw_victims(world, random, swarm);
    uint32_t sources = draw_size(random, wish, swarm, 800);
    run->tick = register_tick;
    attack_begin(world, actor, &attack_swarm_register, wish, sources, false, "method=REGISTER");
}

const SynthAttackBuilder attack_swarm_register = {
    .tool = "synth-distributed_flood-register",
    .class = SYNTH_DISTRIBUTED_FLOOD,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-distributed_flood-register"),
    .size = sizeof(Swarm),
    .start = register_start,
};

/* -- bots by turns: a few at work at any time
 * ----------------------------------------------------------------- */

static bool waves_tick(SynthWorld *world, SynthActor *actor) {
    Swarm *swarm = actor->state;
    uint32_t wave = (swarm->base.pace.sent - 1) / swarm->period;
    uint32_t agent = (wave * swarm->group + synth_below(&actor->random, swarm->group)) % swarm->base.n_agents;
    send_one(world, actor, agent);
    return true;
}

static void waves_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_MESSAGE, WIRE_SUBSCRIBE, WIRE_PUBLISH,
                                         WIRE_OPTIONS};
    Swarm *swarm = actor->state;
    AttackRun *run = &swarm->base;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, swarm, methods, SYNTH_COUNT(methods));
    draw_victims(world, random, swarm);
    run->from = (uint8_t)synth_below(random, 3);
    run->fresh = true;
    uint32_t sources = draw_size(random, wish, swarm, 600);
    swarm->group = synth_between(random, 8, SOURCES_MIN);
    swarm->period = swarm->group * synth_between(random, 3, 12);
    uint32_t most = sources / swarm->group * swarm->period; /* once around */
    if (most < 150) most = 150;
    if (run->pace.limit > most) run->pace.limit = most;
    if (run->pace.rate > 5 * swarm->group) run->pace.rate = 5 * swarm->group;
    run->tick = waves_tick;
    attack_begin(world, actor, &attack_swarm_waves, wish, sources, false, "by-turns=1");
}

const SynthAttackBuilder attack_swarm_waves = {
    .tool = "synth-distributed_flood-waves",
    .class = SYNTH_DISTRIBUTED_FLOOD,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-distributed_flood-waves"),
    .size = sizeof(Swarm),
    .start = waves_start,
};

/* -- bots that ring a few phones and hang up ----------------------------------------------------------------
 */

static void ring_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                       const SynthMessage *reply) {
    if (reply->status <= 100 || reply->status >= 200 || pending->tag) return;
    pending->tag = 1;
    attack_cancel(world, actor, pending);
}

static void ringers_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Swarm *swarm = actor->state;
    AttackRun *run = &swarm->base;
    SynthRandom *random = &actor->random;
    swarm->methods[0] = WIRE_INVITE;
    swarm->n_methods = 1;
    run->victims = synth_chance(random, 0.6) ? ATTACK_ONE : ATTACK_FEW;
    swarm->by_turns = synth_chance(random, 0.5);
    run->acks = synth_chance(random, 0.8);
    run->from = synth_chance(random, 0.5) ? ATTACK_FROM_OWN : ATTACK_FROM_RANDOM;
    uint32_t sources = draw_size(random, wish, swarm, 500);
    swarm->at_phone =
        synth_chance(random, 0.5) && attack_find_phone(world, random, &swarm->target, &swarm->target_user);
    run->tick = turn_tick;
    run->reply = ring_reply;
    attack_begin(world, actor, &attack_swarm_ringers, wish, sources, true,
                 swarm->at_phone ? "rings=1 direct=1" : "rings=1");
}

const SynthAttackBuilder attack_swarm_ringers = {
    .tool = "synth-distributed_flood-ringers",
    .class = SYNTH_DISTRIBUTED_FLOOD,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-distributed_flood-ringers"),
    .size = sizeof(Swarm),
    .start = ringers_start,
};
