/* All contests that were asked for, in rounds, with the multiply-adds of the machine between them.
 * Relies on: bench/contest.h, bench/fma.h, bench/options.h.
 * Relied on by: bench/peers.c, bench/peers_command.c, bench/peers_report.c. */
#ifndef SIPCNN_BENCH_PEERS_H
#define SIPCNN_BENCH_PEERS_H

#include "bench/contest.h"
#include "bench/fma.h"
#include "bench/options.h"

/* Peers in the order of BenchPeers.known, as bits of BenchPeersOptions.peers. */
enum { BENCH_PEERS_KNOWN = 3 };
extern const BenchPeer *const bench_peers_known[BENCH_PEERS_KNOWN];

typedef struct BenchPeersOptions {
    unsigned peers;      /* asked for by name, as bits; 0: whoever is there */
    unsigned nets, work; /* bits of BenchNetKind; bit 0: train, bit 1: infer */
    size_t batches[BENCH_LIST_MAX], n_batches;
    size_t threads[BENCH_LIST_MAX], n_threads;
    size_t rounds;
    double sample; /* seconds of a turn */
} BenchPeersOptions;

enum { BENCH_CONTESTS_MAX = 2 * BENCH_NETS * BENCH_LIST_MAX * BENCH_LIST_MAX };

/* Everything that was measured. Zero-initialise. */
typedef struct BenchPeers {
    BenchPeersOptions options;
    BenchOpenPeer open[BENCH_PEERS_KNOWN];
    int n_open;
    bool wanted[BENCH_PEERS_KNOWN];       /* asked for by name, or by SIPCNN_ONNXRUNTIME */
    CoreError missing[BENCH_PEERS_KNOWN]; /* why a known peer is not measured; status CORE_OK: it is */
    BenchContest *contests;               /* [n_contests]; must stay where they are */
    int n_contests;
    CoreCpuLevel level;              /* of the loop below, the best that SIPCNN_MAX_ISA allows */
    BenchSeries fma[BENCH_LIST_MAX]; /* GFLOP/s of options.threads[i] threads */
} BenchPeers;

/* Finds the peers, builds the contests and runs the rounds. A peer that is missing is no failure: it stands
 * in `missing`. Free with bench_peers_free, after a failure too. */
CORE_NODISCARD CoreStatus bench_peers_run(const BenchPeersOptions *options, BenchPeers *peers,
                                          CoreError *error);
void bench_peers_free(BenchPeers *peers);

/* The contest like `of` but on one thread, or NULL; and the index of a number of threads in options.threads.
 */
const BenchContest *bench_peers_single(const BenchPeers *peers, const BenchContest *of);
int bench_peers_threads_index(const BenchPeers *peers, int32_t threads);

/* Prints the result to standard output: tables, or JSON; what is missing or disagrees goes to standard error.
 * Returns the process's exit code: 0; 2 when a wanted peer is missing or nobody is there; 1 when one
 * disagrees. */
int bench_peers_report(const BenchPeers *peers, bool as_json);

#endif
