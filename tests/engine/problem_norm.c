/* Normalisations as problems.
 * Relies on: problem_parts.h.
 * Relied on by: problem.c. */
#include "tests/engine/problem_parts.h"

#include <math.h>

enum { WEIGHT, BIAS, MEAN, VARIANCE };

GraphNode build_batch_norm(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphNode x = problem_f32(p, "x", problem_shape(&p->shape));
    const GraphNorm norm = {.epsilon = 1e-3f, .mask = problem_mask(p, &mask, 1, seed)};
    return graph_batch_norm(p->graph, x, &norm, "layer");
}

GraphNode build_layer_norm(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphNode x = problem_f32(p, "x", problem_shape(&p->shape));
    const GraphNorm norm = {.epsilon = 1e-2f, .mask = problem_mask(p, &mask, 1, seed)};
    return graph_layer_norm(p->graph, x, &norm, "layer");
}

/* Mean and biased variance of the `count` values chosen[...] of x. */
static void moments(const double *x, const int *chosen, int count, double *mean, double *variance) {
    *mean = *variance = 0;
    for (int i = 0; i < count; i++)
        *mean += x[chosen[i]] / count;
    for (int i = 0; i < count; i++)
        *variance += (x[chosen[i]] - *mean) * (x[chosen[i]] - *mean) / count;
}

static double normalised(const Problem *p, int i, double mean, double variance, double epsilon) {
    const int c = i % p->shape.channels;
    return (p->x[0][i] - mean) / sqrt(variance + epsilon) * p->w[WEIGHT][c] + p->w[BIAS][c];
}

static bool place_valid(const Problem *p, int place) {
    const int length = p->shape.length ? p->shape.length : 1;
    return problem_valid(p, place / length, place % length, length, 1);
}

void define_batch_norm(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    const int places = c->n * (c->length ? c->length : 1);
    int chosen[256];
    for (int k = 0; k < c->channels; k++) {
        double mean = p->w[MEAN][k], variance = p->w[VARIANCE][k];
        int count = 0;
        for (int i = 0; i < places; i++)
            if (place_valid(p, i)) chosen[count++] = i * c->channels + k;
        if (!c->evaluate) moments(p->x[0], chosen, count, &mean, &variance);
        for (int i = 0; i < places; i++) {
            const int at = i * c->channels + k;
            out[at] = place_valid(p, i) ? normalised(p, at, mean, variance, (double)1e-3f) : 0;
        }
    }
}

void define_layer_norm(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    const int places = c->n * (c->length ? c->length : 1);
    int chosen[256];
    for (int i = 0; i < places; i++) {
        double mean, variance;
        for (int k = 0; k < c->channels; k++)
            chosen[k] = i * c->channels + k;
        moments(p->x[0], chosen, c->channels, &mean, &variance);
        for (int k = 0; k < c->channels; k++)
            out[chosen[k]] = place_valid(p, i) ? normalised(p, chosen[k], mean, variance, (double)1e-2f) : 0;
    }
}
