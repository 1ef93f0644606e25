/* AdamW over a graph's parameters.
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
    float *first_moment, *second_moment;
    CoreArena arena;
};

OptimiserOptions optimiser_defaults(void) {
    return (OptimiserOptions){.rate = 1e-3f,
                              .beta1 = 0.9f,
                              .beta2 = 0.999f,
                              .epsilon = 1e-8f,
                              .weight_decay = 0.01f,
                              .clip_norm = 1,
                              .final_fraction = 0};
}

/* Written so that NaN fails too. */
static CoreStatus check_options(const OptimiserOptions *options, CoreError *error) {
    const struct {
        const char *name, *range;
        float value;
        bool fits;
    } checks[] = {
        {"rate", "> 0", options->rate, options->rate > 0 && isfinite(options->rate)},
        {"beta1", "in [0, 1)", options->beta1, options->beta1 >= 0 && options->beta1 < 1},
        {"beta2", "in [0, 1)", options->beta2, options->beta2 >= 0 && options->beta2 < 1},
        {"epsilon", "> 0", options->epsilon, options->epsilon > 0 && isfinite(options->epsilon)},
        {"weight_decay", ">= 0", options->weight_decay,
         options->weight_decay >= 0 && isfinite(options->weight_decay)},
        {"clip_norm", ">= 0", options->clip_norm, options->clip_norm >= 0 && isfinite(options->clip_norm)},
        {"final_fraction", "in [0, 1]", options->final_fraction,
         options->final_fraction >= 0 && options->final_fraction <= 1},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (!checks[i].fits)
            return core_fail(error, CORE_ARGUMENT, "optimiser: %s is %g, but must be %s", checks[i].name,
                             (double)checks[i].value, checks[i].range);
    return CORE_OK;
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
    const double rate = (double)options->rate, pi = 3.14159265358979323846;
    if (step < options->warmup_steps) return (float)(rate * (double)step / (double)options->warmup_steps);
    if (options->total_steps <= options->warmup_steps) return options->rate;
    const double length = (double)(options->total_steps - options->warmup_steps);
    const double done = (double)(step - options->warmup_steps) / length;
    const double cosine = done < 1 ? 0.5 * (1 + cos(pi * done)) : 0;
    return (float)(rate * ((double)options->final_fraction + (1 - (double)options->final_fraction) * cosine));
}

CoreStatus optimiser_step(Optimiser *optimiser, double *norm, CoreError *error) {
    Graph *graph = optimiser->graph;
    const OptimiserOptions *options = &optimiser->options;
    const double length = sqrt(graph->kernels->sum_squares(graph->parameter_floats, graph->gradients));
    if (norm) *norm = length;
    if (!isfinite(length))
        return core_fail(error, CORE_FORMAT, "step %llu: the gradient is not finite",
                         (unsigned long long)optimiser->step + 1);
    float clip = 1;
    if (options->clip_norm > 0 && length > (double)options->clip_norm)
        clip = (float)((double)options->clip_norm / length);

    const double step = (double)++optimiser->step;
    KernelAdamW adam = {.rate = optimiser_rate(options, optimiser->step),
                        .beta1 = options->beta1,
                        .beta2 = options->beta2,
                        .epsilon = options->epsilon,
                        .correction1 = (float)(1 / (1 - pow((double)options->beta1, step))),
                        .correction2 = (float)(1 / (1 - pow((double)options->beta2, step)))};
    for (int32_t i = 0; i < graph->n_parameters; i++) {
        const Parameter *parameter = &graph->parameter_list[i];
        const size_t offset = parameter->offset;
        adam.decay = parameter->decay ? adam.rate * options->weight_decay : 0;
        graph->kernels->adamw(&adam, clip, parameter->count, graph->gradients + offset,
                              optimiser->first_moment + offset, optimiser->second_moment + offset,
                              graph->parameters + offset);
    }
    return CORE_OK;
}

OptimiserState optimiser_state(Optimiser *optimiser) {
    return (OptimiserState){.count = optimiser->graph->parameter_floats,
                            .first_moment = optimiser->first_moment,
                            .second_moment = optimiser->second_moment,
                            .step = &optimiser->step};
}
