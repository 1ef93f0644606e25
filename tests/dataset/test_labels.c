/* Label files: both forms, what they mean, and every way in which a line can be bad.
 * Relies on: data/dataset/labels.h.
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/labels.h"

#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"

#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS  "frame\tindex\tprimary\talso\trun\tpart\n"
#define RUNS  "run\tclass\ttool\tsettings\tstart\tend\tclients\n"
#define RULES "start,end,client,target,call_id,class,also,run,tool,note\n"

static Dataset dataset;
static DatasetLabels labels;
static CoreError error;

static void setup(void) {
    empty_dataset(&dataset);
    memset(&labels, 0, sizeof labels);
}

static void teardown(void) {
    dataset_labels_free(&labels);
    dataset_free(&dataset);
}

static CoreStatus parse(const char *text) {
    dataset_labels_free(&labels);
    return dataset_labels_parse("x.tsv", text, strlen(text), &dataset, &labels, &error);
}

START_TEST(rows_are_read) {
    assert_ok(parse("\xef\xbb\xbf" ROWS
                    "3\t1\tflood\tscan,teardown\t12\tonset\r\n\n2\t0\tbenign\t\t0\trequest\n"
                    "3\t0\tignore\tscan\t12\trelay"),
              error);
    ck_assert_int_eq(labels.form, DATASET_LABELS_ROWS);
    ck_assert_uint_eq(labels.n_rows, 3);
    const DatasetLabelRow *row = dataset_labels_find(&labels, 3, 1);
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(row->primary, 1);
    ck_assert_uint_eq(row->classes, 7);
    ck_assert_uint_eq(row->run, 12);
    ck_assert_uint_eq(row->part, DATASET_ONSET);
    ck_assert_uint_eq(row->line, 2);
    row = dataset_labels_find(&labels, 3, 0);
    ck_assert_uint_eq(row->primary, DATASET_IGNORE);
    ck_assert_uint_eq(row->classes, 2);
    row = dataset_labels_find(&labels, 2, 0);
    ck_assert_uint_eq(row->primary, DATASET_BENIGN);
    ck_assert_ptr_null(dataset_labels_find(&labels, 2, 1));
    ck_assert_ptr_null(dataset_labels_find(&labels, 4, 0));
}
END_TEST

typedef struct Bad {
    const char *text, *says;
} Bad;

static const Bad bad_rows[] = {
    {"", "line 1"},
    {"frame\tindex\tprimary\n", "line 1"},
    {ROWS "1\t0\tbenign\t\t0\trequest\n2\t0\tnonsense\t\t0\trequest\n",
     "line 3, primary: not a class: 'nonsense'"},
    {ROWS "0\t0\tbenign\t\t0\trequest\n", "line 2, frame"},
    {ROWS "x\t0\tbenign\t\t0\trequest\n", "line 2, frame: not a whole number: 'x'"},
    {ROWS "-1\t0\tbenign\t\t0\trequest\n", "line 2, frame"},
    {ROWS "99999999999999999999\t0\tbenign\t\t0\trequest\n", "line 2, frame: too large"},
    {ROWS "\t0\tbenign\t\t0\trequest\n", "line 2, frame"},
    {ROWS "1\t4294967296\tbenign\t\t0\trequest\n", "line 2, index: too large"},
    {ROWS "1\t0\tunlabelled\tflood\t0\trequest\n", "line 2, also"},
    {ROWS "1\t0\tunknown\t\t0\trequest\n", "line 2, primary"},
    {ROWS "1\t0\tflood\tbenign\t0\trequest\n", "line 2, also"},
    {ROWS "1\t0\tbenign\tflood\t0\trequest\n", "line 2, also"},
    {ROWS "1\t0\tflood\t\t\trequest\n", "line 2, run"},
    {ROWS "1\t0\tflood\t\t1\tRequest\n", "line 2, part"},
    {ROWS "1\t0\tflood\t\t1\n", "line 2: 5 fields where 6 are expected; part is missing"},
    {ROWS "1\t0\tflood\t\t1\treply\tmore\n", "line 2: more fields"},
    {ROWS "5\t0\tflood\t\t1\treply\n\n5\t0\tflood\t\t1\treply\n", "line 4, frame"},
};

START_TEST(bad_rows_are_named) {
    const Bad *bad = &bad_rows[_i];
    ck_assert_int_eq(parse(bad->text), CORE_FORMAT);
    ck_assert_msg(strncmp(error.text, "x.tsv line ", 11) == 0, "%s", error.text);
    ck_assert_msg(strstr(error.text, bad->says) != NULL, "'%s' does not say '%s'", error.text, bad->says);
}
END_TEST

START_TEST(rules_are_read) {
    assert_ok(parse(RULES "1795524750,1795524760.5,10.0.0.9,10.0.0.0/8,,flood,\"scan, teardown\",3,sipp,\"a "
                          "\"\"b\"\", c\"\n"
                          ",,fd66::/16,,,benign,,,,\n"
                          ",,,,call-1@x,ignore,,,,\n"
                          ",1000000000,,,,unlabelled,,,,\n"),
              error);
    ck_assert_int_eq(labels.form, DATASET_LABELS_RULES);
    ck_assert_uint_eq(labels.n_rules, 4);
    const DatasetRule *rule = &labels.rules[0];
    ck_assert_int_eq(rule->start_ns, INT64_C(1795524750000000000));
    ck_assert_int_eq(rule->end_ns, INT64_C(1795524760500000000));
    ck_assert_uint_eq(rule->primary, 1);
    ck_assert_uint_eq(rule->classes, 7);
    ck_assert_uint_eq(rule->run, 3);
    ck_assert_str_eq(rule->note, "a \"b\", c");
    ck_assert_uint_eq(labels.n_runs, 1);
    ck_assert_str_eq(labels.runs[0].run.tool, "sipp");
}
END_TEST

static int match(int64_t seconds, const char *client, const char *target, const char *call_id) {
    WireAddress from, to;
    ck_assert(wire_address_parse(client, &from) && wire_address_parse(target, &to));
    const DatasetRule *rule =
        dataset_labels_match(&labels, seconds * 1000000000, &from, &to, call_id, strlen(call_id));
    return rule ? (int)(rule - labels.rules) : -1;
}

START_TEST(first_rule_that_matches_wins) {
    assert_ok(parse(RULES "100,200,10.0.0.9,,,flood,,1,,\n"
                          ",,10.0.0.0/24,192.168.0.0/16,,scan,,2,,\n"
                          ",,,,abc,ignore,,,,\n"
                          "300,,::/0,,,benign,,,,\n"),
              error);
    ck_assert_int_eq(match(100, "10.0.0.9", "192.168.3.4", "abc"), 0);
    ck_assert_int_eq(match(200, "10.0.0.9", "1.2.3.4", ""), 0);
    ck_assert_int_eq(match(201, "10.0.0.9", "192.168.3.4", "abc"), 1);
    ck_assert_int_eq(match(201, "10.0.1.9", "192.168.3.4", "abc"), 2);
    ck_assert_int_eq(match(201, "10.0.1.9", "192.168.3.4", "abcd"), -1);
    ck_assert_int_eq(match(300, "10.0.1.9", "1.2.3.4", "ab"), 3);
    ck_assert_int_eq(match(300, "fd66::1", "fd66::2", ""), 3);
}
END_TEST

static const Bad bad_rules[] = {
    {RULES "x,,,,,flood,,,,\n", "line 2, start"},
    {RULES "1,0.5,,,,flood,,,,\n", "line 2, end: ends before"},
    {RULES "1.1234567890,,,,,flood,,,,\n", "line 2, start"},
    {RULES "99999999999,,,,,flood,,,,\n", "line 2, start"},
    {RULES ",,10.0.0.256,,,flood,,,,\n", "line 2, client"},
    {RULES ",,,10.0.0.0/33,,flood,,,,\n", "line 2, target"},
    {RULES "\n\n,,,,,,,,,\n", "line 4, class"},
    {RULES ",,,,,flood,flod,,,\n", "line 2, also"},
    {RULES ",,,,,flood,,x,,\n", "line 2, run"},
    {RULES ",,,,,unlabelled,,1,,\n", "line 2, run"},
    {RULES ",,,,,flood,,1,,\n,,,,,scan,,1,,\n", "line 3, class"},
    {RULES ",,,,,flood,,1,,\"note\n", "line 2: a quoted field"},
    {RULES ",,,,,flood,,1,,\"note\"x\n", "line 2: a quoted field"},
    {RULES ",,,,,flood\n", "line 2: 6 fields where 10 are expected; also is missing"},
};

START_TEST(bad_rules_are_named) {
    const Bad *bad = &bad_rules[_i];
    ck_assert_int_eq(parse(bad->text), CORE_FORMAT);
    ck_assert_msg(strstr(error.text, bad->says) != NULL, "'%s' does not say '%s'", error.text, bad->says);
}
END_TEST

static CoreStatus parse_runs(const char *text) {
    dataset_labels_free(&labels);
    return dataset_labels_parse_runs("x.tsv", text, strlen(text), &dataset, &labels, &error);
}

START_TEST(runs_are_read) {
    assert_ok(parse_runs(RUNS "9\tscan\tsvmap\t-r 5\t1.5\t2\t10.0.0.1,fd66::2\n4\tignore\town\t\t1\t1\t\n"),
              error);
    ck_assert_uint_eq(labels.n_runs, 2);
    const DatasetRunRow *row = dataset_labels_find_run(&labels, 9);
    ck_assert_uint_eq(row->run.primary, 2);
    ck_assert_str_eq(row->run.tool, "svmap");
    ck_assert_int_eq(row->run.start_ns, 1500000000);
    ck_assert_uint_eq(row->n_clients, 2);
    ck_assert_uint_eq(dataset_labels_find_run(&labels, 4)->n_clients, 0);
    ck_assert_ptr_null(dataset_labels_find_run(&labels, 5));
}
END_TEST

START_TEST(long_texts_are_cut_between_characters) {
    char text[1024] = RUNS "1\tscan\t", *at = text + strlen(text);
    for (int i = 0; i < 40; i++)
        at += snprintf(at, 4, "\xc3\xa9");
    snprintf(at, 16, "\t\t1\t2\t\n");
    assert_ok(parse_runs(text), error);
    ck_assert_uint_eq(strlen(labels.runs[0].run.tool), DATASET_NAME_SIZE - 2);
}
END_TEST

static const Bad bad_runs[] = {
    {"run\n", "line 1"},
    {RUNS "0\tscan\t\t\t1\t2\t\n", "line 2, run"},
    {RUNS "1\tscam\t\t\t1\t2\t\n", "line 2, class"},
    {RUNS "1\tscan\t\t\t\t2\t\n", "line 2, start"},
    {RUNS "1\tscan\t\t\t2\t1\t\n", "line 2, end"},
    {RUNS "1\tscan\t\t\t1\t2\t10.0.0.1,x\n", "line 2, clients"},
    {RUNS "1\tscan\t\t\t1\t2\t\n1\tscan\t\t\t1\t2\t\n", "line 3, run"},
};

START_TEST(bad_runs_are_named) {
    const Bad *bad = &bad_runs[_i];
    ck_assert_int_eq(parse_runs(bad->text), CORE_FORMAT);
    ck_assert_msg(strstr(error.text, bad->says) != NULL, "'%s' does not say '%s'", error.text, bad->says);
}
END_TEST

static void write_xz(const char *path, const char *text, bool cut) {
    uint8_t out[4096];
    size_t size = 0;
    ck_assert_int_eq(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, strlen(text),
                                             out, &size, sizeof out),
                     LZMA_OK);
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(out, 1, cut ? size / 2 : size, file), cut ? size / 2 : size);
    fclose(file);
}

START_TEST(compressed_files_are_read) {
    char folder[64];
    make_folder(folder);
    const char *path = in_folder(folder, "a.tsv.xz");
    write_xz(path, ROWS "1\t0\tscan\t\t3\treply\n", false);
    assert_ok(dataset_labels_read(path, &dataset, &labels, &error), error);
    ck_assert_uint_eq(labels.n_rows, 1);
    dataset_labels_free(&labels);
    write_xz(path, ROWS "1\t0\tscan\t\t3\treply\n", true);
    ck_assert_int_eq(dataset_labels_read(path, &dataset, &labels, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "a.tsv.xz: damaged xz"));
    ck_assert_int_eq(dataset_labels_read(in_folder(folder, "none"), &dataset, &labels, &error), CORE_IO);
    ck_assert_int_eq(dataset_labels_read(folder, &dataset, &labels, &error), CORE_IO);
    remove_folder(folder);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

Suite *labels_suite(void) {
    Suite *suite = suite_create("labels");
    TCase *cases = tcase_create("files");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, rows_are_read);
    tcase_add_loop_test(cases, bad_rows_are_named, 0, COUNT(bad_rows));
    tcase_add_test(cases, rules_are_read);
    tcase_add_test(cases, first_rule_that_matches_wins);
    tcase_add_loop_test(cases, bad_rules_are_named, 0, COUNT(bad_rules));
    tcase_add_test(cases, runs_are_read);
    tcase_add_test(cases, long_texts_are_cut_between_characters);
    tcase_add_loop_test(cases, bad_runs_are_named, 0, COUNT(bad_runs));
    tcase_add_test(cases, compressed_files_are_read);
    suite_add_tcase(suite, cases);
    return suite;
}
