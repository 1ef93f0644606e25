/* Whole files: read one into memory within a limit, write one so that no half of it is ever seen.
 * Relies on: POSIX files.
 * Relied on by: train (export), infer (load), tools. */
#ifndef SIPCNN_CORE_FILE_H
#define SIPCNN_CORE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

/* Reads the regular file `path` into memory of its own, aligned for any type; free(*data). A copy rather than
 * a mapping: a mapped file that somebody truncates kills the process. CORE_IO with the reason; CORE_LIMIT if
 * the file has more than `limit` bytes. An empty file gives *size 0 and a pointer that is not NULL.
 * Thread-safe. */
CORE_NODISCARD CoreStatus core_file_read(const char *path, size_t limit, uint8_t **data, size_t *size,
                                         CoreError *error);

/* Writes `size` bytes to `path`: into a temporary file beside it, flushed to disk, then renamed over it, so
 * that a crash or a full disk leaves the old file or the new one. CORE_IO with the reason. Thread-safe for
 * different paths. */
CORE_NODISCARD CoreStatus core_file_write(const char *path, const void *data, size_t size, CoreError *error);

#endif
