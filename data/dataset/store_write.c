/* Writing a dataset file: HDF5 into a temporary file, then a rename.
 * Relies on: data/dataset/schema.h, data/dataset/temporary.h, HDF5.
 * Relied on by: tools/data, tests. */
#include "data/dataset/hdf5_types.h"
#include "data/dataset/store.h"
#include "data/dataset/temporary.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 1 << 18, /* bytes of a chunk and of a write: within HDF5's chunk cache of 1 MiB */
    DEFLATE_LEVEL = 4,
};

typedef struct Writer {
    hid_t file;
    uint8_t *block;
} Writer;

/* Shuffled, deflated, checksummed; no time stamps, so that equal datasets are equal files. */
static hid_t creation_list(int rank, uint64_t length, uint32_t width, size_t element) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[2] = {BLOCK / element, width};
    if (chunk[0] > length) chunk[0] = length;
    if (plist < 0) return -1;
    if (H5Pset_obj_track_times(plist, 0) < 0 ||
        (length > 0 && (H5Pset_chunk(plist, rank, chunk) < 0 || H5Pset_shuffle(plist) < 0 ||
                        H5Pset_deflate(plist, DEFLATE_LEVEL) < 0 || H5Pset_fletcher32(plist) < 0))) {
        H5Pclose(plist);
        return -1;
    }
    return plist;
}

static hid_t create_dataset(hid_t group, const char *name, SchemaType type, uint32_t width, size_t element,
                            uint64_t length) {
    int rank = hdf5_rank(type, width);
    hsize_t extent[2] = {length, width};
    hid_t stored = hdf5_file_type(type, width), space = H5Screate_simple(rank, extent, NULL);
    hid_t plist = creation_list(rank, length, width, element), dataset = -1;
    if (stored >= 0 && space >= 0 && plist >= 0)
        dataset = H5Dcreate2(group, name, stored, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (stored >= 0) H5Tclose(stored);
    if (space >= 0) H5Sclose(space);
    if (plist >= 0) H5Pclose(plist);
    return dataset;
}

static bool write_block(hid_t dataset, hid_t type, int rank, uint64_t begin, uint64_t count, uint32_t width,
                        const uint8_t *block) {
    hsize_t start[2] = {begin, 0}, extent[2] = {count, width};
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(rank, extent, NULL);
    bool written = space >= 0 && memory >= 0 &&
                   H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) >= 0 &&
                   H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, block) >= 0;
    if (space >= 0) H5Sclose(space);
    if (memory >= 0) H5Sclose(memory);
    return written;
}

static bool write_column(Writer *w, hid_t group, const Dataset *dataset, const SchemaColumn *column,
                         uint64_t length) {
    size_t element = schema_element_size(column);
    uint64_t step = BLOCK / element;
    hid_t type = hdf5_memory_type(column->type, column->width);
    hid_t target = create_dataset(group, column->name, column->type, column->width, element, length);
    bool written = type >= 0 && target >= 0;
    for (uint64_t at = 0; at < length && written; at += step) {
        uint64_t part = length - at < step ? length - at : step;
        schema_gather(dataset, column, at, part, w->block);
        written = write_block(target, type, hdf5_rank(column->type, column->width), at, part, column->width,
                              w->block);
    }
    if (type >= 0) H5Tclose(type);
    if (target >= 0 && H5Dclose(target) < 0) written = false;
    return written;
}

static hid_t create_group(hid_t at, const char *name) {
    hid_t plist = H5Pcreate(H5P_GROUP_CREATE), group = -1;
    if (plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0)
        group = H5Gcreate2(at, name, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (plist >= 0) H5Pclose(plist);
    return group;
}

/* The columns of one group stand next to each other in the schema's table. */
static bool write_columns(Writer *w, const Dataset *dataset) {
    SchemaSizes sizes = schema_sizes(dataset);
    bool written = true;
    for (size_t i = 0; i < schema_column_count && written;) {
        const char *name = schema_columns[i].group;
        hid_t group = create_group(w->file, name);
        written = group >= 0;
        for (; i < schema_column_count && written && strcmp(schema_columns[i].group, name) == 0; i++)
            written = write_column(w, group, dataset, &schema_columns[i], sizes.of[schema_columns[i].extent]);
        if (group >= 0) H5Gclose(group);
    }
    return written;
}

static bool write_sides(hid_t group, const char *name, const uint8_t *sides, uint64_t length) {
    hid_t target = create_dataset(group, name, SCHEMA_U8, 1, 1, length);
    if (target < 0) return false;
    bool written =
        length == 0 || H5Dwrite(target, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, sides) >= 0;
    return H5Dclose(target) >= 0 && written;
}

static bool write_splits(Writer *w, const Dataset *dataset) {
    hid_t splits = create_group(w->file, "splits");
    bool written = splits >= 0;
    for (uint32_t i = 0; i < dataset->n_splits && written; i++) {
        const DatasetSplit *split = &dataset->splits[i];
        hid_t group = create_group(splits, split->name);
        written = group >= 0 && write_sides(group, "captures", split->captures, dataset->n_captures) &&
                  write_sides(group, "runs", split->runs, dataset->n_runs);
        if (group >= 0) H5Gclose(group);
    }
    if (splits >= 0) H5Gclose(splits);
    return written;
}

static bool write_attribute(Writer *w, const char *name, SchemaType type, size_t width, const void *value) {
    hid_t stored = hdf5_file_type(type, width), memory = hdf5_memory_type(type, width);
    hid_t space = H5Screate(H5S_SCALAR), attribute = -1;
    if (stored >= 0 && memory >= 0 && space >= 0)
        attribute = H5Acreate2(w->file, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, memory, value) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    if (stored >= 0) H5Tclose(stored);
    if (memory >= 0) H5Tclose(memory);
    if (space >= 0) H5Sclose(space);
    return written;
}

static bool write_attributes(Writer *w, const Dataset *dataset) {
    uint32_t version = DATASET_SCHEMA_VERSION;
    return write_attribute(w, "schema_version", SCHEMA_U32, 1, &version) &&
           write_attribute(w, "pseudonymised", SCHEMA_U32, 1, &dataset->pseudonymised) &&
           write_attribute(w, "provenance", SCHEMA_TEXT, sizeof dataset->provenance, dataset->provenance);
}

/* The whole content into the file at `path`, closed again. */
static bool write_file(const Dataset *dataset, const char *path) {
    hid_t plist = H5Pcreate(H5P_FILE_CREATE);
    Writer writer = {-1, malloc(BLOCK)};
    if (plist >= 0 && writer.block && H5Pset_obj_track_times(plist, 0) >= 0)
        writer.file = H5Fcreate(path, H5F_ACC_TRUNC, plist, H5P_DEFAULT);
    bool written = writer.file >= 0 && write_attributes(&writer, dataset) &&
                   write_columns(&writer, dataset) && write_splits(&writer, dataset);
    if (writer.file >= 0 && H5Fclose(writer.file) < 0) written = false;
    if (plist >= 0) H5Pclose(plist);
    free(writer.block);
    return written;
}

CoreStatus dataset_write(const Dataset *dataset, const char *path, CoreError *error) {
    char *temporary;
    CoreStatus status = dataset_check(dataset, error);
    if (status != CORE_OK) return status;
    if (!hdf5_start()) return core_fail(error, CORE_UNAVAILABLE, "libhdf5 does not start");
    status = temporary_create(path, &temporary, error);
    if (status != CORE_OK) return status;
    if (write_file(dataset, temporary)) return temporary_commit(temporary, path, true, error);
    temporary_discard(temporary);
    return core_fail(error, CORE_IO, "%s: cannot write the dataset (disk full?)", path);
}
