/* How a session begins: its site, its people and machines, its attacks. Internal to data/synth.
 * Relies on: world.h.
 * Relied on by: world.c, plan.c, network.c, habits.
 */
#ifndef SIPCNN_SYNTH_PLAN_H
#define SIPCNN_SYNTH_PLAN_H

#include "data/synth/phone.h"
#include "data/synth/world.h"

/* Draws everything about the session from the settings' seed and makes its actors. CORE_ARGUMENT names a
 * setting. */
CoreStatus synth_plan(SynthWorld *world, CoreError *error);

/* ---- network.c ---- */

/* Address ranges, domain, accounts. False: no memory. */
bool synth_network_draw(SynthWorld *world);
void synth_network_free(SynthWorld *world);
/* Tells that honest clients use this address, so that others may share it. */
void synth_network_share(SynthWorld *world, const WireAddress *address);
/* An account that no actor has taken yet (and takes it); UINT32_MAX: there is none left. */
uint32_t synth_take_user(SynthWorld *world, SynthRandom *random);

/* Binds a Contact as if the REGISTER had come before the capture (server.c). */
void synth_bind(SynthWorld *world, uint32_t user, const SynthMessage *message, const WireAddress *source);

/* A phone that registered before the capture began (phone.c). */
void synth_phone_settle(SynthWorld *world, SynthPhone *phone, int32_t expires);

/* ---- people.c ---- */

/* How busy the site is at a time of day and week, around 1. */
double synth_rhythm(const SynthWorld *world, int64_t time_ns);

typedef struct SynthHabits {
    double calls, messages, subscriptions, publications; /* an hour, at a busy time */
    double abroad;                                       /* share of calls */
    double outward;                                      /* share of calls to numbers outside */
    double wrong;                                        /* share of calls to numbers that nobody has */
    double keep_alive;                                   /* seconds between OPTIONS; 0: none */
    double noise;                                        /* seconds between CRLF; 0: none */
    int32_t expires;
    uint8_t mistyped;     /* wrong passwords before the first right one */
    bool settled;         /* registered before the capture began */
    bool restarts, moves; /* unregisters and comes back; gets another address some time */
    bool fades;           /* disappears some time without a word */
    SynthAnswers answers;
} SynthHabits;

void synth_habits_draw(const SynthWorld *world, SynthRandom *random, SynthHabits *habits);

/* A person with a phone; `places` 2: at two addresses in turn. */
void synth_person_new(SynthWorld *world, uint32_t user, const WireAddress *address, const SynthHabits *habits,
                      uint32_t places);

/* ---- machines.c ---- */

void synth_gateway_new(SynthWorld *world, const WireAddress *address, double calls_hour);
void synth_trunk_new(SynthWorld *world, double per_second, double abroad);
void synth_dialler_new(SynthWorld *world, double per_second);
void synth_monitor_new(SynthWorld *world, uint32_t phones, uint32_t dead, double gap);
void synth_notifier_new(SynthWorld *world, double rounds_hour);
void synth_storm_new(SynthWorld *world, uint32_t people, double at, bool behind_nat);
void synth_misconfigured_new(SynthWorld *world);

#endif
