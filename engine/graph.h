/* A static network graph: built once by calls, run forward and backward many times.
 * Relies on: engine/core, engine/kernels, OpenMP (inside).
 * Relied on by: engine/optimiser.h, train, bench. */
#ifndef SIPCNN_ENGINE_GRAPH_H
#define SIPCNN_ENGINE_GRAPH_H

#include "engine/core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Life of a graph: graph_new, builder calls (each returns a node), graph_finish, then any number of
 *   graph_set_input..., graph_forward, graph_backward, optimiser_step
 * and graph_free. Nothing is allocated after graph_finish.
 *
 * Shapes are those of one sample; the batch size N is an argument of each run and comes first in memory: a
 * node of shape [L, C] holds f32 [N][L][C]. Sequences are channels last.
 *
 * Errors while building are sticky: the first is kept, naming op, layer and the shapes; from then on every
 * builder returns GRAPH_NONE, and graph_finish reports that first error. So a builder's results need no
 * checks.
 *
 * A run splits the batch into GRAPH_CHUNKS fixed parts and combines their gradients in a fixed tree: the
 * results have the same bits for any number of threads. One graph is used by one caller at a time. */

enum { GRAPH_CHUNKS = 16, GRAPH_MAX_NODES = 256, GRAPH_MAX_INPUTS = 16, GRAPH_MAX_BATCH = 65536 };
#define GRAPH_NONE ((GraphNode)-1)

typedef struct Graph Graph;
typedef int32_t GraphNode; /* index of a node; the inputs of a node have smaller indices */

typedef enum GraphType { GRAPH_F32, GRAPH_U8 } GraphType;

/* Shape of one sample or of a parameter: rank 1 .. 3. */
typedef struct GraphShape {
    int32_t rank;
    int32_t size[3];
} GraphShape;

static inline GraphShape graph_vector(int32_t channels) {
    return (GraphShape){1, {channels, 1, 1}};
}
static inline GraphShape graph_sequence(int32_t length, int32_t channels) {
    return (GraphShape){2, {length, channels, 1}};
}

/* Which positions of a sequence are valid: `lengths` is a u8 input of shape [1] with the valid positions n of
 * the network's input; after strides that multiply to `stride` the valid ones are ceil(n / stride), at the
 * front, or at the end when at_end. What lies outside is zero in values and gradients. */
typedef struct GraphMask {
    GraphNode lengths;
    int32_t stride; /* 0 means 1 */
    bool at_end;
} GraphMask;

/* Where a convolution pads with zeros. Output length is ceil(L / stride), for VALID floor((L - span) /
 * stride) + 1 with span = (taps - 1) * dilation + 1. */
typedef enum GraphPadding {
    GRAPH_SAME,   /* (span - 1) / 2 before, the rest after */
    GRAPH_CAUSAL, /* all before: output t sees inputs <= t * stride */
    GRAPH_TAIL,   /* all after: the window of output t is inputs t * stride ... */
    GRAPH_VALID   /* nowhere */
} GraphPadding;

typedef struct GraphConv1d {
    int32_t out_channels; /* depthwise: must be 0 (as many as the input's) */
    int32_t taps;
    int32_t stride, dilation; /* 0 means 1 */
    GraphPadding padding;
    bool relu;
    const GraphMask *mask; /* of the output; NULL: all positions are valid. Copied. */
    int32_t groups;        /* 0 means 1; divides input and output channels. Depthwise, embedded: 0 or 1 */
} GraphConv1d;

/* An empty graph for batches of 1 .. max_batch samples; `seed` determines initial weights and dropout. The
 * caller frees it with graph_free. CORE_ARGUMENT, CORE_MEMORY. */
CoreStatus graph_new(int32_t max_batch, uint64_t seed, Graph **graph, CoreError *error) CORE_NODISCARD;
void graph_free(Graph *graph);

/* ---- Builders. Names identify layers in errors and parameters: layer "x" has "x.weight" and "x.bias"
 * (embed: "x.table"). They are copied, 1 .. 47 bytes, unique. ---- */

/* Inputs. Values come from graph_set_input. */
GraphNode graph_input_f32(Graph *graph, const char *name, GraphShape shape);
GraphNode graph_input_u8(Graph *graph, const char *name, GraphShape shape);

/* The sum of F embeddings: ids u8 [L, F] -> [L, out_channels]. Field f has ids 0 .. vocabulary[f] - 1, its
 * rows of the table [sum of vocabulary, out_channels] follow those of field f - 1; a greater id adds nothing.
 *
 * Where one conv1d without groups is all that reads it, graph_finish folds the two: what each id adds under
 * each tap is looked up in a table, made anew when the weights change. Not so in a graph with a loss whose
 * full batch has fewer output positions than the embedding has rows: there the table would cost more than it
 * saves. Parameters, gradients and ONNX models are those of two layers either way; only the value and the
 * gradient of a folded embedding are not there. */
GraphNode graph_embed(Graph *graph, GraphNode ids, const uint16_t *vocabulary, int32_t out_channels,
                      const GraphMask *mask, const char *name);
/* A convolution of such an embedding in one: ids u8 [L, F] -> [L', out_channels], table [taps][sum of
 * vocabulary][out_channels], bias [out_channels], then ReLU, then mask. What the mask leaves out of the
 * output it leaves out of the ids too; its stride is a multiple of the convolution's. */
GraphNode graph_embed_conv1d(Graph *graph, GraphNode ids, const uint16_t *vocabulary, const GraphConv1d *conv,
                             const char *name);

/* [L, C] -> [L', out_channels], weight [taps][C / groups][out_channels], bias [out_channels], then ReLU, then
 * mask. With groups the outputs of each group, side by side, see the inputs of that group only. */
GraphNode graph_conv1d(Graph *graph, GraphNode x, const GraphConv1d *conv, const char *name);
/* [L, C] -> [L', C], weight [taps][C], bias [C]. */
GraphNode graph_depthwise_conv1d(Graph *graph, GraphNode x, const GraphConv1d *conv, const char *name);
/* [C] -> [out], weight [C][out], bias [out], then ReLU when asked. */
GraphNode graph_linear(Graph *graph, GraphNode x, int32_t out, bool relu, const char *name);

/* Recurrent layers over the valid positions of a sequence, [L, C] -> [L, hidden], from the first to the last
 * or, with `reverse`, from the last to the first; the state starts as zero, and the value of a position is
 * the state h behind it. With a = x input_weight + input_bias and b = h' state_weight + state_bias of the
 * state h' before, cut into gates of `hidden` channels in the order of the formulas (that of PyTorch, whose
 * weights are the transposed ones), s = sigmoid and products by element, gru:  r = s(ar + br), z = s(az +
 * bz), n = tanh(an + r bn); h = (1 - z) n + z h'     (Cho et al. 2014) lstm: i = s(ai + bi), f = s(af + bf),
 * g = tanh(ag + bg), o = s(ao + bo); c = f c' + i g, h = o tanh(c)                        (Hochreiter &
 * Schmidhuber 1997, Gers et al. 2000) input_weight [C][G * hidden], state_weight [hidden][G * hidden],
 * input_bias and state_bias [G * hidden] with G = 3 or 4 gates. The gradient goes back through all positions.
 */
GraphNode graph_gru(Graph *graph, GraphNode x, int32_t hidden, bool reverse, const GraphMask *mask,
                    const char *name);
GraphNode graph_lstm(Graph *graph, GraphNode x, int32_t hidden, bool reverse, const GraphMask *mask,
                     const char *name);

/* Options of the normalisations. */
typedef struct GraphNorm {
    float epsilon;  /* > 0, added to the variance; 0 means 1e-5 */
    float momentum; /* batch_norm: share of a new batch in the running statistics; 0 means 0.1 */
    const GraphMask
        *mask; /* of the input: positions that are not valid do not count; NULL: all are. Copied. */
} GraphNorm;

/* y[c] = (x[c] - mean[c]) / sqrt(variance[c] + epsilon) * weight[c] + bias[c] for [C], or each position of
 * [L, C]. While training, mean and (biased) variance of a channel are those of all valid positions of the
 * whole batch, and the running statistics move: mean by momentum * (batch's mean - mean), variance likewise
 * by the unbiased variance (fewer than two values: they stay). Otherwise the running statistics are used, and
 * in a gradient they count as constants. weight [C] (ones), bias [C] (zeros), mean [C] (zeros), variance [C]
 * (ones); the last two are not trained. Ioffe & Szegedy 2015. */
GraphNode graph_batch_norm(Graph *graph, GraphNode x, const GraphNorm *norm, const char *name);
/* The same formula with mean and variance over the channels of each position, while training or not: samples
 * stay independent. weight [C] (ones), bias [C] (zeros). Ba, Kiros & Hinton 2016. */
GraphNode graph_layer_norm(Graph *graph, GraphNode x, const GraphNorm *norm, const char *name);

/* Activations, any shape. Behind a masked sequence only relu, tanh and gelu keep what lies outside at zero.
 */
GraphNode graph_relu(Graph *graph, GraphNode x);    /* max(x, 0) */
GraphNode graph_sigmoid(Graph *graph, GraphNode x); /* 1 / (1 + exp(-x)) */
GraphNode graph_tanh(Graph *graph, GraphNode x);
GraphNode graph_gelu(Graph *graph, GraphNode x); /* x / 2 * (1 + erf(x / sqrt 2)), Hendrycks & Gimpel 2016 */

GraphNode graph_mask(Graph *graph, GraphNode x, const GraphMask *mask); /* [L, C] -> [L, C] */
/* [L, C] -> [C]: position L - 1, or the last valid one (none: 0). */
GraphNode graph_last(Graph *graph, GraphNode x);
GraphNode graph_last_valid(Graph *graph, GraphNode x, const GraphMask *mask);
/* Channels begin .. begin + count - 1 of [C] or of each position of [L, C]; positions likewise of [L, C]. */
GraphNode graph_slice(Graph *graph, GraphNode x, int32_t begin, int32_t count);
GraphNode graph_slice_positions(Graph *graph, GraphNode x, int32_t begin, int32_t count);
/* Joins the channels of at most 16 vectors, or of sequences of equal length; or the positions of sequences
 * with equally many channels. An input may occur more than once. */
GraphNode graph_concat(Graph *graph, const GraphNode *inputs, int32_t n_inputs);
GraphNode graph_concat_positions(Graph *graph, const GraphNode *inputs, int32_t n_inputs);
GraphNode graph_add(Graph *graph, GraphNode a, GraphNode b); /* equal shapes */
GraphNode graph_mul(Graph *graph, GraphNode a, GraphNode b); /* equal shapes */

/* Pools over the valid positions of a sequence (`mask` is that of the input); without any the result is 0.
 * Global: [L, C] -> [C],           y[c] = max or mean over valid t of x[t][c].
 * Windows: [L, C] -> [L', C] with L' = floor((L - window) / stride) + 1 and no padding,
 *                                  y[i][c] = max or mean over valid t in [i * stride, i * stride + window) of
 * x[t][c]; stride 0 means `window`. The gradient of a maximum goes to the first position that has it. */
GraphNode graph_max_pool(Graph *graph, GraphNode x, const GraphMask *mask);
GraphNode graph_max_pool_windows(Graph *graph, GraphNode x, int32_t window, int32_t stride,
                                 const GraphMask *mask);
GraphNode graph_average_pool(Graph *graph, GraphNode x, const GraphMask *mask);
GraphNode graph_average_pool_windows(Graph *graph, GraphNode x, int32_t window, int32_t stride,
                                     const GraphMask *mask);

/* u8 [C] -> f32 [C]: (clamp(x, low, high) - mean) * scale; four arrays [C], copied. u8 [L, C] likewise, the
 * constants being those of a channel. */
GraphNode graph_normalise_u8(Graph *graph, GraphNode x, const float *low, const float *high,
                             const float *mean, const float *scale);

/* While training: each element is zeroed with probability p and the others divided by 1 - p (inverted
 * dropout). Otherwise the identity. */
GraphNode graph_dropout(Graph *graph, GraphNode x, float p);
/* While training: the whole sample of each input is zeroed with probability p, independently, and never
 * rescaled; inputs with the same `branch` number are zeroed together. */
GraphNode graph_branch_dropout(Graph *graph, GraphNode x, float p, uint32_t branch);

/* How a loss differs from plain cross-entropy; zeros (or NULL for the whole) leave it plain. */
typedef struct GraphLossShape {
    float smoothing; /* in [0, 1]: targets t become (1 - smoothing) * t + smoothing / K, with K = 2 outcomes
                        (sigmoid) or K = C (softmax); Szegedy et al. 2016 */
    float focal;     /* >= 0: the exponent of (1 - p) in front of each log(1/p); Lin et al. 2017 */
} GraphLossShape;

/* The loss, at most one in a graph: sigmoid cross-entropy of logits [C] against targets f32 [C] in [0, 1],
 *   1/N * sum over rows r and classes c of row_weight[r] * mask[r][c] *
 *         (w+[c] t (1-s)^focal log(1/s) + w-[c] (1-t) s^focal log(1/(1-s)))   with s = sigmoid(logit).
 * mask f32 [C] (0 = not learned from) and row_weights f32 [1] may be GRAPH_NONE; the class weights [C]
 * (copied) may be NULL: ones. Value: [1] per sample, its share before 1/N. */
GraphNode graph_sigmoid_loss(Graph *graph, GraphNode logits, GraphNode targets, GraphNode mask,
                             GraphNode row_weights, const float *positive_weights,
                             const float *negative_weights);
GraphNode graph_sigmoid_loss_shaped(Graph *graph, GraphNode logits, GraphNode targets, GraphNode mask,
                                    GraphNode row_weights, const float *positive_weights,
                                    const float *negative_weights, const GraphLossShape *shape);

/* The other loss: softmax cross-entropy of logits [C] against targets f32 [C], a distribution,
 *   1/N * sum over rows r and classes c of row_weight[r] * w[c] t (1-p)^focal log(1/p)
 * with p = exp(logit[c]) / sum over k of exp(logit[k]). Optional inputs and value as above. */
GraphNode graph_softmax_loss(Graph *graph, GraphNode logits, GraphNode targets, GraphNode row_weights,
                             const float *class_weights, const GraphLossShape *shape);

/* Asks for the gradient of an f32 input (others have none), before graph_finish. */
void graph_require_gradient(Graph *graph, GraphNode input);

/* ---- Running ---- */

/* Ends the building: reports the first error of it, else plans and allocates all memory and draws the initial
 * parameters. CORE_SHAPE, CORE_ARGUMENT, CORE_LIMIT, CORE_MEMORY. */
CoreStatus graph_finish(Graph *graph, CoreError *error) CORE_NODISCARD;

/* Number of threads for the runs to come; 0 (the start) means OpenMP's default. The bits do not depend on it.
 */
void graph_set_threads(Graph *graph, int threads);

/* Where the next runs take an input from: row r at data + r * pitch bytes (pitch 0: rows are contiguous). The
 * rows are read during graph_forward; the memory stays the caller's. For f32 inputs data and pitch are
 * multiples of 4. */
CoreStatus graph_set_input(Graph *graph, GraphNode input, const void *data, size_t pitch, CoreError *error);

/* Computes every node for the first n rows of the inputs, 1 <= n <= max_batch. `training` switches dropout on
 * and advances the graph's random counter by one. CORE_ARGUMENT: n out of range or an input without data. */
CoreStatus graph_forward(Graph *graph, int32_t n, bool training, CoreError *error) CORE_NODISCARD;

/* Whether the parameters stay as they are: forward passes of a frozen graph keep what they made of the
 * parameters once, which tells with small batches. Freezing an already frozen graph tells that they changed;
 * a training pass or a step of an optimiser thaws it. */
void graph_freeze(Graph *graph, bool frozen);

/* The gradient of the loss of the last graph_forward for all parameters. Replaces the previous gradient. */
CoreStatus graph_backward(Graph *graph, CoreError *error) CORE_NODISCARD;

/* As graph_backward, for the scalar sum(cotangent * value(node)) instead of the loss; cotangent f32
 * [n][shape]. */
CoreStatus graph_backward_from(Graph *graph, GraphNode node, const float *cotangent,
                               CoreError *error) CORE_NODISCARD;

/* The loss of the last graph_forward; 0 without a loss node. */
double graph_loss(const Graph *graph);

/* Value f32 [n][shape] of a node after graph_forward (NULL of a u8 input and of a folded embedding), and its
 * gradient after graph_backward (NULL when the node has none). Borrowed, valid until graph_free; overwritten
 * by the next run. */
const float *graph_value(const Graph *graph, GraphNode node);
const float *graph_gradient(const Graph *graph, GraphNode node);
GraphShape graph_shape(const Graph *graph, GraphNode node);

/* ---- Parameters and state ---- */

typedef struct GraphParameter {
    const char *name; /* "layer.weight" */
    GraphShape shape;
    size_t count;
    float *values;          /* may be written between runs */
    const float *gradients; /* of the last backward */
    bool decay;             /* weights decay, biases do not */
    bool trained;           /* false: a statistic that the op keeps; its gradient is zero */
} GraphParameter;

/* Parameters in node order, index 0 .. graph_parameters() - 1, and by name (CORE_NOT_FOUND). The pointers are
 * borrowed from the graph. After graph_finish only. */
int32_t graph_parameters(const Graph *graph);
GraphParameter graph_parameter_at(const Graph *graph, int32_t index);
CoreStatus graph_parameter(const Graph *graph, const char *name, GraphParameter *parameter,
                           CoreError *error) CORE_NODISCARD;

/* All that a run depends on besides its inputs, as plain memory to save and restore: every parameter, running
 * statistics included, in one array (in node order, each padded with zeros to 16 floats) with its gradients,
 * and the random counter.
 * Borrowed. */
typedef struct GraphState {
    size_t count;
    float *parameters;
    float *gradients;
    uint64_t *counter;
} GraphState;

GraphState graph_state(Graph *graph);

#endif
