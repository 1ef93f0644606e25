/* The parts of the scores: random numbers, bootstrap, addresses, names, tables; and of the timing: series,
 * turns, agreement, options. Relies on: bench, Check. Relied on by: ctest. */
#include "bench/accuracy.h"
#include "bench/bootstrap.h"
#include "bench/contest.h"
#include "bench/fma.h"
#include "bench/onnxruntime.h"
#include "bench/options.h"
#include "bench/table.h"

#include <check.h>
#include <math.h>
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

START_TEST(series) {
    BenchSeries values = {0};
    ck_assert_double_eq(bench_series_median(&values), 0);
    for (int i = 0; i < 2 * BENCH_ROUNDS_MAX; i++)
        bench_series_add(&values, i % 2 ? i : -i); /* what does not fit is left out */
    ck_assert_int_eq(values.count, BENCH_ROUNDS_MAX);
    ck_assert_double_eq(bench_series_least(&values), -100);
    ck_assert_double_eq(bench_series_greatest(&values), 99);
    ck_assert_double_eq(bench_series_median(&values), 0);
    values.count = 4; /* 0 1 -2 3 */
    ck_assert_double_eq(bench_series_median(&values), .5);
}
END_TEST

/* Work that takes 2 ms each time, it says, and 1 s the first time. */
static CoreStatus pretend(void *job, uint32_t count, double *seconds, CoreError *out) {
    uint32_t *done = job;
    (void)out;
    *seconds = *done == 1 ? 1 : 2e-3 * count;
    *done += count;
    return CORE_OK;
}

START_TEST(turns) {
    uint32_t done = 2;
    BenchTurns work = {.run = pretend, .job = &done};
    ck_assert_int_eq(bench_turns_calibrate(&work, .1, &error), CORE_OK);
    ck_assert_uint_eq(work.count, 50);
    done = 1;
    ck_assert_int_eq(bench_turns_take(&work, &error), CORE_OK); /* the first is not counted */
    ck_assert_uint_eq(done, 1 + 1 + 50);
    ck_assert_int_eq(work.seconds.count, 1);
    ck_assert_double_eq_tol(work.seconds.values[0], 2e-3, 1e-12);
}
END_TEST

START_TEST(differences) {
    static const float ours[] = {1, -4, 2}, same[] = {1, -4, 2}, other[] = {1, -4, 2.5f}, none[] = {0, 0, 0};
    static const float bad[] = {1, NAN, 2};
    ck_assert_double_eq(bench_difference(ours, same, 3), 0);
    ck_assert_double_eq(bench_difference(ours, other, 3), .125);
    ck_assert_double_eq(bench_difference(none, none, 3), 0);
    ck_assert(isinf(bench_difference(none, ours, 3)));
    ck_assert(isnan(bench_difference(ours, bad, 3)));
    ck_assert(isnan(bench_difference(bad, ours, 3)));
    ck_assert(!bench_runner_agrees(&(BenchRunner){.difference = NAN}));
    ck_assert(!bench_runner_agrees(&(BenchRunner){.difference = 1.1e-4}));
    ck_assert(bench_runner_agrees(&(BenchRunner){.difference = 1e-5}));
}
END_TEST

START_TEST(lists) {
    static const char *const words[] = {"train", "infer"};
    size_t values[BENCH_LIST_MAX], count;
    unsigned mask;
    ck_assert(bench_read_counts("64,1", 64, values, &count));
    ck_assert(count == 2 && values[0] == 64 && values[1] == 1);
    static const char *const wrong[] = {"", "1,", ",1", "65", "0", "-1", " 1", "1,2,3,4,5,6,7,8,9", "1;2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!bench_read_counts(wrong[i], 64, values, &count), "%s", wrong[i]);
    ck_assert(bench_read_words("infer,train", words, 2, &mask) && mask == 3);
    ck_assert(bench_read_words("infer", words, 2, &mask) && mask == 2);
    ck_assert(!bench_read_words("", words, 2, &mask));
    ck_assert(!bench_read_words("inf", words, 2, &mask));
    ck_assert(!bench_read_words("infer,", words, 2, &mask));
}
END_TEST

/* Multiply-adds as issue and documentation give them; batch, biases and targets differ from zero. */
START_TEST(reference_networks) {
    ck_assert_double_eq_tol(bench_net_flops(BENCH_NET_A, false) / 2, .93e6, .005e6);
    ck_assert_double_eq_tol(bench_net_flops(BENCH_NET_B, false) / 2, 1.97e6, .01e6);
    for (int kind = 0; kind < BENCH_NETS; kind++) {
        const BenchTask task = {.kind = (BenchNetKind)kind, .training = true, .batch = 3, .threads = 1};
        BenchContest contest;
        ck_assert_int_eq(bench_contest_new(&task, NULL, 0, 1e-4, &contest, &error), CORE_OK);
        ck_assert_int_eq(contest.n_runners, 1);
        ck_assert_int_eq(bench_contest_turn(&contest, 0, &error), CORE_OK);
        ck_assert_double_gt(bench_contest_rate(&contest, 0, false), 0);
        ck_assert_double_gt(graph_loss(contest.net.graph), 0);
        bench_contest_free(&contest);
    }
}
END_TEST

START_TEST(multiply_adds) {
    double gflops = 0;
    for (int level = 0; level < CORE_CPU_LEVELS; level++) {
        CoreStatus expected = (CoreCpuLevel)level <= core_cpu_level_native() ? CORE_OK : CORE_UNAVAILABLE;
        ck_assert_int_eq(bench_fma_gflops((CoreCpuLevel)level, 2, 1e-3, &gflops, &error), expected);
        ck_assert_double_gt(gflops, 0);
    }
    ck_assert_int_eq(bench_fma_gflops(CORE_CPU_PORTABLE, 0, 1e-3, &gflops, &error), CORE_ARGUMENT);
}
END_TEST

START_TEST(no_library) {
    OnnxRuntime *runtime = NULL;
    ck_assert_int_eq(onnxruntime_open("/nowhere.so", &runtime, &error), CORE_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere.so"));
    ck_assert_ptr_null(runtime);
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
    tcase_add_test(tests, series);
    tcase_add_test(tests, turns);
    tcase_add_test(tests, differences);
    tcase_add_test(tests, lists);
    tcase_add_test(tests, reference_networks);
    tcase_add_test(tests, multiply_adds);
    tcase_add_test(tests, no_library);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
