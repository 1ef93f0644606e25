/* Ops with weights: embed, embed_conv1d, conv1d, depthwise_conv1d, linear.
 * Relies on: ops.h, engine/kernels.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <math.h>
#include <string.h>

/* He et al. 2015: uniform with variance 2 / fan_in in front of a ReLU, else 1 / fan_in. */
static float initial_bound(int32_t fan_in, bool relu) {
    return sqrtf((relu ? 6.0f : 3.0f) / (float)fan_in);
}

static bool declare_weights(Graph *graph, Node *node, GraphShape shape, int32_t fan_in) {
    const int32_t outputs = shape.size[shape.rank - 1];
    return graph_declare(graph, node, "weight", shape, initial_bound(fan_in, node->conv.relu), true) &&
           graph_declare(graph, node, "bias", graph_vector(outputs), 0, false);
}

void clear_rest(float *y, KernelRange valid, int32_t length, int32_t channels) {
    const size_t row = (size_t)channels;
    if (valid.end <= valid.begin) valid = (KernelRange){length, length};
    memset(y, 0, (size_t)valid.begin * row * sizeof(float));
    memset(y + (size_t)valid.end * row, 0, (size_t)(length - valid.end) * row * sizeof(float));
}

void stop_at_relu(const Graph *graph, const Node *node, int32_t row, KernelRange valid) {
    if (!node->conv.relu || valid.end <= valid.begin) return;
    const size_t channels = (size_t)node->conv.out_channels, begin = (size_t)valid.begin * channels;
    graph->kernels->relu_gradient((size_t)(valid.end - valid.begin) * channels, node_value(node, row) + begin,
                                  node_gradient(node, row) + begin);
}

/* Where no position of the input holds data, a convolution's weights have no gradient, but its bias has. */
void add_bias_gradient(const Graph *graph, const Node *node, int32_t row, KernelRange valid, float *dbias) {
    const KernelBatch one = {.samples = 1};
    const KernelRange none = {0, 0};
    graph->kernels->conv1d_weights(&node->conv, &one, none, valid, NULL, node_gradient(node, row), NULL,
                                   dbias);
}

/* ---- what all convolutions share: attributes and output length ---- */

static bool conv_check(Graph *graph, const Node *node) {
    const KernelConv1d *conv = &node->conv;
    const int32_t limit = 1 << 16;
    if (conv->taps < 1 || conv->taps > limit || conv->stride < 1 || conv->stride > limit ||
        conv->dilation < 1 || conv->dilation > limit ||
        (int64_t)(conv->taps - 1) * conv->dilation > INT32_MAX / 2)
        return graph_fail(graph, node, CORE_ARGUMENT, "%d taps, stride %d, dilation %d are not possible",
                          (int)conv->taps, (int)conv->stride, (int)conv->dilation);
    return true;
}

/* Sets conv.left and the output shape from padding and input length. */
static bool conv_length(Graph *graph, Node *node, int32_t length) {
    KernelConv1d *conv = &node->conv;
    const int32_t reach = (conv->taps - 1) * conv->dilation;
    const int32_t room = node->padding == GRAPH_VALID ? length - reach : length;
    switch (node->padding) {
    case GRAPH_SAME: conv->left = reach / 2; break;
    case GRAPH_CAUSAL: conv->left = reach; break;
    case GRAPH_TAIL:
    case GRAPH_VALID: conv->left = 0; break;
    default: return graph_fail(graph, node, CORE_ARGUMENT, "padding %d is unknown", (int)node->padding);
    }
    if (room < 1)
        return graph_fail(graph, node, CORE_SHAPE, "a window of %d positions does not fit into %d",
                          (int)reach + 1, (int)length);
    node->shape = graph_sequence((room - 1) / conv->stride + 1, conv->out_channels);
    return mask_check(graph, node, node->shape.size[0]);
}

static Node conv_node(const OpClass *op, GraphNode x, const GraphConv1d *options) {
    Node node = {.op = op,
                 .n_inputs = 1,
                 .inputs = {x},
                 .padding = options->padding,
                 .conv = {.out_channels = options->out_channels,
                          .taps = options->taps,
                          .stride = options->stride ? options->stride : 1,
                          .dilation = options->dilation ? options->dilation : 1,
                          .relu = options->relu,
                          .groups = options->groups ? options->groups : 1}};
    node_set_mask(&node, options->mask);
    return node;
}

/* ---- embed and embed_conv1d: look-up convolutions, the first of one tap and without a bias ---- */

static bool embed_shape(Graph *graph, Node *node) {
    const KernelConv1d *conv = &node->conv;
    if (!input_check(graph, node, 0, GRAPH_U8, 2, "[N, L, F]") || !conv_check(graph, node)) return false;
    if (!conv_length(graph, node, node_input(graph, node, 0)->shape.size[0])) return false;
    const int32_t rows = node->offsets[node->fields];
    if (conv->groups != 1)
        return graph_fail(graph, node, CORE_ARGUMENT, "%d groups, but a table has one", (int)conv->groups);
    if (conv->out_channels < 1 || rows < 1)
        return graph_fail(graph, node, CORE_SHAPE, "a table [%d, %d]", (int)rows, (int)conv->out_channels);
    if (node->masked && node->mask.stride % conv->stride != 0)
        return graph_fail(graph, node, CORE_ARGUMENT, "a mask of stride %d behind a stride of %d",
                          (int)node->mask.stride, (int)conv->stride);
    /* The sum of the fields has variance 1. */
    const GraphShape table = node->op == &op_embed ? graph_sequence(rows, conv->out_channels)
                                                   : (GraphShape){3, {conv->taps, rows, conv->out_channels}};
    return graph_declare(graph, node, "table", table, initial_bound(node->fields * conv->taps, conv->relu),
                         true);
}

static bool embed_conv1d_shape(Graph *graph, Node *node) {
    return embed_shape(graph, node) &&
           graph_declare(graph, node, "bias", graph_vector(node->conv.out_channels), 0, false);
}

/* The positions of the ids that count. */
static KernelRange embed_in(const Graph *graph, const Node *node, int32_t row) {
    return node_valid_after(graph, node, row, node_input(graph, node, 0)->shape.size[0],
                            node->mask.stride / node->conv.stride);
}

static void embed_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *ids = node_input(graph, node, 0);
    const KernelLookup lookup = kernel_lookup(&node->conv, node->fields, node->offsets);
    const int32_t length = node->shape.size[0];
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, length);
        clear_rest(node_value(node, r), valid, length, lookup.out_channels);
        graph->kernels->lookup_conv(
            &lookup, embed_in(graph, node, r), valid, node_bytes(ids, r), node_parameter(graph, node, 0),
            node->n_parameters > 1 ? node_parameter(graph, node, 1) : NULL, node_value(node, r));
    }
}

static void embed_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *ids = node_input(graph, node, 0);
    const KernelLookup lookup = kernel_lookup(&node->conv, node->fields, node->offsets);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, node->shape.size[0]);
        stop_at_relu(graph, node, r, valid);
        graph->kernels->lookup_gradient(&lookup, embed_in(graph, node, r), valid, node_bytes(ids, r),
                                        node_gradient(node, r), node_slab(graph, node, 0, chunk));
        if (node->n_parameters > 1)
            add_bias_gradient(graph, node, r, valid, node_slab(graph, node, 1, chunk));
    }
}

const OpClass op_embed = {
    .name = "embed", .shape = embed_shape, .forward = embed_forward, .backward = embed_backward};
const OpClass op_embed_conv1d = {.name = "embed_conv1d",
                                 .shape = embed_conv1d_shape,
                                 .forward = embed_forward,
                                 .backward = embed_backward};

static GraphNode add_embed(Graph *graph, const OpClass *op, GraphNode ids, const uint16_t *vocabulary,
                           const GraphConv1d *options, const char *name) {
    Node node = conv_node(op, ids, options);
    if (graph->error.status == CORE_OK && ids >= 0 && ids < graph->n_nodes) {
        const GraphShape shape = graph->nodes[ids].shape;
        node.fields = shape.size[shape.rank - 1];
        if (node.fields > EMBED_MAX_FIELDS) {
            graph_fail(graph, &node, CORE_LIMIT, "%d fields are more than %d", (int)node.fields,
                       EMBED_MAX_FIELDS);
            return GRAPH_NONE;
        }
    }
    for (int32_t f = 0; f < node.fields; f++)
        node.offsets[f + 1] = node.offsets[f] + vocabulary[f];
    return graph_append(graph, &node, name ? name : "");
}

GraphNode graph_embed(Graph *graph, GraphNode ids, const uint16_t *vocabulary, int32_t out_channels,
                      const GraphMask *mask, const char *name) {
    const GraphConv1d one_tap = {.out_channels = out_channels, .taps = 1, .mask = mask};
    return add_embed(graph, &op_embed, ids, vocabulary, &one_tap, name);
}

GraphNode graph_embed_conv1d(Graph *graph, GraphNode ids, const uint16_t *vocabulary,
                             const GraphConv1d *options, const char *name) {
    return add_embed(graph, &op_embed_conv1d, ids, vocabulary, options, name);
}

/* ---- conv1d ---- */

static bool conv1d_shape(Graph *graph, Node *node) {
    if (!input_check(graph, node, 0, GRAPH_F32, 2, "[N, L, C]") || !conv_check(graph, node)) return false;
    const GraphShape x = node_input(graph, node, 0)->shape;
    KernelConv1d *conv = &node->conv;
    conv->in_channels = x.size[1];
    if (conv->groups < 1 || conv->in_channels % conv->groups != 0 || conv->out_channels % conv->groups != 0)
        return graph_fail(graph, node, CORE_SHAPE, "%d groups of %d inputs and %d outputs", (int)conv->groups,
                          (int)conv->in_channels, (int)conv->out_channels);
    if (conv->out_channels < 1 || (int64_t)conv->taps * conv->in_channels > INT32_MAX)
        return graph_fail(graph, node, CORE_SHAPE, "weights [%d, %d, %d]", (int)conv->taps,
                          (int)conv->in_channels, (int)conv->out_channels);
    if (!conv_length(graph, node, x.size[0])) return false;
    const int32_t channels = conv->in_channels / conv->groups;
    const GraphShape weights = {3, {conv->taps, channels, conv->out_channels}};
    if (!declare_weights(graph, node, weights, conv->taps * channels)) return false;
    const KernelPlan plan = kernel_conv1d_plan(conv);
    node->planes_floats = plan.planes_floats;
    node->packed_floats = plan.packed_floats;
    node->scratch_floats = plan.scratch_floats;
    return true;
}

/* Samples done at once: one where each has its own valid positions. */
static KernelBatch conv1d_batch(const Node *node, const Node *x, const OpChunk *chunk) {
    return (KernelBatch){.samples = node->masked ? 1 : chunk->rows,
                         .x_pitch = (ptrdiff_t)node_size(x),
                         .y_pitch = (ptrdiff_t)node_size(node)};
}

static void conv1d_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const KernelRange in = {0, x->shape.size[0]};
    const KernelBatch batch = conv1d_batch(node, x, chunk);
    const int32_t length = node->shape.size[0];
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r += batch.samples) {
        const KernelRange valid = node_valid(graph, node, r, length);
        clear_rest(node_value(node, r), valid, length, node->conv.out_channels);
        if (node->planes)
            graph->kernels->winograd_conv1d(&node->conv, &batch, in, valid, node_value(x, r), node->planes,
                                            node_parameter(graph, node, 1), node_value(node, r),
                                            chunk->scratch);
        else
            graph->kernels->conv1d(&node->conv, &batch, in, valid, node_value(x, r),
                                   node_parameter(graph, node, 0), node_parameter(graph, node, 1),
                                   node_value(node, r));
    }
}

/* A maximum over all positions that alone reads the node: then its gradient has one position for each
 * channel, and that is less work unless there are few. NULL: there is none, or the backward pass begins
 * before it. */
static const Node *peaks_of(const Graph *graph, const Node *node) {
    enum { FEW = 8 };
    if (node->n_readers != 1 || node->reader > graph->from) return NULL;
    const Node *pool = &graph->nodes[node->reader];
    const bool global = pool->op == &op_max_pool && pool->shape.rank == 1;
    return global && node->conv.groups == 1 && node->shape.size[0] >= FEW ? pool : NULL;
}

/* A backward pass finds the planes as the forward pass used them. */
static void conv1d_prepare(const Graph *graph, const Node *node, OpPass pass) {
    const float *weights = node_parameter(graph, node, 0);
    if (pass == OP_FORWARD && node->planes)
        graph->kernels->winograd_weights(&node->conv, weights, node->planes);
    if (pass == OP_FORWARD || !node_input(graph, node, 0)->gradient) return;
    if (peaks_of(graph, node))
        kernel_peaks_transpose(&node->conv, weights, node->packed);
    else if (node->planes)
        kernel_winograd_transpose(&node->conv, node->planes, node->packed);
    else
        kernel_conv1d_pack(&node->conv, weights, node->packed);
}

static void conv1d_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const KernelRange in = {0, x->shape.size[0]};
    const KernelBatch batch = conv1d_batch(node, x, chunk);
    const Node *pool = peaks_of(graph, node);
    float *dw = node_slab(graph, node, 0, chunk), *dbias = node_slab(graph, node, 1, chunk);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r += batch.samples) {
        const KernelRange valid = node_valid(graph, node, r, node->shape.size[0]);
        const float *slope = node_gradient(node, r);
        float *dx = x->gradient ? node_gradient(x, r) : NULL;
        if (pool) {
            const KernelPeaks peaks = {max_pool_positions(pool, r), node_value(pool, r),
                                       node_gradient(pool, r)};
            graph->kernels->peaks_gradient(&node->conv, &batch, in, valid, &peaks, node_value(x, r),
                                           node->packed, dw, dbias, dx, chunk->scratch);
            continue;
        }
        if (node->planes) {
            graph->kernels->winograd_gradient(&node->conv, &batch, in, valid, node_value(x, r),
                                              node_value(node, r), slope, node->packed, dw, dbias, dx,
                                              chunk->scratch);
            continue;
        }
        for (int32_t s = 0; s < batch.samples; s++)
            stop_at_relu(graph, node, r + s, valid);
        graph->kernels->conv1d_weights(&node->conv, &batch, in, valid, node_value(x, r), slope, dw, dbias);
        if (dx) graph->kernels->conv1d_data(&node->conv, &batch, in, valid, node->packed, slope, dx);
    }
}

const OpClass op_conv1d = {.name = "conv1d",
                           .shape = conv1d_shape,
                           .forward = conv1d_forward,
                           .prepare = conv1d_prepare,
                           .backward = conv1d_backward};

GraphNode graph_conv1d(Graph *graph, GraphNode x, const GraphConv1d *options, const char *name) {
    Node node = conv_node(&op_conv1d, x, options);
    return graph_append(graph, &node, name ? name : "");
}

/* ---- depthwise_conv1d ---- */

static bool depthwise_shape(Graph *graph, Node *node) {
    if (!input_check(graph, node, 0, GRAPH_F32, 2, "[N, L, C]") || !conv_check(graph, node)) return false;
    const GraphShape x = node_input(graph, node, 0)->shape;
    KernelConv1d *conv = &node->conv;
    if (conv->out_channels != 0)
        return graph_fail(graph, node, CORE_ARGUMENT,
                          "%d output channels were asked for, but it keeps the input's %d",
                          (int)conv->out_channels, (int)x.size[1]);
    if (conv->groups != 1)
        return graph_fail(graph, node, CORE_ARGUMENT, "%d groups, but each channel is one",
                          (int)conv->groups);
    conv->in_channels = conv->out_channels = x.size[1];
    return conv_length(graph, node, x.size[0]) &&
           declare_weights(graph, node, graph_sequence(conv->taps, conv->in_channels), conv->taps);
}

static void depthwise_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const KernelRange in = {0, x->shape.size[0]};
    const int32_t length = node->shape.size[0];
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, length);
        clear_rest(node_value(node, r), valid, length, node->conv.out_channels);
        graph->kernels->depthwise_conv1d(&node->conv, in, valid, node_value(x, r),
                                         node_parameter(graph, node, 0), node_parameter(graph, node, 1),
                                         node_value(node, r));
    }
}

static void depthwise_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const KernelRange in = {0, x->shape.size[0]};
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, node->shape.size[0]);
        const float *slope = node_gradient(node, r);
        stop_at_relu(graph, node, r, valid);
        graph->kernels->depthwise_conv1d_weights(&node->conv, in, valid, node_value(x, r), slope,
                                                 node_slab(graph, node, 0, chunk),
                                                 node_slab(graph, node, 1, chunk));
        if (x->gradient)
            graph->kernels->depthwise_conv1d_data(&node->conv, in, valid, node_parameter(graph, node, 0),
                                                  slope, node_gradient(x, r));
    }
}

const OpClass op_depthwise_conv1d = {.name = "depthwise_conv1d",
                                     .shape = depthwise_shape,
                                     .forward = depthwise_forward,
                                     .backward = depthwise_backward};

GraphNode graph_depthwise_conv1d(Graph *graph, GraphNode x, const GraphConv1d *options, const char *name) {
    Node node = conv_node(&op_depthwise_conv1d, x, options);
    return graph_append(graph, &node, name ? name : "");
}

/* ---- linear: a convolution of one tap whose positions are the rows of the chunk ---- */

static bool linear_shape(Graph *graph, Node *node) {
    if (!input_check(graph, node, 0, GRAPH_F32, 1, "[N, C]")) return false;
    KernelConv1d *conv = &node->conv;
    conv->in_channels = node_input(graph, node, 0)->shape.size[0];
    if (conv->out_channels < 1)
        return graph_fail(graph, node, CORE_SHAPE, "weights [%d, %d]", (int)conv->in_channels,
                          (int)conv->out_channels);
    node->shape = graph_vector(conv->out_channels);
    node->packed_floats = kernel_conv1d_plan(conv).packed_floats;
    return declare_weights(graph, node, graph_sequence(conv->in_channels, conv->out_channels),
                           conv->in_channels);
}

static void linear_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    graph->kernels->dense(chunk->rows, node->conv.in_channels, node->conv.out_channels,
                          node_value(x, chunk->begin), node_parameter(graph, node, 0),
                          node_parameter(graph, node, 1), node->conv.relu, node_value(node, chunk->begin));
}

static void linear_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const KernelRange rows = {0, chunk->rows};
    const KernelBatch one = {.samples = 1};
    float *slope = node_gradient(node, chunk->begin);
    if (node->conv.relu)
        graph->kernels->relu_gradient((size_t)chunk->rows * node_size(node), node_value(node, chunk->begin),
                                      slope);
    graph->kernels->conv1d_weights(&node->conv, &one, rows, rows, node_value(x, chunk->begin), slope,
                                   node_slab(graph, node, 0, chunk), node_slab(graph, node, 1, chunk));
    if (x->gradient)
        graph->kernels->conv1d_data(&node->conv, &one, rows, rows, node->packed, slope,
                                    node_gradient(x, chunk->begin));
}

const OpClass op_linear = {.name = "linear",
                           .shape = linear_shape,
                           .forward = linear_forward,
                           .prepare = conv1d_prepare,
                           .backward = linear_backward};

GraphNode graph_linear(Graph *graph, GraphNode x, int32_t out, bool relu, const char *name) {
    Node node = {.op = &op_linear,
                 .n_inputs = 1,
                 .inputs = {x},
                 .conv = {.out_channels = out, .taps = 1, .stride = 1, .dilation = 1, .relu = relu}};
    return graph_append(graph, &node, name ? name : "");
}
