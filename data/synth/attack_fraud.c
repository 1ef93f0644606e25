/* Toll fraud: international, premium and prefix-probing calls that nobody's history explains.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>

typedef struct Fraud {
    AttackRun base;
    SynthPhone *phone; /* of the stack builders, owned by the world */
    char number[24];   /* toll_fraud_prefixes: what the prefixes are put before */
    uint32_t next, works;
    bool stolen, registers, one_destination;
    uint32_t sources; /* 0: one */
    double talk;
} Fraud;

static const char *const prefixes[] = {"00",  "+",    "011",  "900",   "9011", "000", "0",   "9",
                                       "810", "1100", "8800", "99900", "8",    "*",   "0011"};

/* Country codes and ranges where calls cost most, and plain ones. */
static const char *const destinations[] = {
    "882~d2~", "881~d1~",  "53~d1~",   "216~d2~",  "371~d1~",  "960~d2~", "252~d2~", "232~d2~",
    "675~d2~", "1900~d1~", "1809~d1~", "1876~d2~", "4470~d2~", "439~d2~", "247~d2~", "372~d2~",
    "44~d3~",  "49~d3~",   "33~d2~",   "1~d3~",    "972~d2~",  "7~d3~",   "34~d2~",  "39~d3~",
    "370~d2~", "248~d2~",  "509~d2~",  "221~d2~",  "235~d2~",  "261~d2~", "677~d2~", "992~d2~"};

static void draw_number(SynthRandom *random, char *text, size_t room) {
    AttackText number = {.length = 0};
    attack_append(&number, "%s", prefixes[synth_below(random, 5)]);
    attack_expand(random, SYNTH_PICK(random, destinations), &number);
    attack_expand(random, synth_chance(random, 0.5) ? "~d7~" : "~d8~", &number);
    snprintf(text, room, "%.23s", number.bytes);
}

/* The next number: another destination, or the next in a range. */
static void next_number(SynthActor *actor, char *text, size_t room) {
    Fraud *state = actor->state;
    if (!state->one_destination || !state->number[0])
        draw_number(&actor->random, state->number, sizeof state->number);
    snprintf(text, room, "%s", state->number);
    size_t last = strlen(text);
    if (!state->one_destination || last < 3) return;
    uint32_t step = state->next++;
    text[last - 1] = (char)('0' + step % 10);
    text[last - 2] = (char)('0' + step / 10 % 10);
}

static bool be_thief(SynthWorld *world, SynthActor *actor) {
    Fraud *state = actor->state;
    if (!state->base.agents) return false;
    uint32_t user = attack_stolen_user(world, &actor->random);
    SynthAgent *agent = &state->base.agents[0];
    if (state->stolen) agent->account = user + 1;
    attack_set_name(agent, world->users[user].name, world->users[user].length);
    return true;
}

/* -- a whole phone with a stolen account
 * ---------------------------------------------------------------------- */

static bool stack_tick(SynthWorld *world, SynthActor *actor) {
    Fraud *state = actor->state;
    SynthCallPlan plan = {.cancel = -1, .acks = true};
    next_number(actor, plan.number, sizeof plan.number);
    plan.talk = synth_uniform(&actor->random, 0.3, 2) * state->talk;
    if (synth_chance(&actor->random, 0.15)) plan.cancel = synth_uniform(&actor->random, 1, 12);
    synth_phone_call(world, state->phone, &plan);
    return true;
}

static void begin_stack(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                        const SynthWish *wish, double slow, double fast, uint32_t low, uint32_t high) {
    Fraud *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    if (world->view == SYNTH_VIEW_SERVER && world->edge_kind != SYNTH_EDGE_NONE)
        return; /* nobody would see it */
    state->stolen = true;
    state->one_destination = synth_chance(random, 0.35);
    state->registers = synth_chance(random, 0.7);
    state->talk = synth_log_uniform(random, 2, 60);
    run->acks = true;
    run->pace = attack_pace(random, wish, slow, fast, low, high);
    double needed = (low + 1) / (0.8 * wish->seconds);
    if (run->pace.rate < needed) run->pace.rate = needed;
    run->tick = stack_tick;
    char text[64];
    snprintf(text, sizeof text, "registers=%d range=%d", state->registers, state->one_destination);
    if (!attack_begin(world, actor, builder, wish, 1, false, text) || !be_thief(world, actor)) return;
    SynthAnswers answers = {.answer = 1, .busy = 1, .decline = 0, .ignore = 1, .silent = 0};
    state->phone = synth_phone_new(world, &run->agents[0], &answers, actor);
    if (state->phone && state->registers)
        synth_phone_register(world, state->phone, (int32_t)synth_between(random, 60, 3600), true);
}

static void stack_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    begin_stack(world, actor, &attack_toll_fraud_stack, wish, 0.05, 3, 6, 80);
}

const SynthAttackBuilder attack_toll_fraud_stack = {
    .tool = "synth-toll_fraud-stack",
    .class = SYNTH_TOLL_FRAUD,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-toll_fraud-stack"),
    .size = sizeof(Fraud),
    .start = stack_start,
};

static void slow_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    begin_stack(world, actor, &attack_toll_fraud_slow, wish, 1.0 / 240, 0.05, 5, 40);
}

const SynthAttackBuilder attack_toll_fraud_slow = {
    .tool = "synth-toll_fraud-slow",
    .class = SYNTH_TOLL_FRAUD,
    .seconds = 300,
    .kind = ATTACK_KIND("synth-toll_fraud-slow"),
    .size = sizeof(Fraud),
    .start = slow_start,
};

/* -- which prefix reaches the outside?
 * ---------------------------------------------------------------------------- */

static void raw_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                      const SynthMessage *reply) {
    Fraud *state = actor->state;
    if (reply->method != WIRE_INVITE) return;
    if ((reply->status == 401 || reply->status == 407) && state->stolen && !pending->tag)
        attack_answer(world, actor, pending, reply, SYNTH_PROOF_RIGHT, 1);
    if (reply->status > 100 && reply->status < 300) state->works++;
    if (reply->status >= 180 && reply->status < 300 && pending->sends < 100) {
        pending->sends = 100;
        attack_later(world, actor, pending, synth_uniform(&actor->random, 0.5, 1.5) * state->talk);
    }
}

/* A call that rang or was answered a while ago is ended. */
static void raw_later(SynthWorld *world, SynthActor *actor, AttackPending *pending) {
    if (pending->answered)
        attack_bye(world, actor, pending);
    else if (!pending->final || pending->sends == 100)
        attack_cancel(world, actor, pending);
}

static void dial(SynthWorld *world, SynthActor *actor, const char *number) {
    const AttackRun *run = actor->state;
    SynthMessage request;
    uint32_t agent = run->n_agents > 1 ? synth_below(&actor->random, run->n_agents) : 0;
    attack_request(world, actor, agent, WIRE_INVITE, number, strlen(number), NULL, NULL, &request);
    attack_fire(world, actor, agent, &request, NULL, 0);
}

static bool prefixes_tick(SynthWorld *world, SynthActor *actor) {
    Fraud *state = actor->state;
    char number[48];
    uint32_t turn = state->base.pace.sent - 1;
    if (state->works && turn >= 5 && synth_chance(&actor->random, 0.5)) { /* one works: use it */
        next_number(actor, number, sizeof number);
    } else {
        snprintf(number, sizeof number, "%s%s", prefixes[(state->next + turn) % SYNTH_COUNT(prefixes)],
                 state->number);
        if (turn >= SYNTH_COUNT(prefixes)) /* another number for the next round */
            number[strlen(number) - 1] = (char)('0' + turn / SYNTH_COUNT(prefixes) % 10);
    }
    dial(world, actor, number);
    return true;
}

static void begin_raw(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                      const SynthWish *wish, double slow, double fast, uint32_t low, uint32_t high) {
    Fraud *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    state->talk = synth_log_uniform(random, 1, 30);
    state->stolen = state->sources || synth_chance(random, 0.5);
    run->pace = attack_pace(random, wish, slow, fast, low, high);
    double needed = (low + 1) / (0.8 * wish->seconds);
    if (run->pace.rate < needed) run->pace.rate = needed;
    run->reply = raw_reply;
    run->later = raw_later;
    if (!attack_begin(world, actor, builder, wish, state->sources ? state->sources : 1, true,
                      state->stolen ? "stolen=1" : ""))
        return;
    if (state->stolen || synth_chance(random, 0.5)) be_thief(world, actor);
    for (uint32_t i = 1; i < run->n_agents; i++) { /* all know the account */
        run->agents[i].account = run->agents[0].account;
        attack_set_name(&run->agents[i], run->agents[0].user, strlen(run->agents[0].user));
    }
}

static void prefixes_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Fraud *state = actor->state;
    SynthRandom *random = &actor->random;
    AttackText number = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, destinations), &number);
    attack_expand(random, "~d7~", &number);
    snprintf(state->number, sizeof state->number, "%.23s", number.bytes);
    state->one_destination = true;
    state->next = synth_below(random, SYNTH_COUNT(prefixes));
    state->base.acks = synth_chance(random, 0.7);
    state->base.from = synth_chance(random, 0.6) ? ATTACK_FROM_OWN : ATTACK_FROM_RANDOM;
    state->base.bare = synth_chance(random, 0.4);
    state->base.tick = prefixes_tick;
    begin_raw(world, actor, &attack_toll_fraud_prefixes, wish, 0.03, 5, 8, 90);
}

const SynthAttackBuilder attack_toll_fraud_prefixes = {
    .tool = "synth-toll_fraud-prefixes",
    .class = SYNTH_TOLL_FRAUD,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-toll_fraud-prefixes"),
    .size = sizeof(Fraud),
    .start = prefixes_start,
};

/* -- many destinations at once, as many calls as the site lets through
 * ---------------------------------------------- */

static bool burst_tick(SynthWorld *world, SynthActor *actor) {
    char number[48];
    next_number(actor, number, sizeof number);
    dial(world, actor, number);
    return true;
}

static void burst_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Fraud *state = actor->state;
    SynthRandom *random = &actor->random;
    state->one_destination = synth_chance(random, 0.3);
    state->base.acks = synth_chance(random, 0.85);
    state->base.retransmits = synth_chance(random, 0.4);
    state->base.from = (uint8_t)synth_below(random, 3);
    state->base.tick = burst_tick;
    begin_raw(world, actor, &attack_toll_fraud_burst, wish, 0.1, 12, 8, 200);
}

const SynthAttackBuilder attack_toll_fraud_burst = {
    .tool = "synth-toll_fraud-burst",
    .class = SYNTH_TOLL_FRAUD,
    .seconds = 40,
    .kind = ATTACK_KIND("synth-toll_fraud-burst"),
    .size = sizeof(Fraud),
    .start = burst_start,
};

/* -- an account that was sold: calls from several addresses -------------------------------------------------
 */

static void shared_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Fraud *state = actor->state;
    SynthRandom *random = &actor->random;
    state->sources = synth_between(random, 2, 6);
    state->one_destination = synth_chance(random, 0.3);
    state->base.acks = true;
    state->base.retransmits = synth_chance(random, 0.5);
    state->base.tick = burst_tick;
    begin_raw(world, actor, &attack_toll_fraud_shared, wish, 0.03, 3, 12, 160);
}

const SynthAttackBuilder attack_toll_fraud_shared = {
    .tool = "synth-toll_fraud-shared",
    .class = SYNTH_TOLL_FRAUD,
    .seconds = 90,
    .kind = ATTACK_KIND("synth-toll_fraud-shared"),
    .size = sizeof(Fraud),
    .start = shared_start,
};
