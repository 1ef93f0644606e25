/* Capture files good and bad, standard input, interrupts, and the corpus' SIP messages counted.
 * Relies on: data/wire/source.h, tests/wire/corpus.tsv, the third-party corpus, Check.
 * Relied on by: ctest. */
#include "data/wire/source.h"

#include "tests/wire/frames.h"
#include "tests/wire/suites.h"
#include "tests/wire/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINK_ETHERNET = 1, LINK_RAW = 101, LINK_WIFI = 105 };

static Bytes file;
static CoreError error;

static void make_packet(Bytes *packet, const char *call_id) {
    static Bytes udp;
    const char *text = request_with_call_id(call_id);
    make_udp(&udp, text, strlen(text));
    make_ip4(packet, 17, 1, 0, false, udp.data, udp.length);
}

static void assert_identity(WireSource *source) {
    WireCounters counters = wire_source_counters(source);
    uint64_t sum = 0;
    for (int i = 0; i < WIRE_PACKET_FATES; i++)
        sum += counters.fate[i];
    ck_assert_uint_eq(sum, counters.packets);
    ck_assert_uint_ge(counters.messages, counters.fate[WIRE_PACKET_SIP]); /* a segment may complete several */
}

/* Reads to the end; *end is why it ended; returns the number of messages, or -1 if the file did not open. */
static int drain(const char *path, CoreStatus *end) {
    WireSource *source;
    WireMessage message;
    int messages = 0;
    *end = wire_source_open_file(path, &source, &error);
    if (*end) return -1;
    while ((*end = wire_source_next(source, -1, &message, &error)) == CORE_OK)
        messages++;
    ck_assert_int_eq(wire_source_next(source, -1, &message, &error), *end); /* asking again changes nothing */
    assert_identity(source);
    wire_source_free(source);
    return messages;
}

static int drain_bytes(const void *bytes, size_t length, CoreStatus *end) {
    const char *path = temporary_file(bytes, length);
    int messages = drain(path, end);
    unlink(path);
    return messages;
}

static void make_pcap(int packets) {
    static Bytes packet;
    start_pcap(&file, LINK_RAW);
    for (int i = 0; i < packets; i++) {
        make_packet(&packet, "pcap");
        put_record(&file, 1700000000u + (uint32_t)i, 123456, packet.data, packet.length);
    }
}

START_TEST(pcap_file) {
    WireSource *source;
    WireMessage message;
    uint64_t done, total;
    make_pcap(3);
    const char *path = temporary_file(file.data, file.length);
    ck_assert_int_eq(wire_source_open_file(path, &source, &error), CORE_OK);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert_int_eq(wire_source_next(source, -1, &message, &error), CORE_OK);
        ck_assert_uint_eq(message.frame, i + 1);
        ck_assert_int_eq(message.time_ns, (INT64_C(1700000000) + (int64_t)i) * 1000000000 + 123456000);
    }
    ck_assert_int_eq(wire_source_next(source, -1, &message, &error), CORE_END);
    wire_source_progress(source, &done, &total);
    ck_assert_uint_eq(done, file.length);
    ck_assert_uint_eq(total, file.length);
    ck_assert_uint_eq(wire_source_counters(source).messages, 3);
    wire_source_free(source);
    unlink(path);
}
END_TEST

/* Every truncation of a file: all whole frames come, then one clear line that names file and frame. */
START_TEST(truncated_files) {
    CoreStatus end;
    char expected[64];
    make_pcap(4);
    size_t record = (file.length - 24) / 4;
    for (size_t length = 1; length < file.length; length++) {
        int messages = drain_bytes(file.data, length, &end);
        if (length < 24) {
            ck_assert_int_eq(messages, -1);
            ck_assert_int_eq(end, CORE_FORMAT);
            continue;
        }
        ck_assert_int_eq(messages, (int)((length - 24) / record));
        if ((length - 24) % record == 0) {
            ck_assert_int_eq(end, CORE_END);
            continue;
        }
        ck_assert_int_eq(end, CORE_FORMAT);
        snprintf(expected, sizeof expected, ": frame %zu: ", (length - 24) / record + 1);
        ck_assert_msg(strstr(error.text, expected) && strstr(error.text, "/tmp/sipcnn-wire-"), "%s",
                      error.text);
    }
}
END_TEST

START_TEST(files_that_are_no_captures) {
    static const char text[] = "This is a text, not a capture; it is long enough to be read as a header.\n";
    CoreStatus end;
    ck_assert_int_eq(drain_bytes("", 0, &end), -1);
    ck_assert_int_eq(end, CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "empty"));
    ck_assert_int_eq(drain_bytes(text, sizeof text - 1, &end), -1);
    ck_assert_int_eq(end, CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "not a capture file"));
    ck_assert_int_eq(drain("/nonexistent/file.pcap", &end), -1);
    ck_assert_int_eq(end, CORE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/file.pcap: "));
    ck_assert_int_eq(drain("/tmp", &end), -1);
    ck_assert_int_eq(end, CORE_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "directory"));
    start_pcap(&file, LINK_WIFI);
    ck_assert_int_eq(drain_bytes(file.data, file.length, &end), -1);
    ck_assert_int_eq(end, CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "IEEE802_11"));
    WireSource *source;
    ck_assert_int_eq(wire_source_open_file("/nonexistent", &source, NULL), CORE_NOT_FOUND);
}
END_TEST

START_TEST(capture_without_sip) {
    CoreStatus end;
    static const uint8_t arp[60] = {[12] = 0x08, [13] = 0x06};
    start_pcap(&file, LINK_ETHERNET);
    put_record(&file, 1, 0, arp, sizeof arp);
    ck_assert_int_eq(drain_bytes(file.data, file.length, &end), 0);
    ck_assert_int_eq(end, CORE_END);
}
END_TEST

/* An Ethernet frame of this IP packet. */
static void make_ethernet(Bytes *frame, const Bytes *packet) {
    static const uint8_t header[14] = {[12] = 0x08};
    frame->length = 0;
    put(frame, header, sizeof header);
    put(frame, packet->data, packet->length);
}

START_TEST(pcapng_of_two_interfaces) {
    static Bytes packet, frame;
    CoreStatus end;
    start_pcapng(&file, LINK_ETHERNET);
    put_interface(&file, LINK_ETHERNET);
    for (unsigned i = 0; i < 4; i++) {
        make_packet(&packet, i < 2 ? "first" : "second");
        make_ethernet(&frame, &packet);
        put_packet(&file, i % 2, UINT64_C(1700000000000000) + i * 10000, frame.data, frame.length);
    }
    ck_assert_int_eq(drain_bytes(file.data, file.length, &end), 4);
    ck_assert_int_eq(end, CORE_END);
    ck_assert_int_eq(drain_bytes(file.data, file.length - 5, &end), 3);
    ck_assert_int_eq(end, CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "frame 4: "));
}
END_TEST

START_TEST(pcapng_of_two_link_layers) {
    static Bytes packet;
    CoreStatus end;
    make_packet(&packet, "mixed");
    start_pcapng(&file, LINK_RAW);
    put_packet(&file, 0, 1, packet.data, packet.length);
    put_interface(&file, LINK_ETHERNET);
    put_packet(&file, 1, 2, packet.data, packet.length);
    ck_assert_int_eq(drain_bytes(file.data, file.length, &end), 1);
    ck_assert_int_eq(end, CORE_FORMAT);
    ck_assert(strstr(error.text, "frame 2: ") && strstr(error.text, "one link layer only"));
}
END_TEST

START_TEST(standard_input) {
    CoreStatus end;
    make_pcap(2);
    const char *path = temporary_file(file.data, file.length);
    ck_assert_ptr_nonnull(freopen(path, "rb", stdin));
    ck_assert_int_eq(drain("-", &end), 2);
    ck_assert_int_eq(end, CORE_END);
    unlink(path);
}
END_TEST

START_TEST(interrupt_and_times_of_broken_files) {
    WireSource *source;
    WireMessage message;
    static Bytes packet;
    make_packet(&packet, "time");
    start_pcap(&file, LINK_RAW);
    put_record(&file, 0xffffffff, 0xffffffff, packet.data, packet.length);
    const char *path = temporary_file(file.data, file.length);
    ck_assert_int_eq(wire_source_open_file(path, &source, &error), CORE_OK);
    wire_source_interrupt(source);
    ck_assert_int_eq(wire_source_next(source, -1, &message, &error), CORE_INTERRUPTED);
    ck_assert_int_eq(wire_source_next(source, -1, &message, &error), CORE_OK);
    ck_assert(message.time_ns >= 0);
    wire_source_free(source);
    unlink(path);
}
END_TEST

START_TEST(live_errors) {
    WireSource *source;
    CoreStatus status =
        wire_source_open_live(&(WireLiveOptions){.interface = "sipcnn-none"}, &source, &error);
    ck_assert(status == CORE_NOT_FOUND ||
              status == CORE_UNAVAILABLE); /* without privilege it is not looked for */
    ck_assert_ptr_nonnull(strstr(error.text, "sipcnn-none: "));
    status =
        wire_source_open_live(&(WireLiveOptions){.interface = "lo", .filter = "no such ("}, &source, &error);
    ck_assert_int_ne(status, CORE_OK);
    ck_assert_ptr_nonnull(strstr(error.text, "lo: "));
}
END_TEST

/* Every capture of the corpus gives the messages that tshark counts (compare_tshark.py made the table). */
START_TEST(corpus_counts) {
    if (!corpus_path("captures")) {
        fprintf(stderr, "wire: no corpus, captures skipped\n");
        return;
    }
    FILE *table = fopen(fixture_path("corpus.tsv"), "r");
    ck_assert_ptr_nonnull(table);
    char line[1024], name[256];
    int captures = 0, udp, tcp, websocket;
    while (fgets(line, sizeof line, table)) {
        CoreStatus end;
        if (line[0] == '#') continue;
        ck_assert_int_eq(sscanf(line, "%255[^\t]\t%d\t%d\t%d", name, &udp, &tcp, &websocket), 4);
        int messages = drain(corpus_path(name), &end), expected = udp + tcp + websocket;
        ck_assert_msg(messages == expected, "%s: %d messages, expected %d", name, messages, expected);
        ck_assert_int_eq(end, messages < 0 ? CORE_FORMAT : CORE_END);
        captures++;
    }
    fclose(table);
    ck_assert_int_ge(captures, 82);
}
END_TEST

Suite *source_suite(void) {
    Suite *suite = suite_create("source");
    TCase *files = tcase_create("files"), *corpus = tcase_create("corpus");
    tcase_add_test(files, pcap_file);
    tcase_add_test(files, truncated_files);
    tcase_add_test(files, files_that_are_no_captures);
    tcase_add_test(files, capture_without_sip);
    tcase_add_test(files, pcapng_of_two_interfaces);
    tcase_add_test(files, pcapng_of_two_link_layers);
    tcase_add_test(files, standard_input);
    tcase_add_test(files, interrupt_and_times_of_broken_files);
    tcase_add_test(files, live_errors);
    tcase_add_test(corpus, corpus_counts);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, corpus);
    return suite;
}
