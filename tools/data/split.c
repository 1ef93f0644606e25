/* sipcnn-data split: names which captures, runs and tools train, validate and test.
 * Relies on: data/dataset (split, store), tools/data/balance.h, tools/data/console.h.
 * Relied on by: tools/data/main. */
#include "data/dataset/split.h"
#include "data/dataset/store.h"
#include "tools/data/balance.h"
#include "tools/data/command.h"
#include "tools/data/console.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sipcnn-data split FILE --name NAME --by capture|run|tool|time [options]\n"
    "\n"
    "Adds the split NAME to the dataset FILE, or replaces it. Sides are train, validation, test and unused.\n"
    "\n"
    "  --name NAME             letters, digits, '-' and '_'\n"
    "  --by capture            whole captures, with all their runs\n"
    "  --by run                runs, those of each class on every side; the rest goes with its capture\n"
    "  --by tool               all runs of a tool together; the rest goes with its capture\n"
    "  --by time               captures in order of time: the earliest train, the latest test\n"
    "  --validation SHARE      share for validation, 0..1 (0.2)\n"
    "  --test SHARE            share for the test (0)\n"
    "  --assign NAME=SIDE      puts a capture (by tool: a tool) on a side; may be repeated\n"
    "  --seed N                another draw (1)\n"
    "  --help\n"
    "\n"
    "Of many seeded draws the one that comes nearest to the shares, class by class, is kept. There is no "
    "split by\n"
    "message: parts of one dialog, run or client would stand on both sides.\n"
    "\n"
    "examples:\n"
    "  sipcnn-data split lab.h5 --name first --by capture --validation 0.2 --seed 1\n"
    "  sipcnn-data split lab.h5 --name new-tool --by tool --assign svcrack=test --validation 0.2\n";

enum { ASSIGNMENTS_MAX = 256 };

typedef struct Arguments {
    const char *path;
    DatasetSplitOptions options;
    DatasetAssignment assignments[ASSIGNMENTS_MAX];
} Arguments;

static bool parse_share(const char *text, double *share) {
    char *end;
    *share = strtod(text, &end);
    return end != text && !*end && *share >= 0 && *share < 1;
}

static bool parse_seed(const char *text, uint64_t *seed) {
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return errno == 0 && end != text && !*end && text[0] != '-';
}

static int parse_by(const char *text, DatasetSplitBy *by) {
    static const char *const names[] = {"capture", "run", "tool", "time"};
    for (int i = 0; i < 4; i++)
        if (strcmp(text, names[i]) == 0) {
            *by = (DatasetSplitBy)i;
            return -1;
        }
    if (strcmp(text, "message") == 0 || strcmp(text, "row") == 0)
        return console_usage(
            "split: no split by %s: parts of one dialog, run or client would stand on both sides", text);
    return console_usage("split: --by is capture, run, tool or time, not '%s'", text);
}

/* "NAME=SIDE"; cuts the name off in place. */
static int parse_assignment(char *text, Arguments *a) {
    char *equal = strrchr(text, '=');
    if (!equal || equal == text) return console_usage("split: --assign takes NAME=SIDE, not '%s'", text);
    if (a->options.n_assignments == ASSIGNMENTS_MAX)
        return console_usage("split: more than %d --assign", ASSIGNMENTS_MAX);
    for (int side = 0; side < DATASET_SIDES; side++) {
        if (strcmp(equal + 1, dataset_side_name((DatasetSide)side)) != 0) continue;
        *equal = '\0';
        a->assignments[a->options.n_assignments++] = (DatasetAssignment){text, (DatasetSide)side};
        return -1;
    }
    return console_usage("split: a side is train, validation, test or unused, not '%s'", equal + 1);
}

static int parse_option(int option, Arguments *a, bool *by_given) {
    DatasetSplitOptions *o = &a->options;
    switch (option) {
    case 'n': o->name = optarg; return -1;
    case 'b': *by_given = true; return parse_by(optarg, &o->by);
    case 'v':
        return parse_share(optarg, &o->validation)
                   ? -1
                   : console_usage("split: --validation: '%s' is no share of 0..1", optarg);
    case 't':
        return parse_share(optarg, &o->test)
                   ? -1
                   : console_usage("split: --test: '%s' is no share of 0..1", optarg);
    case 'a': return parse_assignment(optarg, a);
    case 's':
        return parse_seed(optarg, &o->seed) ? -1 : console_usage("split: --seed: '%s' is no number", optarg);
    case 'h': fputs(help, stdout); return EXIT_SUCCESS;
    default: return EXIT_USAGE;
    }
}

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {{"name", required_argument, NULL, 'n'},
                                          {"by", required_argument, NULL, 'b'},
                                          {"validation", required_argument, NULL, 'v'},
                                          {"test", required_argument, NULL, 't'},
                                          {"assign", required_argument, NULL, 'a'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    bool by_given = false;
    memset(a, 0, sizeof *a);
    a->options.validation = 0.2;
    a->options.seed = 1;
    a->options.assignments = a->assignments;
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        int answer = parse_option(option, a, &by_given);
        if (answer >= 0) return answer;
    }
    if (optind == count) return console_usage("split: no dataset given");
    if (optind + 1 < count)
        return console_usage("split: one dataset at a time, not also '%s'", words[optind + 1]);
    if (!a->options.name) return console_usage("split: --name is missing");
    if (!by_given) return console_usage("split: --by is missing");
    a->path = words[optind];
    return -1;
}

int command_split(int count, char **words) {
    Arguments a;
    Dataset dataset;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    if (dataset_read(a.path, &dataset, &error) != CORE_OK) return console_fail(&error);
    answer = EXIT_SUCCESS;
    if (dataset_split_make(&dataset, &a.options, &error) != CORE_OK ||
        dataset_write(&dataset, a.path, &error) != CORE_OK)
        answer = console_fail(&error);
    else
        balance_print_split(&dataset, dataset_find_split(&dataset, a.options.name));
    dataset_free(&dataset);
    return answer;
}
