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
enum { REACH = 6, CHUNK = 256 };

CoreStatus train_data_rows(const TrainData *data, uint64_t first, uint64_t n, FeatureRow *rows,
                           CoreError *error) {
    if (!data->rows) return dataset_cache_read(data->cache, first, n, rows, error);
    memcpy(rows, data->rows + first, (size_t)n * sizeof *rows);
    return CORE_OK;
}

/* ---- normalisation ---- */

/* Sums of bytes and of their squares are exact in 64 bits, so their order does not matter. */
typedef struct Sums {
    uint64_t sum[FEATURE_COUNTERS], squares[FEATURE_COUNTERS], n;
    uint8_t low[FEATURE_COUNTERS], high[FEATURE_COUNTERS];
} Sums;

static void add_row(Sums *sums, const FeatureRow *row) {
    sums->n++;
    for (int c = 0; c < FEATURE_COUNTERS; c++) {
        uint8_t x = row->counters[c];
        sums->sum[c] += x;
        sums->squares[c] += (uint64_t)x * x;
        if (x < sums->low[c]) sums->low[c] = x;
        if (x > sums->high[c]) sums->high[c] = x;
    }
}

static CoreStatus add_chunk(const TrainData *data, uint64_t first, FeatureRow *rows, Sums *sums,
                            CoreError *error) {
    uint64_t n = data->count - first < CHUNK ? data->count - first : CHUNK;
    CoreStatus status = train_data_rows(data, first, n, rows, error);
    for (uint64_t i = 0; i < n && status == CORE_OK; i++)
        if (data->sides[first + i] == DATASET_TRAIN && train_labelled(&data->examples[first + i]))
            add_row(sums, &rows[i]);
    return status;
}

CoreStatus train_norm_compute(const TrainData *data, TrainNorm *norm, CoreError *error) {
    Sums *sums = calloc(1, sizeof *sums);
    FeatureRow *rows = malloc(CHUNK * sizeof *rows);
    CoreStatus status = sums && rows ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory");
    if (sums) memset(sums->low, 255, sizeof sums->low);
    for (uint64_t i = 0; i < data->count && status == CORE_OK; i += CHUNK)
        status = add_chunk(data, i, rows, sums, error);
    memset(norm, 0, sizeof *norm);
    for (int c = 0; status == CORE_OK && sums->n && c < FEATURE_COUNTERS; c++) {
        double mean = (double)sums->sum[c] / (double)sums->n;
        double variance = (double)sums->squares[c] / (double)sums->n - mean * mean;
        double deviation = variance > 0 ? sqrt(variance) : 0;
        norm->low[c] = (float)fmax(sums->low[c], mean - REACH * deviation);
        norm->high[c] = (float)fmin(sums->high[c], mean + REACH * deviation);
        norm->mean[c] = (float)mean;
        norm->scale[c] = deviation < 1e-3 ? 0 : (float)(1 / deviation);
    }
    free(sums);
    free(rows);
    return status;
}

/* ---- sources ---- */

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

static CoreStatus fill_sides(TrainSource *source, CoreError *error) {
    source->sides = malloc(source->cache.count + 1);
    if (!source->sides) return core_fail(error, CORE_MEMORY, "out of memory");
    for (uint64_t i = 0; i < source->cache.count; i++)
        source->sides[i] = (uint8_t)train_source_side(source, &source->cache.examples[i]);
    return CORE_OK;
}

static CoreStatus open_cache(const TrainSourceOptions *options, TrainSource *source, CoreError *error) {
    if (options->build)
        return dataset_cache_open(source->reader, options->path, source->hash, &options->cache,
                                  &source->cache, error);
    CoreError ignored;
    CoreStatus status = dataset_cache_find(source->reader, options->path, source->hash, &options->cache,
                                           &source->cache, &ignored);
    if (status != CORE_OK || !source->cache.whole) dataset_cache_close(&source->cache);
    return CORE_OK;
}

CoreStatus train_source_open(const TrainSourceOptions *options, TrainSource *source, CoreError *error) {
    *source = (TrainSource){.replay = options->cache.replay};
    CoreStatus status = dataset_reader_open(options->path, &source->reader, error);
    if (status != CORE_OK) return status;
    source->head = dataset_reader_head(source->reader);
    source->split = options->split ? dataset_find_split(source->head, options->split) : NULL;
    if (options->split && !source->split) return no_split(source->head, options, error);
    status = dataset_hash(options->path, source->hash, error);
    if (status == CORE_OK) status = wire_osip_init(error);
    if (status == CORE_OK) status = open_cache(options, source, error);
    if (status == CORE_OK) status = fill_sides(source, error);
    source->data = (TrainData){.count = source->cache.count,
                               .examples = source->cache.examples,
                               .sides = source->sides,
                               .classes = source->head->class_list,
                               .n_classes = source->head->n_classes,
                               .cache = &source->cache};
    return status;
}

void train_source_close(TrainSource *source) {
    dataset_cache_close(&source->cache);
    dataset_reader_close(source->reader);
    free(source->sides);
    *source = (TrainSource){0};
}
