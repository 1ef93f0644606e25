/* Every op: value against its double-precision definition, gradient against central differences of that
 * definition under a random cotangent, and the adjoint identity where the op is linear. Relies on: problem.h,
 * cases.def, engine/rng.h, Check. Relied on by: ctest; also built as test_ops_flipped, with backward
 * functions that lie on request. */
#include "engine/rng.h"
#include "tests/engine/problem.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const OpCase cases[] = {
#define CASE(name, ...) {.op = #name, __VA_ARGS__},
#include "tests/engine/cases.def"
#undef CASE
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

/* Per value nothing is asserted but what fails: a passed assertion is a system call in Check. */
static double largest(const double *values, size_t count) {
    double result = 0;
    for (size_t i = 0; i < count; i++)
        result = fmax(result, fabs(values[i]));
    return result;
}

/* The scalar whose gradient is checked. */
static double scalar(const Problem *problem, const double *cotangent, double *out) {
    problem_reference(problem, out);
    double sum = 0;
    for (size_t i = 0; i < problem->output_count; i++)
        sum += cotangent[i] * out[i];
    return sum;
}

/* f32 gradient `got` against central differences in x, which is put back. The tolerance is relative to the
 * largest slope of the array: f32 rounding is 6e-8 of it per term, while a wrong term is of its order. */
static void check_slopes(const Problem *problem, const char *what, double *x, size_t count, const float *got,
                         const double *cotangent, double *out) {
    const double step = 1e-5;
    double *want = malloc(count * sizeof *want);
    for (size_t i = 0; i < count; i++) {
        const double value = x[i];
        x[i] = value + step;
        const double above = scalar(problem, cotangent, out);
        x[i] = value - step;
        const double below = scalar(problem, cotangent, out);
        x[i] = value;
        want[i] = (above - below) / (2 * step);
    }
    const double tolerance = 1e-6 + 4e-6 * largest(want, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs((double)got[i] - want[i]) <= tolerance,
                      "%s: slope %zu of %s is %.9g instead of %.9g", problem->shape.op, i, what,
                      (double)got[i], want[i]);
    free(want);
}

/* All that a check of one case needs. */
typedef struct Check {
    Problem problem;
    double *out, *cotangent;
    float *cotangent_f32;
} Check;

static void check_new(Check *check, int index) {
    problem_new(&check->problem, &cases[index], 1000 + (uint64_t)index);
    const size_t count = check->problem.output_count;
    check->out = malloc(count * sizeof *check->out);
    check->cotangent = malloc(count * sizeof *check->cotangent);
    check->cotangent_f32 = malloc(count * sizeof *check->cotangent_f32);
    for (size_t i = 0; i < count; i++) {
        check->cotangent_f32[i] = 2 * rng_uniform(77, (uint32_t)index, 0, (uint32_t)i) - 1;
        check->cotangent[i] = (double)check->cotangent_f32[i];
    }
}

static void check_free(Check *check) {
    problem_free(&check->problem);
    free(check->out);
    free(check->cotangent);
    free(check->cotangent_f32);
}

START_TEST(value_is_the_definition) {
    Check check;
    check_new(&check, _i);
    const Problem *p = &check.problem;
    problem_reference(p, check.out);
    const float *got = graph_value(p->graph, p->output);
    const double tolerance = 1e-6 + 1e-6 * largest(check.out, p->output_count);
    for (size_t i = 0; i < p->output_count; i++)
        ck_assert_msg(fabs((double)got[i] - check.out[i]) <= tolerance,
                      "%s: value %zu is %.9g instead of %.9g", p->shape.op, i, (double)got[i], check.out[i]);
    check_free(&check);
}
END_TEST

START_TEST(gradient_is_the_slope) {
    Check check;
    check_new(&check, _i);
    const Problem *p = &check.problem;
    if (p->n_inputs + p->n_parameters > 0) {
        CoreError error = {0};
        ck_assert_msg(graph_backward_from(p->graph, p->output, check.cotangent_f32, &error) == CORE_OK, "%s",
                      error.text);
    }
    for (int i = 0; i < p->n_inputs; i++) {
        const float *got = graph_gradient(p->graph, p->inputs[i]);
        if (got) check_slopes(p, "an input", p->x[i], p->input_count[i], got, check.cotangent, check.out);
    }
    for (int i = 0; i < p->n_parameters; i++) {
        const GraphParameter *parameter = &p->parameters[i];
        for (size_t k = 0; !parameter->trained && k < parameter->count; k++)
            ck_assert_msg(parameter->gradients[k] == 0, "%s has a gradient", parameter->name);
        if (parameter->trained)
            check_slopes(p, parameter->name, p->w[i], parameter->count, parameter->gradients, check.cotangent,
                         check.out);
    }
    check_free(&check);
}
END_TEST

/* <R, A x> = <A' R, x>, with no differences at all: for x, and for the weights, in which the op is linear
 * too. */
START_TEST(linear_ops_are_adjoint) {
    static const char *const linear[] = {"embed",  "embed_conv1d", "conv1d",      "depthwise_conv1d",
                                         "linear", "mask",         "last",        "slice",
                                         "concat", "add",          "average_pool"};
    bool is_linear = false;
    for (size_t i = 0; i < sizeof linear / sizeof linear[0]; i++)
        is_linear = is_linear || strcmp(linear[i], cases[_i].op) == 0;
    if (!is_linear || cases[_i].relu) return;
    Check check;
    check_new(&check, _i);
    Problem *p = &check.problem;
    CoreError error = {0};
    if (p->n_parameters == 2) memset(p->parameters[1].values, 0, p->parameters[1].count * sizeof(float));
    ck_assert_int_eq(graph_forward(p->graph, p->shape.n, true, &error), CORE_OK);
    ck_assert_int_eq(graph_backward_from(p->graph, p->output, check.cotangent_f32, &error), CORE_OK);
    double forward = 0, scale = 0, inputs = 0, weights = 0;
    for (size_t i = 0; i < p->output_count; i++) {
        const double product = check.cotangent[i] * (double)graph_value(p->graph, p->output)[i];
        forward += product;
        scale += fabs(product);
    }
    for (int i = 0; i < p->n_inputs; i++)
        for (size_t k = 0; k < p->input_count[i]; k++)
            inputs += p->x[i][k] * (double)graph_gradient(p->graph, p->inputs[i])[k];
    for (size_t k = 0; p->n_parameters > 0 && k < p->parameters[0].count; k++)
        weights += p->w[0][k] * (double)p->parameters[0].gradients[k];
    if (p->n_inputs > 0) ck_assert_double_eq_tol(inputs, forward, 1e-6 * (1 + scale));
    if (p->n_parameters > 0) ck_assert_double_eq_tol(weights, forward, 1e-6 * (1 + scale));
    check_free(&check);
}
END_TEST

/* A new op cannot be forgotten here. */
START_TEST(every_op_has_a_case) {
    for (int32_t i = 0; i < n_op_classes; i++) {
        int found = 0;
        for (int k = 0; k < N_CASES; k++)
            found += strcmp(cases[k].op, op_classes[i]->name) == 0;
        ck_assert_msg(found > 0, "op %s has no row in cases.def", op_classes[i]->name);
        ck_assert(problem_knows(op_classes[i]->name));
    }
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("ops");
    tcase_add_loop_test(tcase, value_is_the_definition, 0, N_CASES);
    tcase_add_loop_test(tcase, gradient_is_the_slope, 0, N_CASES);
    tcase_add_loop_test(tcase, linear_ops_are_adjoint, 0, N_CASES);
    tcase_add_test(tcase, every_op_has_a_case);
    Suite *suite = suite_create("ops");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
