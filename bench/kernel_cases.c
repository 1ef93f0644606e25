/* The layers on which sipcnn-bench kernels measures, and the work of each of their kernels.
 * Relies on: engine/kernels, engine/rng.h, train/model.h (the SIP CNN's dimensions).
 * Relied on by: bench/kernels_command.c. */
#include "bench/kernel_cases.h"

#include "engine/rng.h"
#include "train/model.h"

#include <stdlib.h>

const char *bench_kernel_name(BenchKernel kernel) {
    static const char *const names[] = {
#define BENCH_KERNEL_TEXT(name, text) text,
        BENCH_KERNEL_MAP(BENCH_KERNEL_TEXT)
#undef BENCH_KERNEL_TEXT
    };
    return names[kernel];
}

const char *bench_layer_kind_name(BenchLayerKind kind) {
    static const char *const names[] = {"conv1d", "depthwise", "lookup", "dense"};
    return names[kind];
}

/* ---- the layers ---- */

/* Samples of a chunk: of a batch of 64, and of the SIP CNN's 256. */
enum { SAMPLES = 4, SIP_SAMPLES = 16 };

static BenchLayer valid(const char *name, int32_t length, int32_t in, int32_t out, int32_t taps,
                        int32_t stride) {
    return (BenchLayer){
        name, BENCH_LAYER_CONV, length, in, out, taps, stride, 1, 0, (length - taps) / stride + 1, SAMPLES};
}

static BenchLayer same(const char *name, int32_t length, int32_t in, int32_t out, int32_t taps) {
    return (BenchLayer){name, BENCH_LAYER_CONV, length, in, out, taps, 1, 1, (taps - 1) / 2, length, SAMPLES};
}

static BenchLayer dense(const char *name, int32_t rows, int32_t in, int32_t out) {
    return (BenchLayer){name, BENCH_LAYER_DENSE, rows, in, out, 1, 1, 1, 0, rows, 1};
}

/* The SIP CNN's layers over full inputs. The first are look-ups; the sensor's dense ones have one row, whose
 * zeros it passes over. */
static int sip_cnn_layers(BenchLayer *layers) {
    const CoreModelDims d = train_model_dims(11);
    const int32_t tokens = (int32_t)d.token_positions, channels = (int32_t)d.token_channels;
    const int32_t text = (int32_t)d.text_bytes, text_channels = (int32_t)d.text_channels;
    const int32_t events = (int32_t)d.event_positions, dialog = (int32_t)d.dialog_features;
    const int32_t client = (int32_t)d.groups[CORE_GROUP_CLIENT].count,
                  client_out = (int32_t)d.client_features;
    const int32_t width = (int32_t)core_model_concat_width(&d), hidden = (int32_t)d.hidden;
    const int32_t fields = (int32_t)d.token_fields;
    const int32_t text_out = (int32_t)d.text_features, all = SIP_SAMPLES;
    const BenchLayer made[] = {
        {"SIP tokens", BENCH_LAYER_LOOKUP, tokens, fields, channels, 3, 1, 1, 1, tokens, 1},
        {"SIP tokens", BENCH_LAYER_DEPTHWISE, tokens, channels, channels, 3, 1, 1, 1, tokens, all},
        {"SIP tokens", BENCH_LAYER_CONV, tokens, channels, (int32_t)d.token_features, 1, 1, 1, 0, tokens,
         all},
        {"SIP text", BENCH_LAYER_LOOKUP, text, 1, text_channels, 5, 2, 1, 0, text / 2, 1},
        {"SIP text 2", BENCH_LAYER_CONV, text / 2, text_channels, text_out, 3, 2, 1, 0, text / 4, all},
        {"SIP dialog 3", BENCH_LAYER_CONV, events, dialog, dialog, 3, 1, 4, 8, events, all},
        dense("SIP client", 1, client, client_out),
        dense("SIP client", all, client, client_out),
        dense("SIP hidden", 1, width, hidden),
        dense("SIP hidden", all, width, hidden),
    };
    const int n = sizeof made / sizeof *made;
    for (int i = 0; i < n; i++)
        layers[i] = made[i];
    return n;
}

int bench_layers(BenchLayer layers[BENCH_LAYERS_MAX]) {
    const BenchLayer made[] = {
        valid("A conv1", 512, 8, 16, 7, 2),  valid("A conv2", 253, 16, 32, 5, 2),
        valid("A conv3", 125, 32, 64, 3, 2), same("B conv1", 64, 32, 64, 3),
        same("B conv2", 64, 64, 64, 3),      same("B conv3", 32, 64, 128, 3),
        dense("B hidden", SAMPLES, 128, 64), valid("wide", 256, 32, 64, 3, 1),
        valid("wide", 256, 64, 128, 5, 1),   valid("wide", 128, 128, 128, 3, 1),
        dense("wide", 64, 256, 256),
    };
    const int n = sizeof made / sizeof *made;
    for (int i = 0; i < n; i++)
        layers[i] = made[i];
    return n + sip_cnn_layers(layers + n);
}

/* ---- memory ---- */

enum { LOOKUP_IDS = 64 }; /* of each field */

static size_t x_pitch(const BenchLayer *layer) {
    return (size_t)layer->length * (size_t)layer->in;
}

static size_t y_pitch(const BenchLayer *layer) {
    return (size_t)layer->out_length * (size_t)layer->out;
}

static float *take(size_t count, uint32_t stream) {
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; values && i < count; i++)
        values[i] = rng_uniform(1, stream, 0, (uint32_t)i) - .5f;
    return values;
}

CoreStatus bench_case_new(const BenchLayer *layer, BenchCase *c, CoreError *error) {
    *c = (BenchCase){.layer = *layer};
    const size_t xs = (size_t)layer->samples * x_pitch(layer), ys = (size_t)layer->samples * y_pitch(layer);
    const bool lookup = layer->kind == BENCH_LAYER_LOOKUP, depthwise = layer->kind == BENCH_LAYER_DEPTHWISE;
    const size_t inputs = lookup ? (size_t)layer->in * LOOKUP_IDS : depthwise ? 1 : (size_t)layer->in;
    const size_t weights = (size_t)layer->taps * inputs * (size_t)layer->out;
    c->conv = (KernelConv1d){.in_channels = layer->in,
                             .out_channels = layer->out,
                             .taps = layer->taps,
                             .stride = layer->stride,
                             .dilation = layer->dilation,
                             .left = layer->left,
                             .relu = true};
    c->lookup = kernel_lookup(&c->conv, layer->in, c->offsets);
    for (int f = 0; lookup && f < layer->in; f++)
        c->offsets[f + 1] = c->offsets[f] + LOOKUP_IDS;
    c->x = take(xs, 1);
    c->weights = take(weights, 2);
    c->bias = take((size_t)layer->out, 3);
    c->y = take(ys, 4);
    c->dx = take(xs, 5);
    c->dw = take(weights, 6);
    c->dbias = take((size_t)layer->out, 7);
    const KernelPlan plan = kernel_conv1d_plan(&c->conv);
    c->winograd = plan.winograd && layer->kind == BENCH_LAYER_CONV;
    c->packed = take(plan.packed_floats, 8);
    c->planes = take(plan.planes_floats, 9);
    c->scratch = take(plan.scratch_floats, 10);
    c->ids = malloc(xs);
    if (!c->x || !c->weights || !c->bias || !c->y || !c->dx || !c->dw || !c->dbias || !c->packed ||
        (c->winograd && !c->planes) || !c->scratch || !c->ids)
        return core_fail(error, CORE_MEMORY, "out of memory for layer %s", layer->name);
    for (size_t i = 0; i < xs; i++)
        c->ids[i] = (uint8_t)rng_below(LOOKUP_IDS, 1, 9, 0, (uint32_t)i);
    if (c->winograd) {
        kernels_best()->winograd_weights(&c->conv, c->weights, c->planes);
        kernel_winograd_transpose(&c->conv, c->planes, c->packed);
    } else if (!lookup && !depthwise) {
        kernel_conv1d_pack(&c->conv, c->weights, c->packed);
    }
    return CORE_OK;
}

void bench_case_free(BenchCase *c) {
    float *const blocks[] = {c->x,  c->weights, c->bias,   c->y,      c->dx,
                             c->dw, c->dbias,   c->packed, c->planes, c->scratch};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    free(c->ids);
    *c = (BenchCase){0};
}

/* ---- work ---- */

/* Inputs that the taps of all outputs meet; those beyond the ends are padding and cost nothing. */
static double inputs_met(const BenchLayer *layer) {
    double met = 0;
    for (int32_t t = 0; t < layer->out_length; t++)
        for (int32_t k = 0; k < layer->taps; k++) {
            const int32_t at = t * layer->stride + k * layer->dilation - layer->left;
            met += at >= 0 && at < layer->length;
        }
    return met;
}

double bench_case_flops(const BenchCase *c, BenchKernel kernel) {
    const BenchLayer *layer = &c->layer;
    const double met = layer->samples * inputs_met(layer) * layer->out;
    if (kernel == (c->winograd ? BENCH_KERNEL_DATA : BENCH_KERNEL_BOTH)) return 0;
    if (kernel == BENCH_KERNEL_BOTH) return 4 * met * layer->in;
    switch (layer->kind) {
    case BENCH_LAYER_DEPTHWISE: return 2 * met;
    case BENCH_LAYER_LOOKUP: return kernel == BENCH_KERNEL_DATA ? 0 : met * layer->in;
    default: return 2 * met * layer->in;
    }
}

static void run_winograd(const BenchCase *c, const Kernels *kernels, BenchKernel kernel, KernelRange in,
                         KernelRange out) {
    const KernelBatch batch = {c->layer.samples, (ptrdiff_t)x_pitch(&c->layer),
                               (ptrdiff_t)y_pitch(&c->layer)};
    if (kernel == BENCH_KERNEL_FORWARD)
        kernels->winograd_conv1d(&c->conv, &batch, in, out, c->x, c->planes, c->bias, c->y, c->scratch);
    else
        kernels->winograd_gradient(&c->conv, &batch, in, out, c->x, c->y, c->y, c->packed, c->dw, c->dbias,
                                   kernel == BENCH_KERNEL_BOTH ? c->dx : NULL, c->scratch);
}

/* Convolutions and dense layers differ in the forward pass only. */
static void run_product(const BenchCase *c, const Kernels *kernels, BenchKernel kernel, KernelRange in,
                        KernelRange out) {
    const BenchLayer *layer = &c->layer;
    const KernelBatch batch = {layer->samples, (ptrdiff_t)x_pitch(layer), (ptrdiff_t)y_pitch(layer)};
    if (kernel == BENCH_KERNEL_DATA)
        kernels->conv1d_data(&c->conv, &batch, in, out, c->packed, c->y, c->dx);
    else if (kernel == BENCH_KERNEL_WEIGHTS)
        kernels->conv1d_weights(&c->conv, &batch, in, out, c->x, c->y, c->dw, c->dbias);
    else if (layer->kind == BENCH_LAYER_DENSE)
        kernels->dense(layer->length, layer->in, layer->out, c->x, c->weights, c->bias, true, c->y);
    else
        kernels->conv1d(&c->conv, &batch, in, out, c->x, c->weights, c->bias, c->y);
}

static void run_depthwise(const BenchCase *c, const Kernels *kernels, BenchKernel kernel, KernelRange in,
                          KernelRange out, size_t sample) {
    const size_t x = sample * x_pitch(&c->layer), y = sample * y_pitch(&c->layer);
    if (kernel == BENCH_KERNEL_FORWARD)
        kernels->depthwise_conv1d(&c->conv, in, out, c->x + x, c->weights, c->bias, c->y + y);
    else if (kernel == BENCH_KERNEL_DATA)
        kernels->depthwise_conv1d_data(&c->conv, in, out, c->weights, c->y + y, c->dx + x);
    else
        kernels->depthwise_conv1d_weights(&c->conv, in, out, c->x + x, c->y + y, c->dw, c->dbias);
}

static void run_lookup(const BenchCase *c, const Kernels *kernels, BenchKernel kernel, KernelRange in,
                       KernelRange out, size_t sample) {
    const size_t x = sample * x_pitch(&c->layer), y = sample * y_pitch(&c->layer);
    if (kernel == BENCH_KERNEL_FORWARD)
        kernels->lookup_conv(&c->lookup, in, out, c->ids + x, c->weights, c->bias, c->y + y);
    else
        kernels->lookup_gradient(&c->lookup, in, out, c->ids + x, c->y + y, c->dw);
}

void bench_case_run(const BenchCase *c, const Kernels *kernels, BenchKernel kernel) {
    const BenchLayer *layer = &c->layer;
    const KernelRange in = {0, layer->length}, out = {0, layer->out_length};
    if (layer->kind == BENCH_LAYER_CONV || layer->kind == BENCH_LAYER_DENSE) {
        (c->winograd ? run_winograd : run_product)(c, kernels, kernel, in, out);
        return;
    }
    for (size_t sample = 0; sample < (size_t)layer->samples; sample++)
        (layer->kind == BENCH_LAYER_LOOKUP ? run_lookup : run_depthwise)(c, kernels, kernel, in, out, sample);
}
