/* The runtime's forward pass: against a double-precision reference, at every instruction set, and its limits.
 * Relies on: Check, infer/executor, tests/core/model_fixture.
 * Relied on by: ctest. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/cpu.h"
#include "infer/executor.h"
#include "tests/core/model_fixture.h"
#include "tests/executor/reference.h"

static ModelFixture fixture;
static SipcnnExecutor *executor;

/* The default dims of "sipcnn v1" over the features as they are. */
static CoreModelDims default_dims(void) {
    CoreModelDims dims = {.token_positions = FEATURE_TOKENS,
                          .token_fields = FEATURE_TOKEN_FIELDS,
                          .token_embedding = 12,
                          .token_channels = 24,
                          .token_features = 32,
                          .text_bytes = FEATURE_TEXT,
                          .text_embedding = 8,
                          .text_channels = 16,
                          .text_features = 32,
                          .event_positions = FEATURE_EVENTS,
                          .event_fields = FEATURE_EVENT_FIELDS,
                          .event_embedding = 12,
                          .dialog_features = 24,
                          .counters = FEATURE_COUNTERS,
                          .client_features = 32,
                          .account_features = 16,
                          .target_features = 24,
                          .all_features = 8,
                          .hidden = 64,
                          .classes = 11};
    for (int i = 0; i < FEATURE_TOKEN_FIELDS; i++)
        dims.token_vocabulary[i] = feature_token_vocabulary[i];
    for (int i = 0; i < FEATURE_EVENT_FIELDS; i++)
        dims.event_vocabulary[i] = feature_event_vocabulary[i];
    for (int i = 0; i < FEATURE_GROUPS; i++)
        dims.groups[i] = (CoreModelRange){feature_group_begin[i],
                                          (uint32_t)(feature_group_begin[i + 1] - feature_group_begin[i])};
    return dims;
}

/* Odd widths, none a multiple of a vector, and the groups of the counters in reverse. */
static CoreModelDims odd_dims(void) {
    CoreModelDims dims = default_dims();
    dims.token_channels = 5;
    dims.token_features = 7;
    dims.text_channels = 3;
    dims.text_features = 9;
    dims.dialog_features = 11;
    dims.client_features = 1;
    dims.account_features = 13;
    dims.target_features = 2;
    dims.all_features = 3;
    dims.hidden = 37;
    dims.classes = 1;
    uint32_t begin = 0;
    for (int i = FEATURE_GROUPS - 1; i >= 0; i--) {
        dims.groups[i].begin = begin;
        begin += dims.groups[i].count;
    }
    return dims;
}

static void open_model(const CoreModelDims *dims, float scale) {
    CoreError error = {.status = CORE_OK};
    ck_assert(model_fixture_new(&fixture, dims, 7, scale));
    ck_assert_msg(sipcnn_executor_new(&fixture.model, &executor, &error) == CORE_OK, "%s", error.text);
}

static void close_model(void) {
    sipcnn_executor_free(executor);
    executor = NULL;
    model_fixture_free(&fixture);
}

static uint8_t random_below(uint64_t *state, unsigned limit) {
    unsigned value = (unsigned)((model_fixture_random(state) + 1) / 2 * (float)limit);
    return (uint8_t)(value < limit ? value : limit - 1);
}

/* Every byte is set, padding too: what is not valid must not be looked at. */
static void fill_row(FeatureRow *row, uint64_t *state, unsigned n_tokens, unsigned n_text,
                     unsigned n_events) {
    for (int t = 0; t < FEATURE_TOKENS; t++)
        for (int f = 0; f < FEATURE_TOKEN_FIELDS; f++)
            row->tokens[t][f] = random_below(state, feature_token_vocabulary[f]);
    for (int t = 0; t < FEATURE_EVENTS; t++)
        for (int f = 0; f < FEATURE_EVENT_FIELDS; f++)
            row->events[t][f] = random_below(state, feature_event_vocabulary[f]);
    for (int i = 0; i < FEATURE_TEXT; i++)
        row->text[i] = random_below(state, 256);
    for (int i = 0; i < FEATURE_COUNTERS; i++)
        row->counters[i] = random_below(state, 256);
    row->n_tokens = (uint8_t)n_tokens;
    row->n_text = (uint8_t)n_text;
    row->n_events = (uint8_t)n_events;
}

/* Most counters as they are for new keys, whose weights the executor does not read. */
static void empty_counters(FeatureRow *row, uint64_t *state) {
    for (int i = 0; i < FEATURE_COUNTERS; i++)
        if (random_below(state, 8) > 0) row->counters[i] = random_below(state, 2) ? 128 : 0;
}

static void compare(const FeatureRow *row, unsigned skipped) {
    float logits[CORE_MODEL_CLASSES_MAX], novelty = -1;
    static ReferenceResult expected;
    reference_run(&fixture.model, row, skipped, &expected);
    sipcnn_executor_run(executor, row, skipped, logits, &novelty);
    for (unsigned c = 0; c < fixture.model.dims.classes; c++)
        ck_assert_msg(fabs(logits[c] - expected.logits[c]) <= 1e-5 * (1 + fabs(expected.logits[c])),
                      "tokens %u, text %u, events %u, skipped %u: logit %u is %.9g, not %.9g", row->n_tokens,
                      row->n_text, row->n_events, skipped, c, (double)logits[c], expected.logits[c]);
    ck_assert_msg(fabs(novelty - expected.novelty) <= 1e-5 * (1 + expected.novelty), "novelty %.9g, not %.9g",
                  (double)novelty, expected.novelty);
}

static void compare_lengths(const CoreModelDims *dims) {
    uint64_t state = 99;
    FeatureRow row;
    open_model(dims, 0.1f);
    for (unsigned i = 0; i <= FEATURE_TOKENS; i++) {
        fill_row(&row, &state, i, i * FEATURE_TEXT / FEATURE_TOKENS, i % (FEATURE_EVENTS + 1));
        compare(&row, 0);
        empty_counters(&row, &state);
        compare(&row, 0);
    }
    for (unsigned i = 0; i <= 9; i++) {
        fill_row(&row, &state, FEATURE_TOKENS - i, i, FEATURE_EVENTS);
        compare(&row, 0);
    }
    close_model();
}

START_TEST(agrees_with_the_reference) {
    const CoreModelDims dims = default_dims();
    compare_lengths(&dims);
}
END_TEST

START_TEST(agrees_at_odd_widths) {
    const CoreModelDims dims = odd_dims();
    compare_lengths(&dims);
}
END_TEST

START_TEST(skipped_branches_hand_on_zeros) {
    const CoreModelDims dims = default_dims();
    uint64_t state = 3;
    FeatureRow row;
    open_model(&dims, 0.1f);
    fill_row(&row, &state, 20, 50, 9);
    for (unsigned skipped = 0; skipped < 16; skipped++)
        compare(&row, skipped);
    compare(&row, 0);
    close_model();
}
END_TEST

/* Bytes outside the valid positions, and a run before, leave no trace. */
START_TEST(padding_and_history_do_not_matter) {
    const CoreModelDims dims = default_dims();
    uint64_t state = 5;
    FeatureRow row, other;
    float logits[2][CORE_MODEL_CLASSES_MAX], novelty[2];
    open_model(&dims, 0.1f);
    for (unsigned n = 0; n < 16; n++) {
        fill_row(&row, &state, n, 3 * n, n);
        sipcnn_executor_run(executor, &row, 0, logits[0], &novelty[0]);
        fill_row(&other, &state, FEATURE_TOKENS, FEATURE_TEXT, FEATURE_EVENTS);
        sipcnn_executor_run(executor, &other, 0, logits[1], &novelty[1]);
        memcpy(other.tokens, row.tokens, n * sizeof row.tokens[0]);
        memcpy(other.text, row.text, 3 * (size_t)n);
        memcpy(other.events[FEATURE_EVENTS - n], row.events[FEATURE_EVENTS - n], n * sizeof row.events[0]);
        memcpy(other.counters, row.counters, sizeof row.counters);
        other.n_tokens = row.n_tokens;
        other.n_text = row.n_text;
        other.n_events = row.n_events;
        sipcnn_executor_run(executor, &other, 0, logits[1], &novelty[1]);
        ck_assert_mem_eq(logits[0], logits[1], dims.classes * sizeof(float));
        ck_assert_mem_eq(&novelty[0], &novelty[1], sizeof(float));
    }
    close_model();
}
END_TEST

/* AVX2 and AVX-512 in every bit; the portable kernels cannot fuse multiplication and addition. */
START_TEST(instruction_sets_agree) {
    const CoreModelDims shapes[] = {default_dims(), odd_dims()};
    for (size_t s = 0; s < 2; s++) {
        float first[2][8][CORE_MODEL_CLASSES_MAX + 1] = {{{0}}}, again[CORE_MODEL_CLASSES_MAX + 1] = {0};
        for (int level = 0; level <= (int)core_cpu_level_native(); level++) {
            ck_assert_int_eq(setenv("SIPCNN_MAX_ISA", core_cpu_level_name((CoreCpuLevel)level), 1), 0);
            open_model(&shapes[s], 0.1f);
            uint64_t state = 11;
            for (unsigned i = 0; i < 8; i++) {
                FeatureRow row;
                fill_row(&row, &state, 6 * i, 27 * i, 2 * i);
                sipcnn_executor_run(executor, &row, 0, again + 1, again);
                if (level < 2) memcpy(first[level][i], again, sizeof again);
                if (level > 0) ck_assert_mem_eq(first[1][i], again, (shapes[s].classes + 1) * sizeof(float));
                for (unsigned c = 0; c <= shapes[s].classes; c++)
                    ck_assert_float_eq_tol(first[0][i][c], again[c], 1e-5f * (1 + fabsf(again[c])));
            }
            close_model();
        }
    }
}
END_TEST

START_TEST(zero_weights_give_the_bias) {
    const CoreModelDims dims = default_dims();
    static float biases[CORE_MODEL_CLASSES_MAX];
    uint64_t state = 1;
    FeatureRow row;
    float logits[CORE_MODEL_CLASSES_MAX], novelty = -1;
    open_model(&dims, 0);
    for (unsigned c = 0; c < dims.classes; c++)
        biases[c] = (float)c - 4;
    fixture.model.weights[CORE_TENSOR_OUTPUT_BIAS] = biases;
    memset(fixture.model.centre_known, 0, sizeof fixture.model.centre_known);
    fill_row(&row, &state, 30, 100, 16);
    sipcnn_executor_run(executor, &row, 0, logits, &novelty);
    ck_assert_mem_eq(logits, biases, dims.classes * sizeof(float));
    ck_assert(novelty == 0);
    close_model();
}
END_TEST

/* Lengths and ids that no encoder writes stay inside row and tables (AddressSanitizer looks on). */
START_TEST(hostile_rows_are_harmless) {
    const CoreModelDims dims = default_dims();
    float logits[CORE_MODEL_CLASSES_MAX], novelty = -1;
    open_model(&dims, 0.1f);
    FeatureRow *row = malloc(sizeof *row);
    ck_assert_ptr_nonnull(row);
    memset(row, 0xff, sizeof *row);
    sipcnn_executor_run(executor, row, 0, logits, &novelty);
    for (unsigned c = 0; c < dims.classes; c++)
        ck_assert(isfinite(logits[c]));
    free(row);
    close_model();
}
END_TEST

START_TEST(other_dimensions_are_refused) {
    CoreModelDims dims = default_dims();
    dims.text_bytes++;
    CoreError error;
    ck_assert(model_fixture_new(&fixture, &dims, 7, 1));
    ck_assert_int_eq(sipcnn_executor_new(&fixture.model, &executor, &error), CORE_SHAPE);
    ck_assert_ptr_null(executor);
    sipcnn_executor_free(NULL);
    model_fixture_free(&fixture);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("infer: executor");
    TCase *tests = tcase_create("executor");
    tcase_add_test(tests, agrees_with_the_reference);
    tcase_add_test(tests, agrees_at_odd_widths);
    tcase_add_test(tests, skipped_branches_hand_on_zeros);
    tcase_add_test(tests, padding_and_history_do_not_matter);
    tcase_add_test(tests, instruction_sets_agree);
    tcase_add_test(tests, zero_weights_give_the_bias);
    tcase_add_test(tests, hostile_rows_are_harmless);
    tcase_add_test(tests, other_dimensions_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
