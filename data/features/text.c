/* The text channel: free text that an attacker chooses, where it is not plain.
 * Relies on: data/wire/scan.h.
 * Relied on by: data/features/encode. */
#include "data/features/text.h"
#include "data/features/hash.h"

#include <string.h>

/* Kinds of field, each with the bytes (besides ASCII letters and digits) that deployed stacks write there. */
#define KIND_MAP(X)                                                                                          \
    X(USER, "-_.+*#~")                                                                                       \
    X(HOST, "-_.:[]")                                                                                        \
    X(DISPLAY, " -_.,&/:@+()#")                                                                              \
    X(PARAMETERS, "-_.=;:[]+%~\",<>/@ *!")                                                                   \
    X(ADDRESS, " -_.=;:[]+%~\",<>/@*#?")                                                                     \
    X(IDENTIFIER, "-_.@:+=%~*!")                                                                             \
    X(VIA, " -_.=;:[]/,+~@")                                                                                 \
    X(DIGEST, " -_.=;:[]+/@,\"%~*")                                                                          \
    X(PROSE, " -_./(),:+@;#\"=?&*[]<>~!")                                                                    \
    X(SDP, " -_./:;=+,*@()[]\"{}|&!?#~")                                                                     \
    X(LINE, " -_.")

typedef enum Kind {
#define KIND_ENUM(name, bytes) KIND_##name,
    KIND_MAP(KIND_ENUM)
#undef KIND_ENUM
        KIND_COUNT
} Kind;

static const char *const usual_bytes[KIND_COUNT] = {
#define KIND_BYTES(name, bytes) bytes,
    KIND_MAP(KIND_BYTES)
#undef KIND_BYTES
};

enum { FIELD_SYMBOLS = 64, LEAD = 16, MARKER = 128, CONTROL_SYMBOL = 1, NUL_SYMBOL = 2, HIGH_SYMBOL = 127 };

static bool is_letter_or_digit(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10;
}

static bool is_letter(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26 || c >= 128;
}

/* An apostrophe inside a word (O'Brien), or an escape that dial strings need: %23 (#), %2B (+), %20. */
static bool is_harmless(const uint8_t *field, uint32_t length, uint32_t i) {
    if (field[i] == '\'')
        return i > 0 && i + 1 < length && is_letter(field[i - 1]) && is_letter(field[i + 1]);
    if (field[i] != '%' || i + 2 >= length || field[i + 1] != '2') return false;
    return field[i + 2] == '3' || field[i + 2] == '0' || feature_lower(field[i + 2]) == 'b';
}

/* The bytes of a kind as a set of ASCII: far quicker than a search per byte. */
typedef struct Usual {
    Kind kind;
    uint64_t set[2];
} Usual;

static Usual usual_of(Kind kind) {
    Usual usual = {.kind = kind};
    for (const char *c = usual_bytes[kind]; *c; c++)
        usual.set[*c >> 6 & 1] |= UINT64_C(1) << (*c & 63);
    return usual;
}

/* Whether byte i of a field is unusual in its kind. Two harmless bytes can make an unusual string: "../",
 * "--". Names are written in UTF-8 and folded values contain line breaks, so neither counts where they are
 * legal. */
static bool is_unusual(const uint8_t *field, uint32_t length, uint32_t i, const Usual *usual) {
    uint8_t c = field[i];
    Kind kind = usual->kind;
    if (is_letter_or_digit(c)) return false;
    if (c >= 128)
        return kind != KIND_DISPLAY && kind != KIND_PROSE && kind != KIND_ADDRESS && kind != KIND_SDP;
    if (c == '\t' || c == '\r' || c == '\n') return kind <= KIND_DISPLAY;
    if (!(usual->set[c >> 6] >> (c & 63) & 1)) return !is_harmless(field, length, i);
    if (c == '-' && kind <= KIND_DISPLAY) return i > 0 && field[i - 1] == '-';
    return (c == '/' || c == '\\') && i > 1 && field[i - 1] == '.' && field[i - 2] == '.';
}

static uint8_t symbol(uint8_t c) {
    if (c == 0) return NUL_SYMBOL;
    if (c < 32) return CONTROL_SYMBOL;
    if (c >= 127) return HIGH_SYMBOL;
    return feature_lower(c);
}

static void append(FeatureEncoded *encoded, uint8_t value) {
    if (encoded->n_text < FEATURE_TEXT) encoded->text[encoded->n_text++] = value;
}

/* Looks at one field and appends it if it is unusual. */
static void add_field(const uint8_t *bytes, WireSlice slice, Kind kind, FeatureEncoded *encoded) {
    const uint8_t *field = bytes + slice.offset;
    uint32_t first = 0, unusual = 0;
    const Usual usual = usual_of(kind);
    for (uint32_t i = 0; i < slice.length; i++) {
        if (!is_unusual(field, slice.length, i, &usual)) continue;
        if (unusual++ == 0) first = i;
    }
    if (!unusual) return;
    if (encoded->unusual_fields < UINT8_MAX) encoded->unusual_fields++;
    uint32_t total = encoded->unusual_bytes + unusual;
    encoded->unusual_bytes = (uint16_t)(total < UINT16_MAX ? total : UINT16_MAX);
    append(encoded, (uint8_t)(MARKER + kind));
    uint32_t begin = first > LEAD ? first - LEAD : 0;
    for (uint32_t i = begin; i < slice.length && i - begin < FIELD_SYMBOLS; i++)
        append(encoded, symbol(field[i]));
}

static void add_uri(const uint8_t *bytes, const WireUri *uri, FeatureEncoded *encoded) {
    add_field(bytes, uri->user, KIND_USER, encoded);
    add_field(bytes, uri->password, KIND_USER, encoded);
    add_field(bytes, uri->host, KIND_HOST, encoded);
    add_field(bytes, uri->params, KIND_PARAMETERS, encoded);
    add_field(bytes, uri->headers, KIND_PARAMETERS, encoded);
}

static void add_address(const uint8_t *bytes, const WireNameAddr *address, FeatureEncoded *encoded) {
    add_field(bytes, address->display, KIND_DISPLAY, encoded);
    add_uri(bytes, &address->uri, encoded);
    add_field(bytes, address->params, KIND_PARAMETERS, encoded);
}

/* The kind of a header's value as a whole. */
static Kind kind_of(WireHeaderId id) {
    switch (id) {
    case WIRE_HEADER_VIA: return KIND_VIA;
    case WIRE_HEADER_CALL_ID: return KIND_IDENTIFIER;
    case WIRE_HEADER_CSEQ: return KIND_LINE;
    case WIRE_HEADER_AUTHORIZATION:
    case WIRE_HEADER_PROXY_AUTHORIZATION:
    case WIRE_HEADER_WWW_AUTHENTICATE:
    case WIRE_HEADER_PROXY_AUTHENTICATE:
    case WIRE_HEADER_AUTHENTICATION_INFO: return KIND_DIGEST;
    case WIRE_HEADER_CONTACT:
    case WIRE_HEADER_ROUTE:
    case WIRE_HEADER_RECORD_ROUTE:
    case WIRE_HEADER_PATH:
    case WIRE_HEADER_SERVICE_ROUTE:
    case WIRE_HEADER_REFER_TO:
    case WIRE_HEADER_REFERRED_BY:
    case WIRE_HEADER_REPLACES:
    case WIRE_HEADER_P_ASSERTED_IDENTITY:
    case WIRE_HEADER_P_PREFERRED_IDENTITY:
    case WIRE_HEADER_REMOTE_PARTY_ID:
    case WIRE_HEADER_DIVERSION:
    case WIRE_HEADER_CALL_INFO:
    case WIRE_HEADER_ALERT_INFO: return KIND_ADDRESS;
    default: return KIND_PROSE;
    }
}

static void add_header(const uint8_t *bytes, const WireScan *scan, unsigned i, FeatureEncoded *encoded) {
    const WireHeader *header = &scan->headers[i];
    bool first = scan->first[header->id] == (int16_t)i;
    if (header->id == WIRE_HEADER_OTHER) add_field(bytes, header->name, KIND_LINE, encoded);
    if (first && header->id == WIRE_HEADER_FROM)
        add_address(bytes, &scan->from, encoded);
    else if (first && header->id == WIRE_HEADER_TO)
        add_address(bytes, &scan->to, encoded);
    else if (first && header->id == WIRE_HEADER_CONTACT && scan->contacts == 1)
        add_address(bytes, &scan->contact, encoded);
    else
        add_field(bytes, header->value, kind_of((WireHeaderId)header->id), encoded);
}

static void add_sdp_lines(const uint8_t *bytes, WireSlice body, FeatureEncoded *encoded) {
    uint32_t at = body.offset, end = body.offset + body.length;
    while (at < end && encoded->n_text < FEATURE_TEXT) {
        const uint8_t *feed = memchr(bytes + at, '\n', end - at);
        uint32_t stop = feed ? (uint32_t)(feed - bytes) : end, next = feed ? stop + 1 : end;
        if (stop > at && bytes[stop - 1] == '\r') stop--;
        add_field(bytes, (WireSlice){at, stop - at}, KIND_SDP, encoded);
        at = next;
    }
}

void feature_text(const uint8_t *bytes, const WireScan *scan, FeatureEncoded *encoded) {
    encoded->n_text = encoded->unusual_fields = 0;
    encoded->unusual_bytes = 0;
    memset(encoded->text, 0, sizeof encoded->text);
    if (scan->request) {
        add_field(bytes, scan->method_text, KIND_LINE, encoded);
        add_uri(bytes, &scan->uri, encoded);
    } else {
        add_field(bytes, scan->reason, KIND_PROSE, encoded);
    }
    for (unsigned i = 0; i < scan->header_count; i++)
        add_header(bytes, scan, i, encoded);
    if (scan->sdp.present) add_sdp_lines(bytes, scan->body, encoded);
}
