/* Augmentation: siblings of a capture that say the same in other words, by other parties, at another pace.
 * Relies on: data/dataset/reader.h, data/dataset/writer.h, data/dataset/progress.h.
 * Relied on by: tools/data/augment, tests. */
#ifndef SIPCNN_DATASET_AUGMENT_H
#define SIPCNN_DATASET_AUGMENT_H

#include "data/dataset/progress.h"
#include "data/dataset/reader.h"
#include "data/dataset/writer.h"

/* What a sibling may change. Each leaves a message as valid or invalid as it was. */
enum {
    DATASET_AUGMENT_IDENTITIES = 1u << 0, /* addresses and user parts, one for one and length for length */
    DATASET_AUGMENT_ORDER = 1u << 1,      /* of headers, per sender */
    DATASET_AUGMENT_CASE = 1u << 2,       /* of header names */
    DATASET_AUGMENT_COMPACT = 1u << 3,    /* compact or long names */
    DATASET_AUGMENT_FOLD = 1u << 4,       /* values over several lines */
    DATASET_AUGMENT_PAD = 1u << 5,        /* blanks */
    DATASET_AUGMENT_OPTIONAL = 1u << 6,   /* headers that nobody needs come or go */
    DATASET_AUGMENT_TIME = 1u << 7,       /* jitter; the whole capture quicker or slower */
    DATASET_AUGMENT_LOSS = 1u << 8,       /* packets lost before the sensor or behind it, and sent again */
    DATASET_AUGMENT_ALL = (1u << 9) - 1,
};

typedef struct DatasetAugmentOptions {
    uint64_t seed;
    uint32_t siblings;               /* of each capture, at most DATASET_SIBLINGS_MAX */
    uint32_t changes;                /* DATASET_AUGMENT_*; each sibling draws how much of each */
    const DatasetProgress *progress; /* messages; may be NULL */
} DatasetAugmentOptions;

enum { DATASET_SIBLINGS_MAX = 64 };

/* Copies a dataset and appends siblings of each of its captures, named NAME.1, NAME.2, …, of the same session
 * and on the same sides of every split, with the same labels and runs. A capture with runs is never slowed
 * down: classes are told apart by their rates. Messages with an anomaly keep their bytes but for addresses.
 * Seeded: the same file and options give the same bytes. Of a message that is lost no row is left; what is
 * sent again has the row's label. CORE_ARGUMENT, CORE_MEMORY, CORE_LIMIT (too long a name), CORE_INTERRUPTED,
 * and those of reader and writer. */
CORE_NODISCARD CoreStatus dataset_augment(DatasetReader *from, DatasetWriter *to,
                                          const DatasetAugmentOptions *options, CoreError *error);

#endif
