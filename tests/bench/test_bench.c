/* The parts of the scores: random numbers, bootstrap, addresses, names, tables.
 * Relies on: bench, Check.
 * Relied on by: ctest. */
#include "bench/accuracy.h"
#include "bench/bootstrap.h"
#include "bench/table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CoreError error;

/* Golden values: Python 3.11, random.Random(1). */
START_TEST(twister_is_pythons) {
    BenchTwister twister;
    bench_twister_seed(&twister, 1);
    ck_assert(bench_twister_uniform(&twister) == 0x1.132d8f91b7584p-3);
    ck_assert(bench_twister_uniform(&twister) == 0x1.b1e2d5b3584f8p-1);
    ck_assert(bench_twister_uniform(&twister) == 0x1.870d778409f13p-1);
    ck_assert(bench_twister_uniform(&twister) == 0x1.0530d08f17f5cp-2);
    double value = 0;
    for (int i = 0; i < 700; i++) /* beyond one refill */
        value = bench_twister_uniform(&twister);
    ck_assert(value == 0x1.66016836d83b4p-2);
}
END_TEST

START_TEST(bootstrap_is_pythons) {
    static const BenchClientCount clients[] = {{100, 0}, {50, 1}, {10, 3}, {1000, 2}, {7, 0}, {1, 1}};
    double upper;
    ck_assert_int_eq(bench_bootstrap_upper(clients, 6, &upper, &error), CORE_OK);
    ck_assert(upper == 0.06140350877192982);
}
END_TEST

START_TEST(rule_of_three) {
    static const BenchClientCount clean[] = {{100, 0}, {50, 0}};
    double upper;
    ck_assert_int_eq(bench_bootstrap_upper(clean, 2, &upper, &error), CORE_OK);
    ck_assert_double_eq(upper, 3. / 150);
    ck_assert_int_eq(bench_bootstrap_upper(clean, 0, &upper, &error), CORE_OK);
    ck_assert_double_eq(upper, 1);
}
END_TEST

START_TEST(hosts) {
    static const char *const cases[][2] = {
        {"10.0.0.1:5060", "10.0.0.1"},
        {"10.0.0.1", "10.0.0.1"},
        {"[fd66::0001]:5060", "fd66::1"},
        {"FD66:0:0::1", "fd66::1"},
        {"[fe80::1%eth0]:5060", "fe80::1%eth0"},
        {"", ""},
        {"[]", ""},
        {"10.0.0.256", "not an address: 10.0.0.256"},
        {"10.0.0.01", "not an address: 10.0.0.01"},
        {"phone.example:5060", "not an address: phone.example:5060"},
        {"fe80::1%", "not an address: fe80::1%"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        bench_host(cases[i][0], text, sizeof text);
        ck_assert_str_eq(text, cases[i][1]);
    }
}
END_TEST

START_TEST(names_keep_their_order) {
    BenchNames names = {0};
    for (uint32_t i = 0; i < 5000; i++) {
        char key[16];
        uint32_t number;
        bool added;
        snprintf(key, sizeof key, "%u", i * 7919u % 5000u);
        ck_assert_int_eq(bench_names_add(&names, key, strlen(key), &number, &added, &error), CORE_OK);
        ck_assert(added);
        ck_assert_uint_eq(number, i);
        ck_assert_int_eq(bench_names_add(&names, key, strlen(key), &number, &added, &error), CORE_OK);
        ck_assert(!added);
        ck_assert_str_eq(bench_names_text(&names, number), key);
    }
    uint32_t number;
    ck_assert(!bench_names_find(&names, "x", 1, &number));
    ck_assert(bench_names_find(&names, "0", 1, &number));
    ck_assert_uint_eq(number, 0);
    bench_names_free(&names);
}
END_TEST

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(tables) {
    static const char *const wanted[] = {"b", "a"};
    char path[] = "/tmp/sipcnn-test-table-XXXXXX";
    ck_assert_int_ge(mkstemp(path), 0);
    write_file(path, "a\tx\tb\r\n1\t\t2\r\n\n3\t4\t\n5\n");
    BenchTable table;
    ck_assert_int_eq(bench_table_open(path, wanted, 2, &table, &error), CORE_OK);
    ck_assert_int_eq(bench_table_next(&table, &error), CORE_OK);
    ck_assert_str_eq(table.values[0], "2");
    ck_assert_str_eq(table.values[1], "1");
    ck_assert_int_eq(bench_table_next(&table, &error), CORE_OK);
    ck_assert_str_eq(table.values[0], "");
    ck_assert_str_eq(table.values[1], "3");
    ck_assert_int_eq(bench_table_next(&table, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, ":5:")); /* the line is named */
    bench_table_close(&table);
    write_file(path, "a\tx\n");
    ck_assert_int_eq(bench_table_open(path, wanted, 2, &table, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "\"b\""));
    write_file(path, "");
    ck_assert_int_eq(bench_table_open(path, wanted, 2, &table, &error), CORE_FORMAT);
    unlink(path);
    ck_assert_int_eq(bench_table_open(path, wanted, 2, &table, &error), CORE_IO);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bench");
    TCase *tests = tcase_create("bench");
    tcase_add_test(tests, twister_is_pythons);
    tcase_add_test(tests, bootstrap_is_pythons);
    tcase_add_test(tests, rule_of_three);
    tcase_add_test(tests, hosts);
    tcase_add_test(tests, names_keep_their_order);
    tcase_add_test(tests, tables);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
