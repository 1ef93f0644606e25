/* Enumeration: which accounts exist? By number, by name, at random, slowly.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>

typedef struct Enumeration {
    AttackRun base;
    WireMethod method;
    uint32_t first, step, width; /* of numbers */
    uint32_t known;              /* existing accounts that were asked for */
    uint32_t hits;
    bool cancels;
    WireMethod second; /* enumeration_pairs: asked of those who seem to exist */
} Enumeration;

/* Names and posts for the dictionary. */
static const char *const given[] = {"alice", "bob",    "carol", "dave", "john",  "mary",  "peter", "anna",
                                    "mike",  "sara",   "tom",   "lisa", "paul",  "karen", "kevin", "laura",
                                    "eric",  "julia",  "frank", "nina", "jose",  "ali",   "wei",   "ivan",
                                    "marta", "thomas", "chris", "emma", "david", "sven"};
static const char *const family[] = {"smith",  "jones",  "brown", "miller", "garcia", "lee",   "wang",
                                     "khan",   "novak",  "rossi", "muller", "silva",  "meyer", "dubois",
                                     "jensen", "ivanov", "cohen", "wagner", "patel",  "kim"};
static const char *const posts[] = {
    "admin",     "administrator", "test",     "user",     "guest",     "sales",     "info",    "office",
    "reception", "root",          "support",  "fax",      "phone",     "demo",      "voip",    "sip",
    "service",   "help",          "operator", "security", "trunk",     "gateway",   "manager", "hotel",
    "door",      "lobby",         "board",    "ivr",      "voicemail", "conference"};

static void draw_name(SynthRandom *random, SynthText *text) {
    uint32_t form = synth_below(random, 6);
    if (form < 2) {
        synth_put_text(text, SYNTH_PICK(random, posts));
    } else {
        synth_put_text(text, SYNTH_PICK(random, given));
        if (form >= 4) {
            if (form == 4) synth_put_char(text, '.');
            synth_put_text(text, SYNTH_PICK(random, family));
        }
    }
    if (synth_chance(random, 0.3)) synth_put_number(text, synth_below(random, 100));
}

static void put_padded(SynthText *text, uint32_t number, uint32_t width) {
    char digits[16];
    snprintf(digits, sizeof digits, "%0*u", (int)width, number);
    synth_put_text(text, digits);
}

/* How the tries are made. */
typedef enum Order { ORDER_RANGE, ORDER_NAMES, ORDER_RANDOM } Order;

static void candidate(SynthActor *actor, Order order, uint32_t number, SynthText *text) {
    Enumeration *state = actor->state;
    text->length = 0;
    if (order == ORDER_RANGE)
        put_padded(text, state->first + number * state->step, state->width);
    else if (order == ORDER_NAMES)
        draw_name(&actor->random, text);
    else
        synth_draw_digits(text, &actor->random, state->width);
}

/* The next name to try. Most are wrong: that is what makes it an enumeration. */
static void next_name(SynthWorld *world, SynthActor *actor, Order order, SynthText *text) {
    Enumeration *state = actor->state;
    for (unsigned tries = 0; tries < 400; tries++) {
        candidate(actor, order, state->base.pace.sent - 1, text);
        if (synth_find_user(world, text->bytes, text->length) == UINT32_MAX) return;
        if (8 * (state->known + 1) <= state->base.pace.sent + 3) {
            state->known++;
            return;
        }
        state->first += state->step; /* another one */
    }
}

static bool try_one(SynthWorld *world, SynthActor *actor, Order order) {
    Enumeration *state = actor->state;
    char user[SYNTH_USER_SIZE];
    SynthText text = synth_text(user, sizeof user);
    next_name(world, actor, order, &text);
    SynthMessage request;
    attack_request(world, actor, 0, state->method, user, text.length, NULL, NULL, &request);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void cancel_ringing(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                           const SynthMessage *reply) {
    Enumeration *state = actor->state;
    if (reply->status >= 200 && reply->status < 300) state->hits++;
    if (reply->status > 100 && reply->status < 200) state->hits++;
    if (!state->cancels || reply->method != WIRE_INVITE || reply->status <= 100 || reply->status >= 200 ||
        pending->tag)
        return;
    pending->tag = 1;
    attack_cancel(world, actor, pending);
}

static WireMethod draw_method(const SynthWorld *world, SynthRandom *random, const WireMethod *from,
                              uint32_t count) {
    WireMethod method = from[synth_below(random, count)];
    return attack_always_succeeds(world, method) ? WIRE_SUBSCRIBE : method;
}

static void begin(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, bool tracks) {
    Enumeration *state = actor->state;
    char text[96];
    double most = 0.8 * wish->seconds * state->base.pace.rate; /* some tries at least fit */
    if (most < 14) state->base.pace.rate = 14 / (0.8 * wish->seconds);
    snprintf(text, sizeof text, "method=%s first=%u step=%u", wire_method_name(state->method), state->first,
             state->step);
    attack_begin(world, actor, builder, wish, 1, tracks, text);
}

/* -- one extension after another
 * -------------------------------------------------------------------------------- */

static bool range_tick(SynthWorld *world, SynthActor *actor) {
    return try_one(world, actor, ORDER_RANGE);
}

static void range_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_REGISTER, WIRE_REGISTER, WIRE_INVITE, WIRE_OPTIONS,
                                         WIRE_SUBSCRIBE};
    static const uint32_t firsts[] = {0,    1,    90,   100,  200,  300,   400,  800,
                                      1000, 2000, 5000, 7000, 9000, 10000, 49000};
    static const uint16_t steps[] = {1, 1, 1, 1, 1, 2, 5, 10};
    Enumeration *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    state->method = draw_method(world, random, methods, SYNTH_COUNT(methods));
    state->first = SYNTH_PICK(random, firsts);
    state->step = SYNTH_PICK(random, steps);
    state->width = synth_chance(random, 0.2) ? synth_between(random, 3, 5) : 1;
    run->pace = attack_pace(random, wish, 0.5, 250, 14, 2000);
    run->from = synth_chance(random, 0.5) ? ATTACK_FROM_TO : ATTACK_FROM_OWN;
    run->bare = synth_chance(random, 0.35);
    run->drops_contact = synth_chance(random, 0.3);
    run->acks = synth_chance(random, 0.4);
    run->tick = range_tick;
    begin(world, actor, &attack_enumeration_range, wish, run->acks);
}

const SynthAttackBuilder attack_enumeration_range = {
    .tool = "synth-enumeration-range",
    .class = SYNTH_ENUMERATION,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-enumeration-range"),
    .size = sizeof(Enumeration),
    .start = range_start,
};

/* -- names, with a stack that acknowledges and cancels
 * ----------------------------------------------------------- */

static bool dictionary_tick(SynthWorld *world, SynthActor *actor) {
    return try_one(world, actor, ORDER_NAMES);
}

static void dictionary_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_INVITE, WIRE_OPTIONS, WIRE_REGISTER};
    Enumeration *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    state->method = draw_method(world, random, methods, SYNTH_COUNT(methods));
    run->pace = attack_pace(random, wish, 0.3, 40, 14, 600);
    run->from = synth_chance(random, 0.7) ? ATTACK_FROM_OWN : ATTACK_FROM_RANDOM;
    run->acks = true;
    run->retransmits = synth_chance(random, 0.6);
    state->cancels = true;
    run->tick = dictionary_tick;
    run->reply = cancel_ringing;
    begin(world, actor, &attack_enumeration_dictionary, wish, true);
}

const SynthAttackBuilder attack_enumeration_dictionary = {
    .tool = "synth-enumeration-dictionary",
    .class = SYNTH_ENUMERATION,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-enumeration-dictionary"),
    .size = sizeof(Enumeration),
    .start = dictionary_start,
};

/* -- random numbers, the same Call-ID and tag for all
 * -------------------------------------------------------------- */

static bool random_tick(SynthWorld *world, SynthActor *actor) {
    return try_one(world, actor, ORDER_RANDOM);
}

static void random_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_SUBSCRIBE, WIRE_MESSAGE, WIRE_OPTIONS, WIRE_REGISTER,
                                         WIRE_PUBLISH};
    Enumeration *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    state->method = draw_method(world, random, methods, SYNTH_COUNT(methods));
    state->width = synth_between(random, 3, 5); /* longer ones are telephone numbers */
    run->pace = attack_pace(random, wish, 0.5, 150, 14, 1200);
    run->from = (uint8_t)synth_below(random, ATTACK_FROMS);
    run->same_call_id = synth_chance(random, 0.6);
    run->bare = synth_chance(random, 0.5);
    run->tick = random_tick;
    begin(world, actor, &attack_enumeration_random, wish, false);
}

const SynthAttackBuilder attack_enumeration_random = {
    .tool = "synth-enumeration-random",
    .class = SYNTH_ENUMERATION,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-enumeration-random"),
    .size = sizeof(Enumeration),
    .start = random_start,
};

/* -- slow, and content with a few hits
 * ------------------------------------------------------------------------------ */

static bool slow_tick(SynthWorld *world, SynthActor *actor) {
    Enumeration *state = actor->state;
    if (state->hits >= 3 && state->base.pace.sent > 12) return false;
    return try_one(world, actor, state->width > 1 ? ORDER_RANGE : ORDER_NAMES);
}

static void slow_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_REGISTER, WIRE_INVITE, WIRE_OPTIONS, WIRE_SUBSCRIBE};
    Enumeration *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    state->method = draw_method(world, random, methods, SYNTH_COUNT(methods));
    state->first = synth_between(random, 10, 9000);
    state->step = synth_chance(random, 0.7) ? 1 : synth_between(random, 3, 50);
    state->width = synth_chance(random, 0.6) ? synth_between(random, 3, 4) : 1;
    run->pace = attack_pace(random, wish, 1.0 / 60, 0.5, 10, 120);
    run->from = ATTACK_FROM_OWN;
    run->acks = true;
    run->retransmits = true;
    state->cancels = synth_chance(random, 0.8);
    run->tick = slow_tick;
    run->reply = cancel_ringing;
    begin(world, actor, &attack_enumeration_slow, wish, true);
}

const SynthAttackBuilder attack_enumeration_slow = {
    .tool = "synth-enumeration-slow",
    .class = SYNTH_ENUMERATION,
    .seconds = 200,
    .kind = ATTACK_KIND("synth-enumeration-slow"),
    .size = sizeof(Enumeration),
    .start = slow_start,
};

/* -- pairs: REGISTER without Contact, then another question to who seems to exist
 * ---------------------------- */

enum { PAIR_FIRST = 0, PAIR_SECOND, PAIR_CANCELLED };

static bool pairs_tick(SynthWorld *world, SynthActor *actor) {
    Enumeration *state = actor->state;
    char user[SYNTH_USER_SIZE];
    SynthText text = synth_text(user, sizeof user);
    next_name(world, actor, state->width > 1 ? ORDER_RANGE : ORDER_NAMES, &text);
    SynthMessage request;
    attack_request(world, actor, 0, WIRE_REGISTER, user, text.length, NULL, NULL, &request);
    request.contact.length = 0;
    request.contact_address.port = 0;
    request.contact_expires = request.expires = -1;
    attack_fire(world, actor, 0, &request, NULL, PAIR_FIRST);
    return true;
}

static void pairs_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                        const SynthMessage *reply) {
    if (pending->tag == PAIR_FIRST &&
        (reply->status == 401 || reply->status == 407 || reply->status == 200)) {
        attack_later(world, actor, pending, synth_log_uniform(&actor->random, 0.005, 3));
    } else if (pending->tag == PAIR_SECOND && reply->method == WIRE_INVITE && reply->status > 100 &&
               reply->status < 200) {
        pending->tag = PAIR_CANCELLED;
        attack_cancel(world, actor, pending);
    }
}

static void pairs_later(SynthWorld *world, SynthActor *actor, AttackPending *pending) {
    const Enumeration *state = actor->state;
    const SynthSlice *user = &pending->request.to.user;
    SynthMessage request;
    attack_request(world, actor, 0, state->second, synth_slice(&pending->request, *user), user->length, NULL,
                   NULL, &request);
    attack_fire(world, actor, 0, &request, NULL, PAIR_SECOND);
}

static void pairs_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_OPTIONS, WIRE_SUBSCRIBE, WIRE_MESSAGE};
    Enumeration *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    state->method = WIRE_REGISTER;
    state->second = draw_method(world, random, methods, SYNTH_COUNT(methods));
    state->first = synth_between(random, 10, 9000);
    state->step = synth_chance(random, 0.8) ? 1 : synth_between(random, 2, 30);
    state->width = synth_chance(random, 0.7) ? synth_between(random, 3, 4) : 1;
    run->pace = attack_pace(random, wish, 0.2, 30, 14, 400);
    run->from = ATTACK_FROM_OWN;
    run->acks = synth_chance(random, 0.8);
    run->retransmits = synth_chance(random, 0.5);
    run->tick = pairs_tick;
    run->reply = pairs_reply;
    run->later = pairs_later;
    begin(world, actor, &attack_enumeration_pairs, wish, true);
}

const SynthAttackBuilder attack_enumeration_pairs = {
    .tool = "synth-enumeration-pairs",
    .class = SYNTH_ENUMERATION,
    .seconds = 40,
    .kind = ATTACK_KIND("synth-enumeration-pairs"),
    .size = sizeof(Enumeration),
    .start = pairs_start,
};
