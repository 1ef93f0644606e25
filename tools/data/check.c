/* sipcnn-data check: the leak hunt. Does anything but behaviour tell attack from benign?
 * Relies on: data/dataset (leaks, near, reader, store), tools/data/check.h.
 * Relied on by: tools/data/main. */
#include "tools/data/check.h"

#include "data/dataset/store.h"
#include "tools/data/command.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sipcnn-data check FILE [--split NAME] [--model MODEL] [options]\n"
    "\n"
    "Looks for leaks: what a model could learn instead of behaviour. Exits with 1 if one lies above its "
    "limit.\n"
    "\n"
    "  - Each single field (form of the Call-ID, User-Agent, header order, length, address, ...) as a rule: "
    "it\n"
    "    learns on half of the runs and clients, or of the sessions, and is judged on the other half, among\n"
    "    requests of the same situation. With permuted labels it must be chance.\n"
    "  - What two sides of a split share: dialogs, near-duplicates, templates, users, clients.\n"
    "  - With a model: headers swapped between attack and benign must not move its verdicts.\n"
    "\n"
    "  --split NAME            the split to look at; by default the file's only one\n"
    "  --model MODEL           swap headers and compare this model's verdicts\n"
    "  --limit X               balanced accuracy of a field, all attacks (0.65)\n"
    "  --pure X                share of all attacks that a field finds without a false positive (0.15)\n"
    "  --class-limit X         as --limit, one class against benign (0.8)\n"
    "  --class-pure X          as --pure, one class against benign (0.5)\n"
    "  --duplicates X          share of validation and test whose like an earlier side has (0.01)\n"
    "  --templates X           share of their attacks with a template that only attacks have (0.25)\n"
    "  --swap X                share of verdicts that a swap may move (0.02)\n"
    "  --seed N                another draw of halves and permutations (1)\n"
    "  --all                   every field, class by class\n"
    "  --class NAME            the fields of this class instead of those of all attacks\n"
    "  --values FIELD          also the values of this field that lean most, as \"Call-ID form\"\n"
    "  --json                  one JSON object; sipcnn-data info --card --check reads it\n"
    "  --help\n"
    "\n"
    "A dialog on two sides is always a leak. Behaviour (method, credentials, does the client ever ACK) is "
    "shown,\n"
    "never a leak.\n"
    "\n"
    "examples:\n"
    "  sipcnn-data check lab.h5 --split first\n"
    "  sipcnn-data check lab.h5 --class scan --values \"Call-ID form\"\n"
    "  sipcnn-data check lab.h5 --split first --model lab.sipcnn --json > lab.check.json\n";

typedef struct Arguments {
    CheckResult result;
    const char *split, *class_name;
    CheckView view;
    bool json;
} Arguments;

/* ---- limits -------------------------------------------------------------------------------------------- */

bool check_near_ok(const CheckResult *r, NearKind kind) {
    const NearShared *s = &r->near.kinds[kind];
    if (kind == NEAR_DIALOG) return s->items == 0;
    if (kind == NEAR_TEMPLATE) return (double)s->pure <= r->limits.templates * (double)s->messages[1];
    if (kind != NEAR_MESSAGE) return true; /* users and clients come again in any network */
    return (double)s->covered[0] <= r->limits.messages * (double)s->messages[0] &&
           (double)s->covered[1] <= r->limits.messages * (double)s->messages[1];
}

double check_swap_share(const SwapReport *report, SwapField field) {
    double greatest = 0;
    for (int side = 0; side < 2; side++)
        if (report->messages[side])
            greatest =
                fmax(greatest, (double)report->fields[field].moved[side] / (double)report->messages[side]);
    return greatest;
}

bool check_swap_ok(const CheckResult *r, SwapField field) {
    return check_swap_share(&r->swap, field) <= r->limits.swap;
}

bool check_ok(const CheckResult *r) {
    bool ok = r->no_hunt || (r->leaks.n_found == 0 && r->leaks.trusted);
    for (int kind = 0; r->split && kind < NEAR_KINDS; kind++)
        ok = ok && check_near_ok(r, (NearKind)kind);
    for (int field = 0; r->model && field < SWAP_FIELDS; field++)
        ok = ok && check_swap_ok(r, (SwapField)field);
    return ok;
}

/* ---- options ------------------------------------------------------------------------------------------- */

/* One of the options that are numbers of 0..1. */
static double *share_of(int option, CheckLimits *limits) {
    switch (option) {
    case 'l': return &limits->leaks.accuracy;
    case 'p': return &limits->leaks.pure;
    case 'L': return &limits->leaks.class_accuracy;
    case 'P': return &limits->leaks.class_pure;
    case 'd': return &limits->messages;
    case 't': return &limits->templates;
    case 'w': return &limits->swap;
    default: return NULL;
    }
}

static int parse_trait(const char *text, int *trait) {
    for (*trait = 0; *trait < TRAITS; ++*trait)
        if (strcmp(text, trait_name((Trait)*trait)) == 0) return -1;
    return console_usage("check: --values: no field is called '%s'; --all shows them", text);
}

static int parse_option(int option, Arguments *a) {
    double *share = share_of(option, &a->result.limits);
    if (share)
        return console_number(optarg, 0, 1, share) ? -1
                                                   : console_usage("check: '%s' is no share of 0..1", optarg);
    switch (option) {
    case 's': a->split = optarg; return -1;
    case 'm': a->result.model = optarg; return -1;
    case 'S':
        return console_count(optarg, UINT64_MAX, &a->result.limits.leaks.seed)
                   ? -1
                   : console_usage("check: --seed: '%s' is no number", optarg);
    case 'a': a->view.all = true; return -1;
    case 'c': a->class_name = optarg; return -1;
    case 'v': return parse_trait(optarg, &a->view.trait);
    case 'j': a->json = true; return -1;
    case 'h': fputs(help, stdout); return EXIT_SUCCESS;
    default: return EXIT_USAGE;
    }
}

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {{"split", required_argument, NULL, 's'},
                                          {"model", required_argument, NULL, 'm'},
                                          {"limit", required_argument, NULL, 'l'},
                                          {"pure", required_argument, NULL, 'p'},
                                          {"class-limit", required_argument, NULL, 'L'},
                                          {"class-pure", required_argument, NULL, 'P'},
                                          {"duplicates", required_argument, NULL, 'd'},
                                          {"templates", required_argument, NULL, 't'},
                                          {"swap", required_argument, NULL, 'w'},
                                          {"seed", required_argument, NULL, 'S'},
                                          {"class", required_argument, NULL, 'c'},
                                          {"values", required_argument, NULL, 'v'},
                                          {"all", no_argument, NULL, 'a'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    a->view.class_index = a->view.trait = -1;
    a->result.limits = (CheckLimits){.leaks = {DATASET_LEAK_ACCURACY, DATASET_LEAK_PURE,
                                               DATASET_LEAK_CLASS_ACCURACY, DATASET_LEAK_CLASS_PURE, 1},
                                     .messages = 0.01,
                                     .templates = 0.25,
                                     .swap = 0.02};
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        int answer = parse_option(option, a);
        if (answer >= 0) return answer;
    }
    if (optind == count) return console_usage("check: no dataset given");
    if (optind + 1 < count)
        return console_usage("check: one dataset at a time, not also '%s'", words[optind + 1]);
    a->result.path = words[optind];
    return -1;
}

/* ---- the passes ---------------------------------------------------------------------------------------- */

/* All rows through the leak hunt and the search for near-duplicates. */
static CoreStatus pass(DatasetReader *reader, DatasetLeaks *leaks, DatasetNear *near, CoreError *error) {
    const Dataset *rows;
    Console console;
    uint64_t first, done = 0, total = dataset_reader_count(reader);
    CoreStatus status = CORE_OK;
    console_progress_begin(&console, "reading", false);
    console.counted = &done;
    console.unit = "messages";
    while (status == CORE_OK) {
        status = dataset_reader_next(reader, &rows, &first, error);
        if (status == CORE_OK) status = dataset_leaks_add(leaks, rows, error);
        if (status == CORE_OK && near) status = dataset_near_add(near, rows, first, error);
        if (status == CORE_OK) done = first + rows->count;
        if (status == CORE_OK && !console_progress(&console, done, total))
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
    }
    console_progress_end(&console);
    return status == CORE_END ? CORE_OK : status;
}

/* Where the examples of near-duplicates stand. */
static CoreStatus find_places(DatasetReader *reader, CheckResult *r, CoreError *error) {
    for (int kind = 0; kind < NEAR_KINDS; kind++)
        for (uint32_t i = 0; i < r->near.kinds[kind].n_examples; i++)
            for (int which = 0; which < 2; which++) {
                uint64_t row = r->near.kinds[kind].examples[i].row[which], first;
                const Dataset *rows;
                CoreStatus status = dataset_reader_seek(reader, row, row + 1, error);
                if (status == CORE_OK) status = dataset_reader_next(reader, &rows, &first, error);
                if (status != CORE_OK) return status;
                r->near_places[kind][i][which] =
                    (DatasetLeakExample){rows->capture[0], rows->run[0], rows->frame[0], rows->index[0]};
            }
    return CORE_OK;
}

static CoreStatus judge(DatasetLeaks *leaks, CheckResult *r, CoreError *error) {
    Console console;
    console_progress_begin(&console, "judging fields", false);
    DatasetProgress progress = {console_progress, &console};
    CoreStatus status = dataset_leaks_judge(leaks, &r->limits.leaks, &progress, &r->leaks, error);
    console_progress_end(&console);
    if (status != CORE_NOT_FOUND) return status;
    r->no_hunt = "there are no labelled requests of both sides";
    return CORE_OK;
}

static CoreStatus hunt(DatasetReader *reader, CheckResult *r, CoreError *error) {
    DatasetLeaks *leaks = NULL;
    DatasetNear *near = NULL;
    CoreStatus status = dataset_leaks_new(r->head, &leaks, error);
    if (status == CORE_OK && r->split)
        status = dataset_near_new(r->head, r->split, r->messages, &near, error);
    if (status == CORE_OK) status = pass(reader, leaks, near, error);
    if (status == CORE_OK) status = judge(leaks, r, error);
    if (status == CORE_OK && near) {
        dataset_near_judge(near, &r->near);
        status = find_places(reader, r, error);
    }
    dataset_leaks_free(leaks);
    dataset_near_free(near);
    return status;
}

/* ---- the command --------------------------------------------------------------------------------------- */

static CoreStatus choose_split(CheckResult *r, const char *name, CoreError *error) {
    if (!name && r->head->n_splits == 1) r->split = &r->head->splits[0];
    if (!name) return CORE_OK;
    r->split = dataset_find_split(r->head, name);
    return r->split ? CORE_OK : core_fail(error, CORE_NOT_FOUND, "%s: no split is called %s", r->path, name);
}

static CoreStatus run(DatasetReader *reader, Arguments *a, CoreError *error) {
    CheckResult *r = &a->result;
    uint8_t hash[DATASET_HASH_SIZE];
    Console console;
    r->head = dataset_reader_head(reader);
    r->messages = dataset_reader_count(reader);
    CoreStatus status = choose_split(r, a->split, error);
    if (a->class_name)
        a->view.class_index = dataset_class_index(r->head, a->class_name, strlen(a->class_name));
    if (a->class_name && a->view.class_index < 0)
        return core_fail(error, CORE_NOT_FOUND, "%s: no class is called %s", r->path, a->class_name);
    if (status == CORE_OK) status = dataset_hash(r->path, hash, error);
    if (status != CORE_OK) return status;
    for (int i = 0; i < DATASET_HASH_SIZE; i++)
        snprintf(r->sha256 + 2 * (size_t)i, 3, "%02x", hash[i]);
    status = hunt(reader, r, error);
    if (status != CORE_OK || !r->model) return status;
    console_progress_begin(&console, "swapping headers", false);
    status = check_swap(reader, r->model, &console, &r->swap, error);
    console_progress_end(&console);
    return status;
}

int command_check(int count, char **words) {
    static Arguments a; /* large */
    DatasetReader *reader;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    console_catch_signals();
    if (dataset_reader_open(a.result.path, &reader, &error) != CORE_OK) return console_fail(&error);
    if (run(reader, &a, &error) != CORE_OK) {
        answer = console_fail(&error);
    } else {
        bool written = true;
        if (a.json)
            written = check_print_json(&a.result);
        else
            check_print(&a.result, &a.view);
        answer = check_ok(&a.result) && written ? EXIT_SUCCESS : EXIT_FAILURE;
        if (!written && !ferror(stdout)) /* else main tells */
            fputs("sipcnn-data: check: the dataset's texts are not UTF-8, or there is no memory\n", stderr);
    }
    dataset_leak_report_free(&a.result.leaks);
    dataset_reader_close(reader);
    return answer;
}
