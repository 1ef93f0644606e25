/* Writing a dataset row by row: constant memory, and a file that appears whole or not at all.
 * Relies on: data/dataset/store_column.h, data/dataset/temporary.h, HDF5.
 * Relied on by: data/dataset (import, merge), data/synth, tools/data. */
#include "data/dataset/writer.h"

#include "data/dataset/store.h"
#include "data/dataset/store_column.h"
#include "data/dataset/temporary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows are collected so far before they go to the columns. The order of chunks in the file hangs on these two
 * and on the rows alone: same rows, same bytes. */
enum {
    STAGE_ROWS = 4096,
    STAGE_BYTES = 1 << 20,
};

struct DatasetWriter {
    Dataset *head; /* tables and the rows that are collected; &own, or the caller's dataset */
    Dataset own;
    char *path;      /* NULL: in memory */
    char *temporary; /* NULL once it is renamed or removed */
    hid_t file, messages;
    StoreColumn *columns; /* [schema_column_count], those of /messages in use */
    StorePacker packer;
    uint64_t rows, bytes; /* in the columns */
    bool copies;          /* rows bring their captures and runs */
    uint32_t last_capture;
    uint32_t first_run, named_run; /* runs before the latest capture's; the highest that its messages name */
};

static CoreStatus cannot_write(const DatasetWriter *w, CoreError *error) {
    return core_fail(error, CORE_IO, "%s: cannot write the dataset (disk full?)", w->path);
}

static bool is_of_messages(const SchemaColumn *column) {
    return column->extent == SCHEMA_BYTES || column->extent == SCHEMA_OFFSETS ||
           column->extent == SCHEMA_MESSAGES;
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static hid_t create_group(hid_t at, const char *name) {
    hid_t plist = H5Pcreate(H5P_GROUP_CREATE), group = -1;
    if (plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0)
        group = H5Gcreate2(at, name, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (plist >= 0) H5Pclose(plist);
    return group;
}

static bool open_columns(DatasetWriter *w) {
    static const uint64_t zero = 0;
    for (size_t i = 0; i < schema_column_count; i++) {
        const SchemaColumn *column = &schema_columns[i];
        if (!is_of_messages(column)) continue;
        if (!store_column_init(&w->columns[i], w->messages, column->name, column->type, column->width))
            return false;
        if (column->extent == SCHEMA_OFFSETS && !store_column_put(&w->columns[i], &w->packer, &zero, 1))
            return false;
    }
    return true;
}

static CoreStatus create_file(DatasetWriter *w, CoreError *error) {
    w->columns = calloc(schema_column_count, sizeof *w->columns);
    if (!w->columns || !store_packer_init(&w->packer))
        return core_fail(error, CORE_MEMORY, "%s: no memory to write it", w->path);
    hid_t plist = H5Pcreate(H5P_FILE_CREATE);
    if (plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0)
        w->file = H5Fcreate(w->temporary, H5F_ACC_TRUNC, plist, H5P_DEFAULT);
    if (plist >= 0) H5Pclose(plist);
    if (w->file >= 0) w->messages = create_group(w->file, "messages");
    return w->messages >= 0 && open_columns(w) ? CORE_OK : cannot_write(w, error);
}

static CoreStatus new_writer(DatasetWriter **writer, CoreError *error) {
    *writer = calloc(1, sizeof **writer);
    if (!*writer) return core_fail(error, CORE_MEMORY, "no memory for a dataset writer");
    (*writer)->head = &(*writer)->own;
    (*writer)->file = (*writer)->messages = -1;
    return CORE_OK;
}

static CoreStatus open_writer(DatasetWriter *w, const char *path, const DatasetClass *classes,
                              uint32_t n_classes, CoreError *error) {
    CoreStatus status = dataset_init(&w->own, classes, n_classes, error);
    if (status != CORE_OK) return status;
    if (!hdf5_start()) return core_fail(error, CORE_UNAVAILABLE, "libhdf5 does not start");
    w->path = malloc(strlen(path) + 1);
    if (!w->path) return core_fail(error, CORE_MEMORY, "%s: no memory for its name", path);
    memcpy(w->path, path, strlen(path) + 1);
    status = temporary_create(path, &w->temporary, error);
    return status == CORE_OK ? create_file(w, error) : status;
}

CoreStatus dataset_writer_open(const char *path, const DatasetClass *classes, uint32_t n_classes,
                               DatasetWriter **writer, CoreError *error) {
    CoreStatus status = new_writer(writer, error);
    if (status == CORE_OK) status = open_writer(*writer, path, classes, n_classes, error);
    if (status == CORE_OK) return CORE_OK;
    dataset_writer_discard(*writer);
    *writer = NULL;
    return status;
}

CoreStatus dataset_writer_open_copy(const char *path, const Dataset *tables, DatasetWriter **writer,
                                    CoreError *error) {
    CoreStatus status = dataset_writer_open(path, tables->class_list, tables->n_classes, writer, error);
    if (status != CORE_OK) return status;
    (*writer)->copies = true;
    status = dataset_copy_tables(&(*writer)->own, tables, error);
    if (status == CORE_OK) return CORE_OK;
    dataset_writer_discard(*writer);
    *writer = NULL;
    return status;
}

CoreStatus dataset_writer_in_memory(Dataset *dataset, DatasetWriter **writer, CoreError *error) {
    CoreStatus status = new_writer(writer, error);
    if (status != CORE_OK) return status;
    (*writer)->head = dataset;
    (*writer)->first_run = (*writer)->named_run = dataset->n_runs;
    return CORE_OK;
}

const Dataset *dataset_writer_head(const DatasetWriter *w) {
    return w->head;
}

uint64_t dataset_writer_count(const DatasetWriter *w) {
    return w->rows + w->head->count;
}

/* ---- tables -------------------------------------------------------------------------------------------- */

/* The runs that a capture's messages name must have come by its end. */
static CoreStatus end_capture(DatasetWriter *w, CoreError *error) {
    const Dataset *d = w->head;
    if (w->named_run <= d->n_runs) return CORE_OK;
    return core_fail(error, CORE_FORMAT, "messages/run: run %u of capture %s was never described",
                     w->named_run - w->first_run, d->captures[d->n_captures - 1].name);
}

CoreStatus dataset_writer_add_capture(DatasetWriter *w, const DatasetCapture *capture, CoreError *error) {
    if (w->copies) return core_fail(error, CORE_ARGUMENT, "a capture more than the copied dataset has");
    CoreStatus status = end_capture(w, error);
    if (status == CORE_OK) status = dataset_add_capture(w->head, capture, error);
    w->first_run = w->named_run = w->head->n_runs;
    return status;
}

CoreStatus dataset_writer_add_run(DatasetWriter *w, const DatasetRun *run, const WireAddress *clients,
                                  size_t n_clients, CoreError *error) {
    if (w->copies) return core_fail(error, CORE_ARGUMENT, "a run more than the copied dataset has");
    return dataset_add_run(w->head, run, clients, n_clients, error);
}

static CoreStatus add_run_of(DatasetWriter *w, const Dataset *source, uint32_t run, CoreError *error) {
    uint64_t begin, end;
    dataset_run_clients(source, run, &begin, &end);
    WireAddress *clients = calloc((size_t)(end - begin) + 1, sizeof *clients);
    if (!clients) return core_fail(error, CORE_MEMORY, "no memory for a run's clients");
    for (uint64_t i = begin; i < end; i++)
        memcpy(clients[i - begin].ip, source->client_ips[i], DATASET_IP_SIZE);
    CoreStatus status = dataset_writer_add_run(w, &source->runs[run], clients, (size_t)(end - begin), error);
    free(clients);
    return status;
}

static bool same_classes(const Dataset *a, const Dataset *b) {
    if (a->n_classes != b->n_classes) return false;
    for (uint32_t i = 0; i < a->n_classes; i++)
        if (strcmp(a->class_list[i].name, b->class_list[i].name) != 0 ||
            a->class_list[i].onset != b->class_list[i].onset)
            return false;
    return true;
}

CoreStatus dataset_writer_add_capture_of(DatasetWriter *w, const Dataset *source, uint32_t capture,
                                         uint32_t follows, uint32_t *run_map, CoreError *error) {
    DatasetCapture added = source->captures[capture];
    if (!same_classes(w->head, source))
        return core_fail(error, CORE_ARGUMENT, "capture %s: its dataset has other classes", added.name);
    added.follows = follows;
    CoreStatus status = dataset_writer_add_capture(w, &added, error);
    for (uint32_t r = 0; r < source->n_runs && status == CORE_OK; r++) {
        if (source->runs[r].capture != capture) continue;
        status = add_run_of(w, source, r, error);
        run_map[r] = w->head->n_runs;
    }
    return status;
}

CoreStatus dataset_writer_split(DatasetWriter *w, const char *name, DatasetSplit **split, CoreError *error) {
    for (uint32_t i = 0; i < w->head->n_splits; i++)
        if (strcmp(w->head->splits[i].name, name) == 0) {
            *split = &w->head->splits[i];
            return CORE_OK;
        }
    return dataset_add_split(w->head, name, split, error);
}

void dataset_writer_describe(DatasetWriter *w, const char *provenance, uint32_t pseudonymised) {
    memset(w->head->provenance, 0, sizeof w->head->provenance);
    snprintf(w->head->provenance, sizeof w->head->provenance, "%s", provenance);
    w->head->pseudonymised = pseudonymised;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

/* A column's collected elements begin .. end into its chunk. */
static bool flush_column(DatasetWriter *w, size_t column, uint64_t begin, uint64_t end) {
    while (begin < end) {
        uint64_t part;
        uint8_t *to = store_column_room(&w->columns[column], &part);
        if (part > end - begin) part = end - begin;
        schema_gather(w->head, &schema_columns[column], begin, part, to);
        if (!store_column_filled(&w->columns[column], &w->packer, part)) return false;
        begin += part;
    }
    return true;
}

/* Offsets count from the file's first byte; the one in front of each row is there already. */
static bool flush_columns(DatasetWriter *w) {
    Dataset *d = w->head;
    SchemaSizes sizes = schema_sizes(d);
    for (uint64_t i = 0; i <= d->count; i++)
        d->offset[i] += w->bytes;
    for (size_t i = 0; i < schema_column_count; i++) {
        SchemaExtent extent = schema_columns[i].extent;
        if (is_of_messages(&schema_columns[i]) &&
            !flush_column(w, i, extent == SCHEMA_OFFSETS ? 1 : 0, sizes.of[extent]))
            return false;
    }
    return true;
}

static CoreStatus check_copied(DatasetWriter *w, CoreError *error) {
    const Dataset *d = w->head;
    if (d->capture[0] < w->last_capture)
        return core_fail(error, CORE_FORMAT, "messages/capture[%llu] is out of range",
                         (unsigned long long)w->rows);
    w->last_capture = d->capture[d->count - 1];
    return dataset_check_rows(d, w->rows, error);
}

static CoreStatus flush(DatasetWriter *w, CoreError *error) {
    Dataset *d = w->head;
    if (!w->path || d->count == 0) return CORE_OK;
    CoreStatus status = w->copies ? check_copied(w, error) : CORE_OK;
    if (status != CORE_OK) return status;
    if (!flush_columns(w)) return cannot_write(w, error);
    w->rows += d->count;
    w->bytes = d->offset[d->count];
    dataset_clear_rows(d);
    return CORE_OK;
}

static CoreStatus flush_if_full(DatasetWriter *w, CoreError *error) {
    const Dataset *d = w->head;
    return d->count >= STAGE_ROWS || d->offset[d->count] >= STAGE_BYTES ? flush(w, error) : CORE_OK;
}

static CoreStatus check_label(DatasetWriter *w, const WireMessage *message, const DatasetLabel *label,
                              CoreError *error) {
    const char *fault = dataset_label_fault(w->head, label);
    if (!fault && message->transport > WIRE_WEBSOCKET) fault = "transport";
    if (!fault && label->run && label->run <= w->first_run) fault = "run"; /* of a capture before */
    if (!fault) {
        if (label->run > w->named_run) w->named_run = label->run;
        return CORE_OK;
    }
    return core_fail(error, CORE_FORMAT, "messages/%s[%llu] is out of range", fault,
                     (unsigned long long)dataset_writer_count(w));
}

CoreStatus dataset_writer_add_message(DatasetWriter *w, const WireMessage *message, const DatasetLabel *label,
                                      CoreError *error) {
    if (w->copies) return core_fail(error, CORE_ARGUMENT, "a message without a capture of its own");
    CoreStatus status = check_label(w, message, label, error);
    if (status == CORE_OK) status = dataset_add_message(w->head, message, label, error);
    return status == CORE_OK ? flush_if_full(w, error) : status;
}

static CoreStatus add_row(DatasetWriter *w, const Dataset *rows, uint64_t row, const uint32_t *run_map,
                          CoreError *error) {
    WireMessage message;
    uint32_t run = rows->run[row];
    DatasetLabel label = {rows->classes[row], run && run_map ? run_map[run - 1] : run, rows->primary[row],
                          rows->part[row]};
    dataset_message_view(rows, row, &message);
    if (!w->copies) return dataset_writer_add_message(w, &message, &label, error);
    CoreStatus status = dataset_add_message(w->head, &message, &label, error);
    if (status != CORE_OK) return status;
    w->head->capture[w->head->count - 1] = rows->capture[row];
    return flush_if_full(w, error);
}

CoreStatus dataset_writer_add_rows(DatasetWriter *w, const Dataset *rows, uint64_t begin, uint64_t end,
                                   const uint32_t *run_map, CoreError *error) {
    CoreStatus status = CORE_OK;
    for (uint64_t row = begin; row < end && status == CORE_OK; row++)
        status = add_row(w, rows, row, run_map, error);
    return status;
}

/* ---- sealing ------------------------------------------------------------------------------------------- */

/* A column of a table, or the sides of a split. */
static bool write_values(DatasetWriter *w, hid_t group, const SchemaColumn *column, uint64_t length) {
    StoreColumn out;
    bool written = store_column_init(&out, group, column->name, column->type, column->width);
    for (uint64_t at = 0; at < length && written;) {
        uint64_t part;
        uint8_t *to = store_column_room(&out, &part);
        if (part > length - at) part = length - at;
        schema_gather(w->head, column, at, part, to);
        written = store_column_filled(&out, &w->packer, part);
        at += part;
    }
    if (written) written = store_column_finish(&out, &w->packer);
    store_column_free(&out);
    return written;
}

/* The columns of one group stand next to each other in the schema's table. */
static bool write_tables(DatasetWriter *w) {
    SchemaSizes sizes = schema_sizes(w->head);
    bool written = true;
    for (size_t i = 0; i < schema_column_count && written;) {
        const char *name = schema_columns[i].group;
        bool messages = is_of_messages(&schema_columns[i]);
        hid_t group = messages ? w->messages : create_group(w->file, name);
        written = group >= 0;
        for (; i < schema_column_count && written && strcmp(schema_columns[i].group, name) == 0; i++)
            written = messages
                          ? store_column_finish(&w->columns[i], &w->packer)
                          : write_values(w, group, &schema_columns[i], sizes.of[schema_columns[i].extent]);
        if (group >= 0 && !messages) H5Gclose(group);
    }
    return written;
}

static bool write_sides(DatasetWriter *w, hid_t group, const char *name, const uint8_t *sides,
                        uint64_t length) {
    StoreColumn out;
    bool written = store_column_init(&out, group, name, SCHEMA_U8, 1) &&
                   store_column_put(&out, &w->packer, sides, length) && store_column_finish(&out, &w->packer);
    store_column_free(&out);
    return written;
}

static bool write_splits(DatasetWriter *w) {
    const Dataset *d = w->head;
    hid_t splits = create_group(w->file, "splits");
    bool written = splits >= 0;
    for (uint32_t i = 0; i < d->n_splits && written; i++) {
        const DatasetSplit *split = &d->splits[i];
        hid_t group = create_group(splits, split->name);
        written = group >= 0 && write_sides(w, group, "captures", split->captures, d->n_captures) &&
                  write_sides(w, group, "runs", split->runs, d->n_runs);
        if (group >= 0) H5Gclose(group);
    }
    if (splits >= 0) H5Gclose(splits);
    return written;
}

static bool write_attribute(DatasetWriter *w, const char *name, SchemaType type, size_t width,
                            const void *value) {
    hid_t stored = hdf5_file_type(type, width), memory = hdf5_memory_type(type, width);
    hid_t space = H5Screate(H5S_SCALAR), attribute = -1;
    if (stored >= 0 && memory >= 0 && space >= 0)
        attribute = H5Acreate2(w->file, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, memory, value) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    if (stored >= 0) H5Tclose(stored);
    if (memory >= 0) H5Tclose(memory);
    if (space >= 0) H5Sclose(space);
    return written;
}

static bool write_attributes(DatasetWriter *w) {
    const Dataset *d = w->head;
    uint32_t version = DATASET_SCHEMA_VERSION;
    return write_attribute(w, "schema_version", SCHEMA_U32, 1, &version) &&
           write_attribute(w, "pseudonymised", SCHEMA_U32, 1, &d->pseudonymised) &&
           write_attribute(w, "provenance", SCHEMA_TEXT, sizeof d->provenance, d->provenance);
}

/* Gives all handles of HDF5 back; false if the file is not whole. */
static bool close_file(DatasetWriter *w) {
    for (size_t i = 0; w->columns && i < schema_column_count; i++)
        store_column_free(&w->columns[i]);
    if (w->messages >= 0) H5Gclose(w->messages);
    bool closed = w->file < 0 || H5Fclose(w->file) >= 0;
    w->file = w->messages = -1;
    return closed;
}

static CoreStatus seal_file(DatasetWriter *w, CoreError *error) {
    CoreStatus status = flush(w, error);
    if (status != CORE_OK) return status;
    bool written = write_attributes(w) && write_tables(w) && write_splits(w);
    if (!close_file(w) || !written) return cannot_write(w, error);
    char *temporary = w->temporary;
    w->temporary = NULL;
    return temporary_commit(temporary, w->path, true, error);
}

CoreStatus dataset_writer_seal(DatasetWriter *w, CoreError *error) {
    CoreStatus status = end_capture(w, error);
    if (status == CORE_OK) status = dataset_check_tables(w->head, error);
    if (status == CORE_OK && w->path) status = seal_file(w, error);
    dataset_writer_discard(w);
    return status;
}

void dataset_writer_discard(DatasetWriter *w) {
    if (!w) return;
    close_file(w);
    if (w->temporary) temporary_discard(w->temporary);
    store_packer_free(&w->packer);
    dataset_free(&w->own);
    free(w->columns);
    free(w->path);
    free(w);
}

/* ---- a dataset that is in memory ----------------------------------------------------------------------- */

CoreStatus dataset_write(const Dataset *dataset, const char *path, CoreError *error) {
    DatasetWriter *writer;
    CoreStatus status = dataset_check(dataset, error);
    if (status == CORE_OK) status = dataset_writer_open_copy(path, dataset, &writer, error);
    if (status != CORE_OK) return status;
    status = dataset_writer_add_rows(writer, dataset, 0, dataset->count, NULL, error);
    if (status == CORE_OK) return dataset_writer_seal(writer, error);
    dataset_writer_discard(writer);
    return status;
}
