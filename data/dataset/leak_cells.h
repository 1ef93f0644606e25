/* What the leak hunt keeps of the messages: how often each group sent each value of each trait.
 * Relies on: data/dataset (clients, leaks, marks).
 * Relied on by: leaks.c (fills it), leaks_score.c (judges it). Internal to data/dataset. */
#ifndef SIPCNN_DATASET_LEAK_CELLS_H
#define SIPCNN_DATASET_LEAK_CELLS_H

#include "data/dataset/clients.h"
#include "data/dataset/leaks.h"
#include "data/dataset/marks.h"
#include "data/features/features.h"

enum {
    LEAK_KINDS = 8 * WIRE_METHOD_COUNT, /* situations: method, credentials, To tag, first of its Call-ID */
    LEAK_GROUPS_MAX = 1 << 18,          /* later clients are left out */
    LEAK_VALUES_MAX = 1 << 16,          /* distinct values of a trait; later ones count as one */
    LEAK_CELLS_MAX = 1 << 25,           /* of 32 bytes */
};

/* A run, or the benign messages (or attacks of no run) of one client in one capture. */
typedef struct LeakGroup {
    uint32_t capture;
    uint32_t run;     /* 0: none */
    uint32_t primary; /* 0 benign, else class index + 1 */
    uint32_t count;   /* requests */
    bool acks;
} LeakGroup;

typedef struct LeakCell {
    uint64_t frame; /* of the first such message */
    uint32_t index;
    uint32_t count; /* 0: the slot is free */
    uint32_t group, value;
    uint8_t trait, kind;
} LeakCell;

/* Distinct values of a trait. */
typedef struct LeakValues {
    Marks marks;
    char **texts; /* [room] of each number */
    uint32_t room;
} LeakValues;

struct DatasetLeaks {
    const Dataset *head;
    LeakGroup *groups;
    uint32_t n_groups, group_room;
    uint32_t *run_group;                     /* [n_runs] group + 1 */
    Clients benign, attackers;               /* of no run */
    uint32_t *benign_group, *attacker_group; /* [number - 1] group + 1 */
    uint32_t benign_room, attacker_room;
    LeakValues values[TRAITS];
    LeakCell *cells; /* open addressing, a power of two */
    uint64_t n_cells, cell_room;
    Marks call_ids;   /* seen in the context */
    uint32_t capture; /* of the context; DATASET_NO_CAPTURE: none yet */
    int64_t capture_start;
    FeatureContext *context;
    /* Scratch of one message. */
    FeatureEncoded encoded;
    FeatureRow row;
    WireScan scan;
    TraitValues traits;
};

#endif
