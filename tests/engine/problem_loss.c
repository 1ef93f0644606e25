/* Losses as problems.
 * Relies on: problem_parts.h.
 * Relied on by: problem.c. */
#include "tests/engine/problem_parts.h"

#include <math.h>

static const float positive[4] = {1, 2.5f, 0.5f, 3}, negative[4] = {1, 0.25f, 2, 1};

GraphNode build_sigmoid_loss(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphShape shape = problem_shape(&p->shape);
    const GraphLossShape form = {.smoothing = p->shape.smoothing, .focal = p->shape.focal};
    const GraphNode logits = problem_spread(p, "logits", shape, 5);
    const GraphNode targets = problem_given(p, "targets", shape, VALUES_TARGETS);
    const GraphNode mask = problem_given(p, "mask", shape, VALUES_MASK);
    const GraphNode weights = problem_given(p, "weights", graph_vector(1), VALUES_WEIGHTS);
    return graph_sigmoid_loss_shaped(p->graph, logits, targets, mask, weights, positive, negative, &form);
}

void define_sigmoid_loss(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    const double smoothing = (double)c->smoothing, focal = (double)c->focal;
    for (int r = 0; r < c->n; r++) {
        out[r] = 0;
        for (int k = 0; k < c->channels; k++) {
            const int i = r * c->channels + k;
            const double s = 1 / (1 + exp(-p->x[0][i]));
            const double target = (1 - smoothing) * p->x[1][i] + smoothing / 2;
            const double yes = -(double)positive[k] * target * pow(1 - s, focal) * log(s);
            const double no = -(double)negative[k] * (1 - target) * pow(s, focal) * log(1 - s);
            out[r] += p->x[3][r] * p->x[2][i] * (yes + no);
        }
    }
}

GraphNode build_softmax_loss(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphShape shape = problem_shape(&p->shape);
    const GraphLossShape form = {.smoothing = p->shape.smoothing, .focal = p->shape.focal};
    const GraphNode logits = problem_spread(p, "logits", shape, 4);
    const GraphNode targets = problem_given(p, "targets", shape, VALUES_DISTRIBUTIONS);
    const GraphNode weights = problem_given(p, "weights", graph_vector(1), VALUES_WEIGHTS);
    return graph_softmax_loss(p->graph, logits, targets, weights, positive, &form);
}

void define_softmax_loss(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    const double smoothing = (double)c->smoothing, focal = (double)c->focal;
    for (int r = 0; r < c->n; r++) {
        const double *logits = p->x[0] + r * c->channels, *targets = p->x[1] + r * c->channels;
        double all = 0;
        for (int k = 0; k < c->channels; k++)
            all += exp(logits[k]);
        out[r] = 0;
        for (int k = 0; k < c->channels; k++) {
            const double share = exp(logits[k]) / all;
            const double target = (1 - smoothing) * targets[k] + smoothing / c->channels;
            out[r] -= p->x[2][r] * (double)positive[k] * target * pow(1 - share, focal) * log(share);
        }
    }
}
