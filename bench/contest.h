/* The same network on the same batch by us and by our peers: agreement first, then times, turn by turn.
 * Relies on: bench/peer.h, bench/timing.h.
 * Relied on by: bench/peers.h, tests. */
#ifndef SIPCNN_BENCH_CONTEST_H
#define SIPCNN_BENCH_CONTEST_H

#include "bench/peer.h"
#include "bench/timing.h"

enum { BENCH_PEERS_MAX = 4 };

/* Outputs and gradients may differ by this much of the greatest value of their tensor; beyond it they are
 * those of another network, and how fast that is does not matter. */
#define BENCH_TOLERANCE 1e-4

/* A peer that was found. */
typedef struct BenchOpenPeer {
    const BenchPeer *peer;
    void *handle;
} BenchOpenPeer;

/* Somebody who runs the task; turns.job is the peer's. */
typedef struct BenchRunner {
    const BenchPeer *peer;
    BenchTurns turns;
    double difference; /* from our results, relative; of us 0 */
} BenchRunner;

typedef struct BenchContest {
    BenchNet net;
    BenchRunner runners[1 + BENCH_PEERS_MAX]; /* the first is us */
    int n_runners;
} BenchContest;

/* Builds the task for us and for each of the n peers that does such work, lets each run it once and compares
 * the results; finds out how many runs take `sample` seconds. Free with bench_contest_free, after a failure
 * too. Errors are those of the engine and of the peers. */
CORE_NODISCARD CoreStatus bench_contest_new(const BenchTask *task, const BenchOpenPeer *peers, int n_peers,
                                            double sample, BenchContest *contest, CoreError *error);
void bench_contest_free(BenchContest *contest);

/* Whether the runner computes what we do: difference <= BENCH_TOLERANCE (a NaN is not). */
bool bench_runner_agrees(const BenchRunner *runner);

/* A turn for each runner, beginning with number `round`, so that nobody always comes after the same. */
CORE_NODISCARD CoreStatus bench_contest_turn(BenchContest *contest, int round, CoreError *error);

/* Samples a second: of the median, or of the shortest turn. */
double bench_contest_rate(const BenchContest *contest, int runner, bool best);

/* The greatest difference of two arrays relative to the greatest absolute value of `ours`; 0 of two that are
 * zero all over, NaN where either has one. */
double bench_difference(const float *ours, const float *theirs, size_t count);

#endif
