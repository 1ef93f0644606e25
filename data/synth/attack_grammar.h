/* Random text from a small grammar: what attackers write into fields, guess and dial.
 * Relies on: data/synth/random.h.
 * Relied on by: data/synth/attack_*.c. Internal to data/synth. */
#ifndef SIPCNN_SYNTH_ATTACK_GRAMMAR_H
#define SIPCNN_SYNTH_ATTACK_GRAMMAR_H

#include "data/synth/random.h"
#include "engine/core/status.h"

#include <stddef.h>

/* Texts are cut to this many bytes. */
enum { ATTACK_TEXT_MAX = 1500 };

typedef struct AttackText {
    char bytes[ATTACK_TEXT_MAX + 1]; /* ends in a NUL, which is not counted */
    uint32_t length;
} AttackText;

/* Families of hostile strings. */
typedef enum AttackPayload {
    ATTACK_SQL,
    ATTACK_SCRIPT,
    ATTACK_SHELL,
    ATTACK_PATH,
    ATTACK_FORMAT,
    ATTACK_LOG,
    ATTACK_LOOKUP,    /* JNDI and other look-ups that a logger expands */
    ATTACK_TEMPLATE,  /* expressions of template engines */
    ATTACK_DIRECTORY, /* LDAP and XPath filters */
    ATTACK_MARKUP,    /* XML entities and includes */
    ATTACK_DOCUMENT,  /* operators of document databases */
    ATTACK_PAYLOADS
} AttackPayload;

/* Appends one derivation of `rule`: a text in which ~name~ stands for a random alternative of the rule of
 * that name, ~n~ for a number and ~=~ for the same number again, ~a4~ for four letters or digits, ~d3~ for
 * three digits, ~h8~ for eight hexadecimal digits. Deterministic in *random. */
void attack_expand(SynthRandom *random, const char *rule, AttackText *text);

/* A hostile string of the family, encoded and disguised as attackers do (case, comments for blanks, percent
 * escapes once or twice, entities). Only printable ASCII but for rare UTF-8. */
void attack_payload(SynthRandom *random, AttackPayload family, AttackText *text);

/* The bytes of `from` as a user part: what ends a URI, and what no URI may hold, becomes %HH. */
void attack_escape_user(const AttackText *from, AttackText *to);

/* The bytes of `from` inside a quoted string: '"' and '\' get a backslash. */
void attack_escape_quoted(const AttackText *from, AttackText *to);

/* Appends formatted text; what does not fit is cut. */
void attack_append(AttackText *text, const char *format, ...) CORE_PRINTF(2, 3);

#endif
