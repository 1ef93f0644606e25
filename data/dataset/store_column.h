/* A column of a dataset file while it is written: elements go into a chunk, full chunks into the file.
 * Relies on: data/dataset/hdf5_types.h, libdeflate.
 * Relied on by: writer.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_STORE_COLUMN_H
#define SIPCNN_DATASET_STORE_COLUMN_H

#include "data/dataset/hdf5_types.h"

struct libdeflate_compressor;

/* What makes a chunk's bytes in the file from its elements: HDF5's own filters shuffle and deflate, done here
 * because libdeflate takes half the time of HDF5's zlib. Any HDF5 reader undoes them. */
typedef struct StorePacker {
    struct libdeflate_compressor *deflate;
    uint8_t *shuffled, *packed;
    size_t packed_room;
} StorePacker;

typedef struct StoreColumn {
    hid_t group; /* borrowed */
    const char *name;
    SchemaType type;
    uint32_t width;
    size_t element;      /* bytes */
    uint32_t room, used; /* elements of a chunk, and in it now */
    uint64_t stored;     /* elements in the file */
    hid_t dataset;       /* negative until the first chunk is full */
    uint8_t *chunk;
} StoreColumn;

/* False: no memory. Free also after a failure; zeroed is fine. */
bool store_packer_init(StorePacker *packer);
void store_packer_free(StorePacker *packer);

/* An empty column. False: no memory. Free also after a failure; zeroed is fine. */
bool store_column_init(StoreColumn *column, hid_t group, const char *name, SchemaType type, uint32_t width);
void store_column_free(StoreColumn *column);

/* Appends `count` packed elements. False: HDF5 could not write. */
bool store_column_put(StoreColumn *column, StorePacker *packer, const void *elements, uint64_t count);

/* The same without a copy before: room for *count elements (at least one); then that so many are in it. */
uint8_t *store_column_room(const StoreColumn *column, uint64_t *count);
bool store_column_filled(StoreColumn *column, StorePacker *packer, uint64_t count);

/* Writes what is left. A column that fits one chunk gets a chunk of its size, an empty one none. */
bool store_column_finish(StoreColumn *column, StorePacker *packer);

#endif
