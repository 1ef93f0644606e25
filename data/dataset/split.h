/* Splits: which captures, runs and tools train, validate and test.
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
    DATASET_BY_GROUP,   /* captures that share client addresses or networks together */
    DATASET_BY_ROW, /* each message by itself; shares in tenths, no seed. To show what that does to a score */
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
    /* Of DATASET_BY_GROUP: how much of an address tells clients apart, in bits of IPv4 and of IPv6; 0: all.
     */
    uint8_t prefix4, prefix6;
} DatasetSplitOptions;

/* What a split has to know of the messages. */
typedef struct DatasetSplitFacts DatasetSplitFacts;

/* Nothing known yet of a dataset with these tables (borrowed). `clients`: also who sent requests, which only
 * DATASET_BY_GROUP needs. CORE_MEMORY. */
CORE_NODISCARD CoreStatus dataset_split_facts_new(const Dataset *head, bool clients,
                                                  DatasetSplitFacts **facts, CoreError *error);
/* Takes rows 0 .. rows->count into account. CORE_MEMORY. */
CORE_NODISCARD CoreStatus dataset_split_facts_add(DatasetSplitFacts *facts, const Dataset *rows,
                                                  CoreError *error);
void dataset_split_facts_free(DatasetSplitFacts *facts);

/* Puts every capture and run of `head`, of whose rows all were added to `facts`, on a side of *split (its
 * arrays have room for them). Captures that follow each other stay on one side. Of many seeded draws the one
 * whose sides come nearest to the shares, class by class, is kept; the same seed gives the same split.
 * CORE_ARGUMENT: shares out of range, an unknown name, or captures that share clients all around, so that
 * there are fewer groups than sides; CORE_MEMORY.
 *
 * By group whole captures change sides, never the clients within one: they share dialogs, targets and the
 * counters of all traffic, and a replay without some of them would be of a network that never was. */
CORE_NODISCARD CoreStatus dataset_split_draw(const Dataset *head, const DatasetSplitFacts *facts,
                                             const DatasetSplitOptions *options, DatasetSplit *split,
                                             CoreError *error);

/* The same for a dataset in memory: makes or replaces the split of that name. */
CORE_NODISCARD CoreStatus dataset_split_make(Dataset *dataset, const DatasetSplitOptions *options,
                                             CoreError *error);

#endif
