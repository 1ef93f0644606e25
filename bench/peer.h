/* Other engines that run the same network on the same batch.
 * Relies on: bench/nets.h.
 * Relied on by: bench/contest.h and the peers, bench/peer_*.c. */
#ifndef SIPCNN_BENCH_PEER_H
#define SIPCNN_BENCH_PEER_H

#include "bench/nets.h"

/* One engine. Its functions run on one thread at a time; `peer` and `job` are its own. */
typedef struct BenchPeer {
    const char *name;
    bool trains; /* else it measures forward passes only */
    /* Finds the engine: *peer is to be closed. CORE_UNAVAILABLE says what is missing. */
    CoreStatus (*open)(void **peer, CoreError *error);
    void (*close)(void *peer);
    /* Builds the network with the parameters and the batch that *net has now; *job is to be released. */
    CoreStatus (*prepare)(void *peer, const BenchNet *net, void **job, CoreError *error);
    void (*release)(void *job);
    /* Runs the task `count` times; *seconds is what that took. */
    CoreStatus (*run)(void *job, uint32_t count, double *seconds, CoreError *error);
    /* Of the last run: logits [batch][12] and, of training, the gradients of all parameters in the graph's
     * order and layout, one after the other without padding. */
    CoreStatus (*read)(void *job, float *logits, float *gradients, CoreError *error);
} BenchPeer;

extern const BenchPeer bench_peer_pytorch;     /* a child process of /usr/bin/python3 with torch */
extern const BenchPeer bench_peer_onnxruntime; /* a library found at run time: bench/onnxruntime.h */
extern const BenchPeer bench_peer_onednn;      /* a library found at build time; else never available */

#endif
