/* The pipes between the child that opens a dataset file and the process that wants its rows: both ends.
 * Relies on: data/dataset/schema.h, POSIX.
 * Relied on by: store_child.c (sends), reader.c (receives). */
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

void stream_reader_init(StreamReader *reader, int fd) {
    reader->fd = fd;
    reader->used = reader->size = 0;
    reader->error = NULL;
}

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

static CoreStatus nonsense(StreamReader *r) {
    return core_fail(r->error, CORE_FORMAT, "damaged: its reader sent nonsense");
}

static bool is_of_messages(SchemaExtent extent) {
    return extent == SCHEMA_BYTES || extent == SCHEMA_OFFSETS || extent == SCHEMA_MESSAGES;
}

/* ---- the head ------------------------------------------------------------------------------------------ */

static CoreStatus receive_ends(StreamReader *r, uint32_t captures, StreamTables *tables) {
    uint64_t begin = 0;
    tables->ends = calloc(captures + 1u, sizeof *tables->ends);
    if (!tables->ends) return core_fail(r->error, CORE_MEMORY, "no memory for %u captures", captures);
    CoreStatus status = receive(r, tables->ends, captures * sizeof *tables->ends);
    for (uint32_t i = 0; i < captures && status == CORE_OK; i++) {
        if (tables->ends[i] < begin || tables->ends[i] > tables->count) return nonsense(r);
        begin = tables->ends[i];
    }
    return status == CORE_OK && begin != tables->count ? nonsense(r) : status;
}

static CoreStatus receive_tables(StreamReader *r, const StreamHead *head, Dataset *window,
                                 StreamTables *tables) {
    CoreStatus status = CORE_OK;
    uint64_t tail = 0;
    for (size_t i = 0; i < schema_column_count && status == CORE_OK; i++)
        if (!is_of_messages(schema_columns[i].extent))
            status = receive_column(r, window, &schema_columns[i], head->sizes.of[schema_columns[i].extent]);
    if (status == CORE_OK) status = receive_ends(r, window->n_captures, tables);
    for (uint32_t i = 0; i < head->n_splits && status == CORE_OK; i++)
        status = receive_split(r, window);
    if (status == CORE_OK) status = receive(r, &tail, sizeof tail);
    if (status == CORE_OK && (tail != STREAM_MAGIC || r->used != r->size)) status = nonsense(r);
    return status == CORE_OK ? dataset_check_tables(window, r->error) : status;
}

/* Tables as they are, and of the rows no more than a window. */
static SchemaSizes window_sizes(const StreamHead *head) {
    SchemaSizes sizes = head->sizes;
    if (sizes.of[SCHEMA_MESSAGES] > DATASET_WINDOW_ROWS) sizes.of[SCHEMA_MESSAGES] = DATASET_WINDOW_ROWS;
    if (sizes.of[SCHEMA_BYTES] > DATASET_WINDOW_BYTES) sizes.of[SCHEMA_BYTES] = DATASET_WINDOW_BYTES;
    sizes.of[SCHEMA_OFFSETS] = sizes.of[SCHEMA_MESSAGES] + 1;
    return sizes;
}

static CoreStatus receive_head(StreamReader *r, uint64_t limit, Dataset *window, StreamTables *tables) {
    StreamHead head;
    CoreStatus status = receive(r, &head, sizeof head);
    if (status != CORE_OK) return status;
    if (head.magic != STREAM_MAGIC || head.n_splits > DATASET_SPLITS_MAX) return nonsense(r);
    SchemaSizes sizes = window_sizes(&head);
    status = schema_allocate(window, &sizes, limit, r->error);
    if (status != CORE_OK) return status;
    dataset_clear_rows(window);
    window->pseudonymised = head.pseudonymised;
    memcpy(window->provenance, head.provenance, sizeof window->provenance);
    tables->count = head.sizes.of[SCHEMA_MESSAGES];
    tables->bytes = head.sizes.of[SCHEMA_BYTES];
    return receive_tables(r, &head, window, tables);
}

CoreStatus stream_receive_head(StreamReader *reader, uint64_t limit, Dataset *window, StreamTables *tables,
                               CoreError *error) {
    memset(window, 0, sizeof *window);
    memset(tables, 0, sizeof *tables);
    reader->error = error;
    CoreStatus status = receive_head(reader, limit, window, tables);
    if (status == CORE_OK) return CORE_OK;
    dataset_free(window);
    free(tables->ends);
    tables->ends = NULL;
    return status;
}

/* ---- windows ------------------------------------------------------------------------------------------- */

/* Rows must lie where the head said that their captures' rows are. */
static CoreStatus check_captures(StreamReader *r, const StreamTables *tables, uint64_t first,
                                 const Dataset *window) {
    for (uint64_t i = 0; i < window->count; i++) {
        uint32_t capture = window->capture[i];
        if (first + i >= tables->ends[capture] || (capture && first + i < tables->ends[capture - 1]))
            return nonsense(r);
    }
    return CORE_OK;
}

static CoreStatus receive_rows(StreamReader *r, const StreamWindow *head, Dataset *window) {
    SchemaSizes sizes = {{0}};
    CoreStatus status = CORE_OK;
    sizes.of[SCHEMA_BYTES] = head->bytes;
    sizes.of[SCHEMA_OFFSETS] = head->rows + 1;
    sizes.of[SCHEMA_MESSAGES] = head->rows;
    for (size_t i = 0; i < schema_column_count && status == CORE_OK; i++)
        if (is_of_messages(schema_columns[i].extent))
            status = receive_column(r, window, &schema_columns[i], sizes.of[schema_columns[i].extent]);
    if (status == CORE_OK && (window->offset[head->rows] != head->bytes || r->used != r->size))
        status = nonsense(r);
    return status;
}

CoreStatus stream_receive_window(StreamReader *reader, const StreamTables *tables, uint64_t first,
                                 Dataset *window, CoreError *error) {
    StreamWindow head;
    reader->error = error;
    dataset_clear_rows(window);
    CoreStatus status = receive(reader, &head, sizeof head);
    if (status != CORE_OK) return status;
    if (head.magic != STREAM_MAGIC || head.first != first || head.rows == 0 ||
        head.rows > tables->count - first || head.rows > window->row_room || head.bytes > window->byte_room)
        return nonsense(reader);
    status = receive_rows(reader, &head, window);
    window->count = head.rows;
    if (status == CORE_OK) status = dataset_check_rows(window, first, error);
    if (status == CORE_OK) status = check_captures(reader, tables, first, window);
    if (status != CORE_OK) dataset_clear_rows(window);
    return status;
}
