/* Appending and drawing text.
 * Relies on: data/synth/text.h.
 * Relied on by: data/synth. */
#include "data/synth/text.h"

void synth_put_number(SynthText *text, uint64_t number) {
    char digits[20];
    unsigned at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    synth_put(text, digits + at, sizeof digits - at);
}

void synth_put_hex(SynthText *text, uint64_t bits, unsigned digits) {
    static const char alphabet[] = "0123456789abcdef";
    char out[16];
    if (digits > sizeof out) digits = sizeof out;
    for (unsigned i = 0; i < digits; i++)
        out[i] = alphabet[bits >> 4 * (digits - 1 - i) & 15];
    synth_put(text, out, digits);
}

void synth_draw_digits(SynthText *text, SynthRandom *random, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        synth_put_char(text, (char)('0' + (i ? synth_below(random, 10) : synth_between(random, 1, 9))));
}

void synth_draw_hex(SynthText *text, SynthRandom *random, unsigned count) {
    while (count > 16) {
        synth_put_hex(text, synth_bits(random), 16);
        count -= 16;
    }
    synth_put_hex(text, synth_bits(random), count);
}

void synth_draw_letters(SynthText *text, SynthRandom *random, unsigned count, bool lower) {
    static const char any[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t bits = 0;
    for (unsigned i = 0; i < count; i++) {
        if (i % 8 == 0) bits = synth_bits(random);
        synth_put_char(text, any[(bits & 0xff) * (lower ? 36 : 62) >> 8]);
        bits >>= 8;
    }
}

void synth_draw_uuid(SynthText *text, SynthRandom *random) {
    uint64_t high = synth_bits(random), low = synth_bits(random);
    synth_put_hex(text, high >> 32, 8);
    synth_put_char(text, '-');
    synth_put_hex(text, high >> 16, 4);
    synth_put_text(text, "-4");
    synth_put_hex(text, high, 3);
    synth_put_char(text, '-');
    synth_put_hex(text, 8 | (low >> 60 & 3), 1);
    synth_put_hex(text, low >> 48, 3);
    synth_put_char(text, '-');
    synth_put_hex(text, low, 12);
}

const char *synth_text_end(SynthText *text) {
    if (text->length == text->room) {
        text->length--;
        text->cut = true;
    }
    text->bytes[text->length] = '\0';
    return text->bytes;
}
