/* Reading a dataset file into memory as a whole, and its hash.
 * Relies on: data/dataset/reader.h, data/dataset/schema.h, data/dataset/filehash.h.
 * Relied on by: tools/data, data/dataset/cache, train. */
#include "data/dataset/filehash.h"
#include "data/dataset/reader.h"
#include "data/dataset/schema.h"
#include "data/dataset/store.h"

#include <string.h>
#include <unistd.h>

/* A dataset lives in memory as a whole; a file that claims more is refused. */
#define MEMORY_MAX (UINT64_C(16) << 30)

/* Puts a window's rows behind those that are there. */
static void append(Dataset *d, const Dataset *rows) {
    uint64_t n = rows->count, at = d->count, byte = d->offset[at], base = rows->offset[0];
    memcpy(d->bytes + byte, rows->bytes + base, rows->offset[n] - base);
    for (uint64_t i = 0; i < n; i++)
        d->offset[at + 1 + i] = byte + rows->offset[i + 1] - base;
    memcpy(d->time_ns + at, rows->time_ns, n * sizeof *d->time_ns);
    memcpy(d->capture + at, rows->capture, n * sizeof *d->capture);
    memcpy(d->frame + at, rows->frame, n * sizeof *d->frame);
    memcpy(d->index + at, rows->index, n * sizeof *d->index);
    memcpy(d->source + at, rows->source, n * sizeof *d->source);
    memcpy(d->destination + at, rows->destination, n * sizeof *d->destination);
    memcpy(d->transport + at, rows->transport, n * sizeof *d->transport);
    memcpy(d->wire_flags + at, rows->wire_flags, n * sizeof *d->wire_flags);
    memcpy(d->primary + at, rows->primary, n * sizeof *d->primary);
    memcpy(d->classes + at, rows->classes, n * sizeof *d->classes);
    memcpy(d->run + at, rows->run, n * sizeof *d->run);
    memcpy(d->part + at, rows->part, n * sizeof *d->part);
    d->count += n;
}

static CoreStatus read_rows(DatasetReader *reader, Dataset *dataset, CoreError *error) {
    const Dataset *rows;
    uint64_t first;
    CoreStatus status;
    while ((status = dataset_reader_next(reader, &rows, &first, error)) == CORE_OK)
        append(dataset, rows);
    return status == CORE_END ? CORE_OK : status;
}

static CoreStatus read_all(DatasetReader *reader, Dataset *dataset, CoreError *error) {
    SchemaSizes sizes = {{0}};
    sizes.of[SCHEMA_MESSAGES] = dataset_reader_count(reader);
    sizes.of[SCHEMA_OFFSETS] = sizes.of[SCHEMA_MESSAGES] + 1;
    sizes.of[SCHEMA_BYTES] = dataset_reader_bytes(reader);
    CoreStatus status = schema_allocate(dataset, &sizes, MEMORY_MAX, error);
    if (status != CORE_OK) return status;
    dataset_clear_rows(dataset);
    status = dataset_copy_tables(dataset, dataset_reader_head(reader), error);
    if (status == CORE_OK) status = read_rows(reader, dataset, error);
    if (status != CORE_OK) dataset_free(dataset);
    return status;
}

CoreStatus dataset_read(const char *path, Dataset *dataset, CoreError *error) {
    DatasetReader *reader;
    memset(dataset, 0, sizeof *dataset);
    CoreStatus status = dataset_reader_open(path, &reader, error);
    if (status != CORE_OK) return status;
    status = read_all(reader, dataset, error);
    dataset_reader_close(reader);
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
