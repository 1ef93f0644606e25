/* sipcnn-data export: a dataset becomes captures with labels again.
 * Relies on: data/dataset (export, reader), tools/data/console.h.
 * Relied on by: tools/data/main. */
#include "data/dataset/export.h"
#include "tools/data/command.h"
#include "tools/data/console.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
    "usage: sipcnn-data export DATASET --output FOLDER [options]\n"
    "\n"
    "Writes each capture of a dataset as FOLDER/NAME.pcap with NAME.labels.tsv and NAME.runs.tsv: raw IP "
    "packets\n"
    "with UDP, or TCP for what came so. Importing them again gives the same rows, but for the numbers of "
    "frames.\n"
    "\n"
    "  --output FOLDER   made if it is not there\n"
    "  --capture NAME    this capture only; may be repeated\n"
    "  --class NAME      messages of this class only (also benign, ignore, unlabelled); may be repeated\n"
    "  --run N           messages of this run only, as sipcnn-data info --json numbers it; may be repeated\n"
    "  --keep-frames     messages keep the numbers of their frames: empty frames stand where no SIP was\n"
    "  --progress        a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data export lab.h5 --output captures\n"
    "  sipcnn-data export lab.h5 --output one --capture office-a --class flood\n"
    "  sipcnn-data export lab.h5 --output run7 --run 7\n";

enum { FILTERS_MAX = 256 };

/* Values of an option that may be repeated. */
typedef struct Filter {
    const char *values[FILTERS_MAX];
    int count;
} Filter;

typedef struct Arguments {
    const char *path, *output;
    Filter captures, classes, runs;
    bool keep_frames, progress;
} Arguments;

static int add_filter(Filter *filter, const char *name) {
    if (filter->count == FILTERS_MAX) return console_usage("export: more than %d %s", FILTERS_MAX, name);
    filter->values[filter->count++] = optarg;
    return -1;
}

static int parse_option(int option, Arguments *a) {
    switch (option) {
    case 'o': a->output = optarg; return -1;
    case 'c': return add_filter(&a->captures, "--capture");
    case 'k': return add_filter(&a->classes, "--class");
    case 'r': return add_filter(&a->runs, "--run");
    case 'f': a->keep_frames = true; return -1;
    case 'p': a->progress = true; return -1;
    case 'h': fputs(help, stdout); return EXIT_SUCCESS;
    default: return EXIT_USAGE;
    }
}

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {
        {"output", required_argument, NULL, 'o'}, {"capture", required_argument, NULL, 'c'},
        {"class", required_argument, NULL, 'k'},  {"run", required_argument, NULL, 'r'},
        {"keep-frames", no_argument, NULL, 'f'},  {"progress", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int option;
    memset(a, 0, sizeof *a);
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        int answer = parse_option(option, a);
        if (answer >= 0) return answer;
    }
    if (optind == count) return console_usage("export: no dataset given");
    if (optind + 1 < count)
        return console_usage("export: one dataset at a time, not also '%s'", words[optind + 1]);
    if (!a->output) return console_usage("export: --output is missing");
    a->path = words[optind];
    return -1;
}

/* ---- filters ------------------------------------------------------------------------------------------- */

/* What the filters say of one dataset. */
typedef struct Wanted {
    bool *captures, *runs; /* [n_captures], [n_runs] */
    bool primaries[256];
} Wanted;

static CoreStatus find_capture(const Dataset *head, const char *name, bool *captures, CoreError *error) {
    for (uint32_t i = 0; i < head->n_captures; i++)
        if (strcmp(head->captures[i].name, name) == 0) {
            captures[i] = true;
            return CORE_OK;
        }
    return core_fail(error, CORE_NOT_FOUND, "no capture is called %.80s", name);
}

static CoreStatus find_class(const Dataset *head, const char *name, bool *primaries, CoreError *error) {
    for (uint32_t i = 0; i < 256; i++)
        if (strcmp(dataset_primary_name(head, i), name) == 0 && strcmp(name, "unknown") != 0) {
            primaries[i] = true;
            return CORE_OK;
        }
    return core_fail(error, CORE_NOT_FOUND, "no class is called %.80s", name);
}

static CoreStatus find_run(const Dataset *head, const char *text, bool *runs, CoreError *error) {
    uint64_t number;
    if (console_count(text, head->n_runs, &number) && number >= 1) {
        runs[number - 1] = true;
        return CORE_OK;
    }
    return core_fail(error, CORE_NOT_FOUND, "no run %.80s: the dataset has runs 1 to %u", text, head->n_runs);
}

static CoreStatus look_up(const Arguments *a, const Dataset *head, Wanted *wanted, CoreError *error) {
    CoreStatus status = CORE_OK;
    wanted->captures = calloc(head->n_captures + 1u, sizeof *wanted->captures);
    wanted->runs = calloc(head->n_runs + 1u, sizeof *wanted->runs);
    if (!wanted->captures || !wanted->runs)
        return core_fail(error, CORE_MEMORY, "no memory for %u runs", head->n_runs);
    for (uint32_t i = 0; a->captures.count == 0 && i < head->n_captures; i++)
        wanted->captures[i] = true;
    for (int i = 0; i < a->captures.count && status == CORE_OK; i++)
        status = find_capture(head, a->captures.values[i], wanted->captures, error);
    for (int i = 0; i < a->classes.count && status == CORE_OK; i++)
        status = find_class(head, a->classes.values[i], wanted->primaries, error);
    for (int i = 0; i < a->runs.count && status == CORE_OK; i++)
        status = find_run(head, a->runs.values[i], wanted->runs, error);
    return status == CORE_OK ? status : core_fail_context(error, status, "%s", a->path);
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static CoreStatus export_capture(const Arguments *a, DatasetReader *reader, uint32_t capture,
                                 const Wanted *wanted, uint64_t *messages, CoreError *error) {
    Console console;
    DatasetProgress progress = {console_progress, &console};
    DatasetExportReport report;
    const char *name = dataset_reader_head(reader)->captures[capture].name;
    DatasetExportOptions options = {.primaries = a->classes.count ? wanted->primaries : NULL,
                                    .runs = a->runs.count ? wanted->runs : NULL,
                                    .keep_frames = a->keep_frames,
                                    .progress = &progress};
    console_progress_begin(&console, name, a->progress);
    console.counted = &report.messages;
    console.unit = "messages";
    CoreStatus status = dataset_export_capture(reader, capture, a->output, &options, &report, error);
    console_progress_end(&console);
    if (status != CORE_OK) return core_fail_context(error, status, "%s", a->path);
    *messages += report.messages;
    if (!report.named) return CORE_OK;
    printf("%s/%s.pcap: %llu messages in %llu frames, %u runs", a->output, name,
           (unsigned long long)report.messages, (unsigned long long)report.frames, report.runs);
    if (report.fillers) printf(", %llu frames empty", (unsigned long long)report.fillers);
    printf("\n");
    return CORE_OK;
}

static CoreStatus export_all(const Arguments *a, DatasetReader *reader, Wanted *wanted, CoreError *error) {
    const Dataset *head = dataset_reader_head(reader);
    uint64_t messages = 0;
    CoreStatus status = look_up(a, head, wanted, error);
    if (status == CORE_OK && mkdir(a->output, 0777) != 0 && errno != EEXIST)
        status = core_fail(error, CORE_IO, "%s: cannot create: %s", a->output, strerror(errno));
    for (uint32_t c = 0; c < head->n_captures && status == CORE_OK; c++)
        if (wanted->captures[c]) status = export_capture(a, reader, c, wanted, &messages, error);
    if (status == CORE_OK && messages == 0)
        status = core_fail(error, CORE_NOT_FOUND, "%s: no message is what was asked for", a->path);
    return status;
}

int command_export(int count, char **words) {
    Arguments a;
    Wanted wanted = {0};
    DatasetReader *reader;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    console_catch_signals();
    if (dataset_reader_open(a.path, &reader, &error) != CORE_OK) return console_fail(&error);
    CoreStatus status = export_all(&a, reader, &wanted, &error);
    dataset_reader_close(reader);
    free(wanted.captures);
    free(wanted.runs);
    return status == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
}
