/* sipcnn-data augment: siblings of captures, for training.
 * Relies on: data/dataset/augment.h, tools/data/console.h, tools/data/output.h.
 * Relied on by: tools/data/main. */
#include "data/dataset/augment.h"
#include "tools/data/command.h"
#include "tools/data/console.h"
#include "tools/data/output.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sipcnn-data augment FILE --output FILE [options]\n"
    "\n"
    "Copies a dataset and appends siblings of each of its captures: the same messages from other addresses "
    "and\n"
    "users, in other styles, at another pace, with other losses. Labels and runs go with them, and a "
    "sibling\n"
    "stands where its capture stands in every split. What was valid stays valid, what was not stays as it "
    "is.\n"
    "A capture with attack runs is made quicker (down to 0.7 of its time), never slower: classes have "
    "rates;\n"
    "others take 0.7 to 1.4 of their time.\n"
    "\n"
    "  --output FILE     the dataset; written whole or not at all\n"
    "  --siblings N      of each capture, 1 to 64 (1)\n"
    "  --only LIST       change only these, separated by commas: identities, order, case, compact, fold, "
    "pad,\n"
    "                    optional, time, loss\n"
    "  --seed N          another draw (1)\n"
    "  --progress        a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data augment lab.h5 --output lab-3.h5 --siblings 2\n"
    "  sipcnn-data augment lab.h5 --output styles.h5 --only order,case,compact --seed 7\n";

typedef struct Arguments {
    const char *input, *output;
    DatasetAugmentOptions options;
    bool progress;
} Arguments;

/* In the order of DATASET_AUGMENT_*. Cuts the list in place. */
static int parse_changes(char *list, uint32_t *changes) {
    static const char *const names[] = {"identities", "order",    "case", "compact", "fold",
                                        "pad",        "optional", "time", "loss"};
    char *state;
    *changes = 0;
    for (char *word = strtok_r(list, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
        size_t i = 0;
        while (i < sizeof names / sizeof *names && strcmp(word, names[i]) != 0)
            i++;
        if (i == sizeof names / sizeof *names)
            return console_usage("augment: --only: there is no '%s'", word);
        *changes |= 1u << i;
    }
    return *changes ? -1 : console_usage("augment: --only: an empty list");
}

static int parse_option(int option, Arguments *a) {
    uint64_t number;
    switch (option) {
    case 'o': a->output = optarg; return -1;
    case 'n':
        if (!console_count(optarg, DATASET_SIBLINGS_MAX, &number) || !number)
            return console_usage("augment: --siblings is 1 to %d, not '%s'", DATASET_SIBLINGS_MAX, optarg);
        a->options.siblings = (uint32_t)number;
        return -1;
    case 'c': return parse_changes(optarg, &a->options.changes);
    case 's':
        return console_count(optarg, UINT64_MAX, &a->options.seed)
                   ? -1
                   : console_usage("augment: --seed: '%s' is no number", optarg);
    case 'p': a->progress = true; return -1;
    case 'h': fputs(help, stdout); return EXIT_SUCCESS;
    default: return EXIT_USAGE;
    }
}

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"siblings", required_argument, NULL, 'n'},
                                          {"only", required_argument, NULL, 'c'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"progress", no_argument, NULL, 'p'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    *a = (Arguments){.options = {.seed = 1, .siblings = 1, .changes = DATASET_AUGMENT_ALL}};
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        int answer = parse_option(option, a);
        if (answer >= 0) return answer;
    }
    if (!a->output) return console_usage("augment: --output is missing");
    if (optind == count) return console_usage("augment: no dataset given");
    if (optind + 1 < count)
        return console_usage("augment: one dataset at a time, not also '%s'", words[optind + 1]);
    a->input = words[optind];
    return -1;
}

static void describe(const Arguments *a, const Dataset *head, DatasetWriter *writer) {
    char text[DATASET_PROVENANCE_SIZE];
    int length =
        snprintf(text, sizeof text, "sipcnn-data augment --siblings %u --seed %llu (changes %#x) [%.*s]",
                 (unsigned)a->options.siblings, (unsigned long long)a->options.seed,
                 (unsigned)a->options.changes, (int)(sizeof text - 128), head->provenance);
    if (length > 0) dataset_writer_describe(writer, text, head->pseudonymised);
}

int command_augment(int count, char **words) {
    Arguments a;
    Console console;
    DatasetProgress progress = {console_progress, &console};
    DatasetReader *reader;
    DatasetWriter *writer;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    if (dataset_reader_open(a.input, &reader, &error) != CORE_OK) return console_fail(&error);
    const Dataset *head = dataset_reader_head(reader);
    console_catch_signals();
    CoreStatus status = dataset_writer_open(a.output, head->class_list, head->n_classes, &writer, &error);
    if (status == CORE_OK) {
        a.options.progress = &progress;
        console_progress_begin(&console, a.input, a.progress);
        status = dataset_augment(reader, writer, &a.options, &error);
        console_progress_end(&console);
        describe(&a, head, writer);
        status = output_seal(writer, a.output, a.output, status, &error);
    }
    dataset_reader_close(reader);
    return status == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
}
