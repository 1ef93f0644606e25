/* The schema's types as HDF5 types.
 * Relies on: data/dataset/schema.h, HDF5.
 * Relied on by: store_write.c, store_child.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_HDF5_TYPES_H
#define SIPCNN_DATASET_HDF5_TYPES_H

#include "data/dataset/schema.h"

#include <hdf5.h>

/* The type in the file and in memory; `width` is the size of a text. The caller closes it. Negative: failed.
 */
hid_t hdf5_file_type(SchemaType type, size_t width);
hid_t hdf5_memory_type(SchemaType type, size_t width);

/* Dimensions of a column: 2 for several numbers an element, else 1 (a text is one value). */
int hdf5_rank(SchemaType type, uint32_t width);

/* Starts the library quietly: no error stack on stderr, no plugins from a search path, no exit handler. */
bool hdf5_start(void);

#endif
