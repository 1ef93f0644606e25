/* Secret keys: 32 random bytes in a file, and what is derived from them.
 * Relies on: libcrypto.
 * Relied on by: data/privacy, tools/data. */
#include "data/privacy/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

CoreStatus privacy_key_new(const char *path, CoreError *error) {
    uint8_t key[PRIVACY_KEY_SIZE];
    if (RAND_bytes(key, sizeof key) != 1)
        return core_fail(error, CORE_UNAVAILABLE, "%s: libcrypto gives no random bytes", path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return core_fail(error, CORE_IO, "%s: cannot make a key file: %s", path, strerror(errno));
    int reason = write(file, key, sizeof key) == (ssize_t)sizeof key && fsync(file) == 0 ? 0 : errno;
    if (close(file) != 0 && !reason) reason = errno;
    OPENSSL_cleanse(key, sizeof key);
    if (!reason) return CORE_OK;
    unlink(path);
    return core_fail(error, CORE_IO, "%s: cannot write: %s", path, strerror(reason));
}

CoreStatus privacy_key_read(const char *path, uint8_t key[PRIVACY_KEY_SIZE], CoreError *error) {
    uint8_t more;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, key, PRIVACY_KEY_SIZE);
    int reason = errno;
    ssize_t rest = size == PRIVACY_KEY_SIZE ? read(file, &more, 1) : 0;
    if (file >= 0) close(file);
    if (size < 0) return core_fail(error, CORE_IO, "%s: cannot read: %s", path, strerror(reason));
    if (size == PRIVACY_KEY_SIZE && rest == 0) return CORE_OK;
    return core_fail(error, CORE_FORMAT, "%s: no key: %s than %d bytes", path,
                     size < PRIVACY_KEY_SIZE ? "fewer" : "more", PRIVACY_KEY_SIZE);
}

CoreStatus privacy_key_derive(const uint8_t secret[PRIVACY_KEY_SIZE], const uint8_t *salt, size_t salt_size,
                              const char *info, uint8_t *out, size_t size, CoreError *error) {
    static char hash[] = "SHA256";
    OSSL_PARAM parameters[5], *next = parameters;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0);
    *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, PRIVACY_KEY_SIZE);
    if (salt_size) *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_size);
    *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, strlen(info));
    *next = OSSL_PARAM_construct_end();
    int derived = context && EVP_KDF_derive(context, out, size, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return derived ? CORE_OK : core_fail(error, CORE_UNAVAILABLE, "libcrypto cannot derive a key (HKDF)");
}
