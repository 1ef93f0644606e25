/* The output function of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
 * 2014). Relies on: libc. Relied on by: the small generators of data/dataset, data/synth and infer. Training
 * has engine/rng.h. */
#ifndef SIPCNN_CORE_MIX_H
#define SIPCNN_CORE_MIX_H

#include <stdint.h>

/* What successive states of SplitMix64 are apart. */
#define CORE_MIX_STEP UINT64_C(0x9e3779b97f4a7c15)

/* A one-for-one map of 64 bits in which every input bit reaches every output bit. Pure. */
static inline uint64_t core_mix(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

#endif
