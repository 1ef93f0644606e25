/* Checks of the raw bytes: encoding, control bytes, runs, separators, printf directives.
 * Relies on: data/wire/scanner.h.
 * Relied on by: data/wire/scan.c. */
#include "data/wire/scanner.h"

enum { RUN_MIN = 64 };

/* What a byte of the header section is, as a one in the part of a word that counts it. */
enum { PART_BITS = 12, PART_MAX = (1 << PART_BITS) - 1 };
#define COUNT_IN(part) (UINT64_C(1) << (PART_BITS * (part)))
#define NUL            COUNT_IN(0)
#define CTL            COUNT_IN(1)
#define HIGH           COUNT_IN(2)
#define SEP            COUNT_IN(3)
#define END            COUNT_IN(4)
#define ROW(kind)                                                                                            \
    kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind
static const uint64_t kinds[256] = {
    /* clang-format off */
    NUL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, 0, END, CTL, CTL, END, CTL, CTL, /* HT, LF and CR are in order */
    ROW(CTL),
    0, 0, 0, 0, 0, 0, SEP, 0, 0, 0, 0, 0, SEP, 0, 0, 0, /* & , */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, SEP, 0, SEP, 0, 0, /* ; = */
    ROW(0), ROW(0), ROW(0),
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, CTL, /* DEL */
    ROW(HIGH), ROW(HIGH), ROW(HIGH), ROW(HIGH), ROW(HIGH), ROW(HIGH), ROW(HIGH), ROW(HIGH),
    /* clang-format on */
};
#undef ROW

static uint32_t part_of(uint64_t counts, uint64_t kind) {
    return (uint32_t)(counts / kind & PART_MAX);
}

/* One pass without branches and with one sum; offsets are looked for only when something was seen. */
WireCensus wire_census(const uint8_t *bytes, uint32_t length) {
    WireCensus census = {0};
    for (uint32_t at = 0; at < length;) {
        const uint32_t end = length - at < PART_MAX ? length : at + PART_MAX;
        uint64_t counts = 0;
        for (; at < end; at++)
            counts += kinds[bytes[at]];
        census.nul += part_of(counts, NUL);
        census.control += part_of(counts, CTL);
        census.high += part_of(counts, HIGH);
        census.separators += part_of(counts, SEP);
        census.line_ends += part_of(counts, END);
    }
    return census;
}

static uint32_t find_kind(const WireScanner *scanner, uint32_t end, uint64_t kind) {
    uint32_t at = 0;
    while (at < end && !(kinds[scanner->bytes[at]] & kind))
        at++;
    return at;
}

/* The separator that comes after `before` others. */
static uint32_t find_separator(const WireScanner *scanner, uint32_t end, uint32_t before) {
    for (uint32_t at = 0; at < end; at++)
        if ((kinds[scanner->bytes[at]] & SEP) && before-- == 0) return at;
    return end;
}

/* The length of the UTF-8 sequence at `at` (RFC 3629: shortest form, no surrogates), 0 if there is none. */
static uint32_t utf8_length(const uint8_t *bytes, uint32_t at, uint32_t end) {
    uint8_t first = bytes[at];
    uint32_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length == 1) return 1;
    if (first < 0xc2 || first > 0xf4 || end - at < length) return 0;
    for (uint32_t i = 1; i < length; i++)
        if ((bytes[at + i] & 0xc0) != 0x80) return 0;
    uint8_t second = bytes[at + 1];
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool outside = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || outside ? 0 : length;
}

static void check_utf8(WireScanner *scanner, uint32_t end) {
    for (uint32_t at = 0, length; at < end; at += length) {
        length = utf8_length(scanner->bytes, at, end);
        if (length > 0) continue;
        wire_note(scanner, WIRE_ANOMALY_NOT_UTF8, at);
        return;
    }
}

/* First byte over 127 in the range, or `end`. */
static uint32_t find_high(const WireScanner *scanner, uint32_t begin, uint32_t end) {
    while (begin < end && scanner->bytes[begin] < 128)
        begin++;
    return begin;
}

/* The same, but not inside quoted strings. */
static uint32_t find_high_unquoted(const WireScanner *scanner, uint32_t begin, uint32_t end) {
    bool quoted = false;
    for (uint32_t at = begin; at < end; at++) {
        uint8_t byte = scanner->bytes[at];
        if (quoted && byte == '\\')
            at++;
        else if (byte == '"')
            quoted = !quoted;
        else if (!quoted && byte > 127)
            return at;
    }
    return end;
}

/* Headers whose grammar is TEXT-UTF8 or has comments, and headers that we do not know. */
static bool holds_text(uint8_t id) {
    return id == WIRE_HEADER_OTHER || id == WIRE_HEADER_SUBJECT || id == WIRE_HEADER_ORGANIZATION ||
           id == WIRE_HEADER_USER_AGENT || id == WIRE_HEADER_SERVER;
}

static bool has_display(uint8_t id) {
    switch (id) {
    case WIRE_HEADER_FROM:
    case WIRE_HEADER_TO:
    case WIRE_HEADER_CONTACT:
    case WIRE_HEADER_ROUTE:
    case WIRE_HEADER_RECORD_ROUTE:
    case WIRE_HEADER_REFER_TO:
    case WIRE_HEADER_REFERRED_BY:
    case WIRE_HEADER_P_ASSERTED_IDENTITY:
    case WIRE_HEADER_P_PREFERRED_IDENTITY:
    case WIRE_HEADER_REMOTE_PARTY_ID:
    case WIRE_HEADER_DIVERSION: return true;
    default: return false;
    }
}

static void check_ascii(WireScanner *scanner) {
    const WireScan *scan = scanner->scan;
    WireSlice parts[2] = {scan->method_text, scan->uri.whole};
    for (int i = 0; scan->request && i < 2; i++) {
        uint32_t end = parts[i].offset + parts[i].length, high = find_high(scanner, parts[i].offset, end);
        if (high < end) wire_note(scanner, WIRE_ANOMALY_NON_ASCII, high);
    }
    for (uint32_t i = 0; i < scan->header_count; i++) {
        const WireHeader *header = &scan->headers[i];
        uint32_t name_end = header->name.offset + header->name.length;
        uint32_t high = find_high(scanner, header->name.offset, name_end);
        if (high < name_end) wire_note(scanner, WIRE_ANOMALY_NON_ASCII, high);
        if (holds_text(header->id)) continue;
        uint32_t begin = header->value.offset, end = begin + header->value.length;
        if (has_display(header->id)) {
            uint32_t angle = wire_find(scanner, begin, end, '<');
            if (angle < end) begin = angle;
        }
        high = find_high_unquoted(scanner, begin, end);
        if (high < end) wire_note(scanner, WIRE_ANOMALY_NON_ASCII, high);
    }
}

/* A run of RUN_MIN bytes covers a whole aligned half of RUN_MIN: only halves that are equal throughout are
 * followed further. */
static void check_runs(WireScanner *scanner) {
    const uint8_t *bytes = scanner->bytes;
    const uint32_t half = RUN_MIN / 2, length = scanner->length;
    for (uint32_t at = 0; length - at >= half; at += half) {
        uint8_t byte = bytes[at];
        if (byte != bytes[at + half / 2] || byte != bytes[at + half - 1] || wire_is_blank(byte)) continue;
        if (memcmp(bytes + at, bytes + at + 1, half - 1) != 0) continue;
        uint32_t begin = at, end = at + half;
        while (begin > 0 && at - begin < half && bytes[begin - 1] == byte)
            begin--;
        while (end < length && end - begin < RUN_MIN && bytes[end] == byte)
            end++;
        if (end - begin < RUN_MIN) continue;
        wire_note(scanner, WIRE_ANOMALY_BYTE_RUN, begin);
        return;
    }
}

/* The end of the printf directive at '%' (flags, width, precision, size, conversion), 0 if it is none. */
static uint32_t directive_end(const uint8_t *bytes, uint32_t percent, uint32_t end) {
    static const WireByteSet modifiers = {WIRE_DIGITS | WIRE_BIT('$') | WIRE_BIT('.') | WIRE_BIT('*') |
                                              WIRE_BIT('#') | WIRE_BIT('+') | WIRE_BIT('-'),
                                          WIRE_BIT('h') | WIRE_BIT('l') | WIRE_BIT('z')};
    /* The directives that injection uses; "%i" or "%o" are also what legal tokens look like. */
    static const WireByteSet conversions = {0, WIRE_BIT('n') | WIRE_BIT('s') | WIRE_BIT('x') | WIRE_BIT('X') |
                                                   WIRE_BIT('p') | WIRE_BIT('d') | WIRE_BIT('u')};
    uint32_t at = percent + 1, last = end - at > 12 ? at + 12 : end;
    while (at < last && wire_in(modifiers, bytes[at]))
        at++;
    return at < last && wire_in(conversions, bytes[at]) ? at + 1 : 0;
}

static void check_directives(WireScanner *scanner, uint32_t end) {
    const uint8_t *bytes = scanner->bytes;
    uint32_t directives = 0, first = 0;
    for (uint32_t at = 0; (at = wire_find(scanner, at, end, '%')) < end;) {
        uint32_t stop = directive_end(bytes, at, end);
        bool escape =
            end - at >= 3 && wire_in(WIRE_SET_HEX, bytes[at + 1]) && wire_in(WIRE_SET_HEX, bytes[at + 2]);
        /* "%41d" is an escape and a letter; "%08x" is what nobody escapes to. */
        if (escape && !(stop > 0 && bytes[at + 1] == '0' && bytes[at + 2] != '0' && stop == at + 4)) stop = 0;
        if (stop > 0 && directives++ == 0) first = at;
        if (directives == 2) {
            wire_note(scanner, WIRE_ANOMALY_FORMAT_DIRECTIVE, first);
            return;
        }
        at = stop > 0 ? stop : escape ? at + 3 : at + 1;
    }
}

void wire_check_bytes(WireScanner *scanner, uint32_t header_end) {
    WireCensus census = wire_census(scanner->bytes, header_end);
    if (census.nul) wire_note(scanner, WIRE_ANOMALY_NUL_BYTE, find_kind(scanner, header_end, NUL));
    if (census.control) wire_note(scanner, WIRE_ANOMALY_CONTROL_BYTE, find_kind(scanner, header_end, CTL));
    if (census.high) {
        check_utf8(scanner, header_end);
        check_ascii(scanner);
    }
    if (census.separators > WIRE_SEPARATORS_MAX)
        wire_note(scanner, WIRE_ANOMALY_MANY_SEPARATORS,
                  find_separator(scanner, header_end, WIRE_SEPARATORS_MAX));
    check_runs(scanner);
    check_directives(scanner, header_end);
}
