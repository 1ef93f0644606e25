/* Element-wise ops: relu, sigmoid, tanh, gelu, add, mul, dropout, branch_dropout.
 * Relies on: ops.h, rng.h.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"
#include "engine/rng.h"

#include <string.h>

static bool same_shape(Graph *graph, Node *node) {
    const Node *x = node_input(graph, node, 0);
    if (!input_check(graph, node, 0, GRAPH_F32, x->shape.rank, "input")) return false;
    node->shape = x->shape;
    return true;
}

static size_t chunk_values(const Node *node, const OpChunk *chunk) {
    return (size_t)chunk->rows * node_size(node);
}

/* ---- relu ---- */

static void relu_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    graph->kernels->relu(chunk_values(node, chunk), node_value(node_input(graph, node, 0), chunk->begin),
                         node_value(node, chunk->begin));
}

static void relu_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    float *slope = node_gradient(node, chunk->begin);
    graph->kernels->relu_gradient(chunk_values(node, chunk), node_value(node, chunk->begin), slope);
    graph->kernels->add(chunk_values(node, chunk), slope,
                        node_gradient(node_input(graph, node, 0), chunk->begin));
}

const OpClass op_relu = {
    .name = "relu", .shape = same_shape, .forward = relu_forward, .backward = relu_backward};

GraphNode graph_relu(Graph *graph, GraphNode x) {
    Node node = {.op = &op_relu, .n_inputs = 1, .inputs = {x}};
    return graph_append(graph, &node, NULL);
}

/* ---- sigmoid, tanh: the slope follows from the value; gelu: from the input ---- */

static void sigmoid_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    graph->kernels->sigmoid(chunk_values(node, chunk), node_value(node_input(graph, node, 0), chunk->begin),
                            node_value(node, chunk->begin));
}

static void sigmoid_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    graph->kernels->sigmoid_gradient(chunk_values(node, chunk), node_value(node, chunk->begin),
                                     node_gradient(node, chunk->begin),
                                     node_gradient(node_input(graph, node, 0), chunk->begin));
}

static void tanh_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    graph->kernels->tanh(chunk_values(node, chunk), node_value(node_input(graph, node, 0), chunk->begin),
                         node_value(node, chunk->begin));
}

static void tanh_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    graph->kernels->tanh_gradient(chunk_values(node, chunk), node_value(node, chunk->begin),
                                  node_gradient(node, chunk->begin),
                                  node_gradient(node_input(graph, node, 0), chunk->begin));
}

static void gelu_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    graph->kernels->gelu(chunk_values(node, chunk), node_value(node_input(graph, node, 0), chunk->begin),
                         node_value(node, chunk->begin));
}

static void gelu_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    graph->kernels->gelu_gradient(chunk_values(node, chunk), node_value(x, chunk->begin),
                                  node_gradient(node, chunk->begin), node_gradient(x, chunk->begin));
}

const OpClass op_sigmoid = {
    .name = "sigmoid", .shape = same_shape, .forward = sigmoid_forward, .backward = sigmoid_backward};
const OpClass op_tanh = {
    .name = "tanh", .shape = same_shape, .forward = tanh_forward, .backward = tanh_backward};
const OpClass op_gelu = {
    .name = "gelu", .shape = same_shape, .forward = gelu_forward, .backward = gelu_backward};

GraphNode graph_sigmoid(Graph *graph, GraphNode x) {
    Node node = {.op = &op_sigmoid, .n_inputs = 1, .inputs = {x}};
    return graph_append(graph, &node, NULL);
}

GraphNode graph_tanh(Graph *graph, GraphNode x) {
    Node node = {.op = &op_tanh, .n_inputs = 1, .inputs = {x}};
    return graph_append(graph, &node, NULL);
}

GraphNode graph_gelu(Graph *graph, GraphNode x) {
    Node node = {.op = &op_gelu, .n_inputs = 1, .inputs = {x}};
    return graph_append(graph, &node, NULL);
}

/* ---- add and mul ---- */

static bool pair_shape(Graph *graph, Node *node) {
    const Node *a = node_input(graph, node, 0), *b = node_input(graph, node, 1);
    if (!same_shape(graph, node)) return false;
    if (a->type == b->type && a->shape.rank == b->shape.rank &&
        memcmp(a->shape.size, b->shape.size, sizeof a->shape.size) == 0)
        return true;
    char text_a[64], text_b[64];
    return graph_fail(graph, node, CORE_SHAPE, "inputs \"%s\" f32 %s and \"%s\" %s %s differ", a->name,
                      shape_text(a->shape, text_a), b->name, b->type == GRAPH_U8 ? "u8" : "f32",
                      shape_text(b->shape, text_b));
}

static void add_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const size_t count = chunk_values(node, chunk);
    float *y = node_value(node, chunk->begin);
    memcpy(y, node_value(node_input(graph, node, 0), chunk->begin), count * sizeof(float));
    graph->kernels->add(count, node_value(node_input(graph, node, 1), chunk->begin), y);
}

static void add_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    for (int32_t i = 0; i < 2; i++) {
        const Node *x = node_input(graph, node, i);
        if (x->gradient)
            graph->kernels->add(chunk_values(node, chunk), node_gradient(node, chunk->begin),
                                node_gradient(x, chunk->begin));
    }
}

const OpClass op_add = {.name = "add", .shape = pair_shape, .forward = add_forward, .backward = add_backward};

static void mul_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const size_t count = chunk_values(node, chunk);
    float *y = node_value(node, chunk->begin);
    memset(y, 0, count * sizeof(float));
    graph->kernels->add_product(count, node_value(node_input(graph, node, 0), chunk->begin),
                                node_value(node_input(graph, node, 1), chunk->begin), y);
}

static void mul_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    for (int32_t i = 0; i < 2; i++) {
        const Node *x = node_input(graph, node, i), *other = node_input(graph, node, 1 - i);
        if (x->gradient)
            graph->kernels->add_product(chunk_values(node, chunk), node_gradient(node, chunk->begin),
                                        node_value(other, chunk->begin), node_gradient(x, chunk->begin));
    }
}

const OpClass op_mul = {.name = "mul", .shape = pair_shape, .forward = mul_forward, .backward = mul_backward};

GraphNode graph_add(Graph *graph, GraphNode a, GraphNode b) {
    Node node = {.op = &op_add, .n_inputs = 2, .inputs = {a, b}};
    return graph_append(graph, &node, NULL);
}

GraphNode graph_mul(Graph *graph, GraphNode a, GraphNode b) {
    Node node = {.op = &op_mul, .n_inputs = 2, .inputs = {a, b}};
    return graph_append(graph, &node, NULL);
}

/* ---- dropout: what is drawn depends on seed, layer, training step and place in the batch, never on threads,
 * so that backward draws it again instead of saving it ---- */

static bool dropout_shape(Graph *graph, Node *node) {
    if (!(node->probability >= 0 && node->probability < 1))
        return graph_fail(graph, node, CORE_ARGUMENT, "probability %g is not in [0, 1)",
                          (double)node->probability);
    if (!same_shape(graph, node)) return false;
    if (node_size(node) <= UINT32_MAX / (size_t)graph->max_batch) return true;
    char text[64];
    return graph_fail(graph, node, CORE_LIMIT, "%s with N = %d has more than 2^32 values",
                      shape_text(node->shape, text), (int)graph->max_batch);
}

/* to[i] (+)= from[i] times the factor that is drawn for place i; `sum` tells whether to add. Place i of the
 * batch has word i % 4 of block i / 4. */
static void dropout_rows(const Graph *graph, const Node *node, const OpChunk *chunk, const float *from,
                         float *to, bool sum) {
    const uint32_t stream =
        (uint32_t)(node - graph->nodes) | 0x40000000u; /* apart from the parameters' streams */
    const size_t first = (size_t)chunk->begin * node_size(node);
    const float scale = 1 / (1 - node->probability);
    float draws[4] = {0};
    for (size_t i = 0; i < chunk_values(node, chunk); i++) {
        const size_t place = first + i;
        if (chunk->training && (place % 4 == 0 || i == 0))
            rng_uniform4(graph->seed, stream, graph->counter, (uint32_t)(place / 4), draws);
        const float factor = !chunk->training ? 1 : draws[place % 4] < node->probability ? 0 : scale;
        to[i] = factor * from[i] + (sum ? to[i] : 0);
    }
}

static void dropout_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    dropout_rows(graph, node, chunk, node_value(node_input(graph, node, 0), chunk->begin),
                 node_value(node, chunk->begin), false);
}

static void dropout_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    dropout_rows(graph, node, chunk, node_gradient(node, chunk->begin),
                 node_gradient(node_input(graph, node, 0), chunk->begin), true);
}

const OpClass op_dropout = {
    .name = "dropout", .shape = dropout_shape, .forward = dropout_forward, .backward = dropout_backward};

GraphNode graph_dropout(Graph *graph, GraphNode x, float p) {
    Node node = {.op = &op_dropout, .n_inputs = 1, .inputs = {x}, .probability = p};
    return graph_append(graph, &node, NULL);
}

/* ---- branch_dropout ---- */

static bool branch_kept(const Graph *graph, const Node *node, const OpChunk *chunk, int32_t row) {
    const uint32_t stream = node->branch | 0x80000000u;
    return !chunk->training ||
           rng_uniform(graph->seed, stream, graph->counter, (uint32_t)row) >= node->probability;
}

static void branch_dropout_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        if (branch_kept(graph, node, chunk, r))
            memcpy(node_value(node, r), node_value(x, r), node_size(node) * sizeof(float));
        else
            memset(node_value(node, r), 0, node_size(node) * sizeof(float));
    }
}

static void branch_dropout_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++)
        if (branch_kept(graph, node, chunk, r))
            graph->kernels->add(node_size(node), node_gradient(node, r), node_gradient(x, r));
}

const OpClass op_branch_dropout = {.name = "branch_dropout",
                                   .shape = dropout_shape,
                                   .forward = branch_dropout_forward,
                                   .backward = branch_dropout_backward};

GraphNode graph_branch_dropout(Graph *graph, GraphNode x, float p, uint32_t branch) {
    Node node = {.op = &op_branch_dropout,
                 .n_inputs = 1,
                 .inputs = {x},
                 .probability = p,
                 .branch = branch & 0x7fffffffu};
    return graph_append(graph, &node, NULL);
}
