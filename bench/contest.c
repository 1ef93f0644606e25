/* The same network on the same batch by us and by our peers: agreement first, then times, turn by turn.
 * Relies on: bench/peer.h, bench/timing.h.
 * Relied on by: bench/peers.h, tests. */
#include "bench/contest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- ourselves, as a peer ---- */

static CoreStatus our_prepare(void *net, const BenchNet *of, void **job, CoreError *error) {
    (void)of;
    (void)error;
    *job = net;
    return CORE_OK;
}

static void our_release(void *job) {
    (void)job; /* the net is the contest's */
}

static CoreStatus our_run(void *job, uint32_t count, double *seconds, CoreError *error) {
    CoreStatus status = CORE_OK;
    const uint64_t begin = bench_now_ns();
    for (uint32_t i = 0; status == CORE_OK && i < count; i++)
        status = bench_net_run(job, error);
    *seconds = bench_seconds_since(begin);
    return status;
}

static CoreStatus our_read(void *job, float *logits, float *gradients, CoreError *error) {
    const BenchNet *net = job;
    (void)error;
    memcpy(logits, graph_value(net->graph, net->logits),
           (size_t)net->task.batch * BENCH_NET_CLASSES * sizeof *logits);
    for (int32_t i = 0; net->task.training && i < graph_parameters(net->graph); i++) {
        const GraphParameter parameter = graph_parameter_at(net->graph, i);
        memcpy(gradients, parameter.gradients, parameter.count * sizeof *gradients);
        gradients += parameter.count;
    }
    return CORE_OK;
}

static const BenchPeer us = {.name = "sipcnn",
                             .trains = true,
                             .prepare = our_prepare,
                             .release = our_release,
                             .run = our_run,
                             .read = our_read};

/* ---- agreement ---- */

double bench_difference(const float *ours, const float *theirs, size_t count) {
    double greatest = 0, scale = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs((double)ours[i] - (double)theirs[i]), size = fabs((double)ours[i]);
        if (!(difference <= greatest)) greatest = difference; /* NaN as well */
        if (size > scale) scale = size;
        if (isnan(greatest)) return greatest;
    }
    return greatest == 0 ? 0 : scale > 0 ? greatest / scale : INFINITY;
}

bool bench_runner_agrees(const BenchRunner *runner) {
    return runner->difference <= BENCH_TOLERANCE;
}

/* The greatest difference over the logits and the gradient of each parameter, each to its own scale. */
static double compare_results(const BenchNet *net, const float *ours, const float *theirs) {
    const size_t logits = (size_t)net->task.batch * BENCH_NET_CLASSES;
    double greatest = bench_difference(ours, theirs, logits);
    size_t begin = logits;
    for (int32_t i = 0; net->task.training && i < graph_parameters(net->graph); i++) {
        const size_t count = graph_parameter_at(net->graph, i).count;
        const double difference = bench_difference(ours + begin, theirs + begin, count);
        if (!(difference <= greatest)) greatest = difference;
        begin += count;
    }
    return greatest;
}

/* One run by everybody from the same parameters. */
static CoreStatus check_agreement(BenchContest *contest, CoreError *error) {
    const BenchNet *net = &contest->net;
    const size_t logits = (size_t)net->task.batch * BENCH_NET_CLASSES,
                 count = logits + bench_net_parameters(net);
    float *ours = calloc(2 * count, sizeof *ours), *theirs = ours + count;
    CoreStatus status = ours ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory");
    for (int i = 0; status == CORE_OK && i < contest->n_runners; i++) {
        double seconds;
        BenchRunner *runner = &contest->runners[i];
        float *results = i == 0 ? ours : theirs;
        status = runner->turns.run(runner->turns.job, 1, &seconds, error);
        if (status == CORE_OK)
            status = runner->peer->read(runner->turns.job, results, results + logits, error);
        if (status == CORE_OK) runner->difference = compare_results(net, ours, results);
    }
    free(ours);
    return status;
}

/* ---- the contest ---- */

static CoreStatus add_runner(BenchContest *contest, const BenchPeer *peer, void *handle, CoreError *error) {
    BenchRunner *runner = &contest->runners[contest->n_runners];
    *runner = (BenchRunner){.peer = peer, .turns.run = peer->run};
    CoreStatus status = peer->prepare(handle, &contest->net, &runner->turns.job, error);
    if (status == CORE_OK) contest->n_runners++;
    return status;
}

CoreStatus bench_contest_new(const BenchTask *task, const BenchOpenPeer *peers, int n_peers, double sample,
                             BenchContest *contest, CoreError *error) {
    *contest = (BenchContest){0};
    CoreStatus status = bench_net_new(task, &contest->net, error);
    if (status == CORE_OK) status = add_runner(contest, &us, &contest->net, error);
    for (int i = 0; status == CORE_OK && i < n_peers && i < BENCH_PEERS_MAX; i++)
        if (peers[i].peer->trains || !task->training)
            status = add_runner(contest, peers[i].peer, peers[i].handle, error);
    if (status == CORE_OK) status = check_agreement(contest, error);
    for (int i = 0; status == CORE_OK && i < contest->n_runners; i++)
        status = bench_turns_calibrate(&contest->runners[i].turns, sample, error);
    return status;
}

void bench_contest_free(BenchContest *contest) {
    for (int i = 0; i < contest->n_runners; i++)
        contest->runners[i].peer->release(contest->runners[i].turns.job);
    bench_net_free(&contest->net);
    contest->n_runners = 0;
}

/* Lets the threads of whoever ran before fall asleep: they wait for more work by spinning, for some
 * milliseconds. */
static void settle(void) {
    const struct timespec pause = {.tv_nsec = 10000000};
    nanosleep(&pause, NULL);
}

CoreStatus bench_contest_turn(BenchContest *contest, int round, CoreError *error) {
    CoreStatus status = CORE_OK;
    for (int i = 0; status == CORE_OK && i < contest->n_runners; i++) {
        settle();
        status = bench_turns_take(&contest->runners[(round + i) % contest->n_runners].turns, error);
    }
    return status;
}

double bench_contest_rate(const BenchContest *contest, int runner, bool best) {
    const BenchSeries *seconds = &contest->runners[runner].turns.seconds;
    const double one = best ? bench_series_least(seconds) : bench_series_median(seconds);
    return one > 0 ? contest->net.task.batch / one : 0;
}
