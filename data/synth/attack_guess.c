/* Brute force: passwords guessed in ever new digests.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>

enum { ACCOUNTS = 3 };

typedef struct Guess {
    AttackRun base;
    WireMethod method;
    uint32_t n_accounts;
    uint32_t accounts[ACCOUNTS];
    uint32_t lucky; /* the guess that is right; 0: none */
    bool has_nonce[ACCOUNTS];
    SynthMessage last;                /* bruteforce_slow: the registration that it repeats */
    SynthMessage challenge[ACCOUNTS]; /* the reply whose nonce is in use */
} Guess;

/* A method that the site challenges. */
static WireMethod draw_method(const SynthWorld *world, SynthRandom *random, double calls) {
    if (!world->server.challenge_register) return WIRE_INVITE;
    return world->server.challenge_invite && synth_chance(random, calls) ? WIRE_INVITE : WIRE_REGISTER;
}

static void draw_accounts(SynthWorld *world, SynthRandom *random, Guess *guess) {
    static const uint16_t weights[ACCOUNTS] = {4, 2, 2};
    guess->n_accounts = 1 + synth_weighted(random, weights, ACCOUNTS);
    for (uint32_t i = 0; i < guess->n_accounts; i++)
        if (synth_chance(random, 0.5) || !synth_online_user(world, random, &guess->accounts[i]))
            guess->accounts[i] = synth_some_user(world, random);
}

static void act_as(SynthWorld *world, Guess *guess, SynthAgent *agent, uint32_t which) {
    const SynthUser *user = &world->users[guess->accounts[which]];
    agent->account = guess->accounts[which] + 1;
    attack_set_name(agent, user->name, user->length);
}

static SynthProof proof_of(const Guess *guess) {
    return guess->lucky && guess->base.pace.sent >= guess->lucky ? SYNTH_PROOF_RIGHT : SYNTH_PROOF_WRONG;
}

/* The request that will be challenged. tag: account, and whether it already carries a guess. */
static void ask(SynthWorld *world, SynthActor *actor, uint32_t index, uint32_t which, SynthMessage *request) {
    Guess *guess = actor->state;
    SynthAgent *agent = &guess->base.agents[index];
    act_as(world, guess, agent, which);
    const SynthUser *user = &world->users[guess->accounts[which]];
    if (guess->method == WIRE_REGISTER) {
        attack_request(world, actor, index, WIRE_REGISTER, user->name, user->length, NULL, NULL, request);
    } else {
        const SynthUser *callee = &world->users[synth_some_user(world, &actor->random)];
        attack_request(world, actor, index, guess->method, callee->name, callee->length, NULL, NULL, request);
    }
}

/* A challenge is answered with the next guess; a failure ends the guess. */
static void guess_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                        const SynthMessage *reply) {
    Guess *guess = actor->state;
    if (reply->status != 401 && reply->status != 407) return;
    if (pending->tag >= ACCOUNTS) return; /* wrong */
    act_as(world, guess, &guess->base.agents[pending->agent], pending->tag);
    attack_answer(world, actor, pending, reply, proof_of(guess), pending->tag + ACCOUNTS);
}

static bool list_tick(SynthWorld *world, SynthActor *actor) {
    Guess *guess = actor->state;
    uint32_t which = (guess->base.pace.sent - 1) % guess->n_accounts, index = 0;
    if (guess->base.n_agents > 1) index = (guess->base.pace.sent - 1) % guess->base.n_agents;
    SynthMessage request;
    ask(world, actor, index, which, &request);
    attack_fire(world, actor, index, &request, NULL, which);
    return !(guess->lucky && guess->base.pace.sent >= guess->lucky);
}

static void begin(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, uint32_t agents, double slow, double fast, uint32_t low,
                  uint32_t high) {
    Guess *guess = actor->state;
    AttackRun *run = &guess->base;
    SynthRandom *random = &actor->random;
    char text[96];
    bool challenged =
        guess->method == WIRE_REGISTER ? world->server.challenge_register : world->server.challenge_invite;
    if (!challenged) return; /* nothing to guess here */
    draw_accounts(world, random, guess);
    run->pace = attack_pace(random, wish, slow, fast, low, high);
    double needed = (low + 2) / (0.8 * wish->seconds);
    if (run->pace.rate < needed) run->pace.rate = needed;
    guess->lucky = synth_chance(random, 0.2) ? run->pace.limit : 0;
    snprintf(text, sizeof text, "method=%s accounts=%u hit=%u", wire_method_name(guess->method),
             guess->n_accounts, guess->lucky != 0);
    attack_begin(world, actor, builder, wish, agents, true, text);
}

/* -- from a list -------------------------------------------------------------------------------------------
 */

static void list_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Guess *guess = actor->state;
    AttackRun *run = &guess->base;
    SynthRandom *random = &actor->random;
    guess->method = draw_method(world, random, 0);
    run->acks = true;
    run->same_call_id = synth_chance(random, 0.15);
    run->bare = synth_chance(random, 0.35);
    run->tick = list_tick;
    run->reply = guess_reply;
    begin(world, actor, &attack_bruteforce_list, wish, 1, 0.3, 60, 16, 1500);
}

const SynthAttackBuilder attack_bruteforce_list = {
    .tool = "synth-bruteforce-list",
    .class = SYNTH_BRUTEFORCE,
    .seconds = 40,
    .kind = ATTACK_KIND("synth-bruteforce-list"),
    .size = sizeof(Guess),
    .start = list_start,
};

/* -- one nonce as long as the server takes it ---------------------------------------------------------------
 */

static void reuse_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                        const SynthMessage *reply) {
    Guess *guess = actor->state;
    if ((reply->status != 401 && reply->status != 407) || !reply->challenge.length) return;
    uint32_t which = pending->tag % ACCOUNTS;
    synth_message_copy(&guess->challenge[which], reply);
    guess->has_nonce[which] = true;
    if (pending->tag >= ACCOUNTS) return;
    act_as(world, guess, &guess->base.agents[pending->agent], which);
    attack_answer(world, actor, pending, reply, proof_of(guess), which + ACCOUNTS);
}

static bool reuse_tick(SynthWorld *world, SynthActor *actor) {
    Guess *guess = actor->state;
    AttackRun *run = &guess->base;
    uint32_t which = (run->pace.sent - 1) % guess->n_accounts;
    SynthMessage request;
    ask(world, actor, 0, which, &request);
    if (guess->has_nonce[which]) {
        synth_authorise(&actor->random, &run->agents[0], &guess->challenge[which], proof_of(guess), &request);
        attack_fire(world, actor, 0, &request, NULL, which + ACCOUNTS);
    } else {
        attack_fire(world, actor, 0, &request, NULL, which);
    }
    return !(guess->lucky && run->pace.sent >= guess->lucky);
}

static void reuse_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Guess *guess = actor->state;
    AttackRun *run = &guess->base;
    SynthRandom *random = &actor->random;
    guess->method = draw_method(world, random, 0.2);
    run->same_call_id = synth_chance(random, 0.5);
    run->acks = true;
    run->bare = synth_chance(random, 0.3);
    run->tick = reuse_tick;
    run->reply = reuse_reply;
    begin(world, actor, &attack_bruteforce_reuse, wish, 1, 0.5, 120, 16, 2500);
}

const SynthAttackBuilder attack_bruteforce_reuse = {
    .tool = "synth-bruteforce-reuse",
    .class = SYNTH_BRUTEFORCE,
    .seconds = 40,
    .kind = ATTACK_KIND("synth-bruteforce-reuse"),
    .size = sizeof(Guess),
    .start = reuse_start,
};

/* -- by calling
 * ----------------------------------------------------------------------------------------------- */

static void call_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Guess *guess = actor->state;
    AttackRun *run = &guess->base;
    SynthRandom *random = &actor->random;
    guess->method = draw_method(world, random, 1);
    run->acks = synth_chance(random, 0.8);
    run->retransmits = synth_chance(random, 0.5);
    run->tick = list_tick;
    run->reply = guess_reply;
    begin(world, actor, &attack_bruteforce_call, wish, 1, 0.2, 20, 16, 500);
}

const SynthAttackBuilder attack_bruteforce_call = {
    .tool = "synth-bruteforce-call",
    .class = SYNTH_BRUTEFORCE,
    .seconds = 40,
    .kind = ATTACK_KIND("synth-bruteforce-call"),
    .size = sizeof(Guess),
    .start = call_start,
};

/* -- from many places, a few guesses each
 * ------------------------------------------------------------------------ */

static void many_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Guess *guess = actor->state;
    AttackRun *run = &guess->base;
    SynthRandom *random = &actor->random;
    guess->method = draw_method(world, random, 0.25);
    run->acks = true;
    run->retransmits = synth_chance(random, 0.5);
    run->tick = list_tick;
    run->reply = guess_reply;
    uint32_t sources = (uint32_t)synth_log_uniform(random, 3, 120);
    uint32_t each = synth_between(random, 1, 6), low = sources * each < 20 ? 20 : sources * each;
    begin(world, actor, &attack_bruteforce_many, wish, sources, 0.2, 25, 20, low);
}

const SynthAttackBuilder attack_bruteforce_many = {
    .tool = "synth-bruteforce-many",
    .class = SYNTH_BRUTEFORCE,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-bruteforce-many"),
    .size = sizeof(Guess),
    .start = many_start,
};

/* -- slowly: a phone's own registration, again and again with another password
 * -------------------------------------- */

static bool slow_tick(SynthWorld *world, SynthActor *actor) {
    Guess *guess = actor->state;
    AttackRun *run = &guess->base;
    if (run->pace.sent == 1) {
        ask(world, actor, 0, 0, &guess->last);
    } else {
        guess->last.cseq++; /* the challenged try before took one */
        synth_again(&actor->random, &run->agents[0], &guess->last);
    }
    SynthMessage request;
    synth_message_copy(&request, &guess->last);
    act_as(world, guess, &run->agents[0], 0);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return !(guess->lucky && run->pace.sent >= guess->lucky);
}

static void slow_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Guess *guess = actor->state;
    AttackRun *run = &guess->base;
    guess->method = draw_method(world, &actor->random, 0);
    run->acks = true;
    run->retransmits = true;
    run->tick = slow_tick;
    run->reply = guess_reply;
    begin(world, actor, &attack_bruteforce_slow, wish, 1, 1.0 / 70, 0.4, 12, 90);
}

const SynthAttackBuilder attack_bruteforce_slow = {
    .tool = "synth-bruteforce-slow",
    .class = SYNTH_BRUTEFORCE,
    .seconds = 300,
    .kind = ATTACK_KIND("synth-bruteforce-slow"),
    .size = sizeof(Guess),
    .start = slow_start,
};
