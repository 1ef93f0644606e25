/* A message without its identities: what is left is its template.
 * Relies on: data/wire (scan).
 * Relied on by: near.c, tests. */
#include "data/dataset/near.h"

#include <string.h>

/* What was cut out is one byte that no message has where text is. */
enum { HOLE = 1 };

typedef struct Mask {
    const WireMessage *message;
    const WireScan *scan;
    uint8_t *kept; /* the message; bytes of holes are HOLE */
} Mask;

static void cut(Mask *mask, uint32_t begin, uint32_t end) {
    if (begin < end) memset(mask->kept + begin, HOLE, end - begin);
}

static void cut_slice(Mask *mask, WireSlice slice) {
    cut(mask, slice.offset, slice.offset + slice.length);
}

static bool ends_value(uint8_t c) {
    return c == ';' || c == '>' || c == ',' || c == ' ' || c == '\r' || c == '\n' || c == '\t' || c == '?' ||
           c == '"';
}

/* Cuts the value behind every `name` in the slice. */
static void cut_behind(Mask *mask, WireSlice in, const char *name) {
    const uint8_t *bytes = mask->message->bytes;
    uint32_t length = (uint32_t)strlen(name), end = in.offset + in.length;
    for (uint32_t at = in.offset; at + length < end; at++) {
        if (bytes[at] != (uint8_t)name[0] || memcmp(bytes + at, name, length) != 0) continue;
        uint32_t begin = at + length;
        for (at = begin; at < end && !ends_value(bytes[at]);)
            at++;
        cut(mask, begin, at);
    }
}

/* What one transaction differs in from the next: of one sender, to one target. */
static void cut_transaction(Mask *mask) {
    static const uint8_t whole[] = {WIRE_HEADER_CALL_ID,
                                    WIRE_HEADER_CSEQ,
                                    WIRE_HEADER_AUTHORIZATION,
                                    WIRE_HEADER_PROXY_AUTHORIZATION,
                                    WIRE_HEADER_WWW_AUTHENTICATE,
                                    WIRE_HEADER_PROXY_AUTHENTICATE,
                                    WIRE_HEADER_AUTHENTICATION_INFO,
                                    WIRE_HEADER_DATE,
                                    WIRE_HEADER_RACK,
                                    WIRE_HEADER_RSEQ,
                                    WIRE_HEADER_TIMESTAMP,
                                    WIRE_HEADER_IN_REPLY_TO,
                                    WIRE_HEADER_IDENTITY,
                                    WIRE_HEADER_SIP_ETAG,
                                    WIRE_HEADER_SIP_IF_MATCH};
    for (uint16_t i = 0; i < mask->scan->header_count; i++) {
        const WireHeader *header = &mask->scan->headers[i];
        cut_behind(mask, header->value, "branch=");
        cut_behind(mask, header->value, "tag=");
        cut_behind(mask, header->value, "rport=");
        cut_behind(mask, header->value, "received=");
        if (memchr(whole, header->id, sizeof whole)) cut_slice(mask, header->value);
    }
    cut_slice(mask, mask->scan->sdp.origin);
}

/* Who and where. */
static void cut_people(Mask *mask) {
    WireSlice all = {0, mask->message->length};
    cut_slice(mask, mask->scan->from.display);
    cut_slice(mask, mask->scan->to.display);
    cut_slice(mask, mask->scan->contact.display);
    cut_slice(mask, mask->scan->sent_by);
    cut_slice(mask, mask->scan->sdp.connection);
    cut_behind(mask, all, "sip:");
    cut_behind(mask, all, "sips:");
    cut_behind(mask, all, "tel:");
    for (uint32_t i = 0; i < mask->message->length; i++)
        if (mask->kept[i] >= '0' && mask->kept[i] <= '9') mask->kept[i] = HOLE;
}

uint32_t near_mask(const WireMessage *message, const WireScan *scan, bool users, uint8_t *masked) {
    Mask mask = {message, scan, masked};
    uint32_t length = 0;
    memcpy(masked, message->bytes, message->length);
    cut_transaction(&mask);
    if (users) cut_people(&mask);
    for (uint32_t i = 0; i < message->length; i++)
        if (masked[i] != HOLE || length == 0 || masked[length - 1] != HOLE) masked[length++] = masked[i];
    return length;
}
