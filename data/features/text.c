/* The text channel: free text that an attacker chooses, where it is not plain.
 * Relies on: data/wire/scan.h.
 * Relied on by: data/features/encode. */
#include "data/features/text.h"
#include "data/features/hash.h"

#include <string.h>

/* Kinds of field, each with the bytes that deployed stacks write there, those below 64 and the other ones of
 * ASCII; besides these letters, digits and - . _ in all of them. What depends on its place is decided by
 * is_unusual: '%', quotes, '<', '/' and '-'. */
#define BYTE(c) (UINT64_C(1) << ((c)&63))
#define KIND_MAP(X)                                                                                          \
    X(USER, BYTE('+') | BYTE('*') | BYTE('#'), BYTE('~'))                                                    \
    X(HOST, BYTE(':'), BYTE('[') | BYTE(']'))                                                                \
    X(DISPLAY,                                                                                               \
      BYTE(' ') | BYTE(',') | BYTE('&') | BYTE('/') | BYTE(':') | BYTE('+') | BYTE('(') | BYTE(')') |        \
          BYTE('#'),                                                                                         \
      BYTE('@'))                                                                                             \
    X(PARAMETERS,                                                                                            \
      BYTE('=') | BYTE(';') | BYTE(':') | BYTE('+') | BYTE('"') | BYTE(',') | BYTE('<') | BYTE('>') |        \
          BYTE('/') | BYTE(' ') | BYTE('*') | BYTE('!'),                                                     \
      BYTE('[') | BYTE(']') | BYTE('~') | BYTE('@'))                                                         \
    X(ADDRESS,                                                                                               \
      BYTE(' ') | BYTE('=') | BYTE(';') | BYTE(':') | BYTE('+') | BYTE('"') | BYTE(',') | BYTE('<') |        \
          BYTE('>') | BYTE('/') | BYTE('*') | BYTE('#') | BYTE('?') | BYTE('&'),                             \
      BYTE('[') | BYTE(']') | BYTE('~') | BYTE('@'))                                                         \
    X(IDENTIFIER, BYTE(':') | BYTE('+') | BYTE('=') | BYTE('*') | BYTE('!'), BYTE('@') | BYTE('~'))          \
    X(VIA, BYTE(' ') | BYTE('=') | BYTE(';') | BYTE(':') | BYTE('/') | BYTE(',') | BYTE('+'),                \
      BYTE('[') | BYTE(']') | BYTE('~') | BYTE('@'))                                                         \
    X(DIGEST,                                                                                                \
      BYTE(' ') | BYTE('=') | BYTE(';') | BYTE(':') | BYTE('+') | BYTE('/') | BYTE(',') | BYTE('"') |        \
          BYTE('*'),                                                                                         \
      BYTE('[') | BYTE(']') | BYTE('@') | BYTE('~'))                                                         \
    X(TEXT,                                                                                                  \
      BYTE(' ') | BYTE('/') | BYTE(',') | BYTE(':') | BYTE('+') | BYTE('(') | BYTE(')') | BYTE('#') |        \
          BYTE('?') | BYTE('!') | BYTE('&'),                                                                 \
      BYTE('@'))                                                                                             \
    X(AGENT,                                                                                                 \
      BYTE(' ') | BYTE('/') | BYTE(',') | BYTE(':') | BYTE('+') | BYTE('(') | BYTE(')') | BYTE(';') |        \
          BYTE('!') | BYTE('#') | BYTE('*') | BYTE('=') | BYTE('&'),                                         \
      BYTE('[') | BYTE(']') | BYTE('~') | BYTE('@'))                                                         \
    X(PROSE,                                                                                                 \
      BYTE(' ') | BYTE('/') | BYTE('(') | BYTE(')') | BYTE(',') | BYTE(':') | BYTE('+') | BYTE(';') |        \
          BYTE('#') | BYTE('"') | BYTE('=') | BYTE('?') | BYTE('&') | BYTE('*') | BYTE('<') | BYTE('>') |    \
          BYTE('!'),                                                                                         \
      BYTE('@') | BYTE('[') | BYTE(']') | BYTE('~'))                                                         \
    X(SDP,                                                                                                   \
      BYTE(' ') | BYTE('/') | BYTE(':') | BYTE(';') | BYTE('=') | BYTE('+') | BYTE(',') | BYTE('*') |        \
          BYTE('(') | BYTE(')') | BYTE('"') | BYTE('&') | BYTE('!') | BYTE('?') | BYTE('#'),                 \
      BYTE('@') | BYTE('[') | BYTE(']') | BYTE('{') | BYTE('}') | BYTE('|') | BYTE('~') | BYTE('^'))         \
    X(BODY,                                                                                                  \
      BYTE(' ') | BYTE('/') | BYTE(',') | BYTE(':') | BYTE(';') | BYTE('+') | BYTE('(') | BYTE(')') |        \
          BYTE('#') | BYTE('?') | BYTE('!') | BYTE('"') | BYTE('&') | BYTE('*') | BYTE('='),                 \
      BYTE('@') | BYTE('~'))                                                                                 \
    X(LINE, BYTE(' '), 0)

typedef enum Kind {
#define KIND_ENUM(name, low, high) KIND_##name,
    KIND_MAP(KIND_ENUM)
#undef KIND_ENUM
        KIND_COUNT
} Kind;

/* The bytes of a kind as sets, worked out by the compiler: far quicker than a search per byte. */
typedef struct Usual {
    uint64_t set[2];
    uint64_t plain[4]; /* of all 256: what is usual wherever it stands */
} Usual;

#define LOW_ALL  (BYTE('-') | BYTE('.'))
#define HIGH_ALL (BYTE('_'))
#define DIGITS   (UINT64_C(0x3ff) << '0')
#define LETTERS  (UINT64_C(0x3ffffff) << ('A' & 63) | UINT64_C(0x3ffffff) << ('a' & 63))
#define PLACED   (BYTE('<') | BYTE('/') | BYTE('-') | BYTE('"'))
static const Usual usuals[KIND_COUNT] = {
#define KIND_USUAL(name, low, high)                                                                          \
    {{LOW_ALL | low, HIGH_ALL | high}, {((LOW_ALL | low) & ~PLACED) | DIGITS, HIGH_ALL | high | LETTERS}},
    KIND_MAP(KIND_USUAL)
#undef KIND_USUAL
};

enum { FIELD_SYMBOLS = 64, LEAD = 16, MARKER = 128, CONTROL_SYMBOL = 1, NUL_SYMBOL = 2, HIGH_SYMBOL = 127 };

static bool is_letter_or_digit(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10;
}

static bool is_letter(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26 || c >= 128;
}

static uint8_t byte_at(const uint8_t *field, uint32_t length, uint32_t i) {
    return i < length ? field[i] : 0;
}

/* As in O'Brien. */
static bool is_apostrophe(const uint8_t *field, uint32_t length, uint32_t i) {
    return i > 0 && is_letter(field[i - 1]) && is_letter(byte_at(field, length, i + 1));
}

static int hex_value(uint8_t c) {
    if ((uint8_t)(c - '0') < 10) return c - '0';
    const uint8_t letter = (uint8_t)((c | 0x20) - 'a');
    return letter < 6 ? letter + 10 : -1;
}

/* An escape of a byte that URIs have to escape, or of one that needed none. */
static bool is_plain_escape(const uint8_t *field, uint32_t length, uint32_t i) {
    const int high = hex_value(byte_at(field, length, i + 1)), low = hex_value(byte_at(field, length, i + 2));
    if (high < 0 || low < 0) return false;
    const uint8_t value = (uint8_t)(high * 16 + low);
    return is_letter_or_digit(value) || (value && strchr(" #+*@:=,-_", value));
}

/* A '<' in front of a URI: a scheme of letters, then a colon. */
static bool opens_uri(const uint8_t *field, uint32_t length, uint32_t i) {
    enum { SCHEME = 12 };
    uint32_t at = i + 1;
    while (at - i <= SCHEME && is_letter_or_digit(byte_at(field, length, at)))
        at++;
    return at > i + 1 && byte_at(field, length, at) == ':';
}

/* A '/' between words, in a URL or a media range, but not one that starts a path or climbs ("../"). */
static bool divides(const uint8_t *field, uint32_t i) {
    if (i == 0) return false;
    const uint8_t before = field[i - 1];
    if (before == '.') return i < 2 || field[i - 2] != '.';
    return before >= 128 || is_letter_or_digit(before) || strchr("/:*+-_)", before);
}

/* Where a name, written in UTF-8, may stand. */
static bool has_names(Kind kind) {
    return kind == KIND_DISPLAY || kind == KIND_ADDRESS || kind >= KIND_TEXT;
}

/* Whether byte i of a field is unusual in its kind. Folded values contain line breaks. */
static bool is_unusual(const uint8_t *field, uint32_t length, uint32_t i, Kind kind) {
    const uint8_t c = field[i];
    if (is_letter_or_digit(c)) return false;
    if (c >= 128) return !has_names(kind);
    if (c == '\t' || c == '\r' || c == '\n') return kind <= KIND_DISPLAY;
    if (c == '\'') return !is_apostrophe(field, length, i);
    if (c == '%') return !is_plain_escape(field, length, i);
    if (!(usuals[kind].set[c >> 6] >> (c & 63) & 1)) return true;
    if (c == '<') return !opens_uri(field, length, i);
    if (c == '-') return kind <= KIND_DISPLAY && i > 0 && field[i - 1] == '-';
    if (c == '/' && kind != KIND_DIGEST && kind != KIND_SDP && kind != KIND_VIA) return !divides(field, i);
    return false;
}

/* The first byte from i on that is not plain; `length` if there is none. */
static uint32_t skip_plain(const uint8_t *field, uint32_t length, uint32_t i, Kind kind) {
    const uint64_t *plain = usuals[kind].plain;
    while (i < length && plain[field[i] >> 6] >> (field[i] & 63) & 1)
        i++;
    return i;
}

/* Whether the byte is a quotation mark that opens or closes a string. */
static bool is_quote(const uint8_t *field, uint32_t i, Kind kind) {
    return field[i] == '"' && kind != KIND_BODY && (i == 0 || field[i - 1] != '\\');
}

/* The unusual bytes of a field: how many there are, and where the first is. The last of an odd number of
 * quotation marks leaves a string open and is one of them. */
typedef struct Unusual {
    uint32_t count, first;
} Unusual;

static Unusual find_unusual(const uint8_t *field, uint32_t length, Kind kind) {
    Unusual found = {0, 0};
    uint32_t quotes = 0, open = 0;
    bool open_counts = false; /* it is unusual even as a closing one */
    for (uint32_t i = 0; (i = skip_plain(field, length, i, kind)) < length; i++) {
        const bool counts = is_unusual(field, length, i, kind);
        if (counts && found.count++ == 0) found.first = i;
        if (!is_quote(field, i, kind)) continue;
        quotes++;
        open = i;
        open_counts = counts;
    }
    if (quotes % 2 == 0 || open_counts) return found;
    if (found.count++ == 0 || open < found.first) found.first = open;
    return found;
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
    const Unusual unusual = find_unusual(field, slice.length, kind);
    if (!unusual.count) return;
    if (encoded->unusual_fields < UINT8_MAX) encoded->unusual_fields++;
    uint32_t total = encoded->unusual_bytes + unusual.count;
    encoded->unusual_bytes = (uint16_t)(total < UINT16_MAX ? total : UINT16_MAX);
    append(encoded, (uint8_t)(MARKER + kind));
    uint32_t begin = unusual.first > LEAD ? unusual.first - LEAD : 0;
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
    case WIRE_HEADER_SUBJECT:
    case WIRE_HEADER_ORGANIZATION: return KIND_TEXT;
    case WIRE_HEADER_USER_AGENT:
    case WIRE_HEADER_SERVER: return KIND_AGENT;
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

/* What a person may name by himself, and the rest. */
static void add_sdp_line(const uint8_t *bytes, WireSlice line, FeatureEncoded *encoded) {
    const uint8_t type = line.length ? bytes[line.offset] : 0;
    if (line.length < 2) return;
    const WireSlice value = {line.offset + 2, line.length - 2};
    const bool is_name = type == 's' || type == 'i' || type == 'o';
    if (is_name || type == 'u' || type == 'e' || type == 'p')
        add_field(bytes, value, is_name ? KIND_TEXT : KIND_PROSE, encoded);
    else
        add_field(bytes, line, KIND_SDP, encoded);
}

static void add_sdp_lines(const uint8_t *bytes, WireSlice body, FeatureEncoded *encoded) {
    uint32_t at = body.offset, end = body.offset + body.length;
    while (at < end && encoded->n_text < FEATURE_TEXT) {
        const uint8_t *feed = memchr(bytes + at, '\n', end - at);
        uint32_t stop = feed ? (uint32_t)(feed - bytes) : end, next = feed ? stop + 1 : end;
        if (stop > at && bytes[stop - 1] == '\r') stop--;
        add_sdp_line(bytes, (WireSlice){at, stop - at}, encoded);
        at = next;
    }
}

/* A body for people, of MESSAGE above all. */
static bool has_text_body(const uint8_t *bytes, const WireScan *scan) {
    static const char text[] = "text/";
    const int16_t at = scan->first[WIRE_HEADER_CONTENT_TYPE];
    if (at < 0 || scan->sdp.present) return false;
    const WireSlice type = scan->headers[at].value;
    for (uint32_t i = 0; i < sizeof text - 1; i++)
        if (i >= type.length || feature_lower(bytes[type.offset + i]) != (uint8_t)text[i]) return false;
    return true;
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
    if (has_text_body(bytes, scan)) add_field(bytes, scan->body, KIND_BODY, encoded);
}
