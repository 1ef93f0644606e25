/* A trained graph as an ONNX model, for other people's runtimes.
 * Relies on: engine/graph.h.
 * Relied on by: train (sipcnn-train export), bench, tests. */
#ifndef SIPCNN_ENGINE_ONNX_H
#define SIPCNN_ENGINE_ONNX_H

#include "engine/graph.h"

/* An output of the model: the value of a node, under a name of its own or, but for sequences, the node's.
 * `doc` may be NULL. */
typedef struct GraphOnnxOutput {
    GraphNode node;
    const char *name, *doc;
} GraphOnnxOutput;

/* A text under a name. */
typedef struct GraphOnnxText {
    const char *name, *text;
} GraphOnnxText;

/* What to export, and what to say about it. Everything is borrowed. */
typedef struct GraphOnnx {
    const char *name, *doc; /* of the model; doc may be NULL */
    const GraphOnnxOutput *outputs;
    int32_t n_outputs;
    const GraphOnnxText *inputs; /* doc strings of inputs, by the input's name */
    int32_t n_inputs;
    const GraphOnnxText *metadata; /* the model's metadata_props */
    int32_t n_metadata;
} GraphOnnx;

/* The bytes of an ONNX model (IR version 8, operator set 17, f32) in *bytes (free()) that computes the
 * outputs as graph_forward does outside of training, with the parameters as they are now.
 *
 * Inputs are those inputs of the graph that the outputs depend on: same names, types and shapes with a batch
 * dimension "N" in front, so f32 or u8 [N, L, C] as graph_set_input takes it. Outputs are f32 [N, shape].
 * Parameters are initialisers under their own names, in the layout that their ONNX operator wants (a
 * convolution's weight is [out, in, taps]). A node has the name of its layer, what belongs to it is called
 * "layer/part". Dropout is the identity, losses have no ONNX form, masks are computed from the lengths.
 *
 * CORE_ARGUMENT: the graph is not finished, an output is no f32 node or a loss, or two names would be the
 * same; CORE_UNAVAILABLE: an op without an ONNX form; CORE_LIMIT: more than 2 GiB; CORE_MEMORY. Thread-safe
 * while no one runs the graph. */
CORE_NODISCARD CoreStatus graph_onnx(const Graph *graph, const GraphOnnx *wanted, uint8_t **bytes,
                                     size_t *size, CoreError *error);

#endif
