/* The batches of an epoch, assembled ahead.
 * Relies on: data/dataset/ahead.h, engine/rng.h, train/swap.h.
 * Relied on by: train/fit. */
#include "train/batches.h"

#include "data/dataset/ahead.h"
#include "engine/rng.h"
#include "train/swap.h"

#include <math.h>
#include <stdlib.h>

enum {
    STREAM_JITTER = 0x40000002,
    SLOTS = 8,     /* batches ahead */
    PREFETCH = 16, /* batches whose rows the system is asked for before they are read */
};

struct TrainBatches {
    TrainBatchesOptions o;
    uint32_t size;            /* rows of a batch */
    uint32_t done, requested; /* draws loaded, and asked for; the thread's */
    Ahead *ahead;
};

/* ---- layout of a slot: TrainLoaded, then its arrays ---- */

static size_t aligned(size_t size) {
    return (size + 63) & ~(size_t)63;
}

static size_t slot_size(const TrainBatches *b) {
    size_t numbers = aligned((size_t)b->size * b->o.classes * sizeof(float));
    return aligned(sizeof(TrainLoaded)) + aligned(b->size * sizeof(FeatureRow)) + 2 * numbers +
           aligned(b->size * sizeof(float)) + aligned(b->size * sizeof(const DatasetExample *));
}

typedef struct Arrays {
    FeatureRow *rows;
    float *targets, *mask, *weights;
    const DatasetExample **examples;
} Arrays;

static Arrays lay_out(const TrainBatches *b, void *slot) {
    size_t numbers = aligned((size_t)b->size * b->o.classes * sizeof(float));
    unsigned char *at = (unsigned char *)slot + aligned(sizeof(TrainLoaded));
    Arrays arrays = {.rows = (FeatureRow *)(void *)at};
    at += aligned(b->size * sizeof(FeatureRow));
    arrays.targets = (float *)(void *)at;
    arrays.mask = (float *)(void *)(at + numbers);
    arrays.weights = (float *)(void *)(at + 2 * numbers);
    at += 2 * numbers + aligned(b->size * sizeof(float));
    arrays.examples = (const DatasetExample **)(void *)at;
    return arrays;
}

/* ---- filling, on the thread ---- */

/* Shifts the counters of each peer group by one random step, so that no site's level of traffic is learned:
 * the sum of three uniform numbers, of which a step of the optimiser has its own. What is zero stays zero,
 * ratios stay as they are. */
static void jitter_counters(const TrainOptions *options, uint64_t step, FeatureRow *row, uint32_t place) {
    for (uint32_t g = FEATURE_GROUP_CLIENT; g < FEATURE_GROUPS; g++) {
        float sum = 0;
        for (uint32_t i = 0; i < 3; i++)
            sum += rng_uniform((uint64_t)options->seed, STREAM_JITTER, step,
                               (place * FEATURE_GROUPS + g) * 3 + i) -
                   0.5f;
        int shift = (int)lrintf(2 * sum * (float)options->jitter);
        for (uint32_t c = feature_group_begin[g]; c < feature_group_begin[g + 1]; c++) {
            bool level = (c - feature_group_begin[g]) % FEATURE_PER_COUNTER < FEATURE_TAUS;
            int value = row->counters[c] + shift;
            if (level && row->counters[c])
                row->counters[c] = (uint8_t)(value < 1 ? 1 : value > 255 ? 255 : value);
        }
    }
}

/* The classes that hold; on onset rows these are masked, because nobody could know yet, and all others are
 * negative. */
static void spell_targets(const TrainBatches *b, const DatasetExample *example, float *targets, float *mask) {
    float smoothing = (float)b->o.options->smoothing, beside = (float)b->o.options->also;
    for (uint32_t c = 0; c < b->o.classes; c++) {
        bool holds = example->classes >> c & 1;
        float target = !holds ? 0 : example->primary == c + 1 ? 1 : beside;
        targets[c] = target + smoothing * (0.5f - target);
        mask[c] = holds && example->part == DATASET_ONSET ? 0 : 1;
    }
}

/* Rows lie anywhere in the cache: the disk is kept busy with what comes next. */
static void request_rows(TrainBatches *b) {
    if (b->o.data->rows) return;
    uint64_t until = (uint64_t)b->done + (uint64_t)b->size * PREFETCH;
    for (; b->requested < b->o.n && b->requested < until; b->requested++)
        dataset_cache_prefetch(b->o.data->cache, b->o.draws[b->requested].row);
}

/* AheadFill: the next batch. */
static CoreStatus fill_batch(void *user, void *slot, CoreError *error) {
    TrainBatches *b = user;
    TrainLoaded *loaded = slot;
    if (b->done >= b->o.n) return CORE_END;
    Arrays arrays = lay_out(b, slot);
    uint32_t n = b->o.n - b->done < b->size ? b->o.n - b->done : b->size;
    uint64_t step = b->o.step + (b->done - b->o.begin) / b->size;
    request_rows(b);
    *loaded = (TrainLoaded){.draws = b->o.draws + b->done,
                            .n = n,
                            .batch = {arrays.rows, arrays.targets, arrays.mask, arrays.weights}};
    for (uint32_t i = 0; i < n; i++) {
        TrainDraw draw = loaded->draws[i];
        CoreStatus status = train_data_rows(b->o.data, draw.row, 1, &arrays.rows[i], error);
        if (status != CORE_OK) return status;
        arrays.weights[i] = draw.weight;
        arrays.examples[i] = &b->o.data->examples[draw.row];
        if (b->o.training && b->o.options->jitter > 0)
            jitter_counters(b->o.options, step, &arrays.rows[i], i);
        spell_targets(b, arrays.examples[i], arrays.targets + (size_t)i * b->o.classes,
                      arrays.mask + (size_t)i * b->o.classes);
    }
    if (b->o.training)
        train_swap(&(TrainSwap){.seed = (uint64_t)b->o.options->seed,
                                .step = step,
                                .swap = (float)b->o.options->swap,
                                .pass = (float)b->o.options->pass,
                                .absent = (float)b->o.options->smoothing / 2,
                                .n = n,
                                .n_classes = b->o.classes,
                                .classes = b->o.data->classes,
                                .examples = arrays.examples,
                                .rows = arrays.rows,
                                .targets = arrays.targets,
                                .mask = arrays.mask});
    b->done += n;
    return CORE_OK;
}

/* ---- use ---- */

CoreStatus train_batches_new(const TrainBatchesOptions *options, TrainBatches **batches, CoreError *error) {
    TrainBatches *b = calloc(1, sizeof *b);
    if (!b) return core_fail(error, CORE_MEMORY, "out of memory for batches");
    b->o = *options;
    b->size = (uint32_t)options->options->batch;
    b->done = b->requested = options->begin;
    CoreStatus status = ahead_new(fill_batch, b, slot_size(b), SLOTS, &b->ahead, error);
    if (status != CORE_OK)
        free(b);
    else
        *batches = b;
    return status;
}

CoreStatus train_batches_next(TrainBatches *b, const TrainLoaded **loaded, CoreError *error) {
    void *slot;
    CoreStatus status = ahead_next(b->ahead, &slot, error);
    if (status == CORE_OK) *loaded = slot;
    return status;
}

double train_batches_waited(const TrainBatches *b) {
    return ahead_waited(b->ahead);
}

void train_batches_free(TrainBatches *b) {
    if (!b) return;
    ahead_free(b->ahead);
    free(b);
}
