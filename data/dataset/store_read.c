/* Reading a dataset file: the process that wants the rows. It never calls HDF5 on the file.
 * Relies on: data/dataset/store_child.h, data/dataset/stream.h, POSIX.
 * Relied on by: tools/data, data/dataset/cache, train. */
#include "data/dataset/filehash.h"
#include "data/dataset/store.h"
#include "data/dataset/store_child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A dataset lives in memory as a whole; a file that claims more is refused. */
#define MEMORY_MAX (UINT64_C(16) << 30)
/* What inflating can make of a file's bytes at most, and what small tables need beside. */
#define EXPANSION 1100u
#define TABLES    (UINT64_C(64) << 20)

static CoreStatus check_signature(int fd, const char *path, CoreError *error) {
    static const uint8_t signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    uint8_t start[8] = {0};
    ssize_t got = pread(fd, start, sizeof start, 0);
    if (got < 0) return filehash_fail(error, path, "cannot read");
    if (got != sizeof start || memcmp(start, signature, sizeof start) != 0)
        return core_fail(error, CORE_FORMAT, "%s: not an HDF5 file (no signature at offset 0)", path);
    return CORE_OK;
}

/* The child's way out: everything happens here, and nothing of the parent's state is touched at the end. */
static void run_child(int fd, uint64_t size, int pipe_end) {
    char path[64];
    StreamWriter *writer = malloc(sizeof *writer);
    if (!writer) _exit(1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    stream_writer_init(writer, pipe_end);
    _exit(store_child_run(path, size, writer));
}

/* Waits for the child. What it sent was whole or not; a death after that only matters if it was not. */
static CoreStatus reap(pid_t child, CoreStatus status, CoreError *error) {
    int state;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return core_fail(error, CORE_IO, "lost its reader: %s", strerror(errno));
    if (WIFSIGNALED(state) && status != CORE_OK && WTERMSIG(state) != SIGPIPE)
        return core_fail(error, CORE_FORMAT, "damaged: its reader was stopped by signal %d (%s)",
                         WTERMSIG(state), strsignal(WTERMSIG(state)));
    return status;
}

static CoreStatus read_through_child(int fd, uint64_t size, Dataset *dataset, CoreError *error) {
    int ends[2];
    if (pipe(ends) != 0) return core_fail(error, CORE_IO, "no pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0) {
        CoreStatus status = core_fail(error, CORE_IO, "cannot fork: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return status;
    }
    if (child == 0) {
        close(ends[0]);
        run_child(fd, size, ends[1]);
    }
    close(ends[1]);
    uint64_t limit = size < MEMORY_MAX / EXPANSION ? size * EXPANSION + TABLES : MEMORY_MAX;
    CoreStatus status = stream_receive(ends[0], limit, dataset, error);
    /* Closed before the wait: a child that still wants to send is then stopped instead of waited for. */
    close(ends[0]);
    return reap(child, status, error);
}

CoreStatus dataset_read(const char *path, Dataset *dataset, CoreError *error) {
    int fd;
    uint64_t size = 0;
    memset(dataset, 0, sizeof *dataset);
    CoreStatus status = filehash_open(path, &fd, &size, error);
    if (status != CORE_OK) return status;
    status = check_signature(fd, path, error);
    if (status == CORE_OK) {
        status = read_through_child(fd, size, dataset, error);
        if (status != CORE_OK) core_fail_context(error, status, "%s", path);
    }
    close(fd);
    return status;
}

CoreStatus dataset_hash(const char *path, uint8_t hash[DATASET_HASH_SIZE], CoreError *error) {
    int fd;
    uint64_t size;
    CoreStatus status = filehash_open(path, &fd, &size, error);
    if (status != CORE_OK) return status;
    status = filehash_sha256(fd, path, hash, error);
    close(fd);
    return status;
}
