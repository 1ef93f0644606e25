/* The two reference networks of sipcnn-bench peers, with data to run them on.
 * Relies on: engine.
 * Relied on by: bench/peer.h, tests. */
#include "bench/nets.h"

#include "engine/rng.h"

#include <stdlib.h>

const char *bench_net_name(BenchNetKind kind) {
    return kind == BENCH_NET_A ? "A" : "B";
}

double bench_net_flops(BenchNetKind kind, bool training) {
    static const double forward[BENCH_NETS] = {
        253. * 7 * 8 * 16 + 125. * 5 * 16 * 32 + 62. * 3 * 32 * 64 + 64. * 12,
        64. * 3 * 32 * 64 + 64. * 3 * 64 * 64 + 32. * 3 * 64 * 128 + 128. * 64 + 64. * 12};
    const double unwanted = kind == BENCH_NET_B ? 64. * 3 * 32 * 64 : 0;
    return 2 * (training ? 3 * forward[kind] - unwanted : forward[kind]);
}

/* ---- building ---- */

static GraphNode conv(Graph *graph, GraphNode x, int32_t channels, int32_t taps, int32_t stride,
                      GraphPadding padding, const char *name) {
    const GraphConv1d shape = {
        .out_channels = channels, .taps = taps, .stride = stride, .padding = padding, .relu = true};
    return graph_conv1d(graph, x, &shape, name);
}

static void build_a(BenchNet *net) {
    static const uint16_t vocabulary[1] = {256};
    Graph *graph = net->graph;
    net->input = graph_input_u8(graph, "input", graph_sequence(BENCH_NET_BYTES, 1));
    GraphNode x = graph_embed(graph, net->input, vocabulary, 8, NULL, "embedding");
    x = conv(graph, x, 16, 7, 2, GRAPH_VALID, "conv1");
    x = conv(graph, x, 32, 5, 2, GRAPH_VALID, "conv2");
    x = conv(graph, x, 64, 3, 2, GRAPH_VALID, "conv3");
    net->logits = graph_linear(graph, graph_max_pool(graph, x, NULL), BENCH_NET_CLASSES, false, "output");
}

static void build_b(BenchNet *net) {
    Graph *graph = net->graph;
    net->input = graph_input_f32(graph, "input", graph_sequence(BENCH_NET_LENGTH, BENCH_NET_CHANNELS));
    GraphNode x = conv(graph, net->input, 64, 3, 1, GRAPH_SAME, "conv1");
    x = conv(graph, x, 64, 3, 1, GRAPH_SAME, "conv2");
    x = graph_max_pool_windows(graph, x, 2, 2, NULL);
    x = conv(graph, x, 128, 3, 1, GRAPH_SAME, "conv3");
    x = graph_linear(graph, graph_max_pool(graph, x, NULL), 64, true, "hidden");
    net->logits = graph_linear(graph, x, BENCH_NET_CLASSES, false, "output");
}

/* ---- data ---- */

/* Uses of the seed. */
enum { SEED = 1, STREAM_INPUT = 1000, STREAM_TARGETS, STREAM_BIASES };

static void fill_uniform(float *values, size_t count, float scale, uint32_t stream) {
    for (size_t i = 0; i < count; i++)
        values[i] = scale * (rng_uniform(SEED, stream, 0, (uint32_t)i) - .5f);
}

static CoreStatus draw_batch(BenchNet *net, CoreError *error) {
    const size_t batch = (size_t)net->task.batch, floats = batch * BENCH_NET_LENGTH * BENCH_NET_CHANNELS;
    const size_t targets = batch * BENCH_NET_CLASSES;
    net->input_bytes = net->task.kind == BENCH_NET_A ? batch * BENCH_NET_BYTES : floats * sizeof(float);
    net->batch_input = malloc(net->input_bytes);
    net->targets = malloc(targets * sizeof *net->targets);
    if (!net->batch_input || !net->targets) return core_fail(error, CORE_MEMORY, "out of memory for a batch");
    if (net->task.kind == BENCH_NET_B) fill_uniform(net->batch_input, floats, 2, STREAM_INPUT);
    for (size_t i = 0; net->task.kind == BENCH_NET_A && i < net->input_bytes; i++)
        ((uint8_t *)net->batch_input)[i] = (uint8_t)rng_below(256, SEED, STREAM_INPUT, 0, (uint32_t)i);
    for (size_t i = 0; i < targets; i++)
        net->targets[i] = rng_uniform(SEED, STREAM_TARGETS, 0, (uint32_t)i) < .5f ? 0 : 1;
    return CORE_OK;
}

/* A peer that forgot the biases would agree with biases of zero. */
static void draw_biases(Graph *graph) {
    for (int32_t i = 0; i < graph_parameters(graph); i++) {
        const GraphParameter parameter = graph_parameter_at(graph, i);
        if (parameter.shape.rank == 1)
            fill_uniform(parameter.values, parameter.count, .2f, (uint32_t)(STREAM_BIASES + i));
    }
}

CoreStatus bench_net_new(const BenchTask *task, BenchNet *net, CoreError *error) {
    *net = (BenchNet){.task = *task};
    CoreStatus status = graph_new(task->batch, SEED, &net->graph, error);
    if (status) return status;
    if (task->kind == BENCH_NET_A)
        build_a(net);
    else
        build_b(net);
    GraphNode targets = GRAPH_NONE;
    if (task->training) {
        targets = graph_input_f32(net->graph, "targets", graph_vector(BENCH_NET_CLASSES));
        graph_sigmoid_loss(net->graph, net->logits, targets, GRAPH_NONE, GRAPH_NONE, NULL, NULL);
    }
    status = graph_finish(net->graph, error);
    if (status == CORE_OK) status = draw_batch(net, error);
    if (status == CORE_OK) status = graph_set_input(net->graph, net->input, net->batch_input, 0, error);
    if (status == CORE_OK && task->training) {
        OptimiserOptions options = optimiser_defaults();
        options.rate = BENCH_NET_RATE;
        options.clip_norm = 0;
        status = graph_set_input(net->graph, targets, net->targets, 0, error);
        if (status == CORE_OK) status = optimiser_new(net->graph, &options, &net->optimiser, error);
    }
    if (status) return status;
    draw_biases(net->graph);
    graph_freeze(net->graph, !task->training);
    graph_set_threads(net->graph, task->threads);
    return CORE_OK;
}

void bench_net_free(BenchNet *net) {
    optimiser_free(net->optimiser);
    graph_free(net->graph);
    free(net->batch_input);
    free(net->targets);
    *net = (BenchNet){0};
}

size_t bench_net_parameters(const BenchNet *net) {
    size_t count = 0;
    for (int32_t i = 0; i < graph_parameters(net->graph); i++)
        count += graph_parameter_at(net->graph, i).count;
    return count;
}

CoreStatus bench_net_run(BenchNet *net, CoreError *error) {
    CoreStatus status = graph_forward(net->graph, net->task.batch, net->task.training, error);
    if (status || !net->task.training) return status;
    status = graph_backward(net->graph, error);
    return status ? status : optimiser_step(net->optimiser, NULL, error);
}
