/* Attack runs: what they sent and what became of it, whether that meets their class's description, and
 * labels. Relies on: data/wire, engine/core. Relied on by: data/synth, tools/data.
 *
 * A run's requests are those that its actor sent (message->run set, hop 0) and that the capture saw. The
 * descriptions are those of docs/labels.md, counted as tools/lab/label.py counts them. */
#ifndef SIPCNN_SYNTH_RUNS_H
#define SIPCNN_SYNTH_RUNS_H

#include "data/synth/message.h"
#include "engine/core/status.h"

typedef enum SynthClass { /* in the order of sipcnn-data's default class list */
                          SYNTH_FLOOD,
                          SYNTH_DISTRIBUTED_FLOOD,
                          SYNTH_SCAN,
                          SYNTH_ENUMERATION,
                          SYNTH_BRUTEFORCE,
                          SYNTH_TEARDOWN,
                          SYNTH_HIJACK,
                          SYNTH_MALFORMED,
                          SYNTH_INJECTION,
                          SYNTH_TOLL_FRAUD,
                          SYNTH_SPIT,
                          SYNTH_CLASSES
} SynthClass;

extern const char *const synth_class_names[SYNTH_CLASSES];
/* Requests of a run before anybody could know. */
extern const uint8_t synth_class_onset[SYNTH_CLASSES];

/* One message that a run sent, for judging. Texts as hashes, 0: none. */
typedef struct SynthAsk {
    int64_t time_ns;
    WireAddress from;            /* who sent it */
    uint64_t source, host, port; /* addresses: source and destination without port; destination with it */
    uint64_t to_user, uri_user, account;
    uint64_t transaction, number; /* Call-ID, CSeq, method, branch; Call-ID and CSeq alone */
    uint64_t what;                /* of MESSAGE its body, else who calls */
    uint16_t final;
    uint8_t method;
    bool is_reply, authorized, to_tag, reached, abroad, prefix;
    uint64_t call; /* its Call-ID */
} SynthAsk;

typedef struct SynthRun {
    uint8_t class;
    bool valid;      /* meets its description (after synth_runs_judge) */
    uint32_t also;   /* mask of further classes that it meets */
    uint32_t number; /* id in the tables, 1 .. */
    char tool[64], settings[256];
    int64_t start_ns, end_ns; /* of its requests; start > end: none */
    uint32_t requests;        /* without replies that it sent */
    SynthAsk *asks;
    uint32_t n_asks, asks_room;
    WireAddress *clients; /* distinct, ports 0 (after synth_runs_judge) */
    uint32_t n_clients;
    bool takes_accounts; /* of a hijack: by REGISTER, and so needs three accounts taken */
} SynthRun;

/* A time in which an honest client did by its numbers what an attack does. */
typedef struct SynthDoubt {
    int64_t start_ns, end_ns;
} SynthDoubt;

/* An honest client: an address, without port. */
typedef struct SynthClient {
    WireAddress address;
    SynthRun did;     /* in the stretch that began at did.start_ns; its class is SYNTH_CLASSES: none */
    uint32_t stretch; /* 0: none yet, 1: the first */
    SynthDoubt *doubts;
    uint32_t n_doubts, doubts_room;
} SynthClient;

typedef struct SynthRuns {
    SynthRun *runs;
    uint32_t count, room;
    WireAddress server; /* what arrives there has reached nobody yet */
    WireAddress edge;   /* port 0: none */
    SynthClient *clients;
    uint32_t n_clients, clients_room;
    uint32_t *client_index; /* open hash of addresses: index + 1 */
    uint32_t client_index_room;
} SynthRuns;

/* Opens a run; its id (index + 1) goes into message->run. 0: no memory. `tool` is the builder's name. */
uint32_t synth_run_open(SynthRuns *runs, SynthClass class, const char *tool, const char *settings);

/* Notes a packet of a run that the capture sees, before it is sent; fills its `ask` and `onset`. Replies and
 * relayed legs update what became of the request. False: no memory. */
bool synth_run_note(SynthRuns *runs, int64_t now_ns, const WireAddress *source,
                    const WireAddress *destination, SynthMessage *message);

/* The same of an honest message (honest.c): marks requests, and so all that follows from them, with their
 * client's number. Ten minutes of a client are judged together, like a run: where they meet the description
 * of a class that counting decides, nobody could tell, and their labels will be `ignore`. What the contract
 * calls honest work is not counted: calls that a person cancels, refuses or does not take, one caller's many
 * callees, and after a client's first ten minutes its OPTIONS and its calls abroad. Servers are no clients.
 * False: no memory. */
bool synth_client_note(SynthRuns *runs, int64_t now_ns, const WireAddress *source,
                       const WireAddress *destination, SynthMessage *message);

/* Whether what client number `client` (0: none) did at that time is in doubt; after synth_runs_judge. */
bool synth_client_in_doubt(const SynthRuns *runs, uint32_t client, int64_t time_ns);

/* Decides for every run whether it meets its description and which others it meets, and for what honest
 * clients did last. False: no memory. */
bool synth_runs_judge(SynthRuns *runs);

/* Whether a run meets the description of `class`. */
bool synth_run_holds(const SynthRun *run, SynthClass class);

void synth_runs_free(SynthRuns *runs);

/* ---- between runs.c and honest.c ---- */

uint64_t synth_hash_address(const WireAddress *address, bool with_port);
SynthAsk synth_ask(int64_t now_ns, const WireAddress *source, const WireAddress *destination,
                   const SynthMessage *message);
bool synth_run_add(SynthRun *run, const SynthAsk *ask);
/* Sets run->also, and run->valid, by what it asked. A run of no class must do it with a good part of its
 * requests. */
bool synth_run_judge(SynthRun *run);
bool synth_clients_judge(SynthRuns *runs);
void synth_clients_free(SynthRuns *runs);

#endif
