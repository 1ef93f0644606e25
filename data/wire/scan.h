/* Our own reader of one SIP message: linear, zero-copy, tolerant. It never refuses; it notes anomalies.
 * Relies on: data/wire/message.h.
 * Relied on by: data/features (the features are fed from it always), data/wire/osip, tools. */
#ifndef SIPCNN_WIRE_SCAN_H
#define SIPCNN_WIRE_SCAN_H

#include "data/wire/message.h"

#include <stdbool.h>
#include <stdint.h>

/* A part of the message: offset from its first byte, and length. length 0: absent or empty. */
typedef struct WireSlice {
    uint32_t offset;
    uint32_t length;
} WireSlice;

/* Methods of RFC 3261, 3262, 3265, 3311, 3428, 3515, 3903, 6086. Compared case-sensitively. */
/* clang-format off */
#define WIRE_METHOD_MAP(X)                                                                                   \
    X(INVITE) X(ACK) X(BYE) X(CANCEL) X(REGISTER) X(OPTIONS) X(MESSAGE) X(SUBSCRIBE) X(NOTIFY) X(PUBLISH)    \
    X(REFER) X(INFO) X(UPDATE) X(PRACK)
/* clang-format on */

typedef enum WireMethod {
    WIRE_METHOD_OTHER = 0, /* a token that is none of these */
#define WIRE_METHOD_ENUM(name) WIRE_##name,
    WIRE_METHOD_MAP(WIRE_METHOD_ENUM)
#undef WIRE_METHOD_ENUM
        WIRE_METHOD_COUNT
} WireMethod;

/* Headers known by name: X(id, long name, compact name or 0, at most once per message). Names compare without
 * case. */
#define WIRE_HEADER_MAP(X)                                                                                   \
    X(VIA, "Via", 'v', 0)                                                                                    \
    X(FROM, "From", 'f', 1)                                                                                  \
    X(TO, "To", 't', 1)                                                                                      \
    X(CALL_ID, "Call-ID", 'i', 1)                                                                            \
    X(CSEQ, "CSeq", 0, 1)                                                                                    \
    X(MAX_FORWARDS, "Max-Forwards", 0, 1)                                                                    \
    X(CONTACT, "Contact", 'm', 0)                                                                            \
    X(CONTENT_LENGTH, "Content-Length", 'l', 1)                                                              \
    X(CONTENT_TYPE, "Content-Type", 'c', 1)                                                                  \
    X(USER_AGENT, "User-Agent", 0, 1)                                                                        \
    X(SERVER, "Server", 0, 1)                                                                                \
    X(EXPIRES, "Expires", 0, 1)                                                                              \
    X(AUTHORIZATION, "Authorization", 0, 0)                                                                  \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0, 0)                                                      \
    X(WWW_AUTHENTICATE, "WWW-Authenticate", 0, 0)                                                            \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0, 0)                                                        \
    X(AUTHENTICATION_INFO, "Authentication-Info", 0, 0)                                                      \
    X(RECORD_ROUTE, "Record-Route", 0, 0)                                                                    \
    X(ROUTE, "Route", 0, 0)                                                                                  \
    X(PATH, "Path", 0, 0)                                                                                    \
    X(SERVICE_ROUTE, "Service-Route", 0, 0)                                                                  \
    X(ALLOW, "Allow", 0, 0)                                                                                  \
    X(ALLOW_EVENTS, "Allow-Events", 'u', 0)                                                                  \
    X(SUPPORTED, "Supported", 'k', 0)                                                                        \
    X(REQUIRE, "Require", 0, 0)                                                                              \
    X(PROXY_REQUIRE, "Proxy-Require", 0, 0)                                                                  \
    X(UNSUPPORTED, "Unsupported", 0, 0)                                                                      \
    X(ACCEPT, "Accept", 0, 0)                                                                                \
    X(ACCEPT_ENCODING, "Accept-Encoding", 0, 0)                                                              \
    X(ACCEPT_LANGUAGE, "Accept-Language", 0, 0)                                                              \
    X(SUBJECT, "Subject", 's', 1)                                                                            \
    X(DATE, "Date", 0, 1)                                                                                    \
    X(EVENT, "Event", 'o', 1)                                                                                \
    X(SUBSCRIPTION_STATE, "Subscription-State", 0, 1)                                                        \
    X(REFER_TO, "Refer-To", 'r', 1)                                                                          \
    X(REFERRED_BY, "Referred-By", 'b', 1)                                                                    \
    X(REPLACES, "Replaces", 0, 1)                                                                            \
    X(REASON, "Reason", 0, 0)                                                                                \
    X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0, 0)                                                      \
    X(P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0, 0)                                                    \
    X(REMOTE_PARTY_ID, "Remote-Party-ID", 0, 0)                                                              \
    X(DIVERSION, "Diversion", 0, 0)                                                                          \
    X(PRIVACY, "Privacy", 0, 0)                                                                              \
    X(SESSION_EXPIRES, "Session-Expires", 'x', 1)                                                            \
    X(MIN_SE, "Min-SE", 0, 1)                                                                                \
    X(MIN_EXPIRES, "Min-Expires", 0, 1)                                                                      \
    X(RACK, "RAck", 0, 1)                                                                                    \
    X(RSEQ, "RSeq", 0, 1)                                                                                    \
    X(RETRY_AFTER, "Retry-After", 0, 1)                                                                      \
    X(WARNING, "Warning", 0, 0)                                                                              \
    X(TIMESTAMP, "Timestamp", 0, 1)                                                                          \
    X(ORGANIZATION, "Organization", 0, 1)                                                                    \
    X(CALL_INFO, "Call-Info", 0, 0)                                                                          \
    X(ALERT_INFO, "Alert-Info", 0, 0)                                                                        \
    X(CONTENT_DISPOSITION, "Content-Disposition", 0, 1)                                                      \
    X(CONTENT_ENCODING, "Content-Encoding", 'e', 0)                                                          \
    X(MIME_VERSION, "MIME-Version", 0, 1)                                                                    \
    X(IN_REPLY_TO, "In-Reply-To", 0, 0)                                                                      \
    X(PRIORITY, "Priority", 0, 1)                                                                            \
    X(IDENTITY, "Identity", 'y', 0)                                                                          \
    X(SIP_ETAG, "SIP-ETag", 0, 1)                                                                            \
    X(SIP_IF_MATCH, "SIP-If-Match", 0, 1)

typedef enum WireHeaderId {
    WIRE_HEADER_OTHER = 0,
#define WIRE_HEADER_ENUM(name, text, compact, once) WIRE_HEADER_##name,
    WIRE_HEADER_MAP(WIRE_HEADER_ENUM)
#undef WIRE_HEADER_ENUM
        WIRE_HEADER_COUNT
} WireHeaderId;

/* Header-level facts. */
enum {
    WIRE_HEADER_COMPACT = 1u << 0,     /* written in its compact form */
    WIRE_HEADER_FOLDED = 1u << 1,      /* continued on further lines */
    WIRE_HEADER_ODD_CASE = 1u << 2,    /* known name, other capitals than the RFC's */
    WIRE_HEADER_SPACE_COLON = 1u << 3, /* blanks before the colon */
    WIRE_HEADER_EMPTY = 1u << 4,       /* no value */
    WIRE_HEADER_REPEATED = 1u << 5,    /* the same id came before */
};

typedef struct WireHeader {
    uint8_t id;      /* WireHeaderId */
    uint8_t flags;   /* WIRE_HEADER_* bits above */
    WireSlice name;  /* empty for a line without colon, whose value is then the whole line */
    WireSlice value; /* trimmed; a folded value still contains its line breaks */
} WireHeader;

/* Headers kept per message. Behind them only the first of each known name is kept, so that nobody hides the
 * Call-ID behind padding; the others are noted as MANY_HEADERS and otherwise ignored. */
enum { WIRE_HEADERS_MAX = 128 };

/* A URI as in From, To, Contact or the request line, cut into its parts (RFC 3261 section 19.1). */
typedef struct WireUri {
    WireSlice whole;
    WireSlice scheme; /* without ':' */
    WireSlice user;   /* without password; empty if there is no '@'; of tel: the number */
    WireSlice password;
    WireSlice host;    /* with the brackets of an IPv6 reference */
    WireSlice params;  /* from the first ';' on, ';' included */
    WireSlice headers; /* from '?' on */
    uint16_t port;     /* 0: none given */
} WireUri;

/* name-addr or addr-spec with header parameters (RFC 3261 section 20.10). */
typedef struct WireNameAddr {
    WireSlice display; /* without quotes */
    WireUri uri;
    WireSlice tag;    /* of From and To */
    WireSlice params; /* header parameters, from the first ';' on */
} WireNameAddr;

/* Digest credentials or challenge of the first such header (RFC 3261 section 22, RFC 2617, RFC 8760). */
typedef struct WireDigest {
    bool present; /* an Authorization, Proxy-Authorization, WWW- or Proxy-Authenticate header is there */
    bool stale;   /* stale=true in a challenge */
    WireSlice username, realm, nonce, uri, response; /* without quotes */
} WireDigest;

/* SDP of the body, read by our own reader (RFC 8866). */
typedef struct WireSdp {
    bool present;
    uint8_t media; /* m= lines, at most 255 */
    uint16_t lines;
    WireSlice connection; /* address of the first c= line */
    uint16_t port;        /* port of the first m= line */
    bool hold;            /* a=sendonly, a=inactive or c=0.0.0.0 */
    WireSlice origin;     /* value of o= */
} WireSdp;

/* What is odd about a message: X(name). Each has a bit in WireScan.anomalies; the first 16 keep their offset.
 * None alone says attack: RFC 4475 has legal messages that raise several. */
#define WIRE_ANOMALY_MAP(X)                                                                                  \
    X(START_LINE)       /* neither request line nor status line */                                           \
    X(VERSION)          /* SIP version other than 2.0 */                                                     \
    X(METHOD_UNKNOWN)   /* a token that no RFC of the list defines */                                        \
    X(METHOD_NOT_TOKEN) /* bytes that no token has */                                                        \
    X(STATUS_RANGE)     /* status code outside 100..699 */                                                   \
    X(START_SPACING)    /* more or other blanks than single spaces in the start line */                      \
    X(URI_INVALID)      /* request URI without scheme or host, or with bytes no URI has */                   \
    X(LINE_ENDING)      /* a line that ends in LF or CR alone */                                             \
    X(NO_BLANK_LINE)    /* the header section never ends */                                                  \
    X(LEADING_BYTES)    /* line ends or blanks before the start line */                                      \
    X(NO_COLON)         /* a header line without ':' */                                                      \
    X(HEADER_NAME)      /* a header name with bytes that no token has, or empty */                           \
    X(CONTROL_BYTE)     /* control byte (not HT, CR, LF) in the header section */                            \
    X(NUL_BYTE)         /* NUL in the header section */                                                      \
    X(NOT_UTF8)         /* header section that is not UTF-8 */                                               \
    X(MISSING_VIA)                                                                                           \
    X(MISSING_FROM)                                                                                          \
    X(MISSING_TO)                                                                                            \
    X(MISSING_CALL_ID)                                                                                       \
    X(MISSING_CSEQ)                                                                                          \
    X(REPEATED_HEADER) /* a header of the at-most-once kind comes twice */                                   \
    X(CSEQ_INVALID)    /* not a number below 2^31 and a method */                                            \
    X(CSEQ_METHOD)     /* CSeq method differs from the request's */                                          \
    X(CONTENT_LENGTH)  /* not a number, negative, or over 16 MiB */                                          \
    X(BODY_SHORT)      /* body shorter than Content-Length (and not cut by the capture) */                   \
    X(BODY_LONG)       /* more than blanks behind the body that Content-Length gives */                      \
    X(MAX_FORWARDS)    /* not a number of 0..255 */                                                          \
    X(EXPIRES)         /* Expires or expires= that is no number below 2^32 */                                \
    X(VIA_INVALID)     /* Via without SIP/2.0/transport and sent-by */                                       \
    X(BRANCH_MISSING)  /* top Via without branch, or with the cookie z9hG4bK alone */                        \
    X(ADDRESS_INVALID) /* From, To or Contact that is no name-addr or addr-spec */                           \
    X(QUOTE_UNBALANCED)                                                                                      \
    X(ANGLE_UNBALANCED)                                                                                      \
    X(PERCENT_INVALID)   /* '%' without two hex digits in a URI */                                           \
    X(PARAMETER_INVALID) /* empty or non-token parameter name, or unterminated value */                      \
    X(PORT_INVALID)      /* a port that is no number of 1..65535 */                                          \
    X(LONG_LINE)         /* a header line over 1,024 bytes */                                                \
    X(LONG_TOKEN)        /* a user part, host, display name or token over 128 bytes */                       \
    X(MANY_HEADERS)      /* more than WIRE_HEADERS_MAX header lines */                                       \
    X(MANY_SEPARATORS)   /* more than 256 of ; , & = in the header section */                                \
    X(BYTE_RUN)          /* 64 or more equal bytes in a row, body included (blanks apart) */                 \
    X(DATE_INVALID)                                                                                          \
    X(AUTH_INVALID)     /* credentials or challenge without scheme or with broken parameters */              \
    X(BODY_TYPE)        /* a body without Content-Type */                                                    \
    X(SDP_INVALID)      /* application/sdp whose lines are not x=..., or without v= o= s= in order */        \
    X(FORMAT_DIRECTIVE) /* two or more of %n %s %x %X %p %d %u (with modifiers) in the header section that   \
                           are no %HH */                                                                     \
    X(NON_ASCII) /* a byte over 127 where the grammar has no UTF-8: not in quoted strings, display names,    \
                    reason phrase, Subject, Organization, User-Agent, Server, unknown headers */

typedef enum WireAnomaly {
#define WIRE_ANOMALY_ENUM(name) WIRE_ANOMALY_##name,
    WIRE_ANOMALY_MAP(WIRE_ANOMALY_ENUM)
#undef WIRE_ANOMALY_ENUM
        WIRE_ANOMALY_COUNT
} WireAnomaly;

enum { WIRE_ANOMALIES_LOCATED = 16 };

/* The result of one scan. Slices point into the scanned message. About 3.5 KiB; reuse it. Of a header that
 * comes more often than it may, the first one counts. */
typedef struct WireScan {
    bool request;          /* false: a reply (or, with START_LINE, unknown); "INVITE sip:x" is a request */
    uint8_t method;        /* WireMethod of the request line, or of a reply's CSeq */
    WireSlice method_text; /* the same as text */
    uint16_t status;       /* 0 for requests; as written, at most 65535, even if STATUS_RANGE */
    WireSlice reason;
    WireUri uri; /* request URI */

    WireHeader headers[WIRE_HEADERS_MAX + WIRE_HEADER_COUNT]; /* entries from header_count on are not set */
    uint16_t header_count;
    int16_t first[WIRE_HEADER_COUNT]; /* index of the first header of each id, -1: none */
    uint8_t count[WIRE_HEADER_COUNT]; /* occurrences, at most 255 */

    WireSlice call_id;
    uint32_t cseq; /* 0 if it is no number below 2^31 */
    WireNameAddr from, to,
        contact;            /* contact: the first value of the first Contact; "*" has only uri.whole */
    uint8_t contacts;       /* Contact values over all Contact headers, at most 255 */
    uint8_t vias;           /* Via values over all Via headers, at most 255 */
    WireSlice branch;       /* of the top Via */
    WireSlice sent_by;      /* of the top Via, host and port as written */
    WireSlice user_agent;   /* User-Agent, or Server of a reply */
    WireDigest credentials; /* Authorization or Proxy-Authorization */
    WireDigest challenge;   /* WWW-Authenticate or Proxy-Authenticate */
    int32_t max_forwards;   /* -1: absent or invalid */
    int64_t expires;        /* the first Contact's expires parameter, else Expires; -1: absent or invalid */
    int64_t content_length; /* -1: absent or invalid */
    WireSlice body;         /* what follows the blank line, cut to Content-Length if that is less */
    WireSdp sdp;

    uint64_t anomalies; /* 1 << WireAnomaly */
    uint8_t located;    /* entries used in the two arrays below, in order of discovery */
    uint8_t anomaly_id[WIRE_ANOMALIES_LOCATED];
    uint32_t anomaly_offset[WIRE_ANOMALIES_LOCATED];
} WireScan;

/* Scans `bytes[0..length)` into *scan (every field is set). Linear in length, no allocation, never fails,
 * never reads outside. `truncated`: the capture cut the message; what may have stood behind the cut is no
 * anomaly (BODY_SHORT, NO_BLANK_LINE, MISSING_*), and a header or SDP line at the cut is left out.
 * Thread-safe. */
void wire_scan(const uint8_t *bytes, uint32_t length, bool truncated, WireScan *scan);

/* True if the bytes have the shape of a SIP message: after at most a few blanks and line ends, a status line
 * "SIP/…", or a token, blanks, something, and "SIP/" version on the first line (any word will do before a
 * sip:, sips: or tel: URI), or a known method followed by such a URI. Ports do not matter. Linear in the
 * first line, at most 4 KiB. Thread-safe. */
bool wire_is_sip(const uint8_t *bytes, uint32_t length);

/* Of bytes for which wire_is_sip is false: true if that may change when more bytes follow, because the first
 * line is not whole yet. Linear in the first line. Thread-safe. */
bool wire_may_become_sip(const uint8_t *bytes, uint32_t length);

/* Constant names, for tables and errors. Never NULL. */
const char *wire_method_name(WireMethod method);
const char *wire_header_name(WireHeaderId id);
const char *wire_anomaly_name(WireAnomaly anomaly);

#endif
