/* Who sent what in a capture, client by client: what a person needs to see before labelling.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: tools/data/label. */
#ifndef SIPCNN_TOOLS_DATA_CENSUS_H
#define SIPCNN_TOOLS_DATA_CENSUS_H

#include "data/dataset/dataset.h"
#include "data/wire/scan.h"

/* The unlabelled messages of one client: of a request its source, of a reply its destination, as rules match.
 */
typedef struct CensusClient {
    WireAddress address; /* port 0 */
    uint64_t messages, requests;
    uint64_t methods[WIRE_METHOD_COUNT]; /* requests */
    uint64_t statuses[7];                /* replies by first digit; [0]: no status of RFC 3261 */
    uint64_t first_row, last_row;        /* in the dataset */
    uint32_t users, targets, calls;      /* different To users of requests, other sides, Call-IDs */
    uint32_t most_per_second;            /* requests in one second of the clock */
} CensusClient;

typedef struct Census {
    CensusClient *clients; /* [n] most messages first */
    size_t n;
    uint64_t unlabelled, labelled; /* messages */
} Census;

/* Counts the unlabelled messages of a dataset in memory. CORE_MEMORY. Free with census_free. */
CORE_NODISCARD CoreStatus census_take(const Dataset *dataset, Census *census, CoreError *error);
void census_free(Census *census);

/* The client of a row as rules see it. Pure. */
WireAddress census_client(const Dataset *dataset, uint64_t row);

#endif
