/* Writing ONNX: the Protocol Buffers encoding, and tensors, operators and declarations in it.
 * Relies on: onnx_write.h. Field numbers are those of onnx.proto (IR version 8).
 * Relied on by: onnx.c, onnx_ops.c, onnx_layers.c. */
#include "engine/onnx_write.h"

#include <stdio.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_32_BITS = 5 };
enum { LENGTH_BYTES = 5 };

/* Of GraphProto, NodeProto, AttributeProto, TensorProto, ValueInfoProto, TypeProto (and its Tensor and
 * Shape). */
enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5 };
enum { OP_INPUT = 1, OP_OUTPUT = 2, OP_NAME = 3, OP_TYPE = 4, OP_ATTRIBUTE = 5 };
enum {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_FLOAT = 2,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_TEXT = 4,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20
};
enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_TEXT = 3, TYPE_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, VALUE_DOC = 3, TYPE_TENSOR = 1 };
enum { TYPE_ELEMENT = 1, TYPE_SHAPE = 2, SHAPE_DIM = 1, DIM_VALUE = 1, DIM_PARAM = 2 };

/* ---- messages ---- */

static void write_varint(CoreWriter *out, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        core_write_u8(out, (uint8_t)(0x80 | (value & 0x7f)));
    core_write_u8(out, (uint8_t)value);
}

static void write_key(CoreWriter *out, uint32_t field, uint32_t wire_type) {
    write_varint(out, field << 3 | wire_type);
}

size_t proto_begin(CoreWriter *out, uint32_t field) {
    write_key(out, field, WIRE_BYTES);
    core_write_zeros(out, LENGTH_BYTES);
    return out->offset;
}

void proto_end(CoreWriter *out, size_t begin) {
    if (!out->data || out->failed) return;
    const size_t length = out->offset - begin;
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        out->data[begin - LENGTH_BYTES + i] =
            (uint8_t)((length >> (7 * i) & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
}

void proto_int(CoreWriter *out, uint32_t field, int64_t value) {
    write_key(out, field, WIRE_VARINT);
    write_varint(out, (uint64_t)value);
}

void proto_text(CoreWriter *out, uint32_t field, const char *text) {
    const size_t length = strlen(text);
    write_key(out, field, WIRE_BYTES);
    write_varint(out, length);
    core_write_bytes(out, text, length);
}

/* ---- names ---- */

OnnxName onnx_part(const Node *node, const char *part) {
    OnnxName name;
    snprintf(name.text, sizeof name.text, "%s/%s", node->name, part);
    return name;
}

OnnxName onnx_value(const Node *node) {
    if (node->op == &op_input_f32 && node->shape.rank == 2) return onnx_part(node, "turned");
    OnnxName name;
    snprintf(name.text, sizeof name.text, "%s", node->name);
    return name;
}

OnnxName onnx_input(const Onnx *onnx, const Node *node, int32_t index) {
    return onnx_value(node_input(onnx->graph, node, index));
}

/* ---- operators ---- */

size_t onnx_begin(Onnx *onnx, const char *op, const char *const *inputs, const char *output) {
    CoreWriter *out = &onnx->out;
    const size_t begin = proto_begin(out, GRAPH_NODE);
    for (; *inputs; inputs++)
        proto_text(out, OP_INPUT, *inputs);
    proto_text(out, OP_OUTPUT, output);
    proto_text(out, OP_NAME, output);
    proto_text(out, OP_TYPE, op);
    return begin;
}

void onnx_end(Onnx *onnx, size_t begin) {
    proto_end(&onnx->out, begin);
}

void onnx_op(Onnx *onnx, const char *op, const char *const *inputs, const char *output) {
    onnx_end(onnx, onnx_begin(onnx, op, inputs, output));
}

static size_t begin_attribute(Onnx *onnx, const char *name, int type) {
    const size_t begin = proto_begin(&onnx->out, OP_ATTRIBUTE);
    proto_text(&onnx->out, ATTRIBUTE_NAME, name);
    proto_int(&onnx->out, ATTRIBUTE_TYPE, type);
    return begin;
}

void onnx_attribute(Onnx *onnx, const char *name, int64_t value) {
    const size_t begin = begin_attribute(onnx, name, TYPE_INT);
    proto_int(&onnx->out, ATTRIBUTE_INT, value);
    proto_end(&onnx->out, begin);
}

void onnx_attributes(Onnx *onnx, const char *name, int32_t n, const int64_t *values) {
    const size_t begin = begin_attribute(onnx, name, TYPE_INTS);
    for (int32_t i = 0; i < n; i++)
        proto_int(&onnx->out, ATTRIBUTE_INTS, values[i]);
    proto_end(&onnx->out, begin);
}

void onnx_attribute_float(Onnx *onnx, const char *name, float value) {
    const size_t begin = begin_attribute(onnx, name, TYPE_FLOAT);
    write_key(&onnx->out, ATTRIBUTE_FLOAT, WIRE_32_BITS);
    core_write_f32(&onnx->out, value);
    proto_end(&onnx->out, begin);
}

void onnx_attribute_text(Onnx *onnx, const char *name, const char *value) {
    const size_t begin = begin_attribute(onnx, name, TYPE_TEXT);
    proto_text(&onnx->out, ATTRIBUTE_TEXT, value);
    proto_end(&onnx->out, begin);
}

void onnx_permute(Onnx *onnx, const char *x, int32_t rank, const int64_t *order, const char *y) {
    const size_t begin = onnx_begin(onnx, "Transpose", ONNX_INPUTS(x), y);
    onnx_attributes(onnx, "perm", rank, order);
    onnx_end(onnx, begin);
}

void onnx_transpose(Onnx *onnx, const char *x, const char *y) {
    onnx_permute(onnx, x, 3, (const int64_t[]){0, 2, 1}, y);
}

void onnx_cast(Onnx *onnx, const char *x, OnnxElement type, const char *y) {
    const size_t begin = onnx_begin(onnx, "Cast", ONNX_INPUTS(x), y);
    onnx_attribute(onnx, "to", type);
    onnx_end(onnx, begin);
}

/* ---- tensors ---- */

/* An initialiser, open: the caller writes its values, little-endian, and calls proto_end. */
static size_t begin_tensor(Onnx *onnx, const char *name, OnnxElement type, int32_t rank,
                           const int64_t *dims) {
    CoreWriter *out = &onnx->out;
    const size_t begin = proto_begin(out, GRAPH_INITIALIZER);
    uint64_t bytes = type == ONNX_INT64 ? sizeof(int64_t) : sizeof(float);
    for (int32_t d = 0; d < rank; d++) {
        proto_int(out, TENSOR_DIMS, dims[d]);
        bytes *= (uint64_t)dims[d];
    }
    proto_int(out, TENSOR_TYPE, type);
    proto_text(out, TENSOR_NAME, name);
    write_key(out, TENSOR_RAW, WIRE_BYTES);
    write_varint(out, bytes);
    return begin;
}

OnnxName onnx_ints(Onnx *onnx, const Node *node, const char *part, int32_t rank, int32_t n,
                   const int64_t *values) {
    const OnnxName name = onnx_part(node, part);
    const size_t begin = begin_tensor(onnx, name.text, ONNX_INT64, rank, &(int64_t){n});
    for (int32_t i = 0; i < n; i++)
        core_write_u64(&onnx->out, (uint64_t)values[i]);
    proto_end(&onnx->out, begin);
    return name;
}

OnnxName onnx_steps(Onnx *onnx, const Node *node, const char *part, int32_t n, int64_t first, int64_t step) {
    const OnnxName name = onnx_part(node, part);
    const size_t begin = begin_tensor(onnx, name.text, ONNX_INT64, 1, &(int64_t){n});
    for (int32_t i = 0; i < n; i++)
        core_write_u64(&onnx->out, (uint64_t)(first + i * step));
    proto_end(&onnx->out, begin);
    return name;
}

OnnxName onnx_floats(Onnx *onnx, const Node *node, const char *part, int32_t n, const float *values) {
    const OnnxName name = onnx_part(node, part);
    const size_t begin = begin_tensor(onnx, name.text, ONNX_FLOAT, 1, &(int64_t){n});
    for (int32_t i = 0; i < n; i++)
        core_write_f32(&onnx->out, values[i]);
    proto_end(&onnx->out, begin);
    return name;
}

OnnxName onnx_identities(Onnx *onnx, const Node *node, const char *part, int64_t count, int64_t size) {
    const OnnxName name = onnx_part(node, part);
    const size_t begin = begin_tensor(onnx, name.text, ONNX_FLOAT, 3, (const int64_t[]){count, size, size});
    for (int64_t i = 0; i < count * size * size; i++)
        core_write_f32(&onnx->out, i / size % size == i % size ? 1 : 0);
    proto_end(&onnx->out, begin);
    return name;
}

const char *onnx_parameter(Onnx *onnx, const Node *node, int32_t index, int32_t rank, const int64_t *dims,
                           const int64_t *strides) {
    const char *name = onnx->graph->parameter_list[node->first_parameter + index].name;
    const float *values = node_parameter(onnx->graph, node, index);
    int64_t size[3] = {1, 1, 1}, step[3] = {0};
    memcpy(size, dims, (size_t)rank * sizeof *size);
    memcpy(step, strides, (size_t)rank * sizeof *step);
    const size_t begin = begin_tensor(onnx, name, ONNX_FLOAT, rank, dims);
    for (int64_t i = 0; i < size[0]; i++)
        for (int64_t j = 0; j < size[1]; j++)
            for (int64_t k = 0; k < size[2]; k++)
                core_write_f32(&onnx->out, values[i * step[0] + j * step[1] + k * step[2]]);
    proto_end(&onnx->out, begin);
    return name;
}

/* ---- inputs and outputs ---- */

static void write_dim(CoreWriter *out, int64_t value) {
    const size_t begin = proto_begin(out, SHAPE_DIM);
    proto_int(out, DIM_VALUE, value);
    proto_end(out, begin);
}

void onnx_declare(Onnx *onnx, OnnxEdge edge, const char *name, const char *doc, OnnxElement type,
                  GraphShape shape) {
    CoreWriter *out = &onnx->out;
    const size_t value = proto_begin(out, edge);
    proto_text(out, VALUE_NAME, name);
    if (doc) proto_text(out, VALUE_DOC, doc);
    const size_t value_type = proto_begin(out, VALUE_TYPE), tensor = proto_begin(out, TYPE_TENSOR);
    proto_int(out, TYPE_ELEMENT, type);
    const size_t dims = proto_begin(out, TYPE_SHAPE), batch = proto_begin(out, SHAPE_DIM);
    proto_text(out, DIM_PARAM, "N");
    proto_end(out, batch);
    for (int32_t d = 0; d < shape.rank; d++)
        write_dim(out, shape.size[d]);
    proto_end(out, dims);
    proto_end(out, tensor);
    proto_end(out, value_type);
    proto_end(out, value);
}
