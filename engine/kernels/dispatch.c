/* Choice of the kernels for this machine, and the plans of the kernels.
 * Relies on: kernels.def, engine/core/cpu.h.
 * Relied on by: engine, infer, bench, through kernels.h. */
#include "engine/kernels/declare.h"
#include "engine/kernels/sizes.h"

/* One constant table per instruction set, each filled from its rows of kernels.def. */
#define KERNEL(family, isa, function) KERNEL_ROW_##isa(.family = function, )

#define KERNEL_ROW_portable(...) __VA_ARGS__
#define KERNEL_ROW_avx2(...)
#define KERNEL_ROW_avx512(...)
static const Kernels portable_kernels = {
    .isa = "portable",
#include "engine/kernels/kernels.def"
};
#undef KERNEL_ROW_portable
#undef KERNEL_ROW_avx2
#undef KERNEL_ROW_avx512

#if KERNEL_X86
#define KERNEL_ROW_portable(...)
#define KERNEL_ROW_avx2(...) __VA_ARGS__
#define KERNEL_ROW_avx512(...)
static const Kernels avx2_kernels = {
    .isa = "avx2",
#include "engine/kernels/kernels.def"
};
#undef KERNEL_ROW_avx2
#undef KERNEL_ROW_avx512

#define KERNEL_ROW_avx2(...)
#define KERNEL_ROW_avx512(...) __VA_ARGS__
static const Kernels avx512_kernels = {
    .isa = "avx512",
#include "engine/kernels/kernels.def"
};
#endif

const Kernels *kernels_at(CoreCpuLevel level) {
    if (level > core_cpu_level()) return NULL;
    switch (level) {
    case CORE_CPU_PORTABLE: return &portable_kernels;
#if KERNEL_X86
    case CORE_CPU_AVX2: return &avx2_kernels;
    case CORE_CPU_AVX512: return &avx512_kernels;
#endif
    default: return NULL;
    }
}

const Kernels *kernels_best(void) {
    const CoreCpuLevel level = core_cpu_level();
    const Kernels *kernels = kernels_at(level);
    return kernels ? kernels : &portable_kernels;
}

/* Whether minimal filtering saves more than its transforms cost. Only the layer decides, not the batch or the
 * machine: with the same shapes, the same bits. */
static bool is_winograd(const KernelConv1d *conv) {
    return conv->taps == 3 && conv->stride == 1 && conv->dilation == 1 && conv->groups <= 1 &&
           conv->in_channels >= WINOGRAD_CHANNELS && conv->in_channels % WINOGRAD_MULTIPLE == 0 &&
           conv->out_channels >= WINOGRAD_CHANNELS && conv->out_channels % WINOGRAD_MULTIPLE == 0;
}

KernelPlan kernel_conv1d_plan(const KernelConv1d *conv) {
    const size_t groups = conv->groups > 0 ? (size_t)conv->groups : 1;
    const size_t in = (size_t)conv->in_channels, out = (size_t)conv->out_channels;
    const size_t weights = (size_t)conv->taps * (in / groups) * out;
    const size_t peaks = PEAKS_CHANNELS * (size_t)conv->taps * in;
    if (!is_winograd(conv)) return (KernelPlan){.packed_floats = weights, .scratch_floats = peaks};
    const size_t planes = WINOGRAD_PLANES * in * out;
    const size_t tiles = WINOGRAD_PLANES * (WINOGRAD_TILES * (in + out) + 2 * WINOGRAD_GAP);
    return (KernelPlan){.winograd = true,
                        .packed_floats = planes,
                        .planes_floats = planes,
                        .scratch_floats = tiles + planes > peaks ? tiles + planes : peaks};
}

void kernel_conv1d_pack(const KernelConv1d *conv, const float *weights, float *packed) {
    const ptrdiff_t in = conv->in_channels / (conv->groups > 0 ? conv->groups : 1), out = conv->out_channels;
    const ptrdiff_t taps = conv->taps, step = kernel_conv1d_step(conv);
    for (ptrdiff_t first = 0; first < step && first < taps; first++)
        for (ptrdiff_t k = first + (taps - 1 - first) / step * step; k >= 0; k -= step, packed += in * out)
            for (ptrdiff_t o = 0; o < out; o++)
                for (ptrdiff_t i = 0; i < in; i++)
                    packed[o * in + i] = weights[(k * in + i) * out + o];
}

/* to [columns][rows] = from [rows][columns], in blocks of lines of the cache. */
static void transpose(ptrdiff_t rows, ptrdiff_t columns, const float *restrict from, float *restrict to) {
    enum { BLOCK = 16 };
    for (ptrdiff_t block = 0; block < columns; block += BLOCK) {
        const ptrdiff_t end = columns - block < BLOCK ? columns : block + BLOCK;
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t c = block; c < end; c++)
                to[c * rows + r] = from[r * columns + c];
    }
}

void kernel_peaks_transpose(const KernelConv1d *conv, const float *weights, float *transposed) {
    transpose((ptrdiff_t)conv->taps * conv->in_channels, conv->out_channels, weights, transposed);
}

void kernel_winograd_transpose(const KernelConv1d *conv, const float *planes, float *transposed) {
    const ptrdiff_t in = conv->in_channels, out = conv->out_channels;
    for (ptrdiff_t p = 0; p < WINOGRAD_PLANES; p++)
        transpose(in, out, planes + p * in * out, transposed + p * in * out);
}
