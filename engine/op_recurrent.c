/* Recurrent ops: gru, lstm.
 * Relies on: ops.h, libm.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <math.h>
#include <string.h>

/* conv is the product of all positions with the input weights; the product with the state is made step by
 * step, for the rows of the chunk together. */
enum { INPUT_WEIGHT, STATE_WEIGHT, INPUT_BIAS, STATE_BIAS };

/* What a chunk of n rows keeps from forward to backward, in its rows' part of node->saved. Time comes first:
 * the rows of one step lie together. Step s is position s, or L - 1 - s when reversed. */
typedef struct Tape {
    float *x;                 /* [L][n][C] */
    float *h, *c;             /* [L + 1][n][H]: states before each step; c is lstm's */
    float *gates;             /* [L][n][G * H]: after their activations */
    float *side;              /* [L][n][G * H]: what the state contributes to the gates */
    float *gate_slopes;       /* [L][n][G * H]: of the input's contribution */
    float *side_slopes;       /* [L][n][G * H]: of the state's */
    float *x_slopes;          /* [L][n][C] */
    float *h_slope, *c_slope; /* [n][H] */
} Tape;

/* One row of one step. */
typedef struct Step {
    size_t hidden;
    float *gates, *side;
    const float *h, *c;     /* before */
    float *next_h, *next_c; /* after */
} Step;

/* A kind of cell. `forward` gets gates and side before they are added, and leaves what backward needs in
 * them. `backward` gets the slopes of next_h and next_c and replaces them by those of h (without what goes
 * through the gates) and c. */
typedef struct Cell {
    int32_t gates;
    void (*forward)(const Kernels *kernels, const Step *step);
    void (*backward)(const Step *step, float *gate_slopes, float *side_slopes, float *h_slope,
                     float *c_slope);
} Cell;

static int32_t hidden_of(const Node *node) {
    return node->shape.size[1];
}

static KernelConv1d state_product(const Node *node) {
    KernelConv1d product = node->conv;
    product.in_channels = hidden_of(node);
    return product;
}

static float *state_packed(const Node *node) {
    return node->packed + kernel_conv1d_plan(&node->conv).packed_floats;
}

static float *take(float **from, size_t count) {
    float *taken = *from;
    *from += count;
    return taken;
}

static size_t tape_floats(const Node *node) {
    const size_t length = (size_t)node->shape.size[0], hidden = (size_t)hidden_of(node);
    const size_t channels = (size_t)node->conv.in_channels, gates = (size_t)node->conv.out_channels;
    return 2 * length * channels + 2 * (length + 1) * hidden + 4 * length * gates + 2 * hidden;
}

static Tape tape_of(const Node *node, const OpChunk *chunk) {
    const size_t rows = (size_t)chunk->rows, length = (size_t)node->shape.size[0];
    const size_t states = rows * (size_t)hidden_of(node), inputs = rows * (size_t)node->conv.in_channels,
                 gates = rows * (size_t)node->conv.out_channels;
    float *at = (float *)node->saved + (size_t)chunk->begin * tape_floats(node);
    return (Tape){.x = take(&at, length * inputs),
                  .h = take(&at, (length + 1) * states),
                  .c = take(&at, (length + 1) * states),
                  .gates = take(&at, length * gates),
                  .side = take(&at, length * gates),
                  .gate_slopes = take(&at, length * gates),
                  .side_slopes = take(&at, length * gates),
                  .x_slopes = take(&at, length * inputs),
                  .h_slope = take(&at, states),
                  .c_slope = take(&at, states)};
}

static bool recurrent_shape(Graph *graph, Node *node, const Cell *cell) {
    if (!input_check(graph, node, 0, GRAPH_F32, 2, "[N, L, C]")) return false;
    const GraphShape x = node_input(graph, node, 0)->shape;
    const int32_t hidden = hidden_of(node), limit = 1 << 14;
    if (hidden < 1 || hidden > limit)
        return graph_fail(graph, node, CORE_SHAPE, "a state of %d channels is not in 1 .. %d", (int)hidden,
                          (int)limit);
    if (x.size[0] > INT32_MAX / graph->max_batch)
        return graph_fail(graph, node, CORE_LIMIT, "%d positions with N = %d are too many", (int)x.size[0],
                          (int)graph->max_batch);
    const int32_t gates = cell->gates * hidden;
    node->shape = graph_sequence(x.size[0], hidden);
    node->conv = (KernelConv1d){
        .in_channels = x.size[1], .out_channels = gates, .taps = 1, .stride = 1, .dilation = 1};
    const KernelConv1d state = state_product(node);
    node->packed_floats =
        kernel_conv1d_plan(&node->conv).packed_floats + kernel_conv1d_plan(&state).packed_floats;
    node->saved_bytes = tape_floats(node) * sizeof(float);
    const float bound = 1 / sqrtf((float)hidden);
    return mask_check(graph, node, x.size[0]) &&
           graph_declare(graph, node, "input_weight", graph_sequence(x.size[1], gates), bound, true) &&
           graph_declare(graph, node, "state_weight", graph_sequence(hidden, gates), bound, true) &&
           graph_declare(graph, node, "input_bias", graph_vector(gates), 0, false) &&
           graph_declare(graph, node, "state_bias", graph_vector(gates), 0, false);
}

/* ---- the passes ---- */

static int32_t position_of(const Node *node, int32_t step) {
    return node->reverse ? node->shape.size[0] - 1 - step : step;
}

static bool is_valid(const Graph *graph, const Node *node, int32_t row, int32_t step) {
    const KernelRange valid = node_valid(graph, node, row, node->shape.size[0]);
    const int32_t position = position_of(node, step);
    return position >= valid.begin && position < valid.end;
}

/* Row `row` of the sequences of a node that lies at a step. */
static float *at_step(const Node *node, float *sequence, size_t channels, int32_t step) {
    return sequence + (size_t)position_of(node, step) * channels;
}

static Step step_of(const Node *node, const Tape *tape, const OpChunk *chunk, int32_t step, int32_t row) {
    const size_t rows = (size_t)chunk->rows, hidden = (size_t)hidden_of(node),
                 gates = (size_t)node->conv.out_channels;
    const size_t at = (size_t)step * rows + (size_t)(row - chunk->begin);
    return (Step){.hidden = hidden,
                  .gates = tape->gates + at * gates,
                  .side = tape->side + at * gates,
                  .h = tape->h + at * hidden,
                  .c = tape->c + at * hidden,
                  .next_h = tape->h + (at + rows) * hidden,
                  .next_c = tape->c + (at + rows) * hidden};
}

/* x[L][n][C] from the input's rows. */
static void gather_input(const Graph *graph, const Node *node, const OpChunk *chunk, float *to) {
    const Node *x = node_input(graph, node, 0);
    const size_t channels = (size_t)node->conv.in_channels;
    for (int32_t s = 0; s < node->shape.size[0]; s++)
        for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++, to += channels)
            memcpy(to, at_step(node, node_value(x, r), channels, s), channels * sizeof(float));
}

static void scatter_slopes(const Graph *graph, const Node *node, const OpChunk *chunk, const float *from) {
    const Node *x = node_input(graph, node, 0);
    const size_t channels = (size_t)node->conv.in_channels;
    for (int32_t s = 0; s < node->shape.size[0]; s++)
        for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++, from += channels)
            graph->kernels->add(channels, from, at_step(node, node_gradient(x, r), channels, s));
}

/* A position that is not valid has the state zero, and so begins or ends the sequence. */
static void recurrent_forward(const Graph *graph, const Node *node, const OpChunk *chunk, const Cell *cell) {
    const Tape tape = tape_of(node, chunk);
    const Kernels *kernels = graph->kernels;
    const int32_t length = node->shape.size[0], gates = node->conv.out_channels, rows = chunk->rows;
    const size_t hidden = (size_t)hidden_of(node), states = (size_t)rows * hidden;
    gather_input(graph, node, chunk, tape.x);
    kernels->dense(length * rows, node->conv.in_channels, gates, tape.x,
                   node_parameter(graph, node, INPUT_WEIGHT), node_parameter(graph, node, INPUT_BIAS), false,
                   tape.gates);
    memset(tape.h, 0, states * sizeof(float));
    memset(tape.c, 0, states * sizeof(float));
    for (int32_t s = 0; s < length; s++) {
        kernels->dense(rows, (int32_t)hidden, gates, tape.h + (size_t)s * states,
                       node_parameter(graph, node, STATE_WEIGHT), node_parameter(graph, node, STATE_BIAS),
                       false, tape.side + (size_t)(s * rows) * (size_t)gates);
        for (int32_t r = chunk->begin; r < chunk->begin + rows; r++) {
            const Step step = step_of(node, &tape, chunk, s, r);
            memset(step.next_h, 0, hidden * sizeof(float));
            memset(step.next_c, 0, hidden * sizeof(float));
            if (is_valid(graph, node, r, s)) cell->forward(kernels, &step);
            memcpy(at_step(node, node_value(node, r), hidden, s), step.next_h, hidden * sizeof(float));
        }
    }
}

static void recurrent_prepare(const Graph *graph, const Node *node, OpPass pass) {
    if (pass == OP_FORWARD) return;
    const KernelConv1d state = state_product(node);
    kernel_conv1d_pack(&node->conv, node_parameter(graph, node, INPUT_WEIGHT), node->packed);
    kernel_conv1d_pack(&state, node_parameter(graph, node, STATE_WEIGHT), state_packed(node));
}

static const KernelBatch one = {.samples = 1};

/* dw += x' dy and dbias += dy for `rows` rows. */
static void product_weights(const Graph *graph, const KernelConv1d *product, int32_t rows, const float *x,
                            const float *slopes, float *weights, float *bias) {
    const KernelRange all = {0, rows};
    graph->kernels->conv1d_weights(product, &one, all, all, x, slopes, weights, bias);
}

/* dx += dy w' for `rows` rows. */
static void product_data(const Graph *graph, const KernelConv1d *product, int32_t rows, const float *packed,
                         const float *slopes, float *x) {
    const KernelRange all = {0, rows};
    graph->kernels->conv1d_data(product, &one, all, all, packed, slopes, x);
}

/* Backward through one step: its gates' slopes, and the states' slopes before it. */
static void step_back(const Graph *graph, const Node *node, const OpChunk *chunk, const Cell *cell,
                      const Tape *tape, int32_t s) {
    const size_t hidden = (size_t)hidden_of(node), gates = (size_t)node->conv.out_channels;
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const size_t row = (size_t)(r - chunk->begin), at = ((size_t)s * (size_t)chunk->rows + row) * gates;
        float *h_slope = tape->h_slope + row * hidden, *c_slope = tape->c_slope + row * hidden;
        if (is_valid(graph, node, r, s)) {
            const Step step = step_of(node, tape, chunk, s, r);
            graph->kernels->add(hidden, at_step(node, node_gradient(node, r), hidden, s), h_slope);
            cell->backward(&step, tape->gate_slopes + at, tape->side_slopes + at, h_slope, c_slope);
        } else {
            memset(tape->gate_slopes + at, 0, gates * sizeof(float));
            memset(tape->side_slopes + at, 0, gates * sizeof(float));
            memset(h_slope, 0, hidden * sizeof(float));
            memset(c_slope, 0, hidden * sizeof(float));
        }
    }
    const KernelConv1d state = state_product(node);
    product_data(graph, &state, chunk->rows, state_packed(node),
                 tape->side_slopes + (size_t)s * (size_t)chunk->rows * gates, tape->h_slope);
}

static void recurrent_backward(const Graph *graph, const Node *node, const OpChunk *chunk, const Cell *cell) {
    const Tape tape = tape_of(node, chunk);
    const KernelConv1d state = state_product(node);
    const int32_t length = node->shape.size[0], rows = chunk->rows;
    const size_t states = (size_t)rows * (size_t)hidden_of(node);
    memset(tape.h_slope, 0, states * sizeof(float));
    memset(tape.c_slope, 0, states * sizeof(float));
    for (int32_t s = length - 1; s >= 0; s--)
        step_back(graph, node, chunk, cell, &tape, s);
    product_weights(graph, &node->conv, length * rows, tape.x, tape.gate_slopes,
                    node_slab(graph, node, INPUT_WEIGHT, chunk), node_slab(graph, node, INPUT_BIAS, chunk));
    product_weights(graph, &state, length * rows, tape.h, tape.side_slopes,
                    node_slab(graph, node, STATE_WEIGHT, chunk), node_slab(graph, node, STATE_BIAS, chunk));
    if (!node_input(graph, node, 0)->gradient) return;
    memset(tape.x_slopes, 0, (size_t)length * (size_t)rows * (size_t)node->conv.in_channels * sizeof(float));
    product_data(graph, &node->conv, length * rows, node->packed, tape.gate_slopes, tape.x_slopes);
    scatter_slopes(graph, node, chunk, tape.x_slopes);
}

static GraphNode add_recurrent(Graph *graph, const OpClass *op, GraphNode x, int32_t hidden, bool reverse,
                               const GraphMask *mask, const char *name) {
    Node node = {
        .op = op, .n_inputs = 1, .inputs = {x}, .shape = graph_sequence(1, hidden), .reverse = reverse};
    node_set_mask(&node, mask);
    return graph_append(graph, &node, name ? name : "");
}

/* ---- gru: gates r, z, n ---- */

static void gru_cell_forward(const Kernels *kernels, const Step *step) {
    const size_t hidden = step->hidden;
    float *r = step->gates, *z = r + hidden, *n = z + hidden;
    kernels->add(2 * hidden, step->side, r);
    kernels->sigmoid(2 * hidden, r, r);
    kernels->add_product(hidden, r, step->side + 2 * hidden, n);
    kernels->tanh(hidden, n, n);
    for (size_t i = 0; i < hidden; i++)
        step->next_h[i] = (1 - z[i]) * n[i] + z[i] * step->h[i];
}

static void gru_cell_backward(const Step *step, float *gate_slopes, float *side_slopes, float *h_slope,
                              float *c_slope) {
    const size_t hidden = step->hidden;
    const float *r = step->gates, *z = r + hidden, *n = z + hidden, *side_n = step->side + 2 * hidden;
    (void)c_slope;
    for (size_t i = 0; i < hidden; i++) {
        const float slope = h_slope[i], n_slope = slope * (1 - z[i]) * (1 - n[i] * n[i]);
        gate_slopes[i] = side_slopes[i] = n_slope * side_n[i] * r[i] * (1 - r[i]);
        gate_slopes[hidden + i] = side_slopes[hidden + i] = slope * (step->h[i] - n[i]) * z[i] * (1 - z[i]);
        gate_slopes[2 * hidden + i] = n_slope;
        side_slopes[2 * hidden + i] = n_slope * r[i];
        h_slope[i] = slope * z[i];
    }
}

static const Cell gru_cell = {.gates = 3, .forward = gru_cell_forward, .backward = gru_cell_backward};

static bool gru_shape(Graph *graph, Node *node) {
    return recurrent_shape(graph, node, &gru_cell);
}

static void gru_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    recurrent_forward(graph, node, chunk, &gru_cell);
}

static void gru_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    recurrent_backward(graph, node, chunk, &gru_cell);
}

const OpClass op_gru = {.name = "gru",
                        .shape = gru_shape,
                        .forward = gru_forward,
                        .prepare = recurrent_prepare,
                        .backward = gru_backward};

GraphNode graph_gru(Graph *graph, GraphNode x, int32_t hidden, bool reverse, const GraphMask *mask,
                    const char *name) {
    return add_recurrent(graph, &op_gru, x, hidden, reverse, mask, name);
}

/* ---- lstm: gates i, f, g, o; side becomes tanh of the new c ---- */

static void lstm_cell_forward(const Kernels *kernels, const Step *step) {
    const size_t hidden = step->hidden;
    float *i = step->gates, *f = i + hidden, *g = f + hidden, *o = g + hidden, *bent = step->side;
    kernels->add(4 * hidden, step->side, i);
    kernels->sigmoid(2 * hidden, i, i);
    kernels->tanh(hidden, g, g);
    kernels->sigmoid(hidden, o, o);
    for (size_t k = 0; k < hidden; k++)
        step->next_c[k] = f[k] * step->c[k] + i[k] * g[k];
    kernels->tanh(hidden, step->next_c, bent);
    for (size_t k = 0; k < hidden; k++)
        step->next_h[k] = o[k] * bent[k];
}

static void lstm_cell_backward(const Step *step, float *gate_slopes, float *side_slopes, float *h_slope,
                               float *c_slope) {
    const size_t hidden = step->hidden;
    const float *i = step->gates, *f = i + hidden, *g = f + hidden, *o = g + hidden, *bent = step->side;
    for (size_t k = 0; k < hidden; k++) {
        const float slope = c_slope[k] + h_slope[k] * o[k] * (1 - bent[k] * bent[k]);
        gate_slopes[k] = slope * g[k] * i[k] * (1 - i[k]);
        gate_slopes[hidden + k] = slope * step->c[k] * f[k] * (1 - f[k]);
        gate_slopes[2 * hidden + k] = slope * i[k] * (1 - g[k] * g[k]);
        gate_slopes[3 * hidden + k] = h_slope[k] * bent[k] * o[k] * (1 - o[k]);
        h_slope[k] = 0;
        c_slope[k] = slope * f[k];
    }
    memcpy(side_slopes, gate_slopes, 4 * hidden * sizeof(float));
}

static const Cell lstm_cell = {.gates = 4, .forward = lstm_cell_forward, .backward = lstm_cell_backward};

static bool lstm_shape(Graph *graph, Node *node) {
    return recurrent_shape(graph, node, &lstm_cell);
}

static void lstm_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    recurrent_forward(graph, node, chunk, &lstm_cell);
}

static void lstm_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    recurrent_backward(graph, node, chunk, &lstm_cell);
}

const OpClass op_lstm = {.name = "lstm",
                         .shape = lstm_shape,
                         .forward = lstm_forward,
                         .prepare = recurrent_prepare,
                         .backward = lstm_backward};

GraphNode graph_lstm(Graph *graph, GraphNode x, int32_t hidden, bool reverse, const GraphMask *mask,
                     const char *name) {
    return add_recurrent(graph, &op_lstm, x, hidden, reverse, mask, name);
}
