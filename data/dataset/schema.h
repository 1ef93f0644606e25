/* The schema of the dataset file: every column once, for writer, reader and the pipe between them.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: writer.c, reader.c, store_child.c, stream.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_SCHEMA_H
#define SIPCNN_DATASET_SCHEMA_H

#include "data/dataset/dataset.h"

/* How long a column is. */
typedef enum SchemaExtent {
    SCHEMA_BYTES,   /* bytes of all messages */
    SCHEMA_OFFSETS, /* messages + 1 */
    SCHEMA_MESSAGES,
    SCHEMA_CLASSES,
    SCHEMA_CAPTURES,
    SCHEMA_RUNS,
    SCHEMA_CLIENTS,
    SCHEMA_EXTENTS
} SchemaExtent;

typedef enum SchemaType {
    SCHEMA_U8, /* little-endian integers in the file, native in memory and pipe */
    SCHEMA_U32,
    SCHEMA_U64,
    SCHEMA_I64,
    SCHEMA_TEXT, /* fixed-size, zero-padded; `width` is the size */
} SchemaType;

/* An element of row i stands at (*(uint8_t **)((char *)dataset + array)) + i * stride + inner. */
typedef struct SchemaColumn {
    const char *group, *name; /* /group/name in the file */
    SchemaType type;
    uint32_t width; /* values of an element: a second dimension if > 1 */
    SchemaExtent extent;
    size_t array, stride, inner;
} SchemaColumn;

extern const SchemaColumn schema_columns[];
extern const size_t schema_column_count;

/* Length of each extent. */
typedef struct SchemaSizes {
    uint64_t of[SCHEMA_EXTENTS];
} SchemaSizes;

SchemaSizes schema_sizes(const Dataset *dataset);

/* Bytes of one value (of a text: of one character), and of one element of a column in memory. */
size_t schema_value_size(SchemaType type);
size_t schema_element_size(const SchemaColumn *column);

/* Copies elements begin .. begin + count of a column between the dataset and a packed buffer. */
void schema_gather(const Dataset *dataset, const SchemaColumn *column, uint64_t begin, uint64_t count,
                   uint8_t *packed);
void schema_scatter(Dataset *dataset, const SchemaColumn *column, uint64_t begin, uint64_t count,
                    const uint8_t *packed);

/* Gives an empty dataset (zeroed) arrays of these lengths, zero-filled, and sets its counts; splits apart.
 * CORE_LIMIT when they need more than `limit` bytes, CORE_MEMORY. On failure the dataset is empty again. */
CORE_NODISCARD CoreStatus schema_allocate(Dataset *dataset, const SchemaSizes *sizes, uint64_t limit,
                                          CoreError *error);

#endif
