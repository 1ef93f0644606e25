/* Our own reader of one SIP message: lines, headers, and what each known header says.
 * Relies on: data/wire/scanner.h and the parts declared there.
 * Relied on by: as scan.h. */
#include "data/wire/scan.h"

#include "data/wire/scanner.h"

#include <stddef.h>

enum {
    LINE_MAX_BYTES = 1024,
    /* No stack takes a body of 16 MiB; a greater Content-Length is a wrapped or invented number. */
    CONTENT_LENGTH_MAX = 1 << 24,
};

/* Lines end in CR LF; LF or CR alone ends one too and is noted. */
typedef struct Lines {
    uint32_t
        next_lf;   /* position of the first LF that is not before the current line; keeps the walk linear */
    uint32_t end;  /* of the line just read, without its line end */
    uint32_t next; /* where the following line starts */
    bool ended;    /* by CR, LF or both */
} Lines;

static void read_line(WireScanner *scanner, Lines *lines, uint32_t at) {
    uint32_t length = scanner->length;
    if (lines->next_lf < at || at == 0) lines->next_lf = wire_find(scanner, at, length, '\n');
    uint32_t lf = lines->next_lf, cr = wire_find(scanner, at, lf, '\r');
    lines->end = cr;
    lines->ended = cr < length;
    if (cr + 1 == lf && lf < length) {
        lines->next = lf + 1;
    } else if (lines->ended) {
        /* A CR that is the last byte of what we have may have lost its LF to a cut. */
        if (cr + 1 < length || cr == lf) wire_note(scanner, WIRE_ANOMALY_LINE_ENDING, cr);
        lines->next = cr + 1;
    } else {
        lines->next = length;
    }
}

static void add_header(WireScanner *scanner, WireHeader header) {
    WireScan *scan = scanner->scan;
    if (scan->header_count >= WIRE_HEADERS_MAX) {
        wire_note(scanner, WIRE_ANOMALY_MANY_HEADERS, header.name.offset);
        if (header.id == WIRE_HEADER_OTHER || scan->first[header.id] >= 0) return;
    }
    if (header.value.length == 0) header.flags |= WIRE_HEADER_EMPTY;
    if (header.id != WIRE_HEADER_OTHER && scan->count[header.id] > 0) {
        header.flags |= WIRE_HEADER_REPEATED;
        if (wire_header_once((WireHeaderId)header.id))
            wire_note(scanner, WIRE_ANOMALY_REPEATED_HEADER, header.name.offset);
    }
    if (scan->first[header.id] < 0) scan->first[header.id] = (int16_t)scan->header_count;
    if (scan->count[header.id] < UINT8_MAX) scan->count[header.id]++;
    scan->headers[scan->header_count++] = header;
}

/* One logical line, its folded lines included. Without a colon it is kept as a value without name. */
static void scan_header_line(WireScanner *scanner, uint32_t begin, uint32_t end, bool folded) {
    WireHeader header = {.flags = folded ? WIRE_HEADER_FOLDED : 0};
    if (end - begin > LINE_MAX_BYTES) wire_note(scanner, WIRE_ANOMALY_LONG_LINE, begin);
    uint32_t colon = wire_find(scanner, begin, end, ':');
    if (colon == end) {
        wire_note(scanner, WIRE_ANOMALY_NO_COLON, begin);
        header.name = (WireSlice){begin, 0};
        header.value = wire_trim(scanner, begin, end);
        add_header(scanner, header);
        return;
    }
    uint32_t name_end = colon;
    while (name_end > begin && (scanner->bytes[name_end - 1] == ' ' || scanner->bytes[name_end - 1] == '\t'))
        name_end--;
    if (name_end < colon) header.flags |= WIRE_HEADER_SPACE_COLON;
    header.name = (WireSlice){begin, name_end - begin};
    header.value = wire_trim(scanner, colon + 1, end);
    uint32_t bad = wire_skip_in(scanner, begin, name_end, WIRE_SET_TOKEN);
    if (name_end == begin || bad < name_end) wire_note(scanner, WIRE_ANOMALY_HEADER_NAME, bad);
    wire_check_token_length(scanner, header.name);
    uint8_t name_flags = 0;
    header.id = (uint8_t)wire_header_of(scanner->bytes + begin, name_end - begin, &name_flags);
    header.flags |= name_flags;
    add_header(scanner, header);
}

/* Start line and headers; returns where the body starts. *complete: the blank line was there. */
static uint32_t scan_lines(WireScanner *scanner, bool truncated, bool *complete) {
    Lines lines = {0};
    uint32_t at = wire_skip_in(scanner, 0, scanner->length, WIRE_SET_BLANK);
    if (at > 0) wire_note(scanner, WIRE_ANOMALY_LEADING_BYTES, 0);
    read_line(scanner, &lines, at);
    if (lines.end - at > LINE_MAX_BYTES) wire_note(scanner, WIRE_ANOMALY_LONG_LINE, at);
    wire_scan_start_line(scanner, at, lines.end);
    for (at = lines.next; at < scanner->length; at = lines.next) {
        read_line(scanner, &lines, at);
        if (lines.end == at) {
            *complete = true;
            return lines.next;
        }
        uint32_t end = lines.end;
        bool folded = false;
        while (lines.next < scanner->length &&
               (scanner->bytes[lines.next] == ' ' || scanner->bytes[lines.next] == '\t')) {
            folded = true;
            read_line(scanner, &lines, lines.next);
            end = lines.end;
        }
        if (truncated && lines.next == scanner->length) break; /* it may go on behind the cut */
        scan_header_line(scanner, at, end, folded);
    }
    if (!truncated) wire_note(scanner, WIRE_ANOMALY_NO_BLANK_LINE, scanner->length);
    return scanner->length;
}

static void scan_cseq(WireScanner *scanner, WireSlice value) {
    WireScan *scan = scanner->scan;
    uint32_t end = value.offset + value.length;
    uint32_t digits_end = wire_skip_in(scanner, value.offset, end, WIRE_SET_DIGIT);
    WireSlice digits = {value.offset, digits_end - value.offset};
    WireSlice method = wire_trim(scanner, digits_end, end);
    uint32_t method_end = method.offset + method.length;
    uint64_t number = 0;
    bool valid = wire_number(scanner, digits, &number) && number <= INT32_MAX && method.length > 0 &&
                 method.offset > digits_end &&
                 wire_skip_in(scanner, method.offset, method_end, WIRE_SET_TOKEN) == method_end;
    if (!valid) wire_note(scanner, WIRE_ANOMALY_CSEQ_INVALID, value.offset);
    scan->cseq = number <= INT32_MAX ? (uint32_t)number : 0;
    if (!scan->request) {
        scan->method_text = method;
        scan->method = (uint8_t)wire_method_of(scanner->bytes + method.offset, method.length);
    } else if (method.length != scan->method_text.length ||
               memcmp(scanner->bytes + method.offset, scanner->bytes + scan->method_text.offset,
                      method.length) != 0) {
        wire_note(scanner, WIRE_ANOMALY_CSEQ_METHOD, method.offset);
    }
}

/* A header that holds one number of at most `most`; -1 and `anomaly` if it does not. */
static int64_t scan_number(WireScanner *scanner, WireSlice value, uint64_t most, WireAnomaly anomaly) {
    uint64_t number = 0;
    if (wire_number(scanner, value, &number) && number <= most) return (int64_t)number;
    wire_note(scanner, anomaly, value.offset);
    return -1;
}

static void scan_vias(WireScanner *scanner, WireSlice value) {
    WireScan *scan = scanner->scan;
    WireSlice element;
    uint32_t at = value.offset, end = value.offset + value.length;
    while (wire_next_element(scanner, &at, end, &element)) {
        wire_scan_via(scanner, element, scan->vias == 0);
        if (scan->vias < UINT8_MAX) scan->vias++;
    }
}

static void scan_contacts(WireScanner *scanner, WireSlice value) {
    WireScan *scan = scanner->scan;
    WireNameAddr address;
    WireSlice element;
    uint32_t at = value.offset, end = value.offset + value.length;
    while (wire_next_element(scanner, &at, end, &element)) {
        int64_t expires = -1;
        if (element.length == 1 && scanner->bytes[element.offset] == '*')
            address = (WireNameAddr){.uri.whole = element};
        else
            wire_scan_name_addr(scanner, element, &address, &expires);
        if (scan->contacts == 0) {
            scan->contact = address;
            if (expires >= 0) scan->expires = expires;
        }
        if (scan->contacts < UINT8_MAX) scan->contacts++;
    }
}

/* Lists whose elements are not kept: only quotes and brackets are looked at, and noted if unbalanced. */
static void check_list(WireScanner *scanner, WireSlice value) {
    WireSlice element;
    uint32_t at = value.offset, end = value.offset + value.length;
    while (wire_next_element(scanner, &at, end, &element))
        continue;
}

static void scan_header(WireScanner *scanner, const WireHeader *header) {
    WireScan *scan = scanner->scan;
    WireSlice value = header->value;
    bool again = (header->flags & WIRE_HEADER_REPEATED) != 0;
    WireNameAddr other_address;
    WireDigest other_digest;
    switch ((WireHeaderId)header->id) {
    case WIRE_HEADER_VIA: scan_vias(scanner, value); break;
    case WIRE_HEADER_FROM:
        wire_scan_name_addr(scanner, value, again ? &other_address : &scan->from, NULL);
        break;
    case WIRE_HEADER_TO: wire_scan_name_addr(scanner, value, again ? &other_address : &scan->to, NULL); break;
    case WIRE_HEADER_CONTACT: scan_contacts(scanner, value); break;
    case WIRE_HEADER_CALL_ID:
        if (!again) scan->call_id = value;
        break;
    case WIRE_HEADER_CSEQ:
        if (!again) scan_cseq(scanner, value);
        break;
    case WIRE_HEADER_MAX_FORWARDS:
        if (!again)
            scan->max_forwards = (int32_t)scan_number(scanner, value, UINT8_MAX, WIRE_ANOMALY_MAX_FORWARDS);
        break;
    case WIRE_HEADER_CONTENT_LENGTH:
        if (!again)
            scan->content_length =
                scan_number(scanner, value, CONTENT_LENGTH_MAX, WIRE_ANOMALY_CONTENT_LENGTH);
        break;
    case WIRE_HEADER_EXPIRES: {
        int64_t seconds = scan_number(scanner, value, UINT32_MAX, WIRE_ANOMALY_EXPIRES);
        if (!again && scan->expires < 0) scan->expires = seconds;
        break;
    }
    case WIRE_HEADER_USER_AGENT:
    case WIRE_HEADER_SERVER:
        if (!again && (header->id == WIRE_HEADER_USER_AGENT || scan->user_agent.length == 0))
            scan->user_agent = value;
        break;
    case WIRE_HEADER_AUTHORIZATION:
    case WIRE_HEADER_PROXY_AUTHORIZATION:
        wire_scan_credentials(scanner, value, scan->credentials.present ? &other_digest : &scan->credentials);
        break;
    case WIRE_HEADER_WWW_AUTHENTICATE:
    case WIRE_HEADER_PROXY_AUTHENTICATE:
        wire_scan_credentials(scanner, value, scan->challenge.present ? &other_digest : &scan->challenge);
        break;
    case WIRE_HEADER_DATE: wire_scan_date(scanner, value); break;
    case WIRE_HEADER_ROUTE:
    case WIRE_HEADER_RECORD_ROUTE:
    case WIRE_HEADER_PATH:
    case WIRE_HEADER_SERVICE_ROUTE:
    case WIRE_HEADER_REFER_TO:
    case WIRE_HEADER_REFERRED_BY:
    case WIRE_HEADER_P_ASSERTED_IDENTITY:
    case WIRE_HEADER_P_PREFERRED_IDENTITY:
    case WIRE_HEADER_REMOTE_PARTY_ID:
    case WIRE_HEADER_DIVERSION:
    case WIRE_HEADER_CALL_INFO:
    case WIRE_HEADER_ALERT_INFO: check_list(scanner, value); break;
    default: break;
    }
}

static void check_missing(WireScanner *scanner, uint32_t header_end) {
    static const struct {
        WireHeaderId id;
        WireAnomaly anomaly;
    } needed[] = {
        {WIRE_HEADER_VIA, WIRE_ANOMALY_MISSING_VIA},   {WIRE_HEADER_FROM, WIRE_ANOMALY_MISSING_FROM},
        {WIRE_HEADER_TO, WIRE_ANOMALY_MISSING_TO},     {WIRE_HEADER_CALL_ID, WIRE_ANOMALY_MISSING_CALL_ID},
        {WIRE_HEADER_CSEQ, WIRE_ANOMALY_MISSING_CSEQ},
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (scanner->scan->first[needed[i].id] < 0) wire_note(scanner, needed[i].anomaly, header_end);
}

static void scan_body(WireScanner *scanner, uint32_t begin, bool truncated) {
    WireScan *scan = scanner->scan;
    uint32_t length = scanner->length - begin;
    bool cut = truncated;
    if (scan->content_length >= 0) {
        if (scan->content_length > length && !truncated)
            wire_note(scanner, WIRE_ANOMALY_BODY_SHORT, scanner->length);
        if (scan->content_length < length) {
            length = (uint32_t)scan->content_length;
            cut = false;
            if (wire_trim(scanner, begin + length, scanner->length).length > 0)
                wire_note(scanner, WIRE_ANOMALY_BODY_LONG, begin + length);
        }
    }
    scan->body = (WireSlice){begin, length};
    int type = scan->first[WIRE_HEADER_CONTENT_TYPE];
    if (type >= 0)
        wire_scan_sdp(scanner, scan->headers[type].value, cut);
    else if (wire_trim(scanner, begin, begin + length).length > 0)
        wire_note(scanner, WIRE_ANOMALY_BODY_TYPE, begin);
}

/* Sets every field to absent; of `headers` only the entries below header_count mean anything. */
static void clear(WireScan *scan) {
    const size_t behind = offsetof(WireScan, header_count);
    memset(scan, 0, offsetof(WireScan, headers));
    memset((uint8_t *)scan + behind, 0, sizeof *scan - behind);
    memset(scan->first, 0xff, sizeof scan->first);
    scan->max_forwards = -1;
    scan->expires = -1;
    scan->content_length = -1;
}

void wire_scan(const uint8_t *bytes, uint32_t length, bool truncated, WireScan *scan) {
    clear(scan);
    if (length > WIRE_MESSAGE_MAX) {
        length = WIRE_MESSAGE_MAX;
        truncated = true;
    }
    WireScanner scanner = {bytes, length, scan};
    bool complete = false;
    uint32_t header_end = scan_lines(&scanner, truncated, &complete);
    for (uint32_t i = 0; i < scan->header_count; i++)
        scan_header(&scanner, &scan->headers[i]);
    if (complete || !truncated) check_missing(&scanner, header_end);
    scan_body(&scanner, header_end, truncated);
    wire_check_bytes(&scanner, header_end);
}
