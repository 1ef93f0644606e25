/* One pass over a dataset: what info and the card tell of it.
 * Relies on: data/dataset/reader.h, tools/data/balance.h.
 * Relied on by: tools/data (info, card). */
#ifndef SIPCNN_TOOLS_DATA_TALLY_H
#define SIPCNN_TOOLS_DATA_TALLY_H

#include "data/dataset/reader.h"
#include "tools/data/balance.h"

typedef struct TallyCapture {
    uint64_t messages, benign, attack;
    int64_t first_ns, last_ns; /* 0 if it has no message */
} TallyCapture;

/* The runs of one builder of messages. */
typedef struct TallyTool {
    const char *name; /* of the head */
    uint32_t runs;
    uint32_t classes; /* mask of their primaries */
    uint64_t messages;
} TallyTool;

typedef struct Tally {
    const Dataset *head; /* the reader's */
    char sha256[2 * DATASET_HASH_SIZE + 1];
    uint64_t messages, bytes;
    Balance balance;
    BalanceSplit *splits;   /* [n_splits] */
    TallyCapture *captures; /* [n_captures] */
    TallyTool *tools;       /* [n_tools] in order of appearance */
    uint32_t n_tools;
    uint32_t *tool_of; /* [n_runs] */
} Tally;

/* Reads the dataset `path`, which `reader` has open, from end to end. Free with tally_free, also after a
 * failure. CORE_INTERRUPTED, CORE_MEMORY; else as dataset_reader_next. */
CORE_NODISCARD CoreStatus tally_read(DatasetReader *reader, const char *path, Tally *tally, CoreError *error);
void tally_free(Tally *tally);

/* "2026-11-24T12:00:00Z", "" for what is no time. */
void tally_time(int64_t time_ns, char text[32]);

#endif
