/* The model file: round trip, truncation, damage, and files that are well sealed but lie.
 * Relies on: Check, engine/core, data/digest.
 * Relied on by: ctest. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/digest/digest.h"
#include "engine/core/file.h"
#include "tests/core/model_fixture.h"
#include "tests/core/suites.h"

enum { TABLE = 64, ENTRY = 24, SECTIONS = 9, DIGEST = 32, DIMS_SCALARS = 20 };

static ModelFixture fixture;
static uint8_t *file;
static size_t file_size;

static void write_fixture(void) {
    CoreModelDims dims = model_fixture_small_dims();
    CoreError error = {.status = CORE_OK};
    ck_assert(model_fixture_new(&fixture, &dims, 42, 0.5f));
    ck_assert_msg(core_model_write(&fixture.model, digest_sha256, &file, &file_size, &error) == CORE_OK, "%s",
                  error.text);
}

static void drop_fixture(void) {
    free(file);
    file = NULL;
    model_fixture_free(&fixture);
}

/* Reads a copy of the exact size, so that AddressSanitizer sees the first byte beyond; asserts that a refusal
 * comes with one line. */
static CoreStatus read_copy(const uint8_t *data, size_t size, CoreError *error) {
    uint8_t *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, size);
    CoreModel model;
    *error = (CoreError){.status = CORE_OK};
    CoreStatus status = core_model_read(copy, size, digest_sha256, &model, error);
    if (status != CORE_OK) {
        ck_assert_int_eq(error->status, status);
        size_t length = strlen(error->text);
        ck_assert_msg(length > 10 && length < 200, "%s", error->text);
        for (size_t i = 0; i < length; i++)
            ck_assert_msg((uint8_t)error->text[i] >= 0x20 && (uint8_t)error->text[i] < 0x7f, "%s",
                          error->text);
    }
    free(copy);
    return status;
}

static void seal(uint8_t *data, size_t size) {
    ck_assert_int_eq(digest_sha256(data, size - DIGEST, data + size - DIGEST), CORE_OK);
}

static void put(uint8_t *data, size_t offset, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++)
        data[offset + i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *data, size_t offset, size_t width) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)data[offset + i] << (8 * i);
    return value;
}

/* Where section number `index` starts. */
static size_t section(size_t index) {
    return (size_t)get(file, TABLE + index * ENTRY + 8, 8);
}

/* Sets `width` bytes at `offset`, seals, and expects a refusal with this status and with this text in it. */
static void expect_refusal(size_t offset, uint64_t value, size_t width, CoreStatus expected,
                           const char *text) {
    uint64_t before = get(file, offset, width);
    ck_assert_msg(before != value, "offset %zu already holds it", offset);
    put(file, offset, value, width);
    seal(file, file_size);
    CoreError error;
    CoreStatus status = read_copy(file, file_size, &error);
    ck_assert_msg(status == expected && strstr(error.text, text),
                  "offset %zu: status %d, \"%s\" lacks \"%s\"", offset, (int)status, error.text, text);
    put(file, offset, before, width);
    seal(file, file_size);
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

START_TEST(round_trip_keeps_every_bit) {
    CoreModel model;
    CoreError error = {.status = CORE_OK};
    ck_assert_msg(core_model_read(file, file_size, digest_sha256, &model, &error) == CORE_OK, "%s",
                  error.text);
    const CoreModel *was = &fixture.model;
    const CoreModelDims *dims = &was->dims;
    ck_assert_mem_eq(&model.dims, dims, sizeof *dims);
    ck_assert_mem_eq(model.class_names, was->class_names, sizeof was->class_names);
    ck_assert_uint_eq(model.spec_version, was->spec_version);
    ck_assert_uint_eq(model.spec_hash, was->spec_hash);
    ck_assert_mem_eq(model.low, was->low, dims->counters * sizeof(float));
    ck_assert_mem_eq(model.high, was->high, dims->counters * sizeof(float));
    ck_assert_mem_eq(model.mean, was->mean, dims->counters * sizeof(float));
    ck_assert_mem_eq(model.scale, was->scale, dims->counters * sizeof(float));
    for (size_t i = 0; i < CORE_TENSORS; i++) {
        size_t count = core_model_elements(dims, (CoreModelTensor)i);
        ck_assert_mem_eq(model.weights[i], was->weights[i], count * sizeof(float));
    }
    for (size_t i = 0; i < dims->classes; i++) {
        ck_assert_uint_eq(bits_of(model.thresholds[i].value), bits_of(was->thresholds[i].value));
        ck_assert_uint_eq(model.thresholds[i].k, was->thresholds[i].k);
        ck_assert_uint_eq(model.thresholds[i].n, was->thresholds[i].n);
    }
    ck_assert_uint_eq(model.unknown.n, was->unknown.n);
    ck_assert_mem_eq(model.centre_known, was->centre_known, sizeof was->centre_known);
    ck_assert_mem_eq(model.centres, was->centres, (dims->classes + 1) * dims->hidden * sizeof(float));
    ck_assert_mem_eq(model.inverse_variance, was->inverse_variance, dims->hidden * sizeof(float));
    ck_assert_mem_eq(model.temperature, was->temperature, sizeof was->temperature);
    ck_assert_mem_eq(model.calibration_bias, was->calibration_bias, sizeof was->calibration_bias);
    ck_assert_uint_eq(model.provenance_size, was->provenance_size);
    ck_assert_mem_eq(model.provenance, was->provenance, was->provenance_size);
    uint8_t *again = NULL;
    size_t again_size = 0;
    ck_assert_int_eq(core_model_write(&model, digest_sha256, &again, &again_size, NULL), CORE_OK);
    ck_assert_uint_eq(again_size, file_size);
    ck_assert_mem_eq(again, file, file_size);
    free(again);
}
END_TEST

/* A file of format 1.0 loads in every 1.x, and this version writes it as it was. */
START_TEST(committed_file_still_loads) {
    uint8_t *data = NULL, *again = NULL;
    size_t size = 0, again_size = 0;
    CoreModel model;
    CoreError error = {.status = CORE_OK};
    const char *path = SIPCNN_SOURCE_DIR "/tests/seeds/fuzz_model/smallest.sipcnn";
    ck_assert_msg(core_file_read(path, 1 << 20, &data, &size, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(core_model_read(data, size, digest_sha256, &model, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(core_model_write(&model, digest_sha256, &again, &again_size, &error) == CORE_OK, "%s",
                  error.text);
    ck_assert_uint_eq(again_size, size);
    ck_assert_mem_eq(again, data, size);
    free(again);
    free(data);
}
END_TEST

START_TEST(every_truncation_is_refused) {
    CoreError error;
    ck_assert_int_eq(read_copy(file, file_size, &error), CORE_OK);
    for (size_t size = 0; size < file_size; size++)
        ck_assert_int_eq(read_copy(file, size, &error), CORE_FORMAT);
}
END_TEST

/* Truncations whose header and digest were made to fit: the structure itself must refuse them. */
START_TEST(sealed_truncations_are_refused) {
    CoreError error;
    for (size_t size = TABLE + DIGEST; size < file_size; size += 7) {
        uint8_t *copy = malloc(size);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, file, size);
        put(copy, 16, size, 8);
        seal(copy, size);
        ck_assert_int_ne(read_copy(copy, size, &error), CORE_OK);
        free(copy);
    }
}
END_TEST

START_TEST(every_byte_flip_is_refused) {
    uint64_t state = 2024;
    CoreError error;
    for (int i = 0; i < 1000; i++) {
        size_t at = (size_t)((model_fixture_random(&state) + 1) / 2 * (float)(file_size - 1));
        uint8_t before = file[at];
        while (file[at] == before)
            file[at] = (uint8_t)(128 + 127 * model_fixture_random(&state));
        ck_assert_msg(read_copy(file, file_size, &error) != CORE_OK, "byte %zu", at);
        file[at] = before;
    }
    ck_assert_int_eq(read_copy(file, file_size, &error), CORE_OK);
}
END_TEST

START_TEST(extra_bytes_are_refused) {
    CoreError error;
    uint8_t *longer = calloc(1, file_size + 64);
    ck_assert_ptr_nonnull(longer);
    memcpy(longer, file, file_size);
    ck_assert_int_eq(read_copy(longer, file_size + 64, &error), CORE_FORMAT);
    put(longer, 16, file_size + 64, 8);
    seal(longer, file_size + 64);
    ck_assert_int_eq(read_copy(longer, file_size + 64, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "between the last section and the digest"));
    free(longer);
}
END_TEST

START_TEST(header_lies_are_refused) {
    expect_refusal(0, 'S', 1, CORE_FORMAT, "not a sipcnn model");
    expect_refusal(8, 2, 2, CORE_VERSION, "model format 2.0; this program reads 1.0 to 1.0");
    expect_refusal(10, 1, 2, CORE_VERSION, "model format 1.1");
    expect_refusal(12, 0x04030201, 4, CORE_FORMAT, "endian tag");
    expect_refusal(16, file_size - 1, 8, CORE_FORMAT, "its header says");
    expect_refusal(16, UINT64_MAX, 8, CORE_FORMAT, "its header says");
    expect_refusal(24, 0, 4, CORE_LIMIT, "0 sections");
    expect_refusal(24, UINT32_MAX, 4, CORE_LIMIT, "4294967295 sections");
    expect_refusal(24, SECTIONS + 1, 4, CORE_FORMAT, "four capital letters");
    expect_refusal(28, 1, 4, CORE_VERSION, "needs features 0x1");
    expect_refusal(40, 1, 1, CORE_FORMAT, "reserved bytes");
}
END_TEST

START_TEST(section_table_lies_are_refused) {
    size_t second = TABLE + ENTRY, start = section(1);
    expect_refusal(second, 'Z', 1, CORE_VERSION, "ZLSS (flags 0x0) is unknown or out of order");
    expect_refusal(second, '\n', 1, CORE_FORMAT, "four capital letters");
    expect_refusal(second + 4, 1, 4, CORE_VERSION, "CLSS (flags 0x1)");
    expect_refusal(second + 8, start + 4, 8, CORE_FORMAT, "CLSS starts at");
    expect_refusal(second + 8, start - 64, 8, CORE_FORMAT, "CLSS starts at");
    expect_refusal(second + 8, UINT64_MAX - 63, 8, CORE_FORMAT, "CLSS starts at");
    expect_refusal(second + 16, UINT64_MAX, 8, CORE_FORMAT, "past the end");
    expect_refusal(second + 16, UINT64_MAX - start, 8, CORE_FORMAT, "past the end");
    expect_refusal(second + 16, file_size, 8, CORE_FORMAT, "past the end");
    expect_refusal(second + 16, 3 * CORE_MODEL_NAME_SIZE - 1, 8, CORE_FORMAT, "ends inside class names");
    expect_refusal(second + 16, 3 * CORE_MODEL_NAME_SIZE + 1, 8, CORE_FORMAT, "1 bytes too many");
    expect_refusal(section(2) - 1, 1, 1, CORE_FORMAT, "padding after section CLSS is not zero");
}
END_TEST

/* Each dimension at values that make products wrap; none may be believed. */
START_TEST(hostile_dimensions_are_refused) {
    const uint32_t values[] = {0, 8192, 65536, 0x10000000, 0x40000000, 0x40000001, 0x80000000, UINT32_MAX};
    CoreError error;
    for (size_t at = 0; at < DIMS_SCALARS; at++) {
        size_t offset = section(0) + 4 * at;
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            uint64_t before = get(file, offset, 4);
            put(file, offset, values[i], 4);
            seal(file, file_size);
            CoreStatus status = read_copy(file, file_size, &error);
            ck_assert_msg(status == CORE_LIMIT && strstr(error.text, "DIMS"), "dimension %zu = %u: %s", at,
                          values[i], error.text);
            put(file, offset, before, 4);
        }
    }
}
END_TEST

/* Dimensions that are legal alone but are not those of this file. */
START_TEST(dimensions_must_fit_the_other_sections) {
    size_t dims = section(0);
    expect_refusal(dims + 4 * 3, 5, 4, CORE_FORMAT, "WGHT");  /* token_channels */
    expect_refusal(dims + 4 * 18, 9, 4, CORE_FORMAT, "WGHT"); /* hidden */
    expect_refusal(dims + 4 * 19, 4, 4, CORE_FORMAT, "CLSS"); /* classes */
    expect_refusal(dims + 4 * 19, 2, 4, CORE_FORMAT, "CLSS");
    expect_refusal(dims + 4 * 13, 22, 4, CORE_FORMAT, "groups cover 21 of 22 counters");
    expect_refusal(dims + 4 * 1, 2, 4, CORE_LIMIT, "token_vocabulary[2] is 2, not 0 to 0"); /* token_fields */
    size_t vocabulary = dims + 4 * DIMS_SCALARS, groups = vocabulary + 64;
    expect_refusal(vocabulary, 257, 4, CORE_LIMIT, "token_vocabulary[0] is 257, not 1 to 256");
    expect_refusal(vocabulary, 0, 4, CORE_LIMIT, "token_vocabulary[0]");
    expect_refusal(vocabulary + 32, UINT32_MAX, 4, CORE_LIMIT, "event_vocabulary[0]");
    expect_refusal(groups, UINT32_MAX, 4, CORE_LIMIT, "groups[0]");
    expect_refusal(groups + 4, UINT32_MAX, 4, CORE_LIMIT, "groups[0]");
    expect_refusal(groups + 8, 3, 4, CORE_FORMAT, "groups[0] and groups[1] overlap");
}
END_TEST

START_TEST(values_out_of_place_are_refused) {
    const uint32_t infinity = 0x7f800000, minus_infinity = 0xff800000, quiet = 0x7fc00000,
                   signalling = 0x7f800001;
    size_t spec = section(2), norm = section(3), weights = section(4), thresholds = section(5);
    size_t novelty = section(6), calibration = section(7), provenance = section(8),
           n = fixture.model.dims.counters;
    expect_refusal(spec + 4, 1, 4, CORE_FORMAT, "reserved field");
    expect_refusal(norm, quiet, 4, CORE_FORMAT, "low[0] is not finite");
    expect_refusal(norm, bits_of(1e9f), 4, CORE_FORMAT, "low[0] is greater than high[0]");
    expect_refusal(norm + 4 * n, minus_infinity, 4, CORE_FORMAT, "high[0] is not finite");
    expect_refusal(norm + 8 * n, infinity, 4, CORE_FORMAT, "mean[0] is not finite");
    expect_refusal(norm + 12 * n + 4, bits_of(-1), 4, CORE_FORMAT, "scale[1] is negative");
    expect_refusal(weights, signalling, 4, CORE_FORMAT, "token_table[0] is not finite");
    expect_refusal(thresholds, quiet, 4, CORE_FORMAT, "threshold[0] is not finite");
    expect_refusal(thresholds + 4, 0, 4, CORE_LIMIT, "k of n is 0 of 3");
    expect_refusal(thresholds + 4, 4, 4, CORE_LIMIT, "k of n is 4 of 3");
    expect_refusal(thresholds + 8, 65, 4, CORE_LIMIT, "k of n is 1 of 65");
    expect_refusal(novelty + 4, 2, 4, CORE_FORMAT, "centre 1 is neither 0 nor 1");
    expect_refusal(novelty + 16, infinity, 4, CORE_FORMAT, "centres[0] is not finite");
    expect_refusal(calibration, bits_of(-0.5f), 4, CORE_FORMAT, "temperature[0] is negative");
    expect_refusal(calibration + 12, quiet, 4, CORE_FORMAT, "calibration bias[0] is not finite");
    expect_refusal(provenance, UINT32_MAX, 4, CORE_LIMIT, "a text of 4294967295 bytes");
    expect_refusal(provenance, 999, 4, CORE_FORMAT, "ends inside the text");
    expect_refusal(provenance + 4, 0, 1, CORE_FORMAT, "the text is not UTF-8");
}
END_TEST

START_TEST(every_weight_is_checked) {
    size_t weights = section(4), count = 0;
    for (size_t i = 0; i < CORE_TENSORS; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s[0] is not finite", core_model_tensor_name((CoreModelTensor)i));
        expect_refusal(weights + 4 * count, 0x7f800000, 4, CORE_FORMAT, text);
        count += core_model_elements(&fixture.model.dims, (CoreModelTensor)i);
    }
    expect_refusal(weights + 4 * (count - 1), 0xffc00000, 4, CORE_FORMAT, "output_bias[2] is not finite");
    ck_assert_uint_eq(get(file, TABLE + 4 * ENTRY + 16, 8), 4 * count);
}
END_TEST

static void expect_name_refusal(const char *name, size_t size, const char *text) {
    size_t offset = section(1) + CORE_MODEL_NAME_SIZE;
    uint8_t before[CORE_MODEL_NAME_SIZE];
    memcpy(before, file + offset, sizeof before);
    memset(file + offset, 0, sizeof before);
    memcpy(file + offset, name, size);
    seal(file, file_size);
    CoreError error;
    CoreStatus status = read_copy(file, file_size, &error);
    if (!*text)
        ck_assert_msg(status == CORE_OK, "\"%s\": %s", name, error.text);
    else
        ck_assert_msg(status == CORE_FORMAT && strstr(error.text, text), "\"%s\": %s", name, error.text);
    memcpy(file + offset, before, sizeof before);
}

START_TEST(class_names_are_checked) {
    expect_name_refusal("toll_fraud", 10, "");
    expect_name_refusal("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xe0\xa0\x80\xf0\x90\x80\x80\xc2\x80", 16, "");
    expect_name_refusal("", 0, "is empty");
    expect_name_refusal("benign", 6, "reserved");
    expect_name_refusal("unknown", 7, "reserved");
    expect_name_refusal("class_0", 7, "twice");
    expect_name_refusal("0123456789abcdef0123456789abcdef", 32, "not terminated");
    expect_name_refusal("a\0b", 3, "not padded");
    const char *const hostile[] = {"a\nb",
                                   "a\x7f",
                                   "\x80",
                                   "\xc0\xaf",
                                   "\xc1\xbf",
                                   "\xc2",
                                   "\xc3(",
                                   "\xe0\x9f\xbf",
                                   "\xe2\x82",
                                   "\xed\xa0\x80",
                                   "\xf0\x8f\xbf\xbf",
                                   "\xf4\x90\x80\x80",
                                   "\xf5\x80\x80\x80",
                                   "\xff"};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
        expect_name_refusal(hostile[i], strlen(hostile[i]), "not UTF-8");
}
END_TEST

/* The fixture's file with one more section of this name, flags and contents at the end. */
static CoreStatus read_with_section(const char *fourcc, uint32_t flags, CoreError *error) {
    size_t size = file_size + 64, table_end = TABLE + SECTIONS * ENTRY;
    ck_assert_uint_le(table_end + ENTRY, section(0)); /* there is room in the table's padding */
    uint8_t *copy = calloc(1, size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, file, file_size - DIGEST);
    memcpy(copy + table_end, fourcc, 4);
    put(copy, table_end + 4, flags, 4);
    put(copy, table_end + 8, file_size - DIGEST, 8);
    put(copy, table_end + 16, 5, 8);
    memcpy(copy + file_size - DIGEST, "hello", 5);
    put(copy, 16, size, 8);
    put(copy, 24, SECTIONS + 1, 4);
    seal(copy, size);
    CoreStatus status = read_copy(copy, size, error);
    free(copy);
    return status;
}

START_TEST(only_optional_unknown_sections_are_skipped) {
    CoreError error;
    ck_assert_int_eq(read_with_section("SIGN", 1, &error), CORE_OK);
    ck_assert_int_eq(read_with_section("SIGN", 0, &error), CORE_VERSION);
    ck_assert_str_eq(error.text, "section SIGN (flags 0x0) is unknown or out of order");
    ck_assert_int_eq(read_with_section("SIGN", 3, &error), CORE_VERSION);
    ck_assert_int_eq(read_with_section("WGHT", 1, &error), CORE_VERSION);
    ck_assert_int_eq(read_with_section("WGHT", 0, &error), CORE_VERSION);
}
END_TEST

START_TEST(writer_refuses_what_the_reader_would) {
    uint8_t *out = NULL;
    size_t size = 0;
    CoreError error;
    CoreModel model = fixture.model;
    float bad[8] = {0, 0, 0, (float)NAN};
    model.weights[CORE_TENSOR_HIDDEN_BIAS] = bad;
    ck_assert_int_eq(core_model_write(&model, digest_sha256, &out, &size, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "hidden_bias[3] is not finite"));
    model.weights[CORE_TENSOR_HIDDEN_BIAS] = NULL;
    ck_assert_int_eq(core_model_write(&model, digest_sha256, &out, &size, &error), CORE_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "hidden_bias is missing"));
    model = fixture.model;
    model.dims.classes = 33;
    ck_assert_int_eq(core_model_write(&model, digest_sha256, &out, &size, &error), CORE_LIMIT);
    model = fixture.model;
    snprintf(model.class_names[2], sizeof model.class_names[2], "class_0");
    ck_assert_int_eq(core_model_write(&model, digest_sha256, &out, &size, &error), CORE_FORMAT);
    ck_assert_ptr_null(out);
}
END_TEST

static CoreStatus no_digest(const void *data, size_t size, uint8_t out[32]) {
    (void)data;
    (void)size;
    (void)out;
    return CORE_UNAVAILABLE;
}

START_TEST(reader_demands_alignment_and_a_digest) {
    CoreModel model;
    CoreError error;
    ck_assert_int_eq(core_model_read(file, file_size, no_digest, &model, &error), CORE_UNAVAILABLE);
    uint8_t *shifted = malloc(file_size + 1);
    ck_assert_ptr_nonnull(shifted);
    memcpy(shifted + 1, file, file_size);
    ck_assert_int_eq(core_model_read(shifted + 1, file_size, digest_sha256, &model, &error), CORE_ARGUMENT);
    free(shifted);
    uint8_t *out = NULL;
    size_t size = 0;
    ck_assert_int_eq(core_model_write(&fixture.model, no_digest, &out, &size, &error), CORE_UNAVAILABLE);
    ck_assert_ptr_null(out);
}
END_TEST

START_TEST(largest_dimensions_stay_below_the_size_limit) {
    CoreModelDims dims = {.counters = 4096};
#define MOST(field, least, most) dims.field = most;
    CORE_MODEL_DIMS(MOST)
#undef MOST
    for (size_t i = 0; i < CORE_MODEL_FIELDS_MAX; i++)
        dims.token_vocabulary[i] = dims.event_vocabulary[i] = 256;
    for (uint32_t i = 0; i < CORE_GROUPS; i++)
        dims.groups[i] = (CoreModelRange){i * 800, 800};
    dims.groups[CORE_GROUPS - 1].count = 4096 - (CORE_GROUPS - 1) * 800;
    CoreError error = {.status = CORE_OK};
    ck_assert_msg(core_model_dims_check(&dims, &error) == CORE_OK, "%s", error.text);
    uint64_t total = 0;
    for (size_t i = 0; i < CORE_TENSORS; i++)
        total += core_model_elements(&dims, (CoreModelTensor)i);
    ck_assert_uint_lt(4 * total, CORE_MODEL_SIZE_MAX - CORE_MODEL_PROVENANCE_MAX - (1u << 20));
}
END_TEST

Suite *model_suite(void) {
    Suite *suite = suite_create("core: model");
    TCase *tests = tcase_create("model");
    tcase_add_checked_fixture(tests, write_fixture, drop_fixture);
    tcase_add_test(tests, round_trip_keeps_every_bit);
    tcase_add_test(tests, committed_file_still_loads);
    tcase_add_test(tests, every_truncation_is_refused);
    tcase_add_test(tests, sealed_truncations_are_refused);
    tcase_add_test(tests, every_byte_flip_is_refused);
    tcase_add_test(tests, extra_bytes_are_refused);
    tcase_add_test(tests, header_lies_are_refused);
    tcase_add_test(tests, section_table_lies_are_refused);
    tcase_add_test(tests, hostile_dimensions_are_refused);
    tcase_add_test(tests, dimensions_must_fit_the_other_sections);
    tcase_add_test(tests, values_out_of_place_are_refused);
    tcase_add_test(tests, every_weight_is_checked);
    tcase_add_test(tests, class_names_are_checked);
    tcase_add_test(tests, only_optional_unknown_sections_are_skipped);
    tcase_add_test(tests, writer_refuses_what_the_reader_would);
    tcase_add_test(tests, reader_demands_alignment_and_a_digest);
    tcase_add_test(tests, largest_dimensions_stay_below_the_size_limit);
    suite_add_tcase(suite, tests);
    return suite;
}
