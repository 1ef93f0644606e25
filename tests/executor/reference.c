/* The network of docs/model-format.md in double precision, word by word and without any short cut.
 * Relies on: engine/core/model.h, data/features/features.h.
 * Relied on by: tests/executor. */
#include "tests/executor/reference.h"

#include <stdbool.h>
#include <string.h>

#include "infer/executor.h"

enum { LENGTH_MAX = 256, CHANNELS_MAX = 64, WIDTH_MAX = 1024 };

/* A sequence whose positions outside begin .. end are zero. */
typedef struct Sequence {
    double at[LENGTH_MAX][CHANNELS_MAX];
    long begin, end;
} Sequence;

static double relu(double value) {
    return value > 0 ? value : 0;
}

static double value_at(const Sequence *x, long position, unsigned channel) {
    return position >= x->begin && position < x->end ? x->at[position][channel] : 0;
}

/* y[t][o] of a convolution whose tap k sees position t * stride + k * dilation - left. */
static void convolve(const Sequence *x, unsigned in, unsigned out, long taps, long stride, long dilation,
                     long left, const float *weights, const float *bias, Sequence *y) {
    for (long t = y->begin; t < y->end; t++)
        for (unsigned o = 0; o < out; o++) {
            double sum = bias[o];
            for (long k = 0; k < taps; k++)
                for (unsigned i = 0; i < in; i++)
                    sum += value_at(x, t * stride + k * dilation - left, i) *
                           weights[((size_t)k * in + i) * out + o];
            y->at[t][o] = relu(sum);
        }
}

/* The same for ids: a valid position adds the rows that its fields choose. */
static void look_up(const uint8_t *ids, long begin, long end, const uint32_t *vocabulary, unsigned fields,
                    unsigned out, long taps, long stride, long left, const float *table, const float *bias,
                    Sequence *y) {
    size_t rows = 0;
    for (unsigned f = 0; f < fields; f++)
        rows += vocabulary[f];
    for (long t = y->begin; t < y->end; t++)
        for (unsigned o = 0; o < out; o++) {
            double sum = bias[o];
            for (long k = 0; k < taps; k++) {
                long position = t * stride + k - left;
                if (position < begin || position >= end) continue;
                size_t offset = 0;
                for (unsigned f = 0; f < fields; offset += vocabulary[f++]) {
                    size_t row = offset + ids[(size_t)position * fields + f];
                    sum += table[((size_t)k * rows + row) * out + o];
                }
            }
            y->at[t][o] = relu(sum);
        }
}

static void pool(const Sequence *x, unsigned channels, double *out) {
    for (unsigned c = 0; c < channels; c++) {
        out[c] = 0;
        for (long t = x->begin; t < x->end; t++)
            if (x->at[t][c] > out[c]) out[c] = x->at[t][c]; /* all are >= 0 */
    }
}

static void tokens(const CoreModel *model, const FeatureRow *row, double *out) {
    static Sequence first, second, third;
    const CoreModelDims *d = &model->dims;
    const float *const *w = model->weights;
    first.begin = second.begin = third.begin = 0;
    first.end = second.end = third.end = row->n_tokens;
    look_up(&row->tokens[0][0], 0, row->n_tokens, d->token_vocabulary, d->token_fields, d->token_channels, 3,
            1, 1, w[CORE_TENSOR_TOKEN_TABLE], w[CORE_TENSOR_TOKEN_BIAS], &first);
    for (long t = 0; t < row->n_tokens; t++)
        for (unsigned c = 0; c < d->token_channels; c++) {
            double sum = w[CORE_TENSOR_TOKEN_DEPTHWISE_BIAS][c];
            for (long k = 0; k < 3; k++)
                sum += value_at(&first, t + k - 1, c) *
                       w[CORE_TENSOR_TOKEN_DEPTHWISE][(size_t)k * d->token_channels + c];
            second.at[t][c] = sum;
        }
    convolve(&second, d->token_channels, d->token_features, 1, 1, 1, 0, w[CORE_TENSOR_TOKEN_POINTWISE],
             w[CORE_TENSOR_TOKEN_POINTWISE_BIAS], &third);
    pool(&third, d->token_features, out);
}

static void text(const CoreModel *model, const FeatureRow *row, double *out) {
    static Sequence first, second;
    static const uint32_t vocabulary[] = {256};
    const CoreModelDims *d = &model->dims;
    const float *const *w = model->weights;
    first.begin = second.begin = 0;
    first.end = (row->n_text + 1) / 2;
    second.end = (first.end + 1) / 2;
    look_up(row->text, 0, row->n_text, vocabulary, 1, d->text_channels, 5, 2, 0, w[CORE_TENSOR_TEXT_TABLE],
            w[CORE_TENSOR_TEXT_BIAS], &first);
    convolve(&first, d->text_channels, d->text_features, 3, 2, 1, 0, w[CORE_TENSOR_TEXT_CONV2],
             w[CORE_TENSOR_TEXT_CONV2_BIAS], &second);
    pool(&second, d->text_features, out);
}

static void dialog(const CoreModel *model, const FeatureRow *row, double *out) {
    static Sequence first, second, third;
    const CoreModelDims *d = &model->dims;
    const float *const *w = model->weights;
    const unsigned channels = d->dialog_features;
    const long length = d->event_positions, begin = length - row->n_events;
    first.begin = second.begin = third.begin = begin;
    first.end = second.end = third.end = length;
    look_up(&row->events[0][0], begin, length, d->event_vocabulary, d->event_fields, channels, 3, 1, 2,
            w[CORE_TENSOR_DIALOG_TABLE], w[CORE_TENSOR_DIALOG_BIAS], &first);
    convolve(&first, channels, channels, 3, 1, 2, 4, w[CORE_TENSOR_DIALOG_CONV2],
             w[CORE_TENSOR_DIALOG_CONV2_BIAS], &second);
    convolve(&second, channels, channels, 3, 1, 4, 8, w[CORE_TENSOR_DIALOG_CONV3],
             w[CORE_TENSOR_DIALOG_CONV3_BIAS], &third);
    for (unsigned c = 0; c < channels; c++)
        out[c] = value_at(&third, length - 1, c);
}

static void dense(const double *x, unsigned in, unsigned out, const float *weights, const float *bias,
                  bool rectify, double *y) {
    for (unsigned o = 0; o < out; o++) {
        double sum = bias[o];
        for (unsigned i = 0; i < in; i++)
            sum += x[i] * weights[(size_t)i * out + o];
        y[o] = rectify ? relu(sum) : sum;
    }
}

static void counters(const CoreModel *model, const FeatureRow *row, double *out) {
    static double x[4096];
    const CoreModelDims *d = &model->dims;
    const float *const *w = model->weights;
    for (unsigned i = 0; i < d->counters; i++) {
        double value = row->counters[i];
        if (value < model->low[i]) value = model->low[i];
        if (value > model->high[i]) value = model->high[i];
        x[i] = (value - model->mean[i]) * model->scale[i];
    }
    for (unsigned i = 0; i < d->groups[0].count; i++)
        *out++ = x[d->groups[0].begin + i];
    dense(x + d->groups[1].begin, d->groups[1].count, d->client_features, w[CORE_TENSOR_CLIENT],
          w[CORE_TENSOR_CLIENT_BIAS], true, out);
    out += d->client_features;
    dense(x + d->groups[2].begin, d->groups[2].count, d->account_features, w[CORE_TENSOR_ACCOUNT],
          w[CORE_TENSOR_ACCOUNT_BIAS], true, out);
    out += d->account_features;
    dense(x + d->groups[3].begin, d->groups[3].count, d->target_features, w[CORE_TENSOR_TARGET],
          w[CORE_TENSOR_TARGET_BIAS], true, out);
    out += d->target_features;
    dense(x + d->groups[4].begin, d->groups[4].count, d->all_features, w[CORE_TENSOR_ALL],
          w[CORE_TENSOR_ALL_BIAS], true, out);
}

static double novelty(const CoreModel *model, const double *h) {
    const unsigned hidden = model->dims.hidden;
    double least = -1;
    for (unsigned c = 0; c <= model->dims.classes; c++) {
        double sum = 0;
        if (!model->centre_known[c]) continue;
        for (unsigned j = 0; j < hidden; j++) {
            double difference = h[j] - model->centres[c * hidden + j];
            sum += difference * difference * model->inverse_variance[j];
        }
        if (least < 0 || sum < least) least = sum;
    }
    return least < 0 ? 0 : least / hidden;
}

void reference_run(const CoreModel *model, const FeatureRow *row, unsigned skipped, ReferenceResult *result) {
    static double concat[WIDTH_MAX], hidden[WIDTH_MAX];
    const CoreModelDims *d = &model->dims;
    double *at = concat;
    memset(concat, 0, sizeof concat);
    if (!(skipped & SIPCNN_SKIP_TOKENS)) tokens(model, row, at);
    at += d->token_features;
    if (!(skipped & SIPCNN_SKIP_TEXT)) text(model, row, at);
    at += d->text_features;
    if (!(skipped & SIPCNN_SKIP_DIALOG)) dialog(model, row, at);
    at += d->dialog_features;
    if (!(skipped & SIPCNN_SKIP_COUNTERS)) counters(model, row, at);
    at +=
        d->groups[0].count + d->client_features + d->account_features + d->target_features + d->all_features;
    dense(concat, (unsigned)(at - concat), d->hidden, model->weights[CORE_TENSOR_HIDDEN],
          model->weights[CORE_TENSOR_HIDDEN_BIAS], true, hidden);
    dense(hidden, d->hidden, d->classes, model->weights[CORE_TENSOR_OUTPUT],
          model->weights[CORE_TENSOR_OUTPUT_BIAS], false, result->logits);
    result->novelty = novelty(model, hidden);
}
