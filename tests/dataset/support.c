/* Small datasets and captures to test with.
 * Relies on: data/dataset (dataset, schema), Check.
 * Relied on by: tests/dataset. */
#include "tests/dataset/support.h"

#include "data/dataset/schema.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t day = INT64_C(1795524750) * 1000000000;

void make_folder(char folder[64]) {
    snprintf(folder, 64, "/tmp/sipcnn-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

void remove_folder(const char *folder) {
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        if (entry->d_name[0] != '.') unlink(in_folder(folder, entry->d_name));
    if (entries) closedir(entries);
    rmdir(folder);
}

const char *in_folder(const char *folder, const char *name) {
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    ck_assert_int_eq(fclose(file), 0);
}

void empty_dataset(Dataset *dataset) {
    static const DatasetClass classes[] = {{"flood", 2}, {"scan", 1}, {"teardown", 0}};
    CoreError error;
    assert_ok(dataset_init(dataset, classes, 3, &error), error);
}

const char *sip_text(const char *method, int status, int call, int user) {
    static char text[1024];
    char start[128];
    if (status)
        snprintf(start, sizeof start, "SIP/2.0 %d Reason", status);
    else
        snprintf(start, sizeof start, "%s sip:bob@example.com SIP/2.0", method);
    snprintf(text, sizeof text,
             "%s\r\nVia: SIP/2.0/UDP 10.0.0.%d:5060;branch=z9hG4bK-%d-%s\r\nMax-Forwards: 70\r\n"
             "From: <sip:user%d@example.com>;tag=f%d\r\nTo: <sip:bob@example.com>%s\r\n"
             "Call-ID: call-%d@example.com\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
             start, user, call, method, user, call, status >= 200 ? ";tag=t1" : "", call, method);
    return text;
}

WireMessage sip_message(const char *text, int from, int to, double seconds) {
    WireMessage message;
    char address[32];
    memset(&message, 0, sizeof message);
    message.bytes = (const uint8_t *)text;
    message.length = (uint32_t)strlen(text);
    message.time_ns = day + (int64_t)(seconds * 1e9);
    message.frame = 1;
    snprintf(address, sizeof address, "10.0.0.%d", from);
    ck_assert(wire_address_parse(address, &message.source));
    snprintf(address, sizeof address, "10.0.0.%d", to);
    ck_assert(wire_address_parse(address, &message.destination));
    message.source.port = message.destination.port = 5060;
    return message;
}

/* A request and its 200, a second apart. */
static void add_exchange(Dataset *d, const char *method, int call, int user, DatasetLabel label,
                         uint64_t frame) {
    CoreError error;
    WireMessage message = sip_message(sip_text(method, 0, call, user), user, 1, (double)call);
    message.frame = frame;
    label.part = label.part == DATASET_ONSET ? DATASET_ONSET : DATASET_REQUEST;
    assert_ok(dataset_add_message(d, &message, &label, &error), error);
    message = sip_message(sip_text(method, 200, call, user), 1, user, call + 0.5);
    message.frame = frame + 1;
    if (label.part == DATASET_REQUEST) label.part = DATASET_REPLY;
    assert_ok(dataset_add_message(d, &message, &label, &error), error);
}

static void add_run(Dataset *d, uint32_t number, uint32_t primary, const char *tool, const char *client) {
    CoreError error;
    DatasetRun run = {.number = number, .primary = primary, .start_ns = day, .end_ns = day + 1000};
    WireAddress address;
    snprintf(run.tool, sizeof run.tool, "%s", tool);
    snprintf(run.settings, sizeof run.settings, "rate=%u", number);
    ck_assert(wire_address_parse(client, &address));
    assert_ok(dataset_add_run(d, &run, &address, 1, &error), error);
}

static void add_capture(Dataset *d, const char *name, uint32_t follows) {
    CoreError error;
    DatasetCapture capture = {.follows = follows};
    snprintf(capture.name, sizeof capture.name, "%s", name);
    snprintf(capture.session, sizeof capture.session, "lab");
    memset(capture.sha256, (int)strlen(name), sizeof capture.sha256);
    assert_ok(dataset_add_capture(d, &capture, &error), error);
}

static void add_split(Dataset *d) {
    CoreError error;
    DatasetSplit *split;
    assert_ok(dataset_add_split(d, "first", &split, &error), error);
    split->captures[0] = split->captures[1] = DATASET_TRAIN;
    split->captures[2] = DATASET_VALIDATION;
    split->runs[0] = DATASET_TRAIN;
    split->runs[1] = split->runs[2] = DATASET_VALIDATION;
}

void small_dataset(Dataset *d) {
    static const char *const methods[] = {"REGISTER", "INVITE", "OPTIONS"};
    DatasetLabel benign = {0};
    int call = 0;
    empty_dataset(d);
    add_capture(d, "one", DATASET_NO_CAPTURE);
    add_run(d, 7, 1, "sipp", "10.0.0.9");
    for (int i = 0; i < 15; i++, call++)
        add_exchange(d, methods[i % 3], call, 2 + i % 4, benign, 1 + 2 * (uint64_t)i);
    for (int i = 0; i < 5; i++, call++)
        add_exchange(d, "INVITE", call, 9,
                     (DatasetLabel){.primary = 1, .classes = 3, .run = 1, .part = i < 2 ? DATASET_ONSET : 0},
                     31 + 2 * (uint64_t)i);
    add_capture(d, "two", 0);
    for (int i = 0; i < 10; i++, call++)
        add_exchange(d, methods[i % 3], call, 2 + i % 4, benign, 1 + 2 * (uint64_t)i);
    add_capture(d, "three", DATASET_NO_CAPTURE);
    add_run(d, 1, 2, "svmap", "10.0.0.5");
    add_run(d, 2, 3, "own", "fd66::1");
    for (int i = 0; i < 9; i++, call++)
        add_exchange(d, methods[i % 3], call, 2 + i % 4, benign, 1 + 2 * (uint64_t)i);
    for (int i = 0; i < 4; i++, call++)
        add_exchange(d, "OPTIONS", call, 5, (DatasetLabel){.primary = 2, .classes = 2, .run = 2},
                     19 + 2 * (uint64_t)i);
    add_exchange(d, "BYE", call++, 6, (DatasetLabel){.primary = 3, .classes = 4, .run = 3}, 27);
    add_exchange(d, "BYE", call++, 6, (DatasetLabel){.primary = DATASET_IGNORE, .run = 3}, 29);
    add_split(d);
    snprintf(d->provenance, sizeof d->provenance, "tests/dataset");
}

/* ---- captures ------------------------------------------------------------------------------------------ */

static void put_le(FILE *file, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        putc((int)(value >> (8 * i) & 0xff), file);
}

static void put_be(FILE *file, uint32_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--)
        putc((int)(value >> (8 * i) & 0xff), file);
}

/* IPv4 and UDP without checksums. */
static void put_packet(FILE *file, const WireMessage *m, uint32_t id) {
    put_be(file, 0x4500, 2);
    put_be(file, m->length + 28, 2);
    put_be(file, id, 2);
    put_be(file, 0, 2);
    put_be(file, 0x4011, 2);
    put_be(file, 0, 2);
    fwrite(m->source.ip + 12, 4, 1, file);
    fwrite(m->destination.ip + 12, 4, 1, file);
    put_be(file, m->source.port, 2);
    put_be(file, m->destination.port, 2);
    put_be(file, m->length + 8, 2);
    put_be(file, 0, 2);
    fwrite(m->bytes, m->length, 1, file);
}

void write_capture(const char *path, const Dataset *dataset, uint64_t first, uint64_t end) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    put_le(file, 0xa1b23c4d, 4); /* nanoseconds */
    put_le(file, 2, 2);
    put_le(file, 4, 2);
    put_le(file, 0, 4);
    put_le(file, 0, 4);
    put_le(file, 262144, 4);
    put_le(file, 101, 4); /* raw IP */
    for (uint64_t row = first; row < end; row++) {
        WireMessage message;
        dataset_message_view(dataset, row, &message);
        put_le(file, (uint32_t)(message.time_ns / 1000000000), 4);
        put_le(file, (uint32_t)(message.time_ns % 1000000000), 4);
        put_le(file, message.length + 28, 4);
        put_le(file, message.length + 28, 4);
        put_packet(file, &message, (uint32_t)row);
    }
    ck_assert_int_eq(fclose(file), 0);
}

/* ---- comparing ----------------------------------------------------------------------------------------- */

static void assert_same_column(const Dataset *a, const Dataset *b, const SchemaColumn *column,
                               uint64_t length) {
    size_t size = schema_element_size(column);
    uint8_t *x = malloc(size), *y = malloc(size);
    for (uint64_t i = 0; i < length; i++) {
        schema_gather(a, column, i, 1, x);
        schema_gather(b, column, i, 1, y);
        ck_assert_msg(memcmp(x, y, size) == 0, "/%s/%s[%llu] differs", column->group, column->name,
                      (unsigned long long)i);
    }
    free(x);
    free(y);
}

void assert_same_dataset(const Dataset *a, const Dataset *b) {
    SchemaSizes sizes = schema_sizes(a), other = schema_sizes(b);
    ck_assert_mem_eq(&sizes, &other, sizeof sizes);
    for (size_t i = 0; i < schema_column_count; i++)
        assert_same_column(a, b, &schema_columns[i], sizes.of[schema_columns[i].extent]);
    ck_assert_uint_eq(a->n_splits, b->n_splits);
    for (uint32_t i = 0; i < a->n_splits; i++) {
        ck_assert_str_eq(a->splits[i].name, b->splits[i].name);
        ck_assert_mem_eq(a->splits[i].captures, b->splits[i].captures, a->n_captures);
        ck_assert_mem_eq(a->splits[i].runs, b->splits[i].runs, a->n_runs);
    }
    ck_assert_str_eq(a->provenance, b->provenance);
    ck_assert_uint_eq(a->pseudonymised, b->pseudonymised);
}

uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
