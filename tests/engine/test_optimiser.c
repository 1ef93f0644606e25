/* The optimisers: steps against a reference in double precision, refused options, clipping, decay of weights
 * but not of biases, averages. Relies on: engine/optimiser.h, Check. Relied on by: test_engine.c. */
#include "engine/optimiser.h"

#include "tests/engine/suites.h"

#include <math.h>
#include <string.h>

/* y = w x + b with the cotangent c: dw = c x, db = c. */
static Graph *line(GraphNode *y, const float *x) {
    CoreError error = {0};
    Graph *graph;
    ck_assert_int_eq(graph_new(1, 1, &graph, &error), CORE_OK);
    graph_set_threads(graph, 1);
    const GraphNode input = graph_input_f32(graph, "x", graph_vector(1));
    *y = graph_linear(graph, input, 1, false, "line");
    ck_assert_int_eq(graph_finish(graph, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(graph, input, x, 0, &error), CORE_OK);
    return graph;
}

START_TEST(options_are_checked) {
    static const struct {
        size_t offset;
        float value;
        const char *text;
    } bad[] = {
        {offsetof(OptimiserOptions, rate), 0, "optimiser: rate is 0, but must be > 0"},
        {offsetof(OptimiserOptions, rate), NAN, "optimiser: rate is nan, but must be > 0"},
        {offsetof(OptimiserOptions, beta1), 1, "optimiser: beta1 is 1, but must be in [0, 1)"},
        {offsetof(OptimiserOptions, beta2), -0.5f, "optimiser: beta2 is -0.5, but must be in [0, 1)"},
        {offsetof(OptimiserOptions, epsilon), 0, "optimiser: epsilon is 0, but must be > 0"},
        {offsetof(OptimiserOptions, weight_decay), -1, "optimiser: weight_decay is -1, but must be >= 0"},
        {offsetof(OptimiserOptions, momentum), 1, "optimiser: momentum is 1, but must be in [0, 1)"},
        {offsetof(OptimiserOptions, l2), -1, "optimiser: l2 is -1, but must be >= 0"},
        {offsetof(OptimiserOptions, clip_norm), INFINITY, "optimiser: clip_norm is inf, but must be >= 0"},
        {offsetof(OptimiserOptions, schedule.final_fraction), 2,
         "schedule: final_fraction is 2, but must be in [0, 1]"},
    };
    const float x = 1;
    GraphNode y;
    Graph *graph = line(&y, &x);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        OptimiserOptions options = optimiser_defaults();
        memcpy((char *)&options + bad[i].offset, &bad[i].value, sizeof(float));
        Optimiser *optimiser;
        CoreError error = {0};
        ck_assert_int_eq(optimiser_new(graph, &options, &optimiser, &error), CORE_ARGUMENT);
        ck_assert_ptr_null(optimiser);
        ck_assert_str_eq(error.text, bad[i].text);
    }
    graph_free(graph);
}
END_TEST

/* The first step of Adam has the size of the rate whatever the gradient's; only weights shrink by rate *
 * decay. */
START_TEST(first_step) {
    const float x = 3, cotangent = 4;
    CoreError error = {0};
    GraphNode y;
    Graph *graph = line(&y, &x);
    GraphParameter w, b;
    ck_assert_int_eq(graph_parameter(graph, "line.weight", &w, &error), CORE_OK);
    ck_assert_int_eq(graph_parameter(graph, "line.bias", &b, &error), CORE_OK);
    *w.values = 2;
    *b.values = 1;
    OptimiserOptions options = optimiser_defaults();
    options.rate = 0.1f;
    options.weight_decay = 0.5f;
    Optimiser *optimiser;
    double norm;
    ck_assert_int_eq(optimiser_new(graph, &options, &optimiser, &error), CORE_OK);
    ck_assert_int_eq(graph_forward(graph, 1, true, &error), CORE_OK);
    ck_assert_int_eq(graph_backward_from(graph, y, &cotangent, &error), CORE_OK);
    ck_assert_int_eq(optimiser_step(optimiser, &norm, &error), CORE_OK);
    ck_assert_double_eq_tol(norm, sqrt(12 * 12 + 4 * 4), 1e-5);
    ck_assert_float_eq_tol(*w.values, 2 - 0.1f - 0.1f * 0.5f * 2, 1e-6f);
    ck_assert_float_eq_tol(*b.values, 1 - 0.1f, 1e-6f);
    /* clip_norm 1: what reached the moments has norm 1. */
    const OptimiserState state = optimiser_state(optimiser);
    double squares = 0;
    for (size_t i = 0; i < state.count; i++)
        squares += (double)state.first_moment[i] * (double)state.first_moment[i];
    ck_assert_double_eq_tol(sqrt(squares), 0.1, 1e-6);
    optimiser_free(optimiser);
    graph_free(graph);
}
END_TEST

/* A parameter as the reference sees it. */
typedef struct Reference {
    double p, m, v;
} Reference;

/* The formulas of optimiser.h. */
static void reference_step(Reference *r, const OptimiserOptions *o, double rate, int step, double g,
                           bool decays) {
    const double beta1 = (double)o->beta1, beta2 = (double)o->beta2, momentum = (double)o->momentum;
    const double s = g + (decays ? (double)o->l2 * r->p : 0),
                 decay = decays ? (double)o->weight_decay * r->p : 0;
    double way;
    if (o->kind == OPTIMISER_SGD) {
        r->m = momentum * r->m + s;
        way = o->nesterov ? s + momentum * r->m : r->m;
    } else {
        r->m = beta1 * r->m + (1 - beta1) * s;
        r->v = beta2 * r->v + (1 - beta2) * s * s;
        way = r->m / (1 - pow(beta1, step)) / (sqrt(r->v / (1 - pow(beta2, step))) + (double)o->epsilon);
    }
    r->p -= rate * (way + decay);
}

static const struct {
    OptimiserKind kind;
    float momentum, weight_decay, l2, clip;
    bool nesterov;
} walks[] = {{OPTIMISER_ADAMW, 0, 0.1f, 0, 0, false}, {OPTIMISER_ADAMW, 0, 0, 0.2f, 1, false},
             {OPTIMISER_SGD, 0, 0, 0, 0, false},      {OPTIMISER_SGD, 0.9f, 0, 0.3f, 0, false},
             {OPTIMISER_SGD, 0.8f, 0.1f, 0, 2, true}, {OPTIMISER_SGD, 0.5f, 0, 0.1f, 0.5f, true}};

/* dw = c x and db = c, whatever w and b are: c changes with the step. */
START_TEST(steps_follow_the_formula) {
    const float x = -1.5f;
    CoreError error = {0};
    GraphNode y;
    Graph *graph = line(&y, &x);
    GraphParameter w, b;
    Optimiser *optimiser;
    ck_assert_int_eq(graph_parameter(graph, "line.weight", &w, &error), CORE_OK);
    ck_assert_int_eq(graph_parameter(graph, "line.bias", &b, &error), CORE_OK);
    OptimiserOptions options = optimiser_defaults();
    options.kind = walks[_i].kind;
    options.rate = 0.125f;
    options.momentum = walks[_i].momentum;
    options.nesterov = walks[_i].nesterov;
    options.weight_decay = walks[_i].weight_decay;
    options.l2 = walks[_i].l2;
    options.clip_norm = walks[_i].clip;
    options.schedule.warmup_steps = 3;
    ck_assert_int_eq(optimiser_new(graph, &options, &optimiser, &error), CORE_OK);
    Reference weight = {.p = 2}, bias = {.p = -1};
    *w.values = 2;
    *b.values = -1;
    for (int step = 1; step <= 12; step++) {
        const float cotangent = (float)sin(step) + 0.25f;
        if (step == 8) optimiser_set_scale(optimiser, 0.5);
        ck_assert_int_eq(graph_forward(graph, 1, true, &error), CORE_OK);
        ck_assert_int_eq(graph_backward_from(graph, y, &cotangent, &error), CORE_OK);
        ck_assert_int_eq(optimiser_step(optimiser, NULL, &error), CORE_OK);
        const double c = (double)cotangent, norm = fabs(c) * sqrt(1.5 * 1.5 + 1);
        const double clip =
            options.clip_norm > 0 && norm > (double)options.clip_norm ? (double)options.clip_norm / norm : 1;
        const double rate = 0.125 * fmin(step / 3.0, 1) * (step < 8 ? 1 : 0.5);
        reference_step(&weight, &options, rate, step, clip * c * -1.5, true);
        reference_step(&bias, &options, rate, step, clip * c, false);
        ck_assert_double_eq_tol((double)*w.values, weight.p, 4e-6);
        ck_assert_double_eq_tol((double)*b.values, bias.p, 4e-6);
    }
    optimiser_free(optimiser);
    graph_free(graph);
}
END_TEST

/* Without a gradient nothing moves, and the average after t steps is p + (p0 - p) times all decays. */
START_TEST(average_forgets_the_start) {
    const float x = 0, cotangent = 0;
    CoreError error = {0};
    GraphNode y;
    Graph *graph = line(&y, &x);
    Optimiser *optimiser;
    OptimiserOptions options = optimiser_defaults();
    options.weight_decay = 0;
    ck_assert_int_eq(optimiser_new(graph, &options, &optimiser, &error), CORE_OK);
    const GraphState state = graph_state(graph);
    float average[64] = {8}, copy[64] = {8};
    ck_assert_uint_le(state.count, 64);
    state.parameters[0] = 2;
    double kept = 1;
    for (int step = 1; step <= 40; step++) {
        ck_assert_int_eq(graph_forward(graph, 1, true, &error), CORE_OK);
        ck_assert_int_eq(graph_backward_from(graph, y, &cotangent, &error), CORE_OK);
        ck_assert_int_eq(optimiser_step(optimiser, NULL, &error), CORE_OK);
        optimiser_average(optimiser, 0.75, average);
        kept *= fmin(0.75, (1.0 + step) / (10.0 + step));
        ck_assert_double_eq_tol((double)average[0], 2 + (8 - 2) * kept, 1e-5);
    }
    optimiser_average(optimiser, 0, copy);
    ck_assert_mem_eq(copy, state.parameters, state.count * sizeof(float));
    optimiser_free(optimiser);
    graph_free(graph);
}
END_TEST

TCase *optimiser_tests(void) {
    TCase *tcase = tcase_create("optimiser");
    tcase_add_test(tcase, options_are_checked);
    tcase_add_test(tcase, first_step);
    tcase_add_loop_test(tcase, steps_follow_the_formula, 0, sizeof walks / sizeof walks[0]);
    tcase_add_test(tcase, average_forgets_the_start);
    return tcase;
}
