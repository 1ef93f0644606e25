/* Hijack: accounts bound elsewhere with stolen passwords; calls moved by somebody who is no party.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>

enum { ACCOUNTS_MAX = 24, SEEN = 32, PATIENCE = 400 };

/* What a REGISTER of the run is for; the tag of pending requests. */
enum { BIND = 0, BIND_ANSWERED, CLEAR, CLEAR_ANSWERED };

typedef struct Hijack {
    AttackRun base;
    uint32_t accounts[ACCOUNTS_MAX];
    uint32_t n_accounts;
    bool clears, looks, elsewhere, refreshes, target_only;
    char place[SYNTH_HOST_SIZE + 8]; /* where the stolen accounts are bound to */
    WireAddress place_address;
    SynthHandle seen[SEEN];
    uint32_t n_seen, waits;
    WireMethod method; /* in dialogs; WIRE_METHOD_OTHER: any */
} Hijack;

/* -- registrations ------------------------------------------------------------------------------------------
 */

static uint32_t draw_accounts(SynthWorld *world, SynthRandom *random, Hijack *state, uint32_t wanted) {
    for (unsigned tries = 0; tries < 20 * wanted && state->n_accounts < wanted; tries++) {
        uint32_t user;
        if (!synth_online_user(world, random, &user)) user = synth_some_user(world, random);
        bool taken = false;
        for (uint32_t i = 0; i < state->n_accounts; i++)
            taken = taken || state->accounts[i] == user;
        if (!taken) state->accounts[state->n_accounts++] = user;
    }
    return state->n_accounts;
}

static void act_as(SynthWorld *world, SynthAgent *agent, uint32_t account) {
    agent->account = account + 1;
    attack_set_name(agent, world->users[account].name, world->users[account].length);
}

static void send_register(SynthWorld *world, SynthActor *actor, uint32_t which, bool clear) {
    Hijack *state = actor->state;
    AttackRun *run = &state->base;
    SynthMessage request;
    act_as(world, &run->agents[0], state->accounts[which]);
    int32_t expires = clear ? 0 : (int32_t)synth_between(&actor->random, 120, 7200);
    synth_register(world, &actor->random, &run->agents[0], expires, clear && !state->looks, NULL, &request);
    if (clear && state->looks) { /* a question changes nothing */
        request.contact.length = 0;
        request.contact_address.port = 0;
        request.contact_expires = request.expires = -1;
    }
    if (state->elsewhere && !clear) {
        AttackText contact = {.length = 0};
        attack_append(&contact, "<sip:%s@%s>", run->agents[0].user, state->place);
        request.contact = synth_message_set(&request, contact.bytes, contact.length);
        request.contact_address = state->place_address;
    }
    request.bare = run->bare;
    attack_fire(world, actor, 0, &request, NULL, which << 2 | (clear ? CLEAR : BIND));
}

static void register_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                           const SynthMessage *reply) {
    Hijack *state = actor->state;
    uint32_t which = pending->tag >> 2, stage = pending->tag & 3;
    if (reply->status == 401 || reply->status == 407) {
        if (stage == BIND_ANSWERED || stage == CLEAR_ANSWERED) return;
        act_as(world, &state->base.agents[0], state->accounts[which]);
        attack_answer(world, actor, pending, reply, SYNTH_PROOF_RIGHT, which << 2 | (stage + 1));
    } else if (reply->status < 300 && reply->status >= 200 && (stage == CLEAR || stage == CLEAR_ANSWERED)) {
        send_register(world, actor, which, false);
    }
}

static bool register_tick(SynthWorld *world, SynthActor *actor) {
    Hijack *state = actor->state;
    uint32_t which = (state->base.pace.sent - 1) % state->n_accounts;
    send_register(world, actor, which, state->clears);
    return true;
}

static void begin_registers(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                            const SynthWish *wish, double slow, double fast) {
    Hijack *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    uint32_t accounts = draw_accounts(world, random, state, synth_between(random, 4, ACCOUNTS_MAX));
    if (accounts < 3) return; /* a site too small for this */
    run->pace = attack_pace(random, wish, slow, fast, accounts, accounts);
    run->pace.limit = state->refreshes ? 2 * accounts : accounts;
    double needed = accounts / (0.7 * wish->seconds);
    if (run->pace.rate < needed) run->pace.rate = needed;
    run->tick = register_tick;
    run->reply = register_reply;
    char text[64];
    snprintf(text, sizeof text, "accounts=%u elsewhere=%d clears=%d", accounts, state->elsewhere,
             state->clears);
    if (!attack_begin(world, actor, builder, wish, 1, true, text)) return;
    world->runs.runs[run->run - 1].takes_accounts = true;
    state->place_address = synth_new_address(world, random, false);
    uint32_t length = synth_host_text(&state->place_address, state->place);
    snprintf(state->place + length, sizeof state->place - length, ":%u", state->place_address.port);
}

static void register_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Hijack *state = actor->state;
    state->elsewhere = synth_chance(&actor->random, 0.3);
    state->base.bare = synth_chance(&actor->random, 0.3);
    begin_registers(world, actor, &attack_hijack_register, wish, 0.2, 8);
}

const SynthAttackBuilder attack_hijack_register = {
    .tool = "synth-hijack-register",
    .class = SYNTH_HIJACK,
    .seconds = 40,
    .kind = ATTACK_KIND("synth-hijack-register"),
    .size = sizeof(Hijack),
    .start = register_start,
};

static void clear_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Hijack *state = actor->state;
    state->clears = true;
    state->elsewhere = synth_chance(&actor->random, 0.5);
    state->base.retransmits = true;
    begin_registers(world, actor, &attack_hijack_clear, wish, 0.1, 3);
}

const SynthAttackBuilder attack_hijack_clear = {
    .tool = "synth-hijack-clear",
    .class = SYNTH_HIJACK,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-hijack-clear"),
    .size = sizeof(Hijack),
    .start = clear_start,
};

static void slow_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Hijack *state = actor->state;
    state->refreshes = synth_chance(&actor->random, 0.6);
    state->base.retransmits = true;
    begin_registers(world, actor, &attack_hijack_slow, wish, 1.0 / 60, 0.2);
}

const SynthAttackBuilder attack_hijack_slow = {
    .tool = "synth-hijack-slow",
    .class = SYNTH_HIJACK,
    .seconds = 300,
    .kind = ATTACK_KIND("synth-hijack-slow"),
    .size = sizeof(Hijack),
    .start = slow_start,
};

static void query_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Hijack *state = actor->state;
    state->clears = state->looks = true;
    state->elsewhere = synth_chance(&actor->random, 0.4);
    state->base.retransmits = synth_chance(&actor->random, 0.7);
    begin_registers(world, actor, &attack_hijack_query, wish, 0.05, 4);
}

const SynthAttackBuilder attack_hijack_query = {
    .tool = "synth-hijack-query",
    .class = SYNTH_HIJACK,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-hijack-query"),
    .size = sizeof(Hijack),
    .start = query_start,
};

/* -- dialogs of others
 * ----------------------------------------------------------------------------------------- */

static bool find_dialog(SynthWorld *world, SynthActor *actor, SynthSniffed *sniffed) {
    Hijack *state = actor->state;
    for (unsigned tries = 0; tries < 4; tries++) {
        if (!attack_sniff(world, actor, true, sniffed)) continue;
        bool seen = false;
        for (uint32_t i = 0; i < SEEN && i < state->n_seen; i++)
            seen = seen || state->seen[i] == sniffed->ends[0].call;
        if (seen) continue;
        state->seen[state->n_seen++ % SEEN] = sniffed->ends[0].call;
        return true;
    }
    return false;
}

static void fill(SynthWorld *world, SynthActor *actor, WireMethod method, SynthMessage *request) {
    Hijack *state = actor->state;
    SynthAgent *agent = &state->base.agents[0];
    SynthRandom *random = &actor->random;
    if (method == WIRE_REFER) {
        AttackText to = {.length = 0};
        char number[40];
        SynthText text = synth_text(number, sizeof number - 1);
        synth_draw_number(&text, random);
        attack_append(&to, "<sip:%s@%s>", synth_text_end(&text), world->server.domain);
        synth_message_extra(request, WIRE_HEADER_REFER_TO, NULL, to.bytes, to.length);
        return;
    }
    if (state->target_only) return;
    uint32_t session = synth_below(random, 1u << 30), version = synth_between(random, 1, 9);
    synth_set_offer(random, agent, request, session, version, false);
}

/* The answer of a re-INVITE is acknowledged like anybody does. */
static void dialog_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                         const SynthMessage *reply) {
    if (reply->method == WIRE_INVITE && reply->status >= 200 && pending->tag)
        attack_ack(world, actor, pending, reply);
}

static bool dialog_tick(SynthWorld *world, SynthActor *actor) {
    static const WireMethod any[] = {WIRE_INVITE, WIRE_INVITE, WIRE_UPDATE, WIRE_REFER};
    Hijack *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    SynthSniffed sniffed;
    if (!find_dialog(world, actor, &sniffed)) {
        run->pace.sent--;
        return state->waits++ < PATIENCE;
    }
    unsigned side = synth_below(random, 2);
    SynthEnd end = sniffed.ends[side];
    bool direct = state->elsewhere || !sniffed.next_hop.port;
    if (direct) end.n_routes = 0;
    end.cseq += synth_below(random, 12);
    WireMethod method = state->method ? state->method : SYNTH_PICK(random, any);
    SynthMessage request;
    synth_in_dialog(world, random, &run->agents[0], &end, method, 0, &request);
    fill(world, actor, method, &request);
    if (method != WIRE_UPDATE || state->target_only || synth_chance(random, 0.8))
        synth_set_contact(&run->agents[0], &request, run->agents[0].user, -1);
    request.bare = run->bare;
    request.run = run->run;
    attack_fire(world, actor, 0, &request, direct ? &sniffed.parties[!side] : &sniffed.next_hop,
                state->refreshes);
    return true;
}

static void begin_dialogs(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                          const SynthWish *wish, double slow, double fast) {
    Hijack *state = actor->state;
    AttackRun *run = &state->base;
    run->pace = attack_pace(&actor->random, wish, slow, fast, 5, 30);
    run->tick = dialog_tick;
    run->reply = dialog_reply;
    char text[64];
    snprintf(text, sizeof text, "method=%s direct=%d",
             state->method ? wire_method_name(state->method) : "any", state->elsewhere);
    attack_begin(world, actor, builder, wish, 1, true, text);
}

static void media_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Hijack *state = actor->state;
    state->method = synth_chance(&actor->random, 0.7) ? WIRE_INVITE : WIRE_UPDATE;
    state->elsewhere = synth_chance(&actor->random, 0.4);
    state->refreshes = synth_chance(&actor->random, 0.8);
    state->base.retransmits = synth_chance(&actor->random, 0.5);
    begin_dialogs(world, actor, &attack_hijack_media, wish, 0.1, 2);
}

const SynthAttackBuilder attack_hijack_media = {
    .tool = "synth-hijack-media",
    .class = SYNTH_HIJACK,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-hijack-media"),
    .size = sizeof(Hijack),
    .start = media_start,
};

static void transfer_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Hijack *state = actor->state;
    state->method = synth_chance(&actor->random, 0.6) ? WIRE_REFER : WIRE_METHOD_OTHER;
    state->elsewhere = synth_chance(&actor->random, 0.5);
    state->base.bare = synth_chance(&actor->random, 0.4);
    begin_dialogs(world, actor, &attack_hijack_transfer, wish, 0.05, 1);
}

const SynthAttackBuilder attack_hijack_transfer = {
    .tool = "synth-hijack-transfer",
    .class = SYNTH_HIJACK,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-hijack-transfer"),
    .size = sizeof(Hijack),
    .start = transfer_start,
};

/* A target refresh without a body: later requests of the call go elsewhere. */
static void target_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Hijack *state = actor->state;
    state->method = synth_chance(&actor->random, 0.5) ? WIRE_INVITE : WIRE_UPDATE;
    state->target_only = true;
    state->elsewhere = synth_chance(&actor->random, 0.5);
    state->refreshes = synth_chance(&actor->random, 0.7);
    state->base.bare = synth_chance(&actor->random, 0.3);
    begin_dialogs(world, actor, &attack_hijack_target, wish, 0.05, 2);
}

const SynthAttackBuilder attack_hijack_target = {
    .tool = "synth-hijack-target",
    .class = SYNTH_HIJACK,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-hijack-target"),
    .size = sizeof(Hijack),
    .start = target_start,
};
