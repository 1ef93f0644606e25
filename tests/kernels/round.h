/* One round of a check: a case drawn from a seed, in guarded buffers, and how its results are compared.
 * Relies on: guard.h, engine/kernels.
 * Relied on by: tests/kernels. */
#ifndef SIPCNN_TESTS_ROUND_H
#define SIPCNN_TESTS_ROUND_H

#include "engine/kernels/kernels.h"
#include "tests/kernels/guard.h"

enum { BUFFERS = 16, BUFFER_SIZE = 1 << 18, ROUNDS = 400 };

/* One round of a check: sizes are drawn from `seed`, buffers live until the round ends. Odd rounds have all
 * buffers at the end of accessible memory, even ones at its start. */
typedef struct Round {
    const Kernels *kernels;
    uint32_t seed, draws;
    int n_buffers;
    const Guard *guards; /* [BUFFERS], of BUFFER_SIZE bytes each */
} Round;

/* A number from low to high, both included. */
int draw(Round *round, int low, int high);

/* A new buffer of the round; there are BUFFERS. */
void *buffer(Round *round, size_t size);
/* `count` values in a new buffer: NaN. */
float *empty(Round *round, int count);
/* The same, from [-1, 1). */
float *values(Round *round, int count);
/* The same, bytes below `bound`. */
uint8_t *bytes(Round *round, int count, int bound);
/* A copy of existing values, as the accumulators' start. */
float *copy(Round *round, const float *from, int count);

/* Fails the test unless `holds`. A passed assertion is a system call in Check; this one asserts only what
 * fails. */
void claim(bool holds, int index, double got, double want);
/* NaN in `want`: must not have been written. The tolerance suits sums of `terms` products of values below 1.
 */
void near(const float *got, const double *want, int count, double terms);
void same_bits(const float *a, const float *b, int count);

/* The kernels whose bits those of matrix products and depthwise convolutions must have: AVX-512 those of
 * AVX2; the portable ones round twice and have no equal. */
const Kernels *fused_reference(const Round *round);

/* A part of `length` positions: often all, sometimes none (`begin` at or beyond `end`). */
KernelRange draw_range(Round *round, int length);
bool inside(KernelRange range, int position);
/* What lies outside the range becomes NaN; x[length][channels]. */
void forget_outside(float *x, KernelRange range, int length, int channels);

#endif
