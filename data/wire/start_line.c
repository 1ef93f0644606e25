/* The first line: request line, status line, and the shape that tells SIP from everything else.
 * Relies on: data/wire/scanner.h.
 * Relied on by: data/wire/scan.c; sources ask wire_is_sip. */
#include "data/wire/scanner.h"

enum {
    SHAPE_LINE_MAX = 4096, /* bytes of the first line that wire_is_sip looks at */
    SHAPE_LEAD_MAX = 16,   /* blanks and line ends that may stand before it (keep-alives, sloppy framing) */
};

static bool is_line_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

/* "SIP/", letters without case (RFC 3261 section 7.1). */
static bool starts_version(const uint8_t *bytes, uint32_t length) {
    return length >= 4 && wire_lower(bytes[0]) == 's' && wire_lower(bytes[1]) == 'i' &&
           wire_lower(bytes[2]) == 'p' && bytes[3] == '/';
}

/* "sip:", "sips:" or "tel:", letters without case; or, if `partly`, all bytes are the begin of one. */
static bool starts_known_uri(const uint8_t *bytes, uint32_t length, bool partly) {
    static const char *const schemes[] = {"sip:", "sips:", "tel:"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        uint32_t n = (uint32_t)strlen(schemes[i]), same = 0;
        while (same < length && same < n && wire_lower(bytes[same]) == (uint8_t)schemes[i][same])
            same++;
        if (same == n || (partly && same == length)) return true;
    }
    return false;
}

bool wire_is_sip(const uint8_t *bytes, uint32_t length) {
    uint32_t begin = 0;
    while (begin < length && begin < SHAPE_LEAD_MAX && wire_is_blank(bytes[begin]))
        begin++;
    bytes += begin;
    length -= begin;
    if (starts_version(bytes, length)) return true;
    if (length > SHAPE_LINE_MAX) length = SHAPE_LINE_MAX;
    uint32_t word = 0;
    bool token = true;
    for (; word < length && bytes[word] > ' '; word++)
        token = token && wire_in(WIRE_SET_TOKEN, bytes[word]);
    uint32_t second = word;
    while (second < length && is_line_blank(bytes[second]))
        second++;
    if (word == 0 || second == word || second == length) return false;
    bool known_uri = starts_known_uri(bytes + second, length - second, false);
    if (known_uri && wire_method_of(bytes, word) != WIRE_METHOD_OTHER) return true;
    if (!token && !known_uri) return false;
    for (uint32_t at = second + 1; at < length && bytes[at] != '\r' && bytes[at] != '\n'; at++)
        if (is_line_blank(bytes[at - 1]) && starts_version(bytes + at, length - at)) return true;
    return false;
}

/* The walk is wire_is_sip's, and must stay so: what it refuses for want of bytes only is what may become SIP.
 */
bool wire_may_become_sip(const uint8_t *bytes, uint32_t length) {
    uint32_t begin = 0;
    while (begin < length && begin < SHAPE_LEAD_MAX && wire_is_blank(bytes[begin]))
        begin++;
    bytes += begin;
    length -= begin;
    if (length >= SHAPE_LINE_MAX) return false;
    uint32_t word = 0;
    bool token = true;
    for (; word < length && bytes[word] > ' '; word++)
        token = token && wire_in(WIRE_SET_TOKEN, bytes[word]);
    if (word == length) return true;
    uint32_t second = word;
    while (second < length && is_line_blank(bytes[second]))
        second++;
    if (word == 0 || second == word) return false;
    for (uint32_t at = second + 1; at < length; at++)
        if (bytes[at] == '\r' || bytes[at] == '\n') return false;
    return token || starts_known_uri(bytes + second, length - second, true);
}

static void check_version(WireScanner *scanner, WireSlice version) {
    if (!wire_equals(scanner, version, "sip/2.0")) wire_note(scanner, WIRE_ANOMALY_VERSION, version.offset);
}

static void scan_status_line(WireScanner *scanner, uint32_t begin, uint32_t end) {
    WireScan *scan = scanner->scan;
    const uint8_t *bytes = scanner->bytes;
    static const WireByteSet blanks = {WIRE_BIT(' ') | WIRE_BIT('\t'), 0};
    uint32_t version_end = wire_find_in(scanner, begin, end, blanks);
    check_version(scanner, (WireSlice){begin, version_end - begin});
    uint32_t code = wire_skip_in(scanner, version_end, end, blanks);
    uint32_t code_end = wire_find_in(scanner, code, end, blanks);
    if (code == code_end) {
        wire_note(scanner, WIRE_ANOMALY_START_LINE, begin);
        return;
    }
    uint64_t status = 0;
    bool number = wire_number(scanner, (WireSlice){code, code_end - code}, &status);
    if (!number || code_end - code != 3 || status < 100 || status > 699)
        wire_note(scanner, WIRE_ANOMALY_STATUS_RANGE, code);
    scan->status = (uint16_t)(status > UINT16_MAX ? UINT16_MAX : status);
    if (code != version_end + 1 || bytes[version_end] != ' ' || (code_end < end && bytes[code_end] != ' '))
        wire_note(scanner, WIRE_ANOMALY_START_SPACING, version_end);
    scan->reason = wire_trim(scanner, code_end, end);
}

/* begin is at a visible byte; the line has no line end in it. */
static void scan_request_line(WireScanner *scanner, uint32_t begin, uint32_t end) {
    WireScan *scan = scanner->scan;
    const uint8_t *bytes = scanner->bytes;
    static const WireByteSet blanks = {WIRE_BIT(' ') | WIRE_BIT('\t'), 0};
    uint32_t method_end = wire_find_in(scanner, begin, end, blanks);
    WireSlice rest = wire_trim(scanner, method_end, end);
    uint32_t rest_end = rest.offset + rest.length, version = rest_end;
    while (version > rest.offset && !is_line_blank(bytes[version - 1]))
        version--;
    bool versioned = version > rest.offset && starts_version(bytes + version, rest_end - version);
    WireSlice uri = versioned ? wire_trim(scanner, rest.offset, version) : rest;
    uint32_t uri_end = uri.offset + uri.length;

    scan->method_text = (WireSlice){begin, method_end - begin};
    scan->method = (uint8_t)wire_method_of(bytes + begin, method_end - begin);
    scan->request = versioned || (scan->method != WIRE_METHOD_OTHER && uri.length > 0);
    if (versioned)
        check_version(scanner, (WireSlice){version, rest_end - version});
    else
        wire_note(scanner, WIRE_ANOMALY_START_LINE, begin);
    if (wire_skip_in(scanner, begin, method_end, WIRE_SET_TOKEN) != method_end)
        wire_note(scanner, WIRE_ANOMALY_METHOD_NOT_TOKEN, begin);
    else if (scan->method == WIRE_METHOD_OTHER && scan->request)
        wire_note(scanner, WIRE_ANOMALY_METHOD_UNKNOWN, begin);
    wire_check_token_length(scanner, scan->method_text);
    if (uri.length == 0) {
        if (versioned) wire_note(scanner, WIRE_ANOMALY_URI_INVALID, method_end);
        return;
    }
    if (uri.offset != method_end + 1 || bytes[method_end] != ' ' || rest_end != end ||
        (versioned && (version != uri_end + 1 || bytes[uri_end] != ' ')) ||
        wire_find_in(scanner, uri.offset, uri_end, blanks) != uri_end)
        wire_note(scanner, WIRE_ANOMALY_START_SPACING, method_end);
    if (scan->request) wire_scan_uri(scanner, uri, WIRE_ANOMALY_URI_INVALID, &scan->uri);
}

void wire_scan_start_line(WireScanner *scanner, uint32_t begin, uint32_t end) {
    if (begin < end && starts_version(scanner->bytes + begin, end - begin))
        scan_status_line(scanner, begin, end);
    else if (begin < end)
        scan_request_line(scanner, begin, end);
    else
        wire_note(scanner, WIRE_ANOMALY_START_LINE, begin);
}
