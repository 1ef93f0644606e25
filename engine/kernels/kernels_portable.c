/* All kernels for the baseline of the target, in plain C where there are no vector types.
 * Relies on: the templates (.inc); only static inline helpers and the listed kernels may be defined here.
 * Relied on by: dispatch.c. */
#ifndef KERNEL_LANES
#if defined(__GNUC__)
#define KERNEL_LANES 4 /* SSE2, NEON: every 64-bit baseline has vectors of four floats */
#else
#define KERNEL_LANES 1
#endif
#endif
#define KERNEL_NAME(family) kernel_##family##_portable

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
