/* Bearer tokens: reads the secret that sensor and collector share from a file that only its owner can read.
 * Relies on: engine/core/status.
 * Relied on by: infer/reporter, tools/collector. */
#ifndef SIPCNN_INFER_TOKEN_H
#define SIPCNN_INFER_TOKEN_H

#include "engine/core/status.h"

/* Longest token in bytes, with its terminating NUL. */
enum { SIPCNN_TOKEN_SIZE = 1024 };

/* Reads the token in the file `path` into `token`, without the white space around it. The file must be a
 * regular file that belongs to the caller's effective user or to root, with no permission for group or
 * others; the token must be of the characters that RFC 6750 allows (letters, digits, -._~+/=). Errors:
 * CORE_IO (cannot be read), CORE_ARGUMENT (owner or mode), CORE_FORMAT (empty, other characters), CORE_LIMIT
 * (longer than SIPCNN_TOKEN_SIZE - 1); the text names the file, never its content, and `token` is empty. The
 * caller wipes `token` with explicit_bzero when done. Thread-safe. */
CoreStatus sipcnn_token_read(const char *path, char token[SIPCNN_TOKEN_SIZE], CoreError *error);

#endif
