/* sipcnn-data split: names which captures, runs and tools train, validate and test.
 * Relies on: data/dataset (split, reader, writer), tools/data (tally, console).
 * Relied on by: tools/data/main. */
#include "data/dataset/split.h"

#include "data/dataset/reader.h"
#include "data/dataset/writer.h"
#include "tools/data/balance.h"
#include "tools/data/command.h"
#include "tools/data/console.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sipcnn-data split FILE --name NAME --by capture|run|tool|time|group [options]\n"
    "\n"
    "Adds the split NAME to the dataset FILE, or replaces it. Sides are train, validation, test and unused.\n"
    "\n"
    "  --name NAME             letters, digits, '-' and '_'\n"
    "  --by capture            whole captures, with all their runs\n"
    "  --by run                runs, those of each class on every side; the rest goes with its capture\n"
    "  --by tool               all runs of a tool together; the rest goes with its capture\n"
    "  --by time               captures in order of time: the earliest train, the latest test\n"
    "  --by group              captures that share clients together: no client on two sides\n"
    "  --prefix N[,M]          by group: clients of one IPv4 /N (IPv6 /M) are one (32,128)\n"
    "  --validation SHARE      share for validation, 0..1 (0.2)\n"
    "  --test SHARE            share for the test (0)\n"
    "  --assign NAME=SIDE      puts a capture (by tool: a tool) on a side; may be repeated\n"
    "  --seed N                another draw (1)\n"
    "  --by row --i-know       each message by itself, in tenths, to show what that does to a score\n"
    "  --help\n"
    "\n"
    "Of many seeded draws the one that comes nearest to the shares, class by class, is kept.\n"
    "\n"
    "--by row is refused without --i-know: parts of one dialog, run or client stand on both sides, and what "
    "is\n"
    "judged was learned from. Clients within a capture do not change sides either, for they share its\n"
    "dialogs and counters; --by group refuses captures that all share clients.\n"
    "\n"
    "examples:\n"
    "  sipcnn-data split lab.h5 --name first --by capture --validation 0.2 --seed 1\n"
    "  sipcnn-data split lab.h5 --name new-tool --by tool --assign svcrack=test --validation 0.2\n";

enum { ASSIGNMENTS_MAX = 256 };

typedef struct Arguments {
    const char *path;
    bool i_know;
    DatasetSplitOptions options;
    DatasetAssignment assignments[ASSIGNMENTS_MAX];
} Arguments;

static int parse_by(const char *text, DatasetSplitBy *by) {
    static const char *const names[] = {"capture", "run", "tool", "time", "group", "row"};
    for (int i = 0; i < 6; i++)
        if (strcmp(text, names[i]) == 0) {
            *by = (DatasetSplitBy)i;
            return -1;
        }
    return console_usage("split: --by is capture, run, tool, time or group, not '%s'", text);
}

/* "24" or "24,48". */
static bool parse_prefix(const char *text, DatasetSplitOptions *o) {
    char *end;
    unsigned long four = strtoul(text, &end, 10), six = 128;
    if (end == text || four < 1 || four > 32) return false;
    if (*end == ',') {
        const char *second = end + 1;
        six = strtoul(second, &end, 10);
        if (end == second || six < 1 || six > 128) return false;
    }
    o->prefix4 = (uint8_t)four;
    o->prefix6 = (uint8_t)six;
    return *end == '\0';
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
        return console_number(optarg, 0, 1, &o->validation) && o->validation < 1
                   ? -1
                   : console_usage("split: --validation: '%s' is no share of 0..1", optarg);
    case 't':
        return console_number(optarg, 0, 1, &o->test) && o->test < 1
                   ? -1
                   : console_usage("split: --test: '%s' is no share of 0..1", optarg);
    case 'a': return parse_assignment(optarg, a);
    case 'p':
        return parse_prefix(optarg, o)
                   ? -1
                   : console_usage("split: --prefix takes 1..32 and perhaps ,1..128, not '%s'", optarg);
    case 'i': a->i_know = true; return -1;
    case 's':
        return console_count(optarg, UINT64_MAX, &o->seed)
                   ? -1
                   : console_usage("split: --seed: '%s' is no number", optarg);
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
                                          {"prefix", required_argument, NULL, 'p'},
                                          {"i-know", no_argument, NULL, 'i'},
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
    if (a->options.by == DATASET_BY_ROW && !a->i_know)
        return console_usage(
            "split: by row, parts of one dialog, run or client stand on both sides, and what is "
            "judged was learned from; if that is what you want to show, say --i-know");
    a->path = words[optind];
    return -1;
}

/* ---- passes over the rows ------------------------------------------------------------------------------ */

/* What becomes of the rows: facts for the draw, then the copy with its balance. Any of them may be NULL. */
typedef struct Pass {
    const char *what;
    DatasetSplitFacts *facts;
    DatasetWriter *writer;
    const DatasetSplit *split;
    BalanceSplit *balance;
} Pass;

static CoreStatus take_rows(const Pass *pass, const Dataset *rows, uint64_t first, CoreError *error) {
    CoreStatus status = pass->facts ? dataset_split_facts_add(pass->facts, rows, error) : CORE_OK;
    if (pass->balance) balance_add_split(pass->balance, rows, first, pass->split);
    if (status == CORE_OK && pass->writer)
        status = dataset_writer_add_rows(pass->writer, rows, 0, rows->count, NULL, error);
    return status;
}

static CoreStatus read_all(DatasetReader *reader, const Pass *pass, CoreError *error) {
    const Dataset *rows;
    Console console;
    uint64_t first, done = 0, total = dataset_reader_count(reader);
    CoreStatus status = dataset_reader_seek(reader, 0, total, error);
    console_progress_begin(&console, pass->what, false);
    console.counted = &done;
    console.unit = "messages";
    while (status == CORE_OK) {
        status = dataset_reader_next(reader, &rows, &first, error);
        if (status == CORE_OK) status = take_rows(pass, rows, first, error);
        if (status == CORE_OK) done = first + rows->count;
        if (status == CORE_OK && !console_progress(&console, done, total))
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
    }
    console_progress_end(&console);
    return status == CORE_END ? CORE_OK : status;
}

/* Draws the split from a first pass over the rows. */
static CoreStatus draw(DatasetReader *reader, const Arguments *a, DatasetSplit *split, CoreError *error) {
    const Dataset *head = dataset_reader_head(reader);
    DatasetSplitFacts *facts = NULL;
    CoreStatus status = dataset_split_facts_new(head, a->options.by == DATASET_BY_GROUP, &facts, error);
    Pass pass = {.what = "reading", .facts = facts};
    if (status == CORE_OK) status = read_all(reader, &pass, error);
    if (status == CORE_OK) status = dataset_split_draw(head, facts, &a->options, split, error);
    dataset_split_facts_free(facts);
    return status;
}

/* Writes the dataset anew, with the split. */
static CoreStatus write_copy(DatasetReader *reader, const Arguments *a, const DatasetSplit *split,
                             BalanceSplit *balance, CoreError *error) {
    const Dataset *head = dataset_reader_head(reader);
    DatasetWriter *writer = NULL;
    DatasetSplit *place;
    CoreStatus status = dataset_writer_open_copy(a->path, head, &writer, error);
    if (status == CORE_OK) status = dataset_writer_split(writer, a->options.name, &place, error);
    if (status == CORE_OK) {
        memcpy(place->captures, split->captures, head->n_captures);
        memcpy(place->runs, split->runs, head->n_runs);
        Pass pass = {.what = "writing", .writer = writer, .split = split, .balance = balance};
        status = read_all(reader, &pass, error);
    }
    if (status == CORE_OK) return dataset_writer_seal(writer, error);
    dataset_writer_discard(writer);
    return status;
}

static CoreStatus make_split(DatasetReader *reader, const Arguments *a, CoreError *error) {
    const Dataset *head = dataset_reader_head(reader);
    BalanceSplit balance;
    DatasetSplit split = {.captures = malloc(head->n_captures + 1u), .runs = malloc(head->n_runs + 1u)};
    snprintf(split.name, sizeof split.name, "%s", a->options.name);
    CoreStatus status = split.captures && split.runs ? draw(reader, a, &split, error)
                                                     : core_fail(error, CORE_MEMORY, "no memory for a split");
    if (status == CORE_OK) {
        balance_start_split(&balance, head, &split);
        status = write_copy(reader, a, &split, &balance, error);
    }
    if (status == CORE_OK) balance_print_split(head, &split, &balance);
    free(split.captures);
    free(split.runs);
    return status;
}

int command_split(int count, char **words) {
    Arguments a;
    DatasetReader *reader;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    console_catch_signals();
    if (dataset_reader_open(a.path, &reader, &error) != CORE_OK) return console_fail(&error);
    answer = make_split(reader, &a, &error) == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
    dataset_reader_close(reader);
    return answer;
}
