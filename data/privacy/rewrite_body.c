/* Rewriting of bodies: session descriptions, XML, name-value lines, plain text.
 * Relies on: data/privacy/rewriter.h.
 * Relied on by: data/privacy/pseudonyms. */
#include "data/privacy/rewriter.h"

/* Attributes of a session that describe media (RFC 8866, RFC 8839, RFC 4585), not who takes part. */
static const char media_attributes[] = "rtpmap fmtp ptime maxptime sendrecv sendonly recvonly inactive setup "
                                       "mid group rtcp rtcp-mux rtcp-fb rtcp-rsize "
                                       "extmap extmap-allow-mixed framerate quality orient silenceSupp "
                                       "T38FaxVersion T38MaxBitRate T38FaxRateManagement "
                                       "T38FaxMaxBuffer T38FaxMaxDatagram T38FaxUdpEC connection direction "
                                       "curr des conf ice-lite ice-options nortpproxy "
                                       "maxmessagesize sctp-port max-message-size remote-candidates";

/* ---- session descriptions ---- */

/* Words of a line, by their number: `modes` has a letter for each, the last one for all that follow:
 * n(ame), t(oken), a(ddresses alone). */
static void rewrite_words(Rewriter *r, uint32_t at, uint32_t end, const char *modes) {
    for (uint32_t stop; at < end; at = stop) {
        uint32_t begin = rewrite_skip(r, at, end, " \t");
        stop = rewrite_until(r, begin, end, " \t");
        rewrite_copy(r, at, begin);
        rewrite_text(r, begin, stop,
                     *modes == 'n'   ? REWRITE_NAMES
                     : *modes == 't' ? REWRITE_TOKENS
                                     : REWRITE_ADDRESSES);
        if (modes[1]) modes++;
    }
}

static void rewrite_attribute(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t name_end = rewrite_find(r, begin, end, ':');
    rewrite_copy(r, begin, name_end);
    if (rewrite_is_one_of(r, begin, name_end, media_attributes))
        rewrite_text(r, name_end, end, REWRITE_ADDRESSES);
    else if (rewrite_is_one_of(r, begin, name_end, "candidate"))
        rewrite_words(r, name_end, end, "ta");
    else
        rewrite_text(r, name_end, end, REWRITE_TOKENS);
}

/* c=: behind the address there may be a TTL. */
static void rewrite_connection(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t slash = rewrite_find(r, begin, end, '/');
    rewrite_words(r, begin, slash, "aan");
    rewrite_copy(r, slash, end);
}

static void rewrite_sdp_line(Rewriter *r, uint32_t begin, uint32_t end) {
    uint32_t value = begin + 2;
    rewrite_copy(r, begin, value);
    switch (r->in[begin]) {
    case 'o': rewrite_words(r, value, end, "nttaan"); break;
    case 'c': rewrite_connection(r, value, end); break;
    case 'a': rewrite_attribute(r, value, end); break;
    case 's':
    case 'i':
    case 'u':
    case 'e':
    case 'p': rewrite_text(r, value, end, REWRITE_NAMES); break;
    case 'k': rewrite_text(r, value, end, REWRITE_TOKENS); break;
    default: rewrite_text(r, value, end, REWRITE_ADDRESSES); break;
    }
}

static bool is_sdp_type(uint8_t c) {
    return c && strchr("vosiuepcbtrzkam", c);
}

/* Without its '=': the type stays a type. */
static void rewrite_broken_sdp_line(Rewriter *r, uint32_t begin, uint32_t end) {
    rewrite_copy(r, begin, begin + 1);
    rewrite_text(r, begin + 1, end, REWRITE_NAMES);
}

/* ---- others ---- */

/* A tag: names stay, and with them what declares them; other attributes' values are names of somebody. */
static uint32_t rewrite_xml_tag(Rewriter *r, uint32_t at, uint32_t end) {
    uint32_t name = at;
    while (at < end && r->in[at] != '>') {
        if (r->in[at] == ' ' || r->in[at] == '\n' || r->in[at] == '\t' || r->in[at] == '<') name = at + 1;
        if (r->in[at] != '"' && r->in[at] != '\'') {
            rewrite_copy(r, at, at + 1);
            at++;
            continue;
        }
        uint32_t close = rewrite_find(r, at + 1, end, r->in[at]), name_end = rewrite_until(r, name, at, "=:");
        bool declares = rewrite_is_one_of(r, name, name_end, "xmlns version encoding xml xsi");
        rewrite_text(r, at, close, declares ? REWRITE_ADDRESSES : REWRITE_NAMES);
        rewrite_copy(r, close, close < end ? close + 1 : close);
        at = close < end ? close + 1 : close;
    }
    return at;
}

static void rewrite_xml(Rewriter *r, uint32_t at, uint32_t end) {
    while (at < end) {
        uint32_t open = rewrite_find(r, at, end, '<');
        rewrite_text(r, at, open, REWRITE_NAMES);
        at = rewrite_xml_tag(r, open, end);
    }
}

/* "name: value" and "name=value" of application types keep their names, as does a status line. */
static void rewrite_line(Rewriter *r, uint32_t begin, uint32_t end, bool named) {
    uint32_t name_end = named ? rewrite_until(r, begin, end, ":= \"") : begin;
    if (name_end == end || r->in[name_end] == ' ' || r->in[name_end] == '"') name_end = begin;
    bool content =
        rewrite_is_one_of(r, begin, name_end, "Content-Type Content-Disposition Content-Length Content-ID");
    rewrite_copy(r, begin, name_end);
    rewrite_text(r, name_end, end, content ? REWRITE_ADDRESSES : REWRITE_NAMES);
}

static bool holds(const Rewriter *r, WireSlice type, const char *word) {
    uint32_t length = (uint32_t)strlen(word), end = type.offset + type.length;
    for (uint32_t at = type.offset; at + length <= end; at++)
        if (rewrite_is_one_of(r, at, at + length, word)) return true;
    return false;
}

void rewrite_body(Rewriter *r, WireSlice type, uint32_t begin, uint32_t end) {
    bool multipart = holds(r, type, "multipart"), sdp = multipart || holds(r, type, "/sdp");
    bool named = multipart || holds(r, type, "application");
    if (holds(r, type, "xml")) {
        rewrite_xml(r, begin, end);
        return;
    }
    for (uint32_t at = begin, next; at < end; at = next) {
        uint32_t feed = rewrite_find(r, at, end, '\n');
        next = feed < end ? feed + 1 : end;
        if (sdp && next - at >= 2 && r->in[at + 1] == '=')
            rewrite_sdp_line(r, at, next);
        else if (sdp && !multipart && next - at >= 2 && is_sdp_type(r->in[at]))
            rewrite_broken_sdp_line(r, at, next);
        else if (multipart && next - at >= 2 && r->in[at] == '-' && r->in[at + 1] == '-')
            rewrite_copy(r, at, next);
        else
            rewrite_line(r, at, next, named);
    }
}
