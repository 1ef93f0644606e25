/* A file that appears whole or not at all: written under another name beside its place, then renamed.
 * Relies on: POSIX files.
 * Relied on by: store_write.c, cache.c. Internal to data/dataset; core_file_write does this for what fits in
 * memory. */
#ifndef SIPCNN_DATASET_TEMPORARY_H
#define SIPCNN_DATASET_TEMPORARY_H

#include "engine/core/status.h"

#include <stdbool.h>

/* Creates an empty file beside `path` with the access rights of any new file; its name in *temporary, which
 * temporary_commit or temporary_discard frees. CORE_IO names `path` and the reason. Thread-safe but for the
 * umask. */
CORE_NODISCARD CoreStatus temporary_create(const char *path, char **temporary, CoreError *error);

/* Renames the file, closed by its writer, to `path`; on failure it is removed. `durable`: flushed to disk
 * first, so that even a power cut leaves the old file or the new one. */
CORE_NODISCARD CoreStatus temporary_commit(char *temporary, const char *path, bool durable, CoreError *error);

/* Removes the file. */
void temporary_discard(char *temporary);

#endif
