/* Little-endian bytes: a bounded reader and a bounded writer over memory, each with a sticky failure.
 * Relies on: libc.
 * Relied on by: the model file, and every room that reads or writes a binary format. */
#ifndef SIPCNN_CORE_BYTES_H
#define SIPCNN_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

/* Reads forward through borrowed memory. A read past the end sets `failed`, moves nothing and yields zero, as
 * does each read after it: read a whole record, then test `failed` once. One reader per thread. */
typedef struct CoreReader {
    const uint8_t *data;
    size_t size;   /* bytes in data */
    size_t offset; /* of the next byte; <= size */
    bool failed;
} CoreReader;

CoreReader core_reader_view(const void *data, size_t size);
size_t core_reader_left(const CoreReader *reader);
uint8_t core_read_u8(CoreReader *reader);
uint16_t core_read_u16(CoreReader *reader);
uint32_t core_read_u32(CoreReader *reader);
uint64_t core_read_u64(CoreReader *reader);
/* The bits as they stand: may be NaN or infinite. */
float core_read_f32(CoreReader *reader);
/* A view of the next `size` bytes, NULL once the reader has failed. Valid as long as the memory under it. */
const uint8_t *core_read_bytes(CoreReader *reader, size_t size);

/* Writes forward into borrowed memory. What does not fit sets `failed` and writes nothing, as does each write
 * after it. With data == NULL nothing is stored and `offset` counts: a first pass that measures. */
typedef struct CoreWriter {
    uint8_t *data;
    size_t capacity; /* bytes in data; ignored when measuring */
    size_t offset;   /* bytes written so far */
    bool failed;
} CoreWriter;

CoreWriter core_writer_view(void *data, size_t capacity);
CoreWriter core_writer_measure(void);
void core_write_u8(CoreWriter *writer, uint8_t value);
void core_write_u16(CoreWriter *writer, uint16_t value);
void core_write_u32(CoreWriter *writer, uint32_t value);
void core_write_u64(CoreWriter *writer, uint64_t value);
void core_write_f32(CoreWriter *writer, float value);
void core_write_bytes(CoreWriter *writer, const void *bytes, size_t size);
void core_write_zeros(CoreWriter *writer, size_t size);

#endif
