/* Ops that pool, select and join values as problems.
 * Relies on: problem_parts.h.
 * Relied on by: problem.c. */
#include "tests/engine/problem_parts.h"

#include <math.h>

enum { OTHER_CHANNELS = 3 };

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
    (void)seed;
    return graph_last(p->graph, problem_f32(p, "x", problem_shape(&p->shape)));
}

void define_last(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->channels; i++)
        out[i] = p->x[0][((i / c->channels + 1) * c->length - 1) * c->channels + i % c->channels];
}

GraphNode build_slice(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_slice(p->graph, problem_f32(p, "x", problem_shape(&p->shape)), 2, p->shape.out);
}

void define_slice(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int i = 0; i < c->n * c->out; i++)
        out[i] = p->x[0][i / c->out * c->channels + 2 + i % c->out];
}

/* [a, b, a]: one input used twice. */
GraphNode build_concat(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphNode a = problem_f32(p, "a", problem_shape(&p->shape));
    const GraphNode b = problem_f32(p, "b", graph_vector(OTHER_CHANNELS));
    const GraphNode parts[] = {a, b, a};
    return graph_concat(p->graph, parts, 3);
}

void define_concat(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int r = 0; r < c->n; r++) {
        const double *a = p->x[0] + r * c->channels, *b = p->x[1] + r * OTHER_CHANNELS;
        for (int i = 0; i < c->channels; i++)
            *out++ = a[i];
        for (int i = 0; i < OTHER_CHANNELS; i++)
            *out++ = b[i];
        for (int i = 0; i < c->channels; i++)
            *out++ = a[i];
    }
}
