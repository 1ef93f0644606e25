/* A run that rules describe, as its messages come by: when, from whom, and which are its onset.
 * Relies on: data/wire (message, scan).
 * Relied on by: import.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_ONSET_H
#define SIPCNN_DATASET_ONSET_H

#include "data/wire/message.h"
#include "data/wire/scan.h"

enum {
    ONSET_REQUESTS_MAX = 64,  /* no class has a longer onset */
    ONSET_CLIENTS_MAX = 4096, /* of a run; more are not listed */
};

/* Zeroed at the start. */
typedef struct Onset {
    int64_t start_ns, end_ns; /* of the messages so far; both 0: none */
    uint64_t requests;
    uint64_t open[ONSET_REQUESTS_MAX]; /* hashes of Call-ID and CSeq of the onset's requests */
    unsigned n_open;
    WireAddress *clients; /* [n_clients], distinct */
    uint32_t n_clients;
} Onset;

/* Takes the run's next message with its scan and client; true if it belongs to the onset: one of the run's
 * first `grace` requests, or the reply to one. A client that finds no memory is not listed. */
bool onset_step(Onset *onset, uint32_t grace, const WireMessage *message, const WireScan *scan,
                const WireAddress *client);

void onset_free(Onset *onset);

#endif
