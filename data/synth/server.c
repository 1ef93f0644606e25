/* The site's server: registrar with digest, proxy with forking, presence and voice mail notices.
 * Relies on: data/synth/call.h.
 * Relied on by: data/synth/plan.c. */
#include "data/synth/call.h"
#include "data/synth/oddity.h"
#include "data/synth/plan.h"

#include <stdio.h>

/* What the server wakes itself for. */
enum { WAKE_UNANSWERED = 1, WAKE_RING_END, WAKE_NOTIFY };

typedef struct Server {
    SynthAgent agent; /* for what the server says by itself */
    uint32_t branch_seconds;
} Server;

/* ---- replies ------------------------------------------------------------------------------------------- */

static void answer(SynthWorld *world, SynthActor *actor, const SynthMessage *request, uint16_t status) {
    SynthMessage reply;
    char tag[72];
    SynthText text = synth_text(tag, sizeof tag);
    if (request->method == WIRE_ACK) return;
    synth_draw_tag(&text, &actor->random, &world->server.style);
    synth_reply(&reply, request, &world->server.style, status, NULL,
                status > 100 ? synth_text_end(&text) : NULL);
    if (status >= 300 && synth_below(&actor->random, 256) < world->server.style.odd_share)
        synth_add_odd_header(&actor->random, world->server.style.odd_header % synth_odd_reply_headers,
                             &reply);
    synth_send(world, &world->server.address, &reply.reply_to[0], &reply);
}

static void put_nonce(SynthText *text, SynthRandom *random, uint8_t form) {
    switch (form % 3) {
    case 0: synth_draw_letters(text, random, 38, false); break;
    case 1: synth_draw_hex(text, random, 32); break;
    default: synth_draw_hex(text, random, 8); break;
    }
}

static void challenge(SynthWorld *world, SynthActor *actor, const SynthMessage *request, bool proxy,
                      bool stale) {
    SynthServer *server = &world->server;
    SynthMessage reply;
    char tag[72];
    SynthText text = synth_text(tag, sizeof tag);
    synth_draw_tag(&text, &actor->random, &server->style);
    synth_reply(&reply, request, &server->style, proxy ? 407 : 401, NULL, synth_text_end(&text));
    text = synth_message_text(&reply);
    synth_put_text(&text, "Digest realm=\"");
    synth_put_text(&text, server->realm);
    synth_put_text(&text, "\", nonce=\"");
    uint32_t at = text.length;
    put_nonce(&text, &actor->random, server->style.family);
    uint32_t length = text.length - at;
    synth_put_char(&text, '"');
    if (server->style.family % 2) synth_put_text(&text, ", algorithm=MD5");
    if (stale) synth_put_text(&text, ", stale=true");
    if (server->qop) synth_put_text(&text, server->auth_int ? ", qop=\"auth,auth-int\"" : ", qop=\"auth\"");
    reply.challenge = synth_message_slice(&reply, &text);
    reply.nonce.at = (uint16_t)(reply.challenge.at + at);
    reply.nonce.length = (uint16_t)length;
    reply.nonce_ns = world->now_ns;
    reply.proxy_auth = proxy;
    reply.qop = server->qop;
    reply.stale = stale;
    synth_send(world, &server->address, &reply.reply_to[0], &reply);
}

/* Whether the request may pass; if not, it has been answered. */
static bool authorised(SynthWorld *world, SynthActor *actor, const SynthMessage *request, bool proxy) {
    const SynthServer *server = &world->server;
    bool old = world->now_ns - request->nonce_ns > (int64_t)server->nonce_seconds * SYNTH_SECOND;
    bool right =
        request->proof == SYNTH_PROOF_RIGHT && request->account && request->account <= world->n_users;
    if (right && !old && request->credentials.length) return true;
    if (request->proof == SYNTH_PROOF_WRONG && server->wrong_password == 403)
        answer(world, actor, request, 403);
    else
        challenge(world, actor, request, proxy, right || request->proof == SYNTH_PROOF_STALE);
    return false;
}

/* ---- registrar ----------------------------------------------------------------------------------------- */

static uint64_t hash_text(const char *text, size_t length) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void drop_binding(SynthUser *user, uint8_t at) {
    user->n_bindings--;
    memmove(user->bindings + at, user->bindings + at + 1, (user->n_bindings - at) * sizeof *user->bindings);
}

static void drop_expired(SynthUser *user, int64_t now_ns) {
    for (uint8_t i = user->n_bindings; i-- > 0;)
        if (user->bindings[i].expires_ns <= now_ns) drop_binding(user, i);
}

static void bind_contact(SynthWorld *world, SynthUser *user, const SynthMessage *m,
                         const WireAddress *source) {
    SynthSlice uri = synth_contact_uri(m);
    uint64_t contact = hash_text(synth_slice(m, uri), uri.length);
    uint8_t at = 0;
    while (at < user->n_bindings && user->bindings[at].contact != contact)
        at++;
    if (m->contact_expires == 0) {
        if (at < user->n_bindings) drop_binding(user, at);
        return;
    }
    if (at == SYNTH_BINDINGS) { /* full: the oldest gives way */
        drop_binding(user, 0);
        at = SYNTH_BINDINGS - 1;
    }
    SynthBinding *binding = &user->bindings[at];
    uint32_t seconds = (uint32_t)m->contact_expires;
    if (seconds > world->server.max_expires) seconds = world->server.max_expires;
    memset(binding, 0, sizeof *binding);
    binding->address = m->contact_address.port ? m->contact_address : *source;
    if (world->edge_kind != SYNTH_EDGE_NONE && wire_same_address(source, &world->edge))
        binding->via = *source;
    binding->expires_ns = world->now_ns + seconds * SYNTH_SECOND;
    binding->contact = contact;
    binding->length = (uint8_t)(uri.length < sizeof binding->text ? uri.length : sizeof binding->text);
    memcpy(binding->text, synth_slice(m, uri), binding->length);
    if (at == user->n_bindings) user->n_bindings++;
}

static void list_bindings(const SynthWorld *world, const SynthUser *user, SynthMessage *reply) {
    SynthText text = synth_message_text(reply);
    for (uint8_t i = 0; i < user->n_bindings; i++) {
        const SynthBinding *binding = &user->bindings[i];
        if (i) synth_put_text(&text, world->server.style.family % 2 ? "," : ", ");
        synth_put_char(&text, '<');
        synth_put(&text, binding->text, binding->length);
        synth_put_text(&text, ">;expires=");
        synth_put_number(&text, (uint64_t)((binding->expires_ns - world->now_ns) / SYNTH_SECOND));
    }
    if (text.length) reply->contact = synth_message_slice(reply, &text);
}

void synth_bind(SynthWorld *world, uint32_t user, const SynthMessage *m, const WireAddress *source) {
    bind_contact(world, &world->users[user], m, source);
}

static void on_register(SynthWorld *world, SynthActor *actor, SynthMessage *m, const WireAddress *source) {
    SynthServer *server = &world->server;
    uint32_t index = synth_find_user(world, synth_slice(m, m->to.user), m->to.user.length);
    if (index == UINT32_MAX && server->unknown_register != 401) {
        answer(world, actor, m, server->unknown_register);
        return;
    }
    if (server->challenge_register && !authorised(world, actor, m, false)) return;
    if (index == UINT32_MAX || (server->challenge_register && m->account != index + 1)) {
        answer(world, actor, m, 403);
        return;
    }
    if (m->contact_expires > 0 && (uint32_t)m->contact_expires < server->min_expires) {
        answer(world, actor, m, 423);
        return;
    }
    SynthUser *user = &world->users[index];
    drop_expired(user, world->now_ns);
    if (m->contact_star)
        user->n_bindings = 0;
    else if (m->contact_expires >= 0 && m->contact.length)
        bind_contact(world, user, m, source);
    SynthMessage reply;
    char tag[72];
    SynthText text = synth_text(tag, sizeof tag);
    synth_draw_tag(&text, &actor->random, &server->style);
    synth_reply(&reply, m, &server->style, 200, NULL, synth_text_end(&text));
    list_bindings(world, user, &reply);
    if (server->style.expires_in_contact && m->contact_expires > 0) reply.expires = m->contact_expires;
    synth_send(world, &server->address, &reply.reply_to[0], &reply);
}

/* ---- passing on ---------------------------------------------------------------------------------------- */

static bool pass(SynthWorld *world, SynthActor *actor, SynthMessage *m, const WireAddress *to,
                 SynthHandle note) {
    bool opens = !m->to.tag.length && (m->method == WIRE_INVITE || m->method == WIRE_SUBSCRIBE);
    SynthPassing passing = {&world->server.style,
                            world->server.host,
                            world->server.address,
                            *to,
                            note,
                            opens && world->server.record_route,
                            note == 0};
    return synth_pass(world, &actor->random, &passing, m);
}

/* Puts the binding's URI into the request; what the proxy was told stays with it. */
static WireAddress aim(SynthMessage *m, const SynthBinding *binding) {
    m->uri = synth_message_set(m, binding->text, binding->length);
    m->uri_address = binding->address;
    if (m->proxy_auth) m->credentials.length = 0;
    return binding->via.port ? binding->via : binding->address;
}

typedef struct Destinations {
    SynthBinding bindings[FORWARD_BRANCHES];
    uint8_t count;
    uint16_t refused; /* the status, if there is none */
    bool known;       /* there is such an account */
} Destinations;

static bool is_number(const char *text, size_t length) {
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            digits++;
        else if (i || (text[i] != '+' && text[i] != '*'))
            return false;
    }
    return digits >= 6;
}

static void to_gateway(SynthWorld *world, SynthActor *actor, const SynthMessage *m, Destinations *d) {
    WireAddress gateway = synth_some_gateway(world, &actor->random);
    char host[SYNTH_HOST_SIZE];
    SynthText text = synth_text(d->bindings[0].text, sizeof d->bindings[0].text);
    synth_host_text(&gateway, host);
    synth_put_text(&text, "sip:");
    synth_put(&text, synth_slice(m, m->uri_user), m->uri_user.length);
    synth_put_char(&text, '@');
    synth_put_text(&text, host);
    synth_put_char(&text, ':');
    synth_put_number(&text, gateway.port);
    memset(&d->bindings[0].via, 0, sizeof d->bindings[0].via);
    d->bindings[0].address = gateway;
    d->bindings[0].length = (uint8_t)text.length;
    d->count = 1;
}

static void find_destinations(SynthWorld *world, SynthActor *actor, const SynthMessage *m, Destinations *d) {
    const char *name = synth_slice(m, m->uri_user);
    uint32_t index = synth_find_user(world, name, m->uri_user.length);
    d->count = 0;
    d->known = index != UINT32_MAX;
    if (index == UINT32_MAX) {
        bool outward = is_number(name, m->uri_user.length) && world->n_gateways;
        for (uint32_t i = 0; i < world->n_gateways && outward; i++)
            outward = !wire_same_address(&m->reply_to[0], &world->gateways[i]);
        if (outward) to_gateway(world, actor, m, d);
        d->refused = world->server.unknown;
        return;
    }
    SynthUser *user = &world->users[index];
    drop_expired(user, world->now_ns);
    for (uint8_t i = 0; i < user->n_bindings && d->count < FORWARD_BRANCHES; i++)
        d->bindings[d->count++] = user->bindings[i];
    d->refused = world->server.offline;
}

/* ---- calls --------------------------------------------------------------------------------------------- */

static SynthForward *forward_of(SynthWorld *world, SynthHandle handle) {
    return synth_slots_find(&world->forwards, handle);
}

static void branch_out(SynthWorld *world, SynthActor *actor, SynthHandle handle, SynthForward *f,
                       const Destinations *d) {
    for (uint8_t i = 0; i < d->count; i++) {
        SynthMessage *branch = &f->branches[f->n_branches];
        synth_message_copy(branch, &f->request);
        f->to[f->n_branches] = aim(branch, &d->bindings[i]);
        f->status[f->n_branches] = 0;
        if (!pass(world, actor, branch, &f->to[f->n_branches], handle)) continue;
        f->n_branches++;
    }
    f->n_open = f->n_branches;
}

/* Trunks and gateways are known by their address, also when they come through the edge. */
static bool is_trusted(const SynthWorld *world, const SynthMessage *m) {
    if (world->edge_kind != SYNTH_EDGE_NONE && wire_same_address(&m->reply_to[0], &world->edge))
        return m->vouched;
    return synth_trusted(world, &m->reply_to[0]);
}

static void on_invite(SynthWorld *world, SynthActor *actor, SynthMessage *m) {
    SynthCall *call = synth_call(world, m->call);
    if (!call) call = synth_call(world, m->call = synth_call_new(world, m->run));
    if (!call) return;
    SynthForward *f = forward_of(world, call->forward);
    if (f && f->request.cseq == m->cseq) { /* it is sent again */
        if (!f->final) answer(world, actor, m, 100);
        return;
    }
    if (world->server.challenge_invite && !is_trusted(world, m) && !authorised(world, actor, m, true)) return;
    Destinations d;
    find_destinations(world, actor, m, &d);
    if (!d.count) {
        if (world->server.sends_100) answer(world, actor, m, 100);
        answer(world, actor, m, d.refused);
        return;
    }
    if (f) synth_slots_give(&world->forwards, call->forward);
    f = synth_slots_take(&world->forwards, false, &call->forward);
    if (!f) {
        synth_fail(world, CORE_MEMORY, "no memory for calls");
        return;
    }
    f->call = m->call;
    f->source = m->reply_to[0];
    f->n_branches = f->n_open = 0;
    f->final = f->cancelled = f->rang = false;
    f->best = 0;
    synth_message_copy(&f->request, m);
    if (world->server.sends_100) answer(world, actor, m, 100);
    branch_out(world, actor, call->forward, f, &d);
    if (!f->n_branches) {
        answer(world, actor, m, 483);
        f->final = true;
        return;
    }
    synth_wake(world, actor, 500 * SYNTH_MS, WAKE_UNANSWERED, call->forward);
    synth_wake(world, actor, world->server.ring_seconds * SYNTH_SECOND, WAKE_RING_END, call->forward);
}

/* CANCEL or ACK of a branch, as hop by hop as they are. */
static void to_branch(SynthWorld *world, const Server *server, SynthForward *f, uint8_t i, WireMethod method,
                      const SynthMessage *reply) {
    SynthMessage message;
    const SynthMessage *branch = &f->branches[i];
    if (method == WIRE_CANCEL)
        synth_cancel(&server->agent, branch, &message);
    else
        synth_ack_failure(&server->agent, branch, reply, &message);
    message.contact.length = 0;
    message.hop = branch->hop;
    message.run = branch->run;
    message.ask = branch->ask;
    message.bare = true;
    synth_send(world, &world->server.address, &f->to[i], &message);
}

static void cancel_branches(SynthWorld *world, const Server *server, SynthForward *f) {
    for (uint8_t i = 0; i < f->n_branches; i++)
        if (f->status[i] < 200) to_branch(world, server, f, i, WIRE_CANCEL, NULL);
}

static void finish(SynthWorld *world, SynthActor *actor, SynthForward *f, uint16_t status) {
    if (f->final) return;
    f->final = true;
    answer(world, actor, &f->request, status);
}

static void on_cancel(SynthWorld *world, SynthActor *actor, const SynthMessage *m) {
    SynthCall *call = synth_call(world, m->call);
    SynthForward *f = call ? forward_of(world, call->forward) : NULL;
    if (!f || f->final) {
        answer(world, actor, m, 481);
        return;
    }
    answer(world, actor, m, 200);
    f->cancelled = true;
    cancel_branches(world, actor->state, f);
}

static int branch_by_reply(const SynthForward *f, const SynthMessage *reply) {
    for (uint8_t i = 0; i < f->n_branches; i++)
        if (f->branches[i].branch.length == reply->branch.length &&
            memcmp(synth_slice(&f->branches[i], f->branches[i].branch), synth_slice(reply, reply->branch),
                   reply->branch.length) == 0)
            return i;
    return -1;
}

/* 6xx before others, then the lowest class, as RFC 3261 16.7 asks. */
static bool is_better(uint16_t status, uint16_t best) {
    if (!best || status >= 600) return true;
    return best < 600 && status / 100 < best / 100;
}

static void on_invite_reply(SynthWorld *world, SynthActor *actor, SynthForward *f, SynthMessage *reply) {
    int at = branch_by_reply(f, reply);
    if (at < 0) return;
    uint16_t before = f->status[at];
    if (reply->status < 200) {
        if (before < 200) f->status[at] = reply->status;
        f->rang |= reply->status > 100;
        if (reply->status > 100 && !f->final) synth_pass_back(world, &world->server.address, reply);
        if (f->cancelled && before == 0) to_branch(world, actor->state, f, (uint8_t)at, WIRE_CANCEL, NULL);
        return;
    }
    f->status[at] = reply->status;
    if (reply->status < 300) { /* also when it is sent again */
        bool first = !f->final;
        f->final = true;
        synth_pass_back(world, &world->server.address, reply);
        if (first) cancel_branches(world, actor->state, f);
        return;
    }
    to_branch(world, actor->state, f, (uint8_t)at, WIRE_ACK, reply);
    if (before >= 200) return;
    if (is_better(reply->status, f->best)) f->best = reply->status;
    if (--f->n_open > 0 && reply->status < 600) return;
    if (f->final) return;
    f->final = true;
    if (f->n_branches == 1)
        synth_pass_back(world, &world->server.address, reply);
    else
        answer(world, actor, &f->request, f->cancelled ? 487 : f->best);
}

/* Nothing has come from some branch: sent again, and given up after a while. */
static void on_unanswered(SynthWorld *world, SynthActor *actor, SynthHandle handle) {
    SynthForward *f = forward_of(world, handle);
    const Server *server = actor->state;
    const SynthCall *call = f ? synth_call(world, f->call) : NULL;
    if (!call || f->final) return;
    int64_t age = world->now_ns - call->made_ns;
    uint8_t waiting = 0;
    for (uint8_t i = 0; i < f->n_branches; i++) {
        if (f->status[i]) continue;
        waiting++;
        if (age < (int64_t)server->branch_seconds * SYNTH_SECOND && !f->cancelled)
            synth_send(world, &world->server.address, &f->to[i], &f->branches[i]);
    }
    if (f->cancelled && waiting == f->n_branches) {
        finish(world, actor, f, 487);
    } else if (waiting == f->n_branches && age >= (int64_t)server->branch_seconds * SYNTH_SECOND) {
        finish(world, actor, f, synth_chance(&actor->random, 0.5) ? 408 : world->server.offline);
    } else if (waiting) {
        synth_wake(world, actor, age > 3 * SYNTH_SECOND ? 4 * SYNTH_SECOND : age + 500 * SYNTH_MS,
                   WAKE_UNANSWERED, handle);
    }
}

static void on_ring_end(SynthWorld *world, SynthActor *actor, SynthHandle handle) {
    SynthForward *f = forward_of(world, handle);
    if (!f || f->final) return;
    cancel_branches(world, actor->state, f);
    finish(world, actor, f, f->cancelled ? 487 : synth_chance(&actor->random, 0.5) ? 408 : 480);
}

/* ---- notices ------------------------------------------------------------------------------------------- */

static const char *event_of(const SynthMessage *m) {
    static const char *const known[] = {"presence", "message-summary", "dialog", "reg"};
    for (uint8_t i = 0; i < m->n_extras; i++) {
        if (m->extras[i].id != WIRE_HEADER_EVENT) continue;
        for (size_t k = 0; k < SYNTH_COUNT(known); k++)
            if (m->extras[i].value.length == strlen(known[k]) &&
                memcmp(synth_slice(m, m->extras[i].value), known[k], m->extras[i].value.length) == 0)
                return known[k];
    }
    return NULL;
}

static void set_notice(SynthRandom *random, const SynthAgent *agent, const char *event, const char *state,
                       SynthMessage *notify) {
    static const char presence[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
                                   "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:";
    char bytes[512];
    SynthText body = synth_text(bytes, sizeof bytes);
    synth_message_extra(notify, WIRE_HEADER_EVENT, NULL, event, strlen(event));
    synth_message_extra(notify, WIRE_HEADER_SUBSCRIPTION_STATE, NULL, state, strlen(state));
    const char *type = "application/pidf+xml";
    if (strcmp(event, "message-summary") == 0) {
        bool waiting = synth_chance(random, 0.3);
        type = "application/simple-message-summary";
        synth_put_text(&body, waiting ? "Messages-Waiting: yes\r\nVoice-Message: "
                                      : "Messages-Waiting: no\r\n"
                                        "Voice-Message: ");
        synth_put_number(&body, waiting ? synth_between(random, 1, 9) : 0);
        synth_put_text(&body, "/0 (0/0)\r\n");
    } else if (strcmp(event, "dialog") == 0) {
        type = "application/dialog-info+xml";
        synth_put_text(&body,
                       "<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "
                       "version=\"");
        synth_put_number(&body, synth_below(random, 40));
        synth_put_text(&body, "\" state=\"full\" entity=\"sip:");
        synth_put_text(&body, agent->domain);
        synth_put_text(&body, "\"/>\r\n");
    } else {
        synth_put_text(&body, presence);
        synth_put_text(&body, agent->domain);
        synth_put_text(&body, "\"><tuple id=\"t");
        synth_draw_digits(&body, random, 4);
        synth_put_text(&body, "\"><status><basic>");
        synth_put_text(&body, synth_chance(random, 0.6) ? "open" : "closed");
        synth_put_text(&body, "</basic></status></tuple></presence>\r\n");
    }
    synth_set_body(notify, type, body.bytes, body.length);
}

static void notify(SynthWorld *world, SynthActor *actor, SynthHandle handle, bool over) {
    Server *server = actor->state;
    SynthCall *call = synth_call(world, handle);
    SynthEnd *end = call ? synth_call_end(world, call, 1, false) : NULL;
    static const char *const events[] = {"presence", "message-summary", "dialog", "reg"};
    SynthMessage message;
    if (!end) return;
    synth_in_dialog(world, &actor->random, &server->agent, end, WIRE_NOTIFY, 0, &message);
    message.run = call->run;
    message.strays = call->run != 0;
    set_notice(&actor->random, &server->agent, events[call->event & 3],
               over ? "terminated;reason=timeout" : "active;expires=300", &message);
    synth_send(world, &world->server.address, end->n_routes ? &end->route_to[0] : &end->target_address,
               &message);
}

static void on_subscribe(SynthWorld *world, SynthActor *actor, SynthMessage *m) {
    Server *server = actor->state;
    static const char *const events[] = {"presence", "message-summary", "dialog", "reg"};
    const char *event = event_of(m);
    SynthCall *call = synth_call(world, m->call);
    char tag[72];
    SynthText text = synth_text(tag, sizeof tag);
    SynthMessage reply;
    if (!event) {
        answer(world, actor, m, 489);
        return;
    }
    if (!call || !call->subscription) {
        m->call = synth_call_new(world, m->run);
        call = synth_call(world, m->call);
        if (!call) return;
        call->subscription = true;
        call->state = CALL_CONFIRMED;
        while (strcmp(events[call->event & 3], event) != 0)
            call->event++;
        SynthEnd *end = synth_call_end(world, call, 1, true);
        if (!end) return;
        synth_draw_tag(&text, &actor->random, &world->server.style);
        synth_end_of_asked(&actor->random, m, synth_text_end(&text), end);
    }
    SynthEnd *end = synth_call_end(world, call, 1, false);
    synth_reply(&reply, m, &world->server.style, synth_chance(&actor->random, 0.8) ? 200 : 202, NULL,
                end ? end->local_tag : NULL);
    reply.expires = m->expires >= 0 ? m->expires : 3600;
    synth_set_contact(&server->agent, &reply, "", -1);
    synth_send(world, &world->server.address, &reply.reply_to[0], &reply);
    synth_wake(world, actor, synth_between(&actor->random, 2, 60) * SYNTH_MS,
               m->expires == 0 ? WAKE_NOTIFY + 1 : WAKE_NOTIFY, m->call);
}

/* ---- everything else ----------------------------------------------------------------------------------- */

static void on_publish(SynthWorld *world, SynthActor *actor, const SynthMessage *m) {
    SynthMessage reply;
    char tag[16];
    SynthText text = synth_text(tag, sizeof tag);
    if (world->server.style.family % 3 == 1) {
        answer(world, actor, m, 489);
        return;
    }
    synth_draw_hex(&text, &actor->random, 10);
    synth_reply(&reply, m, &world->server.style, 200, NULL, synth_text_end(&text));
    synth_message_extra(&reply, WIRE_HEADER_SIP_ETAG, NULL, text.bytes, text.length);
    reply.expires = m->expires >= 0 ? m->expires : 3600;
    synth_send(world, &world->server.address, &reply.reply_to[0], &reply);
}

static void on_other(SynthWorld *world, SynthActor *actor, SynthMessage *m) {
    if (m->method == WIRE_OPTIONS && !m->uri_user.length) {
        answer(world, actor, m, world->server.answers_options ? 200 : 404);
        return;
    }
    if (world->server.challenge_messages && !is_trusted(world, m) && !authorised(world, actor, m, true))
        return;
    if (m->method == WIRE_PUBLISH) {
        on_publish(world, actor, m);
        return;
    }
    Destinations d;
    find_destinations(world, actor, m, &d);
    bool own = m->method == WIRE_SUBSCRIBE && (world->server.style.family % 4 || !d.count);
    if (own && synth_find_user(world, synth_slice(m, m->uri_user), m->uri_user.length) != UINT32_MAX) {
        on_subscribe(world, actor, m);
        return;
    }
    if (!d.count) {
        bool stored = m->method == WIRE_MESSAGE && d.known && world->server.style.family % 2;
        answer(world, actor, m, stored ? 202 : d.refused);
        return;
    }
    WireAddress to = aim(m, &d.bindings[0]);
    if (!pass(world, actor, m, &to, 0)) answer(world, actor, m, 483);
}

/* ---- within dialogs ------------------------------------------------------------------------------------ */

static void pop_own_route(const SynthWorld *world, SynthMessage *m) {
    if (!m->n_routes || !wire_same_address(&m->route_to[0], &world->server.address)) return;
    m->n_routes--;
    memmove(m->routes, m->routes + 1, m->n_routes * sizeof *m->routes);
    memmove(m->route_to, m->route_to + 1, m->n_routes * sizeof *m->route_to);
}

static void on_dialog(SynthWorld *world, SynthActor *actor, SynthMessage *m) {
    const SynthCall *call = synth_call(world, m->call);
    pop_own_route(world, m);
    WireAddress to = m->n_routes ? m->route_to[0] : m->uri_address;
    if (!to.port || wire_same_address(&to, &world->server.address)) {
        if (m->method == WIRE_SUBSCRIBE && call && call->subscription)
            on_subscribe(world, actor, m);
        else
            answer(world, actor, m, 481);
        return;
    }
    if (!pass(world, actor, m, &to, 0)) answer(world, actor, m, 483);
}

static void on_request(SynthWorld *world, SynthActor *actor, SynthMessage *m, const WireAddress *source) {
    synth_note_source(m, source, world->server.force_rport && synth_bits(&actor->random) % 8 == 0);
    if (m->broken) {
        if (world->server.style.family % 2) answer(world, actor, m, 400);
        return;
    }
    if (m->failure_ack) return;
    if (m->max_forwards == 0) {
        answer(world, actor, m, 483);
    } else if (m->method == WIRE_CANCEL) {
        on_cancel(world, actor, m);
    } else if (m->to.tag.length) {
        on_dialog(world, actor, m);
    } else if (m->method == WIRE_REGISTER) {
        on_register(world, actor, m, source);
    } else if (m->method == WIRE_INVITE) {
        on_invite(world, actor, m);
    } else if (m->method == WIRE_BYE || m->method == WIRE_PRACK || m->method == WIRE_NOTIFY) {
        answer(world, actor, m, 481);
    } else if (m->method != WIRE_ACK) {
        on_other(world, actor, m);
    }
}

static void on_reply(SynthWorld *world, SynthActor *actor, SynthMessage *m) {
    if (m->hop == 0 || m->method == WIRE_CANCEL) return;
    SynthForward *f = m->method == WIRE_INVITE ? forward_of(world, m->trail[m->hop]) : NULL;
    if (f)
        on_invite_reply(world, actor, f, m);
    else
        synth_pass_back(world, &world->server.address, m);
}

static void receive(SynthWorld *world, SynthActor *actor, const SynthPacket *packet) {
    SynthMessage m;
    if (!packet->message) return;
    synth_message_copy(&m, packet->message);
    if (m.status)
        on_reply(world, actor, &m);
    else
        on_request(world, actor, &m, &packet->source);
}

static void wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    switch (what) {
    case WAKE_UNANSWERED: on_unanswered(world, actor, handle); break;
    case WAKE_RING_END: on_ring_end(world, actor, handle); break;
    case WAKE_NOTIFY: notify(world, actor, handle, false); break;
    default: notify(world, actor, handle, true); break;
    }
}

static const SynthActorKind kind = {"server", wake, receive, NULL};

bool synth_server_start(SynthWorld *world) {
    SynthActor *actor = synth_actor_new(world, &kind, sizeof(Server));
    if (!actor) return false;
    Server *server = actor->state;
    synth_agent_init(world, &actor->random, &server->agent, &world->server.style, &world->server.address,
                     UINT32_MAX);
    snprintf(server->agent.host, sizeof server->agent.host, "%s", world->server.host);
    server->agent.host_port = world->server.address.port;
    server->agent.display[0] = '\0';
    server->branch_seconds = synth_between(&actor->random, 4, 14);
    synth_listen(world, &world->server.address, actor);
    return true;
}
