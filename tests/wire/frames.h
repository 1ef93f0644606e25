/* Builders of synthetic frames and capture files.
 * Relies on: libc.
 * Relied on by: tests/wire/test_decap.c, test_source.c. */
#ifndef SIPCNN_TESTS_WIRE_FRAMES_H
#define SIPCNN_TESTS_WIRE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes under construction. */
typedef struct Bytes {
    uint8_t data[1 << 17];
    size_t length;
} Bytes;

void put(Bytes *bytes, const void *data, size_t length);
void put8(Bytes *bytes, unsigned value);
void put16(Bytes *bytes, unsigned value); /* network order */
void put32(Bytes *bytes, uint32_t value); /* network order */
void put_le32(Bytes *bytes, uint32_t value);

/* UDP from port 5060 to 5080 with this payload. */
void make_udp(Bytes *udp, const void *payload, size_t length);

/* An IP packet from 10.0.0.1 to 10.0.0.2, or fd66::1 to fd66::2; offset in bytes. */
void make_ip4(Bytes *packet, unsigned protocol, unsigned id, size_t offset, bool more, const uint8_t *payload,
              size_t length);
void make_ip6(Bytes *packet, unsigned next_header, const uint8_t *payload, size_t length);
/* The same with a fragment header in between. */
void make_ip6_fragment(Bytes *packet, unsigned protocol, uint32_t id, size_t offset, bool more,
                       const uint8_t *payload, size_t length);

/* A classic little-endian pcap file of microseconds: header, then records of increasing time. */
void start_pcap(Bytes *file, uint32_t link_type);
void put_record(Bytes *file, uint32_t seconds, uint32_t microseconds, const uint8_t *frame, size_t length);

/* pcapng: section and interface, then packets. */
void start_pcapng(Bytes *file, unsigned link_type);
void put_interface(Bytes *file, unsigned link_type);
void put_packet(Bytes *file, unsigned interface, uint64_t microseconds, const uint8_t *frame, size_t length);

/* A small complete SIP request with this Call-ID (static buffer). */
const char *request_with_call_id(const char *call_id);

#endif
