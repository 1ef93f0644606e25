/* What proxies do to messages, and the dialogs that requests make.
 * Relies on: data/synth/call.h.
 * Relied on by: server.c, edge.c, phone.c. */
#include "data/synth/call.h"

#include <stdio.h>

/* ---- passing on ---------------------------------------------------------------------------------------- */

/* A stateless proxy gives an INVITE, its copies, its CANCEL and its ACK one branch (RFC 3261 16.11). */
static uint64_t hash_branch(const SynthMessage *message) {
    const char *text = synth_slice(message, message->branch);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint16_t i = 0; i < message->branch.length; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void push_via(SynthRandom *random, const SynthPassing *passing, SynthMessage *message) {
    SynthSlice value, branch;
    SynthText text = synth_message_text(message);
    synth_put_text(&text, "SIP/2.0/UDP ");
    synth_put_text(&text, passing->host);
    if (passing->self.port != 5060 || passing->style->sent_by_port) {
        synth_put_char(&text, ':');
        synth_put_number(&text, passing->self.port);
    }
    synth_put_text(&text, ";branch=");
    uint32_t at = text.length;
    SynthRandom fixed = synth_random(hash_branch(message), passing->self.port);
    synth_draw_branch(&text, passing->stateless ? &fixed : random, passing->style);
    branch.length = (uint16_t)(text.length - at);
    value = synth_message_slice(message, &text);
    branch.at = (uint16_t)(value.at + at);
    synth_message_push_via(message, value, branch, &passing->self);
}

static void push_record_route(const SynthPassing *passing, SynthMessage *m) {
    if (m->n_record_routes == SYNTH_ROUTES) return;
    SynthText text = synth_message_text(m);
    synth_put_text(&text, "<sip:");
    synth_put_text(&text, passing->host);
    if (passing->self.port != 5060) {
        synth_put_char(&text, ':');
        synth_put_number(&text, passing->self.port);
    }
    synth_put_text(&text, ";lr");
    if (passing->style->family % 3 == 0) {
        synth_put_text(&text, ";ftag=");
        synth_put(&text, m->pool + m->from.tag.at, m->from.tag.length);
    }
    synth_put_char(&text, '>');
    memmove(m->record_routes + 1, m->record_routes, m->n_record_routes * sizeof *m->record_routes);
    memmove(m->record_route_to + 1, m->record_route_to, m->n_record_routes * sizeof *m->record_route_to);
    m->record_routes[0] = synth_message_slice(m, &text);
    m->record_route_to[0] = passing->self;
    m->n_record_routes++;
}

bool synth_pass(SynthWorld *world, SynthRandom *random, const SynthPassing *passing, SynthMessage *message) {
    if (message->hop + 1 >= SYNTH_HOPS || message->n_vias == SYNTH_VIAS) return false;
    message->hop++;
    message->trail[message->hop] = passing->note;
    if (passing->record_route) push_record_route(passing, message);
    push_via(random, passing, message);
    if (message->max_forwards > 0)
        message->max_forwards--;
    else if (message->max_forwards < 0)
        message->max_forwards = 70;
    synth_send(world, &passing->self, &passing->to, message);
    return true;
}

bool synth_pass_back(SynthWorld *world, const WireAddress *self, SynthMessage *reply) {
    if (reply->n_vias < 2 || reply->hop == 0) return false;
    synth_message_pop_via(reply);
    reply->hop--;
    synth_send(world, self, &reply->reply_to[0], reply);
    return true;
}

void synth_note_source(SynthMessage *message, const WireAddress *source, bool always) {
    char host[SYNTH_HOST_SIZE];
    if (!message->n_vias) return;
    const char *via = synth_slice(message, message->vias[0]);
    size_t length = message->vias[0].length;
    size_t known = synth_host_text(source, host);
    message->reply_to[0] = *source;
    bool same = length > 12 + known && memcmp(via + 12, host, known) == 0;
    const char *rport = NULL;
    for (size_t i = 0; i + 6 <= length && !rport; i++)
        if (memcmp(via + i, ";rport", 6) == 0 && (i + 6 == length || via[i + 6] == ';')) rport = via + i + 6;
    if (same && !rport && !always) return;
    SynthText text = synth_message_text(message);
    size_t head = rport ? (size_t)(rport - via) : length;
    synth_put(&text, via, head);
    if (rport || always) {
        if (!rport) synth_put_text(&text, ";rport");
        synth_put_char(&text, '=');
        synth_put_number(&text, source->port);
    }
    synth_put(&text, via + head, length - head);
    if (!same || always) {
        bool ip6 = host[0] == '[';
        synth_put_text(&text, ";received=");
        synth_put(&text, host + ip6, known - 2 * ip6);
    }
    message->vias[0] = synth_message_slice(message, &text);
}

/* ---- dialogs ------------------------------------------------------------------------------------------- */

SynthSlice synth_contact_uri(const SynthMessage *message) {
    SynthSlice uri = message->contact;
    const char *text = synth_slice(message, uri);
    for (uint16_t i = 0; i < message->contact.length; i++) {
        if (text[i] == '<') {
            uri.at = (uint16_t)(message->contact.at + i + 1);
            uri.length = (uint16_t)(message->contact.length - i - 1);
        } else if (text[i] == '>') {
            uri.length = (uint16_t)(message->contact.at + i - uri.at);
            break;
        }
    }
    return uri;
}

static void copy(char *to, size_t size, const SynthMessage *m, SynthSlice slice) {
    size_t length = slice.length < size - 1 ? slice.length : size - 1;
    memcpy(to, synth_slice(m, slice), length);
    to[length] = '\0';
}

static void set_target(const SynthMessage *m, SynthEnd *end) {
    copy(end->target, sizeof end->target, m, synth_contact_uri(m));
    end->target_address = m->contact_address;
}

static void set_routes(const SynthMessage *m, bool reversed, SynthEnd *end) {
    end->n_routes = m->n_record_routes;
    for (uint8_t i = 0; i < m->n_record_routes; i++) {
        uint8_t at = reversed ? (uint8_t)(m->n_record_routes - 1 - i) : i;
        copy(end->routes[i], sizeof end->routes[i], m, m->record_routes[at]);
        end->route_to[i] = m->record_route_to[at];
    }
}

void synth_end_of_asked(SynthRandom *random, const SynthMessage *request, const char *tag, SynthEnd *end) {
    copy(end->call_id, sizeof end->call_id, request, request->call_id);
    copy(end->local, sizeof end->local, request, request->to.value);
    copy(end->remote, sizeof end->remote, request, request->from.value);
    copy(end->remote_tag, sizeof end->remote_tag, request, request->from.tag);
    snprintf(end->local_tag, sizeof end->local_tag, "%s", tag);
    set_target(request, end);
    set_routes(request, false, end);
    end->cseq = synth_between(random, 1, 500);
    end->call = request->call;
    end->caller = false;
}

void synth_end_of_asker(const SynthMessage *request, const SynthMessage *reply, SynthEnd *end) {
    copy(end->call_id, sizeof end->call_id, request, request->call_id);
    copy(end->local, sizeof end->local, request, request->from.value);
    copy(end->local_tag, sizeof end->local_tag, request, request->from.tag);
    copy(end->remote, sizeof end->remote, request, request->to.value);
    copy(end->remote_tag, sizeof end->remote_tag, reply, reply->to.tag);
    set_target(reply, end);
    set_routes(reply, true, end);
    end->cseq = request->cseq;
    end->call = reply->call;
    end->caller = true;
}
