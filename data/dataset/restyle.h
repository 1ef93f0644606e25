/* The same message as another stack would have written it: header order, case of names, compact forms,
 * folding, blanks, headers that nobody needs. Relies on: data/wire/scan.h. Relied on by: augment.c. Internal
 * to data/dataset. */
#ifndef SIPCNN_DATASET_RESTYLE_H
#define SIPCNN_DATASET_RESTYLE_H

#include "data/wire/scan.h"

/* Parts of a style, for --only. */
enum {
    RESTYLE_ORDER = 1u << 0,
    RESTYLE_CASE = 1u << 1,
    RESTYLE_COMPACT = 1u << 2,
    RESTYLE_FOLD = 1u << 3,
    RESTYLE_PAD = 1u << 4,
    RESTYLE_OPTIONAL = 1u << 5,
    RESTYLE_ALL = (1u << 6) - 1,
};

typedef enum RestyleNames {
    RESTYLE_AS_THEY_ARE,
    RESTYLE_CANONICAL,
    RESTYLE_LOWER,
    RESTYLE_UPPER
} RestyleNames;
typedef enum RestyleForm { RESTYLE_FORM_KEPT, RESTYLE_LONG, RESTYLE_SHORT } RestyleForm;

/* How a sender writes. Zeroed: as it did. */
typedef struct Restyle {
    uint64_t order; /* of headers, a seed; 0: kept */
    RestyleNames names;
    RestyleForm form;
    uint8_t fold;     /* headers with commas are folded at every fold-th; 0: none */
    uint8_t padding;  /* blanks before the value, beside the one */
    bool tight;       /* no blank behind the colon */
    uint64_t dropped; /* optional headers left out, by WireHeaderId */
    uint32_t added;   /* which of the optional headers that we know are added if absent */
} Restyle;

/* Draws a style from a seed; `parts` (RESTYLE_*) says which parts may differ from what was written. Pure. */
void restyle_draw(uint64_t seed, uint32_t parts, Restyle *style);

/* Writes the message in the style into `out` (WIRE_MESSAGE_MAX bytes); returns its length. 0: the message is
 * not one to be restyled (an anomaly, a cut, many headers), or it would be found other than before: then it
 * stays as it is. `scan` is scratch. Thread-safe. */
uint32_t restyle_message(const Restyle *style, const uint8_t *bytes, uint32_t length, WireScan *scan,
                         uint8_t *out);

#endif
