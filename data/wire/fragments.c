/* Reassembly of IP fragments: a fixed table of datagrams, oldest first, with one bit for each 8 bytes.
 * Relies on: data/wire/fragments.h.
 * Relied on by: data/wire/decap.c. */
#include "data/wire/fragments.h"

#include <stdlib.h>

enum {
    UNIT = 8, /* fragment offsets count in units of 8 bytes */
    UNITS = (WIRE_FRAGMENT_LENGTH_MAX + UNIT) / UNIT,
    BUCKETS = 1024,
    CAPACITY_MIN = 2048, /* one Ethernet frame's worth */
    NONE = 0xffff,
};

typedef struct Key {
    uint8_t source[16], destination[16];
    uint32_t id;
    uint8_t version, protocol; /* protocol is 0 for version 6, whose key has none */
} Key;

typedef struct Datagram {
    Key key;
    uint16_t older, newer; /* in order of their first fragment; NONE at the ends */
    uint16_t chain;        /* next of the same bucket, or next free one */
    int64_t first_ns;
    uint8_t *bytes;
    uint32_t capacity;
    uint32_t total;    /* length of the datagram, 0 until its last fragment came */
    uint32_t furthest; /* end of the furthest fragment */
    uint32_t units;    /* bits set in `have` */
    uint32_t fragments;
    uint8_t protocol;
    bool overlap;
    uint8_t have[UNITS / 8 + 1];
} Datagram;

struct WireFragments {
    Datagram datagrams[WIRE_FRAGMENT_DATAGRAMS];
    uint16_t buckets[BUCKETS];
    uint16_t free, oldest, newest;
    uint64_t bytes;  /* sum of capacities */
    uint8_t *handed; /* buffer of the datagram handed out last */
};

CoreStatus wire_fragments_new(WireFragments **table, CoreError *error) {
    WireFragments *made = calloc(1, sizeof *made);
    if (!made) return core_fail(error, CORE_MEMORY, "no memory for the fragment table");
    for (int i = 0; i < BUCKETS; i++)
        made->buckets[i] = NONE;
    for (int i = 0; i < WIRE_FRAGMENT_DATAGRAMS; i++)
        made->datagrams[i].chain = (uint16_t)(i + 1 < WIRE_FRAGMENT_DATAGRAMS ? i + 1 : NONE);
    made->oldest = made->newest = NONE;
    *table = made;
    return CORE_OK;
}

static Key key_of(const WireIp *ip) {
    Key key;
    memset(&key, 0, sizeof key); /* padding too: keys are compared as bytes */
    memcpy(key.source, ip->source.ip, 16);
    memcpy(key.destination, ip->destination.ip, 16);
    key.id = ip->id;
    key.version = ip->version;
    key.protocol = ip->version == 4 ? ip->protocol : 0;
    return key;
}

static uint32_t bucket_of(const Key *key) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a; chains are bounded by the table's size */
    const uint8_t *bytes = (const uint8_t *)key;
    for (size_t i = 0; i < sizeof *key; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return (uint32_t)(hash >> 32) % BUCKETS;
}

/* Takes the datagram out of bucket and age list; its bytes stay with the caller. */
static uint8_t *take_out(WireFragments *table, uint16_t index) {
    Datagram *datagram = &table->datagrams[index];
    uint16_t *link = &table->buckets[bucket_of(&datagram->key)];
    while (*link != index)
        link = &table->datagrams[*link].chain;
    *link = datagram->chain;
    if (datagram->older != NONE)
        table->datagrams[datagram->older].newer = datagram->newer;
    else
        table->oldest = datagram->newer;
    if (datagram->newer != NONE)
        table->datagrams[datagram->newer].older = datagram->older;
    else
        table->newest = datagram->older;
    uint8_t *bytes = datagram->bytes;
    table->bytes -= datagram->capacity;
    memset(datagram, 0, sizeof *datagram);
    datagram->chain = table->free;
    table->free = index;
    return bytes;
}

static uint64_t give_up(WireFragments *table, uint16_t index) {
    uint64_t fragments = table->datagrams[index].fragments;
    free(take_out(table, index));
    return fragments;
}

/* A clock that was set back makes datagrams old too. */
static bool expired(const Datagram *datagram, int64_t now_ns) {
    return wire_time_apart(now_ns, datagram->first_ns) > WIRE_FRAGMENT_SECONDS * UINT64_C(1000000000);
}

static uint16_t find(const WireFragments *table, const Key *key) {
    uint16_t index = table->buckets[bucket_of(key)];
    while (index != NONE && memcmp(&table->datagrams[index].key, key, sizeof *key) != 0)
        index = table->datagrams[index].chain;
    return index;
}

static uint16_t add_datagram(WireFragments *table, const Key *key, int64_t time_ns, uint64_t *given_up) {
    if (table->free == NONE) *given_up += give_up(table, table->oldest);
    uint16_t index = table->free;
    Datagram *datagram = &table->datagrams[index];
    table->free = datagram->chain;
    uint16_t *bucket = &table->buckets[bucket_of(key)];
    datagram->key = *key;
    datagram->chain = *bucket;
    *bucket = index;
    datagram->older = table->newest;
    datagram->newer = NONE;
    if (table->newest != NONE)
        table->datagrams[table->newest].newer = index;
    else
        table->oldest = index;
    table->newest = index;
    datagram->first_ns = time_ns;
    return index;
}

/* Makes room for `end` bytes, at the cost of the oldest other datagrams; false without memory. */
static bool reserve(WireFragments *table, uint16_t index, uint32_t end, uint64_t *given_up) {
    Datagram *datagram = &table->datagrams[index];
    if (end <= datagram->capacity) return true;
    uint32_t capacity = CAPACITY_MIN;
    while (capacity < end)
        capacity *= 2;
    uint32_t more = capacity - datagram->capacity;
    while (table->bytes + more > WIRE_FRAGMENT_BYTES) {
        uint16_t victim = table->oldest == index ? datagram->newer : table->oldest;
        if (victim == NONE) break;
        *given_up += give_up(table, victim);
    }
    uint8_t *bytes = realloc(datagram->bytes, capacity);
    if (!bytes) return false;
    datagram->bytes = bytes;
    datagram->capacity = capacity;
    table->bytes += more;
    return true;
}

/* Copies the units that are not there yet. An exact repetition is no overlap, anything else is. */
static void merge(Datagram *datagram, const WireIp *fragment) {
    uint32_t known = 0, different = 0, units = 0;
    for (uint32_t at = 0; at < fragment->length; at += UNIT, units++) {
        uint32_t unit = (fragment->offset + at) / UNIT;
        uint32_t length = fragment->length - at < UNIT ? fragment->length - at : UNIT;
        uint8_t *to = datagram->bytes + fragment->offset + at;
        if (datagram->have[unit / 8] & 1u << unit % 8) {
            known++;
            different += memcmp(to, fragment->payload + at, length) != 0;
            continue;
        }
        memcpy(to, fragment->payload + at, length);
        datagram->have[unit / 8] |= (uint8_t)(1u << unit % 8);
        datagram->units++;
    }
    if (known > 0 && (known < units || different > 0)) datagram->overlap = true;
}

/* A fragment that contradicts what came before it (an end behind the datagram's end, another end). */
static bool contradicts(const Datagram *datagram, const WireIp *fragment, uint32_t end) {
    if (datagram->total > 0) return end > datagram->total || (!fragment->more && end != datagram->total);
    return !fragment->more && end < datagram->furthest;
}

WireFragmentResult wire_fragments_add(WireFragments *table, const WireIp *fragment, int64_t time_ns,
                                      WireWhole *whole, uint64_t *given_up) {
    uint32_t end = fragment->offset + fragment->length;
    free(table->handed);
    table->handed = NULL;
    while (table->oldest != NONE && expired(&table->datagrams[table->oldest], time_ns))
        *given_up += give_up(table, table->oldest);
    if (fragment->length == 0 || end > WIRE_FRAGMENT_LENGTH_MAX ||
        (fragment->more && fragment->length % UNIT != 0))
        return WIRE_FRAGMENT_DROPPED;
    Key key = key_of(fragment);
    uint16_t index = find(table, &key);
    if (index != NONE && expired(&table->datagrams[index], time_ns)) {
        *given_up += give_up(table, index);
        index = NONE;
    }
    if (index == NONE) index = add_datagram(table, &key, time_ns, given_up);
    Datagram *datagram = &table->datagrams[index];
    if (contradicts(datagram, fragment, end)) {
        datagram->overlap = true;
        return WIRE_FRAGMENT_DROPPED;
    }
    if (!reserve(table, index, end, given_up)) {
        if (datagram->fragments == 0) free(take_out(table, index));
        return WIRE_FRAGMENT_DROPPED;
    }
    if (fragment->offset == 0 && !(datagram->have[0] & 1)) datagram->protocol = fragment->protocol;
    merge(datagram, fragment);
    datagram->fragments++;
    if (end > datagram->furthest) datagram->furthest = end;
    if (!fragment->more) datagram->total = end;
    if (datagram->total == 0 || datagram->units * UNIT < datagram->total) return WIRE_FRAGMENT_HELD;
    *whole =
        (WireWhole){.length = datagram->total, .protocol = datagram->protocol, .overlap = datagram->overlap};
    table->handed = take_out(table, index);
    whole->payload = table->handed;
    return WIRE_FRAGMENT_COMPLETE;
}

uint64_t wire_fragments_clear(WireFragments *table) {
    uint64_t fragments = 0;
    while (table->oldest != NONE)
        fragments += give_up(table, table->oldest);
    return fragments;
}

void wire_fragments_free(WireFragments *table) {
    if (!table) return;
    (void)wire_fragments_clear(table);
    free(table->handed);
    free(table);
}
