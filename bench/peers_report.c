/* What sipcnn-bench peers found, as tables and as JSON.
 * Relies on: bench/peers.h, jansson.
 * Relied on by: bench/peers_command.c. */
#include "bench/commands.h"
#include "bench/peers.h"

#include <jansson.h>
#include <stdio.h>

static const char *work_name(const BenchTask *task) {
    return task->training ? "train" : "infer";
}

/* ---- our own speed ---- */

typedef struct Own {
    double rate, best;            /* samples a second */
    double gflops, share;         /* of the median, and of the loop on as many threads */
    double scaling, loop_scaling; /* from one thread, of us and of the loop; 0: one thread was not measured */
} Own;

static Own own_speed(const BenchPeers *peers, const BenchContest *contest) {
    const BenchTask *task = &contest->net.task;
    const BenchContest *single = bench_peers_single(peers, contest);
    const double loop = bench_series_median(&peers->fma[bench_peers_threads_index(peers, task->threads)]);
    Own own = {.rate = bench_contest_rate(contest, 0, false), .best = bench_contest_rate(contest, 0, true)};
    own.gflops = 1e-9 * own.rate * bench_net_flops(task->kind, task->training);
    own.share = loop > 0 ? own.gflops / loop : 0;
    if (single && task->threads > 1) {
        const double one = bench_series_median(&peers->fma[bench_peers_threads_index(peers, 1)]);
        own.scaling = own.rate / bench_contest_rate(single, 0, false);
        own.loop_scaling = loop / one;
    }
    return own;
}

/* ---- JSON ---- */

static json_t *row_json(const BenchContest *contest, int runner) {
    const BenchTask *task = &contest->net.task;
    const double ours = bench_contest_rate(contest, 0, false),
                 theirs = bench_contest_rate(contest, runner, false);
    const double our_best = bench_contest_rate(contest, 0, true),
                 best = bench_contest_rate(contest, runner, true);
    return json_pack("{s:s, s:s, s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "net",
                     bench_net_name(task->kind), "work", work_name(task), "batch", (int)task->batch,
                     "threads", (int)task->threads, "peer", contest->runners[runner].peer->name, "ours_per_s",
                     ours, "peer_per_s", theirs, "ratio", ours / theirs, "ours_best_per_s", our_best,
                     "peer_best_per_s", best, "ratio_best", our_best / best, "difference",
                     contest->runners[runner].difference);
}

static json_t *own_json(const BenchPeers *peers, const BenchContest *contest) {
    const BenchTask *task = &contest->net.task;
    const Own own = own_speed(peers, contest);
    json_t *json =
        json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:f, s:f}", "net", bench_net_name(task->kind), "work",
                  work_name(task), "batch", (int)task->batch, "threads", (int)task->threads, "per_s",
                  own.rate, "best_per_s", own.best, "gflops", own.gflops, "fma_share", own.share);
    if (json && own.scaling > 0) {
        json_object_set_new(json, "scaling", json_real(own.scaling));
        json_object_set_new(json, "fma_scaling", json_real(own.loop_scaling));
    }
    return json;
}

static json_t *loop_json(const BenchPeers *peers) {
    json_t *list = json_array();
    for (size_t t = 0; peers->n_contests && t < peers->options.n_threads; t++)
        json_array_append_new(list, json_pack("{s:i, s:f, s:f}", "threads", (int)peers->options.threads[t],
                                              "gflops", bench_series_median(&peers->fma[t]), "best_gflops",
                                              bench_series_greatest(&peers->fma[t])));
    return list;
}

static json_t *missing_json(const BenchPeers *peers) {
    json_t *list = json_array();
    for (int p = 0; p < BENCH_PEERS_KNOWN; p++)
        if (peers->missing[p].status && (peers->wanted[p] || !peers->options.peers))
            json_array_append_new(list, json_pack("{s:s, s:s}", "peer", bench_peers_known[p]->name, "reason",
                                                  peers->missing[p].text));
    return list;
}

static int print_json(const BenchPeers *peers) {
    json_t *rows = json_array(), *own = json_array(), *disagree = json_array();
    for (int i = 0; i < peers->n_contests; i++) {
        const BenchContest *contest = &peers->contests[i];
        json_array_append_new(own, own_json(peers, contest));
        for (int r = 1; r < contest->n_runners; r++)
            if (bench_runner_agrees(&contest->runners[r]))
                json_array_append_new(rows, row_json(contest, r));
            else
                json_array_append_new(disagree, json_string(contest->runners[r].peer->name));
    }
    json_t *json = json_pack("{s:s, s:I, s:f, s:o, s:o, s:o, s:o, s:o}", "cpu",
                             core_cpu_level_name(peers->level), "rounds", (json_int_t)peers->options.rounds,
                             "sample_seconds", peers->options.sample, "rows", rows, "own", own, "fma",
                             loop_json(peers), "missing", missing_json(peers), "disagreeing", disagree);
    const int failed = !json || json_dumpf(json, stdout, JSON_INDENT(1)) != 0;
    putchar('\n');
    json_decref(json);
    return failed ? BENCH_EXIT_FAILED : BENCH_EXIT_OK;
}

/* ---- tables ---- */

static void print_contest(const BenchContest *contest) {
    const BenchTask *task = &contest->net.task;
    for (int r = 1; r < contest->n_runners; r++) {
        const BenchRunner *runner = &contest->runners[r];
        if (!bench_runner_agrees(runner)) continue;
        const double ours = bench_contest_rate(contest, 0, false),
                     theirs = bench_contest_rate(contest, r, false);
        const double our_best = bench_contest_rate(contest, 0, true),
                     best = bench_contest_rate(contest, r, true);
        printf("%-3s %-5s %5d %7d  %-11s %10.0f %10.0f %6.2f %10.0f %10.0f %6.2f  %.0e\n",
               bench_net_name(task->kind), work_name(task), (int)task->batch, (int)task->threads,
               runner->peer->name, ours, theirs, ours / theirs, our_best, best, our_best / best,
               runner->difference);
    }
}

static void print_own(const BenchPeers *peers, const BenchContest *contest) {
    const BenchTask *task = &contest->net.task;
    const Own own = own_speed(peers, contest);
    printf("%-3s %-5s %5d %7d %10.0f %10.0f %8.1f %6.1f %%", bench_net_name(task->kind), work_name(task),
           (int)task->batch, (int)task->threads, own.rate, own.best, own.gflops, 100 * own.share);
    if (own.scaling > 0)
        printf("   %.2f times one thread, %.2f of the loop's %.2f", own.scaling,
               own.scaling / own.loop_scaling, own.loop_scaling);
    putchar('\n');
}

static void print_tables(const BenchPeers *peers) {
    if (!peers->n_contests) return;
    printf("samples a second, %s kernels; median of %zu turns of %.0f ms, and the best\n\n",
           core_cpu_level_name(peers->level), peers->options.rounds, 1e3 * peers->options.sample);
    printf("net work  batch threads  peer            sipcnn       peer  ratio  best: ours       peer  ratio  "
           "differ\n");
    for (int i = 0; i < peers->n_contests; i++)
        print_contest(&peers->contests[i]);
    printf("\nmultiply-adds in registers:");
    for (size_t t = 0; t < peers->options.n_threads; t++)
        printf("%s %.1f GFLOP/s on %zu thread%s", t ? "," : "", bench_series_median(&peers->fma[t]),
               peers->options.threads[t], peers->options.threads[t] > 1 ? "s" : "");
    printf("\n\nnet work  batch threads     sipcnn       best  GFLOP/s  share of these\n");
    for (int i = 0; i < peers->n_contests; i++)
        print_own(peers, &peers->contests[i]);
    puts("\nThe multiply-adds of plain sums are counted; minimal filtering and the gradients of maxima need "
         "fewer, so that a share may exceed 100 %.");
}

/* ---- what went wrong ---- */

static int report_disagreement(const BenchPeers *peers) {
    int result = BENCH_EXIT_OK;
    for (int i = 0; i < peers->n_contests; i++)
        for (int r = 1; r < peers->contests[i].n_runners; r++) {
            const BenchTask *task = &peers->contests[i].net.task;
            const BenchRunner *runner = &peers->contests[i].runners[r];
            if (bench_runner_agrees(runner)) continue;
            fprintf(stderr,
                    "sipcnn-bench: net %s, %s, batch %d, %d threads: %s differs by %.1e, more than %.0e: not "
                    "counted\n",
                    bench_net_name(task->kind), work_name(task), (int)task->batch, (int)task->threads,
                    runner->peer->name, runner->difference, BENCH_TOLERANCE);
            result = BENCH_EXIT_FAILED;
        }
    return result;
}

static int report_missing(const BenchPeers *peers) {
    int result = peers->n_open ? BENCH_EXIT_OK : BENCH_EXIT_USAGE;
    for (int p = 0; p < BENCH_PEERS_KNOWN; p++) {
        if (!peers->missing[p].status || (peers->options.peers && !peers->wanted[p])) continue;
        fprintf(stderr, "sipcnn-bench: not measured: %s\n", peers->missing[p].text);
        if (peers->wanted[p]) result = BENCH_EXIT_USAGE;
    }
    return result;
}

int bench_peers_report(const BenchPeers *peers, bool as_json) {
    int result = BENCH_EXIT_OK;
    if (as_json)
        result = print_json(peers);
    else
        print_tables(peers);
    const int disagreement = report_disagreement(peers), missing = report_missing(peers);
    return result ? result : disagreement ? disagreement : missing;
}
