/* Builders and naive double-precision definitions of all ops, a file for each family. Nothing here is shared
 * with the engine: positions, padding and masks are worked out anew, from the comments of graph.h.
 * Relies on: problem.h.
 * Relied on by: problem.c and the families, problem_*.c. */
#ifndef SIPCNN_TESTS_PROBLEM_PARTS_H
#define SIPCNN_TESTS_PROBLEM_PARTS_H

#include "tests/engine/problem.h"

/* The case's [length, channels], or [channels] when it has no length. */
GraphShape problem_shape(const OpCase *c);

/* An f32 input of the graph with a gradient; its values, from [-1, 1], are drawn when the graph is
 * finished. */
GraphNode problem_f32(Problem *p, const char *name, GraphShape shape);
/* The same with values from [-spread, spread]. */
GraphNode problem_spread(Problem *p, const char *name, GraphShape shape, float spread);
/* An input of a loss: without a gradient, with values of a kind. */
GraphNode problem_given(Problem *p, const char *name, GraphShape shape, ValueKind kind);
/* The u8 input, with values below `bound`. */
GraphNode problem_bytes(Problem *p, GraphShape shape, int bound, uint64_t seed);
/* The case's mask, or NULL: lengths 0, 1, full, more than full, then random ones. */
const GraphMask *problem_mask(Problem *p, GraphMask *mask, int stride, uint64_t seed);
/* Is position t of `length` valid in row `row` after strides of `stride`? */
bool problem_valid(const Problem *p, int row, int t, int length, int stride);

/* One builder and one definition for each op. */
#define OP(op)                                                                                               \
    GraphNode build_##op(Problem *p, uint64_t seed);                                                         \
    void define_##op(const Problem *p, double *out);
#include "engine/ops.def"
#undef OP

#endif
