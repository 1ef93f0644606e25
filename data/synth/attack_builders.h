/* The list of attack builders: one row each.
 * Relies on: attack_run.h.
 * Relied on by: attack.c, data/synth/attack_*.c. Internal to data/synth. */
#ifndef SIPCNN_SYNTH_ATTACK_BUILDERS_H
#define SIPCNN_SYNTH_ATTACK_BUILDERS_H

#include "data/synth/attack_run.h"

/* X(name): the constant attack_<name>. */
#define ATTACK_BUILDER_MAP(X)                                                                                \
    X(flood_storm)    /* one shot after another, no state */                                                 \
    X(flood_halfopen) /* INVITEs of a stack that never acknowledges an answer */                             \
    X(flood_register) /* registrations, with guessed digests or without */                                   \
    X(flood_repeat)   /* one and the same packet */                                                          \
    X(flood_hosts)    /* names that nobody can resolve */                                                    \
    X(flood_loop)     /* many hops: spirals and loops */                                                     \
    X(flood_bodies)   /* large bodies in fragments */                                                        \
    X(flood_strays)   /* requests of dialogs that do not exist */                                            \
    X(flood_slow)     /* a polite stack, barely above one a second */                                        \
    X(flood_direct)   /* at a phone, past the server */                                                      \
    X(flood_ringer)   /* rings and hangs up, again and again */                                              \
    X(swarm_bots)     /* distributed_flood: bots with stacks of their own */                                 \
    X(swarm_spoofed)  /* one machine, forged sources */                                                      \
    X(swarm_register) /* bots that register */                                                               \
    X(swarm_waves)    /* bots by turns */                                                                    \
    X(swarm_ringers)  /* bots that ring a few and hang up */                                                 \
    X(scan_sweep)                                                                                            \
    X(scan_ports)                                                                                            \
    X(scan_methods)                                                                                          \
    X(scan_slow)                                                                                             \
    X(scan_sockets)           /* a patient stack behind several sockets */                                   \
    X(scan_ladder)            /* who answers is asked for more */                                            \
    X(enumeration_range)      /* one extension after another */                                              \
    X(enumeration_dictionary) /* names, with a stack that cancels what rings */                              \
    X(enumeration_random)     /* random numbers, one Call-ID for all */                                      \
    X(enumeration_slow)       /* seconds to a minute between tries; stops at the first hits */               \
    X(enumeration_pairs)      /* bindings first, then a call to who seems to exist */                        \
    X(bruteforce_list)        /* REGISTER, challenge, guess */                                               \
    X(bruteforce_reuse)       /* one nonce, many guesses */                                                  \
    X(bruteforce_call)        /* INVITE and 407 */                                                           \
    X(bruteforce_many)        /* many clients, few guesses each */                                           \
    X(bruteforce_slow)        /* like a phone with the wrong password, but for ever new ones */              \
    X(teardown_bye)                                                                                          \
    X(teardown_cancel)                                                                                       \
    X(teardown_reply)                                                                                        \
    X(teardown_guess)                                                                                        \
    X(teardown_all)                                                                                          \
    X(teardown_sockets) /* each call from another socket or address */                                       \
    X(hijack_register)                                                                                       \
    X(hijack_clear) /* removes all bindings first */                                                         \
    X(hijack_slow)                                                                                           \
    X(hijack_media)                                                                                          \
    X(hijack_transfer)                                                                                       \
    X(hijack_query)  /* looks at the bindings before it adds its own */                                      \
    X(hijack_target) /* only the Contact of a call */                                                        \
    X(malformed_grammar)                                                                                     \
    X(malformed_lengths)                                                                                     \
    X(malformed_bytes)                                                                                       \
    X(malformed_torture)                                                                                     \
    X(injection_fields) /* one payload, one field, everywhere in turn */                                     \
    X(injection_spray)  /* payloads in many fields of one message */                                         \
    X(injection_digest) /* in credentials */                                                                 \
    X(injection_bodies) /* in SDP and texts */                                                               \
    X(injection_slow)   /* a stack whose names and agent are hostile */                                      \
    X(toll_fraud_stack) /* a whole phone with a stolen account */                                            \
    X(toll_fraud_prefixes)                                                                                   \
    X(toll_fraud_burst)                                                                                      \
    X(toll_fraud_slow)                                                                                       \
    X(toll_fraud_shared) /* one stolen account at several addresses */                                       \
    X(spit_caller)                                                                                           \
    X(spit_texts)                                                                                            \
    X(spit_robot)                                                                                            \
    X(spit_slow)                                                                                             \
    X(spit_sequence) /* a range of numbers, from several sockets */

#define ATTACK_DECLARE(name) extern const SynthAttackBuilder attack_##name;
ATTACK_BUILDER_MAP(ATTACK_DECLARE)
#undef ATTACK_DECLARE

#define ATTACK_KIND(tool)                                                                                    \
    { tool, attack_wake, attack_receive, attack_end }

#endif
