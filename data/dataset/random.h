/* Seeded random numbers that are the same on every machine.
 * Relies on: engine/core/mix.h.
 * Relied on by: the sampling of splits, leaks and augmentation. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_RANDOM_H
#define SIPCNN_DATASET_RANDOM_H

#include "engine/core/mix.h"

/* SplitMix64. */
static inline uint64_t random_next(uint64_t *state) {
    return core_mix(*state += CORE_MIX_STEP);
}

/* 0 <= result < 1. */
static inline double random_unit(uint64_t *state) {
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

#endif
