/* Counter-based random numbers: Philox4x32-10.
 * Relies on: libc.
 * Relied on by: engine, train, tests, through rng.h. */
#include "engine/rng.h"

void rng_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
    const uint32_t multiplier0 = 0xD2511F53u, multiplier1 = 0xCD9E8D57u;
    const uint32_t weyl0 = 0x9E3779B9u, weyl1 = 0xBB67AE85u;
    uint32_t key0 = key[0], key1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        const uint64_t product0 = (uint64_t)multiplier0 * c0, product1 = (uint64_t)multiplier1 * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ key0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ key1;
        c3 = (uint32_t)product0;
        key0 += weyl0;
        key1 += weyl1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void block(uint64_t seed, uint32_t stream, uint64_t step, uint32_t index, uint32_t out[4]) {
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {index, stream, (uint32_t)step, (uint32_t)(step >> 32)};
    rng_philox(key, counter, out);
}

uint64_t rng_bits(uint64_t seed, uint32_t stream, uint64_t step, uint32_t index) {
    uint32_t out[4];
    block(seed, stream, step, index, out);
    return (uint64_t)out[1] << 32 | out[0];
}

float rng_uniform(uint64_t seed, uint32_t stream, uint64_t step, uint32_t index) {
    return (float)(rng_bits(seed, stream, step, index) >> 40) * 0x1p-24f;
}

void rng_uniform4(uint64_t seed, uint32_t stream, uint64_t step, uint32_t index, float out[4]) {
    uint32_t words[4];
    block(seed, stream, step, index, words);
    for (int i = 0; i < 4; i++)
        out[i] = (float)(words[i] >> 8) * 0x1p-24f;
}

/* The high half of the 128-bit product bits * bound, without a 128-bit type. */
uint64_t rng_below(uint64_t bound, uint64_t seed, uint32_t stream, uint64_t step, uint32_t index) {
    const uint64_t bits = rng_bits(seed, stream, step, index);
    const uint64_t bits_low = (uint32_t)bits, bits_high = bits >> 32;
    const uint64_t bound_low = (uint32_t)bound, bound_high = bound >> 32;
    const uint64_t middle = bits_high * bound_low + (bits_low * bound_low >> 32);
    const uint64_t carry = bits_low * bound_high + (uint32_t)middle;
    return bits_high * bound_high + (middle >> 32) + (carry >> 32);
}
