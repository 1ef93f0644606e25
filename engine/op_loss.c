/* The losses: sigmoid and softmax cross-entropy with class weights, row weights, smoothing and focus.
 * Relies on: ops.h, libm.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <math.h>
#include <stdlib.h>

/* Inputs: logits, targets, then mask and row weights as far as there are. constants: class weights [C], of
 * sigmoid_loss w+ [C], w- [C]. */
enum { LOGITS, TARGETS };

typedef struct LossRow {
    const float *logits, *targets, *mask; /* mask may be NULL */
    double weight;
} LossRow;

static bool loss_shape(Graph *graph, Node *node) {
    const int32_t channels = node_input(graph, node, LOGITS)->shape.size[0];
    const GraphLossShape *shape = &node->loss_shape;
    if (graph->loss != GRAPH_NONE)
        return graph_fail(graph, node, CORE_ARGUMENT, "the graph has a loss already");
    if (!(shape->smoothing >= 0 && shape->smoothing <= 1) || !(shape->focal >= 0 && shape->focal < INFINITY))
        return graph_fail(graph, node, CORE_ARGUMENT, "smoothing %g, focal %g are not possible",
                          (double)shape->smoothing, (double)shape->focal);
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

/* A target after smoothing over `outcomes`. */
static double smoothed(const Node *node, float target, int32_t outcomes) {
    const double smoothing = (double)node->loss_shape.smoothing;
    return (1 - smoothing) * (double)target + smoothing / outcomes;
}

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

static GraphNode add_loss(Graph *graph, Node *node, const GraphLossShape *shape, const float *positive,
                          const float *negative) {
    if (shape) node->loss_shape = *shape;
    if (!copy_class_weights(graph, node, node->inputs[LOGITS], positive, negative)) return GRAPH_NONE;
    const GraphNode loss = graph_append(graph, node, "loss");
    if (loss != GRAPH_NONE) graph->loss = loss;
    return loss;
}

/* ---- sigmoid_loss ---- */

/* Both outcomes of a logit z: their probabilities s = sigmoid(z) and 1 - s, and log(1/s), log(1/(1-s)),
 * without overflow or cancellation. */
typedef struct Outcomes {
    double yes, no, yes_loss, no_loss;
} Outcomes;

static Outcomes outcomes_of(double z) {
    const double ratio = exp(-fabs(z)), tail = log1p(ratio), likely = 1 / (1 + ratio),
                 unlikely = ratio / (1 + ratio);
    return (Outcomes){.yes = z > 0 ? likely : unlikely,
                      .no = z > 0 ? unlikely : likely,
                      .yes_loss = (z < 0 ? -z : 0) + tail,
                      .no_loss = (z > 0 ? z : 0) + tail};
}

/* p^focal of an outcome with log(1/p) = loss. */
static double focus(double loss, double focal) {
    return focal > 0 ? exp(-focal * loss) : 1;
}

static void sigmoid_loss_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const int32_t channels = node_input(graph, node, LOGITS)->shape.size[0];
    const double focal = (double)node->loss_shape.focal;
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const LossRow row = loss_row(graph, node, r);
        double sum = 0;
        for (int32_t c = 0; c < channels; c++) {
            if (row.mask && row.mask[c] == 0) continue;
            const Outcomes o = outcomes_of((double)row.logits[c]);
            const double target = smoothed(node, row.targets[c], 2);
            const double positive = (double)node->constants[c],
                         negative = (double)node->constants[channels + c];
            const double loss = positive * target * focus(o.no_loss, focal) * o.yes_loss +
                                negative * (1 - target) * focus(o.yes_loss, focal) * o.no_loss;
            sum += loss * (row.mask ? (double)row.mask[c] : 1);
        }
        *node_value(node, r) = (float)(row.weight * sum);
    }
}

static void sigmoid_loss_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *logits = node_input(graph, node, LOGITS);
    const int32_t channels = logits->shape.size[0];
    const double focal = (double)node->loss_shape.focal;
    if (!logits->gradient) return;
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const LossRow row = loss_row(graph, node, r);
        const double slope = row.weight * (double)*node_gradient(node, r);
        float *to = node_gradient(logits, r);
        for (int32_t c = 0; c < channels; c++) {
            if (row.mask && row.mask[c] == 0) continue;
            const Outcomes o = outcomes_of((double)row.logits[c]);
            const double target = smoothed(node, row.targets[c], 2);
            const double positive = (double)node->constants[c],
                         negative = (double)node->constants[channels + c];
            const double yes_slope = -focus(o.no_loss, focal) * (o.no + focal * o.yes * o.yes_loss),
                         no_slope = focus(o.yes_loss, focal) * (o.yes + focal * o.no * o.no_loss);
            const double change = positive * target * yes_slope + negative * (1 - target) * no_slope;
            to[c] += (float)(slope * change * (row.mask ? (double)row.mask[c] : 1));
        }
    }
}

const OpClass op_sigmoid_loss = {.name = "sigmoid_loss",
                                 .shape = loss_shape,
                                 .forward = sigmoid_loss_forward,
                                 .backward = sigmoid_loss_backward};

GraphNode graph_sigmoid_loss_shaped(Graph *graph, GraphNode logits, GraphNode targets, GraphNode mask,
                                    GraphNode row_weights, const float *positive_weights,
                                    const float *negative_weights, const GraphLossShape *shape) {
    Node node = {.op = &op_sigmoid_loss, .n_inputs = 2, .inputs = {logits, targets}};
    node.loss_mask = mask != GRAPH_NONE;
    node.loss_row_weights = row_weights != GRAPH_NONE;
    if (node.loss_mask) node.inputs[node.n_inputs++] = mask;
    if (node.loss_row_weights) node.inputs[node.n_inputs++] = row_weights;
    return add_loss(graph, &node, shape, positive_weights, negative_weights);
}

GraphNode graph_sigmoid_loss(Graph *graph, GraphNode logits, GraphNode targets, GraphNode mask,
                             GraphNode row_weights, const float *positive_weights,
                             const float *negative_weights) {
    return graph_sigmoid_loss_shaped(graph, logits, targets, mask, row_weights, positive_weights,
                                     negative_weights, NULL);
}

/* ---- softmax_loss ---- */

/* Of one row: the greatest logit, and the logarithm of the sum of exp(logit - greatest). */
typedef struct SoftmaxRow {
    double greatest, log_sum;
} SoftmaxRow;

static SoftmaxRow softmax_row(const float *logits, int32_t channels) {
    float greatest = logits[0];
    for (int32_t c = 1; c < channels; c++)
        greatest = logits[c] > greatest ? logits[c] : greatest;
    double sum = 0;
    for (int32_t c = 0; c < channels; c++)
        sum += exp((double)logits[c] - (double)greatest);
    return (SoftmaxRow){(double)greatest, log(sum)};
}

/* log p of a logit. */
static double log_share(SoftmaxRow row, float logit) {
    return (double)logit - row.greatest - row.log_sum;
}

static void softmax_loss_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const int32_t channels = node_input(graph, node, LOGITS)->shape.size[0];
    const double focal = (double)node->loss_shape.focal;
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const LossRow row = loss_row(graph, node, r);
        const SoftmaxRow softmax = softmax_row(row.logits, channels);
        double sum = 0;
        for (int32_t c = 0; c < channels; c++) {
            const double log_p = log_share(softmax, row.logits[c]);
            const double target = smoothed(node, row.targets[c], channels);
            sum -= (double)node->constants[c] * target * pow(-expm1(log_p), focal) * log_p;
        }
        *node_value(node, r) = (float)(row.weight * sum);
    }
}

/* p times the slope in p of (1-p)^focal log(1/p): (1-p)^focal (focal p log(p) / (1-p) - 1); log(p) / (1-p)
 * goes to -1 where p does to 1. */
static double softmax_slope(double log_p, double focal) {
    const double rest = -expm1(log_p), ratio = rest > 0 ? log_p / rest : -1;
    return pow(rest, focal) * (focal * exp(log_p) * ratio - 1);
}

/* dp[c]/dz[k] = p[c] (1[c = k] - p[k]). */
static void softmax_loss_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *logits = node_input(graph, node, LOGITS);
    const int32_t channels = logits->shape.size[0];
    const double focal = (double)node->loss_shape.focal;
    if (!logits->gradient) return;
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const LossRow row = loss_row(graph, node, r);
        const SoftmaxRow softmax = softmax_row(row.logits, channels);
        const double slope = row.weight * (double)*node_gradient(node, r);
        double *slopes = (double *)node->saved + (size_t)r * (size_t)channels, sum = 0;
        for (int32_t c = 0; c < channels; c++) {
            const double log_p = log_share(softmax, row.logits[c]);
            slopes[c] = (double)node->constants[c] * smoothed(node, row.targets[c], channels) *
                        softmax_slope(log_p, focal);
            sum += slopes[c];
        }
        float *to = node_gradient(logits, r);
        for (int32_t c = 0; c < channels; c++)
            to[c] += (float)(slope * (slopes[c] - sum * exp(log_share(softmax, row.logits[c]))));
    }
}

static bool softmax_loss_shape(Graph *graph, Node *node) {
    if (!loss_shape(graph, node)) return false;
    node->saved_bytes = (size_t)node_input(graph, node, LOGITS)->shape.size[0] * sizeof(double);
    return true;
}

const OpClass op_softmax_loss = {.name = "softmax_loss",
                                 .shape = softmax_loss_shape,
                                 .forward = softmax_loss_forward,
                                 .backward = softmax_loss_backward};

GraphNode graph_softmax_loss(Graph *graph, GraphNode logits, GraphNode targets, GraphNode row_weights,
                             const float *class_weights, const GraphLossShape *shape) {
    Node node = {.op = &op_softmax_loss, .n_inputs = 2, .inputs = {logits, targets}};
    node.loss_row_weights = row_weights != GRAPH_NONE;
    if (node.loss_row_weights) node.inputs[node.n_inputs++] = row_weights;
    return add_loss(graph, &node, shape, class_weights, NULL);
}
