/* A convolution of an embedding as look-ups: folded_conv1d, which graph_finish makes of a conv1d and the
 * embed that it reads. Parameters, their gradients and the exported model stay those of the two layers.
 * Relies on: ops.h, engine/kernels.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <string.h>

/* With embedding E [V][e] and weights W [K][e][O] an id v adds row v of the table T[k] = E W[k], T [K][V][O],
 * to the output under tap k: O additions instead of e * O multiplications. The table is made of the weights
 * whenever these have changed. Its gradient dT is what embed_conv1d's is, and then dW[k] = E^T dT[k] and
 * dE = sum over k of dT[k] W[k]^T. Each tap is one task for all samples, so there is one dT, whatever the
 * number of chunks. */

static const Node *embed_of(const Graph *graph, const Node *node) {
    return node_input(graph, node, 0);
}

static int32_t table_rows(const Graph *graph, const Node *node) {
    const Node *embed = embed_of(graph, node);
    return embed->offsets[embed->fields];
}

/* Floats of one tap's table. */
static size_t table_size(const Graph *graph, const Node *node) {
    return (size_t)table_rows(graph, node) * (size_t)node->conv.out_channels;
}

/* One tap of the convolution, its positions being the rows of the embedding. */
static KernelConv1d tap_product(const Node *node) {
    return (KernelConv1d){.in_channels = node->conv.in_channels,
                          .out_channels = node->conv.out_channels,
                          .taps = 1,
                          .stride = 1,
                          .dilation = 1};
}

/* W[k]; node->packed has all of these transposed, then dT. */
static size_t tap_weights(const Node *node) {
    return (size_t)node->conv.in_channels * (size_t)node->conv.out_channels;
}

static size_t tap_packed(const Node *node) {
    const KernelConv1d tap = tap_product(node);
    return kernel_conv1d_plan(&tap).packed_floats;
}

/* ---- which ones ---- */

static bool folds(const Graph *graph, const Node *node) {
    if (node->op != &op_conv1d || node->conv.groups != 1) return false;
    const Node *embed = embed_of(graph, node);
    if (embed->op != &op_embed || embed->n_readers != 1) return false;
    const int64_t positions = (int64_t)graph->max_batch * node->shape.size[0];
    return graph->loss == GRAPH_NONE || positions >= table_rows(graph, node);
}

void fold_embeddings(Graph *graph) {
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        Node *node = &graph->nodes[i];
        if (!folds(graph, node)) continue;
        const size_t taps = (size_t)node->conv.taps, table = taps * table_size(graph, node);
        graph->nodes[node->inputs[0]].folded = true;
        node->op = &op_folded_conv1d;
        node->planes_floats = table;
        node->packed_floats = taps * tap_packed(node) + table;
        node->scratch_floats = 0;
    }
}

/* ---- running ---- */

static void folded_prepare(const Graph *graph, const Node *node, OpPass pass) {
    const KernelConv1d tap = tap_product(node);
    const float *embedding = node_parameter(graph, embed_of(graph, node), 0);
    for (int32_t k = 0; k < node->conv.taps; k++) {
        const float *weights = node_parameter(graph, node, 0) + (size_t)k * tap_weights(node);
        if (pass == OP_FORWARD)
            graph->kernels->dense(table_rows(graph, node), tap.in_channels, tap.out_channels, embedding,
                                  weights, NULL, false, node->planes + (size_t)k * table_size(graph, node));
        else
            kernel_conv1d_pack(&tap, weights, node->packed + (size_t)k * tap_packed(node));
    }
}

/* The ids of a sample, and the positions of them that count. */
typedef struct Ids {
    const uint8_t *ids;
    KernelRange in;
} Ids;

static Ids ids_of(const Graph *graph, const Node *embed, int32_t row) {
    return (Ids){node_bytes(node_input(graph, embed, 0), row),
                 node_valid(graph, embed, row, embed->shape.size[0])};
}

static void folded_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *embed = embed_of(graph, node);
    const KernelLookup lookup = kernel_lookup(&node->conv, embed->fields, embed->offsets);
    const int32_t length = node->shape.size[0];
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const Ids of = ids_of(graph, embed, r);
        const KernelRange valid = node_valid(graph, node, r, length);
        clear_rest(node_value(node, r), valid, length, lookup.out_channels);
        graph->kernels->lookup_conv(&lookup, of.in, valid, of.ids, node->planes,
                                    node_parameter(graph, node, 1), node_value(node, r));
    }
}

static void folded_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, node->shape.size[0]);
        stop_at_relu(graph, node, r, valid);
        add_bias_gradient(graph, node, r, valid, node_slab(graph, node, 1, chunk));
    }
}

/* dT[k], of all samples in ascending order. */
static void tap_gradient(const Graph *graph, const Node *node, int32_t k, float *table) {
    const Node *embed = embed_of(graph, node);
    KernelLookup lookup = kernel_lookup(&node->conv, embed->fields, embed->offsets);
    lookup.left -= k * lookup.dilation;
    lookup.taps = 1;
    memset(table, 0, table_size(graph, node) * sizeof *table);
    for (int32_t r = 0; r < graph->batch; r++) {
        const Ids of = ids_of(graph, embed, r);
        graph->kernels->lookup_gradient(&lookup, of.in, node_valid(graph, node, r, node->shape.size[0]),
                                        of.ids, node_gradient(node, r), table);
    }
}

/* Chunk c takes the taps c, c + chunks, ... */
static void folded_collect(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *embed = embed_of(graph, node);
    const KernelConv1d tap = tap_product(node);
    const KernelBatch one = {.samples = 1};
    const KernelRange rows = {0, table_rows(graph, node)};
    float *tables = node->packed + (size_t)node->conv.taps * tap_packed(node);
    for (int32_t k = chunk->index; k < node->conv.taps; k += chunk->chunks) {
        float *table = tables + (size_t)k * table_size(graph, node);
        tap_gradient(graph, node, k, table);
        graph->kernels->conv1d_weights(&tap, &one, rows, rows, node_parameter(graph, embed, 0), table,
                                       node_slab(graph, node, 0, chunk) + (size_t)k * tap_weights(node),
                                       NULL);
        graph->kernels->conv1d_data(&tap, &one, rows, rows, node->packed + (size_t)k * tap_packed(node),
                                    table, node_slab(graph, embed, 0, chunk));
    }
}

const OpClass op_folded_conv1d = {.name = "folded_conv1d",
                                  .forward = folded_forward,
                                  .prepare = folded_prepare,
                                  .backward = folded_backward,
                                  .collect = folded_collect};
