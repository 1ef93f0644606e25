/* A dataset under other names.
 * Relies on: data/dataset (reader, writer, progress), data/privacy/keys.h.
 * Relied on by: tools/data. */
#ifndef SIPCNN_PRIVACY_PSEUDONYMISE_H
#define SIPCNN_PRIVACY_PSEUDONYMISE_H

#include "data/dataset/progress.h"
#include "data/dataset/reader.h"
#include "data/privacy/keys.h"

typedef struct PseudonymiseOptions {
    const uint8_t *key;              /* PRIVACY_KEY_SIZE bytes */
    uint32_t kept_classes;           /* mask: odd fields of messages of these classes stay */
    const char *made_by;             /* in front of the provenance */
    const DatasetProgress *progress; /* may be NULL */
} PseudonymiseOptions;

typedef struct PseudonymiseReport {
    uint64_t messages;
    uint64_t kept_messages; /* with fields that stay as they are */
    uint64_t kept_fields;
    uint64_t longer, shorter; /* by other addresses */
} PseudonymiseReport;

/* Writes the dataset to `path` with the same rows, labels, runs and splits and the attribute `pseudonymised`;
 * messages, addresses, runs' clients, addresses and names in their settings, and captures' hashes are
 * replaced. Names of captures, sessions, tools and splits stay. The same key, file and options give the same
 * bytes. A message belongs to a kept class also by its run, as relayed legs do. CORE_ARGUMENT: it is
 * pseudonymised already; and the errors of reader, writer and pseudonyms_new. */
CORE_NODISCARD CoreStatus pseudonymise(DatasetReader *from, const char *path,
                                       const PseudonymiseOptions *options, PseudonymiseReport *report,
                                       CoreError *error);

#endif
