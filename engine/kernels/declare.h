/* Prototypes of all kernels in kernels.def.
 * Relies on: kernels.h, kernels.def.
 * Relied on by: dispatch.c and the files that define the kernels. */
#ifndef SIPCNN_KERNELS_DECLARE_H
#define SIPCNN_KERNELS_DECLARE_H

#include "engine/kernels/kernels.h"

/* Whether the build has the x86 kernels. Tests set it to 0 to see what other machines see. */
#ifndef KERNEL_X86
#if defined(__x86_64__) && defined(__GNUC__)
#define KERNEL_X86 1
#else
#define KERNEL_X86 0
#endif
#endif

/* KernelType_conv1d and so on: the type of each family. */
#define KERNEL_TYPE(family, Type) typedef Type KernelType_##family;
KERNEL_FAMILY_MAP(KERNEL_TYPE)
#undef KERNEL_TYPE

#define KERNEL(family, isa, function) KernelType_##family function;
#include "engine/kernels/kernels.def"
#undef KERNEL

/* The least n > 0 for which n * dilation is a multiple of the stride: taps n apart belong to the same
 * positions of the input. */
static inline int32_t kernel_conv1d_step(const KernelConv1d *conv) {
    int32_t step = 1;
    for (int64_t reach = conv->dilation; reach % conv->stride != 0; reach += conv->dilation)
        step++;
    return step;
}

#endif
