/* Optimisers over a graph's parameters.
 * Relies on: ops.h, engine/kernels, libm.
 * Relied on by: train, bench through optimiser.h. */
#include "engine/optimiser.h"

#include "engine/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct Optimiser {
    Graph *graph;
    OptimiserOptions options;
    uint64_t step;
    double scale;
    float *first_moment, *second_moment;
    CoreArena arena;
};

OptimiserOptions optimiser_defaults(void) {
    return (OptimiserOptions){.rate = 1e-3f,
                              .beta1 = 0.9f,
                              .beta2 = 0.999f,
                              .epsilon = 1e-8f,
                              .momentum = 0.9f,
                              .weight_decay = 0.01f,
                              .clip_norm = 1};
}

/* Written so that NaN fails too. */
static CoreStatus check_options(const OptimiserOptions *options, CoreError *error) {
    if (options->kind != OPTIMISER_ADAMW && options->kind != OPTIMISER_SGD)
        return core_fail(error, CORE_ARGUMENT, "optimiser: kind %d is unknown", (int)options->kind);
    const struct {
        const char *name, *range;
        float value;
        bool fits;
    } checks[] = {
        {"rate", "> 0", options->rate, options->rate > 0 && isfinite(options->rate)},
        {"beta1", "in [0, 1)", options->beta1, options->beta1 >= 0 && options->beta1 < 1},
        {"beta2", "in [0, 1)", options->beta2, options->beta2 >= 0 && options->beta2 < 1},
        {"epsilon", "> 0", options->epsilon, options->epsilon > 0 && isfinite(options->epsilon)},
        {"momentum", "in [0, 1)", options->momentum, options->momentum >= 0 && options->momentum < 1},
        {"l2", ">= 0", options->l2, options->l2 >= 0 && isfinite(options->l2)},
        {"weight_decay", ">= 0", options->weight_decay,
         options->weight_decay >= 0 && isfinite(options->weight_decay)},
        {"clip_norm", ">= 0", options->clip_norm, options->clip_norm >= 0 && isfinite(options->clip_norm)},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (!checks[i].fits)
            return core_fail(error, CORE_ARGUMENT, "optimiser: %s is %g, but must be %s", checks[i].name,
                             (double)checks[i].value, checks[i].range);
    return schedule_check(&options->schedule, error);
}

CoreStatus optimiser_new(Graph *graph, const OptimiserOptions *options, Optimiser **optimiser,
                         CoreError *error) {
    *optimiser = NULL;
    if (!graph->finished) return core_fail(error, CORE_ARGUMENT, "optimiser: the graph is not finished");
    const CoreStatus status = check_options(options, error);
    if (status != CORE_OK) return status;
    const size_t bytes = graph->parameter_floats * sizeof(float);
    Optimiser *new_optimiser = calloc(1, sizeof *new_optimiser);
    if (!new_optimiser) return core_fail(error, CORE_MEMORY, "no memory for an optimiser");
    const CoreStatus memory =
        core_arena_new(&new_optimiser->arena, 2 * core_arena_footprint(bytes, 1), error);
    if (memory != CORE_OK) {
        free(new_optimiser);
        return memory;
    }
    new_optimiser->graph = graph;
    new_optimiser->options = *options;
    new_optimiser->scale = 1;
    new_optimiser->first_moment = core_arena_take(&new_optimiser->arena, bytes, 1);
    new_optimiser->second_moment = core_arena_take(&new_optimiser->arena, bytes, 1);
    memset(new_optimiser->first_moment, 0, bytes);
    memset(new_optimiser->second_moment, 0, bytes);
    *optimiser = new_optimiser;
    return CORE_OK;
}

void optimiser_free(Optimiser *optimiser) {
    if (!optimiser) return;
    core_arena_free(&optimiser->arena);
    free(optimiser);
}

float optimiser_rate(const OptimiserOptions *options, uint64_t step) {
    return (float)((double)options->rate * schedule_factor(&options->schedule, step));
}

void optimiser_set_scale(Optimiser *optimiser, double scale) {
    optimiser->scale = scale;
}

/* Step number optimiser->step with the gradient scaled by `clip`. */
static void update_parameters(const Optimiser *optimiser, float rate, float clip) {
    const Graph *graph = optimiser->graph;
    const OptimiserOptions *options = &optimiser->options;
    const double step = (double)optimiser->step;
    KernelAdamW adam = {.rate = rate,
                        .beta1 = options->beta1,
                        .beta2 = options->beta2,
                        .epsilon = options->epsilon,
                        .correction1 = (float)(1 / (1 - pow((double)options->beta1, step))),
                        .correction2 = (float)(1 / (1 - pow((double)options->beta2, step)))};
    KernelSgd sgd = {.rate = rate, .momentum = options->momentum, .nesterov = options->nesterov};
    for (int32_t i = 0; i < graph->n_parameters; i++) {
        const Parameter *parameter = &graph->parameter_list[i];
        const size_t at = parameter->offset, count = parameter->count;
        float *values = graph->parameters + at, *moment = optimiser->first_moment + at;
        if (!parameter->trained) continue;
        adam.decay = sgd.decay = parameter->decay ? rate * options->weight_decay : 0;
        adam.l2 = sgd.l2 = parameter->decay ? options->l2 : 0;
        if (options->kind == OPTIMISER_SGD)
            graph->kernels->sgd(&sgd, clip, count, graph->gradients + at, moment, values);
        else
            graph->kernels->adamw(&adam, clip, count, graph->gradients + at, moment,
                                  optimiser->second_moment + at, values);
    }
}

CoreStatus optimiser_step(Optimiser *optimiser, double *norm, CoreError *error) {
    const Graph *graph = optimiser->graph;
    const OptimiserOptions *options = &optimiser->options;
    const double length = sqrt(graph->kernels->sum_squares(graph->parameter_floats, graph->gradients));
    if (norm) *norm = length;
    if (!isfinite(length))
        return core_fail(error, CORE_FORMAT, "step %llu: the gradient is not finite",
                         (unsigned long long)optimiser->step + 1);
    float clip = 1;
    if (options->clip_norm > 0 && length > (double)options->clip_norm)
        clip = (float)((double)options->clip_norm / length);
    const double factor = schedule_factor(&options->schedule, ++optimiser->step);
    graph_freeze(optimiser->graph, false);
    update_parameters(optimiser, (float)((double)options->rate * factor * optimiser->scale), clip);
    return CORE_OK;
}

void optimiser_average(const Optimiser *optimiser, double decay, float *average) {
    const double steps = (double)optimiser->step;
    const float kept = (float)fmin(decay, (1 + steps) / (10 + steps));
    const float *parameters = optimiser->graph->parameters;
    for (size_t i = 0; i < optimiser->graph->parameter_floats; i++)
        average[i] = kept * average[i] + (1 - kept) * parameters[i];
}

OptimiserState optimiser_state(Optimiser *optimiser) {
    return (OptimiserState){.count = optimiser->graph->parameter_floats,
                            .first_moment = optimiser->first_moment,
                            .second_moment = optimiser->second_moment,
                            .step = &optimiser->step,
                            .scale = &optimiser->scale};
}
