/* The feature cache on disk: its layout, and how it is built.
 * Relies on: data/dataset/cache.h.
 * Relied on by: cache.c, cache_build.c. Internal to data/dataset.
 *
 * The file: CacheHeader, count FeatureRow, zeros up to a multiple of 8, count DatasetExample, n_clients + 1
 * bytes (attacked). Native byte order: it is made and used on one machine. */
#ifndef SIPCNN_DATASET_CACHE_FILE_H
#define SIPCNN_DATASET_CACHE_FILE_H

#include "data/dataset/cache.h"

enum { CACHE_VERSION = 2, CACHE_ALIGNMENT = 8 };
#define CACHE_MAGIC UINT64_C(0x45484341434e4353)

typedef struct CacheHeader {
    uint64_t magic;
    uint32_t version;
    uint32_t row_size, example_size;
    uint32_t n_clients;
    uint64_t count, labelled;
    uint64_t spec_hash, options_hash;
    uint64_t content_hash; /* of the header with zero here and of all that follows it */
    uint8_t dataset[DATASET_HASH_SIZE];
    uint32_t whole, zero;
} CacheHeader;

/* Offsets of examples and attacked, and the file's size. */
typedef struct CacheLayout {
    size_t examples, attacked, size;
} CacheLayout;

/* False: too large. */
bool cache_layout(const CacheHeader *header, CacheLayout *layout);

/* Reads `size` bytes at `offset`; false: there are fewer. */
bool cache_read_exact(int fd, void *bytes, size_t size, size_t offset);

/* The content hash of a file that holds what *header says. False: it cannot be read, or no memory. */
bool cache_content_hash(int fd, const CacheHeader *header, const CacheLayout *layout, uint64_t *hash);

/* Replays the dataset into the file `name`. *header is what identifies it. */
CORE_NODISCARD CoreStatus cache_build(const char *name, DatasetReader *reader, const CacheHeader *header,
                                      const DatasetCacheOptions *options, const DatasetCacheBound *bound,
                                      CoreError *error);

#endif
