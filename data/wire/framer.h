/* Where a SIP message ends in a stream of bytes (RFC 3261 sections 7.5 and 18.3).
 * Relies on: data/wire/scan.h (the shape of a first line).
 * Relied on by: data/wire/streams.c. */
#ifndef SIPCNN_WIRE_FRAMER_H
#define SIPCNN_WIRE_FRAMER_H

#include <stdbool.h>
#include <stdint.h>

/* The longest message that is framed by its Content-Length: twice what is looked at (WIRE_MESSAGE_MAX), so
 * that an honest one that is a little too long ends where it ends. A greater length is a lie or a bomb: no
 * stack takes it, and believing it would blind us for as many bytes. */
enum { WIRE_FRAMER_MESSAGE_MAX = 128 << 10 };

typedef enum WireFramerResult {
    WIRE_FRAMER_MORE,    /* nothing whole yet */
    WIRE_FRAMER_MESSAGE, /* a message */
    WIRE_FRAMER_DAMAGED, /* a header section whose Content-Length is absent, no number, too great or given
                            twice with different values; where its body ends nobody knows */
    WIRE_FRAMER_NOT_SIP, /* no SIP message starts here */
} WireFramerResult;

/* What is known of the message that starts at the first byte; all zero at the start of each. */
typedef struct WireFramer {
    uint32_t searched; /* no end of the header section ends before this offset */
    uint32_t whole;    /* length of the message; 0: not known yet */
} WireFramer;

/* Line ends before a message: keep-alives of RFC 5626 and RFC 3261 section 7.5, to be passed over.
 * Thread-safe. */
uint32_t wire_framer_line_ends(const uint8_t *bytes, uint32_t length);

/* Looks at bytes[0..available), which do not start with a line end. MESSAGE and DAMAGED: *length is the
 * message's (DAMAGED: its header section's), *framer is zero again. The answer does not depend on how many
 * calls the bytes came in; the work is linear in them over all calls, but for one pass of the first line (4
 * KiB) per call. Thread-safe. */
WireFramerResult wire_framer_next(WireFramer *framer, const uint8_t *bytes, uint32_t available,
                                  uint32_t *length);

/* Looks for a place where a message may start: the offset of the first line that has the shape of one or may
 * get it, or `length`. *line_start says whether bytes[0] begins a line, and on return whether what follows
 * the bytes passed over does. Thread-safe. */
uint32_t wire_framer_search(const uint8_t *bytes, uint32_t length, bool *line_start);

/* The end of the header section (its blank line included) if it lies in bytes[0..length), else 0; `from` is
 * as WireFramer.searched. Lines end in LF, as every server's reader has it; a CR before it does not count. */
uint32_t wire_framer_header_end(const uint8_t *bytes, uint32_t length, uint32_t from);

#endif
