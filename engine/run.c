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

/* Chunks with rows: the first ones. */
static int32_t chunk_count(const Graph *graph) {
    return graph->batch < GRAPH_CHUNKS ? graph->batch : GRAPH_CHUNKS;
}

/* The calling thread's number in the parallel region, below GRAPH_CHUNKS. */
static int thread_index(void) {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

/* Chunk c of a batch, the same for any number of threads. */
static OpChunk chunk_of(const Graph *graph, int32_t c, bool training) {
    const int32_t chunks = chunk_count(graph);
    const int32_t begin = c < chunks ? c * graph->batch / chunks : graph->batch;
    const int32_t end = c < chunks ? (c + 1) * graph->batch / chunks : graph->batch;
    return (OpChunk){.index = c,
                     .chunks = chunks,
                     .begin = begin,
                     .rows = end - begin,
                     .training = training,
                     .slab = graph->slabs[c],
                     .scratch = graph->scratch[thread_index()]};
}

static int thread_count(const Graph *graph) {
#ifdef _OPENMP
    const int wanted = graph->threads > 0 ? graph->threads : omp_get_max_threads();
    return wanted < chunk_count(graph) ? wanted : chunk_count(graph);
#else
    (void)graph;
    return 1;
#endif
}

void graph_set_threads(Graph *graph, int threads) {
    graph->threads = threads;
}

void graph_freeze(Graph *graph, bool frozen) {
    graph->frozen = frozen;
    graph->prepared = false;
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

/* A training run stops at each op with `sum` until all chunks are there: stop `s` is the node in front of
 * which they meet, and the last one the end of the graph. */
static int32_t stop_at(const Graph *graph, int32_t s, bool training) {
    return training && s < graph->n_barriers ? graph->barriers[s] : graph->n_nodes;
}

/* The chunk's values of the nodes begin .. end - 1, and what it tells the others for node `end`. */
static void forward_chunk(const Graph *graph, int32_t begin, int32_t end, const OpChunk *chunk) {
    for (int32_t i = begin; i < end && chunk->rows > 0; i++)
        if (!graph->nodes[i].folded) graph->nodes[i].op->forward(graph, &graph->nodes[i], chunk);
    if (end < graph->n_nodes) graph->nodes[end].op->sum(graph, &graph->nodes[end], chunk, OP_FORWARD);
}

/* Inside of a parallel region: all of its threads go from stop to stop together. */
static void run_forward(const Graph *graph, bool training) {
    for (int32_t s = 0, begin = 0; begin < graph->n_nodes; s++) {
        const int32_t end = stop_at(graph, s, training);
#ifdef _OPENMP
#pragma omp for schedule(dynamic, 1) nowait
#endif
        for (int32_t c = 0; c < GRAPH_CHUNKS; c++) {
            const OpChunk chunk = chunk_of(graph, c, training);
            forward_chunk(graph, begin, end, &chunk);
        }
        if (end == graph->n_nodes) break;
#ifdef _OPENMP
#pragma omp barrier
#pragma omp single
#endif
        graph->nodes[end].op->combine(graph, &graph->nodes[end], OP_FORWARD, true);
        begin = end;
    }
}

static void prepare(const Graph *graph, OpPass pass, GraphNode last) {
    for (int32_t i = 0; i <= last; i++) {
        const Node *node = &graph->nodes[i];
        if (node->op->prepare && (pass == OP_FORWARD || node->gradient)) node->op->prepare(graph, node, pass);
    }
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
    if (training) graph_freeze(graph, false);
    if (!graph->prepared) prepare(graph, OP_FORWARD, graph->n_nodes - 1);
    graph->prepared = graph->frozen;
    for (int32_t b = 0; b < graph->n_barriers && !training; b++) {
        const Node *node = &graph->nodes[graph->barriers[b]];
        node->op->combine(graph, node, OP_FORWARD, false);
    }
    const int threads = thread_count(graph);
    (void)threads;
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
#endif
    run_forward(graph, training);
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

/* The chunk's slab and its rows of all gradients up to node `from` become zero, then those of `from` the
 * cotangent (NULL: 1/N in all). */
static void seed_chunk(const Graph *graph, GraphNode from, const float *cotangent, const OpChunk *chunk) {
    const size_t rows = (size_t)chunk->rows;
    if (rows == 0) return;
    if (graph->parameter_floats > 0) memset(chunk->slab, 0, graph->parameter_floats * sizeof(float));
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
}

/* The ops of the nodes begin .. end - 1 add to their inputs' gradients, in reverse order; then comes what the
 * chunk tells the others for the node in front of them. */
static void backward_chunk(const Graph *graph, int32_t begin, int32_t end, const OpChunk *chunk) {
    for (int32_t i = end - 1; i >= begin && chunk->rows > 0; i--) {
        const Node *node = &graph->nodes[i];
        if (!node->gradient || !node->op->backward) continue;
#ifdef SIPCNN_FLIP_SIGN
        if (!chunk->training || !node->op->sum) flip_sign(node, chunk);
#endif
        node->op->backward(graph, node, chunk);
    }
    if (begin == 0) return;
    const Node *next = &graph->nodes[begin - 1];
#ifdef SIPCNN_FLIP_SIGN
    flip_sign(next, chunk);
#endif
    next->op->sum(graph, next, chunk, OP_BACKWARD);
}

/* What the chunk takes of the gradients that are not divided by samples. */
static void collect_chunk(const Graph *graph, GraphNode from, const OpChunk *chunk) {
    for (int32_t i = 0; i <= from && chunk->rows > 0; i++) {
        const Node *node = &graph->nodes[i];
        if (node->gradient && node->op->collect) node->op->collect(graph, node, chunk);
    }
}

/* As run_forward, from node `from` down to the first. */
static void run_backward(const Graph *graph, GraphNode from, const float *cotangent) {
    int32_t stops = graph->trained ? graph->n_barriers : 0;
    while (stops > 0 && graph->barriers[stops - 1] > from)
        stops--;
    for (int32_t s = stops, end = from + 1; s >= 0; s--) {
        const int32_t begin = s > 0 ? graph->barriers[s - 1] + 1 : 0;
#ifdef _OPENMP
#pragma omp for schedule(dynamic, 1)
#endif
        for (int32_t c = 0; c < GRAPH_CHUNKS; c++) {
            const OpChunk chunk = chunk_of(graph, c, graph->trained);
            if (s == stops) seed_chunk(graph, from, cotangent, &chunk);
            backward_chunk(graph, begin, end, &chunk);
        }
        if (s == 0) break;
        const Node *next = &graph->nodes[begin - 1];
#ifdef _OPENMP
#pragma omp single
#endif
        next->op->combine(graph, next, OP_BACKWARD, true);
        end = begin;
    }
#ifdef _OPENMP
#pragma omp for schedule(dynamic, 1)
#endif
    for (int32_t c = 0; c < GRAPH_CHUNKS; c++) {
        const OpChunk chunk = chunk_of(graph, c, graph->trained);
        collect_chunk(graph, from, &chunk);
    }
}

/* Sums the chunks' slabs pairwise: ((0+1)+(2+3))+... The tree does not depend on which thread sums which
 * block. */
static void combine_block(const Graph *graph, size_t begin, size_t count) {
    const int32_t chunks = chunk_count(graph);
    for (int32_t step = 1; step < chunks; step *= 2)
        for (int32_t c = 0; c + step < chunks; c += 2 * step)
            graph->kernels->add(count, graph->slabs[c + step] + begin, graph->slabs[c] + begin);
    memcpy(graph->gradients + begin, graph->slabs[0] + begin, count * sizeof(float));
}

static void compute_gradients(Graph *graph, GraphNode from, const float *cotangent) {
    enum { BLOCK = 256 }; /* of all slabs in the first-level cache */
    const int threads = thread_count(graph);
    const int32_t n_blocks = (int32_t)((graph->parameter_floats + BLOCK - 1) / BLOCK);
    (void)threads;
    graph->from = from;
    prepare(graph, OP_BACKWARD, from);
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
#endif
    {
        run_backward(graph, from, cotangent);
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
    compute_gradients(graph, node, cotangent);
    return CORE_OK;
}

CoreStatus graph_backward(Graph *graph, CoreError *error) {
    if (graph->loss == GRAPH_NONE) return core_fail(error, CORE_ARGUMENT, "the graph has no loss");
    return graph_backward_from(graph, graph->loss, NULL, error);
}
