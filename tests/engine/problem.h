/* One op as a problem to check: a graph with just that op, its data, and the op's definition in double
 * precision. Relies on: engine/graph.h, engine/ops.h. Relied on by: test_ops.c. */
#ifndef SIPCNN_TESTS_PROBLEM_H
#define SIPCNN_TESTS_PROBLEM_H

#include "engine/ops.h"

typedef enum MaskKind { MASK_NONE, MASK_FRONT, MASK_END } MaskKind;

/* What the values of an f32 input look like. */
typedef enum ValueKind {
    VALUES_ANY,           /* within [-spread, spread] */
    VALUES_TARGETS,       /* hard and soft ones in [0, 1] */
    VALUES_DISTRIBUTIONS, /* the same, of each row that sum to 1 */
    VALUES_MASK,          /* 0 or 1 */
    VALUES_WEIGHTS        /* in [0, 1] */
} ValueKind;

typedef struct OpCase {
    const char *op;
    int n, length, channels, out, taps, stride, dilation, groups,
        fields; /* length 0: the input is a vector */
    GraphPadding padding;
    float smoothing, focal;
    bool relu, reverse, positions, evaluate; /* evaluate: not a training run */
    MaskKind mask;
} OpCase;

enum { PROBLEM_INPUTS = 4, PROBLEM_PARAMETERS = 4 };

/* What the op sees: arrays of all values, f64 beside the f32 that the graph was given. */
typedef struct Problem {
    OpCase shape;
    Graph *graph;
    GraphNode output;
    int n_inputs; /* f32 inputs, all with gradients but the loss's targets and weights */
    GraphNode inputs[PROBLEM_INPUTS];
    ValueKind kinds[PROBLEM_INPUTS];
    float spreads[PROBLEM_INPUTS];
    size_t input_count[PROBLEM_INPUTS]; /* values in all n rows */
    float *input_values[PROBLEM_INPUTS];
    double *x[PROBLEM_INPUTS];
    uint8_t *bytes; /* the u8 input, [n][...] */
    uint8_t lengths[64];
    int n_parameters;
    GraphParameter parameters[PROBLEM_PARAMETERS];
    double *w[PROBLEM_PARAMETERS];
    int out_length, out_channels; /* of the output; length 1 for vectors */
    size_t output_count;
    double *factors; /* dropout: what each value was multiplied with */
} Problem;

/* Builds the graph, draws inputs and parameters (biases too) from `seed`, and runs graph_forward, for
 * training unless the case says otherwise. */
void problem_new(Problem *problem, const OpCase *shape, uint64_t seed);
void problem_free(Problem *problem);

/* out [n][...] = the op of problem->x, problem->w and the u8 data, by its definition. */
void problem_reference(const Problem *problem, double *out);

/* The names for which there is a builder and a reference. */
bool problem_knows(const char *op);

#endif
