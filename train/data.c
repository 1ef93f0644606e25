/* Opening a dataset for training; normalisation of the counters.
 * Relies on: data/dataset.
 * Relied on by: train. */
#include "train/data.h"

#include "data/dataset/store.h"
#include "data/wire/osip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deviations from the mean that an input can go. Beyond, what training saw once would outweigh all else. */
enum { REACH = 6 };

void train_norm_compute(const TrainData *data, TrainNorm *norm) {
    /* Sums of bytes and of their squares are exact in 64 bits, so their order does not matter. */
    uint64_t sum[FEATURE_COUNTERS] = {0}, squares[FEATURE_COUNTERS] = {0}, n = 0;
    uint8_t low[FEATURE_COUNTERS], high[FEATURE_COUNTERS] = {0};
    memset(low, 255, sizeof low);
    for (uint64_t i = 0; i < data->count; i++) {
        if (data->sides[i] != DATASET_TRAIN || !train_labelled(&data->examples[i])) continue;
        n++;
        for (int c = 0; c < FEATURE_COUNTERS; c++) {
            uint8_t x = data->rows[i].counters[c];
            sum[c] += x;
            squares[c] += (uint64_t)x * x;
            if (x < low[c]) low[c] = x;
            if (x > high[c]) high[c] = x;
        }
    }
    memset(norm, 0, sizeof *norm);
    for (int c = 0; n && c < FEATURE_COUNTERS; c++) {
        double mean = (double)sum[c] / (double)n;
        double variance = (double)squares[c] / (double)n - mean * mean;
        double deviation = variance > 0 ? sqrt(variance) : 0;
        norm->low[c] = (float)fmax(low[c], mean - REACH * deviation);
        norm->high[c] = (float)fmin(high[c], mean + REACH * deviation);
        norm->mean[c] = (float)mean;
        norm->scale[c] = deviation < 1e-3 ? 0 : (float)(1 / deviation);
    }
}

static CoreStatus no_split(const Dataset *dataset, const TrainSourceOptions *options, CoreError *error) {
    char names[256] = "";
    for (uint32_t i = 0; i < dataset->n_splits; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", dataset->splits[i].name);
    }
    return core_fail(error, CORE_NOT_FOUND, "%s: no split \"%s\" (%s%s); sipcnn-data split makes one",
                     options->path, options->split, dataset->n_splits ? "there are: " : "there is none",
                     names);
}

static CoreStatus fill_sides(TrainSource *source, const TrainSourceOptions *options, CoreError *error) {
    const DatasetSplit *split = options->split ? dataset_find_split(&source->dataset, options->split) : NULL;
    if (options->split && !split) return no_split(&source->dataset, options, error);
    if (source->cache.count >= UINT32_MAX)
        return core_fail(error, CORE_LIMIT, "%s: too many messages", options->path);
    source->sides = malloc(source->cache.count + 1);
    if (!source->sides) return core_fail(error, CORE_MEMORY, "out of memory");
    for (uint64_t i = 0; i < source->cache.count; i++) {
        const DatasetExample *example = &source->cache.examples[i];
        source->sides[i] =
            split ? (uint8_t)dataset_side(split, example->capture, example->run) : (uint8_t)DATASET_TEST;
    }
    return CORE_OK;
}

CoreStatus train_source_open(const TrainSourceOptions *options, TrainSource *source, CoreError *error) {
    *source = (TrainSource){0};
    CoreStatus status = dataset_read(options->path, &source->dataset, error);
    if (status == CORE_OK) status = dataset_hash(options->path, source->hash, error);
    if (status == CORE_OK) status = wire_osip_init(error);
    if (status == CORE_OK)
        status = dataset_cache_open(&source->dataset, options->path, source->hash, options->folder,
                                    &options->replay, options->progress, &source->cache, error);
    if (status == CORE_OK) status = fill_sides(source, options, error);
    source->data = (TrainData){.count = source->cache.count,
                               .examples = source->cache.examples,
                               .rows = source->cache.rows,
                               .sides = source->sides,
                               .classes = source->dataset.class_list,
                               .n_classes = source->dataset.n_classes};
    return status;
}

void train_source_close(TrainSource *source) {
    dataset_cache_close(&source->cache);
    dataset_free(&source->dataset);
    free(source->sides);
    *source = (TrainSource){0};
}
