/* Traits: single facts of one request that a rule could judge by.
 * Relies on: data/wire (message, scan), xxHash.
 * Relied on by: data/dataset/leaks. */
#include "data/dataset/traits.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>

typedef struct Reading {
    const WireMessage *message;
    const WireScan *scan;
    TraitValues *values;
} Reading;

/* ---- writing values ------------------------------------------------------------------------------------ */

static void put(Reading *r, Trait trait, const char *text) {
    char *at = r->values->text[trait];
    size_t length = strlen(text);
    if (length >= TRAIT_TEXT_SIZE) length = TRAIT_TEXT_SIZE - 1;
    memcpy(at, text, length);
    at[length] = '\0';
}

static void put_yes(Reading *r, Trait trait, bool yes) {
    put(r, trait, yes ? "yes" : "no");
}

static void put_number(Reading *r, Trait trait, int64_t number) {
    char digits[24];
    int at = sizeof digits - 1;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0) digits[--at] = '-';
    put(r, trait, digits + at);
}

/* Text of the message; a zero byte would end it and becomes a blank. */
static void put_slice(Reading *r, Trait trait, WireSlice slice) {
    char *at = r->values->text[trait];
    uint32_t length = slice.length < TRAIT_TEXT_SIZE ? slice.length : TRAIT_TEXT_SIZE - 1;
    for (uint32_t i = 0; i < length; i++) {
        uint8_t byte = r->message->bytes[slice.offset + i];
        at[i] = byte ? (char)byte : ' ';
    }
    at[length] = '\0';
}

static void append(char *text, size_t size, const char *more) {
    size_t used = strlen(text), length = strlen(more);
    if (used + 1 >= size) return;
    if (length > size - used - 1) length = size - used - 1;
    memcpy(text + used, more, length);
    text[used + length] = '\0';
}

/* ---- shapes -------------------------------------------------------------------------------------------- */

/* The shape of a token: which kinds of bytes it has, in steps of four bytes of length. */
static void shape(const uint8_t *bytes, uint32_t length, char text[24]) {
    static const char names[] = "@-.xXaA0*";
    bool seen[sizeof names - 1] = {false};
    size_t n = 0;
    for (uint32_t i = 0; i < length; i++) {
        uint8_t c = bytes[i];
        int kind = c == '@' ? 0 : c == '-' ? 1 : c == '.' ? 2 : 8;
        if (c >= 'g' && c <= 'z') kind = 3;
        if (c >= 'G' && c <= 'Z') kind = 4;
        if (c >= 'a' && c <= 'f') kind = 5;
        if (c >= 'A' && c <= 'F') kind = 6;
        if (c >= '0' && c <= '9') kind = 7;
        seen[kind] = true;
    }
    for (size_t k = 0; k < sizeof seen / sizeof *seen; k++)
        if (seen[k]) text[n++] = names[k];
    snprintf(text + n, 24 - n, "/%u", length / 4 < 16 ? length / 4 * 4 : 64);
}

static void put_shape(Reading *r, Trait trait, WireSlice slice) {
    char text[24];
    if (slice.length == 0) return;
    shape(r->message->bytes + slice.offset, slice.length, text);
    put(r, trait, text);
}

/* What follows the magic cookie of RFC 3261, which would hide it. */
static void put_branch(Reading *r) {
    static const char cookie[] = "z9hG4bK";
    WireSlice branch = r->scan->branch;
    char text[24], form[40];
    bool magic = branch.length >= 7 && memcmp(r->message->bytes + branch.offset, cookie, 7) == 0;
    if (branch.length == 0) return;
    if (magic) {
        branch.offset += 7;
        branch.length -= 7;
    }
    shape(r->message->bytes + branch.offset, branch.length, text);
    snprintf(form, sizeof form, "%s%s", magic ? "" : "no cookie ", text);
    put(r, TRAIT_BRANCH_FORM, form);
}

static bool same(const Reading *r, WireSlice a, WireSlice b) {
    return a.length == b.length &&
           memcmp(r->message->bytes + a.offset, r->message->bytes + b.offset, a.length) == 0;
}

static bool holds(const Reading *r, WireSlice slice, char byte) {
    return slice.length && memchr(r->message->bytes + slice.offset, byte, slice.length);
}

/* "none", "source" (the packet's own), "address" or "name". */
static const char *host_kind(const Reading *r, WireSlice host) {
    char text[WIRE_ADDRESS_TEXT_MAX];
    WireAddress address;
    const char *at = (const char *)r->message->bytes + host.offset;
    uint32_t length = host.length;
    if (length == 0) return "none";
    if (length > 2 && at[0] == '[' && at[length - 1] == ']') {
        at++;
        length -= 2;
    }
    if (length >= sizeof text || memchr(at, 0, length)) return "name";
    memcpy(text, at, length);
    text[length] = '\0';
    if (!wire_address_parse(text, &address)) return "name";
    return wire_same_ip(&address, &r->message->source) ? "source" : "address";
}

/* ---- headers ------------------------------------------------------------------------------------------- */

static void put_header_names(Reading *r) {
    const WireScan *scan = r->scan;
    uint64_t sequence = 0;
    char *order = r->values->text[TRAIT_HEADER_ORDER];
    bool compact = false, odd = false;
    for (uint16_t i = 0; i < scan->header_count; i++) {
        const WireHeader *header = &scan->headers[i];
        const char *name = (const char *)r->message->bytes + header->name.offset;
        sequence = XXH3_64bits_withSeed(name, header->name.length, sequence);
        compact = compact || header->flags & WIRE_HEADER_COMPACT;
        odd = odd || header->flags & WIRE_HEADER_ODD_CASE;
        if (i >= 4) continue;
        append(order, TRAIT_TEXT_SIZE, i ? " " : "");
        append(order, TRAIT_TEXT_SIZE, header->id ? wire_header_name((WireHeaderId)header->id) : "other");
    }
    snprintf(r->values->text[TRAIT_HEADER_SEQUENCE], TRAIT_TEXT_SIZE, "sequence %012llx",
             (unsigned long long)sequence >> 16);
    put_number(r, TRAIT_HEADER_COUNT, scan->header_count);
    put_yes(r, TRAIT_COMPACT, compact);
    put_yes(r, TRAIT_NAME_CASE, odd);
}

/* What stands around the first header's colon. */
static void put_colon(Reading *r) {
    if (r->scan->header_count == 0) return;
    const WireHeader *header = &r->scan->headers[0];
    uint32_t end = header->name.offset + header->name.length;
    if (header->name.length == 0 || header->value.length == 0) return;
    uint32_t gap = header->value.offset - end;
    put(r, TRAIT_COLON,
        header->flags & WIRE_HEADER_SPACE_COLON ? "before"
        : gap <= 1                              ? "none"
        : gap == 2                              ? "one behind"
                                                : "more behind");
}

static void put_agent(Reading *r) {
    WireSlice agent = r->scan->user_agent, product = agent;
    put_yes(r, TRAIT_AGENT_PRESENT, r->scan->first[WIRE_HEADER_USER_AGENT] >= 0);
    put_slice(r, TRAIT_USER_AGENT, agent);
    for (uint32_t i = 0; i < agent.length; i++) {
        uint8_t c = r->message->bytes[agent.offset + i];
        if (c != '/' && c != ' ' && c != '(' && !(c >= '0' && c <= '9')) continue;
        product.length = i;
        break;
    }
    put_slice(r, TRAIT_AGENT_PRODUCT, product);
}

static void put_via(Reading *r) {
    int16_t via = r->scan->first[WIRE_HEADER_VIA];
    WireSlice host = r->scan->sent_by;
    char kind[32];
    if (via < 0) return;
    WireSlice value = r->scan->headers[via].value;
    const char *at = (const char *)r->message->bytes + value.offset;
    bool rport = false;
    for (uint32_t i = 0; i + 6 <= value.length && at[i] != ','; i++)
        rport = rport || memcmp(at + i, ";rport", 6) == 0;
    put_yes(r, TRAIT_VIA_RPORT, rport);
    /* The port goes with the last colon outside brackets. */
    uint32_t end = host.length;
    for (uint32_t i = host.length; i > 0; i--) {
        uint8_t c = r->message->bytes[host.offset + i - 1];
        if (c == ']') break;
        if (c == ':') {
            end = i - 1;
            break;
        }
    }
    bool port = end < host.length;
    host.length = end;
    snprintf(kind, sizeof kind, "%s%s", host_kind(r, host), port ? " with port" : "");
    put(r, TRAIT_SENT_BY, kind);
}

static void put_contact(Reading *r) {
    const WireNameAddr *contact = &r->scan->contact;
    char kind[TRAIT_TEXT_SIZE] = "none";
    bool star = contact->uri.whole.length == 1 && holds(r, contact->uri.whole, '*');
    if (star)
        snprintf(kind, sizeof kind, "*");
    else if (r->scan->contacts)
        snprintf(kind, sizeof kind, "%s%s%s%s", host_kind(r, contact->uri.host),
                 contact->uri.port ? " port" : "", contact->uri.params.length ? " uri-parameters" : "",
                 contact->params.length ? " parameters" : "");
    put(r, TRAIT_CONTACT_FORM, kind);
    put(r, TRAIT_CONTACT_USER,
        !r->scan->contacts || star                           ? "none"
        : contact->uri.user.length == 0                      ? "empty"
        : same(r, contact->uri.user, r->scan->from.uri.user) ? "as From"
                                                             : "other");
}

static void put_uris(Reading *r) {
    const WireScan *scan = r->scan;
    char kind[TRAIT_TEXT_SIZE];
    const char *from = host_kind(r, scan->from.uri.host);
    put(r, TRAIT_FROM_HOST, strcmp(from, "source") == 0 ? "address" : from);
    put_shape(r, TRAIT_FROM_USER_FORM, scan->from.uri.user);
    put_yes(r, TRAIT_FROM_DISPLAY, scan->from.display.length > 0);
    snprintf(kind, sizeof kind, "%s%s%s%s", scan->uri.user.length ? "user@" : "",
             host_kind(r, scan->uri.host), scan->uri.port ? " port" : "",
             scan->uri.params.length ? " parameters" : "");
    put(r, TRAIT_URI_FORM, kind);
    put_yes(r, TRAIT_TO_IS_FROM,
            scan->from.uri.user.length && same(r, scan->from.uri.user, scan->to.uri.user));
    uint32_t digits = 0;
    for (uint32_t i = 0; i < scan->uri.user.length; i++) {
        uint8_t c = r->message->bytes[scan->uri.user.offset + i];
        digits += c >= '0' && c <= '9';
    }
    put_number(r, TRAIT_DIALLED, digits);
}

static void put_presence(Reading *r) {
    static const struct {
        Trait trait;
        WireHeaderId header;
    } known[] = {{TRAIT_ALLOW, WIRE_HEADER_ALLOW},
                 {TRAIT_SUPPORTED, WIRE_HEADER_SUPPORTED},
                 {TRAIT_ACCEPT, WIRE_HEADER_ACCEPT},
                 {TRAIT_EXPIRES, WIRE_HEADER_EXPIRES},
                 {TRAIT_CONTENT_LENGTH, WIRE_HEADER_CONTENT_LENGTH}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        put_yes(r, known[i].trait, r->scan->first[known[i].header] >= 0);
    put_yes(r, TRAIT_CREDENTIALS, r->scan->credentials.present);
    put_yes(r, TRAIT_TO_TAG, r->scan->to.tag.length > 0);
    put_yes(r, TRAIT_BODY, r->scan->body.length > 0);
}

static void put_sdp(Reading *r) {
    WireSlice user = r->scan->sdp.origin;
    if (!r->scan->sdp.present) return;
    for (uint32_t i = 0; i < user.length; i++)
        if (r->message->bytes[user.offset + i] == ' ') user.length = i;
    if (same(r, user, r->scan->from.uri.user))
        put(r, TRAIT_SDP_USER, "as From");
    else
        put_slice(r, TRAIT_SDP_USER, user);
    put_number(r, TRAIT_SDP_LINES, r->scan->sdp.lines);
}

/* ---- the packet ---------------------------------------------------------------------------------------- */

static void put_packet(Reading *r, int64_t start_ns) {
    static const char *const transports[] = {"UDP", "TCP", "WebSocket"};
    const WireMessage *m = r->message;
    const uint8_t *ip = m->source.ip;
    bool four = wire_is_ipv4(&m->source);
    char text[32];
    put_number(r, TRAIT_LENGTH, m->length / 50 * 50);
    put(r, TRAIT_TRANSPORT, m->transport < 3 ? transports[m->transport] : "other");
    put_number(r, TRAIT_WIRE_FLAGS, m->flags);
    put(r, TRAIT_SOURCE_PORT, m->source.port == 5060 ? "5060" : m->source.port >= 32768 ? "high" : "other");
    if (four)
        snprintf(text, sizeof text, "%u.%u.0.0/16", ip[12], ip[13]);
    else
        snprintf(text, sizeof text, "%02x%02x:%02x%02x:%02x%02x::/48", ip[0], ip[1], ip[2], ip[3], ip[4],
                 ip[5]);
    put(r, TRAIT_NETWORK, text);
    put_number(r, TRAIT_ADDRESS_END, ip[15] / 32);
    put(r, TRAIT_IP_VERSION, four ? "4" : "6");
    put_number(r, TRAIT_HOUR, m->time_ns / 3600000000000 % 24);
    put_number(r, TRAIT_POSITION, (m->time_ns - start_ns) / 60000000000);
}

static void put_numbers(Reading *r) {
    uint32_t size = 1;
    for (uint32_t rest = r->scan->cseq; rest >= 10; rest /= 10)
        size *= 10;
    put_number(r, TRAIT_CSEQ_SIZE, r->scan->cseq <= 3 ? r->scan->cseq : size);
    put_number(r, TRAIT_MAX_FORWARDS, r->scan->max_forwards);
    put(r, TRAIT_METHOD, wire_method_name((WireMethod)r->scan->method));
    for (int a = 0; a < WIRE_ANOMALY_COUNT; a++) {
        if (!(r->scan->anomalies >> a & 1)) continue;
        put(r, TRAIT_FAULT, wire_anomaly_name((WireAnomaly)a));
        break;
    }
}

void traits_read(const WireMessage *message, const WireScan *scan, int64_t start_ns, TraitValues *values) {
    Reading r = {message, scan, values};
    for (int t = 0; t < TRAITS; t++)
        values->text[t][0] = '\0';
    put_yes(&r, TRAIT_CALL_ID_AT, holds(&r, scan->call_id, '@'));
    put_shape(&r, TRAIT_CALL_ID_FORM, scan->call_id);
    put_branch(&r);
    put_shape(&r, TRAIT_FROM_TAG_FORM, scan->from.tag);
    put_header_names(&r);
    put_colon(&r);
    put_agent(&r);
    put_via(&r);
    put_contact(&r);
    put_uris(&r);
    put_presence(&r);
    put_sdp(&r);
    put_packet(&r, start_ns);
    put_numbers(&r);
}

const char *trait_name(Trait trait) {
    static const char *const names[] = {
#define TRAIT_NAME(id, name, behaviour) name,
        TRAIT_MAP(TRAIT_NAME)
#undef TRAIT_NAME
    };
    return names[trait];
}

int trait_is_behaviour(Trait trait) {
    static const uint8_t behaviour[] = {
#define TRAIT_BEHAVIOUR(id, name, is_behaviour) is_behaviour,
        TRAIT_MAP(TRAIT_BEHAVIOUR)
#undef TRAIT_BEHAVIOUR
    };
    return behaviour[trait];
}
