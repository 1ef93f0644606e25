/* Injection: hostile strings inside the fields of messages that are otherwise well-formed.
 * Relies on: attack_run.h, attack_mutate.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"
#include "data/synth/attack_mutate.h"

#include <stdio.h>
#include <stdlib.h>

/* Where a payload can stand. The first six are set in the message's own fields, so that replies repeat them.
 */
typedef enum Field {
    FIELD_FROM_DISPLAY,
    FIELD_FROM_USER,
    FIELD_TO_DISPLAY,
    FIELD_TO_USER,
    FIELD_URI_USER,
    FIELD_CALL_ID,
    FIELD_FROM_TAG,
    FIELD_VIA_PARAMETER,
    FIELD_FROM_PARAMETER,
    FIELD_TO_PARAMETER,
    FIELD_URI_PARAMETER,
    FIELD_URI_HEADER,
    FIELD_CONTACT_USER,
    FIELD_CONTACT_DISPLAY,
    FIELD_CONTACT_PARAMETER,
    FIELD_CONTACT_URI, /* a parameter within the angle brackets */
    FIELD_USER_AGENT,
    FIELD_FIRST_HEADER, /* one of its own: `places` */
    FIELD_SUBJECT = FIELD_FIRST_HEADER,
    FIELD_ORGANIZATION,
    FIELD_REASON,
    FIELD_ASSERTED,
    FIELD_PREFERRED,
    FIELD_REMOTE_PARTY,
    FIELD_DIVERSION,
    FIELD_REFERRED_BY,
    FIELD_CALL_INFO,
    FIELD_ALERT_INFO,
    FIELD_WARNING,
    FIELD_LANGUAGE,
    FIELD_DATE,
    FIELD_DISPOSITION,
    FIELD_HISTORY,
    FIELD_USER_TO_USER,
    FIELD_CHARGING,
    FIELD_ACCESS,
    FIELD_SERVER,
    FIELD_RETRY,
    FIELD_IN_REPLY_TO,
    FIELD_OTHER,
    FIELD_DIGEST_USER,
    FIELD_DIGEST_REALM,
    FIELD_DIGEST_URI,
    FIELD_DIGEST_NONCE,
    FIELD_DIGEST_OPAQUE,
    FIELD_SDP_SESSION,
    FIELD_SDP_ORIGIN,
    FIELD_SDP_ATTRIBUTE,
    FIELD_SDP_INFORMATION,
    FIELD_SDP_CONTACT,
    FIELD_BODY,
    FIELDS
} Field;

typedef struct Injection {
    AttackRun base;
    WireMethod methods[3];
    uint32_t n_methods;
    uint8_t families[ATTACK_PAYLOADS]; /* weights, 0: unknown to this attacker */
    uint8_t fields[FIELDS];            /* in the order of use */
    uint32_t n_fields, each;           /* each: fields of one message */
    bool by_turns, at_phone, polite, sticky, exact;
    WireAddress target;
    uint32_t target_user;
    AttackText fixed; /* injection_slow: the same payload for a while */
} Injection;

/* -- editing a message
 * ----------------------------------------------------------------------------------------- */

/* The parts of a name-addr that stand before and behind its user part: "...<sip:" USER "@host>". */
static bool cut_address(const SynthMessage *m, SynthSlice value, AttackText *before, AttackText *behind) {
    AttackText whole = {.length = 0};
    attack_append(&whole, "%.*s", (int)value.length, synth_slice(m, value));
    char *scheme = strstr(whole.bytes, "sip:");
    if (!scheme) return false;
    char *host = strchr(scheme, '@');
    before->length = behind->length = 0;
    before->bytes[0] = behind->bytes[0] = 0;
    attack_append(before, "%.*s", (int)(scheme + 4 - whole.bytes), whole.bytes);
    if (host)
        attack_append(behind, "%s", host);
    else
        attack_append(behind, "@%s", scheme + 4);
    return true;
}

static void set_user(SynthMessage *m, SynthSlice *value, SynthSlice *user, const AttackText *payload) {
    AttackText before, behind, escaped;
    if (!cut_address(m, *value, &before, &behind)) return;
    attack_escape(payload, ATTACK_USER, &escaped);
    SynthText text = synth_message_text(m);
    synth_put(&text, before.bytes, before.length);
    uint32_t at = text.length;
    synth_put(&text, escaped.bytes, escaped.length);
    uint32_t length = text.length - at;
    synth_put(&text, behind.bytes, behind.length);
    *value = synth_message_slice(m, &text);
    if (user) *user = (SynthSlice){(uint16_t)(value->at + before.length), (uint16_t)length};
}

/* "PAYLOAD" <uri as it was> */
static void set_display(SynthMessage *m, SynthSlice *value, const AttackText *payload) {
    AttackText whole = {.length = 0}, quoted;
    attack_append(&whole, "%.*s", (int)value->length, synth_slice(m, *value));
    attack_escape_quoted(payload, &quoted);
    const char *open = strrchr(whole.bytes, '<');
    SynthText text = synth_message_text(m);
    synth_put_char(&text, '"');
    synth_put(&text, quoted.bytes, quoted.length);
    synth_put_text(&text, open ? "\" " : "\" <");
    synth_put_text(&text, open ? open : whole.bytes);
    if (!open) synth_put_char(&text, '>');
    *value = synth_message_slice(m, &text);
}

static void append(SynthMessage *m, SynthSlice *value, const char *before, const AttackText *payload,
                   const char *behind) {
    SynthText text = synth_message_text(m);
    synth_put(&text, synth_slice(m, *value), value->length);
    synth_put_text(&text, before);
    synth_put(&text, payload->bytes, payload->length);
    synth_put_text(&text, behind);
    *value = synth_message_slice(m, &text);
}

/* A parameter within the angle brackets. */
static void append_inside(SynthMessage *m, SynthSlice *value, const char *start, const AttackText *payload) {
    AttackText whole = {.length = 0};
    attack_append(&whole, "%.*s", (int)value->length, synth_slice(m, *value));
    const char *close = strrchr(whole.bytes, '>');
    if (!close) return;
    SynthText text = synth_message_text(m);
    synth_put(&text, whole.bytes, (size_t)(close - whole.bytes));
    synth_put_text(&text, start);
    synth_put(&text, payload->bytes, payload->length);
    synth_put_text(&text, close);
    *value = synth_message_slice(m, &text);
}

/* Headers that can be added, and the forms of their values: in which ^r is the payload as it is, ^q as it is
 * within a quoted string, ^u as a user part or part of a path, ^v as a parameter's value. NULL: several
 * names. */
typedef struct Place {
    uint8_t id;
    const char *name;
    const char *forms[6];
} Place;

static const Place places[FIELD_OTHER - FIELD_FIRST_HEADER + 1] = {
    {WIRE_HEADER_SUBJECT, NULL, {"^r"}},
    {WIRE_HEADER_ORGANIZATION, NULL, {"^r"}},
    {WIRE_HEADER_REASON,
     NULL,
     {"SIP;cause=200;text=\"^q\"", "Q.850;cause=16;text=\"^q\"", "SIP;cause=503;text=\"^q\";x=1",
      "Q.850;cause=31;x=^v"}},
    {WIRE_HEADER_P_ASSERTED_IDENTITY,
     NULL,
     {"\"^q\" <sip:100@example.net>", "\"^q\" <tel:+12025550100>", "<sip:^u@example.net>",
      "<sip:100@example.net;x=^v>"}},
    {WIRE_HEADER_P_PREFERRED_IDENTITY, NULL, {"<sip:^u@example.net>", "\"^q\" <sip:101@example.net>"}},
    {WIRE_HEADER_REMOTE_PARTY_ID,
     NULL,
     {"\"^q\" <sip:200@example.net>;party=calling", "<sip:^u@example.net>;party=called;screen=no",
      "<sip:200@example.net>;party=^v"}},
    {WIRE_HEADER_DIVERSION,
     NULL,
     {"<sip:^u@example.net>;reason=unconditional", "\"^q\" <sip:300@example.net>;reason=no-answer",
      "<sip:300@example.net>;reason=\"^q\"", "<sip:300@example.net>;x=^v", "\"^q\" <tel:300>"}},
    {WIRE_HEADER_REFERRED_BY,
     NULL,
     {"<sip:^u@example.net>", "\"^q\" <sip:400@example.net>", "<sip:400@example.net>;cid=\"^q\""}},
    {WIRE_HEADER_CALL_INFO,
     NULL,
     {"<http://example.net/^u>;purpose=info", "<http://192.0.2.7/?x=^u>;purpose=icon",
      "<http://example.net/>;purpose=^v", "<^u>;purpose=card"}},
    {WIRE_HEADER_ALERT_INFO,
     NULL,
     {"<^u>", "<http://example.net/^u>", "<http://127.0.0.1/>;info=^v", "<http://example.net/r.wav?^u>"}},
    {WIRE_HEADER_WARNING, NULL, {"399 example.net \"^q\"", "304 192.0.2.1:5060 \"^q\""}},
    {WIRE_HEADER_ACCEPT_LANGUAGE, NULL, {"en;x=\"^q\"", "en;q=0.5;x=^v"}},
    {WIRE_HEADER_DATE, NULL, {"^r", "Mon, 30 Nov 2026 10:00:00 GMT^r"}},
    {WIRE_HEADER_CONTENT_DISPOSITION,
     NULL,
     {"render;name=\"^q\"", "session;x=^v", "attachment;filename=\"^q\""}},
    {WIRE_HEADER_OTHER,
     "History-Info",
     {"<sip:^u@example.net>;index=1", "\"^q\" <sip:500@example.net>;index=1",
      "<sip:500@example.net?Reason=^v>;index=1.1"}},
    {WIRE_HEADER_OTHER, "User-to-User", {"^v;encoding=hex", "\"^q\"", "^r"}},
    {WIRE_HEADER_OTHER, "P-Charging-Vector", {"icid-value=^v", "icid-value=\"^q\";orig-ioi=example.net"}},
    {WIRE_HEADER_OTHER,
     "P-Access-Network-Info",
     {"IEEE-802.11;x=\"^q\"", "3GPP-UTRAN;utran-cell-id-3gpp=^v", "^r"}},
    {WIRE_HEADER_SERVER, NULL, {"^r", "Server/1.0 (^r)"}},
    {WIRE_HEADER_RETRY_AFTER, NULL, {"30 (^v)", "30;duration=^v"}},
    {WIRE_HEADER_IN_REPLY_TO, NULL, {"^v@example.net", "^v"}},
    {WIRE_HEADER_OTHER, NULL, {"^r", "^r", "^r", "\"^q\"", "^v", "a=1; b=^r"}},
};

static void fill_form(const char *form, const AttackText *payload, AttackText *value) {
    AttackText part = {.length = 0};
    for (; *form; form++) {
        if (*form != '^') {
            attack_put(value, *form);
            continue;
        }
        switch (*++form) {
        case 'r': part = *payload; break;
        case 'q': attack_escape_quoted(payload, &part); break;
        case 'u': attack_escape(payload, ATTACK_USER, &part); break;
        default: attack_escape(payload, ATTACK_VALUE, &part); break;
        }
        attack_append(value, "%s", part.bytes);
    }
}

static void add_header(SynthRandom *random, SynthMessage *m, Field field, const AttackText *payload) {
    static const char *const names[] = {
        "X-Info",   "X-Note",     "X-Client",   "X-Forwarded-For", "X-Auth",      "Comment",     "X-Real-IP",
        "X-Serial", "X-CID",      "X-Cookie",   "X-Session",       "X-Debug",     "X-Token",     "X-Location",
        "X-Tenant", "P-Location", "X-Callback", "X-Provisioning",  "P-Signature", "Geolocation", "X-Trace"};
    const Place *place = &places[field - FIELD_FIRST_HEADER];
    AttackText value = {.length = 0};
    uint32_t forms = 0;
    while (forms < SYNTH_COUNT(place->forms) && place->forms[forms])
        forms++;
    fill_form(place->forms[synth_below(random, forms)], payload, &value);
    for (uint8_t i = 0; i < m->n_extras; i++) /* in the place of what its stack would write there */
        if (m->extras[i].id == place->id && place->id != WIRE_HEADER_OTHER)
            m->extras[i] = m->extras[--m->n_extras];
    const char *name =
        place->id == WIRE_HEADER_OTHER && !place->name ? SYNTH_PICK(random, names) : place->name;
    synth_message_extra(m, place->id, name, value.bytes, value.length);
}

static void set_credentials(SynthRandom *random, const SynthWorld *world, SynthMessage *m, Field field,
                            const AttackText *payload) {
    AttackText quoted, value = {.length = 0};
    attack_escape_quoted(payload, &quoted);
    char user[SYNTH_USER_SIZE], nonce[40], uri[160];
    snprintf(user, sizeof user, "%.*s", (int)m->from.user.length, synth_slice(m, m->from.user));
    snprintf(uri, sizeof uri, "%.*s", (int)m->uri.length, synth_slice(m, m->uri));
    SynthText text = synth_text(nonce, sizeof nonce - 1);
    synth_draw_hex(&text, random, 24);
    synth_text_end(&text);
    attack_append(&value, "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\"",
                  field == FIELD_DIGEST_USER ? quoted.bytes : user,
                  field == FIELD_DIGEST_REALM ? quoted.bytes : world->server.realm,
                  field == FIELD_DIGEST_NONCE ? quoted.bytes : nonce,
                  field == FIELD_DIGEST_URI ? quoted.bytes : uri);
    attack_expand(random, ", response=\"~h32~\", algorithm=MD5", &value);
    if (field == FIELD_DIGEST_OPAQUE)
        attack_append(&value, ", %s=\"%s\"", synth_chance(random, 0.5) ? "opaque" : "cnonce", quoted.bytes);
    m->credentials = synth_message_set(m, value.bytes, value.length);
    m->proof = SYNTH_PROOF_WRONG;
    /* Of an account that nobody has: another one for each name that is tried. */
    m->account = field == FIELD_DIGEST_USER ? world->n_users + 2 + synth_below(random, 1u << 20) : 0;
}

/* An offer with the payload in one of its lines. */
static void set_sdp(SynthRandom *random, const SynthAgent *agent, SynthMessage *m, Field field,
                    const AttackText *payload) {
    static const char *const attributes[] = {"", "", "tool:", "label:", "x-info:", "charset:", "fmtp:0 "};
    AttackText body = {.length = 0};
    bool ipv6 = strchr(agent->host, ':') != NULL;
    char host[SYNTH_HOST_SIZE];
    size_t bracket = agent->host[0] == '[';
    snprintf(host, sizeof host, "%.*s", (int)(strlen(agent->host) - 2 * bracket), agent->host + bracket);
    attack_append(&body, "v=0\r\no=%s ", field == FIELD_SDP_ORIGIN ? payload->bytes : "-");
    attack_expand(random, "~d8~ 1 IN ", &body);
    attack_append(&body, "%s %s\r\ns=%s\r\n", ipv6 ? "IP6" : "IP4", host,
                  field == FIELD_SDP_SESSION ? payload->bytes : "-");
    if (field == FIELD_SDP_INFORMATION) attack_append(&body, "i=%s\r\n", payload->bytes);
    if (field == FIELD_SDP_CONTACT)
        attack_append(&body, "%c=%s\r\n", "uep"[synth_below(random, 3)], payload -> bytes);
    attack_append(&body, "c=IN %s %s\r\nt=0 0\r\nm=audio %u RTP/AVP 0 8\r\n", ipv6 ? "IP6" : "IP4", host,
                  2 * synth_between(random, 5000, 30000));
    if (field == FIELD_SDP_ATTRIBUTE)
        attack_append(&body, "a=%s%s\r\n", SYNTH_PICK(random, attributes), payload->bytes);
    attack_append(&body, "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n");
    if (synth_chance(random, 0.7)) attack_append(&body, "a=sendrecv\r\n");
    synth_set_body(m, "application/sdp", body.bytes, body.length);
    m->sdp = true;
}

/* A field of the message itself, as opposed to one added. */
static void put_in_own(SynthRandom *random, SynthMessage *m, Field field, const AttackText *payload) {
    static const char *const starts[] = {";x=", ";info=", ";id=", ";line=", ";q=", ";user=", ";x-cookie="};
    AttackText value, quoted = {.length = 0}, inner;
    attack_escape(payload, ATTACK_VALUE, &value);
    attack_escape_quoted(payload, &inner);
    attack_append(&quoted, "\"%s\"", inner.bytes);
    const char *start = SYNTH_PICK(random, starts);
    const AttackText *parameter = synth_chance(random, 0.5) ? &quoted : &value;
    switch (field) {
    case FIELD_FROM_DISPLAY: set_display(m, &m->from.value, payload); break;
    case FIELD_TO_DISPLAY: set_display(m, &m->to.value, payload); break;
    case FIELD_FROM_USER: set_user(m, &m->from.value, &m->from.user, payload); break;
    case FIELD_TO_USER: set_user(m, &m->to.value, &m->to.user, payload); break;
    case FIELD_URI_USER: set_user(m, &m->uri, &m->uri_user, payload); break;
    case FIELD_CALL_ID: append(m, &m->call_id, "", &value, ""); break;
    case FIELD_FROM_TAG: append(m, &m->from.tag, ".", &value, ""); break;
    case FIELD_FROM_PARAMETER: append(m, &m->from.value, start, parameter, ""); break;
    case FIELD_TO_PARAMETER: append(m, &m->to.value, start, parameter, ""); break;
    case FIELD_URI_PARAMETER: append(m, &m->uri, start, &value, ""); break;
    case FIELD_URI_HEADER: append(m, &m->uri, "?Subject=", &value, ""); break;
    case FIELD_CONTACT_USER: set_user(m, &m->contact, NULL, payload); break;
    case FIELD_CONTACT_DISPLAY: set_display(m, &m->contact, payload); break;
    case FIELD_CONTACT_PARAMETER: append(m, &m->contact, start, parameter, ""); break;
    default: append_inside(m, &m->contact, start, &value); break; /* FIELD_CONTACT_URI */
    }
}

static void set_body(SynthMessage *m, const AttackText *payload) {
    synth_set_body(m, "text/plain", payload->bytes, payload->length);
    m->sdp = false;
}

static void put_in(SynthWorld *world, SynthActor *actor, SynthMessage *m, Field field,
                   const AttackText *payload) {
    Injection *state = actor->state;
    SynthRandom *random = &actor->random;
    bool of_contact = field >= FIELD_CONTACT_USER && field <= FIELD_CONTACT_URI;
    if (field == FIELD_VIA_PARAMETER || field == FIELD_USER_AGENT) return; /* in the bytes */
    if (field >= FIELD_FIRST_HEADER && field <= FIELD_OTHER)
        add_header(random, m, field, payload);
    else if (field >= FIELD_DIGEST_USER && field <= FIELD_DIGEST_OPAQUE)
        set_credentials(random, world, m, field, payload);
    else if (field >= FIELD_SDP_SESSION && field <= FIELD_SDP_CONTACT)
        set_sdp(random, &state->base.agents[0], m, field, payload);
    else if (field == FIELD_BODY)
        set_body(m, payload);
    else if (!of_contact || m->contact.length)
        put_in_own(random, m, field, payload);
}

/* The two fields that only the bytes have: returns whether there was one. */
static bool put_in_bytes(AttackBytes *bytes, Field field, const AttackText *payload) {
    if (field == FIELD_USER_AGENT) {
        attack_set_header(bytes, "User-Agent", payload->bytes);
        return true;
    }
    AttackSpan via;
    if (field != FIELD_VIA_PARAMETER || !attack_find_header(bytes, "Via", &via)) return false;
    AttackText parameter = {.length = 0};
    fill_form(payload->length % 2 ? ";x=\"^q\"" : ";x=^v", payload, &parameter);
    attack_splice(bytes, via.end, 0, parameter.bytes, parameter.length);
    return true;
}

/* -- a message
 * ---------------------------------------------------------------------------------------------------- */

static void draw_payload(SynthActor *actor, AttackText *payload) {
    Injection *state = actor->state;
    uint16_t weights[ATTACK_PAYLOADS];
    for (unsigned i = 0; i < ATTACK_PAYLOADS; i++)
        weights[i] = state->families[i];
    uint32_t family = synth_weighted(&actor->random, weights, ATTACK_PAYLOADS);
    attack_payload(&actor->random, (AttackPayload)family, payload);
    if (payload->length > 220) {
        payload->length = 220;
        payload->bytes[220] = 0;
    }
}

static void compose(SynthWorld *world, SynthActor *actor, SynthMessage *m) {
    Injection *state = actor->state;
    char user[SYNTH_USER_SIZE], host[SYNTH_HOST_SIZE + 8];
    SynthText text = synth_text(user, sizeof user);
    WireMethod method = state->methods[synth_below(&actor->random, state->n_methods)];
    if (state->at_phone && method != WIRE_REGISTER) {
        uint32_t length = synth_host_text(&state->target, host);
        snprintf(host + length, sizeof host - length, ":%u", state->target.port);
        synth_put(&text, world->users[state->target_user].name, world->users[state->target_user].length);
        attack_request(world, actor, 0, method, user, text.length, host, &state->target, m);
    } else {
        attack_victim(world, actor, &text);
        attack_request(world, actor, 0, method, user, text.length, NULL, NULL, m);
    }
}

static bool tick(SynthWorld *world, SynthActor *actor) {
    Injection *state = actor->state;
    SynthRandom *random = &actor->random;
    AttackRun *run = &state->base;
    AttackBytes bytes = {run->owned, 0, SYNTH_BYTES};
    AttackText payload;
    SynthMessage m;
    bool edited = false;
    compose(world, actor, &m);
    if (!state->sticky || run->pace.sent % 12 == 1) draw_payload(actor, &state->fixed);
    payload = state->fixed;
    uint32_t first = state->by_turns ? run->pace.sent - 1 : synth_below(random, state->n_fields);
    uint32_t many = state->exact ? state->each : synth_between(random, 1, state->each);
    for (uint32_t i = 0; i < many; i++)
        put_in(world, actor, &m, (Field)state->fields[(first + i) % state->n_fields], &payload);
    bytes.length = synth_render(&m, bytes.bytes, SYNTH_BYTES);
    for (uint32_t i = 0; i < many; i++)
        edited |= put_in_bytes(&bytes, (Field)state->fields[(first + i) % state->n_fields], &payload);
    bool direct = state->at_phone && m.method != WIRE_REGISTER;
    const WireAddress *to = direct ? &state->target : attack_entry(world);
    if (edited)
        synth_send_bytes(world, &run->agents[0].address, to, bytes.bytes, bytes.length, &m, run->run);
    else
        attack_fire(world, actor, 0, &m, to, 0);
    return true;
}

/* -- builders
 * ------------------------------------------------------------------------------------------------------- */

static void allow(Injection *state, const uint8_t *fields, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        state->fields[state->n_fields++] = fields[i];
}

static void draw_families(SynthRandom *random, Injection *state) {
    static const uint8_t weights[ATTACK_PAYLOADS] = {8, 6, 7, 6, 5, 5, 3, 3, 2, 2, 2};
    if (synth_chance(random, 0.4)) { /* one kind only */
        uint16_t wide[ATTACK_PAYLOADS];
        for (unsigned i = 0; i < ATTACK_PAYLOADS; i++)
            wide[i] = weights[i];
        state->families[synth_weighted(random, wide, ATTACK_PAYLOADS)] = 1;
        return;
    }
    memcpy(state->families, weights, sizeof weights);
}

static void start(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, const WireMethod *methods, uint32_t n_methods, double slow,
                  double fast) {
    Injection *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    run->owned = malloc(SYNTH_BYTES);
    if (!run->owned) {
        synth_fail(world, CORE_MEMORY, "no memory for the bytes of an attack");
        return;
    }
    draw_families(random, state);
    state->n_methods = synth_between(random, 1, 3);
    for (uint32_t i = 0; i < state->n_methods; i++)
        state->methods[i] = methods[synth_below(random, n_methods)];
    run->victims = (uint8_t)synth_below(random, ATTACK_VICTIMS);
    if (run->from == ATTACK_FROM_OWN) run->from = (uint8_t)synth_below(random, ATTACK_FROMS);
    run->acks = state->polite || synth_chance(random, 0.4);
    run->retransmits = state->polite;
    state->at_phone =
        synth_chance(random, 0.2) && attack_find_phone(world, random, &state->target, &state->target_user);
    run->pace = attack_pace(random, wish, slow, fast, 12, 250);
    double needed = 8 / wish->seconds;
    if (run->pace.rate < needed) run->pace.rate = needed;
    run->tick = tick;
    attack_begin(world, actor, builder, wish, 1, state->polite || run->acks,
                 state->at_phone ? "direct=1" : "");
}

static const WireMethod common[] = {WIRE_INVITE, WIRE_REGISTER, WIRE_OPTIONS, WIRE_MESSAGE, WIRE_SUBSCRIBE};

static void fields_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const uint8_t usual[] = {FIELD_FROM_DISPLAY, FIELD_FROM_USER, FIELD_TO_USER,      FIELD_URI_USER,
                                    FIELD_USER_AGENT,   FIELD_SUBJECT,   FIELD_CONTACT_USER, FIELD_TO_DISPLAY,
                                    FIELD_CALL_ID,      FIELD_OTHER};
    static const uint8_t rare[] = {FIELD_REASON,
                                   FIELD_ASSERTED,
                                   FIELD_DIVERSION,
                                   FIELD_CONTACT_PARAMETER,
                                   FIELD_REMOTE_PARTY,
                                   FIELD_ORGANIZATION,
                                   FIELD_VIA_PARAMETER,
                                   FIELD_FROM_PARAMETER,
                                   FIELD_PREFERRED,
                                   FIELD_CALL_INFO,
                                   FIELD_CONTACT_DISPLAY,
                                   FIELD_URI_PARAMETER,
                                   FIELD_WARNING,
                                   FIELD_REFERRED_BY,
                                   FIELD_ALERT_INFO,
                                   FIELD_LANGUAGE,
                                   FIELD_FROM_TAG,
                                   FIELD_TO_PARAMETER,
                                   FIELD_URI_HEADER,
                                   FIELD_CONTACT_URI,
                                   FIELD_DATE,
                                   FIELD_DISPOSITION,
                                   FIELD_HISTORY,
                                   FIELD_USER_TO_USER,
                                   FIELD_CHARGING,
                                   FIELD_ACCESS,
                                   FIELD_SERVER,
                                   FIELD_RETRY,
                                   FIELD_IN_REPLY_TO,
                                   FIELD_OTHER,
                                   FIELD_OTHER};
    Injection *state = actor->state;
    uint32_t kind = synth_below(&actor->random, 3);
    if (kind < 2) allow(state, usual, SYNTH_COUNT(usual));
    if (kind > 0) allow(state, rare, SYNTH_COUNT(rare));
    state->each = 1;
    state->by_turns = synth_chance(&actor->random, 0.6);
    state->base.bare = synth_chance(&actor->random, 0.3);
    start(world, actor, &attack_injection_fields, wish, common, SYNTH_COUNT(common), 0.1, 25);
}

const SynthAttackBuilder attack_injection_fields = {
    .tool = "synth-injection-fields",
    .class = SYNTH_INJECTION,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-injection-fields"),
    .size = sizeof(Injection),
    .start = fields_start,
};

static void spray_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const uint8_t every[] = {FIELD_FROM_DISPLAY,      FIELD_USER_AGENT, FIELD_SUBJECT,
                                    FIELD_CONTACT_DISPLAY,   FIELD_OTHER,      FIELD_ORGANIZATION,
                                    FIELD_TO_USER,           FIELD_REASON,     FIELD_ASSERTED,
                                    FIELD_URI_USER,          FIELD_FROM_USER,  FIELD_DIVERSION,
                                    FIELD_CONTACT_PARAMETER, FIELD_HISTORY};
    Injection *state = actor->state;
    allow(state, every, SYNTH_COUNT(every));
    state->each = synth_between(&actor->random, 2, 6);
    start(world, actor, &attack_injection_spray, wish, common, SYNTH_COUNT(common), 0.2, 40);
}

const SynthAttackBuilder attack_injection_spray = {
    .tool = "synth-injection-spray",
    .class = SYNTH_INJECTION,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-injection-spray"),
    .size = sizeof(Injection),
    .start = spray_start,
};

static void digest_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const uint8_t digest[] = {FIELD_DIGEST_USER, FIELD_DIGEST_USER,  FIELD_DIGEST_REALM,
                                     FIELD_DIGEST_URI,  FIELD_DIGEST_NONCE, FIELD_DIGEST_OPAQUE};
    static const WireMethod methods[] = {WIRE_REGISTER, WIRE_REGISTER, WIRE_INVITE, WIRE_SUBSCRIBE};
    Injection *state = actor->state;
    allow(state, digest, SYNTH_COUNT(digest));
    state->each = 1;
    state->base.same_call_id = synth_chance(&actor->random, 0.3);
    start(world, actor, &attack_injection_digest, wish, methods, SYNTH_COUNT(methods), 0.1, 20);
}

const SynthAttackBuilder attack_injection_digest = {
    .tool = "synth-injection-digest",
    .class = SYNTH_INJECTION,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-injection-digest"),
    .size = sizeof(Injection),
    .start = digest_start,
};

static void bodies_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const uint8_t sdp[] = {FIELD_SDP_SESSION, FIELD_SDP_ORIGIN, FIELD_SDP_ATTRIBUTE,
                                  FIELD_SDP_INFORMATION, FIELD_SDP_CONTACT};
    static const uint8_t text[] = {FIELD_SUBJECT, FIELD_BODY, FIELD_FROM_DISPLAY, FIELD_BODY};
    static const WireMethod calls[] = {WIRE_INVITE}, texts[] = {WIRE_MESSAGE};
    Injection *state = actor->state;
    bool talks = synth_chance(&actor->random, 0.7);
    if (talks)
        allow(state, sdp, SYNTH_COUNT(sdp));
    else
        allow(state, text, SYNTH_COUNT(text));
    state->each = talks ? 1 : 2;
    state->by_turns = state->exact = !talks; /* a text and a field beside it */
    start(world, actor, &attack_injection_bodies, wish, talks ? calls : texts, 1, 0.1, 15);
}

const SynthAttackBuilder attack_injection_bodies = {
    .tool = "synth-injection-bodies",
    .class = SYNTH_INJECTION,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-injection-bodies"),
    .size = sizeof(Injection),
    .start = bodies_start,
};

static void slow_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    static const uint8_t own[] = {FIELD_FROM_DISPLAY, FIELD_USER_AGENT, FIELD_CONTACT_DISPLAY,
                                  FIELD_FROM_DISPLAY};
    Injection *state = actor->state;
    allow(state, own, SYNTH_COUNT(own));
    state->each = 1;
    state->polite = true;
    state->sticky = synth_chance(&actor->random, 0.6);
    state->base.from = ATTACK_FROM_OWN;
    start(world, actor, &attack_injection_slow, wish, common, SYNTH_COUNT(common), 1.0 / 60, 0.5);
}

const SynthAttackBuilder attack_injection_slow = {
    .tool = "synth-injection-slow",
    .class = SYNTH_INJECTION,
    .seconds = 300,
    .kind = ATTACK_KIND("synth-injection-slow"),
    .size = sizeof(Injection),
    .start = slow_start,
};
