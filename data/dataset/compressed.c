/* Files that may be xz-compressed, recognised by their first bytes.
 * Relies on: liblzma, data/dataset/filehash.h, POSIX files.
 * Relied on by: labels.c, import.c. */
#include "data/dataset/compressed.h"

#include "data/dataset/filehash.h"

#include <errno.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK = 1 << 16,
    XZ_MEMORY = 256 << 20, /* of the decoder: xz -9 needs 65 MiB */
};

/* A file being read, inflated on the way if it is xz. */
typedef struct Unpacker {
    const char *path;
    int fd;
    bool xz, input_ended, stream_ended;
    uint64_t limit, done; /* plain bytes */
    lzma_stream lzma;
    uint8_t input[BLOCK];
} Unpacker;

static CoreStatus is_xz(int fd, const char *path, bool *xz, CoreError *error) {
    static const uint8_t magic[6] = {0xfd, '7', 'z', 'X', 'Z', 0};
    uint8_t start[6] = {0};
    ssize_t got = pread(fd, start, sizeof start, 0);
    if (got < 0) return filehash_fail(error, path, "cannot read");
    *xz = got == sizeof start && memcmp(start, magic, sizeof start) == 0;
    return CORE_OK;
}

static CoreStatus unpacker_open(const char *path, uint64_t limit, Unpacker **out, CoreError *error) {
    uint64_t size;
    Unpacker *u = calloc(1, sizeof *u);
    if (!u) return core_fail(error, CORE_MEMORY, "%s: no memory to read it", path);
    u->path = path;
    u->limit = limit;
    CoreStatus status = filehash_open(path, &u->fd, &size, error);
    if (status == CORE_OK) {
        status = is_xz(u->fd, path, &u->xz, error);
        if (status == CORE_OK && u->xz &&
            lzma_stream_decoder(&u->lzma, XZ_MEMORY, LZMA_CONCATENATED) != LZMA_OK)
            status = core_fail(error, CORE_MEMORY, "%s: no memory for liblzma", path);
        if (status != CORE_OK) close(u->fd);
    }
    if (status == CORE_OK)
        *out = u;
    else
        free(u);
    return status;
}

static void unpacker_close(Unpacker *u) {
    lzma_end(&u->lzma);
    if (u->fd >= 0) close(u->fd);
    free(u);
}

static CoreStatus read_some(Unpacker *u, uint8_t *out, size_t room, size_t *got, CoreError *error) {
    ssize_t count;
    do
        count = read(u->fd, out, room);
    while (count < 0 && errno == EINTR);
    if (count < 0) return filehash_fail(error, u->path, "cannot read");
    *got = (size_t)count;
    return CORE_OK;
}

static CoreStatus inflate_some(Unpacker *u, uint8_t *out, size_t room, size_t *got, CoreError *error) {
    u->lzma.next_out = out;
    u->lzma.avail_out = room;
    while (u->lzma.avail_out == room && !u->stream_ended) {
        if (u->lzma.avail_in == 0 && !u->input_ended) {
            size_t count = 0;
            CoreStatus status = read_some(u, u->input, sizeof u->input, &count, error);
            if (status != CORE_OK) return status;
            u->lzma.next_in = u->input;
            u->lzma.avail_in = count;
            u->input_ended = count == 0;
        }
        lzma_ret answer = lzma_code(&u->lzma, u->input_ended ? LZMA_FINISH : LZMA_RUN);
        if (answer == LZMA_STREAM_END)
            u->stream_ended = true;
        else if (answer == LZMA_MEM_ERROR || answer == LZMA_MEMLIMIT_ERROR)
            return core_fail(error, CORE_MEMORY, "%s: inflating it needs too much memory", u->path);
        else if (answer != LZMA_OK)
            return core_fail(error, CORE_FORMAT, "%s: damaged xz data near byte %llu", u->path,
                             (unsigned long long)u->lzma.total_in);
    }
    *got = room - u->lzma.avail_out;
    return CORE_OK;
}

/* The next plain bytes; *got 0 at the end. */
static CoreStatus unpack(Unpacker *u, uint8_t *out, size_t room, size_t *got, CoreError *error) {
    CoreStatus status = u->xz ? inflate_some(u, out, room, got, error) : read_some(u, out, room, got, error);
    if (status != CORE_OK) return status;
    u->done += *got;
    if (u->done > u->limit)
        return core_fail(error, CORE_LIMIT, "%s: more than the limit of %llu bytes", u->path,
                         (unsigned long long)u->limit);
    return CORE_OK;
}

static CoreStatus unpack_to_memory(Unpacker *u, char **data, size_t *size, CoreError *error) {
    size_t room = BLOCK, used = 0;
    char *memory = malloc(room + 1);
    for (;;) {
        size_t got = 0;
        CoreStatus status = memory ? unpack(u, (uint8_t *)memory + used, room - used, &got, error)
                                   : core_fail(error, CORE_MEMORY, "%s: no memory for it", u->path);
        if (status != CORE_OK) {
            free(memory);
            return status;
        }
        if (got == 0) break;
        used += got;
        if (used < room) continue;
        room *= 2;
        char *grown = realloc(memory, room + 1);
        if (!grown) free(memory);
        memory = grown;
    }
    memory[used] = '\0';
    *data = memory;
    *size = used;
    return CORE_OK;
}

CoreStatus compressed_read(const char *path, uint64_t limit, char **data, size_t *size, CoreError *error) {
    Unpacker *u;
    CoreStatus status = unpacker_open(path, limit, &u, error);
    if (status != CORE_OK) return status;
    status = unpack_to_memory(u, data, size, error);
    unpacker_close(u);
    return status;
}

/* A file without a name: gone when its descriptor is closed, however the process ends. */
static CoreStatus open_nameless(int *fd, CoreError *error) {
    const char *folder = getenv("TMPDIR");
    char name[4096];
    if (!folder || !folder[0]) folder = "/tmp";
    int length = snprintf(name, sizeof name, "%s/sipcnn-XXXXXX", folder);
    if (length < 0 || (size_t)length >= sizeof name)
        return core_fail(error, CORE_IO, "TMPDIR: too long a name");
    *fd = mkstemp(name);
    if (*fd < 0) return filehash_fail(error, folder, "cannot create a temporary file");
    unlink(name);
    return CORE_OK;
}

static CoreStatus unpack_to_file(Unpacker *u, int fd, CoreError *error) {
    uint8_t block[BLOCK];
    for (;;) {
        size_t got = 0, sent = 0;
        CoreStatus status = unpack(u, block, sizeof block, &got, error);
        if (status != CORE_OK) return status;
        if (got == 0) return CORE_OK;
        while (sent < got) {
            ssize_t count = write(fd, block + sent, got - sent);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return filehash_fail(error, u->path, "cannot inflate to a temporary file");
            sent += (size_t)count;
        }
    }
}

static CoreStatus rewind_fd(int fd, const char *path, CoreError *error) {
    return lseek(fd, 0, SEEK_SET) == 0 ? CORE_OK : filehash_fail(error, path, "cannot read again");
}

/* The descriptor of the plain content: the file's own, or a new one. */
static CoreStatus plain_fd(Unpacker *u, int *fd, CoreError *error) {
    if (!u->xz) {
        *fd = u->fd;
        u->fd = -1;
        return CORE_OK;
    }
    CoreStatus status = open_nameless(fd, error);
    if (status != CORE_OK) return status;
    status = unpack_to_file(u, *fd, error);
    if (status == CORE_OK) status = rewind_fd(*fd, u->path, error);
    if (status != CORE_OK) close(*fd);
    return status;
}

CoreStatus compressed_open(const char *path, uint64_t limit, int *fd, bool *inflated,
                           uint8_t sha256[DATASET_HASH_SIZE], CoreError *error) {
    Unpacker *u;
    CoreStatus status = unpacker_open(path, limit, &u, error);
    if (status != CORE_OK) return status;
    *inflated = u->xz;
    status = plain_fd(u, fd, error);
    unpacker_close(u);
    if (status != CORE_OK) return status;
    status = filehash_sha256(*fd, path, sha256, error);
    if (status == CORE_OK) status = rewind_fd(*fd, path, error);
    if (status != CORE_OK) close(*fd);
    return status;
}
