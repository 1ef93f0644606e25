/* Spam over telephony: one caller, or one text, to many who did not ask.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>
#include <stdlib.h>

enum { CALLEES_MIN = 12 };

typedef struct Spit {
    AttackRun base;
    SynthPhone *phone;
    uint32_t *callees; /* [n_callees] accounts in the order of calling, base.owned */
    uint32_t n_callees, next;
    AttackText texts[3];
    uint32_t n_texts;
    double talk;
    bool texts_only, rotates_names, in_order;
    uint32_t sockets; /* 0: one */
} Spit;

static const char *const advertisements[] = {
    "You have won ~d4~ dollars, call +882 ~d4~ now",
    "~offer~ only today, visit ~url~",
    "Your account ~d6~ is locked. Confirm at ~url~",
    "~offer~: answer YES to this message",
    "Final notice about your car's warranty, press 1",
    "Hello, this is the bank. Your card was charged ~d3~. Call ~d8~",
    "Vote for us on Sunday!",
    "Parcel ~h8~ is waiting, pay the fee: ~url~",
    "Meet people near you ~url~",
    "Sie haben gewonnen! Jetzt anrufen: 0900 ~d6~",
    "~offer~ ~offer~ ~url~",
};
static const char *const offers[] = {"Cheap loans",          "Free holiday",         "New roof windows",
                                     "Best prices for gold", "Half price insurance", "Hair treatment"};

static void draw_text(SynthRandom *random, AttackText *text) {
    const char *rule = SYNTH_PICK(random, advertisements);
    char filled[300];
    size_t at = 0;
    for (const char *c = rule; *c && at + 64 < sizeof filled;) { /* offers are no rule of the grammar */
        if (strncmp(c, "~offer~", 7) == 0) {
            at += (size_t)snprintf(filled + at, sizeof filled - at, "%s", SYNTH_PICK(random, offers));
            c += 7;
        } else {
            filled[at++] = *c++;
        }
    }
    filled[at] = 0;
    text->length = 0;
    attack_expand(random, filled, text);
}

/* Everybody who can be reached, in random order or by number; false: too few for this. */
static bool list_callees(SynthWorld *world, SynthActor *actor) {
    Spit *state = actor->state;
    uint32_t *callees = calloc(world->n_users + 1, sizeof *callees);
    if (!callees) {
        synth_fail(world, CORE_MEMORY, "no memory for the callees of an attack");
        return false;
    }
    state->callees = state->base.owned = callees;
    for (uint32_t i = 0; i < world->n_users; i++)
        if (world->users[i].online) callees[state->n_callees++] = i;
    for (uint32_t i = state->in_order ? 0 : state->n_callees; i > 1; i--) {
        uint32_t k = synth_below(&actor->random, i), user = callees[i - 1];
        callees[i - 1] = callees[k];
        callees[k] = user;
    }
    return state->n_callees >= CALLEES_MIN;
}

static const SynthUser *next_callee(SynthWorld *world, Spit *state) {
    return &world->users[state->callees[state->next++ % state->n_callees]];
}

static uint32_t account_of(SynthWorld *world, SynthRandom *random) {
    uint32_t user = attack_free_user(world, random);
    return user == UINT32_MAX ? attack_stolen_user(world, random) : user;
}

static bool begin(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, double slow, double fast, bool tracks, const char *settings) {
    Spit *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    if (!list_callees(world, actor)) return false;
    uint32_t low = state->n_callees < 26 ? state->n_callees : 26, high = state->n_callees;
    if (high > 200) high = 200;
    run->acks = true;
    run->pace = attack_pace(random, wish, slow, fast, low, high);
    double needed = (low + 2) / (0.75 * wish->seconds);
    if (run->pace.rate < needed) run->pace.rate = needed;
    if (!attack_begin(world, actor, builder, wish, state->sockets ? state->sockets : 1, tracks, settings))
        return false;
    uint32_t user = account_of(world, random);
    run->agents[0].account = user + 1;
    attack_set_name(&run->agents[0], world->users[user].name, world->users[user].length);
    return true;
}

static void add_phone(SynthWorld *world, SynthActor *actor, bool registers) {
    Spit *state = actor->state;
    SynthAnswers answers = {.answer = 1, .busy = 1, .decline = 1, .ignore = 1, .silent = 0};
    state->phone = synth_phone_new(world, &state->base.agents[0], &answers, actor);
    if (state->phone && registers)
        synth_phone_register(world, state->phone, (int32_t)synth_between(&actor->random, 60, 3600), true);
}

/* -- a phone that calls one after the other
 * ---------------------------------------------------------------------- */

static bool caller_tick(SynthWorld *world, SynthActor *actor) {
    Spit *state = actor->state;
    const SynthUser *callee = next_callee(world, state);
    SynthCallPlan plan = {
        .talk = synth_uniform(&actor->random, 0.5, 1.8) * state->talk, .cancel = -1, .acks = true};
    snprintf(plan.number, sizeof plan.number, "%.*s", (int)callee->length, callee->name);
    if (synth_chance(&actor->random, 0.1)) plan.cancel = synth_uniform(&actor->random, 2, 20);
    if (state->phone) synth_phone_call(world, state->phone, &plan);
    return state->next < state->n_callees;
}

static void caller_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Spit *state = actor->state;
    SynthRandom *random = &actor->random;
    state->talk = synth_log_uniform(random, 1.5, 30);
    state->base.tick = caller_tick;
    if (!begin(world, actor, &attack_spit_caller, wish, 0.1, 4, false, "calls=1")) return;
    add_phone(world, actor, synth_chance(random, 0.75));
}

const SynthAttackBuilder attack_spit_caller = {
    .tool = "synth-spit-caller",
    .class = SYNTH_SPIT,
    .seconds = 90,
    .kind = ATTACK_KIND("synth-spit-caller"),
    .size = sizeof(Spit),
    .start = caller_start,
};

/* -- slow: a call or a text now and then
 * ---------------------------------------------------------------------------- */

static bool slow_tick(SynthWorld *world, SynthActor *actor) {
    Spit *state = actor->state;
    if (!state->texts_only) return caller_tick(world, actor);
    const SynthUser *callee = next_callee(world, state);
    SynthMessage request;
    SynthTarget target = synth_user_target(callee->name, callee->length);
    synth_request(world, &actor->random, &state->base.agents[0], WIRE_MESSAGE, &target, &request);
    synth_set_body(&request, "text/plain", state->texts[0].bytes, state->texts[0].length);
    request.run = state->base.run;
    if (state->phone) synth_phone_request(world, state->phone, &request, NULL);
    return state->next < state->n_callees;
}

static void slow_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Spit *state = actor->state;
    SynthRandom *random = &actor->random;
    state->talk = synth_log_uniform(random, 3, 40);
    state->texts_only = synth_chance(random, 0.5);
    draw_text(random, &state->texts[0]);
    state->base.tick = slow_tick;
    if (!begin(world, actor, &attack_spit_slow, wish, 1.0 / 60, 0.15, false,
               state->texts_only ? "texts=1" : "calls=1"))
        return;
    add_phone(world, actor, synth_chance(random, 0.9));
}

const SynthAttackBuilder attack_spit_slow = {
    .tool = "synth-spit-slow",
    .class = SYNTH_SPIT,
    .seconds = 400,
    .kind = ATTACK_KIND("synth-spit-slow"),
    .size = sizeof(Spit),
    .start = slow_start,
};

/* -- texts, with credentials when asked for
 * ---------------------------------------------------------------------------- */

static void answer_challenge(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                             const SynthMessage *reply) {
    if ((reply->status == 401 || reply->status == 407) && !pending->tag)
        attack_answer(world, actor, pending, reply, SYNTH_PROOF_RIGHT, 1);
}

static bool texts_tick(SynthWorld *world, SynthActor *actor) {
    Spit *state = actor->state;
    const SynthUser *callee = next_callee(world, state);
    const AttackText *text = &state->texts[state->next % state->n_texts];
    SynthMessage request;
    attack_request(world, actor, 0, WIRE_MESSAGE, callee->name, callee->length, NULL, NULL, &request);
    synth_set_body(&request, "text/plain", text->bytes, text->length);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return state->next < state->n_callees;
}

static void texts_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Spit *state = actor->state;
    SynthRandom *random = &actor->random;
    state->base.retransmits = synth_chance(random, 0.5);
    state->base.bare = synth_chance(random, 0.3);
    state->base.drops_contact = synth_chance(random, 0.5);
    state->base.tick = texts_tick;
    state->base.reply = answer_challenge;
    if (!begin(world, actor, &attack_spit_texts, wish, 0.1, 8, true, "texts=1")) return;
    state->n_texts = state->n_callees >= 60 && synth_chance(random, 0.4) ? 2 : 1;
    for (uint32_t i = 0; i < state->n_texts; i++)
        draw_text(random, &state->texts[i]);
}

const SynthAttackBuilder attack_spit_texts = {
    .tool = "synth-spit-texts",
    .class = SYNTH_SPIT,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-spit-texts"),
    .size = sizeof(Spit),
    .start = texts_start,
};

/* -- a dialling robot: rings, plays its text, hangs up; under ever new names
 * ------------------------------------------- */

static void robot_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                        const SynthMessage *reply) {
    Spit *state = actor->state;
    if (reply->method != WIRE_INVITE) return;
    answer_challenge(world, actor, pending, reply);
    if (reply->status >= 180 && reply->status < 300 && pending->sends < 100) {
        pending->sends = 100;
        double wait = reply->status >= 200 ? state->talk : synth_uniform(&actor->random, 4, 25);
        attack_later(world, actor, pending, wait);
    }
}

static void robot_later(SynthWorld *world, SynthActor *actor, AttackPending *pending) {
    if (pending->answered) {
        attack_bye(world, actor, pending);
    } else if (pending->sends == 100) {
        pending->sends = 101;
        attack_cancel(world, actor, pending);
    }
}

static bool robot_tick(SynthWorld *world, SynthActor *actor) {
    Spit *state = actor->state;
    SynthAgent *agent = &state->base.agents[0];
    const SynthUser *callee = next_callee(world, state);
    if (state->rotates_names) {
        SynthText display = synth_text(agent->display, sizeof agent->display - 1);
        synth_draw_display(&display, &actor->random);
        synth_text_end(&display);
    }
    SynthMessage request;
    attack_request(world, actor, 0, WIRE_INVITE, callee->name, callee->length, NULL, NULL, &request);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return state->next < state->n_callees;
}

static void robot_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Spit *state = actor->state;
    SynthRandom *random = &actor->random;
    state->talk = synth_log_uniform(random, 1, 15);
    state->rotates_names = synth_chance(random, 0.5);
    state->base.retransmits = synth_chance(random, 0.6);
    state->base.tick = robot_tick;
    state->base.reply = robot_reply;
    state->base.later = robot_later;
    begin(world, actor, &attack_spit_robot, wish, 0.2, 8, true, "robot=1");
}

const SynthAttackBuilder attack_spit_robot = {
    .tool = "synth-spit-robot",
    .class = SYNTH_SPIT,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-spit-robot"),
    .size = sizeof(Spit),
    .start = robot_start,
};

/* -- a range of numbers from its beginning, those that nobody has included, from several sockets
 * ------------- */

static bool sequence_tick(SynthWorld *world, SynthActor *actor) {
    Spit *state = actor->state;
    SynthRandom *random = &actor->random;
    char number[SYNTH_USER_SIZE];
    SynthText text = synth_text(number, sizeof number - 1);
    if (state->next % 5 == 4 && synth_chance(random, 0.5)) {
        synth_unknown_user(world, random, true, &text);
        state->base.pace.limit++;
    } else {
        const SynthUser *callee = next_callee(world, state);
        synth_put(&text, callee->name, callee->length);
    }
    uint32_t agent = synth_below(random, state->base.n_agents);
    SynthMessage request;
    attack_request(world, actor, agent, WIRE_INVITE, number, text.length, NULL, NULL, &request);
    attack_fire(world, actor, agent, &request, NULL, 0);
    return state->next < state->n_callees;
}

static void sequence_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Spit *state = actor->state;
    SynthRandom *random = &actor->random;
    state->talk = synth_log_uniform(random, 1, 25);
    state->in_order = true;
    state->sockets = synth_between(random, 1, 8);
    state->base.retransmits = synth_chance(random, 0.6);
    state->base.tick = sequence_tick;
    state->base.reply = robot_reply;
    state->base.later = robot_later;
    if (begin(world, actor, &attack_spit_sequence, wish, 0.1, 4, true, "range=1"))
        attack_share_host(world, actor);
}

const SynthAttackBuilder attack_spit_sequence = {
    .tool = "synth-spit-sequence",
    .class = SYNTH_SPIT,
    .seconds = 90,
    .kind = ATTACK_KIND("synth-spit-sequence"),
    .size = sizeof(Spit),
    .start = sequence_start,
};
