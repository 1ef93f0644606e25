/* What the parts of our own reader share: byte sets, the scanner, lists and parameters.
 * Relies on: data/wire/scan.h.
 * Relied on by: the files of data/wire that make up wire_scan; no other room. */
#ifndef SIPCNN_WIRE_SCANNER_H
#define SIPCNN_WIRE_SCANNER_H

#include "data/wire/scan.h"

/* A set of ASCII bytes; bytes over 127 are in no set. */
typedef struct WireByteSet {
    uint64_t low, high; /* bytes 0..63 and 64..127 */
} WireByteSet;

#define WIRE_BIT(byte)   (1ull << ((byte)&63))
#define WIRE_DIGITS      (0x3ffull << '0')
#define WIRE_LETTERS     (0x3ffffffull << ('A' & 63) | 0x3ffffffull << ('a' & 63))
#define WIRE_HEX_LETTERS (0x3full << ('A' & 63) | 0x3full << ('a' & 63))
/* mark of RFC 3261 section 25.1: - _ . ! ~ * ' ( ) */
#define WIRE_MARK_LOW                                                                                        \
    (WIRE_BIT('-') | WIRE_BIT('.') | WIRE_BIT('!') | WIRE_BIT('*') | WIRE_BIT('\'') | WIRE_BIT('(') |        \
     WIRE_BIT(')'))
#define WIRE_MARK_HIGH (WIRE_BIT('_') | WIRE_BIT('~'))

#define WIRE_SET_DIGIT ((WireByteSet){WIRE_DIGITS, 0})
#define WIRE_SET_HEX   ((WireByteSet){WIRE_DIGITS, WIRE_HEX_LETTERS})
#define WIRE_SET_TOKEN                                                                                       \
    ((WireByteSet){WIRE_DIGITS | WIRE_BIT('-') | WIRE_BIT('.') | WIRE_BIT('!') | WIRE_BIT('%') |             \
                       WIRE_BIT('*') | WIRE_BIT('+') | WIRE_BIT('\''),                                       \
                   WIRE_LETTERS | WIRE_BIT('_') | WIRE_BIT('`') | WIRE_BIT('~')})
#define WIRE_SET_SCHEME                                                                                      \
    ((WireByteSet){WIRE_DIGITS | WIRE_BIT('+') | WIRE_BIT('-') | WIRE_BIT('.'), WIRE_LETTERS})
/* user of a SIP URI, escapes included, and '#', which deployed phones send for feature codes. */
#define WIRE_SET_USER                                                                                        \
    ((WireByteSet){WIRE_DIGITS | WIRE_MARK_LOW | WIRE_BIT('&') | WIRE_BIT('=') | WIRE_BIT('+') |             \
                       WIRE_BIT('$') | WIRE_BIT(',') | WIRE_BIT(';') | WIRE_BIT('?') | WIRE_BIT('/') |       \
                       WIRE_BIT('%') | WIRE_BIT('#'),                                                        \
                   WIRE_LETTERS | WIRE_MARK_HIGH})
#define WIRE_SET_PASSWORD                                                                                    \
    ((WireByteSet){WIRE_DIGITS | WIRE_MARK_LOW | WIRE_BIT('&') | WIRE_BIT('=') | WIRE_BIT('+') |             \
                       WIRE_BIT('$') | WIRE_BIT(',') | WIRE_BIT('%'),                                        \
                   WIRE_LETTERS | WIRE_MARK_HIGH})
/* Host names; '_' is no host-name byte of RFC 3261, but names of service records and containers carry it. */
#define WIRE_SET_HOST                                                                                        \
    ((WireByteSet){WIRE_DIGITS | WIRE_BIT('-') | WIRE_BIT('.'), WIRE_LETTERS | WIRE_BIT('_')})
#define WIRE_SET_IPV6 ((WireByteSet){WIRE_DIGITS | WIRE_BIT(':') | WIRE_BIT('.'), WIRE_HEX_LETTERS})
/* paramchar of a URI parameter. */
#define WIRE_SET_URI_PARAMETER                                                                               \
    ((WireByteSet){WIRE_DIGITS | WIRE_MARK_LOW | WIRE_BIT('/') | WIRE_BIT(':') | WIRE_BIT('&') |             \
                       WIRE_BIT('+') | WIRE_BIT('$') | WIRE_BIT('%'),                                        \
                   WIRE_LETTERS | WIRE_MARK_HIGH | WIRE_BIT('[') | WIRE_BIT(']')})
/* Anything that some URI may hold (RFC 3986): unreserved, reserved and '%'. */
#define WIRE_SET_URI                                                                                         \
    ((WireByteSet){WIRE_DIGITS | WIRE_MARK_LOW | WIRE_BIT('/') | WIRE_BIT(':') | WIRE_BIT('&') |             \
                       WIRE_BIT('+') | WIRE_BIT('$') | WIRE_BIT('%') | WIRE_BIT(';') | WIRE_BIT('?') |       \
                       WIRE_BIT(',') | WIRE_BIT('=') | WIRE_BIT('#'),                                        \
                   WIRE_LETTERS | WIRE_MARK_HIGH | WIRE_BIT('[') | WIRE_BIT(']') | WIRE_BIT('@')})
/* Linear white space once lines are folded: SP HT CR LF. */
#define WIRE_SET_BLANK ((WireByteSet){WIRE_BIT(' ') | WIRE_BIT('\t') | WIRE_BIT('\r') | WIRE_BIT('\n'), 0})

static inline bool wire_in(WireByteSet set, uint8_t byte) {
    uint64_t word = byte & 64 ? set.high : set.low;
    return byte < 128 && (word >> (byte & 63) & 1) != 0;
}

static inline bool wire_is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static inline uint8_t wire_lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 32) : byte;
}

/* The message under the scanner. All offsets are from bytes[0]; every range is [begin, end). */
typedef struct WireScanner {
    const uint8_t *bytes;
    uint32_t length;
    WireScan *scan;
} WireScanner;

/* Notes an anomaly; the first of its kind keeps its offset while there is room. */
void wire_note(WireScanner *scanner, WireAnomaly anomaly, uint32_t offset);

/* The range without blanks at its ends. */
WireSlice wire_trim(const WireScanner *scanner, uint32_t begin, uint32_t end);

/* First offset in [begin, end) that holds `byte`, or `end`. */
uint32_t wire_find(const WireScanner *scanner, uint32_t begin, uint32_t end, uint8_t byte);

/* First offset in [begin, end) whose byte is (is not) in the set, or `end`. */
uint32_t wire_find_in(const WireScanner *scanner, uint32_t begin, uint32_t end, WireByteSet set);
uint32_t wire_skip_in(const WireScanner *scanner, uint32_t begin, uint32_t end, WireByteSet set);

/* True if the slice equals the lower-case `text`, letters without case. */
bool wire_equals(const WireScanner *scanner, WireSlice slice, const char *text);

/* True and *value, if the slice is 1 to 19 decimal digits and nothing else. */
bool wire_number(const WireScanner *scanner, WireSlice slice, uint64_t *value);

/* Notes LONG_TOKEN if the slice is longer than a token of honest traffic. */
void wire_check_token_length(WireScanner *scanner, WireSlice slice);

/* Notes PERCENT_INVALID for a '%' without two hexadecimal digits. */
void wire_check_percent(WireScanner *scanner, uint32_t begin, uint32_t end);

/* The end of the quoted string that starts at `open` (its first '"'): the offset of the closing quote, or
 * `end` with QUOTE_UNBALANCED noted. Backslashes escape. */
uint32_t wire_quote_end(WireScanner *scanner, uint32_t open, uint32_t end);

/* The next element of a comma-separated list whose elements may hold quoted strings and <...>; *at moves
 * behind it. False at the end of the list. Elements may be empty. */
bool wire_next_element(WireScanner *scanner, uint32_t *at, uint32_t end, WireSlice *element);

typedef struct WireParameter {
    WireSlice name;
    WireSlice value; /* without quotes */
    bool valid;      /* a name of bytes that a name may have and, after '=', a value that ends */
} WireParameter;

/* The next `name[=value]` of a list with the given separator (';' or ','); *at, which is at the begin of a
 * parameter, moves behind its separator. False when *at has passed the end. A list that ends in a separator
 * yields one last empty parameter. */
bool wire_next_parameter(WireScanner *scanner, uint32_t *at, uint32_t end, uint8_t separator,
                         WireByteSet name_bytes, WireParameter *parameter);

/* Parts of the scan, one per file. */
void wire_scan_start_line(WireScanner *scanner, uint32_t begin, uint32_t end);
void wire_scan_uri(WireScanner *scanner, WireSlice whole, WireAnomaly invalid, WireUri *uri);
uint16_t wire_scan_host_port(WireScanner *scanner, WireSlice range, WireAnomaly invalid, WireSlice *host);
void wire_scan_name_addr(WireScanner *scanner, WireSlice element, WireNameAddr *address, int64_t *expires);
void wire_scan_via(WireScanner *scanner, WireSlice element, bool top);
void wire_scan_credentials(WireScanner *scanner, WireSlice value, WireDigest *digest);
void wire_scan_date(WireScanner *scanner, WireSlice value);
void wire_scan_sdp(WireScanner *scanner, WireSlice content_type, bool truncated);

enum { WIRE_SEPARATORS_MAX = 256 }; /* more are odd, and too many for libosip2, which is quadratic in them */

/* How many bytes of each kind there are: NUL, other control bytes that have no place in a header, bytes over
 * 127, the separators & , ; = and the bytes CR and LF. */
typedef struct WireCensus {
    uint32_t nul, control, high, separators, line_ends;
} WireCensus;
WireCensus wire_census(const uint8_t *bytes, uint32_t length);

/* Checks of the raw bytes of [0, header_end): encoding, control bytes, runs, separators, directives. */
void wire_check_bytes(WireScanner *scanner, uint32_t header_end);

WireMethod wire_method_of(const uint8_t *text, uint32_t length);
/* WIRE_HEADER_OTHER if unknown; *flags receives COMPACT and ODD_CASE. */
WireHeaderId wire_header_of(const uint8_t *text, uint32_t length, uint8_t *flags);
bool wire_header_once(WireHeaderId id);

#endif
