/* Merging: all of one dataset behind what another has.
 * Relies on: data/dataset/reader.h, data/dataset/writer.h, data/dataset/progress.h.
 * Relied on by: tools/data (merge, import). */
#ifndef SIPCNN_DATASET_MERGE_H
#define SIPCNN_DATASET_MERGE_H

#include "data/dataset/progress.h"
#include "data/dataset/reader.h"
#include "data/dataset/writer.h"

typedef struct DatasetMergeOptions {
    bool follows; /* its first capture, if it follows none, goes on where the writer's last one ended */
    const DatasetProgress *progress; /* messages of this dataset; may be NULL */
} DatasetMergeOptions;

/* Appends every capture with its runs (new ids) and rows, and sides to the splits: those of one name become
 * one; captures and runs of a dataset without that split are unused in it. CORE_ARGUMENT: the class tables
 * differ, or a capture has the name or the content of one that the writer has; CORE_LIMIT, CORE_INTERRUPTED,
 * and errors of reader and writer. After a failure the writer is fit for dataset_writer_discard only. */
CORE_NODISCARD CoreStatus dataset_merge_into(DatasetReader *from, DatasetWriter *to,
                                             const DatasetMergeOptions *options, CoreError *error);

#endif
