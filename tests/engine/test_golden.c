/* Training against numpy: losses, gradient norms and final parameters of golden/make_golden.py, which has the
 * same network, data and optimiser in double precision. Relies on: golden/golden_values.inc,
 * engine/optimiser.h, Check. Relied on by: test_engine.c. */
#include "engine/optimiser.h"

#include "tests/engine/golden/golden_values.inc"
#include "tests/engine/suites.h"

#include <math.h>

enum { N = 6, LENGTH = 9, CHANNELS = 3, TAPS = 3, CONV = 4, HIDDEN = 5, OUT = 3, STEPS = 25 };

static void wave(float *values, size_t count, double factor, double phase, double amplitude) {
    for (size_t k = 0; k < count; k++)
        values[k] = (float)(amplitude * sin(factor * (double)k + phase));
}

static void parameter_wave(Graph *graph, const char *name, double factor, double phase, double amplitude) {
    GraphParameter parameter;
    ck_assert_int_eq(graph_parameter(graph, name, &parameter, NULL), CORE_OK);
    wave(parameter.values, parameter.count, factor, phase, amplitude);
}

static void parameter_near(Graph *graph, const char *name, const double *golden, size_t count) {
    GraphParameter parameter;
    ck_assert_int_eq(graph_parameter(graph, name, &parameter, NULL), CORE_OK);
    ck_assert_uint_eq(parameter.count, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs((double)parameter.values[i] - golden[i]) < 2e-5, "%s[%zu] is %.9g instead of %.9g",
                      name, i, (double)parameter.values[i], golden[i]);
}

typedef struct Data {
    float x[N][LENGTH][CHANNELS], targets[N][OUT], mask[N][OUT], weights[N];
    uint8_t lengths[N];
} Data;

static void draw(Data *data) {
    static const uint8_t lengths[N] = {9, 0, 1, 4, 7, 8};
    wave(&data->x[0][0][0], sizeof data->x / sizeof(float), 0.9, 0.1, 1);
    wave(&data->targets[0][0], sizeof data->targets / sizeof(float), 2.3, 0.4, 1);
    wave(&data->mask[0][0], sizeof data->mask / sizeof(float), 1.7, 0.2, 1);
    wave(data->weights, N, 1.1, 0.3, 1);
    for (int r = 0; r < N; r++) {
        data->lengths[r] = lengths[r];
        data->weights[r] = fabsf(data->weights[r]);
        for (int c = 0; c < OUT; c++) {
            data->targets[r][c] = data->targets[r][c] > 0;
            data->mask[r][c] = data->mask[r][c] > -0.7f;
        }
    }
}

static Graph *build(const Data *data) {
    static const float positive[OUT] = {1, 2, 0.5f}, negative[OUT] = {1, 0.25f, 1.5f};
    CoreError error = {0};
    Graph *graph;
    ck_assert_int_eq(graph_new(N, 1, &graph, &error), CORE_OK);
    const GraphNode x = graph_input_f32(graph, "x", graph_sequence(LENGTH, CHANNELS));
    const GraphNode lengths = graph_input_u8(graph, "lengths", graph_vector(1));
    const GraphNode targets = graph_input_f32(graph, "targets", graph_vector(OUT));
    const GraphNode mask = graph_input_f32(graph, "mask", graph_vector(OUT));
    const GraphNode weights = graph_input_f32(graph, "weights", graph_vector(1));
    const GraphMask halves = {.lengths = lengths, .stride = 2};
    const GraphConv1d conv = {.out_channels = CONV,
                              .taps = TAPS,
                              .stride = 2,
                              .padding = GRAPH_TAIL,
                              .relu = true,
                              .mask = &halves};
    GraphNode h = graph_max_pool(graph, graph_conv1d(graph, x, &conv, "conv"), &halves);
    h = graph_linear(graph, h, HIDDEN, true, "hidden");
    h = graph_linear(graph, h, OUT, false, "out");
    graph_sigmoid_loss(graph, h, targets, mask, weights, positive, negative);
    ck_assert_msg(graph_finish(graph, &error) == CORE_OK, "%s", error.text);
    ck_assert_int_eq(graph_set_input(graph, x, data->x, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(graph, lengths, data->lengths, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(graph, targets, data->targets, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(graph, mask, data->mask, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(graph, weights, data->weights, 0, &error), CORE_OK);
    return graph;
}

START_TEST(training_equals_numpy) {
    static Data data;
    CoreError error = {0};
    draw(&data);
    Graph *graph = build(&data);
    parameter_wave(graph, "conv.weight", 0.7, 0.5, 0.6);
    parameter_wave(graph, "conv.bias", 0.5, 0.6, 0.1);
    parameter_wave(graph, "hidden.weight", 1.3, 0.7, 0.8);
    parameter_wave(graph, "hidden.bias", 0.4, 0.8, 0.1);
    parameter_wave(graph, "out.weight", 1.9, 0.9, 0.8);
    parameter_wave(graph, "out.bias", 0.3, 1.0, 0.1);
    const OptimiserOptions options = {
        .rate = 0.02f,
        .beta1 = 0.9f,
        .beta2 = 0.99f,
        .epsilon = 1e-6f,
        .weight_decay = 0.1f,
        .clip_norm = 0.25f,
        .schedule = {.warmup_steps = 5, .total_steps = 20, .final_fraction = 0.1f}};
    Optimiser *optimiser;
    ck_assert_int_eq(optimiser_new(graph, &options, &optimiser, &error), CORE_OK);
    for (int step = 0; step < STEPS; step++) {
        double norm;
        ck_assert_int_eq(graph_forward(graph, N, true, &error), CORE_OK);
        ck_assert_int_eq(graph_backward(graph, &error), CORE_OK);
        ck_assert_int_eq(optimiser_step(optimiser, &norm, &error), CORE_OK);
        ck_assert_double_eq_tol(graph_loss(graph), golden_losses[step], 2e-6);
        ck_assert_double_eq_tol(norm, golden_norms[step], 2e-5);
    }
    ck_assert_uint_eq(sizeof golden_losses / sizeof golden_losses[0], STEPS);
#define NEAR(name, values) parameter_near(graph, name, values, sizeof values / sizeof values[0])
    NEAR("conv.weight", golden_conv_weight);
    NEAR("conv.bias", golden_conv_bias);
    NEAR("hidden.weight", golden_hidden_weight);
    NEAR("hidden.bias", golden_hidden_bias);
    NEAR("out.weight", golden_out_weight);
    NEAR("out.bias", golden_out_bias);
    optimiser_free(optimiser);
    graph_free(graph);
}
END_TEST

TCase *golden_tests(void) {
    TCase *tcase = tcase_create("golden");
    tcase_add_test(tcase, training_equals_numpy);
    return tcase;
}
