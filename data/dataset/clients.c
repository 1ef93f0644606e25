/* Numbers for pairs of capture and client address, in order of appearance.
 * Relies on: data/wire/message.h, xxHash.
 * Relied on by: replay.c. */
#include "data/dataset/clients.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>

/* The slot of the address, or the free one where it belongs. */
static Client *find(const Clients *clients, const uint8_t ip[16]) {
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(ip, 16, clients->capture) & (clients->room - 1);
    for (;; at = (at + 1) & (clients->room - 1)) {
        Client *slot = &clients->slots[at];
        if (!slot->number || memcmp(slot->ip, ip, 16) == 0) return slot;
    }
}

static bool grow(Clients *clients) {
    Clients larger = *clients;
    larger.room = clients->room ? clients->room * 2 : 1024;
    if (larger.room == 0) return false;
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (uint32_t i = 0; i < clients->room; i++)
        if (clients->slots[i].number) *find(&larger, clients->slots[i].ip) = clients->slots[i];
    free(clients->slots);
    *clients = larger;
    return true;
}

static void enter_capture(Clients *clients, uint32_t capture) {
    if (clients->filled) memset(clients->slots, 0, clients->room * sizeof *clients->slots);
    clients->filled = 0;
    clients->capture = capture;
}

uint32_t clients_number(Clients *clients, uint32_t capture, const WireAddress *address) {
    if (capture != clients->capture) enter_capture(clients, capture);
    if (clients->filled >= clients->room / 2 && !grow(clients)) return 0;
    Client *slot = find(clients, address->ip);
    if (!slot->number) {
        if (clients->count == UINT32_MAX) return 0;
        memcpy(slot->ip, address->ip, sizeof slot->ip);
        slot->number = ++clients->count;
        clients->filled++;
    }
    return slot->number;
}

void clients_free(Clients *clients) {
    free(clients->slots);
    *clients = (Clients){0};
}
