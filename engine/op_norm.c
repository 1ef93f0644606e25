/* Normalisations: batch_norm, layer_norm.
 * Relies on: ops.h, libm.
 * Relied on by: graph.c through ops.def. */
#include "engine/ops.h"

#include <math.h>
#include <string.h>

/* Both have the parameters weight and bias; batch_norm then mean and variance. */
enum { WEIGHT, BIAS, MEAN, VARIANCE };

static int32_t norm_channels(const Node *node) {
    return node->shape.size[node->shape.rank - 1];
}

static int32_t norm_positions(const Node *node) {
    return (int32_t)(node_size(node) / (size_t)norm_channels(node));
}

static bool norm_shape(Graph *graph, Node *node) {
    const Node *x = node_input(graph, node, 0);
    const int32_t rank = node->masked ? 2 : x->shape.rank;
    if (!input_check(graph, node, 0, GRAPH_F32, rank, node->masked ? "[N, L, C]" : "input")) return false;
    node->shape = x->shape;
    if (!mask_check(graph, node, x->shape.size[0])) return false;
    if (!(node->epsilon > 0 && node->epsilon < INFINITY) || !(node->momentum > 0 && node->momentum <= 1))
        return graph_fail(graph, node, CORE_ARGUMENT, "epsilon %g, momentum %g are not possible",
                          (double)node->epsilon, (double)node->momentum);
    const GraphShape channels = graph_vector(norm_channels(node));
    return graph_declare_constant(graph, node, "weight", channels, 1, true) &&
           graph_declare_constant(graph, node, "bias", channels, 0, true);
}

static GraphNode add_norm(Graph *graph, const OpClass *op, GraphNode x, const GraphNorm *norm,
                          const char *name) {
    const GraphNorm options = norm ? *norm : (GraphNorm){0};
    Node node = {.op = op,
                 .n_inputs = 1,
                 .inputs = {x},
                 .epsilon = options.epsilon != 0 ? options.epsilon : 1e-5f,
                 .momentum = options.momentum != 0 ? options.momentum : 0.1f};
    node_set_mask(&node, options.mask);
    return graph_append(graph, &node, name ? name : "");
}

/* ---- batch_norm ---- */

/* What the chunks share: of each one how many positions it has and two sums for each channel, in f64 (of x
 * and its square forward, of the slopes and slopes times normalised x backward); then, for all, what follows
 * from them. */
typedef struct BatchMoments {
    float *mean, *inverse;            /* inverse = 1 / sqrt(variance + epsilon) */
    float *slope_mean, *slope_moment; /* means of the backward sums; zero when statistics are constants */
} BatchMoments;

static size_t share_size(const Node *node) {
    return 1 + 2 * (size_t)norm_channels(node);
}

static double *chunk_share(const Node *node, int32_t index) {
    return (double *)node->shared + (size_t)index * share_size(node);
}

static BatchMoments batch_moments(const Node *node) {
    const size_t channels = (size_t)norm_channels(node);
    float *values = (float *)chunk_share(node, GRAPH_CHUNKS);
    return (BatchMoments){values, values + channels, values + 2 * channels, values + 3 * channels};
}

static bool batch_norm_shape(Graph *graph, Node *node) {
    if (!norm_shape(graph, node)) return false;
    const GraphShape channels = graph_vector(norm_channels(node));
    node->shared_bytes =
        GRAPH_CHUNKS * share_size(node) * sizeof(double) + 4 * (size_t)norm_channels(node) * sizeof(float);
    return graph_declare_constant(graph, node, "mean", channels, 0, false) &&
           graph_declare_constant(graph, node, "variance", channels, 1, false);
}

static void batch_norm_sum(const Graph *graph, const Node *node, const OpChunk *chunk, OpPass pass) {
    const Node *x = node_input(graph, node, 0);
    const BatchMoments moments = batch_moments(node);
    const size_t channels = (size_t)norm_channels(node);
    double *count = chunk_share(node, chunk->index), *first = count + 1, *second = first + channels;
    memset(count, 0, share_size(node) * sizeof(double));
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, norm_positions(node));
        for (size_t t = (size_t)valid.begin; t < (size_t)valid.end; t++, ++*count) {
            const float *values = node_value(x, r) + t * channels;
            const float *slopes = pass == OP_BACKWARD ? node_gradient(node, r) + t * channels : NULL;
            for (size_t c = 0; c < channels; c++) {
                const double value = (double)values[c];
                const double normal =
                    slopes ? (value - (double)moments.mean[c]) * (double)moments.inverse[c] : 0;
                first[c] += slopes ? (double)slopes[c] : value;
                second[c] += slopes ? (double)slopes[c] * normal : value * value;
            }
        }
    }
}

/* The sum of what all chunks have at `place` of their share, in the chunks' order. */
static double shared_sum(const Node *node, size_t place) {
    double sum = 0;
    for (int32_t i = 0; i < GRAPH_CHUNKS; i++)
        sum += chunk_share(node, i)[place];
    return sum;
}

static void use_running_statistics(const Graph *graph, const Node *node) {
    const BatchMoments moments = batch_moments(node);
    const float *mean = node_parameter(graph, node, MEAN), *variance = node_parameter(graph, node, VARIANCE);
    for (int32_t c = 0; c < norm_channels(node); c++) {
        moments.mean[c] = mean[c];
        moments.inverse[c] = 1 / sqrtf(variance[c] + node->epsilon);
        moments.slope_mean[c] = moments.slope_moment[c] = 0;
    }
}

static void use_batch_statistics(const Graph *graph, const Node *node) {
    const BatchMoments moments = batch_moments(node);
    const size_t channels = (size_t)norm_channels(node);
    float *running_mean = node_parameter(graph, node, MEAN);
    float *running_variance = node_parameter(graph, node, VARIANCE);
    const double count = shared_sum(node, 0), momentum = (double)node->momentum;
    for (size_t c = 0; c < channels; c++) {
        const double mean = count > 0 ? shared_sum(node, 1 + c) / count : 0;
        const double square = count > 0 ? shared_sum(node, 1 + channels + c) / count : 0;
        const double variance = fmax(square - mean * mean, 0);
        moments.mean[c] = (float)mean;
        moments.inverse[c] = (float)(1 / sqrt(variance + (double)node->epsilon));
        if (count < 2) continue;
        const double unbiased = variance * count / (count - 1);
        running_mean[c] += (float)(momentum * (mean - (double)running_mean[c]));
        running_variance[c] += (float)(momentum * (unbiased - (double)running_variance[c]));
    }
}

static void batch_norm_combine(const Graph *graph, const Node *node, OpPass pass, bool training) {
    if (pass == OP_FORWARD) {
        if (training)
            use_batch_statistics(graph, node);
        else
            use_running_statistics(graph, node);
        return;
    }
    const BatchMoments moments = batch_moments(node);
    const size_t channels = (size_t)norm_channels(node);
    const double count = fmax(shared_sum(node, 0), 1);
    for (size_t c = 0; c < channels; c++) {
        moments.slope_mean[c] = (float)(shared_sum(node, 1 + c) / count);
        moments.slope_moment[c] = (float)(shared_sum(node, 1 + channels + c) / count);
    }
}

static void batch_norm_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const BatchMoments moments = batch_moments(node);
    const size_t channels = (size_t)norm_channels(node);
    const float *weight = node_parameter(graph, node, WEIGHT), *bias = node_parameter(graph, node, BIAS);
    memset(node_value(node, chunk->begin), 0, (size_t)chunk->rows * node_size(node) * sizeof(float));
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, norm_positions(node));
        for (size_t t = (size_t)valid.begin; t < (size_t)valid.end; t++) {
            const float *from = node_value(x, r) + t * channels;
            float *to = node_value(node, r) + t * channels;
            for (size_t c = 0; c < channels; c++)
                to[c] = (from[c] - moments.mean[c]) * moments.inverse[c] * weight[c] + bias[c];
        }
    }
}

/* With the normalised x^ = (x - mean) * inverse and means over the batch:
 * dx = weight * inverse * (dy - mean(dy) - x^ * mean(dy * x^)). */
static void batch_norm_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const BatchMoments moments = batch_moments(node);
    const size_t channels = (size_t)norm_channels(node);
    const float *weight = node_parameter(graph, node, WEIGHT);
    if (!chunk->training) batch_norm_sum(graph, node, chunk, OP_BACKWARD);
    const double *sums = chunk_share(node, chunk->index) + 1;
    for (size_t c = 0; c < channels; c++) {
        node_slab(graph, node, BIAS, chunk)[c] += (float)sums[c];
        node_slab(graph, node, WEIGHT, chunk)[c] += (float)sums[channels + c];
    }
    for (int32_t r = chunk->begin; x->gradient && r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, norm_positions(node));
        for (size_t t = (size_t)valid.begin; t < (size_t)valid.end; t++) {
            const float *from = node_value(x, r) + t * channels;
            const float *slope = node_gradient(node, r) + t * channels;
            float *to = node_gradient(x, r) + t * channels;
            for (size_t c = 0; c < channels; c++) {
                const float normal = (from[c] - moments.mean[c]) * moments.inverse[c];
                to[c] += weight[c] * moments.inverse[c] *
                         (slope[c] - moments.slope_mean[c] - normal * moments.slope_moment[c]);
            }
        }
    }
}

const OpClass op_batch_norm = {.name = "batch_norm",
                               .shape = batch_norm_shape,
                               .forward = batch_norm_forward,
                               .backward = batch_norm_backward,
                               .sum = batch_norm_sum,
                               .combine = batch_norm_combine};

GraphNode graph_batch_norm(Graph *graph, GraphNode x, const GraphNorm *norm, const char *name) {
    return add_norm(graph, &op_batch_norm, x, norm, name);
}

/* ---- layer_norm: the moments of a position are cheaper to compute again than to keep ---- */

static void position_moments(const Node *node, const float *x, float *mean, float *inverse) {
    const int32_t channels = norm_channels(node);
    double sum = 0, squares = 0;
    for (int32_t c = 0; c < channels; c++)
        sum += (double)x[c];
    const double centre = sum / channels;
    for (int32_t c = 0; c < channels; c++)
        squares += ((double)x[c] - centre) * ((double)x[c] - centre);
    *mean = (float)centre;
    *inverse = (float)(1 / sqrt(squares / channels + (double)node->epsilon));
}

static void layer_norm_forward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const size_t channels = (size_t)norm_channels(node);
    const float *weight = node_parameter(graph, node, WEIGHT), *bias = node_parameter(graph, node, BIAS);
    memset(node_value(node, chunk->begin), 0, (size_t)chunk->rows * node_size(node) * sizeof(float));
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, norm_positions(node));
        for (size_t t = (size_t)valid.begin; t < (size_t)valid.end; t++) {
            const float *from = node_value(x, r) + t * channels;
            float *to = node_value(node, r) + t * channels, mean, inverse;
            position_moments(node, from, &mean, &inverse);
            for (size_t c = 0; c < channels; c++)
                to[c] = (from[c] - mean) * inverse * weight[c] + bias[c];
        }
    }
}

/* One position: with s = dy * weight, dx = inverse * (s - mean(s) - x^ * mean(s * x^)). */
static void layer_norm_slopes(const Graph *graph, const Node *node, const OpChunk *chunk, const float *x,
                              const float *slope, float *dx) {
    const size_t channels = (size_t)norm_channels(node);
    const float *weight = node_parameter(graph, node, WEIGHT);
    float *weight_slope = node_slab(graph, node, WEIGHT, chunk),
          *bias_slope = node_slab(graph, node, BIAS, chunk);
    float mean, inverse;
    position_moments(node, x, &mean, &inverse);
    double first = 0, second = 0;
    for (size_t c = 0; c < channels; c++) {
        const float normal = (x[c] - mean) * inverse;
        weight_slope[c] += slope[c] * normal;
        bias_slope[c] += slope[c];
        first += (double)(slope[c] * weight[c]);
        second += (double)(slope[c] * weight[c]) * (double)normal;
    }
    const float slope_mean = (float)(first / (double)channels);
    const float slope_moment = (float)(second / (double)channels);
    for (size_t c = 0; dx && c < channels; c++)
        dx[c] += inverse * (slope[c] * weight[c] - slope_mean - (x[c] - mean) * inverse * slope_moment);
}

static void layer_norm_backward(const Graph *graph, const Node *node, const OpChunk *chunk) {
    const Node *x = node_input(graph, node, 0);
    const size_t channels = (size_t)norm_channels(node);
    for (int32_t r = chunk->begin; r < chunk->begin + chunk->rows; r++) {
        const KernelRange valid = node_valid(graph, node, r, norm_positions(node));
        for (size_t at = (size_t)valid.begin * channels; at < (size_t)valid.end * channels; at += channels)
            layer_norm_slopes(graph, node, chunk, node_value(x, r) + at, node_gradient(node, r) + at,
                              x->gradient ? node_gradient(x, r) + at : NULL);
    }
}

const OpClass op_layer_norm = {.name = "layer_norm",
                               .shape = norm_shape,
                               .forward = layer_norm_forward,
                               .backward = layer_norm_backward};

GraphNode graph_layer_norm(Graph *graph, GraphNode x, const GraphNorm *norm, const char *name) {
    return add_norm(graph, &op_layer_norm, x, norm, name);
}
