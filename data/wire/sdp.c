/* Our own reader of session descriptions (RFC 8866), alone or inside a multipart body.
 * Relies on: data/wire/scanner.h.
 * Relied on by: data/wire/scan.c. */
#include "data/wire/scanner.h"

typedef struct Line {
    uint32_t begin, end, next; /* without and behind its line end */
} Line;

static Line line_at(const WireScanner *scanner, uint32_t at, uint32_t end) {
    uint32_t lf = wire_find(scanner, at, end, '\n');
    Line line = {at, lf, lf < end ? lf + 1 : end};
    while (line.end > at && scanner->bytes[line.end - 1] == '\r')
        line.end--;
    return line;
}

/* The word number `index` of a line, words separated by blanks; empty if there are fewer. */
static WireSlice word_of(const WireScanner *scanner, uint32_t at, uint32_t end, int index) {
    for (;; index--) {
        at = wire_skip_in(scanner, at, end, WIRE_SET_BLANK);
        uint32_t word_end = wire_find_in(scanner, at, end, WIRE_SET_BLANK);
        if (index == 0 || at == end) return (WireSlice){at, word_end - at};
        at = word_end;
    }
}

/* The word up to '/', which starts a TTL in c= and a number of ports in m=. */
static WireSlice before_slash(const WireScanner *scanner, WireSlice word) {
    word.length = wire_find(scanner, word.offset, word.offset + word.length, '/') - word.offset;
    return word;
}

static void scan_media(WireScanner *scanner, Line line) {
    WireSdp *sdp = &scanner->scan->sdp;
    WireSlice word = before_slash(scanner, word_of(scanner, line.begin + 2, line.end, 1));
    uint64_t port = 0;
    if (!wire_number(scanner, word, &port) || port > UINT16_MAX) {
        wire_note(scanner, WIRE_ANOMALY_SDP_INVALID, word.offset);
        port = 0;
    }
    if (sdp->media == 0) sdp->port = (uint16_t)port;
    if (sdp->media < UINT8_MAX) sdp->media++;
}

static void scan_line(WireScanner *scanner, Line line) {
    WireSdp *sdp = &scanner->scan->sdp;
    WireSlice value = wire_trim(scanner, line.begin + 2, line.end);
    switch (scanner->bytes[line.begin]) {
    case 'o':
        if (sdp->origin.length == 0) sdp->origin = value;
        break;
    case 'c': {
        WireSlice address = before_slash(scanner, word_of(scanner, line.begin + 2, line.end, 2));
        if (sdp->connection.length == 0) sdp->connection = address;
        if (wire_equals(scanner, address, "0.0.0.0")) sdp->hold = true;
        break;
    }
    case 'm': scan_media(scanner, line); break;
    case 'a':
        if (wire_equals(scanner, value, "sendonly") || wire_equals(scanner, value, "inactive"))
            sdp->hold = true;
        break;
    default: break;
    }
}

/* Lines are x=..., the first three v=, o= and s=; empty lines are let pass at the end only. */
static void scan_description(WireScanner *scanner, uint32_t begin, uint32_t end, bool truncated) {
    static const char order[] = "vos";
    WireSdp *sdp = &scanner->scan->sdp;
    sdp->present = true;
    WireSlice text = wire_trim(scanner, begin, end);
    uint32_t at = begin, number = 0;
    for (Line line; at < text.offset + text.length; at = line.next) {
        line = line_at(scanner, at, end);
        if (truncated && line.next == end) break;
        uint8_t type = line.begin < line.end ? scanner->bytes[line.begin] : 0;
        bool formed = line.end - line.begin >= 2 && wire_lower(type) >= 'a' && wire_lower(type) <= 'z' &&
                      scanner->bytes[line.begin + 1] == '=';
        if (!formed || (number < 3 && type != (uint8_t)order[number]))
            wire_note(scanner, WIRE_ANOMALY_SDP_INVALID, line.begin);
        if (formed) scan_line(scanner, line);
        number++;
    }
    if (number < 3 && !truncated) wire_note(scanner, WIRE_ANOMALY_SDP_INVALID, begin);
    sdp->lines = (uint16_t)(number > UINT16_MAX ? UINT16_MAX : number);
}

/* In a multipart body the description starts at its "v=" line and ends at the next "--" line. */
static void scan_multipart(WireScanner *scanner, uint32_t at, uint32_t end, bool truncated) {
    const uint8_t *bytes = scanner->bytes;
    uint32_t begin = end;
    for (Line line; at < end; at = line.next) {
        line = line_at(scanner, at, end);
        bool two = line.end - line.begin >= 2;
        if (begin == end && two && bytes[at] == 'v' && bytes[at + 1] == '=') begin = at;
        if (begin < end && two && bytes[at] == '-' && bytes[at + 1] == '-') {
            scan_description(scanner, begin, at, false);
            return;
        }
    }
    if (begin < end) scan_description(scanner, begin, end, truncated);
}

void wire_scan_sdp(WireScanner *scanner, WireSlice content_type, bool truncated) {
    WireSlice body = scanner->scan->body;
    uint32_t end = body.offset + body.length, type_end = content_type.offset + content_type.length;
    if (body.length == 0) return;
    static const WireByteSet stops = {WIRE_BIT(';') | WIRE_BIT('/') | WIRE_BIT(' '), 0};
    uint32_t slash = wire_find_in(scanner, content_type.offset, type_end, stops);
    WireSlice type = wire_trim(scanner, content_type.offset, slash);
    uint32_t stop = slash < type_end ? wire_find(scanner, slash + 1, type_end, ';') : type_end;
    WireSlice subtype = wire_trim(scanner, slash < type_end ? slash + 1 : type_end, stop);
    if (wire_equals(scanner, type, "application") && wire_equals(scanner, subtype, "sdp"))
        scan_description(scanner, body.offset, end, truncated);
    else if (wire_equals(scanner, type, "multipart"))
        scan_multipart(scanner, body.offset, end, truncated);
}
