/* Random numbers of the synthesiser: a counter through SplitMix64, and draws
 * from them.
 * Relies on: engine/core/mix.h.
 * Relied on by: data/synth.
 *
 * One generator per thing that decides by itself (an actor, a run), so that one more draw here changes
 * nothing there. No libm: the same seed gives the same bytes on every machine. */
#ifndef SIPCNN_SYNTH_RANDOM_H
#define SIPCNN_SYNTH_RANDOM_H

#include "engine/core/mix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct SynthRandom {
    uint64_t key, at;
} SynthRandom;

/* The generator `stream` of `seed`. Pure. */
SynthRandom synth_random(uint64_t seed, uint64_t stream);

/* 64 random bits. One thread per generator; so are all below. */
static inline uint64_t synth_bits(SynthRandom *random) {
    return core_mix(random->key + ++random->at * CORE_MIX_STEP);
}

/* A child generator that shares nothing with its parent from here on. */
static inline SynthRandom synth_split(SynthRandom *random) {
    uint64_t seed = synth_bits(random);
    return synth_random(seed, synth_bits(random));
}

/* Uniform in [0, bound), bound >= 1. */
static inline uint32_t synth_below(SynthRandom *random, uint32_t bound) {
    return (uint32_t)((synth_bits(random) >> 32) * bound >> 32);
}

/* Uniform in [low, high], low <= high. */
static inline uint32_t synth_between(SynthRandom *random, uint32_t low, uint32_t high) {
    return low + synth_below(random, high - low + 1);
}

/* Uniform in [low, high). */
static inline double synth_uniform(SynthRandom *random, double low, double high) {
    return low + (high - low) * ((double)(synth_bits(random) >> 11) * 0x1p-53);
}

static inline bool synth_chance(SynthRandom *random, double probability) {
    return synth_uniform(random, 0, 1) < probability;
}

/* Exponential with this mean; log-uniform in [low, high), 0 < low <= high. */
double synth_exponential(SynthRandom *random, double mean);
double synth_log_uniform(SynthRandom *random, double low, double high);

/* An index in [0, count), as likely as its weight; the weights' sum is at least 1. */
uint32_t synth_weighted(SynthRandom *random, const uint16_t *weights, uint32_t count);

/* One element of an array. */
#define SYNTH_COUNT(array)        (sizeof(array) / sizeof *(array))
#define SYNTH_PICK(random, array) ((array)[synth_below((random), (uint32_t)SYNTH_COUNT(array))])

/* Natural logarithm of x > 0 and e^x for |x| < 700, in IEEE operations of fixed order, to 1e-12. */
double synth_log(double x);
double synth_exp(double x);

#endif
