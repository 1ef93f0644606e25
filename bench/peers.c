/* All contests that were asked for, in rounds, with the multiply-adds of the machine between them.
 * Relies on: bench/contest.h, bench/fma.h.
 * Relied on by: bench/peers_command.c, bench/peers_report.c. */
#include "bench/peers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

const BenchPeer *const bench_peers_known[BENCH_PEERS_KNOWN] = {&bench_peer_pytorch, &bench_peer_onnxruntime,
                                                               &bench_peer_onednn};

/* ---- who takes part ---- */

/* Who names the library of ONNX Runtime asks for it, unless only training is measured. */
static bool is_wanted(const BenchPeersOptions *options, int p) {
    if (options->peers) return options->peers >> p & 1;
    return bench_peers_known[p] == &bench_peer_onnxruntime && (options->work & 2) &&
           getenv("SIPCNN_ONNXRUNTIME");
}

static void open_peer(BenchPeers *peers, int p) {
    const BenchPeer *peer = bench_peers_known[p];
    CoreError *error = &peers->missing[p];
    void *handle = NULL;
    if (!peer->trains && !(peers->options.work & 2))
        core_fail(error, CORE_UNAVAILABLE, "%s: runs forward passes only", peer->name);
    else if (peer->open(&handle, error) == CORE_OK)
        peers->open[peers->n_open++] = (BenchOpenPeer){peer, handle};
}

static void open_peers(BenchPeers *peers) {
    for (int p = 0; p < BENCH_PEERS_KNOWN; p++) {
        peers->wanted[p] = is_wanted(&peers->options, p);
        if (!peers->options.peers || peers->wanted[p])
            open_peer(peers, p);
        else
            core_fail(&peers->missing[p], CORE_UNAVAILABLE, "%s: not asked for", bench_peers_known[p]->name);
    }
}

/* ---- what they do ---- */

static CoreStatus add_contest(BenchPeers *peers, const BenchTask *task, CoreError *error) {
    BenchContest *contest = &peers->contests[peers->n_contests++];
    CoreStatus status =
        bench_contest_new(task, peers->open, peers->n_open, peers->options.sample, contest, error);
    return status ? core_fail_context(error, status, "net %s", bench_net_name(task->kind)) : CORE_OK;
}

static CoreStatus add_contests(BenchPeers *peers, CoreError *error) {
    const BenchPeersOptions *options = &peers->options;
    CoreStatus status = CORE_OK;
    for (int kind = 0; kind < BENCH_NETS; kind++)
        for (int work = 0; work < 2; work++)
            for (size_t b = 0; b < options->n_batches; b++)
                for (size_t t = 0; t < options->n_threads; t++) {
                    const BenchTask task = {.kind = (BenchNetKind)kind,
                                            .training = work == 0,
                                            .batch = (int32_t)options->batches[b],
                                            .threads = (int32_t)options->threads[t]};
                    if (status == CORE_OK && (options->nets >> kind & 1) && (options->work >> work & 1))
                        status = add_contest(peers, &task, error);
                }
    return status;
}

static CoreStatus run_round(BenchPeers *peers, int round, CoreError *error) {
    CoreStatus status = CORE_OK;
    for (size_t t = 0; status == CORE_OK && t < peers->options.n_threads; t++) {
        double gflops;
        status = bench_fma_gflops(peers->level, (int)peers->options.threads[t], peers->options.sample,
                                  &gflops, error);
        if (status == CORE_OK) bench_series_add(&peers->fma[t], gflops);
    }
    for (int i = 0; status == CORE_OK && i < peers->n_contests; i++)
        status = bench_contest_turn(&peers->contests[i], round, error);
    return status;
}

CoreStatus bench_peers_run(const BenchPeersOptions *options, BenchPeers *peers, CoreError *error) {
    *peers = (BenchPeers){.options = *options, .level = core_cpu_level()};
    peers->contests = calloc(BENCH_CONTESTS_MAX, sizeof *peers->contests);
    if (!peers->contests) return core_fail(error, CORE_MEMORY, "out of memory");
    signal(SIGPIPE, SIG_IGN); /* a peer's process that ends is an error like others */
    open_peers(peers);
    if (peers->n_open == 0) return CORE_OK;
    CoreStatus status = add_contests(peers, error);
    for (size_t round = 0; status == CORE_OK && round < options->rounds; round++)
        status = run_round(peers, (int)round, error);
    return status;
}

void bench_peers_free(BenchPeers *peers) {
    for (int i = 0; i < peers->n_contests; i++)
        bench_contest_free(&peers->contests[i]);
    for (int i = 0; i < peers->n_open; i++)
        peers->open[i].peer->close(peers->open[i].handle);
    free(peers->contests);
    *peers = (BenchPeers){0};
}

const BenchContest *bench_peers_single(const BenchPeers *peers, const BenchContest *of) {
    BenchTask task = of->net.task;
    task.threads = 1;
    for (int i = 0; i < peers->n_contests; i++) {
        const BenchTask *other = &peers->contests[i].net.task;
        if (other->kind == task.kind && other->training == task.training && other->batch == task.batch &&
            other->threads == task.threads)
            return &peers->contests[i];
    }
    return NULL;
}

int bench_peers_threads_index(const BenchPeers *peers, int32_t threads) {
    int t = 0;
    while (peers->options.threads[t] != (size_t)threads)
        t++;
    return t;
}
