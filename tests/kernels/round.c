/* The buffers, drawn values and comparisons of a round.
 * Relies on: guard.h, engine/rng.h, Check.
 * Relied on by: tests/kernels. */
#include "tests/kernels/round.h"

#include "engine/rng.h"

#include <check.h>
#include <math.h>
#include <string.h>

int draw(Round *round, int low, int high) {
    return low + (int)rng_below((uint64_t)(high - low + 1), round->seed, 1, 0, round->draws++);
}

void *buffer(Round *round, size_t size) {
    if (round->n_buffers == BUFFERS) ck_abort_msg("a round needs more than %d buffers", BUFFERS);
    return guard_place(&round->guards[round->n_buffers++], size, round->seed % 2 == 1);
}

float *empty(Round *round, int count) {
    float *result = buffer(round, (size_t)count * sizeof(float));
    for (int i = 0; i < count; i++)
        result[i] = NAN;
    return result;
}

float *values(Round *round, int count) {
    float *result = empty(round, count);
    for (int i = 0; i < count; i++)
        result[i] = 2 * rng_uniform(round->seed, 2, 0, round->draws++) - 1;
    return result;
}

uint8_t *bytes(Round *round, int count, int bound) {
    uint8_t *result = buffer(round, (size_t)count);
    for (int i = 0; i < count; i++)
        result[i] = (uint8_t)draw(round, 0, bound - 1);
    return result;
}

float *copy(Round *round, const float *from, int count) {
    float *result = empty(round, count);
    memcpy(result, from, (size_t)count * sizeof(float));
    return result;
}

void claim(bool holds, int index, double got, double want) {
    if (!holds) ck_abort_msg("value %d: %.9g instead of %.9g", index, got, want);
}

void near(const float *got, const double *want, int count, double terms) {
    for (int i = 0; i < count; i++) {
        const double difference = fabs((double)got[i] - want[i]);
        claim(isnan(want[i]) ? isnan(got[i]) : difference <= 1e-7 * (4 + terms), i, (double)got[i], want[i]);
    }
}

void same_bits(const float *a, const float *b, int count) {
    ck_assert_mem_eq(a, b, (size_t)count * sizeof(float));
}

const Kernels *fused_reference(const Round *round) {
    const bool widest = round->kernels == kernels_at(CORE_CPU_AVX512);
    return widest ? kernels_at(CORE_CPU_AVX2) : round->kernels;
}

KernelRange draw_range(Round *round, int length) {
    const int begin = draw(round, 0, length), end = draw(round, 0, length);
    if (draw(round, 0, 2) == 0) return (KernelRange){0, length};
    return (KernelRange){begin, end};
}

bool inside(KernelRange range, int position) {
    return position >= range.begin && position < range.end;
}

void forget_outside(float *x, KernelRange range, int length, int channels) {
    for (int i = 0; i < length * channels; i++)
        if (!inside(range, i / channels)) x[i] = NAN;
}
