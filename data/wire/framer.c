/* Framing by Content-Length, and the search for the next start line when that was no use.
 * Relies on: data/wire/scanner.h.
 * Relied on by: data/wire/streams.c. */
#include "data/wire/framer.h"

#include "data/wire/scanner.h"

uint32_t wire_framer_line_ends(const uint8_t *bytes, uint32_t length) {
    uint32_t at = 0;
    while (at < length && (bytes[at] == '\r' || bytes[at] == '\n'))
        at++;
    return at;
}

uint32_t wire_framer_header_end(const uint8_t *bytes, uint32_t length, uint32_t from) {
    while (from < length) {
        const uint8_t *feed = memchr(bytes + from, '\n', length - from);
        if (!feed) return 0;
        uint32_t at = (uint32_t)(feed - bytes) + 1;
        if (at < length && bytes[at] == '\n') return at + 1;
        if (at + 1 < length && bytes[at] == '\r' && bytes[at + 1] == '\n') return at + 2;
        from = at;
    }
    return 0;
}

/* The value of a header line that starts at `at` (folded lines included), if it is Content-Length. */
static bool is_content_length(const WireScanner *scanner, uint32_t at, uint32_t end, WireSlice *value) {
    uint8_t first = wire_lower(scanner->bytes[at]), flags = 0;
    if (first != 'c' && first != 'l') return false;
    uint32_t colon = wire_find(scanner, at, end, ':');
    if (colon == end) return false;
    WireSlice name = wire_trim(scanner, at, colon);
    if (wire_header_of(scanner->bytes + at, name.length, &flags) != WIRE_HEADER_CONTENT_LENGTH) return false;
    *value = wire_trim(scanner, colon + 1, end);
    return true;
}

/* Where the header line at `at` ends, the lines that continue it included. */
static uint32_t line_end(const WireScanner *scanner, uint32_t at) {
    do {
        at = wire_find(scanner, at, scanner->length, '\n');
        if (at < scanner->length) at++;
    } while (at < scanner->length && (scanner->bytes[at] == ' ' || scanner->bytes[at] == '\t'));
    return at;
}

/* The one Content-Length of the header section bytes[0..length); false if there is none that can be used. */
static bool content_length(const uint8_t *bytes, uint32_t length, uint64_t *value) {
    WireScanner scanner = {bytes, length, NULL};
    bool found = false;
    uint32_t end;
    for (uint32_t at = line_end(&scanner, 0); at < length; at = end) {
        WireSlice text;
        uint64_t number;
        end = line_end(&scanner, at);
        if (!is_content_length(&scanner, at, end, &text)) continue;
        if (!wire_number(&scanner, text, &number) || (found && number != *value)) return false;
        *value = number;
        found = true;
    }
    return found;
}

/* Is there a first line of a SIP message? MESSAGE: yes. */
static WireFramerResult check_shape(const WireFramer *framer, const uint8_t *bytes, uint32_t available) {
    if (framer->searched > 0 || wire_is_sip(bytes, available)) return WIRE_FRAMER_MESSAGE;
    return wire_may_become_sip(bytes, available) ? WIRE_FRAMER_MORE : WIRE_FRAMER_NOT_SIP;
}

WireFramerResult wire_framer_next(WireFramer *framer, const uint8_t *bytes, uint32_t available,
                                  uint32_t *length) {
    if (framer->whole == 0) {
        WireFramerResult shape = check_shape(framer, bytes, available);
        if (shape != WIRE_FRAMER_MESSAGE) return shape;
        uint32_t seen = available < WIRE_MESSAGE_MAX ? available : WIRE_MESSAGE_MAX;
        uint32_t header = wire_framer_header_end(bytes, seen, framer->searched);
        uint64_t body;
        if (header == 0) {
            framer->searched = seen > 2 ? seen - 2 : 1;
            if (seen < WIRE_MESSAGE_MAX) return WIRE_FRAMER_MORE;
            header = WIRE_MESSAGE_MAX; /* a header section without end */
            body = UINT64_MAX;
        } else if (!content_length(bytes, header, &body)) {
            body = UINT64_MAX;
        }
        if (body > WIRE_FRAMER_MESSAGE_MAX - header) {
            *framer = (WireFramer){0};
            *length = header;
            return WIRE_FRAMER_DAMAGED;
        }
        framer->whole = header + (uint32_t)body;
    }
    if (available < framer->whole) return WIRE_FRAMER_MORE;
    *length = framer->whole;
    *framer = (WireFramer){0};
    return WIRE_FRAMER_MESSAGE;
}

uint32_t wire_framer_search(const uint8_t *bytes, uint32_t length, bool *line_start) {
    uint32_t at = 0;
    while (at < length) {
        if (*line_start) {
            at += wire_framer_line_ends(bytes + at, length - at);
            if (at == length) return length;
            if (wire_is_sip(bytes + at, length - at) || wire_may_become_sip(bytes + at, length - at))
                return at;
        }
        const uint8_t *feed = memchr(bytes + at, '\n', length - at);
        *line_start = feed != NULL;
        at = feed ? (uint32_t)(feed - bytes) + 1 : length;
    }
    return length;
}
