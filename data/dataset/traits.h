/* Traits: single facts of one request that a rule could judge by. The leak hunt asks how well each does
 * alone. Relies on: data/wire (message, scan). Relied on by: data/dataset/leaks. Internal to data/dataset but
 * for the names. */
#ifndef SIPCNN_DATASET_TRAITS_H
#define SIPCNN_DATASET_TRAITS_H

#include "data/wire/scan.h"

/* X(id, name, behaviour). behaviour 0: how a message is written and where it comes from, which must not tell
 * attack from benign; 1: what its sender does, or what a content attack breaks, which may. */
#define TRAIT_MAP(X)                                                                                         \
    X(CALL_ID_AT, "Call-ID has an @", 0)                                                                     \
    X(CALL_ID_FORM, "Call-ID form", 0)                                                                       \
    X(BRANCH_FORM, "branch form", 0)                                                                         \
    X(FROM_TAG_FORM, "From tag form", 0)                                                                     \
    X(CSEQ_SIZE, "CSeq size", 0)                                                                             \
    X(USER_AGENT, "User-Agent", 0)                                                                           \
    X(AGENT_PRODUCT, "User-Agent product", 0)                                                                \
    X(AGENT_PRESENT, "User-Agent present", 0)                                                                \
    X(HEADER_ORDER, "first four headers", 0)                                                                 \
    X(HEADER_SEQUENCE, "all headers in order", 0)                                                            \
    X(HEADER_COUNT, "header count", 0)                                                                       \
    X(COMPACT, "compact names", 0)                                                                           \
    X(NAME_CASE, "odd case of names", 0)                                                                     \
    X(COLON, "blanks around the colon", 0)                                                                   \
    X(MAX_FORWARDS, "Max-Forwards", 0)                                                                       \
    X(CONTACT_FORM, "Contact form", 0)                                                                       \
    X(CONTACT_USER, "Contact user", 0)                                                                       \
    X(SENT_BY, "Via sent-by", 0)                                                                             \
    X(VIA_RPORT, "Via rport", 0)                                                                             \
    X(FROM_HOST, "From host", 0)                                                                             \
    X(FROM_USER_FORM, "From user form", 0)                                                                   \
    X(FROM_DISPLAY, "From display name", 0)                                                                  \
    X(URI_FORM, "request URI form", 0)                                                                       \
    X(ALLOW, "Allow present", 0)                                                                             \
    X(SUPPORTED, "Supported present", 0)                                                                     \
    X(ACCEPT, "Accept present", 0)                                                                           \
    X(EXPIRES, "Expires present", 0)                                                                         \
    X(CONTENT_LENGTH, "Content-Length present", 0)                                                           \
    X(SDP_USER, "SDP o= user", 0)                                                                            \
    X(SDP_LINES, "SDP lines", 0)                                                                             \
    X(LENGTH, "length / 50", 0)                                                                              \
    X(TRANSPORT, "transport", 0)                                                                             \
    X(WIRE_FLAGS, "fragments and tunnels", 0)                                                                \
    X(SOURCE_PORT, "source port", 0)                                                                         \
    X(NETWORK, "network of the address", 0)                                                                  \
    X(ADDRESS_END, "end of the address / 32", 0)                                                             \
    X(IP_VERSION, "IP version", 0)                                                                           \
    X(HOUR, "hour of the day", 0)                                                                            \
    X(POSITION, "minute of the capture", 0)                                                                  \
    X(METHOD, "method", 1)                                                                                   \
    X(EVER_ACKS, "client ever ACKs", 1)                                                                      \
    X(CREDENTIALS, "digest credentials", 1)                                                                  \
    X(TO_TAG, "To tag", 1)                                                                                   \
    X(BODY, "body", 1)                                                                                       \
    X(TO_IS_FROM, "To = From user", 1)                                                                       \
    X(DIALLED, "digits dialled", 1)                                                                          \
    X(FAULT, "first fault of the grammar", 1)

typedef enum Trait {
#define TRAIT_ENUM(id, name, behaviour) TRAIT_##id,
    TRAIT_MAP(TRAIT_ENUM)
#undef TRAIT_ENUM
        TRAITS
} Trait;

enum { TRAIT_TEXT_SIZE = 96 };

/* Values as text, cut to fit; "" for what the message has not. */
typedef struct TraitValues {
    char text[TRAITS][TRAIT_TEXT_SIZE];
} TraitValues;

/* Reads all traits of a request but TRAIT_EVER_ACKS, which takes more than one message. `capture_start_ns` is
 * the time of its capture's first message. Pure. */
void traits_read(const WireMessage *message, const WireScan *scan, int64_t capture_start_ns,
                 TraitValues *values);

const char *trait_name(Trait trait);
int trait_is_behaviour(Trait trait);

#endif
