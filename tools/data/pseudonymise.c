/* sipcnn-data pseudonymise: a dataset under other names, for those who must not know the real ones.
 * Relies on: data/privacy (pseudonymise, sealed), tools/data/console.h.
 * Relied on by: tools/data/main. */
#include "data/privacy/pseudonymise.h"
#include "data/privacy/sealed.h"
#include "tools/data/command.h"
#include "tools/data/console.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: sipcnn-data pseudonymise FILE --output FILE --key KEY [options]\n"
    "       sipcnn-data pseudonymise --new-key KEY\n"
    "\n"
    "Copies a dataset and replaces what names somebody: addresses (prefix-preserving, Crypto-PAn), hosts, "
    "users,\n"
    "display names, Call-IDs, tags, branches, digest parameters, texts, in messages as in tables. The same "
    "key\n"
    "gives the same pseudonyms in every dataset; without it nobody gets back. Lengths and kinds of "
    "characters\n"
    "stay, but for addresses in text, whose length may change; Content-Length follows. Numbers of up to six\n"
    "digits keep their distances, longer ones their trunk and country prefix. Fields with odd text in "
    "messages\n"
    "labelled injection or malformed stay as they are: they are the attack; in odd text of other messages\n"
    "words of a fixed public list (sales, room, select, /tmp) stay. Methods, header names, numbers of the\n"
    "protocol, product names, dates, media formats, and the names of captures, sessions, tools and splits\n"
    "stay, too.\n"
    "\n"
    "  --output FILE    the dataset; written whole or not at all\n"
    "  --key KEY        a file of 32 random bytes\n"
    "  --new-key KEY    makes such a file, for its owner alone to read\n"
    "  --keep LIST      classes whose odd text stays, separated by commas, or none (injection,malformed)\n"
    "  --encrypt KEY    encrypts the dataset, as sipcnn-data encrypt does with this key\n"
    "  --progress       a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data pseudonymise --new-key site.key\n"
    "  sipcnn-data pseudonymise real.h5 --key site.key --output share.h5\n"
    "  sipcnn-data pseudonymise real.h5 --key site.key --encrypt partner.pem --output share.h5.enc\n";

typedef struct Arguments {
    const char *input, *output, *key, *new_key, *keep, *seal;
    bool progress;
} Arguments;

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {
        {"output", required_argument, NULL, 'o'},  {"key", required_argument, NULL, 'k'},
        {"new-key", required_argument, NULL, 'n'}, {"keep", required_argument, NULL, 'c'},
        {"encrypt", required_argument, NULL, 'e'}, {"progress", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int option;
    *a = (Arguments){0};
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        switch (option) {
        case 'o': a->output = optarg; break;
        case 'k': a->key = optarg; break;
        case 'n': a->new_key = optarg; break;
        case 'c': a->keep = optarg; break;
        case 'e': a->seal = optarg; break;
        case 'p': a->progress = true; break;
        case 'h': fputs(help, stdout); return EXIT_SUCCESS;
        default: return EXIT_USAGE;
        }
    }
    if (a->new_key && (a->key || a->output || optind < count))
        return console_usage("pseudonymise: --new-key only makes a key");
    if (a->new_key) return -1;
    if (!a->output) return console_usage("pseudonymise: --output is missing");
    if (!a->key) return console_usage("pseudonymise: --key is missing (--new-key makes one)");
    if (optind == count) return console_usage("pseudonymise: no dataset given");
    if (optind + 1 < count)
        return console_usage("pseudonymise: one dataset at a time, not also '%s'", words[optind + 1]);
    a->input = words[optind];
    return -1;
}

/* The mask of the classes to keep. Classes that are named without being asked for need not be there. */
static CoreStatus find_classes(const Arguments *a, const Dataset *head, uint32_t *classes, CoreError *error) {
    const char *list = a->keep ? a->keep : "injection,malformed";
    *classes = 0;
    if (strcmp(list, "none") == 0) return CORE_OK;
    for (const char *name = list; *name;) {
        size_t length = strcspn(name, ",");
        int index = dataset_class_index(head, name, length);
        if (index >= 0)
            *classes |= UINT32_C(1) << index;
        else if (a->keep)
            return core_fail(error, CORE_ARGUMENT, "%s: --keep: no class '%.*s'", a->input, (int)length,
                             name);
        name += length + (name[length] == ',');
    }
    return CORE_OK;
}

/* "FILE.plain": what is encrypted afterwards; NULL: no memory. The caller frees it. */
static char *plain_name(const char *output) {
    size_t size = strlen(output) + sizeof ".plain";
    char *name = malloc(size);
    if (name) snprintf(name, size, "%s.plain", output);
    return name;
}

static void tell(const Arguments *a, const PseudonymiseReport *report) {
    printf(
        "%s: %llu messages, %llu with %llu fields kept as attack text, %llu longer and %llu shorter by other "
        "addresses%s\n",
        a->output, (unsigned long long)report->messages, (unsigned long long)report->kept_messages,
        (unsigned long long)report->kept_fields, (unsigned long long)report->longer,
        (unsigned long long)report->shorter, a->seal ? ", encrypted" : "");
}

static CoreStatus run(const Arguments *a, DatasetReader *reader, PseudonymiseOptions *options,
                      CoreError *error) {
    Console console;
    DatasetProgress progress = {console_progress, &console};
    PseudonymiseReport report;
    SealedKey seal;
    CoreStatus status = find_classes(a, dataset_reader_head(reader), &options->kept_classes, error);
    if (status == CORE_OK && a->seal) status = sealed_key_read(a->seal, &seal, error);
    if (status != CORE_OK) return status;
    char *plain = a->seal ? plain_name(a->output) : NULL;
    if (a->seal && !plain) return core_fail(error, CORE_MEMORY, "no memory for a file's name");
    options->progress = &progress;
    options->made_by = "sipcnn-data pseudonymise";
    console_progress_begin(&console, a->input, a->progress);
    status = pseudonymise(reader, plain ? plain : a->output, options, &report, error);
    if (status == CORE_OK && a->seal) {
        status = sealed_write(plain, a->output, &seal, NULL, error);
        unlink(plain);
    } else if (status == CORE_ARGUMENT) {
        core_fail_context(error, status, "%s", a->input);
    }
    console_progress_end(&console);
    free(plain);
    if (status == CORE_OK) tell(a, &report);
    return status;
}

int command_pseudonymise(int count, char **words) {
    Arguments a;
    DatasetReader *reader;
    uint8_t key[PRIVACY_KEY_SIZE];
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    if (a.new_key) return privacy_key_new(a.new_key, &error) == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
    if (privacy_key_read(a.key, key, &error) != CORE_OK) return console_fail(&error);
    if (dataset_reader_open(a.input, &reader, &error) != CORE_OK) return console_fail(&error);
    PseudonymiseOptions options = {.key = key};
    console_catch_signals();
    CoreStatus status = run(&a, reader, &options, &error);
    dataset_reader_close(reader);
    return status == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
}
