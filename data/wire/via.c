/* One Via value (RFC 3261 section 20.42).
 * Relies on: data/wire/scanner.h.
 * Relied on by: data/wire/scan.c. */
#include "data/wire/scanner.h"

/* "SIP" "/" "2.0" "/" transport, blanks around the slashes allowed; returns the offset behind it, or `end`
 * if it is something else. */
static uint32_t sent_protocol_end(WireScanner *scanner, uint32_t at, uint32_t end) {
    static const char *const names[] = {"sip", "2.0", NULL};
    for (int part = 0; part < 3; part++) {
        uint32_t word_end = wire_skip_in(scanner, at, end, WIRE_SET_TOKEN);
        WireSlice word = {at, word_end - at};
        if (word.length == 0 || (names[part] && !wire_equals(scanner, word, names[part]))) return end;
        at = wire_skip_in(scanner, word_end, end, WIRE_SET_BLANK);
        if (part == 2) return at == word_end ? end : at;
        if (at == end || scanner->bytes[at] != '/') return end;
        at = wire_skip_in(scanner, at + 1, end, WIRE_SET_BLANK);
    }
    return end;
}

static void scan_parameters(WireScanner *scanner, uint32_t at, uint32_t end, bool top) {
    WireScan *scan = scanner->scan;
    WireParameter parameter;
    while (wire_next_parameter(scanner, &at, end, ';', WIRE_SET_TOKEN, &parameter)) {
        if (!parameter.valid) wire_note(scanner, WIRE_ANOMALY_PARAMETER_INVALID, parameter.name.offset);
        if (!top || scan->branch.length > 0 || !wire_equals(scanner, parameter.name, "branch")) continue;
        scan->branch = parameter.value;
        wire_check_token_length(scanner, parameter.value);
        if (wire_equals(scanner, parameter.value,
                        "z9hg4bk")) /* RFC 3261's cookie alone names no transaction */
            wire_note(scanner, WIRE_ANOMALY_BRANCH_MISSING, parameter.value.offset);
    }
}

void wire_scan_via(WireScanner *scanner, WireSlice element, bool top) {
    WireScan *scan = scanner->scan;
    uint32_t end = element.offset + element.length;
    uint32_t semicolon = wire_find(scanner, element.offset, end, ';');
    uint32_t host = sent_protocol_end(scanner, element.offset, semicolon);
    if (host == semicolon) {
        wire_note(scanner, WIRE_ANOMALY_VIA_INVALID, element.offset);
    } else {
        WireSlice sent_by = wire_trim(scanner, host, semicolon), name;
        wire_scan_host_port(scanner, sent_by, WIRE_ANOMALY_VIA_INVALID, &name);
        if (top) scan->sent_by = sent_by;
    }
    if (semicolon < end) scan_parameters(scanner, semicolon + 1, end, top);
    if (top && scan->branch.length == 0) wire_note(scanner, WIRE_ANOMALY_BRANCH_MISSING, element.offset);
}
