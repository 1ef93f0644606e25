/* All kernels for AVX2 (compiled with -mavx2).
 * Relies on: the templates (.inc); only static inline helpers and the listed kernels may be defined here.
 * Relied on by: dispatch.c. */
#define KERNEL_LANES        8
#define KERNEL_NAME(family) kernel_##family##_avx2

#include "engine/kernels/declare.h"
#include "engine/kernels/lanes.inc"
#include "engine/kernels/product.inc"
#include "engine/kernels/sizes.h"

#include "engine/kernels/activation.inc"
#include "engine/kernels/conv1d.inc"
#include "engine/kernels/depthwise.inc"
#include "engine/kernels/elementwise.inc"
#include "engine/kernels/lookup.inc"
#include "engine/kernels/peaks.inc"
#include "engine/kernels/winograd.inc"
