/* Builders of synthetic frames and capture files.
 * Relies on: tests/wire/frames.h.
 * Relied on by: tests/wire/test_decap.c, test_source.c. */
#include "tests/wire/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void put(Bytes *bytes, const void *data, size_t length) {
    if (length > sizeof bytes->data - bytes->length) abort();
    if (length > 0) memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

void put8(Bytes *bytes, unsigned value) {
    uint8_t byte = (uint8_t)value;
    put(bytes, &byte, 1);
}

void put16(Bytes *bytes, unsigned value) {
    put8(bytes, value >> 8);
    put8(bytes, value);
}

void put32(Bytes *bytes, uint32_t value) {
    put16(bytes, value >> 16);
    put16(bytes, value & 0xffff);
}

static void put_le16(Bytes *bytes, unsigned value) {
    put8(bytes, value);
    put8(bytes, value >> 8);
}

void put_le32(Bytes *bytes, uint32_t value) {
    put_le16(bytes, value & 0xffff);
    put_le16(bytes, value >> 16);
}

void make_udp(Bytes *udp, const void *payload, size_t length) {
    udp->length = 0;
    put16(udp, 5060);
    put16(udp, 5080);
    put16(udp, (unsigned)(8 + length));
    put16(udp, 0xabcd);
    put(udp, payload, length);
}

void make_ip4(Bytes *packet, unsigned protocol, unsigned id, size_t offset, bool more, const uint8_t *payload,
              size_t length) {
    packet->length = 0;
    put16(packet, 0x4500);
    put16(packet, (unsigned)(20 + length));
    put16(packet, id);
    put16(packet, (unsigned)(offset / 8) | (more ? 0x2000 : 0));
    put8(packet, 64);
    put8(packet, protocol);
    put16(packet, 0x1234);
    put32(packet, 0x0a000001);
    put32(packet, 0x0a000002);
    put(packet, payload, length);
}

void make_ip6(Bytes *packet, unsigned next_header, const uint8_t *payload, size_t length) {
    uint8_t address[16] = {0xfd, 0x66};
    packet->length = 0;
    put32(packet, 0x60000000);
    put16(packet, (unsigned)length);
    put8(packet, next_header);
    put8(packet, 64);
    address[15] = 1;
    put(packet, address, sizeof address);
    address[15] = 2;
    put(packet, address, sizeof address);
    put(packet, payload, length);
}

void make_ip6_fragment(Bytes *packet, unsigned protocol, uint32_t id, size_t offset, bool more,
                       const uint8_t *payload, size_t length) {
    static Bytes fragment;
    fragment.length = 0;
    put8(&fragment, protocol);
    put8(&fragment, 0);
    put16(&fragment, (unsigned)offset | more);
    put32(&fragment, id);
    put(&fragment, payload, length);
    make_ip6(packet, 44, fragment.data, fragment.length);
}

void start_pcap(Bytes *file, uint32_t link_type) {
    file->length = 0;
    put_le32(file, 0xa1b2c3d4);
    put_le16(file, 2);
    put_le16(file, 4);
    put_le32(file, 0);
    put_le32(file, 0);
    put_le32(file, 262144);
    put_le32(file, link_type);
}

void put_record(Bytes *file, uint32_t seconds, uint32_t microseconds, const uint8_t *frame, size_t length) {
    put_le32(file, seconds);
    put_le32(file, microseconds);
    put_le32(file, (uint32_t)length);
    put_le32(file, (uint32_t)length);
    put(file, frame, length);
}

void start_pcapng(Bytes *file, unsigned link_type) {
    file->length = 0;
    put_le32(file, 0x0a0d0d0a);
    put_le32(file, 28);
    put_le32(file, 0x1a2b3c4d);
    put_le16(file, 1);
    put_le16(file, 0);
    put_le32(file, 0xffffffff);
    put_le32(file, 0xffffffff);
    put_le32(file, 28);
    put_interface(file, link_type);
}

void put_interface(Bytes *file, unsigned link_type) {
    put_le32(file, 1);
    put_le32(file, 20);
    put_le16(file, link_type);
    put_le16(file, 0);
    put_le32(file, 262144);
    put_le32(file, 20);
}

void put_packet(Bytes *file, unsigned interface, uint64_t microseconds, const uint8_t *frame, size_t length) {
    static const uint8_t padding[3] = {0};
    size_t padded = (length + 3) / 4 * 4;
    put_le32(file, 6);
    put_le32(file, (uint32_t)(32 + padded));
    put_le32(file, interface);
    put_le32(file, (uint32_t)(microseconds >> 32));
    put_le32(file, (uint32_t)microseconds);
    put_le32(file, (uint32_t)length);
    put_le32(file, (uint32_t)length);
    put(file, frame, length);
    put(file, padding, padded - length);
    put_le32(file, (uint32_t)(32 + padded));
}

const char *request_with_call_id(const char *call_id) {
    static char text[512];
    snprintf(text, sizeof text,
             "OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%s\r\n"
             "From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: %s\r\n"
             "CSeq: 1 OPTIONS\r\n\r\n",
             call_id, call_id);
    return text;
}
