/* sipcnn-bench: accuracy, latency, speed of the kernels and beside other engines.
 * Relies on: bench/commands.h.
 * Relied on by: people, demo.sh. */
#include "bench/commands.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"accuracy", "score verdicts and incidents against labels", bench_accuracy_command},
    {"latency", "time each step of the path, and the whole of it", bench_latency_command},
    {"kernels", "time each compute kernel against the machine's multiply-adds", bench_kernels_command},
    {"peers", "run two reference networks beside other engines", bench_peers_command},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *stream) {
    fprintf(stream, "usage: sipcnn-bench COMMAND [option...]\n\ncommands:\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(stream, "\nsipcnn-bench COMMAND --help tells more. Examples:\n"
                    "  sipcnn-bench accuracy held-out/mixed held-out/benign\n"
                    "  sipcnn-bench latency --model models/first-light.sipcnn --read lab.pcap\n"
                    "  sipcnn-bench kernels\n  sipcnn-bench peers --net B --work train\n");
    return stream == stdout ? BENCH_EXIT_OK : BENCH_EXIT_USAGE;
}

static int run(int argc, char **argv) {
    if (argc < 2) return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return usage(stdout);
    if (strcmp(argv[1], "--version") == 0)
        return puts("sipcnn-bench " SIPCNN_VERSION) < 0 ? BENCH_EXIT_FAILED : BENCH_EXIT_OK;
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "sipcnn-bench: no command \"%s\"\n", argv[1]);
    return usage(stderr);
}

/* What did not reach standard output (a full disk, say) is a failure too. */
static int finish(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fputs("sipcnn-bench: standard output: not all of it could be written\n", stderr);
    return BENCH_EXIT_FAILED;
}

int main(int argc, char **argv) {
    return finish(run(argc, argv));
}
