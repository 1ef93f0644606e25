/* Ops that pool, select and join values as problems.
 * Relies on: problem_parts.h.
 * Relied on by: problem.c. */
#include "tests/engine/problem_parts.h"

#include <math.h>

enum { OTHER = 3 }; /* channels or positions of the second input */

/* ---- pools: the case's taps are the window, 0: the whole sequence ---- */

GraphNode build_max_pool(Problem *p, uint64_t seed) {
    GraphMask storage;
    const OpCase *c = &p->shape;
    const GraphNode x = problem_f32(p, "x", problem_shape(c));
    const GraphMask *mask = problem_mask(p, &storage, 1, seed);
    return c->taps ? graph_max_pool_windows(p->graph, x, c->taps, c->stride, mask)
                   : graph_max_pool(p->graph, x, mask);
}

GraphNode build_average_pool(Problem *p, uint64_t seed) {
    GraphMask storage;
    const OpCase *c = &p->shape;
    const GraphNode x = problem_f32(p, "x", problem_shape(c));
    const GraphMask *mask = problem_mask(p, &storage, 1, seed);
    return c->taps ? graph_average_pool_windows(p->graph, x, c->taps, c->stride, mask)
                   : graph_average_pool(p->graph, x, mask);
}

static void define_pool(const Problem *p, bool average, double *out) {
    const OpCase *c = &p->shape;
    const int window = c->taps ? c->taps : c->length, stride = c->stride ? c->stride : window;
    for (int row = 0; row < c->n; row++) {
        for (int first = 0; first + window <= c->length; first += stride) {
            for (int k = 0; k < c->channels; k++) {
                double best = -INFINITY, sum = 0;
                int count = 0;
                for (int t = first; t < first + window; t++) {
                    if (!problem_valid(p, row, t, c->length, 1)) continue;
                    const double x = p->x[0][(row * c->length + t) * c->channels + k];
                    best = fmax(best, x);
                    sum += x;
                    count++;
                }
                *out++ = count == 0 ? 0 : average ? sum / count : best;
            }
        }
    }
}

void define_max_pool(const Problem *p, double *out) {
    define_pool(p, false, out);
}

void define_average_pool(const Problem *p, double *out) {
    define_pool(p, true, out);
}

/* ---- selecting and joining ---- */

GraphNode build_last(Problem *p, uint64_t seed) {
    GraphMask storage;
    const GraphNode x = problem_f32(p, "x", problem_shape(&p->shape));
    const GraphMask *mask = problem_mask(p, &storage, 1, seed);
    return mask ? graph_last_valid(p->graph, x, mask) : graph_last(p->graph, x);
}

void define_last(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int row = 0; row < c->n; row++) {
        const double *last = NULL;
        for (int t = 0; t < c->length; t++)
            if (problem_valid(p, row, t, c->length, 1)) last = p->x[0] + (row * c->length + t) * c->channels;
        for (int k = 0; k < c->channels; k++)
            *out++ = last ? last[k] : 0;
    }
}

GraphNode build_slice(Problem *p, uint64_t seed) {
    (void)seed;
    const OpCase *c = &p->shape;
    const GraphNode x = problem_f32(p, "x", problem_shape(c));
    return c->positions ? graph_slice_positions(p->graph, x, 2, c->out) : graph_slice(p->graph, x, 2, c->out);
}

void define_slice(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    const int length = c->length ? c->length : 1;
    for (int i = 0; i < c->n * length * c->channels; i++) {
        const int at = c->positions ? i / c->channels % length : i % c->channels;
        if (at >= 2 && at < 2 + c->out) *out++ = p->x[0][i];
    }
}

/* [a, b, a]: one input used twice. */
GraphNode build_concat(Problem *p, uint64_t seed) {
    (void)seed;
    const OpCase *c = &p->shape;
    const GraphShape other = c->positions ? graph_sequence(OTHER, c->channels)
                             : c->length  ? graph_sequence(c->length, OTHER)
                                          : graph_vector(OTHER);
    const GraphNode a = problem_f32(p, "a", problem_shape(c)), b = problem_f32(p, "b", other);
    return c->positions ? graph_concat_positions(p->graph, (GraphNode[]){a, b, a}, 3)
                        : graph_concat(p->graph, (GraphNode[]){a, b, a}, 3);
}

/* Runs of a and b in turn: of one position when channels are joined, of the whole sample else. */
void define_concat(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    const int length = c->length ? c->length : 1, runs = c->n * (c->positions ? 1 : length);
    const int size[] = {c->positions ? length * c->channels : c->channels,
                        c->positions ? OTHER * c->channels : OTHER};
    for (int i = 0; i < runs; i++)
        for (int part = 0; part < 3; part++)
            for (int k = 0; k < size[part % 2]; k++)
                *out++ = p->x[part % 2][i * size[part % 2] + k];
}
