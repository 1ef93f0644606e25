/* Random numbers of the synthesiser, with their own logarithm and exponential.
 * Relies on: libc.
 * Relied on by: data/synth. */
#include "data/synth/random.h"

#include <string.h>

SynthRandom synth_random(uint64_t seed, uint64_t stream) {
    SynthRandom random = {core_mix(core_mix(seed + CORE_MIX_STEP) ^ core_mix(stream * 2 + 1)), 0};
    return random;
}

/* x = m 2^e with m in [sqrt(1/2), sqrt 2); log m by the series of 2 atanh((m - 1) / (m + 1)). */
double synth_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int k = 17; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return 2 * s * sum + exponent * 0.69314718055994530942;
}

/* x = k log 2 + r; e^r by its series, 2^k by the exponent's bits. */
double synth_exp(double x) {
    double scaled = x * 1.44269504088896340736;
    int k = (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    double r = x - k * 0.69314718055994530942, sum = 1;
    for (int n = 14; n >= 1; n--)
        sum = 1 + sum * r / n;
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

double synth_exponential(SynthRandom *random, double mean) {
    return -mean * synth_log(1 - synth_uniform(random, 0, 1));
}

double synth_log_uniform(SynthRandom *random, double low, double high) {
    return low * synth_exp(synth_uniform(random, 0, 1) * synth_log(high / low));
}

uint32_t synth_weighted(SynthRandom *random, const uint16_t *weights, uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += weights[i];
    uint32_t at = synth_below(random, sum ? sum : 1);
    for (uint32_t i = 0; i < count; i++) {
        if (at < weights[i]) return i;
        at -= weights[i];
    }
    return 0;
}
