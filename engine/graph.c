/* Building a graph: nodes, shapes, sticky errors, memory plan, parameters.
 * Relies on: ops.h, rng.h, engine/core.
 * Relied on by: train, bench through graph.h; the ops through ops.h. */
#include "engine/graph.h"

#include "engine/core/checked.h"
#include "engine/ops.h"
#include "engine/rng.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETER_ALIGNMENT = CORE_ARENA_ALIGNMENT / sizeof(float) };

const OpClass *const op_classes[] = {
#define OP(name) &op_##name,
#include "engine/ops.def"
#undef OP
};
const int32_t n_op_classes = sizeof op_classes / sizeof op_classes[0];

CoreStatus graph_new(int32_t max_batch, uint64_t seed, Graph **graph, CoreError *error) {
    *graph = NULL;
    if (max_batch < 1 || max_batch > GRAPH_MAX_BATCH)
        return core_fail(error, CORE_ARGUMENT, "batch size %d is not in 1 .. %d", (int)max_batch,
                         GRAPH_MAX_BATCH);
    Graph *new_graph = calloc(1, sizeof *new_graph);
    if (!new_graph) return core_fail(error, CORE_MEMORY, "no memory for a graph");
    new_graph->max_batch = max_batch;
    new_graph->seed = seed;
    new_graph->kernels = kernels_best();
    new_graph->loss = GRAPH_NONE;
    *graph = new_graph;
    return CORE_OK;
}

void graph_free(Graph *graph) {
    if (!graph) return;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        free(graph->nodes[i].constants);
    core_arena_free(&graph->arena);
    free(graph);
}

const char *shape_text(GraphShape shape, char text[64]) {
    switch (shape.rank) {
    case 1: snprintf(text, 64, "[N, %d]", (int)shape.size[0]); break;
    case 2: snprintf(text, 64, "[N, %d, %d]", (int)shape.size[0], (int)shape.size[1]); break;
    default:
        snprintf(text, 64, "[N, %d, %d, %d]", (int)shape.size[0], (int)shape.size[1], (int)shape.size[2]);
        break;
    }
    return text;
}

bool graph_fail(Graph *graph, const Node *node, CoreStatus status, const char *format, ...) {
    if (graph->error.status != CORE_OK) return false;
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    core_fail(&graph->error, status, "%s \"%s\": %s", node->op->name, node->name, text);
    return false;
}

/* Gives the node its name, the caller's or "op 7"; names of layers are unique, since they name parameters. */
static bool set_name(Graph *graph, Node *node, const char *name) {
    if (!name) {
        snprintf(node->name, sizeof node->name, "node %d", (int)graph->n_nodes);
        return true;
    }
    const size_t length = strlen(name);
    memcpy(node->name, name, length < sizeof node->name ? length : sizeof node->name - 1);
    if (length < 1 || length >= sizeof node->name)
        return graph_fail(graph, node, CORE_ARGUMENT, "a name has 1 .. %d bytes", NODE_NAME_SIZE - 1);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return graph_fail(graph, node, CORE_ARGUMENT, "the name is taken by a layer of kind %s",
                              graph->nodes[i].op->name);
    return true;
}

static bool check_inputs(Graph *graph, Node *node) {
    for (int32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] < 0 || node->inputs[i] >= graph->n_nodes)
            return graph_fail(graph, node, CORE_ARGUMENT, "input %d is no node of this graph", (int)i);
    return true;
}

/* Every size of a node stays below 2^31, and so does every index within a row. */
static bool check_shape(Graph *graph, Node *node) {
    uint32_t count = 1;
    for (int32_t d = 0; d < 3; d++) {
        const int32_t size = node->shape.size[d];
        if (size < 1 || !core_mul_u32(count, (uint32_t)size, &count) || count > INT32_MAX) {
            char text[64];
            return graph_fail(graph, node, CORE_SHAPE, "shape %s is not possible",
                              shape_text(node->shape, text));
        }
    }
    return true;
}

GraphNode graph_append(Graph *graph, Node *node, const char *name) {
    bool fits = graph->error.status == CORE_OK && set_name(graph, node, name) && check_inputs(graph, node);
    if (fits && graph->finished) fits = graph_fail(graph, node, CORE_ARGUMENT, "the graph is finished");
    if (fits && graph->n_nodes == GRAPH_MAX_NODES)
        fits = graph_fail(graph, node, CORE_LIMIT, "more than %d nodes", GRAPH_MAX_NODES);
    node->first_parameter = graph->n_parameters;
    if (!fits || !node->op->shape(graph, node) || !check_shape(graph, node)) {
        free(node->constants);
        return GRAPH_NONE;
    }
    if (node->op->sum) graph->barriers[graph->n_barriers++] = graph->n_nodes;
    for (int32_t i = 0; i < node->n_inputs; i++) {
        graph->nodes[node->inputs[i]].n_readers++;
        graph->nodes[node->inputs[i]].reader = graph->n_nodes;
    }
    graph->nodes[graph->n_nodes] = *node;
    return graph->n_nodes++;
}

bool graph_declare(Graph *graph, Node *node, const char *suffix, GraphShape shape, float bound, bool decay) {
    if (graph->n_parameters == GRAPH_MAX_PARAMETERS)
        return graph_fail(graph, node, CORE_LIMIT, "more than %d parameters", GRAPH_MAX_PARAMETERS);
    size_t count = (size_t)shape.size[0], end, padded;
    if (!core_mul_size(count, (size_t)shape.size[1], &count) ||
        !core_mul_size(count, (size_t)shape.size[2], &count) ||
        !core_add_size(graph->parameter_floats, count, &end) ||
        !core_align_size(end, PARAMETER_ALIGNMENT, &padded) || padded > INT32_MAX)
        return graph_fail(graph, node, CORE_LIMIT, "more than %d values in all parameters", INT32_MAX);
    Parameter *parameter = &graph->parameter_list[graph->n_parameters++];
    snprintf(parameter->name, sizeof parameter->name, "%s.%s", node->name, suffix);
    parameter->shape = shape;
    parameter->offset = graph->parameter_floats;
    parameter->count = count;
    parameter->bound = bound;
    parameter->decay = decay;
    parameter->trained = true;
    graph->parameter_floats = padded;
    node->n_parameters++;
    return true;
}

bool graph_declare_constant(Graph *graph, Node *node, const char *suffix, GraphShape shape, float start,
                            bool trained) {
    if (!graph_declare(graph, node, suffix, shape, 0, false)) return false;
    graph->parameter_list[graph->n_parameters - 1].start = start;
    graph->parameter_list[graph->n_parameters - 1].trained = trained;
    return true;
}

void graph_require_gradient(Graph *graph, GraphNode input) {
    if (graph->error.status != CORE_OK) return;
    if (input < 0 || input >= graph->n_nodes || graph->nodes[input].op != &op_input_f32) {
        core_fail(&graph->error, CORE_ARGUMENT, "a gradient was asked for what is no f32 input");
        return;
    }
    graph->nodes[input].needs_gradient = true;
}

/* ---- memory ---- */

/* Adds a block to the plan, or, once the arena exists, takes it: one function, so that plan and use are one.
 */
typedef struct Planner {
    CoreArena *arena; /* NULL while planning */
    size_t total;
    bool overflow;
} Planner;

static void *plan_block(Planner *planner, size_t rows, size_t count, size_t size) {
    size_t bytes;
    if (!core_mul_size(rows, count, &count) || !core_mul_size(count, size, &bytes)) {
        planner->overflow = true;
        return NULL;
    }
    if (bytes == 0) return NULL;
    if (planner->arena) return core_arena_take(planner->arena, bytes, 1);
    if (!core_add_size(planner->total, core_arena_footprint(bytes, 1), &planner->total))
        planner->overflow = true;
    return NULL;
}

static void plan_memory(Graph *graph, Planner *planner) {
    const size_t batch = (size_t)graph->max_batch;
    graph->parameters = plan_block(planner, 1, graph->parameter_floats, sizeof(float));
    graph->gradients = plan_block(planner, 1, graph->parameter_floats, sizeof(float));
    for (int32_t c = 0; c < GRAPH_CHUNKS; c++)
        graph->slabs[c] = plan_block(planner, 1, graph->parameter_floats, sizeof(float));
    size_t scratch = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        Node *node = &graph->nodes[i];
        if (node->folded) continue;
        if (node->type == GRAPH_U8)
            node->bytes = plan_block(planner, batch, node_size(node), 1);
        else
            node->value = plan_block(planner, batch, node_size(node), sizeof(float));
        if (node->needs_gradient) node->gradient = plan_block(planner, batch, node_size(node), sizeof(float));
        node->saved = plan_block(planner, batch, node->saved_bytes, 1);
        node->planes = plan_block(planner, 1, node->planes_floats, sizeof(float));
        node->packed = plan_block(planner, 1, node->packed_floats, sizeof(float));
        node->shared = plan_block(planner, 1, node->shared_bytes, 1);
        if (node->scratch_floats > scratch) scratch = node->scratch_floats;
    }
    for (int32_t t = 0; t < GRAPH_CHUNKS; t++)
        graph->scratch[t] = plan_block(planner, 1, scratch, sizeof(float));
}

static void propagate_gradient_needs(Graph *graph) {
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        Node *node = &graph->nodes[i];
        if (node->n_parameters > 0) node->needs_gradient = true;
        for (int32_t k = 0; k < node->n_inputs; k++)
            if (node_input(graph, node, k)->needs_gradient) node->needs_gradient = true;
    }
}

static void draw_parameters(Graph *graph) {
    memset(graph->parameters, 0, graph->parameter_floats * sizeof(float));
    memset(graph->gradients, 0, graph->parameter_floats * sizeof(float));
    for (int32_t i = 0; i < graph->n_parameters; i++) {
        const Parameter *parameter = &graph->parameter_list[i];
        float *values = graph->parameters + parameter->offset;
        for (size_t k = 0; k < parameter->count; k++)
            values[k] = parameter->start +
                        parameter->bound * (2 * rng_uniform(graph->seed, (uint32_t)i, 0, (uint32_t)k) - 1);
    }
}

CoreStatus graph_finish(Graph *graph, CoreError *error) {
    if (graph->error.status == CORE_OK && graph->finished)
        core_fail(&graph->error, CORE_ARGUMENT, "the graph is finished already");
    if (graph->error.status == CORE_OK && graph->n_nodes == 0)
        core_fail(&graph->error, CORE_ARGUMENT, "the graph has no nodes");
    if (graph->error.status != CORE_OK) return core_fail(error, graph->error.status, "%s", graph->error.text);

    fold_embeddings(graph);
    propagate_gradient_needs(graph);
    Planner planner = {0};
    plan_memory(graph, &planner);
    if (planner.overflow)
        return core_fail(error, CORE_LIMIT,
                         "a graph of %d nodes for batches of %d is larger than the address space",
                         (int)graph->n_nodes, (int)graph->max_batch);
    const CoreStatus status = core_arena_new(&graph->arena, planner.total, error);
    if (status != CORE_OK) return status;
    planner.arena = &graph->arena;
    plan_memory(graph, &planner);
    if (graph->parameter_floats > 0) draw_parameters(graph);
    graph->finished = true;
    return CORE_OK;
}

/* ---- queries ---- */

const float *graph_value(const Graph *graph, GraphNode node) {
    return graph->nodes[node].value;
}

const float *graph_gradient(const Graph *graph, GraphNode node) {
    return graph->nodes[node].gradient;
}

GraphShape graph_shape(const Graph *graph, GraphNode node) {
    return graph->nodes[node].shape;
}

int32_t graph_parameters(const Graph *graph) {
    return graph->n_parameters;
}

GraphParameter graph_parameter_at(const Graph *graph, int32_t index) {
    const Parameter *parameter = &graph->parameter_list[index];
    return (GraphParameter){.name = parameter->name,
                            .shape = parameter->shape,
                            .count = parameter->count,
                            .values = graph->parameters + parameter->offset,
                            .gradients = graph->gradients + parameter->offset,
                            .decay = parameter->decay,
                            .trained = parameter->trained};
}

CoreStatus graph_parameter(const Graph *graph, const char *name, GraphParameter *parameter,
                           CoreError *error) {
    for (int32_t i = 0; i < graph->n_parameters; i++) {
        if (strcmp(graph->parameter_list[i].name, name) != 0) continue;
        *parameter = graph_parameter_at(graph, i);
        return CORE_OK;
    }
    return core_fail(error, CORE_NOT_FOUND, "the graph has no parameter \"%s\"", name);
}

GraphState graph_state(Graph *graph) {
    return (GraphState){.count = graph->parameter_floats,
                        .parameters = graph->parameters,
                        .gradients = graph->gradients,
                        .counter = &graph->counter};
}
