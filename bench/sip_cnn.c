/* The SIP CNN itself: steps of its training, and the sensor's forward pass, on rows of random bytes.
 * Relies on: train/model.h, infer/executor.h, engine.
 * Relied on by: bench/kernels_command.c. */
#include "bench/sip_cnn.h"

#include "engine/optimiser.h"
#include "engine/rng.h"
#include "infer/executor.h"
#include "train/model.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES = 11, ROWS = BENCH_SIP_BATCH, SEED = 1 };

/* Uses of the seed. */
enum {
    STREAM_TOKENS = 2000,
    STREAM_EVENTS,
    STREAM_TEXT,
    STREAM_COUNTERS,
    STREAM_LENGTHS,
    STREAM_TARGETS,
    STREAM_WEIGHTS
};

typedef struct SipCnn {
    FeatureRow rows[ROWS];
    float targets[ROWS * CLASSES], mask[ROWS * CLASSES], weights[ROWS];
    TrainNorm norm;
    TrainModel training;
    Optimiser *optimiser;
    CoreModel model; /* of the executor */
    float *values;   /* its weights and centres */
    SipcnnExecutor *executor;
} SipCnn;

static uint8_t draw(uint32_t stream, uint32_t row, uint32_t index, uint32_t bound) {
    return (uint8_t)rng_below(bound, SEED, stream, row, index);
}

static void draw_rows(SipCnn *cnn) {
    for (uint32_t r = 0; r < ROWS; r++) {
        FeatureRow *row = &cnn->rows[r];
        for (uint32_t i = 0; i < sizeof row->tokens; i++)
            (&row->tokens[0][0])[i] =
                draw(STREAM_TOKENS, r, i, feature_token_vocabulary[i % FEATURE_TOKEN_FIELDS]);
        for (uint32_t i = 0; i < sizeof row->events; i++)
            (&row->events[0][0])[i] =
                draw(STREAM_EVENTS, r, i, feature_event_vocabulary[i % FEATURE_EVENT_FIELDS]);
        for (uint32_t i = 0; i < sizeof row->text; i++)
            row->text[i] = draw(STREAM_TEXT, r, i, FEATURE_TEXT_SYMBOLS);
        for (uint32_t i = 0; i < sizeof row->counters; i++)
            row->counters[i] = draw(STREAM_COUNTERS, r, i, 256);
        row->n_tokens = (uint8_t)(16 + draw(STREAM_LENGTHS, r, 0, FEATURE_TOKENS - 15));
        row->n_events = (uint8_t)(1 + draw(STREAM_LENGTHS, r, 1, FEATURE_EVENTS));
        row->n_text = draw(STREAM_LENGTHS, r, 2, 65);
        cnn->weights[r] = 1;
        for (uint32_t c = 0; c < CLASSES; c++) {
            cnn->targets[r * CLASSES + c] = c == draw(STREAM_TARGETS, r, 0, CLASSES + 1);
            cnn->mask[r * CLASSES + c] = 1;
        }
    }
    for (int i = 0; i < FEATURE_COUNTERS; i++) {
        cnn->norm.high[i] = 255;
        cnn->norm.mean[i] = 128;
        cnn->norm.scale[i] = 1.f / 64;
    }
}

/* Dropout as sipcnn-train has it by default. */
static CoreStatus make_training(SipCnn *cnn, CoreError *error) {
    const CoreModelDims dims = train_model_dims(CLASSES);
    const TrainModelOptions options = {.max_batch = ROWS,
                                       .seed = SEED,
                                       .branch_dropout = {.3f, .1f, .3f, .4f},
                                       .group_dropout = .2f,
                                       .input_dropout = .3f,
                                       .hidden_dropout = .3f};
    const TrainBatch batch = {cnn->rows, cnn->targets, cnn->mask, cnn->weights};
    OptimiserOptions adam = optimiser_defaults();
    adam.rate = 1e-6f; /* nothing is to be learned by heart here */
    CoreStatus status = train_model_new(&dims, &cnn->norm, &options, &cnn->training, error);
    if (status == CORE_OK) status = train_model_bind(&cnn->training, &batch, error);
    return status ? status : optimiser_new(cnn->training.graph, &adam, &cnn->optimiser, error);
}

static CoreStatus make_executor(SipCnn *cnn, CoreError *error) {
    CoreModel *model = &cnn->model;
    model->dims = train_model_dims(CLASSES);
    const size_t hidden = model->dims.hidden;
    size_t total = (CLASSES + 2) * hidden;
    for (int t = 0; t < CORE_TENSORS; t++)
        total += core_model_elements(&model->dims, (CoreModelTensor)t);
    float *next = cnn->values = malloc(total * sizeof *next);
    if (!next) return core_fail(error, CORE_MEMORY, "out of memory");
    for (size_t i = 0; i < total; i++)
        next[i] = .2f * rng_uniform(SEED, STREAM_WEIGHTS, 0, (uint32_t)i) - .1f;
    for (int t = 0; t < CORE_TENSORS; t++) {
        model->weights[t] = next;
        next += core_model_elements(&model->dims, (CoreModelTensor)t);
    }
    model->centres = next;
    model->inverse_variance = next + (CLASSES + 1) * hidden;
    for (int c = 0; c <= CLASSES; c++)
        model->centre_known[c] = 1;
    model->low = cnn->norm.low;
    model->high = cnn->norm.high;
    model->mean = cnn->norm.mean;
    model->scale = cnn->norm.scale;
    return sipcnn_executor_new(model, &cnn->executor, error);
}

/* ---- work ---- */

/* Training on one number of threads. */
typedef struct Training {
    SipCnn *cnn;
    int threads;
} Training;

static CoreStatus train(void *job, uint32_t count, double *seconds, CoreError *error) {
    const Training *training = job;
    Graph *graph = training->cnn->training.graph;
    CoreStatus status = CORE_OK;
    graph_set_threads(graph, training->threads);
    const uint64_t begin = bench_now_ns();
    for (uint32_t i = 0; status == CORE_OK && i < count; i++) {
        status = graph_forward(graph, ROWS, true, error);
        if (status == CORE_OK) status = graph_backward(graph, error);
        if (status == CORE_OK) status = optimiser_step(training->cnn->optimiser, NULL, error);
    }
    *seconds = bench_seconds_since(begin);
    return status;
}

static CoreStatus forward(void *job, uint32_t count, double *seconds, CoreError *error) {
    SipCnn *cnn = job;
    float logits[CORE_MODEL_CLASSES_MAX], novelty;
    (void)error;
    const uint64_t begin = bench_now_ns();
    for (uint32_t i = 0; i < count; i++)
        sipcnn_executor_run(cnn->executor, &cnn->rows[i % ROWS], 0, logits, &novelty);
    *seconds = bench_seconds_since(begin);
    return CORE_OK;
}

static CoreStatus take_turns(SipCnn *cnn, int rounds, double sample, BenchSipCnn *result, CoreError *error) {
    enum { ALL = BENCH_SIP_THREADS + 1 };
    Training training[BENCH_SIP_THREADS];
    BenchTurns turns[ALL] = {[BENCH_SIP_THREADS] = {.run = forward, .job = cnn}};
    CoreStatus status = CORE_OK;
    for (int t = 0; t < BENCH_SIP_THREADS; t++) {
        training[t] = (Training){cnn, t + 1};
        turns[t] = (BenchTurns){.run = train, .job = &training[t]};
    }
    for (int i = 0; status == CORE_OK && i < ALL; i++)
        status = bench_turns_calibrate(&turns[i], sample, error);
    for (int i = 0; status == CORE_OK && i < ALL * rounds; i++)
        status = bench_turns_take(&turns[i % ALL], error);
    for (int t = 0; t < BENCH_SIP_THREADS; t++)
        result->training[t] = turns[t].seconds;
    result->forward = turns[BENCH_SIP_THREADS].seconds;
    return status;
}

CoreStatus bench_sip_cnn(int rounds, double sample, BenchSipCnn *result, CoreError *error) {
    SipCnn *cnn = calloc(1, sizeof *cnn);
    if (!cnn) return core_fail(error, CORE_MEMORY, "out of memory");
    draw_rows(cnn);
    CoreStatus status = make_training(cnn, error);
    if (status == CORE_OK) status = make_executor(cnn, error);
    if (status == CORE_OK) status = take_turns(cnn, rounds, sample, result, error);
    sipcnn_executor_free(cnn->executor);
    optimiser_free(cnn->optimiser);
    train_model_free(&cnn->training);
    free(cnn->values);
    free(cnn);
    return status;
}
