/* Random text from grammars: a table of rules and the texts that derive from it.
 * Relies on: data/synth/text.h.
 * Relied on by: attack_grammar.c, attack_payload.c, oddity.c. Internal to data/synth. */
#ifndef SIPCNN_SYNTH_GRAMMAR_H
#define SIPCNN_SYNTH_GRAMMAR_H

#include "data/synth/text.h"

enum { SYNTH_ALTERNATIVES = 80 };

/* A rule and its alternatives; NULL ends them. Alternatives that should come more often stand there twice. */
typedef struct SynthRule {
    const char *name;
    const char *alternatives[SYNTH_ALTERNATIVES];
} SynthRule;

typedef struct SynthGrammar {
    const SynthRule *rules;
    uint32_t count;
} SynthGrammar;

/* Appends one derivation of `rule`: a text in which
 *   ~name~    is a random alternative of the rule of that name,
 *   ~name+~   one of them, the same 2 to 9 times; ~name*~ 1 to 6 of them, each drawn anew,
 *   ~n~       a number, ~=~ the same number again, ~w~ a word that can be pronounced, ~W~ with a capital,
 *   ~a4~      four letters or digits, ~d3~ digits, ~h8~ hexadecimal digits, ~l2~ lower-case letters, ~L2~
 *             capitals, ~b9~ of base64; ~a4-9~ four to nine.
 * A tilde that begins none of these is itself. Deterministic in *random. */
void synth_expand(const SynthGrammar *grammar, SynthRandom *random, const char *rule, SynthText *text);

#endif
