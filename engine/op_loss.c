/* The loss: sigmoid cross-entropy with class weights, an element mask and row weights.
 * Relies on: ops.h, libm.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Inputs: logits, targets, then mask and row weights as far as there are. constants: w+ [C], w- [C]. */
enum { LOGITS, TARGETS };

typedef struct LossRow {
    const float *logits, *targets, *mask; /* mask may be NULL */
    double weight;
} LossRow;

static bool sigmoid_loss_shape(Graph *graph, Node *node) {
    const int32_t channels = node_input(graph, node, LOGITS)->shape.size[0];
    if (graph->loss != GRAPH_NONE)
        return graph_fail(graph, node, CORE_ARGUMENT, "the graph has a loss already");
    for (int32_t i = 0; i < node->n_inputs; i++) {
        if (!input_check(graph, node, i, GRAPH_F32, 1, "[N, C]")) return false;
        const bool is_row_weight = node->loss_row_weights && i == node->n_inputs - 1;
        const Node *input = node_input(graph, node, i);
        if (input->shape.size[0] == (is_row_weight ? 1 : channels)) continue;
        char text[64], logits_text[64];
        return graph_fail(graph, node, CORE_SHAPE, "%s \"%s\" is %s, which does not fit logits %s",
                          is_row_weight  ? "row weights"
                          : i == TARGETS ? "targets"
                                         : "mask",
                          input->name, shape_text(input->shape, text),
                          shape_text(node_input(graph, node, LOGITS)->shape, logits_text));
    }
    node->shape = graph_vector(1);
    return true;
}

static LossRow loss_row(const Graph *graph, const Node *node, int32_t row) {
    LossRow result = {.logits = node_value(node_input(graph, node, LOGITS), row),
                      .targets = node_value(node_input(graph, node, TARGETS), row),
                      .weight = 1};
    if (node->loss_mask) result.mask = node_value(node_input(graph, node, 2), row);
    if (node->loss_row_weights)
        result.weight = (double)*node_value(node_input(graph, node, node->n_inputs - 1), row);
    return result;
}

/* log(1 + exp(z)) without overflow. */
static double softplus(double z) {
    return (z > 0 ? z : 0) + log1p(exp(-fabs(z)));
}

static void sigmoid_loss_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const int32_t channels = node_input(graph, node, LOGITS)->shape.size[0];
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const LossRow row = loss_row(graph, node, r);
        double sum = 0;
        for (int32_t c = 0; c < channels; c++) {
            const double z = (double)row.logits[c], target = (double)row.targets[c];
            const double positive = (double)node->constants[c],
                         negative = (double)node->constants[channels + c];
            const double loss = positive * target * softplus(-z) + negative * (1 - target) * softplus(z);
            if (!row.mask || row.mask[c] != 0) sum += loss * (row.mask ? (double)row.mask[c] : 1);
        }
        *node_value(node, r) = (float)(row.weight * sum);
    }
}

static void sigmoid_loss_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *logits = node_input(graph, node, LOGITS);
    const int32_t channels = logits->shape.size[0];
    if (!logits->gradient) return;
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const LossRow row = loss_row(graph, node, r);
        const double slope = row.weight * (double)*node_gradient(node, r);
        float *to = node_gradient(logits, r);
        for (int32_t c = 0; c < channels; c++) {
            if (row.mask && row.mask[c] == 0) continue;
            const double z = (double)row.logits[c], target = (double)row.targets[c];
            const double positive = (double)node->constants[c],
                         negative = (double)node->constants[channels + c];
            const double s = 1 / (1 + exp(-z));
            const double change = negative * (1 - target) * s - positive * target * (1 - s);
            to[c] += (float)(slope * change * (row.mask ? (double)row.mask[c] : 1));
        }
    }
}

const OpClass op_sigmoid_loss = {.name = "sigmoid_loss",
                                 .shape = sigmoid_loss_shape,
                                 .forward = sigmoid_loss_forward,
                                 .backward = sigmoid_loss_backward};

static bool copy_class_weights(Graph *graph, Node *node, GraphNode logits, const float *positive,
                               const float *negative) {
    if (graph->error.status != CORE_OK || logits < 0 || logits >= graph->n_nodes) return true;
    const size_t channels = (size_t)graph->nodes[logits].shape.size[0];
    node->constants = malloc(2 * channels * sizeof(float));
    if (!node->constants)
        return graph_fail(graph, node, CORE_MEMORY, "no memory for the weights of %zu classes", channels);
    for (size_t c = 0; c < channels; c++) {
        node->constants[c] = positive ? positive[c] : 1;
        node->constants[channels + c] = negative ? negative[c] : 1;
    }
    return true;
}

GraphNode graph_sigmoid_loss(Graph *graph, GraphNode logits, GraphNode targets, GraphNode mask,
                             GraphNode row_weights, const float *positive_weights,
                             const float *negative_weights) {
    Node node = {.op = &op_sigmoid_loss, .n_inputs = 2, .inputs = {logits, targets}};
    node.loss_mask = mask != GRAPH_NONE;
    node.loss_row_weights = row_weights != GRAPH_NONE;
    if (node.loss_mask) node.inputs[node.n_inputs++] = mask;
    if (node.loss_row_weights) node.inputs[node.n_inputs++] = row_weights;
    if (!copy_class_weights(graph, &node, logits, positive_weights, negative_weights)) return GRAPH_NONE;
    const GraphNode loss = graph_append(graph, &node, "loss");
    if (loss != GRAPH_NONE) graph->loss = loss;
    return loss;
}
