/* Bounds and byte order of the reader and writer, checked arithmetic by builtin and by hand, error texts.
 * Relies on: Check, engine/core.
 * Relied on by: ctest. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/bytes.h"
#include "engine/core/checked.h"
#include "tests/core/suites.h"

START_TEST(reader_is_little_endian) {
    const uint8_t data[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e, 0x0d,
                            0x0c, 0x0b, 0x0a, 0x09, 0x88, 0x00, 0x00, 0xc0, 0x3f};
    CoreReader reader = core_reader_view(data, sizeof data);
    ck_assert_uint_eq(core_read_u8(&reader), 0x01);
    ck_assert_uint_eq(core_read_u16(&reader), 0x0203);
    ck_assert_uint_eq(core_read_u32(&reader), 0x04050607);
    ck_assert_uint_eq(core_read_u64(&reader), 0x88090a0b0c0d0e0f);
    ck_assert(core_read_f32(&reader) == 1.5f);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(core_reader_left(&reader), 0);
}
END_TEST

/* Each width, with each number of bytes too few; memory of the exact size lets AddressSanitizer look on. */
START_TEST(reader_stops_at_the_end) {
    for (size_t size = 0; size < 8; size++) {
        uint8_t *data = calloc(1, size ? size : 1);
        ck_assert_ptr_nonnull(data);
        CoreReader reader = core_reader_view(data, size);
        ck_assert_uint_eq(core_read_u64(&reader), 0);
        ck_assert(reader.failed);
        ck_assert_uint_eq(reader.offset, 0);
        ck_assert_uint_eq(core_read_u8(&reader), 0);
        ck_assert_ptr_null(core_read_bytes(&reader, 0));
        reader = core_reader_view(data, size);
        ck_assert_ptr_eq(core_read_bytes(&reader, size), data);
        ck_assert(!reader.failed);
        ck_assert_ptr_null(core_read_bytes(&reader, SIZE_MAX));
        ck_assert(reader.failed);
        free(data);
    }
}
END_TEST

START_TEST(writer_mirrors_the_reader) {
    uint8_t data[32];
    CoreWriter writer = core_writer_view(data, sizeof data);
    core_write_u8(&writer, 0xfe);
    core_write_u16(&writer, 0xfedc);
    core_write_u32(&writer, 0xfedcba98);
    core_write_u64(&writer, 0xfedcba9876543210);
    core_write_f32(&writer, -0.25f);
    core_write_bytes(&writer, "xyz", 3);
    core_write_zeros(&writer, 10);
    ck_assert(!writer.failed);
    ck_assert_uint_eq(writer.offset, 32);
    CoreReader reader = core_reader_view(data, sizeof data);
    ck_assert_uint_eq(core_read_u8(&reader), 0xfe);
    ck_assert_uint_eq(core_read_u16(&reader), 0xfedc);
    ck_assert_uint_eq(core_read_u32(&reader), 0xfedcba98);
    ck_assert_uint_eq(core_read_u64(&reader), 0xfedcba9876543210);
    ck_assert(core_read_f32(&reader) == -0.25f);
    ck_assert_mem_eq(core_read_bytes(&reader, 3), "xyz", 3);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(core_read_u8(&reader), 0);
}
END_TEST

START_TEST(writer_stops_at_the_end) {
    uint8_t data[4] = {9, 9, 9, 9};
    CoreWriter writer = core_writer_view(data, 3);
    core_write_u32(&writer, 0);
    ck_assert(writer.failed);
    core_write_u8(&writer, 1);
    ck_assert_uint_eq(writer.offset, 0);
    ck_assert_mem_eq(data, "\x09\x09\x09\x09", 4);
    writer = core_writer_view(NULL, 8);
    core_write_u8(&writer, 1);
    ck_assert(writer.failed);
}
END_TEST

START_TEST(writer_measures) {
    CoreWriter writer = core_writer_measure();
    core_write_u64(&writer, 1);
    core_write_bytes(&writer, "abc", 3);
    core_write_zeros(&writer, 1000);
    ck_assert(!writer.failed);
    ck_assert_uint_eq(writer.offset, 1011);
    core_write_zeros(&writer, SIZE_MAX - 1010);
    ck_assert(writer.failed);
}
END_TEST

START_TEST(sums_and_products_are_checked) {
    size_t size;
    uint32_t u32;
    uint64_t u64;
    ck_assert(core_add_size(SIZE_MAX - 1, 1, &size) && size == SIZE_MAX);
    ck_assert(!core_add_size(SIZE_MAX, 1, &size));
    ck_assert(core_mul_u32(65535, 65537, &u32) && u32 == UINT32_MAX);
    ck_assert(!core_mul_u32(65536, 65536, &u32));
    ck_assert(core_mul_u64(0, UINT64_MAX, &u64) && u64 == 0);
    ck_assert(core_mul_u64(UINT64_MAX, 1, &u64) && u64 == UINT64_MAX);
    ck_assert(!core_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 32, &u64));
    ck_assert(core_align_size(0, 64, &size) && size == 0);
    ck_assert(core_align_size(1, 64, &size) && size == 64);
    ck_assert(core_align_size(64, 64, &size) && size == 64);
    ck_assert(!core_align_size(SIZE_MAX - 62, 64, &size));
}
END_TEST

/* The fallback for compilers without builtins decides alike, over all pairs near the borders. */
START_TEST(portable_arithmetic_agrees) {
    const uint32_t values[] = {
        0, 1, 2, 3, 65535, 65536, 65537, 0x7fffffff, 0x80000000, UINT32_MAX - 1, UINT32_MAX};
    const size_t count = sizeof values / sizeof values[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            uint32_t a = values[i], b = values[j], sum = 0, product = 0;
            ck_assert(core_add_u32(a, b, &sum) == ((uint64_t)a + b <= UINT32_MAX));
            ck_assert(core_mul_u32(a, b, &product) == ((uint64_t)a * b <= UINT32_MAX));
            uint32_t other = 0;
            bool fits = CORE_PORTABLE_ADD(a, b, &other, UINT32_MAX);
            ck_assert(fits == core_add_u32(a, b, &sum) && (!fits || other == sum));
            fits = CORE_PORTABLE_MUL(a, b, &other, UINT32_MAX);
            ck_assert(fits == core_mul_u32(a, b, &product) && (!fits || other == product));
        }
    }
}
END_TEST

START_TEST(errors_are_one_line_cut_to_fit) {
    CoreError error;
    ck_assert_int_eq(core_fail(&error, CORE_FORMAT, "offset %d", 7), CORE_FORMAT);
    ck_assert_str_eq(error.text, "offset 7");
    ck_assert_int_eq(core_fail_context(&error, CORE_IO, "file %s", "a.pcap"), CORE_IO);
    ck_assert_str_eq(error.text, "file a.pcap: offset 7");
    ck_assert_int_eq(core_fail(NULL, CORE_LIMIT, "%d", 1), CORE_LIMIT);
    ck_assert_int_eq(core_fail_context(NULL, CORE_LIMIT, "%d", 1), CORE_LIMIT);
    char longer[2 * sizeof error.text];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    core_fail(&error, CORE_IO, "%s", longer);
    core_fail_context(&error, CORE_IO, "%s", longer);
    ck_assert_uint_lt(strlen(error.text), sizeof error.text);
    ck_assert_str_eq(core_status_text(CORE_OK), "ok");
    ck_assert_str_eq(core_status_text((CoreStatus)999), "unknown status");
}
END_TEST

Suite *bytes_suite(void) {
    Suite *suite = suite_create("core: bytes, checked, status");
    TCase *tests = tcase_create("bytes");
    tcase_add_test(tests, reader_is_little_endian);
    tcase_add_test(tests, reader_stops_at_the_end);
    tcase_add_test(tests, writer_mirrors_the_reader);
    tcase_add_test(tests, writer_stops_at_the_end);
    tcase_add_test(tests, writer_measures);
    tcase_add_test(tests, sums_and_products_are_checked);
    tcase_add_test(tests, portable_arithmetic_agrees);
    tcase_add_test(tests, errors_are_one_line_cut_to_fit);
    suite_add_tcase(suite, tests);
    return suite;
}
