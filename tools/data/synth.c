/* sipcnn-data synth: sessions of SIP traffic that never happened, with their labels.
 * Relies on: data/synth, data/dataset (writer), tools/data/classes.h, tools/data/console.h.
 * Relied on by: tools/data/main. */
#include "data/synth/attack.h"
#include "tools/data/classes.h"
#include "tools/data/command.h"
#include "tools/data/console.h"
#include "tools/data/output.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sipcnn-data synth --output FILE [options]\n"
    "       sipcnn-data synth --output-folder FOLDER --sessions N [options]\n"
    "\n"
    "Makes SIP traffic of sites that do not exist: phones, trunks, machines and their servers over hours, "
    "and\n"
    "attacks among them. Everything that no option says is drawn from the seed; the same seed and options "
    "give\n"
    "the same bytes. FILE is NAME.pcap with NAME.labels.tsv and NAME.runs.tsv, or NAME.h5, a dataset.\n"
    "\n"
    "  --output FILE           one session (.pcap), or all sessions as captures of one dataset (.h5)\n"
    "  --output-folder FOLDER  sessions as FOLDER/synth-SEED.pcap\n"
    "  --seed N                of the first session (default 1); each further one has the next\n"
    "  --sessions N            how many (default 1)\n"
    "  --kind WHAT             office, carrier, callcentre, campus, trunk, hosted, home or mixed (default)\n"
    "  --hours H               length of a session (default: drawn, minutes to hours)\n"
    "  --users N               accounts of the site (default: drawn)\n"
    "  --messages N            end the session after N SIP messages\n"
    "  --load X                times as many calls as people make (default 1)\n"
    "  --attacks SPEC          runs per session: all:2, or flood:2,scan:1, or random:10 (default: none)\n"
    "  --tool NAME             only builders whose name begins so\n"
    "  --without-tool NAME     no builder whose name begins so\n"
    "  --list                  print the builders of attacks and the families of user agents\n"
    "  --progress              a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data synth --output office.pcap --kind office --hours 2 --seed 7\n"
    "  sipcnn-data synth --output-folder sessions --sessions 40 --attacks random:12\n"
    "  sipcnn-data synth --output train.h5 --sessions 20 --attacks all:1 --messages 200000\n";

typedef struct Arguments {
    const char *output, *folder, *attacks;
    SynthSettings settings;
    unsigned long sessions;
    bool progress, dataset;
} Arguments;

/* ---- reading options -------------------------------------------------------------------------------------
 */

static int kind_by_name(const char *name) {
    for (int i = 0; i < SYNTH_KINDS; i++)
        if (strcmp(name, synth_kind_names[i]) == 0) return i;
    return -1;
}

static bool add_runs(const char *name, size_t length, uint64_t count, SynthSettings *settings,
                     SynthRandom *random) {
    bool all = length == 3 && memcmp(name, "all", 3) == 0, found = all;
    if (length == 6 && memcmp(name, "random", 6) == 0) {
        while (count--) {
            uint8_t *runs = &settings->attacks[synth_below(random, SYNTH_CLASSES)];
            if (*runs < UINT8_MAX) ++*runs;
        }
        return true;
    }
    for (int i = 0; i < SYNTH_CLASSES; i++) {
        bool same = strlen(synth_class_names[i]) == length && memcmp(name, synth_class_names[i], length) == 0;
        if (same || all) settings->attacks[i] = (uint8_t)count;
        found |= same;
    }
    return found;
}

/* "flood:2,scan" into runs per class; -1: fine, else the exit status. */
static int read_attacks(const char *spec, SynthSettings *settings, uint64_t seed) {
    SynthRandom random = synth_random(seed, 3);
    memset(settings->attacks, 0, sizeof settings->attacks);
    for (const char *at = spec; at && *at;) {
        size_t part = strcspn(at, ","), name = strcspn(at, ":,");
        char digits[8] = "1";
        uint64_t count;
        if (name < part) snprintf(digits, sizeof digits, "%.*s", (int)(part - name - 1), at + name + 1);
        if (!console_count(digits, UINT8_MAX, &count))
            return console_usage("synth: --attacks: '%.*s': the count is no number up to 255", (int)part, at);
        if (!add_runs(at, name, count, settings, &random))
            return console_usage("synth: --attacks: unknown class '%.*s'", (int)name, at);
        at += part;
        at += *at == ',';
    }
    return -1;
}

static void list(void) {
    printf("attacks:\n");
    for (uint32_t i = 0; i < synth_attack_count; i++)
        printf("  %-18s %s\n", synth_class_names[synth_attack_builders[i]->class],
               synth_attack_builders[i]->tool);
    printf("families of user agents:\n ");
    for (uint32_t i = 0; i < synth_families; i++)
        printf(" %s", synth_family_name(i));
    printf("\n");
}

/* -1: understood; else what the command ends with. */
static int take_option(int option, Arguments *a) {
    SynthSettings *s = &a->settings;
    uint64_t number = 0;
    int kind;
    switch (option) {
    case 'o': a->output = optarg; break;
    case 'f': a->folder = optarg; break;
    case 'a': a->attacks = optarg; break;
    case 't': s->tool = optarg; break;
    case 'w': s->without_tool = optarg; break;
    case 'p': a->progress = true; break;
    case 's':
        if (!console_count(optarg, UINT64_MAX, &s->seed))
            return console_usage("synth: --seed: no number: '%s'", optarg);
        break;
    case 'n':
        if (!console_count(optarg, 65000, &number) || number == 0)
            return console_usage("synth: --sessions is 1 to 65000, not '%s'", optarg);
        a->sessions = (unsigned long)number;
        break;
    case 'k':
        if ((kind = kind_by_name(optarg)) < 0) return console_usage("synth: unknown --kind '%s'", optarg);
        s->kind = (uint8_t)kind;
        break;
    case 'h':
        if (!console_number(optarg, 0.001, 8784, &s->hours))
            return console_usage("synth: --hours is 0.001 to 8784, not '%s'", optarg);
        break;
    case 'u':
        if (!console_count(optarg, 1000000, &number) || number == 0)
            return console_usage("synth: --users is 1 to 1000000, not '%s'", optarg);
        s->users = (uint32_t)number;
        break;
    case 'm':
        if (!console_count(optarg, 100000000, &s->messages) || s->messages == 0)
            return console_usage("synth: --messages is 1 to 100000000, not '%s'", optarg);
        break;
    case 'l':
        if (!console_number(optarg, 0.001, 1000, &s->scale))
            return console_usage("synth: --load is 0.001 to 1000, not '%s'", optarg);
        break;
    case 'L': list(); return EXIT_SUCCESS;
    case '?': return EXIT_USAGE;
    default: fputs(help, stdout); return EXIT_SUCCESS;
    }
    return -1;
}

static bool ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), tail = strlen(ending);
    return length > tail && strcmp(text + length - tail, ending) == 0;
}

static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {
        {"output", required_argument, NULL, 'o'}, {"output-folder", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},   {"sessions", required_argument, NULL, 'n'},
        {"kind", required_argument, NULL, 'k'},   {"hours", required_argument, NULL, 'h'},
        {"users", required_argument, NULL, 'u'},  {"messages", required_argument, NULL, 'm'},
        {"load", required_argument, NULL, 'l'},   {"attacks", required_argument, NULL, 'a'},
        {"tool", required_argument, NULL, 't'},   {"without-tool", required_argument, NULL, 'w'},
        {"list", no_argument, NULL, 'L'},         {"progress", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'H'},         {NULL, 0, NULL, 0}};
    int option, answer;
    memset(a, 0, sizeof *a);
    a->sessions = 1;
    a->settings.seed = 1;
    a->settings.kind = SYNTH_MIXED;
    while ((option = getopt_long(count, words, "", known, NULL)) != -1)
        if ((answer = take_option(option, a)) >= 0) return answer;
    if (optind < count) return console_usage("synth: what is '%s'?", words[optind]);
    if (!a->output == !a->folder) return console_usage("synth: give --output or --output-folder");
    a->dataset = a->output && ends_with(a->output, ".h5");
    if (a->output && !a->dataset && !ends_with(a->output, ".pcap"))
        return console_usage("synth: --output ends in .pcap or .h5, not '%s'", a->output);
    if (a->output && !a->dataset && a->sessions > 1)
        return console_usage("synth: several sessions need --output-folder or a .h5");
    return read_attacks(a->attacks, &a->settings, a->settings.seed);
}

/* ---- one session -----------------------------------------------------------------------------------------
 */

enum { SLICE = 20000 }; /* messages between two looks at Ctrl-C */

static void report(const SynthWorld *world, const SynthOutput *output, const char *name, double seconds) {
    uint32_t valid = 0;
    for (uint32_t i = 0; i < world->runs.count; i++)
        valid += world->runs.runs[i].valid;
    printf("%s: %s, %u users, %.2f h, %llu messages (%llu honest ones in doubt), %u runs (%u more do "
           "not meet their class), %.0f messages/s\n",
           name, synth_kind_names[world->kind], world->n_users,
           (double)(world->now_ns - world->start_ns) / 3600e9,
           (unsigned long long)synth_output_messages(output),
           (unsigned long long)synth_output_in_doubt(output, &world->runs), valid, world->runs.count - valid,
           seconds > 0 ? (double)synth_output_messages(output) / seconds : 0.0);
}

static CoreStatus run_world(const SynthSettings *settings, SynthOutput *output, SynthWorld *world,
                            Console *console, CoreError *error) {
    bool more = true;
    CoreStatus status = CORE_OK;
    while (more && status == CORE_OK) {
        status = synth_world_run(world, SLICE, &more, error);
        uint64_t done = synth_output_messages(output);
        double share = (double)(world->now_ns - world->start_ns) / (double)(world->end_ns - world->start_ns);
        if (settings->messages && (double)done / (double)settings->messages > share)
            share = (double)done / (double)settings->messages;
        if (!console_progress(console, (uint64_t)(share * 1000), 1000))
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
    }
    if (status == CORE_OK && !synth_runs_judge(&world->runs))
        status = core_fail(error, CORE_MEMORY, "no memory to judge the runs");
    return status;
}

/* `path` NULL: rows for `writer`. */
static CoreStatus make_session(const Arguments *a, uint64_t seed, const char *path, DatasetWriter *writer,
                               CoreError *error) {
    SynthSettings settings = a->settings;
    SynthOutput *output = NULL;
    SynthWorld *world = NULL;
    Console console;
    char name[64];
    double start = console_seconds();
    settings.seed = seed;
    if (a->attacks && read_attacks(a->attacks, &settings, seed) >= 0)
        return core_fail(error, CORE_ARGUMENT, "--attacks cannot be read");
    snprintf(name, sizeof name, "synth-%llu", (unsigned long long)seed);
    CoreStatus status = synth_output_open(path, &output, error);
    if (status == CORE_OK) status = synth_world_new(&settings, output, &world, error);
    if (status == CORE_OK) {
        console_progress_begin(&console, name, a->progress);
        status = run_world(&settings, output, world, &console, error);
        console_progress_end(&console);
    }
    if (status == CORE_OK)
        status = path ? synth_output_close(output, &world->runs, error)
                      : synth_output_rows(output, &world->runs, name, writer, error);
    if (status == CORE_OK) report(world, output, name, console_seconds() - start);
    if (status != CORE_OK) core_fail_context(error, status, "%s", name);
    synth_world_free(world);
    synth_output_free(output);
    return status;
}

/* ---- all of them -----------------------------------------------------------------------------------------
 */

static int make_captures(const Arguments *a, CoreError *error) {
    char path[4096];
    for (unsigned long i = 0; i < a->sessions; i++) {
        uint64_t seed = a->settings.seed + i;
        int length =
            a->folder ? snprintf(path, sizeof path, "%s/synth-%llu.pcap", a->folder, (unsigned long long)seed)
                      : snprintf(path, sizeof path, "%s", a->output);
        if (length < 0 || (size_t)length >= sizeof path) {
            core_fail(error, CORE_ARGUMENT, "the name of the output is too long");
            return console_fail(error);
        }
        if (make_session(a, seed, path, NULL, error) != CORE_OK) return console_fail(error);
    }
    return EXIT_SUCCESS;
}

/* The command again, without where its output went. */
static void describe(const Arguments *a, DatasetWriter *writer) {
    char text[DATASET_PROVENANCE_SIZE], *at = text;
    const SynthSettings *s = &a->settings;
    size_t room = sizeof text;
    const char *const names[] = {"--attacks", "--tool", "--without-tool"}, *const values[] = {
                                                                               a->attacks, s->tool,
                                                                               s->without_tool};
    int used = snprintf(at, room, "sipcnn-data %s synth --seed %llu --sessions %lu --kind %s", SIPCNN_VERSION,
                        (unsigned long long)s->seed, a->sessions, synth_kind_names[s->kind]);
    if (s->hours > 0) used += snprintf(at + used, room - (size_t)used, " --hours %g", s->hours);
    if (s->users) used += snprintf(at + used, room - (size_t)used, " --users %u", s->users);
    if (s->messages)
        used += snprintf(at + used, room - (size_t)used, " --messages %llu", (unsigned long long)s->messages);
    if (s->scale > 0) used += snprintf(at + used, room - (size_t)used, " --load %g", s->scale);
    for (size_t i = 0; i < SYNTH_COUNT(names); i++)
        if (values[i]) used += snprintf(at + used, room - (size_t)used, " %s %.200s", names[i], values[i]);
    dataset_writer_describe(writer, text, 0);
}

static int make_dataset(const Arguments *a, CoreError *error) {
    DatasetWriter *writer;
    if (dataset_writer_open(a->output, default_classes, default_class_count, &writer, error) != CORE_OK)
        return console_fail(error);
    CoreStatus status = CORE_OK;
    for (unsigned long i = 0; i < a->sessions && status == CORE_OK; i++)
        status = make_session(a, a->settings.seed + i, NULL, writer, error);
    describe(a, writer);
    return output_seal(writer, a->output, a->output, status, error) == CORE_OK ? EXIT_SUCCESS
                                                                               : console_fail(error);
}

/* Runs carry classes by number: those of the default list. */
static bool same_classes(void) {
    bool same = default_class_count == SYNTH_CLASSES;
    for (uint32_t i = 0; i < SYNTH_CLASSES && same; i++)
        same = strcmp(default_classes[i].name, synth_class_names[i]) == 0 &&
               default_classes[i].onset == synth_class_onset[i];
    return same;
}

int command_synth(int count, char **words) {
    Arguments a;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    if (!same_classes()) {
        core_fail(&error, CORE_VERSION, "the class list is another than the synthesiser's");
        return console_fail(&error);
    }
    console_catch_signals();
    return a.dataset ? make_dataset(&a, &error) : make_captures(&a, &error);
}
