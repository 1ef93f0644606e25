/* A file that appears whole or not at all: written under another name beside its place, then renamed.
 * Relies on: POSIX files.
 * Relied on by: store_write.c, cache.c. */
#include "data/dataset/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static CoreStatus fail_errno(CoreError *error, const char *path, const char *what) {
    return core_fail(error, CORE_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* mkstemp makes files for the owner alone; this one gets what the umask allows, like any other. */
static mode_t mode_by_umask(void) {
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

CoreStatus temporary_create(const char *path, char **temporary, CoreError *error) {
    static const char suffix[] = ".XXXXXX";
    size_t length = strlen(path);
    char *name = malloc(length + sizeof suffix);
    if (!name) return core_fail(error, CORE_MEMORY, "%s: no memory for its name", path);
    memcpy(name, path, length);
    memcpy(name + length, suffix, sizeof suffix);
    int fd = mkstemp(name);
    if (fd < 0) {
        CoreStatus status = fail_errno(error, path, "cannot create");
        free(name);
        return status;
    }
    if (fchmod(fd, mode_by_umask()) != 0 || close(fd) != 0) {
        CoreStatus status = fail_errno(error, path, "cannot create");
        temporary_discard(name);
        return status;
    }
    *temporary = name;
    return CORE_OK;
}

static bool sync_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool synced = fsync(fd) == 0;
    return close(fd) == 0 && synced;
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

CoreStatus temporary_commit(char *temporary, const char *path, bool durable, CoreError *error) {
    if ((durable && !sync_file(temporary)) || rename(temporary, path) != 0) {
        CoreStatus status = fail_errno(error, path, "cannot write");
        temporary_discard(temporary);
        return status;
    }
    if (durable) sync_folder_of(temporary);
    free(temporary);
    return CORE_OK;
}

void temporary_discard(char *temporary) {
    unlink(temporary);
    free(temporary);
}
