/* Ops that take the maximum or the mean of windows of a sequence: max_pool, average_pool.
 * Relies on: ops.h.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <string.h>

/* A window is conv.taps positions, one starts every conv.stride; the global pools have one that is the whole
 * sequence, and no positions in their shape. */

static bool pool_shape(Graph *graph, Node *node) {
    if (!input_check(graph, node, 0, GRAPH_F32, 2, "[N, L, C]")) return false;
    const GraphShape x = node_input(graph, node, 0)->shape;
    KernelConv1d *window = &node->conv;
    const bool global = node->shape.rank == 1;
    if (global) window->taps = window->stride = x.size[0];
    if (window->taps < 1 || window->stride < 1)
        return graph_fail(graph, node, CORE_ARGUMENT, "windows of %d, stride %d are not possible",
                          (int)window->taps, (int)window->stride);
    if (window->taps > x.size[0])
        return graph_fail(graph, node, CORE_SHAPE, "a window of %d positions does not fit into %d",
                          (int)window->taps, (int)x.size[0]);
    const int32_t windows = (x.size[0] - window->taps) / window->stride + 1;
    node->shape = global ? graph_vector(x.size[1]) : graph_sequence(windows, x.size[1]);
    return mask_check(graph, node, x.size[0]);
}

/* The valid positions of window `index`. */
static KernelRange pool_window(const Node *node, KernelRange valid, int32_t index) {
    const int32_t begin = index * node->conv.stride, end = begin + node->conv.taps;
    return (KernelRange){begin > valid.begin ? begin : valid.begin, end < valid.end ? end : valid.end};
}

static int32_t pool_windows(const Node *node) {
    return node->shape.rank == 1 ? 1 : node->shape.size[0];
}

static int32_t pool_channels(const Node *node) {
    return node->shape.size[node->shape.rank - 1];
}

static GraphNode add_pool(Graph *graph, const OpClass *op, GraphNode x, GraphShape shape, int32_t window,
                          int32_t stride, const GraphMask *mask) {
    Node node = {.op = op,
                 .n_inputs = 1,
                 .inputs = {x},
                 .shape = shape,
                 .conv = {.taps = window, .stride = stride ? stride : window}};
    node_set_mask(&node, mask);
    return graph_append(graph, &node, NULL);
}

/* ---- max_pool: saves for each value the position of the maximum ---- */

static bool max_pool_shape(Graph *graph, Node *node) {
    if (!pool_shape(graph, node)) return false;
    node->saved_bytes = node_size(node) * sizeof(int32_t);
    return true;
}

static void max_pool_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const int32_t windows = pool_windows(node), channels = pool_channels(node);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, x->shape.size[0]);
        float *y = node_value(node, r);
        int32_t *index = max_pool_positions(node, r);
        for (int32_t w = 0; w < windows; w++, y += channels, index += channels)
            graph->kernels->max_pool(pool_window(node, valid, w), channels, node_value(x, r), y, index);
    }
}

static void max_pool_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const size_t channels = (size_t)pool_channels(node), count = node_size(node);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const int32_t *index = max_pool_positions(node, r);
        const float *from = node_gradient(node, r);
        float *to = node_gradient(x, r);
        for (size_t i = 0; i < count; i += channels)
            for (size_t c = 0; c < channels; c++)
                if (index[i + c] >= 0) to[(size_t)index[i + c] * channels + c] += from[i + c];
    }
}

const OpClass op_max_pool = {
    .name = "max_pool", .shape = max_pool_shape, .forward = max_pool_forward, .backward = max_pool_backward};

GraphNode graph_max_pool(Graph *graph, GraphNode x, const GraphMask *mask) {
    return add_pool(graph, &op_max_pool, x, graph_vector(1), 0, 0, mask);
}

GraphNode graph_max_pool_windows(Graph *graph, GraphNode x, int32_t window, int32_t stride,
                                 const GraphMask *mask) {
    return add_pool(graph, &op_max_pool, x, graph_sequence(1, 1), window, stride, mask);
}

/* ---- average_pool ---- */

static void average_pool_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const int32_t windows = pool_windows(node);
    const size_t channels = (size_t)pool_channels(node);
    memset(node_value(node, chunk->begin), 0, (size_t)chunk->rows * node_size(node) * sizeof(float));
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, x->shape.size[0]);
        float *y = node_value(node, r);
        for (int32_t w = 0; w < windows; w++, y += channels) {
            const KernelRange window = pool_window(node, valid, w);
            for (int32_t t = window.begin; t < window.end; t++)
                graph->kernels->add(channels, node_value(x, r) + (size_t)t * channels, y);
            for (size_t c = 0; window.begin < window.end && c < channels; c++)
                y[c] /= (float)(window.end - window.begin);
        }
    }
}

static void average_pool_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const int32_t windows = pool_windows(node);
    const size_t channels = (size_t)pool_channels(node);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, x->shape.size[0]);
        float *slope = node_gradient(node, r);
        for (int32_t w = 0; w < windows; w++, slope += channels) {
            const KernelRange window = pool_window(node, valid, w);
            for (size_t c = 0; window.begin < window.end && c < channels; c++)
                slope[c] /= (float)(window.end - window.begin);
            for (int32_t t = window.begin; t < window.end; t++)
                graph->kernels->add(channels, slope, node_gradient(x, r) + (size_t)t * channels);
        }
    }
}

const OpClass op_average_pool = {.name = "average_pool",
                                 .shape = pool_shape,
                                 .forward = average_pool_forward,
                                 .backward = average_pool_backward};

GraphNode graph_average_pool(Graph *graph, GraphNode x, const GraphMask *mask) {
    return add_pool(graph, &op_average_pool, x, graph_vector(1), 0, 0, mask);
}

GraphNode graph_average_pool_windows(Graph *graph, GraphNode x, int32_t window, int32_t stride,
                                     const GraphMask *mask) {
    return add_pool(graph, &op_average_pool, x, graph_sequence(1, 1), window, stride, mask);
}
