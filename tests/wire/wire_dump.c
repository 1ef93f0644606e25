/* Prints what wire makes of a capture, a line per message, for people and for tests/wire/compare_tshark.py.
 * Relies on: data/wire.
 * Relied on by: nobody; a tool for reading along. */
#include "data/wire/osip.h"
#include "data/wire/scan.h"
#include "data/wire/source.h"

#include <inttypes.h>
#include <stdio.h>

static void print_slice(const WireMessage *message, WireSlice slice) {
    for (uint32_t i = 0; i < slice.length && i < 80; i++) {
        uint8_t byte = message->bytes[slice.offset + i];
        if (byte >= ' ' && byte < 127 && byte != '\\')
            putchar(byte);
        else
            printf("\\x%02x", byte);
    }
}

static void print_message(const WireMessage *message, const WireScan *scan, WireOsipAnswer answer) {
    char source[WIRE_ADDRESS_TEXT_MAX], destination[WIRE_ADDRESS_TEXT_MAX];
    static const char *const transports[] = {"udp", "tcp", "ws"};
    printf("%" PRIu64 "\t%s\t%" PRId64 ".%09" PRId64 "\t%s\t%s\t", message->frame,
           transports[message->transport], message->time_ns / INT64_C(1000000000),
           message->time_ns % INT64_C(1000000000),
           wire_address_text(&message->source, true, source, sizeof source),
           wire_address_text(&message->destination, true, destination, sizeof destination));
    print_slice(message, scan->method_text);
    printf("\t%u\t", scan->status);
    print_slice(message, scan->call_id);
    printf("\t%" PRIu32 "\tflags=%" PRIu32 "\tosip=%d\t", message->length, message->flags, (int)answer);
    for (int i = 0; i < scan->located; i++)
        printf("%s%s@%" PRIu32, i > 0 ? "," : "", wire_anomaly_name((WireAnomaly)scan->anomaly_id[i]),
               scan->anomaly_offset[i]);
    putchar('\n');
}

static void print_counters(WireCounters counters) {
    static const char *const names[WIRE_PACKET_FATES] = {
#define FATE_TEXT(name, text) text,
        WIRE_PACKET_MAP(FATE_TEXT)
#undef FATE_TEXT
    };
    fprintf(stderr, "%" PRIu64 " packets", counters.packets);
    for (int i = 0; i < WIRE_PACKET_FATES; i++)
        if (counters.fate[i] > 0) fprintf(stderr, ", %" PRIu64 " %s", counters.fate[i], names[i]);
    fprintf(stderr, "; %" PRIu64 " messages, %" PRIu64 " gaps, %" PRIu64 " resynchronisations\n",
            counters.messages, counters.stream_gaps, counters.stream_resyncs);
}

int main(int count, char **arguments) {
    CoreError error;
    WireSource *source;
    static WireScan scan;
    if (count != 2) {
        fprintf(stderr, "usage: wire_dump CAPTURE\n");
        return 2;
    }
    CoreStatus status = wire_osip_init(&error);
    if (!status) status = wire_source_open_file(arguments[1], &source, &error);
    if (status) {
        fprintf(stderr, "wire_dump: %s\n", error.text);
        return 1;
    }
    WireMessage message;
    while ((status = wire_source_next(source, -1, &message, &error)) == CORE_OK) {
        wire_scan(message.bytes, message.length, (message.flags & WIRE_FLAG_TRUNCATED) != 0, &scan);
        print_message(&message, &scan, wire_osip_answer(message.bytes, message.length, &scan));
    }
    print_counters(wire_source_counters(source));
    wire_source_free(source);
    if (status == CORE_END) return 0;
    fprintf(stderr, "wire_dump: %s\n", error.text);
    return 1;
}
