/* Exponentially decayed counters and their quantised features; the arithmetic that every machine repeats
 * exactly. Relies on: data/features/features.h (time constants). Relied on by: data/features/context. */
#ifndef SIPCNN_FEATURES_COUNTERS_H
#define SIPCNN_FEATURES_COUNTERS_H

#include "data/features/features.h"

/* exp(-x) for x >= 0 (relative error below 2e-6) and log(1 + x) for x >= 0 (absolute error below 2e-6 of 1 +
 * the value): IEEE operations in a fixed order only, so the same bits everywhere (libm's differ between
 * versions). */
float feature_exp_minus(float x);
float feature_log1p(float x);

/* Decays `n` counters of FEATURE_TAUS values each (values[i * FEATURE_TAUS + tau]) over elapsed_ns >= 0. */
void feature_decay(float *values, unsigned n, int64_t elapsed_ns);

/* Adds one event to counter i. */
static inline void feature_count(float *values, unsigned i) {
    for (unsigned tau = 0; tau < FEATURE_TAUS; tau++)
        values[i * FEATURE_TAUS + tau] += 1.0f;
}

/* Writes n * FEATURE_PER_COUNTER features: for each counter log1p of its four values, then the log ratios of
 * each to what the next longer one leads to expect; a ratio is 128 (zero) until the key has lived twice the
 * longer constant. */
void feature_quantise(const float *values, unsigned n, int64_t age_ns, uint8_t *features);

/* A duration on a log scale: 0 for none (ns < 0), else about 8 log2(1 + ms), at most 255. */
uint8_t feature_log_time(int64_t ns);

#endif
