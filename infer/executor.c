/* The forward pass of "sipcnn v1": one feature row to logits and novelty (docs/model-format.md, The network).
 * Relies on: engine/core (arena, model), engine/kernels, data/features/features.h.
 * Relied on by: infer/detector, sipcnn-bench, tests. */
#include "infer/executor.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/arena.h"
#include "engine/kernels/kernels.h"

/* Only the last position of the dialog branch is handed on. It depends on three positions of the second layer
 * and seven of the first, 4 and 2 apart: a pyramid, which is stored without its gaps. */
enum { PYRAMID_FIRST = 7, PYRAMID_SECOND = 3, PYRAMID_REACH = 12, PYRAMID_REACH_SECOND = 8 };

static const KernelBatch one = {.samples = 1};

/* The counters' dense layers, in the order of the head's inputs. */
enum { COUNTER_LAYERS = 4 };
static const struct {
    CoreModelGroup group;
    CoreModelTensor weights, bias;
} counter_layers[COUNTER_LAYERS] = {
    {CORE_GROUP_CLIENT, CORE_TENSOR_CLIENT, CORE_TENSOR_CLIENT_BIAS},
    {CORE_GROUP_ACCOUNT, CORE_TENSOR_ACCOUNT, CORE_TENSOR_ACCOUNT_BIAS},
    {CORE_GROUP_TARGET, CORE_TENSOR_TARGET, CORE_TENSOR_TARGET_BIAS},
    {CORE_GROUP_ALL, CORE_TENSOR_ALL, CORE_TENSOR_ALL_BIAS},
};

struct SipcnnExecutor {
    const CoreModel *model;
    const Kernels *kernels;
    CoreArena arena; /* behind every pointer below */
    int32_t token_offsets[CORE_MODEL_FIELDS_MAX + 1], event_offsets[CORE_MODEL_FIELDS_MAX + 1];
    float *token_first, *token_second; /* [T][C1] */
    float *token_third;                /* [T][C2] */
    float *text_first;                 /* [ceil(B / 2)][C3] */
    float *text_second;                /* [ceil(ceil(B / 2) / 2)][C4] */
    float *dialog_first;               /* [PYRAMID_FIRST][C5] */
    float *dialog_second;              /* [PYRAMID_SECOND][C5] */
    float *counters;                   /* [N], normalised, less what the neutral byte becomes */
    float *concat;                     /* [core_model_concat_width]; the message's inputs as in `counters` */
    float *hidden;                     /* [hidden] */
    /* Most counters of most keys are empty. What the neutral bytes give is worked out once, so that only the
     * weights of the others are read: */
    float *neutral;                        /* [N], what `low` and `high` make of the neutral bytes */
    float *counter_starts[COUNTER_LAYERS]; /* [units]: bias + neutral inputs x weights */
    float *hidden_start;                   /* [hidden], with the message's neutral inputs */
};

static int32_t half_up(int32_t length) {
    return (length + 1) / 2;
}

/* ceil(distance / step), at least 0. */
static int32_t steps_up(int32_t distance, int32_t step) {
    return distance > 0 ? (distance + step - 1) / step : 0;
}

static int32_t at_most(int32_t value, uint32_t limit) {
    return value < (int32_t)limit ? value : (int32_t)limit;
}

/* ---- set-up ---- */

static void fill_offsets(const uint32_t *vocabulary, uint32_t fields, int32_t *offsets) {
    for (uint32_t i = 0; i < fields; i++)
        offsets[i + 1] = offsets[i] + (int32_t)vocabulary[i];
}

static CoreStatus check_row(const CoreModelDims *dims, CoreError *error) {
    if (dims->token_positions == FEATURE_TOKENS && dims->token_fields == FEATURE_TOKEN_FIELDS &&
        dims->text_bytes == FEATURE_TEXT && dims->event_positions == FEATURE_EVENTS &&
        dims->event_fields == FEATURE_EVENT_FIELDS && dims->counters == FEATURE_COUNTERS)
        return CORE_OK;
    return core_fail(error, CORE_SHAPE, "the model's inputs do not have the dimensions of a feature row");
}

static uint32_t units_of(const CoreModel *model, CoreModelTensor bias) {
    return core_model_shape(&model->dims, bias).dims[0];
}

/* Where the message's own inputs begin in the head's. */
static size_t message_at(const CoreModelDims *dims) {
    return (size_t)dims->token_features + dims->text_features + dims->dialog_features;
}

/* The byte of counter `input` when its key is new: most are. Facts are 0, as feature_quantise's logarithms;
 * its ratios are 128. What is neutral decides about speed alone. */
static uint8_t neutral_byte(uint32_t input) {
    if (input < FEATURE_CLIENT_AT) return 0;
    return (input - FEATURE_CLIENT_AT) % FEATURE_PER_COUNTER < FEATURE_TAUS ? 0 : 128;
}

/* start[u] = bias[u] + the neutral inputs of a group x weights [inputs][units]. */
static void fill_start(const SipcnnExecutor *executor, CoreModelGroup group, const float *weights,
                       const float *bias, uint32_t units, float *start) {
    const CoreModel *model = executor->model;
    const CoreModelRange inputs = model->dims.groups[group];
    for (uint32_t u = 0; u < units; u++) {
        double sum = (double)bias[u];
        for (uint32_t i = 0; i < inputs.count; i++) {
            const uint32_t at = inputs.begin + i;
            const double input =
                ((double)executor->neutral[at] - (double)model->mean[at]) * (double)model->scale[at];
            sum += input * (double)weights[(size_t)i * units + u];
        }
        start[u] = (float)sum;
    }
}

static void fill_neutral(SipcnnExecutor *executor) {
    const CoreModel *model = executor->model;
    const CoreModelDims *dims = &model->dims;
    for (uint32_t i = 0; i < dims->counters; i++) {
        const float byte = neutral_byte(i), raised = byte > model->low[i] ? byte : model->low[i];
        executor->neutral[i] = raised < model->high[i] ? raised : model->high[i];
    }
    for (size_t i = 0; i < COUNTER_LAYERS; i++)
        fill_start(executor, counter_layers[i].group, model->weights[counter_layers[i].weights],
                   model->weights[counter_layers[i].bias], units_of(model, counter_layers[i].bias),
                   executor->counter_starts[i]);
    fill_start(executor, CORE_GROUP_MESSAGE,
               model->weights[CORE_TENSOR_HIDDEN] + message_at(dims) * dims->hidden,
               model->weights[CORE_TENSOR_HIDDEN_BIAS], dims->hidden, executor->hidden_start);
}

/* Points each buffer into the arena, or only adds up what they need if it has no memory yet. */
static size_t plan_buffers(SipcnnExecutor *executor) {
    const CoreModelDims *dims = &executor->model->dims;
    const uint32_t text = (dims->text_bytes + 1) / 2;
    const struct {
        float **buffer;
        size_t rows, columns;
    } buffers[] = {
        {&executor->token_first, dims->token_positions, dims->token_channels},
        {&executor->token_second, dims->token_positions, dims->token_channels},
        {&executor->token_third, dims->token_positions, dims->token_features},
        {&executor->text_first, text, dims->text_channels},
        {&executor->text_second, (text + 1) / 2, dims->text_features},
        {&executor->dialog_first, PYRAMID_FIRST, dims->dialog_features},
        {&executor->dialog_second, PYRAMID_SECOND, dims->dialog_features},
        {&executor->counters, 1, dims->counters},
        {&executor->concat, 1, core_model_concat_width(dims)},
        {&executor->hidden, 1, dims->hidden},
        {&executor->neutral, 1, dims->counters},
        {&executor->counter_starts[0], 1, dims->client_features},
        {&executor->counter_starts[1], 1, dims->account_features},
        {&executor->counter_starts[2], 1, dims->target_features},
        {&executor->counter_starts[3], 1, dims->all_features},
        {&executor->hidden_start, 1, dims->hidden},
    };
    size_t total = 0;
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        size_t count = buffers[i].rows * buffers[i].columns;
        total += core_arena_footprint(count, sizeof(float));
        if (executor->arena.base)
            *buffers[i].buffer = core_arena_take(&executor->arena, count, sizeof(float));
    }
    return total;
}

CoreStatus sipcnn_executor_new(const CoreModel *model, SipcnnExecutor **executor, CoreError *error) {
    CoreStatus status = check_row(&model->dims, error);
    if (status != CORE_OK) return status;
    SipcnnExecutor *made = calloc(1, sizeof *made);
    if (!made) return core_fail(error, CORE_MEMORY, "no memory for an executor");
    made->model = model;
    made->kernels = kernels_best();
    fill_offsets(model->dims.token_vocabulary, model->dims.token_fields, made->token_offsets);
    fill_offsets(model->dims.event_vocabulary, model->dims.event_fields, made->event_offsets);
    status = core_arena_new(&made->arena, plan_buffers(made), error);
    if (status != CORE_OK) {
        free(made);
        return status;
    }
    plan_buffers(made);
    fill_neutral(made);
    *executor = made;
    return CORE_OK;
}

void sipcnn_executor_free(SipcnnExecutor *executor) {
    if (!executor) return;
    core_arena_free(&executor->arena);
    free(executor);
}

/* ---- branches: each writes its features to `out` ---- */

static void run_tokens(SipcnnExecutor *executor, const FeatureRow *row, float *out) {
    const Kernels *kernels = executor->kernels;
    const CoreModelDims *dims = &executor->model->dims;
    const float *const *weights = executor->model->weights;
    const int32_t channels = (int32_t)dims->token_channels, features = (int32_t)dims->token_features;
    const KernelRange valid = {0, at_most(row->n_tokens, dims->token_positions)};
    const KernelLookup table = {.fields = (int32_t)dims->token_fields,
                                .offsets = executor->token_offsets,
                                .out_channels = channels,
                                .taps = 3,
                                .stride = 1,
                                .dilation = 1,
                                .left = 1,
                                .relu = true};
    const KernelConv1d depthwise = {channels, channels, .taps = 3, .stride = 1, .dilation = 1, .left = 1};
    const KernelConv1d pointwise = {channels, features, .taps = 1, .stride = 1, .dilation = 1, .relu = true};
    kernels->lookup_conv(&table, valid, valid, &row->tokens[0][0], weights[CORE_TENSOR_TOKEN_TABLE],
                         weights[CORE_TENSOR_TOKEN_BIAS], executor->token_first);
    kernels->depthwise_conv1d(&depthwise, valid, valid, executor->token_first,
                              weights[CORE_TENSOR_TOKEN_DEPTHWISE], weights[CORE_TENSOR_TOKEN_DEPTHWISE_BIAS],
                              executor->token_second);
    kernels->conv1d(&pointwise, &one, valid, valid, executor->token_second,
                    weights[CORE_TENSOR_TOKEN_POINTWISE], weights[CORE_TENSOR_TOKEN_POINTWISE_BIAS],
                    executor->token_third);
    kernels->max_pool(valid, features, executor->token_third, out, NULL);
}

static void run_text(SipcnnExecutor *executor, const FeatureRow *row, float *out) {
    static const int32_t offsets[] = {0, 256};
    const Kernels *kernels = executor->kernels;
    const CoreModelDims *dims = &executor->model->dims;
    const float *const *weights = executor->model->weights;
    const int32_t channels = (int32_t)dims->text_channels, features = (int32_t)dims->text_features;
    const KernelRange bytes = {0, at_most(row->n_text, dims->text_bytes)};
    const KernelRange first = {0, half_up(bytes.end)}, second = {0, half_up(first.end)};
    const KernelLookup table = {.fields = 1,
                                .offsets = offsets,
                                .out_channels = channels,
                                .taps = 5,
                                .stride = 2,
                                .dilation = 1,
                                .relu = true};
    const KernelConv1d conv = {channels, features, .taps = 3, .stride = 2, .dilation = 1, .relu = true};
    kernels->lookup_conv(&table, bytes, first, row->text, weights[CORE_TENSOR_TEXT_TABLE],
                         weights[CORE_TENSOR_TEXT_BIAS], executor->text_first);
    kernels->conv1d(&conv, &one, first, second, executor->text_first, weights[CORE_TENSOR_TEXT_CONV2],
                    weights[CORE_TENSOR_TEXT_CONV2_BIAS], executor->text_second);
    kernels->max_pool(second, features, executor->text_second, out, NULL);
}

/* With `last` the newest position, first-layer output j stands for position last - 12 + 2 j, second-layer
 * output i for last - 8 + 4 i. Read by these numbers the dilations vanish: i reads j = 2 i + tap, the last
 * layer reads i = tap. Outputs whose positions lie before the first event are zero. So a position of the last
 * two layers is a dense layer of three rows of the one before, half of which its ReLU made zero. */
static void run_dialog(SipcnnExecutor *executor, const FeatureRow *row, float *out) {
    const Kernels *kernels = executor->kernels;
    const CoreModelDims *dims = &executor->model->dims;
    const float *const *weights = executor->model->weights;
    const int32_t channels = (int32_t)dims->dialog_features, last = (int32_t)dims->event_positions - 1;
    const int32_t oldest = last + 1 - at_most(row->n_events, dims->event_positions);
    if (oldest > last) {
        memset(out, 0, (size_t)channels * sizeof *out);
        return;
    }
    const KernelRange events = {oldest, last + 1};
    const KernelRange first = {steps_up(oldest - (last - PYRAMID_REACH), 2), PYRAMID_FIRST};
    const KernelRange second = {steps_up(oldest - (last - PYRAMID_REACH_SECOND), 4), PYRAMID_SECOND};
    const KernelLookup table = {.fields = (int32_t)dims->event_fields,
                                .offsets = executor->event_offsets,
                                .out_channels = channels,
                                .taps = 3,
                                .stride = 2,
                                .dilation = 1,
                                .left = PYRAMID_REACH + 2 - last,
                                .relu = true};
    kernels->lookup_conv(&table, events, first, &row->events[0][0], weights[CORE_TENSOR_DIALOG_TABLE],
                         weights[CORE_TENSOR_DIALOG_BIAS], executor->dialog_first);
    memset(executor->dialog_first, 0, (size_t)(first.begin * channels) * sizeof(float));
    memset(executor->dialog_second, 0, (size_t)(second.begin * channels) * sizeof(float));
    for (int32_t i = second.begin; i < second.end; i++)
        kernels->sparse(3 * channels, channels, executor->dialog_first + 2 * i * channels,
                        weights[CORE_TENSOR_DIALOG_CONV2], weights[CORE_TENSOR_DIALOG_CONV2_BIAS], true,
                        executor->dialog_second + i * channels);
    kernels->sparse(3 * channels, channels, executor->dialog_second, weights[CORE_TENSOR_DIALOG_CONV3],
                    weights[CORE_TENSOR_DIALOG_CONV3_BIAS], true, out);
}

static void run_counters(SipcnnExecutor *executor, const FeatureRow *row, float *out) {
    const Kernels *kernels = executor->kernels;
    const CoreModel *model = executor->model;
    kernels->normalise_u8((int32_t)model->dims.counters, row->counters, model->low, model->high,
                          executor->neutral, model->scale, executor->counters);
    const CoreModelRange message = model->dims.groups[CORE_GROUP_MESSAGE];
    memcpy(out, executor->counters + message.begin, message.count * sizeof *out);
    out += message.count;
    for (size_t i = 0; i < COUNTER_LAYERS; i++) {
        const CoreModelRange inputs = model->dims.groups[counter_layers[i].group];
        const uint32_t units = units_of(model, counter_layers[i].bias);
        kernels->sparse((int32_t)inputs.count, (int32_t)units, executor->counters + inputs.begin,
                        model->weights[counter_layers[i].weights], executor->counter_starts[i], true, out);
        out += units;
    }
}

/* ---- head ---- */

/* Squared distance of h to one centre, weighted by the inverse variances. Sixteen independent sums in a fixed
 * order, so that the compiler may vectorise them without changing a bit. */
static float distance(size_t count, const float *h, const float *centre, const float *inverse_variance) {
    enum { LANES = 16 };
    float sums[LANES] = {0};
    size_t j = 0;
    for (; j + LANES <= count; j += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const float difference = h[j + lane] - centre[j + lane];
            sums[lane] += difference * difference * inverse_variance[j + lane];
        }
    for (; j < count; j++) {
        const float difference = h[j] - centre[j];
        sums[j % LANES] += difference * difference * inverse_variance[j];
    }
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; lane++)
            sums[lane] += sums[lane + half];
    return sums[0];
}

static float novelty_of(const CoreModel *model, const float *h) {
    const size_t hidden = model->dims.hidden;
    float least = 0;
    bool found = false;
    for (size_t c = 0; c <= model->dims.classes; c++) {
        if (!model->centre_known[c]) continue;
        const float value = distance(hidden, h, model->centres + c * hidden, model->inverse_variance);
        if (!found || value < least) least = value;
        found = true;
    }
    return least / (float)hidden;
}

static void run_branches(SipcnnExecutor *executor, const FeatureRow *row, unsigned skipped) {
    const CoreModelDims *dims = &executor->model->dims;
    const size_t width = core_model_concat_width(dims);
    const size_t text = dims->token_features, dialog = text + dims->text_features;
    float *concat = executor->concat;
    if (skipped) memset(concat, 0, width * sizeof *concat);
    if (!(skipped & SIPCNN_SKIP_TOKENS)) run_tokens(executor, row, concat);
    if (!(skipped & SIPCNN_SKIP_TEXT)) run_text(executor, row, concat + text);
    if (!(skipped & SIPCNN_SKIP_DIALOG)) run_dialog(executor, row, concat + dialog);
    if (!(skipped & SIPCNN_SKIP_COUNTERS)) run_counters(executor, row, concat + message_at(dims));
}

void sipcnn_executor_run(SipcnnExecutor *executor, const FeatureRow *row, unsigned skipped_branches,
                         float *logits, float *novelty) {
    const CoreModel *model = executor->model;
    const int32_t width = (int32_t)core_model_concat_width(&model->dims),
                  hidden = (int32_t)model->dims.hidden;
    const bool counters = !(skipped_branches & SIPCNN_SKIP_COUNTERS);
    run_branches(executor, row, skipped_branches);
    executor->kernels->sparse(width, hidden, executor->concat, model->weights[CORE_TENSOR_HIDDEN],
                              counters ? executor->hidden_start : model->weights[CORE_TENSOR_HIDDEN_BIAS],
                              true, executor->hidden);
    executor->kernels->sparse(hidden, (int32_t)model->dims.classes, executor->hidden,
                              model->weights[CORE_TENSOR_OUTPUT], model->weights[CORE_TENSOR_OUTPUT_BIAS],
                              false, logits);
    *novelty = novelty_of(model, executor->hidden);
}
