/* Export: a capture of a dataset becomes a pcap file with its labels again.
 * Relies on: data/dataset/reader.h, data/dataset/progress.h.
 * Relied on by: tools/data/export, tests. */
#ifndef SIPCNN_DATASET_EXPORT_H
#define SIPCNN_DATASET_EXPORT_H

#include "data/dataset/progress.h"
#include "data/dataset/reader.h"

typedef struct DatasetExportOptions {
    const bool *primaries; /* [256] values of `primary` wanted; a class also where it holds beside another;
                              NULL: all */
    const bool *runs;      /* [n_runs] runs (indices) wanted; NULL: all rows, those of no run too */
    bool keep_frames;      /* messages keep their frame numbers, with empty frames between them */
    const DatasetProgress *progress; /* messages of the capture; may be NULL */
} DatasetExportOptions;

typedef struct DatasetExportReport {
    uint64_t messages, frames, fillers;
    uint32_t runs;
    bool named; /* there were messages, hence files */
} DatasetExportReport;

/* Writes FOLDER/NAME.pcap, NAME.labels.tsv and NAME.runs.tsv for a capture called NAME, each whole or not at
 * all, the capture last; nothing if no message is wanted. Frames are raw IP with UDP, or TCP for what came
 * so. Importing them gives the same rows (UDP exactly; frame numbers with keep_frames). CORE_ARGUMENT: the
 * name cannot be a file's, or a message cannot be put into frames (row named); CORE_IO names the file;
 * CORE_INTERRUPTED; errors of the reader. */
CORE_NODISCARD CoreStatus dataset_export_capture(DatasetReader *reader, uint32_t capture, const char *folder,
                                                 const DatasetExportOptions *options,
                                                 DatasetExportReport *report, CoreError *error);

#endif
