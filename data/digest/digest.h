/* SHA-256, by libcrypto, in the form that the model file's reader and writer ask for.
 * Relies on: core, libcrypto.
 * Relied on by: train and infer (model files), data/dataset. */
#ifndef SIPCNN_DATA_DIGEST_DIGEST_H
#define SIPCNN_DATA_DIGEST_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

#define DIGEST_SHA256_SIZE 32

/* SHA-256 (FIPS 180-4) of `size` bytes into `out`; a CoreDigest. CORE_UNAVAILABLE if libcrypto refuses (no
 * memory, or a provider without SHA-256). Thread-safe. */
CORE_NODISCARD CoreStatus digest_sha256(const void *data, size_t size, uint8_t out[DIGEST_SHA256_SIZE]);

#endif
