/* What stands in front of the server at some sites: a proxy, or a B2BUA that hides one side from the other.
 * Relies on: data/synth/call.h.
 * Relied on by: data/synth/plan.c. */
#include "data/synth/call.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAKE_FORGET = 1 };

/* A request that waits for its replies. */
typedef struct Note {
    SynthMessage request;
} Note;

typedef struct Edge {
    SynthStyle style;
    char host[SYNTH_HOST_SIZE];
    char prefix[10]; /* of identifiers that belong to the other side */
    uint8_t shift;
    SynthSlots notes;
} Edge;

static bool is_inside(const SynthWorld *world, const WireAddress *source) {
    return wire_same_address(source, &world->server.address);
}

/* ---- proxy --------------------------------------------------------------------------------------------- */

static void pop_own_route(const SynthWorld *world, SynthMessage *m) {
    if (!m->n_routes || !wire_same_address(&m->route_to[0], &world->edge)) return;
    m->n_routes--;
    memmove(m->routes, m->routes + 1, m->n_routes * sizeof *m->routes);
    memmove(m->route_to, m->route_to + 1, m->n_routes * sizeof *m->route_to);
}

static void proxy(SynthWorld *world, SynthActor *actor, SynthMessage *m, const WireAddress *source) {
    Edge *edge = actor->state;
    if (m->status) {
        synth_pass_back(world, &world->edge, m);
        return;
    }
    bool inside = is_inside(world, source), opens = !m->to.tag.length;
    m->vouched = synth_trusted(world, source);
    if (!inside) synth_note_source(m, source, true);
    pop_own_route(world, m);
    WireAddress to = world->server.address;
    if (m->n_routes)
        to = m->route_to[0];
    else if ((inside || !opens) && m->uri_address.port)
        to = m->uri_address;
    opens = opens && (m->method == WIRE_INVITE || m->method == WIRE_SUBSCRIBE);
    SynthPassing passing = {&edge->style, edge->host, world->edge, to, 0, opens, true};
    if (!wire_same_address(&to, &world->edge) && m->max_forwards != 0)
        synth_pass(world, &actor->random, &passing, m);
}

/* ---- B2BUA --------------------------------------------------------------------------------------------- */

static char shifted(char c, int by) {
    if (c >= '0' && c <= '9') return (char)('0' + (c - '0' + by + 100) % 10);
    if (c >= 'a' && c <= 'z') return (char)('a' + (c - 'a' + by + 260) % 26);
    if (c >= 'A' && c <= 'Z') return (char)('A' + (c - 'A' + by + 260) % 26);
    return c;
}

static bool is_swapped(const Edge *edge, const SynthMessage *m, SynthSlice slice) {
    size_t prefix = strlen(edge->prefix);
    return slice.length > prefix && memcmp(m->pool + slice.at, edge->prefix, prefix) == 0;
}

/* What comes from the other side gets the prefix and other letters; what goes back loses them. */
static SynthSlice swap(const Edge *edge, SynthMessage *m, SynthSlice slice) {
    if (!slice.length) return slice;
    size_t prefix = strlen(edge->prefix);
    SynthText text = synth_message_text(m);
    bool back = is_swapped(edge, m, slice);
    if (!back) synth_put(&text, edge->prefix, prefix);
    for (size_t i = back ? prefix : 0; i < slice.length; i++)
        synth_put_char(&text, shifted(m->pool[slice.at + i], back ? -edge->shift : edge->shift));
    return synth_message_slice(m, &text);
}

static SynthSlice address_uri(SynthMessage *m, SynthSlice user, const char *host, uint16_t port,
                              bool brackets) {
    SynthText text = synth_message_text(m);
    synth_put_text(&text, brackets ? "<sip:" : "sip:");
    if (user.length) {
        synth_put(&text, m->pool + user.at, user.length);
        synth_put_char(&text, '@');
    }
    synth_put_text(&text, host);
    synth_put_char(&text, ':');
    synth_put_number(&text, port);
    if (brackets) synth_put_char(&text, '>');
    return synth_message_slice(m, &text);
}

/* The other side sees the edge as the one it talks to, and nothing of the routes on this side. */
static void hide(SynthWorld *world, const Edge *edge, bool from_inside, SynthMessage *m) {
    SynthCall *call = synth_call(world, m->call);
    m->call_id = swap(edge, m, m->call_id);
    m->renamed = is_swapped(edge, m, m->call_id);
    m->from.tag = swap(edge, m, m->from.tag);
    m->to.tag = swap(edge, m, m->to.tag);
    if (!m->contact.length || m->contact_star) return;
    SynthSlice user = m->status ? m->to.user : m->from.user;
    m->contact = address_uri(m, user, edge->host, world->edge.port, true);
    if (m->method == WIRE_REGISTER) return;
    if (call && from_inside) call->edge_inside = m->contact_address;
    if (call && !from_inside) call->edge_outside = m->contact_address;
    m->contact_address = world->edge;
}

static void send_on(SynthWorld *world, SynthActor *actor, SynthMessage *m, const WireAddress *to,
                    SynthHandle note) {
    Edge *edge = actor->state;
    SynthMessage out;
    synth_message_copy(&out, m);
    /* One branch for all that belongs to one INVITE, and only one Via: the old ones stay in the note. */
    SynthPassing passing = {&edge->style, edge->host, world->edge, *to, note, false, true};
    out.style = &edge->style;
    out.n_vias = out.n_routes = out.n_record_routes = 0;
    out.max_forwards = 71;
    synth_pass(world, &actor->random, &passing, &out);
}

static void relay_request(SynthWorld *world, SynthActor *actor, SynthMessage *m, const WireAddress *source) {
    Edge *edge = actor->state;
    bool inside = is_inside(world, source);
    const SynthCall *call = synth_call(world, m->call);
    WireAddress to = world->server.address;
    SynthHandle handle = 0;
    if (m->failure_ack || m->max_forwards == 0 || m->hop + 1 >= SYNTH_HOPS) return;
    synth_note_source(m, source, true);
    m->vouched = synth_trusted(world, source);
    if (m->method != WIRE_ACK) {
        Note *note = synth_slots_take(&edge->notes, false, &handle);
        if (!note) {
            synth_fail(world, CORE_MEMORY, "no memory for an edge");
            return;
        }
        synth_message_copy(&note->request, m);
        synth_wake(world, actor, (m->method == WIRE_INVITE ? 100 : 10) * SYNTH_SECOND, WAKE_FORGET, handle);
    }
    hide(world, edge, inside, m);
    if (m->to.tag.length && call && m->method != WIRE_CANCEL)
        m->uri_address = inside ? call->edge_outside : call->edge_inside;
    if (inside || (m->to.tag.length && m->uri_address.port)) {
        char host[SYNTH_HOST_SIZE];
        synth_host_text(&m->uri_address, host);
        m->uri =
            address_uri(m, m->uri_user.length ? m->uri_user : m->to.user, host, m->uri_address.port, false);
    }
    if (inside) to = m->uri_address;
    if (to.port) send_on(world, actor, m, &to, handle);
}

static void relay_reply(SynthWorld *world, SynthActor *actor, SynthMessage *m, const WireAddress *source) {
    Edge *edge = actor->state;
    if (m->hop == 0) return;
    Note *note = synth_slots_find(&edge->notes, m->trail[m->hop]);
    if (!note) return;
    SynthMessage out;
    synth_message_copy(&out, m);
    if (m->method == WIRE_INVITE && m->status >= 300) { /* this leg ends here */
        SynthAgent self = {.style = &edge->style};
        SynthMessage ack, request;
        synth_message_copy(&request, m);
        request.uri = address_uri(&request, request.to.user, edge->host, world->edge.port, false);
        synth_ack_failure(&self, &request, m, &ack);
        ack.hop = m->hop;
        ack.run = m->run;
        ack.renamed = m->renamed;
        ack.ask = m->ask;
        ack.bare = true;
        ack.max_forwards = 70;
        ack.contact.length = 0;
        synth_send(world, &world->edge, source, &ack);
    }
    const SynthMessage *request = &note->request;
    SynthCall *call = synth_call(world, m->call);
    if (call && request->contact_address.port) { /* a call that the other side has made of the request */
        if (is_inside(world, source))
            call->edge_outside = request->contact_address;
        else
            call->edge_inside = request->contact_address;
    }
    out.style = &edge->style;
    hide(world, edge, is_inside(world, source), &out);
    out.n_vias = request->n_vias;
    for (uint8_t i = 0; i < request->n_vias; i++)
        synth_message_take_via(&out, request, i);
    memcpy(out.reply_to, request->reply_to, sizeof out.reply_to);
    out.branch = out.branches[0];
    out.n_record_routes = m->status < 300 ? request->n_record_routes : 0;
    for (uint8_t i = 0; i < out.n_record_routes; i++)
        out.record_routes[i] = synth_message_take(&out, request, request->record_routes[i]);
    memcpy(out.record_route_to, request->record_route_to, sizeof out.record_route_to);
    out.hop--;
    synth_send(world, &world->edge, &out.reply_to[0], &out);
    if (m->status >= 300 || (m->status >= 200 && m->method != WIRE_INVITE))
        synth_slots_give(&edge->notes, m->trail[m->hop]);
}

/* ---- the actor ----------------------------------------------------------------------------------------- */

static void receive(SynthWorld *world, SynthActor *actor, const SynthPacket *packet) {
    SynthMessage m;
    if (!packet->message || packet->message->broken) return;
    synth_message_copy(&m, packet->message);
    if (world->edge_kind == SYNTH_EDGE_PROXY)
        proxy(world, actor, &m, &packet->source);
    else if (m.status)
        relay_reply(world, actor, &m, &packet->source);
    else
        relay_request(world, actor, &m, &packet->source);
}

static void wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    Edge *edge = actor->state;
    (void)world;
    if (what == WAKE_FORGET) synth_slots_give(&edge->notes, handle);
}

static void end(SynthActor *actor) {
    Edge *edge = actor->state;
    synth_slots_free(&edge->notes);
    free(edge);
}

static const SynthActorKind kind = {"edge", wake, receive, end};

bool synth_edge_start(SynthWorld *world) {
    SynthActor *actor = synth_actor_new(world, &kind, sizeof(Edge));
    if (!actor) return false;
    Edge *edge = actor->state;
    edge->notes.size = sizeof(Note);
    edge->shift = (uint8_t)synth_between(&actor->random, 1, 9);
    synth_style_draw(&actor->random, &edge->style);
    synth_host_text(&world->edge, edge->host);
    SynthText text = synth_text(edge->prefix, sizeof edge->prefix);
    synth_put_text(&text, "SD");
    synth_draw_letters(&text, &actor->random, 5, false);
    synth_put_char(&text, '-');
    synth_text_end(&text);
    synth_listen(world, &world->edge, actor);
    return true;
}
