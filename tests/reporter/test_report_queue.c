/* Tests of what the reporter stands on: the bounded queue and the token file.
 * Relies on: infer/report_queue, infer/token, Check.
 * Relied on by: ctest. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "infer/report_queue.h"
#include "infer/token.h"

static ReportItem *item(const char *json) {
    ReportItem *made = report_item_new(json, strlen(json), 0);
    ck_assert_ptr_nonnull(made);
    return made;
}

static ReportItem *numbered(int number, bool update) {
    char json[64];
    snprintf(json, sizeof json, "{\"state\":\"%s\",\"n\":%d}", update ? "update" : "open", number);
    return item(json);
}

static int number_of(const ReportItem *of) {
    char json[64];
    snprintf(json, sizeof json, "%.*s", (int)of->length, of->json);
    return (int)strtol(strstr(json, "\"n\":") + 4, NULL, 10);
}

START_TEST(recognises_updates) {
    static const struct {
        const char *json;
        bool update;
    } cases[] = {
        {"{\"state\":\"update\"}", true},
        {"{\"id\":\"a\",\"state\" : \"update\",\"p\":1}", true},
        {"{\"state\":\"open\"}", false},
        {"{\"state\":\"closed\"}", false},
        {"{\"state\":\"updated\"}", false},
        {"{\"state\":\"open\",\"x\":\"\\\"state\\\":\\\"update\\\"\"}", false},
        {"{\"x\":\"\\\"state\\\":\\\"open\\\"\",\"state\":\"update\"}", true},
        {"{\"x\":\"state\",\"y\":\"update\"}", false},
        {"{\"state\":\"update", false},
        {"{\"state\":", false},
        {"{\"state\"", false},
        {"\"", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ReportItem *made = item(cases[i].json);
        ck_assert_msg(made->update == cases[i].update, "%s", cases[i].json);
        free(made);
    }
}
END_TEST

/* The queue's promise, as a search over an array: what must go when there is no room. */
typedef struct Reference {
    struct {
        int number;
        bool update;
        size_t length;
    } items[64];
    size_t count, bytes;
    uint64_t updates, states;
} Reference;

static void reference_remove(Reference *reference, size_t at) {
    reference->bytes -= reference->items[at].length;
    memmove(&reference->items[at], &reference->items[at + 1],
            (reference->count - at - 1) * sizeof reference->items[0]);
    reference->count--;
}

static void reference_push(Reference *reference, const ReportQueue *limits, int number, bool update,
                           size_t length) {
    while (reference->count == limits->count_limit || reference->bytes + length > limits->bytes_limit) {
        size_t at = 0;
        while (at < reference->count && !reference->items[at].update)
            at++;
        if (at == reference->count && update) {
            reference->updates++;
            return;
        }
        ++*(at < reference->count ? &reference->updates : &reference->states);
        reference_remove(reference, at < reference->count ? at : 0);
    }
    reference->items[reference->count].number = number;
    reference->items[reference->count].update = update;
    reference->items[reference->count++].length = length;
    reference->bytes += length;
}

START_TEST(agrees_with_reference) {
    for (unsigned seed = 1; seed <= 200; seed++) {
        ReportQueue queue = {.count_limit = 1 + seed % 40, .bytes_limit = seed % 3 == 0 ? 300 : 100000};
        Reference reference = {0};
        uint64_t updates = 0, states = 0;
        srand(seed);
        for (int step = 0; step < 500; step++) {
            if (rand() % 3 > 0) {
                ReportItem *made = numbered(step, rand() % 100 < (int)(seed % 100));
                reference_push(&reference, &queue, step, made->update, made->length);
                report_queue_push(&queue, made, &updates, &states);
            } else {
                ReportItem *taken = report_queue_pop(&queue);
                ck_assert((taken != NULL) == (reference.count > 0));
                if (taken != NULL) {
                    ck_assert_int_eq(number_of(taken), reference.items[0].number);
                    reference_remove(&reference, 0);
                }
                free(taken);
            }
            ck_assert_uint_eq(queue.count, reference.count);
            ck_assert_uint_eq(queue.bytes, reference.bytes);
            ck_assert_uint_eq(updates, reference.updates);
            ck_assert_uint_eq(states, reference.states);
        }
        for (ReportItem *taken; (taken = report_queue_pop(&queue)) != NULL; free(taken)) {
            ck_assert_int_eq(number_of(taken), reference.items[0].number);
            reference_remove(&reference, 0);
        }
        ck_assert_uint_eq(reference.count, 0);
        ck_assert(queue.first == NULL && queue.last == NULL);
        ck_assert(queue.first_update == NULL && queue.last_update == NULL);
    }
}
END_TEST

/* ---- the token file -------------------------------------------------------------------------------------
 */

static char path[64];

static void make_token(const char *content, size_t length, mode_t mode) {
    snprintf(path, sizeof path, "/tmp/sipcnn-token-XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, content, length), (ssize_t)length);
    ck_assert_int_eq(fchmod(file, mode), 0);
    close(file);
}

static CoreStatus read_token(char token[SIPCNN_TOKEN_SIZE], const char *expected_text) {
    CoreError error = {0};
    CoreStatus status = sipcnn_token_read(path, token, &error);
    unlink(path);
    if (expected_text != NULL) ck_assert_msg(strstr(error.text, expected_text) != NULL, "%s", error.text);
    if (status != CORE_OK) {
        ck_assert_msg(strncmp(error.text, path, strlen(path)) == 0, "%s", error.text);
        ck_assert_str_eq(token, "");
    }
    return status;
}

START_TEST(reads_token) {
    char token[SIPCNN_TOKEN_SIZE];
    make_token("  s3cr-et._~+/==\r\n", 18, 0600);
    ck_assert_int_eq(read_token(token, NULL), CORE_OK);
    ck_assert_str_eq(token, "s3cr-et._~+/==");
    make_token("abc", 3, 0400);
    ck_assert_int_eq(read_token(token, NULL), CORE_OK);
    ck_assert_str_eq(token, "abc");
}
END_TEST

START_TEST(refuses_token) {
    char token[SIPCNN_TOKEN_SIZE], big[SIPCNN_TOKEN_SIZE + 10];
    memset(big, 'a', sizeof big);
    make_token("abc", 3, 0640);
    ck_assert_int_eq(read_token(token, "mode 0640"), CORE_ARGUMENT);
    make_token("abc", 3, 0604);
    ck_assert_int_eq(read_token(token, "chmod 600"), CORE_ARGUMENT);
    make_token(" \n", 2, 0600);
    ck_assert_int_eq(read_token(token, "empty"), CORE_FORMAT);
    make_token("abc\r\nX-Header: 1", 16, 0600);
    ck_assert_int_eq(read_token(token, "byte 3"), CORE_FORMAT);
    make_token("ab\0c", 4, 0600);
    ck_assert_int_eq(read_token(token, "byte 2"), CORE_FORMAT);
    make_token(big, sizeof big, 0600);
    ck_assert_int_eq(read_token(token, "longer than 1023"), CORE_LIMIT);
    make_token(big, SIPCNN_TOKEN_SIZE - 1, 0600);
    ck_assert_int_eq(read_token(token, NULL), CORE_OK);
    ck_assert_uint_eq(strlen(token), SIPCNN_TOKEN_SIZE - 1);
    ck_assert_int_eq(read_token(token, "No such file"), CORE_IO); /* read_token has removed it */
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(read_token(token, "not a regular file"), CORE_ARGUMENT);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("report_queue");
    TCase *queue = tcase_create("queue"), *token = tcase_create("token");
    tcase_add_test(queue, recognises_updates);
    tcase_add_test(queue, agrees_with_reference);
    tcase_add_test(token, reads_token);
    tcase_add_test(token, refuses_token);
    suite_add_tcase(suite, queue);
    suite_add_tcase(suite, token);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
