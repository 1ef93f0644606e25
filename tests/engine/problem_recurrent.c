/* Recurrent ops as problems: the recurrences written as in graph.h, a sample and a position at a time.
 * Relies on: problem_parts.h.
 * Relied on by: problem.c. */
#include "tests/engine/problem_parts.h"

#include <math.h>

enum { INPUT_WEIGHT, STATE_WEIGHT, INPUT_BIAS, STATE_BIAS, MAX_STATE = 16 };

GraphNode build_gru(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphNode x = problem_f32(p, "x", problem_shape(&p->shape));
    return graph_gru(p->graph, x, p->shape.out, p->shape.reverse, problem_mask(p, &mask, 1, seed), "layer");
}

GraphNode build_lstm(Problem *p, uint64_t seed) {
    GraphMask mask;
    const GraphNode x = problem_f32(p, "x", problem_shape(&p->shape));
    return graph_lstm(p->graph, x, p->shape.out, p->shape.reverse, problem_mask(p, &mask, 1, seed), "layer");
}

static double bend(double x) {
    return 1 / (1 + exp(-x));
}

/* Column `column` of x W + b. */
static double product(const double *x, int n, const double *weight, const double *bias, int columns,
                      int column) {
    double sum = bias[column];
    for (int i = 0; i < n; i++)
        sum += x[i] * weight[i * columns + column];
    return sum;
}

/* What input and state contribute to gate `gate` of channel k. */
typedef struct Parts {
    double input, state;
} Parts;

static Parts parts(const Problem *p, int gates, const double *x, const double *h, int gate, int k) {
    const OpCase *c = &p->shape;
    const int columns = gates * c->out, column = gate * c->out + k;
    return (Parts){product(x, c->channels, p->w[INPUT_WEIGHT], p->w[INPUT_BIAS], columns, column),
                   product(h, c->out, p->w[STATE_WEIGHT], p->w[STATE_BIAS], columns, column)};
}

static void gru_step(const Problem *p, const double *x, double *h, double *memory) {
    double next[MAX_STATE];
    (void)memory;
    for (int k = 0; k < p->shape.out; k++) {
        const Parts r = parts(p, 3, x, h, 0, k), z = parts(p, 3, x, h, 1, k), n = parts(p, 3, x, h, 2, k);
        const double keep = bend(z.input + z.state);
        next[k] = (1 - keep) * tanh(n.input + bend(r.input + r.state) * n.state) + keep * h[k];
    }
    for (int k = 0; k < p->shape.out; k++)
        h[k] = next[k];
}

static void lstm_step(const Problem *p, const double *x, double *h, double *memory) {
    double next[MAX_STATE];
    for (int k = 0; k < p->shape.out; k++) {
        double gate[4];
        for (int g = 0; g < 4; g++) {
            const Parts sum = parts(p, 4, x, h, g, k);
            gate[g] = sum.input + sum.state;
        }
        memory[k] = bend(gate[1]) * memory[k] + bend(gate[0]) * tanh(gate[2]);
        next[k] = bend(gate[3]) * tanh(memory[k]);
    }
    for (int k = 0; k < p->shape.out; k++)
        h[k] = next[k];
}

/* Only the valid positions are walked, the others are zero. */
static void define_recurrent(const Problem *p, double *out,
                             void (*step)(const Problem *p, const double *x, double *h, double *memory)) {
    const OpCase *c = &p->shape;
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = 0;
    for (int r = 0; r < c->n; r++) {
        double h[MAX_STATE] = {0}, memory[MAX_STATE] = {0};
        for (int s = 0; s < c->length; s++) {
            const int t = c->reverse ? c->length - 1 - s : s;
            if (!problem_valid(p, r, t, c->length, 1)) continue;
            step(p, p->x[0] + (r * c->length + t) * c->channels, h, memory);
            for (int k = 0; k < c->out; k++)
                out[(r * c->length + t) * c->out + k] = h[k];
        }
    }
}

void define_gru(const Problem *p, double *out) {
    define_recurrent(p, out, gru_step);
}

void define_lstm(const Problem *p, double *out) {
    define_recurrent(p, out, lstm_step);
}
