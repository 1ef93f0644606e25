/* The schema of the dataset file: the table of columns, and copying between it and memory.
 * Relies on: data/dataset/dataset.h, engine/core/checked.h.
 * Relied on by: writer.c, reader.c, store_child.c, stream.c. */
#include "data/dataset/schema.h"

#include "engine/core/checked.h"

#include <stdlib.h>
#include <string.h>

/* A column that is an array of its own, and one that is a field of an array of structs. */
#define PLAIN(group, field, name, type, width, extent)                                                       \
    { group, name, type, width, extent, offsetof(Dataset, field), sizeof *((Dataset *)0)->field, 0 }
#define FIELD(group, field, Struct, member, name, type, width, extent)                                       \
    { group, name, type, width, extent, offsetof(Dataset, field), sizeof(Struct), offsetof(Struct, member) }
#define MESSAGE(name, type, width) PLAIN("messages", name, #name, type, width, SCHEMA_MESSAGES)
#define CLASS(name, type, width)                                                                             \
    FIELD("classes", class_list, DatasetClass, name, #name, type, width, SCHEMA_CLASSES)
#define CAPTURE(name, type, width)                                                                           \
    FIELD("captures", captures, DatasetCapture, name, #name, type, width, SCHEMA_CAPTURES)
#define RUN(name, type, width) FIELD("runs", runs, DatasetRun, name, #name, type, width, SCHEMA_RUNS)

const SchemaColumn schema_columns[] = {
    PLAIN("messages", bytes, "bytes", SCHEMA_U8, 1, SCHEMA_BYTES),
    PLAIN("messages", offset, "offset", SCHEMA_U64, 1, SCHEMA_OFFSETS),
    MESSAGE(time_ns, SCHEMA_I64, 1),
    MESSAGE(capture, SCHEMA_U32, 1),
    MESSAGE(frame, SCHEMA_U64, 1),
    MESSAGE(index, SCHEMA_U32, 1),
    MESSAGE(source, SCHEMA_U8, DATASET_ADDRESS_SIZE),
    MESSAGE(destination, SCHEMA_U8, DATASET_ADDRESS_SIZE),
    MESSAGE(transport, SCHEMA_U8, 1),
    MESSAGE(wire_flags, SCHEMA_U32, 1),
    MESSAGE(primary, SCHEMA_U8, 1),
    MESSAGE(classes, SCHEMA_U32, 1),
    MESSAGE(run, SCHEMA_U32, 1),
    MESSAGE(part, SCHEMA_U8, 1),
    CLASS(name, SCHEMA_TEXT, DATASET_CLASS_SIZE),
    CLASS(onset, SCHEMA_U32, 1),
    CAPTURE(name, SCHEMA_TEXT, DATASET_NAME_SIZE),
    CAPTURE(session, SCHEMA_TEXT, DATASET_NAME_SIZE),
    CAPTURE(sha256, SCHEMA_U8, DATASET_HASH_SIZE),
    CAPTURE(follows, SCHEMA_U32, 1),
    RUN(capture, SCHEMA_U32, 1),
    RUN(number, SCHEMA_U32, 1),
    RUN(primary, SCHEMA_U32, 1),
    RUN(tool, SCHEMA_TEXT, DATASET_NAME_SIZE),
    RUN(settings, SCHEMA_TEXT, DATASET_SETTINGS_SIZE),
    RUN(start_ns, SCHEMA_I64, 1),
    RUN(end_ns, SCHEMA_I64, 1),
    RUN(client_end, SCHEMA_U64, 1),
    PLAIN("runs", client_ips, "client_ip", SCHEMA_U8, DATASET_IP_SIZE, SCHEMA_CLIENTS),
};
const size_t schema_column_count = sizeof schema_columns / sizeof *schema_columns;

SchemaSizes schema_sizes(const Dataset *d) {
    SchemaSizes sizes = {{0}};
    sizes.of[SCHEMA_BYTES] = d->offset[d->count];
    sizes.of[SCHEMA_OFFSETS] = d->count + 1;
    sizes.of[SCHEMA_MESSAGES] = d->count;
    sizes.of[SCHEMA_CLASSES] = d->n_classes;
    sizes.of[SCHEMA_CAPTURES] = d->n_captures;
    sizes.of[SCHEMA_RUNS] = d->n_runs;
    sizes.of[SCHEMA_CLIENTS] = d->n_client_ips;
    return sizes;
}

size_t schema_value_size(SchemaType type) {
    static const size_t sizes[] = {1, 4, 8, 8, 1}; /* by SchemaType */
    return sizes[type];
}

size_t schema_element_size(const SchemaColumn *column) {
    return schema_value_size(column->type) * column->width;
}

static uint8_t *column_base(const Dataset *dataset, const SchemaColumn *column) {
    uint8_t *base;
    memcpy(&base, (const char *)dataset + column->array, sizeof base);
    return base;
}

void schema_gather(const Dataset *dataset, const SchemaColumn *column, uint64_t begin, uint64_t count,
                   uint8_t *packed) {
    size_t size = schema_element_size(column);
    const uint8_t *from = column_base(dataset, column);
    if (count == 0) return;
    from += begin * column->stride + column->inner;
    if (size == column->stride) {
        memcpy(packed, from, count * size);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        memcpy(packed + i * size, from + i * column->stride, size);
}

void schema_scatter(Dataset *dataset, const SchemaColumn *column, uint64_t begin, uint64_t count,
                    const uint8_t *packed) {
    size_t size = schema_element_size(column);
    uint8_t *to = column_base(dataset, column);
    if (count == 0) return;
    to += begin * column->stride + column->inner;
    if (size == column->stride) {
        memcpy(to, packed, count * size);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        memcpy(to + i * column->stride, packed + i * size, size);
}

/* Columns that share an array of structs allocate it once: by the first of them. */
static bool is_first_of_array(size_t column) {
    for (size_t i = 0; i < column; i++)
        if (schema_columns[i].array == schema_columns[column].array) return false;
    return true;
}

static bool memory_needed(const SchemaSizes *sizes, uint64_t *needed) {
    *needed = 0;
    for (size_t i = 0; i < schema_column_count; i++) {
        const SchemaColumn *column = &schema_columns[i];
        uint64_t bytes;
        if (!is_first_of_array(i)) continue;
        if (!core_mul_u64(sizes->of[column->extent], column->stride, &bytes) ||
            !core_add_u64(*needed, bytes, needed))
            return false;
    }
    return true;
}

static bool sizes_fit(const SchemaSizes *sizes) {
    return sizes->of[SCHEMA_MESSAGES] < UINT64_MAX &&
           sizes->of[SCHEMA_OFFSETS] == sizes->of[SCHEMA_MESSAGES] + 1 &&
           sizes->of[SCHEMA_CLASSES] <= DATASET_CLASSES_MAX &&
           sizes->of[SCHEMA_CAPTURES] <= DATASET_CAPTURES_MAX && sizes->of[SCHEMA_RUNS] <= DATASET_RUNS_MAX;
}

static void set_counts(Dataset *d, const SchemaSizes *sizes) {
    d->count = d->row_room = sizes->of[SCHEMA_MESSAGES];
    d->byte_room = sizes->of[SCHEMA_BYTES];
    d->n_classes = (uint32_t)sizes->of[SCHEMA_CLASSES];
    d->n_captures = d->capture_room = (uint32_t)sizes->of[SCHEMA_CAPTURES];
    d->n_runs = d->run_room = (uint32_t)sizes->of[SCHEMA_RUNS];
    d->n_client_ips = d->client_room = sizes->of[SCHEMA_CLIENTS];
}

CoreStatus schema_allocate(Dataset *dataset, const SchemaSizes *sizes, uint64_t limit, CoreError *error) {
    uint64_t needed;
    if (!sizes_fit(sizes)) return core_fail(error, CORE_LIMIT, "more captures, runs or classes than allowed");
    if (!memory_needed(sizes, &needed) || needed > limit)
        return core_fail(error, CORE_LIMIT, "needs more than %llu bytes of memory",
                         (unsigned long long)limit);
    for (size_t i = 0; i < schema_column_count; i++) {
        const SchemaColumn *column = &schema_columns[i];
        if (!is_first_of_array(i)) continue;
        /* One element more, so that no array is of size zero. */
        void *array = calloc((size_t)sizes->of[column->extent] + 1, column->stride);
        memcpy((char *)dataset + column->array, &array, sizeof array);
        if (!array) {
            dataset_free(dataset);
            return core_fail(error, CORE_MEMORY, "no memory for the dataset's %llu bytes",
                             (unsigned long long)needed);
        }
    }
    set_counts(dataset, sizes);
    return CORE_OK;
}
