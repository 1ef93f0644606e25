/* sipcnn-bench latency: time per message of each step, and of sipcnn-infer as a whole.
 * Relies on: bench/latency.h, jansson, getopt_long.
 * Relied on by: bench/main.c. */
#include "bench/commands.h"
#include "bench/latency.h"
#include "bench/options.h"
#include "data/digest/digest.h"
#include "data/wire/osip.h"
#include "engine/core/cpu.h"
#include "engine/core/file.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: sipcnn-bench latency --model FILE.sipcnn --read CAPTURE [option...]\n\n"
    "Times every message on one thread through the steps of the path: read, encode (scan and libosip2), "
    "context\n"
    "(counters and dialogs), forward (the network). Then runs sipcnn-infer on the capture as a process of "
    "its own.\n\n"
    "options:\n"
    "  --model FILE      the model\n"
    "  --read CAPTURE    pcap or pcapng\n"
    "  --repeat N        passes over the capture, each with an empty context (3)\n"
    "  --limit N         messages of a pass, at most (200000)\n"
    "  --infer PROGRAM   the sensor to run (sipcnn-infer from the PATH); \"\" for none\n"
    "  --json            print JSON\n\n"
    "example:\n"
    "  sipcnn-bench latency --model models/first-light.sipcnn --read lab.pcap --infer "
    "build/infer/sipcnn-infer\n";

typedef struct LatencyOptions {
    const char *model, *capture, *infer;
    size_t repeat, limit;
    bool json;
} LatencyOptions;

typedef struct LatencyResult {
    BenchSummary steps[BENCH_STEPS];
    size_t messages; /* of a pass */
    bool ran;        /* the sensor, too */
    BenchProcess process;
} LatencyResult;

static CoreStatus measure(const LatencyOptions *options, const CoreModel *model, LatencyResult *result,
                          CoreError *error) {
    BenchTimes times = {0};
    CoreStatus status = wire_osip_init(error);
    for (size_t i = 0; status == CORE_OK && i < options->repeat; i++)
        status = bench_latency_run(model, options->capture, options->limit, &times, error);
    if (status == CORE_OK && !times.count)
        status = core_fail(error, CORE_NOT_FOUND, "%s: no SIP message in it", options->capture);
    for (int step = 0; status == CORE_OK && step < BENCH_STEPS; step++)
        result->steps[step] = bench_times_summary(&times, (BenchStep)step);
    result->messages = times.count / options->repeat;
    bench_times_free(&times);
    return status;
}

/* The fastest of the runs: the others had company. */
static CoreStatus run_sensor(const LatencyOptions *options, LatencyResult *result, CoreError *error) {
    const char *argv[] = {options->infer, "--model",   options->model, "--read", options->capture,
                          "--verdicts",   "/dev/null", "--workers",    "0",      "--quiet",
                          "--json",       NULL};
    for (size_t i = 0; i < options->repeat; i++) {
        BenchProcess process;
        CoreStatus status = bench_process_run(argv, &process, error);
        if (status) return status;
        if (!result->ran || process.seconds < result->process.seconds) result->process = process;
        result->ran = true;
    }
    return CORE_OK;
}

static json_t *summary_json(const BenchSummary *s) {
    return json_pack("{s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "mean_ns", s->mean, "min_ns",
                     (json_int_t)s->least, "median_ns", (json_int_t)s->median, "p90_ns", (json_int_t)s->p90,
                     "p99_ns", (json_int_t)s->p99, "p999_ns", (json_int_t)s->p999, "max_ns",
                     (json_int_t)s->greatest, "messages_per_second", s->mean > 0 ? 1e9 / s->mean : 0);
}

static int print_json(const LatencyOptions *options, const LatencyResult *result) {
    json_t *steps = json_object();
    for (int step = 0; step < BENCH_STEPS; step++)
        json_object_set_new(steps, bench_step_name((BenchStep)step), summary_json(&result->steps[step]));
    json_t *process =
        result->ran ? json_pack("{s:f, s:f, s:i, s:f}", "seconds", result->process.seconds, "cpu_seconds",
                                result->process.cpu_seconds, "max_rss_kib", (int)result->process.max_rss_kib,
                                "messages_per_second", (double)result->messages / result->process.seconds)
                    : json_null();
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o}", "model", options->model, "capture", options->capture,
                  "cpu", core_cpu_level_name(core_cpu_level()), "messages", (json_int_t)result->messages,
                  "repeat", (json_int_t)options->repeat, "steps", steps, "sensor", process);
    int failed = !json || json_dumpf(json, stdout, JSON_INDENT(1)) != 0;
    putchar('\n');
    json_decref(json);
    return failed ? BENCH_EXIT_FAILED : BENCH_EXIT_OK;
}

static int print_table(const LatencyOptions *options, const LatencyResult *result) {
    printf("%zu messages of %s, %zu times, one thread, %s kernels; microseconds a message\n",
           result->messages, options->capture, options->repeat, core_cpu_level_name(core_cpu_level()));
    printf("%-9s %8s %8s %8s %8s %8s %8s %8s %12s\n", "step", "min", "median", "mean", "p90", "p99", "p99.9",
           "max", "messages/s");
    for (int step = 0; step < BENCH_STEPS; step++) {
        const BenchSummary *s = &result->steps[step];
        printf("%-9s %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %8.1f %12.0f\n", bench_step_name((BenchStep)step),
               s->least / 1e3, s->median / 1e3, s->mean / 1e3, s->p90 / 1e3, s->p99 / 1e3, s->p999 / 1e3,
               s->greatest / 1e3, s->mean > 0 ? 1e9 / s->mean : 0);
    }
    if (result->ran)
        printf("%s, best of %zu: %.3f s, %.3f s of CPU, %.0f messages/s, %.1f MiB resident\n", options->infer,
               options->repeat, result->process.seconds, result->process.cpu_seconds,
               (double)result->messages / result->process.seconds,
               (double)result->process.max_rss_kib / 1024);
    return BENCH_EXIT_OK;
}

/* BENCH_EXIT_OK: go on; -1: help was printed. */
static int read_options(int argc, char **argv, LatencyOptions *options) {
    static const struct option known[] = {
        {"model", required_argument, NULL, 'm'},  {"read", required_argument, NULL, 'r'},
        {"repeat", required_argument, NULL, 'n'}, {"limit", required_argument, NULL, 'l'},
        {"infer", required_argument, NULL, 'i'},  {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {0}};
    *options = (LatencyOptions){.infer = "sipcnn-infer", .repeat = 3, .limit = 200000};
    for (int letter; (letter = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        switch (letter) {
        case 'm': options->model = optarg; break;
        case 'r': options->capture = optarg; break;
        case 'i': options->infer = optarg; break;
        case 'j': options->json = true; break;
        case 'h': return fputs(usage, stdout) < 0 ? BENCH_EXIT_FAILED : -1;
        case 'n':
        case 'l':
            if (bench_read_count(optarg, 100000000, letter == 'n' ? &options->repeat : &options->limit))
                break;
            fprintf(stderr, "sipcnn-bench: \"%s\" is no number from 1 up\n", optarg);
            return BENCH_EXIT_USAGE;
        default: return BENCH_EXIT_USAGE;
        }
    }
    if (options->model && options->capture && optind == argc) return BENCH_EXIT_OK;
    fprintf(stderr,
            "sipcnn-bench latency: --model and --read are needed, and nothing else (--help tells more)\n");
    return BENCH_EXIT_USAGE;
}

int bench_latency_command(int argc, char **argv) {
    LatencyOptions options;
    int result = read_options(argc, argv, &options);
    if (result) return result < 0 ? BENCH_EXIT_OK : result;
    CoreError error = {0};
    uint8_t *bytes = NULL;
    size_t size;
    CoreModel *model = calloc(1, sizeof *model);
    LatencyResult measured = {0};
    CoreStatus status = model ? core_file_read(options.model, CORE_MODEL_SIZE_MAX, &bytes, &size, &error)
                              : core_fail(&error, CORE_MEMORY, "out of memory");
    if (status == CORE_OK) {
        status = core_model_read(bytes, size, digest_sha256, model, &error);
        if (status) core_fail_context(&error, status, "%s", options.model);
    }
    if (status == CORE_OK) status = measure(&options, model, &measured, &error);
    if (status == CORE_OK && *options.infer) status = run_sensor(&options, &measured, &error);
    if (status) {
        fprintf(stderr, "sipcnn-bench: %s\n", error.text);
        result = BENCH_EXIT_FAILED;
    } else {
        result = options.json ? print_json(&options, &measured) : print_table(&options, &measured);
    }
    free(model);
    free(bytes);
    return result;
}
