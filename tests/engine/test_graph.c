/* Building and running graphs wrongly: one clear error, the first, with op, layer and shapes.
 * Relies on: engine/graph.h, Check.
 * Relied on by: test_engine.c. */
#include "engine/graph.h"

#include "tests/engine/suites.h"

#include <string.h>

/* Nodes that the wrong builders start from. */
typedef struct Start {
    Graph *graph;
    GraphNode vector, sequence, ids, lengths, bytes;
} Start;

static Start start(void) {
    Start s;
    CoreError error = {0};
    ck_assert_int_eq(graph_new(4, 1, &s.graph, &error), CORE_OK);
    s.vector = graph_input_f32(s.graph, "vector", graph_vector(5));
    s.sequence = graph_input_f32(s.graph, "sequence", graph_sequence(7, 3));
    s.ids = graph_input_u8(s.graph, "ids", graph_sequence(7, 2));
    s.lengths = graph_input_u8(s.graph, "lengths", graph_vector(1));
    s.bytes = graph_input_u8(s.graph, "bytes", graph_vector(9));
    return s;
}

static const uint16_t vocabulary[32] = {4, 4};

static GraphNode conv(Start *s, GraphNode x, GraphConv1d options) {
    return graph_conv1d(s->graph, x, &options, "layer");
}

static GraphNode masked(Start *s, GraphNode lengths, int32_t stride) {
    return graph_mask(s->graph, s->sequence, &(GraphMask){.lengths = lengths, .stride = stride});
}

static GraphNode longest(Start *s) {
    const GraphNode x = graph_input_f32(s->graph, "long", graph_sequence(256, 1));
    return graph_mask(s->graph, x, &(GraphMask){.lengths = s->lengths});
}

static GraphNode many(Start *s) {
    GraphNode parts[GRAPH_MAX_INPUTS + 1] = {0};
    return graph_concat(s->graph, parts, GRAPH_MAX_INPUTS + 1);
}

static GraphNode joined(Start *s, bool positions) {
    const GraphNode x[] = {s->sequence, graph_input_f32(s->graph, "short", graph_sequence(2, 4))};
    return positions ? graph_concat_positions(s->graph, x, 2) : graph_concat(s->graph, x, 2);
}

static GraphNode two_losses(Start *s) {
    graph_sigmoid_loss(s->graph, s->vector, s->vector, GRAPH_NONE, GRAPH_NONE, NULL, NULL);
    return graph_sigmoid_loss(s->graph, s->vector, s->vector, GRAPH_NONE, GRAPH_NONE, NULL, NULL);
}

static GraphNode wrong_weights(Start *s) {
    return graph_sigmoid_loss(s->graph, s->vector, s->vector, GRAPH_NONE, s->vector, NULL, NULL);
}

static GraphNode wrong_targets(Start *s) {
    const GraphNode targets = graph_input_f32(s->graph, "targets", graph_vector(4));
    return graph_sigmoid_loss(s->graph, s->vector, targets, GRAPH_NONE, GRAPH_NONE, NULL, NULL);
}

static GraphNode wide_embed(Start *s) {
    const GraphNode ids = graph_input_u8(s->graph, "wide", graph_sequence(2, 17));
    return graph_embed(s->graph, ids, vocabulary, 3, NULL, "layer");
}

static GraphNode gradient_of_bytes(Start *s) {
    graph_require_gradient(s->graph, s->bytes);
    return GRAPH_NONE;
}

static GraphNode endless(Start *s) {
    GraphNode x = s->vector;
    for (int i = 0; i < GRAPH_MAX_NODES; i++)
        x = graph_relu(s->graph, x);
    return x;
}

/* X(builder call, status, text) */
#define WRONG_MAP(X)                                                                                         \
    X(graph_linear(s->graph, s->sequence, 4, false, "head"), CORE_SHAPE,                                     \
      "linear \"head\": input \"sequence\" is f32 [N, 7, 3], but f32 [N, C] is needed")                      \
    X(graph_linear(s->graph, s->bytes, 4, false, "head"), CORE_SHAPE,                                        \
      "linear \"head\": input \"bytes\" is u8 [N, 9], but f32 [N, C] is needed")                             \
    X(graph_linear(s->graph, s->vector, 0, false, "head"), CORE_SHAPE, "linear \"head\": weights [5, 0]")    \
    X(graph_linear(s->graph, s->vector, 4, false, ""), CORE_ARGUMENT,                                        \
      "linear \"\": a name has 1 .. 47 bytes")                                                               \
    X(graph_linear(s->graph, s->vector, 4, false, "ids"), CORE_ARGUMENT,                                     \
      "linear \"ids\": the name is taken by a layer of kind input_u8")                                       \
    X(graph_relu(s->graph, 5), CORE_ARGUMENT, "relu \"node 5\": input 0 is no node of this graph")           \
    X(graph_relu(s->graph, -7), CORE_ARGUMENT, "relu \"node 5\": input 0 is no node of this graph")          \
    X(graph_add(s->graph, s->vector, s->sequence), CORE_SHAPE,                                               \
      "add \"node 5\": inputs \"vector\" f32 [N, 5] and \"sequence\" f32 [N, 7, 3] differ")                  \
    X(graph_mul(s->graph, s->vector, s->bytes), CORE_SHAPE,                                                  \
      "mul \"node 5\": inputs \"vector\" f32 [N, 5] and \"bytes\" u8 [N, 9] differ")                         \
    X(conv(s, s->vector, (GraphConv1d){.out_channels = 2, .taps = 3}), CORE_SHAPE,                           \
      "conv1d \"layer\": input \"vector\" is f32 [N, 5], but f32 [N, L, C] is needed")                       \
    X(conv(s, s->sequence, (GraphConv1d){.out_channels = 2}), CORE_ARGUMENT,                                 \
      "conv1d \"layer\": 0 taps, stride 1, dilation 1 are not possible")                                     \
    X(conv(s, s->sequence, (GraphConv1d){.out_channels = 2, .taps = 3, .stride = -1}), CORE_ARGUMENT,        \
      "conv1d \"layer\": 3 taps, stride -1, dilation 1 are not possible")                                    \
    X(conv(s, s->sequence, (GraphConv1d){.taps = 3}), CORE_SHAPE, "conv1d \"layer\": weights [3, 3, 0]")     \
    X(conv(s, s->sequence,                                                                                   \
           (GraphConv1d){.out_channels = 2, .taps = 3, .dilation = 4, .padding = GRAPH_VALID}),              \
      CORE_SHAPE, "conv1d \"layer\": a window of 9 positions does not fit into 7")                           \
    X(conv(s, s->sequence, (GraphConv1d){.out_channels = 4, .taps = 3, .groups = 2}), CORE_SHAPE,            \
      "conv1d \"layer\": 2 groups of 3 inputs and 4 outputs")                                                \
    X(graph_depthwise_conv1d(s->graph, s->sequence, &(GraphConv1d){.out_channels = 4, .taps = 3}, "layer"),  \
      CORE_ARGUMENT,                                                                                         \
      "depthwise_conv1d \"layer\": 4 output channels were asked for, but it keeps the input's 3")            \
    X(graph_embed(s->graph, s->sequence, vocabulary, 3, NULL, "layer"), CORE_SHAPE,                          \
      "embed \"layer\": input \"sequence\" is f32 [N, 7, 3], but u8 [N, L, F] is needed")                    \
    X(graph_embed(s->graph, s->ids, vocabulary, 0, NULL, "layer"), CORE_SHAPE,                               \
      "embed \"layer\": a table [8, 0]")                                                                     \
    X(graph_embed_conv1d(s->graph, s->ids, vocabulary,                                                       \
                         &(GraphConv1d){.out_channels = 3,                                                   \
                                        .taps = 3,                                                           \
                                        .stride = 2,                                                         \
                                        .mask = &(GraphMask){.lengths = s->lengths, .stride = 3}},           \
                         "layer"),                                                                           \
      CORE_ARGUMENT, "embed_conv1d \"layer\": a mask of stride 3 behind a stride of 2")                      \
    X(graph_embed_conv1d(s->graph, s->ids, vocabulary,                                                       \
                         &(GraphConv1d){.out_channels = 4, .taps = 3, .groups = 2}, "layer"),                \
      CORE_ARGUMENT, "embed_conv1d \"layer\": 2 groups, but a table has one")                                \
    X(wide_embed(s), CORE_LIMIT, "embed \"\": 17 fields are more than 16")                                   \
    X(masked(s, s->bytes, 1), CORE_SHAPE,                                                                    \
      "mask \"node 5\": the lengths \"bytes\" of the mask are [N, 9], not a u8 input [N, 1]")                \
    X(masked(s, s->lengths, -2), CORE_ARGUMENT, "mask \"node 5\": a mask of stride -2")                      \
    X(longest(s), CORE_SHAPE, "mask \"node 6\": a sequence of 256 positions has no u8 length to mask with")  \
    X(graph_max_pool(s->graph, s->vector, NULL), CORE_SHAPE,                                                 \
      "max_pool \"node 5\": input \"vector\" is f32 [N, 5], but f32 [N, L, C] is needed")                    \
    X(graph_max_pool_windows(s->graph, s->sequence, 8, 0, NULL), CORE_SHAPE,                                 \
      "max_pool \"node 5\": a window of 8 positions does not fit into 7")                                    \
    X(graph_average_pool_windows(s->graph, s->sequence, 0, 2, NULL), CORE_ARGUMENT,                          \
      "average_pool \"node 5\": windows of 0, stride 2 are not possible")                                    \
    X(graph_slice(s->graph, s->vector, 3, 3), CORE_SHAPE,                                                    \
      "slice \"node 5\": channels 3 .. 5 are not inside of \"vector\" [N, 5]")                               \
    X(graph_slice(s->graph, s->vector, -1, 3), CORE_SHAPE,                                                   \
      "slice \"node 5\": channels -1 .. 1 are not inside of \"vector\" [N, 5]")                              \
    X(graph_slice_positions(s->graph, s->sequence, 5, 3), CORE_SHAPE,                                        \
      "slice \"node 5\": positions 5 .. 7 are not inside of \"sequence\" [N, 7, 3]")                         \
    X(joined(s, false), CORE_SHAPE,                                                                          \
      "concat \"node 6\": inputs \"sequence\" [N, 7, 3] and \"short\" [N, 2, 4] cannot be joined")           \
    X(joined(s, true), CORE_SHAPE,                                                                           \
      "concat \"node 6\": inputs \"sequence\" [N, 7, 3] and \"short\" [N, 2, 4] cannot be joined")           \
    X(graph_gru(s->graph, s->vector, 3, false, NULL, "layer"), CORE_SHAPE,                                   \
      "gru \"layer\": input \"vector\" is f32 [N, 5], but f32 [N, L, C] is needed")                          \
    X(graph_lstm(s->graph, s->sequence, 0, false, NULL, "layer"), CORE_SHAPE,                                \
      "lstm \"layer\": a state of 0 channels is not in 1 .. 16384")                                          \
    X(graph_batch_norm(s->graph, s->vector, &(GraphNorm){.momentum = 2}, "layer"), CORE_ARGUMENT,            \
      "batch_norm \"layer\": epsilon 1e-05, momentum 2 are not possible")                                    \
    X(graph_layer_norm(s->graph, s->bytes, NULL, "layer"), CORE_SHAPE,                                       \
      "layer_norm \"layer\": input \"bytes\" is u8 [N, 9], but f32 input is needed")                         \
    X(graph_softmax_loss(s->graph, s->vector, s->vector, GRAPH_NONE, NULL, &(GraphLossShape){.focal = -1}),  \
      CORE_ARGUMENT, "softmax_loss \"loss\": smoothing 0, focal -1 are not possible")                        \
    X(many(s), CORE_LIMIT, "concat \"\": 17 inputs are not 1 .. 16")                                         \
    X(graph_dropout(s->graph, s->vector, 1), CORE_ARGUMENT,                                                  \
      "dropout \"node 5\": probability 1 is not in [0, 1)")                                                  \
    X(graph_normalise_u8(s->graph, s->vector, one, one, one, one), CORE_SHAPE,                               \
      "normalise_u8 \"node 5\": input \"vector\" is f32 [N, 5], but u8 input is needed")                     \
    X(graph_input_f32(s->graph, "x", graph_vector(0)), CORE_SHAPE,                                           \
      "input_f32 \"x\": shape [N, 0] is not possible")                                                       \
    X(graph_input_f32(s->graph, "x", graph_sequence(65536, 65536)), CORE_SHAPE,                              \
      "input_f32 \"x\": shape [N, 65536, 65536] is not possible")                                            \
    X(graph_input_u8(s->graph, "x", (GraphShape){.rank = 4}), CORE_SHAPE,                                    \
      "input_u8 \"x\": rank 4 is not in 1 .. 3")                                                             \
    X(two_losses(s), CORE_ARGUMENT,                                                                          \
      "sigmoid_loss \"loss\": the name is taken by a layer of kind sigmoid_loss")                            \
    X(wrong_targets(s), CORE_SHAPE,                                                                          \
      "sigmoid_loss \"loss\": targets \"targets\" is [N, 4], which does not fit logits [N, 5]")              \
    X(wrong_weights(s), CORE_SHAPE,                                                                          \
      "sigmoid_loss \"loss\": row weights \"vector\" is [N, 5], which does not fit logits [N, 5]")           \
    X(gradient_of_bytes(s), CORE_ARGUMENT, "a gradient was asked for what is no f32 input")                  \
    X(endless(s), CORE_LIMIT, "relu \"node 256\": more than 256 nodes")

static const float one[16] = {1};

#define WRONG_COUNT(call, status, text) +1
enum { N_WRONG = WRONG_MAP(WRONG_COUNT) };

#define WRONG_CALL(call, status, text)                                                                       \
    if (row++ == _i) {                                                                                       \
        node = call;                                                                                         \
        wanted = status;                                                                                     \
        wanted_text = text;                                                                                  \
    }

START_TEST(first_error_sticks) {
    Start begin = start(), *s = &begin;
    GraphNode node = 0;
    CoreStatus wanted = CORE_OK;
    const char *wanted_text = "";
    int row = 0;
    WRONG_MAP(WRONG_CALL)
    ck_assert_int_eq(node, GRAPH_NONE);
    /* Neither poisoned nor further faulty calls change the story. */
    ck_assert_int_eq(graph_relu(s->graph, node), GRAPH_NONE);
    ck_assert_int_eq(graph_relu(s->graph, s->vector), GRAPH_NONE);
    ck_assert_int_eq(graph_linear(s->graph, s->ids, 3, true, "other"), GRAPH_NONE);
    CoreError error = {0};
    ck_assert_int_eq(graph_finish(s->graph, &error), wanted);
    ck_assert_str_eq(error.text, wanted_text);
    ck_assert_int_eq(graph_forward(s->graph, 1, false, &error), CORE_ARGUMENT);
    graph_free(s->graph);
}
END_TEST

static void fails(CoreStatus status, CoreStatus wanted, const CoreError *error, const char *text) {
    ck_assert_int_eq(status, wanted);
    ck_assert_str_eq(error->text, text);
}

START_TEST(running_wrongly) {
    CoreError error = {0};
    Graph *graph;
    const float x[5] = {0};
    fails(graph_new(0, 1, &graph, &error), CORE_ARGUMENT, &error, "batch size 0 is not in 1 .. 65536");
    ck_assert_ptr_null(graph);
    ck_assert_int_eq(graph_new(4, 1, &graph, &error), CORE_OK);
    fails(graph_finish(graph, &error), CORE_ARGUMENT, &error, "the graph has no nodes");
    graph_free(graph);

    ck_assert_int_eq(graph_new(4, 1, &graph, &error), CORE_OK);
    const GraphNode input = graph_input_f32(graph, "vector", graph_vector(5));
    const GraphNode output = graph_linear(graph, input, 2, false, "line");
    ck_assert_int_eq(graph_finish(graph, &error), CORE_OK);
    fails(graph_forward(graph, 1, false, &error), CORE_ARGUMENT, &error, "input \"vector\" has no data");
    fails(graph_set_input(graph, output, x, 0, &error), CORE_ARGUMENT, &error, "node 1 is no input");
    fails(graph_set_input(graph, 17, x, 0, &error), CORE_ARGUMENT, &error, "node 17 is no input");
    fails(graph_set_input(graph, input, x, 19, &error), CORE_ARGUMENT, &error,
          "input \"vector\": rows of 20 bytes do not fit a pitch of 19");
    ck_assert_int_eq(graph_set_input(graph, input, x, 0, &error), CORE_OK);
    fails(graph_backward_from(graph, output, x, &error), CORE_ARGUMENT, &error, "backward before forward");
    fails(graph_forward(graph, 5, false, &error), CORE_ARGUMENT, &error, "a batch of 5 is not in 1 .. 4");
    fails(graph_forward(graph, 0, false, &error), CORE_ARGUMENT, &error, "a batch of 0 is not in 1 .. 4");
    ck_assert_int_eq(graph_forward(graph, 1, false, &error), CORE_OK);
    fails(graph_backward(graph, &error), CORE_ARGUMENT, &error, "the graph has no loss");
    fails(graph_backward_from(graph, input, x, &error), CORE_ARGUMENT, &error, "node 0 has no gradient");
    GraphParameter parameter;
    fails(graph_parameter(graph, "line.table", &parameter, &error), CORE_NOT_FOUND, &error,
          "the graph has no parameter \"line.table\"");
    ck_assert_double_eq(graph_loss(graph), 0);
    ck_assert_int_eq(graph_relu(graph, output), GRAPH_NONE);
    fails(graph_finish(graph, &error), CORE_ARGUMENT, &error, "relu \"node 2\": the graph is finished");
    graph_free(graph);
    graph_free(NULL);
}
END_TEST

START_TEST(parameters_have_names_and_shapes) {
    CoreError error = {0};
    Start s = start();
    graph_embed(s.graph, s.ids, vocabulary, 3, NULL, "embedding");
    conv(&s, s.sequence, (GraphConv1d){.out_channels = 6, .taps = 5});
    ck_assert_int_eq(graph_finish(s.graph, &error), CORE_OK);
    ck_assert_int_eq(graph_parameters(s.graph), 3);
    static const struct {
        const char *name;
        GraphShape shape;
        bool decay;
    } wanted[] = {{"embedding.table", {2, {8, 3, 1}}, true},
                  {"layer.weight", {3, {5, 3, 6}}, true},
                  {"layer.bias", {1, {6, 1, 1}}, false}};
    for (int32_t i = 0; i < 3; i++) {
        const GraphParameter at = graph_parameter_at(s.graph, i);
        GraphParameter named;
        ck_assert_str_eq(at.name, wanted[i].name);
        ck_assert_mem_eq(&at.shape, &wanted[i].shape, sizeof at.shape);
        ck_assert_uint_eq(at.count, (size_t)(at.shape.size[0] * at.shape.size[1] * at.shape.size[2]));
        ck_assert_int_eq(at.decay, wanted[i].decay);
        ck_assert_uint_eq((uintptr_t)at.values % 64, 0);
        ck_assert_int_eq(graph_parameter(s.graph, at.name, &named, &error), CORE_OK);
        ck_assert_ptr_eq(named.values, at.values);
    }
    graph_free(s.graph);
}
END_TEST

/* The first weights depend on the seed alone, and are bounded by their fan-in. */
START_TEST(initial_weights) {
    CoreError error = {0};
    float weights[3][15];
    for (int i = 0; i < 3; i++) {
        Graph *graph;
        GraphParameter parameter;
        ck_assert_int_eq(graph_new(1 + i, i == 2 ? 8 : 7, &graph, &error), CORE_OK);
        graph_linear(graph, graph_input_f32(graph, "x", graph_vector(5)), 3, true, "layer");
        ck_assert_int_eq(graph_finish(graph, &error), CORE_OK);
        ck_assert_int_eq(graph_parameter(graph, "layer.weight", &parameter, &error), CORE_OK);
        memcpy(weights[i], parameter.values, sizeof weights[i]);
        ck_assert_int_eq(graph_parameter(graph, "layer.bias", &parameter, &error), CORE_OK);
        ck_assert(parameter.values[0] == 0 && parameter.values[2] == 0);
        graph_free(graph);
    }
    ck_assert_mem_eq(weights[0], weights[1], sizeof weights[0]);
    ck_assert_mem_ne(weights[0], weights[2], sizeof weights[0]);
    for (int i = 0; i < 15; i++)
        ck_assert(weights[0][i] * weights[0][i] <= 6.0f / 5);
}
END_TEST

TCase *graph_tests(void) {
    TCase *tcase = tcase_create("graph");
    tcase_add_loop_test(tcase, first_error_sticks, 0, N_WRONG);
    tcase_add_test(tcase, running_wrongly);
    tcase_add_test(tcase, parameters_have_names_and_shapes);
    tcase_add_test(tcase, initial_weights);
    return tcase;
}
