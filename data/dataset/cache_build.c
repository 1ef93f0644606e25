/* Building the feature cache.
 * Relies on: data/dataset (cache_file.h, keep.h, replay.h, temporary.h), POSIX.
 * Relied on by: cache.c.
 *
 * Rows are written one behind the other, also those that take another one's place: small writes all over a
 * large file cost more than the features. When half of what was written is dead, and at the end, what lives
 * moves together. */
#include "data/dataset/cache_file.h"
#include "data/dataset/keep.h"
#include "data/dataset/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHECK_EVERY = 4096, /* rows between two calls of the progress function */
    BUFFER_ROWS = 512,
};

typedef struct Builder {
    const char *name;
    int fd;
    uint64_t most; /* rows in the file before it is compacted */
    Keep keep;
    DatasetExample *examples; /* [room] by place */
    uint32_t *row_of;         /* [row_room] by place: its row in the file, or KEEP_NOWHERE */
    uint32_t *place_of;       /* [place_room] by row: the place that it took */
    uint64_t room, row_room, place_room;
    uint8_t *attacked; /* [attacked_room] by client */
    uint64_t attacked_room;
    uint64_t n_rows;    /* so far, buffered ones included */
    FeatureRow *buffer; /* [n_buffer] the last of them, not yet written */
    uint64_t n_buffer;
    CoreError *error;
} Builder;

/* ---- writing ------------------------------------------------------------------------------------------- */

static CoreStatus no_memory(Builder *b, const char *what) {
    return core_fail(b->error, CORE_MEMORY, "%s: no memory for %s", b->name, what);
}

static CoreStatus put(Builder *b, const void *bytes, size_t size, size_t offset) {
    const unsigned char *from = bytes;
    while (size) {
        ssize_t written = pwrite(b->fd, from, size, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
        from += written;
        offset += (size_t)written;
        size -= (size_t)written;
    }
    return CORE_OK;
}

static size_t row_offset(uint64_t row) {
    return sizeof(CacheHeader) + (size_t)row * sizeof(FeatureRow);
}

static CoreStatus flush_rows(Builder *b) {
    CoreStatus status =
        put(b, b->buffer, (size_t)b->n_buffer * sizeof *b->buffer, row_offset(b->n_rows - b->n_buffer));
    b->n_buffer = 0;
    return status;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static bool reach(void *array, uint64_t *room, uint64_t needed, size_t size) {
    if (needed <= *room) return true;
    uint64_t larger = *room + *room / 2 < 4096 ? 4096 : *room + *room / 2;
    if (larger < needed) larger = needed;
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = larger > SIZE_MAX / size ? NULL : realloc(old, (size_t)larger * size);
    if (!grown) return false;
    memset((unsigned char *)grown + *room * size, 0, (size_t)(larger - *room) * size);
    memcpy(array, &grown, sizeof grown);
    *room = larger;
    return true;
}

static bool is_labelled(const DatasetExample *example) {
    return example->primary != DATASET_IGNORE && example->primary != DATASET_UNLABELLED;
}

static CoreStatus place_row(Builder *b, const DatasetExample *e, uint32_t *place) {
    if (e->run) return keep_row(&b->keep, KEEP_RUN, e->run, place, b->error);
    if (e->client) return keep_row(&b->keep, KEEP_CLIENT, e->client, place, b->error);
    return keep_row(&b->keep, KEEP_CAPTURE, e->capture, place, b->error);
}

/* Takes what lives out of n rows from `first` on, in the buffer, to the end of the `*kept` rows in front. */
static CoreStatus compact_chunk(Builder *b, uint64_t first, uint64_t n, uint64_t *kept) {
    uint64_t lives = 0;
    if (!cache_read_exact(b->fd, b->buffer, (size_t)n * sizeof *b->buffer, row_offset(first)))
        return core_fail(b->error, CORE_IO, "%s: cannot read back", b->name);
    for (uint64_t i = 0; i < n; i++) {
        uint32_t place = b->place_of[first + i];
        if (b->row_of[place] != first + i) continue;
        b->buffer[lives] = b->buffer[i];
        b->place_of[*kept + lives] = place;
        b->row_of[place] = (uint32_t)(*kept + lives++);
    }
    CoreStatus status = put(b, b->buffer, (size_t)lives * sizeof *b->buffer, row_offset(*kept));
    *kept += lives;
    return status;
}

/* Leaves the rows that live, in their order. */
static CoreStatus compact(Builder *b) {
    uint64_t kept = 0;
    CoreStatus status = flush_rows(b);
    for (uint64_t i = 0; i < b->keep.n_free; i++)
        b->row_of[b->keep.free[i]] = KEEP_NOWHERE;
    for (uint64_t first = 0; first < b->n_rows && status == CORE_OK; first += BUFFER_ROWS) {
        uint64_t n = b->n_rows - first < BUFFER_ROWS ? b->n_rows - first : BUFFER_ROWS;
        status = compact_chunk(b, first, n, &kept);
    }
    b->n_rows = kept;
    return status;
}

static CoreStatus append_row(Builder *b, const DatasetExample *example, uint32_t place,
                             const FeatureRow *row) {
    CoreStatus status = b->n_rows >= b->most ? compact(b) : CORE_OK;
    if (status == CORE_OK && b->n_buffer == BUFFER_ROWS) status = flush_rows(b);
    if (status != CORE_OK) return status;
    if (!reach(&b->examples, &b->room, (uint64_t)place + 1, sizeof *b->examples) ||
        !reach(&b->row_of, &b->row_room, (uint64_t)place + 1, sizeof *b->row_of) ||
        !reach(&b->place_of, &b->place_room, b->n_rows + 1, sizeof *b->place_of))
        return no_memory(b, "examples");
    b->examples[place] = *example;
    b->row_of[place] = (uint32_t)b->n_rows;
    b->place_of[b->n_rows++] = place;
    b->buffer[b->n_buffer++] = *row;
    return CORE_OK;
}

static CoreStatus add_row(Builder *b, const DatasetReplayRow *row) {
    const DatasetExample *e = &row->example;
    uint32_t place;
    if (!reach(&b->attacked, &b->attacked_room, (uint64_t)e->client + 1, 1)) return no_memory(b, "clients");
    if (e->run && e->client) b->attacked[e->client] = 1;
    if (!is_labelled(e)) return CORE_OK;
    CoreStatus status = place_row(b, e, &place);
    if (status != CORE_OK || place == KEEP_NOWHERE) return status;
    return append_row(b, e, place, row->features);
}

static CoreStatus add_rows(Builder *b, DatasetReplay *replay, const DatasetProgress *progress) {
    DatasetReplayRow row;
    CoreStatus status;
    uint64_t done, total;
    for (uint64_t count = 1; (status = dataset_replay_next(replay, &row, b->error)) == CORE_OK; count++) {
        status = add_row(b, &row);
        if (status != CORE_OK) return status;
        if (count % CHECK_EVERY != 0) continue;
        dataset_replay_progress(replay, &done, &total);
        if (!dataset_progress(progress, done, total))
            return core_fail(b->error, CORE_INTERRUPTED, "%s: interrupted", b->name);
    }
    return status == CORE_END ? flush_rows(b) : status;
}

/* ---- the end ------------------------------------------------------------------------------------------- */

/* In the order of the rows. */
static CoreStatus put_examples(Builder *b, size_t offset) {
    DatasetExample some[64];
    CoreStatus status = CORE_OK;
    for (uint64_t i = 0, n = 0; i < b->n_rows && status == CORE_OK; i++) {
        some[n++] = b->examples[b->place_of[i]];
        if (n < sizeof some / sizeof *some && i + 1 < b->n_rows) continue;
        status = put(b, some, (size_t)n * sizeof *some, offset + (size_t)(i + 1 - n) * sizeof *some);
        n = 0;
    }
    return status;
}

/* The examples behind the rows, then the header in front. */
static CoreStatus finish_file(Builder *b, CacheHeader header, uint32_t n_clients) {
    static const uint8_t zeros[CACHE_ALIGNMENT] = {0};
    CacheLayout layout;
    header.count = b->n_rows;
    header.labelled = header.count + b->keep.left_out;
    header.whole = b->keep.left_out == 0;
    header.n_clients = n_clients;
    if (!cache_layout(&header, &layout)) return core_fail(b->error, CORE_LIMIT, "%s: too many rows", b->name);
    if (!reach(&b->attacked, &b->attacked_room, (uint64_t)n_clients + 1, 1)) return no_memory(b, "clients");
    if (ftruncate(b->fd, (off_t)row_offset(header.count)) != 0)
        return core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
    size_t end = row_offset(header.count);
    CoreStatus status = put(b, zeros, layout.examples - end, end);
    if (status == CORE_OK) status = put_examples(b, layout.examples);
    if (status == CORE_OK) status = put(b, b->attacked, layout.size - layout.attacked, layout.attacked);
    if (status == CORE_OK) status = put(b, &header, sizeof header, 0);
    if (status != CORE_OK) return status;
    if (!cache_content_hash(b->fd, &header, &layout, &header.content_hash))
        return core_fail(b->error, CORE_IO, "%s: cannot read back", b->name);
    return put(b, &header, sizeof header, 0);
}

static CoreStatus write_rows(Builder *b, DatasetReader *reader, const CacheHeader *header,
                             const DatasetCacheOptions *options) {
    DatasetReplay *replay;
    CoreStatus status = dataset_replay_open(reader, &options->replay, &replay, b->error);
    if (status != CORE_OK) return status;
    status = add_rows(b, replay, options->progress);
    uint32_t n_clients = dataset_replay_clients(replay);
    dataset_replay_free(replay); /* its tables' memory is needed no more */
    if (status == CORE_OK && b->keep.left_out) status = compact(b);
    return status == CORE_OK ? finish_file(b, *header, n_clients) : status;
}

static CoreStatus write_file(Builder *b, const char *path, DatasetReader *reader, const CacheHeader *header,
                             const DatasetCacheOptions *options) {
    b->fd = open(path, O_RDWR | O_CLOEXEC);
    if (b->fd < 0) return core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
    CoreStatus status = write_rows(b, reader, header, options);
    if (close(b->fd) != 0 && status == CORE_OK)
        status = core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
    return status;
}

CoreStatus cache_build(const char *name, DatasetReader *reader, const CacheHeader *header,
                       const DatasetCacheOptions *options, const DatasetCacheBound *bound, CoreError *error) {
    char *temporary;
    Builder b = {.name = name, .most = 2 * bound->rows, .error = error};
    b.buffer = malloc(BUFFER_ROWS * sizeof *b.buffer);
    if (!b.buffer) return no_memory(&b, "rows");
    keep_init(&b.keep, bound->rows, bound->group);
    CoreStatus status = temporary_create(name, &temporary, error);
    if (status == CORE_OK) {
        status = write_file(&b, temporary, reader, header, options);
        if (status == CORE_OK)
            status = temporary_commit(temporary, name, false, error); /* its hash tells if it is whole */
        else
            temporary_discard(temporary);
    }
    keep_free(&b.keep);
    free(b.examples);
    free(b.row_of);
    free(b.place_of);
    free(b.attacked);
    free(b.buffer);
    return status;
}
