/* Grouping, capping and shuffling of training rows.
 * Relies on: train/data.h, engine/rng.h.
 * Relied on by: train/fit, train/job. */
#include "train/sampler.h"

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Streams of the random numbers of one seed; the graph uses its node numbers, which are small. */
enum { STREAM_CHOICE = 0x40000000, STREAM_ORDER = 0x40000001, STREAM_GROUPS = 0x40000003 };

typedef struct Keyed {
    uint64_t key;
    uint32_t row;
} Keyed;

static int compare_keyed(const void *a, const void *b) {
    const Keyed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Runs, clients and captures are numbered apart. */
static uint64_t group_key(const DatasetExample *example) {
    if (example->run) return (uint64_t)1 << 32 | example->run;
    if (example->client) return (uint64_t)2 << 32 | example->client;
    return (uint64_t)3 << 32 | example->capture;
}

static int kind_of(const TrainSampler *sampler, uint32_t group) {
    return group < sampler->n_runs ? TRAIN_SAMPLER_RUNS : TRAIN_SAMPLER_OTHERS;
}

static uint32_t capped(const TrainSampler *sampler, uint32_t group) {
    uint32_t size = sampler->begin[group + 1] - sampler->begin[group];
    uint32_t cap = sampler->caps[kind_of(sampler, group)];
    return size < cap ? size : cap;
}

/* ---- the budget ---- */

/* Sum of min(cap, size) over the groups of a kind. */
static uint32_t rows_with(TrainSampler *sampler, int kind, uint32_t cap) {
    uint32_t rows = 0, begin = kind == TRAIN_SAMPLER_RUNS ? 0 : sampler->n_runs;
    uint32_t end = kind == TRAIN_SAMPLER_RUNS ? sampler->n_runs : sampler->n_groups;
    sampler->caps[kind] = cap;
    for (uint32_t g = begin; g < end; g++)
        rows += capped(sampler, g);
    return rows;
}

/* The greatest cap up to `most` with which the kind has at most `rows` rows; 1 if none has. */
static void fit_cap(TrainSampler *sampler, int kind, uint32_t most, uint32_t rows) {
    uint32_t low = 1, high = most;
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        if (rows_with(sampler, kind, middle) <= rows)
            low = middle;
        else
            high = middle - 1;
    }
    uint32_t needed = rows_with(sampler, kind, low);
    sampler->draws[kind] = needed < rows ? needed : rows;
}

static void share_rows(TrainSampler *sampler, const TrainSamplerOptions *options) {
    uint32_t wanted[TRAIN_SAMPLER_KINDS], half = options->rows / 2;
    for (int kind = 0; kind < TRAIN_SAMPLER_KINDS; kind++)
        wanted[kind] = rows_with(sampler, kind, options->cap);
    uint32_t others = wanted[TRAIN_SAMPLER_OTHERS];
    fit_cap(sampler, TRAIN_SAMPLER_RUNS, options->cap, others < half ? options->rows - others : half);
    fit_cap(sampler, TRAIN_SAMPLER_OTHERS, options->cap, options->rows - sampler->draws[TRAIN_SAMPLER_RUNS]);
    sampler->n_epoch = sampler->draws[TRAIN_SAMPLER_RUNS] + sampler->draws[TRAIN_SAMPLER_OTHERS];
}

/* ---- groups ---- */

static void weigh_groups(const TrainData *data, TrainSampler *sampler, float run_balance) {
    double rows[256] = {0}, groups[256] = {0};
    for (uint32_t g = 0; g < sampler->n_groups; g++) {
        uint8_t primary = data->examples[sampler->rows[sampler->begin[g]]].primary;
        rows[primary] += capped(sampler, g);
        groups[primary]++;
    }
    for (uint32_t g = 0; g < sampler->n_groups; g++) {
        uint8_t primary = data->examples[sampler->rows[sampler->begin[g]]].primary;
        double weight = pow(rows[primary] / groups[primary] / capped(sampler, g), run_balance);
        weight = weight < 0.25 ? 0.25 : weight > 4 ? 4 : weight;
        sampler->weights[g] = primary == DATASET_BENIGN ? 1 : (float)weight;
    }
}

static void group_rows(TrainSampler *sampler, const Keyed *keyed) {
    sampler->n_groups = sampler->n_runs = 0;
    for (uint32_t i = 0; i < sampler->n_rows; i++) {
        if (!i || keyed[i].key != keyed[i - 1].key) {
            sampler->begin[sampler->n_groups++] = i;
            sampler->n_runs += keyed[i].key >> 32 == 1;
        }
        sampler->rows[i] = keyed[i].row;
    }
    sampler->begin[sampler->n_groups] = sampler->n_rows;
}

CoreStatus train_sampler_new(const TrainData *data, DatasetSide side, const TrainSamplerOptions *options,
                             TrainSampler *sampler, CoreError *error) {
    *sampler = (TrainSampler){0};
    for (uint64_t i = 0; i < data->count; i++)
        sampler->n_rows += data->sides[i] == side && train_labelled(&data->examples[i]);
    if (!sampler->n_rows)
        return core_fail(error, CORE_NOT_FOUND, "no labelled message on the %s side",
                         dataset_side_name(side));
    Keyed *keyed = malloc(sampler->n_rows * sizeof *keyed);
    sampler->rows = malloc(sampler->n_rows * sizeof *sampler->rows);
    sampler->begin = malloc((sampler->n_rows + (size_t)1) * sizeof *sampler->begin);
    sampler->weights = malloc(sampler->n_rows * sizeof *sampler->weights);
    if (!keyed || !sampler->rows || !sampler->begin || !sampler->weights) {
        free(keyed);
        train_sampler_free(sampler);
        return core_fail(error, CORE_MEMORY, "out of memory for the sampler");
    }
    uint32_t n = 0;
    for (uint64_t i = 0; i < data->count; i++)
        if (data->sides[i] == side && train_labelled(&data->examples[i]))
            keyed[n++] = (Keyed){group_key(&data->examples[i]), (uint32_t)i};
    qsort(keyed, n, sizeof *keyed, compare_keyed);
    group_rows(sampler, keyed);
    share_rows(sampler, options);
    weigh_groups(data, sampler, options->run_balance);
    free(keyed);
    return CORE_OK;
}

void train_sampler_free(TrainSampler *sampler) {
    free(sampler->rows);
    free(sampler->begin);
    free(sampler->weights);
    *sampler = (TrainSampler){0};
}

/* ---- epochs ---- */

/* Random capped rows of group g at draws[0 ..); returns how many. */
static uint32_t draw_group(const TrainSampler *sampler, uint64_t seed, uint32_t epoch, uint32_t g,
                           uint32_t *scratch, TrainDraw *draws) {
    uint32_t *group = scratch + sampler->begin[g], size = sampler->begin[g + 1] - sampler->begin[g];
    uint32_t take = capped(sampler, g);
    for (uint32_t i = 0; i < take; i++) {
        /* A row is drawn by its place among all, so that the draws of a group do not depend on others. */
        if (take < size) {
            uint32_t other =
                i + (uint32_t)rng_below(size - i, seed, STREAM_CHOICE, epoch, sampler->begin[g] + i);
            uint32_t row = group[i];
            group[i] = group[other];
            group[other] = row;
        }
        draws[i] = (TrainDraw){group[i], sampler->weights[g]};
    }
    return take;
}

static void swap_draws(TrainDraw *a, TrainDraw *b) {
    TrainDraw draw = *a;
    *a = *b;
    *b = draw;
}

void train_sampler_epoch(const TrainSampler *sampler, uint64_t seed, uint32_t epoch, uint32_t *scratch,
                         TrainDraw *draws) {
    memcpy(scratch, sampler->rows, sampler->n_rows * sizeof *scratch);
    uint32_t n = 0, g = 0;
    for (int kind = 0; kind < TRAIN_SAMPLER_KINDS; kind++) {
        uint32_t first = n, wanted = sampler->draws[kind];
        for (; g < sampler->n_groups && kind_of(sampler, g) == kind; g++)
            n += draw_group(sampler, seed, epoch, g, scratch, draws + n);
        for (uint32_t i = 0; i < wanted && wanted < n - first; i++)
            swap_draws(&draws[first + i],
                       &draws[first + i + rng_below(n - first - i, seed, STREAM_GROUPS, epoch, first + i)]);
        n = first + wanted;
    }
    for (uint32_t i = n; i > 1; i--)
        swap_draws(&draws[i - 1], &draws[rng_below(i, seed, STREAM_ORDER, epoch, i)]);
}

void train_class_weights(const TrainData *data, const TrainSampler *sampler, float balance,
                         float weights[DATASET_CLASSES_MAX]) {
    double rows[DATASET_CLASSES_MAX] = {0}, all[TRAIN_SAMPLER_KINDS] = {0};
    for (uint32_t g = 0; g < sampler->n_groups; g++)
        all[kind_of(sampler, g)] += capped(sampler, g);
    for (uint32_t g = 0; g < sampler->n_groups; g++) {
        int kind = kind_of(sampler, g);
        double share = (double)capped(sampler, g) / (sampler->begin[g + 1] - sampler->begin[g]);
        if (sampler->draws[kind] < all[kind]) share *= sampler->draws[kind] / all[kind];
        for (uint32_t i = sampler->begin[g]; i < sampler->begin[g + 1]; i++) {
            const DatasetExample *example = &data->examples[sampler->rows[i]];
            for (uint32_t c = 0; c < data->n_classes; c++)
                rows[c] += example->part != DATASET_ONSET && example->classes >> c & 1 ? share : 0;
        }
    }
    for (uint32_t c = 0; c < DATASET_CLASSES_MAX; c++) {
        double weight = rows[c] > 0 ? pow(sampler->n_epoch / rows[c], balance) : 1;
        weights[c] = (float)(weight < 1 ? 1 : weight > 20 ? 20 : weight);
    }
}
