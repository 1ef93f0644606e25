/* An op from nothing, as docs/engine.md quotes it, and its check.
 * Relies on: engine/ops.h, engine/rng.h, Check.
 * Relied on by: test_engine.c, docs/engine.md. */
#include "engine/ops.h"

#include "engine/rng.h"
#include "tests/engine/suites.h"

#include <math.h>
#include <string.h>

/* scale: [C] or [L, C], y[...][c] = gain[c] * x[...][c]; gain [C] (ones). */
GraphNode graph_scale(Graph *graph, GraphNode x, const char *name);

static bool scale_shape(Graph *graph, Node *node) {
    const Node *x = node_input(graph, node, 0);
    if (!input_check(graph, node, 0, GRAPH_F32, x->shape.rank, "input")) return false;
    node->shape = x->shape;
    const GraphShape channels = graph_vector(x->shape.size[x->shape.rank - 1]);
    return graph_declare_constant(graph, node, "gain", channels, 1, true);
}

static void scale_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const size_t channels = (size_t)node->shape.size[node->shape.rank - 1];
    const float *gain = node_parameter(graph, node, 0);
    const float *x = node_value(node_input(graph, node, 0), chunk->begin);
    float *y = node_value(node, chunk->begin);
    for (size_t i = 0; i < (size_t)chunk->rows * node_size(node); i++)
        y[i] = gain[i % channels] * x[i];
}

static void scale_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const size_t channels = (size_t)node->shape.size[node->shape.rank - 1];
    const size_t count = (size_t)chunk->rows * node_size(node);
    const Node *input = node_input(graph, node, 0);
    const float *gain = node_parameter(graph, node, 0), *x = node_value(input, chunk->begin);
    const float *dy = node_gradient(node, chunk->begin);
    float *dgain = node_slab(graph, node, 0, chunk);
    for (size_t i = 0; i < count; i++)
        dgain[i % channels] += dy[i] * x[i];
    if (!input->gradient) return;
    float *dx = node_gradient(input, chunk->begin);
    for (size_t i = 0; i < count; i++)
        dx[i] += dy[i] * gain[i % channels];
}

static const OpClass op_scale = {
    .name = "scale", .shape = scale_shape, .forward = scale_forward, .backward = scale_backward};

GraphNode graph_scale(Graph *graph, GraphNode x, const char *name) {
    Node node = {.op = &op_scale, .n_inputs = 1, .inputs = {x}};
    return graph_append(graph, &node, name);
}

/* ---- its check ---- */

enum { N = 19, LENGTH = 3, CHANNELS = 5, COUNT = N * LENGTH * CHANNELS };

static void draw(float *values, size_t count, uint32_t stream) {
    for (size_t i = 0; i < count; i++)
        values[i] = 2 * rng_uniform(1, stream, 0, (uint32_t)i) - 1;
}

START_TEST(scale_is_its_formula) {
    static float x[COUNT], gain[CHANNELS], dy[COUNT];
    CoreError error = {0};
    Graph *graph;
    GraphParameter parameter;
    draw(x, COUNT, 1);
    draw(gain, CHANNELS, 2);
    draw(dy, COUNT, 3);
    ck_assert_int_eq(graph_new(N, 1, &graph, &error), CORE_OK);
    const GraphNode input = graph_input_f32(graph, "x", graph_sequence(LENGTH, CHANNELS));
    graph_require_gradient(graph, input);
    const GraphNode output = graph_scale(graph, input, "layer");
    ck_assert_msg(graph_finish(graph, &error) == CORE_OK, "%s", error.text);
    ck_assert_int_eq(graph_parameter(graph, "layer.gain", &parameter, &error), CORE_OK);
    ck_assert(parameter.count == CHANNELS && parameter.values[0] == 1);
    memcpy(parameter.values, gain, sizeof gain);
    ck_assert_int_eq(graph_set_input(graph, input, x, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_forward(graph, N, true, &error), CORE_OK);
    ck_assert_int_eq(graph_backward_from(graph, output, dy, &error), CORE_OK);
    double slopes[CHANNELS] = {0};
    for (int i = 0; i < COUNT; i++) {
        const float factor = gain[i % CHANNELS];
        slopes[i % CHANNELS] += (double)dy[i] * (double)x[i];
        ck_assert_float_eq(graph_value(graph, output)[i], factor * x[i]);
        ck_assert_float_eq(graph_gradient(graph, input)[i], factor * dy[i]);
    }
    for (int c = 0; c < CHANNELS; c++)
        ck_assert_double_eq_tol((double)parameter.gradients[c], slopes[c], 1e-5);
    graph_free(graph);
}
END_TEST

/* The error names op, layer and shape, as that of any op. */
START_TEST(scale_wants_floats) {
    CoreError error = {0};
    Graph *graph;
    ck_assert_int_eq(graph_new(1, 1, &graph, &error), CORE_OK);
    graph_scale(graph, graph_input_u8(graph, "ids", graph_vector(4)), "layer");
    ck_assert_int_eq(graph_finish(graph, &error), CORE_SHAPE);
    ck_assert_str_eq(error.text, "scale \"layer\": input \"ids\" is u8 [N, 4], but f32 input is needed");
    graph_free(graph);
}
END_TEST

TCase *example_tests(void) {
    TCase *tcase = tcase_create("example");
    tcase_add_test(tcase, scale_is_its_formula);
    tcase_add_test(tcase, scale_wants_floats);
    return tcase;
}
