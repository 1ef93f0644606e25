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

const char *balance_kind(const Dataset *head, int kind) {
    if (kind == BALANCE_UNLABELLED) return "unlabelled";
    if (kind == BALANCE_IGNORED) return "ignore";
    return kind <= (int)head->n_classes ? dataset_primary_name(head, (uint32_t)kind) : NULL;
}

/* ---- counting ------------------------------------------------------------------------------------------ */

void balance_start(Balance *balance, const Dataset *head) {
    memset(balance, 0, sizeof *balance);
    for (uint32_t r = 0; r < head->n_runs; r++)
        balance->runs[kind_of(head->runs[r].primary)]++;
}

/* A run whose messages stand on all sides stands on none. */
static DatasetSide run_side(uint8_t value) {
    return value & DATASET_SIDE_BY_ROW ? DATASET_UNUSED : (DatasetSide)value;
}

const char *balance_side_name(uint8_t value) {
    return value & DATASET_SIDE_BY_ROW ? "by row" : dataset_side_name((DatasetSide)value);
}

void balance_start_split(BalanceSplit *balance, const Dataset *head, const DatasetSplit *split) {
    memset(balance, 0, sizeof *balance);
    for (uint32_t r = 0; r < head->n_runs; r++)
        balance->sides[run_side(split->runs[r])].runs[kind_of(head->runs[r].primary)]++;
}

static void add_row(Balance *balance, const Dataset *rows, uint64_t row) {
    int kind = kind_of(rows->primary[row]);
    balance->messages[kind]++;
    balance->parts[kind][rows->part[row]]++;
    for (uint32_t c = 0; c < rows->n_classes; c++)
        if (rows->classes[row] >> c & 1 && (int)c + 1 != kind) balance->also[c + 1]++;
}

void balance_add(Balance *balance, const Dataset *rows) {
    for (uint64_t row = 0; row < rows->count; row++)
        add_row(balance, rows, row);
}

void balance_add_split(BalanceSplit *balance, const Dataset *rows, uint64_t first,
                       const DatasetSplit *split) {
    for (uint64_t row = 0; row < rows->count; row++) {
        DatasetSide side = dataset_row_side(split, first + row, rows->capture[row], rows->run[row]);
        add_row(&balance->sides[side], rows, row);
    }
}

/* ---- telling ------------------------------------------------------------------------------------------- */

void balance_print(const Dataset *head, const Balance *b) {
    printf("%-20s %10s %10s %10s %10s %10s %6s\n", "class", "messages", "requests", "replies", "onset",
           "also", "runs");
    for (int kind = 0; kind < BALANCE_KINDS; kind++) {
        if (!balance_kind(head, kind)) continue;
        printf("%-20s %10llu %10llu %10llu %10llu %10llu %6u\n", balance_kind(head, kind),
               (unsigned long long)b->messages[kind], (unsigned long long)b->parts[kind][DATASET_REQUEST],
               (unsigned long long)b->parts[kind][DATASET_REPLY],
               (unsigned long long)b->parts[kind][DATASET_ONSET], (unsigned long long)b->also[kind],
               b->runs[kind]);
    }
}

void balance_print_split(const Dataset *head, const DatasetSplit *split, const BalanceSplit *balance) {
    printf("split %s: messages (runs)\n%-20s", split->name, "class");
    for (int side = 0; side < DATASET_SIDES; side++)
        printf(" %16s", dataset_side_name((DatasetSide)side));
    printf("\n");
    for (int kind = 0; kind < BALANCE_KINDS; kind++) {
        if (!balance_kind(head, kind)) continue;
        printf("%-20s", balance_kind(head, kind));
        for (int side = 0; side < DATASET_SIDES; side++) {
            char cell[48];
            snprintf(cell, sizeof cell, "%llu (%u)", (unsigned long long)balance->sides[side].messages[kind],
                     balance->sides[side].runs[kind]);
            printf(" %16s", cell);
        }
        printf("\n");
    }
    for (uint32_t c = 0; c < head->n_captures; c++)
        printf("  %-40s %s\n", head->captures[c].name, balance_side_name(split->captures[c]));
}

json_t *balance_json(const Dataset *head, const Balance *b) {
    json_t *object = json_object();
    for (int kind = 0; object && kind < BALANCE_KINDS; kind++) {
        if (!balance_kind(head, kind)) continue;
        json_t *counts = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "messages", (json_int_t)b->messages[kind],
                                   "requests", (json_int_t)b->parts[kind][DATASET_REQUEST], "replies",
                                   (json_int_t)b->parts[kind][DATASET_REPLY], "relays",
                                   (json_int_t)b->parts[kind][DATASET_RELAY], "onset",
                                   (json_int_t)b->parts[kind][DATASET_ONSET], "also",
                                   (json_int_t)b->also[kind], "runs", (json_int_t)b->runs[kind]);
        if (json_object_set_new(object, balance_kind(head, kind), counts) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *balance_split_json(const Dataset *head, const BalanceSplit *balance) {
    json_t *object = json_object();
    for (int side = 0; object && side < DATASET_SIDES; side++) {
        if (json_object_set_new(object, dataset_side_name((DatasetSide)side),
                                balance_json(head, &balance->sides[side])) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}
