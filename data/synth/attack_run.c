/* What the attack builders share: pace, victims, agents, pending transactions, honest cover.
 * Relies on: attack.h, attack_grammar.h.
 * Relied on by: data/synth/attack_*.c. */
#include "data/synth/attack_run.h"
#include "data/synth/call.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t nanoseconds(double seconds) {
    return (int64_t)(seconds * 1e9);
}

/* -- pace ----------------------------------------------------------------------------------------------- */

AttackPace attack_pace(SynthRandom *random, const SynthWish *wish, double slow, double fast, uint32_t low,
                       uint32_t high) {
    static const uint16_t weights[ATTACK_RHYTHMS] = {3, 3, 5, 2, 1, 1, 2};
    AttackPace pace = {.rate = synth_log_uniform(random, slow, fast)};
    pace.rhythm = (uint8_t)synth_weighted(random, weights, ATTACK_RHYTHMS);
    pace.burst = synth_between(random, 3, 20);
    if (wish->messages && high > wish->messages) high = wish->messages > low ? wish->messages : low;
    pace.limit = (uint32_t)synth_log_uniform(random, low, (double)high + 1);
    if (pace.limit < low) pace.limit = low;
    return pace;
}

static double gap(SynthRandom *random, const AttackPace *pace) {
    double mean = 1 / pace->rate, done = (double)pace->sent / (double)(pace->limit ? pace->limit : 1);
    switch (pace->rhythm) {
    case ATTACK_JITTER: return mean * synth_uniform(random, 0.67, 1.33);
    case ATTACK_RANDOM: return synth_exponential(random, mean);
    case ATTACK_BURSTS: return pace->sent % pace->burst ? 0.02 * mean : mean * (0.98 * pace->burst + 0.02);
    case ATTACK_RAMP_UP: return mean * (1.6 - 1.2 * done);
    case ATTACK_RAMP_DOWN: return mean * (0.4 + 1.2 * done);
    case ATTACK_WAVES: return mean * (pace->sent / (2 * pace->burst) % 2 ? 1.7 : 0.3);
    default: return mean;
    }
}

/* -- agents and victims --------------------------------------------------------------------------------- */

uint32_t attack_free_user(SynthWorld *world, SynthRandom *random) {
    for (unsigned i = 0; i < 40; i++) {
        uint32_t user = synth_some_user(world, random);
        if (user >= world->n_users || world->users[user].taken || world->users[user].online) continue;
        world->users[user].taken = true;
        return user;
    }
    return UINT32_MAX;
}

uint32_t attack_stolen_user(SynthWorld *world, SynthRandom *random) {
    uint32_t user = UINT32_MAX;
    if (synth_chance(random, 0.5)) user = attack_free_user(world, random);
    if (user == UINT32_MAX && !synth_online_user(world, random, &user)) user = synth_some_user(world, random);
    return user;
}

/* Whether a server would take it for a telephone number and pass it to a gateway. */
static bool is_number(const char *text, size_t length) {
    size_t digits = 0;
    for (size_t i = 0; i < length; i++)
        digits += text[i] >= '0' && text[i] <= '9';
    return digits >= 6;
}

static void draw_unknown(SynthWorld *world, SynthRandom *random, SynthText *user) {
    uint32_t begin = user->length;
    for (unsigned tries = 0; tries < 6; tries++) {
        user->length = begin;
        synth_unknown_user(world, random, synth_chance(random, 0.5), user);
        if (!is_number(user->bytes + begin, user->length - begin)) return;
    }
    user->length = begin;
    synth_draw_letters(user, random, synth_between(random, 4, 8), true);
}

void attack_victim(SynthWorld *world, SynthActor *actor, SynthText *user) {
    AttackRun *run = actor->state;
    uint32_t index;
    switch (run->victims) {
    case ATTACK_ONE: index = run->chosen[0]; break;
    case ATTACK_FEW: index = run->chosen[synth_below(&actor->random, 3)]; break;
    case ATTACK_KNOWN: index = synth_some_user(world, &actor->random); break;
    default: draw_unknown(world, &actor->random, user); return;
    }
    synth_put(user, world->users[index].name, world->users[index].length);
}

/* The name that an attacker without an account gives itself: an account's, one like it, or what tools write.
 */
static void draw_name(SynthWorld *world, SynthRandom *random, SynthAgent *agent) {
    static const char *const usual[] = {"100", "1000", "test",   "sip", "user", "admin",
                                        "1",   "101",  "caller", "a",   "200",  "phone"};
    char name[SYNTH_USER_SIZE];
    SynthText text = synth_text(name, sizeof name - 1);
    uint32_t kind = synth_below(random, 10);
    if (kind < 4) return; /* as it is */
    if (kind < 8)
        synth_unknown_user(world, random, kind < 6, &text);
    else
        synth_put_text(&text, SYNTH_PICK(random, usual));
    attack_set_name(agent, name, text.length);
}

/* Many attack an address, not a domain. */
static void draw_domain(const SynthWorld *world, bool by_address, SynthAgent *agent) {
    if (!by_address) return;
    snprintf(agent->domain, sizeof agent->domain, "%s", world->server.host);
    size_t length = strlen(agent->domain);
    if (world->server.address.port != 5060 && length + 7 < sizeof agent->domain)
        snprintf(agent->domain + length, sizeof agent->domain - length, ":%u", world->server.address.port);
}

bool attack_sniff(SynthWorld *world, SynthActor *actor, bool confirmed, SynthSniffed *sniffed) {
    const AttackRun *run = actor->state;
    const WireAddress *own = &run->agents[0].address;
    return synth_sniff(world, &actor->random, confirmed, sniffed) &&
           !wire_same_ip(own, &sniffed->parties[0]) && !wire_same_ip(own, &sniffed->parties[1]);
}

static bool make_agents(SynthWorld *world, SynthActor *actor, uint32_t count) {
    AttackRun *run = actor->state;
    SynthRandom *random = &actor->random;
    run->agents = calloc(count, sizeof *run->agents);
    if (!run->agents) {
        synth_fail(world, CORE_MEMORY, "no memory for the agents of an attack");
        return false;
    }
    /* one tool on all machines, or as many stacks as machines */
    bool shared = synth_chance(random, 0.6), by_address = synth_chance(random, 0.15);
    const SynthStyle *style = shared ? synth_some_style(world, random, synth_chance(random, 0.7)) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        WireAddress address = count > 24 || run->fresh ? synth_client_address(world, random)
                                                       : synth_attacker_address(world, random);
        synth_agent_init(world, random, &run->agents[i], style, &address, synth_some_user(world, random));
        run->agents[i].run = run->run;
        run->agents[i].account = 0; /* a name, but no password */
        draw_name(world, random, &run->agents[i]);
        draw_domain(world, by_address, &run->agents[i]);
        if (!run->spoofed) synth_listen(world, &address, actor);
    }
    run->n_agents = count;
    return true;
}

/* An honest phone on the same address: an account of its own, a few calls before and among the attack. */
static void add_cover(SynthWorld *world, SynthActor *actor) {
    AttackRun *run = actor->state;
    SynthRandom random = synth_split(&actor->random);
    uint32_t user = attack_free_user(world, &random);
    if (user == UINT32_MAX) return;
    WireAddress address = synth_new_port(world, &random, &run->agents[0].address);
    SynthAgent agent;
    synth_agent_init(world, &random, &agent, synth_chance(&random, 0.7) ? run->agents[0].style : NULL,
                     &address, user);
    SynthAnswers answers = {.answer = 6, .busy = 1, .decline = 1, .ignore = 1, .silent = 0};
    run->cover = synth_phone_new(world, &agent, &answers, NULL);
    if (!run->cover) return;
    synth_phone_register(world, run->cover, (int32_t)synth_between(&random, 120, 1800), true);
    synth_wake(world, actor, nanoseconds(synth_uniform(&random, 1, 4)), ATTACK_WAKE_COVER, 3);
}

static void honest_call(SynthWorld *world, SynthActor *actor, SynthHandle left) {
    AttackRun *run = actor->state;
    uint32_t user;
    if (!run->cover || !synth_online_user(world, &actor->random, &user)) return;
    SynthCallPlan plan;
    synth_call_plan_draw(&actor->random, world->users[user].name, world->users[user].length, &plan);
    synth_phone_call(world, run->cover, &plan);
    double wait = synth_exponential(&actor->random, 40) + 5;
    if (left > 1) synth_wake(world, actor, nanoseconds(wait), ATTACK_WAKE_COVER, left - 1);
}

bool attack_begin(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, uint32_t agents, bool tracks, const char *settings) {
    static const char *const rhythms[ATTACK_RHYTHMS] = {"even",    "jitter",    "random", "bursts",
                                                        "ramp-up", "ramp-down", "waves"};
    AttackRun *run = actor->state;
    SynthRandom *random = &actor->random;
    char text[256];
    for (unsigned i = 0; i < 3; i++)
        run->chosen[i] = synth_some_user(world, random);
    bool cover = synth_chance(random, 0.25);
    run->bare = run->bare && synth_chance(random, 0.25); /* few honest stacks write so little */
    snprintf(text, sizeof text, "%s%srate=%u.%03u limit=%u rhythm=%s sources=%u acks=%u%s", settings,
             *settings ? " " : "", (unsigned)run->pace.rate, (unsigned)(run->pace.rate * 1000) % 1000,
             run->pace.limit, rhythms[run->pace.rhythm], agents, run->acks, cover ? " cover=1" : "");
    run->run = synth_run_open(&world->runs, builder->class, builder->tool, text);
    if (!run->run) {
        synth_fail(world, CORE_MEMORY, "no memory for a run");
        return false;
    }
    run->end_ns = world->now_ns + nanoseconds(wish->seconds);
    run->cseq = synth_between(random, 1, 3000);
    if (!make_agents(world, actor, agents)) return false;
    if (tracks) {
        run->pending = calloc(ATTACK_PENDING, sizeof *run->pending);
        if (!run->pending) {
            synth_fail(world, CORE_MEMORY, "no memory for the transactions of an attack");
            return false;
        }
    }
    double wait = 0.001;
    if (cover) {
        add_cover(world, actor);
        if (wish->seconds > 60) wait = synth_uniform(random, 2, 20);
    }
    synth_wake(world, actor, nanoseconds(wait), ATTACK_WAKE_TICK, 0);
    return true;
}

void attack_share_host(SynthWorld *world, SynthActor *actor) {
    AttackRun *run = actor->state;
    for (uint32_t i = 1; i < run->n_agents; i++) {
        SynthAgent *agent = &run->agents[i];
        synth_listen(world, &agent->address, NULL);
        *agent = run->agents[0];
        agent->address = synth_new_port(world, &actor->random, &agent->address);
        if (!agent->behind_nat) agent->host_port = agent->address.port;
        synth_listen(world, &agent->address, actor);
    }
}

/* -- requests ------------------------------------------------------------------------------------------- */

static void set_identity(SynthWorld *world, SynthActor *actor, const SynthAgent *agent, const char *user,
                         size_t length, SynthMessage *request) {
    AttackRun *run = actor->state;
    SynthRandom *random = &actor->random;
    char name[SYNTH_USER_SIZE], display[72], domain[SYNTH_HOST_SIZE];
    SynthText text = synth_text(name, sizeof name - 1);
    snprintf(domain, sizeof domain, "%s", agent->domain);
    SynthText shown = synth_text(display, sizeof display - 1);
    switch (run->from) {
    case ATTACK_FROM_ROTATES: {
        const SynthUser *known = &world->users[synth_some_user(world, random)];
        synth_put(&text, known->name, known->length);
        if (synth_chance(random, 0.5)) synth_draw_display(&shown, random);
        break;
    }
    case ATTACK_FROM_RANDOM:
        synth_draw_digits(&text, random, synth_between(random, 3, 11));
        if (synth_chance(random, 0.3)) synth_put(&shown, name, text.length);
        break;
    case ATTACK_FROM_TO: synth_put(&text, user, length < sizeof name - 1 ? length : sizeof name - 1); break;
    case ATTACK_FROM_FOREIGN:
        synth_draw_letters(&text, random, synth_between(random, 3, 9), true);
        snprintf(domain, sizeof domain, "%s.example", synth_chance(random, 0.5) ? "sip" : "voip");
        break;
    default: return;
    }
    if (!text.length) return;
    synth_text_end(&text);
    synth_set_from(request, agent->style, synth_text_end(&shown), name, domain);
    if (request->contact.length && synth_chance(random, 0.5)) synth_set_contact(agent, request, name, -1);
}

static void set_body(SynthActor *actor, const SynthAgent *agent, WireMethod method, SynthMessage *request) {
    static const char *const events[] = {"presence", "presence", "message-summary", "dialog", "reg"};
    static const char *const texts[] = {"Are you there?", "ok",        "Call me back please", "test",
                                        "see you at ~n~", "code ~d6~", "~a5~ ~a4~ ~a6~",      "hello",
                                        "on my way",      "ping ~n~"};
    SynthRandom *random = &actor->random;
    if (method == WIRE_INVITE || method == WIRE_UPDATE) {
        if (synth_chance(random, 0.92))
            synth_set_offer(random, agent, request, synth_below(random, 1u << 30), 1, false);
    } else if (method == WIRE_MESSAGE) {
        AttackText text = {.length = 0};
        attack_expand(random, SYNTH_PICK(random, texts), &text);
        synth_set_body(request, "text/plain", text.bytes, text.length);
    } else if (method == WIRE_SUBSCRIBE || method == WIRE_PUBLISH) {
        const char *event = method == WIRE_PUBLISH ? events[0] : SYNTH_PICK(random, events);
        synth_message_extra(request, WIRE_HEADER_EVENT, NULL, event, strlen(event));
        request->expires = (int32_t)synth_between(random, 60, 3600);
    } else if (method == WIRE_NOTIFY) {
        synth_message_extra(request, WIRE_HEADER_EVENT, NULL, "message-summary", 15);
        synth_message_extra(request, WIRE_HEADER_SUBSCRIPTION_STATE, NULL, "active", 6);
    }
}

void attack_request(SynthWorld *world, SynthActor *actor, uint32_t index, WireMethod method, const char *user,
                    size_t length, const char *host, const WireAddress *address, SynthMessage *request) {
    AttackRun *run = actor->state;
    SynthRandom *random = &actor->random;
    SynthAgent *agent = &run->agents[index];
    if (method == WIRE_REGISTER) {
        char own[SYNTH_USER_SIZE];
        memcpy(own, agent->user, sizeof own);
        attack_set_name(agent, user, length);
        if (host) {
            SynthTarget target = {.host = host, .address = address};
            synth_request(world, random, agent, method, &target, request);
            request->expires = (int32_t)synth_between(random, 60, 3600);
        } else {
            synth_register(world, random, agent, (int32_t)synth_between(random, 60, 3600), false, NULL,
                           request);
        }
        memcpy(agent->user, own, sizeof own);
    } else {
        SynthTarget target = {user, (uint32_t)length, host, address};
        synth_request(world, random, agent, method, &target, request);
        set_identity(world, actor, agent, user, length, request);
        set_body(actor, agent, method, request);
    }
    if (run->same_call_id) {
        if (!run->call_id[0])
            snprintf(run->call_id, sizeof run->call_id, "%.*s", (int)request->call_id.length,
                     synth_slice(request, request->call_id));
        synth_set_call_id(request, run->call_id, strlen(run->call_id));
        request->cseq = run->cseq++;
    }
    if (run->drops_contact && method != WIRE_INVITE && method != WIRE_REGISTER) {
        request->contact.length = 0;
        request->contact_address.port = 0;
    }
    request->bare = run->bare;
    request->run = run->run;
}

static AttackPending *find_pending(AttackRun *run, SynthHandle handle) {
    uint32_t index = (uint32_t)(handle & 0xffff);
    if (!run->pending || index == 0 || index > ATTACK_PENDING) return NULL;
    AttackPending *pending = &run->pending[index - 1];
    return pending->used && pending->generation == (uint16_t)(handle >> 16) ? pending : NULL;
}

static SynthHandle handle_of(const AttackRun *run, const AttackPending *pending) {
    return (SynthHandle)pending->generation << 16 | (uint64_t)(pending - run->pending + 1);
}

/* Where the capture sees it: a sensor at the server knows nothing of who stands in front of an edge. */
const WireAddress *attack_entry(const SynthWorld *world) {
    return world->view == SYNTH_VIEW_SERVER ? &world->server.address : &world->entry;
}

static const WireAddress *entry(const SynthWorld *world, const WireAddress *destination) {
    return destination ? destination : attack_entry(world);
}

bool attack_always_succeeds(const SynthWorld *world, WireMethod method) {
    const SynthServer *server = &world->server;
    if (server->challenge_messages) return false;
    return method == WIRE_PUBLISH || (method == WIRE_MESSAGE && server->unknown == server->offline);
}

bool attack_find_phone(SynthWorld *world, SynthRandom *random, WireAddress *address, uint32_t *user) {
    return world->view == SYNTH_VIEW_ALL && synth_some_phone(world, random, address, user) &&
           *user < world->n_users;
}

AttackPending *attack_fire(SynthWorld *world, SynthActor *actor, uint32_t index, SynthMessage *request,
                           const WireAddress *destination, uint32_t tag) {
    AttackRun *run = actor->state;
    AttackPending *pending = NULL;
    request->run = run->run;
    if (run->pending) {
        pending = &run->pending[run->next_pending++ % ATTACK_PENDING];
        pending->used = true;
        pending->final = pending->answered = false;
        pending->sends = 1;
        pending->generation++;
        pending->agent = index;
        pending->tag = tag;
        pending->destination = *entry(world, destination);
        request->trail[0] = handle_of(run, pending);
        synth_message_copy(&pending->request, request);
        if (run->retransmits)
            synth_wake(world, actor, 500 * SYNTH_MS, ATTACK_WAKE_RETRANSMIT, handle_of(run, pending));
    }
    synth_send(world, &run->agents[index].address, entry(world, destination), request);
    return pending;
}

/* Where a request within the dialog goes first. */
static const WireAddress *next_hop(const AttackPending *pending) {
    const SynthEnd *end = &pending->end;
    if (end->n_routes && end->route_to[0].port) return &end->route_to[0];
    return end->n_routes || !end->target_address.port ? &pending->destination : &end->target_address;
}

void attack_ack(SynthWorld *world, SynthActor *actor, AttackPending *pending, const SynthMessage *reply) {
    AttackRun *run = actor->state;
    SynthAgent *agent = &run->agents[pending->agent];
    const WireAddress *to = &pending->destination;
    SynthMessage ack;
    if (reply->status >= 300) {
        synth_ack_failure(agent, &pending->request, reply, &ack);
    } else {
        synth_in_dialog(world, &actor->random, agent, &pending->end, WIRE_ACK, pending->request.cseq, &ack);
        to = next_hop(pending);
    }
    ack.run = run->run;
    synth_send(world, &agent->address, to, &ack);
}

void attack_cancel(SynthWorld *world, SynthActor *actor, const AttackPending *pending) {
    AttackRun *run = actor->state;
    const SynthAgent *agent = &run->agents[pending->agent];
    SynthMessage cancel;
    synth_cancel(agent, &pending->request, &cancel);
    cancel.run = run->run;
    synth_send(world, &agent->address, &pending->destination, &cancel);
}

void attack_bye(SynthWorld *world, SynthActor *actor, AttackPending *pending) {
    AttackRun *run = actor->state;
    SynthAgent *agent = &run->agents[pending->agent];
    SynthMessage bye;
    if (!pending->answered) return;
    synth_in_dialog(world, &actor->random, agent, &pending->end, WIRE_BYE, 0, &bye);
    bye.run = run->run;
    synth_send(world, &agent->address, next_hop(pending), &bye);
}

void attack_later(SynthWorld *world, SynthActor *actor, const AttackPending *pending, double seconds) {
    synth_wake(world, actor, nanoseconds(seconds), ATTACK_WAKE_LATER, handle_of(actor->state, pending));
}

bool attack_answer(SynthWorld *world, SynthActor *actor, AttackPending *pending, const SynthMessage *reply,
                   SynthProof proof, uint32_t tag) {
    AttackRun *run = actor->state;
    SynthMessage request;
    synth_message_copy(&request, &pending->request);
    synth_again(&actor->random, &run->agents[pending->agent], &request);
    if (!synth_authorise(&actor->random, &run->agents[pending->agent], reply, proof, &request)) return false;
    if (run->same_call_id) run->cseq = request.cseq + 1;
    attack_fire(world, actor, pending->agent, &request, &pending->destination, tag);
    return true;
}

/* -- the actor ------------------------------------------------------------------------------------------ */

static void tick(SynthWorld *world, SynthActor *actor) {
    AttackRun *run = actor->state;
    if (world->now_ns >= run->end_ns || run->pace.sent >= run->pace.limit) return;
    run->pace.sent++;
    if (!run->tick(world, actor)) return;
    if (run->pace.sent < run->pace.limit)
        synth_wake(world, actor, nanoseconds(gap(&actor->random, &run->pace)), ATTACK_WAKE_TICK, 0);
}

static void retransmit(SynthWorld *world, SynthActor *actor, SynthHandle handle) {
    AttackRun *run = actor->state;
    AttackPending *pending = find_pending(run, handle);
    if (!pending || pending->final || pending->sends > 4) return;
    synth_send(world, &run->agents[pending->agent].address, &pending->destination, &pending->request);
    synth_wake(world, actor, (500 * SYNTH_MS) << pending->sends++, ATTACK_WAKE_RETRANSMIT, handle);
}

void attack_wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    AttackRun *run = actor->state;
    if (what == ATTACK_WAKE_TICK) {
        tick(world, actor);
    } else if (what == ATTACK_WAKE_RETRANSMIT) {
        retransmit(world, actor, handle);
    } else if (what == ATTACK_WAKE_COVER) {
        honest_call(world, actor, handle);
    } else if (what == ATTACK_WAKE_LATER) {
        AttackPending *pending = find_pending(run, handle);
        if (pending && run->later) run->later(world, actor, pending);
    }
}

/* Somebody asks the attacker: a callee hangs up, a monitor pings. */
static void serve(SynthWorld *world, SynthActor *actor, const SynthPacket *packet) {
    AttackRun *run = actor->state;
    const SynthMessage *request = packet->message;
    if (request->method == WIRE_ACK || run->n_agents == 0) return;
    SynthMessage reply;
    uint16_t status = request->method == WIRE_INVITE ? 486 : 200;
    if (request->method == WIRE_CANCEL || (request->method == WIRE_BYE && !request->run)) status = 481;
    synth_reply(&reply, request, run->agents[0].style, status, synth_reason(status), "a77c");
    if (request->strays && request->run == run->run) { /* what it says in its own calls is its own */
        reply.strays = false;
        reply.ask = 0;
    }
    synth_send(world, &packet->destination, &packet->source, &reply);
}

void attack_receive(SynthWorld *world, SynthActor *actor, const SynthPacket *packet) {
    AttackRun *run = actor->state;
    const SynthMessage *message = packet->message;
    if (!message) return;
    if (!message->status) {
        serve(world, actor, packet);
        return;
    }
    AttackPending *pending = find_pending(run, message->trail[0]);
    if (!pending || message->method != pending->request.method) return;
    if (message->status < 200) {
        if (message->method == WIRE_INVITE) pending->final = true; /* no retransmissions behind a 1xx */
        if (run->reply) run->reply(world, actor, pending, message);
        return;
    }
    pending->final = true;
    if (message->method == WIRE_INVITE && message->status < 300 && !pending->answered) {
        synth_end_of_asker(&pending->request, message, &pending->end);
        pending->answered = true;
    }
    if (message->method == WIRE_INVITE && run->acks) attack_ack(world, actor, pending, message);
    if (run->reply) run->reply(world, actor, pending, message);
}

void attack_end(SynthActor *actor) {
    AttackRun *run = actor->state;
    if (!run) return;
    free(run->agents);
    free(run->pending);
    free(run->owned);
    free(run);
    actor->state = NULL;
}
