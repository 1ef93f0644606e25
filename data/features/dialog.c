/* What is remembered of one Call-ID: its parties, its transactions and its last events.
 * Relies on: data/features/features.h, hash.h.
 * Relied on by: data/features/context. */
#include "data/features/dialog.h"
#include "data/features/counters.h"
#include "data/wire/osip.h"

#include <string.h>

static const int64_t relay_ns = 32 * INT64_C(1000000000); /* timer B of RFC 3261: no leg starts later */
enum { CSEQ_NEAR = 10, SEED_HOST = 100 };

static uint32_t host_hash(const WireAddress *address) {
    return (uint32_t)feature_hash(address->ip, sizeof address->ip, SEED_HOST) | 1u;
}

static bool is_party(const Dialog *dialog, uint32_t host) {
    for (unsigned i = 0; i < dialog->n_parties; i++)
        if (dialog->parties[i] == host) return true;
    return false;
}

static void add_party(Dialog *dialog, uint32_t host) {
    if (!is_party(dialog, host) && dialog->n_parties < DIALOG_PARTIES)
        dialog->parties[dialog->n_parties++] = host;
}

static bool has_tag(const DialogSide *side, uint32_t tag) {
    for (unsigned i = 0; i < DIALOG_TAGS; i++)
        if (tag && side->tag[i] == tag) return true;
    return false;
}

static void add_tag(DialogSide *side, uint32_t tag) {
    if (!tag || has_tag(side, tag)) return;
    side->tag[side->next_tag] = tag;
    side->next_tag = (uint8_t)((side->next_tag + 1) % DIALOG_TAGS);
}

/* ---- transactions ---- */

/* The request of a reply, or an earlier copy of a request: same CSeq, method and top Via branch (RFC 3261
 * section 17.1.3). Who forges a request may have copied all three: that of `host` comes first. */
static DialogTransaction *transaction_of(Dialog *dialog, const FeatureEncoded *encoded, uint32_t host) {
    DialogTransaction *found = NULL;
    for (unsigned i = 0; i < DIALOG_TRANSACTIONS; i++) {
        DialogTransaction *t = &dialog->transactions[i];
        if (!t->used || t->cseq != encoded->cseq || t->method != encoded->method ||
            t->branch != (uint32_t)encoded->branch)
            continue;
        if (t->source == host) return t;
        if (!found) found = t;
    }
    return found;
}

/* An earlier copy of a request on the same leg. */
static DialogTransaction *earlier_copy(Dialog *dialog, const FeatureEncoded *encoded, uint32_t source) {
    DialogTransaction *t = transaction_of(dialog, encoded, source);
    return t && t->source == source && t->vias == encoded->vias ? t : NULL;
}

/* The leg before this one: the same request with one Via fewer arrived at this one's source. */
static DialogTransaction *previous_leg(Dialog *dialog, const FeatureEncoded *encoded, uint32_t source,
                                       int64_t now_ns) {
    for (unsigned i = 0; i < DIALOG_TRANSACTIONS; i++) {
        DialogTransaction *t = &dialog->transactions[i];
        if (t->used && t->cseq == encoded->cseq && t->method == encoded->method &&
            t->vias + 1 == encoded->vias && t->destination == source && now_ns - t->time_ns <= relay_ns)
            return t;
    }
    return NULL;
}

/* A proxy makes the ACK of a failure and the CANCEL of a branch itself, with the Via that it gave that leg's
 * INVITE (RFC 3261 sections 9.1 and 17.1.1.3): they belong to whom the INVITE belongs to. */
static DialogTransaction *invite_of_leg(Dialog *dialog, const FeatureEncoded *encoded, uint32_t source) {
    if (encoded->method != WIRE_ACK && encoded->method != WIRE_CANCEL) return NULL;
    for (unsigned i = 0; i < DIALOG_TRANSACTIONS; i++) {
        DialogTransaction *t = &dialog->transactions[i];
        if (t->used && t->method == WIRE_INVITE && t->cseq == encoded->cseq && t->source == source &&
            t->branch == (uint32_t)encoded->branch)
            return t;
    }
    return NULL;
}

/* The INVITE that a CANCEL or ACK belongs to. */
static DialogTransaction *invite_of(Dialog *dialog, uint32_t cseq) {
    for (unsigned i = 0; i < DIALOG_TRANSACTIONS; i++) {
        DialogTransaction *t = &dialog->transactions[i];
        if (t->used && t->method == WIRE_INVITE && t->cseq == cseq) return t;
    }
    return NULL;
}

/* ---- relations ---- */

static uint8_t cseq_step(const DialogSide *side, uint32_t cseq) {
    if (!side->cseq_known) return DIALOG_CSEQ_NONE;
    if (cseq == side->cseq) return DIALOG_CSEQ_SAME;
    if (cseq < side->cseq) return DIALOG_CSEQ_BACK;
    uint32_t ahead = cseq - side->cseq;
    return ahead == 1 ? DIALOG_CSEQ_NEXT : ahead <= CSEQ_NEAR ? DIALOG_CSEQ_NEAR : DIALOG_CSEQ_FAR;
}

/* Which side a message comes from, by its From tag; a reply carries the requester's. */
static bool from_initiator(const Dialog *dialog, const FeatureEncoded *encoded) {
    bool requester_started = !has_tag(&dialog->sides[1], (uint32_t)encoded->from_tag);
    return encoded->request == requester_started;
}

static void relate_tags(const Dialog *dialog, const FeatureEncoded *encoded, DialogRelation *relation) {
    uint32_t from = (uint32_t)encoded->from_tag, to = (uint32_t)encoded->to_tag_hash;
    const DialogSide *sides = dialog->sides;
    relation->from_tag_known = has_tag(&sides[0], from) || has_tag(&sides[1], from);
    relation->to_tag_known = has_tag(&sides[0], to) || has_tag(&sides[1], to);
}

static void relate_announcements(const DialogSide *side, const FeatureEncoded *encoded,
                                 DialogRelation *relation) {
    relation->contact_changed =
        encoded->contact && side->contact && side->contact != (uint32_t)encoded->contact;
    relation->media_changed = encoded->media && side->media && side->media != (uint32_t)encoded->media;
}

static bool joins_dialog(const FeatureEncoded *encoded) {
    return encoded->to_tag || encoded->method == WIRE_CANCEL || encoded->method == WIRE_ACK;
}

static void set_client(DialogRelation *relation, const DialogTransaction *t) {
    memcpy(relation->client.ip, t->client, sizeof t->client);
    relation->client.port = 0;
}

/* ---- taking in ---- */

static void remember_announcements(DialogSide *side, const FeatureEncoded *encoded) {
    if (encoded->contact) side->contact = (uint32_t)encoded->contact;
    if (encoded->media) side->media = (uint32_t)encoded->media;
}

/* Takes the place of the oldest transaction, which may be the very one that `client` points into. */
static DialogTransaction *add_transaction(Dialog *dialog, const WireMessage *message,
                                          const FeatureEncoded *encoded, const uint8_t *client,
                                          bool relayed) {
    DialogTransaction t = {.used = 1,
                           .branch = (uint32_t)encoded->branch,
                           .cseq = encoded->cseq,
                           .method = encoded->method,
                           .vias = encoded->vias,
                           .source = host_hash(&message->source),
                           .destination = host_hash(&message->destination),
                           .relayed = relayed,
                           .credentials = encoded->username != 0};
    memcpy(t.client, client, sizeof t.client);
    DialogTransaction *place = &dialog->transactions[dialog->next_transaction];
    dialog->next_transaction = (uint8_t)((dialog->next_transaction + 1) % DIALOG_TRANSACTIONS);
    *place = t;
    return place;
}

/* Finds the transaction that a request repeats or begins one, and with it whose the request is. */
static void begin_transaction(Dialog *dialog, const WireMessage *message, const FeatureEncoded *encoded,
                              int64_t now_ns, DialogRelation *relation) {
    uint32_t source = host_hash(&message->source);
    DialogTransaction *t = earlier_copy(dialog, encoded, source);
    relation->retransmission = t != NULL;
    if (!t) {
        const DialogTransaction *same_leg = invite_of_leg(dialog, encoded, source);
        const DialogTransaction *before = same_leg ? NULL : previous_leg(dialog, encoded, source, now_ns);
        const DialogTransaction *origin = same_leg ? same_leg : before;
        bool relayed = same_leg ? same_leg->relayed : before != NULL;
        t = add_transaction(dialog, message, encoded, origin ? origin->client : message->source.ip, relayed);
    }
    t->time_ns = now_ns;
    relation->relayed = t->relayed;
    set_client(relation, t);
}

static void take_request(Dialog *dialog, const WireMessage *message, const FeatureEncoded *encoded,
                         int64_t now_ns, DialogRelation *relation) {
    uint32_t source = host_hash(&message->source), destination = host_hash(&message->destination);
    const DialogTransaction *invite = invite_of(dialog, encoded->cseq);
    relation->source_is_party = is_party(dialog, source);
    relation->established = encoded->method == WIRE_ACK && invite && invite->status / 100 == 2;
    relation->stray =
        joins_dialog(encoded) && (!dialog->known || (encoded->method == WIRE_CANCEL && !invite));
    DialogSide *side = &dialog->sides[relation->from_initiator ? 0 : 1];
    relation->cseq_step = cseq_step(side, encoded->cseq);
    relate_announcements(side, encoded, relation);
    begin_transaction(dialog, message, encoded, now_ns, relation);

    /* Parties are those of the dialog's first request and whoever a known party relays to. */
    if (!dialog->known) add_party(dialog, source);
    if (!dialog->known || relation->source_is_party || relation->relayed) add_party(dialog, destination);
    if (!dialog->known) add_tag(&dialog->sides[0], (uint32_t)encoded->from_tag);
    if (!dialog->known || relation->source_is_party) {
        remember_announcements(side, encoded);
        if (!side->cseq_known || encoded->cseq > side->cseq) side->cseq = encoded->cseq;
        side->cseq_known = 1;
        if (encoded->method == WIRE_BYE && encoded->to_tag) dialog->ended = 1;
    }
}

/* The client of the request that a reply answers, else, in a dialog that was seen, its destination
 * (docs/architecture.md). But what is no reply of RFC 3261 answers nothing, and a reply in a dialog never
 * seen, or from somewhere else than the dialog's requests went to, is its sender's own doing: the victim of a
 * forged reply is not to blame. Nor is who answers a broken request, of which not even the Call-ID may come
 * back: in a dialog never seen, or one with faults, what was just asked for belongs to who asked. */
static void relate_reply(const Dialog *dialog, const WireMessage *message, const FeatureEncoded *encoded,
                         const DialogTransaction *t, bool asked, DialogRelation *relation) {
    bool valid = encoded->status >= 100 && encoded->status <= 699;
    bool broken = asked && (!dialog->known || dialog->fault_client);
    bool own = !(valid && relation->source_is_party) && !broken;
    relation->client = own ? message->source : message->destination;
    relation->first_status = own;
    if (!t || own) return;
    set_client(relation, t);
    relation->relayed = t->relayed;
    relation->request_had_credentials = t->credentials;
    relation->retransmission = t->status == encoded->status;
    relation->first_status = t->status / 100 != encoded->status / 100 && t->status < 200;
}

static void take_reply(Dialog *dialog, const WireMessage *message, const FeatureEncoded *encoded, bool asked,
                       DialogRelation *relation) {
    DialogTransaction *t = transaction_of(dialog, encoded, host_hash(&message->destination));
    DialogSide *side = &dialog->sides[relation->from_initiator ? 0 : 1];
    relation->matched = t != NULL;
    relation->source_is_party = is_party(dialog, host_hash(&message->source));
    relation->cseq_step = t ? DIALOG_CSEQ_MATCHED : DIALOG_CSEQ_UNMATCHED;
    relate_announcements(side, encoded, relation);
    relate_reply(dialog, message, encoded, t, asked, relation);
    if (!t || !relation->source_is_party) return;
    if (encoded->status > t->status) t->status = encoded->status;
    add_tag(side, (uint32_t)encoded->to_tag_hash);
    remember_announcements(side, encoded);
    if (encoded->method == WIRE_INVITE && encoded->status / 100 == 2) dialog->confirmed = 1;
    if (encoded->method == WIRE_INVITE && encoded->status >= 300 && !dialog->confirmed &&
        encoded->status != 401 && encoded->status != 407)
        dialog->ended = 1;
}

/* ---- events ---- */

enum { EVENT_REPLY = WIRE_METHOD_COUNT + 1 }; /* first kind behind the methods; 0 is padding */

static uint8_t event_kind(const FeatureEncoded *encoded) {
    if (encoded->request) return (uint8_t)(1 + encoded->method);
    static const uint16_t own_kind[] = {100, 180, 200, 401, 407, 403, 404, 408, 480,
                                        481, 486, 487, 488, 400, 423, 500, 503};
    enum { OWN = sizeof own_kind / sizeof own_kind[0] };
    for (unsigned i = 0; i < OWN; i++)
        if (own_kind[i] == encoded->status) return (uint8_t)(EVENT_REPLY + i);
    unsigned class = encoded->status / 100u;
    return (uint8_t)(EVENT_REPLY + OWN + (class <= 6 ? class : 0));
}
_Static_assert(EVENT_REPLY + 17 + 7 <= FEATURE_EVENT_KINDS, "event kinds fit their vocabulary");

static uint8_t event_step(const Dialog *dialog, int64_t now_ns) {
    if (!dialog->known) return 0;
    unsigned step = 1u + feature_log_time(now_ns - dialog->last_ns) / 12u; /* about 1.5 octaves each */
    return (uint8_t)(step < FEATURE_EVENT_STEPS ? step : FEATURE_EVENT_STEPS - 1);
}

static void add_event(Dialog *dialog, const FeatureEncoded *encoded, const DialogRelation *r, uint8_t step) {
    uint8_t *event = dialog->events[dialog->next_event];
    dialog->next_event = (uint8_t)((dialog->next_event + 1) % FEATURE_EVENTS);
    if (dialog->n_events < FEATURE_EVENTS) dialog->n_events++;
    event[0] = event_kind(encoded);
    event[1] = step;
    event[2] = (uint8_t)(r->from_initiator | r->source_is_party << 1 | r->matched << 2 | r->relayed << 3);
    event[3] =
        (uint8_t)(r->from_tag_known | r->to_tag_known << 1 | r->contact_changed << 2 | r->media_changed << 3);
    event[4] = (uint8_t)((encoded->username != 0) | r->retransmission << 1 | encoded->to_tag << 2);
    event[5] = r->cseq_step;
}

uint8_t dialog_events(const Dialog *dialog, uint8_t events[FEATURE_EVENTS][FEATURE_EVENT_FIELDS]) {
    memset(events, 0, (size_t)FEATURE_EVENTS * FEATURE_EVENT_FIELDS);
    unsigned first = FEATURE_EVENTS - dialog->n_events;
    for (unsigned i = first; i < FEATURE_EVENTS; i++)
        memcpy(events[i], dialog->events[(dialog->next_event + i) % FEATURE_EVENTS], FEATURE_EVENT_FIELDS);
    return dialog->n_events;
}

static bool has_fault(const FeatureEncoded *encoded) {
    return encoded->anomalies || encoded->osip == WIRE_OSIP_REFUSED || encoded->osip == WIRE_OSIP_GUARDED;
}

/* Faults and odd text are their client's: the other party of the dialog is not to blame. */
static void relate_faults(Dialog *dialog, const FeatureEncoded *encoded, DialogRelation *relation) {
    const uint32_t client = host_hash(&relation->client);
    if (has_fault(encoded)) {
        if (dialog->fault_client != client) dialog->anomalies = 0;
        dialog->fault_client = client;
        dialog->anomalies |= encoded->anomalies;
    }
    if (encoded->unusual_fields) dialog->unusual_client = client;
    relation->fault = dialog->fault_client == client;
    relation->unusual = dialog->unusual_client == client;
    relation->anomalies = relation->fault ? dialog->anomalies : 0;
}

void dialog_step(Dialog *dialog, const WireMessage *message, const FeatureEncoded *encoded, int64_t now_ns,
                 bool asked, DialogRelation *relation) {
    *relation =
        (DialogRelation){.known = dialog->known, .confirmed = dialog->confirmed, .ended = dialog->ended};
    relation->from_initiator = from_initiator(dialog, encoded);
    relate_tags(dialog, encoded, relation);
    uint8_t step = event_step(dialog, now_ns);
    if (encoded->request)
        take_request(dialog, message, encoded, now_ns, relation);
    else
        take_reply(dialog, message, encoded, asked, relation);
    add_event(dialog, encoded, relation, step);
    relate_faults(dialog, encoded, relation);
    dialog->known = 1;
    dialog->last_ns = now_ns;
}
