/* sipcnn-data label: shows who is not labelled yet and writes rules.
 * Relies on: data/dataset (import, labels), tools/data/census.h, rulebook.h, label_sources.h, console.h.
 * Relied on by: tools/data/main. */
#include "data/dataset/import.h"
#include "tools/data/census.h"
#include "tools/data/classes.h"
#include "tools/data/command.h"
#include "tools/data/console.h"
#include "tools/data/label_sources.h"
#include "tools/data/time_text.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: sipcnn-data label CAPTURE [--rules FILE] [--top N]\n"
    "       sipcnn-data label CAPTURE --class CLASS [--client CIDR] [--call-id ID] [--from TIME] [--to TIME] "
    "...\n"
    "       sipcnn-data label CAPTURE --ask\n"
    "       sipcnn-data label CAPTURE --comments\n"
    "       sipcnn-data label CAPTURE --eve FILE [--map FILE]\n"
    "\n"
    "Shows the clients of a capture whose messages no rule speaks of, busiest first, and appends rules to "
    "the "
    "rules\n"
    "file that sipcnn-data import reads (CSV; NAME.labels.csv beside NAME.pcap). The capture stays as it "
    "is.\n"
    "\n"
    "  --rules FILE        the rules file; made if it is not there\n"
    "  --top N             show so many clients (20)\n"
    "  --class CLASS       add a rule: benign or a class, for what all of these match:\n"
    "    --client CIDR     who sent the request, or got the reply\n"
    "    --target CIDR     the other side\n"
    "    --call-id ID      one call\n"
    "    --from TIME, --to TIME   epoch seconds, or 2026-11-30T19:40:00Z\n"
    "    --also A,B        classes that hold too\n"
    "    --run N           the run it belongs to; without it, an attack is a new run\n"
    "    --tool NAME, --note TEXT\n"
    "  --ask               ask for a class, client by client\n"
    "  --comments          take packet comments of a pcapng capture that begin with \"sipcnn:\", such as\n"
    "                      \"sipcnn: scan also=enumeration run=2 tool=svmap scope=client\" (message, call, "
    "client)\n"
    "  --eve FILE          take the alerts of an intrusion detection system (Suricata's EVE JSON)\n"
    "    --map FILE        CSV match,class: a signature's number or part of its text; class - passes over "
    "it\n"
    "    --gap SECONDS     alerts of one class and client that are no further apart are one run (60)\n"
    "    --before SECONDS, --after SECONDS   widen each run's time (0)\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data label monday.pcap\n"
    "  sipcnn-data label monday.pcap --class scan --client 192.0.2.66 --note \"our own test\"\n"
    "  sipcnn-data label monday.pcap --eve eve.json --map signatures.csv\n"
    "  sipcnn-data import --output monday.h5 --label-default benign monday.pcap\n";

typedef struct Arguments {
    const char *capture, *rules;
    RuleLine rule;
    bool new_run, ask, comments;
    const char *eve;
    EveOptions eve_options;
    uint64_t top;
} Arguments;

/* What the modes work on. */
typedef struct Labelling {
    const Arguments *arguments;
    Dataset dataset; /* the capture under the rules so far */
    RuleBook book;
    char path[4096]; /* of the rules */
} Labelling;

/* ---- arguments ---- */

static int parse_option(int option, Arguments *a) {
    uint64_t number;
    switch (option) {
    case 'R': a->rules = optarg; return -1;
    case 'n':
        return console_count(optarg, 1000000, &a->top)
                   ? -1
                   : console_usage("label: --top: '%s' is no number", optarg);
    case 'c': a->rule.class_name = optarg; return -1;
    case 'C': a->rule.client = optarg; return -1;
    case 'T': a->rule.target = optarg; return -1;
    case 'i': a->rule.call_id = optarg; return -1;
    case 'f':
        return time_text_parse(optarg, &a->rule.start_ns)
                   ? -1
                   : console_usage("label: --from: '%s' is no time", optarg);
    case 't':
        return time_text_parse(optarg, &a->rule.end_ns)
                   ? -1
                   : console_usage("label: --to: '%s' is no time", optarg);
    case 'a': a->rule.also = optarg; return -1;
    case 'r':
        if (!console_count(optarg, UINT32_MAX, &number))
            return console_usage("label: --run: '%s' is no number", optarg);
        a->rule.run = (uint32_t)number;
        a->new_run = false;
        return -1;
    case 'o': a->rule.tool = optarg; return -1;
    case 'N': a->rule.note = optarg; return -1;
    case 'k': a->ask = true; return -1;
    case 'm': a->comments = true; return -1;
    case 'e': a->eve = optarg; return -1;
    case 'M': a->eve_options.map = optarg; return -1;
    case 'g':
        return console_number(optarg, 0, 1e9, &a->eve_options.gap)
                   ? -1
                   : console_usage("label: --gap takes seconds");
    case 'b':
        return console_number(optarg, 0, 1e9, &a->eve_options.before)
                   ? -1
                   : console_usage("label: --before takes seconds");
    case 'A':
        return console_number(optarg, 0, 1e9, &a->eve_options.after)
                   ? -1
                   : console_usage("label: --after takes seconds");
    case 'h': fputs(help, stdout); return EXIT_SUCCESS;
    default: return EXIT_USAGE;
    }
}

static int check_arguments(const Arguments *a) {
    const RuleLine *rule = &a->rule;
    bool matches = rule->client || rule->target || rule->call_id || rule->start_ns != INT64_MIN ||
                   rule->end_ns != INT64_MAX;
    if (a->ask + a->comments + (a->eve != NULL) + (rule->class_name != NULL) > 1)
        return console_usage("label: one of --class, --ask, --comments and --eve at a time");
    if (matches && !rule->class_name) return console_usage("label: --class is missing");
    if (rule->class_name && !matches)
        return console_usage("label: --class needs --client, --target, --call-id, --from or --to");
    if (a->eve_options.map && !a->eve) return console_usage("label: --map goes with --eve");
    return -1;
}

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {{"rules", required_argument, NULL, 'R'},
                                          {"top", required_argument, NULL, 'n'},
                                          {"class", required_argument, NULL, 'c'},
                                          {"client", required_argument, NULL, 'C'},
                                          {"target", required_argument, NULL, 'T'},
                                          {"call-id", required_argument, NULL, 'i'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"to", required_argument, NULL, 't'},
                                          {"also", required_argument, NULL, 'a'},
                                          {"run", required_argument, NULL, 'r'},
                                          {"tool", required_argument, NULL, 'o'},
                                          {"note", required_argument, NULL, 'N'},
                                          {"ask", no_argument, NULL, 'k'},
                                          {"comments", no_argument, NULL, 'm'},
                                          {"eve", required_argument, NULL, 'e'},
                                          {"map", required_argument, NULL, 'M'},
                                          {"gap", required_argument, NULL, 'g'},
                                          {"before", required_argument, NULL, 'b'},
                                          {"after", required_argument, NULL, 'A'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    *a = (Arguments){.rule = {.start_ns = INT64_MIN, .end_ns = INT64_MAX},
                     .new_run = true,
                     .eve_options = {.gap = 60},
                     .top = 20};
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        int answer = parse_option(option, a);
        if (answer >= 0) return answer;
    }
    if (optind == count) return console_usage("label: no capture given");
    if (optind + 1 < count)
        return console_usage("label: one capture at a time, not also '%s'", words[optind + 1]);
    a->capture = words[optind];
    return check_arguments(a);
}

/* ---- the capture and its rules ---- */

/* NAME.labels.csv beside NAME.pcap, whatever the ending. */
static void default_rules(const char *capture, char *path, size_t capacity) {
    static const char *const endings[] = {".xz", ".pcap", ".pcapng", ".cap"};
    size_t length = strlen(capture);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strncmp(capture + length - ending, endings[i], ending) == 0) length -= ending;
    }
    snprintf(path, capacity, "%.*s.labels.csv", (int)length, capture);
}

static CoreStatus load_capture(Labelling *labelling, CoreError *error) {
    Console console;
    DatasetProgress progress = {console_progress, &console};
    DatasetImportReport report;
    bool has_rules = access(labelling->path, F_OK) == 0;
    DatasetImportOptions options = {
        .labels = has_rules ? labelling->path : NULL, .otherwise = DATASET_UNLABELLED, .progress = &progress};
    dataset_free(&labelling->dataset);
    CoreStatus status = dataset_init(&labelling->dataset, default_classes, default_class_count, error);
    if (status) return status;
    console_progress_begin(&console, labelling->arguments->capture, false);
    status = dataset_import(labelling->arguments->capture, &options, &labelling->dataset, &report, error);
    console_progress_end(&console);
    return status;
}

/* ---- showing ---- */

static void print_counts(FILE *out, const CensusClient *client) {
    for (int m = 0; m < WIRE_METHOD_COUNT; m++)
        if (client->methods[m])
            fprintf(out, " %s %" PRIu64, wire_method_name((WireMethod)m), client->methods[m]);
    for (int s = 0; s < 7; s++)
        if (client->statuses[s])
            fprintf(out, s ? " %dxx %" PRIu64 : " %d?? %" PRIu64, s, client->statuses[s]);
}

static void print_client(FILE *out, const Dataset *dataset, const CensusClient *client) {
    char address[WIRE_ADDRESS_TEXT_MAX], when[24];
    int64_t first = dataset->time_ns[client->first_row], last = dataset->time_ns[client->last_row];
    wire_address_text(&client->address, false, address, sizeof address);
    time_text_format(first, when, sizeof when);
    fprintf(out,
            "%-26s %9" PRIu64 " %9" PRIu64 " %7" PRIu32 " %7" PRIu32 " %7" PRIu32 " %6" PRIu32
            "/s  %s +%.0f s ",
            address, client->messages, client->requests, client->calls, client->users, client->targets,
            client->most_per_second, when, (double)(last - first) * 1e-9);
    print_counts(out, client);
    fputc('\n', out);
}

static void print_census(const Labelling *labelling, const Census *census) {
    size_t shown = census->n < labelling->arguments->top ? census->n : labelling->arguments->top;
    printf("%s: %" PRIu64 " messages, %" PRIu64 " labelled by %s, %" PRIu64 " not, of %zu clients\n",
           labelling->arguments->capture, census->labelled + census->unlabelled, census->labelled,
           labelling->path, census->unlabelled, census->n);
    if (shown)
        printf("%-26s %9s %9s %7s %7s %7s %8s  %s\n", "client", "messages", "requests", "calls", "users",
               "targets", "most", "first (UTC), for how long, what");
    for (size_t i = 0; i < shown; i++)
        print_client(stdout, &labelling->dataset, &census->clients[i]);
    if (shown < census->n) printf("and %zu more; --top shows them\n", census->n - shown);
}

static CoreStatus show(Labelling *labelling, CoreError *error) {
    Census census;
    CoreStatus status = census_take(&labelling->dataset, &census, error);
    if (status == CORE_OK) print_census(labelling, &census);
    census_free(&census);
    return status;
}

/* ---- adding ---- */

static bool is_benign(const char *class_name) {
    return strcmp(class_name, "benign") == 0;
}

static CoreStatus add_rule(Labelling *labelling, RuleLine line, bool new_run, CoreError *error) {
    if (!line.run && new_run && !is_benign(line.class_name)) line.run = labelling->book.last_run + 1;
    if (!line.tool && line.run) line.tool = "unknown";
    return rulebook_add(&labelling->book, &line, error);
}

static CoreStatus add_source(Labelling *labelling, CoreError *error) {
    const Arguments *a = labelling->arguments;
    SourceReport report;
    CoreStatus status =
        a->eve ? eve_add_rules(a->eve, &a->eve_options, &labelling->book, &report, error)
               : comments_add_rules(a->capture, &labelling->dataset, &labelling->book, &report, error);
    if (status) return status;
    printf("%" PRIu64 " %s read, %" PRIu64 " passed over, %" PRIu32 " rules\n", report.read,
           a->eve ? "alerts" : "comments", report.skipped, labelling->book.added);
    if (report.unknown[0])
        fprintf(stderr, "sipcnn-data: no class is known for signature %s; --map can say one\n",
                report.unknown);
    return CORE_OK;
}

/* ---- asking ---- */

enum { LINES_SHOWN = 8 };

/* The start lines of a client's first messages that are not labelled. */
static void print_lines(const Dataset *dataset, const CensusClient *client) {
    int shown = 0;
    for (uint64_t row = client->first_row; row <= client->last_row && shown < LINES_SHOWN; row++) {
        WireMessage message;
        WireAddress address = census_client(dataset, row);
        if (dataset->primary[row] != DATASET_UNLABELLED || !wire_same_ip(&address, &client->address))
            continue;
        dataset_message_view(dataset, row, &message);
        printf("  frame %" PRIu64 ": ", message.frame);
        for (uint32_t i = 0;
             i < message.length && i < 100 && message.bytes[i] != '\r' && message.bytes[i] != '\n'; i++)
            putchar(message.bytes[i] >= ' ' && message.bytes[i] < 127 ? message.bytes[i] : '?');
        putchar('\n');
        shown++;
    }
}

typedef enum Answer { ANSWER_CLASS, ANSWER_SKIP, ANSWER_QUIT } Answer;

/* Asks until the answer is one. The class's name is left in `word`. */
static Answer ask_client(const Dataset *dataset, const CensusClient *client, char *word, size_t capacity) {
    for (;;) {
        fputs("class (b: benign, enter: not now, m: its messages, q: enough)? ", stdout);
        fflush(stdout);
        if (!fgets(word, (int)capacity, stdin)) return ANSWER_QUIT;
        word[strcspn(word, "\r\n")] = '\0';
        if (!word[0]) return ANSWER_SKIP;
        if (strcmp(word, "q") == 0) return ANSWER_QUIT;
        if (strcmp(word, "b") == 0) snprintf(word, capacity, "benign");
        if (is_benign(word) || dataset_class_index(dataset, word, strlen(word)) >= 0) return ANSWER_CLASS;
        if (strcmp(word, "m") == 0) {
            print_lines(dataset, client);
            continue;
        }
        fputs("classes:", stdout);
        for (uint32_t c = 0; c < dataset->n_classes; c++)
            printf(" %s", dataset->class_list[c].name);
        putchar('\n');
    }
}

static CoreStatus ask(Labelling *labelling, CoreError *error) {
    Census census;
    CoreStatus status = census_take(&labelling->dataset, &census, error);
    Answer answer = ANSWER_SKIP;
    for (size_t i = 0; status == CORE_OK && answer != ANSWER_QUIT && i < census.n; i++) {
        char word[64], address[WIRE_ADDRESS_TEXT_MAX];
        print_client(stdout, &labelling->dataset, &census.clients[i]);
        answer = ask_client(&labelling->dataset, &census.clients[i], word, sizeof word);
        if (answer != ANSWER_CLASS) continue;
        wire_address_text(&census.clients[i].address, false, address, sizeof address);
        RuleLine line = {.start_ns = INT64_MIN, .end_ns = INT64_MAX, .client = address, .class_name = word};
        status = add_rule(labelling, line, true, error);
        /* Saved at once: what a person said is not lost. */
        if (status == CORE_OK) status = rulebook_save(&labelling->book, error);
    }
    census_free(&census);
    return status;
}

/* ---- the command ---- */

static CoreStatus work(Labelling *labelling, CoreError *error) {
    const Arguments *a = labelling->arguments;
    CoreStatus status = rulebook_open(labelling->path, &labelling->dataset, &labelling->book, error);
    if (status == CORE_OK) status = load_capture(labelling, error);
    if (status) return status;
    if (a->ask)
        status = ask(labelling, error);
    else if (a->eve || a->comments)
        status = add_source(labelling, error);
    else if (a->rule.class_name)
        status = add_rule(labelling, a->rule, a->new_run, error);
    if (status == CORE_OK) status = rulebook_save(&labelling->book, error);
    /* What is left, under the rules as they are now. */
    if (status == CORE_OK && labelling->book.added) status = load_capture(labelling, error);
    return status == CORE_OK ? show(labelling, error) : status;
}

int command_label(int count, char **words) {
    Arguments arguments;
    int answer = parse(count, words, &arguments);
    if (answer >= 0) return answer;
    Labelling *labelling = calloc(1, sizeof *labelling);
    CoreError error = {CORE_OK, ""};
    CoreStatus status = labelling ? CORE_OK : core_fail(&error, CORE_MEMORY, "out of memory");
    if (status == CORE_OK) {
        labelling->arguments = &arguments;
        if (arguments.rules)
            snprintf(labelling->path, sizeof labelling->path, "%s", arguments.rules);
        else
            default_rules(arguments.capture, labelling->path, sizeof labelling->path);
        console_catch_signals();
        status = dataset_init(&labelling->dataset, default_classes, default_class_count, &error);
        if (status == CORE_OK) status = work(labelling, &error);
        rulebook_free(&labelling->book);
        dataset_free(&labelling->dataset);
    }
    free(labelling);
    return status ? console_fail(&error) : EXIT_SUCCESS;
}
