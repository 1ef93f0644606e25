/* The multiply-adds that this machine can do: a loop of nothing else, for each instruction set.
 * Relies on: the compiler's vector intrinsics on x86-64, threads.
 * Relied on by: bench/kernels_command.c, bench/peers.h, tests. */
#include "bench/fma.h"

#include "bench/timing.h"

#include <pthread.h>
#include <stdatomic.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A fused multiply-add takes 4 cycles and two start in each: more than 8 chains keep both units busy. Twelve
 * fit into 16 registers with the two factors. */
enum { CHAINS = 12, STEPS = 2000 };

/* Defines `name`, STEPS multiply-adds of CHAINS chains: x becomes x * scale + shift, which stays near 1. The
 * sum is returned so that nothing is left out. */
#define FMA_LOOP(name, attributes, Vector, set1, multiply_add, store, lanes)                                 \
    attributes static float name(float start) {                                                              \
        const Vector scale = set1(.5f), shift = set1(.5f);                                                   \
        Vector chain[CHAINS];                                                                                \
        for (int c = 0; c < CHAINS; c++)                                                                     \
            chain[c] = set1(start + (float)c);                                                               \
        for (int step = 0; step < STEPS; step++)                                                             \
            for (int c = 0; c < CHAINS; c++)                                                                 \
                chain[c] = multiply_add(chain[c], scale, shift);                                             \
        float all[CHAINS][lanes], sum = 0;                                                                   \
        for (int c = 0; c < CHAINS; c++) {                                                                   \
            store(all[c], chain[c]);                                                                         \
            sum += all[c][c % lanes];                                                                        \
        }                                                                                                    \
        return sum;                                                                                          \
    }

#if defined(__x86_64__)
#define SSE_MULTIPLY_ADD(x, scale, shift) _mm_add_ps(_mm_mul_ps(x, scale), shift)
FMA_LOOP(loop_portable, , __m128, _mm_set1_ps, SSE_MULTIPLY_ADD, _mm_storeu_ps, 4)
FMA_LOOP(loop_avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, _mm256_fmadd_ps,
         _mm256_storeu_ps, 8)
FMA_LOOP(loop_avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps, _mm512_fmadd_ps,
         _mm512_storeu_ps, 16)
enum { PORTABLE_LANES = 4 };
#else
#define PLAIN(x)                            (x)
#define PLAIN_MULTIPLY_ADD(x, scale, shift) ((x) * (scale) + (shift))
#define PLAIN_STORE(to, x)                  ((to)[0] = (x))
FMA_LOOP(loop_portable, , float, PLAIN, PLAIN_MULTIPLY_ADD, PLAIN_STORE, 1)
enum { PORTABLE_LANES = 1 };
#endif

static const struct {
    float (*loop)(float start);
    int lanes;
} levels[CORE_CPU_LEVELS] = {
    [CORE_CPU_PORTABLE] = {loop_portable, PORTABLE_LANES},
#if defined(__x86_64__)
    [CORE_CPU_AVX2] = {loop_avx2, 8},
    [CORE_CPU_AVX512] = {loop_avx512, 16},
#endif
};

/* What one thread does, and with what result. */
typedef struct FmaWork {
    pthread_t thread;
    CoreCpuLevel level;
    double seconds;
    atomic_int *waiting; /* threads that have not started yet */
    double flops, taken;
    float kept; /* the loop's result: to be wanted by somebody */
} FmaWork;

/* All threads start together, or the first would have the machine to itself for a while. */
static void *work(void *argument) {
    FmaWork *my = argument;
    atomic_fetch_sub(my->waiting, 1);
    while (atomic_load(my->waiting) > 0)
        continue;
    const uint64_t begin = bench_now_ns();
    uint64_t rounds = 0;
    do {
        my->kept += levels[my->level].loop(my->kept);
        rounds++;
        my->taken = bench_seconds_since(begin);
    } while (my->taken < my->seconds);
    my->flops = 2. * STEPS * CHAINS * levels[my->level].lanes * (double)rounds;
    return NULL;
}

CoreStatus bench_fma_gflops(CoreCpuLevel level, int threads, double seconds, double *gflops,
                            CoreError *error) {
    FmaWork works[BENCH_THREADS_MAX] = {0};
    if (level > core_cpu_level_native() || !levels[level].loop)
        return core_fail(error, CORE_UNAVAILABLE, "this machine has no %s", core_cpu_level_name(level));
    if (threads < 1 || threads > BENCH_THREADS_MAX)
        return core_fail(error, CORE_ARGUMENT, "%d threads are not 1 to %d", threads, BENCH_THREADS_MAX);
    atomic_int waiting = threads;
    int started = 1;
    for (int t = 0; t < threads; t++)
        works[t] = (FmaWork){.level = level, .seconds = seconds, .waiting = &waiting};
    while (started < threads && pthread_create(&works[started].thread, NULL, work, &works[started]) == 0)
        started++;
    atomic_fetch_sub(&waiting, threads - started); /* those that could not be made */
    work(&works[0]);
    *gflops = 1e-9 * works[0].flops / works[0].taken;
    for (int t = 1; t < started; t++) {
        pthread_join(works[t].thread, NULL);
        *gflops += 1e-9 * works[t].flops / works[t].taken;
    }
    return started == threads ? CORE_OK
                              : core_fail(error, CORE_MEMORY, "no thread %d could be started", started + 1);
}
