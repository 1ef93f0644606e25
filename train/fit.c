/* The training loop.
 * Relies on: engine, train/sampler.h, train/metrics.h.
 * Relied on by: sipcnn-train, tests. */
#include "train/fit.h"

#include "engine/rng.h"
#include "train/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- set-up ---- */

static CoreStatus begin_state(TrainFit *fit, CoreError *error) {
    TrainCheckpoint *state = fit->state;
    CoreStatus status = train_checkpoint_allocate(state, graph_state(fit->model.graph).count, error);
    if (status) return status;
    GraphState graph = graph_state(fit->model.graph);
    memcpy(state->arrays[TRAIN_PARAMETERS], graph.parameters, graph.count * sizeof(float));
    memcpy(state->arrays[TRAIN_AVERAGE], graph.parameters, graph.count * sizeof(float));
    memcpy(state->arrays[TRAIN_BEST], graph.parameters, graph.count * sizeof(float));
    state->counter = *graph.counter;
    return CORE_OK;
}

static CoreStatus restore_state(TrainFit *fit, CoreError *error) {
    const TrainCheckpoint *state = fit->state;
    GraphState graph = graph_state(fit->model.graph);
    OptimiserState optimiser = optimiser_state(fit->optimiser);
    if (state->n != graph.count || state->n != optimiser.count)
        return core_fail(error, CORE_SHAPE, "the checkpoint has %llu weights, the network %zu",
                         (unsigned long long)state->n, graph.count);
    memcpy(graph.parameters, state->arrays[TRAIN_PARAMETERS], graph.count * sizeof(float));
    memcpy(optimiser.first_moment, state->arrays[TRAIN_FIRST_MOMENT], graph.count * sizeof(float));
    memcpy(optimiser.second_moment, state->arrays[TRAIN_SECOND_MOMENT], graph.count * sizeof(float));
    *graph.counter = state->counter;
    *optimiser.step = state->step;
    return CORE_OK;
}

/* What is not in the checkpoint's arrays already. */
static void save_state(TrainFit *fit) {
    TrainCheckpoint *state = fit->state;
    GraphState graph = graph_state(fit->model.graph);
    OptimiserState optimiser = optimiser_state(fit->optimiser);
    memcpy(state->arrays[TRAIN_PARAMETERS], graph.parameters, graph.count * sizeof(float));
    memcpy(state->arrays[TRAIN_FIRST_MOMENT], optimiser.first_moment, graph.count * sizeof(float));
    memcpy(state->arrays[TRAIN_SECOND_MOMENT], optimiser.second_moment, graph.count * sizeof(float));
    state->counter = *graph.counter;
    state->step = *optimiser.step;
}

static CoreStatus new_model(const TrainCheckpoint *state, bool dropout, TrainModel *model, CoreError *error) {
    const TrainOptions *o = &state->options;
    CoreModelDims dims = train_model_dims(state->n_classes);
    TrainModelOptions options = {.max_batch = dropout && o->batch > 256 ? (int32_t)o->batch : 256,
                                 .seed = (uint64_t)o->seed,
                                 .positive_weights = state->positive_weights};
    if (dropout) {
        options.branch_dropout[TRAIN_BRANCH_TOKENS] = (float)o->drop_tokens;
        options.branch_dropout[TRAIN_BRANCH_TEXT] = (float)o->drop_text;
        options.branch_dropout[TRAIN_BRANCH_DIALOG] = (float)o->drop_dialog;
        options.branch_dropout[TRAIN_BRANCH_COUNTERS] = (float)o->drop_counters;
        options.group_dropout = (float)o->drop_groups;
        options.input_dropout = (float)o->drop_inputs;
        options.hidden_dropout = (float)o->drop_hidden;
    }
    return train_model_new(&dims, &state->norm, &options, model, error);
}

static uint32_t batches_of(const TrainSampler *sampler, double batch) {
    return (sampler->n_epoch + (uint32_t)batch - 1) / (uint32_t)batch;
}

static CoreStatus new_optimiser(TrainFit *fit, CoreError *error) {
    const TrainOptions *o = &fit->state->options;
    OptimiserOptions options = optimiser_defaults();
    options.rate = (float)o->rate;
    options.weight_decay = (float)o->weight_decay;
    options.clip_norm = (float)o->clip;
    options.warmup_steps = batches_of(&fit->training, o->batch);
    options.total_steps = options.warmup_steps * (uint64_t)o->epochs;
    options.final_fraction = 0.01f;
    return optimiser_new(fit->model.graph, &options, &fit->optimiser, error);
}

static CoreStatus new_buffers(TrainFit *fit, CoreError *error) {
    uint32_t rows =
        fit->training.n_rows > fit->validation.n_rows ? fit->training.n_rows : fit->validation.n_rows;
    size_t batch = (size_t)fit->state->options.batch, classes = fit->state->n_classes;
    fit->scratch = malloc(rows * sizeof *fit->scratch);
    fit->draws = malloc(rows * sizeof *fit->draws);
    fit->rows = malloc(batch * sizeof *fit->rows);
    fit->targets = malloc(batch * classes * sizeof(float));
    fit->mask = malloc(batch * classes * sizeof(float));
    fit->weights = malloc(batch * sizeof(float));
    if (fit->scratch && fit->draws && fit->rows && fit->targets && fit->mask && fit->weights) return CORE_OK;
    return core_fail(error, CORE_MEMORY, "out of memory for training");
}

CoreStatus train_fit_new(const TrainData *data, TrainCheckpoint *state, int threads, TrainFit *fit,
                         CoreError *error) {
    *fit = (TrainFit){.data = data, .state = state};
    const TrainOptions *o = &state->options;
    uint32_t cap = o->cap > UINT32_MAX ? UINT32_MAX : (uint32_t)o->cap;
    CoreStatus status =
        train_sampler_new(data, DATASET_TRAIN, cap, (float)o->run_balance, &fit->training, error);
    if (status) return status;
    status = train_sampler_new(data, DATASET_VALIDATION, cap, (float)o->run_balance, &fit->validation, error);
    if (status && status != CORE_NOT_FOUND) return status;
    bool fresh = state->n == 0;
    if (fresh) {
        train_norm_compute(data, &state->norm);
        train_class_weights(data, &fit->training, (float)o->balance, state->positive_weights);
    }
    status = new_model(state, true, &fit->model, error);
    if (status == CORE_OK) status = new_optimiser(fit, error);
    if (status == CORE_OK) status = new_buffers(fit, error);
    if (status == CORE_OK) status = fresh ? begin_state(fit, error) : restore_state(fit, error);
    if (status) return status;
    graph_set_threads(fit->model.graph, threads);
    TrainBatch batch = {fit->rows, fit->targets, fit->mask, fit->weights};
    return train_model_bind(&fit->model, &batch, error);
}

void train_fit_free(TrainFit *fit) {
    optimiser_free(fit->optimiser);
    train_model_free(&fit->model);
    train_sampler_free(&fit->training);
    train_sampler_free(&fit->validation);
    free(fit->scratch);
    free(fit->draws);
    free(fit->rows);
    free(fit->targets);
    free(fit->mask);
    free(fit->weights);
    *fit = (TrainFit){0};
}

CoreStatus train_fit_network(const TrainCheckpoint *state, TrainArray weights, int threads, TrainModel *model,
                             CoreError *error) {
    CoreStatus status = new_model(state, false, model, error);
    if (status) return status;
    GraphState graph = graph_state(model->graph);
    graph_set_threads(model->graph, threads);
    if (graph.count == state->n) {
        memcpy(graph.parameters, state->arrays[weights], graph.count * sizeof(float));
        return CORE_OK;
    }
    train_model_free(model);
    return core_fail(error, CORE_SHAPE, "the checkpoint has %llu weights, the network %zu",
                     (unsigned long long)state->n, graph.count);
}

/* ---- batches ---- */

enum { STREAM_JITTER = 0x40000002 };

/* Shifts the counters of each peer group by one random step, so that no site's level of traffic is learned:
 * the sum of three uniform numbers, of which a step of the optimiser has its own. What is zero stays zero,
 * ratios stay as they are. */
static void jitter_counters(TrainFit *fit, FeatureRow *row, uint32_t place) {
    uint64_t seed = (uint64_t)fit->state->options.seed, step = *optimiser_state(fit->optimiser).step;
    for (uint32_t g = FEATURE_GROUP_CLIENT; g < FEATURE_GROUPS; g++) {
        float sum = 0;
        for (uint32_t i = 0; i < 3; i++)
            sum += rng_uniform(seed, STREAM_JITTER, step, (place * FEATURE_GROUPS + g) * 3 + i) - 0.5f;
        int shift = (int)lrintf(2 * sum * (float)fit->state->options.jitter);
        for (uint32_t c = feature_group_begin[g]; c < feature_group_begin[g + 1]; c++) {
            bool level = (c - feature_group_begin[g]) % FEATURE_PER_COUNTER < FEATURE_TAUS;
            int value = row->counters[c] + shift;
            if (level && row->counters[c])
                row->counters[c] = (uint8_t)(value < 1 ? 1 : value > 255 ? 255 : value);
        }
    }
}

/* Copies the rows of a batch and spells out its targets: the classes that hold; on onset rows these are
 * masked, because nobody could know yet, and all others are negative. */
static void load_batch(TrainFit *fit, const TrainDraw *draws, uint32_t n, bool training) {
    uint32_t classes = fit->state->n_classes;
    float smoothing = (float)fit->state->options.smoothing, beside = (float)fit->state->options.also;
    for (uint32_t i = 0; i < n; i++) {
        const DatasetExample *example = &fit->data->examples[draws[i].row];
        fit->rows[i] = fit->data->rows[draws[i].row];
        fit->weights[i] = draws[i].weight;
        if (training && fit->state->options.jitter > 0) jitter_counters(fit, &fit->rows[i], i);
        for (uint32_t c = 0; c < classes; c++) {
            bool holds = example->classes >> c & 1;
            float target = !holds ? 0 : example->primary == c + 1 ? 1 : beside;
            fit->targets[i * classes + c] = target + smoothing * (0.5f - target);
            fit->mask[i * classes + c] = holds && example->part == DATASET_ONSET ? 0 : 1;
        }
    }
}

static void update_average(TrainFit *fit) {
    /* The decay grows with the steps, so that the first average is not the initial weights. */
    double steps = (double)*optimiser_state(fit->optimiser).step;
    float decay = (float)fmin(fit->state->options.average, (1 + steps) / (10 + steps));
    const float *parameters = graph_state(fit->model.graph).parameters;
    float *average = fit->state->arrays[TRAIN_AVERAGE];
    if (fit->state->options.average <= 0) decay = 0;
    for (uint64_t i = 0; i < fit->state->n; i++)
        average[i] = decay * average[i] + (1 - decay) * parameters[i];
}

static CoreStatus train_batch(TrainFit *fit, uint32_t begin, uint32_t n, CoreError *error) {
    load_batch(fit, fit->draws + begin, n, true);
    CoreStatus status = graph_forward(fit->model.graph, (int32_t)n, true, error);
    if (status == CORE_OK) status = graph_backward(fit->model.graph, error);
    if (status == CORE_OK) status = optimiser_step(fit->optimiser, NULL, error);
    if (status) return status;
    fit->state->loss_sum += graph_loss(fit->model.graph) * n;
    update_average(fit);
    return CORE_OK;
}

/* ---- an epoch ---- */

static bool report_progress(const TrainFit *fit, TrainFitReport *report, void *user, uint32_t done) {
    const TrainCheckpoint *state = fit->state;
    uint64_t total = fit->training.n_epoch;
    TrainProgress progress = {.epoch = state->epoch + 1,
                              .done = done,
                              .total = total,
                              .loss = done ? state->loss_sum / done : 0,
                              .remaining = ((uint64_t)state->options.epochs - state->epoch) * total - done};
    return !report || report(user, &progress);
}

static CoreStatus train_rows(TrainFit *fit, TrainFitReport *report, void *user, CoreError *error) {
    TrainCheckpoint *state = fit->state;
    uint32_t size = (uint32_t)state->options.batch, total = fit->training.n_epoch;
    train_sampler_epoch(&fit->training, (uint64_t)state->options.seed, state->epoch, fit->scratch,
                        fit->draws);
    for (uint32_t done = state->batch * size; done < total; done += size) {
        if (!report_progress(fit, report, user, done))
            return core_fail(error, CORE_INTERRUPTED, "interrupted");
        CoreStatus status = train_batch(fit, done, total - done < size ? total - done : size, error);
        if (status) return status;
        state->batch++;
    }
    return CORE_OK;
}

static void swap_weights(TrainFit *fit) {
    float *parameters = graph_state(fit->model.graph).parameters,
          *average = fit->state->arrays[TRAIN_AVERAGE];
    for (uint64_t i = 0; i < fit->state->n; i++) {
        float value = parameters[i];
        parameters[i] = average[i];
        average[i] = value;
    }
}

/* Verdicts at logit 0 on the batch that was just computed, requests after onset only. */
static void tally_batch(const TrainFit *fit, const TrainDraw *draws, uint32_t n, TrainTally *tally) {
    const float *logits = graph_value(fit->model.graph, fit->model.logits);
    for (uint32_t i = 0; i < n; i++, logits += fit->state->n_classes) {
        const DatasetExample *example = &fit->data->examples[draws[i].row];
        uint32_t said = TRAIN_SAID_BENIGN;
        for (uint32_t c = 0; c < fit->state->n_classes; c++)
            if (logits[c] >= 0 && (!said || logits[c] > logits[said - 1])) said = c + 1;
        if (example->part == DATASET_REQUEST)
            train_tally_add(tally, example->primary, example->classes, said);
    }
}

/* Loss and macro F1 of the average weights over the validation side, always the same draw of it. */
static CoreStatus validate(TrainFit *fit, TrainFitReport *report, void *user, TrainEpoch *result,
                           CoreError *error) {
    uint32_t size = (uint32_t)fit->state->options.batch, total = fit->validation.n_epoch;
    TrainTally tally = {0};
    double loss = 0;
    CoreStatus status = CORE_OK;
    train_sampler_epoch(&fit->validation, (uint64_t)fit->state->options.seed, 0, fit->scratch, fit->draws);
    for (uint32_t done = 0; status == CORE_OK && done < total; done += size) {
        if (!report_progress(fit, report, user, fit->training.n_epoch))
            return core_fail(error, CORE_INTERRUPTED, "interrupted");
        uint32_t n = total - done < size ? total - done : size;
        load_batch(fit, fit->draws + done, n, false);
        status = graph_forward(fit->model.graph, (int32_t)n, false, error);
        if (status) break;
        loss += graph_loss(fit->model.graph) * n;
        tally_batch(fit, fit->draws + done, n, &tally);
    }
    result->validation_loss = (float)(loss / (total ? total : 1));
    result->macro_f1 = (float)train_tally_macro_f1(&tally, TRAIN_MACRO_LEAST, NULL);
    return status;
}

/* F1 decides: it still climbs while the loss already grows from overconfidence. */
static bool is_better(const TrainCheckpoint *state, const TrainEpoch *result) {
    if (!state->best_epoch || result->macro_f1 > (float)state->best_f1) return true;
    return result->macro_f1 == (float)state->best_f1 && result->validation_loss < (float)state->best_loss;
}

static void end_epoch(TrainFit *fit, const TrainEpoch *result) {
    TrainCheckpoint *state = fit->state;
    state->history[state->epoch++] = *result;
    state->batch = 0;
    state->loss_sum = 0;
    if (fit->validation.n_rows && !is_better(state, result)) return;
    state->best_f1 = result->macro_f1;
    state->best_loss = result->validation_loss;
    state->best_epoch = state->epoch;
    memcpy(state->arrays[TRAIN_BEST], state->arrays[TRAIN_AVERAGE], state->n * sizeof(float));
}

static bool has_ended(const TrainCheckpoint *state, bool has_validation) {
    return state->epoch >= (uint32_t)state->options.epochs ||
           (has_validation && state->epoch - state->best_epoch >= (uint32_t)state->options.patience);
}

CoreStatus train_fit_epoch(TrainFit *fit, TrainFitReport *report, void *user, CoreError *error) {
    TrainCheckpoint *state = fit->state;
    if (has_ended(state, fit->validation.n_rows > 0)) return CORE_END;
    TrainEpoch result = {0};
    CoreStatus status = train_rows(fit, report, user, error);
    result.loss = (float)(state->loss_sum / fit->training.n_epoch);
    if (status == CORE_OK && fit->validation.n_rows) {
        swap_weights(fit);
        status = validate(fit, report, user, &result, error);
        swap_weights(fit);
    }
    if (status == CORE_OK) end_epoch(fit, &result);
    save_state(fit);
    return status;
}
