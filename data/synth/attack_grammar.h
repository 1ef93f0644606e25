/* Random text from a small grammar: what attackers write into fields, guess and dial.
 * Relies on: data/synth/random.h.
 * Relied on by: data/synth/attack_*.c. Internal to data/synth. */
#ifndef SIPCNN_SYNTH_ATTACK_GRAMMAR_H
#define SIPCNN_SYNTH_ATTACK_GRAMMAR_H

#include "data/synth/random.h"
#include "engine/core/status.h"

#include <stdbool.h>
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

/* Appends one derivation of `rule` by synth_expand (grammar.h) from the rules of hostile strings. */
void attack_expand(SynthRandom *random, const char *rule, AttackText *text);
extern const struct SynthGrammar attack_payload_grammar;

/* A hostile string of the family, at least 4 bytes, encoded and disguised as attackers do (case, comments for
 * blanks, percent escapes once or twice, overlong UTF-8, entities), now and then beside an honest text.
 * Printable ASCII, tabs and the UTF-8 of honest texts. */
void attack_payload(SynthRandom *random, AttackPayload family, AttackText *text);

/* The bytes of `from` with all but letters, digits, %HH and those of `keep` as %HH: what ends a part of a
 * URI, or must not stand in it. Of a user part RFC 3261 keeps ATTACK_USER; a parameter's value, ATTACK_VALUE.
 */
#define ATTACK_USER  "-_.!~*'()&=+$,;?/"
#define ATTACK_VALUE "-_.!~*'()+$/:[]&`{}|^#\\"
void attack_escape(const AttackText *from, const char *keep, AttackText *to);

/* The bytes of `from` inside a quoted string: '"' and '\' get a backslash. */
void attack_escape_quoted(const AttackText *from, AttackText *to);

/* Appends one byte; what does not fit is cut. */
void attack_put(AttackText *text, char c);

/* An ASCII letter or digit. */
bool attack_is_plain(char c);

/* Appends formatted text; what does not fit is cut. */
void attack_append(AttackText *text, const char *format, ...) CORE_PRINTF(2, 3);

#endif
