/* The card of a dataset: Markdown for whoever gets it.
 * Relies on: tools/data/tally.h, jansson.
 * Relied on by: tools/data/info. */
#ifndef SIPCNN_TOOLS_DATA_CARD_H
#define SIPCNN_TOOLS_DATA_CARD_H

#include "tools/data/tally.h"

typedef struct CardOptions {
    const char *path;    /* of the dataset */
    const char *check;   /* what sipcnn-data check --json wrote, or NULL */
    const char *licence; /* NULL: not stated */
    const char *origin;  /* NULL: only how it was made */
} CardOptions;

/* Prints the card. CORE_IO, CORE_FORMAT: the check's file cannot be read or is of another dataset. */
CORE_NODISCARD CoreStatus card_print(const CardOptions *options, const Tally *tally, CoreError *error);

#endif
