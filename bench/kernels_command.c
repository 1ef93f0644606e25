/* sipcnn-bench kernels: GFLOP/s of the compute kernels, and their share of what the machine can do.
 * Relies on: bench/kernel_cases.h, bench/fma.h, bench/sip_cnn.h, jansson, getopt_long.
 * Relied on by: bench/main.c. */
#include "bench/commands.h"
#include "bench/fma.h"
#include "bench/kernel_cases.h"
#include "bench/options.h"
#include "bench/sip_cnn.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: sipcnn-bench kernels [option...]\n\n"
    "Times each compute kernel on one thread, on layers of the reference networks, of the SIP CNN and on\n"
    "wider ones, at each instruction set that this machine has (SIPCNN_MAX_ISA caps it), in turn with a\n"
    "loop of multiply-adds in registers: the share is the kernel's part of what that loop does. Then whole\n"
    "training steps of the SIP CNN, and the sensor's forward pass.\n\n"
    "options:\n"
    "  --rounds N   turns of each (7)\n"
    "  --sample MS  milliseconds of a turn, about (3)\n"
    "  --json       print JSON\n\n"
    "example:\n"
    "  sipcnn-bench kernels --rounds 15\n";

/* One kernel of one layer at one level. */
typedef struct Timed {
    const BenchCase *on;
    BenchKernel kernel;
    CoreCpuLevel level;
    const Kernels *kernels;
    BenchTurns turns;
    BenchSeries share; /* of the loop just before, a value for each turn */
} Timed;

enum { TIMED_MAX = BENCH_LAYERS_MAX * BENCH_KERNELS * CORE_CPU_LEVELS };

typedef struct KernelsResult {
    size_t rounds;
    double sample;
    BenchCase cases[BENCH_LAYERS_MAX];
    int n_cases;
    Timed timed[TIMED_MAX];
    int n_timed;
    BenchSeries fma[CORE_CPU_LEVELS]; /* GFLOP/s of the loop, the best of each round */
    BenchSipCnn sip_cnn;
} KernelsResult;

/* ---- measuring ---- */

static CoreStatus run_kernel(void *job, uint32_t count, double *seconds, CoreError *error) {
    const Timed *timed = job;
    (void)error;
    const uint64_t begin = bench_now_ns();
    for (uint32_t i = 0; i < count; i++)
        bench_case_run(timed->on, timed->kernels, timed->kernel);
    *seconds = bench_seconds_since(begin);
    return CORE_OK;
}

static CoreStatus add_timed(KernelsResult *result, const BenchCase *on, CoreError *error) {
    CoreStatus status = CORE_OK;
    for (int kernel = 0; kernel < BENCH_KERNELS; kernel++)
        for (int level = 0; level < CORE_CPU_LEVELS; level++) {
            const Kernels *kernels = kernels_at((CoreCpuLevel)level);
            if (status || !kernels || bench_case_flops(on, (BenchKernel)kernel) == 0) continue;
            Timed *timed = &result->timed[result->n_timed++];
            *timed = (Timed){
                .on = on, .kernel = (BenchKernel)kernel, .level = (CoreCpuLevel)level, .kernels = kernels};
            timed->turns = (BenchTurns){.run = run_kernel, .job = timed};
            status = bench_turns_calibrate(&timed->turns, result->sample, error);
        }
    return status;
}

static CoreStatus add_cases(KernelsResult *result, CoreError *error) {
    BenchLayer layers[BENCH_LAYERS_MAX];
    const int n = bench_layers(layers);
    CoreStatus status = CORE_OK;
    for (int i = 0; status == CORE_OK && i < n; i++) {
        BenchCase *made = &result->cases[result->n_cases++];
        status = bench_case_new(&layers[i], made, error);
        if (status == CORE_OK) status = add_timed(result, made, error);
    }
    return status;
}

static double gflops(const Timed *timed, double seconds) {
    return seconds > 0 ? 1e-9 * bench_case_flops(timed->on, timed->kernel) / seconds : 0;
}

static CoreStatus run_round(KernelsResult *result, CoreError *error) {
    double best[CORE_CPU_LEVELS] = {0};
    CoreStatus status = CORE_OK;
    for (int i = 0; status == CORE_OK && i < result->n_timed; i++) {
        Timed *timed = &result->timed[i];
        double loop;
        status = bench_fma_gflops(timed->level, 1, result->sample / 4, &loop, error);
        if (status == CORE_OK) status = bench_turns_take(&timed->turns, error);
        if (status) break;
        const BenchSeries *seconds = &timed->turns.seconds;
        bench_series_add(&timed->share, gflops(timed, seconds->values[seconds->count - 1]) / loop);
        if (loop > best[timed->level]) best[timed->level] = loop;
    }
    for (int level = 0; level < CORE_CPU_LEVELS; level++)
        if (best[level] > 0) bench_series_add(&result->fma[level], best[level]);
    return status;
}

static CoreStatus measure(KernelsResult *result, CoreError *error) {
    CoreStatus status = add_cases(result, error);
    for (size_t round = 0; status == CORE_OK && round < result->rounds; round++)
        status = run_round(result, error);
    return status ? status : bench_sip_cnn((int)result->rounds, 10 * result->sample, &result->sip_cnn, error);
}

/* ---- results ---- */

static double median_gflops(const Timed *timed) {
    return gflops(timed, bench_series_median(&timed->turns.seconds));
}

static double best_gflops(const Timed *timed) {
    return gflops(timed, bench_series_least(&timed->turns.seconds));
}

/* Of the loop's best. Who was interrupted least tells more about a kernel than the median of those who were,
 * on a busy machine; on a quiet one this and the median share are the same. */
static double best_share(const KernelsResult *result, const Timed *timed) {
    const double loop = bench_series_greatest(&result->fma[timed->level]);
    return loop > 0 ? best_gflops(timed) / loop : 0;
}

static json_t *timed_json(const KernelsResult *result, const Timed *timed) {
    const BenchLayer *layer = &timed->on->layer;
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f}",
                     "layer", layer->name, "op", bench_layer_kind_name(layer->kind), "kernel",
                     bench_kernel_name(timed->kernel), "minimal_filtering", (int)timed->on->winograd, "isa",
                     core_cpu_level_name(timed->level), "samples", (int)layer->samples, "length",
                     (int)layer->length, "in", (int)layer->in, "out", (int)layer->out, "taps",
                     (int)layer->taps, "stride", (int)layer->stride, "dilation", (int)layer->dilation,
                     "gflops", median_gflops(timed), "best_gflops", best_gflops(timed), "fma_share",
                     bench_series_median(&timed->share), "best_fma_share", best_share(result, timed));
}

static json_t *sip_cnn_json(const BenchSipCnn *sip) {
    json_t *training = json_array();
    for (int t = 0; t < BENCH_SIP_THREADS; t++)
        json_array_append_new(
            training, json_pack("{s:i, s:i, s:f, s:f}", "threads", t + 1, "batch", BENCH_SIP_BATCH,
                                "rows_per_s", BENCH_SIP_BATCH / bench_series_median(&sip->training[t]),
                                "best_rows_per_s", BENCH_SIP_BATCH / bench_series_least(&sip->training[t])));
    return json_pack("{s:o, s:f, s:f}", "training", training, "forward_us",
                     1e6 * bench_series_median(&sip->forward), "best_forward_us",
                     1e6 * bench_series_least(&sip->forward));
}

static int print_json(const KernelsResult *result) {
    json_t *rows = json_array(), *fma = json_object();
    for (int i = 0; i < result->n_timed; i++)
        json_array_append_new(rows, timed_json(result, &result->timed[i]));
    for (int level = 0; level < CORE_CPU_LEVELS; level++)
        if (result->fma[level].count)
            json_object_set_new(fma, core_cpu_level_name((CoreCpuLevel)level),
                                json_pack("{s:f, s:f}", "gflops", bench_series_median(&result->fma[level]),
                                          "best_gflops", bench_series_greatest(&result->fma[level])));
    json_t *json =
        json_pack("{s:I, s:f, s:o, s:o, s:o}", "rounds", (json_int_t)result->rounds, "sample_seconds",
                  result->sample, "fma", fma, "rows", rows, "sip_cnn", sip_cnn_json(&result->sip_cnn));
    const int failed = !json || json_dumpf(json, stdout, JSON_INDENT(1)) != 0;
    putchar('\n');
    json_decref(json);
    return failed ? BENCH_EXIT_FAILED : BENCH_EXIT_OK;
}

static void print_row(const KernelsResult *result, int *i) {
    const Timed *first = &result->timed[*i];
    const BenchLayer *layer = &first->on->layer;
    char shape[64];
    snprintf(shape, sizeof shape, "%d of %dx%d > %d k%d s%d d%d", (int)layer->samples, (int)layer->length,
             (int)layer->in, (int)layer->out, (int)layer->taps, (int)layer->stride, (int)layer->dilation);
    printf("%-20s %-9s %-15s %c%-28s", layer->name, bench_layer_kind_name(layer->kind),
           bench_kernel_name(first->kernel), first->on->winograd ? '*' : ' ', shape);
    for (; *i < result->n_timed && result->timed[*i].on == first->on &&
           result->timed[*i].kernel == first->kernel;
         ++*i) {
        const Timed *timed = &result->timed[*i];
        printf("  %6.1f %6.1f %4.0f %%", median_gflops(timed), best_gflops(timed),
               100 * best_share(result, timed));
    }
    putchar('\n');
}

static void print_table(const KernelsResult *result) {
    printf("GFLOP/s on one thread: median of %zu turns of %.0f ms, best, and the best's share of the loop's "
           "best\n\n%-76s",
           result->rounds, 1e3 * result->sample, "");
    for (int level = 0; level < CORE_CPU_LEVELS; level++)
        if (result->fma[level].count) printf("  %-20s", core_cpu_level_name((CoreCpuLevel)level));
    printf("\n%-76s", "multiply-adds in registers (the loop)");
    for (int level = 0; level < CORE_CPU_LEVELS; level++)
        if (result->fma[level].count)
            printf("  %6.1f %6.1f       ", bench_series_median(&result->fma[level]),
                   bench_series_greatest(&result->fma[level]));
    putchar('\n');
    for (int i = 0; i < result->n_timed;)
        print_row(result, &i);
    puts("* by minimal filtering, which needs half of the multiply-adds that are counted here, those of the "
         "plain sums: so its share may exceed 100 %");
    const BenchSipCnn *sip = &result->sip_cnn;
    printf("\nSIP CNN, batches of %d random rows, %s kernels:\n", BENCH_SIP_BATCH,
           core_cpu_level_name(core_cpu_level()));
    for (int t = 0; t < BENCH_SIP_THREADS; t++)
        printf("  training, %d thread%s %8.0f rows/s, best %8.0f\n", t + 1, t ? "s:" : ": ",
               BENCH_SIP_BATCH / bench_series_median(&sip->training[t]),
               BENCH_SIP_BATCH / bench_series_least(&sip->training[t]));
    printf("  sensor's forward pass: %.2f us a row, best %.2f\n", 1e6 * bench_series_median(&sip->forward),
           1e6 * bench_series_least(&sip->forward));
}

/* ---- the command ---- */

/* BENCH_EXIT_OK: go on; -1: help was printed. */
static int read_options(int argc, char **argv, KernelsResult *result, bool *as_json) {
    static const struct option known[] = {{"rounds", required_argument, NULL, 'r'},
                                          {"sample", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    size_t sample = 3;
    result->rounds = 7;
    for (int letter; (letter = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (letter == 'h') return fputs(usage, stdout) < 0 ? BENCH_EXIT_FAILED : -1;
        if (letter == '?') return BENCH_EXIT_USAGE;
        if (letter == 'j') {
            *as_json = true;
        } else if (!(letter == 'r' ? bench_read_count(optarg, BENCH_ROUNDS_MAX, &result->rounds)
                                   : bench_read_count(optarg, 10000, &sample))) {
            fprintf(stderr, "sipcnn-bench kernels: \"%s\" is no number that fits (--help tells more)\n",
                    optarg);
            return BENCH_EXIT_USAGE;
        }
    }
    result->sample = 1e-3 * (double)sample;
    if (optind == argc) return BENCH_EXIT_OK;
    fprintf(stderr, "sipcnn-bench kernels: no argument \"%s\" (--help tells more)\n", argv[optind]);
    return BENCH_EXIT_USAGE;
}

int bench_kernels_command(int argc, char **argv) {
    bool as_json = false;
    CoreError error = {0};
    KernelsResult *result = calloc(1, sizeof *result);
    if (!result) {
        fputs("sipcnn-bench: out of memory\n", stderr);
        return BENCH_EXIT_FAILED;
    }
    int code = read_options(argc, argv, result, &as_json);
    if (code == BENCH_EXIT_OK && measure(result, &error)) {
        fprintf(stderr, "sipcnn-bench: %s\n", error.text);
        code = BENCH_EXIT_FAILED;
    } else if (code == BENCH_EXIT_OK) {
        if (as_json)
            code = print_json(result);
        else
            print_table(result);
    }
    for (int i = 0; i < result->n_cases; i++)
        bench_case_free(&result->cases[i]);
    free(result);
    return code < 0 ? BENCH_EXIT_OK : code;
}
