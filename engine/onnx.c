/* Exporting a graph: which nodes are needed, whether their names can stand side by side, and the model around
 * them. Relies on: onnx_write.h. Relied on by: train, bench, tests through onnx.h. */
#include "engine/onnx.h"

#include "engine/onnx_write.h"

#include <stdlib.h>
#include <string.h>

enum { IR_VERSION = 8, OPERATOR_SET = 17 };
enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_DOC = 6, MODEL_GRAPH = 7 };
enum { MODEL_OPERATOR_SETS = 8, MODEL_METADATA = 14, OPERATOR_SET_VERSION = 2 };
enum { GRAPH_NAME = 2, METADATA_KEY = 1, METADATA_VALUE = 2 };

/* ---- what can be exported ---- */

static bool is_input(const Node *node) {
    return node->op == &op_input_f32 || node->op == &op_input_u8;
}

static CoreStatus check_outputs(const Graph *graph, const GraphOnnx *wanted, CoreError *error) {
    if (!graph->finished) return core_fail(error, CORE_ARGUMENT, "the graph is not finished");
    if (wanted->n_outputs < 1) return core_fail(error, CORE_ARGUMENT, "an ONNX model without outputs");
    for (int32_t i = 0; i < wanted->n_outputs; i++) {
        const GraphOnnxOutput *output = &wanted->outputs[i];
        if (output->node < 0 || output->node >= graph->n_nodes)
            return core_fail(error, CORE_ARGUMENT, "output \"%s\" is no node of the graph", output->name);
        if (graph->nodes[output->node].type != GRAPH_F32)
            return core_fail(error, CORE_ARGUMENT, "output \"%s\" is u8", output->name);
    }
    return CORE_OK;
}

static CoreStatus mark_used(Onnx *onnx, const GraphOnnx *wanted, CoreError *error) {
    const Graph *graph = onnx->graph;
    for (int32_t i = 0; i < wanted->n_outputs; i++)
        onnx->used[wanted->outputs[i].node] = true;
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--) {
        const Node *node = &graph->nodes[i];
        if (!onnx->used[i]) continue;
        const OnnxOp *op = onnx_find(node->op);
        if (!op || !op->emit)
            return core_fail(error, op ? CORE_ARGUMENT : CORE_UNAVAILABLE, "%s \"%s\": %s", node->op->name,
                             node->name, op ? "a loss is not exported" : "this op has no ONNX form");
        for (int32_t k = 0; k < node->n_inputs; k++)
            onnx->used[node->inputs[k]] = true;
    }
    return CORE_OK;
}

/* A vector can be the output under the name of its node; a sequence is turned first. */
static bool is_itself(const Graph *graph, const GraphOnnxOutput *output) {
    const Node *node = &graph->nodes[output->node];
    return node->shape.rank != 2 && strcmp(node->name, output->name) == 0;
}

/* Whether "name" or a "name/part" could be `other`. */
static bool covers(const char *name, const char *other) {
    const size_t length = strlen(name);
    return strncmp(name, other, length) == 0 && (other[length] == '\0' || other[length] == '/');
}

/* The name of another node, of a parameter or of an output that could be that of a tensor of node i, or NULL.
 */
static const char *find_clash(const Graph *graph, const GraphOnnx *wanted, int32_t i) {
    const char *name = graph->nodes[i].name;
    for (int32_t k = 0; k < graph->n_nodes; k++)
        if (k != i && covers(name, graph->nodes[k].name)) return graph->nodes[k].name;
    for (int32_t k = 0; k < graph->n_parameters; k++)
        if (covers(name, graph->parameter_list[k].name)) return graph->parameter_list[k].name;
    for (int32_t k = 0; k < wanted->n_outputs; k++) {
        const GraphOnnxOutput *output = &wanted->outputs[k];
        if (covers(name, output->name) && !(output->node == i && is_itself(graph, output)))
            return output->name;
    }
    return NULL;
}

/* Every tensor of an ONNX graph has a name of its own. */
static CoreStatus check_names(const Onnx *onnx, const GraphOnnx *wanted, CoreError *error) {
    const Graph *graph = onnx->graph;
    const char *name = NULL, *clash = NULL;
    for (int32_t i = 0; i < graph->n_nodes && !clash; i++) {
        if (!onnx->used[i]) continue;
        name = graph->nodes[i].name;
        clash = find_clash(graph, wanted, i);
    }
    for (int32_t i = 0; i < wanted->n_outputs && !clash; i++) {
        name = wanted->outputs[i].name;
        for (int32_t k = 0; k < i; k++)
            if (strcmp(name, wanted->outputs[k].name) == 0) clash = wanted->outputs[k].name;
        for (int32_t k = 0; k < graph->n_parameters; k++)
            if (strcmp(name, graph->parameter_list[k].name) == 0) clash = graph->parameter_list[k].name;
    }
    if (!clash) return CORE_OK;
    return core_fail(error, CORE_ARGUMENT, "the names \"%s\" and \"%s\" clash in an ONNX model", name, clash);
}

/* ---- the model ---- */

static const char *input_doc(const GraphOnnx *wanted, const char *name) {
    for (int32_t i = 0; i < wanted->n_inputs; i++)
        if (strcmp(wanted->inputs[i].name, name) == 0) return wanted->inputs[i].text;
    return NULL;
}

static void write_output(Onnx *onnx, const GraphOnnxOutput *output) {
    const Node *node = &onnx->graph->nodes[output->node];
    const OnnxName value = onnx_value(node);
    if (node->shape.rank == 2)
        onnx_transpose(onnx, value.text, output->name);
    else if (!is_itself(onnx->graph, output))
        onnx_op(onnx, "Identity", ONNX_INPUTS(value.text), output->name);
    onnx_declare(onnx, ONNX_OUTPUT, output->name, output->doc, ONNX_FLOAT, node->shape);
}

static void write_graph(Onnx *onnx, const GraphOnnx *wanted) {
    const size_t begin = proto_begin(&onnx->out, MODEL_GRAPH);
    proto_text(&onnx->out, GRAPH_NAME, wanted->name);
    for (int32_t i = 0; i < onnx->graph->n_nodes; i++) {
        const Node *node = &onnx->graph->nodes[i];
        if (!onnx->used[i]) continue;
        if (is_input(node))
            onnx_declare(onnx, ONNX_INPUT, node->name, input_doc(wanted, node->name),
                         node->type == GRAPH_U8 ? ONNX_UINT8 : ONNX_FLOAT, node->shape);
        onnx_emit(onnx, node);
    }
    for (int32_t i = 0; i < wanted->n_outputs; i++)
        write_output(onnx, &wanted->outputs[i]);
    proto_end(&onnx->out, begin);
}

static void write_model(Onnx *onnx, const GraphOnnx *wanted) {
    CoreWriter *out = &onnx->out;
    proto_int(out, MODEL_IR, IR_VERSION);
    proto_text(out, MODEL_PRODUCER, "sipcnn");
    proto_text(out, MODEL_PRODUCER_VERSION, SIPCNN_VERSION);
    if (wanted->doc) proto_text(out, MODEL_DOC, wanted->doc);
    const size_t operators = proto_begin(out, MODEL_OPERATOR_SETS);
    proto_int(out, OPERATOR_SET_VERSION, OPERATOR_SET);
    proto_end(out, operators);
    write_graph(onnx, wanted);
    for (int32_t i = 0; i < wanted->n_metadata; i++) {
        const size_t entry = proto_begin(out, MODEL_METADATA);
        proto_text(out, METADATA_KEY, wanted->metadata[i].name);
        proto_text(out, METADATA_VALUE, wanted->metadata[i].text);
        proto_end(out, entry);
    }
}

CoreStatus graph_onnx(const Graph *graph, const GraphOnnx *wanted, uint8_t **bytes, size_t *size,
                      CoreError *error) {
    Onnx onnx = {.graph = graph, .out = core_writer_measure()};
    CoreStatus status = check_outputs(graph, wanted, error);
    if (status == CORE_OK) status = mark_used(&onnx, wanted, error);
    if (status == CORE_OK) status = check_names(&onnx, wanted, error);
    if (status) return status;
    write_model(&onnx, wanted);
    *size = onnx.out.offset;
    if (*size > INT32_MAX) return core_fail(error, CORE_LIMIT, "an ONNX model holds at most 2 GiB");
    *bytes = malloc(*size);
    if (!*bytes) return core_fail(error, CORE_MEMORY, "no memory for an ONNX model of %zu bytes", *size);
    onnx.out = core_writer_view(*bytes, *size);
    write_model(&onnx, wanted);
    return CORE_OK;
}
