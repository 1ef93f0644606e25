/* How many messages and runs of what stand where: the tables of info and split.
 * Relies on: data/dataset/dataset.h, jansson.
 * Relied on by: tools/data/info, tools/data/split. */
#include "tools/data/balance.h"

#include <stdio.h>
#include <string.h>

static int kind_of(uint32_t primary) {
    if (primary == DATASET_UNLABELLED) return BALANCE_UNLABELLED;
    if (primary == DATASET_IGNORE) return BALANCE_IGNORED;
    return (int)primary;
}

static const char *kind_name(const Dataset *dataset, int kind) {
    if (kind == BALANCE_UNLABELLED) return "unlabelled";
    if (kind == BALANCE_IGNORED) return "ignore";
    return dataset_primary_name(dataset, (uint32_t)kind);
}

/* The kinds that this dataset can have. */
static bool is_kind(const Dataset *dataset, int kind) {
    return kind <= (int)dataset->n_classes || kind >= BALANCE_UNLABELLED;
}

void balance_count(const Dataset *d, const DatasetSplit *split, DatasetSide side, Balance *balance) {
    memset(balance, 0, sizeof *balance);
    for (uint64_t row = 0; row < d->count; row++) {
        int kind = kind_of(d->primary[row]);
        if (split && dataset_side(split, d->capture[row], d->run[row]) != side) continue;
        balance->messages[kind]++;
        balance->parts[kind][d->part[row]]++;
        for (uint32_t c = 0; c < d->n_classes; c++)
            if (d->classes[row] >> c & 1 && (int)c + 1 != kind) balance->also[c + 1]++;
    }
    for (uint32_t r = 0; r < d->n_runs; r++)
        if (!split || split->runs[r] == side) balance->runs[kind_of(d->runs[r].primary)]++;
}

void balance_print(const Dataset *dataset, const Balance *b) {
    printf("%-20s %10s %10s %10s %10s %10s %6s\n", "class", "messages", "requests", "replies", "onset",
           "also", "runs");
    for (int kind = 0; kind < BALANCE_KINDS; kind++) {
        if (!is_kind(dataset, kind)) continue;
        printf("%-20s %10llu %10llu %10llu %10llu %10llu %6u\n", kind_name(dataset, kind),
               (unsigned long long)b->messages[kind], (unsigned long long)b->parts[kind][DATASET_REQUEST],
               (unsigned long long)b->parts[kind][DATASET_REPLY],
               (unsigned long long)b->parts[kind][DATASET_ONSET], (unsigned long long)b->also[kind],
               b->runs[kind]);
    }
}

void balance_print_split(const Dataset *dataset, const DatasetSplit *split) {
    Balance sides[DATASET_SIDES];
    printf("split %s: messages (runs)\n%-20s", split->name, "class");
    for (int side = 0; side < DATASET_SIDES; side++) {
        balance_count(dataset, split, (DatasetSide)side, &sides[side]);
        printf(" %16s", dataset_side_name((DatasetSide)side));
    }
    printf("\n");
    for (int kind = 0; kind < BALANCE_KINDS; kind++) {
        if (!is_kind(dataset, kind)) continue;
        printf("%-20s", kind_name(dataset, kind));
        for (int side = 0; side < DATASET_SIDES; side++) {
            char cell[48];
            snprintf(cell, sizeof cell, "%llu (%u)", (unsigned long long)sides[side].messages[kind],
                     sides[side].runs[kind]);
            printf(" %16s", cell);
        }
        printf("\n");
    }
    for (uint32_t c = 0; c < dataset->n_captures; c++)
        printf("  %-40s %s\n", dataset->captures[c].name, dataset_side_name((DatasetSide)split->captures[c]));
}

json_t *balance_json(const Dataset *dataset, const Balance *b) {
    json_t *object = json_object();
    for (int kind = 0; object && kind < BALANCE_KINDS; kind++) {
        if (!is_kind(dataset, kind)) continue;
        json_t *counts = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "messages", (json_int_t)b->messages[kind],
                                   "requests", (json_int_t)b->parts[kind][DATASET_REQUEST], "replies",
                                   (json_int_t)b->parts[kind][DATASET_REPLY], "relays",
                                   (json_int_t)b->parts[kind][DATASET_RELAY], "onset",
                                   (json_int_t)b->parts[kind][DATASET_ONSET], "also",
                                   (json_int_t)b->also[kind], "runs", (json_int_t)b->runs[kind]);
        if (json_object_set_new(object, kind_name(dataset, kind), counts) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *balance_split_json(const Dataset *dataset, const DatasetSplit *split) {
    json_t *object = json_object();
    for (int side = 0; object && side < DATASET_SIDES; side++) {
        Balance balance;
        balance_count(dataset, split, (DatasetSide)side, &balance);
        if (json_object_set_new(object, dataset_side_name((DatasetSide)side),
                                balance_json(dataset, &balance)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}
