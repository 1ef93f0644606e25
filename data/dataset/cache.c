/* The feature cache: every message of a dataset as the model sees it, in a disposable, mapped file.
 * Relies on: data/dataset/replay.h, data/dataset/temporary.h, data/features, engine/core, xxHash, POSIX.
 * Relied on by: train, bench.
 *
 * The file: CacheHeader, count FeatureRow, zeros up to a multiple of 8, count DatasetExample. Native byte
 * order: it is made and used on one machine. */
#include "data/dataset/cache.h"

#include "data/dataset/clients.h"
#include "data/dataset/temporary.h"
#include "engine/core/checked.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CACHE_VERSION = 1,
    CACHE_ALIGNMENT = 8,
    CHECK_EVERY = 4096, /* rows between two calls of the progress function */
    NAME_ROOM = 4096,
};
#define CACHE_MAGIC UINT64_C(0x45484341434e4353)

typedef struct CacheHeader {
    uint64_t magic;
    uint32_t version;
    uint32_t row_size, example_size;
    uint32_t n_clients;
    uint64_t count;
    uint64_t spec_hash, options_hash;
    uint64_t content_hash; /* of all that follows the header, and of the header with zero here */
    uint8_t dataset[DATASET_HASH_SIZE];
} CacheHeader;

/* What identifies a cache; count and content come with building. */
static CacheHeader header_for(const uint8_t hash[DATASET_HASH_SIZE], const DatasetReplayOptions *options) {
    CacheHeader header;
    memset(&header, 0, sizeof header);
    header.magic = CACHE_MAGIC;
    header.version = CACHE_VERSION;
    header.row_size = sizeof(FeatureRow);
    header.example_size = sizeof(DatasetExample);
    header.spec_hash = feature_spec_hash();
    header.options_hash = dataset_replay_options_hash(options);
    memcpy(header.dataset, hash, sizeof header.dataset);
    return header;
}

/* XXH3 of the header, continuing that of what follows it. */
static uint64_t seal(CacheHeader header, uint64_t rest) {
    header.content_hash = 0;
    return XXH3_64bits_withSeed(&header, sizeof header, rest);
}

/* "folder/D.h5.0123456789abcdef-….cache" */
static CoreStatus cache_name(const char *dataset_path, const char *folder, const CacheHeader *header,
                             char name[NAME_ROOM], CoreError *error) {
    const char *slash = strrchr(dataset_path, '/');
    const char *base = folder && slash ? slash + 1 : dataset_path;
    char digest[17];
    for (int i = 0; i < 8; i++)
        snprintf(digest + 2 * i, 3, "%02x", header->dataset[i]);
    int length = snprintf(name, NAME_ROOM, "%s%s%s.%s-%016llx-%016llx.cache", folder ? folder : "",
                          folder ? "/" : "", base, digest, (unsigned long long)header->spec_hash,
                          (unsigned long long)header->options_hash);
    if (length > 0 && length < NAME_ROOM) return CORE_OK;
    return core_fail(error, CORE_ARGUMENT, "%.80s...: too long a name", dataset_path);
}

/* ---- mapping ------------------------------------------------------------------------------------------- */

static bool layout(uint64_t count, size_t *examples_at, size_t *size) {
    size_t rows, examples;
    return count <= SIZE_MAX && core_mul_size((size_t)count, sizeof(FeatureRow), &rows) &&
           core_mul_size((size_t)count, sizeof(DatasetExample), &examples) &&
           core_add_size(rows, sizeof(CacheHeader), &rows) &&
           core_align_size(rows, CACHE_ALIGNMENT, examples_at) && core_add_size(*examples_at, examples, size);
}

static bool examples_fit(const DatasetCache *cache, const Dataset *dataset) {
    for (uint64_t i = 0; i < cache->count; i++) {
        const DatasetExample *e = &cache->examples[i];
        if (e->message >= dataset->count || e->capture >= dataset->n_captures || e->run > dataset->n_runs ||
            e->client > cache->n_clients)
            return false;
    }
    return true;
}

/* True if the mapped bytes are a whole cache of that identity; fills the rest of *cache. */
static bool accept(const CacheHeader *wanted, const Dataset *dataset, DatasetCache *cache) {
    CacheHeader found;
    size_t examples_at, size;
    const uint8_t *bytes = cache->mapping;
    if (cache->mapping_size < sizeof found) return false;
    memcpy(&found, bytes, sizeof found);
    if (!layout(found.count, &examples_at, &size) || size != cache->mapping_size) return false;
    CacheHeader identity = found;
    identity.count = identity.content_hash = 0;
    identity.n_clients = 0;
    if (memcmp(&identity, wanted, sizeof identity) != 0) return false;
    uint64_t rest = XXH3_64bits(bytes + sizeof found, size - sizeof found);
    if (seal(found, rest) != found.content_hash) return false;
    cache->count = found.count;
    cache->n_clients = found.n_clients;
    cache->rows = (const FeatureRow *)(bytes + sizeof found);
    cache->examples = (const DatasetExample *)(const void *)(bytes + examples_at);
    return examples_fit(cache, dataset);
}

/* Maps the file and checks it; false: not there, or not fit for use. */
static bool map_cache(const char *name, const CacheHeader *wanted, const Dataset *dataset,
                      DatasetCache *cache) {
    struct stat info;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    memset(cache, 0, sizeof *cache);
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        void *mapping = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapping != MAP_FAILED) {
            cache->mapping = mapping;
            cache->mapping_size = (size_t)info.st_size;
        }
    }
    close(fd);
    if (cache->mapping && accept(wanted, dataset, cache)) return true;
    dataset_cache_close(cache);
    return false;
}

/* ---- building ------------------------------------------------------------------------------------------ */

typedef struct Builder {
    const Dataset *dataset;
    const char *name;
    FILE *file;
    XXH3_state_t *hash;
    Clients clients;
    DatasetExample *examples;
    uint64_t count, room;
    CoreError *error;
} Builder;

static CoreStatus put(Builder *b, const void *bytes, size_t size) {
    if (size == 0) return CORE_OK;
    XXH3_64bits_update(b->hash, bytes, size);
    if (fwrite(bytes, size, 1, b->file) == 1) return CORE_OK;
    return core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
}

static CoreStatus room_for_example(Builder *b) {
    if (b->count < b->room) return CORE_OK;
    uint64_t room = b->room ? b->room * 2 : 4096;
    void *grown = room > SIZE_MAX / sizeof *b->examples
                      ? NULL
                      : realloc(b->examples, (size_t)room * sizeof *b->examples);
    if (!grown)
        return core_fail(b->error, CORE_MEMORY, "%s: no memory for %llu rows", b->name,
                         (unsigned long long)room);
    b->examples = grown;
    b->room = room;
    return CORE_OK;
}

static CoreStatus add_row(Builder *b, const DatasetReplayRow *row) {
    const Dataset *d = b->dataset;
    CoreStatus status = room_for_example(b);
    if (status != CORE_OK) return status;
    DatasetExample *e = &b->examples[b->count];
    memset(e, 0, sizeof *e);
    e->time_ns = d->time_ns[row->message];
    e->message = row->message;
    e->capture = d->capture[row->message];
    e->run = d->run[row->message];
    e->classes = d->classes[row->message];
    e->primary = d->primary[row->message];
    e->part = d->part[row->message];
    e->warm = row->warm;
    e->request = row->request;
    if (row->keys->has_client) {
        e->client = clients_number(&b->clients, e->capture, &row->keys->client);
        if (!e->client) return core_fail(b->error, CORE_MEMORY, "%s: no memory for clients", b->name);
    }
    b->count++;
    return put(b, row->features, sizeof *row->features);
}

static CoreStatus add_rows(Builder *b, DatasetReplay *replay, const DatasetProgress *progress) {
    DatasetReplayRow row;
    CoreStatus status;
    uint64_t done, total;
    while ((status = dataset_replay_next(replay, &row, b->error)) == CORE_OK) {
        status = add_row(b, &row);
        if (status != CORE_OK) return status;
        if (b->count % CHECK_EVERY != 0) continue;
        dataset_replay_progress(replay, &done, &total);
        if (!dataset_progress(progress, done, total))
            return core_fail(b->error, CORE_INTERRUPTED, "%s: interrupted", b->name);
    }
    return status == CORE_END ? CORE_OK : status;
}

/* The examples behind the rows, then the header in front. */
static CoreStatus finish_file(Builder *b, CacheHeader header) {
    static const uint8_t zeros[CACHE_ALIGNMENT] = {0};
    size_t examples_at, size;
    if (!layout(b->count, &examples_at, &size))
        return core_fail(b->error, CORE_LIMIT, "%s: too many rows", b->name);
    CoreStatus status = put(b, zeros, examples_at - sizeof header - (size_t)b->count * sizeof(FeatureRow));
    if (status == CORE_OK) status = put(b, b->examples, (size_t)b->count * sizeof *b->examples);
    if (status != CORE_OK) return status;
    header.count = b->count;
    header.n_clients = b->clients.count;
    header.content_hash = seal(header, XXH3_64bits_digest(b->hash));
    if (fseek(b->file, 0, SEEK_SET) != 0 || fwrite(&header, sizeof header, 1, b->file) != 1)
        return core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
    return CORE_OK;
}

static CoreStatus write_rows(Builder *b, const CacheHeader *header, const DatasetReplayOptions *options,
                             const DatasetProgress *progress) {
    DatasetReplay *replay;
    if (fwrite(header, sizeof *header, 1, b->file) != 1)
        return core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
    CoreStatus status = dataset_replay_new(b->dataset, options, &replay, b->error);
    if (status != CORE_OK) return status;
    status = add_rows(b, replay, progress);
    dataset_replay_free(replay);
    return status == CORE_OK ? finish_file(b, *header) : status;
}

static CoreStatus write_file(Builder *b, const char *path, const CacheHeader *header,
                             const DatasetReplayOptions *options, const DatasetProgress *progress) {
    b->file = fopen(path, "wb");
    if (!b->file) return core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
    CoreStatus status = write_rows(b, header, options, progress);
    if (fclose(b->file) != 0 && status == CORE_OK)
        status = core_fail(b->error, CORE_IO, "%s: cannot write: %s", b->name, strerror(errno));
    return status;
}

static CoreStatus build(const char *name, const Dataset *dataset, const CacheHeader *header,
                        const DatasetReplayOptions *options, const DatasetProgress *progress,
                        CoreError *error) {
    char *temporary;
    Builder b = {.dataset = dataset, .name = name, .hash = XXH3_createState(), .error = error};
    if (!b.hash) return core_fail(error, CORE_MEMORY, "%s: no memory to build it", name);
    XXH3_64bits_reset(b.hash);
    CoreStatus status = temporary_create(name, &temporary, error);
    if (status == CORE_OK) {
        status = write_file(&b, temporary, header, options, progress);
        if (status == CORE_OK)
            status = temporary_commit(temporary, name, false, error); /* its hash tells if it is whole */
        else
            temporary_discard(temporary);
    }
    XXH3_freeState(b.hash);
    clients_free(&b.clients);
    free(b.examples);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

CoreStatus dataset_cache_open(const Dataset *dataset, const char *dataset_path,
                              const uint8_t hash[DATASET_HASH_SIZE], const char *folder,
                              const DatasetReplayOptions *options, const DatasetProgress *progress,
                              DatasetCache *cache, CoreError *error) {
    static const DatasetReplayOptions defaults = {0};
    char name[NAME_ROOM];
    if (!options) options = &defaults;
    CacheHeader header = header_for(hash, options);
    memset(cache, 0, sizeof *cache);
    CoreStatus status = cache_name(dataset_path, folder, &header, name, error);
    if (status != CORE_OK) return status;
    if (map_cache(name, &header, dataset, cache)) {
        cache->reused = true;
        return CORE_OK;
    }
    status = build(name, dataset, &header, options, progress, error);
    if (status != CORE_OK) return status;
    if (map_cache(name, &header, dataset, cache)) return CORE_OK;
    return core_fail(error, CORE_IO, "%s: changed while it was built", name);
}

void dataset_cache_close(DatasetCache *cache) {
    if (cache->mapping) munmap(cache->mapping, cache->mapping_size);
    memset(cache, 0, sizeof *cache);
}
