/* Random text from a small grammar: what attackers write into fields, guess and dial.
 * Relies on: data/synth/grammar.h.
 * Relied on by: data/synth/attack_*.c. */
#include "data/synth/attack_grammar.h"
#include "data/synth/grammar.h"

#include <stdarg.h>
#include <stdio.h>

void attack_append(AttackText *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t room = ATTACK_TEXT_MAX - text->length;
    int written = vsnprintf(text->bytes + text->length, room + 1, format, arguments);
    va_end(arguments);
    if (written > 0) text->length += (size_t)written < room ? (uint32_t)written : (uint32_t)room;
}

void attack_expand(SynthRandom *random, const char *rule, AttackText *text) {
    SynthText out = {text->bytes, text->length, ATTACK_TEXT_MAX, false};
    synth_expand(&attack_payload_grammar, random, rule, &out);
    text->length = out.length;
    text->bytes[text->length] = 0;
}

/* -- escapes -------------------------------------------------------------------------------------------- */

void attack_put(AttackText *text, char c) {
    if (text->length == ATTACK_TEXT_MAX) return;
    text->bytes[text->length++] = c;
    text->bytes[text->length] = 0;
}

bool attack_is_plain(char c) {
    return (unsigned char)((c | 0x20) - 'a') < 26 || (c >= '0' && c <= '9');
}

void attack_escape(const AttackText *from, const char *keep, AttackText *to) {
    to->length = 0;
    to->bytes[0] = 0;
    for (uint32_t i = 0; i < from->length; i++) {
        char c = from->bytes[i];
        bool bad_percent =
            c == '%' && !(i + 2 < from->length && strchr("0123456789abcdefABCDEF", from->bytes[i + 1]) &&
                          strchr("0123456789abcdefABCDEF", from->bytes[i + 2]));
        if (attack_is_plain(c) || (c == '%' && !bad_percent) || (c && strchr(keep, c)))
            attack_put(to, c);
        else
            attack_append(to, "%%%02X", (unsigned char)c);
    }
}

void attack_escape_quoted(const AttackText *from, AttackText *to) {
    to->length = 0;
    to->bytes[0] = 0;
    for (uint32_t i = 0; i < from->length && to->length + 1 < ATTACK_TEXT_MAX; i++) {
        if (from->bytes[i] == '"' || from->bytes[i] == '\\') attack_put(to, '\\');
        attack_put(to, from->bytes[i]);
    }
}
