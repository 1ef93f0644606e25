/* What all problems share: data, masks, the table of ops, life.
 * Relies on: problem_parts.h, engine/rng.h, Check.
 * Relied on by: test_ops.c. */
#include "tests/engine/problem_parts.h"

#include "engine/rng.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static float random_value(uint64_t seed, uint32_t stream, size_t index) {
    return 2 * rng_uniform(seed, stream, 99, (uint32_t)index) - 1;
}

GraphShape problem_shape(const OpCase *c) {
    return c->length ? graph_sequence(c->length, c->channels) : graph_vector(c->channels);
}

/* ---- data ---- */

static GraphNode add_f32(Problem *p, const char *name, GraphShape shape, ValueKind kind, float spread) {
    const int i = p->n_inputs++;
    p->inputs[i] = graph_input_f32(p->graph, name, shape);
    p->input_count[i] = (size_t)p->shape.n * (size_t)shape.size[0] * (size_t)shape.size[1];
    p->kinds[i] = kind;
    p->spreads[i] = spread;
    return p->inputs[i];
}

GraphNode problem_spread(Problem *p, const char *name, GraphShape shape, float spread) {
    const GraphNode node = add_f32(p, name, shape, VALUES_ANY, spread);
    graph_require_gradient(p->graph, node);
    return node;
}

GraphNode problem_f32(Problem *p, const char *name, GraphShape shape) {
    return problem_spread(p, name, shape, 1);
}

GraphNode problem_given(Problem *p, const char *name, GraphShape shape, ValueKind kind) {
    return add_f32(p, name, shape, kind, 1);
}

GraphNode problem_bytes(Problem *p, GraphShape shape, int bound, uint64_t seed) {
    const GraphNode node = graph_input_u8(p->graph, "ids", shape);
    const size_t count = (size_t)p->shape.n * (size_t)shape.size[0] * (size_t)shape.size[1];
    p->bytes = malloc(count);
    for (size_t i = 0; i < count; i++)
        p->bytes[i] = (uint8_t)rng_below((uint64_t)bound, seed, 5, 0, (uint32_t)i);
    ck_assert_int_eq(graph_set_input(p->graph, node, p->bytes, 0, NULL), CORE_OK);
    return node;
}

/* Lengths 0, 1, full, more than full, then random ones. */
const GraphMask *problem_mask(Problem *p, GraphMask *mask, int stride, uint64_t seed) {
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
bool problem_valid(const Problem *p, int row, int t, int length, int stride) {
    if (p->shape.mask == MASK_NONE) return true;
    int valid = 0;
    for (int i = 0; i < p->lengths[row]; i += stride)
        valid++;
    if (valid > length) valid = length;
    return p->shape.mask == MASK_FRONT ? t < valid : t >= length - valid;
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

static float draw_value(const Problem *p, int input, size_t k, uint64_t seed) {
    const float value = p->spreads[input] * random_value(seed, (uint32_t)input, k);
    switch (p->kinds[input]) {
    case VALUES_TARGETS:
    case VALUES_DISTRIBUTIONS: return k % 3 ? value > 0 : fabsf(value);
    case VALUES_MASK: return k % 4 ? 1 : 0;
    case VALUES_WEIGHTS: return fabsf(value);
    case VALUES_ANY: break;
    }
    return value;
}

/* Rows of `channels` values become distributions: all on the first class when there is nothing. */
static void normalise_rows(float *values, size_t count, size_t channels) {
    for (size_t row = 0; row < count; row += channels) {
        float sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += values[row + c];
        for (size_t c = 0; c < channels; c++)
            values[row + c] = sum > 0 ? values[row + c] / sum : c == 0;
    }
}

static void draw_inputs(Problem *p, uint64_t seed) {
    for (int i = 0; i < p->n_inputs; i++) {
        const size_t count = p->input_count[i];
        p->input_values[i] = malloc(count * sizeof(float));
        p->x[i] = malloc(count * sizeof(double));
        for (size_t k = 0; k < count; k++)
            p->input_values[i][k] = draw_value(p, i, k, seed);
        if (p->kinds[i] == VALUES_DISTRIBUTIONS)
            normalise_rows(p->input_values[i], count, (size_t)p->shape.channels);
        for (size_t k = 0; k < count; k++)
            p->x[i][k] = (double)p->input_values[i][k];
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
            const float value = random_value(seed, 100 + (uint32_t)i, k);
            p->parameters[i].values[k] = p->parameters[i].trained ? value : 0.5f + fabsf(value);
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
    ck_assert_msg(graph_forward(problem->graph, shape->n, !shape->evaluate, &error) == CORE_OK, "%s",
                  error.text);
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
