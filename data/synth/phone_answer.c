/* The asked side of a phone: calls that come in, and every other request.
 * Relies on: data/synth/phone_state.h.
 * Relied on by: data/synth/phone.c. */
#include "data/synth/phone_state.h"

#include <stdio.h>

/* ---- replies ------------------------------------------------------------------------------------------- */

static void put_tag(SynthPhone *phone, char *tag, size_t size) {
    SynthText text = synth_text(tag, (uint32_t)size);
    synth_draw_tag(&text, &phone->actor->random, phone->agent.style);
    synth_text_end(&text);
}

static void make_reply(const SynthPhone *phone, const SynthMessage *request, uint16_t status, const char *tag,
                       SynthMessage *reply) {
    synth_reply(reply, request, phone->agent.style, status, NULL, tag);
}

static void answer(SynthWorld *world, SynthPhone *phone, const SynthMessage *request, uint16_t status) {
    SynthMessage reply;
    char tag[72];
    put_tag(phone, tag, sizeof tag);
    make_reply(phone, request, status, status > 100 ? tag : NULL, &reply);
    if (request->method == WIRE_OPTIONS && status == 200)
        synth_set_contact(&phone->agent, &reply, phone->agent.user, -1);
    synth_send(world, &phone->agent.address, &reply.reply_to[0], &reply);
}

/* ---- a call comes in ----------------------------------------------------------------------------------- */

static SynthLeg *leg_of(SynthWorld *world, const SynthPhone *phone, const SynthCall *call,
                        SynthHandle *handle) {
    for (uint8_t i = 0; i < call->n_legs; i++) {
        SynthLeg *leg = synth_slots_find(&world->legs, call->legs[i]);
        if (!leg || leg->actor != phone->actor->index) continue;
        *handle = call->legs[i];
        return leg;
    }
    return NULL;
}

/* A reply to the leg's INVITE. */
static void say(SynthWorld *world, SynthPhone *phone, SynthLeg *leg, uint16_t status) {
    SynthMessage reply;
    const SynthStyle *style = phone->agent.style;
    SynthRandom *random = &phone->actor->random;
    make_reply(phone, &leg->invite, status, status > 100 ? leg->tag : NULL, &reply);
    if (status > 100 && status < 300) synth_set_contact(&phone->agent, &reply, phone->agent.user, -1);
    if (status == 200 || status == 183)
        synth_set_offer(random, &phone->agent, &reply, leg->session, 0, false);
    if (status == 200 && style->session_timer) {
        synth_message_extra(&reply, WIRE_HEADER_SESSION_EXPIRES, NULL, "1800;refresher=uac", 18);
        synth_message_extra(&reply, WIRE_HEADER_REQUIRE, NULL, "timer", 5);
    }
    if (leg->reliable && status > 100 && status < 200) {
        char sequence[16];
        SynthText text = synth_text(sequence, sizeof sequence);
        synth_put_number(&text, ++leg->rseq);
        synth_message_extra(&reply, WIRE_HEADER_RSEQ, NULL, text.bytes, text.length);
        synth_message_extra(&reply, WIRE_HEADER_REQUIRE, NULL, "100rel", 6);
    }
    leg->last_status = status;
    synth_send(world, &phone->agent.address, &reply.reply_to[0], &reply);
}

static void over(SynthLeg *leg) {
    leg->state = CALL_ENDED;
}

typedef enum Fate { FATE_ANSWER, FATE_BUSY, FATE_DECLINE, FATE_IGNORE, FATE_SILENT, FATES } Fate;

static void decide(SynthWorld *world, SynthPhone *phone, SynthLeg *leg, SynthHandle handle) {
    SynthRandom *random = &phone->actor->random;
    const SynthAnswers *a = &phone->answers;
    const uint16_t weights[FATES] = {a->answer, a->busy, a->decline, a->ignore, a->silent};
    Fate fate = (Fate)synth_weighted(random, weights, FATES);
    if (fate == FATE_SILENT) {
        over(leg);
        return;
    }
    if (fate == FATE_BUSY) {
        say(world, phone, leg, 486);
        over(leg);
        return;
    }
    if (phone->agent.style->sends_100) say(world, phone, leg, 100);
    leg->reliable = phone->agent.style->reliable && synth_chance(random, 0.7);
    synth_wake(world, phone->actor, synth_between(random, 10, 300) * SYNTH_MS, PHONE_RING, handle);
    double ring = fate == FATE_IGNORE ? synth_uniform(random, 30, 70) : synth_log_uniform(random, 0.8, 18);
    leg->fate = (uint8_t)fate;
    synth_wake(world, phone->actor, (int64_t)(ring * 1e9), PHONE_ANSWER, handle);
}

static void on_invite(SynthWorld *world, SynthPhone *phone, const SynthMessage *m) {
    SynthHandle call_handle = m->call, handle;
    SynthCall *call = synth_call(world, call_handle);
    if (!call) call = synth_call(world, call_handle = synth_call_new(world, m->run));
    if (!call) return;
    SynthLeg *leg = leg_of(world, phone, call, &handle);
    if (leg) { /* it is sent again */
        if (leg->last_status) say(world, phone, leg, leg->last_status);
        return;
    }
    if (call->n_legs == CALL_LEGS || call->state == CALL_ENDED) {
        answer(world, phone, m, 486);
        return;
    }
    leg = synth_slots_take(&world->legs, false, &handle);
    if (!leg) {
        synth_fail(world, CORE_MEMORY, "no memory for calls");
        return;
    }
    leg->call = call_handle;
    leg->actor = phone->actor->index;
    leg->state = CALL_RINGING;
    leg->cancelled = leg->acked = leg->reliable = false;
    leg->last_status = 0;
    leg->transfer_to = 0;
    leg->rseq = synth_between(&phone->actor->random, 1, 9000);
    leg->session = synth_between(&phone->actor->random, 1000, 2000000000);
    put_tag(phone, leg->tag, sizeof leg->tag);
    synth_message_copy(&leg->invite, m);
    leg->invite.call = call_handle;
    call->legs[call->n_legs++] = handle;
    decide(world, phone, leg, handle);
}

static void on_ring(SynthWorld *world, SynthPhone *phone, SynthLeg *leg) {
    if (leg->state != CALL_RINGING) return;
    bool early = phone->agent.style->family % 8 == 3 || synth_chance(&phone->actor->random, 0.06);
    say(world, phone, leg, early ? 183 : 180);
}

static void accept(SynthWorld *world, SynthPhone *phone, SynthLeg *leg, SynthHandle handle) {
    SynthCall *call = synth_call(world, leg->call);
    if (!call || call->state >= CALL_CONFIRMED) { /* another phone was quicker; the CANCEL is under way */
        over(leg);
        return;
    }
    SynthEnd *end = synth_call_end(world, call, 1, true);
    if (!end) return;
    synth_end_of_asked(&phone->actor->random, &leg->invite, leg->tag, end);
    call->actors[1] = phone->actor->index + 1;
    call->state = CALL_CONFIRMED;
    leg->state = CALL_CONFIRMED;
    leg->resent = 0;
    say(world, phone, leg, 200);
    synth_wake(world, phone->actor, 500 * SYNTH_MS, PHONE_RESEND_ANSWER, handle);
}

static void on_answer_time(SynthWorld *world, SynthPhone *phone, SynthLeg *leg, SynthHandle handle) {
    static const uint16_t refusals[] = {603, 480, 486, 486, 480};
    if (leg->state != CALL_RINGING || phone->off) return;
    switch ((Fate)leg->fate) {
    case FATE_ANSWER: accept(world, phone, leg, handle); break;
    case FATE_DECLINE:
        say(world, phone, leg, SYNTH_PICK(&phone->actor->random, refusals));
        over(leg);
        break;
    default:
        say(world, phone, leg, 480);
        over(leg);
        break;
    }
}

static void on_resend_answer(SynthWorld *world, SynthPhone *phone, SynthLeg *leg, SynthHandle handle) {
    if (leg->state != CALL_CONFIRMED || leg->acked || phone->off) return;
    if (leg->resent >= 7) { /* RFC 3261 13.3.1.4: no ACK within 32 s ends the call */
        phone_hang_up(world, phone, leg->call, 1);
        over(leg);
        return;
    }
    int64_t wait = 500 * SYNTH_MS << leg->resent++;
    if (wait > 4 * SYNTH_SECOND) wait = 4 * SYNTH_SECOND;
    say(world, phone, leg, 200);
    synth_wake(world, phone->actor, wait, PHONE_RESEND_ANSWER, handle);
}

/* ---- transfer ------------------------------------------------------------------------------------------ */

/* Who was transferred calls whom it was sent to, says so, and leaves. */
static void on_transfer(SynthWorld *world, SynthPhone *phone, SynthLeg *leg, SynthHandle handle) {
    static const char done[] = "SIP/2.0 200 OK\r\n";
    SynthCall *call = synth_call(world, leg->call);
    SynthEnd *end = call ? synth_call_end(world, call, 1, false) : NULL;
    SynthMessage notify;
    SynthCallPlan plan;
    if (!end || call->state != CALL_CONFIRMED || !leg->transfer_to || leg->transfer_to > world->n_users)
        return;
    const SynthUser *user = &world->users[leg->transfer_to - 1];
    synth_in_dialog(world, &phone->actor->random, &phone->agent, end, WIRE_NOTIFY, 0, &notify);
    synth_message_extra(&notify, WIRE_HEADER_EVENT, NULL, "refer", 5);
    synth_message_extra(&notify, WIRE_HEADER_SUBSCRIPTION_STATE, NULL, "terminated;reason=noresource", 28);
    synth_set_body(&notify, "message/sipfrag;version=2.0", done, sizeof done - 1);
    phone_inside(world, phone, leg->call, 1, &notify, PURPOSE_INSIDE);
    synth_call_plan_draw(&phone->actor->random, user->name, user->length, &plan);
    synth_phone_call(world, phone, &plan);
    synth_wake(world, phone->actor, 300 * SYNTH_MS, PHONE_LEAVE, handle);
}

static void on_refer(SynthWorld *world, SynthPhone *phone, const SynthMessage *m, SynthCall *call) {
    SynthHandle handle = 0;
    SynthLeg *leg = leg_of(world, phone, call, &handle);
    answer(world, phone, m, 202);
    if (!leg || leg->state != CALL_CONFIRMED) return;
    leg->transfer_to = m->text_id;
    synth_wake(world, phone->actor, 200 * SYNTH_MS, PHONE_TRANSFER, handle);
}

void phone_on_leg(SynthWorld *world, SynthPhone *phone, PhoneWake what, SynthHandle handle) {
    SynthLeg *leg = synth_slots_find(&world->legs, handle);
    if (!leg || leg->actor != phone->actor->index) return;
    switch (what) {
    case PHONE_RING: on_ring(world, phone, leg); break;
    case PHONE_ANSWER: on_answer_time(world, phone, leg, handle); break;
    case PHONE_RESEND_ANSWER: on_resend_answer(world, phone, leg, handle); break;
    case PHONE_TRANSFER: on_transfer(world, phone, leg, handle); break;
    default: phone_hang_up(world, phone, leg->call, 1); break;
    }
}

/* ---- requests within dialogs --------------------------------------------------------------------------- */

static bool same(const SynthMessage *m, SynthSlice tag, const char *text) {
    size_t length = strlen(text);
    return length && tag.length == length && memcmp(synth_slice(m, tag), text, length) == 0;
}

int phone_side(const SynthWorld *world, const SynthMessage *request) {
    const SynthCall *call = synth_call(world, request->call);
    for (int side = 0; side < 2 && call; side++) {
        const SynthEnd *end = synth_slots_find(&world->ends, call->ends[side]);
        if (end && same(request, request->to.tag, end->local_tag)) return side;
    }
    return -1;
}

static void on_ack(SynthWorld *world, SynthPhone *phone, const SynthMessage *m) {
    SynthHandle handle;
    SynthCall *call = synth_call(world, m->call);
    SynthLeg *leg = call ? leg_of(world, phone, call, &handle) : NULL;
    SynthRandom *random = &phone->actor->random;
    if (m->failure_ack || !leg || leg->state != CALL_CONFIRMED || leg->acked) return;
    leg->acked = true;
    if (synth_chance(random, 0.45))
        synth_wake(world, phone->actor, (int64_t)(synth_log_uniform(random, 3, 400) * 1e9), PHONE_LEAVE,
                   handle);
}

static void on_bye(SynthWorld *world, SynthPhone *phone, const SynthMessage *m) {
    SynthCall *call = synth_call(world, m->call);
    int side = phone_side(world, m);
    if (call && call->state == CALL_ENDED && call->bye == m->cseq) { /* it is sent again */
        answer(world, phone, m, 200);
        return;
    }
    if (side < 0) {
        answer(world, phone, m, 481);
        return;
    }
    answer(world, phone, m, 200);
    call->bye = m->cseq;
    synth_call_over(world, call);
}

static void on_cancel(SynthWorld *world, SynthPhone *phone, const SynthMessage *m) {
    SynthHandle handle;
    SynthCall *call = synth_call(world, m->call);
    SynthLeg *leg = call ? leg_of(world, phone, call, &handle) : NULL;
    if (!leg) {
        answer(world, phone, m, 481);
        return;
    }
    SynthMessage reply;
    make_reply(phone, m, 200, leg->tag, &reply);
    synth_send(world, &phone->agent.address, &reply.reply_to[0], &reply);
    if (leg->state != CALL_RINGING) return;
    say(world, phone, leg, 487);
    over(leg);
}

static void on_dialog(SynthWorld *world, SynthPhone *phone, const SynthMessage *m) {
    SynthCall *call = synth_call(world, m->call);
    int side = phone_side(world, m);
    SynthMessage reply;
    if (m->method == WIRE_BYE) {
        on_bye(world, phone, m);
    } else if (m->method == WIRE_NOTIFY || m->method == WIRE_PRACK) {
        answer(world, phone, m, 200);
    } else if (side < 0 || call->state == CALL_ENDED) {
        answer(world, phone, m, 481);
    } else if (m->method == WIRE_REFER) {
        on_refer(world, phone, m, call);
    } else if (m->method == WIRE_INVITE || (m->method == WIRE_UPDATE && m->sdp)) {
        make_reply(phone, m, 200, NULL, &reply);
        synth_set_contact(&phone->agent, &reply, phone->agent.user, -1);
        synth_set_offer(&phone->actor->random, &phone->agent, &reply, 1000 + (uint32_t)(m->call & 0xffffff),
                        1, m->hold);
        synth_send(world, &phone->agent.address, &reply.reply_to[0], &reply);
    } else {
        answer(world, phone, m, 200);
    }
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

/* The first notice of a subscription to the phone itself. */
static void on_subscribe(SynthWorld *world, SynthPhone *phone, const SynthMessage *m) {
    static const char body[] =
        "<?xml version=\"1.0\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"/>\r\n";
    SynthMessage reply, notify;
    SynthEnd end;
    char tag[72];
    memset(&end, 0, sizeof end);
    put_tag(phone, tag, sizeof tag);
    make_reply(phone, m, 200, tag, &reply);
    reply.expires = m->expires >= 0 ? m->expires : 300;
    synth_set_contact(&phone->agent, &reply, phone->agent.user, -1);
    synth_send(world, &phone->agent.address, &reply.reply_to[0], &reply);
    if (!m->contact_address.port) return;
    synth_end_of_asked(&phone->actor->random, m, tag, &end);
    end.call = 0;
    synth_in_dialog(world, &phone->actor->random, &phone->agent, &end, WIRE_NOTIFY, 0, &notify);
    synth_message_extra(&notify, WIRE_HEADER_EVENT, NULL, "presence", 8);
    synth_message_extra(&notify, WIRE_HEADER_SUBSCRIPTION_STATE, NULL, "active;expires=300", 18);
    synth_set_body(&notify, "application/pidf+xml", body, sizeof body - 1);
    notify.run = m->run;
    notify.strays = m->run != 0;
    phone_begin(world, phone, &notify, end.n_routes ? &end.route_to[0] : &end.target_address, PURPOSE_INSIDE,
                0);
}

static void on_message(SynthWorld *world, SynthPhone *phone, const SynthMessage *m) {
    answer(world, phone, m, 200);
    if (!phone->owner || m->run) return;
    uint32_t sender = synth_find_user(world, synth_slice(m, m->from.user), m->from.user.length);
    if (sender != UINT32_MAX)
        synth_wake(world, world->actors[phone->owner - 1], 0, SYNTH_WAKE_TEXT, sender + 1);
}

void phone_on_request(SynthWorld *world, SynthPhone *phone, const SynthMessage *m,
                      const WireAddress *source) {
    (void)source;
    if (m->broken) {
        if (phone->agent.style->family % 3) answer(world, phone, m, 400);
        return;
    }
    switch (m->method) {
    case WIRE_ACK: on_ack(world, phone, m); return;
    case WIRE_CANCEL: on_cancel(world, phone, m); return;
    default: break;
    }
    if (m->to.tag.length) {
        on_dialog(world, phone, m);
        return;
    }
    switch (m->method) {
    case WIRE_INVITE: on_invite(world, phone, m); break;
    case WIRE_MESSAGE: on_message(world, phone, m); break;
    case WIRE_SUBSCRIBE: on_subscribe(world, phone, m); break;
    case WIRE_OPTIONS:
    case WIRE_INFO:
    case WIRE_NOTIFY: answer(world, phone, m, 200); break;
    case WIRE_BYE:
    case WIRE_PRACK:
    case WIRE_UPDATE: answer(world, phone, m, 481); break;
    default: answer(world, phone, m, phone->agent.style->family % 2 ? 405 : 501); break;
    }
}
