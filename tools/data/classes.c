/* The default class list of new datasets: docs/labels.md says what each is. No other code knows these names.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: tools/data/import. */
#include "tools/data/classes.h"

/* Name, and how many requests of a run pass before anybody could know. */
const DatasetClass default_classes[] = {
    {"flood", 5},       {"distributed_flood", 20}, {"scan", 5},   {"enumeration", 5},
    {"bruteforce", 10}, {"teardown", 0},           {"hijack", 5}, {"malformed", 0},
    {"injection", 0},   {"toll_fraud", 10},        {"spit", 10},
};
const uint32_t default_class_count = sizeof default_classes / sizeof *default_classes;
