/* Losses as problems.
 * Relies on: problem_parts.h.
 * Relied on by: problem.c. */
#include "tests/engine/problem_parts.h"

#include <math.h>

static const float positive[4] = {1, 2.5f, 0.5f, 3}, negative[4] = {1, 0.25f, 2, 1};

GraphNode build_sigmoid_loss(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphShape shape = problem_shape(&p->shape);
    const GraphNode logits = problem_f32(p, "logits", shape, true),
                    targets = problem_f32(p, "targets", shape, false);
    const GraphNode mask = problem_f32(p, "mask", shape, false);
    const GraphNode weights = problem_f32(p, "weights", graph_vector(1), false);
    return graph_sigmoid_loss(p->graph, logits, targets, mask, weights, positive, negative);
}

void define_sigmoid_loss(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (int r = 0; r < c->n; r++) {
        out[r] = 0;
        for (int k = 0; k < c->channels; k++) {
            const int i = r * c->channels + k;
            const double s = 1 / (1 + exp(-p->x[0][i])), target = p->x[1][i];
            const double loss =
                -(double)positive[k] * target * log(s) - (double)negative[k] * (1 - target) * log(1 - s);
            out[r] += p->x[3][r] * p->x[2][i] * loss;
        }
    }
}
