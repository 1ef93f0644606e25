/* ONNX Runtime as a peer: the network as the ONNX bytes that the engine writes, forward only.
 * Relies on: bench/onnxruntime.h, engine/onnx.h.
 * Relied on by: bench/peers.c. */
#include "bench/onnxruntime.h"
#include "bench/peer.h"
#include "bench/timing.h"
#include "engine/onnx.h"

#include <stdlib.h>
#include <string.h>

typedef struct OnnxruntimeJob {
    OnnxSession *session;
    size_t n_logits;
    float logits[]; /* [batch][12] */
} OnnxruntimeJob;

static CoreStatus open_library(void **peer, CoreError *error) {
    OnnxRuntime *runtime;
    CoreStatus status = onnxruntime_open(NULL, &runtime, error);
    if (status == CORE_OK) *peer = runtime;
    return status ? core_fail_context(error, status, "onnxruntime") : CORE_OK;
}

static void close_library(void *peer) {
    onnxruntime_close(peer);
}

static void release(void *job) {
    OnnxruntimeJob *my = job;
    onnxruntime_free(my->session);
    free(my);
}

static CoreStatus bind(OnnxruntimeJob *my, const BenchNet *net, CoreError *error) {
    const int64_t batch = net->task.batch;
    const OnnxTensor bytes = {"input", ONNX_U8, 3, {batch, BENCH_NET_BYTES, 1}, net->batch_input};
    const OnnxTensor floats = {
        "input", ONNX_F32, 3, {batch, BENCH_NET_LENGTH, BENCH_NET_CHANNELS}, net->batch_input};
    const OnnxTensor logits = {"logits", ONNX_F32, 2, {batch, BENCH_NET_CLASSES}, my->logits};
    return onnxruntime_bind(my->session, net->task.kind == BENCH_NET_A ? &bytes : &floats, 1, &logits, 1,
                            error);
}

static CoreStatus prepare(void *peer, const BenchNet *net, void **job, CoreError *error) {
    const GraphOnnxOutput output = {.node = net->logits, .name = "logits"};
    const GraphOnnx wanted = {.name = "net", .outputs = &output, .n_outputs = 1};
    const size_t n_logits = (size_t)net->task.batch * BENCH_NET_CLASSES;
    uint8_t *bytes = NULL;
    size_t size;
    OnnxruntimeJob *my = calloc(1, sizeof *my + n_logits * sizeof *my->logits);
    if (!my) return core_fail(error, CORE_MEMORY, "out of memory");
    my->n_logits = n_logits;
    CoreStatus status = graph_onnx(net->graph, &wanted, &bytes, &size, error);
    if (status == CORE_OK)
        status = onnxruntime_load(peer, bytes, size, net->task.threads, &my->session, error);
    if (status == CORE_OK) status = bind(my, net, error);
    free(bytes);
    if (status)
        release(my);
    else
        *job = my;
    return status;
}

static CoreStatus run(void *job, uint32_t count, double *seconds, CoreError *error) {
    const OnnxruntimeJob *my = job;
    CoreStatus status = CORE_OK;
    const uint64_t begin = bench_now_ns();
    for (uint32_t i = 0; status == CORE_OK && i < count; i++)
        status = onnxruntime_run(my->session, error);
    *seconds = bench_seconds_since(begin);
    return status;
}

static CoreStatus read_results(void *job, float *logits, float *gradients, CoreError *error) {
    const OnnxruntimeJob *my = job;
    (void)gradients;
    (void)error;
    memcpy(logits, my->logits, my->n_logits * sizeof *logits);
    return CORE_OK;
}

const BenchPeer bench_peer_onnxruntime = {
    .name = "onnxruntime",
    .open = open_library,
    .close = close_library,
    .prepare = prepare,
    .release = release,
    .run = run,
    .read = read_results,
};
