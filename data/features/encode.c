/* The first stage: one message, without any history, to tokens, text, facts and hashes.
 * Relies on: data/wire (scan, libosip2's opinion), data/features/text, hash.
 * Relied on by: data/dataset, infer, bench. */
#include "data/features/features.h"
#include "data/features/hash.h"
#include "data/features/text.h"
#include "data/wire/osip.h"

#include <string.h>

/* ---- tokens ---- */

/* Token names: 0 padding, then methods, status classes, headers, SDP line types, another body. */
enum {
    TOKEN_METHOD = 1,
    TOKEN_STATUS = TOKEN_METHOD + WIRE_METHOD_COUNT,
    TOKEN_BAD_START = TOKEN_STATUS + FEATURE_STATUS_CLASSES,
    TOKEN_HEADER,
    TOKEN_SDP = TOKEN_HEADER + WIRE_HEADER_COUNT,
    TOKEN_BODY = TOKEN_SDP + 16,
};
_Static_assert((int)TOKEN_BODY < (int)FEATURE_TOKEN_NAMES, "token names fit their vocabulary");

typedef enum TokenShape {
    SHAPE_NONE,
    SHAPE_EMPTY,
    SHAPE_DIGITS,
    SHAPE_TOKEN,
    SHAPE_LIST,
    SHAPE_URI,
    SHAPE_ANGLE,
    SHAPE_DISPLAY_ANGLE,
    SHAPE_QUOTED_ANGLE,
    SHAPE_STAR,
    SHAPE_PROSE,
    SHAPE_CONTROL,
    SHAPE_HIGH,
} TokenShape;

enum { FLAG_COMPACT = 1, FLAG_FOLDED = 2, FLAG_ODD_NAME = 4, FLAG_REPEATED = 8 };

/* Sorts of byte, as bits; enough to tell the shapes of values apart. */
enum {
    L = 1,   /* letters, and marks of words and names */
    D = 2,   /* digits */
    S = 4,   /* separators of lists */
    A = 8,   /* angle brackets */
    Q = 16,  /* the double quote */
    C = 32,  /* the colon */
    O = 64,  /* other ASCII */
    X = 128, /* control bytes */
    HIGH = 256,
};

/* clang-format off */
static const uint8_t sort_of[128] = {
    X, X, X, X, X, X, X, X, X, S, S, X, X, S, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    S, L, Q, O, O, L, O, O, O, O, O, L, S, L, L, S,
    D, D, D, D, D, D, D, D, D, D, C, S, A, S, A, O,
    L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, L,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, L, X,
};
/* clang-format on */

static unsigned sorts_of(const uint8_t *value, uint32_t length) {
    unsigned sorts = 0;
    for (uint32_t i = 0; i < length; i++)
        sorts |= value[i] < 128 ? sort_of[value[i]] : (unsigned)HIGH;
    return sorts;
}

static TokenShape shape_of(const uint8_t *value, uint32_t length) {
    if (length == 0) return SHAPE_EMPTY;
    if (length == 1 && value[0] == '*') return SHAPE_STAR;
    unsigned sorts = sorts_of(value, length < 512 ? length : 512);
    if (sorts & X) return SHAPE_CONTROL;
    if (sorts & HIGH) return SHAPE_HIGH;
    if (sorts & A)
        return value[0] == '<' ? SHAPE_ANGLE : sorts & Q ? SHAPE_QUOTED_ANGLE : SHAPE_DISPLAY_ANGLE;
    if (sorts & (O | Q)) return SHAPE_PROSE;
    if (sorts & C) return SHAPE_URI;
    if (sorts & S) return SHAPE_LIST;
    return sorts & L ? SHAPE_TOKEN : SHAPE_DIGITS;
}

/* Length classes are coarse on purpose: ordinary lengths tell one builder from another, not honest from
 * hostile. */
static uint8_t length_class(uint32_t length) {
    static const uint32_t limits[] = {0, 128, 256, 512, 1024, 4096};
    uint8_t class = 1;
    for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++)
        class = (uint8_t)(class + (length > limits[i]));
    return class;
}

static void add_token(FeatureEncoded *encoded, unsigned name, const uint8_t *bytes, WireSlice value,
                      unsigned flags) {
    if (encoded->n_tokens == FEATURE_TOKENS) return;
    uint8_t *token = encoded->tokens[encoded->n_tokens++];
    token[0] = (uint8_t)name;
    token[1] = (uint8_t)shape_of(bytes + value.offset, value.length);
    token[2] = length_class(value.length);
    token[3] = (uint8_t)flags;
}

static unsigned header_flags(uint8_t flags) {
    return (flags & WIRE_HEADER_COMPACT ? FLAG_COMPACT : 0u) |
           (flags & WIRE_HEADER_FOLDED ? FLAG_FOLDED : 0u) |
           (flags & (WIRE_HEADER_ODD_CASE | WIRE_HEADER_SPACE_COLON) ? FLAG_ODD_NAME : 0u) |
           (flags & WIRE_HEADER_REPEATED ? FLAG_REPEATED : 0u);
}

static unsigned sdp_name(uint8_t type) {
    static const char types[] = "vosiuepcbtrzkam";
    const char *found = type ? strchr(types, type) : NULL;
    return TOKEN_SDP + (found ? (unsigned)(found - types) : 15u);
}

static void add_sdp_tokens(const uint8_t *bytes, WireSlice body, FeatureEncoded *encoded) {
    uint32_t at = body.offset, end = body.offset + body.length;
    while (at < end && encoded->n_tokens < FEATURE_TOKENS) {
        const uint8_t *feed = memchr(bytes + at, '\n', end - at);
        uint32_t stop = feed ? (uint32_t)(feed - bytes) : end;
        uint32_t value = at + 2 < stop ? at + 2 : stop;
        uint32_t last = stop > value && bytes[stop - 1] == '\r' ? stop - 1 : stop;
        add_token(encoded, sdp_name(bytes[at]), bytes, (WireSlice){value, last - value}, 0);
        at = feed ? stop + 1 : end;
    }
}

static void add_tokens(const uint8_t *bytes, const WireScan *scan, FeatureEncoded *encoded) {
    memset(encoded->tokens, 0, sizeof encoded->tokens);
    encoded->n_tokens = 0;
    if (scan->request)
        add_token(encoded, TOKEN_METHOD + scan->method, bytes, scan->uri.whole, 0);
    else if (scan->status >= 100 && scan->status <= 699)
        add_token(encoded, TOKEN_STATUS + scan->status / 100u - 1, bytes, scan->reason, 0);
    else
        add_token(encoded, TOKEN_BAD_START, bytes, (WireSlice){0, 0}, 0);
    for (unsigned i = 0; i < scan->header_count; i++) {
        const WireHeader *header = &scan->headers[i];
        add_token(encoded, TOKEN_HEADER + header->id, bytes, header->value, header_flags(header->flags));
    }
    if (scan->sdp.present)
        add_sdp_tokens(bytes, scan->body, encoded);
    else if (scan->body.length)
        add_token(encoded, TOKEN_BODY, bytes, scan->body, 0);
}

/* ---- hashes and facts ---- */

enum {
    SEED_BRANCH = 1,
    SEED_TAG,
    SEED_USER,
    SEED_CONTACT,
    SEED_MEDIA,
    SEED_AGENT,
    SEED_BODY,
    SEED_USERNAME,
    SEED_SUFFIX
};

static uint64_t slice_hash(const uint8_t *bytes, WireSlice slice, uint64_t seed) {
    return slice.length ? feature_hash(bytes + slice.offset, slice.length, seed) : 0;
}

static uint64_t folded_hash(const uint8_t *bytes, WireSlice slice, uint64_t seed) {
    return slice.length ? feature_hash_folded(bytes + slice.offset, slice.length, seed) : 0;
}

enum {
    SUFFIX_DIGITS = 7,        /* a local number; what prefix probing keeps while the front changes */
    LONG_DIGITS = 11,         /* longer than a national number */
    INTERNATIONAL_DIGITS = 8, /* "+" or "00" and at least this many digits */
    DIGITS_KEPT = 32,
};

/* Digits of a dialled number; 0 if the user part is none (RFC 3966's visual separators do not count). */
static unsigned number_digits(const uint8_t *user, uint32_t length, uint8_t digits[DIGITS_KEPT]) {
    unsigned n = 0;
    for (uint32_t i = 0; i < length; i++) {
        uint8_t c = user[i];
        if ((uint8_t)(c - '0') < 10) {
            if (n < DIGITS_KEPT) digits[n++] = c;
        } else if (c == ';')
            break;
        else if (c != '-' && c != '.' && c != '(' && c != ')' && !(c == '+' && i == 0) && c != '*' &&
                 c != '#')
            return 0;
    }
    return n;
}

static void encode_number(const uint8_t *bytes, const WireScan *scan, FeatureEncoded *encoded) {
    WireSlice user = scan->uri.user.length ? scan->uri.user : scan->to.uri.user;
    const uint8_t *text = bytes + user.offset;
    uint8_t digits[DIGITS_KEPT];
    unsigned n = number_digits(text, user.length, digits);
    bool international =
        n >= INTERNATIONAL_DIGITS && (text[0] == '+' || (digits[0] == '0' && digits[1] == '0'));
    encoded->digits = (uint8_t)n;
    encoded->long_number = international || n >= LONG_DIGITS;
    encoded->suffix =
        n > SUFFIX_DIGITS ? feature_hash(digits + n - SUFFIX_DIGITS, SUFFIX_DIGITS, SEED_SUFFIX) : 0;
}

/* Whether the Contact's host is written as the sender's own address. */
static bool contact_is_source(const uint8_t *bytes, const WireScan *scan, const WireMessage *message) {
    WireSlice host = scan->contact.uri.host;
    char text[WIRE_ADDRESS_TEXT_MAX];
    if (host.length == 0 || host.length >= sizeof text) return false;
    const uint8_t *from = bytes + host.offset;
    uint32_t length = host.length;
    if (from[0] == '[' && length > 2) from++, length -= 2;
    memcpy(text, from, length);
    text[length] = '\0';
    WireAddress address;
    return wire_address_parse(text, &address) && wire_same_ip(&address, &message->source);
}

/* Host and port together: what a binding or a media stream points at. */
static uint64_t host_port_hash(const uint8_t *bytes, WireSlice host, uint16_t port, uint64_t seed) {
    return host.length ? feature_hash_folded(bytes + host.offset, host.length, seed + ((uint64_t)port << 8))
                       : 0;
}

enum { BODY_LEAST = 16 }; /* shorter bodies repeat by chance */

static void encode_hashes(const uint8_t *bytes, const WireScan *scan, FeatureEncoded *encoded) {
    encoded->branch = slice_hash(bytes, scan->branch, SEED_BRANCH);
    encoded->from_tag = slice_hash(bytes, scan->from.tag, SEED_TAG);
    encoded->to_tag_hash = slice_hash(bytes, scan->to.tag, SEED_TAG);
    encoded->to_user = folded_hash(bytes, scan->to.uri.user, SEED_USER);
    encoded->from_user = folded_hash(bytes, scan->from.uri.user, SEED_USER);
    encoded->contact = host_port_hash(bytes, scan->contact.uri.host, scan->contact.uri.port, SEED_CONTACT);
    encoded->media = folded_hash(bytes, scan->sdp.connection, SEED_MEDIA);
    encoded->agent = slice_hash(bytes, scan->user_agent, SEED_AGENT);
    encoded->username = folded_hash(bytes, scan->credentials.username, SEED_USERNAME);
    bool text_body = !scan->sdp.present && scan->body.length >= BODY_LEAST;
    encoded->body_hash = text_body ? slice_hash(bytes, scan->body, SEED_BODY) : 0;
}

void feature_encode(const WireMessage *message, FeatureEncoded *encoded) {
    const uint8_t *bytes = message->bytes;
    WireScan scan;
    wire_scan(bytes, message->length, message->flags & WIRE_FLAG_TRUNCATED, &scan);
    const WireNameAddr *account = scan.method == WIRE_REGISTER ? &scan.to : &scan.from;
    encoded->osip = (uint8_t)wire_osip_answer(bytes, message->length, &scan);
    encoded->request = scan.request;
    encoded->method = scan.method;
    encoded->status = scan.status;
    encoded->cseq = scan.cseq;
    encoded->vias = scan.vias;
    encoded->contacts = scan.contacts;
    encoded->anomalies = scan.anomalies;
    encoded->to_tag = scan.to.tag.length > 0;
    encoded->star = scan.contact.uri.whole.length == 1 && bytes[scan.contact.uri.whole.offset] == '*';
    encoded->expires_zero = scan.expires == 0;
    encoded->stale = scan.challenge.stale;
    encoded->body = scan.body.length > 0;
    encoded->hold = scan.sdp.hold;
    encoded->contact_is_source = contact_is_source(bytes, &scan, message);
    encoded->call_id = scan.call_id;
    encoded->account_user = account->uri.user;
    encoded->account_host = account->uri.host;
    encode_number(bytes, &scan, encoded);
    encode_hashes(bytes, &scan, encoded);
    feature_text(bytes, &scan, encoded);
    add_tokens(bytes, &scan, encoded);
}
