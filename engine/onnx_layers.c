/* The ONNX operators of the ops with parameters.
 * Relies on: onnx_write.h; the operators are those of the ONNX operator set 17.
 * Relied on by: onnx_ops.c. */
#include "engine/onnx_write.h"

/* ---- embed ---- */

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

/* The table with a row of zeros behind it; shape is that of the table. */
static OnnxName embed_padded(Onnx *onnx, const Node *node, const char *table, int32_t rank,
                             const int64_t *shape) {
    const int64_t row[3] = {1, shape[1], shape[2]};
    const OnnxName zeros = onnx_part(node, "zero_row"), padded = onnx_part(node, "padded_table");
    const OnnxName row_shape = onnx_ints(onnx, node, "row_shape", 1, rank, row);
    onnx_op(onnx, "ConstantOfShape", ONNX_INPUTS(row_shape.text), zeros.text);
    const size_t concat = onnx_begin(onnx, "Concat", ONNX_INPUTS(table, zeros.text), padded.text);
    onnx_attribute(onnx, "axis", 0);
    onnx_end(onnx, concat);
    return padded;
}

/* The rows of all fields added up: [N, L, channels], or with taps [N, L, channels, taps]. */
static OnnxName embed_sum(Onnx *onnx, const Node *node) {
    const int64_t rows = node->offsets[node->fields], channels = node->conv.out_channels;
    const int64_t shape[3] = {rows, channels, node->conv.taps}, strides[3] = {channels, 1, rows * channels};
    const int32_t rank = node->op == &op_embed ? 2 : 3;
    bool bounded = false; /* there are u8 ids beyond a vocabulary */
    for (int32_t f = 0; f < node->fields; f++)
        bounded = bounded || node->offsets[f + 1] - node->offsets[f] <= UINT8_MAX;
    const OnnxName row = embed_rows(onnx, node, bounded);
    const char *table = onnx_parameter(onnx, node, 0, rank, shape, strides);
    const OnnxName padded = bounded ? embed_padded(onnx, node, table, rank, shape) : (OnnxName){0};
    const OnnxName each = onnx_part(node, "embeddings"), sum = onnx_part(node, "embedding");
    onnx_op(onnx, "Gather", ONNX_INPUTS(bounded ? padded.text : table, row.text), each.text);
    const OnnxName axis = onnx_ints(onnx, node, "fields", 1, 1, (const int64_t[]){2});
    const bool one = node->fields == 1;
    const size_t reduce =
        onnx_begin(onnx, one ? "Squeeze" : "ReduceSum", ONNX_INPUTS(each.text, axis.text), sum.text);
    if (!one) onnx_attribute(onnx, "keepdims", 0);
    onnx_end(onnx, reduce);
    return sum;
}

void onnx_emit_embed(Onnx *onnx, const Node *node) {
    const OnnxName sum = embed_sum(onnx, node);
    onnx_transpose(onnx, sum.text, onnx_before_finish(node).text);
    onnx_finish(onnx, node);
}

/* ---- convolutions and linear ---- */

/* The padding behind is what the last window reaches beyond the end. */
static void emit_conv(Onnx *onnx, const Node *node, const char *x, const char *weight, int64_t groups) {
    const KernelConv1d *conv = &node->conv;
    const int32_t length = node_input(onnx->graph, node, 0)->shape.size[0];
    const int64_t reach = (int64_t)(conv->taps - 1) * conv->dilation;
    const int64_t end = (int64_t)(node->shape.size[0] - 1) * conv->stride - conv->left + reach + 1;
    const int64_t pads[2] = {conv->left, end > length ? end - length : 0};
    const char *biases = onnx_parameter(onnx, node, 1, 1, &(int64_t){conv->out_channels}, &(int64_t){1});
    const OnnxName y = onnx_before_finish(node);
    const size_t op = onnx_begin(onnx, "Conv", ONNX_INPUTS(x, weight, biases), y.text);
    onnx_attributes(onnx, "kernel_shape", 1, &(int64_t){conv->taps});
    onnx_attributes(onnx, "strides", 1, &(int64_t){conv->stride});
    onnx_attributes(onnx, "dilations", 1, &(int64_t){conv->dilation});
    onnx_attributes(onnx, "pads", 2, pads);
    onnx_attribute(onnx, "group", groups);
    onnx_end(onnx, op);
    onnx_finish(onnx, node);
}

/* What an id adds at each tap becomes a channel of its own, [N, channels * taps, L]; the convolution then
 * picks from each position what it adds at that tap. */
void onnx_emit_embed_conv1d(Onnx *onnx, const Node *node) {
    const int64_t channels = node->conv.out_channels, taps = node->conv.taps;
    const OnnxName sum = embed_sum(onnx, node), row = onnx_part(node, "tap_row");
    const OnnxName each = onnx_part(node, "each_tap"), inside = onnx_part(node, "inside");
    const OnnxName shape = onnx_ints(onnx, node, "tap_shape", 1, 3, (const int64_t[]){0, 0, channels * taps});
    onnx_op(onnx, "Reshape", ONNX_INPUTS(sum.text, shape.text), row.text);
    onnx_transpose(onnx, row.text, each.text);
    if (node->masked) onnx_mask_input(onnx, node, each.text, inside.text);
    const OnnxName weight = onnx_identities(onnx, node, "pick", channels, taps);
    emit_conv(onnx, node, node->masked ? inside.text : each.text, weight.text, channels);
}

static void emit_plain_conv(Onnx *onnx, const Node *node, int64_t groups, const int64_t *dims,
                            const int64_t *strides) {
    const char *weight = onnx_parameter(onnx, node, 0, 3, dims, strides);
    emit_conv(onnx, node, onnx_input(onnx, node, 0).text, weight, groups);
}

void onnx_emit_conv1d(Onnx *onnx, const Node *node) {
    const int64_t groups = node->conv.groups ? node->conv.groups : 1;
    const int64_t in = node->conv.in_channels / groups, out = node->conv.out_channels;
    emit_plain_conv(onnx, node, groups, (const int64_t[]){out, in, node->conv.taps},
                    (const int64_t[]){1, out, in * out});
}

void onnx_emit_depthwise_conv1d(Onnx *onnx, const Node *node) {
    const int64_t channels = node->conv.out_channels;
    emit_plain_conv(onnx, node, channels, (const int64_t[]){channels, 1, node->conv.taps},
                    (const int64_t[]){1, 0, channels});
}

void onnx_emit_linear(Onnx *onnx, const Node *node) {
    const int64_t in = node->conv.in_channels, out = node->conv.out_channels;
    const char *weight =
        onnx_parameter(onnx, node, 0, 2, (const int64_t[]){in, out}, (const int64_t[]){out, 1});
    const char *bias = onnx_parameter(onnx, node, 1, 1, &out, &(int64_t){1});
    onnx_op(onnx, "Gemm", ONNX_INPUTS(onnx_input(onnx, node, 0).text, weight, bias),
            onnx_before_finish(node).text);
    onnx_finish(onnx, node);
}

/* ---- normalisations ---- */

/* ONNX has the channels of batch_norm second, which they are but for rank 3. */
void onnx_emit_batch_norm(Onnx *onnx, const Node *node) {
    static const char *const parts[] = {"second", "normal"};
    const int64_t channels = node->shape.size[node->shape.rank - 1], one = 1;
    const bool turn = node->shape.rank == 3;
    const char *parameters[4];
    for (int32_t i = 0; i < 4; i++)
        parameters[i] = onnx_parameter(onnx, node, i, 1, &channels, &one);
    const OnnxName value = onnx_before_finish(node);
    OnnxName x = onnx_input(onnx, node, 0);
    if (turn) {
        const OnnxName second = onnx_part(node, parts[0]);
        onnx_permute(onnx, x.text, 4, (const int64_t[]){0, 3, 1, 2}, second.text);
        x = second;
    }
    const OnnxName y = turn ? onnx_part(node, parts[1]) : value;
    const size_t begin =
        onnx_begin(onnx, "BatchNormalization",
                   ONNX_INPUTS(x.text, parameters[0], parameters[1], parameters[2], parameters[3]), y.text);
    onnx_attribute_float(onnx, "epsilon", node->epsilon);
    onnx_end(onnx, begin);
    if (turn) onnx_permute(onnx, y.text, 4, (const int64_t[]){0, 2, 3, 1}, value.text);
    onnx_finish(onnx, node);
}

/* ... and those of layer_norm last, which they are but for sequences. */
void onnx_emit_layer_norm(Onnx *onnx, const Node *node) {
    const int64_t channels = node->shape.size[node->shape.rank - 1], one = 1;
    const bool turn = node->shape.rank == 2;
    const char *weight = onnx_parameter(onnx, node, 0, 1, &channels, &one);
    const char *bias = onnx_parameter(onnx, node, 1, 1, &channels, &one);
    const OnnxName value = onnx_before_finish(node);
    OnnxName x = onnx_input(onnx, node, 0);
    if (turn) {
        const OnnxName last = onnx_part(node, "last");
        onnx_transpose(onnx, x.text, last.text);
        x = last;
    }
    const OnnxName y = turn ? onnx_part(node, "normal") : value;
    const size_t begin = onnx_begin(onnx, "LayerNormalization", ONNX_INPUTS(x.text, weight, bias), y.text);
    onnx_attribute(onnx, "axis", -1);
    onnx_attribute_float(onnx, "epsilon", node->epsilon);
    onnx_end(onnx, begin);
    if (turn) onnx_transpose(onnx, y.text, value.text);
    onnx_finish(onnx, node);
}

/* ---- recurrent layers ---- */

enum { GATES_MAX = 4 };

/* An operator, and where in its order of gates ours are. */
typedef struct Cell {
    const char *op;
    int32_t gates;
    int64_t order[GATES_MAX];
} Cell;

/* Parameter `index`, [width][gates * hidden] or (width 0) [gates * hidden] in ours, as [gates, hidden(,
 * width)] with the gates in ONNX's order. */
static OnnxName emit_gates(Onnx *onnx, const Node *node, const Cell *cell, int32_t index, int64_t width,
                           const char *part) {
    const int64_t hidden = node->shape.size[1], gates = cell->gates;
    const OnnxName ordered = onnx_part(node, part), order = onnx_part(node, "gates");
    const char *parameter =
        onnx_parameter(onnx, node, index, width ? 3 : 2, (const int64_t[]){gates, hidden, width},
                       (const int64_t[]){hidden, 1, gates * hidden});
    onnx_op(onnx, "Gather", ONNX_INPUTS(parameter, order.text), ordered.text);
    return ordered;
}

/* One direction has one row of everything: [1, gates * hidden, width], and for both biases [1, 2 * gates *
 * hidden]. */
static OnnxName emit_weight(Onnx *onnx, const Node *node, const Cell *cell, int32_t index, int64_t width,
                            const char *part) {
    const int64_t shape[] = {1, (int64_t)cell->gates * node->shape.size[1], width};
    const OnnxName ordered = emit_gates(onnx, node, cell, index, width, index ? "s_ordered" : "i_ordered");
    const OnnxName dims = onnx_ints(onnx, node, index ? "s_dims" : "i_dims", 1, 3, shape);
    const OnnxName weight = onnx_part(node, part);
    onnx_op(onnx, "Reshape", ONNX_INPUTS(ordered.text, dims.text), weight.text);
    return weight;
}

static OnnxName emit_biases(Onnx *onnx, const Node *node, const Cell *cell) {
    const int64_t shape[] = {1, 2 * (int64_t)cell->gates * node->shape.size[1]};
    const OnnxName first = emit_gates(onnx, node, cell, 2, 0, "i_biases");
    const OnnxName second = emit_gates(onnx, node, cell, 3, 0, "s_biases");
    const OnnxName both = onnx_part(node, "both_biases"), biases = onnx_part(node, "biases");
    const size_t begin = onnx_begin(onnx, "Concat", ONNX_INPUTS(first.text, second.text), both.text);
    onnx_attribute(onnx, "axis", 0);
    onnx_end(onnx, begin);
    const OnnxName dims = onnx_ints(onnx, node, "b_dims", 1, 2, shape);
    onnx_op(onnx, "Reshape", ONNX_INPUTS(both.text, dims.text), biases.text);
    return biases;
}

/* How many positions are valid, i32 [N], but at least 1: a row without any is masked anyway. */
static OnnxName emit_valid_count(Onnx *onnx, const Node *node) {
    const OnnxName integers = onnx_part(node, "mask_ints"), sum = onnx_part(node, "valid_sum");
    const OnnxName least = onnx_part(node, "valid_least"), count = onnx_part(node, "valid_count");
    const OnnxName axes = onnx_ints(onnx, node, "count_axes", 1, 2, (const int64_t[]){1, 2});
    const OnnxName one = onnx_ints(onnx, node, "one", 1, 1, (const int64_t[]){1});
    onnx_cast(onnx, onnx_mask(onnx, node).text, ONNX_INT64, integers.text);
    const size_t begin = onnx_begin(onnx, "ReduceSum", ONNX_INPUTS(integers.text, axes.text), sum.text);
    onnx_attribute(onnx, "keepdims", 0);
    onnx_end(onnx, begin);
    onnx_op(onnx, "Max", ONNX_INPUTS(sum.text, one.text), least.text);
    onnx_cast(onnx, least.text, ONNX_INT32, count.text);
    return count;
}

/* y = x [N, C, L] from the last position to the first. */
static void emit_flip(Onnx *onnx, const Node *node, const char *x, const char *y) {
    onnx_op(onnx, "Slice",
            ONNX_INPUTS(x, onnx_part(node, "flip_from").text, onnx_part(node, "flip_to").text,
                        onnx_part(node, "flip_axis").text, onnx_part(node, "flip_step").text),
            y);
}

static void emit_cell(Onnx *onnx, const Node *node, const Cell *cell, const char *x, bool reverse,
                      const char *y) {
    const OnnxName input_weight = emit_weight(onnx, node, cell, 0, node->conv.in_channels, "weight_i");
    const OnnxName state_weight = emit_weight(onnx, node, cell, 1, node->shape.size[1], "weight_s");
    const OnnxName biases = emit_biases(onnx, node, cell);
    const OnnxName count = node->masked ? emit_valid_count(onnx, node) : (OnnxName){0};
    const char *const inputs[] = {
        x, input_weight.text, state_weight.text, biases.text, node->masked ? count.text : NULL, NULL};
    const size_t begin = onnx_begin(onnx, cell->op, inputs, y);
    onnx_attribute(onnx, "hidden_size", node->shape.size[1]);
    onnx_attribute_text(onnx, "direction", reverse ? "reverse" : "forward");
    if (node->op == &op_gru) onnx_attribute(onnx, "linear_before_reset", 1);
    onnx_end(onnx, begin);
}

/* ONNX takes [L, N, C], gives [L, 1, N, hidden], and knows valid positions at the front only: where they are
 * at the end, the sequence is flipped before and after. */
static void emit_recurrent(Onnx *onnx, const Node *node, const Cell *cell) {
    const bool flip = node->masked && node->mask.at_end;
    const OnnxName flipped = onnx_part(node, "flipped"), steps = onnx_part(node, "steps");
    const OnnxName states = onnx_part(node, "states"), hidden = onnx_part(node, "hidden");
    const OnnxName result = onnx_part(node, "result"), y = onnx_before_finish(node);
    OnnxName x = onnx_input(onnx, node, 0);
    onnx_ints(onnx, node, "gates", 1, cell->gates, cell->order);
    if (flip) {
        onnx_ints(onnx, node, "flip_from", 1, 1, (const int64_t[]){-1});
        onnx_ints(onnx, node, "flip_to", 1, 1, &(int64_t){-(int64_t)node->shape.size[0] - 1});
        onnx_ints(onnx, node, "flip_axis", 1, 1, (const int64_t[]){2});
        onnx_ints(onnx, node, "flip_step", 1, 1, (const int64_t[]){-1});
        emit_flip(onnx, node, x.text, flipped.text);
        x = flipped;
    }
    onnx_permute(onnx, x.text, 3, (const int64_t[]){2, 0, 1}, steps.text);
    emit_cell(onnx, node, cell, steps.text, node->reverse != flip, states.text);
    const OnnxName axis = onnx_ints(onnx, node, "direction", 1, 1, (const int64_t[]){1});
    onnx_op(onnx, "Squeeze", ONNX_INPUTS(states.text, axis.text), hidden.text);
    onnx_permute(onnx, hidden.text, 3, (const int64_t[]){1, 2, 0}, flip ? result.text : y.text);
    if (flip) emit_flip(onnx, node, result.text, y.text);
    onnx_finish(onnx, node);
}

void onnx_emit_gru(Onnx *onnx, const Node *node) {
    emit_recurrent(onnx, node, &(Cell){"GRU", 3, {1, 0, 2}}); /* r, z, n -> z, r, n */
}

void onnx_emit_lstm(Onnx *onnx, const Node *node) {
    emit_recurrent(onnx, node, &(Cell){"LSTM", 4, {0, 3, 1, 2}}); /* i, f, g, o -> i, o, f, g */
}
