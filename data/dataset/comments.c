/* Walking the blocks of a pcapng file.
 * Relies on: data/dataset/compressed.h.
 * Relied on by: tools/data/label. */
#include "data/dataset/comments.h"

#include "data/dataset/compressed.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX (UINT64_C(1) << 32)

enum {
    BLOCK_SECTION = 0x0A0D0D0A, /* reads the same in both byte orders */
    BLOCK_OBSOLETE_PACKET = 2,
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_ENHANCED_PACKET = 6,
    BYTE_ORDER_MAGIC = 0x1A2B3C4D,
    BLOCK_FRAME = 12,   /* type and length in front, length behind */
    PACKET_FIELDS = 20, /* interface, time, captured and original length */
    OPTION_END = 0,
    OPTION_COMMENT = 1,
};

typedef struct Walk {
    const char *name;
    const uint8_t *bytes;
    size_t size, at; /* of the block */
    bool swapped;    /* big-endian section */
    DatasetComments *comments;
    CoreError *error;
} Walk;

static uint16_t read_u16(const Walk *walk, const uint8_t *at) {
    return walk->swapped ? (uint16_t)(at[0] << 8 | at[1]) : (uint16_t)(at[1] << 8 | at[0]);
}

static uint32_t read_u32(const Walk *walk, const uint8_t *at) {
    return walk->swapped ? (uint32_t)read_u16(walk, at) << 16 | read_u16(walk, at + 2)
                         : (uint32_t)read_u16(walk, at + 2) << 16 | read_u16(walk, at);
}

static CoreStatus fail_block(const Walk *walk, const char *what) {
    return core_fail(walk->error, CORE_FORMAT, "%s: the block at byte %llu %s", walk->name,
                     (unsigned long long)walk->at, what);
}

static CoreStatus add_comment(Walk *walk, const uint8_t *text, size_t length) {
    DatasetComments *comments = walk->comments;
    /* Doubles at powers of two. */
    if ((comments->n & (comments->n - 1)) == 0) {
        size_t room = comments->n ? 2 * comments->n : 1;
        DatasetComment *items = realloc(comments->items, room * sizeof *items);
        if (!items) return core_fail(walk->error, CORE_MEMORY, "%s: out of memory", walk->name);
        comments->items = items;
    }
    char *copy = malloc(length + 1);
    if (!copy) return core_fail(walk->error, CORE_MEMORY, "%s: out of memory", walk->name);
    for (size_t i = 0; i < length; i++)
        copy[i] = text[i] ? (char)text[i] : ' ';
    copy[length] = '\0';
    comments->items[comments->n++] = (DatasetComment){comments->frames, copy};
    return CORE_OK;
}

static CoreStatus read_options(Walk *walk, const uint8_t *at, const uint8_t *end) {
    while (end - at >= 4) {
        uint16_t code = read_u16(walk, at), length = read_u16(walk, at + 2);
        at += 4;
        if (code == OPTION_END) return CORE_OK;
        if (length > end - at) return fail_block(walk, "has an option that does not end");
        CoreStatus status = code == OPTION_COMMENT ? add_comment(walk, at, length) : CORE_OK;
        if (status) return status;
        size_t padded = ((size_t)length + 3) & ~(size_t)3;
        at += padded < (size_t)(end - at) ? padded : (size_t)(end - at);
    }
    return CORE_OK;
}

/* `body` is what stands between the two lengths. */
static CoreStatus read_packet(Walk *walk, const uint8_t *body, size_t size) {
    walk->comments->frames++;
    if (size < PACKET_FIELDS) return fail_block(walk, "is too short for a packet");
    uint32_t captured = read_u32(walk, body + 12);
    size_t padded = ((size_t)captured + 3) & ~(size_t)3;
    if (padded > size - PACKET_FIELDS) return fail_block(walk, "is shorter than its packet");
    return read_options(walk, body + PACKET_FIELDS + padded, body + size);
}

/* Reads the block at walk->at and moves behind it. */
static CoreStatus read_block(Walk *walk) {
    const uint8_t *block = walk->bytes + walk->at;
    size_t left = walk->size - walk->at;
    if (left < BLOCK_FRAME) return fail_block(walk, "is cut off");
    uint32_t type = read_u32(walk, block);
    if (type == BLOCK_SECTION) {
        walk->swapped = false;
        walk->swapped = read_u32(walk, block + 8) != BYTE_ORDER_MAGIC;
        if (read_u32(walk, block + 8) != BYTE_ORDER_MAGIC) return fail_block(walk, "has no byte order");
    }
    uint32_t length = read_u32(walk, block + 4);
    if (length < BLOCK_FRAME || length % 4) return fail_block(walk, "has an impossible length");
    if (length > left) return fail_block(walk, "is cut off");
    CoreStatus status = CORE_OK;
    if (type == BLOCK_ENHANCED_PACKET || type == BLOCK_OBSOLETE_PACKET)
        status = read_packet(walk, block + 8, length - BLOCK_FRAME);
    else if (type == BLOCK_SIMPLE_PACKET)
        walk->comments->frames++;
    walk->at += length;
    return status;
}

CoreStatus dataset_comments_parse(const char *name, const uint8_t *bytes, size_t size,
                                  DatasetComments *comments, CoreError *error) {
    Walk walk = {.name = name, .bytes = bytes, .size = size, .comments = comments, .error = error};
    memset(comments, 0, sizeof *comments);
    if (size < BLOCK_FRAME || read_u32(&walk, bytes) != BLOCK_SECTION)
        return core_fail(error, CORE_FORMAT, "%s: no pcapng file: only those have packet comments", name);
    CoreStatus status = CORE_OK;
    while (status == CORE_OK && walk.at < size)
        status = read_block(&walk);
    return status;
}

CoreStatus dataset_comments_read(const char *path, DatasetComments *comments, CoreError *error) {
    char *bytes;
    size_t size;
    memset(comments, 0, sizeof *comments);
    CoreStatus status = compressed_read(path, FILE_MAX, &bytes, &size, error);
    if (status) return status;
    status = dataset_comments_parse(path, (const uint8_t *)bytes, size, comments, error);
    free(bytes);
    return status;
}

void dataset_comments_free(DatasetComments *comments) {
    for (size_t i = 0; i < comments->n; i++)
        free(comments->items[i].text);
    free(comments->items);
    memset(comments, 0, sizeof *comments);
}
