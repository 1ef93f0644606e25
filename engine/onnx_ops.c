/* The ONNX operators that each op stands for.
 * Relies on: onnx_write.h; the operators are those of the ONNX operator set 17.
 * Relied on by: onnx.c. */
#include "engine/onnx_write.h"

#include <float.h>

/* The tensor of an input's value. */
static OnnxName input(const Onnx *onnx, const Node *node, int32_t index) {
    return onnx_value(node_input(onnx->graph, node, index));
}

/* ---- masks ---- */

/* Positions that a node's mask is about: those of a pool's input, of the others' value. */
static int32_t masked_length(const Graph *graph, const Node *node) {
    const bool pool = node->op == &op_max_pool || node->op == &op_average_pool;
    return (pool ? node_input(graph, node, 0) : node)->shape.size[0];
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

/* Which positions are valid, bool [N, 1, L]. */
static OnnxName mask_name(const Onnx *onnx, const Node *node) {
    return onnx_part(mask_owner(onnx, node), "mask");
}

/* Position t is among the first ceil(n / stride) if t * stride < n. */
static void emit_mask_of(Onnx *onnx, const Node *node) {
    const int32_t length = masked_length(onnx->graph, node);
    int64_t positions[UINT8_MAX] = {0};
    for (int32_t t = 0; t < length; t++)
        positions[t] = (int64_t)node->mask.stride * (node->mask.at_end ? length - 1 - t : t);
    const OnnxName position = onnx_ints(onnx, node, "positions", 1, length, positions);
    const OnnxName axis = onnx_ints(onnx, node, "mask_axis", 1, 1, (const int64_t[]){1});
    const OnnxName lengths = onnx_part(node, "lengths"), valid = onnx_part(node, "valid");
    onnx_cast(onnx, onnx->graph->nodes[node->mask.lengths].name, ONNX_INT64, lengths.text);
    onnx_op(onnx, "Less", ONNX_INPUTS(position.text, lengths.text), valid.text);
    onnx_op(onnx, "Unsqueeze", ONNX_INPUTS(valid.text, axis.text), mask_name(onnx, node).text);
}

/* y = x [N, C, L] where the mask holds, else `other`. */
static void emit_masked(Onnx *onnx, const Node *node, const char *x, const char *other, const char *y) {
    onnx_op(onnx, "Where", ONNX_INPUTS(mask_name(onnx, node).text, x, other), y);
}

/* What a layer computes goes through ReLU and mask as far as it has them: the name of the tensor before, and
 * the operators from there to the node's value. */
static OnnxName before_finish(const Node *node) {
    return node->conv.relu || node->masked ? onnx_part(node, "sum") : onnx_value(node);
}

static void finish(Onnx *onnx, const Node *node) {
    const OnnxName value = onnx_value(node), before = before_finish(node);
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

/* ---- layers ---- */

/* Ids [N, L, F] as rows of the table; an id beyond its vocabulary selects a row of zeros behind the table. */
static OnnxName embed_rows(Onnx *onnx, const Node *node, bool bounded) {
    int64_t offsets[EMBED_MAX_FIELDS], sizes[EMBED_MAX_FIELDS];
    for (int32_t f = 0; f < node->fields; f++) {
        offsets[f] = node->offsets[f];
        sizes[f] = node->offsets[f + 1] - node->offsets[f];
    }
    OnnxName rows = onnx_part(node, "ids");
    const OnnxName ids = rows;
    onnx_cast(onnx, node_input(onnx->graph, node, 0)->name, ONNX_INT64, ids.text);
    if (node->fields > 1) {
        const OnnxName offset = onnx_ints(onnx, node, "offsets", 1, node->fields, offsets);
        rows = onnx_part(node, "rows");
        onnx_op(onnx, "Add", ONNX_INPUTS(ids.text, offset.text), rows.text);
    }
    if (!bounded) return rows;
    const OnnxName size = onnx_ints(onnx, node, "vocabulary", 1, node->fields, sizes);
    const OnnxName none = onnx_ints(onnx, node, "no_row", 1, 1, &(int64_t){node->offsets[node->fields]});
    const OnnxName known = onnx_part(node, "known"), safe = onnx_part(node, "safe_rows");
    onnx_op(onnx, "Less", ONNX_INPUTS(ids.text, size.text), known.text);
    onnx_op(onnx, "Where", ONNX_INPUTS(known.text, rows.text, none.text), safe.text);
    return safe;
}

static void emit_embed(Onnx *onnx, const Node *node) {
    const int64_t rows = node->offsets[node->fields], channels = node->conv.out_channels;
    bool bounded = false; /* there are u8 ids beyond a vocabulary */
    for (int32_t f = 0; f < node->fields; f++)
        bounded = bounded || node->offsets[f + 1] - node->offsets[f] <= UINT8_MAX;
    const OnnxName row = embed_rows(onnx, node, bounded);
    const char *table =
        onnx_parameter(onnx, node, 0, 2, (const int64_t[]){rows, channels}, (const int64_t[]){channels, 1});
    const OnnxName padded = onnx_part(node, "padded_table");
    if (bounded) {
        const OnnxName zeros = onnx_part(node, "zero_row");
        const OnnxName shape = onnx_ints(onnx, node, "row_shape", 1, 2, (const int64_t[]){1, channels});
        onnx_op(onnx, "ConstantOfShape", ONNX_INPUTS(shape.text), zeros.text);
        const size_t concat = onnx_begin(onnx, "Concat", ONNX_INPUTS(table, zeros.text), padded.text);
        onnx_attribute(onnx, "axis", 0);
        onnx_end(onnx, concat);
    }
    const OnnxName each = onnx_part(node, "embeddings"), sum = onnx_part(node, "embedding");
    onnx_op(onnx, "Gather", ONNX_INPUTS(bounded ? padded.text : table, row.text), each.text);
    const OnnxName axis = onnx_ints(onnx, node, "fields", 1, 1, (const int64_t[]){2});
    const bool one = node->fields == 1;
    const size_t reduce =
        onnx_begin(onnx, one ? "Squeeze" : "ReduceSum", ONNX_INPUTS(each.text, axis.text), sum.text);
    if (!one) onnx_attribute(onnx, "keepdims", 0);
    onnx_end(onnx, reduce);
    onnx_transpose(onnx, sum.text, before_finish(node).text);
    finish(onnx, node);
}

/* Convolutions of both kinds; the padding behind is what the last window reaches beyond the end. */
static void emit_conv(Onnx *onnx, const Node *node, int64_t groups, const int64_t dims[3],
                      const int64_t strides[3]) {
    const KernelConv1d *conv = &node->conv;
    const int32_t length = node_input(onnx->graph, node, 0)->shape.size[0];
    const int64_t reach = (int64_t)(conv->taps - 1) * conv->dilation;
    const int64_t end = (int64_t)(node->shape.size[0] - 1) * conv->stride - conv->left + reach + 1;
    const int64_t pads[2] = {conv->left, end > length ? end - length : 0};
    const char *weight = onnx_parameter(onnx, node, 0, 3, dims, strides);
    const char *bias = onnx_parameter(onnx, node, 1, 1, &(int64_t){conv->out_channels}, &(int64_t){1});
    const OnnxName x = input(onnx, node, 0), y = before_finish(node);
    const size_t op = onnx_begin(onnx, "Conv", ONNX_INPUTS(x.text, weight, bias), y.text);
    onnx_attributes(onnx, "kernel_shape", 1, &(int64_t){conv->taps});
    onnx_attributes(onnx, "strides", 1, &(int64_t){conv->stride});
    onnx_attributes(onnx, "dilations", 1, &(int64_t){conv->dilation});
    onnx_attributes(onnx, "pads", 2, pads);
    onnx_attribute(onnx, "group", groups);
    onnx_end(onnx, op);
    finish(onnx, node);
}

static void emit_conv1d(Onnx *onnx, const Node *node) {
    const int64_t in = node->conv.in_channels, out = node->conv.out_channels;
    emit_conv(onnx, node, 1, (const int64_t[]){out, in, node->conv.taps},
              (const int64_t[]){1, out, in * out});
}

static void emit_depthwise_conv1d(Onnx *onnx, const Node *node) {
    const int64_t channels = node->conv.out_channels;
    emit_conv(onnx, node, channels, (const int64_t[]){channels, 1, node->conv.taps},
              (const int64_t[]){1, 0, channels});
}

static void emit_linear(Onnx *onnx, const Node *node) {
    const int64_t in = node->conv.in_channels, out = node->conv.out_channels;
    const char *weight =
        onnx_parameter(onnx, node, 0, 2, (const int64_t[]){in, out}, (const int64_t[]){out, 1});
    const char *bias = onnx_parameter(onnx, node, 1, 1, &out, &(int64_t){1});
    onnx_op(onnx, "Gemm", ONNX_INPUTS(input(onnx, node, 0).text, weight, bias), before_finish(node).text);
    finish(onnx, node);
}

/* ---- element by element ---- */

static void emit_relu(Onnx *onnx, const Node *node) {
    onnx_op(onnx, "Relu", ONNX_INPUTS(input(onnx, node, 0).text), onnx_value(node).text);
}

static void emit_identity(Onnx *onnx, const Node *node) {
    onnx_op(onnx, "Identity", ONNX_INPUTS(input(onnx, node, 0).text), onnx_value(node).text);
}

static void emit_pair(Onnx *onnx, const Node *node) {
    onnx_op(onnx, node->op == &op_add ? "Add" : "Mul",
            ONNX_INPUTS(input(onnx, node, 0).text, input(onnx, node, 1).text), onnx_value(node).text);
}

/* ---- moving and selecting ---- */

static void emit_mask(Onnx *onnx, const Node *node) {
    const OnnxName zero = onnx_floats(onnx, node, "zero", 1, (const float[]){0});
    emit_masked(onnx, node, input(onnx, node, 0).text, zero.text, onnx_value(node).text);
}

/* MaxPool or AveragePool over the node's windows, [N, C, L] -> [N, C, L']. */
static void emit_windows(Onnx *onnx, const Node *node, const char *op, const char *x, const char *y) {
    const size_t begin = onnx_begin(onnx, op, ONNX_INPUTS(x), y);
    onnx_attributes(onnx, "kernel_shape", 1, &(int64_t){node->conv.taps});
    onnx_attributes(onnx, "strides", 1, &(int64_t){node->conv.stride});
    onnx_end(onnx, begin);
}

/* The windows of a pool; the only one of a global pool is a vector. */
static OnnxName windows_name(const Node *node) {
    return node->shape.rank == 1 ? onnx_part(node, "window") : onnx_value(node);
}

static void finish_windows(Onnx *onnx, const Node *node) {
    if (node->shape.rank != 1) return;
    const OnnxName axis = onnx_ints(onnx, node, "axis", 1, 1, (const int64_t[]){2});
    onnx_op(onnx, "Squeeze", ONNX_INPUTS(windows_name(node).text, axis.text), onnx_value(node).text);
}

/* The maximum of no valid position is the lowest float, which becomes 0. */
static void emit_max_pool(Onnx *onnx, const Node *node) {
    const OnnxName x = input(onnx, node, 0), y = windows_name(node);
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
    const OnnxName x = input(onnx, node, 0), y = windows_name(node);
    if (node->masked) {
        const OnnxName zero = onnx_floats(onnx, node, "zero", 1, (const float[]){0});
        const OnnxName least = onnx_floats(onnx, node, "least", 1, &(float){1 / (float)node->conv.taps});
        const OnnxName inside = onnx_part(node, "inside"), mean = onnx_part(node, "mean");
        const OnnxName valid = onnx_part(node, "valid_float"), share = onnx_part(node, "share");
        const OnnxName divisor = onnx_part(node, "divisor");
        emit_masked(onnx, node, x.text, zero.text, inside.text);
        emit_windows(onnx, node, "AveragePool", inside.text, mean.text);
        onnx_cast(onnx, mask_name(onnx, node).text, ONNX_FLOAT, valid.text);
        emit_windows(onnx, node, "AveragePool", valid.text, share.text);
        onnx_op(onnx, "Max", ONNX_INPUTS(share.text, least.text), divisor.text);
        onnx_op(onnx, "Div", ONNX_INPUTS(mean.text, divisor.text), y.text);
    } else
        emit_windows(onnx, node, "AveragePool", x.text, y.text);
    finish_windows(onnx, node);
}

static void emit_last(Onnx *onnx, const Node *node) {
    const int64_t last = node_input(onnx->graph, node, 0)->shape.size[0] - 1;
    const OnnxName index = onnx_ints(onnx, node, "position", 0, 1, &last);
    const size_t begin =
        onnx_begin(onnx, "Gather", ONNX_INPUTS(input(onnx, node, 0).text, index.text), onnx_value(node).text);
    onnx_attribute(onnx, "axis", 2);
    onnx_end(onnx, begin);
}

static void emit_slice(Onnx *onnx, const Node *node) {
    const int64_t begin = node->slice_begin, end = begin + node->shape.size[0];
    const OnnxName from = onnx_ints(onnx, node, "begin", 1, 1, &begin);
    const OnnxName to = onnx_ints(onnx, node, "end", 1, 1, &end);
    const OnnxName axis = onnx_ints(onnx, node, "axis", 1, 1, (const int64_t[]){1});
    onnx_op(onnx, "Slice", ONNX_INPUTS(input(onnx, node, 0).text, from.text, to.text, axis.text),
            onnx_value(node).text);
}

static void emit_concat(Onnx *onnx, const Node *node) {
    OnnxName names[GRAPH_MAX_INPUTS];
    const char *inputs[GRAPH_MAX_INPUTS + 1] = {NULL};
    for (int32_t i = 0; i < node->n_inputs; i++) {
        names[i] = input(onnx, node, i);
        inputs[i] = names[i].text;
    }
    const size_t begin = onnx_begin(onnx, "Concat", inputs, onnx_value(node).text);
    onnx_attribute(onnx, "axis", 1);
    onnx_end(onnx, begin);
}

/* ---- the list ---- */

static const OnnxOp ops[] = {
    {&op_input_f32, emit_input_f32},
    {&op_input_u8, emit_input_u8},
    {&op_embed, emit_embed},
    {&op_conv1d, emit_conv1d},
    {&op_depthwise_conv1d, emit_depthwise_conv1d},
    {&op_linear, emit_linear},
    {&op_relu, emit_relu},
    {&op_mask, emit_mask},
    {&op_max_pool, emit_max_pool},
    {&op_average_pool, emit_average_pool},
    {&op_last, emit_last},
    {&op_slice, emit_slice},
    {&op_concat, emit_concat},
    {&op_add, emit_pair},
    {&op_mul, emit_pair},
    {&op_normalise_u8, emit_normalise_u8},
    {&op_dropout, emit_identity},
    {&op_branch_dropout, emit_identity},
    {&op_sigmoid_loss, NULL},
};

const OnnxOp *onnx_find(const OpClass *op) {
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (ops[i].op == op) return &ops[i];
    return NULL;
}

void onnx_emit(Onnx *onnx, const Node *node) {
    if (node->masked && mask_owner(onnx, node) == node) emit_mask_of(onnx, node);
    onnx_find(node->op)->emit(onnx, node);
}
