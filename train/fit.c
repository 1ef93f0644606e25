/* The training loop.
 * Relies on: engine, train/sampler.h, train/batches.h, train/metrics.h.
 * Relied on by: sipcnn-train, tests. */
#include "train/fit.h"

#include "train/batches.h"
#include "train/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    options.schedule.warmup_steps = batches_of(&fit->training, o->batch);
    options.schedule.total_steps = options.schedule.warmup_steps * (uint64_t)o->epochs;
    options.schedule.final_fraction = 0.01f;
    return optimiser_new(fit->model.graph, &options, &fit->optimiser, error);
}

static CoreStatus new_buffers(TrainFit *fit, CoreError *error) {
    uint32_t rows =
        fit->training.n_rows > fit->validation.n_rows ? fit->training.n_rows : fit->validation.n_rows;
    fit->scratch = malloc(rows * sizeof *fit->scratch);
    fit->draws = malloc(rows * sizeof *fit->draws);
    if (fit->scratch && fit->draws) return CORE_OK;
    return core_fail(error, CORE_MEMORY, "out of memory for training");
}

TrainSamplerOptions train_sampler_options(const TrainOptions *options) {
    return (TrainSamplerOptions){.cap = options->cap > UINT32_MAX ? UINT32_MAX : (uint32_t)options->cap,
                                 .rows = (uint32_t)options->rows_per_epoch,
                                 .run_balance = (float)options->run_balance};
}

/* What a fresh run takes from the data before it starts. */
static CoreStatus look_at_data(TrainFit *fit, CoreError *error) {
    TrainCheckpoint *state = fit->state;
    train_class_weights(fit->data, &fit->training, (float)state->options.balance, state->positive_weights);
    return train_norm_compute(fit->data, &state->norm, error);
}

CoreStatus train_fit_new(const TrainData *data, TrainCheckpoint *state, int threads, TrainFit *fit,
                         CoreError *error) {
    *fit = (TrainFit){.data = data, .state = state};
    TrainSamplerOptions options = train_sampler_options(&state->options);
    CoreStatus status = train_sampler_new(data, DATASET_TRAIN, &options, &fit->training, error);
    if (status) return status;
    status = train_sampler_new(data, DATASET_VALIDATION, &options, &fit->validation, error);
    if (status && status != CORE_NOT_FOUND) return status;
    bool fresh = state->n == 0;
    status = fresh ? look_at_data(fit, error) : CORE_OK;
    if (status == CORE_OK) status = new_model(state, true, &fit->model, error);
    if (status == CORE_OK) status = new_optimiser(fit, error);
    if (status == CORE_OK) status = new_buffers(fit, error);
    if (status == CORE_OK) status = fresh ? begin_state(fit, error) : restore_state(fit, error);
    if (status == CORE_OK) graph_set_threads(fit->model.graph, threads);
    return status;
}

void train_fit_free(TrainFit *fit) {
    optimiser_free(fit->optimiser);
    train_model_free(&fit->model);
    train_sampler_free(&fit->training);
    train_sampler_free(&fit->validation);
    free(fit->scratch);
    free(fit->draws);
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

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Batches of the draws from number `begin` on. */
static CoreStatus open_batches(const TrainFit *fit, const TrainSampler *sampler, uint32_t begin,
                               TrainBatches **batches, CoreError *error) {
    TrainBatchesOptions options = {.data = fit->data,
                                   .options = &fit->state->options,
                                   .classes = fit->state->n_classes,
                                   .training = sampler == &fit->training,
                                   .step = *optimiser_state(fit->optimiser).step,
                                   .begin = begin,
                                   .n = sampler->n_epoch,
                                   .draws = fit->draws};
    return train_batches_new(&options, batches, error);
}

/* The next batch, bound to the network; notes how long that took. */
static CoreStatus next_batch(TrainFit *fit, TrainBatches *batches, const TrainLoaded **loaded,
                             CoreError *error) {
    double waited = train_batches_waited(batches);
    CoreStatus status = train_batches_next(batches, loaded, error);
    fit->waited += train_batches_waited(batches) - waited;
    return status == CORE_OK ? train_model_bind(&fit->model, &(*loaded)->batch, error) : status;
}

static CoreStatus train_batch(TrainFit *fit, const TrainLoaded *loaded, CoreError *error) {
    CoreStatus status = graph_forward(fit->model.graph, (int32_t)loaded->n, true, error);
    if (status == CORE_OK) status = graph_backward(fit->model.graph, error);
    if (status == CORE_OK) status = optimiser_step(fit->optimiser, NULL, error);
    if (status) return status;
    fit->state->loss_sum += graph_loss(fit->model.graph) * loaded->n;
    optimiser_average(fit->optimiser, fit->state->options.average, fit->state->arrays[TRAIN_AVERAGE]);
    return CORE_OK;
}

/* ---- an epoch ---- */

double train_fit_idle(const TrainFit *fit) {
    double spent = fit->spent + (fit->began > 0 ? now() - fit->began : 0);
    return spent > 0 ? fit->waited / spent : 0;
}

static bool report_progress(const TrainFit *fit, TrainFitReport *report, void *user, uint32_t done) {
    const TrainCheckpoint *state = fit->state;
    uint64_t total = fit->training.n_epoch;
    TrainProgress progress = {.epoch = state->epoch + 1,
                              .done = done,
                              .total = total,
                              .loss = done ? state->loss_sum / done : 0,
                              .remaining = ((uint64_t)state->options.epochs - state->epoch) * total - done,
                              .idle = train_fit_idle(fit)};
    return !report || report(user, &progress);
}

static CoreStatus train_rows(TrainFit *fit, TrainFitReport *report, void *user, CoreError *error) {
    TrainCheckpoint *state = fit->state;
    uint32_t size = (uint32_t)state->options.batch, total = fit->training.n_epoch;
    const TrainLoaded *loaded;
    TrainBatches *batches;
    train_sampler_epoch(&fit->training, (uint64_t)state->options.seed, state->epoch, fit->scratch,
                        fit->draws);
    uint32_t done = state->batch * size;
    CoreStatus status = open_batches(fit, &fit->training, done, &batches, error);
    if (status) return status;
    for (; status == CORE_OK && done < total; done += size) {
        if (!report_progress(fit, report, user, done)) {
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
            break;
        }
        status = next_batch(fit, batches, &loaded, error);
        if (status == CORE_OK) status = train_batch(fit, loaded, error);
        if (status == CORE_OK) state->batch++;
    }
    train_batches_free(batches);
    return status;
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
    uint32_t total = fit->validation.n_epoch, done = 0;
    TrainTally tally = {0};
    TrainBatches *batches;
    double loss = 0;
    train_sampler_epoch(&fit->validation, (uint64_t)fit->state->options.seed, 0, fit->scratch, fit->draws);
    CoreStatus status = open_batches(fit, &fit->validation, 0, &batches, error);
    if (status) return status;
    while (status == CORE_OK && done < total) {
        const TrainLoaded *loaded;
        if (!report_progress(fit, report, user, fit->training.n_epoch)) {
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
            break;
        }
        status = next_batch(fit, batches, &loaded, error);
        if (status == CORE_OK) status = graph_forward(fit->model.graph, (int32_t)loaded->n, false, error);
        if (status) break;
        loss += graph_loss(fit->model.graph) * loaded->n;
        tally_batch(fit, loaded->draws, loaded->n, &tally);
        done += loaded->n;
    }
    train_batches_free(batches);
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
    fit->began = now();
    CoreStatus status = train_rows(fit, report, user, error);
    result.loss = (float)(state->loss_sum / fit->training.n_epoch);
    if (status == CORE_OK && fit->validation.n_rows) {
        swap_weights(fit);
        status = validate(fit, report, user, &result, error);
        swap_weights(fit);
    }
    if (status == CORE_OK) end_epoch(fit, &result);
    save_state(fit);
    fit->spent += now() - fit->began;
    fit->began = 0;
    return status;
}
