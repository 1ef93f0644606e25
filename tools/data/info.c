/* sipcnn-data info: what a dataset holds.
 * Relies on: data/dataset (reader, store), tools/data (tally, card), jansson.
 * Relied on by: tools/data/main. */
#include "data/dataset/store.h"
#include "tools/data/card.h"
#include "tools/data/command.h"
#include "tools/data/console.h"
#include "tools/data/tally.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sipcnn-data info FILE [--json | --card [options]]\n"
    "\n"
    "Prints a dataset's captures, classes, runs, tools and splits, and how its messages are balanced.\n"
    "\n"
    "  --json            one JSON object, for machines\n"
    "  --card            the dataset's card in Markdown, for whoever gets it\n"
    "  --check FILE      card: what sipcnn-data check --json found in this dataset\n"
    "  --licence TEXT    card: under which terms it may be used\n"
    "  --origin TEXT     card: where the captures come from\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data info lab.h5\n"
    "  sipcnn-data info lab.h5 --json | python3 -m json.tool\n"
    "  sipcnn-data check lab.h5 --json > lab.check.json\n"
    "  sipcnn-data info lab.h5 --card --check lab.check.json --licence CC-BY-4.0 > lab.md\n";

/* ---- text ---------------------------------------------------------------------------------------------- */

static void hex_text(const uint8_t *bytes, size_t size, char *text) {
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void print_captures(const Tally *t) {
    const Dataset *d = t->head;
    printf("%-32s %-20s %10s %-20s %10s %s\n", "capture", "session", "messages", "first", "seconds",
           "follows");
    for (uint32_t c = 0; c < d->n_captures; c++) {
        const DatasetCapture *capture = &d->captures[c];
        const TallyCapture *tally = &t->captures[c];
        char start[32];
        tally_time(tally->first_ns, start);
        printf("%-32s %-20s %10llu %-20s %10.1f %s\n", capture->name, capture->session,
               (unsigned long long)tally->messages, start, (double)(tally->last_ns - tally->first_ns) / 1e9,
               capture->follows == DATASET_NO_CAPTURE ? "-" : d->captures[capture->follows].name);
    }
}

static void print_tools(const Tally *t) {
    if (t->n_tools) printf("\n%-40s %6s %10s\n", "tool", "runs", "messages");
    for (uint32_t i = 0; i < t->n_tools; i++)
        printf("%-40s %6u %10llu\n", t->tools[i].name, t->tools[i].runs,
               (unsigned long long)t->tools[i].messages);
}

static void print_info(const char *path, const Tally *t) {
    const Dataset *d = t->head;
    printf("%s: %llu messages, %llu bytes, %u captures, %u runs%s\nSHA-256 %s\nmade by %s\n\n", path,
           (unsigned long long)t->messages, (unsigned long long)t->bytes, d->n_captures, d->n_runs,
           d->pseudonymised ? ", pseudonymised" : "", t->sha256, d->provenance);
    print_captures(t);
    printf("\n");
    balance_print(d, &t->balance);
    print_tools(t);
    for (uint32_t i = 0; i < d->n_splits; i++) {
        printf("\n");
        balance_print_split(d, &d->splits[i], &t->splits[i]);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

static json_t *captures_json(const Tally *t) {
    const Dataset *d = t->head;
    json_t *list = json_array();
    for (uint32_t c = 0; list && c < d->n_captures; c++) {
        const DatasetCapture *capture = &d->captures[c];
        const TallyCapture *tally = &t->captures[c];
        char digest[2 * DATASET_HASH_SIZE + 1];
        hex_text(capture->sha256, DATASET_HASH_SIZE, digest);
        json_array_append_new(
            list,
            json_pack("{s:s,s:s,s:s,s:I,s:f,s:f,s:s?}", "name", capture->name, "session", capture->session,
                      "sha256", digest, "messages", (json_int_t)tally->messages, "first",
                      (double)tally->first_ns / 1e9, "last", (double)tally->last_ns / 1e9, "follows",
                      capture->follows == DATASET_NO_CAPTURE ? NULL : d->captures[capture->follows].name));
    }
    return list;
}

static json_t *clients_json(const Dataset *d, uint32_t run) {
    json_t *list = json_array();
    uint64_t begin, end;
    dataset_run_clients(d, run, &begin, &end);
    for (uint64_t i = begin; list && i < end; i++) {
        char text[WIRE_ADDRESS_TEXT_MAX];
        WireAddress address = {0};
        memcpy(address.ip, d->client_ips[i], DATASET_IP_SIZE);
        json_array_append_new(list, json_string(wire_address_text(&address, false, text, sizeof text)));
    }
    return list;
}

static json_t *runs_json(const Dataset *d) {
    json_t *list = json_array();
    for (uint32_t r = 0; list && r < d->n_runs; r++) {
        const DatasetRun *run = &d->runs[r];
        json_array_append_new(
            list, json_pack("{s:I,s:s,s:I,s:s,s:s,s:s,s:f,s:f,s:o}", "run", (json_int_t)r + 1, "capture",
                            d->captures[run->capture].name, "number", (json_int_t)run->number, "class",
                            dataset_primary_name(d, run->primary), "tool", run->tool, "settings",
                            run->settings, "start", (double)run->start_ns / 1e9, "end",
                            (double)run->end_ns / 1e9, "clients", clients_json(d, r)));
    }
    return list;
}

static json_t *tools_json(const Tally *t) {
    json_t *object = json_object();
    for (uint32_t i = 0; object && i < t->n_tools; i++)
        json_object_set_new(object, t->tools[i].name,
                            json_pack("{s:I,s:I}", "runs", (json_int_t)t->tools[i].runs, "messages",
                                      (json_int_t)t->tools[i].messages));
    return object;
}

static json_t *splits_json(const Tally *t) {
    json_t *object = json_object();
    for (uint32_t i = 0; object && i < t->head->n_splits; i++)
        json_object_set_new(object, t->head->splits[i].name, balance_split_json(t->head, &t->splits[i]));
    return object;
}

static int print_json(const Tally *t) {
    const Dataset *d = t->head;
    json_t *info = json_pack(
        "{s:s,s:i,s:b,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "sha256", t->sha256, "schema_version",
        DATASET_SCHEMA_VERSION, "pseudonymised", d->pseudonymised, "provenance", d->provenance, "messages",
        (json_int_t)t->messages, "bytes", (json_int_t)t->bytes, "captures", captures_json(t), "classes",
        balance_json(d, &t->balance), "tools", tools_json(t), "runs", runs_json(d), "splits", splits_json(t));
    int answer = info ? json_dumpf(info, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) : -1;
    json_decref(info);
    if (answer == 0) {
        putchar('\n');
        return EXIT_SUCCESS;
    }
    if (!ferror(stdout)) /* else main tells */
        fputs("sipcnn-data: info: the dataset's texts are not UTF-8, or there is no memory\n", stderr);
    return EXIT_FAILURE;
}

/* ---- the command --------------------------------------------------------------------------------------- */

typedef struct Arguments {
    CardOptions card;
    bool json, as_card;
} Arguments;

/* -1: go on; else the exit status. */
static int parse(int count, char **words, Arguments *a) {
    static const struct option known[] = {{"json", no_argument, NULL, 'j'},
                                          {"card", no_argument, NULL, 'c'},
                                          {"check", required_argument, NULL, 'k'},
                                          {"licence", required_argument, NULL, 'l'},
                                          {"origin", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    memset(a, 0, sizeof *a);
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        switch (option) {
        case 'j': a->json = true; break;
        case 'c': a->as_card = true; break;
        case 'k': a->card.check = optarg; break;
        case 'l': a->card.licence = optarg; break;
        case 'o': a->card.origin = optarg; break;
        case 'h': fputs(help, stdout); return EXIT_SUCCESS;
        default: return EXIT_USAGE;
        }
    }
    if (optind == count) return console_usage("info: no dataset given");
    if (optind + 1 < count)
        return console_usage("info: one dataset at a time, not also '%s'", words[optind + 1]);
    if (a->json && a->as_card) return console_usage("info: --json or --card, not both");
    if (!a->as_card && (a->card.check || a->card.licence || a->card.origin))
        return console_usage("info: --check, --licence and --origin go with --card");
    a->card.path = words[optind];
    return -1;
}

static int tell(const Arguments *a, const Tally *tally) {
    CoreError error = {CORE_OK, ""};
    if (a->json) return print_json(tally);
    if (a->as_card)
        return card_print(&a->card, tally, &error) == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
    print_info(a->card.path, tally);
    return EXIT_SUCCESS;
}

int command_info(int count, char **words) {
    Arguments a;
    Tally tally;
    DatasetReader *reader;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, &a);
    if (answer >= 0) return answer;
    console_catch_signals();
    if (dataset_reader_open(a.card.path, &reader, &error) != CORE_OK) return console_fail(&error);
    answer =
        tally_read(reader, a.card.path, &tally, &error) == CORE_OK ? tell(&a, &tally) : console_fail(&error);
    tally_free(&tally);
    dataset_reader_close(reader);
    return answer;
}
