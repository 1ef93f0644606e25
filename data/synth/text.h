/* Appending text to a buffer of fixed room: what is too much is cut and noted, never written.
 * Relies on: libc.
 * Relied on by: data/synth. */
#ifndef SIPCNN_SYNTH_TEXT_H
#define SIPCNN_SYNTH_TEXT_H

#include "data/synth/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct SynthText {
    char *bytes;
    uint32_t length, room;
    bool cut; /* something did not fit */
} SynthText;

static inline SynthText synth_text(char *bytes, uint32_t room) {
    SynthText text = {bytes, 0, room, false};
    return text;
}

static inline void synth_put(SynthText *text, const char *bytes, size_t length) {
    if (length > text->room - text->length) {
        length = text->room - text->length;
        text->cut = true;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += (uint32_t)length;
}

static inline void synth_put_char(SynthText *text, char c) {
    if (text->length == text->room)
        text->cut = true;
    else
        text->bytes[text->length++] = c;
}

static inline void synth_put_text(SynthText *text, const char *words) {
    synth_put(text, words, strlen(words));
}

void synth_put_number(SynthText *text, uint64_t number);

/* `digits` lower-case hex digits of the low bits. */
void synth_put_hex(SynthText *text, uint64_t bits, unsigned digits);

/* Drawn text: decimal digits without a leading zero, hex digits, letters and digits (upper and lower), a
 * UUID. */
void synth_draw_digits(SynthText *text, SynthRandom *random, unsigned count);
void synth_draw_hex(SynthText *text, SynthRandom *random, unsigned count);
void synth_draw_letters(SynthText *text, SynthRandom *random, unsigned count, bool lower);
void synth_draw_uuid(SynthText *text, SynthRandom *random);

/* Ends the text with a NUL (cutting its last byte if it is full) and returns it. */
const char *synth_text_end(SynthText *text);

#endif
