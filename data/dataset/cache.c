/* The feature cache: opening, checking, reading.
 * Relies on: data/dataset/cache_file.h, data/dataset/replay.h, data/features, engine/core, xxHash, POSIX.
 * Relied on by: train, bench. */
#include "data/dataset/cache.h"

#include "data/dataset/cache_file.h"
#include "engine/core/checked.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_ROOM = 4096, HASH_CHUNK = 1 << 20 };

DatasetCacheBound dataset_cache_bound(void) {
    return (DatasetCacheBound){.rows = 4000000, .group = 16384};
}

/* ---- the file ------------------------------------------------------------------------------------------ */

static uint64_t options_hash(const DatasetCacheOptions *options, const DatasetCacheBound *bound) {
    uint64_t numbers[2] = {bound->rows, bound->group};
    return XXH3_64bits_withSeed(numbers, sizeof numbers, dataset_replay_options_hash(&options->replay));
}

/* What identifies a cache; sizes and content come with building. */
static CacheHeader header_for(const uint8_t hash[DATASET_HASH_SIZE], const DatasetCacheOptions *options,
                              const DatasetCacheBound *bound) {
    CacheHeader header;
    memset(&header, 0, sizeof header);
    header.magic = CACHE_MAGIC;
    header.version = CACHE_VERSION;
    header.row_size = sizeof(FeatureRow);
    header.example_size = sizeof(DatasetExample);
    header.spec_hash = feature_spec_hash();
    header.options_hash = options_hash(options, bound);
    memcpy(header.dataset, hash, sizeof header.dataset);
    return header;
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

bool cache_layout(const CacheHeader *header, CacheLayout *layout) {
    size_t rows, examples;
    size_t clients = (size_t)header->n_clients + 1;
    return header->count < UINT32_MAX && core_mul_size((size_t)header->count, sizeof(FeatureRow), &rows) &&
           core_mul_size((size_t)header->count, sizeof(DatasetExample), &examples) &&
           core_add_size(rows, sizeof(CacheHeader), &rows) &&
           core_align_size(rows, CACHE_ALIGNMENT, &layout->examples) &&
           core_add_size(layout->examples, examples, &layout->attacked) &&
           core_add_size(layout->attacked, clients, &layout->size);
}

bool cache_read_exact(int fd, void *bytes, size_t size, size_t offset) {
    unsigned char *to = bytes;
    while (size) {
        ssize_t got = pread(fd, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        to += got;
        offset += (size_t)got;
        size -= (size_t)got;
    }
    return true;
}

bool cache_content_hash(int fd, const CacheHeader *header, const CacheLayout *layout, uint64_t *hash) {
    CacheHeader sealed = *header;
    XXH3_state_t *state = XXH3_createState();
    unsigned char *chunk = malloc(HASH_CHUNK);
    bool good = state && chunk;
    sealed.content_hash = 0;
    if (good) XXH3_64bits_reset(state);
    if (good) XXH3_64bits_update(state, &sealed, sizeof sealed);
    for (size_t at = sizeof sealed; good && at < layout->size;) {
        size_t size = layout->size - at < HASH_CHUNK ? layout->size - at : HASH_CHUNK;
        good = cache_read_exact(fd, chunk, size, at);
        if (good) XXH3_64bits_update(state, chunk, size);
        at += size;
    }
    if (good) *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    free(chunk);
    return good;
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static bool examples_fit(const DatasetCache *cache, const DatasetReader *reader) {
    const Dataset *head = dataset_reader_head(reader);
    for (uint64_t i = 0; i < cache->count; i++) {
        const DatasetExample *e = &cache->examples[i];
        if (e->message >= dataset_reader_count(reader) || e->capture >= head->n_captures ||
            e->run > head->n_runs || e->client > cache->n_clients || e->primary > head->n_classes)
            return false;
    }
    return true;
}

/* True if the open file is a whole cache of that identity; fills the rest of *cache. */
static bool accept(const CacheHeader *wanted, const DatasetReader *reader, DatasetCache *cache) {
    CacheHeader found;
    CacheLayout layout;
    struct stat info;
    uint64_t hash;
    if (fstat(cache->fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    if (!cache_read_exact(cache->fd, &found, sizeof found, 0)) return false;
    CacheHeader identity = found;
    identity.count = identity.labelled = identity.content_hash = 0;
    identity.n_clients = identity.whole = 0;
    if (memcmp(&identity, wanted, sizeof identity) != 0) return false;
    if (!cache_layout(&found, &layout) || (uint64_t)info.st_size != layout.size) return false;
    if (!cache_content_hash(cache->fd, &found, &layout, &hash) || hash != found.content_hash) return false;
    cache->count = found.count;
    cache->labelled = found.labelled;
    cache->n_clients = found.n_clients;
    cache->whole = found.whole == 1;
    cache->examples = malloc(layout.attacked - layout.examples + 1);
    cache->attacked = malloc(layout.size - layout.attacked);
    return cache->examples && cache->attacked &&
           cache_read_exact(cache->fd, cache->examples, layout.attacked - layout.examples, layout.examples) &&
           cache_read_exact(cache->fd, cache->attacked, layout.size - layout.attacked, layout.attacked) &&
           examples_fit(cache, reader);
}

/* Opens the file and checks it; false: not there, or not fit for use. */
static bool open_file(const char *name, const CacheHeader *wanted, const DatasetReader *reader,
                      DatasetCache *cache) {
    *cache = (DatasetCache){.fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (cache->fd < 0) {
        *cache = (DatasetCache){0};
        return false;
    }
    if (accept(wanted, reader, cache)) return true;
    close(cache->fd);
    free(cache->examples);
    free(cache->attacked);
    *cache = (DatasetCache){0};
    return false;
}

static CoreStatus open_or_build(DatasetReader *reader, const char *dataset_path,
                                const uint8_t hash[DATASET_HASH_SIZE], const DatasetCacheOptions *options,
                                bool may_build, DatasetCache *cache, CoreError *error) {
    char name[NAME_ROOM];
    DatasetCacheBound bound = options->bound.rows ? options->bound : dataset_cache_bound();
    CacheHeader header = header_for(hash, options, &bound);
    *cache = (DatasetCache){0};
    CoreStatus status = cache_name(dataset_path, options->folder, &header, name, error);
    if (status != CORE_OK) return status;
    if (open_file(name, &header, reader, cache)) {
        cache->reused = true;
        return CORE_OK;
    }
    if (!may_build) return core_fail(error, CORE_NOT_FOUND, "%s: not there", name);
    status = cache_build(name, reader, &header, options, &bound, error);
    if (status != CORE_OK) return status;
    if (open_file(name, &header, reader, cache)) return CORE_OK;
    return core_fail(error, CORE_IO, "%s: changed while it was built", name);
}

CoreStatus dataset_cache_open(DatasetReader *reader, const char *dataset_path,
                              const uint8_t hash[DATASET_HASH_SIZE], const DatasetCacheOptions *options,
                              DatasetCache *cache, CoreError *error) {
    return open_or_build(reader, dataset_path, hash, options, true, cache, error);
}

CoreStatus dataset_cache_find(DatasetReader *reader, const char *dataset_path,
                              const uint8_t hash[DATASET_HASH_SIZE], const DatasetCacheOptions *options,
                              DatasetCache *cache, CoreError *error) {
    return open_or_build(reader, dataset_path, hash, options, false, cache, error);
}

/* ---- use ----------------------------------------------------------------------------------------------- */

CoreStatus dataset_cache_read(const DatasetCache *cache, uint64_t first, uint64_t n, FeatureRow *rows,
                              CoreError *error) {
    if (cache_read_exact(cache->fd, rows, (size_t)n * sizeof *rows,
                         sizeof(CacheHeader) + (size_t)first * sizeof *rows))
        return CORE_OK;
    return core_fail(error, CORE_IO, "the feature cache cannot be read at row %llu",
                     (unsigned long long)first);
}

void dataset_cache_prefetch(const DatasetCache *cache, uint64_t row) {
    (void)posix_fadvise(cache->fd, (off_t)(sizeof(CacheHeader) + (size_t)row * sizeof(FeatureRow)),
                        sizeof(FeatureRow), POSIX_FADV_WILLNEED);
}

void dataset_cache_close(DatasetCache *cache) {
    if (cache->examples) close(cache->fd);
    free(cache->examples);
    free(cache->attacked);
    *cache = (DatasetCache){0};
}
