/* Every kernel of every instruction set against a naive double-precision reference, in guarded buffers, with
 * NaN in all that must not be read, and bit for bit against the portable kernels. Relies on: engine/kernels,
 * engine/rng.h, Check. Relied on by: ctest. */
#include "engine/kernels/declare.h"
#include "engine/rng.h"
#include "tests/kernels/guard.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFERS = 16, BUFFER_SIZE = 1 << 18, ROUNDS = 400 };

/* One round of a check: sizes are drawn from `seed`, buffers live until the round ends. Odd rounds have all
 * buffers at the end of accessible memory, even ones at its start. */
typedef struct Round {
    const Kernels *kernels;
    uint32_t seed, draws;
    int n_buffers;
    const Guard *guards;
} Round;

static int draw(Round *round, int low, int high) {
    return low + (int)rng_below((uint64_t)(high - low + 1), round->seed, 1, 0, round->draws++);
}

static void *buffer(Round *round, size_t bytes) {
    if (round->n_buffers == BUFFERS) ck_abort_msg("a round needs more than %d buffers", BUFFERS);
    return guard_place(&round->guards[round->n_buffers++], bytes, round->seed % 2 == 1);
}

static float *empty(Round *round, int count) {
    float *values = buffer(round, (size_t)count * sizeof(float));
    for (int i = 0; i < count; i++)
        values[i] = NAN;
    return values;
}

static float *values(Round *round, int count) {
    float *result = empty(round, count);
    for (int i = 0; i < count; i++)
        result[i] = 2 * rng_uniform(round->seed, 2, 0, round->draws++) - 1;
    return result;
}

static uint8_t *bytes(Round *round, int count, int bound) {
    uint8_t *result = buffer(round, (size_t)count);
    for (int i = 0; i < count; i++)
        result[i] = (uint8_t)draw(round, 0, bound - 1);
    return result;
}

/* A copy of existing values, as the accumulators' start. */
static float *copy(Round *round, const float *from, int count) {
    float *result = empty(round, count);
    memcpy(result, from, (size_t)count * sizeof(float));
    return result;
}

/* A passed assertion is a system call in Check; this one asserts only what fails. */
static void claim(bool holds, int index, double got, double want) {
    if (!holds) ck_abort_msg("value %d: %.9g instead of %.9g", index, got, want);
}

/* NaN in `want`: must not have been written. The tolerance suits sums of `terms` products of values below 1.
 */
static void near(const float *got, const double *want, int count, double terms) {
    for (int i = 0; i < count; i++) {
        const double difference = fabs((double)got[i] - want[i]);
        claim(isnan(want[i]) ? isnan(got[i]) : difference <= 1e-7 * (4 + terms), i, (double)got[i], want[i]);
    }
}

static void same_bits(const float *a, const float *b, int count) {
    ck_assert_mem_eq(a, b, (size_t)count * sizeof(float));
}

/* The kernels whose bits those of matrix products and depthwise convolutions must have: AVX-512 those of
 * AVX2; the portable ones round twice and have no equal. */
static const Kernels *fused_reference(const Round *round) {
    const bool widest = round->kernels == kernels_at(CORE_CPU_AVX512);
    return widest ? kernels_at(CORE_CPU_AVX2) : round->kernels;
}

static KernelRange draw_range(Round *round, int length) {
    const int begin = draw(round, 0, length), end = draw(round, 0, length);
    if (draw(round, 0, 2) == 0) return (KernelRange){0, length};
    return (KernelRange){begin, end};
}

static bool inside(KernelRange range, int position) {
    return position >= range.begin && position < range.end;
}

static void forget_outside(float *x, KernelRange range, int length, int channels) {
    for (int i = 0; i < length * channels; i++)
        if (!inside(range, i / channels)) x[i] = NAN;
}

/* ---- convolutions ---- */

typedef struct ConvCase {
    KernelConv1d conv;
    KernelBatch batch;
    int in_length, out_length, group_in, group_out;
    KernelRange in, out;
} ConvCase;

/* Lengths and channels reach beyond twice the greatest tile. */
static ConvCase draw_conv(Round *round, bool depthwise) {
    ConvCase c = {.in_length = draw(round, 1, 26), .out_length = draw(round, 1, 26)};
    const int groups = depthwise || draw(round, 0, 2) ? 1 : draw(round, 2, 3);
    c.group_in = draw(round, 1, 36 / groups);
    c.group_out = depthwise ? c.group_in : draw(round, 1, 72 / groups);
    c.conv = (KernelConv1d){.in_channels = groups * c.group_in,
                            .out_channels = groups * c.group_out,
                            .taps = draw(round, 1, 5),
                            .stride = draw(round, 1, 4),
                            .dilation = draw(round, 1, 4),
                            .left = draw(round, -6, 16),
                            .relu = draw(round, 0, 1) == 1,
                            .groups = groups == 1 ? draw(round, 0, 1) : groups};
    c.in = draw_range(round, c.in_length);
    c.out = draw_range(round, c.out_length);
    c.batch = (KernelBatch){.samples = depthwise ? 1 : draw(round, 1, 5),
                            .x_pitch = c.in_length * c.conv.in_channels + draw(round, 0, 3),
                            .y_pitch = c.out_length * c.conv.out_channels + draw(round, 0, 3)};
    return c;
}

/* One by minimal filtering, at times of more tiles than are done at once. */
static ConvCase draw_winograd(Round *round) {
    ConvCase c = draw_conv(round, true);
    c.group_in = 16 * draw(round, 2, 3);
    c.group_out = 16 * draw(round, 2, 3);
    c.conv = (KernelConv1d){.in_channels = c.group_in,
                            .out_channels = c.group_out,
                            .taps = 3,
                            .stride = 1,
                            .dilation = 1,
                            .left = draw(round, 0, 3) ? draw(round, 0, 2) : draw(round, -6, 16),
                            .relu = c.conv.relu,
                            .groups = c.conv.groups};
    c.batch = (KernelBatch){.samples = draw(round, 0, 3) ? draw(round, 1, 3) : draw(round, 9, 14),
                            .x_pitch = c.in_length * c.group_in + draw(round, 0, 3),
                            .y_pitch = c.out_length * c.group_out + draw(round, 0, 3)};
    claim(kernel_conv1d_plan(&c.conv).winograd, 0, 0, 1);
    return c;
}

static int x_count(const ConvCase *c) {
    return (int)((c->batch.samples - 1) * c->batch.x_pitch) + c->in_length * c->conv.in_channels;
}

static int y_count(const ConvCase *c) {
    return (int)((c->batch.samples - 1) * c->batch.y_pitch) + c->out_length * c->conv.out_channels;
}

/* The input position of a tap, or -1 when it is padding. */
static int tap_position(const ConvCase *c, int t, int k) {
    const int position = t * c->conv.stride + k * c->conv.dilation - c->conv.left;
    return inside(c->in, position) ? position : -1;
}

/* Calls visit for each product y[t][o] += x[position][i] * w[k][i][o] that there is. */
#define EACH_PRODUCT(c)                                                                                      \
    for (int t = (c)->out.begin; t < (c)->out.end; t++)                                                      \
        for (int k = 0, position; k < (c)->conv.taps; k++)                                                   \
            if ((position = tap_position((c), t, k)) >= 0)                                                   \
                for (int i = 0; i < (c)->conv.in_channels; i++)                                              \
                    for (int o = 0; o < (c)->conv.out_channels; o++)

/* One product of a sample: where it stands in x, y and the weights. */
typedef struct Place {
    int x, y, w;
} Place;

/* Lists the products of all samples, ordinary or depthwise, one after the other; false after the last. */
typedef struct Products {
    int sample, t, k, i, o;
} Products;

static bool next_product(const ConvCase *c, bool depthwise, Products *at, Place *place) {
    const KernelConv1d *conv = &c->conv;
    for (;; at->o++) {
        if (at->o == conv->out_channels) at->o = 0, at->i++;
        if (at->i == conv->in_channels) at->i = 0, at->k++;
        if (at->k == conv->taps) at->k = 0, at->t++;
        if (at->t >= c->out.end) at->t = c->out.begin, at->sample++;
        if (at->sample == c->batch.samples || c->out.end <= c->out.begin) return false;
        const int position = tap_position(c, at->t, at->k);
        if (position < 0 || (depthwise ? at->i != at->o : at->i / c->group_in != at->o / c->group_out))
            continue;
        place->x = (int)(at->sample * c->batch.x_pitch) + position * conv->in_channels + at->i;
        place->y = (int)(at->sample * c->batch.y_pitch) + at->t * conv->out_channels + at->o;
        place->w = depthwise ? at->k * conv->in_channels + at->i
                             : (at->k * c->group_in + at->i % c->group_in) * conv->out_channels + at->o;
        at->o++;
        return true;
    }
}

static int w_count(const ConvCase *c, bool depthwise) {
    return c->conv.taps * c->group_in * (depthwise ? 1 : c->conv.out_channels);
}

/* Of a batch of sequences, what lies outside `range` or between samples becomes NaN. */
static void forget_gaps(float *x, int count, ptrdiff_t pitch, KernelRange range, int channels) {
    for (int i = 0; i < count; i++)
        if (!inside(range, (int)(i % pitch) / channels)) x[i] = NAN;
}

static double *widened(const float *x, int count) {
    double *wide = malloc((size_t)count * sizeof *wide);
    for (int i = 0; i < count; i++)
        wide[i] = (double)x[i];
    return wide;
}

/* What a convolution makes, NaN where it must not write; to be freed. */
static double *forward_reference(const ConvCase *c, bool depthwise, const float *x, const float *w,
                                 const float *bias) {
    const int count = y_count(c), out = c->conv.out_channels;
    double *want = malloc((size_t)count * sizeof *want);
    for (int i = 0; i < count; i++) {
        const int in_sample = (int)(i % c->batch.y_pitch);
        want[i] = !inside(c->out, in_sample / out) ? (double)NAN : bias ? (double)bias[in_sample % out] : 0;
    }
    Place at;
    for (Products p = {.t = c->out.begin}; next_product(c, depthwise, &p, &at);)
        want[at.y] += (double)x[at.x] * (double)w[at.w];
    for (int i = 0; i < count && c->conv.relu; i++)
        if (want[i] < 0) want[i] = 0;
    return want;
}

static void check_conv_forward(Round *round, bool depthwise) {
    const ConvCase c = draw_conv(round, depthwise);
    const int out = c.conv.out_channels, count = y_count(&c);
    float *x = values(round, x_count(&c)), *w = values(round, w_count(&c, depthwise));
    float *bias = draw(round, 0, 3) ? values(round, out) : NULL;
    float *y = empty(round, count), *other = empty(round, count);
    forget_gaps(x, x_count(&c), c.batch.x_pitch, c.in, c.conv.in_channels);
    double *want = forward_reference(&c, depthwise, x, w, bias);
    const Kernels *kernels = round->kernels, *reference = fused_reference(round);
    if (depthwise) {
        kernels->depthwise_conv1d(&c.conv, c.in, c.out, x, w, bias, y);
        reference->depthwise_conv1d(&c.conv, c.in, c.out, x, w, bias, other);
    } else {
        kernels->conv1d(&c.conv, &c.batch, c.in, c.out, x, w, bias, y);
        reference->conv1d(&c.conv, &c.batch, c.in, c.out, x, w, bias, other);
    }
    near(y, want, count, c.conv.taps * c.group_in);
    same_bits(y, other, count);
    free(want);
}

static void check_conv1d(Round *round) {
    check_conv_forward(round, false);
}

static void check_depthwise_conv1d(Round *round) {
    check_conv_forward(round, true);
}

static void check_conv_data(Round *round, bool depthwise) {
    const ConvCase c = draw_conv(round, depthwise);
    const int count = x_count(&c);
    float *w = values(round, w_count(&c, depthwise)), *dy = values(round, y_count(&c));
    float *start = values(round, count), *dx = copy(round, start, count), *other = copy(round, start, count);
    forget_gaps(dy, y_count(&c), c.batch.y_pitch, c.out, c.conv.out_channels);
    double *want = widened(start, count);
    Place at;
    for (Products p = {.t = c.out.begin}; next_product(&c, depthwise, &p, &at);)
        want[at.x] += (double)dy[at.y] * (double)w[at.w];
    const Kernels *kernels = round->kernels, *reference = fused_reference(round);
    if (depthwise) {
        kernels->depthwise_conv1d_data(&c.conv, c.in, c.out, w, dy, dx);
        reference->depthwise_conv1d_data(&c.conv, c.in, c.out, w, dy, other);
    } else {
        const KernelPlan plan = kernel_conv1d_plan(&c.conv);
        float *packed = empty(round, (int)plan.packed_floats);
        kernel_conv1d_pack(&c.conv, w, packed);
        kernels->conv1d_data(&c.conv, &c.batch, c.in, c.out, packed, dy, dx);
        reference->conv1d_data(&c.conv, &c.batch, c.in, c.out, packed, dy, other);
    }
    near(dx, want, count, c.conv.taps * c.group_out);
    same_bits(dx, other, count);
    free(want);
}

static void check_conv1d_data(Round *round) {
    check_conv_data(round, false);
}

static void check_depthwise_conv1d_data(Round *round) {
    check_conv_data(round, true);
}

static void check_conv_weights(Round *round, bool depthwise) {
    const ConvCase c = draw_conv(round, depthwise);
    const int out = c.conv.out_channels, count = w_count(&c, depthwise);
    float *x = values(round, x_count(&c)), *dy = values(round, y_count(&c));
    float *start = values(round, count), *dw = copy(round, start, count), *other = copy(round, start, count);
    float *bias_start = values(round, out), *dbias = copy(round, bias_start, out);
    float *other_bias = copy(round, bias_start, out);
    forget_gaps(x, x_count(&c), c.batch.x_pitch, c.in, c.conv.in_channels);
    forget_gaps(dy, y_count(&c), c.batch.y_pitch, c.out, out);
    double *want = widened(start, count), *want_bias = widened(bias_start, out);
    Place at;
    for (Products p = {.t = c.out.begin}; next_product(&c, depthwise, &p, &at);)
        want[at.w] += (double)x[at.x] * (double)dy[at.y];
    for (int s = 0; s < c.batch.samples; s++)
        for (int t = c.out.begin; t < c.out.end; t++)
            for (int o = 0; o < out; o++)
                want_bias[o] += (double)dy[s * c.batch.y_pitch + t * out + o];
    if (draw(round, 0, 3) == 0) dbias = other_bias = NULL;
    const Kernels *kernels = round->kernels, *reference = fused_reference(round);
    if (depthwise) {
        kernels->depthwise_conv1d_weights(&c.conv, c.in, c.out, x, dy, dw, dbias);
        reference->depthwise_conv1d_weights(&c.conv, c.in, c.out, x, dy, other, other_bias);
    } else {
        kernels->conv1d_weights(&c.conv, &c.batch, c.in, c.out, x, dy, dw, dbias);
        reference->conv1d_weights(&c.conv, &c.batch, c.in, c.out, x, dy, other, other_bias);
    }
    near(dw, want, count, c.batch.samples * c.out_length);
    same_bits(dw, other, count);
    if (dbias) near(dbias, want_bias, out, c.batch.samples * c.out_length);
    if (dbias) same_bits(dbias, other_bias, out);
    free(want);
    free(want_bias);
}

static void check_conv1d_weights(Round *round) {
    check_conv_weights(round, false);
}

static void check_depthwise_conv1d_weights(Round *round) {
    check_conv_weights(round, true);
}

/* The planes hold the values of the polynomial w0 + w1 z + w2 z^2 at z = 0, 3/4, -3/4, 3/2, -3/2, each
 * divided by the product of the point's distances to the others, and its leading coefficient. */
static void check_winograd_weights(Round *round) {
    static const double points[] = {0, 0.75, -0.75, 1.5, -1.5};
    const ConvCase c = draw_winograd(round);
    const int size = c.group_in * c.group_out;
    const KernelPlan plan = kernel_conv1d_plan(&c.conv);
    float *w = values(round, 3 * size), *planes = empty(round, (int)plan.planes_floats);
    float *other = empty(round, (int)plan.planes_floats);
    round->kernels->winograd_weights(&c.conv, w, planes);
    fused_reference(round)->winograd_weights(&c.conv, w, other);
    for (int p = 0; p < 6; p++)
        for (int i = 0; i < size; i++) {
            double want = (double)w[2 * size + i], distances = 1;
            for (int k = 0; k < 5 && p < 5; k++)
                distances *= k == p ? 1 : points[p] - points[k];
            if (p < 5)
                want = ((double)w[i] + points[p] * ((double)w[size + i] + points[p] * want)) / distances;
            claim(fabs((double)planes[p * size + i] - want) <= 1e-6, p * size + i,
                  (double)planes[p * size + i], want);
        }
    same_bits(planes, other, 6 * size);
}

/* Minimal filtering may lose four times as much as a sum of `terms` products: what its transforms multiply
 * a rounding error with adds up to nine at worst. A wrong coefficient shows in the second digit. */
static void nearly(const float *got, const double *want, int count, double terms) {
    near(got, want, count, 4 * (4 + terms));
}

/* The planes that the kernels of this level make of w. */
static float *winograd_planes(Round *round, const ConvCase *c, const float *w) {
    float *planes = empty(round, (int)kernel_conv1d_plan(&c->conv).planes_floats);
    round->kernels->winograd_weights(&c->conv, w, planes);
    return planes;
}

static float *winograd_scratch(Round *round, const ConvCase *c) {
    return empty(round, (int)kernel_conv1d_plan(&c->conv).scratch_floats);
}

static void check_winograd_conv1d(Round *round) {
    const ConvCase c = draw_winograd(round);
    const int count = y_count(&c);
    float *x = values(round, x_count(&c)), *w = values(round, w_count(&c, false));
    float *bias = draw(round, 0, 3) ? values(round, c.group_out) : NULL;
    float *y = empty(round, count), *other = empty(round, count);
    forget_gaps(x, x_count(&c), c.batch.x_pitch, c.in, c.group_in);
    double *want = forward_reference(&c, false, x, w, bias);
    const float *planes = winograd_planes(round, &c, w);
    float *scratch = winograd_scratch(round, &c);
    round->kernels->winograd_conv1d(&c.conv, &c.batch, c.in, c.out, x, planes, bias, y, scratch);
    fused_reference(round)->winograd_conv1d(&c.conv, &c.batch, c.in, c.out, x, planes, bias, other, scratch);
    nearly(y, want, count, 3 * c.group_in);
    same_bits(y, other, count);
    free(want);
}

/* Both gradients, with dx and dbias wanted or not, behind the ReLU of a result y that has exact zeros. */
static void check_winograd_gradient(Round *round) {
    const ConvCase c = draw_winograd(round);
    const KernelPlan plan = kernel_conv1d_plan(&c.conv);
    const int out = c.group_out, xs = x_count(&c), ys = y_count(&c), ws = w_count(&c, false);
    float *x = values(round, xs), *w = values(round, ws), *dy = values(round, ys), *y = values(round, ys);
    for (int i = 0; i < ys; i++)
        y[i] = y[i] > 0 ? y[i] : 0;
    forget_gaps(x, xs, c.batch.x_pitch, c.in, c.group_in);
    forget_gaps(dy, ys, c.batch.y_pitch, c.out, out);
    forget_gaps(y, ys, c.batch.y_pitch, c.out, out);
    float *start = values(round, ws), *dw = copy(round, start, ws), *dw2 = copy(round, start, ws);
    float *bias_start = values(round, out), *dbias = copy(round, bias_start, out);
    float *dbias2 = copy(round, bias_start, out);
    float *x_start = values(round, xs), *dx = copy(round, x_start, xs), *dx2 = copy(round, x_start, xs);
    double *want = widened(start, ws), *want_x = widened(x_start, xs), *want_bias = widened(bias_start, out);
    Place at;
    for (Products p = {.t = c.out.begin}; next_product(&c, false, &p, &at);) {
        if (c.conv.relu && !(y[at.y] > 0)) continue;
        want[at.w] += (double)x[at.x] * (double)dy[at.y];
        want_x[at.x] += (double)w[at.w] * (double)dy[at.y];
    }
    for (int i = 0; i < ys; i++)
        if (inside(c.out, (int)(i % c.batch.y_pitch) / out) && !(c.conv.relu && !(y[i] > 0)))
            want_bias[i % c.batch.y_pitch % out] += (double)dy[i];
    if (draw(round, 0, 3) == 0) dx = dx2 = NULL;
    if (draw(round, 0, 3) == 0) dbias = dbias2 = NULL;
    const float *planes = winograd_planes(round, &c, w);
    float *transposed = empty(round, (int)plan.packed_floats), *scratch = winograd_scratch(round, &c);
    kernel_winograd_transpose(&c.conv, planes, transposed);
    round->kernels->winograd_gradient(&c.conv, &c.batch, c.in, c.out, x, y, dy, transposed, dw, dbias, dx,
                                      scratch);
    fused_reference(round)->winograd_gradient(&c.conv, &c.batch, c.in, c.out, x, y, dy, transposed, dw2,
                                              dbias2, dx2, scratch);
    nearly(dw, want, ws, c.batch.samples * c.out_length);
    same_bits(dw, dw2, ws);
    if (dx) nearly(dx, want_x, xs, 3 * out);
    if (dx) same_bits(dx, dx2, xs);
    if (dbias) near(dbias, want_bias, out, c.batch.samples * c.out_length);
    if (dbias) same_bits(dbias, dbias2, out);
    free(want);
    free(want_x);
    free(want_bias);
}

/* Peaks anywhere, beyond both ends too, and values of both signs. */
static void check_peaks_gradient(Round *round) {
    ConvCase c = draw_conv(round, false);
    c.group_in = c.conv.in_channels;
    c.group_out = c.conv.out_channels;
    c.conv.groups = draw(round, 0, 1);
    const int out = c.group_out, xs = x_count(&c), ws = w_count(&c, false), n = c.batch.samples * out;
    float *x = values(round, xs), *w = values(round, ws), *y = values(round, n), *dy = values(round, n);
    int32_t *positions = buffer(round, (size_t)n * sizeof *positions);
    for (int i = 0; i < n; i++)
        positions[i] = draw(round, -1, c.out_length);
    forget_gaps(x, xs, c.batch.x_pitch, c.in, c.group_in);
    float *start = values(round, ws), *dw = copy(round, start, ws), *dw2 = copy(round, start, ws);
    float *bias_start = values(round, out), *dbias = copy(round, bias_start, out);
    float *dbias2 = copy(round, bias_start, out);
    float *x_start = values(round, xs), *dx = copy(round, x_start, xs), *dx2 = copy(round, x_start, xs);
    double *want = widened(start, ws), *want_x = widened(x_start, xs), *want_bias = widened(bias_start, out);
    for (int i = 0; i < n; i++) {
        const bool none = !inside(c.out, positions[i]) || (c.conv.relu && !(y[i] > 0));
        const double slope = none ? 0 : (double)dy[i];
        want_bias[i % out] += slope;
        for (int k = 0; k < c.conv.taps && !none; k++) {
            const int from = tap_position(&c, positions[i], k);
            for (int channel = 0; channel < c.group_in && from >= 0; channel++) {
                const int at_x = (int)(i / out * c.batch.x_pitch) + from * c.group_in + channel;
                const int at_w = (k * c.group_in + channel) * out + i % out;
                want[at_w] += slope * (double)x[at_x];
                want_x[at_x] += slope * (double)w[at_w];
            }
        }
    }
    if (draw(round, 0, 3) == 0) dx = dx2 = NULL;
    if (draw(round, 0, 3) == 0) dbias = dbias2 = NULL;
    const KernelPlan plan = kernel_conv1d_plan(&c.conv);
    const KernelPeaks peaks = {positions, y, dy};
    float *transposed = empty(round, (int)plan.packed_floats);
    float *scratch = empty(round, (int)plan.scratch_floats);
    kernel_peaks_transpose(&c.conv, w, transposed);
    round->kernels->peaks_gradient(&c.conv, &c.batch, c.in, c.out, &peaks, x, transposed, dw, dbias, dx,
                                   scratch);
    fused_reference(round)->peaks_gradient(&c.conv, &c.batch, c.in, c.out, &peaks, x, transposed, dw2, dbias2,
                                           dx2, scratch);
    near(dw, want, ws, c.batch.samples);
    same_bits(dw, dw2, ws);
    if (dx) near(dx, want_x, xs, c.conv.taps * out);
    if (dx) same_bits(dx, dx2, xs);
    if (dbias) near(dbias, want_bias, out, c.batch.samples);
    if (dbias) same_bits(dbias, dbias2, out);
    free(want);
    free(want_x);
    free(want_bias);
}

static void check_dense(Round *round) {
    const int rows = draw(round, 1, 26), in = draw(round, 1, 70), out = draw(round, 1, 150);
    const bool relu = draw(round, 0, 1) == 1;
    float *x = values(round, rows * in), *w = values(round, in * out);
    float *bias = draw(round, 0, 3) ? values(round, out) : NULL;
    float *y = empty(round, rows * out), *other = empty(round, rows * out);
    double *want = malloc((size_t)(rows * out) * sizeof *want);
    for (int i = 0; i < rows * out; i++) {
        want[i] = bias ? (double)bias[i % out] : 0;
        for (int k = 0; k < in; k++)
            want[i] += (double)x[i / out * in + k] * (double)w[k * out + i % out];
        if (relu && want[i] < 0) want[i] = 0;
    }
    round->kernels->dense(rows, in, out, x, w, bias, relu, y);
    fused_reference(round)->dense(rows, in, out, x, w, bias, relu, other);
    near(y, want, rows * out, in);
    same_bits(y, other, rows * out);
    free(want);
}

/* ---- look-ups: up to 8 fields x 5 taps = 40 rows, more than are added at once ---- */

typedef struct LookupCase {
    ConvCase shape; /* in_channels: fields */
    int32_t offsets[9];
    KernelLookup lookup;
    uint8_t *ids;
} LookupCase;

static void draw_lookup(Round *round, LookupCase *c) {
    c->shape = draw_conv(round, false);
    KernelConv1d *conv = &c->shape.conv;
    conv->in_channels = draw(round, 1, 8);
    for (int f = 0; f < conv->in_channels; f++)
        c->offsets[f + 1] = c->offsets[f] + draw(round, 1, 20);
    c->ids = bytes(round, c->shape.in_length * conv->in_channels, 22); /* some are out of the vocabulary */
    c->lookup = kernel_lookup(conv, conv->in_channels, c->offsets);
}

/* The table row of field i at a position, or -1. */
static int table_row(const LookupCase *c, int position, int field) {
    const int id = c->ids[position * c->lookup.fields + field];
    return id < c->offsets[field + 1] - c->offsets[field] ? c->offsets[field] + id : -1;
}

static void check_lookup_conv(Round *round) {
    LookupCase c = {0};
    draw_lookup(round, &c);
    const int out = c.lookup.out_channels, rows = c.offsets[c.lookup.fields],
              count = c.shape.out_length * out;
    float *table = values(round, c.lookup.taps * rows * out);
    float *bias = draw(round, 0, 3) ? values(round, out) : NULL;
    float *y = empty(round, count), *portable = empty(round, count);
    double *want = malloc((size_t)count * sizeof *want);
    for (int i = 0; i < count; i++)
        want[i] = !inside(c.shape.out, i / out) ? (double)NAN : bias ? (double)bias[i % out] : 0;
    EACH_PRODUCT(&c.shape) {
        const int row = table_row(&c, position, i);
        if (row >= 0) want[t * out + o] += (double)table[(k * rows + row) * out + o];
    }
    for (int i = 0; i < count && c.lookup.relu; i++)
        if (want[i] < 0) want[i] = 0;
    round->kernels->lookup_conv(&c.lookup, c.shape.in, c.shape.out, c.ids, table, bias, y);
    kernels_at(CORE_CPU_PORTABLE)
        ->lookup_conv(&c.lookup, c.shape.in, c.shape.out, c.ids, table, bias, portable);
    near(y, want, count, 40);
    same_bits(y, portable, count);
    free(want);
}

static void check_lookup_gradient(Round *round) {
    LookupCase c = {0};
    draw_lookup(round, &c);
    const int out = c.lookup.out_channels, rows = c.offsets[c.lookup.fields];
    const int count = c.lookup.taps * rows * out;
    float *dy = values(round, c.shape.out_length * out);
    float *start = values(round, count), *dtable = copy(round, start, count),
          *portable = copy(round, start, count);
    forget_outside(dy, c.shape.out, c.shape.out_length, out);
    double *want = malloc((size_t)count * sizeof *want);
    for (int i = 0; i < count; i++)
        want[i] = (double)start[i];
    EACH_PRODUCT(&c.shape) {
        const int row = table_row(&c, position, i);
        if (row >= 0) want[(k * rows + row) * out + o] += (double)dy[t * out + o];
    }
    round->kernels->lookup_gradient(&c.lookup, c.shape.in, c.shape.out, c.ids, dy, dtable);
    kernels_at(CORE_CPU_PORTABLE)->lookup_gradient(&c.lookup, c.shape.in, c.shape.out, c.ids, dy, portable);
    near(dtable, want, count, 20 * c.lookup.fields);
    same_bits(dtable, portable, count);
    free(want);
}

/* ---- pooling, normalisation, element-wise ---- */

static void check_max_pool(Round *round) {
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

static void check_normalise_u8(Round *round) {
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

static void check_relu(Round *round) {
    const int count = draw(round, 1, 80);
    float *x = values(round, count), *y = empty(round, count);
    x[0] = NAN; /* must stay visible */
    round->kernels->relu((size_t)count, x, y);
    for (int i = 0; i < count; i++)
        claim(isnan(x[i]) ? isnan(y[i]) : y[i] == (x[i] < 0 ? 0 : x[i]), i, (double)y[i], (double)x[i]);
    round->kernels->relu((size_t)count, x, x);
    same_bits(x, y, count);
}

static void check_relu_gradient(Round *round) {
    const int count = draw(round, 1, 80);
    float *y = values(round, count), *before = values(round, count), *dy = copy(round, before, count);
    y[0] = 0;
    round->kernels->relu_gradient((size_t)count, y, dy);
    for (int i = 0; i < count; i++)
        claim(dy[i] == (y[i] > 0 ? before[i] : 0), i, (double)dy[i], (double)before[i]);
}

static void check_add(Round *round) {
    const int count = draw(round, 1, 80);
    float *x = values(round, count), *before = values(round, count), *y = copy(round, before, count);
    round->kernels->add((size_t)count, x, y);
    for (int i = 0; i < count; i++)
        claim(y[i] == before[i] + x[i], i, (double)y[i], (double)(before[i] + x[i]));
}

static void check_add_product(Round *round) {
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
    static void check_##family(Round *round) {                                                               \
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

static void check_sum_squares(Round *round) {
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
static void check_adamw(Round *round) {
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

static void check_sgd(Round *round) {
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

/* ---- the list: a family without a check does not compile ---- */

static const struct {
    const char *name;
    void (*check)(Round *round);
} checks[] = {
#define KERNEL_CHECK(family, Type) {#family, check_##family},
    KERNEL_FAMILY_MAP(KERNEL_CHECK)
#undef KERNEL_CHECK
};
enum { N_CHECKS = sizeof checks / sizeof checks[0] };

static void run_checks(CoreCpuLevel level, int check) {
    const Kernels *kernels = kernels_at(level);
    if (!kernels) {
        fprintf(stderr, "%s: skipped, this machine or SIPCNN_MAX_ISA has no %s\n", checks[check].name,
                core_cpu_level_name(level));
        return;
    }
    ck_assert_str_eq(kernels->isa, core_cpu_level_name(level));
    Guard guards[BUFFERS];
    for (int i = 0; i < BUFFERS; i++)
        guards[i] = guard_new(BUFFER_SIZE);
    for (uint32_t seed = 0; seed < ROUNDS; seed++) {
        Round round = {.kernels = kernels, .seed = seed, .guards = guards};
        checks[check].check(&round);
    }
    for (int i = 0; i < BUFFERS; i++)
        guard_free(&guards[i]);
}

START_TEST(portable) {
    run_checks(CORE_CPU_PORTABLE, _i);
}
END_TEST

START_TEST(avx2) {
    run_checks(CORE_CPU_AVX2, _i);
}
END_TEST

START_TEST(avx512) {
    run_checks(CORE_CPU_AVX512, _i);
}
END_TEST

/* Each instruction set that kernels.def names has every family, and no function twice. */
START_TEST(list_is_complete) {
    static const struct {
        const char *family, *isa, *function;
    } rows[] = {
#define KERNEL(family, isa, function) {#family, #isa, #function},
#include "engine/kernels/kernels.def"
#undef KERNEL
    };
    const size_t n_rows = sizeof rows / sizeof rows[0];
    ck_assert_uint_eq(n_rows % N_CHECKS, 0);
    for (size_t i = 0; i < n_rows; i++) {
        char expected[80];
        snprintf(expected, sizeof expected, "kernel_%s_%s", rows[i].family, rows[i].isa);
        ck_assert_str_eq(rows[i].function, expected);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(rows[i].function, rows[k].function);
    }
}
END_TEST

START_TEST(environment_caps_the_level) {
    setenv("SIPCNN_MAX_ISA", "portable", 1);
    ck_assert_str_eq(kernels_best()->isa, "portable");
    ck_assert_ptr_null(kernels_at(CORE_CPU_AVX2));
    unsetenv("SIPCNN_MAX_ISA");
    const Kernels *native = kernels_at(core_cpu_level());
    ck_assert_str_eq(kernels_best()->isa, native ? core_cpu_level_name(core_cpu_level()) : "portable");
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("kernels");
    tcase_add_loop_test(tcase, portable, 0, N_CHECKS);
    tcase_add_loop_test(tcase, avx2, 0, N_CHECKS);
    tcase_add_loop_test(tcase, avx512, 0, N_CHECKS);
    tcase_add_test(tcase, list_is_complete);
    tcase_add_test(tcase, environment_caps_the_level);
    Suite *suite = suite_create("kernels");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
