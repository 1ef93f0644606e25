/* An honest SIP stack: transactions with retransmission, digest, calls from both sides, subscriptions.
 * Relies on: agent.h.
 * Relied on by: data/synth: honest actors; attacks that use a real stack or place honest calls.
 *
 * A phone is an actor. It does by itself what a stack does (answers, acknowledges, retransmits, refreshes its
 * registration); what a person does with it is asked for by the functions below. */
#ifndef SIPCNN_SYNTH_PHONE_H
#define SIPCNN_SYNTH_PHONE_H

#include "data/synth/agent.h"

/* What happens to a call that arrives; weights. */
typedef struct SynthAnswers {
    uint16_t answer, busy, decline, ignore, silent;
} SynthAnswers;

/* What happens within an established call, in this order at even intervals. */
typedef enum SynthStep {
    SYNTH_STEP_NONE,
    SYNTH_STEP_HOLD, /* re-INVITE sendonly, and back later */
    SYNTH_STEP_UPDATE,
    SYNTH_STEP_INFO, /* DTMF */
    SYNTH_STEP_OPTIONS,
    SYNTH_STEP_MESSAGE,
    SYNTH_STEP_REFER, /* transfer; ends the call */
    SYNTH_STEPS
} SynthStep;

typedef struct SynthCallPlan {
    char number[64]; /* user part called */
    double talk;     /* seconds from the answer to the caller's BYE; the callee may hang up first */
    double cancel;   /* seconds from the first ringing to the CANCEL; < 0: never */
    uint8_t steps[4];
    bool acks;                       /* false: never acknowledges a 2xx (a broken or hostile stack) */
    char from_user[SYNTH_USER_SIZE]; /* a trunk's caller number; empty: the phone's own */
} SynthCallPlan;

typedef struct SynthPhone SynthPhone;

/* What a phone reports about what it was asked for. Passed to `done` of its owner. */
typedef enum SynthResult {
    SYNTH_RESULT_REGISTER,
    SYNTH_RESULT_CALL, /* status: final of the INVITE */
    SYNTH_RESULT_REQUEST,
} SynthResult;

/* A phone at `agent`, listening. Its `receive` and `wake` run by themselves. `owner` (may be NULL) is woken
 * with what = SYNTH_WAKE_RESULT + result and the final status (0: none came) as handle. NULL: no memory. */
enum { SYNTH_WAKE_RESULT = 1000, SYNTH_WAKE_TEXT = 1100 /* a MESSAGE came; handle: user + 1 who sent it */ };
SynthPhone *synth_phone_new(SynthWorld *world, const SynthAgent *agent, const SynthAnswers *answers,
                            const SynthActor *owner);

SynthAgent *synth_phone_agent(SynthPhone *phone);

/* Registers for `expires` seconds (0: unregisters) with the right password or not; answers the challenge. */
void synth_phone_register(SynthWorld *world, SynthPhone *phone, int32_t expires, bool right_password);

/* Whether its last REGISTER succeeded and has not expired. */
bool synth_phone_registered(const SynthWorld *world, const SynthPhone *phone);

/* Starts a call. */
void synth_phone_call(SynthWorld *world, SynthPhone *phone, const SynthCallPlan *plan);

/* Sends a request that synth_request made (MESSAGE, OPTIONS, SUBSCRIBE, PUBLISH ...) as a transaction to
 * `destination` (NULL: the entry), answering a challenge with the right password. */
void synth_phone_request(SynthWorld *world, SynthPhone *phone, const SynthMessage *request,
                         const WireAddress *destination);

/* Moves to another socket (DHCP, NAT, roaming): listens there and no longer here. */
void synth_phone_move(SynthWorld *world, SynthPhone *phone, const WireAddress *address);

/* Requests other than INVITE and REGISTER are sent at most so often (0: as RFC 3261 says, for 32 s). */
void synth_phone_patience(SynthPhone *phone, uint8_t copies);

/* Goes silent: nothing is answered any more until it moves. */
void synth_phone_off(SynthWorld *world, SynthPhone *phone);

/* A plan of an ordinary call: talk time, now and then a CANCEL, hold, DTMF, transfer. */
void synth_call_plan_draw(SynthRandom *random, const char *number, size_t length, SynthCallPlan *plan);

#endif
