/* Scans: who is there? Over hosts, ports and methods; quick and slow; with state and without.
 * Relies on: attack_run.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"

#include <stdio.h>
#include <stdlib.h>

enum { TARGETS_MAX = 2048 };

typedef struct Probe {
    WireAddress target;
    uint8_t method;
} Probe;

typedef struct Scan {
    AttackRun base;
    Probe *probes; /* [n_probes], base.owned */
    uint32_t n_probes;
    uint8_t user_form; /* none, one name, a number that changes, a known one */
    char user[SYNTH_USER_SIZE];
    bool cancels;
    uint32_t sockets; /* 0: one */
} Scan;

static bool take_probes(SynthWorld *world, Scan *scan) {
    scan->probes = calloc(TARGETS_MAX, sizeof *scan->probes);
    scan->base.owned = scan->probes;
    if (!scan->probes) synth_fail(world, CORE_MEMORY, "no memory for the targets of a scan");
    return scan->probes != NULL;
}

static void add_probe(Scan *scan, const WireAddress *target, WireMethod method) {
    for (uint32_t i = 0; i < scan->n_probes; i++)
        if (scan->probes[i].method == method && wire_same_address(&scan->probes[i].target, target)) return;
    if (scan->n_probes < TARGETS_MAX) scan->probes[scan->n_probes++] = (Probe){*target, (uint8_t)method};
}

static void shuffle(SynthRandom *random, Scan *scan) {
    for (uint32_t i = scan->n_probes; i > 1; i--) {
        uint32_t k = synth_below(random, i);
        Probe probe = scan->probes[i - 1];
        scan->probes[i - 1] = scan->probes[k];
        scan->probes[k] = probe;
    }
}

/* Some address that may or may not be somebody's. */
static WireAddress some_host(SynthWorld *world, SynthRandom *random) {
    WireAddress address;
    uint32_t user;
    uint32_t kind = synth_below(random, 10);
    if (kind < 4 && synth_some_phone(world, random, &address, &user)) return address;
    if (kind == 4) return world->server.address;
    if (kind == 5) return synth_some_gateway(world, random);
    address = synth_dead_address(world, random);
    address.port = 5060;
    return address;
}

static WireMethod some_method(SynthRandom *random) {
    static const WireMethod methods[] = {WIRE_OPTIONS, WIRE_OPTIONS, WIRE_OPTIONS, WIRE_REGISTER,
                                         WIRE_INVITE};
    return SYNTH_PICK(random, methods);
}

static void draw_user(SynthWorld *world, SynthRandom *random, Scan *scan) {
    static const char *const names[] = {"100",   "ping", "nm", "1000", "test",
                                        "probe", "sip",  "a",  "0",    "admin"};
    scan->user_form = (uint8_t)synth_below(random, 5);
    if (scan->user_form == 1 || scan->user_form == 4) {
        const char *name = SYNTH_PICK(random, names);
        snprintf(scan->user, sizeof scan->user, "%s", name);
    } else if (scan->user_form == 2) {
        const SynthUser *user = &world->users[synth_some_user(world, random)];
        snprintf(scan->user, sizeof scan->user, "%.*s", (int)user->length, user->name);
    }
}

static void compose(SynthWorld *world, SynthActor *actor, uint32_t agent, const Probe *probe,
                    SynthMessage *request) {
    Scan *scan = actor->state;
    char host[SYNTH_HOST_SIZE + 8];
    uint32_t length = synth_host_text(&probe->target, host);
    if (probe->target.port != 5060 || scan->user_form < 3)
        snprintf(host + length, sizeof host - length, ":%u", probe->target.port);
    else
        host[length] = 0;
    if (scan->user_form == 3)
        snprintf(scan->user, sizeof scan->user, "%u", synth_between(&actor->random, 100, 99999));
    attack_request(world, actor, agent, (WireMethod)probe->method, scan->user, strlen(scan->user), host,
                   &probe->target, request);
    if (probe->method == WIRE_OPTIONS && synth_chance(&actor->random, 0.4))
        synth_message_extra(request, WIRE_HEADER_ACCEPT, NULL, "application/sdp", 15);
}

static bool probe_tick(SynthWorld *world, SynthActor *actor) {
    Scan *scan = actor->state;
    uint32_t index = scan->base.pace.sent - 1;
    if (index >= scan->n_probes) return false;
    SynthMessage request;
    uint32_t agent = index % scan->base.n_agents;
    compose(world, actor, agent, &scan->probes[index], &request);
    attack_fire(world, actor, agent, &request, &scan->probes[index].target, 0);
    return true;
}

/* What rings is cancelled: nobody should notice. */
static void probe_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                        const SynthMessage *reply) {
    Scan *scan = actor->state;
    if (reply->method != WIRE_INVITE || reply->status <= 100 || reply->status >= 200 || pending->tag ||
        !scan->cancels)
        return;
    pending->tag = 1;
    attack_cancel(world, actor, pending);
}

static void begin(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, bool tracks, double slow, double fast, const char *kind) {
    Scan *scan = actor->state;
    char text[96];
    scan->base.pace = attack_pace(&actor->random, wish, slow, fast, scan->n_probes, scan->n_probes);
    double enough = 1.3 * scan->n_probes / wish->seconds; /* at least half of it should fit */
    if (scan->base.pace.rate < enough / 2) scan->base.pace.rate = enough / 2;
    scan->base.pace.limit = scan->n_probes;
    scan->base.tick = probe_tick;
    scan->base.reply = probe_reply;
    snprintf(text, sizeof text, "kind=%s probes=%u", kind, scan->n_probes);
    attack_begin(world, actor, builder, wish, scan->sockets ? scan->sockets : 1, tracks, text);
}

static uint32_t draw_count(SynthRandom *random, const SynthWish *wish, uint32_t low, uint32_t high) {
    if (wish->messages && high > wish->messages) high = wish->messages;
    if (high < low) high = low;
    return (uint32_t)synth_log_uniform(random, low, high + 1.0);
}

/* -- sweep: one packet to every address of a range, no state -----------------------------------------------
 */

static void sweep_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Scan *scan = actor->state;
    SynthRandom *random = &actor->random;
    if (!take_probes(world, scan)) return;
    WireAddress address;
    uint32_t user;
    if (!synth_some_phone(world, random, &address, &user) || synth_chance(random, 0.3))
        address = world->server.address;
    WireMethod method = some_method(random);
    uint32_t count = draw_count(random, wish, 8, 1400);
    uint8_t first = (uint8_t)synth_below(random, 200);
    address.port = synth_chance(random, 0.85) ? 5060 : 5080;
    for (uint32_t i = 0; i < count; i++) {
        address.ip[15] = (uint8_t)(first + i);
        if (i && address.ip[15] == 0) address.ip[14]++;
        add_probe(scan, &address, method);
    }
    if (synth_chance(random, 0.4)) shuffle(random, scan);
    draw_user(world, random, scan);
    scan->base.bare = synth_chance(random, 0.4);
    scan->base.drops_contact = synth_chance(random, 0.3);
    scan->base.from = synth_chance(random, 0.5) ? ATTACK_FROM_OWN : ATTACK_FROM_TO;
    scan->base.same_call_id = synth_chance(random, 0.15);
    begin(world, actor, &attack_scan_sweep, wish, false, 2, 400, "hosts");
}

const SynthAttackBuilder attack_scan_sweep = {
    .tool = "synth-scan-sweep",
    .class = SYNTH_SCAN,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-scan-sweep"),
    .size = sizeof(Scan),
    .start = sweep_start,
};

/* -- ports of few hosts
 * -------------------------------------------------------------------------------------- */

static void ports_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const uint16_t ports[] = {5060, 5061, 5062, 5063, 5064, 5065, 5070, 5080, 5090, 5160,  5066,
                                     6060, 8060, 5260, 5038, 4569, 1720, 5222, 5000, 5100, 15060, 25060};
    Scan *scan = actor->state;
    SynthRandom *random = &actor->random;
    if (!take_probes(world, scan)) return;
    WireMethod method = some_method(random);
    uint32_t hosts = synth_between(random, 1, 3);
    uint32_t each = draw_count(random, wish, 4, 600) / hosts + 3;
    bool known = synth_chance(random, 0.5);
    uint16_t first = (uint16_t)synth_between(random, 5000, 5060);
    for (uint32_t h = 0; h < hosts; h++) {
        WireAddress address = h ? some_host(world, random) : world->server.address;
        uint16_t own = address.port;
        add_probe(scan, &address, method);
        for (uint32_t i = 0; i < each; i++) {
            address.port = known ? ports[i % SYNTH_COUNT(ports)] : (uint16_t)(first + i);
            if (address.port != own) add_probe(scan, &address, method);
        }
    }
    if (synth_chance(random, 0.5)) shuffle(random, scan);
    draw_user(world, random, scan);
    scan->base.from = (uint8_t)synth_below(random, 3);
    scan->base.bare = synth_chance(random, 0.3);
    begin(world, actor, &attack_scan_ports, wish, false, 1, 200, "ports");
}

const SynthAttackBuilder attack_scan_ports = {
    .tool = "synth-scan-ports",
    .class = SYNTH_SCAN,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-scan-ports"),
    .size = sizeof(Scan),
    .start = ports_start,
};

/* -- methods: a full stack asks what a few hosts can do
 * ------------------------------------------------------- */

static void methods_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const WireMethod all[] = {WIRE_OPTIONS, WIRE_REGISTER, WIRE_INVITE, WIRE_SUBSCRIBE, WIRE_MESSAGE,
                                     WIRE_PUBLISH, WIRE_INFO,     WIRE_NOTIFY, WIRE_REFER,     WIRE_UPDATE};
    Scan *scan = actor->state;
    SynthRandom *random = &actor->random;
    if (!take_probes(world, scan)) return;
    uint32_t hosts = synth_between(random, 1, 12), methods = synth_between(random, 3, SYNTH_COUNT(all));
    uint32_t first = synth_below(random, SYNTH_COUNT(all));
    for (uint32_t h = 0; h < hosts; h++) {
        WireAddress address = h ? some_host(world, random) : world->server.address;
        for (uint32_t i = 0; i < methods; i++)
            add_probe(scan, &address, all[(first + i) % SYNTH_COUNT(all)]);
    }
    if (synth_chance(random, 0.3)) shuffle(random, scan);
    draw_user(world, random, scan);
    scan->cancels = true;
    scan->base.acks = synth_chance(random, 0.8);
    scan->base.retransmits = synth_chance(random, 0.4);
    begin(world, actor, &attack_scan_methods, wish, true, 0.5, 30, "methods");
}

const SynthAttackBuilder attack_scan_methods = {
    .tool = "synth-scan-methods",
    .class = SYNTH_SCAN,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-scan-methods"),
    .size = sizeof(Scan),
    .start = methods_start,
};

/* -- slow: seconds to minutes between one probe and the next
 * --------------------------------------------------- */

static void slow_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Scan *scan = actor->state;
    SynthRandom *random = &actor->random;
    if (!take_probes(world, scan)) return;
    uint32_t count = synth_between(random, 6, 60);
    bool same = synth_chance(random, 0.7);
    WireMethod method = some_method(random);
    for (uint32_t i = 0; i < 4 * count && scan->n_probes < count; i++) {
        WireAddress address = some_host(world, random);
        add_probe(scan, &address, same ? method : some_method(random));
    }
    for (uint32_t i = 0; scan->n_probes < 6 && i < 40; i++) { /* a small site: neighbours */
        WireAddress address = world->server.address;
        address.ip[15] = (uint8_t)(address.ip[15] + 1 + i);
        add_probe(scan, &address, method);
    }
    draw_user(world, random, scan);
    scan->cancels = true;
    scan->base.acks = synth_chance(random, 0.6);
    scan->base.retransmits = synth_chance(random, 0.3);
    scan->base.from = synth_chance(random, 0.6) ? ATTACK_FROM_OWN : ATTACK_FROM_RANDOM;
    begin(world, actor, &attack_scan_slow, wish, true, 1.0 / 180, 0.5, "slow");
}

const SynthAttackBuilder attack_scan_slow = {
    .tool = "synth-scan-slow",
    .class = SYNTH_SCAN,
    .seconds = 200,
    .kind = ATTACK_KIND("synth-scan-slow"),
    .size = sizeof(Scan),
    .start = slow_start,
};

/* -- several sockets, copies until something comes back
 * ------------------------------------------------------ */

static void sockets_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Scan *scan = actor->state;
    SynthRandom *random = &actor->random;
    if (!take_probes(world, scan)) return;
    uint32_t count = draw_count(random, wish, 8, 400);
    WireMethod method = some_method(random);
    bool mixed = synth_chance(random, 0.3), near = synth_chance(random, 0.6);
    WireAddress address = some_host(world, random);
    for (uint32_t i = 0; i < 4 * count && scan->n_probes < count; i++) {
        if (near)
            address.ip[15] = (uint8_t)(address.ip[15] + synth_between(random, 1, 3));
        else
            address = some_host(world, random);
        add_probe(scan, &address, mixed ? some_method(random) : method);
    }
    draw_user(world, random, scan);
    scan->cancels = scan->base.retransmits = true;
    scan->base.acks = synth_chance(random, 0.7);
    scan->base.from = (uint8_t)synth_below(random, ATTACK_FROMS);
    scan->sockets = synth_between(random, 2, 16);
    begin(world, actor, &attack_scan_sockets, wish, true, 0.3, 40, "sockets");
    if (scan->base.n_agents) attack_share_host(world, actor);
}

const SynthAttackBuilder attack_scan_sockets = {
    .tool = "synth-scan-sockets",
    .class = SYNTH_SCAN,
    .seconds = 40,
    .kind = ATTACK_KIND("synth-scan-sockets"),
    .size = sizeof(Scan),
    .start = sockets_start,
};

/* -- a ladder: OPTIONS to everybody, and more to those who answer -------------------------------------------
 */

static void ladder_later(SynthWorld *world, SynthActor *actor, AttackPending *pending) {
    static const uint8_t steps[] = {WIRE_OPTIONS, WIRE_REGISTER, WIRE_SUBSCRIBE, WIRE_INVITE};
    if (++pending->tag >= SYNTH_COUNT(steps)) return;
    Probe probe = {pending->destination, steps[pending->tag]};
    SynthMessage request;
    compose(world, actor, 0, &probe, &request);
    attack_fire(world, actor, 0, &request, &probe.target, pending->tag);
}

static void ladder_reply(SynthWorld *world, SynthActor *actor, AttackPending *pending,
                         const SynthMessage *reply) {
    if (reply->status >= 200 && reply->method != WIRE_INVITE)
        attack_later(world, actor, pending, synth_log_uniform(&actor->random, 0.002, 2));
    else if (reply->method == WIRE_INVITE && reply->status > 100 && reply->status < 200)
        attack_cancel(world, actor, pending);
}

static void ladder_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Scan *scan = actor->state;
    SynthRandom *random = &actor->random;
    if (!take_probes(world, scan)) return;
    uint32_t count = draw_count(random, wish, 4, 120);
    WireAddress server = world->server.address;
    add_probe(scan, &server, WIRE_OPTIONS);
    for (uint32_t i = 0; i < 4 * count && scan->n_probes < count; i++) {
        WireAddress address = some_host(world, random);
        add_probe(scan, &address, WIRE_OPTIONS);
    }
    draw_user(world, random, scan);
    scan->base.acks = synth_chance(random, 0.8);
    scan->base.retransmits = synth_chance(random, 0.5);
    scan->base.bare = synth_chance(random, 0.3);
    scan->base.later = ladder_later;
    begin(world, actor, &attack_scan_ladder, wish, true, 0.1, 20, "ladder");
    scan->base.reply = ladder_reply;
}

const SynthAttackBuilder attack_scan_ladder = {
    .tool = "synth-scan-ladder",
    .class = SYNTH_SCAN,
    .seconds = 40,
    .kind = ATTACK_KIND("synth-scan-ladder"),
    .size = sizeof(Scan),
    .start = ladder_start,
};
