/* sipcnn-data import: captures and their labels become a dataset file.
 * Relies on: data/dataset (import, store), tools/data/classes.h, tools/data/console.h.
 * Relied on by: tools/data/main. */
#include "data/dataset/import.h"
#include "data/dataset/store.h"
#include "tools/data/classes.h"
#include "tools/data/command.h"
#include "tools/data/console.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    "  --progress              a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data import --output lab.h5 data/samples/*.pcap.xz\n"
    "  sipcnn-data import --output site.h5 --label-default benign monday.pcap tuesday.pcap\n"
    "  sipcnn-data import --output site.h5 --labels incident.csv --label-default benign monday.pcap\n";

typedef struct Arguments {
    const char *output;
    DatasetImportOptions options;
    bool consecutive, progress;
} Arguments;

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"labels", required_argument, NULL, 'l'},
                                          {"label-default", required_argument, NULL, 'd'},
                                          {"session", required_argument, NULL, 's'},
                                          {"consecutive", no_argument, NULL, 'c'},
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
    const char *slash = strrchr(path, '/');
    printf("%s: %llu messages, %s, %u runs, %.0f messages/s\n", slash ? slash + 1 : path,
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

static CoreStatus import_captures(const Arguments *a, int count, char **captures, Dataset *dataset,
                                  CoreError *error) {
    Console console;
    DatasetProgress progress = {console_progress, &console};
    DatasetImportOptions options = a->options;
    options.progress = &progress;
    for (int i = 0; i < count; i++) {
        DatasetImportReport report;
        double start = console_seconds();
        console_progress_begin(&console, captures[i], a->progress);
        console.counted = &report.messages;
        console.unit = "messages";
        options.follows = a->consecutive && i > 0;
        CoreStatus status = dataset_import(captures[i], &options, dataset, &report, error);
        console_progress_end(&console);
        if (status == CORE_OK && !console_progress(&console, 1, 1))
            status = core_fail(error, CORE_INTERRUPTED, "%s: interrupted", captures[i]);
        if (status != CORE_OK) return status;
        print_report(captures[i], &report, console_seconds() - start);
    }
    return CORE_OK;
}

/* How the file was made, without where: options and the captures' names. */
static void note_provenance(Dataset *dataset, const Arguments *a, int count, char **captures) {
    char *text = dataset->provenance;
    size_t room = sizeof dataset->provenance, used;
    used = (size_t)snprintf(text, room, "sipcnn-data %s import%s%s%s", SIPCNN_VERSION,
                            a->options.otherwise == DATASET_BENIGN ? " --label-default benign" : "",
                            a->options.labels ? " --labels" : "", a->consecutive ? " --consecutive" : "");
    for (int i = 0; i < count && used < room; i++) {
        const char *slash = strrchr(captures[i], '/');
        int wrote = snprintf(text + used, room - used, " %s", slash ? slash + 1 : captures[i]);
        if (wrote > 0) used += (size_t)wrote;
    }
}

/* Found out before an hour's import rather than after it. */
static bool can_create(const char *path, CoreError *error) {
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    if (length >= sizeof folder) length = sizeof folder - 1;
    memcpy(folder, path, length);
    folder[length] = '\0';
    if (access(length ? folder : ".", W_OK | X_OK) == 0) return true;
    core_fail(error, CORE_IO, "%s: cannot create: %s", path, strerror(errno));
    return false;
}

static int write_dataset(const Dataset *dataset, const char *path, CoreError *error) {
    struct stat info;
    double start = console_seconds();
    if (dataset_write(dataset, path, error) != CORE_OK) return console_fail(error);
    printf("%s: %llu messages, %u captures, %u runs", path, (unsigned long long)dataset->count,
           dataset->n_captures, dataset->n_runs);
    if (stat(path, &info) == 0) printf(", %.1f MiB", (double)info.st_size / (1 << 20));
    printf(", written in %.1f s\n", console_seconds() - start);
    return EXIT_SUCCESS;
}

int command_import(int count, char **words) {
    Arguments a;
    Dataset dataset;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    if (!can_create(a.output, &error)) return console_fail(&error);
    console_catch_signals();
    if (dataset_init(&dataset, default_classes, default_class_count, &error) != CORE_OK)
        return console_fail(&error);
    if (import_captures(&a, count - optind, words + optind, &dataset, &error) == CORE_OK) {
        note_provenance(&dataset, &a, count - optind, words + optind);
        answer = write_dataset(&dataset, a.output, &error);
    } else {
        answer = console_fail(&error);
    }
    dataset_free(&dataset);
    return answer;
}
