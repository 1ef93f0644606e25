/* Builders and naive double-precision definitions of all ops. Nothing here is shared with the engine:
 * positions, padding and masks are worked out anew, from the comments of graph.h. Relies on: engine/graph.h,
 * engine/rng.h, Check. Relied on by: test_ops.c. */
#include "tests/engine/problem.h"

#include "engine/rng.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VOCABULARY = 7, OTHER_CHANNELS = 3 };
static const uint16_t vocabulary[EMBED_MAX_FIELDS] = {7, 5, 3, 7, 2, 6};

static float random_value(uint64_t seed, uint32_t stream, size_t index) {
    return 2 * rng_uniform(seed, stream, 99, (uint32_t)index) - 1;
}

static GraphShape case_shape(const OpCase *c) {
    return c->length ? graph_sequence(c->length, c->channels) : graph_vector(c->channels);
}

/* ---- data ---- */

static GraphNode add_f32(Problem *p, const char *name, GraphShape shape, bool gradient) {
    const int i = p->n_inputs++;
    p->inputs[i] = graph_input_f32(p->graph, name, shape);
    p->input_count[i] = (size_t)p->shape.n * (size_t)shape.size[0] * (size_t)shape.size[1];
    if (gradient) graph_require_gradient(p->graph, p->inputs[i]);
    return p->inputs[i];
}

static GraphNode add_bytes(Problem *p, GraphShape shape, int bound, uint64_t seed) {
    const GraphNode node = graph_input_u8(p->graph, "ids", shape);
    const size_t count = (size_t)p->shape.n * (size_t)shape.size[0] * (size_t)shape.size[1];
    p->bytes = malloc(count);
    for (size_t i = 0; i < count; i++)
        p->bytes[i] = (uint8_t)rng_below((uint64_t)bound, seed, 5, 0, (uint32_t)i);
    ck_assert_int_eq(graph_set_input(p->graph, node, p->bytes, 0, NULL), CORE_OK);
    return node;
}

/* Lengths 0, 1, full, more than full, then random ones. */
static const GraphMask *add_mask(Problem *p, GraphMask *mask, int stride, uint64_t seed) {
    if (p->shape.mask == MASK_NONE) return NULL;
    const int first[] = {0, 1, p->shape.length, 255};
    for (int i = 0; i < p->shape.n; i++)
        p->lengths[i] =
            (uint8_t)(i < 4 ? first[i] : (int)rng_below((uint64_t)p->shape.length, seed, 6, 0, (uint32_t)i));
    mask->lengths = graph_input_u8(p->graph, "lengths", graph_vector(1));
    mask->stride = stride;
    mask->at_end = p->shape.mask == MASK_END;
    ck_assert_int_eq(graph_set_input(p->graph, mask->lengths, p->lengths, 0, NULL), CORE_OK);
    return mask;
}

/* Is position t of `length` valid in row r after strides of `stride`? */
static bool is_valid(const Problem *p, int row, int t, int length, int stride) {
    if (p->shape.mask == MASK_NONE) return true;
    int valid = 0;
    for (int i = 0; i < p->lengths[row]; i += stride)
        valid++;
    if (valid > length) valid = length;
    return p->shape.mask == MASK_FRONT ? t < valid : t >= length - valid;
}

/* ---- one builder and one definition for each op ---- */

static GraphNode build_input_f32(Problem *p, uint64_t seed) {
    (void)seed;
    return add_f32(p, "x", case_shape(&p->shape), true);
}

static void define_input_f32(const Problem *p, double *out) {
    memcpy(out, p->x[0], p->output_count * sizeof *out);
}

/* u8 inputs have no f32 value: seen through a normalisation that changes nothing. */
static GraphNode build_input_u8(Problem *p, uint64_t seed) {
    const float zero[16] = {0}, one[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1},
                top[16] = {255, 255, 255, 255, 255, 255};
    return graph_normalise_u8(p->graph, add_bytes(p, case_shape(&p->shape), 256, seed), zero, top, zero, one);
}

static void define_input_u8(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->bytes[i];
}

static GraphNode build_embed(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphNode ids = add_bytes(p, graph_sequence(p->shape.length, p->shape.fields), VOCABULARY, seed);
    return graph_embed(p->graph, ids, vocabulary, p->shape.out, add_mask(p, &mask, 1, seed), "layer");
}

static void define_embed(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->length; i++) {
        double *row = out + i * c->out;
        memset(row, 0, (size_t)c->out * sizeof *row);
        if (!is_valid(p, i / c->length, i % c->length, c->length, 1)) continue;
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
                         .mask = mask};
}

static GraphNode build_conv1d(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphConv1d options = conv_options(&p->shape, add_mask(p, &mask, p->shape.stride, seed));
    return graph_conv1d(p->graph, add_f32(p, "x", case_shape(&p->shape), true), &options, "layer");
}

static GraphNode build_depthwise_conv1d(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphConv1d options = conv_options(&p->shape, add_mask(p, &mask, p->shape.stride, seed));
    return graph_depthwise_conv1d(p->graph, add_f32(p, "x", case_shape(&p->shape), true), &options, "layer");
}

/* How many windows there are: one for each stride into the input, for VALID only those that lie inside. */
static int count_windows(const OpCase *c, int stride, int span) {
    int count = 0;
    for (int t = 0; t < c->length; t += stride)
        count += c->padding != GRAPH_VALID || t + span <= c->length;
    return count;
}

/* Explicit zero padding, then a plain window over the padded sequence. */
static void define_conv(const Problem *p, bool depthwise, double *out) {
    const OpCase *c = &p->shape;
    const int stride = c->stride ? c->stride : 1, dilation = c->dilation ? c->dilation : 1;
    const int span = (c->taps - 1) * dilation + 1, outputs = p->out_channels;
    const int before = c->padding == GRAPH_SAME ? (span - 1) / 2 : c->padding == GRAPH_CAUSAL ? span - 1 : 0;
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
                    for (int i = 0; i < c->channels && !depthwise; i++)
                        sum += x[i] * p->w[0][(k * c->channels + i) * outputs + o];
                    if (depthwise) sum += x[o] * p->w[0][k * outputs + o];
                }
                if (c->relu && sum < 0) sum = 0;
                out[(r * p->out_length + t) * outputs + o] =
                    is_valid(p, r, t, p->out_length, stride) ? sum : 0;
            }
        }
    }
    free(padded);
}

static void define_conv1d(const Problem *p, double *out) {
    define_conv(p, false, out);
}

static void define_depthwise_conv1d(const Problem *p, double *out) {
    define_conv(p, true, out);
}

static GraphNode build_linear(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_linear(p->graph, add_f32(p, "x", case_shape(&p->shape), true), p->shape.out, p->shape.relu,
                        "layer");
}

static void define_linear(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->out; i++) {
        double sum = p->w[1][i % c->out];
        for (int k = 0; k < c->channels; k++)
            sum += p->x[0][i / c->out * c->channels + k] * p->w[0][k * c->out + i % c->out];
        out[i] = c->relu && sum < 0 ? 0 : sum;
    }
}

static GraphNode build_relu(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_relu(p->graph, add_f32(p, "x", case_shape(&p->shape), true));
}

static void define_relu(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] > 0 ? p->x[0][i] : 0;
}

static GraphNode build_mask(Problem *p, uint64_t seed) {
    GraphMask mask;
    return graph_mask(p->graph, add_f32(p, "x", case_shape(&p->shape), true), add_mask(p, &mask, 0, seed));
}

static void define_mask(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (size_t i = 0; i < p->output_count; i++) {
        const int position = (int)i / c->channels;
        out[i] = is_valid(p, position / c->length, position % c->length, c->length, 1) ? p->x[0][i] : 0;
    }
}

static GraphNode build_max_pool(Problem *p, uint64_t seed) {
    GraphMask mask;
    return graph_max_pool(p->graph, add_f32(p, "x", case_shape(&p->shape), true),
                          add_mask(p, &mask, 1, seed));
}

static void define_max_pool(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->channels; i++) {
        const int row = i / c->channels;
        double best = -INFINITY;
        for (int t = 0; t < c->length; t++)
            if (is_valid(p, row, t, c->length, 1))
                best = fmax(best, p->x[0][(row * c->length + t) * c->channels + i % c->channels]);
        out[i] = isinf(best) ? 0 : best;
    }
}

static GraphNode build_last(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_last(p->graph, add_f32(p, "x", case_shape(&p->shape), true));
}

static void define_last(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->channels; i++)
        out[i] = p->x[0][((i / c->channels + 1) * c->length - 1) * c->channels + i % c->channels];
}

static GraphNode build_slice(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_slice(p->graph, add_f32(p, "x", case_shape(&p->shape), true), 2, p->shape.out);
}

static void define_slice(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->out; i++)
        out[i] = p->x[0][i / c->out * c->channels + 2 + i % c->out];
}

/* [a, b, a]: one input used twice. */
static GraphNode build_concat(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphNode a = add_f32(p, "a", case_shape(&p->shape), true);
    const GraphNode b = add_f32(p, "b", graph_vector(OTHER_CHANNELS), true);
    const GraphNode parts[] = {a, b, a};
    return graph_concat(p->graph, parts, 3);
}

static void define_concat(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int r = 0; r < c->n; r++) {
        const double *a = p->x[0] + r * c->channels, *b = p->x[1] + r * OTHER_CHANNELS;
        for (int i = 0; i < c->channels; i++)
            *out++ = a[i];
        for (int i = 0; i < OTHER_CHANNELS; i++)
            *out++ = b[i];
        for (int i = 0; i < c->channels; i++)
            *out++ = a[i];
    }
}

static GraphNode build_add(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphNode a = add_f32(p, "a", case_shape(&p->shape), true);
    return graph_add(p->graph, a, add_f32(p, "b", case_shape(&p->shape), true));
}

static void define_add(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] + p->x[1][i];
}

static GraphNode build_mul(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphNode a = add_f32(p, "a", case_shape(&p->shape), true);
    return graph_mul(p->graph, a, add_f32(p, "b", case_shape(&p->shape), true));
}

static void define_mul(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] * p->x[1][i];
}

static const float low[9] = {0, 10, 20, 0, 0, 100, 7, 0, 50},
                   high[9] = {255, 200, 20, 128, 1, 200, 8, 255, 51};
static const float mean[9] = {127, 64, 20, 3, 0.5f, 150, 7, 0, 50},
                   scale[9] = {0.01f, 1, 0, 2, 1, -1, 3, 0.1f, 5};

static GraphNode build_normalise_u8(Problem *p, uint64_t seed) {
    return graph_normalise_u8(p->graph, add_bytes(p, case_shape(&p->shape), 256, seed), low, high, mean,
                              scale);
}

static void define_normalise_u8(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++) {
        const int c = (int)i % p->shape.channels;
        const double value = fmin(fmax(p->bytes[i], (double)low[c]), (double)high[c]);
        out[i] = (value - (double)mean[c]) * (double)scale[c];
    }
}

static GraphNode build_dropout(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_dropout(p->graph, add_f32(p, "x", case_shape(&p->shape), true), 0.3f);
}

static GraphNode build_branch_dropout(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_branch_dropout(p->graph, add_f32(p, "x", case_shape(&p->shape), true), 0.3f, 4);
}

/* What was drawn is seen in the forward pass; problem_new has checked that only these factors occur. */
static void define_dropout(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] * p->factors[i];
}

static void define_branch_dropout(const Problem *p, double *out) {
    define_dropout(p, out);
}

static const float positive[4] = {1, 2.5f, 0.5f, 3}, negative[4] = {1, 0.25f, 2, 1};

static GraphNode build_sigmoid_loss(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphShape shape = case_shape(&p->shape);
    const GraphNode logits = add_f32(p, "logits", shape, true), targets = add_f32(p, "targets", shape, false);
    const GraphNode mask = add_f32(p, "mask", shape, false);
    const GraphNode weights = add_f32(p, "weights", graph_vector(1), false);
    return graph_sigmoid_loss(p->graph, logits, targets, mask, weights, positive, negative);
}

static void define_sigmoid_loss(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int r = 0; r < c->n; r++) {
        out[r] = 0;
        for (int k = 0; k < c->channels; k++) {
            const int i = r * c->channels + k;
            const double s = 1 / (1 + exp(-p->x[0][i])), target = p->x[1][i];
            const double loss =
                -(double)positive[k] * target * log(s) - (double)negative[k] * (1 - target) * log(1 - s);
            out[r] += p->x[3][r] * p->x[2][i] * loss;
        }
    }
}

static const struct {
    const char *name;
    GraphNode (*build)(Problem *p, uint64_t seed);
    void (*define)(const Problem *p, double *out);
} ops[] = {
#define OP(op) {#op, build_##op, define_##op},
#include "engine/ops.def"
#undef OP
};

static size_t find(const char *op) {
    size_t i = 0;
    while (i < sizeof ops / sizeof ops[0] && strcmp(ops[i].name, op) != 0)
        i++;
    return i;
}

bool problem_knows(const char *op) {
    return find(op) < sizeof ops / sizeof ops[0];
}

void problem_reference(const Problem *problem, double *out) {
    ops[find(problem->shape.op)].define(problem, out);
}

/* ---- life ---- */

static void draw_inputs(Problem *p, uint64_t seed) {
    for (int i = 0; i < p->n_inputs; i++) {
        p->input_values[i] = malloc(p->input_count[i] * sizeof(float));
        p->x[i] = malloc(p->input_count[i] * sizeof(double));
        const bool is_loss = strcmp(p->shape.op, "sigmoid_loss") == 0;
        for (size_t k = 0; k < p->input_count[i]; k++) {
            float value = random_value(seed, (uint32_t)i, k);
            if (is_loss && i == 0) value *= 5;
            if (is_loss && i == 1) value = k % 3 ? value > 0 : fabsf(value); /* hard and soft targets */
            if (is_loss && i == 2) value = k % 4 ? 1 : 0;
            if (is_loss && i == 3) value = fabsf(value);
            p->input_values[i][k] = value;
            p->x[i][k] = (double)value;
        }
        ck_assert_int_eq(graph_set_input(p->graph, p->inputs[i], p->input_values[i], 0, NULL), CORE_OK);
    }
}

static void draw_parameters(Problem *p, uint64_t seed) {
    p->n_parameters = graph_parameters(p->graph);
    ck_assert_int_le(p->n_parameters, PROBLEM_PARAMETERS);
    for (int i = 0; i < p->n_parameters; i++) {
        p->parameters[i] = graph_parameter_at(p->graph, i);
        p->w[i] = malloc(p->parameters[i].count * sizeof(double));
        for (size_t k = 0; k < p->parameters[i].count; k++) {
            p->parameters[i].values[k] = random_value(seed, 100 + (uint32_t)i, k);
            p->w[i][k] = (double)p->parameters[i].values[k];
        }
    }
}

/* Each factor of a dropout must be one that graph.h allows, and a branch's the same for all channels of a
 * row. */
static void read_factors(Problem *p) {
    const bool branch = strcmp(p->shape.op, "branch_dropout") == 0;
    if (!branch && strcmp(p->shape.op, "dropout") != 0) return;
    const double kept = branch ? 1 : 1 / (1 - 0.3);
    const float *y = graph_value(p->graph, p->output);
    size_t dropped = 0;
    p->factors = malloc(p->output_count * sizeof(double));
    for (size_t i = 0; i < p->output_count; i++) {
        p->factors[i] = y[i] == 0 ? 0 : kept;
        dropped += y[i] == 0;
        const size_t first = i - i % (size_t)p->shape.channels;
        if (branch && p->factors[i] != p->factors[first])
            ck_abort_msg("row of value %zu is dropped in part", i);
    }
    ck_assert_uint_gt(dropped, 0);
    ck_assert_uint_lt(dropped, p->output_count * 2 / 3);
}

void problem_new(Problem *problem, const OpCase *shape, uint64_t seed) {
    CoreError error = {0};
    *problem = (Problem){.shape = *shape};
    ck_assert_msg(problem_knows(shape->op), "no such op: %s", shape->op);
    ck_assert_int_eq(graph_new(shape->n, seed, &problem->graph, &error), CORE_OK);
    graph_set_threads(problem->graph, 1); /* quick on a busy machine; test_training.c has many */
    problem->output = ops[find(shape->op)].build(problem, seed);
    ck_assert_msg(graph_finish(problem->graph, &error) == CORE_OK, "%s", error.text);
    const GraphShape out = graph_shape(problem->graph, problem->output);
    problem->out_length = out.rank == 2 ? out.size[0] : 1;
    problem->out_channels = out.size[out.rank - 1];
    problem->output_count = (size_t)shape->n * (size_t)problem->out_length * (size_t)problem->out_channels;
    draw_inputs(problem, seed);
    draw_parameters(problem, seed);
    ck_assert_msg(graph_forward(problem->graph, shape->n, true, &error) == CORE_OK, "%s", error.text);
    read_factors(problem);
}

void problem_free(Problem *problem) {
    graph_free(problem->graph);
    for (int i = 0; i < PROBLEM_INPUTS; i++) {
        free(problem->input_values[i]);
        free(problem->x[i]);
    }
    for (int i = 0; i < PROBLEM_PARAMETERS; i++)
        free(problem->w[i]);
    free(problem->bytes);
    free(problem->factors);
}
