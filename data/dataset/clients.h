/* Numbers for pairs of capture and client address, in order of appearance.
 * Relies on: data/wire/message.h, xxHash.
 * Relied on by: replay.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_CLIENTS_H
#define SIPCNN_DATASET_CLIENTS_H

#include "data/wire/message.h"

typedef struct Client {
    uint8_t ip[16];
    uint32_t number; /* 0: the slot is free */
} Client;

/* An open-addressing table of one capture's clients. Zeroed: empty. */
typedef struct Clients {
    Client *slots;         /* [room], a power of two */
    uint32_t room, filled; /* `filled` of this capture */
    uint32_t capture;
    uint32_t count; /* of all captures: the latest number */
} Clients;

/* The pair's number, from 1 on; 0 when there is no memory. Captures come one after the other: once another
 * one was asked for, a capture's clients are forgotten, and their numbers stay taken. */
uint32_t clients_number(Clients *clients, uint32_t capture, const WireAddress *address);

void clients_free(Clients *clients);

#endif
