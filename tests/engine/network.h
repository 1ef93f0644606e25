/* A small network with every branch of the SIP CNN, its data and its training, for the tests of whole graphs.
 * Relies on: engine/graph.h, engine/optimiser.h.
 * Relied on by: test_training.c. */
#ifndef SIPCNN_TESTS_NETWORK_H
#define SIPCNN_TESTS_NETWORK_H

#include "engine/optimiser.h"

enum {
    NET_ROWS = 96,
    NET_TOKENS = 6,
    NET_TEXT = 12,
    NET_EVENTS = 8,
    NET_COUNTERS = 10,
    NET_CLASSES = 3,
    NET_BATCH = 37 /* no multiple of the number of chunks */
};

/* One sample as a caller might hold it: the graph reads its fields in place. */
typedef struct NetRow {
    uint8_t tokens[NET_TOKENS][2], text[NET_TEXT], events[NET_EVENTS][3], counters[NET_COUNTERS];
    uint8_t n_tokens, n_text, n_events;
    float targets[NET_CLASSES], mask[NET_CLASSES], weight;
} NetRow;

typedef struct Net {
    Graph *graph;
    Optimiser *optimiser;
    GraphNode tokens, n_tokens, text, n_text, events, n_events, counters, targets, mask, weight;
    GraphNode hidden, logits;
} Net;

/* Random rows; class 0 is the text's first byte > 127, the others are noise. */
void net_rows(NetRow rows[NET_ROWS], uint64_t seed);
/* A finished graph with an optimiser of rate 0.01; dropout p on all branches. Check's assertions guard all.
 */
void net_new(Net *net, uint64_t seed, float dropout);
void net_free(Net *net);
void net_set_rows(Net *net, const NetRow *rows);
/* Training steps number `first` .. on batches of NET_BATCH rows that depend on the step's number only; the
 * last loss. */
double net_train(Net *net, const NetRow rows[NET_ROWS], int first, int steps);

#endif
