/* Ops with weights as problems: embed, conv1d, embed_conv1d, folded_conv1d, depthwise_conv1d, linear.
 * Relies on: problem_parts.h, engine/rng.h.
 * Relied on by: problem.c. */
#include "tests/engine/problem_parts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { VOCABULARY = 7 };
static const uint16_t vocabulary[EMBED_MAX_FIELDS] = {7, 5, 3, 7, 2, 6};

GraphNode build_embed(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphNode ids =
        problem_bytes(p, graph_sequence(p->shape.length, p->shape.fields), VOCABULARY, seed);
    return graph_embed(p->graph, ids, vocabulary, p->shape.out, problem_mask(p, &mask, 1, seed), "layer");
}

void define_embed(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->length; i++) {
        double *row = out + i * c->out;
        memset(row, 0, (size_t)c->out * sizeof *row);
        if (!problem_valid(p, i / c->length, i % c->length, c->length, 1)) continue;
        for (int f = 0, first = 0; f < c->fields; first += vocabulary[f++]) {
            const int id = p->bytes[i * c->fields + f];
            for (int o = 0; o < c->out && id < vocabulary[f]; o++)
                row[o] += p->w[0][(first + id) * c->out + o];
        }
    }
}

static GraphConv1d conv_options(const OpCase *c, const GraphMask *mask) {
    return (GraphConv1d){.out_channels = c->out,
                         .taps = c->taps,
                         .stride = c->stride,
                         .dilation = c->dilation,
                         .padding = c->padding,
                         .relu = c->relu,
                         .mask = mask,
                         .groups = c->groups};
}

GraphNode build_conv1d(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphConv1d options = conv_options(&p->shape, problem_mask(p, &mask, p->shape.stride, seed));
    return graph_conv1d(p->graph, problem_f32(p, "x", problem_shape(&p->shape)), &options, "layer");
}

GraphNode build_depthwise_conv1d(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphConv1d options = conv_options(&p->shape, problem_mask(p, &mask, p->shape.stride, seed));
    return graph_depthwise_conv1d(p->graph, problem_f32(p, "x", problem_shape(&p->shape)), &options, "layer");
}

/* How many windows there are: one for each stride into the input, for VALID only those that lie inside. */
static int count_windows(const OpCase *c, int stride, int span) {
    int count = 0;
    for (int t = 0; t < c->length; t += stride)
        count += c->padding != GRAPH_VALID || t + span <= c->length;
    return count;
}

/* How many zeros there are in front of the input. */
static int count_before(const OpCase *c) {
    const int reach = (c->taps - 1) * (c->dilation ? c->dilation : 1);
    return c->padding == GRAPH_SAME ? reach / 2 : c->padding == GRAPH_CAUSAL ? reach : 0;
}

/* Explicit zero padding, then a plain window over the padded sequence. */
static void define_conv(const Problem *p, bool depthwise, double *out) {
    const OpCase *c = &p->shape;
    const int stride = c->stride ? c->stride : 1, dilation = c->dilation ? c->dilation : 1;
    const int span = (c->taps - 1) * dilation + 1, outputs = p->out_channels;
    const int before = count_before(c);
    const int groups = c->groups ? c->groups : 1, channels = c->channels / groups;
    const int padded_length = before + c->length + span;
    if (p->out_length != count_windows(c, stride, span)) ck_abort_msg("output length %d", p->out_length);
    double *padded = calloc((size_t)(padded_length * c->channels), sizeof *padded);
    for (int r = 0; r < c->n; r++) {
        memcpy(padded + before * c->channels, p->x[0] + r * c->length * c->channels,
               (size_t)(c->length * c->channels) * sizeof *padded);
        for (int t = 0; t < p->out_length; t++) {
            for (int o = 0; o < outputs; o++) {
                double sum = p->w[1][o];
                for (int k = 0; k < c->taps; k++) {
                    const double *x = padded + (t * stride + k * dilation) * c->channels;
                    const int first = o / (outputs / groups) * channels; /* of the group's inputs */
                    for (int i = 0; i < channels && !depthwise; i++)
                        sum += x[first + i] * p->w[0][(k * channels + i) * outputs + o];
                    if (depthwise) sum += x[o] * p->w[0][k * outputs + o];
                }
                if (c->relu && sum < 0) sum = 0;
                out[(r * p->out_length + t) * outputs + o] =
                    problem_valid(p, r, t, p->out_length, stride) ? sum : 0;
            }
        }
    }
    free(padded);
}

void define_conv1d(const Problem *p, double *out) {
    define_conv(p, false, out);
}

void define_depthwise_conv1d(const Problem *p, double *out) {
    define_conv(p, true, out);
}

GraphNode build_embed_conv1d(Problem *p, uint64_t seed) {
    GraphMask mask;
    const OpCase *c = &p->shape;
    const GraphNode ids = problem_bytes(p, graph_sequence(c->length, c->fields), VOCABULARY, seed);
    const GraphConv1d options = conv_options(c, problem_mask(p, &mask, c->stride, seed));
    return graph_embed_conv1d(p->graph, ids, vocabulary, &options, "layer");
}

/* table[tap] of one position of the ids, summed over the fields. */
static double looked_up(const Problem *p, int row, int t, int tap, int o) {
    const OpCase *c = &p->shape;
    int all = 0;
    double sum = 0;
    for (int f = 0; f < c->fields; f++)
        all += vocabulary[f];
    for (int f = 0, first = 0; f < c->fields; first += vocabulary[f++]) {
        const int id = p->bytes[(row * c->length + t) * c->fields + f];
        if (id < vocabulary[f]) sum += p->w[0][(tap * all + first + id) * c->out + o];
    }
    return sum;
}

void define_embed_conv1d(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    const int stride = c->stride ? c->stride : 1, dilation = c->dilation ? c->dilation : 1;
    const int before = count_before(c);
    for (int i = 0; i < c->n * p->out_length * c->out; i++) {
        const int row = i / c->out / p->out_length, t = i / c->out % p->out_length, o = i % c->out;
        double sum = p->w[1][o];
        for (int k = 0; k < c->taps; k++) {
            const int from = t * stride + k * dilation - before;
            if (from >= 0 && from < c->length && problem_valid(p, row, from, c->length, 1))
                sum += looked_up(p, row, from, k, o);
        }
        out[i] = problem_valid(p, row, t, p->out_length, stride) && !(c->relu && sum < 0) ? sum : 0;
    }
}

/* conv1d of an embed that nothing else reads; `channels` is the width of the embedding. */
GraphNode build_folded_conv1d(Problem *p, uint64_t seed) {
    GraphMask mask = {0}, ids_mask;
    const OpCase *c = &p->shape;
    const GraphNode ids = problem_bytes(p, graph_sequence(c->length, c->fields), VOCABULARY, seed);
    const GraphConv1d options = conv_options(c, problem_mask(p, &mask, c->stride, seed));
    ids_mask = mask;
    ids_mask.stride = 1;
    const GraphNode x =
        graph_embed(p->graph, ids, vocabulary, c->channels, options.mask ? &ids_mask : NULL, "embedding");
    return graph_conv1d(p->graph, x, &options, "layer");
}

/* What the two layers make of it, one after the other. */
void define_folded_conv1d(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    Problem embed = *p, conv = *p;
    double *embedded = calloc((size_t)(c->n * c->length * c->channels), sizeof *embedded);
    embed.shape.out = c->channels;
    define_embed(&embed, embedded);
    conv.x[0] = embedded;
    conv.w[0] = p->w[1];
    conv.w[1] = p->w[2];
    define_conv(&conv, false, out);
    free(embedded);
}

GraphNode build_linear(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_linear(p->graph, problem_f32(p, "x", problem_shape(&p->shape)), p->shape.out, p->shape.relu,
                        "layer");
}

void define_linear(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->out; i++) {
        double sum = p->w[1][i % c->out];
        for (int k = 0; k < c->channels; k++)
            sum += p->x[0][i / c->out * c->channels + k] * p->w[0][k * c->out + i % c->out];
        out[i] = c->relu && sum < 0 ? 0 : sum;
    }
}
