/* Files that may be xz-compressed, recognised by their first bytes.
 * Relies on: liblzma, data/dataset/filehash.h, POSIX files.
 * Relied on by: labels.c, import.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_COMPRESSED_H
#define SIPCNN_DATASET_COMPRESSED_H

#include "data/dataset/dataset.h"

/* The plain content of a regular file in memory (free(*data)), a zero byte behind it. CORE_LIMIT if it is
 * longer than `limit`; CORE_IO, CORE_FORMAT (damaged xz) and CORE_MEMORY name the file. Thread-safe. */
CORE_NODISCARD CoreStatus compressed_read(const char *path, uint64_t limit, char **data, size_t *size,
                                          CoreError *error);

/* A descriptor of the plain content and its SHA-256: of the file itself, or of an unlinked temporary file (in
 * $TMPDIR or /tmp) with what it inflates to (*inflated). The caller closes *fd. Errors as above. */
CORE_NODISCARD CoreStatus compressed_open(const char *path, uint64_t limit, int *fd, bool *inflated,
                                          uint8_t sha256[DATASET_HASH_SIZE], CoreError *error);

#endif
