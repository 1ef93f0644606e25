/* Who is where: address ranges, accounts, phones that can be found.
 * Relies on: data/synth/plan.h.
 * Relied on by: data/synth. */
#include "data/synth/plan.h"

#include <stdio.h>
#include <stdlib.h>

enum { PREFIXES = 3, SHARED = 512 };

/* Ranges hold 16 variable bits (IPv4) or 32 (IPv6) behind their prefix. */
typedef struct SynthPool {
    WireAddress inside[PREFIXES], outside;
    uint32_t n_inside;
    double outside_share, shared_share;
    uint64_t *taken; /* open hash of addresses given out */
    uint32_t n_taken, taken_room;
    WireAddress shared[SHARED]; /* addresses of honest clients */
    uint32_t n_shared;
} SynthPool;

/* ---- ranges -------------------------------------------------------------------------------------------- */

static void set_ip4(WireAddress *address, uint32_t ip) {
    memset(address, 0, sizeof *address);
    memset(address->ip + 10, 0xff, 2);
    for (int i = 0; i < 4; i++)
        address->ip[12 + i] = (uint8_t)(ip >> 8 * (3 - i));
}

static void draw_inside(SynthWorld *world, SynthRandom *random, WireAddress *prefix) {
    if (world->ipv6) {
        memset(prefix, 0, sizeof *prefix);
        prefix->ip[0] = 0xfd;
        for (int i = 1; i < 8; i++)
            prefix->ip[i] = (uint8_t)synth_bits(random);
        return;
    }
    switch (synth_below(random, 3)) {
    case 0: set_ip4(prefix, 10u << 24 | synth_below(random, 256) << 16); break;
    case 1: set_ip4(prefix, 172u << 24 | synth_between(random, 16, 31) << 16); break;
    default: set_ip4(prefix, 192u << 24 | 168u << 16); break;
    }
}

/* Others' networks: ranges that are reserved for tests and carriers. */
static void draw_outside(SynthWorld *world, SynthRandom *random, WireAddress *prefix) {
    if (world->ipv6) {
        static const uint8_t documentation[4] = {0x20, 0x01, 0x0d, 0xb8};
        memset(prefix, 0, sizeof *prefix);
        memcpy(prefix->ip, documentation, sizeof documentation);
        prefix->ip[5] = (uint8_t)synth_bits(random);
    } else if (synth_chance(random, 0.5)) {
        set_ip4(prefix, 198u << 24 | (18 + synth_below(random, 2)) << 16);
    } else {
        set_ip4(prefix, 100u << 24 | synth_between(random, 64, 127) << 16);
    }
}

static uint64_t hash_ip(const WireAddress *address) {
    uint64_t high, low;
    memcpy(&high, address->ip, sizeof high);
    memcpy(&low, address->ip + 8, sizeof low);
    uint64_t hash = (high ^ (low + UINT64_C(0x9e3779b97f4a7c15))) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 31 ^ low) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (hash ^ hash >> 29) | 1;
}

static bool grow_taken(SynthPool *pool) {
    uint32_t room = pool->taken_room ? 2 * pool->taken_room : 4096;
    uint64_t *made = calloc(room, sizeof *made);
    if (!made) return false;
    for (uint32_t i = 0; i < pool->taken_room; i++) {
        uint64_t hash = pool->taken[i];
        uint32_t at = (uint32_t)(hash >> 1) & (room - 1);
        while (hash && made[at])
            at = (at + 1) & (room - 1);
        if (hash) made[at] = hash;
    }
    free(pool->taken);
    pool->taken = made;
    pool->taken_room = room;
    return true;
}

/* False: somebody has it. */
static bool take(SynthWorld *world, const WireAddress *address) {
    SynthPool *pool = world->addresses;
    if (2 * pool->n_taken >= pool->taken_room && !grow_taken(pool)) {
        synth_fail(world, CORE_MEMORY, "no memory for addresses");
        return true;
    }
    uint64_t hash = hash_ip(address);
    uint32_t at = (uint32_t)(hash >> 1) & (pool->taken_room - 1);
    for (; pool->taken[at]; at = (at + 1) & (pool->taken_room - 1))
        if (pool->taken[at] == hash) return false;
    pool->taken[at] = hash;
    pool->n_taken++;
    return true;
}

static uint16_t draw_port(SynthRandom *random) {
    static const uint16_t usual[] = {5060, 5060, 5060, 5060, 5060, 5060, 5060, 5062, 5064, 5070, 5080};
    if (synth_chance(random, 0.6)) return SYNTH_PICK(random, usual);
    return (uint16_t)synth_between(random, 1024, 65000);
}

static WireAddress fresh(SynthWorld *world, SynthRandom *random, const WireAddress *prefix) {
    WireAddress address = *prefix;
    for (int tries = 0; tries < 2000; tries++) {
        uint32_t host = (uint32_t)synth_bits(random);
        if (world->ipv6) {
            for (int i = 12; i < 16; i++)
                address.ip[i] = (uint8_t)(host >> 8 * (i - 12));
            if (synth_chance(random, 0.5)) address.ip[12] = address.ip[13] = 0;
        } else {
            address.ip[14] = (uint8_t)(host >> 8);
            address.ip[15] = (uint8_t)(1 + host % 254);
        }
        if (take(world, &address)) break;
    }
    address.port = draw_port(random);
    return address;
}

WireAddress synth_new_address(SynthWorld *world, SynthRandom *random, bool inside) {
    SynthPool *pool = world->addresses;
    return fresh(world, random, inside ? &pool->inside[synth_below(random, pool->n_inside)] : &pool->outside);
}

WireAddress synth_client_address(SynthWorld *world, SynthRandom *random) {
    return synth_new_address(world, random, !synth_chance(random, world->addresses->outside_share));
}

WireAddress synth_new_port(SynthWorld *world, SynthRandom *random, const WireAddress *at) {
    WireAddress address = *at;
    for (int tries = 0; tries < 200; tries++) {
        address.port = tries < 3 ? draw_port(random) : (uint16_t)synth_between(random, 1024, 65000);
        if (!synth_listening(world, &address)) break;
    }
    return address;
}

void synth_network_share(SynthWorld *world, const WireAddress *address) {
    SynthPool *pool = world->addresses;
    if (pool->n_shared < SHARED) pool->shared[pool->n_shared++] = *address;
}

WireAddress synth_attacker_address(SynthWorld *world, SynthRandom *random) {
    SynthPool *pool = world->addresses;
    if (pool->n_shared && synth_chance(random, pool->shared_share))
        return synth_new_port(world, random, &pool->shared[synth_below(random, pool->n_shared)]);
    return synth_client_address(world, random);
}

WireAddress synth_dead_address(SynthWorld *world, SynthRandom *random) {
    WireAddress address = synth_client_address(world, random);
    if (synth_chance(random, 0.7)) address.port = 5060;
    return address;
}

uint32_t synth_host_text(const WireAddress *address, char *text) {
    char bare[WIRE_ADDRESS_TEXT_MAX];
    wire_address_text(address, false, bare, sizeof bare);
    bool ip6 = strchr(bare, ':') != NULL;
    int length = snprintf(text, SYNTH_HOST_SIZE, ip6 ? "[%s]" : "%s", bare);
    return length > 0 ? (uint32_t)length : 0;
}

/* ---- accounts ------------------------------------------------------------------------------------------ */

static uint32_t hash_name(const char *name, size_t length) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 32);
}

uint32_t synth_find_user(const SynthWorld *world, const char *name, size_t length) {
    if (!length || length >= SYNTH_USER_SIZE || !world->user_index_room) return UINT32_MAX;
    uint32_t mask = world->user_index_room - 1, at = hash_name(name, length) & mask;
    for (; world->user_index[at]; at = (at + 1) & mask) {
        const SynthUser *user = &world->users[world->user_index[at] - 1];
        if (user->length == length && memcmp(user->name, name, length) == 0) return world->user_index[at] - 1;
    }
    return UINT32_MAX;
}

static bool add_user(SynthWorld *world, const SynthText *name) {
    if (synth_find_user(world, name->bytes, name->length) != UINT32_MAX) return false;
    SynthUser *user = &world->users[world->n_users];
    memset(user, 0, sizeof *user);
    memcpy(user->name, name->bytes, name->length);
    user->length = (uint8_t)name->length;
    uint32_t mask = world->user_index_room - 1, at = hash_name(user->name, user->length) & mask;
    while (world->user_index[at])
        at = (at + 1) & mask;
    world->user_index[at] = ++world->n_users;
    return true;
}

typedef enum UserForm {
    FORM_EXTENSION3,
    FORM_EXTENSION4,
    FORM_NAMES,
    FORM_NUMBERS,
    FORM_LINES,
    FORM_MIXED
} UserForm;

static void draw_name(SynthWorld *world, SynthRandom *random, UserForm form, uint32_t start,
                      SynthText *text) {
    static const char *const first[] = {"alice", "bob", "carol", "dave",  "maya", "omar",
                                        "ana",   "tom", "ivan",  "nadia", "jose", "ulla",
                                        "frank", "li",  "kim",   "pilar", "jan",  "oskar"};
    static const char *const last[] = {"smith", "brown",  "lee",   "rossi",   "novak",  "jensen",   "khan",
                                       "silva", "okafor", "meyer", "o'brien", "dubois", "kowalski", "tanaka"};
    static const char *const between[] = {".", "_", "", "-"};
    if (form == FORM_MIXED) form = (UserForm)synth_below(random, FORM_MIXED);
    switch (form) {
    case FORM_EXTENSION3:
    case FORM_EXTENSION4: synth_put_number(text, start + world->n_users + (synth_chance(random, 0.1))); break;
    case FORM_NAMES:
        synth_put_text(text, SYNTH_PICK(random, first));
        synth_put_text(text, SYNTH_PICK(random, between));
        synth_put_text(text, SYNTH_PICK(random, last));
        if (world->n_users > 60) synth_put_number(text, synth_between(random, 1, 999));
        break;
    case FORM_NUMBERS:
        synth_put_text(text, start % 3 == 0 ? "+49" : start % 3 == 1 ? "49" : "0");
        synth_draw_digits(text, random, 8);
        break;
    default:
        synth_put_text(text, start % 2 ? "line" : "t");
        synth_put_number(text, start * 10 + world->n_users);
        break;
    }
}

static bool draw_users(SynthWorld *world, SynthRandom *random, uint32_t count) {
    static const uint32_t starts3[] = {100, 200, 300, 10}, starts4[] = {1000, 2000, 3100, 7000, 10000};
    UserForm form = (UserForm)synth_below(random, FORM_MIXED + 1);
    if (form == FORM_EXTENSION3 && count > 800) form = FORM_EXTENSION4;
    uint32_t start = form == FORM_EXTENSION3 ? SYNTH_PICK(random, starts3) : SYNTH_PICK(random, starts4);
    world->user_index_room = 1024;
    while (world->user_index_room < 2 * count + 2)
        world->user_index_room *= 2;
    world->users = calloc(count + 1u, sizeof *world->users);
    world->user_index = calloc(world->user_index_room, sizeof *world->user_index);
    if (!world->users || !world->user_index) return false;
    for (uint32_t tries = 0; world->n_users < count && tries < 50 * count + 100; tries++) {
        char name[SYNTH_USER_SIZE - 1];
        SynthText text = synth_text(name, sizeof name);
        draw_name(world, random, form, start, &text);
        add_user(world, &text);
    }
    return true;
}

uint32_t synth_some_user(SynthWorld *world, SynthRandom *random) {
    return synth_below(random, world->n_users);
}

bool synth_online_user(SynthWorld *world, SynthRandom *random, uint32_t *user) {
    for (int tries = 0; tries < 64; tries++) {
        *user = synth_below(random, world->n_users);
        if (world->users[*user].online) return true;
    }
    for (*user = 0; *user < world->n_users; (*user)++)
        if (world->users[*user].online) return true;
    return false;
}

uint32_t synth_take_user(SynthWorld *world, SynthRandom *random) {
    uint32_t start = synth_below(random, world->n_users);
    for (uint32_t i = 0; i < world->n_users; i++) {
        SynthUser *user = &world->users[(start + i) % world->n_users];
        if (user->taken) continue;
        user->taken = true;
        return (uint32_t)(user - world->users);
    }
    return UINT32_MAX;
}

void synth_unknown_user(SynthWorld *world, SynthRandom *random, bool near, SynthText *text) {
    uint32_t begin = text->length;
    for (int tries = 0; tries < 20; tries++) {
        text->length = begin;
        if (near) { /* a slip of the finger on a real name */
            const SynthUser *user = &world->users[synth_below(random, world->n_users)];
            synth_put(text, user->name, user->length - (user->length > 2));
            synth_put_char(text, (char)('0' + synth_below(random, 10)));
            if (synth_chance(random, 0.3)) synth_put_char(text, (char)('0' + synth_below(random, 10)));
        } else if (synth_chance(random, 0.5)) {
            synth_draw_digits(text, random, synth_between(random, 3, 7));
        } else {
            synth_draw_letters(text, random, synth_between(random, 4, 9), true);
        }
        if (synth_find_user(world, text->bytes + begin, text->length - begin) == UINT32_MAX) return;
    }
    synth_draw_letters(text, random, 6, true);
}

bool synth_some_phone(SynthWorld *world, SynthRandom *random, WireAddress *address, uint32_t *user) {
    for (int tries = 0; tries < 32; tries++) {
        if (!synth_online_user(world, random, user)) return false;
        const SynthUser *found = &world->users[*user];
        if (!found->n_bindings) continue;
        *address = found->bindings[synth_below(random, found->n_bindings)].address;
        return true;
    }
    return false;
}

WireAddress synth_some_gateway(SynthWorld *world, SynthRandom *random) {
    return world->n_gateways ? world->gateways[synth_below(random, world->n_gateways)]
                             : world->server.address;
}

/* ---- styles -------------------------------------------------------------------------------------------- */

const SynthStyle *synth_some_style(SynthWorld *world, SynthRandom *random, bool new) {
    if (!new && world->n_styles) return world->styles[synth_below(random, world->n_styles)];
    if (world->n_styles == world->styles_room) {
        uint32_t room = world->styles_room ? 2 * world->styles_room : 32;
        void *grown = realloc(world->styles, room * sizeof(SynthStyle *));
        if (!grown) {
            synth_fail(world, CORE_MEMORY, "no memory for styles");
            return &world->server.style;
        }
        world->styles = grown;
        world->styles_room = room;
    }
    SynthStyle *style = malloc(sizeof *style);
    if (!style) {
        synth_fail(world, CORE_MEMORY, "no memory for styles");
        return &world->server.style;
    }
    synth_style_draw(random, style);
    world->styles[world->n_styles++] = style;
    return style;
}

/* ---- all of it ----------------------------------------------------------------------------------------- */

static uint32_t how_many_users(const SynthWorld *world, SynthRandom *random) {
    static const uint32_t least[SYNTH_KINDS] = {20, 400, 40, 120, 20, 80, 4, 60};
    static const uint32_t most[SYNTH_KINDS] = {180, 4000, 250, 900, 120, 700, 25, 400};
    if (world->settings.users) return world->settings.users;
    return (uint32_t)synth_log_uniform(random, least[world->kind], most[world->kind]);
}

bool synth_network_draw(SynthWorld *world) {
    static const double outside[SYNTH_KINDS] = {0.1, 0.4, 0.1, 0.2, 0.5, 0.95, 0.3, 0.4};
    SynthRandom random = synth_split(&world->random);
    SynthPool *pool = calloc(1, sizeof *pool);
    if (!pool) return false;
    world->addresses = pool;
    world->ipv6 = synth_chance(&random, 0.15);
    pool->n_inside = synth_between(&random, 1, PREFIXES);
    for (uint32_t i = 0; i < pool->n_inside; i++)
        draw_inside(world, &random, &pool->inside[i]);
    draw_outside(world, &random, &pool->outside);
    pool->outside_share = outside[world->kind];
    pool->shared_share = 0.3;
    for (uint32_t i = 0, n = synth_between(&random, 3, 24); i < n; i++)
        synth_some_style(world, &random, true);
    return draw_users(world, &random, how_many_users(world, &random)) && world->n_users > 0;
}

void synth_network_free(SynthWorld *world) {
    if (world->addresses) free(world->addresses->taken);
    free(world->addresses);
    world->addresses = NULL;
}
