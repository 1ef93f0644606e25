/* Building an agent's requests.
 * Relies on: data/synth/call.h.
 * Relied on by: data/synth. */
#include "data/synth/agent.h"

#include "data/synth/call.h"
#include "data/synth/oddity.h"

#include <stdio.h>

/* ---- the agent ----------------------------------------------------------------------------------------- */

static void draw_display(SynthRandom *random, SynthAgent *agent) {
    SynthText text = synth_text(agent->display, sizeof agent->display);
    if (agent->style->name_form != SYNTH_NAME_BARE && synth_chance(random, 0.85))
        synth_draw_display(&text, random);
    synth_text_end(&text);
}

/* What stands for the agent's address in its messages: behind a NAT that it does not know of, its private
 * one. */
static void draw_host(SynthWorld *world, SynthRandom *random, SynthAgent *agent) {
    static const uint8_t nets[] = {0, 1, 2, 178};
    agent->host_port = agent->address.port;
    if (!world->ipv6 && synth_chance(random, 0.12)) {
        uint8_t net = SYNTH_PICK(random, nets);
        agent->behind_nat = true;
        snprintf(agent->host, sizeof agent->host, "192.168.%u.%u", net, synth_between(random, 2, 249));
        if (synth_chance(random, 0.7)) agent->host_port = 5060;
    } else {
        synth_host_text(&agent->address, agent->host);
    }
}

void synth_agent_init(SynthWorld *world, SynthRandom *random, SynthAgent *agent, const SynthStyle *style,
                      const WireAddress *address, uint32_t account) {
    memset(agent, 0, sizeof *agent);
    agent->style = style ? style : synth_some_style(world, random, synth_chance(random, 0.3));
    agent->address = *address;
    draw_host(world, random, agent);
    draw_display(random, agent);
    snprintf(agent->domain, sizeof agent->domain, "%s", world->server.domain);
    const char *behind = strchr(world->server.domain, ']');
    if (agent->style->domain_port && !strchr(behind ? behind : world->server.domain, ':'))
        snprintf(agent->domain, sizeof agent->domain, "%.50s:%u", world->server.domain, world->entry.port);
    if (account == UINT32_MAX) return;
    agent->account = account + 1;
    snprintf(agent->user, sizeof agent->user, "%s", world->users[account].name);
}

SynthTarget synth_user_target(const char *user, size_t length) {
    SynthTarget target = {user, (uint32_t)length, NULL, NULL};
    return target;
}

/* ---- parts --------------------------------------------------------------------------------------------- */

static void put_uri(SynthText *text, const char *user, size_t length, const char *host) {
    synth_put(text, "sip:", 4);
    if (length) {
        synth_put(text, user, length);
        synth_put_char(text, '@');
    }
    synth_put_text(text, host);
}

static bool is_token_name(const char *name) {
    for (; *name; name++) {
        char c = *name;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !strchr(" .!%*_+`'~-", c)) return false;
    }
    return true;
}

static void put_quoted(SynthText *text, const char *name) {
    synth_put_char(text, '"');
    for (; *name; name++) {
        if (*name == '"' || *name == '\\') synth_put_char(text, '\\');
        synth_put_char(text, *name);
    }
    synth_put_char(text, '"');
}

/* From or To in the style's form of names; only the own name is known. */
static SynthParty party(SynthMessage *m, const SynthStyle *style, const char *display, const char *user,
                        size_t length, const char *host) {
    SynthParty made = {{0, 0}, {0, 0}, {0, 0}};
    SynthText text = synth_message_text(m);
    bool bare = style->name_form == SYNTH_NAME_BARE && !memchr(user, ';', length);
    if (!bare && *display && style->name_form != SYNTH_NAME_NONE) {
        if (style->name_form == SYNTH_NAME_TOKEN && is_token_name(display))
            synth_put_text(&text, display);
        else
            put_quoted(&text, display);
        synth_put_char(&text, ' ');
    }
    if (!bare) synth_put_char(&text, '<');
    uint32_t user_at = text.length + 4;
    put_uri(&text, user, length, host);
    if (!bare) synth_put_char(&text, '>');
    made.value = synth_message_slice(m, &text);
    made.user.at = (uint16_t)(made.value.at + user_at);
    made.user.length = (uint16_t)length;
    if (!length) made.user.at = 0;
    return made;
}

void synth_set_branch(SynthRandom *random, const SynthAgent *agent, SynthMessage *message) {
    const SynthStyle *style = agent->style;
    SynthSlice value, branch;
    SynthText text = synth_message_text(message);
    synth_put_text(&text, "SIP/2.0/UDP ");
    synth_put_text(&text, agent->host);
    if (agent->host_port != 5060 || style->sent_by_port) {
        synth_put_char(&text, ':');
        synth_put_number(&text, agent->host_port);
    }
    if (style->rport == SYNTH_RPORT_FIRST) synth_put_text(&text, ";rport");
    synth_put_text(&text, ";branch=");
    uint32_t at = text.length;
    synth_draw_branch(&text, random, style);
    branch.length = (uint16_t)(text.length - at);
    if (style->rport == SYNTH_RPORT_LAST) synth_put_text(&text, ";rport");
    value = synth_message_slice(message, &text);
    branch.at = (uint16_t)(value.at + at);
    message->n_vias = 0;
    synth_message_push_via(message, value, branch, &agent->address);
}

void synth_set_contact(const SynthAgent *agent, SynthMessage *message, const char *user, int32_t expires) {
    SynthText text = synth_message_text(message);
    synth_put(&text, "<sip:", 5);
    if (*user) {
        synth_put_text(&text, user);
        synth_put_char(&text, '@');
    }
    synth_put_text(&text, agent->host);
    if (agent->host_port != 5060 || agent->style->sent_by_port) {
        synth_put_char(&text, ':');
        synth_put_number(&text, agent->host_port);
    }
    synth_put_text(&text, agent->style->contact_params);
    synth_put_char(&text, '>');
    synth_put_text(&text, agent->style->contact_features);
    if (expires >= 0) {
        synth_put_text(&text, ";expires=");
        synth_put_number(&text, (uint64_t)expires);
    }
    message->contact = synth_message_slice(message, &text);
    message->contact_address = agent->address;
}

void synth_set_call_id(SynthMessage *message, const char *text, size_t length) {
    message->call_id = synth_message_set(message, text, length);
}

void synth_set_from(SynthMessage *message, const SynthStyle *style, const char *display, const char *user,
                    const char *domain) {
    SynthSlice tag = message->from.tag;
    message->from = party(message, style, display, user, strlen(user), domain);
    message->from.tag = tag;
}

void synth_set_offer(SynthRandom *random, const SynthAgent *agent, SynthMessage *message, uint32_t session,
                     uint32_t version, bool hold) {
    SynthText text = synth_message_text(message);
    char host[SYNTH_HOST_SIZE];
    bool ip6 = agent->host[0] == '[';
    size_t length = strlen(agent->host);
    snprintf(host, sizeof host, "%.*s", (int)(length - 2 * ip6), agent->host + ip6);
    synth_draw_sdp(&text, random, agent->style, host, ip6, session, version, hold);
    message->body = synth_message_slice(message, &text);
    message->content_type = "application/sdp";
    message->sdp = true;
    message->hold = hold;
}

void synth_set_body(SynthMessage *message, const char *content_type, const char *bytes, size_t length) {
    message->body = synth_message_set(message, bytes, length);
    message->content_type = content_type;
}

/* ---- requests outside of dialogs ----------------------------------------------------------------------- */

static void set_identifiers(SynthRandom *random, const SynthAgent *agent, SynthMessage *m) {
    SynthText text = synth_message_text(m);
    synth_draw_call_id(&text, random, agent->style, agent->host);
    m->call_id = synth_message_slice(m, &text);
    text = synth_message_text(m);
    synth_draw_tag(&text, random, agent->style);
    m->from.tag = synth_message_slice(m, &text);
    m->cseq = agent->style->first_cseq ? agent->style->first_cseq : synth_between(random, 1, 60000);
}

static bool shows_contact(const SynthStyle *style, WireMethod method) {
    if (method == WIRE_BYE || method == WIRE_CANCEL || method == WIRE_ACK || method == WIRE_PUBLISH)
        return style->acks_with_contact && method == WIRE_ACK;
    return method != WIRE_MESSAGE || style->acks_with_contact;
}

static void set_common(SynthRandom *random, const SynthAgent *agent, WireMethod method, SynthMessage *m) {
    m->method = (uint8_t)method;
    m->run = agent->run;
    m->max_forwards = agent->style->max_forwards == 255 ? -1 : agent->style->max_forwards;
    synth_set_branch(random, agent, m);
    if (shows_contact(agent->style, method)) synth_set_contact(agent, m, agent->user, -1);
}

void synth_request(SynthWorld *world, SynthRandom *random, const SynthAgent *agent, WireMethod method,
                   const SynthTarget *target, SynthMessage *request) {
    const char *host = target->host ? target->host : agent->domain, *user = target->user ? target->user : "";
    size_t length = target->user ? target->user_length : 0;
    synth_message_init(request, agent->style);
    SynthText text = synth_message_text(request);
    put_uri(&text, user, length, host);
    request->uri = synth_message_slice(request, &text);
    if (length) {
        request->uri_user.at = (uint16_t)(request->uri.at + 4);
        request->uri_user.length = (uint16_t)length;
    }
    if (target->address) request->uri_address = *target->address;
    request->from =
        party(request, agent->style, agent->display, agent->user, strlen(agent->user), agent->domain);
    if (method == WIRE_REGISTER)
        request->to =
            party(request, agent->style, agent->display, agent->user, strlen(agent->user), agent->domain);
    else
        request->to = party(request, agent->style, "", user, length, host);
    set_identifiers(random, agent, request);
    set_common(random, agent, method, request);
    if (synth_below(random, 256) < agent->style->odd_share)
        synth_add_odd_header(random, agent->style->odd_header, request);
    if (method == WIRE_INVITE) request->call = synth_call_new(world, agent->run);
}

void synth_register(SynthWorld *world, SynthRandom *random, const SynthAgent *agent, int32_t expires,
                    bool star, const SynthMessage *before, SynthMessage *request) {
    SynthTarget registrar = {NULL, 0, NULL, NULL};
    bool in_contact = agent->style->expires_in_contact && !star;
    synth_request(world, random, agent, WIRE_REGISTER, &registrar, request);
    if (before) {
        request->call_id = synth_message_take(request, before, before->call_id);
        request->from.tag = synth_message_take(request, before, before->from.tag);
        request->cseq = before->cseq + agent->style->register_cseq_step;
    }
    if (star)
        request->contact = synth_message_set(request, "*", 1);
    else
        synth_set_contact(agent, request, agent->user, in_contact ? expires : -1);
    if (!in_contact) request->expires = expires;
    request->contact_star = star;
    request->contact_expires = expires;
}

void synth_again(SynthRandom *random, const SynthAgent *agent, SynthMessage *request) {
    SynthSlice none = {0, 0};
    request->cseq++;
    request->credentials = none;
    request->proof = SYNTH_PROOF_NONE;
    request->ask = 0;
    request->onset = false;
    synth_set_branch(random, agent, request);
}

/* ---- digest -------------------------------------------------------------------------------------------- */

static void put_quoted_field(SynthText *text, const char *name, const char *value, size_t length) {
    synth_put_text(text, name);
    synth_put_text(text, "=\"");
    synth_put(text, value, length);
    synth_put_char(text, '"');
}

static void put_response(SynthText *text, SynthRandom *random) {
    synth_put_text(text, ", response=\"");
    synth_draw_hex(text, random, 32);
    synth_put_char(text, '"');
}

static void put_qop(SynthText *text, SynthRandom *random, const SynthAgent *agent) {
    synth_put_text(text, ", cnonce=\"");
    synth_draw_hex(text, random, 8u << (agent->style->family & 1));
    synth_put_text(text, agent->style->qop_quoted ? "\", qop=\"auth\", nc=" : "\", qop=auth, nc=");
    synth_put_hex(text, agent->nonce_count, 8);
}

static void set_credentials(SynthRandom *random, SynthAgent *agent, SynthProof proof, SynthMessage *request) {
    SynthText text = synth_message_text(request);
    bool last = agent->style->family % 3 == 1;
    agent->nonce_count++;
    synth_put_text(&text, "Digest ");
    put_quoted_field(&text, "username", agent->user, strlen(agent->user));
    put_quoted_field(&text, ", realm", agent->realm, strlen(agent->realm));
    put_quoted_field(&text, ", nonce", agent->nonce_text, strlen(agent->nonce_text));
    put_quoted_field(&text, ", uri", synth_slice(request, request->uri), request->uri.length);
    if (!last) put_response(&text, random);
    if (agent->style->family % 4) synth_put_text(&text, ", algorithm=MD5");
    if (agent->nonce_qop) put_qop(&text, random, agent);
    if (last) put_response(&text, random);
    request->credentials = synth_message_slice(request, &text);
    request->proxy_auth = agent->nonce_proxy;
    request->proof = (uint8_t)proof;
    request->account = agent->account;
    request->nonce_ns = agent->nonce_ns;
}

bool synth_authorise(SynthRandom *random, SynthAgent *agent, const SynthMessage *reply, SynthProof proof,
                     SynthMessage *request) {
    if (!reply->challenge.length) return false;
    const char *text = synth_slice(reply, reply->challenge);
    /* `Digest realm="...", ...`: servers of this world write it in this order. */
    size_t length = 0;
    while (length + 14 < reply->challenge.length && text[14 + length] != '"')
        length++;
    snprintf(agent->realm, sizeof agent->realm, "%.*s", (int)length, text + 14);
    snprintf(agent->nonce_text, sizeof agent->nonce_text, "%.*s", (int)reply->nonce.length,
             synth_slice(reply, reply->nonce));
    agent->nonce_ns = reply->nonce_ns;
    agent->nonce_proxy = reply->proxy_auth;
    agent->nonce_qop = reply->qop;
    agent->nonce_count = 0;
    agent->has_nonce = true;
    set_credentials(random, agent, proof, request);
    return true;
}

bool synth_preauthorise(SynthWorld *world, SynthRandom *random, SynthAgent *agent, SynthProof proof,
                        SynthMessage *request) {
    (void)world;
    if (!agent->has_nonce) return false;
    set_credentials(random, agent, proof, request);
    return true;
}

/* ---- what belongs to an INVITE ------------------------------------------------------------------------- */

static void take_routes(SynthMessage *to, const SynthMessage *from) {
    to->n_routes = from->n_routes;
    for (uint8_t i = 0; i < from->n_routes; i++)
        to->routes[i] = synth_message_take(to, from, from->routes[i]);
    memcpy(to->route_to, from->route_to, sizeof to->route_to);
}

static void take_invite(const SynthAgent *agent, const SynthMessage *invite, WireMethod method,
                        SynthMessage *m) {
    synth_message_init(m, agent->style);
    m->method = (uint8_t)method;
    m->run = agent->run;
    m->max_forwards = invite->max_forwards;
    m->uri = synth_message_take(m, invite, invite->uri);
    m->uri_user = synth_message_take(m, invite, invite->uri_user);
    m->uri_address = invite->uri_address;
    m->from.value = synth_message_take(m, invite, invite->from.value);
    m->from.tag = synth_message_take(m, invite, invite->from.tag);
    m->from.user = synth_message_take(m, invite, invite->from.user);
    m->to.value = synth_message_take(m, invite, invite->to.value);
    m->to.user = synth_message_take(m, invite, invite->to.user);
    m->to.tag = synth_message_take(m, invite, invite->to.tag);
    m->call_id = synth_message_take(m, invite, invite->call_id);
    m->cseq = invite->cseq;
    m->call = invite->call;
    SynthSlice branch = synth_message_take(m, invite, invite->branch);
    if (invite->n_vias)
        synth_message_push_via(m, synth_message_take(m, invite, invite->vias[0]), branch,
                               &invite->reply_to[0]);
    take_routes(m, invite);
    m->strays = invite->strays;
    memcpy(m->trail, invite->trail, sizeof m->trail);
}

void synth_ack_failure(const SynthAgent *agent, const SynthMessage *invite, const SynthMessage *reply,
                       SynthMessage *ack) {
    take_invite(agent, invite, WIRE_ACK, ack);
    if (!ack->to.tag.length) ack->to.tag = synth_message_take(ack, reply, reply->to.tag);
    ack->failure_ack = true;
    if (agent->style->acks_with_contact) synth_set_contact(agent, ack, agent->user, -1);
}

void synth_cancel(const SynthAgent *agent, const SynthMessage *invite, SynthMessage *cancel) {
    take_invite(agent, invite, WIRE_CANCEL, cancel);
}

/* ---- dialogs ------------------------------------------------------------------------------------------- */

void synth_in_dialog(SynthWorld *world, SynthRandom *random, const SynthAgent *agent, SynthEnd *end,
                     WireMethod method, uint32_t cseq, SynthMessage *request) {
    (void)world;
    synth_message_init(request, agent->style);
    request->uri = synth_message_set(request, end->target, strlen(end->target));
    request->uri_address = end->target_address;
    request->from.value = synth_message_set(request, end->local, strlen(end->local));
    request->from.tag = synth_message_set(request, end->local_tag, strlen(end->local_tag));
    request->to.value = synth_message_set(request, end->remote, strlen(end->remote));
    request->to.tag = synth_message_set(request, end->remote_tag, strlen(end->remote_tag));
    request->call_id = synth_message_set(request, end->call_id, strlen(end->call_id));
    request->cseq = method == WIRE_ACK ? cseq : ++end->cseq;
    for (uint8_t i = 0; i < end->n_routes; i++)
        request->routes[i] = synth_message_set(request, end->routes[i], strlen(end->routes[i]));
    request->n_routes = end->n_routes;
    memcpy(request->route_to, end->route_to, sizeof request->route_to);
    set_common(random, agent, method, request);
    request->call = end->call;
}

/* ---- sniffing ------------------------------------------------------------------------------------------ */

static void copy_text(char *to, size_t size, const SynthMessage *m, SynthSlice slice) {
    snprintf(to, size, "%.*s", (int)slice.length, synth_slice(m, slice));
}

static void fill_ringing(const SynthMessage *invite, SynthSniffed *s) {
    SynthEnd *end = &s->ends[0];
    copy_text(end->call_id, sizeof end->call_id, invite, invite->call_id);
    copy_text(end->local, sizeof end->local, invite, invite->from.value);
    copy_text(end->remote, sizeof end->remote, invite, invite->to.value);
    copy_text(end->local_tag, sizeof end->local_tag, invite, invite->from.tag);
    copy_text(end->target, sizeof end->target, invite, invite->uri);
    end->target_address = invite->uri_address;
    end->cseq = invite->cseq;
    end->call = invite->call;
    end->caller = true;
    s->ends[1] = *end;
    memcpy(s->ends[1].local, end->remote, sizeof end->local);
    memcpy(s->ends[1].remote, end->local, sizeof end->local);
    memset(s->ends[1].local_tag, 0, sizeof end->local_tag);
    memcpy(s->ends[1].remote_tag, end->local_tag, sizeof end->local_tag);
    s->ends[1].caller = false;
}

static bool look_at(SynthWorld *world, SynthHandle handle, bool confirmed, SynthSniffed *s) {
    SynthCall *call = synth_call(world, handle);
    if (!call || call->run || call->subscription) return false;
    const SynthTransaction *first = synth_slots_find(&world->transactions, call->invite);
    if (confirmed ? call->state != CALL_CONFIRMED : call->state != CALL_RINGING || !first) return false;
    memset(s, 0, sizeof *s);
    s->confirmed = confirmed;
    s->next_hop = world->entry;
    if (first) {
        fill_ringing(&first->request, s);
        copy_text(s->via, sizeof s->via, &first->request, first->request.vias[0]);
        copy_text(s->branch, sizeof s->branch, &first->request, first->request.branch);
        copy_text(s->uri, sizeof s->uri, &first->request, first->request.uri);
        s->invite_cseq = first->request.cseq;
        s->parties[0] = first->request.reply_to[0];
    }
    const SynthEnd *ends[2] = {synth_call_end(world, call, 0, false), synth_call_end(world, call, 1, false)};
    if (!confirmed) return true;
    if (!ends[0] || !ends[1]) return false;
    s->ends[0] = *ends[0];
    s->ends[1] = *ends[1];
    s->parties[0] = ends[1]->target_address;
    s->parties[1] = ends[0]->target_address;
    return true;
}

bool synth_sniff(SynthWorld *world, SynthRandom *random, bool confirmed, SynthSniffed *sniffed) {
    uint32_t room = (uint32_t)SYNTH_COUNT(world->recent);
    uint32_t known = world->n_recent < room ? world->n_recent : room;
    if (!known) return false;
    uint32_t start = synth_below(random, known);
    for (uint32_t i = 0; i < known; i++)
        if (look_at(world, world->recent[(start + i) % known], confirmed, sniffed)) return true;
    return false;
}
