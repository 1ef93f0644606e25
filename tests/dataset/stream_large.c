/* A dataset of any size, written and read in constant memory: stream_large COUNT FILE.
 * Relies on: data/dataset (writer, reader).
 * Relied on by: ctest (a small one), tests/long/dataset.sh, tests/long/out_of_core.sh. */
#include "data/dataset/reader.h"
#include "data/dataset/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum {
    A_CAPTURE = 500000, /* messages of a capture */
    KINDS = 64,         /* of messages, of different lengths */
    PEAK_MAX = 1 << 20, /* KiB: a gibibyte for either process */
};

static CoreError error;
static char texts[KINDS][1024];

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

static int fail(const char *what) {
    fprintf(stderr, "stream_large: %s: %s\n", what, error.text);
    return EXIT_FAILURE;
}

static void make_texts(void) {
    for (int i = 0; i < KINDS; i++)
        snprintf(
            texts[i], sizeof texts[i],
            "INVITE sip:user%d@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.%d.2:5060;branch=z9hG4bK%d\r\n"
            "Max-Forwards: 70\r\nFrom: \"Caller %d\" <sip:caller%d@example.com>;tag=%x\r\n"
            "To: <sip:user%d@example.com>\r\nCall-ID: %016x-%08x@10.0.%d.2\r\nCSeq: %d INVITE\r\n"
            "Contact: <sip:caller%d@10.0.%d.2:5060>\r\nX-Padding: %*s\r\nContent-Length: 0\r\n\r\n",
            i, i, i * 7919, i, i, i * 104729u, i, i * 1299709u, i * 15485863u, i, i, i, i, 1 + i * 6, "x");
}

/* Message `i`: its Call-ID's digits differ, so that it is no plain repetition. */
static void make_message(uint64_t i, uint8_t *bytes, WireMessage *message) {
    int kind = (int)((i * 2654435761u >> 7) % KINDS);
    uint64_t mixed = i * UINT64_C(0x9e3779b97f4a7c15);
    memset(message, 0, sizeof *message);
    message->length = (uint32_t)strlen(texts[kind]);
    memcpy(bytes, texts[kind], message->length);
    uint8_t *digits = memchr(bytes, '@', message->length);
    for (int d = 0; digits && d < 8; d++, mixed >>= 4)
        bytes[60 + d] = (uint8_t) "0123456789abcdef"[mixed & 15];
    message->bytes = bytes;
    message->time_ns = INT64_C(1795524750000000000) + (int64_t)i * 1000000;
    message->frame = i % A_CAPTURE + 1;
    message->source.ip[10] = message->source.ip[11] = 0xff;
    message->destination = message->source;
    message->source.ip[12] = message->destination.ip[12] = 10;
    message->source.ip[15] = (uint8_t)kind;
    message->source.port = message->destination.port = 5060;
}

static CoreStatus write_rows(DatasetWriter *writer, uint64_t count) {
    static uint8_t bytes[1024];
    CoreStatus status = CORE_OK;
    for (uint64_t i = 0; i < count && status == CORE_OK; i++) {
        DatasetLabel label = {.primary = DATASET_BENIGN};
        WireMessage message;
        if (i % A_CAPTURE == 0) {
            DatasetCapture capture = {.follows = DATASET_NO_CAPTURE};
            snprintf(capture.name, sizeof capture.name, "capture%" PRIu64, i / A_CAPTURE);
            memcpy(capture.sha256, &i, sizeof i);
            status = dataset_writer_add_capture(writer, &capture, &error);
        }
        make_message(i, bytes, &message);
        if (status == CORE_OK) status = dataset_writer_add_message(writer, &message, &label, &error);
    }
    return status;
}

static CoreStatus write_file(const char *path, uint64_t count) {
    static const DatasetClass classes[] = {{"flood", 5}};
    DatasetWriter *writer;
    CoreStatus status = dataset_writer_open(path, classes, 1, &writer, &error);
    if (status == CORE_OK) status = write_rows(writer, count);
    return status == CORE_OK ? dataset_writer_seal(writer, &error) : status;
}

/* Every row must be what was written. */
static CoreStatus read_file(const char *path, uint64_t count) {
    static uint8_t bytes[1024];
    DatasetReader *reader;
    const Dataset *rows;
    uint64_t first, row = 0;
    CoreStatus status = dataset_reader_open(path, &reader, &error);
    if (status != CORE_OK) return status;
    while ((status = dataset_reader_next(reader, &rows, &first, &error)) == CORE_OK)
        for (uint64_t i = 0; i < rows->count; i++, row++) {
            WireMessage wanted, found;
            make_message(row, bytes, &wanted);
            dataset_message_view(rows, i, &found);
            if (first + i != row || found.length != wanted.length || found.time_ns != wanted.time_ns ||
                memcmp(found.bytes, wanted.bytes, found.length) != 0)
                return core_fail(&error, CORE_FORMAT, "row %" PRIu64 " differs", row);
        }
    dataset_reader_close(reader);
    if (status == CORE_END && row == count) return CORE_OK;
    return status == CORE_END ? core_fail(&error, CORE_FORMAT, "%" PRIu64 " rows", row) : status;
}

static long peak_kib(int who) {
    struct rusage usage;
    return getrusage(who, &usage) == 0 ? usage.ru_maxrss : PEAK_MAX + 1L;
}

int main(int words, char **arguments) {
    uint64_t count = words == 3 ? strtoull(arguments[1], NULL, 10) : 0;
    struct stat info;
    if (count == 0) return fail("usage: stream_large COUNT FILE");
    make_texts();
    double start = now();
    if (write_file(arguments[2], count) != CORE_OK) return fail("writing");
    double written = now();
    if (stat(arguments[2], &info) != 0) return fail("writing");
    printf("written: %" PRIu64 " messages, %.1f MiB, %.0f messages/s\n", count,
           (double)info.st_size / (1 << 20), (double)count / (written - start));
    fflush(stdout);
    if (read_file(arguments[2], count) != CORE_OK) return fail("reading");
    printf("read: %.0f messages/s\n", (double)count / (now() - written));
    long self = peak_kib(RUSAGE_SELF), child = peak_kib(RUSAGE_CHILDREN);
    printf("peak memory: %.0f MiB this process, %.0f MiB the one that opens the file\n", (double)self / 1024,
           (double)child / 1024);
    return self < PEAK_MAX && child < PEAK_MAX ? EXIT_SUCCESS : fail("memory");
}
