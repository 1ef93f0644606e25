/* Against PyTorch: every op's value and gradients, and whole trainings.
 * Relies on: tests/golden (written by make.py there), network.h, engine/ops.h, Check.
 * Relied on by: ctest, at every instruction set. */
#include "tests/golden/golden.h"

#include "engine/ops.h"
#include "tests/engine/network.h"

#include "tests/golden/ops.inc"
#include "tests/golden/runs.inc"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_GOLDENS = sizeof goldens / sizeof goldens[0], N_RUNS = sizeof golden_runs / sizeof golden_runs[0] };
enum { N_PARAMETERS = sizeof golden_parameters / sizeof golden_parameters[0] };

static double largest(const float *values, size_t count) {
    double result = 0;
    for (size_t i = 0; i < count; i++)
        result = fmax(result, fabs((double)values[i]));
    return result;
}

/* Relative to the array's largest value: f32 rounding is 6e-8 of it for each term of a sum. */
static void check_near(const char *golden, const char *what, const float *got, const float *want,
                       size_t count, double relative) {
    const double tolerance = 1e-7 + relative * largest(want, count);
    ck_assert_msg(got != NULL, "%s: %s is missing", golden, what);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance))
            ck_abort_msg("%s: element %zu of %s is %.9g instead of %.9g", golden, i, what, (double)got[i],
                         (double)want[i]);
}

static bool is_parameter(const GoldenTensor *tensor) {
    return tensor->role == GOLDEN_WEIGHT || tensor->role == GOLDEN_STATISTIC;
}

static size_t shape_count(GraphShape shape) {
    return (size_t)shape.size[0] * (size_t)shape.size[1] * (size_t)shape.size[2];
}

/* ---- ops ---- */

enum { MOST_INPUTS = 8 };

typedef struct Built {
    Graph *graph;
    GraphNode in[MOST_INPUTS], output;
} Built;

static GraphNode add_input(Graph *graph, const GoldenTensor *tensor) {
    if (tensor->role == GOLDEN_BYTES) return graph_input_u8(graph, tensor->name, tensor->shape);
    const GraphNode input = graph_input_f32(graph, tensor->name, tensor->shape);
    if (tensor->role == GOLDEN_INPUT) graph_require_gradient(graph, input);
    return input;
}

/* Values into inputs (in[] is in their order) and parameters. */
static void set_values(const Golden *golden, const Built *built) {
    CoreError error = {0};
    const GraphNode *input = built->in;
    for (int i = 0; i < golden->n_tensors; i++) {
        const GoldenTensor *tensor = &golden->tensors[i];
        GraphParameter parameter;
        if (!is_parameter(tensor)) {
            ck_assert_msg(graph_set_input(built->graph, *input++, tensor->values, 0, &error) == CORE_OK, "%s",
                          error.text);
            continue;
        }
        ck_assert_msg(graph_parameter(built->graph, tensor->name, &parameter, &error) == CORE_OK, "%s: %s",
                      golden->name, error.text);
        ck_assert_msg(memcmp(&parameter.shape, &tensor->shape, sizeof tensor->shape) == 0,
                      "%s: %s has another shape", golden->name, tensor->name);
        memcpy(parameter.values, tensor->values, parameter.count * sizeof(float));
    }
}

/* The graph of a golden after its forward pass. */
static void build(const Golden *golden, Built *built) {
    CoreError error = {0};
    int n_inputs = 0;
    ck_assert_int_eq(graph_new(golden->n, 1, &built->graph, &error), CORE_OK);
    graph_set_threads(built->graph, 1); /* quick on a busy machine; test_training.c has many */
    for (int i = 0; i < golden->n_tensors; i++)
        if (!is_parameter(&golden->tensors[i])) {
            ck_assert_int_lt(n_inputs, MOST_INPUTS);
            built->in[n_inputs++] = add_input(built->graph, &golden->tensors[i]);
        }
    built->output = golden->build(built->graph, built->in);
    ck_assert_msg(graph_finish(built->graph, &error) == CORE_OK, "%s: %s", golden->name, error.text);
    set_values(golden, built);
    ck_assert_msg(graph_forward(built->graph, golden->n, golden->training, &error) == CORE_OK, "%s: %s",
                  golden->name, error.text);
}

/* Gradients of inputs and weights, and statistics as the run left them. */
static void check_expected(const Golden *golden, const Built *built) {
    const GraphNode *input = built->in;
    for (int i = 0; i < golden->n_tensors; i++) {
        const GoldenTensor *tensor = &golden->tensors[i];
        const bool statistic = tensor->role == GOLDEN_STATISTIC;
        size_t count = shape_count(tensor->shape);
        const float *got;
        if (is_parameter(tensor)) {
            GraphParameter parameter;
            ck_assert_int_eq(graph_parameter(built->graph, tensor->name, &parameter, NULL), CORE_OK);
            got = statistic ? parameter.values : parameter.gradients;
        } else {
            count *= (size_t)golden->n;
            got = graph_gradient(built->graph, *input++);
        }
        char what[80];
        snprintf(what, sizeof what, "%s %s", statistic ? "statistic" : "the gradient of", tensor->name);
        if (tensor->expected) check_near(golden->name, what, got, tensor->expected, count, 4e-6);
    }
}

START_TEST(op_is_as_in_pytorch) {
    const Golden *golden = &goldens[_i];
    CoreError error = {0};
    Built built;
    build(golden, &built);
    ck_assert_uint_eq((size_t)golden->n * shape_count(graph_shape(built.graph, built.output)), golden->count);
    check_near(golden->name, "the value", graph_value(built.graph, built.output), golden->value,
               golden->count, 2e-6);
    if (golden->cotangent) {
        ck_assert_msg(graph_backward_from(built.graph, built.output, golden->cotangent, &error) == CORE_OK,
                      "%s: %s", golden->name, error.text);
        check_expected(golden, &built);
    }
    graph_free(built.graph);
}
END_TEST

/* The op that a golden names is in its graph. */
static bool has_op(const Golden *golden, const OpClass *op) {
    if (strcmp(golden->op, op->name) != 0) return false;
    bool found = false;
    Built built;
    build(golden, &built);
    for (int32_t i = 0; i < built.graph->n_nodes; i++)
        found = found || built.graph->nodes[i].op == op;
    graph_free(built.graph);
    return found;
}

/* A new op cannot be forgotten here. */
START_TEST(every_op_has_a_golden) {
    for (int32_t i = 0; i < n_op_classes; i++) {
        bool found = false;
        for (int k = 0; k < N_GOLDENS && !found; k++)
            found = has_op(&goldens[k], op_classes[i]);
        ck_assert_msg(found, "op %s has no case in tests/golden/ops.py", op_classes[i]->name);
    }
}
END_TEST

/* ---- trainings ---- */

static void start_from_golden(Graph *graph) {
    CoreError error = {0};
    ck_assert_int_eq(graph_parameters(graph), N_PARAMETERS);
    for (int i = 0; i < N_PARAMETERS; i++) {
        GraphParameter parameter;
        ck_assert_msg(graph_parameter(graph, golden_parameters[i].name, &parameter, &error) == CORE_OK, "%s",
                      error.text);
        ck_assert_uint_eq(parameter.count, golden_parameters[i].count);
        memcpy(parameter.values, golden_parameters[i].start, parameter.count * sizeof(float));
    }
}

START_TEST(training_is_as_in_pytorch) {
    const GoldenRun *run = &golden_runs[_i];
    CoreError error = {0};
    Net net;
    Optimiser *optimiser;
    net_new(&net, 1, 0);
    start_from_golden(net.graph);
    ck_assert_msg(optimiser_new(net.graph, &run->options, &optimiser, &error) == CORE_OK, "%s", error.text);
    float losses[GOLDEN_STEPS], norms[GOLDEN_STEPS];
    for (int step = 0; step < GOLDEN_STEPS; step++) {
        double norm;
        net_set_rows(&net, golden_rows + step * 2 % (GOLDEN_ROWS - GOLDEN_BATCH + 1));
        ck_assert_int_eq(graph_forward(net.graph, GOLDEN_BATCH, true, &error), CORE_OK);
        ck_assert_int_eq(graph_backward(net.graph, &error), CORE_OK);
        ck_assert_int_eq(optimiser_step(optimiser, &norm, &error), CORE_OK);
        losses[step] = (float)graph_loss(net.graph);
        norms[step] = (float)norm;
    }
    check_near(run->name, "the losses", losses, run->losses, GOLDEN_STEPS, 1e-5);
    check_near(run->name, "the gradient norms", norms, run->norms, GOLDEN_STEPS, 3e-5);
    for (int i = 0; i < N_PARAMETERS; i++) {
        GraphParameter parameter;
        ck_assert_int_eq(graph_parameter(net.graph, golden_parameters[i].name, &parameter, &error), CORE_OK);
        const float *end = golden_parameters[i].ends[_i];
        if (end) check_near(run->name, parameter.name, parameter.values, end, parameter.count, 3e-5);
    }
    optimiser_free(optimiser);
    net_free(&net);
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("golden");
    tcase_add_loop_test(tcase, op_is_as_in_pytorch, 0, N_GOLDENS);
    tcase_add_test(tcase, every_op_has_a_golden);
    tcase_add_loop_test(tcase, training_is_as_in_pytorch, 0, N_RUNS);
    Suite *suite = suite_create("golden");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
