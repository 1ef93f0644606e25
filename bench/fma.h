/* The multiply-adds that this machine can do: a loop of nothing else, for each instruction set.
 * Relies on: engine/core/cpu.h, threads.
 * Relied on by: bench/kernels_command.c, bench/peers.h, tests. */
#ifndef SIPCNN_BENCH_FMA_H
#define SIPCNN_BENCH_FMA_H

#include "engine/core/cpu.h"
#include "engine/core/status.h"

enum { BENCH_THREADS_MAX = 64 };

/* GFLOP/s (a multiply-add counts as two) of all `threads` (1 .. BENCH_THREADS_MAX) together, each running
 * independent chains of register-only fused multiply-adds for about `seconds`. At the portable level, which
 * has no fused instruction, a multiplication and an addition of the baseline's vectors. The best kernel can
 * come near to this figure and not beyond it, at the clock that the processor had meanwhile: measure it in
 * the same round. CORE_UNAVAILABLE: the machine has not this level. CORE_MEMORY: no further thread. */
CORE_NODISCARD CoreStatus bench_fma_gflops(CoreCpuLevel level, int threads, double seconds, double *gflops,
                                           CoreError *error);

#endif
