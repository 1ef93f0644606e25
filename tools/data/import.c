/* sipcnn-data import: captures and their labels become a dataset file.
 * Relies on: data/dataset (import, writer, merge), tools/data (classes, console, output, parts).
 * Relied on by: tools/data/main. */
#include "data/dataset/import.h"
#include "data/dataset/merge.h"
#include "tools/data/classes.h"
#include "tools/data/command.h"
#include "tools/data/console.h"
#include "tools/data/output.h"
#include "tools/data/parts.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sipcnn-data import --output FILE [options] CAPTURE...\n"
    "\n"
    "Every SIP message of the captures (pcap or pcapng, plain or .xz) becomes a row of a new dataset FILE "
    "(HDF5).\n"
    "Labels stand beside NAME.pcap as NAME.labels.tsv with NAME.runs.tsv (one row per message), or as\n"
    "NAME.labels.csv (rules), plain or .xz. Rows and messages must match.\n"
    "\n"
    "  --output FILE           the dataset; written whole or not at all\n"
    "  --labels FILE           label file of either form, for all captures given\n"
    "  --label-default WHAT    benign or unlabelled (default): what no label speaks of\n"
    "  --session NAME          the session the captures belong to (default: each its own name)\n"
    "  --consecutive           each capture goes on where the one before it ended\n"
    "  --resume                keeps each finished capture in FILE.parts until all are done; the same "
    "command\n"
    "                          again goes on after what was stopped, with the same result\n"
    "  --progress              a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data import --output lab.h5 data/samples/*.pcap.xz\n"
    "  sipcnn-data import --output site.h5 --label-default benign monday.pcap tuesday.pcap\n"
    "  sipcnn-data import --output site.h5 --labels incident.csv --label-default benign monday.pcap\n"
    "  sipcnn-data import --output month.h5 --resume captures/*.pcap\n";

typedef struct Arguments {
    const char *output;
    DatasetImportOptions options;
    bool consecutive, progress, resume;
} Arguments;

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"labels", required_argument, NULL, 'l'},
                                          {"label-default", required_argument, NULL, 'd'},
                                          {"session", required_argument, NULL, 's'},
                                          {"consecutive", no_argument, NULL, 'c'},
                                          {"resume", no_argument, NULL, 'r'},
                                          {"progress", no_argument, NULL, 'p'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    memset(a, 0, sizeof *a);
    a->options.otherwise = DATASET_UNLABELLED;
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        switch (option) {
        case 'o': a->output = optarg; break;
        case 'l': a->options.labels = optarg; break;
        case 's': a->options.session = optarg; break;
        case 'c': a->consecutive = true; break;
        case 'r': a->resume = true; break;
        case 'p': a->progress = true; break;
        case 'd':
            if (strcmp(optarg, "benign") == 0)
                a->options.otherwise = DATASET_BENIGN;
            else if (strcmp(optarg, "unlabelled") == 0)
                a->options.otherwise = DATASET_UNLABELLED;
            else
                return console_usage("--label-default is benign or unlabelled, not '%s'", optarg);
            break;
        case 'h': fputs(help, stdout); return EXIT_SUCCESS;
        default: return EXIT_USAGE;
        }
    }
    if (!a->output) return console_usage("import: --output is missing");
    if (optind == count) return console_usage("import: no capture given");
    return -1;
}

static void print_report(const char *path, const DatasetImportReport *report, double seconds) {
    static const char *const fates[WIRE_PACKET_FATES] = {
#define FATE(name, text) text,
        WIRE_PACKET_MAP(FATE)
#undef FATE
    };
    static const char *const forms[] = {"no labels", "labels per message", "rules"};
    printf("%s: %llu messages, %s, %u runs, %.0f messages/s\n", output_base(path),
           (unsigned long long)report->messages, forms[report->form], report->runs,
           seconds > 0 ? (double)report->messages / seconds : 0.0);
    printf("  %llu packets:", (unsigned long long)report->wire.packets);
    const char *comma = "";
    for (int i = 0; i < WIRE_PACKET_FATES; i++) {
        if (!report->wire.fate[i]) continue;
        printf("%s %llu %s", comma, (unsigned long long)report->wire.fate[i], fates[i]);
        comma = ",";
    }
    printf("\n");
    if (report->form == DATASET_LABELS_ROWS && (report->without_label || report->without_message))
        printf("  %llu messages without a row, %llu rows without a message\n",
               (unsigned long long)report->without_label, (unsigned long long)report->without_message);
    if (report->form == DATASET_LABELS_RULES)
        printf("  %llu messages that no rule matches\n", (unsigned long long)report->without_label);
}

/* One capture into the writer, with a progress line and a report. */
static CoreStatus import_capture(const Arguments *a, const char *path, bool follows, DatasetWriter *writer,
                                 CoreError *error) {
    Console console;
    DatasetProgress progress = {console_progress, &console};
    DatasetImportOptions options = a->options;
    DatasetImportReport report;
    double start = console_seconds();
    console_progress_begin(&console, path, a->progress);
    console.counted = &report.messages;
    console.unit = "messages";
    options.progress = &progress;
    options.follows = follows;
    CoreStatus status = dataset_import_to(path, &options, writer, &report, error);
    console_progress_end(&console);
    if (status == CORE_OK && !console_progress(&console, 1, 1))
        status = core_fail(error, CORE_INTERRUPTED, "%s: interrupted", path);
    if (status == CORE_OK) print_report(path, &report, console_seconds() - start);
    return status;
}

static CoreStatus import_captures(const Arguments *a, int count, char **captures, DatasetWriter *writer,
                                  CoreError *error) {
    CoreStatus status = CORE_OK;
    for (int i = 0; i < count && status == CORE_OK; i++)
        status = import_capture(a, captures[i], a->consecutive && i > 0, writer, error);
    return status;
}

/* ---- in parts ------------------------------------------------------------------------------------------ */

/* Imports a capture into its part, unless that is there. */
static CoreStatus make_part(const Arguments *a, const Parts *parts, const char *capture, CoreError *error) {
    char path[PARTS_PATH_ROOM];
    DatasetWriter *writer;
    uint64_t messages;
    CoreStatus status = parts_path(parts, capture, &a->options, path, error);
    if (status != CORE_OK) return status;
    if (parts_find(path, &messages)) {
        printf("%s: %llu messages, imported before\n", output_base(capture), (unsigned long long)messages);
        return CORE_OK;
    }
    status = dataset_writer_open(path, default_classes, default_class_count, &writer, error);
    if (status == CORE_OK)
        status = output_end(writer, import_capture(a, capture, false, writer, error), error);
    return status;
}

static CoreStatus merge_part(const Arguments *a, const Parts *parts, const char *capture, bool follows,
                             DatasetWriter *writer, CoreError *error) {
    Console console;
    DatasetProgress progress = {console_progress, &console};
    DatasetMergeOptions options = {follows, &progress};
    DatasetReader *reader;
    char path[PARTS_PATH_ROOM];
    CoreStatus status = parts_path(parts, capture, &a->options, path, error);
    if (status == CORE_OK) status = dataset_reader_open(path, &reader, error);
    if (status != CORE_OK) return status;
    console_progress_begin(&console, path, a->progress);
    status = dataset_merge_into(reader, writer, &options, error);
    console_progress_end(&console);
    dataset_reader_close(reader);
    return status == CORE_OK ? status : core_fail_context(error, status, "%s", capture);
}

static CoreStatus import_in_parts(const Arguments *a, int count, char **captures, const Parts *parts,
                                  DatasetWriter *writer, CoreError *error) {
    CoreStatus status = CORE_OK;
    for (int i = 0; i < count && status == CORE_OK; i++)
        status = make_part(a, parts, captures[i], error);
    for (int i = 0; i < count && status == CORE_OK; i++)
        status = merge_part(a, parts, captures[i], a->consecutive && i > 0, writer, error);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

/* How the file was made, without where: options and the captures' names. */
static void note_provenance(DatasetWriter *writer, const Arguments *a, int count, char **captures) {
    char text[DATASET_PROVENANCE_SIZE];
    size_t room = sizeof text, used;
    used = (size_t)snprintf(text, room, "sipcnn-data %s import%s%s%s", SIPCNN_VERSION,
                            a->options.otherwise == DATASET_BENIGN ? " --label-default benign" : "",
                            a->options.labels ? " --labels" : "", a->consecutive ? " --consecutive" : "");
    for (int i = 0; i < count && used < room; i++) {
        int wrote = snprintf(text + used, room - used, " %s", output_base(captures[i]));
        if (wrote > 0) used += (size_t)wrote;
    }
    dataset_writer_describe(writer, text, 0);
}

static CoreStatus import_all(const Arguments *a, int count, char **captures, const Parts *parts,
                             CoreError *error) {
    DatasetWriter *writer;
    const char *made = a->resume ? parts->result : a->output;
    CoreStatus status = dataset_writer_open(made, default_classes, default_class_count, &writer, error);
    if (status != CORE_OK) return status;
    status = a->resume ? import_in_parts(a, count, captures, parts, writer, error)
                       : import_captures(a, count, captures, writer, error);
    if (status == CORE_OK) note_provenance(writer, a, count, captures);
    return output_seal(writer, made, a->output, status, error);
}

int command_import(int count, char **words) {
    Arguments a;
    Parts parts;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    console_catch_signals();
    if (a.resume && parts_open(&parts, a.output, &error) != CORE_OK) return console_fail(&error);
    CoreStatus status = import_all(&a, count - optind, words + optind, &parts, &error);
    if (a.resume) parts_close(&parts, status == CORE_OK);
    if (a.resume && status == CORE_INTERRUPTED)
        fputs("sipcnn-data: finished captures are kept; the same command goes on after them\n", stderr);
    return status == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
}
