/* SHA-256 of files that need not fit in memory.
 * Relies on: libcrypto, POSIX files.
 * Relied on by: store_read.c, compressed.c. */
#include "data/dataset/filehash.h"

#include <openssl/evp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

CoreStatus filehash_fail(CoreError *error, const char *path, const char *what) {
    return core_fail(error, CORE_IO, "%s: %s: %s", path, what, strerror(errno));
}

CoreStatus filehash_open(const char *path, int *fd, uint64_t *size, CoreError *error) {
    struct stat info;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return filehash_fail(error, path, "cannot open");
    if (fstat(*fd, &info) == 0 && S_ISREG(info.st_mode)) {
        *size = (uint64_t)info.st_size;
        return CORE_OK;
    }
    close(*fd);
    *fd = -1;
    return core_fail(error, CORE_IO, "%s: not a regular file", path);
}

static CoreStatus hash_blocks(int fd, const char *path, EVP_MD_CTX *digest, uint8_t *block, size_t size,
                              CoreError *error) {
    for (;;) {
        ssize_t got = read(fd, block, size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return filehash_fail(error, path, "cannot read");
        if (got == 0) return CORE_OK;
        if (EVP_DigestUpdate(digest, block, (size_t)got) != 1)
            return core_fail(error, CORE_UNAVAILABLE, "%s: libcrypto refuses SHA-256", path);
    }
}

CoreStatus filehash_sha256(int fd, const char *path, uint8_t hash[DATASET_HASH_SIZE], CoreError *error) {
    enum { BLOCK = 1 << 16 };
    uint8_t *block = malloc(BLOCK);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    CoreStatus status = CORE_OK;
    if (!block || !digest)
        status = core_fail(error, CORE_MEMORY, "%s: no memory to hash it", path);
    else if (EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        status = core_fail(error, CORE_UNAVAILABLE, "%s: libcrypto refuses SHA-256", path);
    if (status == CORE_OK) status = hash_blocks(fd, path, digest, block, BLOCK, error);
    if (status == CORE_OK && EVP_DigestFinal_ex(digest, hash, NULL) != 1)
        status = core_fail(error, CORE_UNAVAILABLE, "%s: libcrypto refuses SHA-256", path);
    EVP_MD_CTX_free(digest);
    free(block);
    return status;
}
