/* A run that rules describe, as its messages come by: when, from whom, and which are its onset.
 * Relies on: data/wire (message, scan), xxHash.
 * Relied on by: import.c. */
#include "data/dataset/onset.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>

static void note_client(Onset *onset, const WireAddress *client) {
    for (uint32_t i = 0; i < onset->n_clients; i++)
        if (wire_same_ip(&onset->clients[i], client)) return;
    if (onset->n_clients == ONSET_CLIENTS_MAX) return;
    if (onset->n_clients % 16 == 0) {
        void *grown = realloc(onset->clients, (onset->n_clients + 16) * sizeof *onset->clients);
        if (!grown) return;
        onset->clients = grown;
    }
    onset->clients[onset->n_clients++] = *client;
}

/* A request and its replies share Call-ID and CSeq number. */
static uint64_t transaction(const WireMessage *message, const WireScan *scan) {
    return XXH3_64bits_withSeed(message->bytes + scan->call_id.offset, scan->call_id.length, scan->cseq);
}

static bool is_open(const Onset *onset, uint64_t hash) {
    for (unsigned i = 0; i < onset->n_open; i++)
        if (onset->open[i] == hash) return true;
    return false;
}

bool onset_step(Onset *onset, uint32_t grace, const WireMessage *message, const WireScan *scan,
                const WireAddress *client) {
    if (!onset->start_ns && !onset->end_ns) onset->start_ns = message->time_ns;
    if (message->time_ns > onset->end_ns) onset->end_ns = message->time_ns;
    uint64_t hash = transaction(message, scan);
    if (!scan->request) return is_open(onset, hash);
    note_client(onset, client);
    if (onset->requests >= grace || onset->n_open == ONSET_REQUESTS_MAX) return false;
    onset->requests++;
    onset->open[onset->n_open++] = hash;
    return true;
}

void onset_free(Onset *onset) {
    free(onset->clients);
    onset->clients = NULL;
    onset->n_clients = 0;
}
