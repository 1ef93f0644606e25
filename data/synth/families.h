/* The pools that styles are drawn from: families of real user agents, orders of headers, names, texts.
 * Relies on: style.h.
 * Relied on by: style.c, identifiers.c, habits. */
#ifndef SIPCNN_SYNTH_FAMILIES_H
#define SIPCNN_SYNTH_FAMILIES_H

#include "data/synth/style.h"

enum { FAMILY_AGENTS = 6 }; /* at most five, and the NULL */

typedef struct Family {
    const char *name;
    const char *order;                 /* header names as the family writes them, in order */
    const char *agents[FAMILY_AGENTS]; /* User-Agent texts; NULL behind the last; "" for none */
    uint8_t call_id, call_id_host, branch, tag;
} Family;

extern const Family families[];

/* Alternatives, each list ends with NULL. */
extern const char *const family_allow[],
    *const family_supported[],
        *const family_accept[], *const family_contact_params[],
                                    *const family_codecs[], *const family_words[], *const family_first[],
                                                                                       *const family_last[];

/* Texts that people send each other. */
extern const char *const synth_message_texts[];
extern const uint32_t synth_message_text_count;

/* Number of entries of a list. */
uint32_t family_count(const char *const *list);
const char *family_pick(SynthRandom *random, const char *const *list);

#endif
