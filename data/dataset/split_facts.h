/* What a split has to know of the messages: each capture's weight, first time and clients.
 * Relies on: data/dataset (split, marks).
 * Relied on by: split.c, split_facts.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_SPLIT_FACTS_H
#define SIPCNN_DATASET_SPLIT_FACTS_H

#include "data/dataset/marks.h"
#include "data/dataset/split.h"

typedef struct SplitCapture {
    uint64_t messages, benign;
    int64_t first_ns; /* of the first message; INT64_MIN: it has none */
} SplitCapture;

/* An address that sent requests in a capture. */
typedef struct SplitClient {
    uint8_t ip[DATASET_IP_SIZE];
    uint32_t capture;
} SplitClient;

struct DatasetSplitFacts {
    const Dataset *head;
    bool with_clients;
    SplitCapture *captures; /* [n_captures] */
    Marks marks;            /* of capture and address */
    SplitClient *clients;   /* [marks.count] */
    uint32_t client_room;
};

/* Pairs of captures (2 * *n_pairs numbers, the caller frees them) that share a client or its network; enough
 * of them to join all that do. */
CORE_NODISCARD CoreStatus split_facts_pairs(const DatasetSplitFacts *facts, uint8_t prefix4, uint8_t prefix6,
                                            uint32_t **pairs, uint64_t *n_pairs, CoreError *error);

#endif
