/* Import: one capture with its labels becomes rows of a dataset.
 * Relies on: data/wire (source, scan), data/dataset/labels.h, data/dataset/compressed.h.
 * Relied on by: tools/data, tests. */
#ifndef SIPCNN_DATASET_IMPORT_H
#define SIPCNN_DATASET_IMPORT_H

#include "data/dataset/dataset.h"
#include "data/dataset/labels.h"
#include "data/dataset/progress.h"
#include "data/dataset/writer.h"
#include "data/wire/source.h"

typedef struct DatasetImportOptions {
    const char *labels;  /* label file; NULL: NAME.labels.tsv or NAME.labels.csv beside NAME.pcap, plain or
                            .xz,  if there is one */
    const char *session; /* NULL: the capture's name */
    uint8_t otherwise; /* primary of messages that no label speaks of: DATASET_BENIGN or DATASET_UNLABELLED */
    bool follows;      /* the capture goes on where the dataset's last one ended */
    const DatasetProgress *progress; /* bytes of the capture; may be NULL */
} DatasetImportOptions;

/* What happened. */
typedef struct DatasetImportReport {
    uint64_t messages;
    DatasetLabelForm form;
    uint64_t without_label;   /* messages that no row (or rule) speaks of */
    uint64_t without_message; /* rows whose message is not in the capture */
    uint32_t runs;
    WireCounters wire;
} DatasetImportReport;

/* Appends the capture `path` (pcap or pcapng, may be xz), all its SIP messages and its runs. Rows must match
 * messages: more than one in a thousand without the other is CORE_FORMAT and names the first. Also
 * CORE_FORMAT: a damaged capture (frame named) or label file (line named), a row of an unknown run;
 * CORE_NOT_FOUND: no SIP in it; CORE_ARGUMENT: its name or content is in the dataset already;
 * CORE_INTERRUPTED. After a failure the dataset is fit for dataset_free only. One thread at a time. */
CORE_NODISCARD CoreStatus dataset_import(const char *path, const DatasetImportOptions *options,
                                         Dataset *dataset, DatasetImportReport *report, CoreError *error);

/* The same into a writer, in constant memory but for the labels. After a failure the writer is fit for
 * dataset_writer_discard only. */
CORE_NODISCARD CoreStatus dataset_import_to(const char *path, const DatasetImportOptions *options,
                                            DatasetWriter *writer, DatasetImportReport *report,
                                            CoreError *error);

/* SHA-256 of all that an import of `path` would depend on: the files as they are, those options that change
 * rows (not `follows`), the class names of `head`. Equal: the same rows. Errors as above. */
CORE_NODISCARD CoreStatus dataset_import_fingerprint(const char *path, const DatasetImportOptions *options,
                                                     const Dataset *head,
                                                     uint8_t fingerprint[DATASET_HASH_SIZE],
                                                     CoreError *error);

#endif
