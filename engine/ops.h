/* The inside of a graph: nodes, op classes, parameters, and what an op sees of a run.
 * Relies on: engine/graph.h, engine/kernels, engine/core/arena.h.
 * Relied on by: the files of engine only, and tests/engine. */
#ifndef SIPCNN_ENGINE_OPS_H
#define SIPCNN_ENGINE_OPS_H

#include "engine/core/arena.h"
#include "engine/graph.h"
#include "engine/kernels/kernels.h"

enum { NODE_NAME_SIZE = 48, EMBED_MAX_FIELDS = 16, GRAPH_MAX_PARAMETERS = 2 * GRAPH_MAX_NODES };

typedef struct Node Node;

/* The rows of the batch that a call of an op works on. Calls for different chunks run at the same time. */
typedef struct OpChunk {
    int32_t index;  /* 0 .. GRAPH_CHUNKS - 1 */
    int32_t chunks; /* how many have rows: those in front */
    int32_t begin, rows;
    bool training;
    float *slab;    /* where this chunk's gradients of the parameters add up, laid out as Graph.parameters */
    float *scratch; /* scratch_floats of any node, this thread's: holds nothing between calls */
} OpChunk;

/* An op. `shape` is the shape rule: it checks inputs and attributes, sets node->shape, node->type and memory
 * needs, and declares parameters; it reports with graph_fail and returns false. `forward` computes the node's
 * value rows, `backward` adds to the gradients of inputs that have one and to the chunk's slab; it may change
 * its own gradient. `prepare` runs once before the chunks of a pass: before each forward pass, unless the
 * graph is frozen, and before each backward pass. `collect` is for gradients of parameters that are divided
 * otherwise than by samples: it is called for each chunk with rows when all have gone back, and what it adds
 * to the chunk's slab is its own choice of them. NULL where there is nothing to do.
 *
 * An op whose samples depend on each other while training has `sum` and `combine` too. Then, in both passes
 * of a training run, `sum` is called for every chunk (rows may be 0) before the node's own turn and leaves
 * the chunk's share in its part of node->shared; when all have, `combine` is called once and adds the shares
 * in the order of the chunks, so that the bits do not depend on threads here either. Other runs know no
 * shares: `combine` is called before the forward pass only. */
typedef enum OpPass { OP_FORWARD, OP_BACKWARD } OpPass;

typedef struct OpClass {
    const char *name;
    bool (*shape)(Graph *graph, Node *node);
    void (*forward)(const Graph *graph, const Node *node, const OpChunk *chunk);
    void (*prepare)(const Graph *graph, const Node *node, OpPass pass);
    void (*backward)(const Graph *graph, const Node *node, const OpChunk *chunk);
    void (*collect)(const Graph *graph, const Node *node, const OpChunk *chunk);
    void (*sum)(const Graph *graph, const Node *node, const OpChunk *chunk, OpPass pass);
    void (*combine)(const Graph *graph, const Node *node, OpPass pass, bool training);
} OpClass;

struct Node {
    const OpClass *op;
    char name[NODE_NAME_SIZE];
    int32_t n_inputs;
    GraphNode inputs[GRAPH_MAX_INPUTS];
    GraphType type;
    GraphShape shape;
    int32_t first_parameter, n_parameters;
    bool needs_gradient;
    int32_t n_readers; /* nodes that have this one as an input; the last of them */
    GraphNode reader;
    bool folded; /* an embed that its reader looks up by itself: neither computed nor kept */

    /* Attributes; each op uses its own. */
    bool masked; /* the last input is the lengths of `mask` */
    GraphMask mask;
    GraphPadding padding;
    KernelConv1d conv;
    int32_t fields, offsets[EMBED_MAX_FIELDS + 1];
    int32_t runs, slice_begin; /* equal runs in a row; of values in each of the input's */
    bool along_positions, reverse;
    float probability;
    float epsilon, momentum;
    uint32_t branch;
    bool loss_mask, loss_row_weights; /* which optional inputs the loss has */
    GraphLossShape loss_shape;
    float *constants; /* owned copy of per-channel constants */

    /* Memory needs, set by the shape rule, and the memory, set by graph_finish. */
    size_t saved_bytes;    /* of each row, forward -> backward */
    size_t planes_floats;  /* prepare -> forward, backward's prepare */
    size_t packed_floats;  /* prepare -> backward */
    size_t scratch_floats; /* of each thread */
    size_t shared_bytes;   /* sum -> combine -> forward, backward */
    uint8_t *bytes;        /* u8 value [max_batch][shape] */
    float *value;          /* f32 value [max_batch][shape] */
    float *gradient;       /* same, when needs_gradient */
    void *saved;
    float *planes, *packed;
    void *shared;

    /* Inputs only: where the rows come from. */
    const uint8_t *source;
    size_t pitch;
};

typedef struct Parameter {
    char name[NODE_NAME_SIZE + 8];
    GraphShape shape;
    size_t offset, count; /* in Graph.parameters */
    float start, bound;   /* drawn uniformly from start + [-bound, bound] */
    bool decay;           /* by the optimiser */
    bool trained;         /* not a statistic that the op itself keeps */
} Parameter;

struct Graph {
    CoreError error; /* the first error while building */
    int32_t max_batch;
    uint64_t seed, counter;
    int threads;
    const Kernels *kernels;
    bool finished;
    bool frozen, prepared; /* parameters stay as they are; forward passes have what they prepare */
    int32_t batch;         /* of the last forward, 0 before */
    bool trained;          /* the last forward was for training */
    GraphNode loss;
    GraphNode from; /* where the backward pass under way begins */
    int32_t n_nodes, n_parameters;
    Node nodes[GRAPH_MAX_NODES];
    int32_t n_barriers, barriers[GRAPH_MAX_NODES]; /* the nodes with `sum`, ascending */
    Parameter parameter_list[GRAPH_MAX_PARAMETERS];
    size_t parameter_floats;
    float *parameters, *gradients;
    float *slabs[GRAPH_CHUNKS];
    float *scratch[GRAPH_CHUNKS]; /* of each thread, of which there are no more than chunks */
    CoreArena arena;
};

#define OP(name) extern const OpClass op_##name;
#include "engine/ops.def"
#undef OP

/* All op classes, in the order of ops.def. */
extern const OpClass *const op_classes[];
extern const int32_t n_op_classes;

/* ---- for builders (graph.c) ---- */

/* Appends a copy of *node (op, inputs and attributes set) after its shape rule agreed. GRAPH_NONE after an
 * error; node->constants is owned by the graph either way. */
GraphNode graph_append(Graph *graph, Node *node, const char *name);
/* Keeps the first error, prefixed with op and layer; returns false. */
bool graph_fail(Graph *graph, const Node *node, CoreStatus status, const char *format, ...) CORE_PRINTF(4, 5);
/* Declares parameter "layer.suffix", drawn from [-bound, bound]. */
bool graph_declare(Graph *graph, Node *node, const char *suffix, GraphShape shape, float bound, bool decay);
/* Declares parameter "layer.suffix" that starts as `start` and never decays; without `trained` it is a
 * statistic that only the op changes. */
bool graph_declare_constant(Graph *graph, Node *node, const char *suffix, GraphShape shape, float start,
                            bool trained);
/* "[N, 48, 4]" in `text`, which is returned. */
const char *shape_text(GraphShape shape, char text[64]);

/* Makes one folded_conv1d of each conv1d and the embed that only it reads, as graph_embed says. Before the
 * memory is planned. */
void fold_embeddings(Graph *graph);

/* ---- for shape rules and runs ---- */

static inline const Node *node_input(const Graph *graph, const Node *node, int32_t index) {
    return &graph->nodes[node->inputs[index]];
}
/* Values in one row. */
static inline size_t node_size(const Node *node) {
    return (size_t)node->shape.size[0] * (size_t)node->shape.size[1] * (size_t)node->shape.size[2];
}
static inline float *node_value(const Node *node, int32_t row) {
    return node->value + (size_t)row * node_size(node);
}
static inline uint8_t *node_bytes(const Node *node, int32_t row) {
    return node->bytes + (size_t)row * node_size(node);
}
static inline float *node_gradient(const Node *node, int32_t row) {
    return node->gradient + (size_t)row * node_size(node);
}
/* Of a max_pool: where each value of a row stood in the input, or -1. */
static inline int32_t *max_pool_positions(const Node *node, int32_t row) {
    return (int32_t *)node->saved + (size_t)row * node_size(node);
}
/* The node's parameter number `index`, and its gradients in a chunk's slab. */
static inline float *node_parameter(const Graph *graph, const Node *node, int32_t index) {
    return graph->parameters + graph->parameter_list[node->first_parameter + index].offset;
}
static inline float *node_slab(const Graph *graph, const Node *node, int32_t index, const OpChunk *chunk) {
    return chunk->slab + graph->parameter_list[node->first_parameter + index].offset;
}

/* The valid ones of `length` positions in a row, as the node's mask says. */
KernelRange node_valid(const Graph *graph, const Node *node, int32_t row, int32_t length);
/* The same after strides that multiply to `stride`, whatever the mask's is. */
KernelRange node_valid_after(const Graph *graph, const Node *node, int32_t row, int32_t length,
                             int32_t stride);
/* What convolutions share. Positions outside of `valid` become zero. */
void clear_rest(float *y, KernelRange valid, int32_t length, int32_t channels);
/* In the part of a sample's gradient that is used, what a ReLU stopped becomes zero. */
void stop_at_relu(const Graph *graph, const Node *node, int32_t row, KernelRange valid);
/* The gradient of the bias: the sum over the valid positions of a sample. */
void add_bias_gradient(const Graph *graph, const Node *node, int32_t row, KernelRange valid, float *dbias);
/* Appends the mask's lengths to the node's inputs; NULL: no mask. */
void node_set_mask(Node *node, const GraphMask *mask);
/* Checks a mask against a sequence of `length` positions. */
bool mask_check(Graph *graph, const Node *node, int32_t length);
/* Checks that input `index` is f32 of this rank, `wanted` naming the shape ("[N, L, C]"). */
bool input_check(Graph *graph, const Node *node, int32_t index, GraphType type, int32_t rank,
                 const char *wanted);

#endif
