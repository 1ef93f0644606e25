/* The commands of sipcnn-bench.
 * Relies on: libc.
 * Relied on by: bench/main.c and the command files. */
#ifndef SIPCNN_BENCH_COMMANDS_H
#define SIPCNN_BENCH_COMMANDS_H

enum { BENCH_EXIT_OK = 0, BENCH_EXIT_FAILED = 1, BENCH_EXIT_USAGE = 2 };

/* Each reads its own arguments (argv[0] is its name) and returns the process's exit code. */
int bench_accuracy_command(int argc, char **argv);
int bench_latency_command(int argc, char **argv);
int bench_kernels_command(int argc, char **argv);
int bench_peers_command(int argc, char **argv);

#endif
