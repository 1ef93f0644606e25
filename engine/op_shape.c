/* Ops that move or select values: mask, last, slice, concat.
 * Relies on: ops.h.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <string.h>

/* ---- mask ---- */

static bool mask_shape(Graph *graph, Node *node) {
    if (!input_check(graph, node, 0, GRAPH_F32, 2, "[N, L, C]")) return false;
    node->shape = node_input(graph, node, 0)->shape;
    return mask_check(graph, node, node->shape.size[0]);
}

static void mask_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const size_t channels = (size_t)node->shape.size[1];
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, node->shape.size[0]);
        const size_t begin = (size_t)valid.begin * channels;
        memset(node_value(node, r), 0, node_size(node) * sizeof(float));
        memcpy(node_value(node, r) + begin, node_value(x, r) + begin,
               (size_t)(valid.end - valid.begin) * channels * sizeof(float));
    }
}

static void mask_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const size_t channels = (size_t)node->shape.size[1];
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, node->shape.size[0]);
        const size_t begin = (size_t)valid.begin * channels;
        graph->kernels->add((size_t)(valid.end - valid.begin) * channels, node_gradient(node, r) + begin,
                            node_gradient(x, r) + begin);
    }
}

const OpClass op_mask = {
    .name = "mask", .shape = mask_shape, .forward = mask_forward, .backward = mask_backward};

GraphNode graph_mask(Graph *graph, GraphNode x, const GraphMask *mask) {
    Node node = {.op = &op_mask, .n_inputs = 1, .inputs = {x}};
    node_set_mask(&node, mask);
    return graph_append(graph, &node, NULL);
}

/* ---- last and slice: the run of values that starts at slice_begin in each row ---- */

static bool last_shape(Graph *graph, Node *node) {
    if (!input_check(graph, node, 0, GRAPH_F32, 2, "[N, L, C]")) return false;
    const GraphShape x = node_input(graph, node, 0)->shape;
    node->shape = graph_vector(x.size[1]);
    node->slice_begin = (x.size[0] - 1) * x.size[1];
    return true;
}

static bool slice_shape(Graph *graph, Node *node) {
    if (!input_check(graph, node, 0, GRAPH_F32, 1, "[N, C]")) return false;
    const Node *x = node_input(graph, node, 0);
    const int32_t channels = x->shape.size[0], count = node->shape.size[0];
    if (node->slice_begin >= 0 && count >= 1 && node->slice_begin <= channels - count) return true;
    char text[64];
    return graph_fail(graph, node, CORE_SHAPE, "channels %d .. %lld are not inside of \"%s\" %s",
                      (int)node->slice_begin, (long long)node->slice_begin + count - 1, x->name,
                      shape_text(x->shape, text));
}

static void slice_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++)
        memcpy(node_value(node, r), node_value(x, r) + node->slice_begin, node_size(node) * sizeof(float));
}

static void slice_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++)
        graph->kernels->add(node_size(node), node_gradient(node, r), node_gradient(x, r) + node->slice_begin);
}

const OpClass op_last = {
    .name = "last", .shape = last_shape, .forward = slice_forward, .backward = slice_backward};
const OpClass op_slice = {
    .name = "slice", .shape = slice_shape, .forward = slice_forward, .backward = slice_backward};

GraphNode graph_last(Graph *graph, GraphNode x) {
    Node node = {.op = &op_last, .n_inputs = 1, .inputs = {x}};
    return graph_append(graph, &node, NULL);
}

GraphNode graph_slice(Graph *graph, GraphNode x, int32_t begin, int32_t count) {
    Node node = {
        .op = &op_slice, .n_inputs = 1, .inputs = {x}, .slice_begin = begin, .shape = graph_vector(count)};
    return graph_append(graph, &node, NULL);
}

/* ---- concat ---- */

static bool concat_shape(Graph *graph, Node *node) {
    int64_t channels = 0;
    for (int32_t i = 0; i < node->n_inputs; i++) {
        if (!input_check(graph, node, i, GRAPH_F32, 1, "[N, C]")) return false;
        channels += node_input(graph, node, i)->shape.size[0];
    }
    if (channels > INT32_MAX)
        return graph_fail(graph, node, CORE_SHAPE, "%lld channels", (long long)channels);
    node->shape = graph_vector((int32_t)channels);
    return true;
}

static void concat_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        float *to = node_value(node, r);
        for (int32_t i = 0; i < node->n_inputs; i++) {
            const Node *x = node_input(graph, node, i);
            memcpy(to, node_value(x, r), node_size(x) * sizeof(float));
            to += node_size(x);
        }
    }
}

static void concat_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const float *from = node_gradient(node, r);
        for (int32_t i = 0; i < node->n_inputs; i++) {
            const Node *x = node_input(graph, node, i);
            if (x->gradient) graph->kernels->add(node_size(x), from, node_gradient(x, r));
            from += node_size(x);
        }
    }
}

const OpClass op_concat = {
    .name = "concat", .shape = concat_shape, .forward = concat_forward, .backward = concat_backward};

GraphNode graph_concat(Graph *graph, const GraphNode *inputs, int32_t n_inputs) {
    Node node = {.op = &op_concat};
    if (n_inputs < 1 || n_inputs > GRAPH_MAX_INPUTS) {
        graph_fail(graph, &node, CORE_LIMIT, "%d inputs are not 1 .. %d", (int)n_inputs, GRAPH_MAX_INPUTS);
        return GRAPH_NONE;
    }
    node.n_inputs = n_inputs;
    memcpy(node.inputs, inputs, (size_t)n_inputs * sizeof inputs[0]);
    return graph_append(graph, &node, NULL);
}
