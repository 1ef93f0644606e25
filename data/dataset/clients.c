/* Numbers for pairs of capture and client address, in order of appearance.
 * Relies on: data/wire/message.h, xxHash.
 * Relied on by: cache.c. */
#include "data/dataset/clients.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>

/* The slot of the pair, or the free one where it belongs. */
static Client *find(const Clients *clients, uint32_t capture, const uint8_t ip[16]) {
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(ip, 16, capture) & (clients->room - 1);
    for (;; at = (at + 1) & (clients->room - 1)) {
        Client *slot = &clients->slots[at];
        if (!slot->number || (slot->capture == capture && memcmp(slot->ip, ip, 16) == 0)) return slot;
    }
}

static bool grow(Clients *clients) {
    Clients larger = {NULL, clients->room ? clients->room * 2 : 1024, clients->count};
    if (larger.room == 0) return false;
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (uint32_t i = 0; i < clients->room; i++)
        if (clients->slots[i].number)
            *find(&larger, clients->slots[i].capture, clients->slots[i].ip) = clients->slots[i];
    free(clients->slots);
    *clients = larger;
    return true;
}

uint32_t clients_number(Clients *clients, uint32_t capture, const WireAddress *address) {
    if (clients->count >= clients->room / 2 && !grow(clients)) return 0;
    Client *slot = find(clients, capture, address->ip);
    if (!slot->number) {
        memcpy(slot->ip, address->ip, sizeof slot->ip);
        slot->capture = capture;
        slot->number = ++clients->count;
    }
    return slot->number;
}

void clients_free(Clients *clients) {
    free(clients->slots);
    *clients = (Clients){NULL, 0, 0};
}
