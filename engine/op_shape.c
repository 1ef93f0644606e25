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

/* ---- last ---- */

static bool last_shape(Graph *graph, Node *node) {
    if (!input_check(graph, node, 0, GRAPH_F32, 2, "[N, L, C]")) return false;
    const GraphShape x = node_input(graph, node, 0)->shape;
    node->shape = graph_vector(x.size[1]);
    return mask_check(graph, node, x.size[0]);
}

/* Where in a row of the input the last valid position is, or -1. */
static ptrdiff_t last_begin(const Graph *graph, const Node *node, int32_t row) {
    const Node *x = node_input(graph, node, 0);
    const KernelRange valid = node_valid(graph, node, row, x->shape.size[0]);
    return valid.end > valid.begin ? (ptrdiff_t)(valid.end - 1) * x->shape.size[1] : -1;
}

static void last_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const ptrdiff_t begin = last_begin(graph, node, r);
        if (begin >= 0)
            memcpy(node_value(node, r), node_value(x, r) + begin, node_size(node) * sizeof(float));
        else
            memset(node_value(node, r), 0, node_size(node) * sizeof(float));
    }
}

static void last_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const ptrdiff_t begin = last_begin(graph, node, r);
        if (begin >= 0)
            graph->kernels->add(node_size(node), node_gradient(node, r), node_gradient(x, r) + begin);
    }
}

const OpClass op_last = {
    .name = "last", .shape = last_shape, .forward = last_forward, .backward = last_backward};

GraphNode graph_last_valid(Graph *graph, GraphNode x, const GraphMask *mask) {
    Node node = {.op = &op_last, .n_inputs = 1, .inputs = {x}};
    node_set_mask(&node, mask);
    return graph_append(graph, &node, NULL);
}

GraphNode graph_last(Graph *graph, GraphNode x) {
    return graph_last_valid(graph, x, NULL);
}

/* ---- slice and concat: a row of a node is node->runs equal runs, of which slice takes a part each and which
 * concat makes of those of its inputs. The runs are the positions when channels are cut or joined, and the
 * whole row when positions are. ---- */

static size_t run_size(const Node *node, const Node *of) {
    return node_size(of) / (size_t)node->runs;
}

static bool slice_shape(Graph *graph, Node *node) {
    const Node *x = node_input(graph, node, 0);
    const int32_t rank = node->along_positions ? 2 : x->shape.rank;
    if (!input_check(graph, node, 0, GRAPH_F32, rank, rank == 2 ? "[N, L, C]" : "input")) return false;
    const int32_t axis = node->along_positions ? 0 : rank - 1;
    const int32_t size = x->shape.size[axis], count = node->shape.size[0];
    if (node->slice_begin < 0 || count < 1 || node->slice_begin > size - count) {
        char text[64];
        return graph_fail(graph, node, CORE_SHAPE, "%s %d .. %lld are not inside of \"%s\" %s",
                          node->along_positions ? "positions" : "channels", (int)node->slice_begin,
                          (long long)node->slice_begin + count - 1, x->name, shape_text(x->shape, text));
    }
    node->runs = node->along_positions ? 1 : (int32_t)(node_size(x) / (size_t)size);
    if (node->along_positions) node->slice_begin *= x->shape.size[1];
    node->shape = x->shape;
    node->shape.size[axis] = count;
    return true;
}

static void slice_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const size_t step = run_size(node, x), count = run_size(node, node);
    const float *from = node_value(x, chunk->begin) + node->slice_begin;
    float *to = node_value(node, chunk->begin);
    for (int64_t i = 0; i < (int64_t)chunk->rows * node->runs; i++, from += step, to += count)
        memcpy(to, from, count * sizeof(float));
}

static void slice_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const size_t step = run_size(node, x), count = run_size(node, node);
    const float *from = node_gradient(node, chunk->begin);
    float *to = node_gradient(x, chunk->begin) + node->slice_begin;
    for (int64_t i = 0; i < (int64_t)chunk->rows * node->runs; i++, from += count, to += step)
        graph->kernels->add(count, from, to);
}

const OpClass op_slice = {
    .name = "slice", .shape = slice_shape, .forward = slice_forward, .backward = slice_backward};

static GraphNode add_slice(Graph *graph, GraphNode x, int32_t begin, int32_t count, bool along_positions) {
    Node node = {.op = &op_slice,
                 .n_inputs = 1,
                 .inputs = {x},
                 .slice_begin = begin,
                 .along_positions = along_positions,
                 .shape = graph_vector(count)};
    return graph_append(graph, &node, NULL);
}

GraphNode graph_slice(Graph *graph, GraphNode x, int32_t begin, int32_t count) {
    return add_slice(graph, x, begin, count, false);
}

GraphNode graph_slice_positions(Graph *graph, GraphNode x, int32_t begin, int32_t count) {
    return add_slice(graph, x, begin, count, true);
}

static bool concat_shape(Graph *graph, Node *node) {
    const Node *first = node_input(graph, node, 0);
    const int32_t rank = node->along_positions ? 2 : first->shape.rank;
    const int32_t axis = node->along_positions ? 0 : rank - 1;
    int64_t total = 0;
    for (int32_t i = 0; i < node->n_inputs; i++) {
        const Node *x = node_input(graph, node, i);
        if (!input_check(graph, node, i, GRAPH_F32, rank, rank == 1 ? "[N, C]" : "[N, L, C]")) return false;
        GraphShape same = x->shape;
        same.size[axis] = first->shape.size[axis];
        if (memcmp(same.size, first->shape.size, sizeof same.size) != 0) {
            char text[64], first_text[64];
            return graph_fail(graph, node, CORE_SHAPE, "inputs \"%s\" %s and \"%s\" %s cannot be joined",
                              first->name, shape_text(first->shape, first_text), x->name,
                              shape_text(x->shape, text));
        }
        total += x->shape.size[axis];
    }
    if (total > INT32_MAX)
        return graph_fail(graph, node, CORE_SHAPE, "%lld %s", (long long)total,
                          node->along_positions ? "positions" : "channels");
    node->runs = node->along_positions ? 1 : (int32_t)(node_size(first) / (size_t)first->shape.size[axis]);
    node->shape = first->shape;
    node->shape.size[axis] = (int32_t)total;
    return true;
}

static void concat_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const size_t step = run_size(node, node);
    float *begin = node_value(node, chunk->begin);
    for (int32_t i = 0; i < node->n_inputs; i++) {
        const Node *x = node_input(graph, node, i);
        const size_t count = run_size(node, x);
        const float *from = node_value(x, chunk->begin);
        float *to = begin;
        for (int64_t k = 0; k < (int64_t)chunk->rows * node->runs; k++, from += count, to += step)
            memcpy(to, from, count * sizeof(float));
        begin += count;
    }
}

static void concat_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const size_t step = run_size(node, node);
    const float *begin = node_gradient(node, chunk->begin);
    for (int32_t i = 0; i < node->n_inputs; i++) {
        const Node *x = node_input(graph, node, i);
        const size_t count = run_size(node, x);
        const float *from = begin;
        for (int64_t k = 0; x->gradient && k < (int64_t)chunk->rows * node->runs; k++, from += step)
            graph->kernels->add(count, from, node_gradient(x, chunk->begin) + (size_t)k * count);
        begin += count;
    }
}

const OpClass op_concat = {
    .name = "concat", .shape = concat_shape, .forward = concat_forward, .backward = concat_backward};

static GraphNode add_concat(Graph *graph, const GraphNode *inputs, int32_t n_inputs, bool along_positions) {
    Node node = {.op = &op_concat, .along_positions = along_positions};
    if (n_inputs < 1 || n_inputs > GRAPH_MAX_INPUTS) {
        graph_fail(graph, &node, CORE_LIMIT, "%d inputs are not 1 .. %d", (int)n_inputs, GRAPH_MAX_INPUTS);
        return GRAPH_NONE;
    }
    node.n_inputs = n_inputs;
    memcpy(node.inputs, inputs, (size_t)n_inputs * sizeof inputs[0]);
    return graph_append(graph, &node, NULL);
}

GraphNode graph_concat(Graph *graph, const GraphNode *inputs, int32_t n_inputs) {
    return add_concat(graph, inputs, n_inputs, false);
}

GraphNode graph_concat_positions(Graph *graph, const GraphNode *inputs, int32_t n_inputs) {
    return add_concat(graph, inputs, n_inputs, true);
}
