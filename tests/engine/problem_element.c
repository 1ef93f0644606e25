/* Inputs and element-wise ops as problems.
 * Relies on: problem_parts.h.
 * Relied on by: problem.c. */
#include "tests/engine/problem_parts.h"

#include <math.h>
#include <string.h>

GraphNode build_input_f32(Problem *p, uint64_t seed) {
    (void)seed;
    return problem_f32(p, "x", problem_shape(&p->shape));
}

void define_input_f32(const Problem *p, double *out) {
    memcpy(out, p->x[0], p->output_count * sizeof *out);
}

/* u8 inputs have no f32 value: seen through a normalisation that changes nothing. */
GraphNode build_input_u8(Problem *p, uint64_t seed) {
    const float zero[16] = {0}, one[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1},
                top[16] = {255, 255, 255, 255, 255, 255};
    return graph_normalise_u8(p->graph, problem_bytes(p, problem_shape(&p->shape), 256, seed), zero, top,
                              zero, one);
}

void define_input_u8(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->bytes[i];
}

static const float low[9] = {0, 10, 20, 0, 0, 100, 7, 0, 50},
                   high[9] = {255, 200, 20, 128, 1, 200, 8, 255, 51};
static const float mean[9] = {127, 64, 20, 3, 0.5f, 150, 7, 0, 50},
                   scale[9] = {0.01f, 1, 0, 2, 1, -1, 3, 0.1f, 5};

GraphNode build_normalise_u8(Problem *p, uint64_t seed) {
    return graph_normalise_u8(p->graph, problem_bytes(p, problem_shape(&p->shape), 256, seed), low, high,
                              mean, scale);
}

void define_normalise_u8(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++) {
        const int c = (int)i % p->shape.channels;
        const double value = fmin(fmax(p->bytes[i], (double)low[c]), (double)high[c]);
        out[i] = (value - (double)mean[c]) * (double)scale[c];
    }
}

GraphNode build_relu(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_relu(p->graph, problem_f32(p, "x", problem_shape(&p->shape)));
}

void define_relu(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] > 0 ? p->x[0][i] : 0;
}

/* Inputs beyond +-1, where the curves bend. */
GraphNode build_sigmoid(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_sigmoid(p->graph, problem_spread(p, "x", problem_shape(&p->shape), 6));
}

void define_sigmoid(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = 1 / (1 + exp(-p->x[0][i]));
}

GraphNode build_tanh(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_tanh(p->graph, problem_spread(p, "x", problem_shape(&p->shape), 3));
}

void define_tanh(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = tanh(p->x[0][i]);
}

GraphNode build_gelu(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_gelu(p->graph, problem_spread(p, "x", problem_shape(&p->shape), 4));
}

void define_gelu(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] / 2 * (1 + erf(p->x[0][i] / sqrt(2)));
}

GraphNode build_mask(Problem *p, uint64_t seed) {
    GraphMask mask;
    return graph_mask(p->graph, problem_f32(p, "x", problem_shape(&p->shape)),
                      problem_mask(p, &mask, 0, seed));
}

void define_mask(const Problem *p, double *out) {
    const OpCase *c = &p->shape;
    for (size_t i = 0; i < p->output_count; i++) {
        const int position = (int)i / c->channels;
        out[i] = problem_valid(p, position / c->length, position % c->length, c->length, 1) ? p->x[0][i] : 0;
    }
}

GraphNode build_add(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphNode a = problem_f32(p, "a", problem_shape(&p->shape));
    return graph_add(p->graph, a, problem_f32(p, "b", problem_shape(&p->shape)));
}

void define_add(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] + p->x[1][i];
}

GraphNode build_mul(Problem *p, uint64_t seed) {
    (void)seed;
    const GraphNode a = problem_f32(p, "a", problem_shape(&p->shape));
    return graph_mul(p->graph, a, problem_f32(p, "b", problem_shape(&p->shape)));
}

void define_mul(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] * p->x[1][i];
}

GraphNode build_dropout(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_dropout(p->graph, problem_f32(p, "x", problem_shape(&p->shape)), 0.3f);
}

GraphNode build_branch_dropout(Problem *p, uint64_t seed) {
    (void)seed;
    return graph_branch_dropout(p->graph, problem_f32(p, "x", problem_shape(&p->shape)), 0.3f, 4);
}

/* What was drawn is seen in the forward pass; problem_new has checked that only these factors occur. */
void define_dropout(const Problem *p, double *out) {
    for (size_t i = 0; i < p->output_count; i++)
        out[i] = p->x[0][i] * p->factors[i];
}

void define_branch_dropout(const Problem *p, double *out) {
    define_dropout(p, out);
}
