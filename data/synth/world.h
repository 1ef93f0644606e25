/* The synthesiser's world: sites, accounts, actors, time, and what the capture point sees.
 * Relies on: style.h, schedule.h, runs.h, output.h.
 * Relied on by: data/synth, tools/data.
 *
 * Everything that sends or receives is an actor with sockets: a phone, a proxy, a monitor, an attack. Actors
 * only act when woken or when a packet arrives, and only through the functions below; an attack run is an
 * actor exactly as an honest phone is. One thread per world. */
#ifndef SIPCNN_SYNTH_WORLD_H
#define SIPCNN_SYNTH_WORLD_H

#include "data/synth/output.h"
#include "data/synth/runs.h"
#include "data/synth/schedule.h"
#include "data/synth/style.h"

#define SYNTH_SECOND INT64_C(1000000000)
#define SYNTH_MS     INT64_C(1000000)

enum {
    SYNTH_USER_SIZE = 40, /* an account's name, final zero included */
    SYNTH_HOST_SIZE = 64,
    SYNTH_BINDINGS = 4,
    SYNTH_GATEWAYS = 3,
};

typedef struct SynthWorld SynthWorld;
typedef struct SynthActor SynthActor;

typedef struct SynthPacket {
    WireAddress source, destination;
    const SynthMessage *message; /* borrowed for the call; NULL: bytes that no server can read as SIP */
} SynthPacket;

/* What an actor does. `what` and `handle` are what synth_wake was given. */
typedef struct SynthActorKind {
    const char *name;
    void (*wake)(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle);
    void (*receive)(SynthWorld *world, SynthActor *actor, const SynthPacket *packet);
    void (*end)(SynthActor *actor); /* gives `state` back; NULL: free(state) */
} SynthActorKind;

struct SynthActor {
    const SynthActorKind *kind;
    uint32_t index;
    SynthRandom random;
    void *state; /* owned by the kind */
};

/* Where a user can be reached; the registrar's view. */
typedef struct SynthBinding {
    WireAddress address; /* socket that the REGISTER came from */
    WireAddress via;     /* the edge it came through; port 0: directly */
    int64_t expires_ns;
    uint64_t contact; /* hash of the Contact's text */
    char text[96];    /* its URI */
    uint8_t length;
} SynthBinding;

typedef struct SynthUser {
    char name[SYNTH_USER_SIZE];
    uint8_t length;
    bool online; /* an honest phone of the plan uses it */
    bool taken;  /* by an actor of the plan */
    uint8_t n_bindings;
    SynthBinding bindings[SYNTH_BINDINGS];
} SynthUser;

typedef enum SynthKind {
    SYNTH_OFFICE,
    SYNTH_CARRIER,
    SYNTH_CALLCENTRE,
    SYNTH_CAMPUS,
    SYNTH_TRUNK,
    SYNTH_HOSTED,
    SYNTH_HOME,
    SYNTH_MIXED, /* one of the others, or a mixture */
    SYNTH_KINDS
} SynthKind;

extern const char *const synth_kind_names[SYNTH_KINDS];

/* What a session is asked to be; everything else is drawn from the seed. Zeroed: a mixed session of about ten
 * minutes without attacks. */
typedef struct SynthSettings {
    uint64_t seed;
    uint64_t messages;              /* stop after so many in the capture; 0: at the end of the time */
    double hours;                   /* length; 0: drawn, minutes to an hour */
    uint32_t users;                 /* 0: drawn by kind */
    uint8_t kind;                   /* SynthKind */
    uint8_t attacks[SYNTH_CLASSES]; /* runs of each class */
    const char *tool;               /* only builders of this name or prefix; NULL: any */
    const char *without_tool;       /* none of these; NULL */
    double scale;                   /* of the honest traffic; 0: 1 */
} SynthSettings;

/* How the site's server decides; drawn. */
typedef struct SynthServer {
    WireAddress address;
    char domain[SYNTH_HOST_SIZE]; /* as users write it: a name or an address in its brackets */
    char host[SYNTH_HOST_SIZE];   /* its own address as it writes it into Via */
    char realm[SYNTH_HOST_SIZE];
    char header[SYNTH_STYLE_TEXT]; /* Server; empty: none */
    SynthStyle style;
    uint16_t unknown, unknown_register, offline, wrong_password;
    bool challenge_register, challenge_invite, challenge_messages, record_route, sends_100, qop, force_rport,
        open_inbound, answers_options, alias, path_edge, auth_int;
    uint32_t nonce_seconds, min_expires, max_expires, ring_seconds;
} SynthServer;

typedef enum SynthEdge { SYNTH_EDGE_NONE, SYNTH_EDGE_PROXY, SYNTH_EDGE_B2BUA } SynthEdge;
typedef enum SynthView { SYNTH_VIEW_ALL, SYNTH_VIEW_SERVER, SYNTH_VIEW_EDGE } SynthView;

struct SynthWorld {
    SynthSettings settings;
    int64_t start_ns, now_ns, end_ns;
    SynthRandom random; /* of the plan; actors have their own */
    uint8_t kind;
    bool ipv6;
    SynthServer server;
    WireAddress entry; /* where clients send: the edge, else the server */
    WireAddress edge;
    uint8_t edge_kind, view;
    WireAddress gateways[SYNTH_GATEWAYS];
    uint32_t n_gateways;
    SynthUser *users;
    uint32_t n_users;
    uint32_t *user_index; /* open hash of names */
    uint32_t user_index_room;
    SynthStyle *
        *styles; /* the site's models of phones; SynthStyle pointers stay valid as long as the world */
    uint32_t n_styles, styles_room;
    SynthActor **actors;
    uint32_t n_actors, actors_room;
    struct SynthSocket *sockets; /* open hash: address -> actor */
    uint32_t n_sockets, sockets_room;
    struct SynthPool *addresses; /* address ranges and what is taken (network.c) */
    SynthQueue queue;
    SynthSlots packets, transactions, calls, ends, legs, forwards, plans; /* call.h, world.c */
    SynthHandle recent[256]; /* calls that were made lately, for who sniffs */
    uint32_t n_recent;
    SynthRandom wire; /* of latency and loss */
    SynthRuns runs;
    SynthOutput *output; /* borrowed */
    double loss;         /* of packets, site-wide */
    CoreError error;     /* the first thing that went wrong; the world stops */
};

/* ---- a session, from outside ---- */

/* Draws a session and plans it. The caller frees *world. `output` is written to by synth_world_run.
 * CORE_ARGUMENT (settings), CORE_MEMORY. */
CORE_NODISCARD CoreStatus synth_world_new(const SynthSettings *settings, SynthOutput *output,
                                          SynthWorld **world, CoreError *error);

/* Lets time pass until the session's end or until about `messages` more were written; *more: there is more to
 * come. Then call synth_runs_judge on world->runs before the labels are read. */
CORE_NODISCARD CoreStatus synth_world_run(SynthWorld *world, uint64_t messages, bool *more, CoreError *error);

void synth_world_free(SynthWorld *world);

/* ---- for actors ---- */

/* A new actor with `size` zeroed bytes of state and its own generator; NULL: no memory (the world stops). */
SynthActor *synth_actor_new(SynthWorld *world, const SynthActorKind *kind, size_t size);

/* Wakes the actor after `delay_ns` (>= 0). */
void synth_wake(SynthWorld *world, const SynthActor *actor, int64_t delay_ns, uint32_t what,
                SynthHandle handle);

/* Packets to `address` go to the actor from now on, or to nobody (actor NULL). */
void synth_listen(SynthWorld *world, const WireAddress *address, const SynthActor *actor);
/* Whether somebody listens there. */
bool synth_listening(const SynthWorld *world, const WireAddress *address);

/* Sends now. The message is copied. */
void synth_send(SynthWorld *world, const WireAddress *source, const WireAddress *destination,
                const SynthMessage *message);

/* Sends bytes that no style writes; `meaning` is what a tolerant receiver reads in them (marks as run and ask
 * count there), NULL: nothing. A NULL meaning belongs to `run` (run + 1 or 0). */
void synth_send_bytes(SynthWorld *world, const WireAddress *source, const WireAddress *destination,
                      const uint8_t *bytes, uint32_t length, const SynthMessage *meaning, uint32_t run);

/* One packet of keep-alive or noise that is no SIP ("\r\n\r\n"). */
void synth_send_noise(SynthWorld *world, const WireAddress *source, const WireAddress *destination,
                      const char *bytes, uint32_t length);

/* The server believes packets from there without credentials (trunks, gateways). */
void synth_trust(SynthWorld *world, const WireAddress *address);
bool synth_trusted(const SynthWorld *world, const WireAddress *address);

/* ---- the network: who is where ---- */

/* An address that nobody has yet, with a port drawn as everybody's is. From the site's own ranges (`inside`)
 * or from anywhere else: travellers, other networks. */
WireAddress synth_new_address(SynthWorld *world, SynthRandom *random, bool inside);
/* Another free port at an address. */
WireAddress synth_new_port(SynthWorld *world, SynthRandom *random, const WireAddress *at);
/* An attacker's address: fresh, or now and then one that honest clients use too. */
WireAddress synth_attacker_address(SynthWorld *world, SynthRandom *random);
/* An address that nobody answers from. */
WireAddress synth_dead_address(SynthWorld *world, SynthRandom *random);
/* The socket of some phone of the site; false: there is none. *user: its account. */
bool synth_some_phone(SynthWorld *world, SynthRandom *random, WireAddress *address, uint32_t *user);
/* An address of an ordinary client: inside or not, as it comes at this site. */
WireAddress synth_client_address(SynthWorld *world, SynthRandom *random);
/* Some gateway to the telephone network. */
WireAddress synth_some_gateway(SynthWorld *world, SynthRandom *random);

/* "10.0.0.1" or "[fd66::1]"; returns the length. `text` has SYNTH_HOST_SIZE bytes. */
uint32_t synth_host_text(const WireAddress *address, char *text);

/* The account of that name, or UINT32_MAX. */
uint32_t synth_find_user(const SynthWorld *world, const char *name, size_t length);
/* An account: any; one that an honest phone of the site uses (false: there is none). */
uint32_t synth_some_user(SynthWorld *world, SynthRandom *random);
bool synth_online_user(SynthWorld *world, SynthRandom *random, uint32_t *user);
/* A name that no account has, near the real ones (`near`: the next extension, a slip of the finger) or not.
 */
void synth_unknown_user(SynthWorld *world, SynthRandom *random, bool near, SynthText *text);

/* One of the site's styles, or (`fresh`) a new one from the pool of all. Lives as long as the world. */
const SynthStyle *synth_some_style(SynthWorld *world, SynthRandom *random, bool fresh);

/* Stops the world with an error (the first one stays). */
void synth_fail(SynthWorld *world, CoreStatus status, const char *text);

#endif
