/* The dataset file: HDF5 in, HDF5 out. The only concept that knows HDF5; sipcnn-data(1) has the layout.
 * Relies on: data/dataset/dataset.h, HDF5, libcrypto (the hash).
 * Relied on by: tools/data, data/dataset/cache, train. */
#ifndef SIPCNN_DATASET_STORE_H
#define SIPCNN_DATASET_STORE_H

#include "data/dataset/dataset.h"

/* Another major schema is refused; the number stands in the file's attribute `schema_version`. */
enum { DATASET_SCHEMA_VERSION = 1 };

/* Writes the dataset to `path`: a temporary file beside it, closed, flushed to disk and renamed, so that any
 * crash leaves the old file or the new one. The same dataset gives the same bytes. Not thread-safe (libhdf5
 * is not). CORE_IO with the reason. */
CORE_NODISCARD CoreStatus dataset_write(const Dataset *dataset, const char *path, CoreError *error);

/* Reads a dataset file into *dataset (dataset_free). The file is not trusted: a forked child under limits
 * opens it with HDF5, checks every extent, type and layout and sends plain rows through a pipe; this process
 * checks what arrives (dataset_check) and never calls HDF5 on it. Call it before the process starts threads
 * or an OpenMP region. Errors name the file: CORE_IO (cannot open), CORE_FORMAT (no HDF5, damaged, another
 * schema), CORE_VERSION (a later schema), CORE_LIMIT (larger than the reader takes), CORE_MEMORY. On failure
 * *dataset is empty. */
CORE_NODISCARD CoreStatus dataset_read(const char *path, Dataset *dataset, CoreError *error);

/* SHA-256 of the file: the dataset's name in provenance and caches. Thread-safe. */
CORE_NODISCARD CoreStatus dataset_hash(const char *path, uint8_t hash[DATASET_HASH_SIZE], CoreError *error);

#endif
