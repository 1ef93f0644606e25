/* Datasets row by row: the writer's bytes, the reader's windows in any order, merging, exporting.
 * Relies on: data/dataset (writer, reader, merge, export, import).
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/export.h"
#include "data/dataset/import.h"
#include "data/dataset/merge.h"
#include "data/dataset/reader.h"
#include "data/dataset/store.h"
#include "data/dataset/writer.h"

#include "engine/core/file.h"
#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static Dataset dataset;
static CoreError error;
static char folder[64];

static void setup(void) {
    small_dataset(&dataset);
    make_folder(folder);
}

static void teardown(void) {
    dataset_free(&dataset);
    remove_folder(folder);
}

static void assert_same_bytes(const char *a, const char *b) {
    uint8_t *x, *y;
    size_t x_size, y_size;
    assert_ok(core_file_read(a, 1 << 28, &x, &x_size, &error), error);
    assert_ok(core_file_read(b, 1 << 28, &y, &y_size, &error), error);
    ck_assert_uint_eq(x_size, y_size);
    ck_assert_mem_eq(x, y, x_size);
    free(x);
    free(y);
}

/* Several windows and chunks in three captures, the second of them empty: `count` messages of random lengths,
 * in `same` or through a writer. */
static void many_messages(DatasetWriter *writer, int count) {
    static uint8_t noise[WIRE_MESSAGE_MAX];
    uint64_t state = 7;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(next_random(&state) % 40);
    for (int c = 0; c < 3; c++) {
        DatasetCapture capture = {.name = "noise0", .follows = DATASET_NO_CAPTURE};
        capture.name[5] = (char)('0' + c);
        capture.sha256[0] = (uint8_t)(c + 1);
        assert_ok(dataset_writer_add_capture(writer, &capture, &error), error);
        for (int i = 0; i < count && c != 1; i++) {
            WireMessage message = sip_message("", 1, 2, i * 0.001);
            message.bytes = noise;
            message.length = i % 5000 < 150 ? WIRE_MESSAGE_MAX : (uint32_t)(next_random(&state) % 600);
            message.frame = (uint64_t)i + 1;
            message.source.port = (uint16_t)next_random(&state);
            DatasetLabel label = {.primary = DATASET_UNLABELLED};
            assert_ok(dataset_writer_add_message(writer, &message, &label, &error), error);
        }
    }
}

/* ---- writer -------------------------------------------------------------------------------------------- */

/* Row by row, as a whole, and as a copy: one file. */
START_TEST(every_way_of_writing_gives_the_same_bytes) {
    const char *a = in_folder(folder, "a.h5"), *b = in_folder(folder, "b.h5"), *c = in_folder(folder, "c.h5");
    DatasetWriter *writer;
    DatasetReader *reader;
    Dataset whole;
    const Dataset *rows;
    uint64_t first;
    CoreStatus status;
    empty_dataset(&whole);
    assert_ok(dataset_writer_open(a, whole.class_list, whole.n_classes, &writer, &error), error);
    many_messages(writer, 20000);
    ck_assert_uint_eq(dataset_writer_count(writer), 40000);
    dataset_writer_describe(writer, "tests", 0);
    assert_ok(dataset_writer_seal(writer, &error), error);
    dataset_free(&whole);
    assert_ok(dataset_read(a, &whole, &error), error);
    ck_assert_uint_eq(whole.count, 40000);
    assert_ok(dataset_write(&whole, b, &error), error);
    assert_same_bytes(a, b);
    assert_ok(dataset_reader_open(a, &reader, &error), error);
    assert_ok(dataset_writer_open_copy(c, dataset_reader_head(reader), &writer, &error), error);
    while ((status = dataset_reader_next(reader, &rows, &first, &error)) == CORE_OK)
        assert_ok(dataset_writer_add_rows(writer, rows, 0, rows->count, NULL, &error), error);
    ck_assert_int_eq(status, CORE_END);
    dataset_reader_close(reader);
    assert_ok(dataset_writer_seal(writer, &error), error);
    assert_same_bytes(a, c);
    dataset_free(&whole);
}
END_TEST

static int files_in_folder(void) {
    DIR *entries = opendir(folder);
    int count = 0;
    while (readdir(entries))
        count++;
    closedir(entries);
    return count - 2;
}

static DatasetWriter *open_writer(void) {
    DatasetWriter *writer;
    assert_ok(dataset_writer_open(in_folder(folder, "a.h5"), dataset.class_list, dataset.n_classes, &writer,
                                  &error),
              error);
    return writer;
}

/* Runs may come behind the messages that name them, but no later than the capture's end. */
START_TEST(runs_of_a_capture_come_before_the_next) {
    DatasetWriter *writer = open_writer();
    DatasetCapture capture = {.name = "x", .follows = DATASET_NO_CAPTURE}, next = {.name = "y", .follows = 0};
    WireMessage message = sip_message(sip_text("INVITE", 0, 1, 2), 2, 1, 1);
    DatasetLabel label = {.primary = 1, .classes = 1, .run = 1};
    DatasetRun run = {.primary = 1, .number = 3};
    assert_ok(dataset_writer_add_capture(writer, &capture, &error), error);
    assert_ok(dataset_writer_add_message(writer, &message, &label, &error), error);
    if (_i == 0) {
        ck_assert_int_eq(dataset_writer_add_capture(writer, &next, &error), CORE_FORMAT);
        ck_assert_ptr_nonnull(strstr(error.text, "run 1 of capture x"));
        dataset_writer_discard(writer);
    } else if (_i == 1) {
        ck_assert_int_eq(dataset_writer_seal(writer, &error), CORE_FORMAT);
    } else {
        assert_ok(dataset_writer_add_run(writer, &run, &message.source, 1, &error), error);
        assert_ok(dataset_writer_add_capture(writer, &next, &error), error);
        if (_i == 2) { /* a run of the capture before */
            ck_assert_int_eq(dataset_writer_add_message(writer, &message, &label, &error), CORE_FORMAT);
            ck_assert_ptr_nonnull(strstr(error.text, "messages/run[1]"));
            dataset_writer_discard(writer);
        } else {
            assert_ok(dataset_writer_seal(writer, &error), error);
        }
    }
    ck_assert_int_eq(files_in_folder(), _i == 3 ? 1 : 0);
}
END_TEST

START_TEST(labels_are_checked) {
    static const DatasetLabel bad[] = {{.primary = 77},
                                       {.primary = DATASET_BENIGN, .classes = 1},
                                       {.primary = 1},
                                       {.primary = 1, .classes = 1u << 20 | 1},
                                       {.part = DATASET_PARTS}};
    DatasetWriter *writer = open_writer();
    DatasetCapture capture = {.name = "x", .follows = DATASET_NO_CAPTURE};
    WireMessage message = sip_message(sip_text("INVITE", 0, 1, 2), 2, 1, 1);
    assert_ok(dataset_writer_add_capture(writer, &capture, &error), error);
    ck_assert_int_eq(dataset_writer_add_message(writer, &message, &bad[_i], &error), CORE_FORMAT);
    dataset_writer_discard(writer);
    dataset_writer_discard(NULL);
    ck_assert_int_eq(files_in_folder(), 0);
}
END_TEST

/* ---- reader -------------------------------------------------------------------------------------------- */

static void assert_same_row(const Dataset *whole, const Dataset *rows, uint64_t row, uint64_t at) {
    WireMessage a, b;
    dataset_message_view(whole, row, &a);
    dataset_message_view(rows, at, &b);
    ck_assert_uint_eq(a.length, b.length);
    ck_assert_mem_eq(a.bytes, b.bytes, a.length);
    ck_assert_int_eq(a.time_ns, b.time_ns);
    ck_assert_uint_eq(a.frame, b.frame);
    ck_assert_uint_eq(a.source.port, b.source.port);
    ck_assert_uint_eq(whole->capture[row], rows->capture[at]);
    ck_assert_uint_eq(whole->primary[row], rows->primary[at]);
}

/* All rows of a range, whatever windows they come in. */
static void assert_range(DatasetReader *reader, const Dataset *whole, uint64_t begin, uint64_t end) {
    const Dataset *rows;
    uint64_t first;
    CoreStatus status;
    assert_ok(dataset_reader_seek(reader, begin, end, &error), error);
    while ((status = dataset_reader_next(reader, &rows, &first, &error)) == CORE_OK) {
        ck_assert_uint_eq(first, begin);
        ck_assert_uint_gt(rows->count, 0);
        ck_assert_uint_le(rows->count, DATASET_WINDOW_ROWS);
        for (uint64_t i = 0; i < rows->count; i++)
            assert_same_row(whole, rows, first + i, i);
        begin += rows->count;
    }
    ck_assert_msg(status == CORE_END, "%s", error.text);
    ck_assert_uint_eq(begin, end);
}

START_TEST(ranges_come_in_any_order) {
    const char *path = in_folder(folder, "a.h5");
    DatasetReader *reader;
    DatasetWriter *writer;
    Dataset whole;
    uint64_t state = 3, begin, end;
    empty_dataset(&whole);
    assert_ok(dataset_writer_in_memory(&whole, &writer, &error), error);
    many_messages(writer, 20000);
    assert_ok(dataset_writer_seal(writer, &error), error);
    assert_ok(dataset_write(&whole, path, &error), error);
    assert_ok(dataset_reader_open(path, &reader, &error), error);
    ck_assert_uint_eq(dataset_reader_count(reader), whole.count);
    ck_assert_uint_eq(dataset_reader_bytes(reader), whole.offset[whole.count]);
    for (uint32_t c = 0; c < whole.n_captures; c++) {
        uint64_t wanted_begin, wanted_end;
        dataset_reader_capture_rows(reader, c, &begin, &end);
        dataset_capture_rows(&whole, c, &wanted_begin, &wanted_end);
        ck_assert_uint_eq(begin, wanted_begin);
        ck_assert_uint_eq(end, wanted_end);
    }
    assert_range(reader, &whole, 0, whole.count);
    assert_range(reader, &whole, 0, whole.count);
    for (uint64_t at = 0; at < 20000; at += 100) /* short ones, one behind the other */
        assert_range(reader, &whole, at, at + 100);
    for (int i = 0; i < 30; i++) {
        begin = next_random(&state) % whole.count;
        end = begin + next_random(&state) % (whole.count - begin) / (1 + next_random(&state) % 30);
        assert_range(reader, &whole, begin, end);
    }
    ck_assert_int_eq(dataset_reader_seek(reader, 5, 4, &error), CORE_ARGUMENT);
    ck_assert_int_eq(dataset_reader_seek(reader, 0, whole.count + 1, &error), CORE_ARGUMENT);
    dataset_reader_close(reader);
    dataset_reader_close(NULL);
    dataset_free(&whole);
}
END_TEST

/* Two readers at a time, one left in the middle; nobody waits for anybody. */
START_TEST(readers_do_not_disturb_each_other) {
    const char *path = in_folder(folder, "a.h5");
    DatasetReader *a, *b;
    const Dataset *rows;
    uint64_t first;
    assert_ok(dataset_write(&dataset, path, &error), error);
    assert_ok(dataset_reader_open(path, &a, &error), error);
    assert_ok(dataset_reader_open(path, &b, &error), error);
    assert_ok(dataset_reader_next(a, &rows, &first, &error), error);
    dataset_reader_close(a);
    assert_range(b, &dataset, 0, dataset.count);
    dataset_reader_close(b);
    ck_assert_int_eq(dataset_reader_open(in_folder(folder, "none.h5"), &a, &error), CORE_IO);
    ck_assert_ptr_null(a);
}
END_TEST

/* ---- merge --------------------------------------------------------------------------------------------- */

static CoreStatus merge(const char *from, DatasetWriter *writer, bool follows) {
    DatasetReader *reader;
    DatasetMergeOptions options = {.follows = follows};
    assert_ok(dataset_reader_open(from, &reader, &error), error);
    CoreStatus status = dataset_merge_into(reader, writer, &options, &error);
    dataset_reader_close(reader);
    return status;
}

/* A second dataset: other captures, two more runs in the first, a split "first" and one "second". */
static void other_dataset(Dataset *other) {
    DatasetSplit *split;
    small_dataset(other);
    for (uint32_t c = 0; c < other->n_captures; c++) {
        memcpy(other->captures[c].name, "new-", 4);
        other->captures[c].name[4] = (char)('a' + c);
        other->captures[c].sha256[0] ^= 0xff;
    }
    assert_ok(dataset_add_split(other, "second", &split, &error), error);
    split->captures[2] = DATASET_TEST;
    split->runs[1] = DATASET_VALIDATION;
}

START_TEST(merged_datasets_keep_everything) {
    const char *a = in_folder(folder, "a.h5"), *b = in_folder(folder, "b.h5"), *c = in_folder(folder, "c.h5");
    Dataset other, both;
    other_dataset(&other);
    assert_ok(dataset_write(&dataset, a, &error), error);
    assert_ok(dataset_write(&other, b, &error), error);
    DatasetWriter *writer;
    assert_ok(dataset_writer_open(c, dataset.class_list, dataset.n_classes, &writer, &error), error);
    assert_ok(merge(a, writer, false), error);
    assert_ok(merge(b, writer, true), error);
    assert_ok(dataset_writer_seal(writer, &error), error);
    assert_ok(dataset_read(c, &both, &error), error);
    ck_assert_uint_eq(both.count, 180);
    ck_assert_uint_eq(both.n_captures, 6);
    ck_assert_uint_eq(both.n_runs, 6);
    ck_assert_uint_eq(both.captures[1].follows, 0);
    ck_assert_uint_eq(both.captures[3].follows, 2); /* the first goes on where the first dataset ended */
    ck_assert_uint_eq(both.captures[4].follows, 3);
    for (uint64_t row = 0; row < 90; row++) {
        assert_same_row(&dataset, &both, row, row);
        WireMessage x, y;
        dataset_message_view(&other, row, &x);
        dataset_message_view(&both, 90 + row, &y);
        ck_assert_mem_eq(x.bytes, y.bytes, x.length);
        ck_assert_uint_eq(both.run[90 + row], other.run[row] ? other.run[row] + 3 : 0);
        ck_assert_uint_eq(both.classes[90 + row], other.classes[row]);
    }
    ck_assert_uint_eq(both.runs[4].capture, other.runs[1].capture + 3);
    ck_assert_str_eq(both.runs[4].tool, other.runs[1].tool);
    ck_assert_mem_eq(both.client_ips[4], other.client_ips[1], DATASET_IP_SIZE);
    const DatasetSplit *first = dataset_find_split(&both, "first"),
                       *second = dataset_find_split(&both, "second");
    ck_assert_uint_eq(first->captures[2], DATASET_VALIDATION);
    ck_assert_uint_eq(first->captures[5], DATASET_VALIDATION);
    ck_assert_uint_eq(first->runs[3], DATASET_TRAIN);
    ck_assert_uint_eq(second->captures[0], DATASET_UNUSED);
    ck_assert_uint_eq(second->captures[5], DATASET_TEST);
    ck_assert_uint_eq(second->runs[4], DATASET_VALIDATION);
    dataset_free(&other);
    dataset_free(&both);
}
END_TEST

START_TEST(what_clashes_is_not_merged) {
    const char *a = in_folder(folder, "a.h5"), *b = in_folder(folder, "b.h5");
    Dataset other;
    DatasetWriter *writer;
    static const char *const says[] = {"a capture named one", "capture new-b is the same as",
                                       "class 1 is scam", "class 0 is flood with an onset of 9", "2 of them"};
    other_dataset(&other);
    switch (_i) {
    case 0: memcpy(other.captures[2].name, "one", 4); break;
    case 1: other.captures[1].sha256[0] ^= 0xff; break;
    case 2: memcpy(other.class_list[1].name, "scam", 5); break;
    case 3: other.class_list[0].onset = 9; break;
    case 4: {
        dataset_free(&other);
        assert_ok(dataset_init(&other, dataset.class_list, 2, &error), error);
        break;
    }
    default: ck_abort();
    }
    assert_ok(dataset_write(&dataset, a, &error), error);
    assert_ok(dataset_write(&other, b, &error), error);
    assert_ok(dataset_writer_open(in_folder(folder, "c.h5"), dataset.class_list, dataset.n_classes, &writer,
                                  &error),
              error);
    assert_ok(merge(a, writer, false), error);
    ck_assert_int_eq(merge(b, writer, false), CORE_ARGUMENT);
    ck_assert_msg(strstr(error.text, says[_i]) != NULL, "'%s' does not say '%s'", error.text, says[_i]);
    dataset_writer_discard(writer);
    dataset_free(&other);
}
END_TEST

/* ---- export -------------------------------------------------------------------------------------------- */

static void export_all(const char *path, const DatasetExportOptions *options, uint64_t messages) {
    DatasetReader *reader;
    uint64_t exported = 0;
    assert_ok(dataset_reader_open(path, &reader, &error), error);
    for (uint32_t c = 0; c < dataset_reader_head(reader)->n_captures; c++) {
        DatasetExportReport report;
        assert_ok(dataset_export_capture(reader, c, folder, options, &report, &error), error);
        ck_assert_int_eq(report.named, report.messages > 0);
        exported += report.messages;
    }
    dataset_reader_close(reader);
    ck_assert_uint_eq(exported, messages);
}

static void import_again(Dataset *again) {
    static const char *const names[] = {"one.pcap", "two.pcap", "three.pcap"};
    empty_dataset(again);
    for (int i = 0; i < 3; i++) {
        DatasetImportOptions options = {.session = "lab", .otherwise = DATASET_BENIGN, .follows = i == 1};
        DatasetImportReport report;
        assert_ok(dataset_import(in_folder(folder, names[i]), &options, again, &report, &error), error);
        ck_assert_uint_eq(report.without_label + report.without_message, 0);
        ck_assert_uint_eq(report.wire.fate[WIRE_PACKET_DUPLICATE], 0);
    }
}

/* All columns but the capture's hash come back, with messages of every kind that UDP can carry. */
START_TEST(exported_captures_give_the_same_rows) {
    const char *path = in_folder(folder, "a.h5");
    DatasetExportOptions options = {.keep_frames = true};
    DatasetSplit *split;
    Dataset again;
    static const uint32_t flags[] = {WIRE_FLAG_TRUNCATED, WIRE_FLAG_FRAGMENTED,
                                     WIRE_FLAG_FRAGMENTED | WIRE_FLAG_OVERLAP, WIRE_FLAG_TUNNELLED,
                                     WIRE_FLAG_TUNNELLED | WIRE_FLAG_FRAGMENTED | WIRE_FLAG_TRUNCATED};
    for (uint64_t i = 0; i < dataset.count; i++)
        dataset.frame[i] *= 3; /* room for fragments */
    for (uint64_t i = 0; i < 10; i++)
        dataset.wire_flags[i] = flags[i % 5];
    for (uint64_t i = 5; i < 10; i++) /* the same over IPv6 */
        for (int side = 0; side < 2; side++) {
            uint8_t *ip = side ? dataset.source[i] : dataset.destination[i];
            memset(ip, 0, 12);
            ip[0] = 0xfd;
        }
    dataset.primary[50] = DATASET_UNLABELLED;
    assert_ok(dataset_write(&dataset, path, &error), error);
    export_all(path, &options, dataset.count);
    import_again(&again);
    for (uint32_t c = 0; c < 3; c++)
        memcpy(again.captures[c].sha256, dataset.captures[c].sha256, DATASET_HASH_SIZE);
    assert_ok(dataset_add_split(&again, "first", &split, &error), error);
    memcpy(split->captures, dataset.splits[0].captures, 3);
    memcpy(split->runs, dataset.splits[0].runs, 3);
    memcpy(again.provenance, dataset.provenance, sizeof again.provenance);
    assert_same_dataset(&dataset, &again);
    dataset_free(&again);
}
END_TEST

/* TCP and WebSocket: the same messages, two of them in one segment. */
START_TEST(streams_are_exported_as_streams) {
    const char *path = in_folder(folder, "a.h5");
    DatasetExportOptions options = {0};
    Dataset again;
    for (uint64_t i = 0; i < dataset.count; i++)
        dataset.transport[i] = i % 4 == 3 ? WIRE_WEBSOCKET : WIRE_TCP;
    for (int k = 0; k < DATASET_ADDRESS_SIZE; k++) /* row 2 in the frame and connection of row 0 … */
        dataset.source[1][k] = dataset.source[0][k], dataset.destination[1][k] = dataset.destination[0][k];
    dataset.transport[0] = dataset.transport[1] = WIRE_TCP;
    dataset.frame[1] = dataset.frame[0];
    dataset.index[1] = 1;
    for (uint64_t i = 3; i < dataset.count; i += 4) { /* WebSocket's connections are others */
        dataset.source[i][17] ^= 1;
        dataset.destination[i][17] ^= 1;
    }
    assert_ok(dataset_write(&dataset, path, &error), error);
    export_all(path, &options, dataset.count);
    import_again(&again);
    ck_assert_uint_eq(again.count, dataset.count);
    for (uint64_t i = 0; i < again.count; i++) {
        WireMessage a, b;
        dataset_message_view(&dataset, i, &a);
        dataset_message_view(&again, i, &b);
        ck_assert_uint_eq(a.length, b.length);
        ck_assert_mem_eq(a.bytes, b.bytes, a.length);
        ck_assert_uint_eq(a.transport, b.transport);
        ck_assert_uint_eq(a.index, b.index);
        ck_assert_uint_eq(dataset.run[i], again.run[i]);
    }
    dataset_free(&again);
}
END_TEST

START_TEST(filters_take_what_was_asked_for) {
    const char *path = in_folder(folder, "a.h5");
    bool primaries[256] = {false}, runs[3] = {false, true, false};
    DatasetExportOptions by_class = {.primaries = primaries}, by_run = {.runs = runs};
    assert_ok(dataset_write(&dataset, path, &error), error);
    primaries[2] = true; /* scan: also beside flood */
    uint64_t scans = 0, of_run = 0;
    for (uint64_t i = 0; i < dataset.count; i++) {
        scans += dataset.classes[i] >> 1 & 1;
        of_run += dataset.run[i] == 2;
    }
    ck_assert_uint_gt(scans, of_run);
    export_all(path, &by_class, scans);
    ck_assert_int_ne(access(in_folder(folder, "two.pcap"), F_OK), 0);
    export_all(path, &by_run, of_run);
}
END_TEST

START_TEST(names_that_are_no_files_are_refused) {
    static const char *const names[] = {"../one", "", ".hidden", "a/b", "a\nb"};
    const char *path = in_folder(folder, "a.h5");
    DatasetExportOptions options = {0};
    DatasetExportReport report;
    DatasetReader *reader;
    memset(dataset.captures[0].name, 0, DATASET_NAME_SIZE);
    memcpy(dataset.captures[0].name, names[_i], strlen(names[_i]));
    assert_ok(dataset_write(&dataset, path, &error), error);
    assert_ok(dataset_reader_open(path, &reader, &error), error);
    ck_assert_int_eq(dataset_export_capture(reader, 0, folder, &options, &report, &error), CORE_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "captures/name[0]"));
    dataset_reader_close(reader);
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

Suite *streaming_suite(void) {
    Suite *suite = suite_create("streaming");
    TCase *cases = tcase_create("rows");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, every_way_of_writing_gives_the_same_bytes);
    tcase_add_loop_test(cases, runs_of_a_capture_come_before_the_next, 0, 4);
    tcase_add_loop_test(cases, labels_are_checked, 0, 5);
    tcase_add_test(cases, ranges_come_in_any_order);
    tcase_add_test(cases, readers_do_not_disturb_each_other);
    tcase_add_test(cases, merged_datasets_keep_everything);
    tcase_add_loop_test(cases, what_clashes_is_not_merged, 0, 5);
    tcase_add_test(cases, exported_captures_give_the_same_rows);
    tcase_add_test(cases, streams_are_exported_as_streams);
    tcase_add_test(cases, filters_take_what_was_asked_for);
    tcase_add_loop_test(cases, names_that_are_no_files_are_refused, 0, 5);
    suite_add_tcase(suite, cases);
    return suite;
}
