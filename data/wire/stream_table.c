/* Hash chains, exact orders of use, a list of those that hold bytes.
 * Relies on: data/wire/stream_table.h, xxHash (header only), getrandom.
 * Relied on by: data/wire/streams.c. */
#include "data/wire/stream_table.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(WireStreamKey) == 36, "keys are compared as bytes");
_Static_assert(WIRE_STREAMS < WIRE_STREAM_NONE, "indices fit");

CoreStatus wire_stream_table_new(WireStreamTable **table, CoreError *error) {
    WireStreamTable *made = calloc(1, sizeof *made);
    if (!made) return core_fail(error, CORE_MEMORY, "no memory for the table of TCP streams");
    if (getrandom(made->secret, sizeof made->secret, 0) != (ssize_t)sizeof made->secret) {
        free(made);
        return core_fail(error, CORE_IO, "no random numbers for the table of TCP streams");
    }
    const WireStreamEnds none = {.oldest = WIRE_STREAM_NONE, .newest = WIRE_STREAM_NONE};
    made->live = made->idle = made->held = none;
    for (uint32_t i = 0; i < WIRE_STREAMS; i++)
        made->buckets[i] = WIRE_STREAM_NONE;
    made->free = WIRE_STREAM_NONE;
    *table = made;
    return CORE_OK;
}

void wire_stream_table_free(WireStreamTable *table) {
    if (!table) return;
    for (uint32_t i = 0; i < table->unused; i++)
        wire_segments_clear(&table->streams[i].segments);
    free(table);
}

static uint32_t bucket_of(const WireStreamTable *table, const WireStreamKey *key) {
    return XXH3_64bits_withSecret(key, sizeof *key, table->secret, sizeof table->secret) % WIRE_STREAMS;
}

uint16_t wire_stream_find(const WireStreamTable *table, const WireStreamKey *key) {
    uint16_t index = table->buckets[bucket_of(table, key)];
    while (index != WIRE_STREAM_NONE && memcmp(&table->streams[index].key, key, sizeof *key) != 0)
        index = table->streams[index].chain;
    return index;
}

static WireStreamLinks *links(WireStreamTable *table, const WireStreamEnds *ends, uint16_t index) {
    WireStream *stream = &table->streams[index];
    return ends == &table->held ? &stream->held : &stream->used;
}

static void append(WireStreamTable *table, WireStreamEnds *ends, uint16_t index) {
    *links(table, ends, index) = (WireStreamLinks){.older = ends->newest, .newer = WIRE_STREAM_NONE};
    if (ends->newest != WIRE_STREAM_NONE)
        links(table, ends, ends->newest)->newer = index;
    else
        ends->oldest = index;
    ends->newest = index;
    ends->count++;
}

static void detach(WireStreamTable *table, WireStreamEnds *ends, uint16_t index) {
    WireStreamLinks own = *links(table, ends, index);
    if (own.older != WIRE_STREAM_NONE)
        links(table, ends, own.older)->newer = own.newer;
    else
        ends->oldest = own.newer;
    if (own.newer != WIRE_STREAM_NONE)
        links(table, ends, own.newer)->older = own.older;
    else
        ends->newest = own.older;
    ends->count--;
}

static WireStreamEnds *ends_of(WireStreamTable *table, WireStreamKind kind) {
    return wire_stream_is_live(kind) ? &table->live : &table->idle;
}

uint16_t wire_stream_victim(const WireStreamTable *table, WireStreamKind kind) {
    bool live = wire_stream_is_live(kind);
    const WireStreamEnds *ends = live ? &table->live : &table->idle;
    return ends->count < (live ? WIRE_STREAMS_LIVE : WIRE_STREAMS_IDLE) ? WIRE_STREAM_NONE : ends->oldest;
}

uint16_t wire_stream_add(WireStreamTable *table, const WireStreamKey *key, WireStreamKind kind) {
    uint16_t index = table->free, *bucket = &table->buckets[bucket_of(table, key)];
    if (index == WIRE_STREAM_NONE) index = table->unused++;
    WireStream *stream = &table->streams[index];
    if (index == table->free) table->free = stream->chain;
    *stream = (WireStream){.key = *key, .chain = *bucket, .kind = (uint8_t)kind};
    *bucket = index;
    append(table, ends_of(table, kind), index);
    return index;
}

void wire_stream_touch(WireStreamTable *table, uint16_t index, WireStreamKind kind) {
    WireStream *stream = &table->streams[index];
    WireStreamEnds *from = ends_of(table, (WireStreamKind)stream->kind), *to = ends_of(table, kind);
    stream->kind = (uint8_t)kind;
    if (from == to && to->newest == index) return;
    detach(table, from, index);
    append(table, to, index);
}

void wire_stream_hold(WireStreamTable *table, uint16_t index, int64_t now_ns) {
    WireStream *stream = &table->streams[index];
    if (stream->is_held) detach(table, &table->held, index);
    append(table, &table->held, index);
    stream->is_held = true;
    stream->since_ns = now_ns;
}

void wire_stream_release(WireStreamTable *table, uint16_t index) {
    WireStream *stream = &table->streams[index];
    if (stream->is_held) detach(table, &table->held, index);
    stream->is_held = false;
}

void wire_stream_remove(WireStreamTable *table, uint16_t index) {
    WireStream *stream = &table->streams[index];
    uint16_t *link = &table->buckets[bucket_of(table, &stream->key)];
    while (*link != index)
        link = &table->streams[*link].chain;
    *link = stream->chain;
    wire_stream_release(table, index);
    detach(table, ends_of(table, (WireStreamKind)stream->kind), index);
    stream->chain = table->free;
    table->free = index;
}
