/* Import: every message of a capture becomes a row with the right label, or the mismatch is named.
 * Relies on: data/dataset/import.h.
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/import.h"

#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"

#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS "frame\tindex\tprimary\talso\trun\tpart\n"
#define RUNS "run\tclass\ttool\tsettings\tstart\tend\tclients\n"

static Dataset source; /* whose first capture is written and imported again */
static Dataset dataset;
static CoreError error;
static DatasetImportReport report;
static DatasetImportOptions options;
static char folder[64];

static void setup(void) {
    small_dataset(&source);
    empty_dataset(&dataset);
    make_folder(folder);
    write_capture(in_folder(folder, "lab.pcap"), &source, 0, 40);
    memset(&options, 0, sizeof options);
}

static void teardown(void) {
    dataset_free(&source);
    dataset_free(&dataset);
    remove_folder(folder);
}

static CoreStatus import(const char *name) {
    return dataset_import(in_folder(folder, name), &options, &dataset, &report, &error);
}

/* The rows that label the whole capture, but for frames skip_from .. skip_to, and one more for frame `extra`.
 */
static void write_rows(const char *name, int skip_from, int skip_to, int extra) {
    static char text[8192];
    size_t used = (size_t)snprintf(text, sizeof text, ROWS);
    for (int frame = 1; frame <= 40; frame++) {
        if (frame >= skip_from && frame <= skip_to) continue;
        const char *label = frame <= 30 ? "benign\t\t0" : frame <= 36 ? "flood\tscan\t5" : "ignore\t\t0";
        used += (size_t)snprintf(text + used, sizeof text - used, "%d\t0\t%s\t%s\n", frame, label,
                                 frame == 31 ? "onset"
                                 : frame % 2 ? "request"
                                             : "reply");
    }
    if (extra) snprintf(text + used, sizeof text - used, "%d\t0\tbenign\t\t0\treply\n", extra);
    write_text(in_folder(folder, name), text);
}

static void write_runs(void) {
    write_text(in_folder(folder, "lab.runs.tsv"),
               RUNS "5\tflood\tsipp\trate=9\t1795524765\t1795524770.5\t10.0.0.9\n");
}

START_TEST(messages_become_rows) {
    assert_ok(import("lab.pcap"), error);
    ck_assert_int_eq(report.form, DATASET_LABELS_NONE);
    ck_assert_uint_eq(dataset.count, 40);
    ck_assert_str_eq(dataset.captures[0].name, "lab");
    ck_assert_str_eq(dataset.captures[0].session, "lab");
    for (uint64_t row = 0; row < 40; row++) {
        WireMessage was, is;
        dataset_message_view(&source, row, &was);
        dataset_message_view(&dataset, row, &is);
        ck_assert_uint_eq(is.length, was.length);
        ck_assert_mem_eq(is.bytes, was.bytes, is.length);
        ck_assert_int_eq(is.time_ns, was.time_ns);
        ck_assert_uint_eq(is.frame, row + 1);
        ck_assert(wire_same_address(&is.source, &was.source));
        ck_assert(wire_same_address(&is.destination, &was.destination));
        ck_assert_uint_eq(dataset.primary[row], DATASET_BENIGN);
        ck_assert_uint_eq(dataset.part[row], row % 2 ? DATASET_REPLY : DATASET_REQUEST);
    }
    assert_ok(dataset_check(&dataset, &error), error);
}
END_TEST

START_TEST(default_label_is_taken) {
    options.otherwise = DATASET_UNLABELLED;
    options.session = "monday";
    assert_ok(import("lab.pcap"), error);
    ck_assert_uint_eq(dataset.primary[7], DATASET_UNLABELLED);
    ck_assert_str_eq(dataset.captures[0].session, "monday");
}
END_TEST

START_TEST(rows_beside_the_capture_are_found) {
    write_rows("lab.labels.tsv", 0, 0, 0);
    write_runs();
    assert_ok(import("lab.pcap"), error);
    ck_assert_int_eq(report.form, DATASET_LABELS_ROWS);
    ck_assert_uint_eq(report.without_label, 0);
    ck_assert_uint_eq(report.without_message, 0);
    ck_assert_uint_eq(dataset.n_runs, 1);
    ck_assert_uint_eq(dataset.primary[30], 1);
    ck_assert_uint_eq(dataset.classes[30], 3);
    ck_assert_uint_eq(dataset.part[30], DATASET_ONSET);
    ck_assert_uint_eq(dataset.run[30], 1);
    ck_assert_uint_eq(dataset.runs[0].number, 5);
    ck_assert_uint_eq(dataset.primary[37], DATASET_IGNORE);
    ck_assert_uint_eq(dataset.run[37], 0);
    ck_assert_int_eq(dataset.runs[0].end_ns, INT64_C(1795524770500000000));
    ck_assert_uint_eq(dataset.n_client_ips, 1);
    assert_ok(dataset_check(&dataset, &error), error);
}
END_TEST

START_TEST(messages_without_rows_are_named) {
    write_rows("lab.labels.tsv", 11, 12, 0);
    write_runs();
    ck_assert_int_eq(import("lab.pcap"), CORE_FORMAT);
    ck_assert_msg(
        strstr(error.text, "2 of the capture's 40 messages have no row, the first is frame 11 index 0"), "%s",
        error.text);
}
END_TEST

START_TEST(rows_without_messages_are_named) {
    write_rows("lab.labels.tsv", 0, 0, 77);
    write_runs();
    ck_assert_int_eq(import("lab.pcap"), CORE_FORMAT);
    ck_assert_msg(
        strstr(error.text, "line 42: 1 of 41 rows have no message in the capture, the first is frame 77"),
        "%s", error.text);
}
END_TEST

START_TEST(unknown_runs_are_named) {
    write_rows("lab.labels.tsv", 0, 0, 0);
    ck_assert_int_eq(import("lab.pcap"), CORE_FORMAT);
    ck_assert_msg(strstr(error.text, "lab.labels.tsv line 32, run: run 5 is not in the runs file"), "%s",
                  error.text);
}
END_TEST

/* Rules: the flood's client from its first message on; onset as the class says (2 requests and their
 * replies). */
START_TEST(rules_label_messages) {
    write_text(in_folder(folder, "rules.csv"), "start,end,client,target,call_id,class,also,run,tool,note\n"
                                               ",,,,call-3@example.com,ignore,,,,\n"
                                               ",,10.0.0.9,10.0.0.1,,flood,scan,4,sipp,fast\n");
    const char *rules = in_folder(folder, "rules.csv");
    options.labels = rules;
    assert_ok(import("lab.pcap"), error);
    ck_assert_int_eq(report.form, DATASET_LABELS_RULES);
    ck_assert_uint_eq(report.without_label, 28);
    ck_assert_uint_eq(dataset.primary[6], DATASET_IGNORE);
    ck_assert_uint_eq(dataset.primary[7], DATASET_IGNORE);
    for (int row = 30; row < 40; row++) {
        ck_assert_uint_eq(dataset.primary[row], 1);
        ck_assert_uint_eq(dataset.classes[row], 3);
        ck_assert_uint_eq(dataset.run[row], 1);
        ck_assert_uint_eq(dataset.part[row], row < 34  ? DATASET_ONSET
                                             : row % 2 ? DATASET_REPLY
                                                       : DATASET_REQUEST);
    }
    ck_assert_uint_eq(dataset.n_runs, 1);
    ck_assert_str_eq(dataset.runs[0].tool, "sipp");
    ck_assert_str_eq(dataset.runs[0].settings, "fast");
    ck_assert_int_eq(dataset.runs[0].start_ns, dataset.time_ns[30]);
    ck_assert_int_eq(dataset.runs[0].end_ns, dataset.time_ns[39]);
    ck_assert_uint_eq(dataset.n_client_ips, 1);
    ck_assert_uint_eq(dataset.client_ips[0][15], 9);
    assert_ok(dataset_check(&dataset, &error), error);
}
END_TEST

START_TEST(compressed_captures_are_the_same) {
    static uint8_t plain[65536], packed[65536];
    size_t size = 0, packed_size = 0;
    FILE *file = fopen(in_folder(folder, "lab.pcap"), "rb");
    size = fread(plain, 1, sizeof plain, file);
    fclose(file);
    ck_assert_int_eq(
        lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, plain, size, packed, &packed_size, sizeof packed),
        LZMA_OK);
    file = fopen(in_folder(folder, "other.pcap.xz"), "wb");
    ck_assert_uint_eq(fwrite(packed, 1, packed_size, file), packed_size);
    fclose(file);
    assert_ok(import("other.pcap.xz"), error);
    ck_assert_uint_eq(dataset.count, 40);
    ck_assert_str_eq(dataset.captures[0].name, "other");
    /* Its content is that of lab.pcap. */
    ck_assert_int_eq(import("lab.pcap"), CORE_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "lab.pcap: the same capture as other"));
}
END_TEST

START_TEST(captures_continue_each_other) {
    write_capture(in_folder(folder, "next.pcapng"), &source, 40, 60); /* the name does not matter */
    assert_ok(import("lab.pcap"), error);
    options.follows = true;
    assert_ok(import("next.pcapng"), error);
    ck_assert_uint_eq(dataset.captures[1].follows, 0);
    ck_assert_str_eq(dataset.captures[1].name, "next");
    assert_ok(dataset_check(&dataset, &error), error);
}
END_TEST

START_TEST(bad_captures_are_refused) {
    write_text(in_folder(folder, "text.pcap"), "this is no capture, whatever its name says");
    ck_assert_int_ne(import("text.pcap"), CORE_OK);
    ck_assert_ptr_nonnull(strstr(error.text, "text.pcap"));
    write_text(in_folder(folder, "empty.pcap"), "");
    ck_assert_int_ne(import("empty.pcap"), CORE_OK);
    ck_assert_int_eq(import("none.pcap"), CORE_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "none.pcap: cannot open"));
}
END_TEST

START_TEST(cut_capture_is_refused) {
    FILE *file = fopen(in_folder(folder, "lab.pcap"), "r+b");
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    ck_assert_int_eq(ftruncate(fileno(file), ftell(file) - 10), 0);
    fclose(file);
    ck_assert_int_ne(import("lab.pcap"), CORE_OK);
    ck_assert_msg(strstr(error.text, "lab.pcap") && strstr(error.text, "40"), "%s", error.text);
}
END_TEST

START_TEST(capture_without_sip_is_refused) {
    Dataset other;
    DatasetCapture capture = {.name = "x", .follows = DATASET_NO_CAPTURE};
    DatasetLabel label = {0};
    WireMessage message = sip_message("hello, this is not SIP", 1, 2, 0);
    empty_dataset(&other);
    assert_ok(dataset_add_capture(&other, &capture, &error), error);
    assert_ok(dataset_add_message(&other, &message, &label, &error), error);
    write_capture(in_folder(folder, "dns.pcap"), &other, 0, 1);
    ck_assert_int_eq(import("dns.pcap"), CORE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.text, "dns.pcap: no SIP message in its 1 packets"));
    dataset_free(&other);
}
END_TEST

static bool stop(void *user, uint64_t done, uint64_t total) {
    ck_assert_uint_le(done, total);
    ++*(int *)user;
    return false;
}

START_TEST(import_can_be_interrupted) {
    Dataset large;
    DatasetCapture capture = {.name = "x", .follows = DATASET_NO_CAPTURE};
    DatasetLabel label = {0};
    int calls = 0;
    DatasetProgress progress = {stop, &calls};
    empty_dataset(&large);
    assert_ok(dataset_add_capture(&large, &capture, &error), error);
    for (int i = 0; i < 9000; i++) {
        WireMessage message = sip_message(sip_text("OPTIONS", 0, i, 3), 3, 1, i);
        assert_ok(dataset_add_message(&large, &message, &label, &error), error);
    }
    write_capture(in_folder(folder, "large.pcap"), &large, 0, large.count);
    options.progress = &progress;
    ck_assert_int_eq(import("large.pcap"), CORE_INTERRUPTED);
    ck_assert_int_eq(calls, 1);
    dataset_free(&large);
}
END_TEST

Suite *import_suite(void) {
    Suite *suite = suite_create("import");
    TCase *cases = tcase_create("captures");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, messages_become_rows);
    tcase_add_test(cases, default_label_is_taken);
    tcase_add_test(cases, rows_beside_the_capture_are_found);
    tcase_add_test(cases, messages_without_rows_are_named);
    tcase_add_test(cases, rows_without_messages_are_named);
    tcase_add_test(cases, unknown_runs_are_named);
    tcase_add_test(cases, rules_label_messages);
    tcase_add_test(cases, compressed_captures_are_the_same);
    tcase_add_test(cases, captures_continue_each_other);
    tcase_add_test(cases, bad_captures_are_refused);
    tcase_add_test(cases, cut_capture_is_refused);
    tcase_add_test(cases, capture_without_sip_is_refused);
    tcase_add_test(cases, import_can_be_interrupted);
    suite_add_tcase(suite, cases);
    return suite;
}
