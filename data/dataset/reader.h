/* Reading a dataset of any size: its tables at once, its messages window by window, in any order of ranges.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: data/dataset (store, merge, export, replay), train, tools/data. */
#ifndef SIPCNN_DATASET_READER_H
#define SIPCNN_DATASET_READER_H

#include "data/dataset/dataset.h"

/* The file is not trusted: a forked child under limits opens it with HDF5 and answers requests for ranges of
 * rows through a pipe, until the reader is closed; this process checks all that arrives (as dataset_check
 * does) and never calls HDF5 on the file. Either process stays below 1 GiB whatever the file's size; besides
 * the tables a window of DATASET_WINDOW_ROWS and DATASET_WINDOW_BYTES is all that is held. The child works on
 * the next window while this process uses the current one. */
typedef struct DatasetReader DatasetReader;

/* At most this much in one window. */
enum {
    DATASET_WINDOW_ROWS = 1 << 14,
    DATASET_WINDOW_BYTES = 8 << 20,
};

/* Opens a dataset file. Forks: call it before the process starts threads or an OpenMP region; afterwards the
 * reader may be handed from thread to thread, one at a time. Errors name the file: CORE_IO (cannot open),
 * CORE_FORMAT (no HDF5, damaged, another schema), CORE_VERSION (a later schema), CORE_LIMIT (tables larger
 * than the reader takes), CORE_MEMORY. Close with dataset_reader_close. */
CORE_NODISCARD CoreStatus dataset_reader_open(const char *path, DatasetReader **reader, CoreError *error);

/* The tables: classes, captures, runs with their clients, splits, provenance; no rows (count 0). Checked.
 * Borrowed. */
const Dataset *dataset_reader_head(const DatasetReader *reader);

/* Messages in the file, and bytes of all of them. */
uint64_t dataset_reader_count(const DatasetReader *reader);
uint64_t dataset_reader_bytes(const DatasetReader *reader);

/* First row of a capture, and the first behind it (equal: it has none). Known without reading a message. */
void dataset_reader_capture_rows(const DatasetReader *reader, uint32_t capture, uint64_t *begin,
                                 uint64_t *end);

/* From now on dataset_reader_next delivers rows begin .. end; without a call, all of them. Any number of
 * times, in any order; ranges one behind the other cost no more than one long range. CORE_ARGUMENT: a range
 * beyond the rows; else as dataset_reader_next. */
CORE_NODISCARD CoreStatus dataset_reader_seek(DatasetReader *reader, uint64_t begin, uint64_t end,
                                              CoreError *error);

/* The next window: *rows is a dataset whose rows 0 .. rows->count are rows *first … of the file and whose
 * tables are the file's, so that dataset_message_view, dataset_side, … serve it. Valid until the next call on
 * the reader. CORE_OK; CORE_END behind the last row of the range; CORE_FORMAT: damaged (names file, column
 * and row, or how the child ended); CORE_MEMORY. After a failure the reader is fit for dataset_reader_close
 * only. */
CORE_NODISCARD CoreStatus dataset_reader_next(DatasetReader *reader, const Dataset **rows, uint64_t *first,
                                              CoreError *error);

/* Ends the child. NULL is fine. */
void dataset_reader_close(DatasetReader *reader);

#endif
