/* What is remembered of one Call-ID: its parties, its transactions and its last events.
 * Relies on: data/features/features.h, hash.h.
 * Relied on by: data/features/context. */
#ifndef SIPCNN_FEATURES_DIALOG_H
#define SIPCNN_FEATURES_DIALOG_H

#include "data/features/features.h"
#include "data/features/hash.h"

enum {
    DIALOG_TRANSACTIONS = 8, /* a forked INVITE's legs, and those of ACK, CANCEL or BYE */
    DIALOG_PARTIES = 6,
    DIALOG_TAGS = 2, /* answers of a forked call that are told apart */
};

/* How a request's CSeq stands to its sender's last one, and whether a reply's is one that was asked with. */
enum {
    DIALOG_CSEQ_NONE,
    DIALOG_CSEQ_SAME,
    DIALOG_CSEQ_NEXT,
    DIALOG_CSEQ_NEAR,
    DIALOG_CSEQ_FAR,
    DIALOG_CSEQ_BACK,
    DIALOG_CSEQ_MATCHED,
    DIALOG_CSEQ_UNMATCHED,
};

/* Parties and hosts are kept as hashes of their address: only equality matters. */
typedef struct DialogTransaction {
    uint8_t client[16]; /* address of the client (docs/architecture.md) */
    int64_t time_ns;    /* of the request's last copy */
    uint32_t branch, source, destination;
    uint32_t cseq;
    uint16_t status; /* the last one seen, 0: none */
    uint8_t method, vias;
    uint8_t used, relayed, credentials;
} DialogTransaction;

/* One end of a dialog: who started it (0) and who answered (1). */
typedef struct DialogSide {
    uint32_t tag[DIALOG_TAGS];
    uint32_t contact, media; /* last announced */
    uint32_t cseq;
    uint8_t cseq_known, next_tag;
} DialogSide;

typedef struct Dialog {
    int64_t last_ns;
    uint64_t anomalies; /* of what fault_client sent and was answered */
    DialogTransaction transactions[DIALOG_TRANSACTIONS];
    DialogSide sides[2];
    uint32_t parties[DIALOG_PARTIES];
    uint8_t events[FEATURE_EVENTS][FEATURE_EVENT_FIELDS]; /* a ring */
    uint8_t next_transaction, n_parties, next_event, n_events;
    uint8_t known, confirmed, ended;
    uint32_t fault_client, unusual_client; /* the last whose message was faulty, had unusual text; 0: none */
    uint8_t passed_caller,
        passed_callee; /* its client had just got a request from this caller, to this callee */
} Dialog;

/* How one message stands to its dialog, before the dialog takes it in. */
typedef struct DialogRelation {
    bool known;            /* the dialog was seen before */
    bool relayed, matched; /* as FeatureKeys */
    bool retransmission;   /* the same request or status came before on this leg */
    bool source_is_party, from_tag_known, to_tag_known;
    bool contact_changed, media_changed;
    bool from_initiator;
    bool confirmed, ended; /* state before the message */
    bool established;      /* an ACK of a 2xx */
    bool stray;            /* in-dialog request, CANCEL or ACK without anything to belong to */
    bool first_status;     /* a reply whose class (or finality) is new to its transaction */
    bool request_had_credentials;
    bool fault,
        unusual; /* its client's messages in this dialog were faulty, had unusual text, or this one's */
    uint64_t anomalies; /* of those */
    uint8_t cseq_step;  /* DIALOG_CSEQ_* */
    WireAddress client;
} DialogRelation;

/* Finds out how `message` stands to `dialog` (zeroed: never seen), then takes it in. now_ns is
 * non-decreasing. asked: its destination has just sent a request to its source. */
void dialog_step(Dialog *dialog, const WireMessage *message, const FeatureEncoded *encoded, int64_t now_ns,
                 bool asked, DialogRelation *relation);

/* Writes the history, newest last, to `events`; returns how many are valid. */
uint8_t dialog_events(const Dialog *dialog, uint8_t events[FEATURE_EVENTS][FEATURE_EVENT_FIELDS]);

#endif
