/* Label files: the rules that people write and the rows that a lab writes (docs/labels.md), and run tables.
 * Relies on: data/dataset/dataset.h (classes), data/features (address ranges), data/dataset/compressed.h.
 * Relied on by: data/dataset/import. */
#ifndef SIPCNN_DATASET_LABELS_H
#define SIPCNN_DATASET_LABELS_H

#include "data/dataset/dataset.h"
#include "data/features/features.h"

/* One row of NAME.labels.tsv. */
typedef struct DatasetLabelRow {
    uint64_t frame;
    uint32_t index;
    uint32_t line;    /* in the file, for errors */
    uint32_t classes; /* {primary} and also */
    uint32_t run;     /* the file's number, 0: none */
    uint8_t primary, part;
} DatasetLabelRow;

/* One line of a rules file. */
typedef struct DatasetRule {
    int64_t start_ns, end_ns;    /* inclusive; INT64_MIN and INT64_MAX match anything */
    FeatureLocal client, target; /* prefix 0 matches anything */
    char *call_id;               /* NULL matches anything */
    uint32_t classes, run;
    uint32_t line;
    uint8_t primary;
    char tool[DATASET_NAME_SIZE];
    char note[DATASET_SETTINGS_SIZE];
} DatasetRule;

/* One row of NAME.runs.tsv. */
typedef struct DatasetRunRow {
    DatasetRun run; /* number, primary, tool, settings, start_ns, end_ns */
    WireAddress *clients;
    uint32_t n_clients;
    uint32_t line;
} DatasetRunRow;

typedef enum DatasetLabelForm {
    DATASET_LABELS_NONE, /* no label file: every message gets the default */
    DATASET_LABELS_ROWS,
    DATASET_LABELS_RULES,
} DatasetLabelForm;

/* What the files of one capture say. Zeroed: no labels. */
typedef struct DatasetLabels {
    DatasetLabelForm form;
    DatasetLabelRow *rows; /* [n_rows] sorted by frame and index, none twice */
    size_t n_rows;
    DatasetRule *rules; /* [n_rules] in file order: the first that matches wins */
    size_t n_rules;
    DatasetRunRow *runs; /* [n_runs] sorted by number, none twice */
    size_t n_runs;
} DatasetLabels;

/* Reads a label file of either form, recognised by its header; ".xz" is decompressed. Class names are those
 * of `dataset`. A bad line is CORE_FORMAT with file, line number and field. The caller frees *labels, also
 * after a failure. Thread-safe. */
CORE_NODISCARD CoreStatus dataset_labels_read(const char *path, const Dataset *dataset, DatasetLabels *labels,
                                              CoreError *error);

/* Adds the runs of NAME.runs.tsv to labels read before. Errors as above. */
CORE_NODISCARD CoreStatus dataset_labels_read_runs(const char *path, const Dataset *dataset,
                                                   DatasetLabels *labels, CoreError *error);

/* The same from memory; `name` stands for the file in errors. */
CORE_NODISCARD CoreStatus dataset_labels_parse(const char *name, const char *text, size_t size,
                                               const Dataset *dataset, DatasetLabels *labels,
                                               CoreError *error);
CORE_NODISCARD CoreStatus dataset_labels_parse_runs(const char *name, const char *text, size_t size,
                                                    const Dataset *dataset, DatasetLabels *labels,
                                                    CoreError *error);

/* The row for a message, or NULL. */
const DatasetLabelRow *dataset_labels_find(const DatasetLabels *labels, uint64_t frame, uint32_t index);

/* The run of that number, or NULL. */
const DatasetRunRow *dataset_labels_find_run(const DatasetLabels *labels, uint32_t number);

/* The first rule that matches, or NULL. `client` and `target` are the message's two sides (of a reply
 * swapped); call_id is borrowed. */
const DatasetRule *dataset_labels_match(const DatasetLabels *labels, int64_t time_ns,
                                        const WireAddress *client, const WireAddress *target,
                                        const char *call_id, size_t call_id_length);

void dataset_labels_free(DatasetLabels *labels);

#endif
