/* What the engine spares itself must not show: gradients of maxima against those of the whole sequence,
 * embeddings that are folded against those that are not, and weights that are prepared once. Relies on:
 * engine/graph.h, engine/rng.h, Check. Relied on by: test_engine.c. */
#include "engine/graph.h"

#include "engine/rng.h"
#include "tests/engine/suites.h"

#include <math.h>
#include <string.h>

/* ---- convolutions behind a maximum over all positions ---- */

enum { ROWS = 35, LENGTH = 11, CHANNELS_MAX = 32 }; /* two or three rows in a chunk */

static const struct {
    int32_t channels;
    bool masked;
    GraphConv1d conv;
} layers[] = {
    {5, false, {.out_channels = 19, .taps = 1}},
    {4, false, {.out_channels = 7, .taps = 5, .padding = GRAPH_VALID, .relu = true}},
    {32, false, {.out_channels = 32, .taps = 3, .relu = true}},
    {3, true, {.out_channels = 33, .taps = 3, .dilation = 2, .padding = GRAPH_CAUSAL, .relu = true}},
    {32, true, {.out_channels = 32, .taps = 3, .relu = true}},
    {6, false, {.out_channels = 8, .taps = 3, .groups = 2}},
};

enum { N_LAYERS = sizeof layers / sizeof *layers };

typedef struct Maxima {
    Graph *graph;
    GraphNode x;
} Maxima;

/* With a second reader, which has no part in the result, all positions of the convolution have a gradient. */
static Maxima maxima_new(size_t layer, bool second_reader, bool from_layer, const float *rows,
                         const uint8_t *lengths) {
    CoreError error = {0};
    Maxima m;
    ck_assert_int_eq(graph_new(ROWS, 3, &m.graph, &error), CORE_OK);
    m.x = graph_input_f32(m.graph, "x", graph_sequence(LENGTH, layers[layer].channels));
    graph_require_gradient(m.graph, m.x);
    const GraphNode n = graph_input_u8(m.graph, "n", graph_vector(1));
    const GraphMask mask = {.lengths = n};
    GraphConv1d conv = layers[layer].conv;
    conv.mask = layers[layer].masked ? &mask : NULL;
    const GraphNode y = graph_conv1d(m.graph, m.x, &conv, "layer");
    if (second_reader) graph_relu(m.graph, y);
    const GraphNode pool = graph_max_pool(m.graph, y, conv.mask);
    ck_assert_msg(graph_finish(m.graph, &error) == CORE_OK, "%s", error.text);
    ck_assert_int_eq(graph_set_input(m.graph, m.x, rows, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(m.graph, n, lengths, 0, &error), CORE_OK);
    static float cotangent[ROWS * LENGTH * 33];
    for (uint32_t i = 0; i < ROWS * LENGTH * 33; i++)
        cotangent[i] = rng_uniform(4, 1, 0, i) - 0.5f;
    ck_assert_int_eq(graph_forward(m.graph, ROWS, true, &error), CORE_OK);
    ck_assert_int_eq(graph_backward_from(m.graph, from_layer ? y : pool, cotangent, &error), CORE_OK);
    return m;
}

static void nearly_same(const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabsf(a[i] - b[i]) <= 2e-5f, "value %zu: %g and %g", i, (double)a[i], (double)b[i]);
}

/* From the maximum, and from the convolution itself, which is the long way. */
START_TEST(maxima_have_the_whole_gradient) {
    const size_t layer = (size_t)_i % N_LAYERS;
    const bool from_layer = _i >= N_LAYERS;
    static float rows[ROWS * LENGTH * CHANNELS_MAX];
    uint8_t lengths[ROWS];
    for (uint32_t i = 0; i < ROWS * LENGTH * CHANNELS_MAX; i++)
        rows[i] = 2 * rng_uniform(5, 1, 0, i) - 1;
    for (uint32_t r = 0; r < ROWS; r++)
        lengths[r] = (uint8_t)(r % (LENGTH + 1)); /* none at all too */
    const Maxima peaks = maxima_new(layer, false, from_layer, rows, lengths);
    const Maxima whole = maxima_new(layer, true, from_layer, rows, lengths);
    nearly_same(graph_gradient(peaks.graph, peaks.x), graph_gradient(whole.graph, whole.x),
                (size_t)(ROWS * LENGTH * layers[layer].channels));
    const GraphState a = graph_state(peaks.graph), b = graph_state(whole.graph);
    ck_assert_uint_eq(a.count, b.count);
    nearly_same(a.gradients, b.gradients, a.count);
    graph_free(peaks.graph);
    graph_free(whole.graph);
}
END_TEST

/* ---- frozen graphs ---- */

/* Forward passes of a frozen graph keep what they made of the weights, until they are told or something
 * trains. */
START_TEST(frozen_graphs_keep_what_they_prepared) {
    enum { CHANNELS = 32 };
    static float x[LENGTH * CHANNELS];
    CoreError error = {0};
    Graph *graph;
    GraphParameter weight;
    for (int i = 0; i < LENGTH * CHANNELS; i++)
        x[i] = 1;
    ck_assert_int_eq(graph_new(1, 1, &graph, &error), CORE_OK);
    const GraphNode input = graph_input_f32(graph, "x", graph_sequence(LENGTH, CHANNELS));
    const GraphConv1d options = {.out_channels = CHANNELS, .taps = 3};
    const GraphNode y = graph_conv1d(graph, input, &options, "layer");
    ck_assert_int_eq(graph_finish(graph, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(graph, input, x, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_parameter(graph, "layer.weight", &weight, &error), CORE_OK);
    const struct {
        float weight;
        bool freeze, training, kept;
    } steps[] = {{1, true, false, false}, {2, false, false, true},  {3, true, false, false},
                 {4, false, true, false}, {5, false, false, false}, {6, false, false, false}};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        for (size_t i = 0; i < weight.count; i++)
            weight.values[i] = steps[s].weight;
        if (steps[s].freeze) graph_freeze(graph, true);
        ck_assert_int_eq(graph_forward(graph, 1, steps[s].training, &error), CORE_OK);
        const float used = graph_value(graph, y)[2 * CHANNELS] / (3 * CHANNELS);
        ck_assert_float_eq_tol(used, steps[s].weight - (steps[s].kept ? 1.0f : 0.0f), 1e-4f);
    }
    graph_free(graph);
}
END_TEST

/* ---- convolutions of embeddings ---- */

/* A small network whose embedding of 40 rows a convolution to 5 positions reads. */
typedef struct Embedded {
    int32_t max_batch, groups;
    bool loss, other_reader, folds;
    Graph *graph;
    GraphNode embedding, logits;
} Embedded;

static void embedded_new(Embedded *e) {
    static const uint8_t ids[] = {3, 17, 39, 200, 0, 3, 8};
    static const float targets[] = {1, 0};
    static const uint16_t forty[] = {40};
    CoreError error = {0};
    ck_assert_int_eq(graph_new(e->max_batch, 5, &e->graph, &error), CORE_OK);
    const GraphNode x = graph_input_u8(e->graph, "ids", graph_sequence(7, 1));
    const GraphConv1d conv = {
        .out_channels = 6, .taps = 3, .padding = GRAPH_VALID, .relu = true, .groups = e->groups};
    e->embedding = graph_embed(e->graph, x, forty, 4, NULL, "embedding");
    if (e->other_reader) graph_last(e->graph, e->embedding);
    const GraphNode y = graph_max_pool(e->graph, graph_conv1d(e->graph, e->embedding, &conv, "conv"), NULL);
    e->logits = graph_linear(e->graph, y, 2, false, "output");
    const GraphNode wanted = graph_input_f32(e->graph, "targets", graph_vector(2));
    if (e->loss) graph_sigmoid_loss(e->graph, e->logits, wanted, GRAPH_NONE, GRAPH_NONE, NULL, NULL);
    ck_assert_int_eq(graph_finish(e->graph, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(e->graph, x, ids, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_set_input(e->graph, wanted, targets, 0, &error), CORE_OK);
    ck_assert_int_eq(graph_forward(e->graph, 1, true, &error), CORE_OK);
    ck_assert_int_eq(graph_backward_from(e->graph, e->logits, targets, &error), CORE_OK);
}

/* An embedding is folded under the conditions that graph.h names, and nobody else can tell. */
START_TEST(embeddings_are_folded) {
    Embedded cases[] = {{.max_batch = 7, .loss = true},
                        {.max_batch = 8, .loss = true, .folds = true},
                        {.max_batch = 1, .folds = true},
                        {.max_batch = 1, .other_reader = true},
                        {.max_batch = 1, .groups = 2}};
    enum { N_CASES = sizeof cases / sizeof cases[0] };
    for (int i = 0; i < N_CASES; i++)
        embedded_new(&cases[i]);
    for (int i = 0; i < N_CASES; i++) {
        Graph *graph = cases[i].graph, *first = cases[0].graph;
        ck_assert_int_eq(!graph_value(graph, cases[i].embedding), cases[i].folds);
        ck_assert_int_eq(!graph_gradient(graph, cases[i].embedding), cases[i].folds);
        for (int32_t k = 0; cases[i].groups == 0 && k < graph_parameters(graph); k++) {
            const GraphParameter a = graph_parameter_at(graph, k), b = graph_parameter_at(first, k);
            ck_assert_str_eq(a.name, b.name);
            ck_assert_mem_eq(a.values, b.values, a.count * sizeof(float));
            nearly_same(a.gradients, b.gradients, a.count);
        }
        if (cases[i].groups == 0)
            nearly_same(graph_value(graph, cases[i].logits), graph_value(first, cases[0].logits), 2);
    }
    for (int i = 0; i < N_CASES; i++)
        graph_free(cases[i].graph);
}
END_TEST

TCase *shortcut_tests(void) {
    TCase *tcase = tcase_create("shortcuts");
    tcase_add_loop_test(tcase, maxima_have_the_whole_gradient, 0, 2 * N_LAYERS);
    tcase_add_test(tcase, embeddings_are_folded);
    tcase_add_test(tcase, frozen_graphs_keep_what_they_prepared);
    return tcase;
}
