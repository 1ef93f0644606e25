/* Encrypted files: AES-256-GCM, with a key file or to a recipient's X25519 public key.
 * Relies on: data/privacy/keys.h, data/dataset/progress.h, libcrypto.
 * Relied on by: tools/data. */
#ifndef SIPCNN_PRIVACY_SEALED_H
#define SIPCNN_PRIVACY_SEALED_H

#include "data/dataset/progress.h"
#include "data/privacy/keys.h"

#include <stdbool.h>

/* The file: a header of SEALED_HEADER bytes, then chunks.
 *
 *    0  8  "SIPCNNE1"
 *    8  1  1: a key file; 2: a recipient's X25519 key
 *    9  3  zero
 *   12  4  plain bytes of a chunk, little-endian (SEALED_CHUNK)
 *   16 32  random salt
 *   48 32  X25519 key made for this file alone; zero with a key file
 *
 * Every chunk is encrypted with the file's own key: HKDF-SHA256 of the key file's bytes, salted with the
 * salt, or of the X25519 shared secret, salted with salt, own key and recipient's key. Its nonce is three
 * zero bytes, the chunk's number (8 bytes, big-endian) and 1 for the last chunk, else 0; the header is
 * authenticated with it; 16 bytes of tag follow it. All chunks but the last are full. So chunks cannot be
 * changed, left out, put in another order or cut off (the STREAM construction of Hoang, Reyhanitabar,
 * Rogaway, Vizar 2015). */
enum { SEALED_HEADER = 80, SEALED_CHUNK = 1 << 16 };

typedef enum SealedKind { SEALED_KEY_FILE = 1, SEALED_X25519 = 2 } SealedKind;

typedef struct SealedKey {
    SealedKind kind;
    bool can_open; /* false: a public key */
    uint8_t secret[PRIVACY_KEY_SIZE];
    uint8_t recipient[PRIVACY_KEY_SIZE]; /* X25519: the public key */
} SealedKey;

/* Reads a key file of PRIVACY_KEY_SIZE bytes or an X25519 key in PEM, public or private (without a
 * passphrase). CORE_IO, CORE_FORMAT. */
CORE_NODISCARD CoreStatus sealed_key_read(const char *path, SealedKey *key, CoreError *error);

/* Encrypts the file `from` to `to`, which appears whole or not at all. Progress counts bytes. CORE_IO,
 * CORE_INTERRUPTED, CORE_UNAVAILABLE, CORE_MEMORY. */
CORE_NODISCARD CoreStatus sealed_write(const char *from, const char *to, const SealedKey *key,
                                       const DatasetProgress *progress, CoreError *error);

/* The way back. Nothing is written unless all of it is as it was encrypted. CORE_FORMAT: not such a file,
 * another key, changed or cut; CORE_ARGUMENT: the key cannot open it; else as above. */
CORE_NODISCARD CoreStatus sealed_read(const char *from, const char *to, const SealedKey *key,
                                      const DatasetProgress *progress, CoreError *error);

#endif
