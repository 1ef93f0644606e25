/* Ranges, lists and parameters: the small steps that all parts of the scan take.
 * Relies on: data/wire/scanner.h.
 * Relied on by: the parts of wire_scan. */
#include "data/wire/scanner.h"

/* Longer than the user parts, hosts, names, tags and branches of honest traffic. */
enum { TOKEN_MAX = 128 };

void wire_note(WireScanner *scanner, WireAnomaly anomaly, uint32_t offset) {
    WireScan *scan = scanner->scan;
    uint64_t bit = 1ull << anomaly;
    if (scan->anomalies & bit) return;
    scan->anomalies |= bit;
    if (scan->located == WIRE_ANOMALIES_LOCATED) return;
    scan->anomaly_id[scan->located] = (uint8_t)anomaly;
    scan->anomaly_offset[scan->located++] = offset;
}

WireSlice wire_trim(const WireScanner *scanner, uint32_t begin, uint32_t end) {
    while (begin < end && wire_is_blank(scanner->bytes[begin]))
        begin++;
    while (end > begin && wire_is_blank(scanner->bytes[end - 1]))
        end--;
    return (WireSlice){begin, end - begin};
}

uint32_t wire_find(const WireScanner *scanner, uint32_t begin, uint32_t end, uint8_t byte) {
    if (begin >= end) return end;
    const uint8_t *found = memchr(scanner->bytes + begin, byte, end - begin);
    return found ? (uint32_t)(found - scanner->bytes) : end;
}

uint32_t wire_find_in(const WireScanner *scanner, uint32_t begin, uint32_t end, WireByteSet set) {
    while (begin < end && !wire_in(set, scanner->bytes[begin]))
        begin++;
    return begin;
}

uint32_t wire_skip_in(const WireScanner *scanner, uint32_t begin, uint32_t end, WireByteSet set) {
    while (begin < end && wire_in(set, scanner->bytes[begin]))
        begin++;
    return begin;
}

bool wire_equals(const WireScanner *scanner, WireSlice slice, const char *text) {
    if (strlen(text) != slice.length) return false;
    for (uint32_t i = 0; i < slice.length; i++)
        if (wire_lower(scanner->bytes[slice.offset + i]) != (uint8_t)text[i]) return false;
    return true;
}

bool wire_number(const WireScanner *scanner, WireSlice slice, uint64_t *value) {
    uint64_t number = 0;
    if (slice.length < 1 || slice.length > 19) return false;
    for (uint32_t i = 0; i < slice.length; i++) {
        uint8_t byte = scanner->bytes[slice.offset + i];
        if (byte < '0' || byte > '9') return false;
        number = number * 10 + (byte - '0');
    }
    *value = number;
    return true;
}

void wire_check_token_length(WireScanner *scanner, WireSlice slice) {
    if (slice.length > TOKEN_MAX) wire_note(scanner, WIRE_ANOMALY_LONG_TOKEN, slice.offset);
}

void wire_check_percent(WireScanner *scanner, uint32_t begin, uint32_t end) {
    const uint8_t *bytes = scanner->bytes;
    while ((begin = wire_find(scanner, begin, end, '%')) < end) {
        if (end - begin < 3 || !wire_in(WIRE_SET_HEX, bytes[begin + 1]) ||
            !wire_in(WIRE_SET_HEX, bytes[begin + 2])) {
            wire_note(scanner, WIRE_ANOMALY_PERCENT_INVALID, begin);
            return;
        }
        begin += 3;
    }
}

uint32_t wire_quote_end(WireScanner *scanner, uint32_t open, uint32_t end) {
    const uint8_t *bytes = scanner->bytes;
    for (uint32_t at = open + 1; at < end; at++) {
        if (bytes[at] == '"') return at;
        if (bytes[at] == '\\') at++;
    }
    wire_note(scanner, WIRE_ANOMALY_QUOTE_UNBALANCED, open);
    return end;
}

bool wire_next_element(WireScanner *scanner, uint32_t *at, uint32_t end, WireSlice *element) {
    const uint8_t *bytes = scanner->bytes;
    uint32_t begin = *at, here = begin;
    if (begin > end) return false;
    for (; here < end && bytes[here] != ','; here++) {
        if (bytes[here] == '"') {
            here = wire_quote_end(scanner, here, end);
        } else if (bytes[here] == '<') {
            uint32_t close = wire_find(scanner, here, end, '>');
            if (close == end) wire_note(scanner, WIRE_ANOMALY_ANGLE_UNBALANCED, here);
            here = close;
        }
        if (here == end) break;
    }
    *element = wire_trim(scanner, begin, here);
    *at = here + 1;
    return true;
}

/* The value behind '=', from `at` to the separator; returns where the separator or the end is. */
static uint32_t parameter_value(WireScanner *scanner, uint32_t at, uint32_t end, uint8_t separator,
                                WireParameter *parameter) {
    at = wire_skip_in(scanner, at, end, WIRE_SET_BLANK);
    if (at < end && scanner->bytes[at] == '"') {
        uint32_t close = wire_quote_end(scanner, at, end);
        parameter->value = (WireSlice){at + 1, close - at - 1};
        if (close == end) {
            parameter->valid = false;
            return end;
        }
        uint32_t stop = wire_skip_in(scanner, close + 1, end, WIRE_SET_BLANK);
        if (stop < end && scanner->bytes[stop] != separator) parameter->valid = false;
        return wire_find(scanner, stop, end, separator);
    }
    uint32_t stop = wire_find(scanner, at, end, separator);
    parameter->value = wire_trim(scanner, at, stop);
    uint32_t value_end = parameter->value.offset + parameter->value.length;
    for (uint32_t i = parameter->value.offset; i < value_end; i++)
        if (scanner->bytes[i] <= ' ' || scanner->bytes[i] == '"') parameter->valid = false;
    if (parameter->value.length == 0) parameter->valid = false;
    return stop;
}

bool wire_next_parameter(WireScanner *scanner, uint32_t *at, uint32_t end, uint8_t separator,
                         WireByteSet name_bytes, WireParameter *parameter) {
    const uint8_t *bytes = scanner->bytes;
    uint32_t begin = *at, here = begin;
    if (begin > end) return false;
    while (here < end && bytes[here] != '=' && bytes[here] != separator)
        here++;
    *parameter = (WireParameter){.name = wire_trim(scanner, begin, here), .valid = true};
    parameter->value.offset = here;
    uint32_t name_end = parameter->name.offset + parameter->name.length;
    if (parameter->name.length == 0 ||
        wire_skip_in(scanner, parameter->name.offset, name_end, name_bytes) != name_end)
        parameter->valid = false;
    if (here < end && bytes[here] == '=')
        here = parameter_value(scanner, here + 1, end, separator, parameter);
    *at = here + 1;
    return true;
}
