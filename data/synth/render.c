/* From the fields of a message to the bytes that its style makes of them.
 * Relies on: data/synth/style.h.
 * Relied on by: world.c, attacks that mutate bytes. */
#include "data/synth/style.h"

/* ---- one header ---------------------------------------------------------------------------------------- */

static void name(SynthText *text, const SynthStyle *style, uint8_t id) {
    synth_put(text, style->names + style->name_at[id], style->name_at[id + 1] - (size_t)style->name_at[id]);
}

static void end_line(SynthText *text) {
    synth_put(text, "\r\n", 2);
}

/* Long values are continued on a second line behind their first ", ". */
static size_t fold_at(const SynthStyle *style, uint8_t id, const char *value, size_t length) {
    if (!style->fold) return 0;
    if (id != WIRE_HEADER_ALLOW && id != WIRE_HEADER_AUTHORIZATION && id != WIRE_HEADER_PROXY_AUTHORIZATION)
        return 0;
    for (size_t i = 0; i + 1 < length; i++)
        if (value[i] == ',' && value[i + 1] == ' ') return i + 1;
    return 0;
}

static void line(SynthText *text, const SynthStyle *style, uint8_t id, const char *value, size_t length) {
    size_t fold = fold_at(style, id, value, length);
    name(text, style, id);
    if (fold) {
        synth_put(text, value, fold);
        end_line(text);
        synth_put(text, value + fold, length - fold); /* begins with the blank */
    } else {
        synth_put(text, value, length);
    }
    end_line(text);
}

static void slice_line(SynthText *text, const SynthMessage *m, uint8_t id, SynthSlice slice) {
    if (slice.length) line(text, m->style, id, m->pool + slice.at, slice.length);
}

static void text_line(SynthText *text, const SynthStyle *style, uint8_t id, const char *value) {
    if (*value) line(text, style, id, value, strlen(value));
}

static void number_line(SynthText *text, const SynthStyle *style, uint8_t id, uint32_t number) {
    name(text, style, id);
    synth_put_number(text, number);
    end_line(text);
}

static void party_line(SynthText *text, const SynthMessage *m, uint8_t id, const SynthParty *party) {
    if (!party->value.length) return;
    name(text, m->style, id);
    synth_put(text, m->pool + party->value.at, party->value.length);
    if (party->tag.length) {
        synth_put(text, ";tag=", 5);
        synth_put(text, m->pool + party->tag.at, party->tag.length);
    }
    end_line(text);
}

static const char *method_text(const SynthMessage *m) {
    return m->method_text ? m->method_text : wire_method_name((WireMethod)m->method);
}

/* ---- which headers the style adds by itself --------------------------------------------------------------
 */

static bool announces(const SynthMessage *m) {
    if (m->bare) return false;
    if (m->status)
        return m->status >= 200 && m->status < 300 &&
               (m->method == WIRE_INVITE || m->method == WIRE_OPTIONS || m->method == WIRE_UPDATE);
    switch (m->method) {
    case WIRE_INVITE:
    case WIRE_REGISTER:
    case WIRE_OPTIONS:
    case WIRE_SUBSCRIBE:
    case WIRE_UPDATE:
    case WIRE_REFER: return true;
    default: return false;
    }
}

static void agent_line(SynthText *text, const SynthMessage *m, uint8_t id) {
    uint8_t wanted = m->status && m->style->server_header ? WIRE_HEADER_SERVER : WIRE_HEADER_USER_AGENT;
    if (id == wanted && !m->bare) text_line(text, m->style, id, m->style->user_agent);
}

/* ---- all headers of one kind, or what stands at its place ------------------------------------------------
 */

static void extras_of(SynthText *text, const SynthMessage *m, uint8_t id) {
    for (uint8_t i = 0; i < m->n_extras; i++)
        if (m->extras[i].id == id) slice_line(text, m, id, m->extras[i].value);
}

static void other_extras(SynthText *text, const SynthMessage *m) {
    for (uint8_t i = 0; i < m->n_extras; i++) {
        const SynthExtra *extra = &m->extras[i];
        if (extra->id != WIRE_HEADER_OTHER) {
            if (m->style->place[extra->id] == 255) slice_line(text, m, extra->id, extra->value);
            continue;
        }
        synth_put_text(text, extra->name);
        synth_put_text(text, m->style->colon);
        synth_put(text, m->pool + extra->value.at, extra->value.length);
        end_line(text);
    }
    if (m->bare || m->status || !*m->style->extra_name || m->method == WIRE_ACK || m->method == WIRE_CANCEL)
        return;
    synth_put_text(text, m->style->extra_name);
    synth_put_text(text, m->style->colon);
    synth_put_text(text, m->style->extra_value);
    end_line(text);
}

static uint32_t body_length(const SynthMessage *m) {
    return m->blob ? m->blob_length : m->body.length;
}

static void header(SynthText *text, const SynthMessage *m, uint8_t id) {
    const SynthStyle *style = m->style;
    switch (id) {
    case WIRE_HEADER_VIA:
        for (uint8_t i = 0; i < m->n_vias; i++)
            slice_line(text, m, id, m->vias[i]);
        break;
    case WIRE_HEADER_ROUTE:
        for (uint8_t i = 0; i < m->n_routes; i++)
            slice_line(text, m, id, m->routes[i]);
        break;
    case WIRE_HEADER_RECORD_ROUTE:
        for (uint8_t i = 0; i < m->n_record_routes; i++)
            slice_line(text, m, id, m->record_routes[i]);
        break;
    case WIRE_HEADER_FROM: party_line(text, m, id, &m->from); break;
    case WIRE_HEADER_TO: party_line(text, m, id, &m->to); break;
    case WIRE_HEADER_CALL_ID: slice_line(text, m, id, m->call_id); break;
    case WIRE_HEADER_CSEQ:
        name(text, style, id);
        synth_put_number(text, m->cseq);
        synth_put_char(text, ' ');
        synth_put_text(text, method_text(m));
        end_line(text);
        break;
    case WIRE_HEADER_MAX_FORWARDS:
        if (m->max_forwards >= 0) number_line(text, style, id, (uint32_t)m->max_forwards);
        break;
    case WIRE_HEADER_CONTACT: slice_line(text, m, id, m->contact); break;
    case WIRE_HEADER_EXPIRES:
        if (m->expires >= 0) number_line(text, style, id, (uint32_t)m->expires);
        break;
    case WIRE_HEADER_USER_AGENT:
    case WIRE_HEADER_SERVER: agent_line(text, m, id); break;
    case WIRE_HEADER_ALLOW:
        if (announces(m)) text_line(text, style, id, style->allow);
        break;
    case WIRE_HEADER_SUPPORTED:
        if (announces(m)) text_line(text, style, id, style->supported);
        break;
    case WIRE_HEADER_ACCEPT:
        if (announces(m) && m->method != WIRE_REGISTER) text_line(text, style, id, style->accept);
        break;
    case WIRE_HEADER_AUTHORIZATION:
        slice_line(text, m, m->proxy_auth ? WIRE_HEADER_PROXY_AUTHORIZATION : id, m->credentials);
        break;
    case WIRE_HEADER_WWW_AUTHENTICATE:
        slice_line(text, m, m->proxy_auth ? WIRE_HEADER_PROXY_AUTHENTICATE : id, m->challenge);
        break;
    case WIRE_HEADER_CONTENT_TYPE:
        if (m->content_type && body_length(m)) text_line(text, style, id, m->content_type);
        break;
    case WIRE_HEADER_CONTENT_LENGTH: number_line(text, style, id, body_length(m)); break;
    case WIRE_HEADER_OTHER: other_extras(text, m); break;
    default: extras_of(text, m, id); break;
    }
}

/* ---- the message --------------------------------------------------------------------------------------- */

static void start_line(SynthText *text, const SynthMessage *m) {
    if (m->status) {
        synth_put(text, "SIP/2.0 ", 8);
        synth_put_number(text, m->status);
        synth_put_char(text, ' ');
        synth_put_text(text, m->reason ? m->reason : synth_reason(m->status));
    } else {
        synth_put_text(text, method_text(m));
        synth_put_char(text, ' ');
        synth_put(text, m->pool + m->uri.at, m->uri.length);
        synth_put(text, " SIP/2.0", 8);
    }
    end_line(text);
}

uint32_t synth_render(const SynthMessage *message, uint8_t *bytes, uint32_t room) {
    SynthText text = synth_text((char *)bytes, room);
    start_line(&text, message);
    for (uint8_t i = 0; i < message->style->n_order; i++)
        header(&text, message, message->style->order[i]);
    end_line(&text);
    if (message->blob)
        synth_put(&text, (const char *)message->blob, message->blob_length);
    else
        synth_put(&text, message->pool + message->body.at, message->body.length);
    return text.length;
}
