/* Words: one for one, same length, same classes, never themselves; extensions and numbers to dial.
 * Relies on: data/privacy/permuter.h, Check.
 * Relied on by: test_privacy.c. */
#include "data/privacy/permuter.h"
#include "tests/privacy/suites.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CoreError error;
static Permuter permuter;

static void set_up(void) {
    uint8_t key[PERMUTER_KEY_SIZE];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(7 * i + 3);
    ck_assert_int_eq(permuter_init(&permuter, key, &error), CORE_OK);
}

static void tear_down(void) {
    ck_assert(!permuter.failed);
    permuter_free(&permuter);
}

/* In one of four static buffers. */
static const char *name_of(const char *text) {
    static char buffers[4][512];
    static unsigned next;
    char *out = buffers[next++ % 4];
    snprintf(out, sizeof buffers[0], "%s", text);
    permuter_name(&permuter, (uint8_t *)out, (uint32_t)strlen(out), false);
    return out;
}

static const char *token_of(const char *text) {
    static char buffers[4][512];
    static unsigned next;
    char *out = buffers[next++ % 4];
    snprintf(out, sizeof buffers[0], "%s", text);
    permuter_token(&permuter, (uint8_t *)out, (uint32_t)strlen(out));
    return out;
}

static bool same_classes(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        bool other = !isalnum((unsigned char)*a) && (unsigned char)*a < 0x80;
        if (other ? *a != *b : !isdigit((unsigned char)*a) != !isdigit((unsigned char)*b)) return false;
        if (!isupper((unsigned char)*a) != !isupper((unsigned char)*b)) return false;
    }
    return *a == *b;
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, 4);
}

/* All words of two letters and of a letter between digits, as names and as tokens. */
START_TEST(different_words_stay_different) {
    static char words[2600][4];
    size_t n = 0;
    for (int a = 0; a < 26; a++)
        for (int b = 0; b < (_i < 2 ? 26 : 100); b++) {
            char from[8];
            if (_i < 2)
                snprintf(from, sizeof from, "%c%c", 'a' + a, 'a' + b);
            else
                snprintf(from, sizeof from, "%d%c%d", b / 10, 'a' + a, b % 10);
            const char *to = _i % 2 ? token_of(from) : name_of(from);
            ck_assert_msg(same_classes(from, to), "%s became %s", from, to);
            ck_assert_str_ne(from, to);
            snprintf(words[n++], 4, "%s", to);
        }
    qsort(words, n, sizeof *words, compare);
    for (size_t i = 1; i < n; i++)
        ck_assert_str_ne(words[i - 1], words[i]);
}
END_TEST

START_TEST(extensions_stay_consecutive) {
    int breaks = 0;
    for (int number = 100; number < 999; number++) {
        char one[8], next[8];
        snprintf(one, sizeof one, "%d", number);
        snprintf(next, sizeof next, "%d", number + 1);
        long a = strtol(name_of(one), NULL, 10), b = strtol(name_of(next), NULL, 10);
        ck_assert_int_ge(a, 100);
        ck_assert_int_le(a, 999);
        ck_assert_int_ne(a, number);
        breaks += b != a + 1;
    }
    ck_assert_int_le(breaks, 1);
    const char *sip = name_of("sip-0100");
    ck_assert_int_eq(sip[4], '0');
    ck_assert_str_eq(sip + 5, name_of("100"));
}
END_TEST

static const struct {
    const char *number;
    size_t kept;
} numbers[] = {{"+4930123456", 3}, {"004930123456", 4}, {"0114930123456", 5},
               {"030123456", 2},   {"5551234", 1},      {"900493012345", 5},
               {"4930123456", 2},  {"+3581234567", 4},  {"+15551234567", 2}};

START_TEST(numbers_keep_their_prefix) {
    const char *from = numbers[_i].number, *to = name_of(from);
    ck_assert_uint_eq(strlen(from), strlen(to));
    ck_assert_msg(memcmp(from, to, numbers[_i].kept) == 0, "%s became %s", from, to);
    ck_assert_str_ne(from, to);
    ck_assert_str_ne(from + numbers[_i].kept, to + numbers[_i].kept);
}
END_TEST

/* What prefix probing shows: the same number behind other prefixes. */
START_TEST(the_last_seven_digits_stay_together) {
    const char *a = name_of("00972591234567"), *b = name_of("900972591234567"), *c = name_of("0119721234567");
    ck_assert_str_eq(a + strlen(a) - 7, b + strlen(b) - 7);
    ck_assert_str_eq(a + strlen(a) - 7, c + strlen(c) - 7);
}
END_TEST

START_TEST(names_keep_case_and_parts) {
    const char *lower = name_of("alice"), *upper = name_of("ALICE"), *both = name_of("Alice.Smith");
    ck_assert_str_ne(lower, "alice");
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(toupper((unsigned char)lower[i]), upper[i]);
        ck_assert_int_eq(tolower((unsigned char)both[i]), lower[i]);
    }
    ck_assert_int_eq(both[5], '.');
    ck_assert_str_eq(name_of("bob7"), name_of("bob7"));
}
END_TEST

START_TEST(names_beyond_ascii_stay_utf8) {
    const char *from = "J\xc3\xb6rg \xe6\x9d\x8e \xf0\x9f\x98\x80", *to = name_of(from);
    ck_assert_uint_eq(strlen(from), strlen(to));
    for (size_t i = 0; from[i]; i++)
        ck_assert_uint_eq((unsigned char)from[i] >> 6, (unsigned char)to[i] >> 6);
    ck_assert_int_ne(memcmp(from + 1, to + 1, 2), 0);
    ck_assert_str_ne(from + 6, to + 6);
    /* Bytes that are no UTF-8 stay. */
    ck_assert_str_eq(name_of("\xff\xc3\x28\x80"), "\xff\xc3\x28\x80");
}
END_TEST

START_TEST(hexadecimal_stays_hexadecimal) {
    const char *from = "f1c9b7bd0c85ecf0f5a534013f01c49e", *to = token_of(from);
    ck_assert_uint_eq(strspn(to, "0123456789abcdef"), strlen(from));
    ck_assert_str_ne(from, to);
    ck_assert(same_classes("z9Qx8Lm2-aB3", token_of("z9Qx8Lm2-aB3")));
    char long_word[300];
    memset(long_word, 'x', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    ck_assert_str_eq(token_of(long_word), long_word); /* padding */
    long_word[0] = 'y';
    ck_assert_str_ne(token_of(long_word), long_word);
    ck_assert(same_classes(token_of(long_word), long_word));
}
END_TEST

START_TEST(another_key_gives_other_words) {
    char first[16];
    snprintf(first, sizeof first, "%s", token_of("a84b4c76e66710"));
    ck_assert_str_eq(token_of("a84b4c76e66710"), first);
    Permuter other, keep = permuter;
    uint8_t key[PERMUTER_KEY_SIZE] = {1};
    ck_assert_int_eq(permuter_init(&other, key, &error), CORE_OK);
    permuter = other;
    ck_assert_str_ne(token_of("a84b4c76e66710"), first);
    permuter_free(&permuter);
    permuter = keep;
}
END_TEST

Suite *words_suite(void) {
    Suite *suite = suite_create("words");
    TCase *tests = tcase_create("permuter");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, different_words_stay_different, 0, 4);
    tcase_add_test(tests, extensions_stay_consecutive);
    tcase_add_loop_test(tests, numbers_keep_their_prefix, 0, (int)(sizeof numbers / sizeof *numbers));
    tcase_add_test(tests, the_last_seven_digits_stay_together);
    tcase_add_test(tests, names_keep_case_and_parts);
    tcase_add_test(tests, names_beyond_ascii_stay_utf8);
    tcase_add_test(tests, hexadecimal_stays_hexadecimal);
    tcase_add_test(tests, another_key_gives_other_words);
    suite_add_tcase(suite, tests);
    return suite;
}
