/* The parts of an import that can be resumed: a sealed dataset for each capture, in a folder beside the
 * output. Relies on: data/dataset (import, reader), POSIX files. Relied on by: tools/data/import. */
#ifndef SIPCNN_TOOLS_DATA_PARTS_H
#define SIPCNN_TOOLS_DATA_PARTS_H

#include "data/dataset/import.h"

enum { PARTS_PATH_ROOM = 4096 };

typedef struct Parts {
    char folder[PARTS_PATH_ROOM]; /* OUTPUT.parts */
    char result[PARTS_PATH_ROOM]; /* where the whole is put together: what a kill leaves is found there */
    int lock;                     /* held by the one import that works here */
} Parts;

/* Makes or finds the folder, locks it and removes what a stopped import left half done. CORE_IO: cannot make
 * it, or another import of the same output is at work. */
CORE_NODISCARD CoreStatus parts_open(Parts *parts, const char *output, CoreError *error);

/* Where the part of a capture is or shall be: named by all that it depends on. Errors of
 * dataset_import_fingerprint. */
CORE_NODISCARD CoreStatus parts_path(const Parts *parts, const char *capture,
                                     const DatasetImportOptions *options, char path[PARTS_PATH_ROOM],
                                     CoreError *error);

/* True if the part is there and whole; *messages: how many it has. */
bool parts_find(const char *path, uint64_t *messages);

/* Gives the lock back; `done`: removes the parts, which are then of no more use. */
void parts_close(Parts *parts, bool done);

#endif
