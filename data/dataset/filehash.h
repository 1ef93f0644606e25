/* SHA-256 of files that need not fit in memory (data/digest does what is in memory).
 * Relies on: libcrypto, POSIX files.
 * Relied on by: store_read.c, compressed.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_FILEHASH_H
#define SIPCNN_DATASET_FILEHASH_H

#include "data/dataset/dataset.h"

#include <stdint.h>

/* Opens a regular file for reading; a pipe or device is refused instead of waited for. The caller closes *fd.
 */
CORE_NODISCARD CoreStatus filehash_open(const char *path, int *fd, uint64_t *size, CoreError *error);

/* SHA-256 of what `fd` still has, to its end; `path` is for the error. Thread-safe. */
CORE_NODISCARD CoreStatus filehash_sha256(int fd, const char *path, uint8_t hash[DATASET_HASH_SIZE],
                                          CoreError *error);

/* Fills *error with "path: what: reason of errno" and returns CORE_IO. */
CoreStatus filehash_fail(CoreError *error, const char *path, const char *what);

#endif
