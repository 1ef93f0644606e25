/* The checks, one for each family of kernels: check_<family>.
 * Relies on: round.h.
 * Relied on by: test_kernels.c and the files that define them, check_*.c. */
#ifndef SIPCNN_TESTS_CHECKS_H
#define SIPCNN_TESTS_CHECKS_H

#include "tests/kernels/round.h"

/* Runs the kernel of round->kernels once, on a case that the round's seed draws; fails the test where the
 * result is not as it should be. */
typedef void FamilyCheck(Round *round);

/* check_product.c */
FamilyCheck check_conv1d, check_depthwise_conv1d, check_conv1d_data, check_conv1d_weights,
    check_depthwise_conv1d_data, check_depthwise_conv1d_weights, check_winograd_weights,
    check_winograd_conv1d, check_winograd_gradient, check_peaks_gradient, check_dense, check_sparse,
    check_lookup_conv, check_lookup_gradient;

/* check_elementwise.c */
FamilyCheck check_max_pool, check_normalise_u8, check_relu, check_relu_gradient, check_add, check_add_product,
    check_exponential, check_sigmoid, check_tanh, check_gelu, check_sigmoid_gradient, check_tanh_gradient,
    check_gelu_gradient, check_sum_squares, check_adamw, check_sgd;

#endif
