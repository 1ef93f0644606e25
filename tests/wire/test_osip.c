/* libosip2 behind its guard: opinions, bounds of memory and time, silence, threads.
 * Relies on: data/wire/osip.h, Check; Linux's /proc for the resident size.
 * Relied on by: ctest, which runs it plain, under the sanitizers, and under valgrind if that is there. */
#include "data/wire/osip.h"

#include "tests/wire/support.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static WireScan scan;

static WireOsipAnswer answer_to(const char *text, size_t length) {
    wire_scan((const uint8_t *)text, (uint32_t)length, false, &scan);
    return wire_osip_answer((const uint8_t *)text, (uint32_t)length, &scan);
}

#define HEAD                                                                                                 \
    "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"                           \
    "From: <sip:a@example.com>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"

static const char opening[] = HEAD "To: <sip:bob@example.com>\r\nContent-Length: 0\r\n\r\n";
static const char inside[] = HEAD "To: <sip:bob@example.com>;tag=2\r\nContent-Length: 0\r\n\r\n";
static const char broken[] = HEAD "To: <sip:bob@example.com>;tag=2\r\nContact: <sip:a@b\r\n\r\n";

/* A head and a tail with as many copies of `fill` between them as make `length` bytes. */
typedef struct Text {
    char bytes[65536];
    size_t length;
} Text;

static void compose(Text *text, const char *head, const char *fill, const char *tail, size_t length) {
    size_t step = strlen(fill), tail_length = strlen(tail);
    text->length = strlen(head);
    memcpy(text->bytes, head, text->length);
    for (; text->length + step + tail_length <= length; text->length += step)
        memcpy(text->bytes + text->length, fill, step);
    memcpy(text->bytes + text->length, tail, tail_length);
    text->length += tail_length;
}

static size_t resident_kib(void) {
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu %lu", &size, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Set by the test that runs this program under valgrind, where all is 50 times slower. */
static bool under_valgrind(void) {
    return getenv("SIPCNN_VALGRIND") != NULL;
}

static int repetitions(int plain) {
    return under_valgrind() ? plain / 100 + 1 : plain;
}

START_TEST(before_the_set_up_nothing_is_asked) {
    ck_assert_int_eq(answer_to(opening, sizeof opening - 1), WIRE_OSIP_GUARDED);
    ck_assert_int_eq(answer_to(inside, sizeof inside - 1), WIRE_OSIP_NOT_ASKED);
}
END_TEST

static void set_up(void) {
    ck_assert_int_eq(wire_osip_init(NULL), CORE_OK);
    ck_assert_int_eq(wire_osip_init(NULL), CORE_OK);
}

static void tear_down(void) {
    ck_assert_uint_eq(wire_osip_stray_allocations(), 0);
}

START_TEST(the_rule_and_the_answers) {
    ck_assert_int_eq(answer_to(opening, sizeof opening - 1), WIRE_OSIP_ACCEPTED);
    ck_assert_int_eq(answer_to(inside, sizeof inside - 1), WIRE_OSIP_NOT_ASKED);
    ck_assert_int_eq(answer_to(broken, sizeof broken - 1), WIRE_OSIP_REFUSED);
    static const char reply[] =
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n"
        "To: <sip:a@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n";
    ck_assert_int_eq(answer_to(reply, sizeof reply - 1), WIRE_OSIP_NOT_ASKED);
    static const char other_body[] = HEAD "To: <sip:b@h>\r\nc: application/sdp\r\nl: 3\r\n\r\nv=0";
    ck_assert_int_eq(answer_to(other_body, sizeof other_body - 1), WIRE_OSIP_ACCEPTED);
}
END_TEST

/* 128 lines and 256 separators are asked about, one more of either is not. */
START_TEST(the_bounds_of_the_pre_check) {
    static Text text;
    for (int more = 0; more < 2; more++) {
        size_t lines = 0, separators = 0;
        compose(&text, HEAD "To: <sip:b@h>\r\n", "X: 1\r\n", "\r\n",
                strlen(HEAD) + 15 + 2 + 6 * (128 - 7 + (size_t)more));
        for (size_t i = 0; i < text.length; i++)
            lines += text.bytes[i] == '\n';
        ck_assert_uint_eq(lines, 128 + (size_t)more);
        ck_assert_int_eq(answer_to(text.bytes, text.length), more ? WIRE_OSIP_GUARDED : WIRE_OSIP_ACCEPTED);
        compose(&text, HEAD "To: <sip:b@h>\r\nAllow: A", ",A", "\r\n\r\n",
                strlen(HEAD) + 15 + 8 + 4 + 2 * (252 + (size_t)more));
        for (size_t i = 0; i < text.length; i++)
            separators += strchr(";,&=", text.bytes[i]) != NULL;
        ck_assert_uint_eq(separators, 256 + (size_t)more);
        ck_assert_int_eq(answer_to(text.bytes, text.length), more ? WIRE_OSIP_GUARDED : WIRE_OSIP_ACCEPTED);
    }
}
END_TEST

/* Runs one message over and over: the resident size must not grow, and a run must not take long. */
static void assert_flat_and_bounded(const Text *text) {
    int runs = repetitions(text->length < 8000 ? 5000 : 300);
    for (int i = 0; i < runs / 10; i++)
        (void)answer_to(text->bytes, text->length);
    size_t before = resident_kib();
    double least = 1e9; /* other work on the machine does not count */
    for (int i = 0; i < runs; i++) {
        double begin = cpu_seconds();
        (void)answer_to(text->bytes, text->length);
        double spent = cpu_seconds() - begin;
        if (spent < least) least = spent;
    }
    ck_assert_uint_le(resident_kib(), before + 512);
    if (!under_valgrind()) ck_assert_msg(least < 20e-3, "%.0f us", 1e6 * least);
}

static void run_shape(const char *head, const char *fill, const char *tail) {
    static Text text;
    for (size_t length = 1400; length <= 64000; length += 62600) {
        compose(&text, head, fill, tail, length);
        assert_flat_and_bounded(&text);
    }
}

START_TEST(parts_with_repeated_content_type) {
    run_shape(HEAD
              "To: <sip:b@h>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\n",
              "Content-Type: text/plain\r\n", "\r\nx\r\n--b--\r\n");
}
END_TEST

START_TEST(many_parameters) {
    run_shape(HEAD "To: <sip:b@h>", ";a=b", "\r\n\r\n");
    run_shape(HEAD "To: <sip:b@h>\r\nContact: <sip:a@b?a=b", "&a=b", ">\r\n\r\n");
    run_shape(HEAD "To: <sip:b@h>\r\n", "a:b\r\n", "\r\n");
}
END_TEST

START_TEST(description_whose_last_line_has_no_end) {
    run_shape(HEAD "To: <sip:b@h>\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 "
                   "h\r\ns=-\r\nt=0 0\r\nm=audio ",
              "1", "");
}
END_TEST

/* The arena ends; the answer says so, and the next message has a whole one. */
START_TEST(memory_runs_out) {
    static Text text;
    compose(&text, HEAD "To: <sip:b@h>\r\nContact: \"", "a", "\" <sip:a@b>\r\n\r\n", 65500);
    (void)answer_to(text.bytes, text.length);
    compose(&text, HEAD "To: <sip:b@h>\r\nAllow: ",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            "AAAAAAA"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, ",
            "x\r\n\r\n", 65500);
    WireOsipAnswer first = answer_to(text.bytes, text.length);
    ck_assert(first == WIRE_OSIP_ACCEPTED || first == WIRE_OSIP_GUARDED);
    ck_assert_int_eq(answer_to(opening, sizeof opening - 1), WIRE_OSIP_ACCEPTED);
}
END_TEST

/* Random broken messages: stdout and stderr stay empty. */
START_TEST(nothing_is_printed) {
    FILE *captured = tmpfile();
    ck_assert_ptr_nonnull(captured);
    fflush(NULL);
    int saved[2] = {dup(1), dup(2)};
    dup2(fileno(captured), 1);
    dup2(fileno(captured), 2);
    uint64_t random = 5;
    for (int i = 0; i < repetitions(20000); i++) {
        char text[sizeof opening];
        memcpy(text, opening, sizeof opening);
        for (int edit = 0; edit < 3; edit++)
            text[next_random(&random) % (sizeof opening - 1)] = (char)next_random(&random);
        (void)answer_to(text, sizeof opening - 1);
    }
    fflush(NULL);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    ck_assert_int_eq((int)lseek(fileno(captured), 0, SEEK_END), 0);
    fclose(captured);
}
END_TEST

static void *parse_many(void *argument) {
    static _Thread_local WireScan own;
    const char *texts[] = {opening, broken};
    const size_t lengths[] = {sizeof opening - 1, sizeof broken - 1};
    size_t wrong = 0;
    (void)argument;
    for (int i = 0; i < repetitions(50000); i++) {
        const uint8_t *bytes = (const uint8_t *)texts[i % 2];
        uint32_t length = (uint32_t)lengths[i % 2];
        wire_scan(bytes, length, false, &own);
        wrong += wire_osip_answer(bytes, length, &own) != (i % 2 ? WIRE_OSIP_REFUSED : WIRE_OSIP_ACCEPTED);
    }
    return wrong ? argument : NULL;
}

START_TEST(three_threads) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, parse_many, &scan), 0);
    for (int i = 0; i < 3; i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("osip");
    TCase *before = tcase_create("before"), *answers = tcase_create("answers"),
          *traps = tcase_create("traps");
    tcase_add_test(before, before_the_set_up_nothing_is_asked);
    tcase_add_checked_fixture(answers, set_up, tear_down);
    tcase_add_checked_fixture(traps, set_up, tear_down);
    tcase_add_test(answers, the_rule_and_the_answers);
    tcase_add_test(answers, the_bounds_of_the_pre_check);
    tcase_add_test(answers, three_threads);
    tcase_add_test(traps, parts_with_repeated_content_type);
    tcase_add_test(traps, many_parameters);
    tcase_add_test(traps, description_whose_last_line_has_no_end);
    tcase_add_test(traps, memory_runs_out);
    tcase_add_test(traps, nothing_is_printed);
    suite_add_tcase(suite, before);
    suite_add_tcase(suite, answers);
    suite_add_tcase(suite, traps);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
