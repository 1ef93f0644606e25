/* Splits: which captures, runs and tools train, validate and test. Never single rows.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: tools/data, tests. */
#ifndef SIPCNN_DATASET_SPLIT_H
#define SIPCNN_DATASET_SPLIT_H

#include "data/dataset/dataset.h"

typedef enum DatasetSplitBy {
    DATASET_BY_CAPTURE, /* a capture with all its runs */
    DATASET_BY_RUN,     /* runs of each class on every side; what belongs to no run goes with its capture */
    DATASET_BY_TOOL,    /* all runs of a tool; what belongs to no run goes with its capture */
    DATASET_BY_TIME,    /* captures by their first message: the earliest train, the latest test */
} DatasetSplitBy;

/* Puts a capture or tool (by DATASET_BY_TOOL) on a side, whatever the shares say. */
typedef struct DatasetAssignment {
    const char *name;
    DatasetSide side;
} DatasetAssignment;

typedef struct DatasetSplitOptions {
    const char *name;
    DatasetSplitBy by;
    double validation, test; /* shares of the messages (captures) or runs, 0..1, together below 1 */
    const DatasetAssignment *assignments; /* [n_assignments] */
    size_t n_assignments;
    uint64_t seed;
} DatasetSplitOptions;

/* Makes or replaces the split of that name. Captures that follow each other stay on one side. Of many seeded
 * draws the one whose sides come nearest to the shares, class by class, is kept; the same seed gives the same
 * split. CORE_ARGUMENT: shares out of range, an unknown name; CORE_MEMORY. */
CORE_NODISCARD CoreStatus dataset_split_make(Dataset *dataset, const DatasetSplitOptions *options,
                                             CoreError *error);

#endif
