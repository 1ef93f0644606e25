/* Ways to break a message that was well-formed: grammar, lengths, framing; for the class "malformed".
 * Relies on: data/synth/random.h.
 * Relied on by: data/synth/attack_content.c. Internal to data/synth. */
#ifndef SIPCNN_SYNTH_ATTACK_MUTATE_H
#define SIPCNN_SYNTH_ATTACK_MUTATE_H

#include "data/synth/random.h"

#include <stdbool.h>
#include <stdint.h>

/* A message in a caller's buffer. Changes that do not fit are cut or left out. */
typedef struct AttackBytes {
    uint8_t *bytes;
    uint32_t length, capacity;
} AttackBytes;

/* One to three faults of the grammar: number, spelling, order or presence of what the header section must
 * have. `kinds` is a mask of the faults that this attacker knows; 0: all. */
void attack_break_grammar(SynthRandom *random, uint64_t kinds, AttackBytes *message);

/* One field far longer, deeper or more often than anybody writes it; `step` 0.. makes it longer and longer.
 */
void attack_overflow(SynthRandom *random, unsigned step, AttackBytes *message);

/* Random bytes: flips, insertions, deletions, repeats, cuts and edge values anywhere behind the start line's
 * method. `strength` 1.. is how many. */
void attack_fuzz_bytes(SynthRandom *random, unsigned strength, AttackBytes *message);

/* Replaces `count` bytes from `at` on by `size` bytes of `with`. */
void attack_splice(AttackBytes *message, uint32_t at, uint32_t count, const void *with, uint32_t size);

/* Adds a line "NAME: VALUE" (either may be any text) behind the first header. */
void attack_add_line(AttackBytes *message, const char *line);

/* The value of the first header of that name (long or compact form): offset and length; false: none. */
typedef struct AttackSpan {
    uint32_t line, value, end; /* offsets of the line's and the value's first byte, and of the line's end */
} AttackSpan;
bool attack_find_header(const AttackBytes *message, const char *name, AttackSpan *span);

/* Replaces that value, or adds the header. */
void attack_set_header(AttackBytes *message, const char *name, const char *value);

/* Removes every header of that name. */
void attack_remove_header(AttackBytes *message, const char *name);

/* Writes the body's true length into Content-Length. */
void attack_fix_length(AttackBytes *message);

#endif
