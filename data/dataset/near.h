/* What stands on two sides of a split: dialogs, users, clients, and messages that are nearly the same.
 * Relies on: data/dataset/dataset.h, data/wire/scan.h.
 * Relied on by: tools/data (check, card), tests. */
#ifndef SIPCNN_DATASET_NEAR_H
#define SIPCNN_DATASET_NEAR_H

#include "data/dataset/dataset.h"
#include "data/wire/scan.h"

/* X(id, name): what is looked for on both sides. */
#define NEAR_MAP(X)                                                                                          \
    X(DIALOG, "dialogs")   /* the same Call-ID, of messages that have one */                                 \
    X(MESSAGE, "messages") /* the same but for Call-ID, tags, branches, CSeq, digests, dates, SDP origin */  \
    X(TEMPLATE, "templates") /* and but for users, hosts, display names and all numbers */                   \
    X(USER, "users")         /* the same From user and host in requests */                                   \
    X(CLIENT, "clients")     /* the same source of requests with one Via */

typedef enum NearKind {
#define NEAR_ENUM(id, name) NEAR_##id,
    NEAR_MAP(NEAR_ENUM)
#undef NEAR_ENUM
        NEAR_KINDS
} NearKind;

enum { NEAR_EXAMPLES = 3 };

typedef struct NearExample {
    uint64_t row[2]; /* in the dataset: the earlier side's first, the later side's first */
    DatasetSide side[2];
} NearExample;

/* Later sides are validation and, after it, test: what matters is that what is judged was not learned from.
 */
typedef struct NearShared {
    uint64_t items;       /* different ones on two sides */
    uint64_t of;          /* different ones on the later sides */
    uint64_t covered[2];  /* benign and attack messages of the later sides whose item an earlier side has */
    uint64_t messages[2]; /* all benign and attack messages of the later sides that have such an item */
    uint64_t pure;        /* attack messages covered by items that no benign message has */
    NearExample examples[NEAR_EXAMPLES];
    uint32_t n_examples;
} NearShared;

typedef struct NearReport {
    NearShared kinds[NEAR_KINDS];
    uint32_t sample;   /* every so manieth item was looked at; counts are of those */
    uint32_t sessions; /* sessions with captures or runs on two sides */
} NearReport;

typedef struct DatasetNear DatasetNear;

/* `split` is one of head's, borrowed like it; `count` is the number of messages to come, and says whether all
 * items are looked at or, of more than 8 million, a sample by hash. CORE_MEMORY. */
CORE_NODISCARD CoreStatus dataset_near_new(const Dataset *head, const DatasetSplit *split, uint64_t count,
                                           DatasetNear **near, CoreError *error);

/* Takes the rows into account; row 0 is row `first` of the dataset. Unlabelled and ignored rows, which are
 * never sampled, are left out. CORE_MEMORY. */
CORE_NODISCARD CoreStatus dataset_near_add(DatasetNear *near, const Dataset *rows, uint64_t first,
                                           CoreError *error);

void dataset_near_judge(const DatasetNear *near, NearReport *report);
void dataset_near_free(DatasetNear *near);

const char *near_name(NearKind kind);

/* Writes the message, of which `scan` is wire_scan's result, to masked[0 .. length), without what its
 * transaction (users false) or also its people and places (users true) put there; returns how many bytes.
 * Never more than the message has. Pure. */
uint32_t near_mask(const WireMessage *message, const WireScan *scan, bool users, uint8_t *masked);

#endif
