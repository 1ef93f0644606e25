/* sipcnn-data merge: several datasets become one.
 * Relies on: data/dataset (merge), tools/data/console.h, tools/data/output.h.
 * Relied on by: tools/data/main. */
#include "data/dataset/merge.h"
#include "tools/data/command.h"
#include "tools/data/console.h"
#include "tools/data/output.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sipcnn-data merge --output FILE DATASET...\n"
    "\n"
    "Captures, runs and messages of the datasets, one behind the other, become one dataset FILE. Runs are\n"
    "numbered anew. Splits of one name become one; what a dataset without that split brings is unused in "
    "it.\n"
    "Their classes must be the same, and no capture may come twice, by name or by content.\n"
    "\n"
    "  --output FILE   the dataset; written whole or not at all; may be one of the inputs\n"
    "  --progress      a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data merge --output all.h5 lab.h5 synth.h5\n"
    "  sipcnn-data merge --output year.h5 year.h5 december.h5\n";

typedef struct Arguments {
    const char *output;
    bool progress;
} Arguments;

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"progress", no_argument, NULL, 'p'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    memset(a, 0, sizeof *a);
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        switch (option) {
        case 'o': a->output = optarg; break;
        case 'p': a->progress = true; break;
        case 'h': fputs(help, stdout); return EXIT_SUCCESS;
        default: return EXIT_USAGE;
        }
    }
    if (!a->output) return console_usage("merge: --output is missing");
    if (optind == count) return console_usage("merge: no dataset given");
    return -1;
}

/* What has been written about the inputs so far, and whether all of them are pseudonymised. */
typedef struct Origin {
    char text[DATASET_PROVENANCE_SIZE];
    size_t used;
    uint32_t pseudonymised;
} Origin;

static void add_origin(Origin *origin, const Dataset *head) {
    size_t room = sizeof origin->text - origin->used;
    int wrote = snprintf(origin->text + origin->used, room, "%s[%s]",
                         origin->used ? " " : "sipcnn-data merge ", head->provenance);
    if (wrote > 0) origin->used += (size_t)wrote < room ? (size_t)wrote : room - 1;
    origin->pseudonymised &= head->pseudonymised;
}

/* The writer is opened with the first dataset's classes. */
static CoreStatus merge_one(const Arguments *a, const char *path, DatasetWriter **writer, Origin *origin,
                            CoreError *error) {
    Console console;
    DatasetProgress progress = {console_progress, &console};
    DatasetMergeOptions options = {false, &progress};
    DatasetReader *reader;
    CoreStatus status = dataset_reader_open(path, &reader, error);
    if (status != CORE_OK) return status;
    const Dataset *head = dataset_reader_head(reader);
    if (!*writer) status = dataset_writer_open(a->output, head->class_list, head->n_classes, writer, error);
    if (status == CORE_OK) {
        console_progress_begin(&console, path, a->progress);
        status = dataset_merge_into(reader, *writer, &options, error);
        console_progress_end(&console);
        if (status != CORE_OK) core_fail_context(error, status, "%s", path);
        add_origin(origin, head);
    }
    dataset_reader_close(reader);
    return status;
}

int command_merge(int count, char **words) {
    Arguments a;
    DatasetWriter *writer = NULL;
    Origin origin = {.pseudonymised = 1};
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    console_catch_signals();
    CoreStatus status = CORE_OK;
    for (int i = optind; i < count && status == CORE_OK; i++)
        status = merge_one(&a, words[i], &writer, &origin, &error);
    if (!writer) return console_fail(&error);
    dataset_writer_describe(writer, origin.text, origin.pseudonymised);
    status = output_seal(writer, a.output, a.output, status, &error);
    return status == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
}
