/* What a phone is made of. Internal to data/synth: phone.c and phone_answer.c.
 * Relies on: call.h.
 * Relied on by: phone.c, phone_answer.c. */
#ifndef SIPCNN_SYNTH_PHONE_STATE_H
#define SIPCNN_SYNTH_PHONE_STATE_H

#include "data/synth/call.h"

/* What a phone wakes itself for; the handle is a transaction's, a leg's or a call's. */
typedef enum PhoneWake {
    PHONE_RESEND = 1,
    PHONE_LINGER,
    PHONE_CANCEL,
    PHONE_REFRESH, /* handle: the time that was promised */
    PHONE_RETRY,
    PHONE_RING,
    PHONE_ANSWER,
    PHONE_RESEND_ANSWER,
    PHONE_LEAVE, /* the callee hangs up */
    PHONE_TRANSFER,
    PHONE_UNHOLD,
    PHONE_STEP, /* + number of the step; the last one is the BYE */
} PhoneWake;

typedef enum PhonePurpose {
    PURPOSE_REGISTER,
    PURPOSE_INVITE,
    PURPOSE_REINVITE,
    PURPOSE_REQUEST, /* asked for by the owner */
    PURPOSE_INSIDE,  /* of a dialog */
    PURPOSE_BYE,
} PhonePurpose;

struct SynthPhone {
    SynthActor *actor;
    SynthAgent agent;
    SynthAnswers answers;
    uint32_t owner; /* actor + 1 */
    bool off, wrong_password;
    uint8_t patience; /* copies of a request; 0: as the RFC says */
    int64_t registered_until;
    int32_t expires;
    char register_call_id[160], register_tag[72];
    uint32_t register_cseq;
};

/* A request of this phone as a transaction: sent now, and again until there is a reply. NULL: no memory. */
SynthTransaction *phone_begin(SynthWorld *world, SynthPhone *phone, SynthMessage *request,
                              const WireAddress *destination, PhonePurpose purpose, SynthHandle call);

/* Sends a request within the dialog, to its first route or target. */
void phone_inside(SynthWorld *world, SynthPhone *phone, SynthHandle call, unsigned side,
                  SynthMessage *request, PhonePurpose purpose);
void phone_hang_up(SynthWorld *world, SynthPhone *phone, SynthHandle call, unsigned side);

/* Marks a request within a call that an attack made: it belongs to that run, as another's. */
void phone_mark(const SynthPhone *phone, const SynthCall *call, SynthMessage *message);

/* Which end of its call a phone is, by the To tag of a request: 0, 1, or -1: it is none. */
int phone_side(const SynthWorld *world, const SynthMessage *request);

/* A request that arrives (phone_answer.c), and the wakes of its legs. */
void phone_on_request(SynthWorld *world, SynthPhone *phone, const SynthMessage *request,
                      const WireAddress *source);
void phone_on_leg(SynthWorld *world, SynthPhone *phone, PhoneWake what, SynthHandle leg);

#endif
