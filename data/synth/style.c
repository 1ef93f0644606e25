/* Drawing a style: a family, with some of its traits taken from others.
 * Relies on: data/synth/families.h, data/wire (names of headers).
 * Relied on by: data/synth. */
#include "data/synth/style.h"

#include "data/synth/families.h"
#include "data/synth/oddity.h"

#include <stdio.h>
#include <strings.h>

/* ---- order of headers ---------------------------------------------------------------------------------- */

/* Headers that messages have as fields, in the order in which they follow if the family names no place.
 * Others come where WIRE_HEADER_OTHER stands. */
static const uint8_t structural[] = {WIRE_HEADER_RECORD_ROUTE,
                                     WIRE_HEADER_VIA,
                                     WIRE_HEADER_ROUTE,
                                     WIRE_HEADER_MAX_FORWARDS,
                                     WIRE_HEADER_FROM,
                                     WIRE_HEADER_TO,
                                     WIRE_HEADER_CALL_ID,
                                     WIRE_HEADER_CSEQ,
                                     WIRE_HEADER_CONTACT,
                                     WIRE_HEADER_USER_AGENT,
                                     WIRE_HEADER_SERVER,
                                     WIRE_HEADER_AUTHORIZATION,
                                     WIRE_HEADER_EXPIRES,
                                     WIRE_HEADER_ALLOW,
                                     WIRE_HEADER_SUPPORTED,
                                     WIRE_HEADER_ACCEPT,
                                     WIRE_HEADER_WWW_AUTHENTICATE,
                                     WIRE_HEADER_OTHER,
                                     WIRE_HEADER_CONTENT_TYPE,
                                     WIRE_HEADER_CONTENT_LENGTH};

static uint8_t header_by_name(const char *name, size_t length) {
    for (uint8_t id = 1; id < WIRE_HEADER_COUNT; id++) {
        const char *known = wire_header_name((WireHeaderId)id);
        if (strlen(known) == length && strncasecmp(known, name, length) == 0) return id;
    }
    return WIRE_HEADER_OTHER;
}

static bool has(const SynthStyle *style, uint8_t id) {
    for (uint8_t i = 0; i < style->n_order; i++)
        if (style->order[i] == id) return true;
    return false;
}

static void insert(SynthStyle *style, unsigned at, uint8_t id) {
    if (style->n_order == SYNTH_ORDER || has(style, id)) return;
    memmove(style->order + at + 1, style->order + at, style->n_order - at);
    style->order[at] = id;
    style->n_order++;
}

static unsigned rank(const SynthStyle *style, uint8_t id) {
    unsigned i = 0;
    while (i < style->n_order && style->order[i] != id)
        i++;
    return i;
}

static void read_order(const char *text, SynthStyle *style) {
    style->n_order = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        uint8_t id = header_by_name(text, length);
        if (id != WIRE_HEADER_OTHER) insert(style, style->n_order, id);
        text += length;
        text += *text == ' ';
    }
}

/* Two neighbours change places: another firmware of the same family. Via stays the first of the two. */
static void swap_some(SynthRandom *random, SynthStyle *style) {
    unsigned times = synth_chance(random, 0.3) ? synth_between(random, 1, 3) : 0;
    while (times--) {
        unsigned at = synth_below(random, style->n_order - 1u);
        uint8_t other = style->order[at];
        style->order[at] = style->order[at + 1];
        style->order[at + 1] = other;
    }
}

static void complete_order(SynthRandom *random, SynthStyle *style) {
    bool routes_first = synth_chance(random, 0.6), length_early = synth_chance(random, 0.15);
    if (length_early) insert(style, style->n_order, WIRE_HEADER_CONTENT_LENGTH);
    insert(style, rank(style, WIRE_HEADER_VIA) + !routes_first, WIRE_HEADER_RECORD_ROUTE);
    insert(style, rank(style, WIRE_HEADER_VIA) + 1, WIRE_HEADER_ROUTE);
    for (size_t i = 0; i < SYNTH_COUNT(structural); i++)
        insert(style, style->n_order, structural[i]);
    memset(style->place, 255, sizeof style->place);
    for (uint8_t i = 0; i < style->n_order; i++)
        style->place[style->order[i]] = i;
}

/* ---- names of headers ---------------------------------------------------------------------------------- */

/* The compact form's letter, or 0. */
static char compact_name(uint8_t id) {
    static const char known[WIRE_HEADER_COUNT] = {
#define COMPACT(id, text, compact, once) [WIRE_HEADER_##id] = compact,
        WIRE_HEADER_MAP(COMPACT)
#undef COMPACT
    };
    return known[id];
}

static void write_names(SynthStyle *style) {
    SynthText text = synth_text(style->names, sizeof style->names);
    for (uint8_t id = 1; id < WIRE_HEADER_COUNT; id++) {
        char lowered[32];
        char small[2] = {compact_name(id), 0};
        const char *name = wire_header_name((WireHeaderId)id);
        style->name_at[id] = (uint16_t)text.length;
        if (style->compact && *small) name = small;
        if (style->odd_case && (id == WIRE_HEADER_CALL_ID || id == WIRE_HEADER_CSEQ)) {
            name = id == WIRE_HEADER_CALL_ID ? "Call-Id" : "Cseq";
        } else if (style->odd_case && (id == WIRE_HEADER_MAX_FORWARDS || id == WIRE_HEADER_USER_AGENT ||
                                       id == WIRE_HEADER_CONTENT_LENGTH)) {
            size_t length = strlen(name);
            for (size_t i = 0; i <= length && i < sizeof lowered; i++)
                lowered[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
            name = lowered;
        }
        synth_put_text(&text, name);
        synth_put_text(&text, style->colon);
    }
    style->name_at[WIRE_HEADER_COUNT] = (uint16_t)text.length;
}

/* ---- traits -------------------------------------------------------------------------------------------- */

/* A trait is the family's own, now and then another's. */
static uint8_t other(SynthRandom *random, uint8_t own, uint8_t forms) {
    return synth_chance(random, 0.12) ? (uint8_t)synth_below(random, forms) : own;
}

static void draw_extra(SynthRandom *random, SynthStyle *style) {
    static const char *const pairs[][2] = {
        {"P-Preferred-Identity", "<sip:4711@example.net>"},
        {"Organization", "O'Brien & Sons"},
        {"Organization", "Example GmbH"},
        {"Privacy", "none"},
        {"Allow-Events", "talk,hold,conference,refer,check-sync"},
        {"Allow-Events", "presence, message-summary, dialog"},
        {"Accept-Language", "en"},
        {"Accept-Encoding", "identity"},
        {"P-Early-Media", "supported"},
        {"X-Grandstream-PBX", "true"},
        {"X-Asterisk-Info", "SIP re-invite (External RTP bridge)"},
        {"Call-Info", "<sip:10.0.0.1>;method=\"NOTIFY;Event=telephone-event\""},
        {"Priority", "normal"},
        {"Mac", "00:15:65:7f:2a:c1"}};
    if (synth_chance(random, 0.12)) {
        SynthText value = synth_text(style->extra_value, sizeof style->extra_value);
        for (int i = 0; i < 6; i++)
            synth_put_hex(&value, synth_bits(random), 2);
        synth_text_end(&value);
        snprintf(style->extra_name, sizeof style->extra_name, "X-Serialnumber");
    } else if (synth_chance(random, 0.3)) {
        uint32_t pair = synth_below(random, (uint32_t)SYNTH_COUNT(pairs));
        snprintf(style->extra_name, sizeof style->extra_name, "%s", pairs[pair][0]);
        snprintf(style->extra_value, sizeof style->extra_value, "%s", pairs[pair][1]);
    }
}

static void draw_contact(SynthRandom *random, SynthStyle *style) {
    snprintf(style->contact_params, sizeof style->contact_params, "%s",
             family_pick(random, family_contact_params));
    SynthText text = synth_text(style->contact_features, sizeof style->contact_features);
    if (synth_chance(random, 0.15)) {
        synth_put_text(&text, ";+sip.instance=\"<urn:uuid:");
        synth_draw_uuid(&text, random);
        synth_put_text(&text, ">\"");
    } else if (synth_chance(random, 0.12)) {
        synth_put_text(&text, synth_chance(random, 0.5) ? ";q=1.0" : ";q=0.5");
    }
    synth_text_end(&text);
}

static void draw_habits(SynthRandom *random, SynthStyle *style) {
    static const uint8_t forwards[] = {70, 70, 70, 70, 70, 70, 70, 70, 69, 30, 20, 16, 255};
    static const uint32_t first[] = {1, 1, 1, 2, 20, 101, 102, 0, 0, 0};
    static const uint8_t names[] = {SYNTH_NAME_QUOTED, SYNTH_NAME_QUOTED, SYNTH_NAME_QUOTED,
                                    SYNTH_NAME_QUOTED, SYNTH_NAME_TOKEN,  SYNTH_NAME_NONE,
                                    SYNTH_NAME_NONE,   SYNTH_NAME_BARE};
    static const uint8_t rports[] = {SYNTH_RPORT_LAST,  SYNTH_RPORT_LAST, SYNTH_RPORT_LAST, SYNTH_RPORT_FIRST,
                                     SYNTH_RPORT_FIRST, SYNTH_RPORT_NONE, SYNTH_RPORT_NONE};
    style->compact = synth_chance(random, 0.07);
    style->fold = synth_chance(random, 0.04);
    style->odd_case = synth_chance(random, 0.05);
    const char *colon = synth_chance(random, 0.95) ? ": " : synth_chance(random, 0.6) ? ":" : ":  ";
    snprintf(style->colon, sizeof style->colon, "%s", colon);
    style->rport = SYNTH_PICK(random, rports);
    style->sent_by_port = synth_chance(random, 0.8);
    style->max_forwards = SYNTH_PICK(random, forwards);
    style->name_form = SYNTH_PICK(random, names);
    style->first_cseq = SYNTH_PICK(random, first);
    style->register_cseq_step = synth_chance(random, 0.9) ? 1 : 2;
    style->domain_port = synth_chance(random, 0.1);
    style->expires_in_contact = synth_chance(random, 0.3);
    style->preauthorise = synth_chance(random, 0.6);
    style->qop_quoted = synth_chance(random, 0.1);
    style->server_header = synth_chance(random, 0.4);
    style->sends_100 = synth_chance(random, 0.3);
    style->acks_with_contact = synth_chance(random, 0.4);
    style->reliable = synth_chance(random, 0.15);
    style->session_timer = synth_chance(random, 0.2);
    style->ice = synth_chance(random, 0.05);
    style->sdp_form = (uint8_t)synth_bits(random);
}

static void draw_odd(SynthRandom *random, SynthOddity oddity, double chance, char *out, uint32_t room) {
    if (!synth_chance(random, chance)) return;
    SynthText text = synth_text(out, room);
    synth_oddity(random, oddity, &text);
    synth_text_end(&text);
}

/* What only looks like an attack; most styles have none of it. */
static void draw_oddities(SynthRandom *random, SynthStyle *style) {
    static const uint8_t shares[] = {3, 10, 30, 100, 255};
    draw_odd(random, SYNTH_ODD_AGENT, 0.02, style->user_agent, sizeof style->user_agent);
    draw_odd(random, SYNTH_ODD_PARAMETERS, 0.03, style->contact_params,
             48); /* registrars repeat them whole */
    draw_odd(random, SYNTH_ODD_FEATURES, 0.02, style->contact_features, sizeof style->contact_features);
    draw_odd(random, SYNTH_ODD_SESSION, 0.02, style->sdp_name, sizeof style->sdp_name);
    draw_odd(random, SYNTH_ODD_LINES, 0.02, style->sdp_lines, sizeof style->sdp_lines);
    style->call_id_odd = (uint8_t)synth_bits(random);
    if (synth_chance(random, 0.01)) style->call_id_form = SYNTH_CALL_ID_ODD;
    style->odd_header = (uint8_t)synth_below(random, synth_odd_request_headers);
    style->odd_share = SYNTH_PICK(random, shares);
    if (!synth_chance(random, 0.05)) style->odd_share = 0;
    if (style->odd_share) style->extra_name[0] = '\0'; /* it may be the same header */
}

const char *synth_draw_user_agent(SynthRandom *random) {
    const Family *family = &families[synth_below(random, synth_families)];
    return family_pick(random, family->agents);
}

void synth_style_draw(SynthRandom *random, SynthStyle *style) {
    memset(style, 0, sizeof *style);
    style->family = (uint8_t)synth_below(random, synth_families);
    const Family *family = &families[style->family];
    const Family *orders =
        synth_chance(random, 0.12) ? &families[synth_below(random, synth_families)] : family;
    read_order(orders->order, style);
    swap_some(random, style);
    complete_order(random, style);
    const char *agent =
        synth_chance(random, 0.2) ? synth_draw_user_agent(random) : family_pick(random, family->agents);
    snprintf(style->user_agent, sizeof style->user_agent, "%s", agent);
    snprintf(style->allow, sizeof style->allow, "%s", family_pick(random, family_allow));
    snprintf(style->supported, sizeof style->supported, "%s", family_pick(random, family_supported));
    snprintf(style->accept, sizeof style->accept, "%s", family_pick(random, family_accept));
    snprintf(style->codecs, sizeof style->codecs, "%s", family_pick(random, family_codecs));
    style->call_id_form = other(random, family->call_id, SYNTH_CALL_ID_FORMS);
    style->call_id_host = other(random, family->call_id_host, 3);
    style->branch_form = other(random, family->branch, SYNTH_BRANCH_FORMS);
    style->tag_form = other(random, family->tag, SYNTH_TAG_FORMS);
    draw_contact(random, style);
    draw_habits(random, style);
    draw_extra(random, style);
    draw_oddities(random, style);
    write_names(style);
}
