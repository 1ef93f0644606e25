/* A network of all the ops, and ways of computing them, that the SIP CNN does not have: the same bits for any
 * number of threads and after a resume, samples that depend on each other included; no allocation in a step;
 * and it learns. Also what batch normalisation keeps. Relies on: engine/optimiser.h, engine/rng.h,
 * allocations.h, Check. Relied on by: test_engine.c. */
#include "engine/optimiser.h"
#include "engine/rng.h"
#include "tests/engine/allocations.h"
#include "tests/engine/suites.h"

#include <math.h>
#include <string.h>

enum { ROWS = 80, LENGTH = 9, CHANNELS = 3, CLASSES = 3, BATCH = 37 };

/* The class is the channel with the greatest sum over the valid positions. */
typedef struct Sample {
    float x[LENGTH][CHANNELS], target[CLASSES];
    uint8_t n;
} Sample;

typedef struct Zoo {
    Graph *graph;
    Optimiser *optimiser;
    GraphNode x, n, target, logits;
} Zoo;

static Sample samples[ROWS];

static void draw_samples(uint64_t seed) {
    for (uint32_t r = 0; r < ROWS; r++) {
        Sample *sample = &samples[r];
        float sums[CHANNELS] = {0};
        int best = 0;
        sample->n = (uint8_t)(1 + rng_below(LENGTH, seed, 1, r, 0));
        for (uint32_t i = 0; i < LENGTH * CHANNELS; i++) {
            sample->x[i / CHANNELS][i % CHANNELS] = 2 * rng_uniform(seed, 2, r, i) - 1;
            if (i / CHANNELS < sample->n) sums[i % CHANNELS] += sample->x[i / CHANNELS][i % CHANNELS];
        }
        for (int c = 1; c < CHANNELS; c++)
            best = sums[c] > sums[best] ? c : best;
        memset(sample->target, 0, sizeof sample->target);
        sample->target[best] = 1;
    }
}

static GraphNode sequences(const Zoo *zoo, const GraphMask *mask) {
    Graph *graph = zoo->graph;
    const GraphConv1d pointwise = {.out_channels = 32, .taps = 1, .relu = true};
    const GraphConv1d wide = {.out_channels = 32, .taps = 3, .relu = true};
    const GraphConv1d conv = {.out_channels = 6, .taps = 3, .mask = mask};
    const GraphNorm norm = {.mask = mask};
    GraphNode x = graph_conv1d(graph, zoo->x, &pointwise, "pointwise");
    x = graph_conv1d(graph, graph_conv1d(graph, x, &wide, "wide1"), &wide, "wide2"); /* minimal filtering */
    x = graph_conv1d(graph, x, &conv, "conv");
    x = graph_gelu(graph, graph_batch_norm(graph, x, &norm, "norm"));
    const GraphNode ways[] = {graph_gru(graph, x, 4, false, mask, "gru"),
                              graph_lstm(graph, x, 4, true, mask, "lstm"), x};
    x = graph_layer_norm(graph, graph_concat(graph, ways, 3), &norm, "layer_norm");
    const GraphNode halves[] = {graph_slice_positions(graph, x, 4, 5), graph_slice_positions(graph, x, 0, 4)};
    const GraphNode turned = graph_concat_positions(graph, halves, 2);
    const GraphNode pools[] = {
        graph_average_pool(graph, x, mask), graph_last_valid(graph, x, mask),
        graph_max_pool(graph, graph_max_pool_windows(graph, turned, 2, 0, NULL), NULL),
        graph_average_pool(graph, graph_average_pool_windows(graph, x, 3, 2, mask), NULL)};
    return graph_concat(graph, pools, 4);
}

static void zoo_new(Zoo *zoo, uint64_t seed, int threads) {
    CoreError error = {0};
    *zoo = (Zoo){0};
    ck_assert_int_eq(graph_new(ROWS, seed, &zoo->graph, &error), CORE_OK);
    Graph *graph = zoo->graph;
    graph_set_threads(graph, threads);
    zoo->x = graph_input_f32(graph, "x", graph_sequence(LENGTH, CHANNELS));
    zoo->n = graph_input_u8(graph, "n", graph_vector(1));
    zoo->target = graph_input_f32(graph, "target", graph_vector(CLASSES));
    GraphNode x = sequences(zoo, &(GraphMask){.lengths = zoo->n});
    const GraphNode wide =
        graph_batch_norm(graph, graph_linear(graph, x, 8, false, "wide"), NULL, "wide_norm");
    x = graph_mul(graph, graph_sigmoid(graph, graph_slice(graph, wide, 0, 4)),
                  graph_tanh(graph, graph_slice(graph, wide, 4, 4)));
    zoo->logits = graph_linear(graph, x, CLASSES, false, "out");
    graph_softmax_loss(graph, zoo->logits, zoo->target, GRAPH_NONE, NULL,
                       &(GraphLossShape){.smoothing = 0.05f, .focal = 1});
    ck_assert_msg(graph_finish(graph, &error) == CORE_OK, "%s", error.text);
    OptimiserOptions options = optimiser_defaults();
    options.kind = OPTIMISER_SGD;
    options.rate = 0.1f;
    options.nesterov = true;
    options.weight_decay = 0;
    options.l2 = 1e-4f;
    ck_assert_msg(optimiser_new(graph, &options, &zoo->optimiser, &error) == CORE_OK, "%s", error.text);
}

static void zoo_free(Zoo *zoo) {
    optimiser_free(zoo->optimiser);
    graph_free(zoo->graph);
}

static void zoo_set(const Zoo *zoo, int first) {
    const Sample *from = samples + first;
    ck_assert_int_eq(graph_set_input(zoo->graph, zoo->x, from->x, sizeof *from, NULL), CORE_OK);
    ck_assert_int_eq(graph_set_input(zoo->graph, zoo->n, &from->n, sizeof *from, NULL), CORE_OK);
    ck_assert_int_eq(graph_set_input(zoo->graph, zoo->target, from->target, sizeof *from, NULL), CORE_OK);
}

static CoreStatus zoo_step(const Zoo *zoo) {
    CoreStatus status = graph_forward(zoo->graph, BATCH, true, NULL);
    if (status == CORE_OK) status = graph_backward(zoo->graph, NULL);
    return status == CORE_OK ? optimiser_step(zoo->optimiser, NULL, NULL) : status;
}

static void zoo_train(const Zoo *zoo, int first, int steps) {
    for (int step = first; step < first + steps; step++) {
        zoo_set(zoo, step * 11 % (ROWS - BATCH));
        ck_assert_int_eq(zoo_step(zoo), CORE_OK);
    }
}

static void same_zoo(const Zoo *a, const Zoo *b) {
    const GraphState x = graph_state(a->graph), y = graph_state(b->graph);
    ck_assert_mem_eq(x.parameters, y.parameters, x.count * sizeof(float));
    ck_assert_mem_eq(x.gradients, y.gradients, x.count * sizeof(float));
    ck_assert_mem_eq(optimiser_state(a->optimiser).first_moment, optimiser_state(b->optimiser).first_moment,
                     x.count * sizeof(float));
    const double losses[] = {graph_loss(a->graph), graph_loss(b->graph)};
    ck_assert_mem_eq(&losses[0], &losses[1], sizeof losses[0]);
}

START_TEST(bits_do_not_depend_on_threads) {
    static const int threads[] = {2, 3, 8, 64, 0};
    Zoo one, many;
    draw_samples(1);
    zoo_new(&one, 5, 1);
    zoo_train(&one, 0, 12);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        zoo_new(&many, 5, threads[i]);
        zoo_train(&many, 0, 12);
        same_zoo(&one, &many);
        zoo_free(&many);
    }
    zoo_free(&one);
}
END_TEST

/* The running statistics are among the parameters. */
START_TEST(resumed_is_uninterrupted) {
    Zoo whole, first, second;
    draw_samples(2);
    zoo_new(&whole, 6, 2);
    zoo_train(&whole, 0, 12);
    zoo_new(&first, 6, 2);
    zoo_train(&first, 0, 5);
    zoo_new(&second, 7, 2);
    const GraphState from = graph_state(first.graph), to = graph_state(second.graph);
    const OptimiserState saved = optimiser_state(first.optimiser),
                         restored = optimiser_state(second.optimiser);
    memcpy(to.parameters, from.parameters, from.count * sizeof(float));
    *to.counter = *from.counter;
    memcpy(restored.first_moment, saved.first_moment, saved.count * sizeof(float));
    *restored.step = *saved.step;
    *restored.scale = *saved.scale;
    zoo_train(&second, 5, 7);
    same_zoo(&whole, &second);
    zoo_free(&whole);
    zoo_free(&first);
    zoo_free(&second);
}
END_TEST

START_TEST(a_step_allocates_nothing) {
    Zoo zoo;
    draw_samples(3);
    zoo_new(&zoo, 8, 2);
    zoo_train(&zoo, 0, 1);
    const int before = allocations_count();
    const CoreStatus status = zoo_step(&zoo);
    const int after = allocations_count();
    ck_assert_int_eq(status, CORE_OK);
    ck_assert_int_gt(before, 0);
    ck_assert_int_eq(after, before);
    zoo_free(&zoo);
}
END_TEST

/* Samples do not depend on each other once it has learned. */
START_TEST(learns_and_judges_alone) {
    static float logits[ROWS * CLASSES];
    Zoo zoo;
    draw_samples(4);
    zoo_new(&zoo, 9, 1);
    zoo_train(&zoo, 0, 150);
    ck_assert_msg(graph_loss(zoo.graph) < 0.25, "loss %g", graph_loss(zoo.graph));
    zoo_set(&zoo, 0);
    ck_assert_int_eq(graph_forward(zoo.graph, ROWS, false, NULL), CORE_OK);
    memcpy(logits, graph_value(zoo.graph, zoo.logits), sizeof logits);
    int right = 0;
    for (int r = 0; r < ROWS; r++) {
        zoo_set(&zoo, r);
        ck_assert_int_eq(graph_forward(zoo.graph, 1, false, NULL), CORE_OK);
        const float *alone = graph_value(zoo.graph, zoo.logits);
        ck_assert_mem_eq(alone, logits + r * CLASSES, CLASSES * sizeof(float));
        int said = 0;
        for (int c = 1; c < CLASSES; c++)
            said = alone[c] > alone[said] ? c : said;
        right += samples[r].target[said] > 0;
    }
    ck_assert_msg(right > ROWS * 9 / 10, "%d of %d", right, (int)ROWS);
    zoo_free(&zoo);
}
END_TEST

/* Two batches of known moments: mean 2, then 6; biased variances 1 and 4, unbiased 4/3 and 16/3. */
START_TEST(running_statistics) {
    static const float batches[2][4] = {{1, 3, 1, 3}, {4, 8, 4, 8}};
    CoreError error = {0};
    Graph *graph;
    GraphParameter mean, variance;
    ck_assert_int_eq(graph_new(4, 1, &graph, &error), CORE_OK);
    const GraphNode x = graph_input_f32(graph, "x", graph_vector(1));
    const GraphNode y = graph_batch_norm(graph, x, &(GraphNorm){.momentum = 0.25f}, "norm");
    ck_assert_int_eq(graph_finish(graph, &error), CORE_OK);
    ck_assert_int_eq(graph_parameter(graph, "norm.mean", &mean, &error), CORE_OK);
    ck_assert_int_eq(graph_parameter(graph, "norm.variance", &variance, &error), CORE_OK);
    ck_assert(!mean.trained && !variance.trained && *mean.values == 0 && *variance.values == 1);
    double want_mean = 0, want_variance = 1;
    for (int b = 0; b < 2; b++) {
        ck_assert_int_eq(graph_set_input(graph, x, batches[b], 0, &error), CORE_OK);
        ck_assert_int_eq(graph_forward(graph, 4, true, &error), CORE_OK);
        want_mean += 0.25 * ((b ? 6 : 2) - want_mean);
        want_variance += 0.25 * ((b ? 16.0 / 3 : 4.0 / 3) - want_variance);
        ck_assert_double_eq_tol((double)*mean.values, want_mean, 1e-6);
        ck_assert_double_eq_tol((double)*variance.values, want_variance, 1e-6);
    }
    const float before = *mean.values;
    ck_assert_int_eq(graph_forward(graph, 4, false, &error), CORE_OK);
    ck_assert_double_eq_tol((double)graph_value(graph, y)[1], (8 - want_mean) / sqrt(want_variance + 1e-5),
                            1e-5);
    ck_assert_int_eq(graph_forward(graph, 1, true, &error), CORE_OK); /* one value has no variance */
    ck_assert_float_eq(*mean.values, before);
    graph_free(graph);
}
END_TEST

TCase *zoo_tests(void) {
    TCase *tcase = tcase_create("zoo");
    tcase_add_test(tcase, bits_do_not_depend_on_threads);
    tcase_add_test(tcase, resumed_is_uninterrupted);
    tcase_add_test(tcase, a_step_allocates_nothing);
    tcase_add_test(tcase, learns_and_judges_alone);
    tcase_add_test(tcase, running_statistics);
    return tcase;
}
