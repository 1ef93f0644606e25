/* Messages as values: their pool of text, Vias, and replies.
 * Relies on: data/synth/message.h.
 * Relied on by: data/synth. */
#include "data/synth/message.h"

#include <stddef.h>

void synth_message_init(SynthMessage *message, const struct SynthStyle *style) {
    memset(message, 0, offsetof(SynthMessage, pool));
    message->style = style;
    message->expires = -1;
    message->max_forwards = -1;
    message->contact_expires = -1;
}

void synth_message_copy(SynthMessage *to, const SynthMessage *from) {
    memcpy(to, from, offsetof(SynthMessage, pool) + from->used);
}

/* ---- texts --------------------------------------------------------------------------------------------- */

SynthText synth_message_text(SynthMessage *message) {
    return synth_text(message->pool + message->used, SYNTH_POOL - message->used);
}

SynthSlice synth_message_slice(SynthMessage *message, const SynthText *text) {
    SynthSlice slice = {message->used, (uint16_t)text->length};
    message->used = (uint16_t)(message->used + text->length);
    message->cut |= text->cut;
    return slice;
}

SynthSlice synth_message_set(SynthMessage *message, const char *bytes, size_t length) {
    SynthText text = synth_message_text(message);
    synth_put(&text, bytes, length);
    return synth_message_slice(message, &text);
}

SynthSlice synth_message_take(SynthMessage *to, const SynthMessage *from, SynthSlice slice) {
    SynthSlice none = {0, 0};
    return slice.length ? synth_message_set(to, from->pool + slice.at, slice.length) : none;
}

bool synth_message_extra(SynthMessage *message, uint8_t id, const char *name, const char *value,
                         size_t length) {
    if (message->n_extras == SYNTH_EXTRAS) return false;
    SynthExtra *extra = &message->extras[message->n_extras++];
    extra->id = id;
    extra->name = name;
    extra->value = synth_message_set(message, value, length);
    return true;
}

/* ---- Vias ---------------------------------------------------------------------------------------------- */

bool synth_message_push_via(SynthMessage *message, SynthSlice value, SynthSlice branch,
                            const WireAddress *reply_to) {
    if (message->n_vias == SYNTH_VIAS) return false;
    memmove(message->vias + 1, message->vias, message->n_vias * sizeof *message->vias);
    memmove(message->reply_to + 1, message->reply_to, message->n_vias * sizeof *message->reply_to);
    memmove(message->branches + 1, message->branches, message->n_vias * sizeof *message->branches);
    message->vias[0] = value;
    message->branches[0] = branch;
    message->reply_to[0] = *reply_to;
    message->branch = branch;
    message->n_vias++;
    return true;
}

void synth_message_pop_via(SynthMessage *message) {
    if (!message->n_vias) return;
    message->n_vias--;
    memmove(message->vias, message->vias + 1, message->n_vias * sizeof *message->vias);
    memmove(message->reply_to, message->reply_to + 1, message->n_vias * sizeof *message->reply_to);
    memmove(message->branches, message->branches + 1, message->n_vias * sizeof *message->branches);
    if (message->n_vias) message->branch = message->branches[0];
}

void synth_message_take_via(SynthMessage *to, const SynthMessage *from, uint8_t at) {
    to->vias[at] = synth_message_take(to, from, from->vias[at]);
    to->branches[at] = synth_message_take(to, from, at ? from->branches[at] : from->branch);
}

/* ---- replies ------------------------------------------------------------------------------------------- */

const char *synth_reason(uint16_t status) {
    static const struct {
        uint16_t status;
        const char *reason;
    } known[] = {{100, "Trying"},
                 {180, "Ringing"},
                 {181, "Call Is Being Forwarded"},
                 {182, "Queued"},
                 {183, "Session Progress"},
                 {200, "OK"},
                 {202, "Accepted"},
                 {302, "Moved Temporarily"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {407, "Proxy Authentication Required"},
                 {408, "Request Timeout"},
                 {410, "Gone"},
                 {412, "Conditional Request Failed"},
                 {420, "Bad Extension"},
                 {423, "Interval Too Brief"},
                 {480, "Temporarily Unavailable"},
                 {481, "Call/Transaction Does Not Exist"},
                 {482, "Loop Detected"},
                 {483, "Too Many Hops"},
                 {484, "Address Incomplete"},
                 {486, "Busy Here"},
                 {487, "Request Terminated"},
                 {488, "Not Acceptable Here"},
                 {489, "Bad Event"},
                 {491, "Request Pending"},
                 {500, "Server Internal Error"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {600, "Busy Everywhere"},
                 {603, "Decline"},
                 {604, "Does Not Exist Anywhere"}};
    for (size_t i = 0; i < SYNTH_COUNT(known); i++)
        if (known[i].status == status) return known[i].reason;
    return "Failure";
}

static SynthParty take_party(SynthMessage *to, const SynthMessage *from, const SynthParty *party) {
    SynthParty copy = {synth_message_take(to, from, party->value), synth_message_take(to, from, party->tag),
                       synth_message_take(to, from, party->user)};
    return copy;
}

void synth_reply(SynthMessage *reply, const SynthMessage *request, const struct SynthStyle *style,
                 uint16_t status, const char *reason, const char *to_tag) {
    synth_message_init(reply, style);
    reply->method = request->method;
    reply->method_text = request->method_text;
    reply->status = status;
    reply->reason = reason ? reason : synth_reason(status);
    reply->from = take_party(reply, request, &request->from);
    reply->to = take_party(reply, request, &request->to);
    if (!reply->to.tag.length && to_tag) reply->to.tag = synth_message_set(reply, to_tag, strlen(to_tag));
    reply->call_id = synth_message_take(reply, request, request->call_id);
    reply->cseq = request->cseq;
    reply->n_vias = request->n_vias;
    for (uint8_t i = 0; i < request->n_vias; i++)
        synth_message_take_via(reply, request, i);
    memcpy(reply->reply_to, request->reply_to, sizeof reply->reply_to);
    reply->branch = reply->branches[0];
    if (status > 100 && status < 300) {
        reply->n_record_routes = request->n_record_routes;
        for (uint8_t i = 0; i < request->n_record_routes; i++)
            reply->record_routes[i] = synth_message_take(reply, request, request->record_routes[i]);
        memcpy(reply->record_route_to, request->record_route_to, sizeof reply->record_route_to);
    }
    reply->call = request->call;
    memcpy(reply->trail, request->trail, sizeof reply->trail);
    reply->hop = request->hop;
    reply->renamed = request->renamed;
    reply->strays = request->strays;
    reply->run = request->run;
    reply->ask = request->ask;
    reply->onset = request->onset;
}
