/* Bearer tokens: reads the secret that sensor and collector share from a file that only its owner can read.
 * Relies on: engine/core/status, POSIX files.
 * Relied on by: infer/reporter, tools/collector. */
#include "infer/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The open file is checked, not the path, so that nobody can swap the file in between. */
static CoreStatus check_owner(int file, const char *path, CoreError *error) {
    struct stat status;
    if (fstat(file, &status) != 0) return core_fail(error, CORE_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode)) return core_fail(error, CORE_ARGUMENT, "%s: not a regular file", path);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return core_fail(error, CORE_ARGUMENT, "%s: token file belongs to user %lu, must be yours or root's",
                         path, (unsigned long)status.st_uid);
    if ((status.st_mode & 077) != 0)
        return core_fail(error, CORE_ARGUMENT,
                         "%s: token file has mode %04o, others may read it; make it 0600 (chmod 600)", path,
                         (unsigned)(status.st_mode & 07777));
    return CORE_OK;
}

static CoreStatus read_whole(int file, const char *path, char *buffer, size_t size, size_t *length,
                             CoreError *error) {
    *length = 0;
    while (*length < size) {
        ssize_t got = read(file, buffer + *length, size - *length);
        if (got == 0) return CORE_OK;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return core_fail(error, CORE_IO, "%s: %s", path, strerror(errno));
        *length += (size_t)got;
    }
    return core_fail(error, CORE_LIMIT, "%s: token is longer than %zu bytes", path, size - 1);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Moves the token to the front of the buffer and terminates it. */
static CoreStatus trim(char *buffer, size_t length, const char *path, CoreError *error) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    size_t start = 0;
    while (start < length && is_space(buffer[start]))
        start++;
    while (length > start && is_space(buffer[length - 1]))
        length--;
    if (start == length) return core_fail(error, CORE_FORMAT, "%s: token file is empty", path);
    for (size_t i = start; i < length; i++)
        if (memchr(allowed, buffer[i], sizeof allowed - 1) == NULL)
            return core_fail(error, CORE_FORMAT, "%s: byte %zu cannot be part of a bearer token", path, i);
    memmove(buffer, buffer + start, length - start);
    buffer[length - start] = '\0';
    return CORE_OK;
}

CoreStatus sipcnn_token_read(const char *path, char token[SIPCNN_TOKEN_SIZE], CoreError *error) {
    token[0] = '\0';
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (file < 0) return core_fail(error, CORE_IO, "%s: %s", path, strerror(errno));
    size_t length = 0;
    CoreStatus status = check_owner(file, path, error);
    if (status == CORE_OK) status = read_whole(file, path, token, SIPCNN_TOKEN_SIZE, &length, error);
    if (status == CORE_OK) status = trim(token, length, path, error);
    close(file);
    if (status != CORE_OK) explicit_bzero(token, SIPCNN_TOKEN_SIZE);
    return status;
}
