/* Little-endian bytes: a bounded reader and a bounded writer over memory, each with a sticky failure.
 * Relies on: checked.
 * Relied on by: the model file, and every room that reads or writes a binary format. */
#include "engine/core/bytes.h"

#include <string.h>

#include "engine/core/checked.h"

CoreReader core_reader_view(const void *data, size_t size) {
    return (CoreReader){.data = data, .size = size};
}

size_t core_reader_left(const CoreReader *reader) {
    return reader->size - reader->offset;
}

const uint8_t *core_read_bytes(CoreReader *reader, size_t size) {
    if (reader->failed || size > core_reader_left(reader)) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->data + reader->offset;
    reader->offset += size;
    return bytes;
}

/* The next `width` bytes (at most 8) as a number. */
static uint64_t read_unsigned(CoreReader *reader, size_t width) {
    const uint8_t *bytes = core_read_bytes(reader, width);
    if (!bytes) return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t core_read_u8(CoreReader *reader) {
    return (uint8_t)read_unsigned(reader, 1);
}

uint16_t core_read_u16(CoreReader *reader) {
    return (uint16_t)read_unsigned(reader, 2);
}

uint32_t core_read_u32(CoreReader *reader) {
    return (uint32_t)read_unsigned(reader, 4);
}

uint64_t core_read_u64(CoreReader *reader) {
    return read_unsigned(reader, 8);
}

float core_read_f32(CoreReader *reader) {
    uint32_t bits = core_read_u32(reader);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

CoreWriter core_writer_view(void *data, size_t capacity) {
    return (CoreWriter){.data = data, .capacity = data ? capacity : 0, .failed = data == NULL};
}

CoreWriter core_writer_measure(void) {
    return (CoreWriter){.data = NULL, .capacity = SIZE_MAX};
}

/* Moves over `size` bytes. False if they are not to be stored: no room, or measuring. */
static bool writer_advance(CoreWriter *writer, size_t size, size_t *start) {
    size_t end;
    if (writer->failed || !core_add_size(writer->offset, size, &end) || end > writer->capacity) {
        writer->failed = true;
        return false;
    }
    *start = writer->offset;
    writer->offset = end;
    return writer->data != NULL && size > 0;
}

static void write_unsigned(CoreWriter *writer, uint64_t value, size_t width) {
    size_t start;
    if (!writer_advance(writer, width, &start)) return;
    for (size_t i = 0; i < width; i++)
        writer->data[start + i] = (uint8_t)(value >> (8 * i));
}

void core_write_u8(CoreWriter *writer, uint8_t value) {
    write_unsigned(writer, value, 1);
}

void core_write_u16(CoreWriter *writer, uint16_t value) {
    write_unsigned(writer, value, 2);
}

void core_write_u32(CoreWriter *writer, uint32_t value) {
    write_unsigned(writer, value, 4);
}

void core_write_u64(CoreWriter *writer, uint64_t value) {
    write_unsigned(writer, value, 8);
}

void core_write_f32(CoreWriter *writer, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    write_unsigned(writer, bits, 4);
}

void core_write_bytes(CoreWriter *writer, const void *bytes, size_t size) {
    size_t start;
    if (writer_advance(writer, size, &start)) memcpy(writer->data + start, bytes, size);
}

void core_write_zeros(CoreWriter *writer, size_t size) {
    size_t start;
    if (writer_advance(writer, size, &start)) memset(writer->data + start, 0, size);
}
