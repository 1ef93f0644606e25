/* The SIP CNN as a graph: four branches, a head, the loss.
 * Relies on: engine.
 * Relied on by: train. */
#include "train/model.h"

#include <stddef.h>

CoreModelDims train_model_dims(uint32_t classes) {
    CoreModelDims dims = {
        .token_positions = FEATURE_TOKENS,
        .token_fields = FEATURE_TOKEN_FIELDS,
        .token_embedding = 12,
        .token_channels = 48,
        .token_features = 64,
        .text_bytes = FEATURE_TEXT,
        .text_embedding = 12,
        .text_channels = 48,
        .text_features = 96,
        .event_positions = FEATURE_EVENTS,
        .event_fields = FEATURE_EVENT_FIELDS,
        .event_embedding = 12,
        .dialog_features = 48,
        .counters = FEATURE_COUNTERS,
        .client_features = 64,
        .account_features = 32,
        .target_features = 48,
        .all_features = 16,
        .hidden = 128,
        .classes = classes,
    };
    for (int f = 0; f < FEATURE_TOKEN_FIELDS; f++)
        dims.token_vocabulary[f] = feature_token_vocabulary[f];
    for (int f = 0; f < FEATURE_EVENT_FIELDS; f++)
        dims.event_vocabulary[f] = feature_event_vocabulary[f];
    for (int g = 0; g < FEATURE_GROUPS; g++)
        dims.groups[g] = (CoreModelRange){feature_group_begin[g],
                                          (uint32_t)(feature_group_begin[g + 1] - feature_group_begin[g])};
    return dims;
}

static CoreStatus check_dims(const CoreModelDims *dims, CoreError *error) {
    CoreStatus status = core_model_dims_check(dims, error);
    if (status) return status;
    CoreModelDims spec = train_model_dims(dims->classes);
    bool same = dims->token_positions == spec.token_positions && dims->token_fields == spec.token_fields &&
                dims->text_bytes == spec.text_bytes && dims->event_positions == spec.event_positions &&
                dims->event_fields == spec.event_fields && dims->counters == spec.counters;
    for (int f = 0; f < FEATURE_TOKEN_FIELDS; f++)
        same = same && dims->token_vocabulary[f] == spec.token_vocabulary[f];
    for (int f = 0; f < FEATURE_EVENT_FIELDS; f++)
        same = same && dims->event_vocabulary[f] == spec.event_vocabulary[f];
    for (int g = 0; g < FEATURE_GROUPS; g++)
        same = same && dims->groups[g].begin == spec.groups[g].begin &&
               dims->groups[g].count == spec.groups[g].count;
    return same ? CORE_OK
                : core_fail(error, CORE_SHAPE, "the network's inputs are not those of this feature spec");
}

/* Tokens [T, F] -> [token_features]: embedding, convolution, depthwise-separable convolution, maximum. */
static GraphNode token_branch(TrainModel *model) {
    const CoreModelDims *dims = &model->dims;
    Graph *graph = model->graph;
    model->tokens = graph_input_u8(
        graph, "input_tokens", graph_sequence((int32_t)dims->token_positions, (int32_t)dims->token_fields));
    model->n_tokens = graph_input_u8(graph, "input_n_tokens", graph_vector(1));
    GraphMask mask = {.lengths = model->n_tokens};
    GraphNode x = graph_embed(graph, model->tokens, feature_token_vocabulary, (int32_t)dims->token_embedding,
                              &mask, "token_embedding");
    GraphConv1d first = {.out_channels = (int32_t)dims->token_channels,
                         .taps = 3,
                         .padding = GRAPH_SAME,
                         .relu = true,
                         .mask = &mask};
    x = graph_conv1d(graph, x, &first, "token");
    GraphConv1d depthwise = {.taps = 3, .padding = GRAPH_SAME, .mask = &mask};
    x = graph_depthwise_conv1d(graph, x, &depthwise, "token_depthwise");
    GraphConv1d pointwise = {.out_channels = (int32_t)dims->token_features,
                             .taps = 1,
                             .padding = GRAPH_SAME,
                             .relu = true,
                             .mask = &mask};
    x = graph_conv1d(graph, x, &pointwise, "token_pointwise");
    return graph_max_pool(graph, x, &mask);
}

/* Bytes [B] -> [text_features]: embedding, two strided convolutions, maximum. */
static GraphNode text_branch(TrainModel *model) {
    const CoreModelDims *dims = &model->dims;
    Graph *graph = model->graph;
    model->text = graph_input_u8(graph, "input_text", graph_sequence((int32_t)dims->text_bytes, 1));
    model->n_text = graph_input_u8(graph, "input_n_text", graph_vector(1));
    GraphMask bytes = {.lengths = model->n_text};
    GraphMask half = {.lengths = model->n_text, .stride = 2};
    GraphMask quarter = {.lengths = model->n_text, .stride = 4};
    static const uint16_t vocabulary[1] = {FEATURE_TEXT_SYMBOLS};
    GraphNode x =
        graph_embed(graph, model->text, vocabulary, (int32_t)dims->text_embedding, &bytes, "text_embedding");
    GraphConv1d first = {.out_channels = (int32_t)dims->text_channels,
                         .taps = 5,
                         .stride = 2,
                         .padding = GRAPH_TAIL,
                         .relu = true,
                         .mask = &half};
    x = graph_conv1d(graph, x, &first, "text");
    GraphConv1d second = {.out_channels = (int32_t)dims->text_features,
                          .taps = 3,
                          .stride = 2,
                          .padding = GRAPH_TAIL,
                          .relu = true,
                          .mask = &quarter};
    x = graph_conv1d(graph, x, &second, "text_conv2");
    return graph_max_pool(graph, x, &quarter);
}

/* Events [H, G] -> [dialog_features]: causal convolutions with dilations 1, 2, 4; the newest position. */
static GraphNode dialog_branch(TrainModel *model) {
    const CoreModelDims *dims = &model->dims;
    Graph *graph = model->graph;
    model->events = graph_input_u8(
        graph, "input_events", graph_sequence((int32_t)dims->event_positions, (int32_t)dims->event_fields));
    model->n_events = graph_input_u8(graph, "input_n_events", graph_vector(1));
    GraphMask mask = {.lengths = model->n_events, .at_end = true};
    GraphNode x = graph_embed(graph, model->events, feature_event_vocabulary, (int32_t)dims->event_embedding,
                              &mask, "dialog_embedding");
    static const char *const names[] = {"dialog", "dialog_conv2", "dialog_conv3"};
    for (int layer = 0; layer < 3; layer++) {
        GraphConv1d conv = {.out_channels = (int32_t)dims->dialog_features,
                            .taps = 3,
                            .dilation = 1 << layer,
                            .padding = GRAPH_CAUSAL,
                            .relu = true,
                            .mask = &mask};
        x = graph_conv1d(graph, x, &conv, names[layer]);
    }
    return graph_last(graph, x);
}

/* Counters [N] -> scalars of the message and a dense layer for each other group, side by side. */
static GraphNode counter_branch(TrainModel *model, const TrainNorm *norm, const TrainModelOptions *options) {
    const CoreModelDims *dims = &model->dims;
    Graph *graph = model->graph;
    model->counters = graph_input_u8(graph, "input_counters", graph_vector((int32_t)dims->counters));
    GraphNode x = graph_normalise_u8(graph, model->counters, norm->low, norm->high, norm->mean, norm->scale);
    if (options->input_dropout > 0) x = graph_dropout(graph, x, options->input_dropout);
    GraphNode parts[CORE_GROUPS];
    for (int g = 0; g < CORE_GROUPS; g++)
        parts[g] = graph_slice(graph, x, (int32_t)dims->groups[g].begin, (int32_t)dims->groups[g].count);
    parts[CORE_GROUP_CLIENT] =
        graph_linear(graph, parts[CORE_GROUP_CLIENT], (int32_t)dims->client_features, true, "client");
    parts[CORE_GROUP_ACCOUNT] =
        graph_linear(graph, parts[CORE_GROUP_ACCOUNT], (int32_t)dims->account_features, true, "account");
    parts[CORE_GROUP_TARGET] =
        graph_linear(graph, parts[CORE_GROUP_TARGET], (int32_t)dims->target_features, true, "target");
    parts[CORE_GROUP_ALL] =
        graph_linear(graph, parts[CORE_GROUP_ALL], (int32_t)dims->all_features, true, "all");
    for (int g = 0; g < CORE_GROUPS && options->group_dropout > 0; g++)
        parts[g] =
            graph_branch_dropout(graph, parts[g], options->group_dropout, (uint32_t)(TRAIN_BRANCHES + g));
    return graph_concat(graph, parts, CORE_GROUPS);
}

static void head(TrainModel *model, const GraphNode branches[TRAIN_BRANCHES],
                 const TrainModelOptions *options) {
    Graph *graph = model->graph;
    int32_t classes = (int32_t)model->dims.classes;
    GraphNode dropped[TRAIN_BRANCHES];
    for (int b = 0; b < TRAIN_BRANCHES; b++)
        dropped[b] = options->branch_dropout[b] > 0
                         ? graph_branch_dropout(graph, branches[b], options->branch_dropout[b], (uint32_t)b)
                         : branches[b];
    GraphNode x = graph_concat(graph, dropped, TRAIN_BRANCHES);
    model->hidden = x = graph_linear(graph, x, (int32_t)model->dims.hidden, true, "hidden");
    if (options->hidden_dropout > 0) x = graph_dropout(graph, x, options->hidden_dropout);
    model->logits = graph_linear(graph, x, classes, false, "output");
    model->targets = graph_input_f32(graph, "input_targets", graph_vector(classes));
    model->mask = graph_input_f32(graph, "input_mask", graph_vector(classes));
    model->weights = graph_input_f32(graph, "input_weights", graph_vector(1));
    graph_sigmoid_loss(graph, model->logits, model->targets, model->mask, model->weights,
                       options->positive_weights, NULL);
}

CoreStatus train_model_new(const CoreModelDims *dims, const TrainNorm *norm, const TrainModelOptions *options,
                           TrainModel *model, CoreError *error) {
    *model = (TrainModel){.dims = *dims};
    CoreStatus status = check_dims(dims, error);
    if (status) return status;
    status = graph_new(options->max_batch, options->seed, &model->graph, error);
    if (status) return status;
    GraphNode branches[TRAIN_BRANCHES];
    branches[TRAIN_BRANCH_TOKENS] = token_branch(model);
    branches[TRAIN_BRANCH_TEXT] = text_branch(model);
    branches[TRAIN_BRANCH_DIALOG] = dialog_branch(model);
    branches[TRAIN_BRANCH_COUNTERS] = counter_branch(model, norm, options);
    head(model, branches, options);
    status = graph_finish(model->graph, error);
    if (status) train_model_free(model);
    return status;
}

void train_model_free(TrainModel *model) {
    graph_free(model->graph);
    model->graph = NULL;
}

CoreStatus train_model_bind(TrainModel *model, const TrainBatch *batch, CoreError *error) {
    const FeatureRow *row = batch->rows;
    size_t classes = model->dims.classes;
    const struct {
        GraphNode node;
        const void *data;
        size_t pitch;
    } inputs[] = {
        {model->tokens, row->tokens, sizeof *row},
        {model->n_tokens, &row->n_tokens, sizeof *row},
        {model->text, row->text, sizeof *row},
        {model->n_text, &row->n_text, sizeof *row},
        {model->events, row->events, sizeof *row},
        {model->n_events, &row->n_events, sizeof *row},
        {model->counters, row->counters, sizeof *row},
        {model->targets, batch->targets, classes * sizeof(float)},
        {model->mask, batch->mask, classes * sizeof(float)},
        {model->weights, batch->weights, sizeof(float)},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        CoreStatus status =
            graph_set_input(model->graph, inputs[i].node, inputs[i].data, inputs[i].pitch, error);
        if (status) return status;
    }
    return CORE_OK;
}
