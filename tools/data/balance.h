/* How many messages, runs and clients of what stand where: the tables of info and split.
 * Relies on: data/dataset/dataset.h, jansson.
 * Relied on by: tools/data/info, tools/data/split. */
#ifndef SIPCNN_TOOLS_DATA_BALANCE_H
#define SIPCNN_TOOLS_DATA_BALANCE_H

#include "data/dataset/dataset.h"

#include <jansson.h>

/* Rows of the tables: benign, each class, then what is never sampled. */
enum { BALANCE_UNLABELLED = DATASET_CLASSES_MAX + 1, BALANCE_IGNORED, BALANCE_KINDS };

/* Counts of messages by primary and part, and of runs. */
typedef struct Balance {
    uint64_t messages[BALANCE_KINDS];
    uint64_t parts[BALANCE_KINDS][DATASET_PARTS];
    uint64_t also[BALANCE_KINDS]; /* messages of another primary for which the class holds too */
    uint32_t runs[BALANCE_KINDS];
} Balance;

/* Counts the rows on one side of a split; split NULL: all rows. */
void balance_count(const Dataset *dataset, const DatasetSplit *split, DatasetSide side, Balance *balance);

void balance_print(const Dataset *dataset, const Balance *balance);
/* Messages and runs of each kind on each side. */
void balance_print_split(const Dataset *dataset, const DatasetSplit *split);

/* New objects, NULL without memory. */
json_t *balance_json(const Dataset *dataset, const Balance *balance);
json_t *balance_split_json(const Dataset *dataset, const DatasetSplit *split);

#endif
