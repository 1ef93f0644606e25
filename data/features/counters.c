/* Exponentially decayed counters and their quantised features.
 * Relies on: data/features/features.h.
 * Relied on by: data/features/context. */
#include "data/features/counters.h"

#include <string.h>

static const float tau_seconds[FEATURE_TAUS] = {1.0f, 30.0f, 600.0f, 7200.0f};

enum {
    BLOCK_COUNTERS = 16, /* worked on at a time */
    BLOCK = BLOCK_COUNTERS * FEATURE_TAUS,
};

/* Less than this is nothing: its features are zero, and decaying further would end in slow denormal numbers.
 */
static const float negligible = 1e-6f;

/* log(1 + x) of n values: the mantissa is brought to [0.75, 1.5), then log m = 2 atanh((m - 1) / (m + 1)).
 * Written over arrays of words so that compilers vectorise it. */
static void log1p_block(const float *x, float *out, unsigned n) {
    float sum[BLOCK], mantissa[BLOCK], power[BLOCK];
    uint32_t bits[BLOCK];
    for (unsigned i = 0; i < n; i++)
        sum[i] = x[i] + 1.0f;
    memcpy(bits, sum, n * sizeof *bits);
    for (unsigned i = 0; i < n; i++) {
        uint32_t shifted = bits[i] - 0x3f400000u; /* 0.75 */
        power[i] = (float)((int32_t)shifted >> 23);
        bits[i] = (shifted & 0x007fffffu) + 0x3f400000u;
    }
    memcpy(mantissa, bits, n * sizeof *bits);
    for (unsigned i = 0; i < n; i++) {
        float s = (mantissa[i] - 1.0f) / (mantissa[i] + 1.0f), s2 = s * s;
        float series = (((0.11111111f * s2 + 0.14285714f) * s2 + 0.2f) * s2 + 0.33333333f) * s2 + 1.0f;
        out[i] = power[i] * 0.69314718f + 2.0f * s * series;
    }
}

float feature_log1p(float x) {
    float out;
    log1p_block(&x, &out, 1);
    return out;
}

float feature_exp_minus(float x) {
    if (x >= 80.0f) return 0.0f;
    float y = x * 1.44269504f;
    int32_t whole = (int32_t)(y + 0.5f);
    float f = ((float)whole - y) * 0.69314718f; /* at most ln 2 / 2 from 0 */
    float series =
        ((((0.0013888889f * f + 0.0083333333f) * f + 0.041666667f) * f + 0.16666667f) * f + 0.5f) * f * f +
        f + 1.0f;
    uint32_t bits;
    memcpy(&bits, &series, sizeof bits);
    bits -= (uint32_t)whole << 23;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* The longest constant decays last: an empty one there means an empty counter, as most of most keys are. */
static bool is_empty(const float *counter) {
    return counter[FEATURE_TAUS - 1] == 0.0f;
}

void feature_decay(float *values, unsigned n, int64_t elapsed_ns) {
    if (elapsed_ns <= 0) return;
    float seconds = (float)elapsed_ns * 1e-9f, factor[FEATURE_TAUS];
    for (unsigned tau = 0; tau < FEATURE_TAUS; tau++)
        factor[tau] = feature_exp_minus(seconds / tau_seconds[tau]);
    for (unsigned i = 0; i < n; i++) {
        float *counter = values + (size_t)i * FEATURE_TAUS;
        if (is_empty(counter)) continue;
        for (unsigned tau = 0; tau < FEATURE_TAUS; tau++) {
            float value = counter[tau] * factor[tau];
            counter[tau] = value < negligible ? 0.0f : value;
        }
    }
}

/* To a byte; clamped as a float first, so that compilers vectorise it. */
static uint8_t cut(float x) {
    const float raised = x > 0.0f ? x : 0.0f, cut = raised < 255.0f ? raised : 255.0f;
    return (uint8_t)(int32_t)cut;
}

/* The features of `n` counters whose values stand in `values`; those of the k-th go to features[counter[k]].
 * The first `known` ratios of each are known. */
static void quantise_block(const float *values, const unsigned *counter, unsigned n, unsigned known,
                           uint8_t *features) {
    float logs[BLOCK], expected[BLOCK] = {0}, expected_logs[BLOCK];
    uint8_t levels[BLOCK], ratios[BLOCK];
    for (unsigned tau = 0; tau < known; tau++)
        for (unsigned i = 0; i < n; i++)
            expected[tau * n + i] =
                values[i * FEATURE_TAUS + tau + 1] * (tau_seconds[tau] / tau_seconds[tau + 1]);
    log1p_block(values, logs, n * FEATURE_TAUS);
    log1p_block(expected, expected_logs, n * known);
    for (unsigned i = 0; i < n * FEATURE_TAUS; i++)
        levels[i] = cut(16.0f * logs[i] + 0.5f);
    for (unsigned tau = 0; tau < known; tau++)
        for (unsigned i = 0; i < n; i++)
            ratios[tau * n + i] =
                cut(16.0f * (logs[i * FEATURE_TAUS + tau] - expected_logs[tau * n + i]) + 128.5f);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *out = features + (size_t)counter[i] * FEATURE_PER_COUNTER;
        memcpy(out, levels + i * FEATURE_TAUS, FEATURE_TAUS);
        for (unsigned tau = 0; tau + 1 < FEATURE_TAUS; tau++)
            out[FEATURE_TAUS + tau] = tau < known ? ratios[tau * n + i] : 128;
    }
}

/* Only what is not empty is gathered and worked on. */
void feature_quantise(const float *values, unsigned n, int64_t age_ns, uint8_t *features) {
    static const uint8_t empty[FEATURE_PER_COUNTER] = {0, 0, 0, 0, 128, 128, 128};
    unsigned known = 0; /* the constants ascend, so what is known are the first ratios */
    while (known + 1 < FEATURE_TAUS && (float)age_ns * 1e-9f >= 2.0f * tau_seconds[known + 1])
        known++;
    float gathered[BLOCK];
    unsigned counter[BLOCK_COUNTERS], held = 0;
    for (unsigned i = 0; i < n; i++) {
        if (is_empty(values + (size_t)i * FEATURE_TAUS)) {
            memcpy(features + (size_t)i * FEATURE_PER_COUNTER, empty, sizeof empty);
            continue;
        }
        memcpy(gathered + held * FEATURE_TAUS, values + (size_t)i * FEATURE_TAUS,
               FEATURE_TAUS * sizeof *values);
        counter[held++] = i;
        if (held < BLOCK_COUNTERS) continue;
        quantise_block(gathered, counter, held, known, features);
        held = 0;
    }
    quantise_block(gathered, counter, held, known, features);
}

uint8_t feature_log_time(int64_t ns) {
    if (ns < 0) return 0;
    return cut(8.0f * 1.44269504f * feature_log1p((float)ns * 1e-6f) + 1.5f);
}
