/* Drawing a session: the site, its people and machines, and when which attack runs.
 * Relies on: data/synth/plan.h, call.h, attack.h.
 * Relied on by: data/synth/world.c. */
#include "data/synth/plan.h"

#include "data/synth/attack.h"
#include "data/synth/call.h"

#include <stdio.h>
#include <stdlib.h>

const char *const synth_kind_names[SYNTH_KINDS] = {"office", "carrier", "callcentre", "campus",
                                                   "trunk",  "hosted",  "home",       "mixed"};

/* ---- the server ---------------------------------------------------------------------------------------- */

static void draw_server_style(SynthRandom *random, SynthServer *server) {
    static const char *const headers[] = {
        "kamailio (5.6.3 (x86_64/linux))", "Kamailio 4.4.4", "OpenSIPS (3.2.5 (x86_64/linux))",         "PBX",
        "Asterisk PBX 16.2.1~dfsg-1",      "FreeSWITCH",     "sipXecs/4.6.0 sipXecs/sipxproxy (Linux)", ""};
    SynthStyle *style = &server->style;
    do /* servers are written with more care than phones */
        synth_style_draw(random, style);
    while (style->compact || style->fold || style->odd_case || strcmp(style->colon, ": ") != 0 ||
           style->name_form == SYNTH_NAME_BARE);
    snprintf(style->user_agent, sizeof style->user_agent, "%s", SYNTH_PICK(random, headers));
    style->server_header = true;
    style->extra_name[0] = style->contact_params[0] = style->contact_features[0] = '\0';
    if (synth_chance(random, 0.7)) style->allow[0] = style->supported[0] = style->accept[0] = '\0';
    if (style->max_forwards == 255) style->max_forwards = 70;
}

static void draw_domain(SynthWorld *world, SynthRandom *random) {
    static const char *const domains[] = {"pbx.example.net",   "sip.example.org", "voice.example.com",
                                          "ims.example.net",   "example.org",     "sip-7.hosted.example",
                                          "office.example.net"};
    SynthServer *server = &world->server;
    synth_host_text(&server->address, server->host);
    if (synth_chance(random, 0.45))
        snprintf(server->domain, sizeof server->domain, "%s", SYNTH_PICK(random, domains));
    else if (world->entry.port == 5060)
        synth_host_text(&world->entry, server->domain);
    else {
        char host[SYNTH_HOST_SIZE];
        synth_host_text(&world->entry, host);
        snprintf(server->domain, sizeof server->domain, "%.50s:%u", host, world->entry.port);
    }
    const char *const realms[] = {server->domain, "asterisk", "sip", "VoIP realm"};
    snprintf(server->realm, sizeof server->realm, "%s", SYNTH_PICK(random, realms));
}

static void draw_server(SynthWorld *world, SynthRandom *random) {
    static const uint16_t ports[] = {5060, 5060, 5060, 5060, 5060, 5080, 5062, 15060, 5070};
    static const uint16_t unknown[] = {404, 404, 404, 404, 604, 403},
                          unknown_register[] = {401, 401, 404, 403}, offline[] = {480, 480, 404, 480};
    static const uint32_t nonces[] = {20, 60, 300, 300, 3600};
    SynthServer *server = &world->server;
    server->address = synth_new_address(world, random, true);
    server->address.port = SYNTH_PICK(random, ports);
    world->entry = server->address;
    if (synth_chance(random, world->kind == SYNTH_HOSTED || world->kind == SYNTH_CARRIER ? 0.6 : 0.25)) {
        world->edge_kind = synth_chance(random, 0.5) ? SYNTH_EDGE_PROXY : SYNTH_EDGE_B2BUA;
        world->edge = synth_new_address(world, random, synth_chance(random, 0.5));
        world->edge.port = SYNTH_PICK(random, ports);
        world->entry = world->edge;
    }
    draw_domain(world, random);
    draw_server_style(random, server);
    server->unknown = SYNTH_PICK(random, unknown);
    server->unknown_register = SYNTH_PICK(random, unknown_register);
    server->offline = SYNTH_PICK(random, offline);
    server->wrong_password = synth_chance(random, 0.7) ? 401 : 403;
    server->challenge_register = synth_chance(random, 0.96);
    server->challenge_invite = synth_chance(random, 0.7);
    server->challenge_messages = server->challenge_invite && synth_chance(random, 0.9);
    server->record_route = synth_chance(random, 0.8);
    server->sends_100 = synth_chance(random, 0.75);
    server->qop = synth_chance(random, 0.5);
    server->auth_int = server->qop && synth_chance(random, 0.15);
    server->force_rport = synth_chance(random, 0.5);
    server->answers_options = synth_chance(random, 0.85);
    server->nonce_seconds = SYNTH_PICK(random, nonces);
    server->min_expires = synth_chance(random, 0.1) ? 120 : 5;
    server->max_expires = synth_chance(random, 0.5) ? 3600 : 7200;
    server->ring_seconds = synth_between(random, 20, 60);
}

/* ---- time and view ---------------------------------------------------------------------------------------
 */

static void draw_time(SynthWorld *world, SynthRandom *random) {
    static const double least[SYNTH_KINDS] = {0.3, 0.05, 0.1, 0.2, 0.05, 0.2, 2, 0.2};
    static const double most[SYNTH_KINDS] = {6, 0.7, 1.5, 3, 1.5, 3, 24, 3};
    double hours = world->settings.hours;
    if (hours <= 0) hours = synth_log_uniform(random, least[world->kind], most[world->kind]);
    world->start_ns = (INT64_C(1420070400) + (int64_t)synth_below(random, 330000000)) * SYNTH_SECOND;
    if (hours < 12 && synth_chance(random, 0.7)) /* most captures are made when something happens */
        world->start_ns = (world->start_ns / (86400 * SYNTH_SECOND)) * 86400 * SYNTH_SECOND +
                          (int64_t)(synth_uniform(random, 7, 21) * 3600e9);
    world->start_ns += (int64_t)synth_below(random, 1000000) * 1000;
    world->now_ns = world->start_ns;
    world->end_ns = world->start_ns + (int64_t)(hours * 3600e9);
    world->loss = synth_chance(random, 0.6) ? 0 : synth_log_uniform(random, 0.0005, 0.03);
}

static void draw_view(SynthWorld *world, SynthRandom *random) {
    const uint8_t *attacks = world->settings.attacks;
    double view = synth_uniform(random, 0, 1);
    world->view = SYNTH_VIEW_ALL;
    if (attacks[SYNTH_SCAN] || attacks[SYNTH_TEARDOWN] || attacks[SYNTH_HIJACK] || attacks[SYNTH_SPIT])
        return;
    if (view < 0.2) world->view = SYNTH_VIEW_SERVER;
    if (view > 0.85 && world->edge_kind != SYNTH_EDGE_NONE) world->view = SYNTH_VIEW_EDGE;
}

/* ---- people and machines ---------------------------------------------------------------------------------
 */

static void draw_gateways(SynthWorld *world, SynthRandom *random) {
    world->n_gateways = synth_chance(random, 0.9) ? synth_between(random, 1, SYNTH_GATEWAYS) : 0;
    for (uint32_t i = 0; i < world->n_gateways; i++) {
        world->gateways[i] = synth_new_address(world, random, synth_chance(random, 0.7));
        synth_gateway_new(world, &world->gateways[i], world->n_users * synth_uniform(random, 0.2, 2));
    }
}

static void draw_people(SynthWorld *world, SynthRandom *random, double share) {
    uint32_t count = (uint32_t)(world->n_users * share);
    bool settled = synth_chance(random, 0.8);
    WireAddress nat = synth_client_address(world, random);
    double behind_nat = synth_chance(random, 0.35) ? synth_uniform(random, 0.1, 0.8) : 0.02;
    for (uint32_t i = 0; i < count && world->error.status == CORE_OK; i++) {
        SynthHabits habits;
        uint32_t user = synth_take_user(world, random);
        if (user == UINT32_MAX) return;
        synth_habits_draw(world, random, &habits);
        habits.settled = settled || synth_chance(random, 0.5);
        bool roams = synth_chance(random, 0.03);
        if (i % 40 == 39) nat = synth_client_address(world, random);
        WireAddress address = synth_chance(random, behind_nat) ? synth_new_port(world, random, &nat)
                                                               : synth_client_address(world, random);
        synth_person_new(world, user, &address, &habits, roams ? 2 : 1);
        if (!synth_chance(random, 0.12)) continue;
        address = synth_client_address(world, random); /* a second phone: calls fork */
        habits.calls *= 0.2;
        synth_person_new(world, user, &address, &habits, 1);
    }
}

static void draw_machines(SynthWorld *world, SynthRandom *random) {
    uint8_t kind = world->kind;
    bool small = world->n_users < 15; /* a household has neither trunk nor dialler */
    uint32_t phones = world->n_users < 40 ? world->n_users : 40;
    double length = (double)(world->end_ns - world->start_ns) / 1e9;
    uint32_t trunks = kind == SYNTH_TRUNK ? synth_between(random, 1, 4) : !small && synth_chance(random, 0.3);
    uint32_t diallers =
        kind == SYNTH_CALLCENTRE ? synth_between(random, 1, 4) : !small && synth_chance(random, 0.12);
    /* Never two draws in one call: the order of arguments is the compiler's. */
    for (uint32_t i = 0; i < trunks; i++) {
        double abroad = synth_uniform(random, 0, 0.25);
        synth_trunk_new(world, synth_log_uniform(random, 0.05, kind == SYNTH_TRUNK ? 12 : 1.5), abroad);
    }
    for (uint32_t i = 0; i < diallers; i++)
        synth_dialler_new(world, synth_log_uniform(random, 0.1, kind == SYNTH_CALLCENTRE ? 10 : 2));
    for (uint32_t i = 0, n = synth_chance(random, 0.55) ? synth_between(random, 1, 3) : 0; i < n; i++) {
        double gap = synth_log_uniform(random, 5, 300);
        uint32_t dead = synth_between(random, 0, small ? 2 : 16);
        synth_monitor_new(world, synth_between(random, 0, phones), dead, gap);
    }
    for (uint32_t i = 0, n = synth_chance(random, 0.4) ? synth_between(random, 1, 2) : 0; i < n; i++)
        synth_notifier_new(world, synth_log_uniform(random, 1, 30));
    for (uint32_t i = 0, n = synth_chance(random, 0.4) ? synth_between(random, 1, 3) : 0; i < n; i++)
        synth_misconfigured_new(world);
    if (synth_chance(random, 0.4)) {
        uint32_t most = world->n_users / 3 + 2;
        bool behind_nat = synth_chance(random, 0.4);
        double at = synth_uniform(random, 0.02, 0.9) * length;
        synth_storm_new(world, synth_between(random, 2, most < 600 ? most : 600), at, behind_nat);
    }
}

/* ---- attacks ---------------------------------------------------------------------------------------------
 */

enum { LAUNCHES = 1024 };

typedef struct Launcher {
    const SynthAttackBuilder *builders[LAUNCHES];
    SynthWish wishes[LAUNCHES];
    uint32_t count;
} Launcher;

static void launch(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    const Launcher *launcher = actor->state;
    (void)what;
    if (handle >= launcher->count) return;
    const SynthAttackBuilder *builder = launcher->builders[handle];
    SynthWish wish = launcher->wishes[handle];
    double left = (double)(world->end_ns - world->now_ns) / 1e9;
    if (wish.seconds > left) wish.seconds = left;
    SynthActor *attack = synth_actor_new(world, &builder->kind, builder->size);
    if (attack) builder->start(world, attack, &wish);
}

static const SynthActorKind launcher_kind = {"launcher", launch, NULL, NULL};

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A builder of the class that the settings allow and for which there is time; NULL: there is none. */
static const SynthAttackBuilder *choose(const SynthWorld *world, SynthRandom *random, SynthClass class,
                                        double seconds) {
    const SynthAttackBuilder *chosen = NULL;
    const SynthSettings *settings = &world->settings;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < synth_attack_count; i++) {
        const SynthAttackBuilder *builder = synth_attack_builders[i];
        if (builder->class != class || builder->seconds > seconds) continue;
        if (settings->tool && !starts_with(builder->tool, settings->tool)) continue;
        if (settings->without_tool && starts_with(builder->tool, settings->without_tool)) continue;
        if (synth_below(random, ++seen) == 0) chosen = builder;
    }
    return chosen;
}

static void shuffle(SynthRandom *random, uint8_t *classes, uint32_t count) {
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = synth_below(random, i);
        uint8_t kept = classes[i - 1];
        classes[i - 1] = classes[other];
        classes[other] = kept;
    }
}

/* Runs are spread over the session, the first after a while of peace; a run may overlap the next. */
static CoreStatus plan_attacks(SynthWorld *world, SynthRandom *random, CoreError *error) {
    double length = (double)(world->end_ns - world->start_ns) / 1e9;
    uint8_t classes[LAUNCHES];
    uint32_t count = 0;
    for (uint8_t class = 0; class < SYNTH_CLASSES; class ++)
        for (uint8_t i = 0; i < world->settings.attacks[class] && count < LAUNCHES; i++)
            classes[count++] = class;
    if (!count) return CORE_OK;
    SynthActor *actor = synth_actor_new(world, &launcher_kind, sizeof(Launcher));
    if (!actor) return CORE_MEMORY;
    Launcher *launcher = actor->state;
    shuffle(random, classes, count);
    for (uint32_t i = 0; i < count; i++) {
        double at = length * (0.04 + 0.9 * (i + synth_uniform(random, 0, 0.9)) / count);
        const SynthAttackBuilder *builder = choose(world, random, (SynthClass)classes[i], length - at);
        if (!builder) {
            at = length * synth_uniform(random, 0.02, 0.3);
            builder = choose(world, random, (SynthClass)classes[i], length - at);
        }
        if (!builder)
            return core_fail(error, CORE_ARGUMENT, "no builder makes a run of class %s within %.0f s",
                             synth_class_names[classes[i]], length);
        launcher->builders[launcher->count] = builder;
        launcher->wishes[launcher->count].seconds = length - at;
        launcher->wishes[launcher->count].messages = (uint32_t)synth_log_uniform(random, 60, 3000);
        synth_wake(world, actor, (int64_t)(at * 1e9), 0, launcher->count++);
    }
    return CORE_OK;
}

/* ---- all of it -------------------------------------------------------------------------------------------
 */

CoreStatus synth_plan(SynthWorld *world, CoreError *error) {
    static const double online[SYNTH_KINDS] = {0.7, 0.5, 0.6, 0.5, 0.2, 0.7, 0.8, 0.6};
    SynthRandom random = synth_split(&world->random);
    if (world->settings.kind >= SYNTH_KINDS) return core_fail(error, CORE_ARGUMENT, "unknown kind of site");
    if (world->settings.hours < 0 || world->settings.hours > 24 * 366)
        return core_fail(error, CORE_ARGUMENT, "a session lasts up to a year, not %g hours",
                         world->settings.hours);
    if (world->settings.users > 1000000)
        return core_fail(error, CORE_ARGUMENT, "a site has up to 1000000 users, not %u",
                         world->settings.users);
    if (world->settings.scale <= 0) world->settings.scale = 1;
    world->kind = world->settings.kind;
    if (world->kind == SYNTH_MIXED && synth_chance(&random, 0.8))
        world->kind = (uint8_t)synth_below(&random, SYNTH_MIXED);
    draw_time(world, &random);
    if (!synth_network_draw(world)) return core_fail(error, CORE_MEMORY, "no memory for a site");
    draw_server(world, &random);
    draw_view(world, &random);
    CoreStatus status = CORE_OK;
    SynthLink link = (SynthLink)synth_below(&random, SYNTH_LINKS + 2);
    if (link >= SYNTH_LINKS) link = SYNTH_ETHERNET;
    status = synth_output_begin(world->output, link, synth_split(&random), error);
    if (status != CORE_OK) return status;
    if (!synth_server_start(world) || (world->edge_kind != SYNTH_EDGE_NONE && !synth_edge_start(world)))
        return core_fail(error, CORE_MEMORY, "no memory for a server");
    draw_gateways(world, &random);
    draw_people(world, &random, online[world->kind] * synth_uniform(&random, 0.6, 1.2));
    draw_machines(world, &random);
    status = plan_attacks(world, &random, error);
    if (status == CORE_OK && world->error.status != CORE_OK) {
        status = world->error.status;
        if (error) *error = world->error;
    }
    return status;
}
