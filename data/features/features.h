/* The feature spec: what the model sees of a message and of its history. One library for trainer and sensor.
 * Relies on: data/wire/message.h, data/wire/scan.h (through encode), engine/core.
 * Relied on by: data/dataset (feature cache), train (input shapes), infer (detector, rules), bench.
 *
 * Two stages, and the line between them is the threading model (docs/architecture.md):
 *   feature_encode        one message -> FeatureEncoded; pure; any number of threads
 *   feature_context_step  state + message + FeatureEncoded -> FeatureRow; one thread, in capture order
 * Both give the same bytes on every machine: no libm, no address, no wall clock, no random number enters a
 * row. */
#ifndef SIPCNN_FEATURES_FEATURES_H
#define SIPCNN_FEATURES_FEATURES_H

#include "data/wire/message.h"
#include "data/wire/scan.h"
#include "engine/core/status.h"

#include <stddef.h>

/* Increased whenever a row could differ for the same capture. feature_spec_hash() covers the constants below,
 * the names of all counters and scalars and the quantisation, so that a forgotten increase is noticed too. */
enum { FEATURE_SPEC_VERSION = 1 };
uint64_t feature_spec_hash(void);

/* ---- tokens: one per start line, header and SDP line, in order of appearance ---- */
enum {
    FEATURE_TOKENS = 48,
    FEATURE_TOKEN_FIELDS = 4, /* name, shape of the value, length class, flags */
    FEATURE_TOKEN_NAMES = 128,
    FEATURE_TOKEN_SHAPES = 16,
    FEATURE_TOKEN_LENGTHS = 8,
    FEATURE_TOKEN_FLAGS = 16,
};
/* ---- text: what an attacker writes freely, canonical where it is plain (data/features/text.c) ---- */
enum { FEATURE_TEXT = 192, FEATURE_TEXT_SYMBOLS = 256 };
/* ---- events: the last messages of the dialog, oldest first, the newest (this message) at the end ---- */
enum {
    FEATURE_EVENTS = 16,
    FEATURE_EVENT_FIELDS = 6, /* kind, log time step, relations, more relations, authentication, CSeq step */
    FEATURE_EVENT_KINDS = 48,
    FEATURE_EVENT_STEPS = 16,
    FEATURE_EVENT_RELATIONS = 16,
    FEATURE_EVENT_AUTH = 8,
    FEATURE_EVENT_CSEQ = 8,
};

/* Vocabulary of each field, in order; ids of padding positions are 0 and are masked. */
extern const uint16_t feature_token_vocabulary[FEATURE_TOKEN_FIELDS];
extern const uint16_t feature_event_vocabulary[FEATURE_EVENT_FIELDS];

/* ---- counters ---- */
/* Time constants of the decayed counters: 1 s, 30 s, 10 min, 2 h. Per counter: four log1p(c), then three log
 * ratios of each to the next. */
enum { FEATURE_TAUS = 4, FEATURE_PER_COUNTER = 2 * FEATURE_TAUS - 1 };

/* Counted for the client and for the target of a message. X(name). Requests count where they arrive first
 * (not their relayed legs); replies count for the client of the request that they answer, once. */
#define FEATURE_PEER_COUNTER_MAP(X)                                                                          \
    X(INVITE) /* requests by method */                                                                       \
    X(ACK)                                                                                                   \
    X(BYE)                                                                                                   \
    X(CANCEL)                                                                                                \
    X(REGISTER)                                                                                              \
    X(OPTIONS)                                                                                               \
    X(MESSAGE)                                                                                               \
    X(EVENT)         /* SUBSCRIBE, NOTIFY, PUBLISH */                                                        \
    X(OTHER_REQUEST) /* REFER, INFO, UPDATE, PRACK, unknown methods */                                       \
    X(RETRANSMISSION)                                                                                        \
    X(PROVISIONAL) /* replies by what they say */                                                            \
    X(SUCCESS)                                                                                               \
    X(REDIRECT)                                                                                              \
    X(CHALLENGE)       /* 401, 407 */                                                                        \
    X(FORBIDDEN)       /* 403 */                                                                             \
    X(NOT_FOUND)       /* 404, 410, 416, 484, 485, 604 */                                                    \
    X(UNAVAILABLE)     /* 408, 480, 487 */                                                                   \
    X(BUSY)            /* 486, 600, 603 */                                                                   \
    X(NO_DIALOG)       /* 481 */                                                                             \
    X(CLIENT_ERROR)    /* other 4xx */                                                                       \
    X(SERVER_ERROR)    /* 5xx, other 6xx */                                                                  \
    X(CREDENTIALS)     /* requests with digest credentials */                                                \
    X(AUTH_FAILURE)    /* 401, 407 (not stale) or 403 to a request that had credentials */                   \
    X(AUTH_SUCCESS)    /* 2xx to a request that had credentials */                                           \
    X(ESTABLISHED)     /* ACK of a 2xx */                                                                    \
    X(INITIAL)         /* requests without To tag, ACK and CANCEL apart */                                   \
    X(STRAY)           /* in-dialog requests, CANCEL or ACK of a dialog never seen */                        \
    X(FOREIGN_DIALOG)  /* requests or replies in a dialog from who is no party of it */                      \
    X(FOREIGN_ACCOUNT) /* requests of an account that another client used successfully within 10 min */      \
    X(FOREIGN_AGENT)   /* of these, those with a User-Agent that the account never had */                    \
    X(NEW_CALL)        /* requests of a dialog not seen before, or in which the sender is no party */        \
    X(PASSED_ON)   /* of these, those that pass a call on: the sender had just got one with such users */    \
    X(NEW_TO_USER) /* not seen with this client (target) in the last two hours, as all that follows */       \
    X(NEW_FROM_USER)                                                                                         \
    X(NEW_PEER)      /* address and port of the other side */                                                \
    X(NEW_HOST)      /* address of the other side */                                                         \
    X(NEW_USERNAME)  /* digest user name */                                                                  \
    X(NEW_AGENT)     /* User-Agent */                                                                        \
    X(REPEATED_BODY) /* a body seen before, to a new To user */                                              \
    X(LONG_NUMBER)   /* initial INVITE to an international, premium or very long number */                   \
    X(NEW_PREFIX)    /* a new To user whose last seven digits were dialled before */

#define FEATURE_ACCOUNT_COUNTER_MAP(X)                                                                       \
    X(REGISTER)                                                                                              \
    X(INVITE)                                                                                                \
    X(MESSAGE)                                                                                               \
    X(OTHER)                                                                                                 \
    X(SUCCESS)                                                                                               \
    X(CHALLENGE) X(AUTH_FAILURE) X(AUTH_SUCCESS) X(NOT_FOUND) X(NEW_CLIENT) X(REBOUND) X(LONG_NUMBER)

/* What a client is to others, as their target: a server, a proxy or a PBX is asked by many and answers; and
 * what a target is as a client: a phone asks too, what a scan finds never did. Peer counters. */
#define FEATURE_SERVED_COUNTER_MAP(X)                                                                        \
    X(INITIAL) X(REGISTER) X(INVITE) X(BYE) X(SUCCESS) X(CHALLENGE) X(NEW_HOST) X(NEW_FROM_USER)
#define FEATURE_ASKING_COUNTER_MAP(X) X(INITIAL) X(REGISTER) X(SUCCESS) X(NEW_HOST)

#define FEATURE_ALL_COUNTER_MAP(X) X(REQUEST) X(INITIAL) X(SUCCESS) X(FAILURE) X(AUTH_FAILURE) X(NEW_CLIENT)

#define FEATURE_ENUM_PEER(name) FEATURE_PEER_##name,
typedef enum FeaturePeerCounter {
    FEATURE_PEER_COUNTER_MAP(FEATURE_ENUM_PEER) FEATURE_PEER_COUNTERS
} FeaturePeerCounter;
#undef FEATURE_ENUM_PEER
#define FEATURE_ENUM_SERVED(name) FEATURE_SERVED_##name,
typedef enum FeatureServedCounter {
    FEATURE_SERVED_COUNTER_MAP(FEATURE_ENUM_SERVED) FEATURE_SERVED_COUNTERS
} FeatureServedCounter;
#undef FEATURE_ENUM_SERVED
#define FEATURE_ENUM_ASKING(name) FEATURE_ASKING_##name,
typedef enum FeatureAskingCounter {
    FEATURE_ASKING_COUNTER_MAP(FEATURE_ENUM_ASKING) FEATURE_ASKING_COUNTERS
} FeatureAskingCounter;
#undef FEATURE_ENUM_ASKING
#define FEATURE_ENUM_ACCOUNT(name) FEATURE_ACCOUNT_##name,
typedef enum FeatureAccountCounter {
    FEATURE_ACCOUNT_COUNTER_MAP(FEATURE_ENUM_ACCOUNT) FEATURE_ACCOUNT_COUNTERS
} FeatureAccountCounter;
#undef FEATURE_ENUM_ACCOUNT
#define FEATURE_ENUM_ALL(name) FEATURE_ALL_##name,
typedef enum FeatureAllCounter {
    FEATURE_ALL_COUNTER_MAP(FEATURE_ENUM_ALL) FEATURE_ALL_COUNTERS
} FeatureAllCounter;
#undef FEATURE_ENUM_ALL

/* Facts of the message and its relations to dialog and account, besides one input per method, status class
 * and anomaly (that the message or an earlier one of its dialog has). X(name). */
#define FEATURE_FACT_MAP(X)                                                                                  \
    X(REQUEST)                                                                                               \
    X(RELAYED) /* a further leg of a request, or the reply on it */                                          \
    X(MATCHED) /* a reply whose request was seen */                                                          \
    X(HAS_CLIENT)                                                                                            \
    X(OSIP_ACCEPTED)                                                                                         \
    X(OSIP_REFUSED)                                                                                          \
    X(OSIP_GUARDED)                                                                                          \
    X(TRUNCATED)                                                                                             \
    X(FRAGMENTED)                                                                                            \
    X(ANOMALIES)      /* how many kinds */                                                                   \
    X(UNUSUAL_FIELDS) /* how many fields have unusual text */                                                \
    X(UNUSUAL_BYTES)  /* how many unusual bytes, log scale */                                                \
    X(TO_TAG)                                                                                                \
    X(CREDENTIALS)                                                                                           \
    X(EXPIRES_ZERO)                                                                                          \
    X(CONTACTS)                                                                                              \
    X(CONTACT_IS_SOURCE) /* the Contact's host is the sender's address */                                    \
    X(VIAS)                                                                                                  \
    X(HAS_BODY)                                                                                              \
    X(HAS_SDP)                                                                                               \
    X(HOLD)                                                                                                  \
    X(NUMBER) /* the dialled user part is a number: its digits */                                            \
    X(LONG_NUMBER)                                                                                           \
    X(RETRANSMISSION)                                                                                        \
    X(DIALOG_KNOWN) /* seen before this message */                                                           \
    X(DIALOG_CONFIRMED)                                                                                      \
    X(DIALOG_ENDED)                                                                                          \
    X(SOURCE_IS_PARTY) /* the sender has been in this dialog */                                              \
    X(FROM_TAG_KNOWN)                                                                                        \
    X(TO_TAG_KNOWN)                                                                                          \
    X(CONTACT_CHANGED)                                                                                       \
    X(MEDIA_CHANGED)                                                                                         \
    X(DIALOG_FAULT)   /* the scan or libosip2 found fault with this or an earlier message of its client here \
                       */                                                                                    \
    X(DIALOG_UNUSUAL) /* or it had unusual text */                                                           \
    X(PASSED_CALLER)  /* when it began, its client had just got a request from this From user */             \
    X(PASSED_CALLEE)  /* or to this To user */                                                               \
    X(CSEQ_BACK)      /* CSeq below the sender's last one */                                                 \
    X(ACCOUNT_OWNED)  /* some client used the account successfully lately */                                 \
    X(ACCOUNT_FOREIGN) /* and it is not this one */                                                          \
    X(ACCOUNT_AGE)     /* log time since that success */                                                     \
    X(ACCOUNT_AGENT)   /* its User-Agent is one that the account had before */                               \
    X(ACCOUNT_CALL)    /* a REGISTER with the Call-ID of its owner's last */                                 \
    X(BINDINGS)        /* Contacts in the account's last 200 to REGISTER */                                  \
    X(ASKED_BACK)      /* the target has sent requests to the client lately */                               \
    X(CLIENT_STEP)     /* log time since the client's last message */                                        \
    X(TARGET_STEP)

#define FEATURE_ENUM_FACT(name) FEATURE_FACT_##name,
typedef enum FeatureFact { FEATURE_FACT_MAP(FEATURE_ENUM_FACT) FEATURE_FACTS } FeatureFact;
#undef FEATURE_ENUM_FACT

enum {
    FEATURE_STATUS_CLASSES = 6, /* 1xx .. 6xx */
    /* The message's own inputs: facts, one per method, one per status class, one per anomaly. */
    FEATURE_METHODS_AT = FEATURE_FACTS,
    FEATURE_STATUS_AT = FEATURE_METHODS_AT + WIRE_METHOD_COUNT,
    FEATURE_ANOMALIES_AT = FEATURE_STATUS_AT + FEATURE_STATUS_CLASSES,
    FEATURE_MESSAGE_INPUTS = FEATURE_ANOMALIES_AT + WIRE_ANOMALY_COUNT,
};

/* The five contiguous groups of FeatureRow.counters, in this order. */
typedef enum FeatureGroup {
    FEATURE_GROUP_MESSAGE,
    FEATURE_GROUP_CLIENT,
    FEATURE_GROUP_ACCOUNT,
    FEATURE_GROUP_TARGET,
    FEATURE_GROUP_ALL,
    FEATURE_GROUPS
} FeatureGroup;

enum {
    FEATURE_CLIENT_AT = FEATURE_MESSAGE_INPUTS,
    FEATURE_SERVED_AT = FEATURE_CLIENT_AT + FEATURE_PEER_COUNTERS * FEATURE_PER_COUNTER, /* in its group */
    FEATURE_ACCOUNT_AT = FEATURE_SERVED_AT + FEATURE_SERVED_COUNTERS * FEATURE_PER_COUNTER,
    FEATURE_TARGET_AT = FEATURE_ACCOUNT_AT + FEATURE_ACCOUNT_COUNTERS * FEATURE_PER_COUNTER,
    FEATURE_ASKING_AT = FEATURE_TARGET_AT + FEATURE_PEER_COUNTERS * FEATURE_PER_COUNTER, /* in its group */
    FEATURE_ALL_AT = FEATURE_ASKING_AT + FEATURE_ASKING_COUNTERS * FEATURE_PER_COUNTER,
    FEATURE_COUNTERS = FEATURE_ALL_AT + FEATURE_ALL_COUNTERS * FEATURE_PER_COUNTER,
};

/* Start of each group in FeatureRow.counters; entry FEATURE_GROUPS is FEATURE_COUNTERS. */
extern const uint16_t feature_group_begin[FEATURE_GROUPS + 1];

/* The FeaturePeerCounter behind each served and asking counter. */
extern const uint8_t feature_served_counters[FEATURE_SERVED_COUNTERS];
extern const uint8_t feature_asking_counters[FEATURE_ASKING_COUNTERS];

/* What the model sees of one message: plain bytes, no padding, cached and compared as such. */
typedef struct FeatureRow {
    uint8_t tokens[FEATURE_TOKENS][FEATURE_TOKEN_FIELDS]; /* valid: the first n_tokens */
    uint8_t events[FEATURE_EVENTS][FEATURE_EVENT_FIELDS]; /* valid: the last n_events */
    uint8_t text[FEATURE_TEXT]; /* valid: the first n_text; the last of its dialog */
    uint8_t n_tokens, n_events, n_text;
    uint8_t counters[FEATURE_COUNTERS]; /* log1p(c) as round(16 log1p(c)); ratios as 128 + round(16 r), cut to
                                           u8 */
} FeatureRow;

/* Who a message belongs to (docs/architecture.md: client and target), for incidents and rules. */
typedef struct FeatureKeys {
    bool has_client;            /* false: the client is one of the operator's own addresses */
    bool relayed;               /* another leg of a request that was seen before, or a reply on it */
    bool matched;               /* a reply whose request was seen */
    WireAddress client, target; /* port 0 */
} FeatureKeys;

/* The middle between the stages: what context_step needs of a message. Plain data, no pointers. */
typedef struct FeatureEncoded {
    uint8_t tokens[FEATURE_TOKENS][FEATURE_TOKEN_FIELDS];
    uint8_t text[FEATURE_TEXT];
    uint8_t n_tokens, n_text;
    uint8_t unusual_fields; /* fields with unusual text */
    uint16_t unusual_bytes;
    uint8_t osip; /* WireOsipAnswer */
    bool request, to_tag, star, expires_zero, stale, body, hold, contact_is_source, long_number;
    uint8_t method; /* WireMethod */
    uint16_t status;
    uint32_t cseq;
    uint8_t vias, contacts, digits;
    uint64_t anomalies;
    WireSlice call_id, account_user,
        account_host; /* into the message; the context hashes them with its own key */
    /* Hashes with constant seeds; 0: absent. */
    uint64_t branch, from_tag, to_tag_hash, to_user, from_user, contact, media, agent, body_hash, username,
        suffix;
} FeatureEncoded;

/* Encodes one message. Pure but for libosip2's thread-local arena (wire_osip_init must have run). Never
 * fails. */
void feature_encode(const WireMessage *message, FeatureEncoded *encoded);

typedef struct FeatureContext FeatureContext;

typedef struct FeatureLocal { /* an address range of the operator's own hosts */
    WireAddress network;
    uint8_t prefix; /* bits of the mapped IPv6 address: an IPv4 /24 is 120 */
} FeatureLocal;

/* Reads "10.0.0.0/8" or "fd66::/16" or a bare address. CORE_FORMAT names the text. */
CORE_NODISCARD CoreStatus feature_local_parse(const char *text, FeatureLocal *local, CoreError *error);

/* Whether the range holds the address; ports do not matter. */
bool feature_local_contains(const FeatureLocal *local, const WireAddress *address);

/* An empty context. All memory (at most 99 MiB, touched as it is used) is taken here. `local` (n_local
 * entries, copied) are the operator's own hosts. The caller frees *context. CORE_MEMORY. */
CORE_NODISCARD CoreStatus feature_context_new(const FeatureLocal *local, size_t n_local,
                                              FeatureContext **context, CoreError *error);

/* Advances the context by one message, in capture order, and writes what the model sees of it to *row and
 * whom it belongs to to *keys. No allocation, never fails. One thread at a time. */
void feature_context_step(FeatureContext *context, const WireMessage *message, const FeatureEncoded *encoded,
                          FeatureRow *row, FeatureKeys *keys);

void feature_context_free(FeatureContext *context);

/* The value behind a quantised counter of *row: about c of `counter` in CLIENT or TARGET for time constant
 * `tau` (0: 1 s .. 3: 2 h), within 4 %. For rules. */
float feature_peer_value(const FeatureRow *row, FeatureGroup group, FeaturePeerCounter counter, unsigned tau);

/* Name of an input of FeatureRow.counters, e.g. "client.INVITE.30s" or "fact.TO_TAG", written to `text`; for
 * tables. */
void feature_input_name(unsigned input, char *text, size_t capacity);

#endif
