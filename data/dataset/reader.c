/* Reading a dataset of any size: the process that wants the rows. It never calls HDF5 on the file.
 * Relies on: data/dataset/store_child.h, data/dataset/stream.h, data/dataset/sandbox.h, POSIX.
 * Relied on by: data/dataset (store_read, merge, export, replay), train, tools/data. */
#include "data/dataset/reader.h"

#include "data/dataset/filehash.h"
#include "data/dataset/sandbox.h"
#include "data/dataset/store_child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What tables may take at most; and what inflating can make of a file's bytes, with what small ones need. */
#define TABLES_MAX (UINT64_C(512) << 20)
#define EXPANSION  1100u
#define TABLES_MIN (UINT64_C(64) << 20)

/* Processor time of the child for starting on a window, beside its share of a whole reading. */
#define WINDOW_SECONDS 0.1

struct DatasetReader {
    char *path;
    pid_t child;            /* 0: none */
    int rows_end, asks_end; /* of the pipe with rows, of the socket for requests; -1: none */
    StreamReader *stream;
    StreamTables tables;
    Dataset window;        /* tables, and the rows `first` … of the file */
    Dataset shown;         /* what callers see: the part of the window that they asked for; owns nothing */
    Dataset head;          /* the tables alone; owns nothing */
    uint64_t first, asked; /* of the window that is here, of the one that is on its way */
    bool waiting;          /* there is one on its way */
    uint64_t position, end;
    double pass_seconds, seconds; /* processor time of the child: for one reading, and so far in all */
    uint64_t allowed;
};

/* ---- opening ------------------------------------------------------------------------------------------- */

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
static void run_child(int fd, uint64_t size, int requests, int rows) {
    char path[64];
    StreamWriter *writer = malloc(sizeof *writer);
    if (!writer) _exit(1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    stream_writer_init(writer, rows);
    _exit(store_child_run(path, size, requests, writer));
}

static CoreStatus start_child(DatasetReader *r, int fd, uint64_t size, CoreError *error) {
    int rows[2], asks[2];
    if (pipe(rows) != 0) return core_fail(error, CORE_IO, "no pipe: %s", strerror(errno));
    r->rows_end = rows[0];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, asks) != 0) {
        close(rows[1]);
        return core_fail(error, CORE_IO, "no pipe: %s", strerror(errno));
    }
    r->asks_end = asks[0];
    pid_t child = fork();
    if (child == 0) {
        close(rows[0]);
        close(asks[0]);
        run_child(fd, size, asks[1], rows[1]);
    }
    close(rows[1]);
    close(asks[1]);
    if (child < 0) return core_fail(error, CORE_IO, "cannot fork: %s", strerror(errno));
    r->child = child;
    r->seconds = r->pass_seconds = (double)store_child_seconds(size);
    r->allowed = store_child_seconds(size);
    return CORE_OK;
}

static void close_ends(DatasetReader *r) {
    if (r->rows_end >= 0) close(r->rows_end);
    if (r->asks_end >= 0) close(r->asks_end);
    r->rows_end = r->asks_end = -1;
}

/* After a failure: waits for the child, and says how it ended if that says more. */
static CoreStatus reap(DatasetReader *r, CoreStatus status, CoreError *error) {
    int state;
    /* Closed before the wait: a child that still wants to send is then stopped instead of waited for. */
    close_ends(r);
    while (r->child && waitpid(r->child, &state, 0) < 0)
        if (errno != EINTR) {
            r->child = 0;
            return core_fail(error, CORE_IO, "lost its reader: %s", strerror(errno));
        }
    if (r->child && WIFSIGNALED(state) && WTERMSIG(state) != SIGPIPE)
        status = core_fail(error, CORE_FORMAT, "damaged: its reader was stopped by signal %d (%s)",
                           WTERMSIG(state), strsignal(WTERMSIG(state)));
    r->child = 0;
    return status;
}

static CoreStatus receive_head(DatasetReader *r, uint64_t size, CoreError *error) {
    uint64_t limit = size < TABLES_MAX / EXPANSION ? size * EXPANSION + TABLES_MIN : TABLES_MAX;
    r->stream = malloc(sizeof *r->stream);
    if (!r->stream) return core_fail(error, CORE_MEMORY, "no memory for the reader");
    stream_reader_init(r->stream, r->rows_end);
    CoreStatus status = stream_receive_head(r->stream, limit, &r->window, &r->tables, error);
    if (status != CORE_OK) return reap(r, status, error);
    r->head = r->shown = r->window;
    r->end = r->tables.count;
    return CORE_OK;
}

static CoreStatus open_file(DatasetReader *r, const char *path, CoreError *error) {
    int fd;
    uint64_t size = 0;
    r->rows_end = r->asks_end = -1;
    r->path = malloc(strlen(path) + 1);
    if (!r->path) return core_fail(error, CORE_MEMORY, "%s: no memory for its name", path);
    memcpy(r->path, path, strlen(path) + 1);
    CoreStatus status = filehash_open(path, &fd, &size, error);
    if (status != CORE_OK) return status;
    status = check_signature(fd, path, error);
    if (status == CORE_OK) {
        status = start_child(r, fd, size, error);
        if (status == CORE_OK) status = receive_head(r, size, error);
        if (status != CORE_OK) core_fail_context(error, status, "%s", path);
    }
    close(fd);
    return status;
}

CoreStatus dataset_reader_open(const char *path, DatasetReader **reader, CoreError *error) {
    *reader = calloc(1, sizeof **reader);
    if (!*reader) return core_fail(error, CORE_MEMORY, "%s: no memory to read it", path);
    CoreStatus status = open_file(*reader, path, error);
    if (status == CORE_OK) return CORE_OK;
    dataset_reader_close(*reader);
    *reader = NULL;
    return status;
}

void dataset_reader_close(DatasetReader *r) {
    if (!r) return;
    close_ends(r);
    if (r->child) {
        kill(r->child, SIGKILL); /* it has nothing to lose, and may be busy or stuck */
        while (waitpid(r->child, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    dataset_free(&r->window);
    free(r->tables.ends);
    free(r->stream);
    free(r->path);
    free(r);
}

/* ---- tables -------------------------------------------------------------------------------------------- */

const Dataset *dataset_reader_head(const DatasetReader *r) {
    return &r->head;
}

uint64_t dataset_reader_count(const DatasetReader *r) {
    return r->tables.count;
}

uint64_t dataset_reader_bytes(const DatasetReader *r) {
    return r->tables.bytes;
}

void dataset_reader_capture_rows(const DatasetReader *r, uint32_t capture, uint64_t *begin, uint64_t *end) {
    if (capture >= r->head.n_captures) {
        *begin = *end = r->tables.count;
        return;
    }
    *begin = capture ? r->tables.ends[capture - 1] : 0;
    *end = r->tables.ends[capture];
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

CoreStatus dataset_reader_seek(DatasetReader *r, uint64_t begin, uint64_t end, CoreError *error) {
    if (begin > end || end > r->tables.count)
        return core_fail(error, CORE_ARGUMENT, "%s: rows %llu to %llu of %llu", r->path,
                         (unsigned long long)begin, (unsigned long long)end,
                         (unsigned long long)r->tables.count);
    r->position = begin;
    r->end = end;
    return CORE_OK;
}

/* The child may use its share of a whole reading for each window, however often a row is wanted. */
static void allow_time(DatasetReader *r) {
    r->seconds += WINDOW_SECONDS + r->pass_seconds * (double)r->window.count / (double)(r->tables.count + 1);
    if (r->seconds < (double)r->allowed + 1) return;
    r->allowed = (uint64_t)r->seconds;
    sandbox_allow(r->child, r->allowed);
}

/* If it cannot be sent, the child is gone, and the next reading tells why. */
static void ask(DatasetReader *r, uint64_t first) {
    StreamRequest request = {first};
    r->asked = first;
    r->waiting = true;
    (void)send(r->asks_end, &request, sizeof request, MSG_NOSIGNAL);
}

/* Takes the window that is on its way and, with `ahead`, asks for the one behind it. */
static CoreStatus receive_window(DatasetReader *r, bool ahead, CoreError *error) {
    r->first = r->asked;
    r->waiting = false;
    CoreStatus status = stream_receive_window(r->stream, &r->tables, r->asked, &r->window, error);
    if (status != CORE_OK) return status;
    allow_time(r);
    uint64_t next = r->first + r->window.count;
    if (ahead && next < r->tables.count) ask(r, next);
    return CORE_OK;
}

static bool is_here(const DatasetReader *r) {
    return r->position >= r->first && r->position - r->first < r->window.count;
}

/* Until the row at `position` is in the window. What is on its way may hold it; else it is taken for nothing.
 */
static CoreStatus fetch(DatasetReader *r, CoreError *error) {
    CoreStatus status = CORE_OK;
    while (status == CORE_OK && !is_here(r)) {
        if (!r->waiting) ask(r, r->position);
        bool near = r->position >= r->asked && r->position - r->asked < DATASET_WINDOW_ROWS;
        status = receive_window(r, near, error);
    }
    return status;
}

/* Rows begin .. end of the window as a dataset of their own. */
static void show(DatasetReader *r, uint64_t begin, uint64_t end) {
    Dataset *s = &r->shown;
    *s = r->window;
    s->count = end - begin;
    s->offset += begin;
    s->time_ns += begin;
    s->capture += begin;
    s->frame += begin;
    s->index += begin;
    s->source += begin;
    s->destination += begin;
    s->transport += begin;
    s->wire_flags += begin;
    s->primary += begin;
    s->classes += begin;
    s->run += begin;
    s->part += begin;
}

CoreStatus dataset_reader_next(DatasetReader *r, const Dataset **rows, uint64_t *first, CoreError *error) {
    if (r->position == r->end) return CORE_END;
    if (!is_here(r)) {
        CoreStatus status = fetch(r, error);
        if (status != CORE_OK) return core_fail_context(error, reap(r, status, error), "%s", r->path);
    }
    uint64_t begin = r->position - r->first, end = r->window.count;
    if (end > r->end - r->first) end = r->end - r->first;
    show(r, begin, end);
    *rows = &r->shown;
    *first = r->position;
    r->position = r->first + end;
    return CORE_OK;
}
