/* Ops at the edge of the graph: inputs and the normalisation of counters. Also masks, which many ops share.
 * Relies on: ops.h.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <stdlib.h>
#include <string.h>

/* ---- what shape rules share ---- */

bool input_check(Graph *graph, const Node *node, int32_t index, GraphType type, int32_t rank,
                 const char *wanted) {
    const Node *input = node_input(graph, node, index);
    if (input->type == type && input->shape.rank == rank) return true;
    char text[64];
    return graph_fail(graph, node, CORE_SHAPE, "input \"%s\" is %s %s, but %s %s is needed", input->name,
                      input->type == GRAPH_U8 ? "u8" : "f32", shape_text(input->shape, text),
                      type == GRAPH_U8 ? "u8" : "f32", wanted);
}

void node_set_mask(Node *node, const GraphMask *mask) {
    if (!mask) return;
    node->masked = true;
    node->mask = *mask;
    if (node->mask.stride == 0) node->mask.stride = 1;
    node->inputs[node->n_inputs++] = mask->lengths;
}

bool mask_check(Graph *graph, const Node *node, int32_t length) {
    if (!node->masked) return true;
    const Node *lengths = node_input(graph, node, node->n_inputs - 1);
    char text[64];
    if (lengths->op != &op_input_u8 || lengths->shape.rank != 1 || lengths->shape.size[0] != 1)
        return graph_fail(graph, node, CORE_SHAPE,
                          "the lengths \"%s\" of the mask are %s, not a u8 input [N, 1]", lengths->name,
                          shape_text(lengths->shape, text));
    if (node->mask.stride < 1)
        return graph_fail(graph, node, CORE_ARGUMENT, "a mask of stride %d", (int)node->mask.stride);
    if (length > UINT8_MAX)
        return graph_fail(graph, node, CORE_SHAPE, "a sequence of %d positions has no u8 length to mask with",
                          (int)length);
    return true;
}

KernelRange node_valid_after(const Graph *graph, const Node *node, int32_t row, int32_t length,
                             int32_t stride) {
    if (!node->masked) return (KernelRange){0, length};
    const Node *lengths = node_input(graph, node, node->n_inputs - 1);
    int32_t valid = (*node_bytes(lengths, row) + stride - 1) / stride;
    if (valid > length) valid = length;
    return node->mask.at_end ? (KernelRange){length - valid, length} : (KernelRange){0, valid};
}

KernelRange node_valid(const Graph *graph, const Node *node, int32_t row, int32_t length) {
    return node_valid_after(graph, node, row, length, node->mask.stride);
}

/* ---- inputs ---- */

static GraphNode add_input(Graph *graph, const OpClass *op, GraphType type, const char *name,
                           GraphShape shape) {
    Node node = {.op = op, .type = type, .shape = shape};
    return graph_append(graph, &node, name ? name : "");
}

static bool input_shape(Graph *graph, Node *node) {
    if (node->shape.rank >= 1 && node->shape.rank <= 3) return true;
    return graph_fail(graph, node, CORE_SHAPE, "rank %d is not in 1 .. 3", (int)node->shape.rank);
}

static void copy_rows(const Node *node, const OpChunk *chunk, void *to, size_t row_bytes) {
    for (int32_t r = 0; r < chunk->rows; r++)
        memcpy((uint8_t *)to + (size_t)r * row_bytes, node->source + (size_t)(chunk->begin + r) * node->pitch,
               row_bytes);
}

static void input_f32_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    (void)graph;
    copy_rows(node, chunk, node_value(node, chunk->begin), node_size(node) * sizeof(float));
}

static void input_u8_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    (void)graph;
    copy_rows(node, chunk, node_bytes(node, chunk->begin), node_size(node));
}

const OpClass op_input_f32 = {.name = "input_f32", .shape = input_shape, .forward = input_f32_forward};
const OpClass op_input_u8 = {.name = "input_u8", .shape = input_shape, .forward = input_u8_forward};

GraphNode graph_input_f32(Graph *graph, const char *name, GraphShape shape) {
    return add_input(graph, &op_input_f32, GRAPH_F32, name, shape);
}

GraphNode graph_input_u8(Graph *graph, const char *name, GraphShape shape) {
    return add_input(graph, &op_input_u8, GRAPH_U8, name, shape);
}

/* ---- normalise_u8: constants are low, high, mean, scale, each [C] ---- */

static bool normalise_shape(Graph *graph, Node *node) {
    const Node *x = node_input(graph, node, 0);
    if (x->type != GRAPH_U8) return input_check(graph, node, 0, GRAPH_U8, x->shape.rank, "input");
    node->shape = x->shape;
    return true;
}

static void normalise_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const int32_t channels = node->shape.size[node->shape.rank - 1];
    const size_t n = (size_t)channels, groups = (size_t)chunk->rows * node_size(node) / n;
    const float *constants = node->constants;
    const uint8_t *from = node_bytes(x, chunk->begin);
    float *to = node_value(node, chunk->begin);
    for (size_t g = 0; g < groups; g++)
        graph->kernels->normalise_u8(channels, from + g * n, constants, constants + n, constants + 2 * n,
                                     constants + 3 * n, to + g * n);
}

const OpClass op_normalise_u8 = {
    .name = "normalise_u8", .shape = normalise_shape, .forward = normalise_forward};

GraphNode graph_normalise_u8(Graph *graph, GraphNode x, const float *low, const float *high,
                             const float *mean, const float *scale) {
    Node node = {.op = &op_normalise_u8, .n_inputs = 1, .inputs = {x}};
    if (graph->error.status != CORE_OK || x < 0 || x >= graph->n_nodes)
        return graph_append(graph, &node, NULL);
    const GraphShape shape = graph->nodes[x].shape;
    const size_t channels = (size_t)shape.size[shape.rank - 1];
    node.constants = malloc(4 * channels * sizeof(float));
    if (!node.constants) {
        graph_fail(graph, &node, CORE_MEMORY, "no memory for the constants of %zu channels", channels);
        return GRAPH_NONE;
    }
    const float *const sources[4] = {low, high, mean, scale};
    for (size_t i = 0; i < 4; i++)
        memcpy(node.constants + i * channels, sources[i], channels * sizeof(float));
    return graph_append(graph, &node, NULL);
}
