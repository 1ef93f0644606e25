/* Random text from grammars: a table of rules and the texts that derive from it.
 * Relies on: data/synth/grammar.h.
 * Relied on by: data/synth. */
#include "data/synth/grammar.h"

enum { DEPTH_MAX = 10, NAME_MAX_LENGTH = 16 };

typedef struct Derivation {
    const SynthGrammar *grammar;
    SynthRandom *random;
    SynthText *text;
    uint32_t number; /* the last ~n~ */
} Derivation;

static void expand(Derivation *d, const char *rule, unsigned depth);

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static void draw_word(SynthRandom *random, bool capital, SynthText *text) {
    static const char *const onsets[] = {"b", "d", "f", "g", "h", "k",  "l",  "m",  "n",  "p",
                                         "r", "s", "t", "v", "w", "st", "br", "tr", "sh", "c"};
    static const char vowels[] = "aeiouaeio", ends[] = "nrslmtdk";
    uint32_t at = text->length;
    for (uint32_t i = synth_between(random, 1, 3); i > 0; i--) {
        synth_put_text(text, SYNTH_PICK(random, onsets));
        synth_put_char(text, vowels[synth_below(random, sizeof vowels - 1)]);
    }
    if (synth_chance(random, 0.6)) synth_put_char(text, ends[synth_below(random, sizeof ends - 1)]);
    if (capital && text->length > at) text->bytes[at] = (char)(text->bytes[at] - 'a' + 'A');
}

/* The set that ~a4~ and its like draw from; NULL: none. */
static const char *set_of(char kind) {
    switch (kind) {
    case 'a': return "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    case 'b': return "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+/";
    case 'd': return "0123456789";
    case 'h': return "0123456789abcdef";
    case 'l': return "abcdefghijklmnopqrstuvwxyz";
    case 'L': return "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    default: return NULL;
    }
}

/* The number at *at, which moves behind it. */
static uint32_t read_count(const char **at) {
    uint32_t count = 0;
    while (is_digit(**at) && count < 100)
        count = 10 * count + (uint32_t)(*(*at)++ - '0');
    return count;
}

static bool draw_characters(Derivation *d, const char *name, size_t length) {
    const char *set = set_of(*name), *at = name + 1;
    if (!set || length < 2 || !is_digit(*at)) return false;
    uint32_t low = read_count(&at), high = low;
    if (*at == '-') {
        at++;
        high = read_count(&at);
    }
    if (at != name + length || high < low) return false;
    for (uint32_t i = synth_between(d->random, low, high), count = (uint32_t)strlen(set); i > 0; i--)
        synth_put_char(d->text, set[synth_below(d->random, count)]);
    return true;
}

static bool draw_letter(Derivation *d, char name) {
    switch (name) {
    case 'n': d->number = 1 + synth_below(d->random, synth_below(d->random, 2) ? 9 : 99); break;
    case '=': break;
    case 'w':
    case 'W': draw_word(d->random, name == 'W', d->text); return true;
    default: return false;
    }
    synth_put_number(d->text, d->number);
    return true;
}

static const SynthRule *find_rule(const SynthGrammar *grammar, const char *name, size_t length) {
    for (uint32_t i = 0; i < grammar->count; i++) {
        const char *candidate = grammar->rules[i].name;
        if (*candidate == *name && strlen(candidate) == length && memcmp(candidate, name, length) == 0)
            return &grammar->rules[i];
    }
    return NULL;
}

static void expand_rule(Derivation *d, const SynthRule *rule, unsigned depth) {
    uint32_t count = 0;
    while (count < SYNTH_ALTERNATIVES && rule->alternatives[count])
        count++;
    if (depth < DEPTH_MAX) expand(d, rule->alternatives[synth_below(d->random, count)], depth + 1);
}

/* What one pair of tildes holds. */
static bool expand_name(Derivation *d, const char *name, size_t length, unsigned depth) {
    if (length == 1 && draw_letter(d, *name)) return true;
    if (draw_characters(d, name, length)) return true;
    char many = length > 1 ? name[length - 1] : 0;
    if (many != '+' && many != '*') many = 0;
    const SynthRule *rule = find_rule(d->grammar, name, length - (many != 0));
    if (!rule) return false;
    uint32_t at = d->text->length;
    uint32_t times = many == '+' ? synth_between(d->random, 2, 9) : many ? synth_between(d->random, 1, 6) : 1;
    expand_rule(d, rule, depth);
    uint32_t unit = d->text->length - at;
    while (--times)
        if (many == '*')
            expand_rule(d, rule, depth);
        else
            synth_put(d->text, d->text->bytes + at, unit);
    return true;
}

static void expand(Derivation *d, const char *rule, unsigned depth) {
    while (*rule) {
        const char *end = *rule == '~' ? strchr(rule + 1, '~') : NULL;
        if (end && end > rule + 1 && end - rule <= NAME_MAX_LENGTH &&
            expand_name(d, rule + 1, (size_t)(end - rule - 1), depth))
            rule = end + 1;
        else
            synth_put_char(d->text, *rule++);
    }
}

void synth_expand(const SynthGrammar *grammar, SynthRandom *random, const char *rule, SynthText *text) {
    Derivation d = {grammar, random, text, 1};
    expand(&d, rule, 0);
}
