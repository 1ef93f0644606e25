/* sipcnn-bench peers: two reference networks beside other engines.
 * Relies on: bench/peers.h, getopt_long.
 * Relied on by: bench/main.c. */
#include "bench/peers.h"

#include "bench/commands.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "usage: sipcnn-bench peers [option...]\n\n"
    "Runs two reference networks here and in other engines, turn by turn, and prints samples a second and\n"
    "ratios. Outputs, and of training the gradients, must agree to 1e-4, else the timing does not count and\n"
    "the exit code is 1. Peers: pytorch (torch of /usr/bin/python3, or of SIPCNN_PYTHON), onnxruntime\n"
    "(SIPCNN_ONNXRUNTIME names its library), onednn (if it was there at build time); the last two run only\n"
    "forward. A peer that was asked for and is missing is named, and the exit code is 2.\n\n"
    "options (lists are separated by commas):\n"
    "  --peer LIST     pytorch, onnxruntime, onednn (whoever is there)\n"
    "  --net LIST      A, B (both)\n"
    "  --work LIST     train, infer (both)\n"
    "  --batch LIST    samples of a run (64,1)\n"
    "  --threads LIST  threads (1,2)\n"
    "  --rounds N      turns of each (7)\n"
    "  --sample MS     milliseconds of a turn, about (50)\n"
    "  --json          print JSON\n\n"
    "examples:\n"
    "  sipcnn-bench peers\n"
    "  sipcnn-bench peers --peer pytorch --net B --work train --batch 64 --json\n";

/* BENCH_EXIT_USAGE with a message. */
static int refuse(const char *option, const char *value) {
    fprintf(stderr, "sipcnn-bench peers: --%s cannot be \"%s\" (--help tells more)\n", option, value);
    return BENCH_EXIT_USAGE;
}

static bool read_option(int letter, const char *value, BenchPeersOptions *options) {
    static const char *const nets[] = {"A", "B"}, *const work[] = {"train", "infer"};
    const char *peers[BENCH_PEERS_KNOWN];
    size_t sample;
    for (int p = 0; p < BENCH_PEERS_KNOWN; p++)
        peers[p] = bench_peers_known[p]->name;
    switch (letter) {
    case 'p': return bench_read_words(value, peers, BENCH_PEERS_KNOWN, &options->peers);
    case 'n': return bench_read_words(value, nets, 2, &options->nets);
    case 'w': return bench_read_words(value, work, 2, &options->work);
    case 'b': return bench_read_counts(value, 4096, options->batches, &options->n_batches);
    case 't': return bench_read_counts(value, BENCH_THREADS_MAX, options->threads, &options->n_threads);
    case 'r': return bench_read_count(value, BENCH_ROUNDS_MAX, &options->rounds);
    default:
        if (!bench_read_count(value, 10000, &sample)) return false;
        options->sample = 1e-3 * (double)sample;
        return true;
    }
}

/* BENCH_EXIT_OK: go on; -1: help was printed. */
static int read_options(int argc, char **argv, BenchPeersOptions *options, bool *as_json) {
    static const struct option known[] = {
        {"peer", required_argument, NULL, 'p'},    {"net", required_argument, NULL, 'n'},
        {"work", required_argument, NULL, 'w'},    {"batch", required_argument, NULL, 'b'},
        {"threads", required_argument, NULL, 't'}, {"rounds", required_argument, NULL, 'r'},
        {"sample", required_argument, NULL, 's'},  {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {0}};
    *options = (BenchPeersOptions){.nets = 3,
                                   .work = 3,
                                   .batches = {64, 1},
                                   .n_batches = 2,
                                   .threads = {1, 2},
                                   .n_threads = 2,
                                   .rounds = 7,
                                   .sample = .05};
    for (int letter, index = 0; (letter = getopt_long(argc, argv, "h", known, &index)) != -1;) {
        if (letter == 'h') return fputs(usage, stdout) < 0 ? BENCH_EXIT_FAILED : -1;
        if (letter == '?') return BENCH_EXIT_USAGE;
        if (letter == 'j')
            *as_json = true;
        else if (!read_option(letter, optarg, options))
            return refuse(known[index].name, optarg);
    }
    return optind == argc ? BENCH_EXIT_OK : refuse("peer", argv[optind]);
}

int bench_peers_command(int argc, char **argv) {
    BenchPeersOptions options;
    BenchPeers peers;
    CoreError error = {0};
    bool as_json = false;
    int result = read_options(argc, argv, &options, &as_json);
    if (result) return result < 0 ? BENCH_EXIT_OK : result;
    if (bench_peers_run(&options, &peers, &error)) {
        fprintf(stderr, "sipcnn-bench: %s\n", error.text);
        result = BENCH_EXIT_FAILED;
    } else {
        result = bench_peers_report(&peers, as_json);
    }
    bench_peers_free(&peers);
    return result;
}
