/* Loading models and judging with them: damage, other specs, thresholds.
 * Relies on: infer/sipcnn.h, tests/infer/zero_model, Check.
 * Relied on by: tests/infer/test_infer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "infer/sipcnn.h"
#include "tests/infer/suites.h"
#include "tests/infer/zero_model.h"

static SipcnnModel *parse(const ZeroModel *zero) {
    SipcnnModel *model;
    CoreError error;
    size_t size;
    uint8_t *bytes = zero_model_bytes(zero, &size);
    ck_assert_msg(sipcnn_model_parse(bytes, size, "zero", &model, &error) == CORE_OK, "%s", error.text);
    free(bytes);
    return model;
}

/* Refused with one line that names the file and says something. */
static void refuse(const uint8_t *bytes, size_t size) {
    SipcnnModel *model = NULL;
    CoreError error = {0};
    CoreStatus status = sipcnn_model_parse(bytes, size, "some.sipcnn", &model, &error);
    ck_assert_int_ne(status, CORE_OK);
    ck_assert_ptr_null(model);
    ck_assert_int_eq(error.status, status);
    ck_assert_int_eq(strncmp(error.text, "some.sipcnn: ", 13), 0);
    ck_assert_uint_gt(strlen(error.text), 20);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(thousand_flips_are_refused) {
    ZeroModel zero = zero_model();
    size_t size;
    uint8_t *bytes = zero_model_bytes(&zero, &size);
    srand(3);
    for (int i = 0; i < 1000; i++) {
        size_t at = (size_t)rand() % size;
        uint8_t flip = (uint8_t)(1 + rand() % 255);
        bytes[at] ^= flip;
        refuse(bytes, size);
        bytes[at] ^= flip;
    }
    free(bytes);
}
END_TEST

START_TEST(cut_models_are_refused) {
    ZeroModel zero = zero_model();
    size_t size;
    uint8_t *bytes = zero_model_bytes(&zero, &size);
    for (size_t cut = 0; cut < size; cut += cut < 2000 ? 1 : 1009)
        refuse(bytes, cut);
    free(bytes);
}
END_TEST

START_TEST(another_spec_is_named) {
    ZeroModel zero = zero_model();
    zero.spec_version = FEATURE_SPEC_VERSION + 41;
    SipcnnModel *model;
    CoreError error;
    size_t size;
    char both[2][16];
    uint8_t *bytes = zero_model_bytes(&zero, &size);
    ck_assert_int_eq(sipcnn_model_parse(bytes, size, "old", &model, &error), CORE_VERSION);
    snprintf(both[0], sizeof both[0], "spec %d ", FEATURE_SPEC_VERSION);
    snprintf(both[1], sizeof both[1], "spec %d ", FEATURE_SPEC_VERSION + 41);
    ck_assert_msg(strstr(error.text, both[0]) && strstr(error.text, both[1]), "%s", error.text);
    free(bytes);
}
END_TEST

START_TEST(only_regular_files_are_read) {
    char folder[] = "/tmp/infer-model-XXXXXX", path[64];
    SipcnnModel *model;
    CoreError error;
    ZeroModel zero = zero_model();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_ne(sipcnn_model_load(folder, &model, &error), CORE_OK);
    ck_assert_ptr_nonnull(strstr(error.text, folder));
    snprintf(path, sizeof path, "%s/model", folder);
    ck_assert_int_eq(sipcnn_model_load(path, &model, &error), CORE_IO);
    ck_assert_ptr_nonnull(strstr(error.text, path));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_ne(sipcnn_model_load(path, &model, &error), CORE_OK); /* at once */
    unlink(path);
    zero_model_write(&zero, path);
    ck_assert_msg(sipcnn_model_load(path, &model, &error) == CORE_OK, "%s", error.text);
    sipcnn_model_free(model);
    unlink(path);
    rmdir(folder);
}
END_TEST

START_TEST(names_and_agreement) {
    ZeroModel zero = zero_model_loud("flood", 3, 7);
    SipcnnModel *model = parse(&zero);
    uint32_t k, n;
    ck_assert_int_eq(sipcnn_model_classes(model), ZERO_MODEL_CLASSES);
    for (int i = 0; i < ZERO_MODEL_CLASSES; i++)
        ck_assert_str_eq(sipcnn_model_class_name(model, i), zero_model_class_names[i]);
    ck_assert_str_eq(sipcnn_model_class_name(model, SIPCNN_BENIGN), "benign");
    ck_assert_str_eq(sipcnn_model_class_name(model, SIPCNN_UNKNOWN), "unknown");
    ck_assert_str_eq(sipcnn_model_class_name(model, ZERO_MODEL_CLASSES), "?");
    ck_assert_str_eq(sipcnn_model_class_name(model, -3), "?");
    sipcnn_model_agreement(model, SIPCNN_UNKNOWN, &k, &n);
    ck_assert(k == 3 && n == 7);
    sipcnn_model_free(model);
    ck_assert_int_eq(sipcnn_model_classes(NULL), 0);
}
END_TEST

/* ---- verdicts ---- */

static SipcnnVerdict judge(const ZeroModel *zero) {
    static const char text[] =
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\r\n"
        "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
    WireMessage message = {
        .bytes = (const uint8_t *)text, .length = sizeof text - 1, .frame = 1, .time_ns = 1};
    FeatureEncoded encoded;
    SipcnnVerdict verdict;
    SipcnnDetector *detector;
    SipcnnModel *model = parse(zero);
    CoreError error;
    ck_assert_int_eq(sipcnn_init(&error), CORE_OK);
    ck_assert(wire_address_parse("10.0.0.9", &message.source) &&
              wire_address_parse("10.0.0.1", &message.destination));
    ck_assert_int_eq(sipcnn_detector_new(model, NULL, &detector, &error), CORE_OK);
    feature_encode(&message, &encoded);
    sipcnn_detector_step(detector, &message, &encoded, &verdict);
    ck_assert(verdict.keys.has_client && wire_same_ip(&verdict.keys.client, &message.source));
    sipcnn_detector_free(detector);
    sipcnn_model_free(model);
    return verdict;
}

START_TEST(benign_below_all_thresholds) {
    ZeroModel zero = zero_model();
    SipcnnVerdict verdict = judge(&zero);
    ck_assert_int_eq(verdict.class_index, SIPCNN_BENIGN);
    ck_assert_float_eq(verdict.logit[3], 0);
    ck_assert_float_eq(verdict.p[3], 0.5f);
}
END_TEST

START_TEST(the_greatest_distance_decides) {
    ZeroModel zero = zero_model();
    zero.bias[2] = 9; /* z = 1 */
    zero.threshold[2] = 8;
    zero.bias[5] = 3; /* z = 2 */
    zero.threshold[5] = 1;
    ck_assert_int_eq(judge(&zero).class_index, 5);
    zero.threshold[5] = 3; /* z = 0 still counts, but 1 is more */
    ck_assert_int_eq(judge(&zero).class_index, 2);
    zero.threshold[2] = 9.5f;
    ck_assert_int_eq(judge(&zero).class_index, 5);
    zero.threshold[5] = 3.001f;
    ck_assert_int_eq(judge(&zero).class_index, SIPCNN_BENIGN);
}
END_TEST

START_TEST(novelty_comes_after_the_classes) {
    ZeroModel zero = zero_model_loud("unknown", 1, 1);
    ck_assert_int_eq(judge(&zero).class_index, SIPCNN_UNKNOWN);
    zero.bias[0] = 2;
    ck_assert_int_eq(judge(&zero).class_index, 0);
}
END_TEST

START_TEST(calibration_changes_p_only) {
    ZeroModel zero = zero_model_loud("scan", 1, 1);
    zero.temperature[2] = 2;
    SipcnnVerdict verdict = judge(&zero);
    ck_assert_int_eq(verdict.class_index, 2);
    ck_assert_float_eq_tol(verdict.p[2], 1 / (1 + expf(-2.5f)), 1e-6f);
    ck_assert_float_eq(verdict.p_class, verdict.p[2]);
}
END_TEST

TCase *model_cases(void) {
    TCase *cases = tcase_create("model");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, thousand_flips_are_refused);
    tcase_add_test(cases, cut_models_are_refused);
    tcase_add_test(cases, another_spec_is_named);
    tcase_add_test(cases, only_regular_files_are_read);
    tcase_add_test(cases, names_and_agreement);
    tcase_add_test(cases, benign_below_all_thresholds);
    tcase_add_test(cases, the_greatest_distance_decides);
    tcase_add_test(cases, novelty_comes_after_the_classes);
    tcase_add_test(cases, calibration_changes_p_only);
    return cases;
}
