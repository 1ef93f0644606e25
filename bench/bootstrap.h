/* Bootstrap over clients: the upper bound of the rate of false messages.
 * Relies on: engine/core.
 * Relied on by: bench/accuracy.c, tests. */
#ifndef SIPCNN_BENCH_BOOTSTRAP_H
#define SIPCNN_BENCH_BOOTSTRAP_H

#include "engine/core/status.h"

#include <stddef.h>
#include <stdint.h>

/* MT19937 (Matsumoto & Nishimura, "Mersenne twister", ACM TOMACS 1998), the generator behind Python's
 * `random`, so that the bound is the same number as an evaluation in Python with random.Random(seed) gives.
 */
typedef struct BenchTwister {
    uint32_t state[624];
    uint32_t next;
} BenchTwister;

/* The state of random.Random(seed) for seed < 2^32. */
void bench_twister_seed(BenchTwister *twister, uint32_t seed);
/* random.random(): uniform in [0, 1) with 53 bits. */
double bench_twister_uniform(BenchTwister *twister);

/* One client's benign messages, and how many of them were judged to be an attack. */
typedef struct BenchClientCount {
    uint64_t benign, wrong;
} BenchClientCount;

/* The 95 % upper bound of sum(wrong) / sum(benign): the 950th smallest of 1,000 resamples of whole clients,
 * in the order of random.Random(1).choices(clients, k=n). Without a wrong message the rule of three, min(1, 3
 * / benign). CORE_MEMORY. */
CORE_NODISCARD CoreStatus bench_bootstrap_upper(const BenchClientCount *clients, size_t n, double *upper,
                                                CoreError *error);

#endif
