/* Writing ONNX: Protocol Buffers messages, and the parts of an ONNX graph made of them.
 * Relies on: ops.h, engine/core/bytes.h.
 * Relied on by: onnx.c, onnx_ops.c, onnx_layers.c. */
#ifndef SIPCNN_ENGINE_ONNX_WRITE_H
#define SIPCNN_ENGINE_ONNX_WRITE_H

#include "engine/core/bytes.h"
#include "engine/ops.h"

/* A message is a sequence of fields: a key (number, wire type) and a value; fields may come in any order, so
 * nodes and initialisers are written as they come up. All is written twice, first only measured. */
typedef struct Onnx {
    const Graph *graph;
    CoreWriter out;
    bool used[GRAPH_MAX_NODES]; /* which nodes the outputs depend on */
} Onnx;

/* ---- messages (the Protocol Buffers encoding) ---- */

/* Opens an embedded message or a byte string; what is written until proto_end is its content. The length
 * takes five bytes whatever it is, so that it can be filled in at the end. */
size_t proto_begin(CoreWriter *out, uint32_t field);
void proto_end(CoreWriter *out, size_t begin);
void proto_int(CoreWriter *out, uint32_t field, int64_t value);
void proto_text(CoreWriter *out, uint32_t field, const char *text);

/* ---- names of tensors ---- */

typedef struct OnnxName {
    char text[NODE_NAME_SIZE + 16];
} OnnxName;

/* The tensor of a node's value: sequences are [N, C, L] there, as ONNX convolves them, all else as in memory.
 */
OnnxName onnx_value(const Node *node);
/* That of the value of a node's input. */
OnnxName onnx_input(const Onnx *onnx, const Node *node, int32_t index);
/* "layer/part": a tensor that belongs to a node. */
OnnxName onnx_part(const Node *node, const char *part);

/* ---- parts of a graph ---- */

typedef enum OnnxElement { ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT32 = 6, ONNX_INT64 = 7 } OnnxElement;

#define ONNX_INPUTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* An operator from tensors, up to the first NULL ("" leaves an optional one out), to one tensor. Between
 * begin and end come its attributes. */
size_t onnx_begin(Onnx *onnx, const char *op, const char *const *inputs, const char *output);
void onnx_end(Onnx *onnx, size_t begin);
void onnx_op(Onnx *onnx, const char *op, const char *const *inputs, const char *output);
void onnx_attribute(Onnx *onnx, const char *name, int64_t value);
void onnx_attributes(Onnx *onnx, const char *name, int32_t n, const int64_t *values);
void onnx_attribute_float(Onnx *onnx, const char *name, float value);
void onnx_attribute_text(Onnx *onnx, const char *name, const char *value);

/* Dimension d of y is dimension order[d] of x; transpose: [N, A, B] -> [N, B, A]. */
void onnx_permute(Onnx *onnx, const char *x, int32_t rank, const int64_t *order, const char *y);
void onnx_transpose(Onnx *onnx, const char *x, const char *y);
void onnx_cast(Onnx *onnx, const char *x, OnnxElement type, const char *y);

/* Constants: rank 1 with n values, or rank 0 with one. The name is `part` of the node and is returned. */
OnnxName onnx_ints(Onnx *onnx, const Node *node, const char *part, int32_t rank, int32_t n,
                   const int64_t *values);
OnnxName onnx_floats(Onnx *onnx, const Node *node, const char *part, int32_t n, const float *values);

/* Likewise first, first + step, ... */
OnnxName onnx_steps(Onnx *onnx, const Node *node, const char *part, int32_t n, int64_t first, int64_t step);

/* The identity matrix so many times, [count, size, size]. */
OnnxName onnx_identities(Onnx *onnx, const Node *node, const char *part, int64_t count, int64_t size);

/* Parameter number `index` of a node as an initialiser with `rank` (at most 3) dimensions, of which element
 * [i][j][k] is value i * strides[0] + j * strides[1] + k * strides[2] in our layout. Its name is returned. */
const char *onnx_parameter(Onnx *onnx, const Node *node, int32_t index, int32_t rank, const int64_t *dims,
                           const int64_t *strides);

/* Declares an input or output [N, shape] of the graph. */
typedef enum OnnxEdge { ONNX_INPUT = 11, ONNX_OUTPUT = 12 } OnnxEdge;
void onnx_declare(Onnx *onnx, OnnxEdge edge, const char *name, const char *doc, OnnxElement type,
                  GraphShape shape);

/* ---- the operators of an op ---- */

typedef struct OnnxOp {
    const OpClass *op;
    void (*emit)(Onnx *onnx, const Node *node); /* NULL: a loss */
} OnnxOp;

/* NULL: the op has no ONNX form. */
const OnnxOp *onnx_find(const OpClass *op);

/* Writes the operators that compute the value of a node whose op is no loss, its mask before them. */
void onnx_emit(Onnx *onnx, const Node *node);

/* The tensor with the mask of a node, bool [N, 1, L]. */
OnnxName onnx_mask(const Onnx *onnx, const Node *node);

/* y = x [N, C, L] at the positions of the input that a masked look-up convolution leaves in, zeros elsewhere.
 */
void onnx_mask_input(Onnx *onnx, const Node *node, const char *x, const char *y);

/* What a layer computes goes through ReLU and mask as far as it has them: the tensor before, and the
 * operators from there to the node's value. */
OnnxName onnx_before_finish(const Node *node);
void onnx_finish(Onnx *onnx, const Node *node);

void onnx_emit_embed(Onnx *onnx, const Node *node);
void onnx_emit_embed_conv1d(Onnx *onnx, const Node *node);
void onnx_emit_conv1d(Onnx *onnx, const Node *node);
void onnx_emit_depthwise_conv1d(Onnx *onnx, const Node *node);
void onnx_emit_linear(Onnx *onnx, const Node *node);
void onnx_emit_batch_norm(Onnx *onnx, const Node *node);
void onnx_emit_layer_norm(Onnx *onnx, const Node *node);
void onnx_emit_gru(Onnx *onnx, const Node *node);
void onnx_emit_lstm(Onnx *onnx, const Node *node);

#endif
