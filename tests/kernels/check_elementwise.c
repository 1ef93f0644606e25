/* Checks of the kernels that take each value or each channel by itself: pooling, normalisation, element-wise
 * ones, activations, optimisers.
 * Relies on: checks.h, engine/kernels, Check.
 * Relied on by: test_kernels.c. */
#include "tests/kernels/checks.h"

#include <check.h>
#include <math.h>

/* ---- pooling, normalisation, element-wise ---- */

void check_max_pool(Round *round) {
    const int length = draw(round, 1, 20), channels = draw(round, 1, 70);
    const KernelRange in = draw_range(round, length);
    float *x = values(round, length * channels), *y = empty(round, channels);
    int32_t *index = draw(round, 0, 2) ? buffer(round, (size_t)channels * sizeof(int32_t)) : NULL;
    for (int i = 0; i < length * channels; i++)
        x[i] = roundf(4 * x[i]) / 4; /* ties */
    forget_outside(x, in, length, channels);
    round->kernels->max_pool(in, channels, x, y, index);
    for (int c = 0; c < channels; c++) {
        int best = -1;
        for (int t = in.begin; t < in.end; t++)
            if (best < 0 || x[t * channels + c] > x[best * channels + c]) best = t;
        const float want = best < 0 ? 0 : x[best * channels + c];
        claim(y[c] == want, c, (double)y[c], (double)want);
        if (index) claim(index[c] == best, c, index[c], best);
    }
}

void check_normalise_u8(Round *round) {
    const int count = draw(round, 1, 80);
    uint8_t *x = bytes(round, count, 256);
    float *mean = values(round, count), *scale = values(round, count), *y = empty(round, count);
    float *low = empty(round, count), *high = empty(round, count), *portable = empty(round, count);
    double want[80];
    for (int i = 0; i < count; i++) {
        low[i] = (float)draw(round, 0, 200);
        high[i] = low[i] + (float)draw(round, 0, 55);
        const double clamped = fmin(fmax(x[i], (double)low[i]), (double)high[i]);
        want[i] = (clamped - (double)mean[i]) * (double)scale[i];
    }
    round->kernels->normalise_u8(count, x, low, high, mean, scale, y);
    kernels_at(CORE_CPU_PORTABLE)->normalise_u8(count, x, low, high, mean, scale, portable);
    near(y, want, count, 300);
    same_bits(y, portable, count);
}

void check_relu(Round *round) {
    const int count = draw(round, 1, 80);
    float *x = values(round, count), *y = empty(round, count);
    x[0] = NAN; /* must stay visible */
    round->kernels->relu((size_t)count, x, y);
    for (int i = 0; i < count; i++)
        claim(isnan(x[i]) ? isnan(y[i]) : y[i] == (x[i] < 0 ? 0 : x[i]), i, (double)y[i], (double)x[i]);
    round->kernels->relu((size_t)count, x, x);
    same_bits(x, y, count);
}

void check_relu_gradient(Round *round) {
    const int count = draw(round, 1, 80);
    float *y = values(round, count), *before = values(round, count), *dy = copy(round, before, count);
    y[0] = 0;
    round->kernels->relu_gradient((size_t)count, y, dy);
    for (int i = 0; i < count; i++)
        claim(dy[i] == (y[i] > 0 ? before[i] : 0), i, (double)dy[i], (double)before[i]);
}

void check_add(Round *round) {
    const int count = draw(round, 1, 80);
    float *x = values(round, count), *before = values(round, count), *y = copy(round, before, count);
    round->kernels->add((size_t)count, x, y);
    for (int i = 0; i < count; i++)
        claim(y[i] == before[i] + x[i], i, (double)y[i], (double)(before[i] + x[i]));
}

void check_add_product(Round *round) {
    const int count = draw(round, 1, 80);
    float *a = values(round, count), *b = values(round, count), *before = values(round, count);
    float *y = copy(round, before, count), *portable = copy(round, before, count);
    double want[80];
    for (int i = 0; i < count; i++)
        want[i] = (double)before[i] + (double)a[i] * (double)b[i];
    round->kernels->add_product((size_t)count, a, b, y);
    kernels_at(CORE_CPU_PORTABLE)->add_product((size_t)count, a, b, portable);
    near(y, want, count, 1);
    same_bits(y, portable, count);
}

/* ---- activations: against libm in double, over the whole range of values ---- */

typedef double Formula(double x);

static double sigmoid_formula(double x) {
    return 1 / (1 + exp(-x));
}

static double normal_integral(double x) {
    return 0.5 * erfc(-x * sqrt(0.5));
}

static double gelu_formula(double x) {
    return x * normal_integral(x);
}

static double sigmoid_slope(double y) {
    return y * (1 - y);
}

static double tanh_slope(double y) {
    return 1 - y * y;
}

static double gelu_slope(double x) {
    return normal_integral(x) + x * exp(-0.5 * x * x) / sqrt(2 * acos(-1.0));
}

/* Relative to the result, or to the argument where the result vanishes (the tail of gelu). */
static void check_activation(Round *round, KernelActivation *kernel, KernelActivation *portable,
                             Formula *formula, float range) {
    const int count = draw(round, 1, 80);
    float *x = values(round, count), *y = empty(round, count), *y2 = empty(round, count);
    const float scale = draw(round, 0, 1) ? range : 1;
    for (int i = 0; i < count; i++)
        x[i] *= scale;
    kernel((size_t)count, x, y);
    portable((size_t)count, x, y2);
    same_bits(y, y2, count);
    for (int i = 0; i < count; i++) {
        const double want = formula((double)x[i]);
        claim(fabs((double)y[i] - want) <= 1e-6 * fmax(fabs(want), 1e-3 * fabs((double)x[i])), i,
              (double)y[i], want);
    }
    x[0] = NAN;
    kernel((size_t)count, x, x);
    claim(isnan(x[0]), 0, (double)x[0], (double)NAN);
    if (count > 1) same_bits(x + 1, y + 1, count - 1);
}

static void check_slope(Round *round, KernelActivationGradient *kernel, KernelActivationGradient *portable,
                        Formula *slope, float range) {
    const int count = draw(round, 1, 80);
    float *x = values(round, count), *dy = values(round, count), *before = values(round, count);
    float *dx = copy(round, before, count), *dx2 = copy(round, before, count);
    for (int i = 0; i < count; i++)
        x[i] *= range;
    kernel((size_t)count, x, dy, dx);
    portable((size_t)count, x, dy, dx2);
    same_bits(dx, dx2, count);
    for (int i = 0; i < count; i++) {
        const double want = (double)before[i] + (double)dy[i] * slope((double)x[i]);
        claim(fabs((double)dx[i] - want) <= 1e-6, i, (double)dx[i], want);
    }
}

#define ACTIVATION_CHECK(family, check, formula, range)                                                      \
    void check_##family(Round *round) {                                                                      \
        check(round, round->kernels->family, kernels_at(CORE_CPU_PORTABLE)->family, formula, range);         \
    }
ACTIVATION_CHECK(exponential, check_activation, exp, 86)
ACTIVATION_CHECK(sigmoid, check_activation, sigmoid_formula, 80)
ACTIVATION_CHECK(tanh, check_activation, tanh, 30)
ACTIVATION_CHECK(gelu, check_activation, gelu_formula, 20)
ACTIVATION_CHECK(sigmoid_gradient, check_slope, sigmoid_slope, 1)
ACTIVATION_CHECK(tanh_gradient, check_slope, tanh_slope, 1)
ACTIVATION_CHECK(gelu_gradient, check_slope, gelu_slope, 8)
#undef ACTIVATION_CHECK

void check_sum_squares(Round *round) {
    const int count = draw(round, 0, 80);
    float *x = values(round, count);
    double want = 0;
    for (int i = 0; i < count; i++)
        want += (double)x[i] * (double)x[i];
    const double got = round->kernels->sum_squares((size_t)count, x);
    const double portable = kernels_at(CORE_CPU_PORTABLE)->sum_squares((size_t)count, x);
    ck_assert_double_eq_tol(got, want, 1e-12 * (1 + want));
    ck_assert_mem_eq(&got, &portable, sizeof got);
}

/* Against AdamW as written in the paper's algorithm 2, in double. */
void check_adamw(Round *round) {
    const int count = draw(round, 1, 80);
    const KernelAdamW adam = {.rate = 0.01f,
                              .beta1 = 0.9f,
                              .beta2 = 0.99f,
                              .epsilon = 1e-6f,
                              .decay = 0.001f,
                              .correction1 = 1.7f,
                              .correction2 = 2.3f,
                              .l2 = draw(round, 0, 1) ? 0.25f : 0};
    float *g = values(round, count), *start_m = values(round, count), *start_v = values(round, count);
    float *start_p = values(round, count), *m = copy(round, start_m, count), *p = copy(round, start_p, count);
    for (int i = 0; i < count; i++)
        start_v[i] = fabsf(start_v[i]);
    float *v = copy(round, start_v, count), *m2 = copy(round, start_m, count),
          *v2 = copy(round, start_v, count);
    float *p2 = copy(round, start_p, count);
    const float clip = 0.7f;
    round->kernels->adamw(&adam, clip, (size_t)count, g, m, v, p);
    kernels_at(CORE_CPU_PORTABLE)->adamw(&adam, clip, (size_t)count, g, m2, v2, p2);
    for (int i = 0; i < count; i++) {
        const double slope = (double)clip * (double)g[i] + (double)adam.l2 * (double)start_p[i];
        const double moment1 = 0.9 * (double)start_m[i] + 0.1 * slope;
        const double moment2 = 0.99 * (double)start_v[i] + 0.01 * slope * slope;
        const double step = 0.01 * (1.7 * moment1) / (sqrt(2.3 * moment2) + 1e-6);
        const double want = (double)start_p[i] - step - 0.001 * (double)start_p[i];
        claim(fabs((double)m[i] - moment1) <= 1e-6, i, (double)m[i], moment1);
        claim(fabs((double)v[i] - moment2) <= 1e-6, i, (double)v[i], moment2);
        claim(fabs((double)p[i] - want) <= 1e-5, i, (double)p[i], want);
    }
    same_bits(m, m2, count);
    same_bits(v, v2, count);
    same_bits(p, p2, count);
}

void check_sgd(Round *round) {
    const int count = draw(round, 1, 80);
    const KernelSgd sgd = {
        .rate = 0.1f, .momentum = 0.9f, .decay = 0.001f, .l2 = 0.25f, .nesterov = draw(round, 0, 1)};
    const float clip = 0.7f;
    float *g = values(round, count), *start_m = values(round, count), *start_p = values(round, count);
    float *m = copy(round, start_m, count), *p = copy(round, start_p, count);
    float *m2 = copy(round, start_m, count), *p2 = copy(round, start_p, count);
    round->kernels->sgd(&sgd, clip, (size_t)count, g, m, p);
    kernels_at(CORE_CPU_PORTABLE)->sgd(&sgd, clip, (size_t)count, g, m2, p2);
    for (int i = 0; i < count; i++) {
        const double slope = (double)clip * (double)g[i] + 0.25 * (double)start_p[i];
        const double moment = 0.9 * (double)start_m[i] + slope;
        const double way = sgd.nesterov ? slope + 0.9 * moment : moment;
        const double want = (double)start_p[i] - 0.1 * way - 0.001 * (double)start_p[i];
        claim(fabs((double)m[i] - moment) <= 1e-6, i, (double)m[i], moment);
        claim(fabs((double)p[i] - want) <= 1e-6, i, (double)p[i], want);
    }
    same_bits(m, m2, count);
    same_bits(p, p2, count);
}
