/* sipcnn-data info: what a dataset holds.
 * Relies on: data/dataset/store.h, tools/data/balance.h, jansson.
 * Relied on by: tools/data/main. */
#include "data/dataset/store.h"
#include "tools/data/balance.h"
#include "tools/data/command.h"
#include "tools/data/console.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: sipcnn-data info FILE [--json]\n"
    "\n"
    "Prints a dataset's captures, classes, runs, tools and splits, and how its messages are balanced.\n"
    "\n"
    "  --json    one JSON object, for machines\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data info lab.h5\n"
    "  sipcnn-data info lab.h5 --json | python3 -m json.tool\n";

/* ---- tools: the runs of each builder of messages ------------------------------------------------------- */

typedef struct Tool {
    const char *name;
    uint32_t runs;
    uint64_t messages;
} Tool;

/* Distinct tools in order of appearance; the caller frees *tools. 0 tools without memory. */
static uint32_t list_tools(const Dataset *d, Tool **tools) {
    uint32_t count = 0, *tool_of = calloc(d->n_runs + 1u, sizeof *tool_of);
    *tools = calloc(d->n_runs + 1u, sizeof **tools);
    if (!*tools || !tool_of) {
        free(tool_of);
        return 0;
    }
    for (uint32_t r = 0; r < d->n_runs; r++) {
        uint32_t at = 0;
        while (at < count && strcmp((*tools)[at].name, d->runs[r].tool) != 0)
            at++;
        if (at == count) (*tools)[count++].name = d->runs[r].tool;
        (*tools)[at].runs++;
        tool_of[r] = at;
    }
    for (uint64_t row = 0; row < d->count; row++)
        if (d->run[row]) (*tools)[tool_of[d->run[row] - 1]].messages++;
    free(tool_of);
    return count;
}

/* ---- text ---------------------------------------------------------------------------------------------- */

static void utc_text(int64_t time_ns, char text[32]) {
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) text[0] = '\0';
}

static void time_span(const Dataset *d, uint32_t capture, int64_t *first, int64_t *last, uint64_t *messages) {
    uint64_t begin, end;
    dataset_capture_rows(d, capture, &begin, &end);
    *messages = end - begin;
    *first = begin < end ? d->time_ns[begin] : 0;
    *last = *first;
    for (uint64_t row = begin; row < end; row++)
        if (d->time_ns[row] > *last) *last = d->time_ns[row];
}

static void hex_text(const uint8_t *bytes, size_t size, char *text) {
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void print_captures(const Dataset *d) {
    printf("%-32s %-20s %10s %-20s %10s %s\n", "capture", "session", "messages", "first", "seconds",
           "follows");
    for (uint32_t c = 0; c < d->n_captures; c++) {
        const DatasetCapture *capture = &d->captures[c];
        int64_t first, last;
        uint64_t messages;
        char start[32];
        time_span(d, c, &first, &last, &messages);
        utc_text(first, start);
        printf("%-32s %-20s %10llu %-20s %10.1f %s\n", capture->name, capture->session,
               (unsigned long long)messages, start, (double)(last - first) / 1e9,
               capture->follows == DATASET_NO_CAPTURE ? "-" : d->captures[capture->follows].name);
    }
}

static void print_tools(const Dataset *d) {
    Tool *tools;
    uint32_t count = list_tools(d, &tools);
    if (count) printf("\n%-40s %6s %10s\n", "tool", "runs", "messages");
    for (uint32_t i = 0; i < count; i++)
        printf("%-40s %6u %10llu\n", tools[i].name, tools[i].runs, (unsigned long long)tools[i].messages);
    free(tools);
}

static void print_info(const char *path, const uint8_t hash[DATASET_HASH_SIZE], const Dataset *d) {
    char digest[2 * DATASET_HASH_SIZE + 1];
    Balance balance;
    hex_text(hash, DATASET_HASH_SIZE, digest);
    printf("%s: %llu messages, %llu bytes, %u captures, %u runs%s\nSHA-256 %s\nmade by %s\n\n", path,
           (unsigned long long)d->count, (unsigned long long)d->offset[d->count], d->n_captures, d->n_runs,
           d->pseudonymised ? ", pseudonymised" : "", digest, d->provenance);
    print_captures(d);
    printf("\n");
    balance_count(d, NULL, DATASET_TRAIN, &balance);
    balance_print(d, &balance);
    print_tools(d);
    for (uint32_t i = 0; i < d->n_splits; i++) {
        printf("\n");
        balance_print_split(d, &d->splits[i]);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

static json_t *captures_json(const Dataset *d) {
    json_t *list = json_array();
    for (uint32_t c = 0; list && c < d->n_captures; c++) {
        const DatasetCapture *capture = &d->captures[c];
        int64_t first, last;
        uint64_t messages;
        char digest[2 * DATASET_HASH_SIZE + 1];
        time_span(d, c, &first, &last, &messages);
        hex_text(capture->sha256, DATASET_HASH_SIZE, digest);
        json_array_append_new(
            list,
            json_pack("{s:s,s:s,s:s,s:I,s:f,s:f,s:s?}", "name", capture->name, "session", capture->session,
                      "sha256", digest, "messages", (json_int_t)messages, "first", (double)first / 1e9,
                      "last", (double)last / 1e9, "follows",
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

static json_t *tools_json(const Dataset *d) {
    json_t *object = json_object();
    Tool *tools;
    uint32_t count = list_tools(d, &tools);
    for (uint32_t i = 0; object && i < count; i++)
        json_object_set_new(object, tools[i].name,
                            json_pack("{s:I,s:I}", "runs", (json_int_t)tools[i].runs, "messages",
                                      (json_int_t)tools[i].messages));
    free(tools);
    return object;
}

static json_t *splits_json(const Dataset *d) {
    json_t *object = json_object();
    for (uint32_t i = 0; object && i < d->n_splits; i++)
        json_object_set_new(object, d->splits[i].name, balance_split_json(d, &d->splits[i]));
    return object;
}

static int print_json(const uint8_t hash[DATASET_HASH_SIZE], const Dataset *d) {
    char digest[2 * DATASET_HASH_SIZE + 1];
    Balance balance;
    hex_text(hash, DATASET_HASH_SIZE, digest);
    balance_count(d, NULL, DATASET_TRAIN, &balance);
    json_t *info =
        json_pack("{s:s,s:i,s:b,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "sha256", digest, "schema_version",
                  DATASET_SCHEMA_VERSION, "pseudonymised", d->pseudonymised, "provenance", d->provenance,
                  "messages", (json_int_t)d->count, "bytes", (json_int_t)d->offset[d->count], "captures",
                  captures_json(d), "classes", balance_json(d, &balance), "tools", tools_json(d), "runs",
                  runs_json(d), "splits", splits_json(d));
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

int command_info(int count, char **words) {
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    Dataset dataset;
    uint8_t hash[DATASET_HASH_SIZE];
    CoreError error = {CORE_OK, ""};
    bool json = false;
    int option, answer = EXIT_SUCCESS;
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_SUCCESS;
        }
        if (option != 'j') return EXIT_USAGE;
        json = true;
    }
    if (optind == count) return console_usage("info: no dataset given");
    if (optind + 1 < count)
        return console_usage("info: one dataset at a time, not also '%s'", words[optind + 1]);
    if (dataset_hash(words[optind], hash, &error) != CORE_OK ||
        dataset_read(words[optind], &dataset, &error) != CORE_OK)
        return console_fail(&error);
    if (json)
        answer = print_json(hash, &dataset);
    else
        print_info(words[optind], hash, &dataset);
    dataset_free(&dataset);
    return answer;
}
