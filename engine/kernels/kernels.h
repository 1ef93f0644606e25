/* Compute kernels: the arithmetic of the network, each forward kernel exactly once for engine and runtime.
 * Relies on: engine/core/cpu.h, libm; kernels.def lists them, the .inc files hold their bodies.
 * Relied on by: engine, infer, bench. */
#ifndef SIPCNN_KERNELS_KERNELS_H
#define SIPCNN_KERNELS_KERNELS_H

#include "engine/core/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All kernels are single-threaded, allocate nothing, keep no state and may be called from any thread. Arrays
 * are row-major f32 without padding, sequences [length][channels], and must not overlap unless stated; no
 * kernel reads or writes outside the extents given here, and none needs alignment.
 *
 * Every output is one chain of additions in a fixed order (positions ascending, then channels), or, by
 * minimal filtering, a fixed combination of six. All are vectorised over other outputs only, so its bits
 * depend neither on the batch around it nor on the width of vectors. AVX2 and AVX-512 fuse multiplication and
 * addition in matrix products and convolutions of all kinds and give the same bits as each other there; the
 * portable kernels, whose baseline cannot, differ from them by rounding. All other kernels give the same bits
 * on all instruction sets. */

/* Positions begin .. end-1 of a sequence; empty when end <= begin. */
typedef struct KernelRange {
    int32_t begin, end;
} KernelRange;

/* A 1-D convolution. Tap k of output position t reads input position t * stride + k * dilation - left.
 * Causal: left = (taps - 1) * dilation. `left` may be negative, so that a caller that needs every fourth
 * position only can ask for just these. Depthwise kernels need in_channels == out_channels. */
typedef struct KernelConv1d {
    int32_t in_channels, out_channels;
    int32_t taps, stride, dilation, left;
    bool relu;
    int32_t groups; /* 0 means 1; divides both channels: outputs see the inputs of their group only */
} KernelConv1d;

/* Samples that a convolution does at once: sample s of x and dx is at x + s * x_pitch floats, of y and dy at
 * y + s * y_pitch. */
typedef struct KernelBatch {
    int32_t samples;
    ptrdiff_t x_pitch, y_pitch;
} KernelBatch;

/* A convolution whose input is an embedding: positions hold `fields` byte ids, field f with id i selects row
 * offsets[f] + i of the table, and the rows of all fields add up. offsets has fields + 1 ascending entries;
 * an id at or beyond the next field's offset adds nothing (so no id can read outside the table of
 * offsets[fields] rows). */
typedef struct KernelLookup {
    int32_t fields;
    const int32_t *offsets;
    int32_t out_channels;
    int32_t taps, stride, dilation, left;
    bool relu;
} KernelLookup;

/* The look-up of a convolution whose input is `fields` embedded ids; its in_channels do not matter. */
static inline KernelLookup kernel_lookup(const KernelConv1d *conv, int32_t fields, const int32_t *offsets) {
    return (KernelLookup){.fields = fields,
                          .offsets = offsets,
                          .out_channels = conv->out_channels,
                          .taps = conv->taps,
                          .stride = conv->stride,
                          .dilation = conv->dilation,
                          .left = conv->left,
                          .relu = conv->relu};
}

/* AdamW for one step: rate and both bias corrections are already those of the step. */
typedef struct KernelAdamW {
    float rate, beta1, beta2, epsilon, decay; /* decay: rate * weight decay, decoupled */
    float correction1, correction2;           /* 1 / (1 - beta^step) */
    float l2;                                 /* the gradient of l2 / 2 * |p|^2 is added to the clipped one */
} KernelAdamW;

/* Stochastic gradient descent for one step. */
typedef struct KernelSgd {
    float rate, momentum, decay, l2; /* decay and l2 as above */
    bool nesterov;
} KernelSgd;

/* What a maximum over all positions leaves of a gradient: for each channel of each sample the position of the
 * maximum (beyond all: none), its value y and its gradient dy, [samples][out_channels]. */
typedef struct KernelPeaks {
    const int32_t *positions;
    const float *y, *dy;
} KernelPeaks;

/* How a convolution is computed, and the memory that this takes. */
typedef struct KernelPlan {
    bool winograd;         /* by the winograd_* kernels instead of the conv1d* ones */
    size_t packed_floats;  /* `packed` of conv1d_data; `transposed` of winograd_gradient or peaks_gradient */
    size_t planes_floats;  /* `planes` of winograd_conv1d, else 0 */
    size_t scratch_floats; /* `scratch` of those that want one, whatever the batch */
} KernelPlan;

/* The plan of a convolution, the only place that knows its buffer sizes and the rule: minimal filtering for
 * three taps side by side of 32 channels or more, in and out, in multiples of 16. A dense layer is a
 * convolution of one tap whose positions are the rows of the batch. */
KernelPlan kernel_conv1d_plan(const KernelConv1d *conv);

/* Packs weights [taps][in / groups][out] for conv1d_data, transposed and with the taps in the order in which
 * it reads them; `packed` has plan.packed_floats. Once per change of the weights. */
void kernel_conv1d_pack(const KernelConv1d *conv, const float *weights, float *packed);

/* Transposes weights [taps][in][out] for peaks_gradient. Once per change of the weights. */
void kernel_peaks_transpose(const KernelConv1d *conv, const float *weights, float *transposed);

/* Transposes `planes` of winograd_weights, each, for winograd_gradient. Once per change of the weights. */
void kernel_winograd_transpose(const KernelConv1d *conv, const float *planes, float *transposed);

/* Parameters of the kernels below:
 *   in    positions of x that hold data; the others are padding: never read, as if zero
 *   out   positions to compute; y and dy are indexed by position (row t is y + t * out_channels), and rows
 * outside of `out` are neither read nor written dx, dw, dbias, dtable are added to, never cleared. */

/* conv1d, for each sample: y[t][o] = bias[o] + sum over k, i of x[t * stride + k * dilation - left][i] *
 * weights[k][i][o]. bias may be NULL (zeros). With relu, negative results become 0. */
typedef void KernelConv1dForward(const KernelConv1d *conv, const KernelBatch *batch, KernelRange in,
                                 KernelRange out, const float *x, const float *weights, const float *bias,
                                 float *y);
/* conv1d_data: the gradient of conv1d (without its ReLU) for x; `packed` from kernel_conv1d_pack. */
typedef void KernelConv1dData(const KernelConv1d *conv, const KernelBatch *batch, KernelRange in,
                              KernelRange out, const float *packed, const float *dy, float *dx);
/* conv1d_weights: the gradient for weights [taps][in / groups][out] and bias [out] (NULL: not wanted),
 * samples in ascending order. */
typedef void KernelConv1dWeights(const KernelConv1d *conv, const KernelBatch *batch, KernelRange in,
                                 KernelRange out, const float *x, const float *dy, float *dw, float *dbias);

/* The same by minimal filtering, for convolutions whose plan says so: half of the multiplications
 * (winograd.inc tells how), a rounding error of about one and a half times that of the sums above. `scratch`
 * holds nothing between calls. winograd_weights: what the weights become in the six planes, once per change
 * of them. */
typedef void KernelWinogradWeights(const KernelConv1d *conv, const float *weights, float *planes);
/* winograd_conv1d: as conv1d. */
typedef void KernelWinogradForward(const KernelConv1d *conv, const KernelBatch *batch, KernelRange in,
                                   KernelRange out, const float *x, const float *planes, const float *bias,
                                   float *y, float *scratch);
/* winograd_gradient: as conv1d_weights and conv1d_data (dx NULL: not wanted), behind the gradient of the
 * convolution's ReLU, for which y is read: dy stays as it is. */
typedef void KernelWinogradGradient(const KernelConv1d *conv, const KernelBatch *batch, KernelRange in,
                                    KernelRange out, const float *x, const float *y, const float *dy,
                                    const float *transposed, float *dw, float *dbias, float *dx,
                                    float *scratch);

/* peaks_gradient: as conv1d_weights and conv1d_data (dx NULL: not wanted) of a convolution without groups
 * where only `peaks` have a gradient: work for one position, however many there are. Peaks outside of `out`,
 * and with relu those whose y is not positive, have none. `scratch` holds nothing between calls. */
typedef void KernelPeaksGradient(const KernelConv1d *conv, const KernelBatch *batch, KernelRange in,
                                 KernelRange out, const KernelPeaks *peaks, const float *x,
                                 const float *transposed, float *dw, float *dbias, float *dx, float *scratch);

/* depthwise_conv1d: y[t][c] = bias[c] + sum over k of x[...][c] * weights[k][c]; its gradients likewise, with
 * weights [taps][channels] as they are. */
typedef void KernelDepthwiseForward(const KernelConv1d *conv, KernelRange in, KernelRange out, const float *x,
                                    const float *weights, const float *bias, float *y);
typedef void KernelDepthwiseData(const KernelConv1d *conv, KernelRange in, KernelRange out,
                                 const float *weights, const float *dy, float *dx);
typedef void KernelDepthwiseWeights(const KernelConv1d *conv, KernelRange in, KernelRange out, const float *x,
                                    const float *dy, float *dw, float *dbias);

/* lookup_conv: y[t][o] = bias[o] + sum over k, f of table[k][offsets[f] + ids[t * stride + k * dilation -
 * left][f]][o] with ids [length][fields] and table [taps][offsets[fields]][out_channels]. bias may be NULL.
 */
typedef void KernelLookupForward(const KernelLookup *lookup, KernelRange in, KernelRange out,
                                 const uint8_t *ids, const float *table, const float *bias, float *y);
/* lookup_gradient: the gradient for the table. */
typedef void KernelLookupGradient(const KernelLookup *lookup, KernelRange in, KernelRange out,
                                  const uint8_t *ids, const float *dy, float *dtable);

/* dense: y[r][o] = bias[o] + sum over i of x[r][i] * weights[i][o] for `rows` rows; rows = 1 is vector x
 * matrix. */
typedef void KernelDense(int32_t rows, int32_t in, int32_t out, const float *x, const float *weights,
                         const float *bias, bool relu, float *y);

/* max_pool: y[c] = max over t in `in` of x[t][c], and index[c] the first position that has it (index may be
 * NULL). An empty range gives 0 and index -1. */
typedef void KernelMaxPool(KernelRange in, int32_t channels, const float *x, float *y, int32_t *index);

/* normalise_u8: y[i] = (min(max(x[i], low[i]), high[i]) - mean[i]) * scale[i]. */
typedef void KernelNormalise(int32_t count, const uint8_t *x, const float *low, const float *high,
                             const float *mean, const float *scale, float *y);

/* Element-wise kernels over `count` values. relu may work in place (y == x). */
typedef void KernelRelu(size_t count, const float *x, float *y);          /* y = max(x, 0) */
typedef void KernelReluGradient(size_t count, const float *y, float *dy); /* dy = 0 where y <= 0 */
typedef void KernelAdd(size_t count, const float *x, float *y);           /* y += x */
typedef void KernelAddProduct(size_t count, const float *a, const float *b, float *y); /* y += a * b */

/* Activations, in place (y == x) if wished. Relative error below 1e-6 (gelu: 1e-6 of |x|); NaN stays NaN; the
 * same bits on every instruction set.
 *   exponential  y = exp(x), x taken as -87 or 88 when beyond
 *   sigmoid      y = 1 / (1 + exp(-x))
 *   tanh         y = tanh(x)
 *   gelu         y = x * Phi(x), Phi the normal distribution's integral, not its tanh approximation
 *                (Hendrycks & Gimpel 2016) */
typedef void KernelActivation(size_t count, const float *x, float *y);
/* Their gradients: dx += dy * slope, from the result y for sigmoid, y (1 - y), and tanh, 1 - y^2, and from x
 * for gelu, Phi(x) + x phi(x). */
typedef void KernelActivationGradient(size_t count, const float *x_or_y, const float *dy, float *dx);

/* The sum of squares in f64, in 16 fixed lanes: the same on every instruction set. */
typedef double KernelSumSquares(size_t count, const float *x);
/* One AdamW step (Loshchilov & Hutter 2019): moments m, v and parameters p are updated in place from gradient
 * g, which is first multiplied by `clip` (gradient clipping). */
typedef void KernelAdamWStep(const KernelAdamW *adam, float clip, size_t count, const float *g, float *m,
                             float *v, float *p);
/* One step of gradient descent with momentum (Sutskever et al. 2013, in the form of PyTorch): with s = clip *
 * g
 * + l2 * p, m = momentum * m + s and p -= rate * d + decay * p, where d = m, or s + momentum * m with
 * nesterov.
 */
typedef void KernelSgdStep(const KernelSgd *sgd, float clip, size_t count, const float *g, float *m,
                           float *p);

/* The family list: name of the member, type of the function. */
#define KERNEL_FAMILY_MAP(X)                                                                                 \
    X(conv1d, KernelConv1dForward)                                                                           \
    X(conv1d_data, KernelConv1dData)                                                                         \
    X(conv1d_weights, KernelConv1dWeights)                                                                   \
    X(winograd_weights, KernelWinogradWeights)                                                               \
    X(winograd_conv1d, KernelWinogradForward)                                                                \
    X(winograd_gradient, KernelWinogradGradient)                                                             \
    X(peaks_gradient, KernelPeaksGradient)                                                                   \
    X(depthwise_conv1d, KernelDepthwiseForward)                                                              \
    X(depthwise_conv1d_data, KernelDepthwiseData)                                                            \
    X(depthwise_conv1d_weights, KernelDepthwiseWeights)                                                      \
    X(lookup_conv, KernelLookupForward)                                                                      \
    X(lookup_gradient, KernelLookupGradient)                                                                 \
    X(dense, KernelDense)                                                                                    \
    X(max_pool, KernelMaxPool)                                                                               \
    X(normalise_u8, KernelNormalise)                                                                         \
    X(relu, KernelRelu)                                                                                      \
    X(relu_gradient, KernelReluGradient)                                                                     \
    X(add, KernelAdd)                                                                                        \
    X(add_product, KernelAddProduct)                                                                         \
    X(exponential, KernelActivation)                                                                         \
    X(sigmoid, KernelActivation)                                                                             \
    X(sigmoid_gradient, KernelActivationGradient)                                                            \
    X(tanh, KernelActivation)                                                                                \
    X(tanh_gradient, KernelActivationGradient)                                                               \
    X(gelu, KernelActivation)                                                                                \
    X(gelu_gradient, KernelActivationGradient)                                                               \
    X(sum_squares, KernelSumSquares)                                                                         \
    X(adamw, KernelAdamWStep)                                                                                \
    X(sgd, KernelSgdStep)

/* One implementation of every family. */
typedef struct Kernels {
    const char *isa; /* "portable", "avx2", "avx512" */
#define KERNEL_MEMBER(family, Type) Type *family;
    KERNEL_FAMILY_MAP(KERNEL_MEMBER)
#undef KERNEL_MEMBER
} Kernels;

/* The best kernels for this machine, capped by the environment's SIPCNN_MAX_ISA (engine/core/cpu.h). Never
 * NULL, a constant; look it up once per graph or executor. */
const Kernels *kernels_best(void);

/* The kernels of one level, or NULL when the machine, the cap or the build has them not. For tests and
 * benchmarks. */
const Kernels *kernels_at(CoreCpuLevel level);

#endif
