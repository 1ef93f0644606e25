/* Rewriting of text: words, addresses, URIs, parameters.
 * Relies on: data/privacy/rewriter.h.
 * Relied on by: data/privacy. */
#include "data/privacy/rewriter.h"

#include <strings.h>

enum { ADDRESS_MAX = 45, SERIAL_DIGITS = 6, SERIAL_HEXADECIMAL = 8 };

/* Parameters whose values belong to the protocol. */
static const char protocol_parameters[] = "transport lr ttl method user expires q rport cause refresher "
                                          "reg-id comp nc qop algorithm stale privacy screen "
                                          "party counter reason limit purpose handling ob r2 duration events "
                                          "early-only from-tag-only isub-encoding cpc "
                                          "auto answer-after charset";
/* Parameters that name somebody or some place. */
static const char naming_parameters[] =
    "maddr username realm domain phone-context received user-name otg trunk-context "
    "tgrp display isub host sent-by";

/* Words that name nobody: places and posts of any site, the small words of English, SQL, shells and web
 * pages.
 */
static const char public_words[] =
    "office room meeting conference lab lobby reception front desk hall door gate floor kitchen workshop "
    "warehouse shop store bar sales support service help hotline finance accounts accounting payable "
    "receivable billing marketing purchasing department dept team unit line phone fax mobile emergency "
    "a an the in on at of to for with by is it do be no yes ok s t re fwd "
    "select insert update delete drop union from where and or not having order group like sleep benchmark "
    "waitfor delay concat schema exec declare char all into values table database null true false "
    "cat echo curl wget bash sh nc ping id ls rm reboot shutdown etc passwd shadow tmp usr var bin dev proc "
    "opt lib mnt share root cmd exe env script alert img src onerror onload javascript svg iframe href http "
    "https ftp ldap jndi php html xml";

/* ---- looking ---- */

uint32_t rewrite_find(const Rewriter *r, uint32_t begin, uint32_t end, uint8_t byte) {
    const uint8_t *found = begin < end ? memchr(r->in + begin, byte, end - begin) : NULL;
    return found ? (uint32_t)(found - r->in) : end;
}

static bool in_set(uint8_t byte, const char *set) {
    return byte && strchr(set, byte);
}

uint32_t rewrite_skip(const Rewriter *r, uint32_t begin, uint32_t end, const char *set) {
    while (begin < end && in_set(r->in[begin], set))
        begin++;
    return begin;
}

uint32_t rewrite_until(const Rewriter *r, uint32_t begin, uint32_t end, const char *set) {
    while (begin < end && !in_set(r->in[begin], set))
        begin++;
    return begin;
}

uint32_t rewrite_quote_end(const Rewriter *r, uint32_t begin, uint32_t end) {
    for (uint32_t at = begin + 1; at < end; at++) {
        if (r->in[at] == '"') return at + 1;
        if (r->in[at] == '\\') at++;
    }
    return end;
}

bool rewrite_is_one_of(const Rewriter *r, uint32_t begin, uint32_t end, const char *words) {
    uint32_t length = end - begin;
    for (const char *word = words; length && *word;) {
        size_t n = strcspn(word, " ");
        if (n == length && strncasecmp(word, (const char *)r->in + begin, n) == 0) return true;
        word += n + (word[n] == ' ');
    }
    return false;
}

bool rewrite_is_public(const Rewriter *r, uint32_t begin, uint32_t end) {
    bool tag = end - begin == 1 && begin && in_set(r->in[begin - 1], "</");
    return tag || rewrite_is_one_of(r, begin, end, public_words);
}

static bool is_digit(uint8_t c) {
    return (uint8_t)(c - '0') < 10;
}

static bool is_letter(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool is_hexadecimal(uint8_t c) {
    return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 6;
}

static bool is_word_byte(uint8_t c) {
    return is_digit(c) || is_letter(c) || c >= 0x80;
}

uint32_t rewrite_word_end(const Rewriter *r, uint32_t begin, uint32_t end) {
    while (begin < end && is_word_byte(r->in[begin]))
        begin++;
    return begin;
}

/* ---- writing ---- */

static uint8_t *put(Rewriter *r, const void *bytes, uint32_t length) {
    if (length > r->room - r->length) {
        r->full = true;
        length = r->room - r->length;
    }
    uint8_t *place = r->out + r->length;
    if (length) memcpy(place, bytes, length);
    r->length += length;
    return place;
}

void rewrite_copy(Rewriter *r, uint32_t begin, uint32_t end) {
    if (begin < end) put(r, r->in + begin, end - begin);
}

static bool is_serial(const uint8_t *word, uint32_t length) {
    uint32_t digits = 0, hexadecimal = 0;
    for (uint32_t i = 0; i < length; i++) {
        digits += is_digit(word[i]);
        hexadecimal += is_hexadecimal(word[i]);
    }
    return digits >= SERIAL_DIGITS || (digits && hexadecimal == length && length >= SERIAL_HEXADECIMAL);
}

static void put_word(Rewriter *r, uint32_t begin, uint32_t end, RewriteMode mode) {
    uint32_t before = r->length;
    bool stays = r->keep && r->keep[begin] == REWRITE_PUBLIC_STAY && rewrite_is_public(r, begin, end);
    uint8_t *word = put(r, r->in + begin, end - begin);
    uint32_t length = r->length - before;
    if (stays) return;
    if (mode == REWRITE_NAMES)
        permuter_name(r->words, word, length, begin && r->in[begin - 1] == '+');
    else if (mode == REWRITE_TOKENS || (mode == REWRITE_PROSE && is_serial(word, length)))
        permuter_token(r->words, word, length);
}

/* ---- addresses ---- */

/* Where the dotted address that starts at `at` ends; `at`: there is none. */
static uint32_t ipv4_end(const Rewriter *r, uint32_t at, uint32_t end) {
    uint32_t position = at;
    for (int octet = 0; octet < 4; octet++) {
        if (octet && (position >= end || r->in[position++] != '.')) return at;
        uint32_t begin = position, value = 0;
        while (position < end && is_digit(r->in[position]) && position - begin < 4)
            value = 10 * value + (uint32_t)(r->in[position++] - '0');
        uint32_t digits = position - begin;
        if (!digits || digits > 3 || value > 255 || (digits > 1 && r->in[begin] == '0')) return at;
    }
    if (position < end && is_word_byte(r->in[position])) return at;
    bool goes_on = position + 1 < end && r->in[position] == '.' && is_digit(r->in[position + 1]);
    return goes_on ? at : position;
}

/* The end of what may be an IPv6 address: hexadecimal digits, colons, dots, two colons at least. */
static uint32_t ipv6_end(const Rewriter *r, uint32_t at, uint32_t end) {
    uint32_t position = at, colons = 0;
    while (position < end && (is_hexadecimal(r->in[position]) || in_set(r->in[position], ":."))) {
        colons += r->in[position] == ':';
        position++;
    }
    while (position > at &&
           (r->in[position - 1] == '.' ||
            (r->in[position - 1] == ':' && (position < at + 2 || r->in[position - 2] != ':'))))
        position--;
    bool cut = position < end && is_word_byte(r->in[position]);
    return colons < 2 || cut || position - at > ADDRESS_MAX ? at : position;
}

/* The address that starts at `at`; returns its end, or `at` if there is none. */
static uint32_t find_address(const Rewriter *r, uint32_t at, uint32_t end, WireAddress *address) {
    char text[ADDRESS_MAX + 1];
    if (!is_hexadecimal(r->in[at]) && r->in[at] != ':') return at;
    uint32_t stop = is_digit(r->in[at]) ? ipv4_end(r, at, end) : at;
    if (stop == at) stop = ipv6_end(r, at, end);
    if (stop == at || stop - at > ADDRESS_MAX) return at;
    memcpy(text, r->in + at, stop - at);
    text[stop - at] = '\0';
    return wire_address_parse(text, address) ? stop : at;
}

static void put_address(Rewriter *r, WireAddress *address) {
    char text[WIRE_ADDRESS_TEXT_MAX];
    cryptopan_address(r->addresses, address);
    wire_address_text(address, false, text, sizeof text);
    put(r, text, (uint32_t)strlen(text));
}

/* ---- text ---- */

/* What may stand in front of an address: not the end of a word or of other numbers. */
static bool may_begin(const Rewriter *r, uint32_t begin, uint32_t at, bool behind_escape) {
    if (at == begin || behind_escape) return true;
    uint8_t before = r->in[at - 1];
    if (r->in[at] == ':') return !is_word_byte(before) && before != ':' && before != '.';
    return !is_word_byte(before) && before != '.' && before != ':';
}

static bool is_escape(const Rewriter *r, uint32_t at, uint32_t end) {
    return r->in[at] == '%' && end - at > 2 && is_hexadecimal(r->in[at + 1]) && is_hexadecimal(r->in[at + 2]);
}

/* A word, with what hangs on it: a URI behind its scheme, a version behind "SIP/". */
static uint32_t rewrite_word(Rewriter *r, uint32_t at, uint32_t end, RewriteMode mode) {
    uint32_t stop = rewrite_word_end(r, at, end);
    uint8_t next = stop < end ? r->in[stop] : 0;
    bool scheme = next == ':' && rewrite_is_one_of(r, at, stop, "sip sips tel");
    if (scheme && !r->nested) {
        stop = rewrite_until(r, stop, end, " \t\r\n<>\",");
        rewrite_uri(r, at, stop);
    } else if (next == '/' && rewrite_is_one_of(r, at, stop, "SIP")) {
        stop = rewrite_skip(r, stop, end, "/.0123456789");
        rewrite_copy(r, at, stop);
    } else if (scheme || (next == ':' &&
                          rewrite_is_one_of(r, at, stop, "http https ws wss urn uuid mailto im pres cid"))) {
        rewrite_copy(r, at, stop);
    } else {
        put_word(r, at, stop, mode);
    }
    return stop;
}

/* In prose, what holds an '@' is somebody's address; returns its end, or `at`. */
static uint32_t mail_end(const Rewriter *r, uint32_t begin, uint32_t at, uint32_t end) {
    if (at > begin && !in_set(r->in[at - 1], " \t\r\n")) return at;
    uint32_t stop = rewrite_until(r, at, end, " \t\r\n");
    return rewrite_find(r, at, stop, '@') < stop ? stop : at;
}

void rewrite_text(Rewriter *r, uint32_t begin, uint32_t end, RewriteMode mode) {
    bool behind_escape = false;
    for (uint32_t at = begin, next; at < end; at = next) {
        WireAddress address;
        bool kept = r->keep && r->keep[at] == REWRITE_STAYS, escape = false;
        next = at + 1;
        if (kept) {
            rewrite_copy(r, at, next);
        } else if (mode == REWRITE_PROSE && (next = mail_end(r, begin, at, end)) > at) {
            rewrite_text(r, at, next, REWRITE_NAMES);
        } else if (may_begin(r, begin, at, behind_escape) &&
                   (next = find_address(r, at, end, &address)) > at) {
            put_address(r, &address);
        } else if ((escape = is_escape(r, at, end))) {
            rewrite_copy(r, at, next = at + 3);
        } else if (is_word_byte(r->in[at])) {
            next = rewrite_word(r, at, end, mode);
        } else {
            rewrite_copy(r, at, next = at + 1);
        }
        behind_escape = escape;
    }
}

/* ---- URIs ---- */

void rewrite_host_port(Rewriter *r, uint32_t begin, uint32_t end) {
    WireAddress address;
    uint32_t at = begin;
    if (at < end && r->in[at] == '[') {
        uint32_t close = rewrite_find(r, at, end, ']');
        rewrite_text(r, at, close, REWRITE_NAMES);
        at = close;
    } else if (at < end && !(r->keep && r->keep[at] == REWRITE_STAYS) &&
               find_address(r, at, end, &address) > at) {
        at = find_address(r, at, end, &address);
        put_address(r, &address);
    } else {
        at = rewrite_find(r, begin, end, ':');
        rewrite_text(r, begin, at, REWRITE_NAMES);
    }
    uint32_t port = rewrite_skip(r, at, end, "]: \t\r\n0123456789");
    rewrite_copy(r, at, port);
    rewrite_text(r, port, end, REWRITE_NAMES);
}

/* "?" name "=" value "&" ... */
static void rewrite_uri_headers(Rewriter *r, uint32_t at, uint32_t end) {
    while (at < end) {
        uint32_t equals = rewrite_until(r, at, end, "=&"), next = rewrite_find(r, at, end, '&');
        rewrite_copy(r, at, equals);
        rewrite_text(r, equals, next, REWRITE_TOKENS);
        rewrite_copy(r, next, next < end ? next + 1 : next);
        at = next < end ? next + 1 : next;
    }
}

static void rewrite_sip_uri(Rewriter *r, uint32_t begin, uint32_t at, uint32_t end) {
    bool tel = rewrite_is_one_of(r, begin, at - 1, "tel");
    uint32_t host = at;
    for (uint32_t i = at; i < end && !tel; i++)
        if (r->in[i] == '@') host = i + 1;
    rewrite_copy(r, begin, at);
    rewrite_text(r, at, host, REWRITE_NAMES);
    uint32_t host_end = rewrite_until(r, host, end, ";?");
    if (tel)
        rewrite_text(r, host, host_end, REWRITE_NAMES);
    else
        rewrite_host_port(r, host, host_end);
    uint32_t question = rewrite_find(r, host_end, end, '?');
    at = rewrite_parameters(r, host_end, question);
    rewrite_text(r, at, question, REWRITE_NAMES);
    rewrite_uri_headers(r, question, end);
}

void rewrite_uri(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t scheme = rewrite_word_end(r, begin, end);
    bool sip = scheme < end && r->in[scheme] == ':' && rewrite_is_one_of(r, begin, scheme, "sip sips tel");
    bool nested = r->nested;
    r->nested = true;
    if (sip)
        rewrite_sip_uri(r, begin, scheme + 1, end);
    else
        rewrite_text(r, begin, end, REWRITE_NAMES);
    r->nested = nested;
}

/* ---- parameters ---- */

static void rewrite_value(Rewriter *r, uint32_t name, uint32_t name_end, uint32_t begin, uint32_t end) {
    static const char cookie[] = "z9hG4bK";
    if (rewrite_is_one_of(r, name, name_end, protocol_parameters)) {
        rewrite_text(r, begin, end, REWRITE_ADDRESSES);
    } else if (rewrite_is_one_of(r, name, name_end, "text")) {
        rewrite_text(r, begin, end, REWRITE_PROSE);
    } else if (rewrite_is_one_of(r, name, name_end, naming_parameters)) {
        rewrite_text(r, begin, end, REWRITE_NAMES);
    } else {
        uint32_t n = sizeof cookie - 1;
        bool marked = end - begin >= n && memcmp(r->in + begin, cookie, n) == 0;
        rewrite_copy(r, begin, marked ? begin + n : begin);
        rewrite_text(r, marked ? begin + n : begin, end, REWRITE_TOKENS);
    }
}

uint32_t rewrite_parameter(Rewriter *r, uint32_t begin, uint32_t end, uint8_t separator) {
    const char stops[] = {'=', (char)separator, ',', ' ', '\t', '\r', '\n', '"', '<', '>', '\0'};
    uint32_t name_end = rewrite_until(r, begin, end, stops), at = rewrite_skip(r, name_end, end, " \t\r\n");
    rewrite_copy(r, begin, name_end);
    if (at >= end || r->in[at] != '=') return name_end;
    at = rewrite_skip(r, at + 1, end, " \t\r\n");
    rewrite_copy(r, name_end, at);
    uint32_t stop =
        at < end && r->in[at] == '"' ? rewrite_quote_end(r, at, end) : rewrite_until(r, at, end, stops + 1);
    /* What is left unquoted and is no separator belongs to the value, whatever it is. */
    if (stop == at && at < end && r->in[at] != separator && r->in[at] != ',') stop = at + 1;
    rewrite_value(r, begin, name_end, at, stop);
    return stop;
}

uint32_t rewrite_parameters(Rewriter *r, uint32_t at, uint32_t end) {
    for (;;) {
        uint32_t begin = rewrite_skip(r, at, end, " \t\r\n");
        if (begin >= end || r->in[begin] != ';') return at;
        begin = rewrite_skip(r, begin + 1, end, " \t\r\n");
        rewrite_copy(r, at, begin);
        at = rewrite_parameter(r, begin, end, ';');
    }
}
