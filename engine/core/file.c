/* Whole files: read one into memory within a limit, write one so that no half of it is ever seen.
 * Relies on: POSIX files.
 * Relied on by: train (export), infer (load), tools. */
#include "engine/core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static CoreStatus fail_errno(CoreError *error, const char *path, const char *what) {
    return core_fail(error, CORE_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* Reads to the end of `fd`, which fstat says has `size` bytes; a file that changes meanwhile is an error. */
static CoreStatus read_exactly(int fd, const char *path, uint8_t *data, size_t size, CoreError *error) {
    size_t done = 0;
    while (done < size) {
        ssize_t count = read(fd, data + done, size - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(error, path, "cannot read");
        if (count == 0)
            return core_fail(error, CORE_IO, "%s: ended after %zu of %zu bytes while being read", path, done,
                             size);
        done += (size_t)count;
    }
    return CORE_OK;
}

static CoreStatus read_open_file(int fd, const char *path, size_t limit, uint8_t **data, size_t *size,
                                 CoreError *error) {
    struct stat info;
    if (fstat(fd, &info) != 0) return fail_errno(error, path, "cannot stat");
    if (!S_ISREG(info.st_mode)) return core_fail(error, CORE_IO, "%s: not a regular file", path);
    if ((uintmax_t)info.st_size > limit)
        return core_fail(error, CORE_LIMIT, "%s: %ju bytes, more than the limit of %zu", path,
                         (uintmax_t)info.st_size, limit);
    size_t length = (size_t)info.st_size;
    uint8_t *memory = malloc(length ? length : 1);
    if (!memory) return core_fail(error, CORE_MEMORY, "%s: no memory for its %zu bytes", path, length);
    CoreStatus status = read_exactly(fd, path, memory, length, error);
    if (status != CORE_OK) {
        free(memory);
        return status;
    }
    *data = memory;
    *size = length;
    return CORE_OK;
}

CoreStatus core_file_read(const char *path, size_t limit, uint8_t **data, size_t *size, CoreError *error) {
    /* Non-blocking so that a named pipe is refused instead of waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return fail_errno(error, path, "cannot open");
    CoreStatus status = read_open_file(fd, path, limit, data, size, error);
    close(fd);
    return status;
}

static bool write_exactly(int fd, const uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t count = write(fd, data, size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        data += count;
        size -= (size_t)count;
    }
    return true;
}

/* Makes the rename itself durable. Best effort: some file systems cannot sync a folder. */
static void sync_folder_of(char *path) {
    char *slash = strrchr(path, '/');
    const char *folder = ".";
    if (slash) {
        slash[slash == path ? 1 : 0] = '\0';
        folder = path;
    }
    int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

/* Opens a new file beside `path`, its name in `temporary`, with the permissions that any new file gets
 * (mkstemp would make it the owner's alone). A name that is taken is never opened: it may be somebody's link.
 */
static int create_beside(const char *path, char *temporary, size_t size) {
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        snprintf(temporary, size, "%s.%ld-%u.tmp", path, (long)getpid(), attempt);
        int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

CoreStatus core_file_write(const char *path, const void *data, size_t size, CoreError *error) {
    size_t room = strlen(path) + 64;
    char *temporary = malloc(room);
    if (!temporary) return core_fail(error, CORE_MEMORY, "%s: no memory for its name", path);
    CoreStatus status = CORE_OK;
    int fd = create_beside(path, temporary, room);
    if (fd < 0) {
        status = fail_errno(error, path, "cannot create");
        free(temporary);
        return status;
    }
    if (!write_exactly(fd, data, size) || fsync(fd) != 0) status = fail_errno(error, path, "cannot write");
    if (close(fd) != 0 && status == CORE_OK) status = fail_errno(error, path, "cannot write");
    if (status == CORE_OK && rename(temporary, path) != 0) status = fail_errno(error, path, "cannot replace");
    if (status == CORE_OK)
        sync_folder_of(temporary);
    else
        unlink(temporary);
    free(temporary);
    return status;
}
