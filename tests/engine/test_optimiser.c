/* The optimiser: schedule, refused options, clipping, decay of weights but not of biases.
 * Relies on: engine/optimiser.h, Check.
 * Relied on by: test_engine.c. */
#include "engine/optimiser.h"

#include "tests/engine/suites.h"

#include <math.h>
#include <string.h>

START_TEST(schedule) {
    OptimiserOptions options = optimiser_defaults();
    ck_assert_float_eq(optimiser_rate(&options, 1), options.rate);
    ck_assert_float_eq(optimiser_rate(&options, 1000000), options.rate);
    options.rate = 2;
    options.warmup_steps = 10;
    options.total_steps = 110;
    options.final_fraction = 0.25f;
    static const struct {
        uint64_t step;
        double rate;
    } points[] = {{1, 0.2},        {5, 1},     {10, 2},    {35, 2 * (0.25 + 0.75 * 0.8535533905932737)},
                  {60, 2 * 0.625}, {110, 0.5}, {1000, 0.5}};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        ck_assert_double_eq_tol((double)optimiser_rate(&options, points[i].step), points[i].rate, 1e-6);
}
END_TEST

/* y = w x + b with the cotangent c: dw = c x, db = c. */
static Graph *line(GraphNode *y, const float *x) {
    CoreError error = {0};
    Graph *graph;
    ck_assert_int_eq(graph_new(1, 1, &graph, &error), CORE_OK);
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
        {offsetof(OptimiserOptions, clip_norm), INFINITY, "optimiser: clip_norm is inf, but must be >= 0"},
        {offsetof(OptimiserOptions, final_fraction), 2,
         "optimiser: final_fraction is 2, but must be in [0, 1]"},
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

TCase *optimiser_tests(void) {
    TCase *tcase = tcase_create("optimiser");
    tcase_add_test(tcase, schedule);
    tcase_add_test(tcase, options_are_checked);
    tcase_add_test(tcase, first_step);
    return tcase;
}
