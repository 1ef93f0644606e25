/* The asking side of a phone: transactions, registration, calls that it makes.
 * Relies on: data/synth/phone_state.h.
 * Relied on by: data/synth. */
#include "data/synth/phone.h"

#include "data/synth/phone_state.h"
#include "data/synth/plan.h"

#include <stdio.h>

#define T1_NS (500 * SYNTH_MS) /* RFC 3261 17.1.1.1 */

static void tell_owner(SynthWorld *world, const SynthPhone *phone, SynthResult result, uint16_t status) {
    if (phone->owner)
        synth_wake(world, world->actors[phone->owner - 1], 0, SYNTH_WAKE_RESULT + (uint32_t)result, status);
}

/* ---- transactions -------------------------------------------------------------------------------------- */

static void launch(SynthWorld *world, SynthPhone *phone, SynthTransaction *t, SynthHandle handle) {
    t->request.trail[0] = handle;
    t->provisional = t->done = false;
    t->sent = 1;
    synth_send(world, &phone->agent.address, &t->destination, &t->request);
    synth_wake(world, phone->actor, T1_NS, PHONE_RESEND, handle);
}

SynthTransaction *phone_begin(SynthWorld *world, SynthPhone *phone, SynthMessage *request,
                              const WireAddress *destination, PhonePurpose purpose, SynthHandle call) {
    SynthHandle handle;
    SynthTransaction *t = synth_slots_take(&world->transactions, false, &handle);
    if (!t) {
        synth_fail(world, CORE_MEMORY, "no memory for transactions");
        return NULL;
    }
    t->actor = phone->actor->index;
    t->purpose = (uint8_t)purpose;
    t->challenged = 0;
    t->call = call;
    t->destination = *destination;
    synth_message_copy(&t->request, request);
    launch(world, phone, t, handle);
    return t;
}

static void on_final(SynthWorld *world, SynthPhone *phone, SynthTransaction *t, SynthHandle handle,
                     const SynthMessage *reply);

static void on_resend(SynthWorld *world, SynthPhone *phone, SynthHandle handle) {
    SynthTransaction *t = synth_slots_find(&world->transactions, handle);
    bool invite = t && t->request.method == WIRE_INVITE;
    if (!t || t->done || (invite && t->provisional)) return;
    uint8_t copies = invite ? 7 : phone->patience && t->purpose == PURPOSE_REQUEST ? phone->patience : 11;
    if (phone->off || t->sent >= copies) { /* 32 s without any reply */
        t->done = true;
        on_final(world, phone, t, handle, NULL);
        return;
    }
    synth_send(world, &phone->agent.address, &t->destination, &t->request);
    int64_t wait = T1_NS << (t->sent < 6 ? t->sent : 6);
    if (!invite && wait > 4 * SYNTH_SECOND) wait = 4 * SYNTH_SECOND;
    t->sent++;
    synth_wake(world, phone->actor, wait, PHONE_RESEND, handle);
}

/* The same request with credentials, once. */
static bool answer_challenge(SynthWorld *world, SynthPhone *phone, SynthTransaction *t, SynthHandle handle,
                             const SynthMessage *reply) {
    SynthRandom *random = &phone->actor->random;
    bool had = t->request.credentials.length != 0;
    if (!phone->agent.account && !*phone->agent.user) return false;
    if (t->challenged >= 2 || (t->challenged == 1 && !reply->stale) ||
        (had && t->challenged && !reply->stale))
        return false;
    bool wrong = phone->wrong_password && t->purpose == PURPOSE_REGISTER;
    synth_again(random, &phone->agent, &t->request);
    if (!synth_authorise(random, &phone->agent, reply, wrong ? SYNTH_PROOF_WRONG : SYNTH_PROOF_RIGHT,
                         &t->request))
        return false;
    if (wrong) phone->agent.has_nonce = false;
    t->challenged++;
    launch(world, phone, t, handle);
    return true;
}

static void acknowledge_failure(SynthWorld *world, SynthPhone *phone, const SynthTransaction *t,
                                const SynthMessage *reply) {
    SynthMessage ack;
    synth_ack_failure(&phone->agent, &t->request, reply, &ack);
    synth_send(world, &phone->agent.address, &t->destination, &ack);
}

/* ---- registration -------------------------------------------------------------------------------------- */

static void keep_registration(SynthPhone *phone, const SynthMessage *request) {
    snprintf(phone->register_call_id, sizeof phone->register_call_id, "%.*s", (int)request->call_id.length,
             synth_slice(request, request->call_id));
    snprintf(phone->register_tag, sizeof phone->register_tag, "%.*s", (int)request->from.tag.length,
             synth_slice(request, request->from.tag));
    phone->register_cseq = request->cseq;
}

void synth_phone_register(SynthWorld *world, SynthPhone *phone, int32_t expires, bool right_password) {
    SynthRandom *random = &phone->actor->random;
    SynthMessage before, request;
    bool again = phone->register_call_id[0] != '\0';
    if (phone->off) return;
    phone->wrong_password = !right_password;
    if (expires > 0) phone->expires = expires;
    if (again) {
        synth_message_init(&before, phone->agent.style);
        before.call_id = synth_message_set(&before, phone->register_call_id, strlen(phone->register_call_id));
        before.from.tag = synth_message_set(&before, phone->register_tag, strlen(phone->register_tag));
        before.cseq = phone->register_cseq;
    }
    bool star = expires == 0 && phone->agent.style->family % 4 == 0 && synth_chance(random, 0.3);
    synth_register(world, random, &phone->agent, expires, star, again ? &before : NULL, &request);
    if (phone->agent.style->preauthorise && right_password && !phone->agent.nonce_proxy)
        synth_preauthorise(world, random, &phone->agent, SYNTH_PROOF_RIGHT, &request);
    keep_registration(phone, &request);
    phone_begin(world, phone, &request, &world->entry, PURPOSE_REGISTER, 0);
}

void synth_phone_settle(SynthWorld *world, SynthPhone *phone, int32_t expires) {
    SynthRandom *random = &phone->actor->random;
    SynthMessage request;
    int64_t left = (int64_t)(synth_uniform(random, 0.05, 1) * expires * 1e9);
    bool through_edge = world->edge_kind != SYNTH_EDGE_NONE;
    if (!phone->agent.account) return;
    phone->expires = expires;
    synth_register(world, random, &phone->agent, expires, false, NULL, &request);
    keep_registration(phone, &request);
    phone->registered_until = world->now_ns + left;
    request.contact_expires = (int32_t)(left / SYNTH_SECOND) + 10;
    synth_bind(world, phone->agent.account - 1, &request,
               through_edge ? &world->edge : &phone->agent.address);
    synth_wake(world, phone->actor, left / 2, PHONE_REFRESH, (SynthHandle)phone->registered_until);
}

bool synth_phone_registered(const SynthWorld *world, const SynthPhone *phone) {
    return phone->registered_until > world->now_ns;
}

static void on_registered(SynthWorld *world, SynthPhone *phone, SynthTransaction *t,
                          const SynthMessage *reply) {
    uint16_t status = reply ? reply->status : 0;
    int32_t expires = t->request.contact_expires;
    SynthRandom *random = &phone->actor->random;
    phone->register_cseq = t->request.cseq;
    if (status >= 200 && status < 300 && expires > 0) {
        int64_t length = expires * SYNTH_SECOND;
        phone->registered_until = world->now_ns + length;
        synth_wake(world, phone->actor, (int64_t)((double)length * synth_uniform(random, 0.5, 0.95)),
                   PHONE_REFRESH, (SynthHandle)phone->registered_until);
    } else if (expires == 0) {
        phone->registered_until = 0;
    } else if (status == 423) {
        phone->expires = expires * 2 + 30;
        synth_wake(world, phone->actor, 20 * SYNTH_MS, PHONE_RETRY, 0);
    } else if (!phone->wrong_password &&
               !phone->agent.run) { /* a bounded number an hour: no storm of its own */
        synth_wake(world, phone->actor, (int64_t)(synth_uniform(random, 60, 400) * 1e9), PHONE_RETRY, 0);
    }
    tell_owner(world, phone, SYNTH_RESULT_REGISTER, status);
}

/* ---- calls --------------------------------------------------------------------------------------------- */

static void remember_call(SynthWorld *world, SynthHandle call) {
    world->recent[world->n_recent++ % SYNTH_COUNT(world->recent)] = call;
}

static void add_invite_headers(SynthRandom *random, const SynthAgent *agent, SynthMessage *invite) {
    if (agent->style->session_timer) {
        const char *refresh = synth_chance(random, 0.5) ? "1800;refresher=uac" : "1800";
        synth_message_extra(invite, WIRE_HEADER_SESSION_EXPIRES, NULL, refresh, strlen(refresh));
        synth_message_extra(invite, WIRE_HEADER_MIN_SE, NULL, "90", 2);
    }
    if (agent->style->family % 11 == 5) {
        char identity[128];
        SynthText text = synth_text(identity, sizeof identity);
        synth_put_text(&text, "<sip:");
        synth_put_text(&text, *agent->user ? agent->user : "anonymous");
        synth_put_char(&text, '@');
        synth_put_text(&text, agent->domain);
        synth_put_char(&text, '>');
        synth_message_extra(invite, WIRE_HEADER_P_ASSERTED_IDENTITY, NULL, text.bytes, text.length);
    }
}

void synth_phone_call(SynthWorld *world, SynthPhone *phone, const SynthCallPlan *plan) {
    SynthRandom *random = &phone->actor->random;
    SynthMessage invite;
    SynthTarget target = synth_user_target(plan->number, strlen(plan->number));
    if (phone->off) return;
    synth_request(world, random, &phone->agent, WIRE_INVITE, &target, &invite);
    if (*plan->from_user)
        synth_set_from(&invite, phone->agent.style, "", plan->from_user, phone->agent.domain);
    synth_set_offer(random, &phone->agent, &invite, synth_between(random, 1000, 2000000000), 0, false);
    add_invite_headers(random, &phone->agent, &invite);
    if (phone->agent.style->preauthorise && phone->agent.nonce_proxy)
        synth_preauthorise(world, random, &phone->agent, SYNTH_PROOF_RIGHT, &invite);
    SynthCall *call = synth_call(world, invite.call);
    if (!call) return;
    SynthCallPlan *kept = synth_slots_take(&world->plans, false, &call->plan);
    if (kept) *kept = *plan;
    call->actors[0] = phone->actor->index + 1;
    SynthTransaction *t = phone_begin(world, phone, &invite, &world->entry, PURPOSE_INVITE, invite.call);
    if (!t || !kept) return;
    call->invite = t->request.trail[0];
    remember_call(world, invite.call);
}

static void acknowledge(SynthWorld *world, SynthPhone *phone, SynthHandle handle, uint32_t cseq) {
    SynthCall *call = synth_call(world, handle);
    SynthEnd *end = call ? synth_call_end(world, call, 0, false) : NULL;
    SynthMessage ack;
    if (!end) return;
    synth_in_dialog(world, &phone->actor->random, &phone->agent, end, WIRE_ACK, cseq, &ack);
    phone_mark(phone, call, &ack);
    synth_send(world, &phone->agent.address, end->n_routes ? &end->route_to[0] : &end->target_address, &ack);
}

/* RFC 3262: a reliable provisional reply is acknowledged by PRACK. */
static void acknowledge_progress(SynthWorld *world, SynthPhone *phone, SynthCall *call, SynthEnd *end,
                                 const SynthMessage *reply, SynthSlice sequence) {
    SynthMessage prack;
    char rack[48];
    SynthText text = synth_text(rack, sizeof rack);
    synth_in_dialog(world, &phone->actor->random, &phone->agent, end, WIRE_PRACK, 0, &prack);
    synth_put(&text, synth_slice(reply, sequence), sequence.length);
    synth_put_char(&text, ' ');
    synth_put_number(&text, reply->cseq);
    synth_put_text(&text, " INVITE");
    synth_message_extra(&prack, WIRE_HEADER_RACK, NULL, text.bytes, text.length);
    phone_mark(phone, call, &prack);
    phone_begin(world, phone, &prack, end->n_routes ? &end->route_to[0] : &end->target_address,
                PURPOSE_INSIDE, reply->call);
}

static void on_progress(SynthWorld *world, SynthPhone *phone, SynthTransaction *t, SynthHandle handle,
                        const SynthMessage *reply) {
    SynthCall *call = synth_call(world, t->call);
    SynthCallPlan *plan = call ? synth_slots_find(&world->plans, call->plan) : NULL;
    if (!plan || reply->status == 100) return;
    if (call->state == CALL_TRYING) call->state = CALL_RINGING;
    if (plan->cancel >= 0) {
        synth_wake(world, phone->actor, (int64_t)(plan->cancel * 1e9), PHONE_CANCEL, handle);
        plan->cancel = -1;
    }
    for (uint8_t i = 0; i < reply->n_extras; i++) {
        if (reply->extras[i].id != WIRE_HEADER_RSEQ || !reply->contact.length) continue;
        SynthEnd *end = synth_call_end(world, call, 0, true);
        if (!end) return;
        uint32_t cseq = end->cseq;
        synth_end_of_asker(&t->request, reply, end);
        if (cseq > end->cseq) end->cseq = cseq;
        acknowledge_progress(world, phone, call, end, reply, reply->extras[i].value);
    }
}

static void on_cancel_time(SynthWorld *world, SynthPhone *phone, SynthHandle handle) {
    SynthTransaction *t = synth_slots_find(&world->transactions, handle);
    SynthMessage cancel;
    if (!t || t->done) return;
    synth_cancel(&phone->agent, &t->request, &cancel);
    phone_begin(world, phone, &cancel, &t->destination, PURPOSE_INSIDE, t->call);
}

static void plan_steps(SynthWorld *world, SynthPhone *phone, SynthHandle handle, const SynthCallPlan *plan) {
    uint32_t count = 0;
    while (count < SYNTH_COUNT(plan->steps) && plan->steps[count] != SYNTH_STEP_NONE)
        count++;
    for (uint32_t i = 0; i <= count; i++)
        synth_wake(world, phone->actor, (int64_t)(plan->talk * 1e9 * (i + 1) / (count + 1)), PHONE_STEP + i,
                   handle);
}

static void on_answered(SynthWorld *world, SynthPhone *phone, SynthTransaction *t,
                        const SynthMessage *reply) {
    SynthCall *call = synth_call(world, t->call);
    SynthCallPlan *plan = call ? synth_slots_find(&world->plans, call->plan) : NULL;
    if (!plan) return;
    SynthEnd *end = synth_call_end(world, call, 0, true);
    if (!end) return;
    uint32_t cseq = end->cseq;
    synth_end_of_asker(&t->request, reply, end);
    if (cseq > end->cseq) end->cseq = cseq;
    if (plan->acks) acknowledge(world, phone, t->call, t->request.cseq);
    call->state = CALL_CONFIRMED;
    plan_steps(world, phone, t->call, plan);
}

/* ---- within a call ------------------------------------------------------------------------------------- */

void phone_mark(const SynthPhone *phone, const SynthCall *call, SynthMessage *message) {
    if (!call->run || phone->agent.run == call->run) return;
    message->run = call->run;
    message->strays = true;
}

void phone_inside(SynthWorld *world, SynthPhone *phone, SynthHandle handle, unsigned side,
                  SynthMessage *request, PhonePurpose purpose) {
    SynthCall *call = synth_call(world, handle);
    SynthEnd *end = call ? synth_call_end(world, call, side, false) : NULL;
    if (!end) return;
    phone_mark(phone, call, request);
    phone_begin(world, phone, request, end->n_routes ? &end->route_to[0] : &end->target_address, purpose,
                handle);
}

void phone_hang_up(SynthWorld *world, SynthPhone *phone, SynthHandle handle, unsigned side) {
    SynthCall *call = synth_call(world, handle);
    SynthEnd *end = call && call->state == CALL_CONFIRMED ? synth_call_end(world, call, side, false) : NULL;
    SynthMessage bye;
    if (!end || call->leaving[side] || phone->off) return;
    call->leaving[side] = true;
    synth_in_dialog(world, &phone->actor->random, &phone->agent, end, WIRE_BYE, 0, &bye);
    if (phone->agent.style->family % 9 == 2)
        synth_message_extra(&bye, WIRE_HEADER_REASON, NULL, "Q.850;cause=16;text=\"Normal call clearing\"",
                            42);
    phone_inside(world, phone, handle, side, &bye, PURPOSE_BYE);
}

static void offer_again(SynthWorld *world, SynthPhone *phone, SynthHandle handle, WireMethod method,
                        bool hold) {
    SynthCall *call = synth_call(world, handle);
    SynthEnd *end = synth_call_end(world, call, 0, false);
    SynthMessage request;
    SynthRandom *random = &phone->actor->random;
    synth_in_dialog(world, random, &phone->agent, end, method, 0, &request);
    if (method == WIRE_INVITE || synth_chance(random, 0.6))
        synth_set_offer(random, &phone->agent, &request, synth_between(random, 1000, 2000000000), 1, hold);
    if (method == WIRE_UPDATE && phone->agent.style->session_timer)
        synth_message_extra(&request, WIRE_HEADER_SESSION_EXPIRES, NULL, "1800;refresher=uac", 18);
    phone_inside(world, phone, handle, 0, &request,
                 method == WIRE_INVITE ? PURPOSE_REINVITE : PURPOSE_INSIDE);
}

static void say_inside(SynthWorld *world, SynthPhone *phone, SynthHandle handle, WireMethod method,
                       const char *type, const char *body) {
    SynthCall *call = synth_call(world, handle);
    SynthMessage request;
    synth_in_dialog(world, &phone->actor->random, &phone->agent, synth_call_end(world, call, 0, false),
                    method, 0, &request);
    if (body) synth_set_body(&request, type, body, strlen(body));
    phone_inside(world, phone, handle, 0, &request, PURPOSE_INSIDE);
}

static void refer(SynthWorld *world, SynthPhone *phone, SynthHandle handle) {
    SynthRandom *random = &phone->actor->random;
    SynthCall *call = synth_call(world, handle);
    uint32_t user;
    SynthMessage request;
    char uri[160];
    SynthText text = synth_text(uri, sizeof uri);
    if (!synth_online_user(world, random, &user)) return;
    synth_in_dialog(world, random, &phone->agent, synth_call_end(world, call, 0, false), WIRE_REFER, 0,
                    &request);
    synth_put_text(&text, "<sip:");
    synth_put_text(&text, world->users[user].name);
    synth_put_char(&text, '@');
    synth_put_text(&text, phone->agent.domain);
    synth_put_char(&text, '>');
    synth_message_extra(&request, WIRE_HEADER_REFER_TO, NULL, text.bytes, text.length);
    text.length = 0;
    synth_put_text(&text, "<sip:");
    synth_put_text(&text, *phone->agent.user ? phone->agent.user : "pbx");
    synth_put_char(&text, '@');
    synth_put_text(&text, phone->agent.domain);
    synth_put_char(&text, '>');
    if (synth_chance(random, 0.7))
        synth_message_extra(&request, WIRE_HEADER_REFERRED_BY, NULL, text.bytes, text.length);
    request.text_id = user + 1;
    phone_inside(world, phone, handle, 0, &request, PURPOSE_INSIDE);
}

static void on_step(SynthWorld *world, SynthPhone *phone, uint32_t number, SynthHandle handle) {
    static const char *const tones[] = {"Signal=1\r\nDuration=160\r\n", "Signal=5\r\nDuration=250\r\n",
                                        "Signal=#\r\nDuration=100\r\n"};
    SynthCall *call = synth_call(world, handle);
    SynthCallPlan *plan = call ? synth_slots_find(&world->plans, call->plan) : NULL;
    if (!plan || call->state != CALL_CONFIRMED || call->leaving[0] || !synth_call_end(world, call, 0, false))
        return;
    uint8_t step = number < SYNTH_COUNT(plan->steps) ? plan->steps[number] : SYNTH_STEP_NONE;
    switch (step) {
    case SYNTH_STEP_HOLD:
        offer_again(world, phone, handle, WIRE_INVITE, true);
        synth_wake(world, phone->actor, (int64_t)(plan->talk * 2e8), PHONE_UNHOLD, handle);
        break;
    case SYNTH_STEP_UPDATE: offer_again(world, phone, handle, WIRE_UPDATE, false); break;
    case SYNTH_STEP_INFO:
        say_inside(world, phone, handle, WIRE_INFO, "application/dtmf-relay",
                   SYNTH_PICK(&phone->actor->random, tones));
        break;
    case SYNTH_STEP_OPTIONS: say_inside(world, phone, handle, WIRE_OPTIONS, NULL, NULL); break;
    case SYNTH_STEP_MESSAGE: say_inside(world, phone, handle, WIRE_MESSAGE, "text/plain", "brb"); break;
    case SYNTH_STEP_REFER: refer(world, phone, handle); break;
    default: phone_hang_up(world, phone, handle, 0); break;
    }
}

static void on_unhold(SynthWorld *world, SynthPhone *phone, SynthHandle handle) {
    SynthCall *call = synth_call(world, handle);
    if (call && call->state == CALL_CONFIRMED && !call->leaving[0] && synth_call_end(world, call, 0, false))
        offer_again(world, phone, handle, WIRE_INVITE, false);
}

/* ---- what replies mean --------------------------------------------------------------------------------- */

/* Phones that still ring learn it by a CANCEL: their legs stay. */
static void end_call(SynthWorld *world, SynthHandle handle) {
    SynthCall *call = synth_call(world, handle);
    if (call) call->state = CALL_ENDED;
}

static void on_final(SynthWorld *world, SynthPhone *phone, SynthTransaction *t, SynthHandle handle,
                     const SynthMessage *reply) {
    uint16_t status = reply ? reply->status : 0;
    switch ((PhonePurpose)t->purpose) {
    case PURPOSE_REGISTER: on_registered(world, phone, t, reply); break;
    case PURPOSE_INVITE:
        if (status >= 200 && status < 300)
            on_answered(world, phone, t, reply);
        else
            end_call(world, t->call);
        tell_owner(world, phone, SYNTH_RESULT_CALL, status);
        break;
    case PURPOSE_REINVITE:
        if (status >= 200 && status < 300) acknowledge(world, phone, t->call, t->request.cseq);
        break;
    case PURPOSE_BYE:
        if (!reply) end_call(world, t->call);
        break;
    case PURPOSE_REQUEST: tell_owner(world, phone, SYNTH_RESULT_REQUEST, status); break;
    default: break;
    }
    if (t->request.method == WIRE_INVITE) /* replies that are sent again want their ACK again */
        synth_wake(world, phone->actor, 6 * SYNTH_SECOND, PHONE_LINGER, handle);
    else
        synth_slots_give(&world->transactions, handle);
}

static void on_reply(SynthWorld *world, SynthPhone *phone, const SynthMessage *reply) {
    SynthHandle handle = reply->trail[0];
    SynthTransaction *t = reply->hop ? NULL : synth_slots_find(&world->transactions, handle);
    if (!t || t->actor != phone->actor->index || t->request.cseq != reply->cseq) return;
    if (reply->method != t->request.method) return;
    bool invite = t->request.method == WIRE_INVITE;
    if (reply->status < 200) {
        t->provisional = true;
        if (t->purpose == PURPOSE_INVITE && !t->done) on_progress(world, phone, t, handle, reply);
        return;
    }
    if (invite && reply->status >= 300) acknowledge_failure(world, phone, t, reply);
    if (t->done) {
        if (invite && reply->status < 300) acknowledge(world, phone, t->call, t->request.cseq);
        return;
    }
    t->done = true;
    if ((reply->status == 401 || reply->status == 407) && answer_challenge(world, phone, t, handle, reply))
        return;
    on_final(world, phone, t, handle, reply);
}

void synth_phone_request(SynthWorld *world, SynthPhone *phone, const SynthMessage *request,
                         const WireAddress *destination) {
    SynthMessage copy;
    if (phone->off) return;
    synth_message_copy(&copy, request);
    phone_begin(world, phone, &copy, destination ? destination : &world->entry, PURPOSE_REQUEST, 0);
}

/* ---- the actor ----------------------------------------------------------------------------------------- */

static void wake(SynthWorld *world, SynthActor *actor, uint32_t what, SynthHandle handle) {
    SynthPhone *phone = actor->state;
    switch (what) {
    case PHONE_RESEND: on_resend(world, phone, handle); break;
    case PHONE_LINGER: synth_slots_give(&world->transactions, handle); break;
    case PHONE_CANCEL: on_cancel_time(world, phone, handle); break;
    case PHONE_REFRESH:
        if ((SynthHandle)phone->registered_until == handle)
            synth_phone_register(world, phone, phone->expires, true);
        break;
    case PHONE_RETRY:
        if (!synth_phone_registered(world, phone)) synth_phone_register(world, phone, phone->expires, true);
        break;
    case PHONE_UNHOLD: on_unhold(world, phone, handle); break;
    case PHONE_RING:
    case PHONE_ANSWER:
    case PHONE_RESEND_ANSWER:
    case PHONE_LEAVE:
    case PHONE_TRANSFER: phone_on_leg(world, phone, (PhoneWake)what, handle); break;
    default:
        if (what >= PHONE_STEP && what < PHONE_STEP + 8) on_step(world, phone, what - PHONE_STEP, handle);
        break;
    }
}

static void receive(SynthWorld *world, SynthActor *actor, const SynthPacket *packet) {
    SynthPhone *phone = actor->state;
    if (!packet->message || phone->off) return;
    if (packet->message->status)
        on_reply(world, phone, packet->message);
    else
        phone_on_request(world, phone, packet->message, &packet->source);
}

static const SynthActorKind kind = {"phone", wake, receive, NULL};

SynthPhone *synth_phone_new(SynthWorld *world, const SynthAgent *agent, const SynthAnswers *answers,
                            const SynthActor *owner) {
    SynthActor *actor = synth_actor_new(world, &kind, sizeof(SynthPhone));
    if (!actor) return NULL;
    SynthPhone *phone = actor->state;
    phone->actor = actor;
    phone->agent = *agent;
    phone->answers = *answers;
    phone->owner = owner ? owner->index + 1 : 0;
    phone->expires = 300;
    synth_listen(world, &agent->address, actor);
    return phone;
}

SynthAgent *synth_phone_agent(SynthPhone *phone) {
    return &phone->agent;
}

void synth_phone_move(SynthWorld *world, SynthPhone *phone, const WireAddress *address) {
    if (!phone->off) synth_listen(world, &phone->agent.address, NULL);
    phone->off = false;
    phone->agent.address = *address;
    if (!phone->agent.behind_nat) {
        phone->agent.host_port = address->port;
        synth_host_text(address, phone->agent.host);
        /* A new address mostly comes with a restart, which makes new identifiers. */
        if (synth_chance(&phone->actor->random, 0.8)) phone->register_call_id[0] = '\0';
    }
    synth_listen(world, address, phone->actor);
}

void synth_phone_patience(SynthPhone *phone, uint8_t copies) {
    phone->patience = copies;
}

void synth_phone_off(SynthWorld *world, SynthPhone *phone) {
    if (phone->off) return;
    phone->off = true;
    phone->registered_until = 0;
    synth_listen(world, &phone->agent.address, NULL);
}

void synth_call_plan_draw(SynthRandom *random, const char *number, size_t length, SynthCallPlan *plan) {
    memset(plan, 0, sizeof *plan);
    if (length >= sizeof plan->number) length = sizeof plan->number - 1;
    memcpy(plan->number, number, length);
    plan->talk = synth_log_uniform(random, 2, 240);
    plan->cancel = synth_chance(random, 0.12) ? synth_uniform(random, 0.3, 15) : -1;
    plan->acks = true;
    for (uint32_t i = 0, n = synth_chance(random, 0.7) ? 0 : synth_between(random, 1, 3); i < n; i++) {
        plan->steps[i] = (uint8_t)synth_between(random, SYNTH_STEP_HOLD, SYNTH_STEP_MESSAGE);
        if (i + 1 == n && synth_chance(random, 0.25)) plan->steps[i] = SYNTH_STEP_REFER;
    }
}
