/* Checks of the kernels that add up products, or rows of products in a table: convolutions, layers, look-ups.
 * Relies on: checks.h, engine/kernels.
 * Relied on by: test_kernels.c. */
#include "tests/kernels/checks.h"

#include <math.h>
#include <stdlib.h>

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

void check_conv1d(Round *round) {
    check_conv_forward(round, false);
}

void check_depthwise_conv1d(Round *round) {
    check_conv_forward(round, true);
}

/* Both gradients of a convolution, each twice, for two kernels, and as they should be; dx and dbias may be
 * unwanted (NULL). */
typedef struct Gradients {
    int xs, ws, out;
    float *dw[2], *dbias[2], *dx[2];
    double *want_w, *want_bias, *want_x;
} Gradients;

static Gradients draw_gradients(Round *round, const ConvCase *c, bool depthwise) {
    Gradients g = {.xs = x_count(c), .ws = w_count(c, depthwise), .out = c->conv.out_channels};
    const float *w = values(round, g.ws), *bias = values(round, g.out), *x = values(round, g.xs);
    g.want_w = widened(w, g.ws);
    g.want_bias = widened(bias, g.out);
    g.want_x = widened(x, g.xs);
    const bool no_bias = draw(round, 0, 3) == 0, no_x = draw(round, 0, 3) == 0;
    for (int i = 0; i < 2; i++) {
        g.dw[i] = copy(round, w, g.ws);
        g.dbias[i] = no_bias ? NULL : copy(round, bias, g.out);
        g.dx[i] = no_x ? NULL : copy(round, x, g.xs);
    }
    return g;
}

/* Tolerances suit sums of so many products. */
static void check_gradients(const Gradients *g, double w_terms, double bias_terms, double x_terms) {
    near(g->dw[0], g->want_w, g->ws, w_terms);
    same_bits(g->dw[0], g->dw[1], g->ws);
    if (g->dbias[0]) near(g->dbias[0], g->want_bias, g->out, bias_terms);
    if (g->dbias[0]) same_bits(g->dbias[0], g->dbias[1], g->out);
    if (g->dx[0]) near(g->dx[0], g->want_x, g->xs, x_terms);
    if (g->dx[0]) same_bits(g->dx[0], g->dx[1], g->xs);
    free(g->want_w);
    free(g->want_bias);
    free(g->want_x);
}

static void run_gradients(const Kernels *kernels, const ConvCase *c, bool depthwise, const float *x,
                          const float *w, const float *packed, const float *dy, float *dw, float *dbias,
                          float *dx) {
    if (depthwise) {
        kernels->depthwise_conv1d_weights(&c->conv, c->in, c->out, x, dy, dw, dbias);
        if (dx) kernels->depthwise_conv1d_data(&c->conv, c->in, c->out, w, dy, dx);
    } else {
        kernels->conv1d_weights(&c->conv, &c->batch, c->in, c->out, x, dy, dw, dbias);
        if (dx) kernels->conv1d_data(&c->conv, &c->batch, c->in, c->out, packed, dy, dx);
    }
}

static void check_conv_gradients(Round *round, bool depthwise) {
    const ConvCase c = draw_conv(round, depthwise);
    const int out = c.conv.out_channels, ys = y_count(&c);
    float *x = values(round, x_count(&c)), *w = values(round, w_count(&c, depthwise));
    float *dy = values(round, ys), *packed = empty(round, (int)kernel_conv1d_plan(&c.conv).packed_floats);
    forget_gaps(x, x_count(&c), c.batch.x_pitch, c.in, c.conv.in_channels);
    forget_gaps(dy, ys, c.batch.y_pitch, c.out, out);
    const Gradients g = draw_gradients(round, &c, depthwise);
    Place at;
    for (Products p = {.t = c.out.begin}; next_product(&c, depthwise, &p, &at);) {
        g.want_w[at.w] += (double)x[at.x] * (double)dy[at.y];
        g.want_x[at.x] += (double)w[at.w] * (double)dy[at.y];
    }
    for (int i = 0; i < ys; i++)
        if (inside(c.out, (int)(i % c.batch.y_pitch) / out))
            g.want_bias[i % c.batch.y_pitch % out] += (double)dy[i];
    if (!depthwise) kernel_conv1d_pack(&c.conv, w, packed);
    const Kernels *kernels[] = {round->kernels, fused_reference(round)};
    for (int i = 0; i < 2; i++)
        run_gradients(kernels[i], &c, depthwise, x, w, packed, dy, g.dw[i], g.dbias[i], g.dx[i]);
    const double positions = c.batch.samples * c.out_length;
    check_gradients(&g, positions, positions, c.conv.taps * c.group_out);
}

void check_conv1d_data(Round *round) {
    check_conv_gradients(round, false);
}

void check_conv1d_weights(Round *round) {
    round->seed += ROUNDS; /* other cases */
    check_conv_gradients(round, false);
}

void check_depthwise_conv1d_data(Round *round) {
    check_conv_gradients(round, true);
}

void check_depthwise_conv1d_weights(Round *round) {
    round->seed += ROUNDS;
    check_conv_gradients(round, true);
}

/* The planes hold the values of the polynomial w0 + w1 z + w2 z^2 at z = 0, 3/4, -3/4, 3/2, -3/2, each
 * divided by the product of the point's distances to the others, and its leading coefficient. */
void check_winograd_weights(Round *round) {
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

/* Minimal filtering may lose four times as much as a sum of `terms` products: what its transforms multiply a
 * rounding error with adds up to nine at worst. A wrong coefficient shows in the second digit. */
static double winograd_terms(double terms) {
    return 4 * (4 + terms);
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

void check_winograd_conv1d(Round *round) {
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
    near(y, want, count, winograd_terms(3 * c.group_in));
    same_bits(y, other, count);
    free(want);
}

/* Behind the ReLU of a result y that has exact zeros. */
void check_winograd_gradient(Round *round) {
    const ConvCase c = draw_winograd(round);
    const KernelPlan plan = kernel_conv1d_plan(&c.conv);
    const int out = c.group_out, xs = x_count(&c), ys = y_count(&c);
    float *x = values(round, xs), *w = values(round, w_count(&c, false)), *dy = values(round, ys);
    float *y = values(round, ys);
    for (int i = 0; i < ys; i++)
        y[i] = y[i] > 0 ? y[i] : 0;
    forget_gaps(x, xs, c.batch.x_pitch, c.in, c.group_in);
    forget_gaps(dy, ys, c.batch.y_pitch, c.out, out);
    forget_gaps(y, ys, c.batch.y_pitch, c.out, out);
    const Gradients g = draw_gradients(round, &c, false);
    Place at;
    for (Products p = {.t = c.out.begin}; next_product(&c, false, &p, &at);) {
        if (c.conv.relu && !(y[at.y] > 0)) continue;
        g.want_w[at.w] += (double)x[at.x] * (double)dy[at.y];
        g.want_x[at.x] += (double)w[at.w] * (double)dy[at.y];
    }
    for (int i = 0; i < ys; i++)
        if (inside(c.out, (int)(i % c.batch.y_pitch) / out) && !(c.conv.relu && !(y[i] > 0)))
            g.want_bias[i % c.batch.y_pitch % out] += (double)dy[i];
    const float *planes = winograd_planes(round, &c, w);
    float *transposed = empty(round, (int)plan.packed_floats), *scratch = winograd_scratch(round, &c);
    kernel_winograd_transpose(&c.conv, planes, transposed);
    const Kernels *kernels[] = {round->kernels, fused_reference(round)};
    for (int i = 0; i < 2; i++)
        kernels[i]->winograd_gradient(&c.conv, &c.batch, c.in, c.out, x, y, dy, transposed, g.dw[i],
                                      g.dbias[i], g.dx[i], scratch);
    const double positions = c.batch.samples * c.out_length;
    check_gradients(&g, winograd_terms(positions), positions, winograd_terms(3 * out));
}

/* Peaks anywhere, beyond both ends too, and values of both signs. */
void check_peaks_gradient(Round *round) {
    ConvCase c = draw_conv(round, false);
    c.group_in = c.conv.in_channels;
    c.group_out = c.conv.out_channels;
    c.conv.groups = draw(round, 0, 1);
    const int out = c.group_out, xs = x_count(&c), n = c.batch.samples * out;
    float *x = values(round, xs), *w = values(round, w_count(&c, false));
    float *y = values(round, n), *dy = values(round, n);
    int32_t *positions = buffer(round, (size_t)n * sizeof *positions);
    for (int i = 0; i < n; i++)
        positions[i] = draw(round, -1, c.out_length);
    forget_gaps(x, xs, c.batch.x_pitch, c.in, c.group_in);
    const Gradients g = draw_gradients(round, &c, false);
    Place at;
    for (Products p = {.t = c.out.begin}; next_product(&c, false, &p, &at);) {
        const int peak = (int)(at.y / c.batch.y_pitch) * out + (int)(at.y % c.batch.y_pitch) % out;
        if ((int)(at.y % c.batch.y_pitch) / out != positions[peak] || (c.conv.relu && !(y[peak] > 0)))
            continue;
        g.want_w[at.w] += (double)x[at.x] * (double)dy[peak];
        g.want_x[at.x] += (double)w[at.w] * (double)dy[peak];
    }
    for (int i = 0; i < n; i++)
        if (inside(c.out, positions[i]) && !(c.conv.relu && !(y[i] > 0)))
            g.want_bias[i % out] += (double)dy[i];
    const KernelPlan plan = kernel_conv1d_plan(&c.conv);
    const KernelPeaks peaks = {positions, y, dy};
    float *transposed = empty(round, (int)plan.packed_floats);
    float *scratch = empty(round, (int)plan.scratch_floats);
    kernel_peaks_transpose(&c.conv, w, transposed);
    const Kernels *kernels[] = {round->kernels, fused_reference(round)};
    for (int i = 0; i < 2; i++)
        kernels[i]->peaks_gradient(&c.conv, &c.batch, c.in, c.out, &peaks, x, transposed, g.dw[i], g.dbias[i],
                                   g.dx[i], scratch);
    check_gradients(&g, c.batch.samples, c.batch.samples, c.conv.taps * out);
}

/* Zeros among the inputs; the weights that they would meet are NaN, which would show. */
static void forget_inputs(Round *round, int in, int out, float *x, float *w) {
    const int share = draw(round, 0, 4);
    for (int i = 0; i < in; i++) {
        if (draw(round, 0, 3) >= share) continue;
        x[i] = draw(round, 0, 1) ? 0.0f : -0.0f;
        for (int o = 0; o < out; o++)
            w[i * out + o] = NAN;
    }
}

static void check_layer(Round *round, bool sparse) {
    const int rows = sparse ? 1 : draw(round, 1, 26);
    const int in = draw(round, sparse ? 0 : 1, sparse && draw(round, 0, 7) == 0 ? 1100 : 70);
    const int out = draw(round, 1, in > 200 ? 50 : sparse ? 300 : 150); /* so that the weights find room */
    const bool relu = draw(round, 0, 1) == 1;
    float *x = values(round, rows * in), *w = values(round, in * out);
    float *bias = draw(round, 0, 3) ? values(round, out) : NULL;
    float *y = empty(round, rows * out), *other = empty(round, rows * out);
    double *want = malloc((size_t)(rows * out) * sizeof *want);
    if (sparse) forget_inputs(round, in, out, x, w);
    for (int i = 0; i < rows * out; i++) {
        want[i] = bias ? (double)bias[i % out] : 0;
        for (int k = 0; k < in; k++)
            if (x[i / out * in + k] != 0)
                want[i] += (double)x[i / out * in + k] * (double)w[k * out + i % out];
        if (relu && want[i] < 0) want[i] = 0;
    }
    const Kernels *kernels = round->kernels, *reference = fused_reference(round);
    if (sparse) {
        kernels->sparse(in, out, x, w, bias, relu, y);
        reference->sparse(in, out, x, w, bias, relu, other);
    } else {
        kernels->dense(rows, in, out, x, w, bias, relu, y);
        reference->dense(rows, in, out, x, w, bias, relu, other);
    }
    near(y, want, rows * out, in);
    same_bits(y, other, rows * out);
    free(want);
}

void check_dense(Round *round) {
    check_layer(round, false);
}

void check_sparse(Round *round) {
    check_layer(round, true);
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

void check_lookup_conv(Round *round) {
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

void check_lookup_gradient(Round *round) {
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
