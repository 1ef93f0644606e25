/* Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011), a pure function of seed and position.
 * Relies on: libc.
 * Relied on by: engine (initial weights, dropout), train (shuffling), tests. */
#ifndef SIPCNN_ENGINE_RNG_H
#define SIPCNN_ENGINE_RNG_H

#include <stdint.h>

/* Philox4x32-10 of the 128-bit counter under the 64-bit key. Thread-safe, no state. */
void rng_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/* 64 random bits for (seed, stream, step, index): `stream` tells the uses of one seed apart, `step` and
 * `index` are the place within a use (epoch or training step; element). The same arguments give the same
 * value on every machine. */
uint64_t rng_bits(uint64_t seed, uint32_t stream, uint64_t step, uint32_t index);

/* Uniform in [0, 1) with 24 bits, from rng_bits of the same arguments. */
float rng_uniform(uint64_t seed, uint32_t stream, uint64_t step, uint32_t index);

/* Four of them at the price of one: the 24 high bits of each word of the block (seed, stream, step, index).
 */
void rng_uniform4(uint64_t seed, uint32_t stream, uint64_t step, uint32_t index, float out[4]);

/* Uniform integer in [0, bound), bound >= 1 (the bias, below bound / 2^64, is nil in practice). */
uint64_t rng_below(uint64_t bound, uint64_t seed, uint32_t stream, uint64_t step, uint32_t index);

#endif
