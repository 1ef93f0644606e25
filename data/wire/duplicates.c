/* Recent packets: a ring of their bytes and a hash index that needs no removal.
 * Relies on: data/wire/duplicates.h, xxHash.
 * Relied on by: data/wire/decap.c. */
#include "data/wire/duplicates.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    RING_BYTES = 1 << 20, /* 5 ms of 300,000 packets/s of 700 bytes; of what does not fit no copy is known */
    RING_PACKETS = 2048,
    BUCKETS = 4096,
    STEPS_MAX = 64, /* of a chain that are looked at; longer ones are a flood of equal packets */
};

typedef struct Packet {
    uint64_t hash;
    uint64_t previous; /* number of the packet before it in its bucket, 0 for none */
    int64_t time_ns;
    uint32_t offset, length; /* in the ring */
    bool duplicated;
} Packet;

struct WireDuplicates {
    uint64_t oldest,
        next;       /* numbers of the packets held: oldest..next-1; number n is packets[n % RING_PACKETS] */
    uint32_t write; /* offset for the next packet's bytes */
    uint64_t buckets[BUCKETS];
    Packet packets[RING_PACKETS];
    uint8_t bytes[RING_BYTES];
};

_Static_assert(RING_BYTES > 2 * 65536, "the longest packet fits with room to spare");

CoreStatus wire_duplicates_new(WireDuplicates **recent, CoreError *error) {
    *recent = calloc(1, sizeof **recent);
    if (!*recent) return core_fail(error, CORE_MEMORY, "no memory for recent packets");
    (*recent)->oldest = (*recent)->next = 1;
    return CORE_OK;
}

void wire_duplicates_free(WireDuplicates *recent) {
    free(recent);
}

/* Zeroes what a router or a network card may change on the way. */
static void mask(uint8_t *bytes, uint32_t length, const WireIp *ip) {
    if (ip->version == 4 && length >= 12) {
        bytes[8] = 0;
        memset(bytes + 10, 0, 2);
    } else if (ip->version == 6 && length >= 8) {
        bytes[7] = 0;
    }
    if (ip->protocol == WIRE_PROTOCOL_UDP && ip->offset == 0 && length >= ip->header_length + 8)
        memset(bytes + ip->header_length + 6, 0, 2);
    if (ip->protocol == WIRE_PROTOCOL_TCP && ip->offset == 0 && length >= ip->header_length + 18)
        memset(bytes + ip->header_length + 16, 0, 2);
}

/* Makes room for one packet's bytes at `write`, forgetting the oldest packets that lie there. */
static void make_room(WireDuplicates *recent, uint32_t length) {
    if (recent->write + length > RING_BYTES) {
        /* Packets behind `write` are the oldest; they go before the ring starts over. */
        while (recent->oldest < recent->next &&
               recent->packets[recent->oldest % RING_PACKETS].offset >= recent->write)
            recent->oldest++;
        recent->write = 0;
    }
    while (recent->oldest < recent->next) {
        const Packet *packet = &recent->packets[recent->oldest % RING_PACKETS];
        bool full = recent->next - recent->oldest == RING_PACKETS;
        bool overlaps =
            packet->offset < recent->write + length && recent->write < packet->offset + packet->length;
        if (!full && !overlaps) break;
        recent->oldest++;
    }
}

bool wire_duplicates_seen(WireDuplicates *recent, const uint8_t *bytes, uint32_t length, const WireIp *ip,
                          int64_t time_ns) {
    if (length > RING_BYTES / 2) return false;
    make_room(recent, length);
    uint8_t *copy = recent->bytes + recent->write;
    memcpy(copy, bytes, length);
    mask(copy, length, ip);
    uint64_t hash = XXH3_64bits(copy, length), *bucket = &recent->buckets[hash % BUCKETS];
    uint64_t number = *bucket;
    for (int step = 0; number >= recent->oldest && step < STEPS_MAX; step++) {
        Packet *packet = &recent->packets[number % RING_PACKETS];
        number = packet->previous;
        if (packet->duplicated || packet->hash != hash || packet->length != length ||
            wire_time_apart(time_ns, packet->time_ns) > WIRE_DUPLICATE_MICROSECONDS * UINT64_C(1000) ||
            memcmp(recent->bytes + packet->offset, copy, length) != 0)
            continue;
        packet->duplicated = true;
        return true;
    }
    recent->packets[recent->next % RING_PACKETS] = (Packet){
        .hash = hash, .previous = *bucket, .time_ns = time_ns, .offset = recent->write, .length = length};
    *bucket = recent->next++;
    recent->write += length;
    return false;
}
