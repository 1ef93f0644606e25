/* oneDNN as a peer, where the build found it: the networks as a list of its primitives, forward only.
 * Relies on: oneDNN 2 (libdnnl-dev) and its OpenMP, both optional.
 * Relied on by: bench/peers.c. */
#include "bench/peer.h"

#ifdef SIPCNN_ONEDNN

#include "bench/timing.h"

#include <dnnl.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 16, ARGUMENTS_MAX = 4, MEMORIES_MAX = 48 };

typedef struct OnednnStep {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[ARGUMENTS_MAX];
    int n_arguments;
} OnednnStep;

/* A network: steps in order, each reading what the one before wrote. */
typedef struct Onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    BenchTask task;
    OnednnStep steps[STEPS_MAX];
    dnnl_memory_t memories[MEMORIES_MAX];
    int n_steps, n_memories;
    int32_t next_parameter;  /* of the net's graph, while building */
    dnnl_memory_t current;   /* what the last step wrote */
    dnnl_dims_t dims;        /* its N, C, L; L is 0 once there are no positions */
    const uint8_t *bytes;    /* A: the batch */
    float *table, *embedded; /* A: [256][8] and [batch][512][8] */
    dnnl_status_t failed;    /* sticky */
} Onednn;

/* ---- building: after a failure nothing more is done ---- */

static bool well(Onednn *net, dnnl_status_t status) {
    if (net->failed == dnnl_success) net->failed = status;
    return net->failed == dnnl_success;
}

static dnnl_memory_t memory(Onednn *net, const dnnl_memory_desc_t *desc, void *data) {
    dnnl_memory_t made = NULL;
    if (net->n_memories == MEMORIES_MAX) well(net, dnnl_out_of_memory);
    if (net->failed == dnnl_success && well(net, dnnl_memory_create(&made, desc, net->engine, data)))
        net->memories[net->n_memories++] = made;
    return made;
}

static dnnl_memory_desc_t strided(Onednn *net, int rank, const dnnl_dims_t dims, const dnnl_dims_t strides) {
    dnnl_memory_desc_t desc = {0};
    well(net, dnnl_memory_desc_init_by_strides(&desc, rank, dims, dnnl_f32, strides));
    return desc;
}

/* The layout is for oneDNN to choose. */
static dnnl_memory_desc_t any(Onednn *net, int rank, const dnnl_dims_t dims) {
    dnnl_memory_desc_t desc = {0};
    well(net, dnnl_memory_desc_init_by_tag(&desc, rank, dims, dnnl_f32, dnnl_format_tag_any));
    return desc;
}

/* Appends a step that makes a primitive from `pd` and takes it over. */
static void append(Onednn *net, dnnl_primitive_desc_t pd, const dnnl_exec_arg_t *arguments, int n_arguments) {
    if (net->n_steps == STEPS_MAX) well(net, dnnl_out_of_memory);
    if (net->failed == dnnl_success) {
        OnednnStep *step = &net->steps[net->n_steps];
        memcpy(step->arguments, arguments, (size_t)n_arguments * sizeof *arguments);
        step->n_arguments = n_arguments;
        if (well(net, dnnl_primitive_create(&step->primitive, pd))) net->n_steps++;
    }
    dnnl_primitive_desc_destroy(pd);
}

/* `from` in the layout `wanted`: itself, or a copy that a further step makes. */
static dnnl_memory_t arranged(Onednn *net, dnnl_memory_t from, const dnnl_memory_desc_t *wanted) {
    const dnnl_memory_desc_t *desc;
    dnnl_primitive_desc_t pd;
    if (net->failed || !well(net, dnnl_memory_get_memory_desc(from, &desc))) return NULL;
    if (dnnl_memory_desc_equal(desc, wanted)) return from;
    dnnl_memory_t to = memory(net, wanted, DNNL_MEMORY_ALLOCATE);
    if (net->failed ||
        !well(net, dnnl_reorder_primitive_desc_create(&pd, desc, net->engine, wanted, net->engine, NULL)))
        return NULL;
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    append(net, pd, arguments, 2);
    return to;
}

static void execute(Onednn *net, int first, int end) {
    for (int i = first; i < end && net->failed == dnnl_success; i++)
        well(net, dnnl_primitive_execute(net->steps[i].primitive, net->stream, net->steps[i].n_arguments,
                                         net->steps[i].arguments));
    if (net->failed == dnnl_success) well(net, dnnl_stream_wait(net->stream));
}

/* Weights once and for all in the layout `wanted`: the step that does it is run now and dropped. */
static dnnl_memory_t arranged_once(Onednn *net, dnnl_memory_t from, const dnnl_memory_desc_t *wanted) {
    const int before = net->n_steps;
    dnnl_memory_t to = arranged(net, from, wanted);
    execute(net, before, net->n_steps);
    while (net->n_steps > before)
        dnnl_primitive_destroy(net->steps[--net->n_steps].primitive);
    return to;
}

/* The next parameter of the graph, copied, as a memory of these dims. */
static dnnl_memory_t parameter(Onednn *net, const Graph *graph, int rank, const dnnl_dims_t dims,
                               const dnnl_dims_t strides) {
    const GraphParameter values = graph_parameter_at(graph, net->next_parameter++);
    const dnnl_memory_desc_t desc = strided(net, rank, dims, strides);
    dnnl_memory_t made = memory(net, &desc, DNNL_MEMORY_ALLOCATE);
    void *data = NULL;
    if (net->failed == dnnl_success && well(net, dnnl_memory_get_data_handle(made, &data)))
        memcpy(data, values.values, values.count * sizeof(float));
    return made;
}

static dnnl_primitive_attr_t with_relu(Onednn *net, bool relu) {
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    if (!relu || !well(net, dnnl_primitive_attr_create(&attributes))) return NULL;
    if (well(net, dnnl_post_ops_create(&after))) {
        well(net, dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, 0, 0));
        well(net, dnnl_primitive_attr_set_post_ops(attributes, after));
        dnnl_post_ops_destroy(after);
    }
    return attributes;
}

/* Appends the step of a layer with weights, whose `desc` left the layouts open. */
static void append_layer(Onednn *net, const_dnnl_op_desc_t desc, bool relu, dnnl_memory_t weights,
                         dnnl_memory_t bias) {
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_attr_t attributes = with_relu(net, relu);
    if (net->failed == dnnl_success)
        well(net, dnnl_primitive_desc_create(&pd, desc, attributes, net->engine, NULL));
    dnnl_primitive_attr_destroy(attributes);
    if (net->failed) return;
    dnnl_memory_t x = arranged(net, net->current, dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0));
    dnnl_memory_t w = arranged_once(net, weights, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
    net->current = memory(net, dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0), DNNL_MEMORY_ALLOCATE);
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, net->current}};
    append(net, pd, arguments, 4);
}

/* conv1d with weights [taps][in][out]. */
static void add_conv(Onednn *net, const Graph *graph, int64_t out, int64_t taps, int64_t stride,
                     int64_t padding) {
    const int64_t in = net->dims[1], length = (net->dims[2] + 2 * padding - taps) / stride + 1;
    const dnnl_dims_t weight_dims = {out, in, taps}, weight_strides = {1, out, in * out};
    const dnnl_dims_t bias_dims = {out}, bias_strides = {1}, strides = {stride}, pads = {padding};
    const dnnl_dims_t to_dims = {net->dims[0], out, length};
    const dnnl_memory_desc_t from = any(net, 3, net->dims), to = any(net, 3, to_dims);
    const dnnl_memory_desc_t w = any(net, 3, weight_dims), b = strided(net, 1, bias_dims, bias_strides);
    dnnl_memory_t weights = parameter(net, graph, 3, weight_dims, weight_strides);
    dnnl_memory_t bias = parameter(net, graph, 1, bias_dims, bias_strides);
    dnnl_convolution_desc_t desc;
    if (net->failed == dnnl_success)
        well(net, dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct,
                                                     &from, &w, &b, &to, strides, pads, pads));
    if (net->failed) return;
    append_layer(net, &desc, true, weights, bias);
    memcpy(net->dims, to_dims, sizeof to_dims);
}

/* A dense layer with weights [in][out], over vectors or over what a global pool left. */
static void add_dense(Onednn *net, const Graph *graph, int64_t out, bool relu) {
    const int rank = net->dims[2] ? 3 : 2;
    const int64_t in = net->dims[1];
    const dnnl_dims_t weight_dims = {out, in, 1}, weight_strides = {1, out, in * out};
    const dnnl_dims_t bias_dims = {out}, bias_strides = {1}, to_dims = {net->dims[0], out};
    const dnnl_memory_desc_t from = any(net, rank, net->dims), to = any(net, 2, to_dims);
    const dnnl_memory_desc_t w = any(net, rank, weight_dims), b = strided(net, 1, bias_dims, bias_strides);
    dnnl_memory_t weights = parameter(net, graph, rank, weight_dims, weight_strides);
    dnnl_memory_t bias = parameter(net, graph, 1, bias_dims, bias_strides);
    dnnl_inner_product_desc_t desc;
    if (net->failed == dnnl_success)
        well(net, dnnl_inner_product_forward_desc_init(&desc, dnnl_forward_inference, &from, &w, &b, &to));
    if (net->failed) return;
    append_layer(net, &desc, relu, weights, bias);
    memcpy(net->dims, to_dims, sizeof to_dims);
}

static void add_max_pool(Onednn *net, int64_t width) {
    const dnnl_dims_t to_dims = {net->dims[0], net->dims[1], net->dims[2] / width}, window = {width},
                      none = {0};
    const dnnl_memory_desc_t *from, to = any(net, 3, to_dims);
    dnnl_pooling_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (net->failed == dnnl_success && well(net, dnnl_memory_get_memory_desc(net->current, &from)))
        well(net, dnnl_pooling_forward_desc_init(&desc, dnnl_forward_inference, dnnl_pooling_max, from, &to,
                                                 window, window, none, none));
    if (net->failed || !well(net, dnnl_primitive_desc_create(&pd, &desc, NULL, net->engine, NULL))) return;
    dnnl_memory_t y =
        memory(net, dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0), DNNL_MEMORY_ALLOCATE);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, net->current}, {DNNL_ARG_DST, y}};
    append(net, pd, arguments, 2);
    net->current = y;
    memcpy(net->dims, to_dims, sizeof to_dims);
}

/* ---- the networks ---- */

/* The input [batch][length][channels] at `data`. */
static void begin(Onednn *net, int64_t length, int64_t channels, void *data) {
    const dnnl_dims_t dims = {net->task.batch, channels, length}, strides = {length * channels, 1, channels};
    const dnnl_memory_desc_t desc = strided(net, 3, dims, strides);
    memcpy(net->dims, dims, sizeof dims);
    net->current = memory(net, &desc, data);
}

/* The embedding is no primitive: run looks it up. */
static void build_a(Onednn *net, const BenchNet *of) {
    const GraphParameter table = graph_parameter_at(of->graph, net->next_parameter++);
    net->bytes = of->batch_input;
    net->table = malloc(table.count * sizeof(float));
    net->embedded = malloc((size_t)of->task.batch * BENCH_NET_BYTES * 8 * sizeof(float));
    if (!net->table || !net->embedded) {
        well(net, dnnl_out_of_memory);
        return;
    }
    memcpy(net->table, table.values, table.count * sizeof(float));
    begin(net, BENCH_NET_BYTES, 8, net->embedded);
    add_conv(net, of->graph, 16, 7, 2, 0);
    add_conv(net, of->graph, 32, 5, 2, 0);
    add_conv(net, of->graph, 64, 3, 2, 0);
    add_max_pool(net, net->dims[2]);
}

static void build_b(Onednn *net, const BenchNet *of) {
    begin(net, BENCH_NET_LENGTH, BENCH_NET_CHANNELS, of->batch_input);
    add_conv(net, of->graph, 64, 3, 1, 1);
    add_conv(net, of->graph, 64, 3, 1, 1);
    add_max_pool(net, 2);
    add_conv(net, of->graph, 128, 3, 1, 1);
    add_max_pool(net, net->dims[2]);
    add_dense(net, of->graph, 64, true);
}

/* ---- the peer ---- */

static CoreStatus failure(const Onednn *net, CoreError *error) {
    return net->failed ? core_fail(error, CORE_FORMAT, "onednn: status %d", (int)net->failed) : CORE_OK;
}

static CoreStatus onednn_open(void **peer, CoreError *error) {
    (void)error;
    *peer = NULL;
    return CORE_OK;
}

static void onednn_close(void *peer) {
    (void)peer;
}

static void onednn_release(void *job) {
    Onednn *net = job;
    for (int i = 0; i < net->n_steps; i++)
        dnnl_primitive_destroy(net->steps[i].primitive);
    for (int i = 0; i < net->n_memories; i++)
        dnnl_memory_destroy(net->memories[i]);
    dnnl_stream_destroy(net->stream);
    dnnl_engine_destroy(net->engine);
    free(net->table);
    free(net->embedded);
    free(net);
}

static CoreStatus onednn_prepare(void *peer, const BenchNet *of, void **job, CoreError *error) {
    static const dnnl_dims_t rows_apart = {BENCH_NET_CLASSES, 1};
    (void)peer;
    Onednn *net = calloc(1, sizeof *net);
    if (!net) return core_fail(error, CORE_MEMORY, "out of memory");
    net->task = of->task;
    omp_set_num_threads(of->task.threads);
    if (well(net, dnnl_engine_create(&net->engine, dnnl_cpu, 0)) &&
        well(net, dnnl_stream_create(&net->stream, net->engine, dnnl_stream_default_flags))) {
        if (of->task.kind == BENCH_NET_A)
            build_a(net, of);
        else
            build_b(net, of);
        add_dense(net, of->graph, BENCH_NET_CLASSES, false);
        const dnnl_memory_desc_t plain = strided(net, 2, net->dims, rows_apart);
        net->current = arranged(net, net->current, &plain);
    }
    CoreStatus status = failure(net, error);
    if (status)
        onednn_release(net);
    else
        *job = net;
    return status;
}

static void look_up(const Onednn *net) {
    const size_t n = (size_t)net->task.batch * BENCH_NET_BYTES;
    for (size_t i = 0; i < n; i++)
        memcpy(net->embedded + 8 * i, net->table + 8 * (size_t)net->bytes[i], 8 * sizeof(float));
}

static CoreStatus onednn_run(void *job, uint32_t count, double *seconds, CoreError *error) {
    Onednn *net = job;
    omp_set_num_threads(net->task.threads);
    const uint64_t started = bench_now_ns();
    for (uint32_t i = 0; i < count; i++) {
        if (net->bytes) look_up(net);
        execute(net, 0, net->n_steps);
    }
    *seconds = bench_seconds_since(started);
    return failure(net, error);
}

static CoreStatus onednn_read(void *job, float *logits, float *gradients, CoreError *error) {
    Onednn *net = job;
    (void)gradients;
    void *data = NULL;
    if (well(net, dnnl_memory_get_data_handle(net->current, &data)))
        memcpy(logits, data, (size_t)net->task.batch * BENCH_NET_CLASSES * sizeof *logits);
    return failure(net, error);
}

#else /* not found when this was built */

static CoreStatus onednn_open(void **peer, CoreError *error) {
    (void)peer;
    return core_fail(error, CORE_UNAVAILABLE, "onednn: not found when sipcnn-bench was built (libdnnl-dev)");
}

#define onednn_close   NULL
#define onednn_prepare NULL
#define onednn_release NULL
#define onednn_run     NULL
#define onednn_read    NULL

#endif

const BenchPeer bench_peer_onednn = {
    .name = "onednn",
    .open = onednn_open,
    .close = onednn_close,
    .prepare = onednn_prepare,
    .release = onednn_release,
    .run = onednn_run,
    .read = onednn_read,
};
