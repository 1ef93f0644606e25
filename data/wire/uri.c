/* URIs, host and port, and addresses with display name and parameters (RFC 3261 sections 19.1, 20.10, 25.1).
 * Relies on: data/wire/scanner.h.
 * Relied on by: data/wire/scan.c, start_line.c, via.c. */
#include "data/wire/scanner.h"

static uint32_t slice_end(WireSlice slice) {
    return slice.offset + slice.length;
}

/* Notes `invalid` at the first byte of the slice that is not in the set. */
static void check_bytes_in(WireScanner *scanner, WireSlice slice, WireByteSet set, WireAnomaly invalid) {
    uint32_t bad = wire_skip_in(scanner, slice.offset, slice_end(slice), set);
    if (bad != slice_end(slice)) wire_note(scanner, invalid, bad);
}

static uint16_t scan_port(WireScanner *scanner, WireSlice digits) {
    uint64_t port = 0;
    if (!wire_number(scanner, digits, &port) || port < 1 || port > UINT16_MAX) {
        wire_note(scanner, WIRE_ANOMALY_PORT_INVALID, digits.offset);
        return 0;
    }
    return (uint16_t)port;
}

/* host [":" port], blanks around the colon allowed (as in Via); returns the port, 0 without one. */
uint16_t wire_scan_host_port(WireScanner *scanner, WireSlice range, WireAnomaly invalid, WireSlice *host) {
    uint32_t end = slice_end(range), host_end;
    bool bracketed = range.length > 0 && scanner->bytes[range.offset] == '[';
    if (bracketed) {
        uint32_t close = wire_find(scanner, range.offset, end, ']');
        host_end = close < end ? close + 1 : end;
        *host = (WireSlice){range.offset, host_end - range.offset};
        if (close == end || close == range.offset + 1)
            wire_note(scanner, invalid, range.offset);
        else
            check_bytes_in(scanner, (WireSlice){range.offset + 1, close - range.offset - 1}, WIRE_SET_IPV6,
                           invalid);
    } else {
        host_end = wire_find(scanner, range.offset, end, ':');
        *host = wire_trim(scanner, range.offset, host_end);
        if (host->length == 0) wire_note(scanner, invalid, range.offset);
        check_bytes_in(scanner, *host, WIRE_SET_HOST, invalid);
    }
    wire_check_token_length(scanner, *host);
    uint32_t colon = wire_skip_in(scanner, host_end, end, WIRE_SET_BLANK);
    if (colon == end) return 0;
    if (scanner->bytes[colon] == ':') return scan_port(scanner, wire_trim(scanner, colon + 1, end));
    wire_note(scanner, invalid, colon);
    return 0;
}

/* From the first ';' on; `at` is behind it. */
static void check_uri_parameters(WireScanner *scanner, uint32_t at, uint32_t end) {
    WireParameter parameter;
    while (wire_next_parameter(scanner, &at, end, ';', WIRE_SET_URI_PARAMETER, &parameter))
        if (!parameter.valid) wire_note(scanner, WIRE_ANOMALY_PARAMETER_INVALID, parameter.name.offset);
}

/* "sip:" and "sips:" behind the scheme: [user [":" password] "@"] host [":" port] *(";" ...) ["?" ...] */
static void scan_sip_uri(WireScanner *scanner, uint32_t at, WireAnomaly invalid, WireUri *uri) {
    uint32_t end = slice_end(uri->whole);
    /* Neither parameters nor headers may hold '@', users may hold ';' and '?': the last '@' decides. */
    uint32_t host = end;
    while (host > at && scanner->bytes[host - 1] != '@')
        host--;
    if (host > at) {
        uint32_t user_end = wire_find(scanner, at, host - 1, ':');
        uri->user = (WireSlice){at, user_end - at}; /* may be empty: gateways send "sip:@host" */
        check_bytes_in(scanner, uri->user, WIRE_SET_USER, invalid);
        wire_check_token_length(scanner, uri->user);
        if (user_end < host - 1) {
            uri->password = (WireSlice){user_end + 1, host - 1 - user_end - 1};
            check_bytes_in(scanner, uri->password, WIRE_SET_PASSWORD, invalid);
        }
    }
    static const WireByteSet stops = {WIRE_BIT(';') | WIRE_BIT('?'), 0};
    uint32_t host_end = wire_find_in(scanner, host, end, stops);
    uri->port = wire_scan_host_port(scanner, (WireSlice){host, host_end - host}, invalid, &uri->host);
    uint32_t question = wire_find(scanner, host_end, end, '?');
    uri->params = (WireSlice){host_end, question - host_end};
    uri->headers = (WireSlice){question, end - question};
    if (uri->params.length > 0) check_uri_parameters(scanner, host_end + 1, question);
}

void wire_scan_uri(WireScanner *scanner, WireSlice whole, WireAnomaly invalid, WireUri *uri) {
    uint32_t end = slice_end(whole);
    *uri = (WireUri){.whole = whole};
    uint32_t colon = wire_skip_in(scanner, whole.offset, end, WIRE_SET_SCHEME);
    if (colon == whole.offset || colon == end || scanner->bytes[colon] != ':') {
        wire_note(scanner, invalid, whole.offset);
        return;
    }
    uri->scheme = (WireSlice){whole.offset, colon - whole.offset};
    check_bytes_in(scanner, whole, WIRE_SET_URI, invalid);
    wire_check_percent(scanner, whole.offset, end);
    if (wire_equals(scanner, uri->scheme, "sip") || wire_equals(scanner, uri->scheme, "sips")) {
        scan_sip_uri(scanner, colon + 1, invalid, uri);
    } else if (colon + 1 == end) {
        wire_note(scanner, invalid, colon);
    } else if (wire_equals(scanner, uri->scheme, "tel")) {
        uint32_t number_end = wire_find(scanner, colon + 1, end, ';');
        uri->user = (WireSlice){colon + 1, number_end - colon - 1};
        uri->params = (WireSlice){number_end, end - number_end};
        wire_check_token_length(scanner, uri->user);
    }
}

/* Header parameters behind the address: ";" name ["=" value] ... */
static void scan_address_parameters(WireScanner *scanner, WireNameAddr *address, int64_t *expires) {
    uint32_t at = address->params.offset + 1, end = slice_end(address->params);
    WireParameter parameter;
    bool tagged = false;
    while (wire_next_parameter(scanner, &at, end, ';', WIRE_SET_TOKEN, &parameter)) {
        if (!parameter.valid) wire_note(scanner, WIRE_ANOMALY_PARAMETER_INVALID, parameter.name.offset);
        if (!tagged && wire_equals(scanner, parameter.name, "tag")) {
            tagged = true;
            address->tag = parameter.value;
            wire_check_token_length(scanner, parameter.value);
        } else if (wire_equals(scanner, parameter.name, "expires")) {
            uint64_t seconds = 0;
            if (!wire_number(scanner, parameter.value, &seconds) || seconds > UINT32_MAX)
                wire_note(scanner, WIRE_ANOMALY_EXPIRES, parameter.value.offset);
            else if (expires && *expires < 0)
                *expires = (int64_t)seconds;
        }
    }
}

/* What stands before '<': a quoted string, or tokens with blanks between them; UTF-8 is let pass. */
static WireSlice scan_display(WireScanner *scanner, uint32_t begin, uint32_t end) {
    WireSlice display = wire_trim(scanner, begin, end);
    end = slice_end(display);
    if (display.length > 0 && scanner->bytes[display.offset] == '"') {
        uint32_t close = wire_quote_end(scanner, display.offset, end);
        if (close + 1 < end) wire_note(scanner, WIRE_ANOMALY_ADDRESS_INVALID, close + 1);
        display = (WireSlice){display.offset + 1, close - display.offset - 1};
    } else {
        for (uint32_t i = display.offset; i < end; i++) {
            uint8_t byte = scanner->bytes[i];
            if (byte > 127 || wire_is_blank(byte) || wire_in(WIRE_SET_TOKEN, byte)) continue;
            wire_note(scanner, WIRE_ANOMALY_ADDRESS_INVALID, i);
            break;
        }
    }
    wire_check_token_length(scanner, display);
    return display;
}

/* The first '<' outside a quoted string, or `end`. Behind a quote that never ends any '<' will do: what a
 * real server would answer must not hide its address from us. */
static uint32_t find_angle(WireScanner *scanner, uint32_t begin, uint32_t end) {
    for (uint32_t at = begin; at < end; at++) {
        if (scanner->bytes[at] == '<') return at;
        if (scanner->bytes[at] != '"') continue;
        uint32_t close = wire_quote_end(scanner, at, end);
        if (close == end) return wire_find(scanner, at, end, '<');
        at = close;
    }
    return end;
}

/* <URI>: the part between the brackets; returns the offset behind '>'. */
static uint32_t scan_bracketed(WireScanner *scanner, uint32_t open, uint32_t end, WireUri *uri) {
    uint32_t close = wire_find(scanner, open, end, '>');
    if (close == end) wire_note(scanner, WIRE_ANOMALY_ANGLE_UNBALANCED, open);
    WireSlice inside = wire_trim(scanner, open + 1, close);
    if (inside.length != close - open - 1) wire_note(scanner, WIRE_ANOMALY_ADDRESS_INVALID, open + 1);
    wire_scan_uri(scanner, inside, WIRE_ANOMALY_ADDRESS_INVALID, uri);
    return close < end ? close + 1 : end;
}

void wire_scan_name_addr(WireScanner *scanner, WireSlice element, WireNameAddr *address, int64_t *expires) {
    uint32_t end = slice_end(element), open = find_angle(scanner, element.offset, end), behind;
    *address = (WireNameAddr){0};
    if (open < end) {
        address->display = scan_display(scanner, element.offset, open);
        behind = scan_bracketed(scanner, open, end, &address->uri);
    } else {
        /* Without brackets ';' starts header parameters, and '?' and ',' may not occur. */
        behind = wire_find(scanner, element.offset, end, ';');
        WireSlice whole = wire_trim(scanner, element.offset, behind);
        wire_scan_uri(scanner, whole, WIRE_ANOMALY_ADDRESS_INVALID, &address->uri);
        static const WireByteSet reserved = {WIRE_BIT('?') | WIRE_BIT(','), 0};
        uint32_t bad = wire_find_in(scanner, whole.offset, slice_end(whole), reserved);
        if (bad < slice_end(whole)) wire_note(scanner, WIRE_ANOMALY_ADDRESS_INVALID, bad);
        uint32_t angle = wire_find(scanner, whole.offset, slice_end(whole), '>');
        if (angle < slice_end(whole)) wire_note(scanner, WIRE_ANOMALY_ANGLE_UNBALANCED, angle);
    }
    behind = wire_skip_in(scanner, behind, end, WIRE_SET_BLANK);
    if (behind == end) return;
    if (scanner->bytes[behind] != ';') {
        wire_note(scanner, WIRE_ANOMALY_ADDRESS_INVALID, behind);
        behind = wire_find(scanner, behind, end, ';');
        if (behind == end) return;
    }
    address->params = (WireSlice){behind, end - behind};
    scan_address_parameters(scanner, address, expires);
}
