/* Running a graph: the batch in fixed chunks, gradients combined in a fixed tree. The only file with OpenMP.
 * Relies on: ops.h, OpenMP.
 * Relied on by: train, bench through graph.h. */
#include "engine/ops.h"

#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#ifdef SIPCNN_FLIP_SIGN
#include <stdlib.h>

/* The test suite's sabotage: the op of this name passes on the negated gradient, and the checks must notice.
 */
static void flip_sign(const Node *node, const OpChunk *chunk) {
    const char *flipped = getenv("SIPCNN_FLIP_SIGN");
    if (!flipped || strcmp(flipped, node->op->name) != 0) return;
    for (size_t i = 0; i < (size_t)chunk->rows * node_size(node); i++)
        node_gradient(node, chunk->begin)[i] *= -1;
}
#endif

/* Chunk c of a batch of n: the same for any number of threads, and empty for some when n < GRAPH_CHUNKS. */
static OpChunk chunk_of(const Graph *graph, int32_t c, bool training) {
    const int32_t begin = c * graph->batch / GRAPH_CHUNKS;
    const int32_t end = (c + 1) * graph->batch / GRAPH_CHUNKS;
    return (OpChunk){.begin = begin, .rows = end - begin, .training = training, .slab = graph->slabs[c]};
}

static int thread_count(const Graph *graph) {
#ifdef _OPENMP
    const int wanted = graph->threads > 0 ? graph->threads : omp_get_max_threads();
    return wanted < GRAPH_CHUNKS ? wanted : GRAPH_CHUNKS;
#else
    (void)graph;
    return 1;
#endif
}

void graph_set_threads(Graph *graph, int threads) {
    graph->threads = threads;
}

CoreStatus graph_set_input(Graph *graph, GraphNode input, const void *data, size_t pitch, CoreError *error) {
    if (input < 0 || input >= graph->n_nodes ||
        (graph->nodes[input].op != &op_input_f32 && graph->nodes[input].op != &op_input_u8))
        return core_fail(error, CORE_ARGUMENT, "node %d is no input", (int)input);
    Node *node = &graph->nodes[input];
    const size_t row_bytes = node_size(node) * (node->type == GRAPH_U8 ? 1 : sizeof(float));
    if (pitch != 0 && pitch < row_bytes)
        return core_fail(error, CORE_ARGUMENT, "input \"%s\": rows of %zu bytes do not fit a pitch of %zu",
                         node->name, row_bytes, pitch);
    node->source = data;
    node->pitch = pitch ? pitch : row_bytes;
    return CORE_OK;
}

static void forward_chunk(const Graph *graph, const OpChunk *chunk) {
    for (int32_t i = 0; i < graph->n_nodes; i++)
        graph->nodes[i].op->forward(graph, &graph->nodes[i], chunk);
}

CoreStatus graph_forward(Graph *graph, int32_t n, bool training, CoreError *error) {
    if (!graph->finished) return core_fail(error, CORE_ARGUMENT, "the graph is not finished");
    if (n < 1 || n > graph->max_batch)
        return core_fail(error, CORE_ARGUMENT, "a batch of %d is not in 1 .. %d", (int)n,
                         (int)graph->max_batch);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const Node *node = &graph->nodes[i];
        if ((node->op == &op_input_f32 || node->op == &op_input_u8) && !node->source)
            return core_fail(error, CORE_ARGUMENT, "input \"%s\" has no data", node->name);
    }
    graph->batch = n;
    if (training) graph->counter++;
    const int threads = thread_count(graph);
    (void)threads;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
#endif
    for (int32_t c = 0; c < GRAPH_CHUNKS; c++) {
        const OpChunk chunk = chunk_of(graph, c, training);
        if (chunk.rows > 0) forward_chunk(graph, &chunk);
    }
    graph->trained = training;
    return CORE_OK;
}

double graph_loss(const Graph *graph) {
    if (graph->loss == GRAPH_NONE || graph->batch == 0) return 0;
    const float *rows = graph->nodes[graph->loss].value;
    double sum = 0;
    for (int32_t r = 0; r < graph->batch; r++)
        sum += (double)rows[r];
    return sum / graph->batch;
}

/* The chunk's rows of all gradients up to node `from` become zero, then those of `from` the cotangent (NULL:
 * 1/N in all), and the ops add to their inputs' in reverse order. */
static void backward_chunk(const Graph *graph, GraphNode from, const float *cotangent, const OpChunk *chunk) {
    const size_t rows = (size_t)chunk->rows;
    for (int32_t i = 0; i <= from; i++) {
        const Node *node = &graph->nodes[i];
        if (node->gradient)
            memset(node_gradient(node, chunk->begin), 0, rows * node_size(node) * sizeof(float));
    }
    const Node *start = &graph->nodes[from];
    float *seed = node_gradient(start, chunk->begin);
    const size_t first = (size_t)chunk->begin * node_size(start);
    for (size_t i = 0; i < rows * node_size(start); i++)
        seed[i] = cotangent ? cotangent[first + i] : 1.0f / (float)graph->batch;
    for (int32_t i = from; i >= 0; i--) {
        const Node *node = &graph->nodes[i];
        if (!node->gradient || !node->op->backward) continue;
#ifdef SIPCNN_FLIP_SIGN
        flip_sign(node, chunk);
#endif
        node->op->backward(graph, node, chunk);
    }
}

/* Sums the chunks' slabs pairwise: ((0+1)+(2+3))+... The tree does not depend on which thread sums which
 * block. */
static void combine_block(const Graph *graph, size_t begin, size_t count) {
    for (int32_t step = 1; step < GRAPH_CHUNKS; step *= 2)
        for (int32_t c = 0; c + step < GRAPH_CHUNKS; c += 2 * step)
            graph->kernels->add(count, graph->slabs[c + step] + begin, graph->slabs[c] + begin);
    memcpy(graph->gradients + begin, graph->slabs[0] + begin, count * sizeof(float));
}

static void run_backward(Graph *graph, GraphNode from, const float *cotangent) {
    enum { BLOCK = 1024 };
    const int threads = thread_count(graph);
    const int32_t n_blocks = (int32_t)((graph->parameter_floats + BLOCK - 1) / BLOCK);
    (void)threads;
    for (int32_t i = 0; i <= from; i++) {
        const Node *node = &graph->nodes[i];
        if (node->gradient && node->op->prepare) node->op->prepare(graph, node);
    }
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
#endif
    {
#ifdef _OPENMP
#pragma omp for schedule(dynamic, 1)
#endif
        for (int32_t c = 0; c < GRAPH_CHUNKS; c++) {
            const OpChunk chunk = chunk_of(graph, c, graph->trained);
            if (graph->parameter_floats > 0) memset(chunk.slab, 0, graph->parameter_floats * sizeof(float));
            if (chunk.rows > 0) backward_chunk(graph, from, cotangent, &chunk);
        }
#ifdef _OPENMP
#pragma omp for schedule(static)
#endif
        for (int32_t b = 0; b < n_blocks; b++) {
            const size_t begin = (size_t)b * BLOCK, left = graph->parameter_floats - begin;
            combine_block(graph, begin, left < BLOCK ? left : BLOCK);
        }
    }
}

CoreStatus graph_backward_from(Graph *graph, GraphNode node, const float *cotangent, CoreError *error) {
    if (graph->batch == 0) return core_fail(error, CORE_ARGUMENT, "backward before forward");
    if (node < 0 || node >= graph->n_nodes || !graph->nodes[node].gradient)
        return core_fail(error, CORE_ARGUMENT, "node %d has no gradient", (int)node);
    run_backward(graph, node, cotangent);
    return CORE_OK;
}

CoreStatus graph_backward(Graph *graph, CoreError *error) {
    if (graph->loss == GRAPH_NONE) return core_fail(error, CORE_ARGUMENT, "the graph has no loss");
    return graph_backward_from(graph, graph->loss, NULL, error);
}
