/* SHA-256, by libcrypto, in the form that the model file's reader and writer ask for.
 * Relies on: core, libcrypto.
 * Relied on by: train and infer (model files), data/dataset. */
#include "data/digest/digest.h"

#include <openssl/evp.h>

CoreStatus digest_sha256(const void *data, size_t size, uint8_t out[DIGEST_SHA256_SIZE]) {
    return EVP_Digest(data, size, out, NULL, EVP_sha256(), NULL) == 1 ? CORE_OK : CORE_UNAVAILABLE;
}
