/* People with phones: when they call whom, and what happens to their phones over a day.
 * Relies on: data/synth/plan.h, families.h.
 * Relied on by: data/synth/plan.c. */
#include "data/synth/families.h"
#include "data/synth/oddity.h"
#include "data/synth/plan.h"

#include <stdio.h>

enum {
    WAKE_START = 1,
    WAKE_TYPE,
    WAKE_LIFE,
    WAKE_KEEP_ALIVE,
    WAKE_NOISE,
    WAKE_REDIAL,
    WAKE_EVENT,
    WAKE_BACK,
    WAKE_PLACE,
    WAKE_REPLY
};
enum { FRIENDS = 6, NUMBERS = 3 };

typedef struct Person {
    SynthPhone *phone;
    SynthHabits habits;
    uint32_t user;
    uint32_t friends[FRIENDS];
    char numbers[NUMBERS][24]; /* abroad: the same few again and again */
    SynthCallPlan last;
    uint8_t redials, n_numbers, typed, replies;
    WireAddress places[2];
    uint32_t n_places, place;
    bool away;
} Person;

/* ---- rhythm -------------------------------------------------------------------------------------------- */

double synth_rhythm(const SynthWorld *world, int64_t time_ns) {
    static const uint8_t office[24] = {2,  1,  1,   1,  2,  4,  15, 45, 85, 100, 100, 90,
                                       60, 80, 100, 95, 80, 50, 25, 15, 10, 6,   4,   3};
    static const uint8_t home[24] = {6,  3,  2,  2,  2,  4,  10,  20,  30, 40, 45, 50,
                                     55, 50, 50, 55, 65, 85, 100, 100, 90, 60, 30, 12};
    int64_t seconds = time_ns / SYNTH_SECOND;
    uint32_t second = (uint32_t)(seconds % 3600), hour = (uint32_t)(seconds / 3600 % 24);
    uint32_t day = (uint32_t)(seconds / 86400 + 4) % 7; /* 0: Sunday */
    bool people = world->kind == SYNTH_HOME || world->kind == SYNTH_CARRIER;
    const uint8_t *table = people ? home : office;
    double level = table[hour] + (table[(hour + 1) % 24] - (double)table[hour]) * second / 3600;
    bool weekend = day == 0 || day == 6;
    return level / 100 * (weekend ? (people ? 1.1 : 0.25) : 1) + 0.01;
}

void synth_habits_draw(const SynthWorld *world, SynthRandom *random, SynthHabits *h) {
    static const int32_t expires[] = {60, 120, 180, 300, 300, 600, 600, 1800, 3600, 3600};
    static const SynthAnswers answers[] = {{7, 1, 1, 1, 0}, {1, 0, 0, 0, 0}, {4, 1, 0, 3, 0},
                                           {3, 0, 1, 0, 0}, {5, 0, 0, 1, 1}, {2, 0, 0, 3, 0}};
    memset(h, 0, sizeof *h);
    double busy = synth_log_uniform(random, 0.3, 3);
    h->calls = busy * (world->kind == SYNTH_CALLCENTRE ? 14 : world->kind == SYNTH_HOME ? 1.5 : 5);
    if (synth_chance(random, 0.2)) h->calls = 0; /* only waits for calls */
    h->messages = synth_chance(random, 0.25) ? synth_log_uniform(random, 0.5, 25) : 0.2;
    h->subscriptions = synth_chance(random, 0.4) ? synth_log_uniform(random, 0.5, 6) : 0;
    h->publications = synth_chance(random, 0.15) ? synth_log_uniform(random, 0.5, 6) : 0;
    h->abroad = synth_chance(random, 0.12)  ? synth_log_uniform(random, 0.02, 0.4)
                : synth_chance(random, 0.3) ? 0.01
                                            : 0;
    if (!world->n_gateways) h->abroad = 0; /* nobody dials again and again what leads nowhere */
    h->outward = synth_uniform(random, 0, 0.5);
    h->wrong = synth_uniform(random, 0, 0.08);
    h->keep_alive = synth_chance(random, 0.25) ? synth_log_uniform(random, 15, 180) : 0;
    h->noise = synth_chance(random, 0.1) ? 30 : 0;
    h->expires = SYNTH_PICK(random, expires);
    h->mistyped = synth_chance(random, 0.05) ? (uint8_t)synth_between(random, 1, 3) : 0;
    h->settled = true;
    h->restarts = synth_chance(random, 0.08);
    h->moves = synth_chance(random, 0.05);
    h->fades = synth_chance(random, 0.04);
    h->answers = SYNTH_PICK(random, answers);
}

/* ---- what people do ------------------------------------------------------------------------------------ */

static void next_life(SynthWorld *world, const SynthActor *actor, const Person *p, SynthRandom *random) {
    const SynthHabits *h = &p->habits;
    double hourly = (h->calls + h->messages + h->subscriptions + h->publications) * world->settings.scale;
    if (hourly <= 0) return;
    double rate = hourly * synth_rhythm(world, world->now_ns) / 3600;
    double wait = synth_exponential(random, 1 / rate);
    if (wait > 1200) wait = 1200 + 600 * synth_uniform(random, 0, 1); /* the rhythm has changed by then */
    synth_wake(world, actor, (int64_t)(wait * 1e9), WAKE_LIFE, wait >= 1200);
}

static void pick_number(SynthWorld *world, SynthActor *actor, const Person *p, SynthText *number) {
    SynthRandom *random = &actor->random;
    const SynthHabits *h = &p->habits;
    double what = synth_uniform(random, 0, 1);
    if (what < h->abroad) {
        synth_put_text(number, p->numbers[synth_below(random, p->n_numbers)]);
        return;
    }
    if (synth_chance(random, 0.005)) { /* a feature code, or a number from a web page */
        synth_oddity(random, SYNTH_ODD_DIALLED, number);
        return;
    }
    if (what < h->abroad + h->wrong) {
        synth_unknown_user(world, random, synth_chance(random, 0.8), number);
        return;
    }
    if (world->n_gateways && synth_chance(random, h->outward)) { /* a number of the same country */
        synth_put_text(number, "0");
        synth_draw_digits(number, random, synth_between(random, 6, 10));
        return;
    }
    uint32_t user =
        synth_chance(random, 0.6) ? p->friends[synth_below(random, FRIENDS)] : synth_some_user(world, random);
    synth_put(number, world->users[user].name, world->users[user].length);
}

static void call(SynthWorld *world, SynthActor *actor, Person *p) {
    char number[64];
    SynthText text = synth_text(number, sizeof number);
    pick_number(world, actor, p, &text);
    synth_call_plan_draw(&actor->random, text.bytes, text.length, &p->last);
    if (world->kind == SYNTH_CALLCENTRE) p->last.talk = synth_log_uniform(&actor->random, 5, 600);
    p->redials = synth_chance(&actor->random, 0.3) ? (uint8_t)synth_between(&actor->random, 1, 6) : 0;
    synth_phone_call(world, p->phone, &p->last);
}

static void text_to(SynthWorld *world, SynthActor *actor, Person *p, uint32_t user) {
    SynthMessage request;
    uint32_t which = synth_below(&actor->random, synth_message_text_count);
    SynthTarget target = synth_user_target(world->users[user].name, world->users[user].length);
    synth_request(world, &actor->random, synth_phone_agent(p->phone), WIRE_MESSAGE, &target, &request);
    char odd[200] = "";
    SynthText text = synth_text(odd, sizeof odd);
    if (synth_chance(&actor->random, 0.15)) synth_oddity(&actor->random, SYNTH_ODD_PROSE, &text);
    synth_text_end(&text);
    const char *words = *odd ? odd : synth_message_texts[which];
    synth_set_body(&request, synth_chance(&actor->random, 0.7) ? "text/plain" : "text/plain;charset=UTF-8",
                   words, strlen(words));
    synth_phone_request(world, p->phone, &request, NULL);
}

static void subscribe(SynthWorld *world, SynthActor *actor, Person *p) {
    static const char *const events[] = {"presence", "presence", "message-summary", "dialog", "reg"};
    static const int32_t times[] = {60, 300, 600, 3600, 3600};
    const char *event = SYNTH_PICK(&actor->random, events);
    uint32_t user = strcmp(event, "presence") == 0 || strcmp(event, "dialog") == 0
                        ? p->friends[synth_below(&actor->random, FRIENDS)]
                        : p->user;
    SynthMessage request;
    SynthTarget target = synth_user_target(world->users[user].name, world->users[user].length);
    synth_request(world, &actor->random, synth_phone_agent(p->phone), WIRE_SUBSCRIBE, &target, &request);
    request.expires = SYNTH_PICK(&actor->random, times);
    synth_message_extra(&request, WIRE_HEADER_EVENT, NULL, event, strlen(event));
    synth_phone_request(world, p->phone, &request, NULL);
}

static void publish(SynthWorld *world, SynthActor *actor, Person *p) {
    SynthMessage request;
    char state[700];
    SynthText text = synth_text(state, sizeof state);
    synth_oddity(&actor->random, SYNTH_ODD_PRESENCE, &text);
    SynthTarget target = synth_user_target(world->users[p->user].name, world->users[p->user].length);
    synth_request(world, &actor->random, synth_phone_agent(p->phone), WIRE_PUBLISH, &target, &request);
    request.expires = 3600;
    synth_message_extra(&request, WIRE_HEADER_EVENT, NULL, "presence", 8);
    synth_set_body(&request, "application/pidf+xml", text.bytes, text.length);
    synth_phone_request(world, p->phone, &request, NULL);
}

static void live(SynthWorld *world, SynthActor *actor, Person *p) {
    const SynthHabits *h = &p->habits;
    double all = h->calls + h->messages + h->subscriptions + h->publications;
    double what = synth_uniform(&actor->random, 0, all);
    if (p->away) return;
    if (what < h->calls)
        call(world, actor, p);
    else if (what < h->calls + h->messages)
        text_to(world, actor, p, p->friends[synth_below(&actor->random, FRIENDS)]);
    else if (what < h->calls + h->messages + h->subscriptions)
        subscribe(world, actor, p);
    else
        publish(world, actor, p);
}

/* ---- what happens to phones ---------------------------------------------------------------------------- */

static void start(SynthWorld *world, SynthActor *actor, Person *p) {
    const SynthHabits *h = &p->habits;
    SynthRandom *random = &actor->random;
    double length = (double)(world->end_ns - world->now_ns) / 1e9;
    if (p->typed < h->mistyped) {
        p->typed++;
        synth_phone_register(world, p->phone, h->expires, false);
        return; /* the answer brings the next try */
    }
    p->typed = UINT8_MAX;
    if (!h->settled || h->mistyped) synth_phone_register(world, p->phone, h->expires, true);
    next_life(world, actor, p, random);
    if (h->keep_alive > 0)
        synth_wake(world, actor, (int64_t)(synth_uniform(random, 0, h->keep_alive) * 1e9), WAKE_KEEP_ALIVE,
                   0);
    if (h->noise > 0)
        synth_wake(world, actor, (int64_t)(synth_uniform(random, 0, h->noise) * 1e9), WAKE_NOISE, 0);
    if (h->restarts || h->moves || h->fades)
        synth_wake(world, actor, (int64_t)(synth_uniform(random, 0.05, 0.95) * length * 1e9), WAKE_EVENT, 0);
    if (p->n_places > 1)
        synth_wake(world, actor, (int64_t)(synth_log_uniform(random, 20, 1200) * 1e9), WAKE_PLACE, 0);
}

static void on_event(SynthWorld *world, SynthActor *actor, Person *p) {
    SynthRandom *random = &actor->random;
    if (p->habits.fades) {
        p->away = true;
        synth_phone_off(world, p->phone);
        return;
    }
    if (p->habits.moves) {
        WireAddress address = synth_chance(random, 0.5)
                                  ? synth_client_address(world, random)
                                  : synth_new_port(world, random, &synth_phone_agent(p->phone)->address);
        synth_phone_move(world, p->phone, &address);
        synth_phone_register(world, p->phone, p->habits.expires, true);
        return;
    }
    p->away = true;
    synth_phone_register(world, p->phone, 0, true);
    synth_wake(world, actor, (int64_t)(synth_log_uniform(random, 2, 900) * 1e9), WAKE_BACK, 0);
}

static void next_place(SynthWorld *world, SynthActor *actor, Person *p) {
    SynthRandom *random = &actor->random;
    if (synth_chance(random, 0.4)) synth_phone_register(world, p->phone, 0, true);
    p->place = (p->place + 1) % p->n_places;
    synth_phone_move(world, p->phone, &p->places[p->place]);
    synth_phone_register(world, p->phone, p->habits.expires, true);
    synth_wake(world, actor, (int64_t)(synth_log_uniform(random, 20, 1800) * 1e9), WAKE_PLACE, 0);
}

static void keep_alive(SynthWorld *world, SynthActor *actor, Person *p) {
    SynthMessage request;
    SynthTarget target = {NULL, 0, NULL, NULL};
    if (!p->away) {
        if (p->user % 3 == 0)
            target = synth_user_target(world->users[p->user].name, world->users[p->user].length);
        synth_request(world, &actor->random, synth_phone_agent(p->phone), WIRE_OPTIONS, &target, &request);
        synth_phone_request(world, p->phone, &request, NULL);
    }
    synth_wake(world, actor, (int64_t)(p->habits.keep_alive * synth_uniform(&actor->random, 0.9, 1.1) * 1e9),
               WAKE_KEEP_ALIVE, 0);
}

static void on_result(SynthWorld *world, SynthActor *actor, Person *p, SynthResult result, uint16_t status) {
    SynthRandom *random = &actor->random;
    if (result == SYNTH_RESULT_REGISTER && p->typed && p->typed <= p->habits.mistyped && status >= 300) {
        synth_wake(world, actor, (int64_t)(synth_uniform(random, 2, 25) * 1e9), WAKE_TYPE, 0);
        return;
    }
    bool failed = status >= 400 && status != 401 && status != 407;
    if (result == SYNTH_RESULT_CALL && failed && p->redials) {
        p->redials--;
        synth_wake(world, actor, (int64_t)(synth_log_uniform(random, 0.6, 30) * 1e9), WAKE_REDIAL, 0);
    }
}

static void wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    Person *p = actor->state;
    switch (what) {
    case WAKE_START: start(world, actor, p); break;
    case WAKE_TYPE: start(world, actor, p); break;
    case WAKE_LIFE:
        if (!handle) live(world, actor, p);
        next_life(world, actor, p, &actor->random);
        break;
    case WAKE_KEEP_ALIVE: keep_alive(world, actor, p); break;
    case WAKE_NOISE:
        if (!p->away)
            synth_send_noise(world, &synth_phone_agent(p->phone)->address, &world->entry, "\r\n\r\n", 4);
        synth_wake(world, actor, (int64_t)(p->habits.noise * 1e9), WAKE_NOISE, 0);
        break;
    case WAKE_REDIAL:
        if (!p->away) synth_phone_call(world, p->phone, &p->last);
        break;
    case WAKE_EVENT: on_event(world, actor, p); break;
    case WAKE_BACK:
        p->away = false;
        synth_phone_register(world, p->phone, p->habits.expires, true);
        break;
    case WAKE_PLACE: next_place(world, actor, p); break;
    case WAKE_REPLY:
        if (!p->away && handle) text_to(world, actor, p, (uint32_t)handle - 1);
        break;
    case SYNTH_WAKE_TEXT: /* people answer, but not for ever */
        if (p->replies < 40 && synth_chance(&actor->random, 0.55)) {
            p->replies++;
            synth_wake(world, actor, (int64_t)(synth_log_uniform(&actor->random, 2, 60) * 1e9), WAKE_REPLY,
                       handle);
        }
        break;
    default:
        if (what >= SYNTH_WAKE_RESULT)
            on_result(world, actor, p, (SynthResult)(what - SYNTH_WAKE_RESULT), (uint16_t)handle);
        break;
    }
}

static const SynthActorKind kind = {"person", wake, NULL, NULL};

static void draw_people(SynthWorld *world, SynthRandom *random, Person *p) {
    for (int i = 0; i < FRIENDS; i++)
        p->friends[i] = synth_some_user(world, random);
    p->n_numbers = (uint8_t)synth_between(random, 1, NUMBERS);
    for (int i = 0; i < p->n_numbers; i++) {
        SynthText text = synth_text(p->numbers[i], sizeof p->numbers[i]);
        synth_draw_number(&text, random);
        synth_text_end(&text);
    }
}

void synth_person_new(SynthWorld *world, uint32_t user, const WireAddress *address, const SynthHabits *habits,
                      uint32_t places) {
    SynthActor *actor = synth_actor_new(world, &kind, sizeof(Person));
    SynthAgent agent;
    if (!actor) return;
    Person *p = actor->state;
    p->habits = *habits;
    p->user = user;
    draw_people(world, &actor->random, p);
    synth_agent_init(world, &actor->random, &agent, NULL, address, user);
    p->phone = synth_phone_new(world, &agent, &habits->answers, actor);
    if (!p->phone) return;
    world->users[user].online = true;
    synth_network_share(world, address);
    p->places[0] = *address;
    p->n_places = 1;
    if (places > 1) p->places[p->n_places++] = synth_client_address(world, &actor->random);
    bool settled = habits->settled && !habits->mistyped;
    if (settled) synth_phone_settle(world, p->phone, habits->expires);
    synth_wake(world, actor, (int64_t)(synth_uniform(&actor->random, 0, settled ? 5 : 40) * 1e9), WAKE_START,
               0);
}
