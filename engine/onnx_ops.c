/* The ONNX operators that each op stands for: masks, the ops without parameters, and the list of all.
 * Relies on: onnx_write.h; the operators are those of the ONNX operator set 17.
 * Relied on by: onnx.c, onnx_layers.c. */
#include "engine/onnx_write.h"

#include <float.h>
#include <stdio.h>

/* ---- masks ---- */

/* Positions that a node's mask is about: of what it selects from, else of its value. */
static int32_t masked_length(const Graph *graph, const Node *node) {
    const bool selects = node->op == &op_max_pool || node->op == &op_average_pool || node->op == &op_last;
    return (selects ? node_input(graph, node, 0) : node)->shape.size[0];
}

static bool same_mask(const Graph *graph, const Node *a, const Node *b) {
    return a->masked && b->masked && a->mask.lengths == b->mask.lengths && a->mask.stride == b->mask.stride &&
           a->mask.at_end == b->mask.at_end && masked_length(graph, a) == masked_length(graph, b);
}

/* The first exported node with the mask of this one: its mask serves both. */
static const Node *mask_owner(const Onnx *onnx, const Node *node) {
    const Node *first = onnx->graph->nodes;
    while (!onnx->used[first - onnx->graph->nodes] || !same_mask(onnx->graph, first, node))
        first++;
    return first;
}

OnnxName onnx_mask(const Onnx *onnx, const Node *node) {
    return onnx_part(mask_owner(onnx, node), "mask");
}

/* The names of what makes up a mask. */
typedef struct MaskParts {
    const char *positions, *axis, *lengths, *valid, *mask;
} MaskParts;

/* Which of `length` positions are valid after strides of `stride`, bool [N, 1, L]. Position t is among the
 * first ceil(n / stride) if t * stride < n. */
static void emit_mask_parts(Onnx *onnx, const Node *node, int32_t length, int32_t stride,
                            const MaskParts *parts) {
    const bool end = node->mask.at_end;
    const OnnxName position =
        onnx_steps(onnx, node, parts->positions, length, end ? (int64_t)stride * (length - 1) : 0,
                   end ? -(int64_t)stride : stride);
    const OnnxName axis = onnx_ints(onnx, node, parts->axis, 1, 1, (const int64_t[]){1});
    const OnnxName lengths = onnx_part(node, parts->lengths), valid = onnx_part(node, parts->valid);
    onnx_cast(onnx, onnx->graph->nodes[node->mask.lengths].name, ONNX_INT64, lengths.text);
    onnx_op(onnx, "Less", ONNX_INPUTS(position.text, lengths.text), valid.text);
    onnx_op(onnx, "Unsqueeze", ONNX_INPUTS(valid.text, axis.text), onnx_part(node, parts->mask).text);
}

static void emit_own_mask(Onnx *onnx, const Node *node) {
    static const MaskParts parts = {"positions", "mask_axis", "lengths", "valid", "mask"};
    emit_mask_parts(onnx, node, masked_length(onnx->graph, node), node->mask.stride, &parts);
}

void onnx_mask_input(Onnx *onnx, const Node *node, const char *x, const char *y) {
    static const MaskParts parts = {"in_positions", "in_mask_axis", "in_lengths", "in_valid", "in_mask"};
    const int32_t length = node_input(onnx->graph, node, 0)->shape.size[0];
    emit_mask_parts(onnx, node, length, node->mask.stride / node->conv.stride, &parts);
    const OnnxName zero = onnx_floats(onnx, node, "in_zero", 1, (const float[]){0});
    onnx_op(onnx, "Where", ONNX_INPUTS(onnx_part(node, parts.mask).text, x, zero.text), y);
}

/* y = x [N, C, L] where the mask holds, else `other`. */
static void emit_masked(Onnx *onnx, const Node *node, const char *x, const char *other, const char *y) {
    onnx_op(onnx, "Where", ONNX_INPUTS(onnx_mask(onnx, node).text, x, other), y);
}

OnnxName onnx_before_finish(const Node *node) {
    return node->conv.relu || node->masked ? onnx_part(node, "sum") : onnx_value(node);
}

void onnx_finish(Onnx *onnx, const Node *node) {
    const OnnxName value = onnx_value(node), before = onnx_before_finish(node);
    const OnnxName active = node->masked ? onnx_part(node, "active") : value;
    if (node->conv.relu) onnx_op(onnx, "Relu", ONNX_INPUTS(before.text), active.text);
    if (!node->masked) return;
    const OnnxName zero = onnx_floats(onnx, node, "zero", 1, (const float[]){0});
    emit_masked(onnx, node, node->conv.relu ? active.text : before.text, zero.text, value.text);
}

/* ---- inputs ---- */

static void emit_input_f32(Onnx *onnx, const Node *node) {
    if (node->shape.rank == 2) onnx_transpose(onnx, node->name, onnx_value(node).text);
}

static void emit_input_u8(Onnx *onnx, const Node *node) {
    (void)onnx;
    (void)node;
}

static void emit_normalise_u8(Onnx *onnx, const Node *node) {
    static const char *const steps[] = {"Max", "Min", "Sub", "Mul"};
    static const char *const constants[] = {"low", "high", "mean", "scale"};
    static const char *const results[] = {"above", "inside", "centred", "scaled"};
    const int32_t channels = node->shape.size[node->shape.rank - 1];
    const bool turn = node->shape.rank == 2;
    OnnxName x = onnx_part(node, "float");
    onnx_cast(onnx, node_input(onnx->graph, node, 0)->name, ONNX_FLOAT, x.text);
    for (int i = 0; i < 4; i++) {
        const OnnxName constant =
            onnx_floats(onnx, node, constants[i], channels, node->constants + (size_t)i * (size_t)channels);
        const OnnxName y = i == 3 && !turn ? onnx_value(node) : onnx_part(node, results[i]);
        onnx_op(onnx, steps[i], ONNX_INPUTS(x.text, constant.text), y.text);
        x = y;
    }
    if (turn) onnx_transpose(onnx, x.text, onnx_value(node).text);
}

/* ---- element by element ---- */

/* One operator with the inputs of the op. */
static size_t begin_as(Onnx *onnx, const Node *node, const char *op) {
    OnnxName names[GRAPH_MAX_INPUTS];
    const char *inputs[GRAPH_MAX_INPUTS + 1] = {NULL};
    for (int32_t i = 0; i < node->n_inputs; i++) {
        names[i] = onnx_input(onnx, node, i);
        inputs[i] = names[i].text;
    }
    return onnx_begin(onnx, op, inputs, onnx_value(node).text);
}

static void emit_as(Onnx *onnx, const Node *node, const char *op) {
    onnx_end(onnx, begin_as(onnx, node, op));
}

static void emit_relu(Onnx *onnx, const Node *node) {
    emit_as(onnx, node, "Relu");
}

static void emit_sigmoid(Onnx *onnx, const Node *node) {
    emit_as(onnx, node, "Sigmoid");
}

static void emit_tanh(Onnx *onnx, const Node *node) {
    emit_as(onnx, node, "Tanh");
}

static void emit_add(Onnx *onnx, const Node *node) {
    emit_as(onnx, node, "Add");
}

static void emit_mul(Onnx *onnx, const Node *node) {
    emit_as(onnx, node, "Mul");
}

static void emit_identity(Onnx *onnx, const Node *node) {
    emit_as(onnx, node, "Identity");
}

/* x * (erf(x / sqrt 2) + 1) / 2: ONNX has an operator of its own only since operator set 20. */
static void emit_gelu(Onnx *onnx, const Node *node) {
    const OnnxName x = onnx_input(onnx, node, 0), scaled = onnx_part(node, "scaled"),
                   erf = onnx_part(node, "erf");
    const OnnxName above = onnx_part(node, "above"), twice = onnx_part(node, "twice");
    const OnnxName root = onnx_floats(onnx, node, "root", 1, (const float[]){0.70710678f});
    const OnnxName one = onnx_floats(onnx, node, "one", 1, (const float[]){1});
    const OnnxName half = onnx_floats(onnx, node, "half", 1, (const float[]){0.5f});
    onnx_op(onnx, "Mul", ONNX_INPUTS(x.text, root.text), scaled.text);
    onnx_op(onnx, "Erf", ONNX_INPUTS(scaled.text), erf.text);
    onnx_op(onnx, "Add", ONNX_INPUTS(erf.text, one.text), above.text);
    onnx_op(onnx, "Mul", ONNX_INPUTS(x.text, above.text), twice.text);
    onnx_op(onnx, "Mul", ONNX_INPUTS(twice.text, half.text), onnx_value(node).text);
}

/* ---- moving and selecting ---- */

static void emit_mask(Onnx *onnx, const Node *node) {
    const OnnxName zero = onnx_floats(onnx, node, "zero", 1, (const float[]){0});
    emit_masked(onnx, node, onnx_input(onnx, node, 0).text, zero.text, onnx_value(node).text);
}

/* The windows of a pool; the only one of a global pool is a vector. */
static OnnxName windows_name(const Node *node) {
    return node->shape.rank == 1 ? onnx_part(node, "window") : onnx_value(node);
}

/* "MaxPool" or "AveragePool" over the node's windows, [N, C, L] -> [N, C, L']. */
static void emit_windows(Onnx *onnx, const Node *node, const char *op, const char *x, const char *y) {
    const bool global = node->shape.rank == 1;
    char name[24];
    snprintf(name, sizeof name, "%s%s", global ? "Global" : "", op);
    const size_t begin = onnx_begin(onnx, name, ONNX_INPUTS(x), y);
    if (!global) {
        onnx_attributes(onnx, "kernel_shape", 1, &(int64_t){node->conv.taps});
        onnx_attributes(onnx, "strides", 1, &(int64_t){node->conv.stride});
    }
    onnx_end(onnx, begin);
}

static void finish_windows(Onnx *onnx, const Node *node) {
    if (node->shape.rank != 1) return;
    const OnnxName axis = onnx_ints(onnx, node, "axis", 1, 1, (const int64_t[]){2});
    onnx_op(onnx, "Squeeze", ONNX_INPUTS(windows_name(node).text, axis.text), onnx_value(node).text);
}

/* The maximum of no valid position is the lowest float, which becomes 0. */
static void emit_max_pool(Onnx *onnx, const Node *node) {
    const OnnxName x = onnx_input(onnx, node, 0), y = windows_name(node);
    if (node->masked) {
        const OnnxName zero = onnx_floats(onnx, node, "zero", 1, (const float[]){0});
        const OnnxName lowest = onnx_floats(onnx, node, "lowest", 1, (const float[]){-FLT_MAX});
        const OnnxName inside = onnx_part(node, "inside"), most = onnx_part(node, "most");
        const OnnxName some = onnx_part(node, "some");
        emit_masked(onnx, node, x.text, lowest.text, inside.text);
        emit_windows(onnx, node, "MaxPool", inside.text, most.text);
        onnx_op(onnx, "Greater", ONNX_INPUTS(most.text, lowest.text), some.text);
        onnx_op(onnx, "Where", ONNX_INPUTS(some.text, most.text, zero.text), y.text);
    } else
        emit_windows(onnx, node, "MaxPool", x.text, y.text);
    finish_windows(onnx, node);
}

/* The mean of the valid positions is the mean of all, the others being 0, divided by the share of the valid
 * ones, which is 1 / window at least where there is one. */
static void emit_average_pool(Onnx *onnx, const Node *node) {
    const OnnxName x = onnx_input(onnx, node, 0), y = windows_name(node);
    if (node->masked) {
        const OnnxName zero = onnx_floats(onnx, node, "zero", 1, (const float[]){0});
        const OnnxName least = onnx_floats(onnx, node, "least", 1, &(float){1 / (float)node->conv.taps});
        const OnnxName inside = onnx_part(node, "inside"), mean = onnx_part(node, "mean");
        const OnnxName valid = onnx_part(node, "valid_float"), share = onnx_part(node, "share");
        const OnnxName divisor = onnx_part(node, "divisor");
        emit_masked(onnx, node, x.text, zero.text, inside.text);
        emit_windows(onnx, node, "AveragePool", inside.text, mean.text);
        onnx_cast(onnx, onnx_mask(onnx, node).text, ONNX_FLOAT, valid.text);
        emit_windows(onnx, node, "AveragePool", valid.text, share.text);
        onnx_op(onnx, "Max", ONNX_INPUTS(share.text, least.text), divisor.text);
        onnx_op(onnx, "Div", ONNX_INPUTS(mean.text, divisor.text), y.text);
    } else
        emit_windows(onnx, node, "AveragePool", x.text, y.text);
    finish_windows(onnx, node);
}

static void emit_position(Onnx *onnx, const Node *node, const char *x, int64_t position) {
    const OnnxName index = onnx_ints(onnx, node, "position", 0, 1, &position);
    const size_t begin = onnx_begin(onnx, "Gather", ONNX_INPUTS(x, index.text), onnx_value(node).text);
    onnx_attribute(onnx, "axis", 2);
    onnx_end(onnx, begin);
}

/* The value at the n-th position, where n are valid, all others being zeros in a sum. */
static void emit_nth(Onnx *onnx, const Node *node, const char *x, const char *zero) {
    const OnnxName number = onnx_steps(onnx, node, "numbers", masked_length(onnx->graph, node), 1, 1);
    const OnnxName axis = onnx_ints(onnx, node, "axis", 1, 1, (const int64_t[]){2});
    const OnnxName integers = onnx_part(node, "mask_ints"), count = onnx_part(node, "valid_count");
    const OnnxName chosen = onnx_part(node, "chosen"), alone = onnx_part(node, "alone");
    onnx_cast(onnx, onnx_mask(onnx, node).text, ONNX_INT64, integers.text);
    onnx_op(onnx, "ReduceSum", ONNX_INPUTS(integers.text, axis.text), count.text);
    onnx_op(onnx, "Equal", ONNX_INPUTS(number.text, count.text), chosen.text);
    onnx_op(onnx, "Where", ONNX_INPUTS(chosen.text, x, zero), alone.text);
    const size_t begin =
        onnx_begin(onnx, "ReduceSum", ONNX_INPUTS(alone.text, axis.text), onnx_value(node).text);
    onnx_attribute(onnx, "keepdims", 0);
    onnx_end(onnx, begin);
}

static void emit_last(Onnx *onnx, const Node *node) {
    const int64_t last = node_input(onnx->graph, node, 0)->shape.size[0] - 1;
    const OnnxName x = onnx_input(onnx, node, 0), inside = onnx_part(node, "inside");
    if (!node->masked) {
        emit_position(onnx, node, x.text, last);
        return;
    }
    const OnnxName zero = onnx_floats(onnx, node, "zero", 1, (const float[]){0});
    if (!node->mask.at_end) {
        emit_nth(onnx, node, x.text, zero.text);
        return;
    }
    emit_masked(onnx, node, x.text, zero.text, inside.text);
    emit_position(onnx, node, inside.text, last);
}

/* The axis of channels, or of positions. */
static int64_t cut_axis(const Node *node) {
    return node->along_positions ? 2 : node->shape.rank == 3 ? 3 : 1;
}

static void emit_slice(Onnx *onnx, const Node *node) {
    const int64_t begin = node->along_positions ? node->slice_begin / node->shape.size[1] : node->slice_begin;
    const int64_t end = begin + node->shape.size[node->along_positions ? 0 : node->shape.rank - 1];
    const OnnxName from = onnx_ints(onnx, node, "begin", 1, 1, &begin);
    const OnnxName to = onnx_ints(onnx, node, "end", 1, 1, &end);
    const OnnxName axis = onnx_ints(onnx, node, "axis", 1, 1, &(int64_t){cut_axis(node)});
    onnx_op(onnx, "Slice", ONNX_INPUTS(onnx_input(onnx, node, 0).text, from.text, to.text, axis.text),
            onnx_value(node).text);
}

static void emit_concat(Onnx *onnx, const Node *node) {
    const size_t begin = begin_as(onnx, node, "Concat");
    onnx_attribute(onnx, "axis", cut_axis(node));
    onnx_end(onnx, begin);
}

/* ---- the list ---- */

static const OnnxOp ops[] = {
    {&op_input_f32, emit_input_f32},
    {&op_input_u8, emit_input_u8},
    {&op_normalise_u8, emit_normalise_u8},
    {&op_embed, onnx_emit_embed},
    {&op_embed_conv1d, onnx_emit_embed_conv1d},
    {&op_conv1d, onnx_emit_conv1d},
    {&op_folded_conv1d, onnx_emit_conv1d},
    {&op_depthwise_conv1d, onnx_emit_depthwise_conv1d},
    {&op_linear, onnx_emit_linear},
    {&op_gru, onnx_emit_gru},
    {&op_lstm, onnx_emit_lstm},
    {&op_batch_norm, onnx_emit_batch_norm},
    {&op_layer_norm, onnx_emit_layer_norm},
    {&op_relu, emit_relu},
    {&op_sigmoid, emit_sigmoid},
    {&op_tanh, emit_tanh},
    {&op_gelu, emit_gelu},
    {&op_add, emit_add},
    {&op_mul, emit_mul},
    {&op_dropout, emit_identity},
    {&op_branch_dropout, emit_identity},
    {&op_mask, emit_mask},
    {&op_max_pool, emit_max_pool},
    {&op_average_pool, emit_average_pool},
    {&op_last, emit_last},
    {&op_slice, emit_slice},
    {&op_concat, emit_concat},
    {&op_sigmoid_loss, NULL},
    {&op_softmax_loss, NULL},
};

const OnnxOp *onnx_find(const OpClass *op) {
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (ops[i].op == op) return &ops[i];
    return NULL;
}

void onnx_emit(Onnx *onnx, const Node *node) {
    if (node->masked && mask_owner(onnx, node) == node) emit_own_mask(onnx, node);
    onnx_find(node->op)->emit(onnx, node);
}
