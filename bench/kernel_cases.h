/* The layers on which sipcnn-bench kernels measures, and the work of each of their kernels.
 * Relies on: engine/kernels, train/model.h (the SIP CNN's dimensions).
 * Relied on by: bench/kernels_command.c. */
#ifndef SIPCNN_BENCH_KERNEL_CASES_H
#define SIPCNN_BENCH_KERNEL_CASES_H

#include "engine/core/status.h"
#include "engine/kernels/kernels.h"

/* X(NAME, text): kernels of a layer, by what they compute. */
#define BENCH_KERNEL_MAP(X)                                                                                  \
    X(FORWARD, "forward")                                                                                    \
    X(DATA, "data gradient")                                                                                 \
    X(WEIGHTS, "weight gradient")                                                                            \
    X(BOTH, "both gradients")

typedef enum BenchKernel {
#define BENCH_KERNEL_ENUM(name, text) BENCH_KERNEL_##name,
    BENCH_KERNEL_MAP(BENCH_KERNEL_ENUM)
#undef BENCH_KERNEL_ENUM
        BENCH_KERNELS
} BenchKernel;

const char *bench_kernel_name(BenchKernel kernel);

typedef enum BenchLayerKind {
    BENCH_LAYER_CONV,
    BENCH_LAYER_DEPTHWISE,
    BENCH_LAYER_LOOKUP,
    BENCH_LAYER_DENSE
} BenchLayerKind;

const char *bench_layer_kind_name(BenchLayerKind kind);

/* A layer and how many samples of it one run does: as many as a thread has at a time of a training step's
 * batch, or one. Of a dense layer, `length` are the rows. A look-up reads `in` fields of one byte. */
typedef struct BenchLayer {
    const char *name;
    BenchLayerKind kind;
    int32_t length, in, out, taps, stride, dilation, left;
    int32_t out_length;
    int32_t samples;
} BenchLayer;

enum { BENCH_LAYERS_MAX = 32 };

/* The layers of both reference networks, of the SIP CNN with `classes` = 11, and some of more channels; how
 * many. */
int bench_layers(BenchLayer layers[BENCH_LAYERS_MAX]);

/* A layer with memory to work on; its samples are in a row. */
typedef struct BenchCase {
    BenchLayer layer;
    KernelConv1d conv;
    bool winograd; /* by minimal filtering, whose gradients are one kernel that shares what both need */
    KernelLookup lookup;
    int32_t offsets[9]; /* of the look-up */
    float *planes, *scratch;
    float *x, *weights, *packed, *bias, *y, *dx, *dw, *dbias; /* y is dy for the gradients */
    uint8_t *ids;
} BenchCase;

/* Free with bench_case_free, after a failure too. CORE_MEMORY. */
CORE_NODISCARD CoreStatus bench_case_new(const BenchLayer *layer, BenchCase *c, CoreError *error);
void bench_case_free(BenchCase *c);

/* Floating-point operations of one run: a multiply-add counts as two, a look-up's addition as one. With
 * minimal filtering those of the plain sums, of which it needs half. 0: the layer has no such kernel. */
double bench_case_flops(const BenchCase *c, BenchKernel kernel);
/* One run over all samples. */
void bench_case_run(const BenchCase *c, const Kernels *kernels, BenchKernel kernel);

#endif
