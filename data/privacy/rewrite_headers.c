/* Rewriting of header values: which header holds what.
 * Relies on: data/privacy/rewriter.h.
 * Relied on by: data/privacy/pseudonyms. */
#include "data/privacy/rewriter.h"

/* ---- lists of addresses ---- */

static uint32_t rewrite_bracketed(Rewriter *r, uint32_t at, uint32_t end) {
    uint32_t close = rewrite_find(r, at, end, '>');
    rewrite_copy(r, at, at + 1);
    rewrite_uri(r, at + 1, close);
    return close;
}

/* Whether the string ends with its own quotation mark, not at the range's end or an escaped one. */
static bool is_closed(const Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t escapes = 0;
    while (end - 2 - escapes > begin && r->in[end - 2 - escapes] == '\\')
        escapes++;
    return end - begin >= 2 && r->in[end - 1] == '"' && escapes % 2 == 0;
}

/* [display] "<" URI ">" or URI, parameters, ",". */
static void rewrite_addresses(Rewriter *r, uint32_t at, uint32_t end) {
    while (at < end) {
        uint32_t next = at + 1;
        uint32_t quote_end = r->in[at] == '"' ? rewrite_quote_end(r, at, end) : at;
        /* One that nothing closes is no string: what follows is read as if it were not there. */
        if (quote_end > at && is_closed(r, at, quote_end)) {
            next = quote_end;
            rewrite_text(r, at, next, REWRITE_NAMES);
        } else if (quote_end > at) {
            rewrite_copy(r, at, next);
        } else if (r->in[at] == '<') {
            next = rewrite_bracketed(r, at, end);
        } else if (r->in[at] == ';') {
            next = rewrite_parameters(r, at, end);
        } else if (r->in[at] == ',' || r->in[at] == '>') {
            rewrite_copy(r, at, next);
        } else {
            next = rewrite_until(r, at, end, "\"<;,>");
            rewrite_text(r, at, next, REWRITE_NAMES);
        }
        at = next;
    }
}

/* "SIP" "/" version "/" transport, host and port, parameters, ",". Of what is no Via all words are tokens. */
static void rewrite_vias(Rewriter *r, uint32_t at, uint32_t end) {
    while (at < end) {
        uint32_t stop = rewrite_find(r, at, end, ','), slash = at;
        for (int i = 0; i < 2 && slash < stop; i++)
            slash = rewrite_find(r, slash + (i > 0), stop, '/');
        uint32_t host = slash < stop ? rewrite_skip(r, slash + 1, stop, " \t\r\n") : stop;
        host = rewrite_skip(r, rewrite_until(r, host, stop, " \t\r\n;"), stop, " \t\r\n");
        if (slash >= stop) {
            rewrite_text(r, at, stop, REWRITE_TOKENS);
        } else {
            uint32_t host_end = rewrite_until(r, host, stop, ";");
            rewrite_copy(r, at, host);
            rewrite_host_port(r, host, host_end);
            host_end = rewrite_parameters(r, host_end, stop);
            rewrite_text(r, host_end, stop, REWRITE_TOKENS);
        }
        rewrite_copy(r, stop, stop < end ? stop + 1 : stop);
        at = stop < end ? stop + 1 : stop;
    }
}

/* ---- others ---- */

/* Scheme and name=value, .... Of other schemes than Digest every word is a token. */
static void rewrite_credentials(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t at = rewrite_until(r, begin, end, " \t\r\n");
    rewrite_copy(r, begin, at);
    if (!rewrite_is_one_of(r, begin, at, "Digest")) {
        rewrite_text(r, at, end, REWRITE_TOKENS);
        return;
    }
    while (at < end) {
        uint32_t name = rewrite_skip(r, at, end, " \t\r\n,"), next;
        rewrite_copy(r, at, name);
        next = name < end ? rewrite_parameter(r, name, end, ',') : end;
        /* What no parameter can begin with. */
        if (next == name && name < end) rewrite_copy(r, next, next + 1), next++;
        at = next;
    }
}

/* token ["@" host]. */
static void rewrite_call_id(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t at = rewrite_find(r, begin, end, '@');
    rewrite_text(r, begin, at, REWRITE_TOKENS);
    rewrite_text(r, at, end, REWRITE_NAMES);
}

static void rewrite_replaces(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t at = rewrite_find(r, begin, end, ';');
    rewrite_call_id(r, begin, at);
    at = rewrite_parameters(r, at, end);
    rewrite_text(r, at, end, REWRITE_TOKENS);
}

static void rewrite_warning(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t at = rewrite_skip(r, begin, end, "0123456789");
    rewrite_copy(r, begin, at);
    rewrite_text(r, at, end, REWRITE_NAMES);
}

void rewrite_header(Rewriter *r, WireHeaderId id, uint32_t begin, uint32_t end) {
    switch (id) {
    case WIRE_HEADER_VIA: rewrite_vias(r, begin, end); break;
    case WIRE_HEADER_FROM:
    case WIRE_HEADER_TO:
    case WIRE_HEADER_CONTACT:
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
    case WIRE_HEADER_ALERT_INFO: rewrite_addresses(r, begin, end); break;
    case WIRE_HEADER_AUTHORIZATION:
    case WIRE_HEADER_PROXY_AUTHORIZATION:
    case WIRE_HEADER_WWW_AUTHENTICATE:
    case WIRE_HEADER_PROXY_AUTHENTICATE: rewrite_credentials(r, begin, end); break;
    case WIRE_HEADER_CALL_ID: rewrite_call_id(r, begin, end); break;
    case WIRE_HEADER_REPLACES: rewrite_replaces(r, begin, end); break;
    case WIRE_HEADER_WARNING: rewrite_warning(r, begin, end); break;
    case WIRE_HEADER_SUBJECT:
    case WIRE_HEADER_ORGANIZATION: rewrite_text(r, begin, end, REWRITE_NAMES); break;
    case WIRE_HEADER_USER_AGENT:
    case WIRE_HEADER_SERVER:
    case WIRE_HEADER_REASON: rewrite_text(r, begin, end, REWRITE_PROSE); break;
    /* Nobody is named by these. */
    case WIRE_HEADER_CSEQ:
    case WIRE_HEADER_MAX_FORWARDS:
    case WIRE_HEADER_CONTENT_LENGTH:
    case WIRE_HEADER_CONTENT_TYPE:
    case WIRE_HEADER_EXPIRES:
    case WIRE_HEADER_ALLOW:
    case WIRE_HEADER_ALLOW_EVENTS:
    case WIRE_HEADER_SUPPORTED:
    case WIRE_HEADER_REQUIRE:
    case WIRE_HEADER_PROXY_REQUIRE:
    case WIRE_HEADER_UNSUPPORTED:
    case WIRE_HEADER_ACCEPT:
    case WIRE_HEADER_ACCEPT_ENCODING:
    case WIRE_HEADER_ACCEPT_LANGUAGE:
    case WIRE_HEADER_DATE:
    case WIRE_HEADER_EVENT:
    case WIRE_HEADER_SUBSCRIPTION_STATE:
    case WIRE_HEADER_PRIVACY:
    case WIRE_HEADER_SESSION_EXPIRES:
    case WIRE_HEADER_MIN_SE:
    case WIRE_HEADER_MIN_EXPIRES:
    case WIRE_HEADER_RACK:
    case WIRE_HEADER_RSEQ:
    case WIRE_HEADER_RETRY_AFTER:
    case WIRE_HEADER_TIMESTAMP:
    case WIRE_HEADER_CONTENT_DISPOSITION:
    case WIRE_HEADER_CONTENT_ENCODING:
    case WIRE_HEADER_MIME_VERSION:
    case WIRE_HEADER_PRIORITY: rewrite_text(r, begin, end, REWRITE_ADDRESSES); break;
    default: rewrite_text(r, begin, end, REWRITE_TOKENS); break;
    }
}
