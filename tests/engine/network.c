/* A small network with every branch of the SIP CNN.
 * Relies on: engine/graph.h, engine/optimiser.h, engine/rng.h, Check.
 * Relied on by: test_training.c. */
#include "tests/engine/network.h"

#include "engine/rng.h"

#include <check.h>

static void fill(uint8_t *bytes, size_t count, uint64_t bound, uint64_t seed, uint32_t stream, uint32_t row) {
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)rng_below(bound, seed, stream, row, (uint32_t)i);
}

void net_rows(NetRow rows[NET_ROWS], uint64_t seed) {
    for (uint32_t r = 0; r < NET_ROWS; r++) {
        NetRow *row = &rows[r];
        fill(&row->tokens[0][0], sizeof row->tokens, 6, seed, 1, r);
        fill(row->text, sizeof row->text, 256, seed, 2, r);
        fill(&row->events[0][0], sizeof row->events, 5, seed, 3, r);
        fill(row->counters, sizeof row->counters, 256, seed, 4, r);
        fill(&row->n_tokens, 1, NET_TOKENS + 1, seed, 5, r);
        fill(&row->n_text, 1, NET_TEXT + 1, seed, 6, r);
        fill(&row->n_events, 1, NET_EVENTS + 1, seed, 7, r);
        for (uint32_t c = 0; c < NET_CLASSES; c++) {
            row->targets[c] = rng_uniform(seed, 8, r, c) < 0.4f;
            row->mask[c] = rng_uniform(seed, 9, r, c) < 0.9f;
        }
        row->targets[0] = row->text[0] > 127;
        row->weight = 0.5f + rng_uniform(seed, 10, r, 0);
    }
}

static void add_inputs(Net *net) {
    Graph *graph = net->graph;
    net->tokens = graph_input_u8(graph, "tokens", graph_sequence(NET_TOKENS, 2));
    net->n_tokens = graph_input_u8(graph, "n_tokens", graph_vector(1));
    net->text = graph_input_u8(graph, "text", graph_sequence(NET_TEXT, 1));
    net->n_text = graph_input_u8(graph, "n_text", graph_vector(1));
    net->events = graph_input_u8(graph, "events", graph_sequence(NET_EVENTS, 3));
    net->n_events = graph_input_u8(graph, "n_events", graph_vector(1));
    net->counters = graph_input_u8(graph, "counters", graph_vector(NET_COUNTERS));
    net->targets = graph_input_f32(graph, "targets", graph_vector(NET_CLASSES));
    net->mask = graph_input_f32(graph, "mask", graph_vector(NET_CLASSES));
    net->weight = graph_input_f32(graph, "weight", graph_vector(1));
}

static GraphNode token_branch(const Net *net) {
    static const uint16_t vocabulary[2] = {6, 6};
    Graph *graph = net->graph;
    const GraphMask mask = {.lengths = net->n_tokens};
    GraphNode x = graph_embed(graph, net->tokens, vocabulary, 5, &mask, "tokens.embedding");
    x = graph_conv1d(graph, x, &(GraphConv1d){.out_channels = 7, .taps = 3, .relu = true, .mask = &mask},
                     "tokens.conv");
    x = graph_depthwise_conv1d(graph, x, &(GraphConv1d){.taps = 3, .mask = &mask}, "tokens.depthwise");
    x = graph_conv1d(graph, x, &(GraphConv1d){.out_channels = 9, .taps = 1, .relu = true, .mask = &mask},
                     "tokens.pointwise");
    return graph_max_pool(graph, x, &mask);
}

static GraphNode text_branch(const Net *net) {
    static const uint16_t vocabulary[1] = {256};
    Graph *graph = net->graph;
    const GraphMask bytes = {.lengths = net->n_text}, halves = {.lengths = net->n_text, .stride = 2};
    const GraphMask quarters = {.lengths = net->n_text, .stride = 4};
    GraphConv1d conv = {.out_channels = 6, .taps = 5, .stride = 2, .padding = GRAPH_TAIL, .relu = true};
    conv.mask = &halves;
    GraphNode x = graph_embed(graph, net->text, vocabulary, 4, &bytes, "text.embedding");
    x = graph_conv1d(graph, x, &conv, "text.conv1");
    conv.taps = 3;
    conv.mask = &quarters;
    x = graph_conv1d(graph, x, &conv, "text.conv2");
    return graph_max_pool(graph, x, &quarters);
}

static GraphNode dialog_branch(const Net *net) {
    static const uint16_t vocabulary[3] = {5, 5, 5};
    Graph *graph = net->graph;
    const GraphMask mask = {.lengths = net->n_events, .at_end = true};
    GraphConv1d conv = {.out_channels = 6, .taps = 3, .padding = GRAPH_CAUSAL, .relu = true, .mask = &mask};
    GraphNode x = graph_embed(graph, net->events, vocabulary, 4, &mask, "dialog.embedding");
    x = graph_conv1d(graph, x, &conv, "dialog.conv1");
    conv.dilation = 2;
    x = graph_conv1d(graph, x, &conv, "dialog.conv2");
    return graph_last(graph, x);
}

static GraphNode counter_branch(const Net *net) {
    float low[NET_COUNTERS] = {0}, high[NET_COUNTERS], mean[NET_COUNTERS], scale[NET_COUNTERS];
    for (int i = 0; i < NET_COUNTERS; i++) {
        high[i] = 250;
        mean[i] = 127;
        scale[i] = 0.014f;
    }
    Graph *graph = net->graph;
    const GraphNode x = graph_normalise_u8(graph, net->counters, low, high, mean, scale);
    const GraphNode parts[] = {graph_slice(graph, x, 0, 4),
                               graph_linear(graph, graph_slice(graph, x, 4, 6), 5, true, "counters.dense")};
    return graph_concat(graph, parts, 2);
}

void net_new(Net *net, uint64_t seed, float dropout) {
    CoreError error = {0};
    *net = (Net){0};
    ck_assert_int_eq(graph_new(64, seed, &net->graph, &error), CORE_OK);
    Graph *graph = net->graph;
    graph_set_threads(graph, 1);
    add_inputs(net);
    GraphNode branches[] = {token_branch(net), text_branch(net), dialog_branch(net), counter_branch(net)};
    for (uint32_t b = 0; b < 4; b++)
        branches[b] = graph_branch_dropout(graph, branches[b], dropout, b);
    net->hidden = graph_linear(graph, graph_concat(graph, branches, 4), 16, true, "hidden");
    net->logits = graph_linear(graph, graph_dropout(graph, net->hidden, dropout), NET_CLASSES, false, "out");
    graph_sigmoid_loss(graph, net->logits, net->targets, net->mask, net->weight, NULL, NULL);
    ck_assert_msg(graph_finish(graph, &error) == CORE_OK, "%s", error.text);
    OptimiserOptions options = optimiser_defaults();
    options.rate = 0.01f;
    options.schedule.warmup_steps = 3;
    options.schedule.total_steps = 400;
    options.schedule.final_fraction = 0.1f;
    ck_assert_msg(optimiser_new(graph, &options, &net->optimiser, &error) == CORE_OK, "%s", error.text);
}

void net_free(Net *net) {
    optimiser_free(net->optimiser);
    graph_free(net->graph);
}

void net_set_rows(Net *net, const NetRow *rows) {
    const struct {
        GraphNode node;
        const void *data;
    } inputs[] = {{net->tokens, rows->tokens},     {net->n_tokens, &rows->n_tokens},
                  {net->text, rows->text},         {net->n_text, &rows->n_text},
                  {net->events, rows->events},     {net->n_events, &rows->n_events},
                  {net->counters, rows->counters}, {net->targets, rows->targets},
                  {net->mask, rows->mask},         {net->weight, &rows->weight}};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        ck_assert_int_eq(graph_set_input(net->graph, inputs[i].node, inputs[i].data, sizeof *rows, NULL),
                         CORE_OK);
}

double net_train(Net *net, const NetRow rows[NET_ROWS], int first, int steps) {
    CoreError error = {0};
    for (int step = first; step < first + steps; step++) {
        net_set_rows(net, rows + step * 11 % (NET_ROWS - NET_BATCH));
        ck_assert_msg(graph_forward(net->graph, NET_BATCH, true, &error) == CORE_OK, "%s", error.text);
        ck_assert_msg(graph_backward(net->graph, &error) == CORE_OK, "%s", error.text);
        ck_assert_msg(optimiser_step(net->optimiser, NULL, &error) == CORE_OK, "%s", error.text);
    }
    return graph_loss(net->graph);
}
