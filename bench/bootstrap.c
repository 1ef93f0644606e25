/* Bootstrap over clients with Python's random numbers.
 * Relies on: engine/core.
 * Relied on by: bench/accuracy.c, tests. */
#include "bench/bootstrap.h"

#include <stdlib.h>

enum { TWISTER_SIZE = 624, TWISTER_SHIFT = 397, RESAMPLES = 1000, RANK_95 = 949 };

static void seed_linear(BenchTwister *twister, uint32_t seed) {
    twister->state[0] = seed;
    for (uint32_t i = 1; i < TWISTER_SIZE; i++) {
        uint32_t previous = twister->state[i - 1];
        twister->state[i] = 1812433253u * (previous ^ previous >> 30) + i;
    }
}

/* init_by_array with the one-word key {seed}, which is what Python does with a small integer. */
void bench_twister_seed(BenchTwister *twister, uint32_t seed) {
    uint32_t *s = twister->state;
    seed_linear(twister, 19650218u);
    uint32_t i = 1;
    for (uint32_t k = TWISTER_SIZE; k; k--) {
        s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * 1664525u) + seed;
        if (++i >= TWISTER_SIZE) s[0] = s[TWISTER_SIZE - 1], i = 1;
    }
    for (uint32_t k = TWISTER_SIZE - 1; k; k--) {
        s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * 1566083941u) - i;
        if (++i >= TWISTER_SIZE) s[0] = s[TWISTER_SIZE - 1], i = 1;
    }
    s[0] = 0x80000000u;
    twister->next = TWISTER_SIZE;
}

static void refill(BenchTwister *twister) {
    uint32_t *s = twister->state;
    for (uint32_t i = 0; i < TWISTER_SIZE; i++) {
        uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % TWISTER_SIZE] & 0x7fffffffu);
        s[i] = s[(i + TWISTER_SHIFT) % TWISTER_SIZE] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    twister->next = 0;
}

static uint32_t next_word(BenchTwister *twister) {
    if (twister->next >= TWISTER_SIZE) refill(twister);
    uint32_t y = twister->state[twister->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

double bench_twister_uniform(BenchTwister *twister) {
    uint32_t high = next_word(twister) >> 5, low = next_word(twister) >> 6;
    return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
}

static int compare_rates(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

CoreStatus bench_bootstrap_upper(const BenchClientCount *clients, size_t n, double *upper, CoreError *error) {
    uint64_t benign = 0, wrong = 0;
    for (size_t i = 0; i < n; i++)
        benign += clients[i].benign, wrong += clients[i].wrong;
    if (!wrong) {
        double bound = 3.0 / (double)(benign ? benign : 1);
        *upper = bound < 1 ? bound : 1;
        return CORE_OK;
    }
    double *rates = malloc(RESAMPLES * sizeof *rates);
    BenchTwister *twister = malloc(sizeof *twister);
    if (!rates || !twister) {
        free(rates);
        free(twister);
        return core_fail(error, CORE_MEMORY, "out of memory for the bootstrap");
    }
    bench_twister_seed(twister, 1);
    for (int r = 0; r < RESAMPLES; r++) {
        benign = wrong = 0;
        for (size_t i = 0; i < n; i++) {
            const BenchClientCount *client = &clients[(size_t)(bench_twister_uniform(twister) * (double)n)];
            benign += client->benign, wrong += client->wrong;
        }
        rates[r] = (double)wrong / (double)(benign ? benign : 1);
    }
    qsort(rates, RESAMPLES, sizeof *rates, compare_rates);
    *upper = rates[RANK_95];
    free(rates);
    free(twister);
    return CORE_OK;
}
