/* Ways to break a message that was well-formed: grammar, lengths, framing; for the class "malformed".
 * Relies on: data/synth/random.h, data/synth/attack_grammar.h.
 * Relied on by: data/synth/attack_content.c. */
#include "data/synth/attack_mutate.h"
#include "data/synth/attack_grammar.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* -- editing -------------------------------------------------------------------------------------------- */

void attack_splice(AttackBytes *message, uint32_t at, uint32_t count, const void *with, uint32_t size) {
    if (at > message->length) at = message->length;
    if (count > message->length - at) count = message->length - at;
    uint32_t kept = message->length - count;
    if (size > message->capacity - kept) size = message->capacity - kept;
    memmove(message->bytes + at + size, message->bytes + at + count, kept - at);
    if (size) memcpy(message->bytes + at, with, size);
    message->length = kept + size;
}

static uint32_t line_end(const AttackBytes *message, uint32_t at) {
    while (at < message->length && message->bytes[at] != '\n')
        at++;
    return at < message->length ? at + 1 : at;
}

/* Offset of the body, or the length if the blank line is gone. */
static uint32_t body_offset(const AttackBytes *message) {
    for (uint32_t i = 0; i + 3 < message->length; i++)
        if (memcmp(message->bytes + i, "\r\n\r\n", 4) == 0) return i + 4;
    return message->length;
}

static const char *compact_of(const char *name) {
    static const char *const pairs[][2] = {{"Via", "v"},          {"From", "f"},      {"To", "t"},
                                           {"Call-ID", "i"},      {"Contact", "m"},   {"Content-Length", "l"},
                                           {"Content-Type", "c"}, {"Supported", "k"}, {"Subject", "s"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcasecmp(pairs[i][0], name) == 0) return pairs[i][1];
    return name;
}

static bool line_has_name(const AttackBytes *message, uint32_t at, const char *name, uint32_t *value) {
    size_t length = strlen(name);
    if (at + length >= message->length || strncasecmp((const char *)message->bytes + at, name, length) != 0)
        return false;
    uint32_t i = at + (uint32_t)length;
    while (i < message->length && (message->bytes[i] == ' ' || message->bytes[i] == '\t'))
        i++;
    if (i >= message->length || message->bytes[i] != ':') return false;
    for (i++; i < message->length && (message->bytes[i] == ' ' || message->bytes[i] == '\t');)
        i++;
    *value = i;
    return true;
}

bool attack_find_header(const AttackBytes *message, const char *name, AttackSpan *span) {
    uint32_t end = body_offset(message);
    for (uint32_t at = line_end(message, 0); at < end; at = line_end(message, at)) {
        uint32_t value;
        if (!line_has_name(message, at, name, &value) &&
            !line_has_name(message, at, compact_of(name), &value))
            continue;
        uint32_t stop = line_end(message, at);
        while (stop < end && (message->bytes[stop] == ' ' || message->bytes[stop] == '\t'))
            stop = line_end(message, stop);
        while (stop > value && (message->bytes[stop - 1] == '\n' || message->bytes[stop - 1] == '\r'))
            stop--;
        *span = (AttackSpan){.line = at, .value = value, .end = stop};
        return true;
    }
    return false;
}

void attack_add_line(AttackBytes *message, const char *line) {
    uint32_t at = line_end(message, line_end(message, 0));
    attack_splice(message, at, 0, "\r\n", 2);
    attack_splice(message, at, 0, line, (uint32_t)strlen(line));
}

static void set_bytes(AttackBytes *message, const char *name, const void *value, uint32_t size) {
    AttackSpan span;
    if (!attack_find_header(message, name, &span)) {
        char line[64];
        snprintf(line, sizeof line, "%s: ", name);
        attack_add_line(message, line);
        if (!attack_find_header(message, name, &span)) return;
    }
    attack_splice(message, span.value, span.end - span.value, value, size);
}

void attack_set_header(AttackBytes *message, const char *name, const char *value) {
    set_bytes(message, name, value, (uint32_t)strlen(value));
}

void attack_remove_header(AttackBytes *message, const char *name) {
    AttackSpan span;
    while (attack_find_header(message, name, &span))
        attack_splice(message, span.line, line_end(message, span.end) - span.line, NULL, 0);
}

void attack_fix_length(AttackBytes *message) {
    char number[16];
    snprintf(number, sizeof number, "%u", message->length - body_offset(message));
    attack_set_header(message, "Content-Length", number);
}

/* A copy of a header's value, cut; empty if there is none. */
static void copy_value(const AttackBytes *message, const char *name, AttackText *text) {
    AttackSpan span;
    text->length = 0;
    if (attack_find_header(message, name, &span)) {
        uint32_t size = span.end - span.value;
        text->length = size < ATTACK_TEXT_MAX ? size : ATTACK_TEXT_MAX;
        memcpy(text->bytes, message->bytes + span.value, text->length);
    }
    text->bytes[text->length] = 0;
}

/* -- faults of the grammar ------------------------------------------------------------------------------ */

static const char *const addresses[] = {"From", "To", "Contact"};
static const char *const mandatory[] = {"Via", "From", "To", "Call-ID", "CSeq"};

static void append_to(AttackBytes *message, const char *name, const char *piece, uint32_t times) {
    AttackSpan span;
    if (!attack_find_header(message, name, &span)) return;
    for (uint32_t i = 0; i < times; i++)
        attack_splice(message, span.end, 0, piece, (uint32_t)strlen(piece));
}

static void long_value(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"From",    "To",  "Call-ID", "User-Agent",
                                        "Contact", "Via", "Subject", "CSeq"};
    static const char *const fillers[] = {"A", "%", "\xff", "../", "a.", "0", "x1", "<", "\\", ";a=b"};
    const char *name = SYNTH_PICK(random, names), *piece = SYNTH_PICK(random, fillers);
    append_to(message, name, piece, synth_between(random, 400, 2400));
}

static void many_headers(SynthRandom *random, AttackBytes *message) {
    uint32_t count = synth_between(random, 130, 260);
    for (uint32_t i = 0; i < count; i++) {
        AttackText line = {.length = 0};
        attack_expand(random, "X-~a4~: ~a3~", &line);
        attack_add_line(message, line.bytes);
    }
}

static void separators(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"Via", "From", "To", "Contact"};
    static const char *const pieces[] = {";", ",", ";=", "=;", "&", "<", ">;", ";;", ",,", "?"};
    const char *name = SYNTH_PICK(random, names), *piece = SYNTH_PICK(random, pieces);
    append_to(message, name, piece, synth_between(random, 3, 300));
}

static void content_length(SynthRandom *random, AttackBytes *message) {
    static const char *const values[] = {"-1",  "-~d4~",  "99999999999", "4294967296", "0x3",
                                         "abc", "",       "1e3",         "~d5~",       "12 34",
                                         "+0",  "9~d3~9", "0,0",         "~d2~;x"};
    AttackText value = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, values), &value);
    attack_set_header(message, "Content-Length", value.bytes);
}

static void cseq_number(SynthRandom *random, AttackBytes *message) {
    static const char *const numbers[] = {
        "-1", "4294967296", "99999999999999999999", "abc",  "",   "1.5",  "0x1",
        "1,", "1 1",        "36893488147419103232", "~a3~", "+7", "\"1\""};
    AttackText old, value = {.length = 0};
    copy_value(message, "CSeq", &old);
    const char *blank = strchr(old.bytes, ' ');
    attack_expand(random, SYNTH_PICK(random, numbers), &value);
    attack_append(&value, "%s", blank ? blank : " OPTIONS");
    attack_set_header(message, "CSeq", value.bytes);
}

static void cseq_method(SynthRandom *random, AttackBytes *message) {
    static const char *const values[] = {"~d2~ INVITEX",  "~d2~ ACK BYE", "~d3~",          "INVITE ~d2~",
                                         "~d1~ NONE",     "~d2~BYE",      "~d2~ ~a6~",     "~d1~ NOTIFY,",
                                         "~d2~ <INVITE>", "~d2~\t\t",     "~d2~ REFER\x01"};
    AttackText value = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, values), &value);
    attack_set_header(message, "CSeq", value.bytes);
}

static void missing(SynthRandom *random, AttackBytes *message) {
    uint32_t count = synth_between(random, 1, 3);
    for (uint32_t i = 0; i < count; i++)
        attack_remove_header(message, SYNTH_PICK(random, mandatory));
}

static void repeated(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"From", "To", "Call-ID", "CSeq", "Content-Length", "Max-Forwards"};
    uint32_t count = synth_between(random, 1, 9);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = SYNTH_PICK(random, names);
        AttackText value, line = {.length = 0};
        copy_value(message, name, &value);
        attack_append(&line, "%s: ", name);
        if (synth_below(random, 2))
            attack_append(&line, "%s", value.bytes);
        else
            attack_expand(random, "<sip:~a4~@~host~>;~a2~", &line);
        attack_add_line(message, line.bytes);
    }
}

/* Puts bytes at random places of a header's value. */
static void sprinkle(SynthRandom *random, AttackBytes *message, const char *name, const char *set,
                     uint32_t size, uint32_t count) {
    AttackSpan span;
    if (!attack_find_header(message, name, &span)) return;
    for (uint32_t i = 0; i < count; i++) {
        const char *byte = set + synth_below(random, size);
        attack_splice(message, synth_between(random, span.value, span.end), 0, byte, 1);
    }
}

static void control(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"From", "To", "Call-ID", "Contact", "User-Agent", "Via", "CSeq"};
    static const char set[] = {0, 0, 1, 2, 7, 8, 0x1b, 0x7f, 0x0b, 0x0c, 0x1f};
    const char *name = SYNTH_PICK(random, names);
    sprinkle(random, message, name, set, sizeof set, synth_between(random, 1, 8));
}

static void not_utf8(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"From", "To", "Call-ID", "Contact", "Subject", "Via", "User-Agent"};
    char bytes[80];
    uint32_t count = synth_between(random, 2, sizeof bytes);
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (char)synth_between(random, 128, 255);
    const char *name = SYNTH_PICK(random, names);
    AttackSpan span;
    if (!attack_find_header(message, name, &span))
        set_bytes(message, name, bytes, count);
    else
        attack_splice(message, synth_between(random, span.value, span.end), 0, bytes, count);
}

static void quotes(SynthRandom *random, AttackBytes *message) {
    static const char *const pieces[] = {"\"", "\"\\", "\"\"\" ", "\"a\" \"b\" \"", "\"\\\" ", "'\"'\"' "};
    AttackSpan span;
    if (!attack_find_header(message, SYNTH_PICK(random, addresses), &span)) return;
    for (uint32_t i = span.value; i < span.end; i++)
        if (message->bytes[i] == '"') message->bytes[i] = '\'';
    const char *piece = SYNTH_PICK(random, pieces);
    attack_splice(message, span.value, 0, piece, (uint32_t)strlen(piece));
}

static void angles(SynthRandom *random, AttackBytes *message) {
    AttackSpan span;
    if (!attack_find_header(message, SYNTH_PICK(random, addresses), &span)) return;
    uint32_t kind = synth_below(random, 6), size = span.end - span.value;
    uint8_t *close = memchr(message->bytes + span.value, '>', size);
    uint8_t *open = memchr(message->bytes + span.value, '<', size);
    if (kind == 0 && close)
        attack_splice(message, (uint32_t)(close - message->bytes), 1, NULL, 0);
    else if (kind == 1 && open)
        attack_splice(message, (uint32_t)(open - message->bytes), 1, "<<<", 3);
    else if (kind == 2 && close)
        *close = '<';
    else if (kind == 3 && open)
        *open = '>';
    else if (kind == 4)
        attack_splice(message, span.end, 0, ">>", 2);
    else
        attack_splice(message, span.value, 0, "<><><><><>", 10);
}

static const char *const bad_uris[] = {"sip:",
                                       "sip:@",
                                       "sip:a@@b",
                                       "sip:a@b:99999999",
                                       "sip:a@[::1",
                                       "sip:%",
                                       "sip:a@b;;;=;",
                                       "sip:a b@c",
                                       "sip:<a>@b",
                                       "sip:a@b:port",
                                       "sip::@",
                                       "sip:a@-..-",
                                       "sip:a@b?x?y=&",
                                       "sip:\xff\xfe@b",
                                       "sip:%00%00@b",
                                       "sip:a:b:c@d",
                                       "//~host~/a",
                                       "sip:~a4~@",
                                       "sip:~d4~@~host~:-5060",
                                       "sip:~a3~@~host~;\"x",
                                       "sip:\"~a3~\"@~host~",
                                       "sip:~d3~@256.300.1.1.1",
                                       "sip:~d3~@[fe80::%~a3~",
                                       "sip:~a60~~a60~~a60~@~host~",
                                       "sips::~d4~",
                                       "sip: ~d3~@~host~",
                                       "sip:~d3~@~host~:5060:5060",
                                       "sip:~d3~\\@~host~",
                                       "sip:~d3~@~host~?=",
                                       "sip:;~a3~=~a2~@",
                                       "sip:~d3~@~host~:0",
                                       "sip:{~a4~}@~host~",
                                       "sip:~d3~@~host~;a=\x01"};

static void bad_uri(SynthRandom *random, AttackBytes *message) {
    AttackText uri = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, bad_uris), &uri);
    if (synth_below(random, 2)) {
        AttackText value = {.length = 0};
        attack_append(&value, "<%s>", uri.bytes);
        attack_expand(random, ";tag=~a6~", &value);
        attack_set_header(message, SYNTH_PICK(random, addresses), value.bytes);
        return;
    }
    uint32_t end = line_end(message, 0);
    uint8_t *from = memchr(message->bytes, ' ', end);
    if (!from || message->bytes[0] == 'S') return;
    uint32_t at = (uint32_t)(from - message->bytes) + 1;
    uint8_t *to = memchr(message->bytes + at, ' ', end - at);
    if (to) attack_splice(message, at, (uint32_t)(to - message->bytes) - at, uri.bytes, uri.length);
}

static void version(SynthRandom *random, AttackBytes *message) {
    static const char *const versions[] = {"SIP/9.1",         "SIP/2.",      "SIP/",    "SIP/-2.0",
                                           "SIP/2.0.0",       "SIP/22222.0", "SIP/two", "SIP/2.0SIP/2.0",
                                           "SIP/1.0",         "SIP/2.0;x",   "SIP/3.0", "SIP/0.0",
                                           "SIP/2.0 SIP/2.0", "SIP/2,0",     "SIP/2.1"};
    uint32_t end = line_end(message, 0);
    const char *new = SYNTH_PICK(random, versions);
    for (uint32_t i = 0; i + 4 < end; i++)
        if (memcmp(message->bytes + i, "SIP/", 4) == 0) {
            uint32_t stop = i;
            while (stop < end && message->bytes[stop] != ' ' && message->bytes[stop] != '\r')
                stop++;
            attack_splice(message, i, stop - i, new, (uint32_t)strlen(new));
            return;
        }
}

static void method(SynthRandom *random, AttackBytes *message) {
    static const char *const methods[] = {"invite",
                                          "INV1TE!",
                                          "~a60~",
                                          "*",
                                          "REGISTER%n",
                                          "111111111111111111111111",
                                          "~a12~~a30~",
                                          "INVITEINVITEINVITEINVITEINVITEINVITE",
                                          "OPTIONS----------------------------------",
                                          "~a4~.~a4~",
                                          "BYE'",
                                          "`id`",
                                          "REGISTERREGISTERREGISTER"};
    uint8_t *blank = memchr(message->bytes, ' ', line_end(message, 0));
    if (!blank || memcmp(message->bytes, "SIP/", 4) == 0) return;
    AttackText new = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, methods), &new);
    attack_splice(message, 0, (uint32_t)(blank - message->bytes), new.bytes, new.length);
}

static void line_ends(SynthRandom *random, AttackBytes *message) {
    static const char *const ends[] = {"\n", "\n", "\r", "\n\r", "\r\r\n", "\r\n"};
    bool all = synth_below(random, 2);
    uint32_t end = body_offset(message);
    for (uint32_t i = line_end(message, 0); i + 1 < end && i + 1 < message->length; i++) {
        if (message->bytes[i] != '\r' || message->bytes[i + 1] != '\n') continue;
        const char *new = all ? "\n" : SYNTH_PICK(random, ends);
        uint32_t size = (uint32_t)strlen(new);
        attack_splice(message, i, 2, new, size);
        end = end + size - 2;
        i += size - 1;
    }
}

static void cut(SynthRandom *random, AttackBytes *message) {
    uint32_t first = line_end(message, 0), end = body_offset(message);
    if (end > first + 8) message->length = synth_between(random, first, end - 5);
}

static void no_colon(SynthRandom *random, AttackBytes *message) {
    static const char *const lines[] = {"~a20~",          "Via SIP/2.0/UDP x",
                                        "From",           ": value",
                                        "= : =",          "<>",
                                        "::::",           "\t\t",
                                        "~a3~ ~a5~ ~a2~", "To<sip:~a3~@~host~>",
                                        "{\"~a3~\":1}",   "GET / HTTP/1.1",
                                        "----~a8~"};
    uint32_t count = synth_between(random, 1, 5);
    for (uint32_t i = 0; i < count; i++) {
        AttackText line = {.length = 0};
        attack_expand(random, SYNTH_PICK(random, lines), &line);
        attack_add_line(message, line.bytes);
    }
}

static void leading_space(SynthRandom *random, AttackBytes *message) {
    static const char *const blanks[] = {" ", "\t", "   ", " \t "};
    uint32_t at = line_end(message, 0), count = synth_between(random, 1, 5);
    for (uint32_t i = 0; i < count && at < body_offset(message) - 2; i++, at = line_end(message, at)) {
        const char *blank = SYNTH_PICK(random, blanks);
        attack_splice(message, at, 0, blank, (uint32_t)strlen(blank));
    }
}

static void numbers(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"Max-Forwards", "Max-Forwards", "Expires", "Max-Forwards"};
    static const char *const values[] = {"-1",    "99999",          "seventy", "0x46", "7 0",  "256000000000",
                                         "-0",    "99999999999999", "forever", "1;2",  "\xff", "70%n",
                                         "+~d3~", "~d2~.~d1~",      "1,2,3",   "~a3~", "NaN",  "4294967296"};
    AttackText value = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, values), &value);
    attack_set_header(message, SYNTH_PICK(random, names), value.bytes);
}

static void via(SynthRandom *random, AttackBytes *message) {
    static const char *const values[] = {"SIP/2.0/",
                                         "SIP/2.0/UDP",
                                         "/2.0/UDP x;branch=z9hG4bK1",
                                         "SIP/2.0/UDP ;branch=",
                                         "SIP/2.0/~a60~ a",
                                         "HTTP/1.1/UDP ~host~;branch=z9hG4bK~a6~",
                                         "SIP/2.0/UDP [::g]:5060;branch=z9hG4bK-",
                                         "SIP/2.0/UDP a:-1;branch=z9hG4bKx",
                                         ",,,,",
                                         "SIP / 2.0 UDP ~host~",
                                         "SIP/2.0/UDP ~host~:5060:1;branch=z9hG4bK~a3~",
                                         "SIP/2.0/UDP ~host~;branch=\"z9hG4bK",
                                         "SIP/2.0/UDP ~host~;branch=z9hG4bK",
                                         "UDP ~host~",
                                         "SIP/2.0/UDP ~host~;;branch==;rport=abc",
                                         "SIP/2.0/UDP <~host~>;branch=z9hG4bK~a9~",
                                         "\"\"",
                                         "SIP/7.0/UDP ~host~"};
    AttackText value = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, values), &value);
    attack_set_header(message, "Via", value.bytes);
}

static void start_spacing(SynthRandom *random, AttackBytes *message) {
    static const char *const pieces[] = {"  ", "\t", "   ", " \t ", " <> ", " junk ", "     ", " , "};
    uint32_t end = line_end(message, 0);
    uint8_t *blank = memchr(message->bytes, ' ', end);
    if (!blank) return;
    uint32_t at = (uint32_t)(blank - message->bytes);
    if (synth_below(random, 2)) {
        uint8_t *second = memchr(blank + 1, ' ', end - at - 1);
        if (second) at = (uint32_t)(second - message->bytes);
    }
    const char *piece = SYNTH_PICK(random, pieces);
    attack_splice(message, at, 1, piece, (uint32_t)strlen(piece));
}

static void percent(SynthRandom *random, AttackBytes *message) {
    static const char *const pieces[] = {"%ZZ", "%", "%0", "%%%", "%u0041", "%G1", "%-1"};
    const char *piece = SYNTH_PICK(random, pieces);
    AttackSpan span = {.value = 0, .end = line_end(message, 0)};
    if (synth_below(random, 2) && !attack_find_header(message, SYNTH_PICK(random, addresses), &span)) return;
    for (uint32_t i = span.value; i + 4 < span.end; i++)
        if (memcmp(message->bytes + i, "sip:", 4) == 0) {
            for (uint32_t k = synth_between(random, 1, 12); k > 0; k--)
                attack_splice(message, i + 4, 0, piece, (uint32_t)strlen(piece));
            return;
        }
}

static void digest(SynthRandom *random, AttackBytes *message) {
    static const char *const values[] = {"Digest",
                                         "Digest username=\"",
                                         "Digest username==\"x\" realm,,,=",
                                         "\"Digest",
                                         "Digest username=\"a\"username=\"b\"uri=\"",
                                         "Digest =,=,=,=",
                                         "Digest \x01",
                                         "Digest nonce=~a60~~a60~~a60~~a60~",
                                         "Digest username=~a4~ realm=\"\" ,, response=\"~h8~",
                                         "~a8~ ~a8~=\"",
                                         "Digest,Digest,Digest",
                                         "Digest qop=\"auth\\\", nc=~a8~,",
                                         "Digest response=\"~h32~\", response=\"~h32~\", username",
                                         "Digest a=\"b\",a=\"b\",a=\"b\",a=\"b\",a=\"b\",a=\"b\",a=\"b\",=",
                                         "Basic",
                                         "Digest uri=<sip:a@b>, nonce='x'"};
    AttackText line = {.length = 0};
    attack_append(&line, "%s: ", synth_below(random, 3) ? "Authorization" : "Proxy-Authorization");
    attack_expand(random, SYNTH_PICK(random, values), &line);
    attack_add_line(message, line.bytes);
}

static void sdp(SynthRandom *random, AttackBytes *message) {
    static const char *const bodies[] = {"v0\r\no- 1 1 IN IP4\r\n",
                                         "v=~d60~\r\no=-\r\n",
                                         "m=audio m=audio m=audio m=audio ",
                                         "c=IN IP4\r\nv=0\r\ns=\r\n",
                                         "v=0\r\nv=0\r\nv=0\r\nv=0\r\nv=0\r\nv=0\r\nv=0\r\nv=0\r\n",
                                         "v=\r\no=\r\n",
                                         "~a60~~a60~",
                                         "v=0 o=- 1 1 IN IP4 ~host~ s=-",
                                         "v=0\r\no=~a60~~a60~ 1\r\nm=audio -1 RTP/AVP 999999\r\n",
                                         "=0\r\n=-\r\n",
                                         "v=0\r\ns\r\nt\r\nm\r\n",
                                         "<sdp>~a5~</sdp>\r\n",
                                         "s=-\r\nv=0\r\no=- 0 0 IN IP4 ~host~\r\nm=audio\r\n",
                                         "v=0\r\no=- %n%n IN IP4\r\na=~a60~\r\n"};
    AttackText body = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, bodies), &body);
    message->length = body_offset(message);
    attack_set_header(message, "Content-Type", "application/sdp");
    attack_splice(message, message->length, 0, body.bytes, body.length);
    if (synth_below(random, 4)) attack_fix_length(message);
}

static void nesting(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"From", "To", "Contact", "User-Agent", "Subject"};
    static const char *const pieces[] = {"(", "<", "\"", "[", "\\", "{", "(<", "\"<"};
    const char *name = SYNTH_PICK(random, names), *piece = SYNTH_PICK(random, pieces);
    append_to(message, name, piece, synth_between(random, 40, 500) | 1);
}

static void parameters(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"From", "To", "Contact", "Via"};
    static const char *const pieces[] = {";~a2~=~a2~", ";~a1~",          ";=~a3~",
                                         ";~a2~=",     ";~a2~=\"~a2~\"", ";~a2~=~a2~=~a2~"};
    AttackText piece = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, pieces), &piece);
    const char *name = SYNTH_PICK(random, names);
    append_to(message, name, piece.bytes, synth_between(random, 90, 400));
}

static void header_name(SynthRandom *random, AttackBytes *message) {
    static const char *const lines[] = {"Fr om: ~a8~",
                                        "V\x01ia: ~a8~",
                                        "To(): ~a8~",
                                        "<Contact>: ~a8~",
                                        "X@Y: ~a8~",
                                        "Call/ID: ~a8~",
                                        ": ~a8~",
                                        "\"Subject\": ~a8~",
                                        "~a60~~a60~~a60~~a60~~a60~: 1",
                                        "[~a3~]: ~a4~",
                                        "X,Y: 1",
                                        "~a4~=~a4~: 2",
                                        "\xc3\xa4: 3",
                                        "a;b: c"};
    uint32_t count = synth_between(random, 1, 4);
    for (uint32_t i = 0; i < count; i++) {
        AttackText line = {.length = 0};
        attack_expand(random, SYNTH_PICK(random, lines), &line);
        attack_add_line(message, line.bytes);
    }
}

static void empty(SynthRandom *random, AttackBytes *message) {
    static const char *const names[] = {"Via", "From", "To", "Call-ID", "CSeq", "Contact"};
    uint32_t count = synth_between(random, 1, 3);
    for (uint32_t i = 0; i < count; i++)
        attack_set_header(message, SYNTH_PICK(random, names), "");
}

static void contact(SynthRandom *random, AttackBytes *message) {
    static const char *const values[] = {"*, *",
                                         "*;expires=-1, <sip:a@b>",
                                         "<*>",
                                         "**",
                                         "<sip:*@*>*",
                                         ",,,",
                                         "<sip:~a3~@~host~>;expires=~a4~",
                                         "<sip:~a3~@~host~>;q=~d3~;;",
                                         "sip:~a3~@~host~ <",
                                         "<sip:~a3~@~host~> <sip:~a3~@~host~>",
                                         "~a4~",
                                         "<>;expires=0"};
    AttackText value = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, values), &value);
    attack_set_header(message, "Contact", value.bytes);
}

static void tags(SynthRandom *random, AttackBytes *message) {
    static const char *const pieces[] = {";tag=",       ";tag",       ";tag=~a4~;tag=~a4~", ";tag=\"~a4~",
                                         ";tag=<~a4~>", ";;tag=~a4~", ";tag=~a3~ ~a3~",     ";=tag"};
    AttackText piece = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, pieces), &piece);
    append_to(message, synth_below(random, 2) ? "From" : "To", piece.bytes, 1);
}

static void bodies(SynthRandom *random, AttackBytes *message) {
    static const char *const types[] = {"multipart/mixed",
                                        "application/",
                                        "/sdp",
                                        "text plain",
                                        ";charset=x",
                                        "multipart/mixed;boundary=\"",
                                        "*/*;q"};
    AttackText body = {.length = 0};
    attack_expand(random, "--~a5~\r\nContent-Type: ~a4~\r\n\r\n~a20~\r\n--~a3~--", &body);
    message->length = body_offset(message);
    attack_set_header(message, "Content-Type", SYNTH_PICK(random, types));
    attack_splice(message, message->length, 0, body.bytes, body.length);
    if (synth_below(random, 2)) attack_fix_length(message);
}

static void schemes(SynthRandom *random, AttackBytes *message) {
    static const char *const values[] = {"http:~a4~@~host~",
                                         "<~a4~>;tag=~a5~",
                                         "<mailto>;tag=~a4~",
                                         "<1sip:~d3~@~host~>;tag=~a4~",
                                         "~a4~ ~a4~ ~a4~",
                                         "<s\x01p:~d3~@~host~>",
                                         "<sip;~d3~@~host~>;tag=~a6~",
                                         "<sip~d3~>;tag=~a3~",
                                         "<\"sip:~d3~@~host~\">;tag=~a2~",
                                         "Bell, Alexander <sip:~d3~@~host~>;tag=43"};
    AttackText value = {.length = 0};
    attack_expand(random, SYNTH_PICK(random, values), &value);
    attack_set_header(message, SYNTH_PICK(random, addresses), value.bytes);
}

static void no_end(SynthRandom *random, AttackBytes *message) {
    uint32_t end = body_offset(message);
    if (end < 4 || end > message->length) return;
    if (synth_below(random, 2))
        message->length = end - 2;
    else
        message->length = end - 4;
}

typedef void (*Fault)(SynthRandom *random, AttackBytes *message);
static const Fault faults[] = {
    long_value, many_headers, separators,    content_length, cseq_number, cseq_method,   missing, repeated,
    control,    not_utf8,     quotes,        angles,         bad_uri,     version,       method,  line_ends,
    cut,        no_colon,     leading_space, numbers,        via,         start_spacing, percent, digest,
    sdp,        nesting,      parameters,    header_name,    empty,       contact,       tags,    bodies,
    schemes,    no_end,
};

enum { FAULTS = sizeof faults / sizeof *faults };

void attack_break_grammar(SynthRandom *random, uint64_t kinds, AttackBytes *message) {
    static const uint8_t how_many[] = {1, 1, 1, 1, 2, 3};
    unsigned wanted = SYNTH_PICK(random, how_many);
    for (unsigned tries = 0; wanted && tries < 200; tries++) {
        uint32_t i = synth_below(random, FAULTS);
        if (kinds && !(kinds >> i & 1)) continue;
        faults[i](random, message);
        wanted--;
    }
}

/* -- lengths -------------------------------------------------------------------------------------------- */

void attack_overflow(SynthRandom *random, unsigned step, AttackBytes *message) {
    static const char *const names[] = {"From",           "To",           "Call-ID", "Via",
                                        "Contact",        "User-Agent",   "CSeq",    "Max-Forwards",
                                        "Subject",        "Content-Type", "Expires", "Authorization",
                                        "Content-Length", "Route",        "Accept"};
    static const char *const pieces[] = {"A",  "a", "%s", "0",  "9",    ":",  ";", "@",
                                         "%n", " ", "/",  "..", "\xff", "B=", "<", "1."};
    const char *piece = SYNTH_PICK(random, pieces);
    uint32_t size = (uint32_t)strlen(piece), times = (160u << (step % 6)) / size;
    AttackSpan span;
    if (synth_chance(random, 0.2)) { /* the request URI, or the method before it */
        uint8_t *blank = memchr(message->bytes, ' ', line_end(message, 0));
        if (!blank) return;
        span.value = (uint32_t)(blank - message->bytes) + (synth_chance(random, 0.7) ? 5 : 0);
        span.end = span.value;
        if (span.value > line_end(message, 0)) return;
    } else {
        const char *name = SYNTH_PICK(random, names);
        if (!attack_find_header(message, name, &span)) attack_set_header(message, name, "x");
        if (!attack_find_header(message, name, &span)) return;
    }
    uint32_t at = synth_between(random, span.value, span.end);
    if (*piece == ' ') piece = "_";
    for (uint32_t i = 0; i < times; i++)
        attack_splice(message, at, 0, piece, size);
}

/* -- bytes ---------------------------------------------------------------------------------------------- */

static void fuzz_once(SynthRandom *random, AttackBytes *message, uint32_t first) {
    static const char *const edges[] = {"-1",         "0",    "4294967295", "65536", "2147483648",
                                        "%s",         "\r\n", "\n",         " ",     "\0",
                                        "<",          ">",    "\"",         ":",     ";",
                                        "@",          ",",    "=",          "\\",    "99999999999999999999",
                                        "0x7fffffff", "sip:", "\xc3\x28",   "&",     "[",
                                        "]"};
    uint32_t at = synth_between(random, first, message->length - 1), room = message->length - at;
    uint32_t some = synth_between(random, 1, room < 24 ? room : 24);
    uint8_t block[128];
    switch (synth_below(random, 8)) {
    case 0: message->bytes[at] ^= (uint8_t)(1u << synth_below(random, 8)); break;
    case 1: message->bytes[at] = (uint8_t)synth_below(random, 256); break;
    case 2: attack_splice(message, at, some, NULL, 0); break;
    case 3: { /* a piece once more */
        memcpy(block, message->bytes + at, some);
        for (uint32_t i = synth_between(random, 1, 6); i > 0; i--)
            attack_splice(message, at, 0, block, some);
        break;
    }
    case 4: { /* random bytes */
        for (uint32_t i = 0; i < sizeof block; i++)
            block[i] = (uint8_t)synth_below(random, 256);
        uint32_t replaced = synth_below(random, 2) ? some : 0;
        attack_splice(message, at, replaced, block, synth_between(random, 1, sizeof block));
        break;
    }
    case 5: { /* a piece elsewhere */
        memcpy(block, message->bytes + at, some);
        attack_splice(message, synth_between(random, first, message->length - 1), 0, block, some);
        break;
    }
    case 6: {
        const char *edge = SYNTH_PICK(random, edges);
        attack_splice(message, at, synth_below(random, 3), edge, *edge ? (uint32_t)strlen(edge) : 1);
        break;
    }
    default: { /* one byte many times */
        memset(block, (int)message->bytes[at], sizeof block);
        attack_splice(message, at, 0, block, synth_between(random, 64, sizeof block));
    }
    }
}

void attack_fuzz_bytes(SynthRandom *random, unsigned strength, AttackBytes *message) {
    const uint8_t *blank = memchr(message->bytes, ' ', line_end(message, 0));
    uint32_t first = blank ? (uint32_t)(blank - message->bytes) + 1 : 0;
    if (synth_chance(random, 0.85)) first = line_end(message, 0);
    for (unsigned i = 0; i < strength && message->length > first + 1; i++)
        fuzz_once(random, message, first);
    if (synth_chance(random, 0.1) && message->length > first + 20)
        message->length = synth_between(random, first + 10, message->length - 1);
}
