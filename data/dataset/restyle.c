/* The same message as another stack would have written it.
 * Relies on: data/wire/scan.h, data/dataset/random.h.
 * Relied on by: augment.c. */
#include "data/dataset/restyle.h"

#include "data/dataset/random.h"

#include <ctype.h>
#include <string.h>

/* What a stack may write or leave out without changing what happens. */
static const struct {
    const char *name, *value;
    uint8_t id; /* WIRE_HEADER_OTHER: none that we know */
    bool in_requests, in_replies;
} additions[] = {
    {"Supported", "replaces, timer", WIRE_HEADER_SUPPORTED, true, true},
    {"Supported", "100rel,path,outbound", WIRE_HEADER_SUPPORTED, true, false},
    {"Allow", "INVITE, ACK, CANCEL, OPTIONS, BYE", WIRE_HEADER_ALLOW, true, true},
    {"Allow", "INVITE,ACK,BYE,CANCEL,OPTIONS,INFO,MESSAGE,SUBSCRIBE,NOTIFY,PRACK,UPDATE,REFER",
     WIRE_HEADER_ALLOW, true, true},
    {"Allow-Events", "presence, message-summary, refer", WIRE_HEADER_ALLOW_EVENTS, true, true},
    {"Organization", "Example", WIRE_HEADER_ORGANIZATION, true, true},
    {"Accept-Language", "en", WIRE_HEADER_ACCEPT_LANGUAGE, true, false},
    {"Privacy", "none", WIRE_HEADER_PRIVACY, true, false},
    {"X-Serialnumber", "0800274f2c61", WIRE_HEADER_OTHER, true, false},
};
enum { ADDITIONS = sizeof additions / sizeof *additions };

/* Of these a message says the same without them. */
static const uint8_t optional[] = {
    WIRE_HEADER_ALLOW,     WIRE_HEADER_SUPPORTED,       WIRE_HEADER_USER_AGENT,
    WIRE_HEADER_SERVER,    WIRE_HEADER_ALLOW_EVENTS,    WIRE_HEADER_ORGANIZATION,
    WIRE_HEADER_DATE,      WIRE_HEADER_ACCEPT_LANGUAGE, WIRE_HEADER_ACCEPT_ENCODING,
    WIRE_HEADER_CALL_INFO, WIRE_HEADER_TIMESTAMP,       WIRE_HEADER_PRIVACY};

static const char *const names[WIRE_HEADER_COUNT] = {NULL,
#define RESTYLE_NAME(id, text, compact, once) text,
                                                     WIRE_HEADER_MAP(RESTYLE_NAME)
#undef RESTYLE_NAME
};
static const char compacts[WIRE_HEADER_COUNT] = {0,
#define RESTYLE_COMPACT_NAME(id, text, compact, once) compact,
                                                 WIRE_HEADER_MAP(RESTYLE_COMPACT_NAME)
#undef RESTYLE_COMPACT_NAME
};
_Static_assert(WIRE_HEADER_COUNT <= 64, "dropped headers are bits of a uint64_t");

/* ---- drawing ---- */

static bool chance(uint64_t *random, double share) {
    return random_unit(random) < share;
}

static uint32_t below(uint64_t *random, uint32_t n) {
    return (uint32_t)(random_unit(random) * n);
}

void restyle_draw(uint64_t seed, uint32_t parts, Restyle *style) {
    uint64_t random = seed;
    Restyle all = {.order = chance(&random, 0.5) ? random_next(&random) | 1 : 0,
                   .names =
                       chance(&random, 0.3) ? (RestyleNames)(1 + below(&random, 3)) : RESTYLE_AS_THEY_ARE,
                   .form = chance(&random, 0.2) ? (RestyleForm)(1 + below(&random, 2)) : RESTYLE_FORM_KEPT,
                   .fold = chance(&random, 0.06) ? (uint8_t)(1 + below(&random, 3)) : 0,
                   .padding = chance(&random, 0.08) ? (uint8_t)(1 + below(&random, 4)) : 0,
                   .tight = chance(&random, 0.06)};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (chance(&random, 0.15)) all.dropped |= UINT64_C(1) << optional[i];
    for (uint32_t i = 0; i < ADDITIONS; i++)
        if (chance(&random, 0.12)) all.added |= 1u << i;
    *style = (Restyle){.order = parts & RESTYLE_ORDER ? all.order : 0,
                       .names = parts & RESTYLE_CASE ? all.names : RESTYLE_AS_THEY_ARE,
                       .form = parts & RESTYLE_COMPACT ? all.form : RESTYLE_FORM_KEPT,
                       .fold = parts & RESTYLE_FOLD ? all.fold : 0,
                       .padding = parts & RESTYLE_PAD ? all.padding : 0,
                       .tight = parts & RESTYLE_PAD && all.tight,
                       .dropped = parts & RESTYLE_OPTIONAL ? all.dropped : 0,
                       .added = parts & RESTYLE_OPTIONAL ? all.added : 0};
}

/* ---- writing ---- */

typedef struct Text {
    uint8_t *bytes;
    uint32_t length;
    bool full;
} Text;

static void put(Text *text, const void *bytes, uint32_t n) {
    if (n > WIRE_MESSAGE_MAX - text->length) {
        text->full = true;
        return;
    }
    memcpy(text->bytes + text->length, bytes, n);
    text->length += n;
}

static void put_name(Text *text, const Restyle *style, const uint8_t *written, uint32_t n, uint8_t id) {
    char short_name = id < WIRE_HEADER_COUNT ? compacts[id] : 0;
    const char *known = id && id < WIRE_HEADER_COUNT ? names[id] : NULL;
    if (style->form == RESTYLE_SHORT && short_name) {
        put(text, &short_name, 1);
        return;
    }
    if (known && (style->names == RESTYLE_CANONICAL || (style->form == RESTYLE_LONG && n == 1))) {
        written = (const uint8_t *)known;
        n = (uint32_t)strlen(known);
    }
    uint32_t begin = text->length;
    put(text, written, n);
    for (uint32_t i = begin; n > 1 && i < text->length; i++)
        if (style->names == RESTYLE_LOWER)
            text->bytes[i] = (uint8_t)tolower(text->bytes[i]);
        else if (style->names == RESTYLE_UPPER)
            text->bytes[i] = (uint8_t)toupper(text->bytes[i]);
}

/* The value, with a line break behind every fold-th comma that is followed by a blank or more outside quotes.
 */
static void put_value(Text *text, const Restyle *style, const uint8_t *value, uint32_t n, uint8_t id) {
    bool folds = style->fold && (id == WIRE_HEADER_ALLOW || id == WIRE_HEADER_SUPPORTED ||
                                 id == WIRE_HEADER_ACCEPT || id == WIRE_HEADER_ALLOW_EVENTS);
    uint32_t commas = 0;
    for (uint32_t i = 0; i < n; i++) {
        put(text, value + i, 1);
        if (folds && value[i] == ',' && i + 1 < n && ++commas % style->fold == 0) {
            put(text, "\r\n ", 3);
            while (i + 1 < n && value[i + 1] == ' ')
                i++;
        }
    }
}

static void put_header(Text *text, const Restyle *style, const uint8_t *name, uint32_t name_length,
                       uint8_t id, const uint8_t *value, uint32_t value_length) {
    static const char blanks[] = "     ";
    put_name(text, style, name, name_length, id);
    put(text, ":", 1);
    if (!style->tight || style->padding) put(text, blanks, 1u + style->padding);
    put_value(text, style, value, value_length, id);
    put(text, "\r\n", 2);
}

/* ---- order ---- */

/* Where a header stands among the others: Vias first, those of one name in their order. Content-Length last
 * as most stacks have it, unless the seed says otherwise. */
static uint64_t rank(const Restyle *style, const WireScan *scan, const uint8_t *bytes, uint32_t i) {
    const WireHeader *header = &scan->headers[i];
    if (header->id == WIRE_HEADER_VIA) return i;
    uint64_t name = header->id;
    if (!name)
        for (uint32_t k = 0; k < header->name.length; k++)
            name = name * 31 + (uint64_t)tolower(bytes[header->name.offset + k]) + 64;
    uint64_t random = style->order ^ name * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t place = random_next(&random) >> 17 | UINT64_C(1) << 40;
    bool last = header->id == WIRE_HEADER_CONTENT_LENGTH && style->order & 2;
    return (last ? UINT64_C(1) << 50 : place) << 8 | i;
}

/* Indices of the headers in the style's order. */
static void arrange(const Restyle *style, const WireScan *scan, const uint8_t *bytes, uint8_t *places) {
    uint64_t ranks[WIRE_HEADERS_MAX];
    for (uint32_t i = 0; i < scan->header_count; i++) {
        uint64_t mine = style->order ? rank(style, scan, bytes, i) : i;
        uint32_t at = i;
        for (; at && ranks[at - 1] > mine; at--) {
            ranks[at] = ranks[at - 1];
            places[at] = places[at - 1];
        }
        ranks[at] = mine;
        places[at] = (uint8_t)i;
    }
}

/* ---- the message ---- */

/* Offset of the empty line's CRLF; 0: there is none. */
static uint32_t header_end(const uint8_t *bytes, uint32_t length) {
    for (uint32_t i = 0; i + 3 < length; i++)
        if (memcmp(bytes + i, "\r\n\r\n", 4) == 0) return i + 2;
    return 0;
}

static void put_additions(Text *text, const Restyle *style, const WireScan *scan) {
    uint64_t there = 0;
    for (uint32_t i = 0; i < ADDITIONS; i++) {
        uint8_t id = additions[i].id;
        bool fits = scan->request ? additions[i].in_requests : additions[i].in_replies;
        bool present = (id && (scan->count[id] || there >> id & 1)) || style->dropped >> id & 1;
        if (!(style->added >> i & 1) || !fits || present) continue;
        there |= UINT64_C(1) << id;
        put_header(text, style, (const uint8_t *)additions[i].name, (uint32_t)strlen(additions[i].name), id,
                   (const uint8_t *)additions[i].value, (uint32_t)strlen(additions[i].value));
    }
}

static bool is_dropped(const Restyle *style, uint8_t id) {
    return id && style->dropped >> id & 1;
}

static void write_message(const Restyle *style, const uint8_t *bytes, uint32_t length, uint32_t end,
                          const WireScan *scan, Text *text) {
    uint8_t places[WIRE_HEADERS_MAX];
    const uint8_t *line_end = memchr(bytes, '\n', length);
    arrange(style, scan, bytes, places);
    put(text, bytes, (uint32_t)(line_end - bytes) + 1);
    for (uint32_t i = 0; i < scan->header_count; i++) {
        const WireHeader *header = &scan->headers[places[i]];
        /* What the message needs stands behind what may be added: the last place is Content-Length's. */
        if (i + 1 == scan->header_count) put_additions(text, style, scan);
        if (!is_dropped(style, header->id))
            put_header(text, style, bytes + header->name.offset, header->name.length, header->id,
                       bytes + header->value.offset, header->value.length);
    }
    put(text, bytes + end, length - end);
}

uint32_t restyle_message(const Restyle *style, const uint8_t *bytes, uint32_t length, WireScan *scan,
                         uint8_t *out) {
    wire_scan(bytes, length, false, scan);
    uint32_t end = header_end(bytes, length);
    if (scan->anomalies || !scan->header_count || scan->header_count > WIRE_HEADERS_MAX - ADDITIONS || !end)
        return 0;
    Text text = {.bytes = out};
    uint16_t headers = scan->header_count;
    uint8_t vias = scan->vias;
    write_message(style, bytes, length, end, scan, &text);
    if (text.full) return 0;
    wire_scan(out, text.length, false, scan);
    bool same = !scan->anomalies && scan->vias == vias && scan->header_count + ADDITIONS >= headers;
    return same ? text.length : 0;
}
