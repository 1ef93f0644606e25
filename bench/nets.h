/* The two reference networks of sipcnn-bench peers, with data to run them on.
 * Relies on: engine.
 * Relied on by: bench/peer.h, tests. */
#ifndef SIPCNN_BENCH_NETS_H
#define SIPCNN_BENCH_NETS_H

#include "engine/graph.h"
#include "engine/optimiser.h"

/* Both end in logits [12]; convolutions and the inner dense layer have a ReLU.
 *   A  512 bytes -> embedding 256 to 8 -> conv1d 16, 7 taps, stride 2 -> conv1d 32, 5 taps, stride 2
 *      -> conv1d 64, 3 taps, stride 2 (all valid padding) -> global max -> dense 12
 *   B  [64, 32] -> conv1d 64, 3 taps -> conv1d 64, 3 taps -> max pool 2 -> conv1d 128, 3 taps (all same
 * padding)
 *      -> global max -> dense 64 -> dense 12 */
typedef enum BenchNetKind { BENCH_NET_A, BENCH_NET_B, BENCH_NETS } BenchNetKind;

enum { BENCH_NET_CLASSES = 12, BENCH_NET_BYTES = 512, BENCH_NET_LENGTH = 64, BENCH_NET_CHANNELS = 32 };

/* What is to be measured. */
typedef struct BenchTask {
    BenchNetKind kind;
    bool training; /* a step: forward, loss, backward, optimiser; else forward alone */
    int32_t batch, threads;
} BenchTask;

/* A network and a batch, drawn from a fixed seed: the same for everybody who runs it. */
typedef struct BenchNet {
    BenchTask task;
    Graph *graph;
    GraphNode input, logits;
    Optimiser *optimiser; /* while training, else NULL */
    void *batch_input;    /* A: u8 [batch][512]; B: f32 [batch][64][32] */
    size_t input_bytes;
    float *targets; /* [batch][12] in [0, 1], of the sigmoid cross-entropy (mean over the batch, sum over
                       classes) */
} BenchNet;

/* AdamW's rate, the other options being optimiser_defaults without clipping. So small that a benchmark's
 * thousands of steps on one batch do not end in gradients too small for normal numbers. */
#define BENCH_NET_RATE 1e-6f

/* Builds it; the caller frees it with bench_net_free, after a failure too. CORE_MEMORY. */
CORE_NODISCARD CoreStatus bench_net_new(const BenchTask *task, BenchNet *net, CoreError *error);
void bench_net_free(BenchNet *net);

/* One forward pass, or while training one step. */
CORE_NODISCARD CoreStatus bench_net_run(BenchNet *net, CoreError *error);

/* Numbers in all parameters together, without padding. */
size_t bench_net_parameters(const BenchNet *net);

/* The names of the kinds, "A" and "B". */
const char *bench_net_name(BenchNetKind kind);

/* Floating-point operations (a multiply-add counts as two) of the convolutions and dense layers for one
 * sample: forward alone, or of a training step, whose data and weight gradients each take as many again, but
 * for the data gradient of B's first layer, which nobody needs. */
double bench_net_flops(BenchNetKind kind, bool training);

#endif
