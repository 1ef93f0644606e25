/* TCP connections made up packet by packet, and the messages that come of them.
 * Relies on: data/wire/decap.h, tests/wire/frames.h.
 * Relied on by: tests/wire/test_streams.c, test_websocket.c. */
#ifndef SIPCNN_TESTS_WIRE_CONNECTION_H
#define SIPCNN_TESTS_WIRE_CONNECTION_H

#include "data/wire/decap.h"
#include "tests/wire/frames.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, FOUND_MAX = 64, MESSAGES = 4 };

/* A message as it was delivered. */
typedef struct Found {
    uint8_t *bytes;
    WireMessage message;
} Found;

/* What is under test, what it found, the clock, and the packet made last. */
extern WireDecap *decap;
extern Found found[FOUND_MAX];
extern int n_found;
extern uint64_t frames;
extern int64_t now_ns;
extern unsigned port; /* the client's */
extern Bytes segment, packet;

/* Bytes to be cut up, the messages in them, and the offsets of the byte behind each. */
extern Bytes stream;
extern const char *expected[MESSAGES];
extern uint32_t ends[MESSAGES];

/* Fixture: a fresh reader; at the end all counters must add up. */
void tcp_set_up(void);
void tcp_tear_down(void);

/* A fresh reader; and another connection at the same one, in loops that would take long otherwise. */
void tcp_start(void);
void tcp_connect_again(void);
void tcp_forget(void);
void tcp_take_messages(void);
void tcp_assert_identity(void);

/* The end of the capture. */
void tcp_finish(void);

/* Hands over the first bytes of `packet`, a millisecond after the last; they end at an inaccessible page. */
WirePacketFate tcp_feed_packet(uint32_t captured);
void tcp_make_segment(bool reply, unsigned client_port, uint32_t sequence, uint32_t acknowledged,
                      unsigned flags, const void *payload, size_t length);

/* A segment of the client's direction; the same with ACK alone; and the server acknowledges. */
WirePacketFate tcp_send(uint32_t sequence, unsigned flags, const void *payload, size_t length);
WirePacketFate tcp_send_text(uint32_t sequence, const char *text);
WirePacketFate tcp_acknowledge(uint32_t acknowledged);

/* Sends the whole of `stream` from sequence number 0 on in segments of `size`. */
void tcp_send_stream(uint32_t size);

/* The same in pieces of random length in random order; if `repeat`, some twice, some overlapping. */
void tcp_shuffle_and_send(uint64_t *random, uint32_t base, bool repeat);

/* A request with this Call-ID, its length under the given header name (NULL: none), and a body (one of eight
 * static buffers). */
const char *tcp_request(const char *call_id, const char *length_name, const char *body);

/* Fills `stream`: long and compact Content-Length, spaces and capitals, keep-alives, a body like a header. */
void tcp_make_stream(void);

/* Message i found reads `text`; and all of `stream` were found, each index counted within its frame. */
void tcp_assert_found(int i, const char *text, uint32_t flags);
void tcp_assert_all(const char *what, int detail);

#endif
