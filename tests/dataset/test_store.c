/* The dataset file: what is written is read again; what is damaged harms nobody.
 * Relies on: data/dataset (store, stream).
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/store.h"
#include "data/dataset/stream.h"

#include "engine/core/file.h"
#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"
#include "tests/sizes.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
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

START_TEST(small_dataset_is_valid) {
    assert_ok(dataset_check(&dataset, &error), error);
    ck_assert_uint_eq(dataset.count, 90);
    uint64_t begin, end;
    dataset_capture_rows(&dataset, 1, &begin, &end);
    ck_assert_uint_eq(begin, 40);
    ck_assert_uint_eq(end, 60);
}
END_TEST

START_TEST(round_trip) {
    Dataset again;
    const char *path = in_folder(folder, "a.h5");
    assert_ok(dataset_write(&dataset, path, &error), error);
    assert_ok(dataset_read(path, &again, &error), error);
    assert_same_dataset(&dataset, &again);
    dataset_free(&again);
}
END_TEST

START_TEST(empty_round_trip) {
    Dataset none, again;
    const char *path = in_folder(folder, "a.h5");
    empty_dataset(&none);
    assert_ok(dataset_write(&none, path, &error), error);
    assert_ok(dataset_read(path, &again, &error), error);
    assert_same_dataset(&none, &again);
    dataset_free(&again);
    dataset_free(&none);
}
END_TEST

/* Several chunks, several frames, several blocks of everything. */
START_TEST(large_round_trip) {
    Dataset large, again;
    const char *path = in_folder(folder, "a.h5");
    uint64_t state = 1;
    static uint8_t noise[WIRE_MESSAGE_MAX];
    empty_dataset(&large);
    DatasetCapture capture = {.name = "noise", .follows = DATASET_NO_CAPTURE};
    assert_ok(dataset_add_capture(&large, &capture, &error), error);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)next_random(&state);
    for (int i = 0; i < 150000; i++) {
        WireMessage message = sip_message("", 1, 2, i * 0.001);
        message.bytes = noise;
        message.length = i % 10000 == 0 ? WIRE_MESSAGE_MAX : (uint32_t)(next_random(&state) % 60);
        message.source.port = (uint16_t)next_random(&state);
        message.frame = (uint64_t)i + 1;
        DatasetLabel label = {.primary = DATASET_UNLABELLED};
        assert_ok(dataset_add_message(&large, &message, &label, &error), error);
    }
    assert_ok(dataset_write(&large, path, &error), error);
    assert_ok(dataset_read(path, &again, &error), error);
    ck_assert_uint_eq(again.count, large.count);
    ck_assert_mem_eq(again.bytes, large.bytes, large.offset[large.count]);
    ck_assert_mem_eq(again.offset, large.offset, (large.count + 1) * sizeof *large.offset);
    ck_assert_mem_eq(again.source, large.source, large.count * sizeof *large.source);
    ck_assert_mem_eq(again.time_ns, large.time_ns, large.count * sizeof *large.time_ns);
    dataset_free(&again);
    dataset_free(&large);
}
END_TEST

START_TEST(same_dataset_same_bytes) {
    uint8_t first[DATASET_HASH_SIZE], second[DATASET_HASH_SIZE];
    const char *path = in_folder(folder, "a.h5");
    assert_ok(dataset_write(&dataset, path, &error), error);
    assert_ok(dataset_hash(path, first, &error), error);
    sleep(1); /* a time stamp would show */
    assert_ok(dataset_write(&dataset, path, &error), error);
    assert_ok(dataset_hash(path, second, &error), error);
    ck_assert_mem_eq(first, second, sizeof first);
}
END_TEST

START_TEST(splits_are_named_and_replaced) {
    DatasetSplit *split;
    assert_ok(dataset_add_split(&dataset, "other", &split, &error), error);
    ck_assert_uint_eq(dataset.n_splits, 2);
    ck_assert_uint_eq(split->captures[2], DATASET_UNUSED);
    assert_ok(dataset_add_split(&dataset, "first", &split, &error), error);
    ck_assert_uint_eq(dataset.n_splits, 2);
    ck_assert_uint_eq(split->runs[0], DATASET_UNUSED);
    ck_assert_int_eq(dataset_add_split(&dataset, "a b", &split, &error), CORE_ARGUMENT);
    ck_assert_int_eq(dataset_add_split(&dataset, "", &split, &error), CORE_ARGUMENT);
    ck_assert_int_eq(dataset_add_split(&dataset, "../x", &split, &error), CORE_ARGUMENT);
}
END_TEST

/* Every check of dataset_check can fail. */
START_TEST(invariants_are_checked) {
    static const uint8_t bad_primary = 77, bad_side = 9;
    Dataset *d = &dataset;
    switch (_i) {
    case 0: d->offset[5] = d->offset[6] + 1; break;
    case 1: d->capture[80] = 0; break;
    case 2: d->capture[89] = 3; break;
    case 3: d->primary[3] = bad_primary; break;
    case 4: d->classes[3] = 1; break;
    case 5: d->classes[35] = 0; break;
    case 6: d->classes[35] |= 1u << 20; break;
    case 7: d->run[3] = 4; break;
    case 8: d->run[3] = 2; break; /* a run of another capture */
    case 9: d->part[3] = DATASET_PARTS; break;
    case 10: d->transport[3] = 3; break;
    case 11: d->captures[1].follows = 1; break;
    case 12: d->captures[2].follows = 0; break; /* followed twice */
    case 13: memset(d->captures[0].name, 'x', DATASET_NAME_SIZE); break;
    case 14: memset(d->runs[0].tool, 'x', DATASET_NAME_SIZE); break;
    case 15: d->runs[1].client_end = 0; break;
    case 16: d->runs[2].client_end = 4; break;
    case 17: d->runs[0].primary = bad_primary; break;
    case 18: d->splits[0].captures[0] = bad_side; break;
    case 19: d->splits[0].runs[0] = bad_side; break;
    case 20: memcpy(d->class_list[1].name, "flood", 6); break;
    case 21: d->runs[0].capture = 3; break;
    case 22: d->offset[0] = 1; break;
    default: ck_abort();
    }
    ck_assert_int_eq(dataset_check(d, &error), CORE_FORMAT);
    ck_assert_int_eq(dataset_write(d, in_folder(folder, "a.h5"), &error), CORE_FORMAT);
}
END_TEST

static void assert_refused(const char *path, CoreStatus status, const char *says) {
    Dataset none;
    ck_assert_int_eq(dataset_read(path, &none, &error), status);
    ck_assert_msg(strstr(error.text, says) != NULL, "'%s' does not say '%s'", error.text, says);
    ck_assert_ptr_null(strchr(error.text, '\n'));
    ck_assert_ptr_null(none.offset);
}

START_TEST(what_is_no_dataset_is_refused) {
    const char *text = in_folder(folder, "a.txt");
    write_text(text, "start,end,client\n");
    assert_refused(text, CORE_FORMAT, "a.txt: not an HDF5 file");
    write_text(text, "");
    assert_refused(text, CORE_FORMAT, "a.txt: not an HDF5 file");
    write_text(text, "\x89HDF\r\n\x1a\nand nothing else");
    assert_refused(text, CORE_FORMAT, "a.txt: damaged");
    assert_refused(in_folder(folder, "none.h5"), CORE_IO, "none.h5: cannot open: No such file");
    assert_refused(folder, CORE_IO, "not a regular file");
    ck_assert_int_eq(mkfifo(in_folder(folder, "pipe"), 0600), 0);
    assert_refused(in_folder(folder, "pipe"), CORE_IO, "not a regular file");
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

START_TEST(what_cannot_be_written_is_reported) {
    ck_assert_int_eq(dataset_write(&dataset, in_folder(folder, "none/a.h5"), &error), CORE_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "none/a.h5: cannot create: No such file"));
    /* A full disk, as a limit on file size shows it. */
    struct rlimit limit = {2000, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CoreStatus status = dataset_write(&dataset, in_folder(folder, "a.h5"), &error);
    limit.rlim_cur = RLIM_INFINITY; /* Check writes files, too */
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(status, CORE_IO);
    ck_assert_int_eq(files_in_folder(), 0);
}
END_TEST

/* Many short messages: columns of several chunks, hence HDF5's index of them. */
static void write_chunked(const char *path) {
    Dataset chunked;
    DatasetCapture capture = {.name = "chunked", .follows = DATASET_NO_CAPTURE};
    DatasetLabel label = {.primary = DATASET_UNLABELLED};
    empty_dataset(&chunked);
    assert_ok(dataset_add_capture(&chunked, &capture, &error), error);
    for (int i = 0; i < 70000; i++) {
        WireMessage message = sip_message("OPTIONS", 1, 2, i);
        message.frame = (uint64_t)i + 1;
        assert_ok(dataset_add_message(&chunked, &message, &label, &error), error);
    }
    assert_ok(dataset_write(&chunked, path, &error), error);
    dataset_free(&chunked);
}

/* Changes a few bytes, most of them near each other, and cuts the file sometimes; writes what it becomes. */
static void write_mutant(const char *path, const uint8_t *original, size_t size, uint64_t *state) {
    uint8_t *mutant = malloc(size);
    ck_assert_ptr_nonnull(mutant);
    memcpy(mutant, original, size);
    size_t near = next_random(state) % size;
    for (uint64_t edits = 1 + next_random(state) % 8; edits > 0; edits--) {
        size_t at =
            next_random(state) % 2 ? next_random(state) % size : (near + next_random(state) % 64) % size;
        mutant[at] = (uint8_t)(next_random(state) % 4 ? next_random(state) : 0xff * (next_random(state) % 2));
    }
    size_t kept = next_random(state) % 16 == 0 ? next_random(state) % size : size;
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(mutant, 1, kept, file), kept);
    fclose(file);
    free(mutant);
}

/* A few hundred mutated files (SIPCNN_MUTATIONS for more), half of them with many chunks: each is read as a
 * valid dataset or refused with one line, and this process lives. */
START_TEST(mutated_files_do_no_harm) {
    const char *path = in_folder(folder, "a.h5"), *wanted = getenv("SIPCNN_MUTATIONS");
    long mutations = wanted ? strtol(wanted, NULL, 10) : (long)test_size(300, 60), refused = 0, read = 0;
    uint8_t *originals[2];
    size_t sizes[2];
    uint64_t state = 42;
    assert_ok(dataset_write(&dataset, path, &error), error);
    assert_ok(core_file_read(path, 1 << 24, &originals[0], &sizes[0], &error), error);
    write_chunked(path);
    assert_ok(core_file_read(path, 1 << 24, &originals[1], &sizes[1], &error), error);
    for (long i = 0; i < mutations; i++) {
        Dataset again;
        write_mutant(path, originals[i % 2], sizes[i % 2], &state);
        CoreStatus status = dataset_read(path, &again, &error);
        if (status == CORE_OK) {
            read++;
            assert_ok(dataset_check(&again, &error), error);
        } else {
            refused++;
            ck_assert(error.text[0] && !strchr(error.text, '\n'));
        }
        dataset_free(&again);
    }
    free(originals[0]);
    free(originals[1]);
    ck_assert_int_gt(refused, 0);
    if (wanted) printf("%ld mutated files: %ld refused with one line, %ld read\n", mutations, refused, read);
}
END_TEST

/* Opens a pipe into which a test writes what a child that was taken over by its file could send. */
static void open_stream(StreamWriter *writer, StreamReader *reader) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    stream_writer_init(writer, ends[1]);
    stream_reader_init(reader, ends[0]);
}

START_TEST(hostile_stream_is_refused) {
    static StreamWriter writer;
    static StreamReader reader;
    Dataset none;
    StreamTables tables;
    StreamHead head;
    memset(&head, 0, sizeof head);
    head.magic = STREAM_MAGIC;
    head.sizes.of[SCHEMA_MESSAGES] = UINT64_MAX / 8;
    head.sizes.of[SCHEMA_OFFSETS] = UINT64_MAX / 8 + 1;
    head.sizes.of[SCHEMA_CLIENTS] = UINT64_MAX / 32;
    open_stream(&writer, &reader);
    stream_write(&writer, &head, sizeof head);
    ck_assert(stream_flush(&writer));
    close(writer.fd);
    ck_assert_int_eq(stream_receive_head(&reader, 1 << 20, &none, &tables, &error), CORE_LIMIT);
    close(reader.fd);
    open_stream(&writer, &reader);
    CoreError sent = {(CoreStatus)77, "two\nlines\x1b[31m"};
    stream_write_failure(&writer, &sent);
    close(writer.fd);
    ck_assert_int_eq(stream_receive_head(&reader, 1 << 20, &none, &tables, &error), CORE_FORMAT);
    ck_assert_str_eq(error.text, "two?lines?[31m");
    close(reader.fd);
}
END_TEST

Suite *store_suite(void) {
    Suite *suite = suite_create("store");
    TCase *cases = tcase_create("file");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, small_dataset_is_valid);
    tcase_add_test(cases, round_trip);
    tcase_add_test(cases, empty_round_trip);
    tcase_add_test(cases, large_round_trip);
    tcase_add_test(cases, same_dataset_same_bytes);
    tcase_add_test(cases, splits_are_named_and_replaced);
    tcase_add_loop_test(cases, invariants_are_checked, 0, 23);
    tcase_add_test(cases, what_is_no_dataset_is_refused);
    tcase_add_test(cases, what_cannot_be_written_is_reported);
    tcase_add_test(cases, hostile_stream_is_refused);
    suite_add_tcase(suite, cases);
    TCase *mutations = tcase_create("mutations");
    tcase_set_timeout(mutations, 3600);
    tcase_add_checked_fixture(mutations, setup, teardown);
    tcase_add_test(mutations, mutated_files_do_no_harm);
    suite_add_tcase(suite, mutations);
    return suite;
}
