/* Secret keys: 32 random bytes in a file, and what is derived from them.
 * Relies on: engine/core, libcrypto.
 * Relied on by: data/privacy, tools/data. */
#ifndef SIPCNN_PRIVACY_KEYS_H
#define SIPCNN_PRIVACY_KEYS_H

#include "engine/core/status.h"

#include <stddef.h>
#include <stdint.h>

enum { PRIVACY_KEY_SIZE = 32 };

/* Makes a key file of PRIVACY_KEY_SIZE random bytes that its owner alone may read (mode 0600). CORE_IO: it
 * exists already (a key is never overwritten) or cannot be written; CORE_UNAVAILABLE: no random bytes. */
CORE_NODISCARD CoreStatus privacy_key_new(const char *path, CoreError *error);

/* Reads a key file. CORE_IO; CORE_FORMAT: not PRIVACY_KEY_SIZE bytes. */
CORE_NODISCARD CoreStatus privacy_key_read(const char *path, uint8_t key[PRIVACY_KEY_SIZE], CoreError *error);

/* `size` bytes for the purpose `info` from a secret (HKDF with SHA-256, RFC 5869); salt may be NULL with
 * salt_size 0. CORE_UNAVAILABLE. Thread-safe. */
CORE_NODISCARD CoreStatus privacy_key_derive(const uint8_t secret[PRIVACY_KEY_SIZE], const uint8_t *salt,
                                             size_t salt_size, const char *info, uint8_t *out, size_t size,
                                             CoreError *error);

#endif
