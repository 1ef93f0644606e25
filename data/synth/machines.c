/* Honest machines: gateways, trunks, diallers, monitors, notification services, storms, misconfigured phones.
 * Relies on: data/synth/plan.h, families.h.
 * Relied on by: data/synth/plan.c. */
#include "data/synth/families.h"
#include "data/synth/plan.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAKE_GO = 1, WAKE_BURST, WAKE_TEXT_NEXT };

static int64_t seconds(double value) {
    return (int64_t)(value * 1e9);
}

/* ---- callers: gateways, trunks, diallers -----------------------------------------------------------------
 */

typedef struct Caller {
    SynthPhone *phone;
    double per_second; /* at a busy time */
    double abroad, outside, wrong, cancelled, short_calls;
    bool steady, own_number; /* machines know no night; the caller's number is its own */
    uint32_t burst;          /* calls of the current burst still to make */
} Caller;

static void caller_number(SynthWorld *world, SynthRandom *random, const Caller *c, SynthText *number) {
    double what = synth_uniform(random, 0, 1);
    if (what < c->abroad) {
        synth_draw_number(number, random);
    } else if (what < c->abroad + c->outside) {
        synth_put_text(number, "0");
        synth_draw_digits(number, random, synth_between(random, 6, 10));
    } else if (what < c->abroad + c->outside + c->wrong) {
        synth_unknown_user(world, random, synth_chance(random, 0.5), number);
    } else {
        uint32_t user; /* lists and number plans are of people who have a phone, mostly */
        if (synth_chance(random, 0.15) || !synth_online_user(world, random, &user))
            user = synth_some_user(world, random);
        synth_put(number, world->users[user].name, world->users[user].length);
    }
}

static void caller_call(SynthWorld *world, SynthActor *actor, const Caller *c) {
    SynthRandom *random = &actor->random;
    SynthCallPlan plan;
    char number[64];
    SynthText text = synth_text(number, sizeof number);
    caller_number(world, random, c, &text);
    synth_call_plan_draw(random, text.bytes, text.length, &plan);
    if (synth_chance(random, c->short_calls)) plan.talk = synth_log_uniform(random, 0.5, 15);
    plan.cancel = synth_chance(random, c->cancelled) ? synth_log_uniform(random, 0.2, 12) : -1;
    if (!c->own_number) {
        SynthText from = synth_text(plan.from_user, sizeof plan.from_user);
        synth_put_text(&from, synth_chance(random, 0.5) ? "49" : "0");
        synth_draw_digits(&from, random, synth_between(random, 6, 10));
        synth_text_end(&from);
    }
    synth_phone_call(world, c->phone, &plan);
}

static void caller_wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    Caller *c = actor->state;
    SynthRandom *random = &actor->random;
    (void)handle;
    if (what == WAKE_BURST && c->burst) {
        c->burst--;
        caller_call(world, actor, c);
        synth_wake(world, actor, seconds(synth_exponential(random, 0.05)), WAKE_BURST, 0);
        return;
    }
    if (what != WAKE_GO) return;
    double rate =
        c->per_second * world->settings.scale * (c->steady ? 1 : synth_rhythm(world, world->now_ns));
    if (synth_chance(random, 0.04) && c->burst == 0) {
        c->burst = synth_between(random, 2, 12);
        synth_wake(world, actor, 0, WAKE_BURST, 0);
    } else {
        caller_call(world, actor, c);
    }
    double wait = synth_exponential(random, 1 / (rate + 1e-6));
    synth_wake(world, actor, seconds(wait < 3600 ? wait : 3600), WAKE_GO, 0);
}

static const SynthActorKind caller_kind = {"caller", caller_wake, NULL, NULL};

static Caller *caller_new(SynthWorld *world, SynthAgent *agent, const SynthAnswers *answers) {
    SynthActor *actor = synth_actor_new(world, &caller_kind, sizeof(Caller));
    if (!actor) return NULL;
    Caller *c = actor->state;
    c->phone = synth_phone_new(world, agent, answers, actor);
    if (!c->phone) return NULL;
    synth_wake(world, actor, seconds(synth_uniform(&actor->random, 0, 30)), WAKE_GO, 0);
    return c;
}

void synth_gateway_new(SynthWorld *world, const WireAddress *address, double calls_hour) {
    static const SynthAnswers answers = {14, 2, 1, 3, 0};
    SynthRandom random = synth_split(&world->random);
    SynthAgent agent;
    synth_agent_init(world, &random, &agent, NULL, address, UINT32_MAX);
    synth_host_text(address, agent.host); /* a gateway has no NAT in front */
    agent.host_port = address->port;
    agent.behind_nat = false;
    synth_trust(world, address);
    Caller *c = caller_new(world, &agent, &answers);
    if (!c) return;
    c->per_second = calls_hour / 3600;
    c->wrong = 0.04;
    c->cancelled = 0.12;
}

void synth_trunk_new(SynthWorld *world, double per_second, double abroad) {
    static const SynthAnswers answers = {8, 1, 0, 2, 0};
    SynthRandom random = synth_split(&world->random);
    WireAddress address = synth_client_address(world, &random);
    SynthAgent agent;
    synth_agent_init(world, &random, &agent, NULL, &address, UINT32_MAX);
    synth_trust(world, &address);
    if (synth_chance(&random, 0.3)) synth_network_share(world, &address);
    Caller *c = caller_new(world, &agent, &answers);
    if (!c) return;
    double local = world->n_users / 180.0; /* twenty calls an hour for each: more is passing through */
    c->abroad = world->n_gateways ? abroad : 0;
    c->wrong = synth_uniform(&random, 0, 0.06);
    double outside = synth_uniform(&random, 0.05, 0.6),
           passing = 1 - c->abroad - c->wrong - local / per_second;
    c->outside = world->n_gateways ? (passing > outside ? passing : outside) : 0;
    c->per_second = c->outside > 0 || per_second < local ? per_second : local;
    c->cancelled = 0.15;
    c->short_calls = synth_uniform(&random, 0, 0.5);
}

void synth_dialler_new(SynthWorld *world, double per_second) {
    static const SynthAnswers answers = {1, 0, 0, 0, 0};
    SynthRandom random = synth_split(&world->random);
    WireAddress address = synth_client_address(world, &random);
    SynthAgent agent;
    uint32_t user = synth_take_user(world, &random);
    synth_agent_init(world, &random, &agent, NULL, &address, user);
    if (user == UINT32_MAX) synth_trust(world, &address);
    if (synth_chance(&random, 0.4)) synth_network_share(world, &address);
    Caller *c = caller_new(world, &agent, &answers);
    if (!c) return;
    if (user != UINT32_MAX) synth_phone_settle(world, c->phone, 600);
    double most = world->n_users / 40.0; /* somebody has to talk to those who answer */
    c->per_second = per_second < most ? per_second : most;
    c->own_number = user != UINT32_MAX;
    c->wrong = synth_uniform(&random, 0.02, 0.6); /* of lists as old as they come */
    c->outside = synth_chance(&random, 0.6) ? synth_uniform(&random, 0.7, 1) /* customers, mostly */
                                            : synth_uniform(&random, 0.1, 0.7);
    c->outside = world->n_gateways ? c->outside * (1 - c->wrong) : 0;
    c->cancelled = synth_uniform(&random, 0.1, 0.5);
    c->short_calls = synth_uniform(&random, 0.1, 0.6);
    c->steady = synth_chance(&random, 0.5);
}

/* ---- monitors ------------------------------------------------------------------------------------------ */

typedef struct Monitor {
    SynthPhone *phone;
    WireAddress dead[24];
    uint32_t n_dead, n_phones, at;
    double gap, spacing;
} Monitor;

static void ask(SynthWorld *world, SynthActor *actor, const Monitor *m, const WireAddress *address) {
    SynthMessage request;
    char host[SYNTH_HOST_SIZE + 8], bare[SYNTH_HOST_SIZE];
    synth_host_text(address, bare);
    snprintf(host, sizeof host, "%s:%u", bare, address->port);
    SynthTarget target = {NULL, 0, host, address};
    synth_request(world, &actor->random, synth_phone_agent(m->phone), WIRE_OPTIONS, &target, &request);
    synth_phone_request(world, m->phone, &request, address);
}

/* One after the other: server, phones, and those that have been gone for long but nobody took off the list.
 */
static void monitor_wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    Monitor *m = actor->state;
    uint32_t user;
    WireAddress address = world->entry;
    (void)handle;
    if (what != WAKE_GO) return;
    uint32_t round = 1 + m->n_dead + m->n_phones;
    if (m->at == 0) {
        ask(world, actor, m, &address);
    } else if (m->at <= m->n_dead) {
        ask(world, actor, m, &m->dead[m->at - 1]);
    } else if (synth_some_phone(world, &actor->random, &address, &user)) {
        ask(world, actor, m, &address);
    }
    m->at = (m->at + 1) % round;
    double wait = m->at ? m->spacing * synth_uniform(&actor->random, 0.7, 1.3) : m->gap;
    synth_wake(world, actor, seconds(wait), WAKE_GO, 0);
}

static const SynthActorKind monitor_kind = {"monitor", monitor_wake, NULL, NULL};

void synth_monitor_new(SynthWorld *world, uint32_t phones, uint32_t dead, double gap) {
    static const char *const names[] = {"monitor", "ping", "nagios", "", "100", "qualify"};
    static const SynthAnswers answers = {0, 0, 1, 0, 0};
    SynthActor *actor = synth_actor_new(world, &monitor_kind, sizeof(Monitor));
    SynthAgent agent;
    if (!actor) return;
    Monitor *m = actor->state;
    WireAddress address = synth_client_address(world, &actor->random);
    synth_agent_init(world, &actor->random, &agent, NULL, &address, UINT32_MAX);
    snprintf(agent.user, sizeof agent.user, "%s", SYNTH_PICK(&actor->random, names));
    m->phone = synth_phone_new(world, &agent, &answers, NULL);
    m->n_phones = phones;
    m->n_dead = dead < SYNTH_COUNT(m->dead) ? dead : (uint32_t)SYNTH_COUNT(m->dead);
    for (uint32_t i = 0; i < m->n_dead; i++)
        m->dead[i] = synth_dead_address(world, &actor->random);
    m->gap = gap;
    m->spacing = synth_log_uniform(&actor->random, 0.01, 0.5);
    if (!m->phone) return;
    if (synth_chance(&actor->random, 0.8))
        synth_phone_patience(m->phone, (uint8_t)synth_between(&actor->random, 1, 4));
    synth_wake(world, actor, seconds(synth_uniform(&actor->random, 0, gap)), WAKE_GO, 0);
}

/* ---- notification services -------------------------------------------------------------------------------
 */

typedef struct Notifier {
    SynthPhone *phone;
    uint32_t listeners[64];
    uint32_t n_listeners, at, text, number;
    double rounds_hour;
    bool same_text, all_at_once;
} Notifier;

/* Alarms, reminders, a group chat's server: to those who subscribed, again and again. */
static void notifier_send(SynthWorld *world, SynthActor *actor, Notifier *n) {
    SynthMessage request;
    char words[200];
    SynthText text = synth_text(words, sizeof words);
    const SynthUser *user = &world->users[n->listeners[n->at]];
    SynthTarget target = synth_user_target(user->name, user->length);
    synth_request(world, &actor->random, synth_phone_agent(n->phone), WIRE_MESSAGE, &target, &request);
    synth_put_text(&text, synth_message_texts[n->text]);
    if (!n->same_text) {
        synth_put_text(&text, " #");
        synth_put_number(&text, ++n->number);
    }
    synth_set_body(&request, "text/plain", text.bytes, text.length);
    synth_phone_request(world, n->phone, &request, NULL);
}

static void notifier_wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    Notifier *n = actor->state;
    SynthRandom *random = &actor->random;
    (void)handle;
    if (what == WAKE_GO) {
        n->at = 0;
        n->text = synth_below(random, synth_message_text_count);
        double wait = synth_exponential(random, 3600 / n->rounds_hour);
        synth_wake(world, actor, seconds(wait < 7200 ? wait : 7200), WAKE_GO, 0);
        synth_wake(world, actor, 0, WAKE_TEXT_NEXT, 0);
    } else if (what == WAKE_TEXT_NEXT && n->at < n->n_listeners) {
        notifier_send(world, actor, n);
        n->at++;
        double gap = n->all_at_once ? 0.05 : synth_log_uniform(random, 0.2, 20);
        synth_wake(world, actor, seconds(synth_exponential(random, gap)), WAKE_TEXT_NEXT, 0);
    }
}

static const SynthActorKind notifier_kind = {"notifier", notifier_wake, NULL, NULL};

void synth_notifier_new(SynthWorld *world, double rounds_hour) {
    static const SynthAnswers answers = {0, 0, 1, 0, 0};
    SynthActor *actor = synth_actor_new(world, &notifier_kind, sizeof(Notifier));
    SynthAgent agent;
    if (!actor) return;
    Notifier *n = actor->state;
    uint32_t user = synth_take_user(world, &actor->random);
    WireAddress address = synth_client_address(world, &actor->random);
    synth_agent_init(world, &actor->random, &agent, NULL, &address, user);
    if (user == UINT32_MAX) {
        snprintf(agent.user, sizeof agent.user, "alerts");
        synth_trust(world, &address);
    }
    n->phone = synth_phone_new(world, &agent, &answers, NULL);
    if (n->phone && user != UINT32_MAX) synth_phone_settle(world, n->phone, 600);
    /* Many who asked for it before the capture began look like many who did not: mostly few. */
    uint32_t most = synth_chance(&actor->random, 0.75) ? 9 : (uint32_t)SYNTH_COUNT(n->listeners) - 1;
    n->n_listeners = synth_between(&actor->random, 3, most);
    if (n->n_listeners > world->n_users) n->n_listeners = world->n_users;
    for (uint32_t i = 0; i < n->n_listeners; i++)
        n->listeners[i] = synth_some_user(world, &actor->random);
    n->rounds_hour = rounds_hour;
    n->same_text = synth_chance(&actor->random, 0.5);
    n->all_at_once = synth_chance(&actor->random, 0.4);
    if (n->phone)
        synth_wake(world, actor, seconds(synth_uniform(&actor->random, 0, 3600 / rounds_hour)), WAKE_GO, 0);
}

/* ---- storms -------------------------------------------------------------------------------------------- */

typedef struct Storm {
    SynthPhone **phones;
    uint32_t count, started;
    int32_t expires;
    double within;
} Storm;

/* After a power cut everybody registers at once. */
static void storm_wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    Storm *s = actor->state;
    SynthRandom *random = &actor->random;
    if (what == WAKE_BURST && handle < s->count) {
        synth_phone_register(world, s->phones[handle], s->expires, true);
        return;
    }
    if (what != WAKE_GO) return;
    for (uint32_t i = 0; i < s->count; i++)
        synth_wake(world, actor, seconds(synth_uniform(random, 0, s->within)), WAKE_BURST, i);
    if (++s->started < 3 && synth_chance(random, 0.4)) /* the power fails again */
        synth_wake(world, actor, seconds(synth_uniform(random, 20, 400)), WAKE_GO, 0);
}

static void storm_end(SynthActor *actor) {
    Storm *s = actor->state;
    free(s->phones);
    free(s);
}

static const SynthActorKind storm_kind = {"storm", storm_wake, NULL, storm_end};

void synth_storm_new(SynthWorld *world, uint32_t people, double at, bool behind_nat) {
    static const SynthAnswers answers = {3, 1, 0, 1, 0};
    SynthActor *actor = synth_actor_new(world, &storm_kind, sizeof(Storm));
    if (!actor) return;
    Storm *s = actor->state;
    SynthRandom *random = &actor->random;
    WireAddress nat = synth_client_address(world, random);
    s->phones = calloc(people + 1u, sizeof(SynthPhone *));
    if (!s->phones) {
        synth_fail(world, CORE_MEMORY, "no memory for a storm");
        return;
    }
    for (uint32_t i = 0; i < people; i++) {
        SynthAgent agent;
        uint32_t user = synth_take_user(world, random);
        if (user == UINT32_MAX) break;
        WireAddress address =
            behind_nat ? synth_new_port(world, random, &nat) : synth_client_address(world, random);
        synth_agent_init(world, random, &agent, NULL, &address, user);
        SynthPhone *phone = synth_phone_new(world, &agent, &answers, NULL);
        if (!phone) break;
        world->users[user].online = true;
        s->phones[s->count++] = phone;
    }
    if (behind_nat) synth_network_share(world, &nat);
    s->expires = (int32_t)synth_between(random, 60, 1800);
    s->within = synth_log_uniform(random, 0.5, 30);
    synth_wake(world, actor, seconds(at), WAKE_GO, 0);
}

/* ---- misconfigured phones -------------------------------------------------------------------------------
 */

typedef struct Misconfigured {
    SynthPhone *phone;
    uint32_t left;
    double gap;
} Misconfigured;

/* A phone whose password was changed on the server. It gives up before five wrong answers: more than that is
 * what a guesser looks like, and would have to be called one. */
static void misconfigured_wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    Misconfigured *m = actor->state;
    (void)handle;
    if (what != WAKE_GO || m->left == 0) return;
    m->left--;
    synth_phone_register(world, m->phone, 300, false);
    synth_wake(world, actor, seconds(m->gap * synth_uniform(&actor->random, 0.9, 1.1)), WAKE_GO, 0);
}

static const SynthActorKind misconfigured_kind = {"misconfigured", misconfigured_wake, NULL, NULL};

void synth_misconfigured_new(SynthWorld *world) {
    static const SynthAnswers answers = {1, 0, 0, 0, 0};
    SynthActor *actor = synth_actor_new(world, &misconfigured_kind, sizeof(Misconfigured));
    SynthAgent agent;
    if (!actor) return;
    Misconfigured *m = actor->state;
    uint32_t user = synth_take_user(world, &actor->random);
    if (user == UINT32_MAX) return;
    WireAddress address = synth_client_address(world, &actor->random);
    synth_agent_init(world, &actor->random, &agent, NULL, &address, user);
    m->phone = synth_phone_new(world, &agent, &answers, NULL);
    m->left = synth_between(&actor->random, 2, 4);
    m->gap = synth_log_uniform(&actor->random, 5, 900);
    if (m->phone) synth_wake(world, actor, seconds(synth_uniform(&actor->random, 0, 600)), WAKE_GO, 0);
}
