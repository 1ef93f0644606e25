/* The pipe between the child that opens a dataset file and the process that wants its rows: both ends.
 * Relies on: data/dataset/schema.h, POSIX.
 * Relied on by: store_child.c (sends), store_read.c (receives). */
#include "data/dataset/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- sending ------------------------------------------------------------------------------------------- */

void stream_writer_init(StreamWriter *writer, int fd) {
    writer->fd = fd;
    writer->failed = false;
    writer->used = 0;
}

static bool send_all(int fd, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t sent = write(fd, at, size);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool stream_flush(StreamWriter *w) {
    if (w->used && !w->failed)
        w->failed = !send_all(w->fd, &w->used, sizeof w->used) || !send_all(w->fd, w->frame, w->used);
    w->used = 0;
    return !w->failed;
}

void stream_write(StreamWriter *w, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    while (size > 0 && !w->failed) {
        size_t part = sizeof w->frame - w->used;
        if (part > size) part = size;
        memcpy(w->frame + w->used, at, part);
        w->used += (uint32_t)part;
        at += part;
        size -= part;
        if (w->used == sizeof w->frame) stream_flush(w);
    }
}

void stream_write_failure(StreamWriter *w, const CoreError *error) {
    uint32_t announce = STREAM_FAILURE;
    StreamFailure failure;
    memset(&failure, 0, sizeof failure);
    failure.status = error->status;
    memcpy(failure.text, error->text, sizeof failure.text - 1);
    if (!stream_flush(w)) return;
    w->failed = !send_all(w->fd, &announce, sizeof announce) || !send_all(w->fd, &failure, sizeof failure);
}

/* ---- receiving ----------------------------------------------------------------------------------------- */

typedef struct StreamReader {
    int fd;
    uint32_t used, size; /* of the frame */
    CoreError *error;
    uint8_t frame[STREAM_FRAME_MAX];
} StreamReader;

static CoreStatus receive_all(int fd, void *bytes, size_t size, CoreError *error) {
    uint8_t *at = bytes;
    while (size > 0) {
        ssize_t got = read(fd, at, size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return core_fail(error, CORE_IO, "cannot read from the reader: %s", strerror(errno));
        if (got == 0) return core_fail(error, CORE_FORMAT, "damaged: its reader stopped early");
        at += got;
        size -= (size_t)got;
    }
    return CORE_OK;
}

/* The other end may have been taken over by the file: its text is bytes to be cleaned, its status a number.
 */
static CoreStatus receive_failure(StreamReader *r) {
    StreamFailure failure;
    CoreStatus status = receive_all(r->fd, &failure, sizeof failure, r->error);
    if (status != CORE_OK) return status;
    failure.text[sizeof failure.text - 1] = '\0';
    for (char *at = failure.text; *at; at++)
        if (*at < ' ' || *at > '~') *at = '?';
    if (failure.status != CORE_MEMORY && failure.status != CORE_VERSION && failure.status != CORE_LIMIT &&
        failure.status != CORE_IO)
        failure.status = CORE_FORMAT;
    return core_fail(r->error, (CoreStatus)failure.status, "%s",
                     failure.text[0] ? failure.text : "damaged: its reader sent nonsense");
}

static CoreStatus next_frame(StreamReader *r) {
    uint32_t length;
    CoreStatus status = receive_all(r->fd, &length, sizeof length, r->error);
    if (status != CORE_OK) return status;
    if (length == STREAM_FAILURE) return receive_failure(r);
    if (length == 0 || length > sizeof r->frame)
        return core_fail(r->error, CORE_FORMAT, "damaged: its reader sent nonsense");
    r->used = 0;
    r->size = length;
    return receive_all(r->fd, r->frame, length, r->error);
}

static CoreStatus receive(StreamReader *r, void *bytes, size_t size) {
    uint8_t *at = bytes;
    while (size > 0) {
        if (r->used == r->size) {
            CoreStatus status = next_frame(r);
            if (status != CORE_OK) return status;
        }
        size_t part = r->size - r->used;
        if (part > size) part = size;
        memcpy(at, r->frame + r->used, part);
        r->used += (uint32_t)part;
        at += part;
        size -= part;
    }
    return CORE_OK;
}

static CoreStatus receive_column(StreamReader *r, Dataset *dataset, const SchemaColumn *column,
                                 uint64_t count) {
    uint8_t packed[4096];
    size_t size = schema_element_size(column);
    uint64_t step = sizeof packed / size;
    for (uint64_t at = 0; at < count; at += step) {
        uint64_t part = count - at < step ? count - at : step;
        CoreStatus status = receive(r, packed, (size_t)part * size);
        if (status != CORE_OK) return status;
        schema_scatter(dataset, column, at, part, packed);
    }
    return CORE_OK;
}

static CoreStatus receive_split(StreamReader *r, Dataset *dataset) {
    char name[DATASET_NAME_SIZE];
    DatasetSplit *split;
    uint32_t before = dataset->n_splits;
    CoreStatus status = receive(r, name, sizeof name);
    if (status != CORE_OK) return status;
    name[sizeof name - 1] = '\0';
    status = dataset_add_split(dataset, name, &split, r->error);
    if (status != CORE_OK) return status == CORE_MEMORY ? status : CORE_FORMAT;
    if (dataset->n_splits == before) return core_fail(r->error, CORE_FORMAT, "split %s comes twice", name);
    status = receive(r, split->captures, dataset->n_captures);
    if (status == CORE_OK) status = receive(r, split->runs, dataset->n_runs);
    return status;
}

static CoreStatus receive_content(StreamReader *r, const StreamHead *head, Dataset *dataset) {
    CoreStatus status = CORE_OK;
    uint64_t tail = 0;
    for (size_t i = 0; i < schema_column_count && status == CORE_OK; i++)
        status = receive_column(r, dataset, &schema_columns[i], head->sizes.of[schema_columns[i].extent]);
    for (uint32_t i = 0; i < head->n_splits && status == CORE_OK; i++)
        status = receive_split(r, dataset);
    if (status == CORE_OK) status = receive(r, &tail, sizeof tail);
    if (status == CORE_OK && (tail != STREAM_MAGIC || r->used != r->size))
        status = core_fail(r->error, CORE_FORMAT, "damaged: its reader sent nonsense");
    if (status == CORE_OK && dataset->offset[dataset->count] != head->sizes.of[SCHEMA_BYTES])
        status = core_fail(r->error, CORE_FORMAT, "messages/offset does not end where messages/bytes does");
    if (status == CORE_OK) status = dataset_check(dataset, r->error);
    return status;
}

static CoreStatus receive_dataset(StreamReader *r, uint64_t limit, Dataset *dataset) {
    StreamHead head;
    CoreStatus status = receive(r, &head, sizeof head);
    if (status != CORE_OK) return status;
    if (head.magic != STREAM_MAGIC || head.n_splits > DATASET_SPLITS_MAX)
        return core_fail(r->error, CORE_FORMAT, "damaged: its reader sent nonsense");
    status = schema_allocate(dataset, &head.sizes, limit, r->error);
    if (status != CORE_OK) return status;
    dataset->pseudonymised = head.pseudonymised;
    memcpy(dataset->provenance, head.provenance, sizeof dataset->provenance);
    status = receive_content(r, &head, dataset);
    if (status != CORE_OK) dataset_free(dataset);
    return status;
}

CoreStatus stream_receive(int fd, uint64_t limit, Dataset *dataset, CoreError *error) {
    memset(dataset, 0, sizeof *dataset);
    StreamReader *reader = calloc(1, sizeof *reader);
    if (!reader) return core_fail(error, CORE_MEMORY, "no memory for the reader");
    reader->fd = fd;
    reader->error = error;
    CoreStatus status = receive_dataset(reader, limit, dataset);
    free(reader);
    return status;
}
