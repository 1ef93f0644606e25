/* Merging: all of one dataset behind what another has.
 * Relies on: data/dataset/reader.h, data/dataset/writer.h.
 * Relied on by: tools/data (merge, import). */
#include "data/dataset/merge.h"

#include <stdlib.h>
#include <string.h>

typedef struct Merger {
    DatasetReader *from;
    DatasetWriter *to;
    const Dataset *source; /* tables of `from` */
    const DatasetMergeOptions *options;
    uint32_t *run_map;      /* [source->n_runs] new id of each run */
    uint32_t first_capture; /* captures before this dataset's */
    uint64_t done;
    CoreError *error;
} Merger;

/* ---- may they be merged? ------------------------------------------------------------------------------- */

static CoreStatus check_classes(const Merger *m) {
    const Dataset *a = dataset_writer_head(m->to), *b = m->source;
    uint32_t both = a->n_classes < b->n_classes ? a->n_classes : b->n_classes;
    for (uint32_t i = 0; i < both; i++)
        if (strcmp(a->class_list[i].name, b->class_list[i].name) != 0 ||
            a->class_list[i].onset != b->class_list[i].onset)
            return core_fail(m->error, CORE_ARGUMENT,
                             "other classes: class %u is %s with an onset of %u, not %s with %u", i,
                             b->class_list[i].name, b->class_list[i].onset, a->class_list[i].name,
                             a->class_list[i].onset);
    if (a->n_classes == b->n_classes) return CORE_OK;
    return core_fail(m->error, CORE_ARGUMENT, "other classes: %u of them, not %u", b->n_classes,
                     a->n_classes);
}

/* Against what was there before; what one dataset has twice is its own business. */
static CoreStatus check_capture(const Merger *m, const DatasetCapture *capture) {
    static const uint8_t unknown[DATASET_HASH_SIZE] = {0};
    const Dataset *d = dataset_writer_head(m->to);
    for (uint32_t i = 0; i < m->first_capture; i++) {
        if (strcmp(d->captures[i].name, capture->name) == 0)
            return core_fail(m->error, CORE_ARGUMENT, "a capture named %s is there already", capture->name);
        if (memcmp(capture->sha256, unknown, sizeof unknown) != 0 &&
            memcmp(d->captures[i].sha256, capture->sha256, DATASET_HASH_SIZE) == 0)
            return core_fail(m->error, CORE_ARGUMENT, "capture %s is the same as %s, which is there already",
                             capture->name, d->captures[i].name);
    }
    return CORE_OK;
}

/* ---- taking over --------------------------------------------------------------------------------------- */

/* The capture of the writer that this one goes on from. */
static uint32_t follows(const Merger *m, uint32_t capture) {
    uint32_t before = m->source->captures[capture].follows;
    if (before != DATASET_NO_CAPTURE) return m->first_capture + before;
    return capture == 0 && m->options->follows && m->first_capture ? m->first_capture - 1
                                                                   : DATASET_NO_CAPTURE;
}

static CoreStatus copy_rows(Merger *m, uint32_t capture) {
    const Dataset *rows;
    uint64_t begin, end, first;
    dataset_reader_capture_rows(m->from, capture, &begin, &end);
    CoreStatus status = dataset_reader_seek(m->from, begin, end, m->error);
    while (status == CORE_OK && (status = dataset_reader_next(m->from, &rows, &first, m->error)) == CORE_OK) {
        status = dataset_writer_add_rows(m->to, rows, 0, rows->count, m->run_map, m->error);
        m->done += rows->count;
        if (status == CORE_OK &&
            !dataset_progress(m->options->progress, m->done, dataset_reader_count(m->from)))
            status = core_fail(m->error, CORE_INTERRUPTED, "interrupted");
    }
    return status == CORE_END ? CORE_OK : status;
}

static CoreStatus copy_capture(Merger *m, uint32_t capture) {
    CoreStatus status = check_capture(m, &m->source->captures[capture]);
    if (status == CORE_OK)
        status = dataset_writer_add_capture_of(m->to, m->source, capture, follows(m, capture), m->run_map,
                                               m->error);
    return status == CORE_OK ? copy_rows(m, capture) : status;
}

static CoreStatus copy_sides(Merger *m, const DatasetSplit *from) {
    DatasetSplit *to;
    CoreStatus status = dataset_writer_split(m->to, from->name, &to, m->error);
    if (status != CORE_OK) return status;
    for (uint32_t c = 0; c < m->source->n_captures; c++)
        to->captures[m->first_capture + c] = from->captures[c];
    for (uint32_t r = 0; r < m->source->n_runs; r++)
        to->runs[m->run_map[r] - 1] = from->runs[r];
    return CORE_OK;
}

static CoreStatus merge(Merger *m) {
    CoreStatus status = check_classes(m);
    m->first_capture = dataset_writer_head(m->to)->n_captures;
    for (uint32_t c = 0; c < m->source->n_captures && status == CORE_OK; c++)
        status = copy_capture(m, c);
    for (uint32_t s = 0; s < m->source->n_splits && status == CORE_OK; s++)
        status = copy_sides(m, &m->source->splits[s]);
    return status;
}

CoreStatus dataset_merge_into(DatasetReader *from, DatasetWriter *to, const DatasetMergeOptions *options,
                              CoreError *error) {
    static const DatasetMergeOptions none = {0};
    Merger m = {.from = from, .to = to, .source = dataset_reader_head(from), .error = error};
    m.options = options ? options : &none;
    m.run_map = calloc(m.source->n_runs + 1u, sizeof *m.run_map);
    if (!m.run_map) return core_fail(error, CORE_MEMORY, "no memory for %u runs", m.source->n_runs);
    CoreStatus status = merge(&m);
    free(m.run_map);
    return status;
}
