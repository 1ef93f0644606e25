/* Teardown: BYE, CANCEL and forged final replies from somebody who is no party of the dialog.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>

enum { SEEN = 32, PATIENCE = 400 };

typedef struct Teardown {
    AttackRun base;
    SynthHandle seen[SEEN]; /* calls attacked already */
    uint32_t n_seen, waits;
    uint8_t kind, direct; /* direct: 0 through the proxy, 1 straight to the party, 2 either */
    bool both;
    uint32_t sources; /* 0: one */
} Teardown;

/* A dialog that was not attacked yet; false: none now. */
static bool find_dialog(SynthWorld *world, SynthActor *actor, bool confirmed, SynthSniffed *sniffed) {
    Teardown *state = actor->state;
    for (unsigned tries = 0; tries < 4; tries++) {
        if (!attack_sniff(world, actor, confirmed, sniffed)) continue;
        bool seen = false;
        for (uint32_t i = 0; i < SEEN && i < state->n_seen; i++)
            seen = seen || state->seen[i] == sniffed->ends[0].call;
        if (seen) continue;
        state->seen[state->n_seen++ % SEEN] = sniffed->ends[0].call;
        return true;
    }
    return false;
}

/* Nothing to attack now: this tick does not count. */
static bool wait_for_calls(SynthActor *actor) {
    Teardown *state = actor->state;
    state->base.pace.sent--;
    return state->waits++ < PATIENCE;
}

/* A request in the name of one party to the other. */
static void send_in_name(SynthWorld *world, SynthActor *actor, const SynthSniffed *sniffed, unsigned side,
                         WireMethod method, bool guessed) {
    Teardown *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    SynthEnd end = sniffed->ends[side];
    bool direct = state->direct == 2 ? synth_chance(random, 0.5) : state->direct;
    const WireAddress *to = direct || !sniffed->next_hop.port ? &sniffed->parties[!side] : &sniffed->next_hop;
    if (direct) end.n_routes = 0;
    if (guessed) end.call = 0;
    end.cseq += synth_chance(random, 0.6) ? 0 : synth_between(random, 1, 60);
    SynthMessage request;
    uint32_t agent = run->n_agents > 1 ? synth_below(random, run->n_agents) : 0;
    synth_in_dialog(world, random, &run->agents[agent], &end, method, 0, &request);
    if (run->bare) request.bare = true;
    if (synth_chance(random, 0.3))
        synth_message_extra(&request, WIRE_HEADER_REASON, NULL, "Q.850;cause=16", 14);
    request.run = run->run;
    attack_fire(world, actor, agent, &request, to, 0);
}

static void begin(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, double slow, double fast, uint32_t low, uint32_t high, bool tracks) {
    static const char *const ways[] = {"proxy", "direct", "either"};
    Teardown *state = actor->state;
    char text[64];
    state->base.pace = attack_pace(&actor->random, wish, slow, fast, low, high);
    state->base.bare = synth_chance(&actor->random, 0.3);
    state->base.retransmits = tracks && synth_chance(&actor->random, 0.5);
    snprintf(text, sizeof text, "way=%s", ways[state->direct]);
    attack_begin(world, actor, builder, wish, state->sources ? state->sources : 1, tracks, text);
}

/* -- BYE with sniffed ids ----------------------------------------------------------------------------------
 */

static bool bye_tick(SynthWorld *world, SynthActor *actor) {
    Teardown *state = actor->state;
    SynthSniffed sniffed;
    if (!find_dialog(world, actor, true, &sniffed)) return wait_for_calls(actor);
    unsigned side = synth_below(&actor->random, 2);
    send_in_name(world, actor, &sniffed, side, WIRE_BYE, false);
    if (state->both) send_in_name(world, actor, &sniffed, !side, WIRE_BYE, false);
    return true;
}

static void bye_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Teardown *state = actor->state;
    state->direct = (uint8_t)synth_below(&actor->random, 3);
    state->base.tick = bye_tick;
    begin(world, actor, &attack_teardown_bye, wish, 0.1, 2, 6, 40, true);
}

const SynthAttackBuilder attack_teardown_bye = {
    .tool = "synth-teardown-bye",
    .class = SYNTH_TEARDOWN,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-teardown-bye"),
    .size = sizeof(Teardown),
    .start = bye_start,
};

/* -- CANCEL of what rings -----------------------------------------------------------------------------------
 */

static bool cancel_tick(SynthWorld *world, SynthActor *actor) {
    Teardown *state = actor->state;
    AttackRun *run = &state->base;
    SynthSniffed sniffed;
    if (!find_dialog(world, actor, false, &sniffed)) return wait_for_calls(actor);
    SynthEnd end = sniffed.ends[0];
    end.n_routes = 0;
    end.remote_tag[0] = 0; /* the INVITE had none */
    snprintf(end.target, sizeof end.target, "%s", sniffed.uri);
    SynthMessage request;
    synth_in_dialog(world, &actor->random, &run->agents[0], &end, WIRE_CANCEL, sniffed.invite_cseq, &request);
    request.cseq = sniffed.invite_cseq;
    if (state->kind == 0) { /* the attacked INVITE's own Via */
        SynthText text = synth_message_text(&request);
        synth_put_text(&text, sniffed.via);
        request.vias[0] = synth_message_slice(&request, &text);
        const char *found = strstr(sniffed.via, sniffed.branch);
        if (found)
            request.branch = (SynthSlice){(uint16_t)(request.vias[0].at + (found - sniffed.via)),
                                          (uint16_t)strlen(sniffed.branch)};
    }
    request.bare = run->bare;
    request.run = run->run;
    attack_fire(world, actor, 0, &request, sniffed.next_hop.port ? &sniffed.next_hop : NULL, 0);
    return true;
}

static void cancel_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Teardown *state = actor->state;
    state->kind = (uint8_t)synth_below(&actor->random, 2);
    state->base.tick = cancel_tick;
    begin(world, actor, &attack_teardown_cancel, wish, 0.4, 4, 6, 40, false);
}

const SynthAttackBuilder attack_teardown_cancel = {
    .tool = "synth-teardown-cancel",
    .class = SYNTH_TEARDOWN,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-teardown-cancel"),
    .size = sizeof(Teardown),
    .start = cancel_start,
};

/* -- a final reply to the caller, before the callee's own
 * ------------------------------------------------------ */

static void set_party(SynthMessage *reply, SynthParty *party, const char *value, const char *tag) {
    party->value = synth_message_set(reply, value, strlen(value));
    party->tag = synth_message_set(reply, tag, strlen(tag));
}

static bool reply_tick(SynthWorld *world, SynthActor *actor) {
    static const uint16_t statuses[] = {486, 603, 404, 503, 480, 403, 500, 488, 302, 600, 410};
    Teardown *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    SynthSniffed sniffed;
    if (!find_dialog(world, actor, false, &sniffed)) return wait_for_calls(actor);
    const SynthEnd *end = &sniffed.ends[0];
    SynthMessage reply;
    synth_message_init(&reply, run->agents[0].style);
    reply.method = WIRE_INVITE;
    reply.status = SYNTH_PICK(random, statuses);
    reply.reason = synth_reason(reply.status);
    SynthSlice via = synth_message_set(&reply, sniffed.via, strlen(sniffed.via));
    const char *found = strstr(sniffed.via, sniffed.branch);
    SynthSlice branch = {(uint16_t)(via.at + (found ? found - sniffed.via : 0)),
                         (uint16_t)strlen(sniffed.branch)};
    synth_message_push_via(&reply, via, branch, &sniffed.parties[0]);
    set_party(&reply, &reply.from, end->local, end->local_tag);
    char tag[72];
    SynthText text = synth_text(tag, sizeof tag - 1);
    synth_draw_tag(&text, random, run->agents[0].style);
    synth_text_end(&text);
    set_party(&reply, &reply.to, end->remote, state->kind || !end->remote_tag[0] ? tag : end->remote_tag);
    synth_set_call_id(&reply, end->call_id, strlen(end->call_id));
    reply.cseq = sniffed.invite_cseq;
    reply.call = end->call;
    reply.max_forwards = -1;
    reply.expires = -1;
    if (reply.status == 302) {
        AttackText contact = {.length = 0};
        attack_expand(random, "<sip:~d3~@~host~>", &contact);
        reply.contact = synth_message_set(&reply, contact.bytes, contact.length);
    }
    reply.run = run->run;
    synth_send(world, &run->agents[0].address, &sniffed.parties[0], &reply);
    return true;
}

static void reply_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Teardown *state = actor->state;
    state->kind = (uint8_t)synth_below(&actor->random, 2);
    state->direct = 1;
    state->base.tick = reply_tick;
    begin(world, actor, &attack_teardown_reply, wish, 0.4, 4, 6, 40, false);
}

const SynthAttackBuilder attack_teardown_reply = {
    .tool = "synth-teardown-reply",
    .class = SYNTH_TEARDOWN,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-teardown-reply"),
    .size = sizeof(Teardown),
    .start = reply_start,
};

/* -- ids that are only half known: several guesses for each call
 * ------------------------------------------------ */

static void damage(SynthActor *actor, SynthEnd *end) {
    Teardown *state = actor->state;
    char tag[72];
    SynthText text = synth_text(tag, sizeof tag - 1);
    synth_draw_tag(&text, &actor->random, state->base.agents[0].style);
    synth_text_end(&text);
    switch (state->kind) {
    case 0: snprintf(end->remote_tag, sizeof end->remote_tag, "%s", tag); break;
    case 1: snprintf(end->local_tag, sizeof end->local_tag, "%s", tag); break;
    case 2: end->call_id[0] = end->call_id[0] == 'a' ? 'b' : 'a'; break;
    default:
        snprintf(end->remote_tag, sizeof end->remote_tag, "%s", tag);
        snprintf(end->local_tag, sizeof end->local_tag, "%.70s0", tag);
    }
    end->call = 0;
}

static bool guess_tick(SynthWorld *world, SynthActor *actor) {
    Teardown *state = actor->state;
    SynthSniffed sniffed;
    if (!find_dialog(world, actor, true, &sniffed)) return wait_for_calls(actor);
    unsigned side = synth_below(&actor->random, 2);
    for (uint32_t tries = synth_between(&actor->random, 1, 4); tries > 0; tries--) {
        SynthSniffed guessed = sniffed;
        damage(actor, &guessed.ends[side]);
        send_in_name(world, actor, &guessed, side, state->both && tries == 1 ? WIRE_CANCEL : WIRE_BYE, true);
    }
    return true;
}

static void guess_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Teardown *state = actor->state;
    state->kind = (uint8_t)synth_below(&actor->random, 4);
    state->direct = (uint8_t)synth_below(&actor->random, 3);
    state->both = synth_chance(&actor->random, 0.2);
    state->base.tick = guess_tick;
    begin(world, actor, &attack_teardown_guess, wish, 0.2, 3, 5, 30, false);
}

const SynthAttackBuilder attack_teardown_guess = {
    .tool = "synth-teardown-guess",
    .class = SYNTH_TEARDOWN,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-teardown-guess"),
    .size = sizeof(Teardown),
    .start = guess_start,
};

/* -- every call at once, at both ends
 * ------------------------------------------------------------------------------ */

static bool all_tick(SynthWorld *world, SynthActor *actor) {
    SynthSniffed sniffed;
    uint32_t found = 0;
    while (found < 12 && find_dialog(world, actor, true, &sniffed)) {
        found++;
        send_in_name(world, actor, &sniffed, 0, WIRE_BYE, false);
        send_in_name(world, actor, &sniffed, 1, WIRE_BYE, false);
    }
    return found ? true : wait_for_calls(actor);
}

static void all_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Teardown *state = actor->state;
    state->direct = (uint8_t)synth_below(&actor->random, 2);
    state->base.tick = all_tick;
    begin(world, actor, &attack_teardown_all, wish, 0.03, 0.5, 3, 12, false);
}

const SynthAttackBuilder attack_teardown_all = {
    .tool = "synth-teardown-all",
    .class = SYNTH_TEARDOWN,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-teardown-all"),
    .size = sizeof(Teardown),
    .start = all_start,
};

/* -- each BYE from another socket, or from another address --------------------------------------------------
 */

static void sockets_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Teardown *state = actor->state;
    SynthRandom *random = &actor->random;
    state->sources = synth_between(random, 2, 12);
    state->direct = (uint8_t)synth_below(random, 3);
    state->both = synth_chance(random, 0.4);
    state->base.tick = bye_tick;
    bool one_host = synth_chance(random, 0.5);
    begin(world, actor, &attack_teardown_sockets, wish, 0.05, 3, 6, 40, true);
    if (one_host && state->base.n_agents) attack_share_host(world, actor);
}

const SynthAttackBuilder attack_teardown_sockets = {
    .tool = "synth-teardown-sockets",
    .class = SYNTH_TEARDOWN,
    .seconds = 60,
    .kind = ATTACK_KIND("synth-teardown-sockets"),
    .size = sizeof(Teardown),
    .start = sockets_start,
};
