/* Packet comments of pcapng files made by hand, in both byte orders.
 * Relies on: data/dataset/comments.h.
 * Relied on by: test_dataset.c. */
#include "data/dataset/comments.h"
#include "tests/dataset/suites.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct File {
    uint8_t bytes[1024];
    size_t size;
    bool swapped;
} File;

static File file;
static DatasetComments comments;
static CoreError error;

static void put(uint32_t value, int width) {
    for (int i = 0; i < width; i++)
        file.bytes[file.size++] = (uint8_t)(value >> 8 * (file.swapped ? width - 1 - i : i));
}

static void put_text(const char *text) {
    size_t length = strlen(text);
    memcpy(file.bytes + file.size, text, length);
    file.size += (length + 3) & ~(size_t)3;
}

static size_t begin_block(uint32_t type) {
    put(type, 4);
    put(0, 4);
    return file.size - 8;
}

static void end_block(size_t at) {
    uint32_t length = (uint32_t)(file.size + 4 - at);
    size_t end = file.size;
    file.size = at + 4;
    put(length, 4);
    file.size = end;
    put(length, 4);
}

static void put_section(bool swapped) {
    file.swapped = swapped;
    size_t at = begin_block(0x0A0D0D0A);
    put(0x1A2B3C4D, 4);
    put(1, 2);
    put(0, 2);
    put(UINT32_MAX, 4);
    put(UINT32_MAX, 4);
    end_block(at);
}

static void put_packet(uint32_t type, const char *const *texts, size_t n) {
    size_t at = begin_block(type);
    for (int i = 0; i < 3; i++)
        put(0, 4);
    put(5, 4);
    put(5, 4);
    put_text("hello");
    for (size_t i = 0; i < n; i++) {
        put(1, 2);
        put((uint32_t)strlen(texts[i]), 2);
        put_text(texts[i]);
    }
    if (n) put(0, 4);
    end_block(at);
}

static void put_simple_packet(void) {
    size_t at = begin_block(3);
    put(3, 4);
    put_text("abc");
    end_block(at);
}

static void set_up(void) {
    memset(&file, 0, sizeof file);
}

static void tear_down(void) {
    dataset_comments_free(&comments);
}

static CoreStatus parse(void) {
    return dataset_comments_parse("x.pcapng", file.bytes, file.size, &comments, &error);
}

START_TEST(comments_stand_beside_their_frames) {
    put_section(_i == 1);
    put_packet(6, (const char *const[]){"first"}, 1);
    put_simple_packet();
    put_packet(6, NULL, 0);
    put_packet(2, (const char *const[]){"sipcnn: scan", "two"}, 2);
    ck_assert_int_eq(parse(), CORE_OK);
    ck_assert_uint_eq(comments.frames, 4);
    ck_assert_uint_eq(comments.n, 3);
    ck_assert_uint_eq(comments.items[0].frame, 1);
    ck_assert_str_eq(comments.items[0].text, "first");
    ck_assert_uint_eq(comments.items[1].frame, 4);
    ck_assert_str_eq(comments.items[1].text, "sipcnn: scan");
    ck_assert_str_eq(comments.items[2].text, "two");
}
END_TEST

START_TEST(byte_order_may_change_between_sections) {
    put_section(false);
    put_packet(6, (const char *const[]){"little"}, 1);
    put_section(true);
    put_packet(6, (const char *const[]){"big"}, 1);
    ck_assert_int_eq(parse(), CORE_OK);
    ck_assert_uint_eq(comments.n, 2);
    ck_assert_uint_eq(comments.items[1].frame, 2);
    ck_assert_str_eq(comments.items[1].text, "big");
}
END_TEST

START_TEST(other_files_are_refused) {
    ck_assert_int_eq(parse(), CORE_FORMAT); /* empty */
    static const uint8_t pcap[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4};
    ck_assert_int_eq(dataset_comments_parse("x.pcap", pcap, sizeof pcap, &comments, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "x.pcap: no pcapng file"));
}
END_TEST

/* Cut anywhere but between blocks: one clear error with the block's offset, what came before is kept. */
START_TEST(a_cut_file_names_the_block) {
    put_section(false);
    size_t first = file.size;
    put_packet(6, (const char *const[]){"kept"}, 1);
    size_t second = file.size;
    put_packet(6, (const char *const[]){"lost"}, 1);
    for (size_t whole = file.size, cut = first + 1; cut < whole; cut++) {
        if (cut == second) continue;
        file.size = cut;
        ck_assert_int_eq(parse(), CORE_FORMAT);
        ck_assert_uint_eq(comments.n, cut > second);
        ck_assert_ptr_nonnull(strstr(error.text, "the block at byte"));
        dataset_comments_free(&comments);
        error = (CoreError){CORE_OK, ""};
    }
}
END_TEST

Suite *comments_suite(void) {
    Suite *suite = suite_create("comments");
    TCase *tests = tcase_create("comments");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, comments_stand_beside_their_frames, 0, 2);
    tcase_add_test(tests, byte_order_may_change_between_sections);
    tcase_add_test(tests, other_files_are_refused);
    tcase_add_test(tests, a_cut_file_names_the_block);
    suite_add_tcase(suite, tests);
    return suite;
}
