/* Floods: eleven ways in which one client sends far more than it finishes.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>
#include <stdlib.h>

enum { METHODS = 4, BODY_MAX = 24000 };

typedef struct Flood {
    AttackRun base;
    WireMethod methods[METHODS];
    uint32_t n_methods;
    uint32_t victim_agent;
    WireAddress target; /* flood_direct */
    SynthMessage last;  /* flood_repeat */
    uint32_t every;     /* so many copies of one packet */
    uint32_t kind;
} Flood;

/* Whether the site would answer requests of this method to its accounts with success. */
static bool succeeds(const SynthWorld *world, WireMethod method) {
    if (method == WIRE_OPTIONS) return true;
    if (method == WIRE_REGISTER) return !world->server.challenge_register;
    if (method == WIRE_INVITE) return false; /* nobody acknowledges it */
    return !world->server.challenge_messages;
}

static void draw_methods(const SynthWorld *world, SynthRandom *random, Flood *flood, const WireMethod *from,
                         uint32_t count) {
    flood->n_methods = synth_chance(random, 0.7) ? 1 : synth_between(random, 2, METHODS);
    for (uint32_t i = 0; i < flood->n_methods; i++) {
        flood->methods[i] = from[synth_below(random, count)];
        if (attack_always_succeeds(world, flood->methods[i])) flood->methods[i] = WIRE_INVITE;
    }
}

/* Victims that leave the requests unfinished. */
static void draw_victims(const SynthWorld *world, SynthRandom *random, Flood *flood) {
    static const uint16_t weights[ATTACK_VICTIMS] = {3, 2, 4, 3};
    flood->base.victims = (uint8_t)synth_weighted(random, weights, ATTACK_VICTIMS);
    for (uint32_t i = 0; i < flood->n_methods; i++)
        if (succeeds(world, flood->methods[i])) flood->base.victims = ATTACK_UNKNOWN;
}

static void draw_habits(SynthRandom *random, AttackRun *run) {
    static const uint16_t from[ATTACK_FROMS] = {3, 3, 3, 1, 1};
    run->from = (uint8_t)synth_weighted(random, from, ATTACK_FROMS);
    run->same_call_id = synth_chance(random, 0.12);
    run->bare = synth_chance(random, 0.35);
    run->drops_contact = synth_chance(random, 0.3);
}

/* Quick, or slower than ten a second but more than sixty a minute. */
static void draw_pace(SynthRandom *random, const SynthWish *wish, double fastest, AttackRun *run) {
    if (synth_chance(random, 0.2) && wish->seconds > 120) {
        run->pace = attack_pace(random, wish, 2, 9, 140, 400);
        if (run->pace.rhythm >= ATTACK_RANDOM) run->pace.rhythm = ATTACK_JITTER;
    } else {
        run->pace = attack_pace(random, wish, 14, fastest, 120, 6000);
    }
}

static void describe(const Flood *flood, const char *more, char *text, size_t room) {
    static const char *const victims[ATTACK_VICTIMS] = {"one", "few", "known", "unknown"};
    int at =
        snprintf(text, room, "%s%svictims=%s methods=", more, *more ? " " : "", victims[flood->base.victims]);
    for (uint32_t i = 0; i < flood->n_methods && at > 0 && (size_t)at < room; i++)
        at +=
            snprintf(text + at, room - (size_t)at, "%s%s", i ? "," : "", wire_method_name(flood->methods[i]));
}

static void begin(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, bool tracks, const char *more) {
    Flood *flood = actor->state;
    char text[160];
    describe(flood, more, text, sizeof text);
    attack_begin(world, actor, builder, wish, 1, tracks, text);
}

static WireMethod next_method(SynthActor *actor) {
    Flood *flood = actor->state;
    return flood->methods[synth_below(&actor->random, flood->n_methods)];
}

static void compose(SynthWorld *world, SynthActor *actor, WireMethod method, SynthMessage *request) {
    char user[SYNTH_USER_SIZE];
    SynthText text = synth_text(user, sizeof user);
    attack_victim(world, actor, &text);
    attack_request(world, actor, 0, method, user, text.length, NULL, NULL, request);
}

/* -- storm: stateless, never looks at an answer ---------------------------------------------------------- */

static bool storm_tick(SynthWorld *world, SynthActor *actor) {
    SynthMessage request;
    compose(world, actor, next_method(actor), &request);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void storm_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE,  WIRE_INVITE,  WIRE_INVITE,    WIRE_REGISTER,
                                         WIRE_OPTIONS, WIRE_MESSAGE, WIRE_SUBSCRIBE, WIRE_PUBLISH};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, flood, methods, SYNTH_COUNT(methods));
    draw_victims(world, random, flood);
    draw_habits(random, &flood->base);
    draw_pace(random, wish, 2000, &flood->base);
    flood->base.tick = storm_tick;
    begin(world, actor, &attack_flood_storm, wish, false, "");
}

const SynthAttackBuilder attack_flood_storm = {
    .tool = "synth-flood-storm",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-storm"),
    .size = sizeof(Flood),
    .start = storm_start,
};

/* -- half open: a stack with an account that leaves every call unacknowledged ---------------------------- */

static void halfopen_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                           const SynthMessage *reply) {
    Flood *flood = actor->state;
    if (reply->status == 407 || reply->status == 401) {
        attack_ack(world, actor, pending, reply);
        if (flood->kind && !pending->tag) attack_answer(world, actor, pending, reply, SYNTH_PROOF_RIGHT, 1);
    }
}

static bool halfopen_tick(SynthWorld *world, SynthActor *actor) {
    SynthMessage request;
    compose(world, actor, WIRE_INVITE, &request);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void halfopen_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Flood *flood = actor->state;
    AttackRun *run = &flood->base;
    SynthRandom *random = &actor->random;
    flood->methods[0] = WIRE_INVITE;
    flood->n_methods = 1;
    draw_victims(world, random, flood);
    draw_pace(random, wish, 120, run);
    run->retransmits = synth_chance(random, 0.7);
    flood->kind = synth_chance(random, 0.5);
    run->tick = halfopen_tick;
    run->reply = halfopen_reply;
    begin(world, actor, &attack_flood_halfopen, wish, true, flood->kind ? "stolen=1" : "");
    if (!run->agents || !flood->kind) return;
    uint32_t user = attack_stolen_user(world, random);
    run->agents[0].account = user + 1;
    attack_set_name(&run->agents[0], world->users[user].name, world->users[user].length);
}

const SynthAttackBuilder attack_flood_halfopen = {
    .tool = "synth-flood-halfopen",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-halfopen"),
    .size = sizeof(Flood),
    .start = halfopen_start,
};

/* -- registrations ----------------------------------------------------------------------------------------
 */

static void register_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                           const SynthMessage *reply) {
    Flood *flood = actor->state;
    const SynthMessage *request = &pending->request;
    if (reply->status != 401 || pending->tag) return;
    attack_set_name(&flood->base.agents[0], synth_slice(request, request->from.user),
                    request->from.user.length);
    attack_answer(world, actor, pending, reply, SYNTH_PROOF_WRONG, 1);
}

static bool register_tick(SynthWorld *world, SynthActor *actor) {
    Flood *flood = actor->state;
    SynthMessage request;
    compose(world, actor, WIRE_REGISTER, &request);
    if (flood->kind == 2 && synth_chance(&actor->random, 0.6)) { /* many bindings in one message */
        SynthText text = synth_message_text(&request);
        for (uint32_t i = synth_between(&actor->random, 2, 12); i > 0; i--) {
            synth_put_text(&text, "<sip:");
            synth_draw_letters(&text, &actor->random, 6, true);
            synth_put_text(&text, "@");
            synth_put_text(&text, flood->base.agents[0].host);
            synth_put_text(&text, i > 1 ? ">, " : ">");
        }
        request.contact = synth_message_slice(&request, &text);
    }
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void register_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const char *const kinds[] = {"kind=plain", "kind=digest", "kind=bindings"};
    Flood *flood = actor->state;
    AttackRun *run = &flood->base;
    SynthRandom *random = &actor->random;
    flood->methods[0] = WIRE_REGISTER;
    flood->n_methods = 1;
    flood->kind = synth_below(random, 3);
    draw_victims(world, random, flood);
    draw_habits(random, run);
    run->same_call_id = synth_chance(random, 0.35);
    draw_pace(random, wish, flood->kind == 1 ? 150 : 900, run);
    run->retransmits = flood->kind == 1 && synth_chance(random, 0.3);
    run->tick = register_tick;
    run->reply = register_reply;
    begin(world, actor, &attack_flood_register, wish, flood->kind == 1, kinds[flood->kind]);
}

const SynthAttackBuilder attack_flood_register = {
    .tool = "synth-flood-register",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-register"),
    .size = sizeof(Flood),
    .start = register_start,
};

/* -- one packet again and again ---------------------------------------------------------------------------
 */

static bool repeat_tick(SynthWorld *world, SynthActor *actor) {
    Flood *flood = actor->state;
    if ((flood->base.pace.sent - 1) % flood->every == 0)
        compose(world, actor, next_method(actor), &flood->last);
    SynthMessage request;
    synth_message_copy(&request, &flood->last);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void repeat_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_INVITE, WIRE_REGISTER, WIRE_OPTIONS,
                                         WIRE_SUBSCRIBE};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, flood, methods, SYNTH_COUNT(methods));
    draw_victims(world, random, flood);
    flood->base.bare = synth_chance(random, 0.3);
    draw_pace(random, wish, 1200, &flood->base);
    flood->every = synth_chance(random, 0.4) ? UINT32_MAX : synth_between(random, 4, 80);
    flood->base.tick = repeat_tick;
    begin(world, actor, &attack_flood_repeat, wish, false, "");
}

const SynthAttackBuilder attack_flood_repeat = {
    .tool = "synth-flood-repeat",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-repeat"),
    .size = sizeof(Flood),
    .start = repeat_start,
};

/* -- names that cannot be resolved: the server waits for its resolver (Sisalem et al. 2006) ----------------
 */

static bool hosts_tick(SynthWorld *world, SynthActor *actor) {
    static const char *const hosts[] = {"~a8~.invalid",
                                        "~a5~.~a4~.invalid",
                                        "ns~d3~.~a6~.example",
                                        "~h12~.example.org",
                                        "~a4~-~d4~.nonexistent.example",
                                        "~a20~.example.net"};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    char user[SYNTH_USER_SIZE];
    SynthText name = synth_text(user, sizeof user);
    synth_draw_letters(&name, random, synth_between(random, 3, 8), true);
    AttackText host = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, hosts), &host);
    SynthMessage request;
    attack_request(world, actor, 0, next_method(actor), user, name.length, host.bytes, &flood->target,
                   &request);
    if (flood->kind) { /* in Contact too */
        AttackText contact = {.length = 0};
        attack_expand(random, "<sip:~a6~@", &contact);
        attack_append(&contact, "%s>", host.bytes);
        request.contact = synth_message_set(&request, contact.bytes, contact.length);
        request.contact_address = flood->target;
    }
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void hosts_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_INVITE, WIRE_MESSAGE, WIRE_SUBSCRIBE,
                                         WIRE_OPTIONS};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, flood, methods, SYNTH_COUNT(methods));
    flood->base.victims = ATTACK_UNKNOWN;
    draw_habits(random, &flood->base);
    draw_pace(random, wish, 200, &flood->base);
    flood->kind = synth_chance(random, 0.4);
    flood->target = synth_dead_address(world, random);
    flood->base.tick = hosts_tick;
    begin(world, actor, &attack_flood_hosts, wish, false, "unresolvable=1");
}

const SynthAttackBuilder attack_flood_hosts = {
    .tool = "synth-flood-hosts",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-hosts"),
    .size = sizeof(Flood),
    .start = hosts_start,
};

/* -- spirals: requests that come with many hops and few forwards left, as a loop of forks makes them --------
 */

static void add_hops(SynthWorld *world, SynthActor *actor, SynthMessage *request, uint32_t count) {
    Flood *flood = actor->state;
    const SynthAgent *agent = &flood->base.agents[0];
    for (uint32_t i = 0; i < count && request->n_vias < SYNTH_VIAS - 2; i++) {
        SynthText text = synth_message_text(request);
        synth_put_text(&text, "SIP/2.0/UDP ");
        synth_put_text(&text, i % 2 ? agent->host : world->server.host);
        synth_put_text(&text, ";branch=");
        uint32_t at = text.length;
        synth_draw_branch(&text, &actor->random, agent->style);
        uint32_t end = text.length;
        SynthSlice value = synth_message_slice(request, &text);
        SynthSlice branch = {(uint16_t)(value.at + value.length - (end - at)), (uint16_t)(end - at)};
        synth_message_push_via(request, value, branch, &agent->address);
    }
}

static bool loop_tick(SynthWorld *world, SynthActor *actor) {
    Flood *flood = actor->state;
    AttackRun *run = &flood->base;
    uint32_t turn = (run->pace.sent - 1) % flood->every;
    if (turn == 0) compose(world, actor, next_method(actor), &flood->last);
    SynthMessage request;
    synth_message_copy(&request, &flood->last);
    add_hops(world, actor, &request, 1 + turn % (SYNTH_VIAS - 3));
    int left = (flood->kind ? 70 : 12) - (int)turn;
    request.max_forwards = (int16_t)(left > 0 ? left : 0);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void loop_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_INVITE, WIRE_MESSAGE, WIRE_SUBSCRIBE,
                                         WIRE_OPTIONS};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, flood, methods, SYNTH_COUNT(methods));
    flood->base.victims = ATTACK_FEW;
    for (uint32_t i = 0; i < flood->n_methods; i++)
        if (succeeds(world, flood->methods[i])) flood->base.victims = ATTACK_UNKNOWN;
    draw_pace(random, wish, 300, &flood->base);
    flood->every = synth_between(random, 6, 70);
    flood->kind = synth_chance(random, 0.5);
    flood->base.tick = loop_tick;
    begin(world, actor, &attack_flood_loop, wish, false, "spiral=1");
}

const SynthAttackBuilder attack_flood_loop = {
    .tool = "synth-flood-loop",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-loop"),
    .size = sizeof(Flood),
    .start = loop_start,
};

/* -- large bodies -------------------------------------------------------------------------------------------
 */

static bool bodies_tick(SynthWorld *world, SynthActor *actor) {
    static const char *const types[] = {"text/plain", "application/octet-stream", "text/html", "image/jpeg"};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    SynthMessage request;
    compose(world, actor, next_method(actor), &request);
    request.body = synth_message_set(&request, synth_slice(&request, request.branch),
                                     request.branch.length); /* unseen */
    request.sdp = false;
    request.blob = flood->base.owned;
    request.blob_length = synth_between(random, flood->every / 2, flood->every);
    request.content_type = types[flood->kind];
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void bodies_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_MESSAGE, WIRE_MESSAGE, WIRE_INVITE, WIRE_PUBLISH, WIRE_OPTIONS};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    uint8_t *body = malloc(BODY_MAX);
    if (!body) {
        synth_fail(world, CORE_MEMORY, "no memory for the body of an attack");
        return;
    }
    flood->base.owned = body;
    bool text = synth_chance(random, 0.7);
    for (uint32_t i = 0; i < BODY_MAX; i++)
        body[i] =
            text ? (uint8_t) "etaoin shrdlu"[synth_below(random, 13)] : (uint8_t)synth_below(random, 256);
    draw_methods(world, random, flood, methods, SYNTH_COUNT(methods));
    draw_victims(world, random, flood);
    draw_habits(random, &flood->base);
    SynthWish few = {wish->seconds, wish->messages && wish->messages < 600 ? wish->messages : 600};
    flood->base.pace = attack_pace(random, &few, 14, 120, 100, 600);
    flood->every = (uint32_t)synth_log_uniform(random, 1200, BODY_MAX);
    flood->kind = text ? synth_below(random, 2) * 2 : 1 + 2 * synth_below(random, 2);
    flood->base.tick = bodies_tick;
    begin(world, actor, &attack_flood_bodies, wish, false, "bodies=1");
}

const SynthAttackBuilder attack_flood_bodies = {
    .tool = "synth-flood-bodies",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-bodies"),
    .size = sizeof(Flood),
    .start = bodies_start,
};

/* -- requests of dialogs that do not exist
 * -------------------------------------------------------------------- */

static bool strays_tick(SynthWorld *world, SynthActor *actor) {
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    WireMethod method = synth_chance(random, flood->kind ? 0.25 : 0) ? WIRE_CANCEL : next_method(actor);
    SynthMessage request;
    compose(world, actor, method, &request);
    request.call = 0;
    if (method != WIRE_CANCEL) {
        SynthText text = synth_message_text(&request);
        synth_draw_tag(&text, random, flood->base.agents[0].style);
        request.to.tag = synth_message_slice(&request, &text);
    }
    request.cseq = synth_between(random, 1, 200);
    if (method == WIRE_REFER)
        synth_message_extra(&request, WIRE_HEADER_REFER_TO, NULL, "<sip:100@192.0.2.9>", 19);
    attack_fire(world, actor, 0, &request, NULL, 0);
    return true;
}

static void strays_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_BYE,  WIRE_BYE,    WIRE_BYE,   WIRE_NOTIFY,
                                         WIRE_INFO, WIRE_UPDATE, WIRE_PRACK, WIRE_REFER};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, flood, methods, SYNTH_COUNT(methods));
    flood->base.victims = (uint8_t)synth_below(random, ATTACK_VICTIMS);
    draw_habits(random, &flood->base);
    flood->base.same_call_id = false;
    draw_pace(random, wish, 900, &flood->base);
    flood->base.pace.rate *= 1.4; /* some are CANCELs, which count for nothing */
    flood->kind = synth_chance(random, 0.4);
    flood->base.tick = strays_tick;
    begin(world, actor, &attack_flood_strays, wish, false, "strays=1");
}

const SynthAttackBuilder attack_flood_strays = {
    .tool = "synth-flood-strays",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-strays"),
    .size = sizeof(Flood),
    .start = strays_start,
};

/* -- slow: acknowledges, retransmits, and never finishes anything
 * -------------------------------------------- */

static void slow_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_REGISTER, WIRE_SUBSCRIBE, WIRE_MESSAGE};
    Flood *flood = actor->state;
    AttackRun *run = &flood->base;
    SynthRandom *random = &actor->random;
    draw_methods(world, random, flood, methods, SYNTH_COUNT(methods));
    run->victims = ATTACK_UNKNOWN;
    run->acks = true;
    run->retransmits = synth_chance(random, 0.7);
    run->pace = attack_pace(random, wish, 1.4, 6, 170, 500);
    run->pace.rhythm = synth_chance(random, 0.5) ? ATTACK_EVEN : ATTACK_JITTER;
    run->tick = storm_tick;
    begin(world, actor, &attack_flood_slow, wish, true, "slow=1");
}

const SynthAttackBuilder attack_flood_slow = {
    .tool = "synth-flood-slow",
    .class = SYNTH_FLOOD,
    .seconds = 150,
    .kind = ATTACK_KIND("synth-flood-slow"),
    .size = sizeof(Flood),
    .start = slow_start,
};

/* -- straight at a phone
 * -------------------------------------------------------------------------------------- */

static bool direct_tick(SynthWorld *world, SynthActor *actor) {
    Flood *flood = actor->state;
    char host[SYNTH_HOST_SIZE + 8], user[SYNTH_USER_SIZE];
    uint32_t length = synth_host_text(&flood->target, host);
    snprintf(host + length, sizeof host - length, ":%u", flood->target.port);
    SynthText text = synth_text(user, sizeof user);
    if (flood->victim_agent < world->n_users && flood->kind)
        synth_put(&text, world->users[flood->victim_agent].name, world->users[flood->victim_agent].length);
    else
        synth_draw_digits(&text, &actor->random, 4);
    SynthMessage request;
    attack_request(world, actor, 0, next_method(actor), user, text.length, host, &flood->target, &request);
    attack_fire(world, actor, 0, &request, &flood->target, 0);
    return true;
}

static void direct_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_INVITE, WIRE_INVITE, WIRE_PUBLISH, WIRE_REGISTER};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    if (!attack_find_phone(world, random, &flood->target, &flood->victim_agent)) {
        flood->target = *attack_entry(world); /* as if it were a phone */
        flood->victim_agent = world->n_users;
    }
    draw_methods(world, random, flood, methods, SYNTH_COUNT(methods));
    flood->base.victims = ATTACK_ONE;
    draw_habits(random, &flood->base);
    draw_pace(random, wish, 300, &flood->base);
    flood->kind = synth_chance(random, 0.6);
    flood->base.tick = direct_tick;
    begin(world, actor, &attack_flood_direct, wish, false, "direct=1");
}

const SynthAttackBuilder attack_flood_direct = {
    .tool = "synth-flood-direct",
    .class = SYNTH_FLOOD,
    .seconds = 20,
    .kind = ATTACK_KIND("synth-flood-direct"),
    .size = sizeof(Flood),
    .start = direct_start,
};

/* -- ringer: calls phones, and hangs up as soon as they ring ------------------------------------------------
 */

static void ringer_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                         const SynthMessage *reply) {
    if ((reply->status == 401 || reply->status == 407) && pending->tag == 0)
        attack_answer(world, actor, pending, reply, SYNTH_PROOF_RIGHT, 1);
    else if (reply->status > 100 && reply->status < 200 && pending->tag < 2) {
        pending->tag = 2;
        attack_cancel(world, actor, pending);
    }
}

static void ringer_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const uint16_t victims[ATTACK_VICTIMS] = {4, 3, 4, 0};
    Flood *flood = actor->state;
    SynthRandom *random = &actor->random;
    flood->methods[0] = WIRE_INVITE;
    flood->n_methods = 1;
    flood->base.victims = (uint8_t)synth_weighted(random, victims, ATTACK_VICTIMS);
    flood->base.from = synth_chance(random, 0.7) ? ATTACK_FROM_OWN : ATTACK_FROM_ROTATES;
    draw_pace(random, wish, 120, &flood->base);
    flood->base.acks = true;
    flood->base.tick = halfopen_tick;
    flood->base.reply = ringer_reply;
    begin(world, actor, &attack_flood_ringer, wish, true, "rings=1");
    if (!flood->base.n_agents) return;
    uint32_t user = attack_stolen_user(world, random);
    flood->base.agents[0].account = user + 1;
    attack_set_name(&flood->base.agents[0], world->users[user].name, world->users[user].length);
}

const SynthAttackBuilder attack_flood_ringer = {
    .tool = "synth-flood-ringer",
    .class = SYNTH_FLOOD,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-flood-ringer"),
    .size = sizeof(Flood),
    .start = ringer_start,
};
