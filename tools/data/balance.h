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

/* On each side of a split. */
typedef struct BalanceSplit {
    Balance sides[DATASET_SIDES];
} BalanceSplit;

/* Starts counting with the runs of `head`, whose rows come later, window by window. */
void balance_start(Balance *balance, const Dataset *head);
void balance_start_split(BalanceSplit *balance, const Dataset *head, const DatasetSplit *split);

/* Counts the rows, of which the first is row `first` of the dataset. */
void balance_add(Balance *balance, const Dataset *rows);
void balance_add_split(BalanceSplit *balance, const Dataset *rows, uint64_t first, const DatasetSplit *split);

/* The side of a capture or run as stored in a split: its name, or "by row". */
const char *balance_side_name(uint8_t value);

/* Name of a row of the table ("benign", a class, "unlabelled", "ignore"), or NULL: this dataset has no such
 * kind. */
const char *balance_kind(const Dataset *head, int kind);

void balance_print(const Dataset *head, const Balance *balance);
/* Messages and runs of each kind on each side, and the captures' sides. */
void balance_print_split(const Dataset *head, const DatasetSplit *split, const BalanceSplit *balance);

/* New objects, NULL without memory. */
json_t *balance_json(const Dataset *head, const Balance *balance);
json_t *balance_split_json(const Dataset *head, const BalanceSplit *balance);

#endif
