/* Writing a dataset row by row: constant memory, and a file that appears whole or not at all.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: data/dataset (import, store, merge), data/synth, tools/data. */
#ifndef SIPCNN_DATASET_WRITER_H
#define SIPCNN_DATASET_WRITER_H

#include "data/dataset/dataset.h"

/* Captures, runs and splits are kept in memory until the end; messages go to a temporary file beside the
 * target, a compressed chunk at a time (about 16 MiB in all). The same calls in the same order of messages,
 * and dataset_write of the same dataset, give the same bytes. One thread at a time, and no other thread in
 * libhdf5 (it is not thread-safe). After a failed call the writer is fit for dataset_writer_discard only. */
typedef struct DatasetWriter DatasetWriter;

/* Starts a dataset file with these classes (rules as for dataset_init). CORE_IO: cannot create beside `path`;
 * CORE_ARGUMENT, CORE_MEMORY, CORE_UNAVAILABLE. End it with dataset_writer_seal or dataset_writer_discard. */
CORE_NODISCARD CoreStatus dataset_writer_open(const char *path, const DatasetClass *classes,
                                              uint32_t n_classes, DatasetWriter **writer, CoreError *error);

/* Starts a file with the tables of another dataset (dataset_writer_head says them), for a copy of it whose
 * rows change or not, or that gets another split: dataset_writer_add_rows then takes all its rows in order,
 * each with its own capture and run, and nothing but rows and splits is added. Errors as above. */
CORE_NODISCARD CoreStatus dataset_writer_open_copy(const char *path, const Dataset *tables,
                                                   DatasetWriter **writer, CoreError *error);

/* A writer that appends to a dataset in memory instead, as dataset_add_* do; *dataset is borrowed until the
 * writer ends (both ends leave it to its owner). */
CORE_NODISCARD CoreStatus dataset_writer_in_memory(Dataset *dataset, DatasetWriter **writer,
                                                   CoreError *error);

/* The tables so far: classes, captures, runs with their clients, splits. Of a file's writer it has no rows
 * that mean anything. Borrowed; arrays move as they grow. */
const Dataset *dataset_writer_head(const DatasetWriter *writer);

/* Messages added so far. */
uint64_t dataset_writer_count(const DatasetWriter *writer);

/* Appends a capture (`follows` is an index of this dataset); messages and runs that come now are its own.
 * Errors as of dataset_add_capture. */
CORE_NODISCARD CoreStatus dataset_writer_add_capture(DatasetWriter *writer, const DatasetCapture *capture,
                                                     CoreError *error);

/* Appends a run of the latest capture; its id for labels is dataset_writer_head()->n_runs afterwards. A
 * capture's messages may name runs that are added after them, as long as it is before the next capture. */
CORE_NODISCARD CoreStatus dataset_writer_add_run(DatasetWriter *writer, const DatasetRun *run,
                                                 const WireAddress *clients, size_t n_clients,
                                                 CoreError *error);

/* Appends a message (copied) of the latest capture. CORE_FORMAT names a label that breaks dataset_check's
 * rules; CORE_LIMIT: longer than WIRE_MESSAGE_MAX; CORE_IO: cannot write (disk full). */
CORE_NODISCARD CoreStatus dataset_writer_add_message(DatasetWriter *writer, const WireMessage *message,
                                                     const DatasetLabel *label, CoreError *error);

/* Appends capture `capture` of another dataset's tables with its runs (not its rows); `follows` is an index
 * of this dataset or DATASET_NO_CAPTURE. run_map[r] (of source->n_runs) gets the new id for rows of each of
 * its runs r there, an index: id r + 1 there becomes run_map[r] here. CORE_ARGUMENT also when the class
 * tables differ. */
CORE_NODISCARD CoreStatus dataset_writer_add_capture_of(DatasetWriter *writer, const Dataset *source,
                                                        uint32_t capture, uint32_t follows, uint32_t *run_map,
                                                        CoreError *error);

/* Appends rows begin .. end of `rows` (a dataset, or a DatasetReader's window) as messages of the latest
 * capture here, whatever theirs is; run ids go through run_map (of dataset_writer_add_capture_of; NULL: as
 * they are). */
CORE_NODISCARD CoreStatus dataset_writer_add_rows(DatasetWriter *writer, const Dataset *rows, uint64_t begin,
                                                  uint64_t end, const uint32_t *run_map, CoreError *error);

/* The split of that name; if there is none it is added, with every capture and run on DATASET_UNUSED, also
 * those that come later, until the caller says otherwise through *split (valid until the next call that adds
 * something). CORE_ARGUMENT: no name for a split. */
CORE_NODISCARD CoreStatus dataset_writer_split(DatasetWriter *writer, const char *name, DatasetSplit **split,
                                               CoreError *error);

/* How it was made, for people (cut to fit), and whether addresses and names were replaced (0 or 1). */
void dataset_writer_describe(DatasetWriter *writer, const char *provenance, uint32_t pseudonymised);

/* Writes the tables, checks every invariant, flushes to disk and renames; frees the writer, whatever happens.
 * On failure nothing is left and the old file, if there was one, is untouched. CORE_FORMAT, CORE_IO. */
CORE_NODISCARD CoreStatus dataset_writer_seal(DatasetWriter *writer, CoreError *error);

/* Removes what was written and frees the writer. NULL is fine. */
void dataset_writer_discard(DatasetWriter *writer);

#endif
