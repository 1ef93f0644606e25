/* Whole graphs: the same bits for any number of threads, after a resume, without allocation; and that they
 * learn. Relies on: network.h, allocations.h, engine/core/cpu.h, Check. Relied on by: test_engine.c. */
#include "tests/engine/network.h"

#include "engine/core/cpu.h"
#include "tests/engine/allocations.h"
#include "tests/engine/suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static NetRow rows[NET_ROWS];

static void same_state(Net *a, Net *b) {
    const GraphState x = graph_state(a->graph), y = graph_state(b->graph);
    const OptimiserState m = optimiser_state(a->optimiser), n = optimiser_state(b->optimiser);
    ck_assert_uint_eq(x.count, y.count);
    ck_assert_mem_eq(x.parameters, y.parameters, x.count * sizeof(float));
    ck_assert_mem_eq(x.gradients, y.gradients, x.count * sizeof(float));
    ck_assert_mem_eq(m.first_moment, n.first_moment, m.count * sizeof(float));
    ck_assert_mem_eq(m.second_moment, n.second_moment, m.count * sizeof(float));
    ck_assert_uint_eq(*x.counter, *y.counter);
    ck_assert_uint_eq(*m.step, *n.step);
}

START_TEST(bits_do_not_depend_on_threads) {
    static const int threads[] = {2, 3, 8, 64, 0};
    Net one, many;
    net_rows(rows, 1);
    net_new(&one, 5, 0.2f);
    graph_set_threads(one.graph, 1);
    const double loss = net_train(&one, rows, 0, 12);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        net_new(&many, 5, 0.2f);
        graph_set_threads(many.graph, threads[i]);
        const double other = net_train(&many, rows, 0, 12);
        ck_assert_mem_eq(&loss, &other, sizeof loss);
        same_state(&one, &many);
        net_free(&many);
    }
    net_free(&one);
}
END_TEST

/* AVX2 and AVX-512 fuse multiplication and addition alike; the portable kernels round twice. */
START_TEST(instruction_sets_agree) {
    Net best, capped;
    net_rows(rows, 2);
    net_new(&best, 6, 0.1f);
    const double loss = net_train(&best, rows, 0, 12);
    for (int level = CORE_CPU_PORTABLE; level < (int)core_cpu_level(); level++) {
        setenv("SIPCNN_MAX_ISA", core_cpu_level_name((CoreCpuLevel)level), 1);
        net_new(&capped, 6, 0.1f);
        unsetenv("SIPCNN_MAX_ISA");
        const double other = net_train(&capped, rows, 0, 12);
        ck_assert_double_eq_tol(loss, other, 1e-5);
        if (level != CORE_CPU_PORTABLE) same_state(&best, &capped);
        net_free(&capped);
    }
    net_free(&best);
}
END_TEST

/* State goes through plain memory into a graph that was built with another seed's weights overwritten. */
START_TEST(resumed_is_uninterrupted) {
    Net whole, first, second;
    net_rows(rows, 3);
    net_new(&whole, 7, 0.3f);
    net_train(&whole, rows, 0, 20);
    net_new(&first, 7, 0.3f);
    net_train(&first, rows, 0, 9);
    net_new(&second, 7, 0.3f);
    const GraphState from = graph_state(first.graph), to = graph_state(second.graph);
    const OptimiserState saved = optimiser_state(first.optimiser),
                         restored = optimiser_state(second.optimiser);
    memcpy(to.parameters, from.parameters, from.count * sizeof(float));
    *to.counter = *from.counter;
    memcpy(restored.first_moment, saved.first_moment, saved.count * sizeof(float));
    memcpy(restored.second_moment, saved.second_moment, saved.count * sizeof(float));
    *restored.step = *saved.step;
    net_free(&first);
    net_train(&second, rows, 9, 11);
    same_state(&whole, &second);
    net_free(&whole);
    net_free(&second);
}
END_TEST

START_TEST(a_step_allocates_nothing) {
    Net net;
    net_rows(rows, 4);
    net_new(&net, 8, 0.1f);
    net_train(&net, rows, 0, 1);
    CoreStatus failed = CORE_OK;
    const int before = allocations_count();
    for (int step = 0; step < 5 && failed == CORE_OK; step++) { /* without assertions, which allocate */
        failed = graph_forward(net.graph, NET_BATCH, true, NULL);
        if (failed == CORE_OK) failed = graph_backward(net.graph, NULL);
        if (failed == CORE_OK) failed = optimiser_step(net.optimiser, NULL, NULL);
    }
    const int after = allocations_count();
    ck_assert_int_eq(failed, CORE_OK);
    ck_assert_int_gt(before, 0); /* the counter works */
    ck_assert_int_eq(after, before);
    net_free(&net);
}
END_TEST

START_TEST(overfits_32_samples) {
    CoreError error = {0};
    Net net;
    net_rows(rows, 9);
    net_new(&net, 9, 0);
    net_set_rows(&net, rows);
    double first = 0;
    for (int step = 0; step < 400; step++) {
        ck_assert_int_eq(graph_forward(net.graph, 32, true, &error), CORE_OK);
        if (step == 0) first = graph_loss(net.graph);
        ck_assert_int_eq(graph_backward(net.graph, &error), CORE_OK);
        ck_assert_int_eq(optimiser_step(net.optimiser, NULL, &error), CORE_OK);
    }
    ck_assert_msg(first > 1 && graph_loss(net.graph) < 0.02, "loss %g -> %g", first, graph_loss(net.graph));
    net_free(&net);
}
END_TEST

/* Class 0 is a rule that holds beyond the training rows. */
START_TEST(generalises) {
    static NetRow unseen[NET_ROWS];
    CoreError error = {0};
    Net net;
    net_rows(rows, 10);
    net_rows(unseen, 11);
    for (int r = 0; r < NET_ROWS; r++) {
        rows[r].mask[0] = 1;
        rows[r].n_text = unseen[r].n_text = 1; /* only the first byte, one of 16 values */
        rows[r].text[0] |= 0xf;
        unseen[r].text[0] |= 0xf;
    }
    net_new(&net, 10, 0.05f);
    net_train(&net, rows, 0, 300);
    net_set_rows(&net, unseen);
    ck_assert_int_eq(graph_forward(net.graph, 64, false, &error), CORE_OK);
    int right = 0;
    for (int r = 0; r < 64; r++)
        right += (graph_value(net.graph, net.logits)[r * NET_CLASSES] > 0) == (unseen[r].targets[0] > 0);
    ck_assert_msg(right >= 60, "%d of 64", right);
    net_free(&net);
}
END_TEST

/* A sample's logits depend neither on its batch nor on what padding holds. */
START_TEST(samples_are_independent) {
    static float logits[NET_ROWS * NET_CLASSES];
    CoreError error = {0};
    Net net;
    net_rows(rows, 12);
    net_new(&net, 11, 0.5f);
    net_set_rows(&net, rows);
    ck_assert_int_eq(graph_forward(net.graph, 64, false, &error), CORE_OK);
    memcpy(logits, graph_value(net.graph, net.logits), 64 * NET_CLASSES * sizeof(float));
    for (int r = 0; r < 64; r++) {
        memset(rows[r].text + rows[r].n_text, 0xa5, (size_t)(NET_TEXT - rows[r].n_text));
        memset(rows[r].tokens[rows[r].n_tokens], 0xff, 2 * (size_t)(NET_TOKENS - rows[r].n_tokens));
        memset(rows[r].events, 3, 3 * (size_t)(NET_EVENTS - rows[r].n_events));
    }
    for (int r = 0; r < 64; r++) {
        net_set_rows(&net, rows + r);
        ck_assert_int_eq(graph_forward(net.graph, 1 + r % 3, false, &error), CORE_OK);
        ck_assert_mem_eq(graph_value(net.graph, net.logits), logits + r * NET_CLASSES,
                         NET_CLASSES * sizeof(float));
    }
    net_free(&net);
}
END_TEST

START_TEST(dropout_only_while_training) {
    CoreError error = {0};
    Net net;
    float plain[64 * NET_CLASSES], again[64 * NET_CLASSES];
    const size_t bytes = sizeof plain;
    net_rows(rows, 13);
    net_new(&net, 12, 0.5f);
    net_set_rows(&net, rows);
    const float *logits = graph_value(net.graph, net.logits);
    ck_assert_int_eq(graph_forward(net.graph, 64, false, &error), CORE_OK);
    memcpy(plain, logits, bytes);
    ck_assert_int_eq(graph_forward(net.graph, 64, true, &error), CORE_OK);
    ck_assert_mem_ne(logits, plain, bytes);
    memcpy(again, logits, bytes);
    ck_assert_int_eq(graph_forward(net.graph, 64, true, &error), CORE_OK);
    ck_assert_mem_ne(logits, again, bytes); /* each step draws anew */
    ck_assert_uint_eq(*graph_state(net.graph).counter, 2);
    ck_assert_int_eq(graph_forward(net.graph, 64, false, &error), CORE_OK);
    ck_assert_mem_eq(logits, plain, bytes);
    net_free(&net);
}
END_TEST

/* The gradient of the batch is the mean of its samples' gradients. */
START_TEST(gradient_is_the_mean_over_samples) {
    CoreError error = {0};
    Net net;
    net_rows(rows, 14);
    net_new(&net, 13, 0);
    const GraphState state = graph_state(net.graph);
    double *sum = calloc(state.count, sizeof *sum);
    for (int r = 0; r < NET_BATCH; r++) {
        net_set_rows(&net, rows + r);
        ck_assert_int_eq(graph_forward(net.graph, 1, true, &error), CORE_OK);
        ck_assert_int_eq(graph_backward(net.graph, &error), CORE_OK);
        for (size_t i = 0; i < state.count; i++)
            sum[i] += (double)state.gradients[i] / NET_BATCH;
    }
    net_set_rows(&net, rows);
    ck_assert_int_eq(graph_forward(net.graph, NET_BATCH, true, &error), CORE_OK);
    ck_assert_int_eq(graph_backward(net.graph, &error), CORE_OK);
    for (size_t i = 0; i < state.count; i++)
        ck_assert_double_eq_tol((double)state.gradients[i], sum[i], 1e-6);
    free(sum);
    net_free(&net);
}
END_TEST

START_TEST(not_finite_gradient_changes_nothing) {
    CoreError error = {0};
    Net net;
    double norm = 0;
    net_rows(rows, 15);
    net_new(&net, 14, 0);
    net_train(&net, rows, 0, 2);
    const GraphState state = graph_state(net.graph);
    float *before = malloc(state.count * sizeof(float));
    memcpy(before, state.parameters, state.count * sizeof(float));
    rows[3].weight = INFINITY;
    net_set_rows(&net, rows);
    ck_assert_int_eq(graph_forward(net.graph, 8, true, &error), CORE_OK);
    ck_assert_int_eq(graph_backward(net.graph, &error), CORE_OK);
    ck_assert_int_eq(optimiser_step(net.optimiser, &norm, &error), CORE_FORMAT);
    ck_assert_str_eq(error.text, "step 3: the gradient is not finite");
    ck_assert(!isfinite(norm));
    ck_assert_uint_eq(*optimiser_state(net.optimiser).step, 2);
    ck_assert_mem_eq(before, state.parameters, state.count * sizeof(float));
    free(before);
    net_free(&net);
}
END_TEST

TCase *training_tests(void) {
    TCase *tcase = tcase_create("training");
    tcase_add_test(tcase, bits_do_not_depend_on_threads);
    tcase_add_test(tcase, instruction_sets_agree);
    tcase_add_test(tcase, resumed_is_uninterrupted);
    tcase_add_test(tcase, a_step_allocates_nothing);
    tcase_add_test(tcase, overfits_32_samples);
    tcase_add_test(tcase, generalises);
    tcase_add_test(tcase, samples_are_independent);
    tcase_add_test(tcase, dropout_only_while_training);
    tcase_add_test(tcase, gradient_is_the_mean_over_samples);
    tcase_add_test(tcase, not_finite_gradient_changes_nothing);
    return tcase;
}
