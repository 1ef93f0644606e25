/* Honest clients that do by their numbers what attacks do: when nobody could tell.
 * Relies on: data/synth/runs.h.
 * Relied on by: data/synth/runs.c, output.c, output_rows.c. */
#include "data/synth/runs.h"

#include <stdlib.h>

#define STRETCH_NS INT64_C(600000000000)
#define LATE_NS    INT64_C(2000000000) /* for the replies of what was asked last */

enum { BEGINNING = 32 }; /* the least that is looked at, in messages */

/* ---- clients ------------------------------------------------------------------------------------------- */

static uint32_t *slot_of(const SynthRuns *runs, const WireAddress *address) {
    uint32_t mask = runs->client_index_room - 1;
    uint32_t at = (uint32_t)(synth_hash_address(address, false) >> 8) & mask;
    while (runs->client_index[at] &&
           !wire_same_ip(&runs->clients[runs->client_index[at] - 1].address, address))
        at = (at + 1) & mask;
    return &runs->client_index[at];
}

static bool make_room(SynthRuns *runs) {
    if (runs->n_clients < runs->clients_room) return true;
    uint32_t room = runs->clients_room ? 2 * runs->clients_room : 256;
    void *clients = realloc(runs->clients, room * sizeof *runs->clients);
    if (!clients) return false;
    runs->clients = clients;
    uint32_t *index = calloc(2u * room, sizeof *index);
    if (!index) return false;
    free(runs->client_index);
    runs->client_index = index;
    runs->client_index_room = 2 * room;
    runs->clients_room = room;
    for (uint32_t i = 0; i < runs->n_clients; i++)
        *slot_of(runs, &runs->clients[i].address) = i + 1;
    return true;
}

/* The client at an address; NULL: no memory. */
static SynthClient *client_of(SynthRuns *runs, const WireAddress *address, uint32_t *number) {
    if (!make_room(runs)) return NULL;
    uint32_t *slot = slot_of(runs, address);
    if (!*slot) {
        SynthClient *made = &runs->clients[runs->n_clients];
        memset(made, 0, sizeof *made);
        made->address = *address;
        made->did.class = SYNTH_CLASSES;
        *slot = ++runs->n_clients;
    }
    *number = *slot;
    return &runs->clients[*slot - 1];
}

static bool is_client(const SynthRuns *runs, const WireAddress *address) {
    return !wire_same_ip(address, &runs->server) && !(runs->edge.port && wire_same_ip(address, &runs->edge));
}

/* ---- judging ------------------------------------------------------------------------------------------- */

static bool add_doubt(SynthClient *client, int64_t end_ns) {
    if (client->n_doubts == client->doubts_room) {
        uint32_t room = client->doubts_room ? 2 * client->doubts_room : 4;
        void *grown = realloc(client->doubts, room * sizeof *client->doubts);
        if (!grown) return false;
        client->doubts = grown;
        client->doubts_room = room;
    }
    client->doubts[client->n_doubts++] = (SynthDoubt){client->did.start_ns, end_ns};
    return true;
}

/* A monitor's first rounds are a scan; once it has asked the same often enough, it is none. */
static bool judge_beginning(SynthClient *client) {
    SynthRun *did = &client->did;
    uint32_t all = did->n_asks;
    bool good = true;
    int64_t end_ns = 0;
    for (uint32_t n = BEGINNING; good; n *= 2) {
        did->n_asks = n < all ? n : all;
        good = synth_run_judge(did);
        if (did->also >> SYNTH_SCAN & 1) end_ns = did->asks[did->n_asks - 1].time_ns + LATE_NS;
        if (n >= all) break;
    }
    return good && (!end_ns || add_doubt(client, end_ns));
}

/* What the client did in the stretch that is over now. */
static bool judge_stretch(SynthClient *client) {
    uint32_t counts = 1u << SYNTH_FLOOD | 1u << SYNTH_ENUMERATION | 1u << SYNTH_BRUTEFORCE | 1u << SYNTH_SPIT;
    SynthRun *did = &client->did;
    bool good = true;
    if (client->stretch == 1) counts |= 1u << SYNTH_TOLL_FRAUD;
    if (did->requests >= 3) good = client->stretch == 1 ? judge_beginning(client) : synth_run_judge(did);
    if (good && did->also & counts) good = add_doubt(client, did->start_ns + STRETCH_NS);
    did->n_asks = did->requests = did->also = 0;
    return good;
}

bool synth_clients_judge(SynthRuns *runs) {
    bool good = true;
    for (uint32_t i = 0; i < runs->n_clients && good; i++)
        if (runs->clients[i].stretch) good = judge_stretch(&runs->clients[i]);
    return good;
}

bool synth_client_in_doubt(const SynthRuns *runs, uint32_t client, int64_t time_ns) {
    if (!client) return false;
    const SynthClient *c = &runs->clients[client - 1];
    for (uint32_t i = 0; i < c->n_doubts; i++)
        if (time_ns >= c->doubts[i].start_ns && time_ns < c->doubts[i].end_ns) return true;
    return false;
}

/* ---- noting -------------------------------------------------------------------------------------------- */

/* Somebody was there and said so: honest callers get that from people and their phones all day. A nonce that
 * has become stale is no wrong password. */
static bool is_success(const SynthMessage *reply) {
    uint16_t status = reply->status;
    return reply->stale || status == 480 || status == 486 || status == 487 || status == 600 || status == 603;
}

static bool note_request(SynthRuns *runs, int64_t now_ns, const WireAddress *source,
                         const WireAddress *destination, SynthMessage *message) {
    message->ask = 0;
    if (!is_client(runs, source)) return true;
    SynthClient *client = client_of(runs, source, &message->ask);
    if (!client) return false;
    SynthRun *did = &client->did;
    if (!client->stretch || now_ns >= did->start_ns + STRETCH_NS) {
        if (client->stretch && !judge_stretch(client)) return false;
        client->stretch++;
        did->start_ns = now_ns;
    }
    if (message->method == WIRE_OPTIONS && client->stretch > 1) return true;
    SynthAsk ask = synth_ask(now_ns, source, destination, message);
    if (message->method == WIRE_OPTIONS)
        ask.final = 200; /* monitors ask the dead too: nothing is left open */
    did->requests += message->method != WIRE_ACK;
    return synth_run_add(did, &ask);
}

/* Replies tell what became of a request, and relayed texts that they reached somebody. */
static bool note_other(SynthRuns *runs, int64_t now_ns, const WireAddress *source,
                       const WireAddress *destination, const SynthMessage *message) {
    bool reached = message->hop > 0 && !message->status && message->method == WIRE_MESSAGE &&
                   is_client(runs, destination);
    bool answers = message->hop == 0 && message->status >= 200 && message->method != WIRE_OPTIONS;
    if (!message->ask || message->ask > runs->n_clients || !(reached || answers)) return true;
    SynthAsk ask = synth_ask(now_ns, source, destination, message);
    ask.is_reply = true;
    ask.reached = reached;
    ask.final = is_success(message) ? 200 : message->status;
    return synth_run_add(&runs->clients[message->ask - 1].did, &ask);
}

bool synth_client_note(SynthRuns *runs, int64_t now_ns, const WireAddress *source,
                       const WireAddress *destination, SynthMessage *message) {
    if (message->hop == 0 && !message->status)
        return note_request(runs, now_ns, source, destination, message);
    return note_other(runs, now_ns, source, destination, message);
}

void synth_clients_free(SynthRuns *runs) {
    for (uint32_t i = 0; i < runs->n_clients; i++) {
        free(runs->clients[i].doubts);
        free(runs->clients[i].did.asks);
        free(runs->clients[i].did.clients);
    }
    free(runs->clients);
    free(runs->client_index);
}
