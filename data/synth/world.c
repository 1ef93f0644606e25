/* The world: actors, sockets, packets in flight, and the loop that lets time pass.
 * Relies on: data/synth/call.h.
 * Relied on by: data/synth. */
#include "data/synth/world.h"

#include "data/synth/call.h"
#include "data/synth/plan.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct SynthSocket {
    WireAddress address;
    uint32_t actor; /* + 1; 0: nobody */
    bool used, trusted;
} SynthSocket;

typedef struct InFlight {
    WireAddress source, destination;
    bool readable;
    SynthMessage message;
} InFlight;

/* Events of the world itself have this as actor. */
#define WORLD  UINT32_MAX
#define PACKET UINT32_MAX /* and packets this as what happens */
enum { EVENT_SWEEP = 1 };

/* Calls of which nothing came are forgotten after this. */
#define FORGET_NS (240 * SYNTH_SECOND)

void synth_fail(SynthWorld *world, CoreStatus status, const char *text) {
    if (world->error.status == CORE_OK) core_fail(&world->error, status, "%s", text);
}

/* ---- actors -------------------------------------------------------------------------------------------- */

SynthActor *synth_actor_new(SynthWorld *world, const SynthActorKind *kind, size_t size) {
    if (world->n_actors == world->actors_room) {
        uint32_t room = world->actors_room ? 2 * world->actors_room : 256;
        void *grown = realloc(world->actors, room * sizeof(SynthActor *));
        if (grown) {
            world->actors = grown;
            world->actors_room = room;
        }
    }
    SynthActor *actor = world->n_actors < world->actors_room ? calloc(1, sizeof *actor) : NULL;
    void *state = actor ? calloc(1, size ? size : 1) : NULL;
    if (!state) {
        free(actor);
        synth_fail(world, CORE_MEMORY, "no memory for an actor");
        return NULL;
    }
    actor->kind = kind;
    actor->state = state;
    actor->index = world->n_actors;
    actor->random = synth_random(world->settings.seed, 1000 + (uint64_t)actor->index);
    world->actors[world->n_actors++] = actor;
    return actor;
}

void synth_wake(SynthWorld *world, const SynthActor *actor, int64_t delay_ns, uint32_t what,
                SynthHandle handle) {
    if (!synth_queue_push(&world->queue, world->now_ns + (delay_ns > 0 ? delay_ns : 0), actor->index, what,
                          handle))
        synth_fail(world, CORE_MEMORY, "no memory for events");
}

/* ---- sockets ------------------------------------------------------------------------------------------- */

static uint64_t hash_address(const WireAddress *address) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325), word;
    for (size_t at = 0; at < sizeof address->ip; at += sizeof word) {
        memcpy(&word, address->ip + at, sizeof word);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 29;
    }
    hash = (hash ^ address->port) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 32;
}

/* The address's entry, or the free one where it would go. */
static SynthSocket *entry_of(const SynthWorld *world, const WireAddress *address) {
    uint32_t mask = world->sockets_room - 1, at = (uint32_t)hash_address(address) & mask;
    while (world->sockets[at].used && !wire_same_address(&world->sockets[at].address, address))
        at = (at + 1) & mask;
    return &world->sockets[at];
}

static bool grow_sockets(SynthWorld *world) {
    uint32_t old_room = world->sockets_room, room = old_room ? 2 * old_room : 1024;
    SynthSocket *old = world->sockets, *made = calloc(room, sizeof *made);
    if (!made) return false;
    world->sockets = made;
    world->sockets_room = room;
    for (uint32_t i = 0; i < old_room; i++)
        if (old[i].used) *entry_of(world, &old[i].address) = old[i];
    free(old);
    return true;
}

static SynthSocket *make_entry(SynthWorld *world, const WireAddress *address) {
    if (world->n_sockets * 2 >= world->sockets_room && !grow_sockets(world)) {
        synth_fail(world, CORE_MEMORY, "no memory for sockets");
        return NULL;
    }
    SynthSocket *entry = entry_of(world, address);
    if (!entry->used) {
        entry->used = true;
        entry->address = *address;
        world->n_sockets++;
    }
    return entry;
}

void synth_listen(SynthWorld *world, const WireAddress *address, const SynthActor *actor) {
    SynthSocket *entry = make_entry(world, address);
    if (entry) entry->actor = actor ? actor->index + 1 : 0;
}

static uint32_t listener(const SynthWorld *world, const WireAddress *address) {
    if (!world->sockets_room) return 0;
    const SynthSocket *entry = entry_of(world, address);
    return entry->used ? entry->actor : 0;
}

bool synth_listening(const SynthWorld *world, const WireAddress *address) {
    return listener(world, address) != 0;
}

void synth_trust(SynthWorld *world, const WireAddress *address) {
    SynthSocket *entry = make_entry(world, address);
    if (entry) entry->trusted = true;
}

bool synth_trusted(const SynthWorld *world, const WireAddress *address) {
    if (!world->sockets_room) return false;
    const SynthSocket *entry = entry_of(world, address);
    return entry->used && entry->trusted;
}

/* ---- sending ------------------------------------------------------------------------------------------- */

static bool is_visible(const SynthWorld *world, const WireAddress *source, const WireAddress *destination) {
    const WireAddress *server = &world->server.address, *edge = &world->edge;
    bool of_server = wire_same_ip(source, server) || wire_same_ip(destination, server);
    switch (world->view) {
    case SYNTH_VIEW_SERVER: return of_server;
    case SYNTH_VIEW_EDGE:
        return world->edge_kind == SYNTH_EDGE_NONE
                   ? of_server
                   : !of_server && (wire_same_ip(source, edge) || wire_same_ip(destination, edge));
    default: return true;
    }
}

/* Who is far stays far; a little jitter on top. */
static int64_t latency(SynthWorld *world, const WireAddress *source, const WireAddress *destination) {
    WireAddress ends[2] = {*source, *destination};
    int64_t delay = 150000;
    for (int i = 0; i < 2; i++) {
        ends[i].port = 0;
        uint64_t hash = hash_address(&ends[i]);
        if (!wire_same_ip(&ends[i], &world->server.address))
            delay += hash % 4 ? (int64_t)(hash >> 8 & 0xfff) * 1000 : (int64_t)(hash >> 8 & 0xffff) * 700;
    }
    return delay + (int64_t)(synth_bits(&world->wire) & 0x3ffff);
}

static void write_packet(SynthWorld *world, const WireAddress *source, const WireAddress *destination,
                         const uint8_t *bytes, uint32_t length, const SynthMark *mark) {
    CoreError error = {CORE_OK, ""};
    if (world->error.status != CORE_OK) return;
    if (synth_output_packet(world->output, world->now_ns, source, destination, bytes, length, mark, &error) !=
        CORE_OK)
        world->error = error;
}

/* What a B2BUA sends under a Call-ID of its own is its own, honest message, even if it passes on a run's.
 * Where nobody sees that one, nobody can know. */
static SynthMark mark_of(const SynthWorld *world, const SynthMessage *m) {
    const uint8_t plain = m->status ? DATASET_REPLY : DATASET_REQUEST;
    if (!m->run) return (SynthMark){0, m->ask, plain};
    if (m->renamed && world->view == SYNTH_VIEW_ALL) return (SynthMark){0, 0, plain};
    if (m->hop > 0 || m->strays) return (SynthMark){m->run, 0, DATASET_RELAY};
    if (m->onset) return (SynthMark){m->run, 0, DATASET_ONSET};
    return (SynthMark){m->run, 0, m->ask ? plain : DATASET_REQUEST};
}

/* Time that a machine needs between two packets; keeps the capture's times apart too. */
static void tick(SynthWorld *world) {
    world->now_ns += 2000 + (int64_t)(synth_bits(&world->wire) & 0x7fff);
}

static void transmit(SynthWorld *world, const WireAddress *source, const WireAddress *destination,
                     const uint8_t *bytes, uint32_t length, const SynthMessage *message, uint32_t run) {
    SynthHandle handle;
    InFlight *packet = synth_slots_take(&world->packets, false, &handle);
    if (!packet) {
        synth_fail(world, CORE_MEMORY, "no memory for packets");
        return;
    }
    tick(world);
    bool lost = world->loss > 0 && synth_chance(&world->wire, world->loss);
    bool seen = is_visible(world, source, destination) && !(lost && synth_chance(&world->wire, 0.5));
    uint64_t cap = world->settings.messages;
    if (cap && synth_output_messages(world->output) >= cap) seen = false; /* the session is over */
    packet->source = *source;
    packet->destination = *destination;
    packet->readable = message != NULL;
    if (message)
        synth_message_copy(&packet->message, message);
    else
        synth_message_init(&packet->message, NULL);
    if (!message) packet->message.run = run;
    if (seen) {
        uint8_t written[SYNTH_BYTES];
        if (!synth_run_note(&world->runs, world->now_ns / 1000 * 1000, source, destination, &packet->message))
            synth_fail(world, CORE_MEMORY, "no memory for a run's messages");
        const SynthMessage *m = &packet->message;
        SynthMark mark = mark_of(world, m);
        if (!bytes) {
            length = synth_render(&packet->message, written, sizeof written);
            bytes = written;
        }
        write_packet(world, source, destination, bytes, length, &mark);
    }
    uint32_t receiver = lost ? 0 : listener(world, destination);
    if (!receiver)
        synth_slots_give(&world->packets, handle);
    else if (!synth_queue_push(&world->queue, world->now_ns + latency(world, source, destination),
                               receiver - 1, PACKET, handle))
        synth_fail(world, CORE_MEMORY, "no memory for events");
}

void synth_send(SynthWorld *world, const WireAddress *source, const WireAddress *destination,
                const SynthMessage *message) {
    transmit(world, source, destination, NULL, 0, message, 0);
}

void synth_send_bytes(SynthWorld *world, const WireAddress *source, const WireAddress *destination,
                      const uint8_t *bytes, uint32_t length, const SynthMessage *meaning, uint32_t run) {
    if (length > SYNTH_BYTES) length = SYNTH_BYTES;
    transmit(world, source, destination, bytes, length, meaning, run);
}

void synth_send_noise(SynthWorld *world, const WireAddress *source, const WireAddress *destination,
                      const char *bytes, uint32_t length) {
    tick(world);
    if (is_visible(world, source, destination))
        write_packet(world, source, destination, (const uint8_t *)bytes, length, NULL);
}

/* ---- calls --------------------------------------------------------------------------------------------- */

SynthHandle synth_call_new(SynthWorld *world, uint32_t run) {
    SynthHandle handle;
    SynthCall *call = synth_slots_take(&world->calls, true, &handle);
    if (!call || !synth_queue_push(&world->queue, world->now_ns + FORGET_NS, WORLD, EVENT_SWEEP, handle)) {
        synth_fail(world, CORE_MEMORY, "no memory for calls");
        return 0;
    }
    call->made_ns = world->now_ns;
    call->run = run;
    return handle;
}

SynthEnd *synth_call_end(SynthWorld *world, SynthCall *call, unsigned side, bool make) {
    SynthEnd *end = synth_slots_find(&world->ends, call->ends[side]);
    if (end || !make) return end;
    end = synth_slots_take(&world->ends, true, &call->ends[side]);
    if (!end) synth_fail(world, CORE_MEMORY, "no memory for dialogs");
    return end;
}

void synth_call_over(SynthWorld *world, SynthCall *call) {
    call->state = CALL_ENDED;
    for (int i = 0; i < 2; i++) {
        synth_slots_give(&world->ends, call->ends[i]);
        call->ends[i] = 0;
    }
    for (uint8_t i = 0; i < call->n_legs; i++)
        synth_slots_give(&world->legs, call->legs[i]);
    call->n_legs = 0;
    synth_slots_give(&world->plans, call->plan);
    call->plan = 0;
}

/* A call that is going on stays; what is over, or never became one, goes. */
static void sweep(SynthWorld *world, SynthHandle handle) {
    SynthCall *call = synth_call(world, handle);
    if (!call) return;
    bool old = call->subscription && world->now_ns - call->made_ns > 7200 * SYNTH_SECOND;
    if (call->state == CALL_CONFIRMED && !old) {
        if (!synth_queue_push(&world->queue, world->now_ns + FORGET_NS, WORLD, EVENT_SWEEP, handle))
            synth_fail(world, CORE_MEMORY, "no memory for events");
        return;
    }
    synth_call_over(world, call);
    synth_slots_give(&world->forwards, call->forward);
    synth_slots_give(&world->calls, handle);
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static void deliver(SynthWorld *world, SynthActor *actor, SynthHandle handle) {
    InFlight *packet = synth_slots_find(&world->packets, handle);
    if (!packet) return;
    /* Sockets move while packets are under way. */
    if (actor->kind->receive && listener(world, &packet->destination) == actor->index + 1) {
        SynthPacket view = {packet->source, packet->destination, packet->readable ? &packet->message : NULL};
        actor->kind->receive(world, actor, &view);
    }
    synth_slots_give(&world->packets, handle);
}

static void dispatch(SynthWorld *world, const SynthEvent *event) {
    if (event->actor == WORLD) {
        sweep(world, event->handle);
        return;
    }
    SynthActor *actor = world->actors[event->actor];
    if (event->what == PACKET)
        deliver(world, actor, event->handle);
    else if (actor->kind->wake)
        actor->kind->wake(world, actor, event->what, event->handle);
}

CoreStatus synth_world_run(SynthWorld *world, uint64_t messages, bool *more, CoreError *error) {
    uint64_t limit = synth_output_messages(world->output) + messages;
    uint64_t cap = world->settings.messages;
    SynthEvent event;
    *more = false;
    while (world->error.status == CORE_OK) {
        uint64_t written = synth_output_messages(world->output);
        if (cap && written >= cap) break;
        *more = written >= limit;
        if (*more || !synth_queue_pop(&world->queue, &event)) break;
        if (event.time_ns > world->end_ns) break;
        if (event.time_ns > world->now_ns) world->now_ns = event.time_ns;
        dispatch(world, &event);
    }
    if (world->error.status == CORE_OK) return CORE_OK;
    *more = false;
    if (error) *error = world->error;
    return world->error.status;
}

/* ---- beginning and end --------------------------------------------------------------------------------- */

CoreStatus synth_world_new(const SynthSettings *settings, SynthOutput *output, SynthWorld **world,
                           CoreError *error) {
    SynthWorld *made = calloc(1, sizeof *made);
    *world = NULL;
    if (!made) return core_fail(error, CORE_MEMORY, "no memory for a session");
    made->settings = *settings;
    made->output = output;
    made->random = synth_random(settings->seed, 1);
    made->wire = synth_random(settings->seed, 2);
    made->packets.size = sizeof(InFlight);
    made->transactions.size = sizeof(SynthTransaction);
    made->calls.size = sizeof(SynthCall);
    made->ends.size = sizeof(SynthEnd);
    made->legs.size = sizeof(SynthLeg);
    made->forwards.size = sizeof(SynthForward);
    made->plans.size = sizeof(SynthCallPlan);
    CoreStatus status = synth_plan(made, error);
    if (status != CORE_OK) {
        synth_world_free(made);
        return status;
    }
    made->runs.server = made->server.address;
    if (made->edge_kind != SYNTH_EDGE_NONE) made->runs.edge = made->edge;
    *world = made;
    return CORE_OK;
}

void synth_world_free(SynthWorld *world) {
    if (!world) return;
    for (uint32_t i = 0; i < world->n_actors; i++) {
        SynthActor *actor = world->actors[i];
        if (actor->kind->end)
            actor->kind->end(actor);
        else
            free(actor->state);
        free(actor);
    }
    free(world->actors);
    free(world->sockets);
    free(world->users);
    free(world->user_index);
    for (uint32_t i = 0; i < world->n_styles; i++)
        free(world->styles[i]);
    free(world->styles);
    synth_network_free(world);
    synth_queue_free(&world->queue);
    SynthSlots *slots[] = {&world->packets, &world->transactions, &world->calls, &world->ends,
                           &world->legs,    &world->forwards,     &world->plans};
    for (size_t i = 0; i < SYNTH_COUNT(slots); i++)
        synth_slots_free(slots[i]);
    synth_runs_free(&world->runs);
    free(world);
}
