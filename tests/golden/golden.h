/* Golden values: what the .inc files in this folder, written by make.py, are made of.
 * Relies on: engine/graph.h, engine/optimiser.h.
 * Relied on by: tests/engine/test_golden.c and the .inc files. */
#ifndef SIPCNN_TESTS_GOLDEN_H
#define SIPCNN_TESTS_GOLDEN_H

#include "engine/optimiser.h"

typedef enum GoldenRole {
    GOLDEN_INPUT,    /* f32 input with a gradient */
    GOLDEN_GIVEN,    /* f32 input without */
    GOLDEN_BYTES,    /* u8 input */
    GOLDEN_WEIGHT,   /* parameter */
    GOLDEN_STATISTIC /* parameter that only the op changes */
} GoldenRole;

typedef struct GoldenTensor {
    const char *name; /* of the input or parameter */
    GoldenRole role;
    GraphShape shape;      /* of one sample or of the parameter */
    const void *values;    /* f32 or u8, of all n samples */
    const float *expected; /* gradient, of a statistic its values after the run; NULL: none */
} GoldenTensor;

/* One op: the graph of `build` with these inputs and parameters has this value, and for this cotangent what
 * its tensors expect. */
typedef struct Golden {
    const char *op, *name;
    int32_t n;
    bool training;
    GraphNode (*build)(Graph *graph, const GraphNode *in); /* inputs in the order of `tensors` */
    int n_tensors;
    const GoldenTensor *tensors;
    size_t count; /* values in the output of all n samples */
    const float *value;
    const float *cotangent; /* NULL: nothing has a gradient */
} Golden;

/* A training: the losses and gradient norms (before clipping) of its steps. */
typedef struct GoldenRun {
    const char *name;
    OptimiserOptions options;
    const float *losses, *norms;
} GoldenRun;

/* A parameter before the trainings, and after each of them (NULL: not kept). */
typedef struct GoldenParameter {
    const char *name;
    size_t count;
    const float *start;
    const float *ends[4];
} GoldenParameter;

#endif
