/* One message under other names.
 * Relies on: data/privacy/rewriter.h, data/wire/scan.h, data/features/text.h.
 * Relied on by: data/privacy/pseudonymise. */
#include "data/privacy/pseudonyms.h"

#include "data/features/text.h"
#include "data/privacy/rewriter.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_TEXT = 24 };

struct Pseudonyms {
    CryptoPan addresses;
    Permuter words;
    uint8_t hash_key[PRIVACY_KEY_SIZE];
    bool failed;
    WireScan scan, part;
    FeatureEncoded encoded;
    uint8_t keep[WIRE_MESSAGE_MAX], body[WIRE_MESSAGE_MAX];
};

/* ---- life ---- */

CoreStatus pseudonyms_new(const uint8_t key[PRIVACY_KEY_SIZE], Pseudonyms **pseudonyms, CoreError *error) {
    uint8_t addresses[CRYPTOPAN_KEY_SIZE] = {0}, words[PERMUTER_KEY_SIZE] = {0};
    Pseudonyms *p = *pseudonyms = calloc(1, sizeof *p);
    if (!p) return core_fail(error, CORE_MEMORY, "no memory for pseudonyms");
    CoreStatus status =
        privacy_key_derive(key, NULL, 0, "sipcnn addresses 1", addresses, sizeof addresses, error);
    if (status == CORE_OK)
        status = privacy_key_derive(key, NULL, 0, "sipcnn words 1", words, sizeof words, error);
    if (status == CORE_OK)
        status = privacy_key_derive(key, NULL, 0, "sipcnn hashes 1", p->hash_key, sizeof p->hash_key, error);
    if (status == CORE_OK) status = cryptopan_init(&p->addresses, addresses, error);
    if (status == CORE_OK) status = permuter_init(&p->words, words, error);
    OPENSSL_cleanse(addresses, sizeof addresses);
    OPENSSL_cleanse(words, sizeof words);
    if (status == CORE_OK) return CORE_OK;
    pseudonyms_free(p);
    *pseudonyms = NULL;
    return status;
}

void pseudonyms_free(Pseudonyms *p) {
    if (!p) return;
    cryptopan_free(&p->addresses);
    permuter_free(&p->words);
    OPENSSL_cleanse(p->hash_key, sizeof p->hash_key);
    free(p);
}

CoreStatus pseudonyms_status(const Pseudonyms *p, CoreError *error) {
    if (!p->failed && !p->addresses.failed && !p->words.failed) return CORE_OK;
    return core_fail(error, CORE_UNAVAILABLE, "libcrypto stopped encrypting");
}

void pseudonyms_address(Pseudonyms *p, WireAddress *address) {
    cryptopan_address(&p->addresses, address);
}

void pseudonyms_hash(Pseudonyms *p, uint8_t hash[32]) {
    uint8_t old[32];
    unsigned size = 0;
    memcpy(old, hash, sizeof old);
    if (!HMAC(EVP_sha256(), p->hash_key, PRIVACY_KEY_SIZE, old, sizeof old, hash, &size)) p->failed = true;
}

/* ---- what stays because it is the attack ---- */

static void keep_slice(Pseudonyms *p, WireSlice slice, uint32_t *kept) {
    if (!slice.length) return;
    if (!p->keep[slice.offset]) ++*kept;
    memset(p->keep + slice.offset, REWRITE_STAYS, slice.length);
}

/* Whether the features find unusual text in what p->part was left with. */
static bool is_unusual(Pseudonyms *p, const uint8_t *bytes) {
    feature_text(bytes, &p->part, &p->encoded);
    return p->encoded.unusual_fields > 0;
}

static void no_part(Pseudonyms *p) {
    p->part.request = false;
    p->part.reason = (WireSlice){0};
    p->part.header_count = 0;
    p->part.sdp.present = false;
    p->part.first[WIRE_HEADER_CONTENT_TYPE] = -1; /* else a body of text would speak for every part */
}

/* The parts of a URI, one by one, as the request's URI. */
static void keep_uri(Pseudonyms *p, const uint8_t *bytes, const WireUri *uri, uint32_t *kept) {
    const WireSlice parts[] = {uri->user, uri->password, uri->host, uri->params, uri->headers};
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        no_part(p);
        p->part.request = true;
        p->part.method_text = (WireSlice){0};
        p->part.uri = (WireUri){.user = i == 0 ? parts[0] : (WireSlice){0},
                                .password = i == 1 ? parts[1] : (WireSlice){0},
                                .host = i == 2 ? parts[2] : (WireSlice){0},
                                .params = i == 3 ? parts[3] : (WireSlice){0},
                                .headers = i == 4 ? parts[4] : (WireSlice){0}};
        if (is_unusual(p, bytes)) keep_slice(p, parts[i], kept);
    }
}

/* Display name and header parameters, as they are looked at in a From header. */
static bool is_odd_name(Pseudonyms *p, const uint8_t *bytes, WireSlice display, WireSlice params) {
    no_part(p);
    p->part.header_count = 1;
    p->part.headers[0] = (WireHeader){.id = WIRE_HEADER_FROM};
    p->part.first[WIRE_HEADER_FROM] = 0;
    p->part.from = (WireNameAddr){.display = display, .params = params};
    return is_unusual(p, bytes);
}

static void keep_address(Pseudonyms *p, const uint8_t *bytes, const WireNameAddr *address, uint32_t *kept) {
    const WireSlice none = {0};
    if (is_odd_name(p, bytes, address->display, none)) keep_slice(p, address->display, kept);
    if (is_odd_name(p, bytes, none, address->params)) keep_slice(p, address->params, kept);
    keep_uri(p, bytes, &address->uri, kept);
}

static bool is_odd_value(Pseudonyms *p, const uint8_t *bytes, WireHeaderId id, WireSlice value) {
    no_part(p);
    p->part.header_count = 1;
    p->part.headers[0] = (WireHeader){.id = (uint8_t)id, .value = value};
    p->part.first[id] = -1;
    return is_unusual(p, bytes);
}

/* Of credentials the user name is a name by itself: who attacks with one is known by it elsewhere. */
static void keep_value(Pseudonyms *p, const uint8_t *bytes, const WireHeader *header, uint32_t *kept) {
    WireHeaderId id = (WireHeaderId)header->id;
    WireSlice value = header->value, user = p->scan.credentials.username;
    if (!is_odd_value(p, bytes, id, value)) return;
    keep_slice(p, value, kept);
    bool inside = user.length && user.offset >= value.offset && user.offset < value.offset + value.length;
    if (inside && !is_odd_value(p, bytes, id, user))
        memset(p->keep + user.offset, REWRITE_CHANGES, user.length);
}

static void keep_header(Pseudonyms *p, const uint8_t *bytes, unsigned i, uint32_t *kept) {
    const WireScan *scan = &p->scan;
    const WireHeader *header = &scan->headers[i];
    bool first = scan->first[header->id] == (int16_t)i;
    if (first && header->id == WIRE_HEADER_FROM) {
        keep_address(p, bytes, &scan->from, kept);
    } else if (first && header->id == WIRE_HEADER_TO) {
        keep_address(p, bytes, &scan->to, kept);
    } else if (first && header->id == WIRE_HEADER_CONTACT && scan->contacts == 1) {
        keep_address(p, bytes, &scan->contact, kept);
    } else {
        keep_value(p, bytes, header, kept);
    }
}

static WireSlice line_around(const uint8_t *bytes, uint32_t length, uint32_t offset) {
    uint32_t begin = offset, end = offset;
    while (begin && bytes[begin - 1] != '\n')
        begin--;
    while (end < length && bytes[end] != '\r' && bytes[end] != '\n')
        end++;
    return (WireSlice){begin, end - begin};
}

/* A body for people. */
static bool is_odd_text_body(Pseudonyms *p, const uint8_t *bytes) {
    int16_t type = p->scan.first[WIRE_HEADER_CONTENT_TYPE];
    no_part(p);
    if (type < 0 || p->scan.sdp.present) return false;
    p->part.headers[0] = p->scan.headers[type];
    p->part.first[WIRE_HEADER_CONTENT_TYPE] = 0;
    p->part.body = p->scan.body;
    return is_unusual(p, bytes);
}

static void keep_description(Pseudonyms *p, const uint8_t *bytes, uint32_t *kept) {
    WireSlice body = p->scan.body;
    uint32_t end = body.offset + body.length;
    for (uint32_t at = body.offset; p->scan.sdp.present && at < end; at++) {
        WireSlice line = line_around(bytes, end, at);
        no_part(p);
        p->part.sdp.present = true;
        p->part.body = line;
        if (line.length && is_unusual(p, bytes)) keep_slice(p, line, kept);
        at = line.offset + line.length;
    }
}

/* Marks in p->keep the fields that stay. */
static void find_kept(Pseudonyms *p, const uint8_t *bytes, uint32_t length, uint32_t *kept) {
    memset(p->keep, 0, length);
    p->part = p->scan;
    if (p->scan.request) keep_uri(p, bytes, &p->scan.uri, kept);
    for (unsigned i = 0; i < p->scan.header_count; i++)
        keep_header(p, bytes, i, kept);
    if (is_odd_text_body(p, bytes)) keep_slice(p, p->scan.body, kept);
    keep_description(p, bytes, kept);
}

/* Public words stay in what people write, but for the last one if there is nothing else: no text is left as
 * it was. */
static void open_to_public(Pseudonyms *p, const uint8_t *bytes, WireSlice slice) {
    const Rewriter r = {.in = bytes};
    uint32_t end = slice.offset + slice.length, last = end;
    bool others = false;
    memset(p->keep + slice.offset, REWRITE_PUBLIC_STAY, slice.length);
    for (uint32_t at = slice.offset, next; at < end; at = next + (next == at)) {
        next = rewrite_word_end(&r, at, end);
        if (next > at) last = at;
        others |= next > at && !rewrite_is_public(&r, at, next);
    }
    if (!others) memset(p->keep + last, REWRITE_CHANGES, end - last);
}

/* Marks in p->keep where public words stay: odd text of people in a message whose odd text is no attack.
 * False: nowhere. */
static bool find_public(Pseudonyms *p, const uint8_t *bytes, uint32_t length) {
    const WireNameAddr *const addresses[] = {&p->scan.from, &p->scan.to, &p->scan.contact};
    feature_text(bytes, &p->scan, &p->encoded);
    if (!p->encoded.unusual_fields) return false;
    memset(p->keep, REWRITE_CHANGES, length);
    p->part = p->scan;
    for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (is_odd_name(p, bytes, addresses[i]->display, (WireSlice){0}))
            open_to_public(p, bytes, addresses[i]->display);
    for (unsigned i = 0; i < p->scan.header_count; i++) {
        const WireHeader *header = &p->scan.headers[i];
        bool text = header->id == WIRE_HEADER_SUBJECT || header->id == WIRE_HEADER_ORGANIZATION;
        if (text && is_odd_value(p, bytes, (WireHeaderId)header->id, header->value))
            open_to_public(p, bytes, header->value);
    }
    if (is_odd_text_body(p, bytes)) open_to_public(p, bytes, p->scan.body);
    return true;
}

/* Marks the lines of the anomalies that p->scan has and p->part, of the message under other names, has not;
 * false: there are none. Other names seldom end an anomaly: what is odd about a message is its structure. */
static bool keep_lost(Pseudonyms *p, const uint8_t *bytes, uint32_t length, uint32_t *kept) {
    uint64_t lost = p->scan.anomalies & ~p->part.anomalies;
    uint32_t before = *kept;
    for (unsigned i = 0; i < p->scan.located; i++) {
        uint32_t offset = p->scan.anomaly_offset[i];
        if (lost >> p->scan.anomaly_id[i] & 1 && offset < length && !p->keep[offset])
            keep_slice(p, line_around(bytes, length, offset), kept);
    }
    return *kept > before;
}

/* ---- the message ---- */

static void rewrite_start_line(Rewriter *r, const WireScan *scan, uint32_t end) {
    if (scan->request && scan->uri.whole.length) {
        uint32_t uri_end = scan->uri.whole.offset + scan->uri.whole.length;
        rewrite_copy(r, 0, scan->uri.whole.offset);
        rewrite_uri(r, scan->uri.whole.offset, uri_end);
        rewrite_text(r, uri_end, end, REWRITE_PROSE);
    } else if (scan->status) {
        rewrite_text(r, 0, end, REWRITE_PROSE);
    } else {
        rewrite_text(r, 0, end, REWRITE_NAMES);
    }
}

/* What stands between headers is a line's end; if it is more, it is lines that the scan left out. */
static void rewrite_gap(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t blank = rewrite_skip(r, begin, end, " \t\r\n");
    rewrite_copy(r, begin, blank);
    rewrite_text(r, blank, end, REWRITE_NAMES);
}

static void rewrite_length(Rewriter *r, const WireScan *scan, WireSlice value, int64_t more) {
    char text[NUMBER_TEXT];
    int64_t number = scan->content_length + more;
    uint32_t end = value.offset + value.length;
    if (scan->content_length < 0 || more == 0 || number < 0) {
        rewrite_copy(r, value.offset, end);
        return;
    }
    /* Leading zeros stay as many digits as there were. */
    bool padded = r->in[value.offset] == '0' && value.length < NUMBER_TEXT;
    int length = snprintf(text, sizeof text, "%0*lld", padded ? (int)value.length : 1, (long long)number);
    Rewriter plain = {.in = (const uint8_t *)text, .out = r->out, .length = r->length, .room = r->room};
    rewrite_copy(&plain, 0, length < 0 ? 0 : (uint32_t)length);
    r->length = plain.length;
    r->full |= plain.full;
}

/* The headers section, `more` bytes being what the body has become longer by. */
static void rewrite_head(Rewriter *r, const WireScan *scan, int64_t more) {
    uint32_t body = scan->body.offset;
    uint32_t at = scan->header_count ? scan->headers[0].name.offset : body;
    rewrite_start_line(r, scan, at);
    for (unsigned i = 0; i < scan->header_count; i++) {
        const WireHeader *header = &scan->headers[i];
        uint32_t value_end = header->value.offset + header->value.length;
        rewrite_gap(r, at, header->name.offset);
        rewrite_copy(r, header->name.offset, header->value.offset);
        if (!header->name.length)
            rewrite_text(r, header->value.offset, value_end, REWRITE_NAMES);
        else if (header->id == WIRE_HEADER_CONTENT_LENGTH && scan->first[header->id] == (int16_t)i)
            rewrite_length(r, scan, header->value, more);
        else
            rewrite_header(r, (WireHeaderId)header->id, header->value.offset, value_end);
        at = value_end;
    }
    rewrite_gap(r, at, body);
}

/* The message scanned as p->scan; `keep` as in Rewriter. */
static uint32_t write_message(Pseudonyms *p, const uint8_t *bytes, uint32_t length, const uint8_t *keep,
                              uint8_t *out, uint32_t *flags) {
    const WireScan *scan = &p->scan;
    Rewriter r = {.addresses = &p->addresses,
                  .words = &p->words,
                  .in = bytes,
                  .keep = keep,
                  .out = p->body,
                  .room = WIRE_MESSAGE_MAX};
    int type = scan->first[WIRE_HEADER_CONTENT_TYPE];
    uint32_t body_end = scan->body.offset + scan->body.length;
    rewrite_body(&r, type < 0 ? (WireSlice){0} : scan->headers[type].value, scan->body.offset, body_end);
    uint32_t body = r.length;
    rewrite_text(&r, body_end, length, REWRITE_NAMES);
    uint32_t behind = r.length;
    r.out = out;
    r.length = 0;
    rewrite_head(&r, scan, (int64_t)body - (int64_t)scan->body.length);
    uint32_t room = WIRE_MESSAGE_MAX - r.length;
    if (behind > room || r.full) *flags |= WIRE_FLAG_TRUNCATED;
    if (behind > room) behind = room;
    memcpy(out + r.length, p->body, behind);
    return r.length + behind;
}

uint32_t pseudonyms_message(Pseudonyms *p, const WireMessage *message, bool keep_odd, uint8_t *out,
                            uint32_t *flags, uint32_t *kept) {
    const uint8_t *bytes = message->bytes;
    uint32_t length = message->length < WIRE_MESSAGE_MAX ? message->length : WIRE_MESSAGE_MAX;
    bool truncated = message->flags & WIRE_FLAG_TRUNCATED;
    wire_scan(bytes, length, truncated, &p->scan);
    bool marked = true;
    if (keep_odd)
        find_kept(p, bytes, length, kept);
    else
        marked = find_public(p, bytes, length);
    uint32_t changed = write_message(p, bytes, length, marked ? p->keep : NULL, out, flags);
    if (!keep_odd) return changed;
    wire_scan(out, changed, truncated, &p->part);
    return keep_lost(p, bytes, length, kept) ? write_message(p, bytes, length, p->keep, out, flags) : changed;
}

/* ---- settings ---- */

/* Keys of settings that tell who was attacked or played. */
static const char *const naming_keys[] = {"user", "name",   "host", "domain", "target", "victim",  "range",
                                          "from", "to",     "call", "number", "dial",   "account", "realm",
                                          "ext",  "server", "peer", "source", "uri",    "password"};

static bool names_somebody(const char *key, size_t length) {
    char text[64];
    if (length >= sizeof text) return true;
    memcpy(text, key, length);
    text[length] = '\0';
    if (strcmp(text, "call_ids") == 0 || strcmp(text, "calls") == 0 || strcmp(text, "victims") == 0)
        return false;
    for (size_t i = 0; i < sizeof naming_keys / sizeof *naming_keys; i++)
        if (strstr(text, naming_keys[i])) return true;
    return false;
}

/* JSON by its shape: "key": value, "key": value. Other text has no keys, and all of it is prose. */
void pseudonyms_settings(Pseudonyms *p, char *text, uint32_t capacity) {
    uint8_t out[1024];
    uint32_t length = (uint32_t)strnlen(text, capacity ? capacity - 1 : 0);
    Rewriter r = {.addresses = &p->addresses,
                  .words = &p->words,
                  .in = (const uint8_t *)text,
                  .out = out,
                  .room = capacity < sizeof out ? capacity - 1 : (uint32_t)sizeof out - 1};
    RewriteMode mode = REWRITE_PROSE;
    for (uint32_t at = 0, next; at < length; at = next) {
        next = text[at] == '"' ? rewrite_quote_end(&r, at, length) : rewrite_find(&r, at, length, '"');
        bool key = text[at] == '"' && next < length && text[next] == ':';
        if (key) mode = names_somebody(text + at + 1, next - at - 2) ? REWRITE_NAMES : REWRITE_ADDRESSES;
        if (key)
            rewrite_copy(&r, at, next);
        else
            rewrite_text(&r, at, next, mode);
    }
    memcpy(text, out, r.length);
    text[r.length] = '\0';
}
