/* A column of a dataset file while it is written: elements go into a chunk, full chunks into the file.
 * Relies on: data/dataset/hdf5_types.h, libdeflate.
 * Relied on by: writer.c. */
#include "data/dataset/store_column.h"

#include <libdeflate.h>

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 1 << 18, /* bytes: fits the reader's cache of a chunk (1 MiB) and the processor's */
    LEVEL = 1,       /* at 4 a file is a tenth smaller and takes twice the time */
};

/* ---- packing ------------------------------------------------------------------------------------------- */

bool store_packer_init(StorePacker *p) {
    p->deflate = libdeflate_alloc_compressor(LEVEL);
    p->packed_room = p->deflate ? libdeflate_zlib_compress_bound(p->deflate, CHUNK) : 0;
    p->shuffled = malloc(CHUNK);
    p->packed = malloc(p->packed_room + 1);
    return p->deflate && p->shuffled && p->packed;
}

void store_packer_free(StorePacker *p) {
    libdeflate_free_compressor(p->deflate);
    free(p->shuffled);
    free(p->packed);
    memset(p, 0, sizeof *p);
}

/* The byte of a value that stands at `place` in the file, which is little-endian. */
static size_t byte_at(SchemaType type, size_t size, size_t place) {
    static const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first || type == SCHEMA_TEXT ? place : size - 1 - place;
}

/* HDF5's shuffle: first bytes of all values, then second bytes, … */
static const uint8_t *shuffle(StorePacker *p, const uint8_t *values, SchemaType type, size_t size,
                              size_t count) {
    if (size == 1) return values;
    for (size_t place = 0; place < size; place++) {
        const uint8_t *from = values + byte_at(type, size, place);
        uint8_t *to = p->shuffled + place * count;
        for (size_t i = 0; i < count; i++)
            to[i] = from[i * size];
    }
    return p->shuffled;
}

/* ---- HDF5 ---------------------------------------------------------------------------------------------- */

static size_t value_size(SchemaType type, uint32_t width) {
    return schema_value_size(type) * (type == SCHEMA_TEXT ? width : 1);
}

/* No time stamps, so that equal datasets are equal files; chunks are written whole, so nothing is filled. The
 * Adler-32 of deflate tells damage. */
static hid_t creation_list(const StoreColumn *c, uint64_t chunk) {
    hsize_t extent[2] = {chunk, c->width};
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    if (plist < 0) return -1;
    if (H5Pset_obj_track_times(plist, 0) < 0 || H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER) < 0 ||
        (chunk > 0 && (H5Pset_chunk(plist, hdf5_rank(c->type, c->width), extent) < 0 ||
                       (value_size(c->type, c->width) > 1 && H5Pset_shuffle(plist) < 0) ||
                       H5Pset_deflate(plist, LEVEL) < 0))) {
        H5Pclose(plist);
        return -1;
    }
    return plist;
}

/* Creates the dataset: of `length` elements, which can grow or not, in chunks of `chunk` (0: of length 0). */
static bool create(StoreColumn *c, uint64_t length, bool grows, uint64_t chunk) {
    hsize_t extent[2] = {length, c->width}, most[2] = {grows ? H5S_UNLIMITED : length, c->width};
    hid_t stored = hdf5_file_type(c->type, c->width);
    hid_t space = H5Screate_simple(hdf5_rank(c->type, c->width), extent, most);
    hid_t plist = creation_list(c, chunk);
    if (stored >= 0 && space >= 0 && plist >= 0)
        c->dataset = H5Dcreate2(c->group, c->name, stored, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (stored >= 0) H5Tclose(stored);
    if (space >= 0) H5Sclose(space);
    if (plist >= 0) H5Pclose(plist);
    return c->dataset >= 0;
}

/* Writes the chunk, `whole` elements long in the file of which `used` count. */
static bool write_chunk(StoreColumn *c, StorePacker *p, uint32_t whole) {
    hsize_t extent[2] = {c->stored + c->used, c->width}, at[2] = {c->stored, 0};
    size_t size = whole * c->element, value = value_size(c->type, c->width);
    memset(c->chunk + c->used * c->element, 0, (whole - c->used) * c->element);
    const uint8_t *bytes = shuffle(p, c->chunk, c->type, value, size / value);
    size_t packed = libdeflate_zlib_compress(p->deflate, bytes, size, p->packed, p->packed_room);
    if (packed == 0 || H5Dset_extent(c->dataset, extent) < 0 ||
        H5Dwrite_chunk(c->dataset, H5P_DEFAULT, 0, at, packed, p->packed) < 0)
        return false;
    c->stored += c->used;
    c->used = 0;
    return true;
}

/* ---- the column ---------------------------------------------------------------------------------------- */

bool store_column_init(StoreColumn *c, hid_t group, const char *name, SchemaType type, uint32_t width) {
    size_t element = schema_value_size(type) * width;
    *c = (StoreColumn){group, name, type, width, element, (uint32_t)(CHUNK / element), 0, 0, -1, NULL};
    c->chunk = malloc(CHUNK);
    return c->chunk != NULL;
}

void store_column_free(StoreColumn *c) {
    if (c->chunk && c->dataset >= 0) H5Dclose(c->dataset);
    free(c->chunk);
    memset(c, 0, sizeof *c);
}

uint8_t *store_column_room(const StoreColumn *c, uint64_t *count) {
    *count = c->room - c->used;
    return c->chunk + c->used * c->element;
}

bool store_column_filled(StoreColumn *c, StorePacker *p, uint64_t count) {
    c->used += (uint32_t)count;
    if (c->used < c->room) return true;
    return (c->dataset >= 0 || create(c, 0, true, c->room)) && write_chunk(c, p, c->room);
}

bool store_column_put(StoreColumn *c, StorePacker *p, const void *elements, uint64_t count) {
    const uint8_t *from = elements;
    while (count > 0) {
        uint64_t part;
        uint8_t *to = store_column_room(c, &part);
        if (part > count) part = count;
        memcpy(to, from, part * c->element);
        if (!store_column_filled(c, p, part)) return false;
        from += part * c->element;
        count -= part;
    }
    return true;
}

bool store_column_finish(StoreColumn *c, StorePacker *p) {
    bool small = c->dataset < 0;
    if (small && !create(c, c->used, false, c->used)) return false;
    if (c->used && !write_chunk(c, p, small ? c->used : c->room)) return false;
    bool closed = H5Dclose(c->dataset) >= 0;
    c->dataset = -1;
    return closed;
}
