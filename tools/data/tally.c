/* One pass over a dataset: what info and the card tell of it.
 * Relies on: data/dataset (reader, store), tools/data (balance, console).
 * Relied on by: tools/data (info, card). */
#include "tools/data/tally.h"

#include "data/dataset/store.h"
#include "tools/data/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void list_tools(Tally *t) {
    const Dataset *head = t->head;
    for (uint32_t r = 0; r < head->n_runs; r++) {
        uint32_t at = 0, primary = head->runs[r].primary;
        while (at < t->n_tools && strcmp(t->tools[at].name, head->runs[r].tool) != 0)
            at++;
        if (at == t->n_tools) t->tools[t->n_tools++].name = head->runs[r].tool;
        t->tools[at].runs++;
        if (primary >= 1 && primary <= head->n_classes) t->tools[at].classes |= UINT32_C(1) << (primary - 1);
        t->tool_of[r] = at;
    }
}

static void add_rows(Tally *t, const Dataset *rows, uint64_t first) {
    balance_add(&t->balance, rows);
    for (uint32_t i = 0; i < t->head->n_splits; i++)
        balance_add_split(&t->splits[i], rows, first, &t->head->splits[i]);
    for (uint64_t row = 0; row < rows->count; row++) {
        TallyCapture *capture = &t->captures[rows->capture[row]];
        if (capture->messages++ == 0) capture->first_ns = capture->last_ns = rows->time_ns[row];
        if (rows->time_ns[row] > capture->last_ns) capture->last_ns = rows->time_ns[row];
        capture->benign += rows->primary[row] == DATASET_BENIGN;
        capture->attack += rows->primary[row] >= 1 && rows->primary[row] <= rows->n_classes;
        if (rows->run[row]) t->tools[t->tool_of[rows->run[row] - 1]].messages++;
    }
}

static CoreStatus read_rows(DatasetReader *reader, Tally *t, CoreError *error) {
    const Dataset *rows;
    Console console;
    uint64_t first, done = 0;
    CoreStatus status = CORE_OK;
    console_progress_begin(&console, "reading", false);
    console.counted = &done;
    console.unit = "messages";
    while (status == CORE_OK) {
        status = dataset_reader_next(reader, &rows, &first, error);
        if (status != CORE_OK) break;
        add_rows(t, rows, first);
        done = first + rows->count;
        if (!console_progress(&console, done, t->messages))
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
    }
    console_progress_end(&console);
    return status == CORE_END ? CORE_OK : status;
}

CoreStatus tally_read(DatasetReader *reader, const char *path, Tally *t, CoreError *error) {
    const Dataset *head = dataset_reader_head(reader);
    uint8_t hash[DATASET_HASH_SIZE];
    memset(t, 0, sizeof *t);
    t->head = head;
    t->messages = dataset_reader_count(reader);
    t->bytes = dataset_reader_bytes(reader);
    t->splits = calloc(head->n_splits + 1u, sizeof *t->splits);
    t->captures = calloc(head->n_captures + 1u, sizeof *t->captures);
    t->tools = calloc(head->n_runs + 1u, sizeof *t->tools);
    t->tool_of = calloc(head->n_runs + 1u, sizeof *t->tool_of);
    if (!t->splits || !t->captures || !t->tools || !t->tool_of)
        return core_fail(error, CORE_MEMORY, "%s: no memory for its tables", path);
    CoreStatus status = dataset_hash(path, hash, error);
    if (status != CORE_OK) return status;
    for (int i = 0; i < DATASET_HASH_SIZE; i++)
        snprintf(t->sha256 + 2 * (size_t)i, 3, "%02x", hash[i]);
    list_tools(t);
    balance_start(&t->balance, head);
    for (uint32_t i = 0; i < head->n_splits; i++)
        balance_start_split(&t->splits[i], head, &head->splits[i]);
    return read_rows(reader, t, error);
}

void tally_free(Tally *t) {
    free(t->splits);
    free(t->captures);
    free(t->tools);
    free(t->tool_of);
    memset(t, 0, sizeof *t);
}

void tally_time(int64_t time_ns, char text[32]) {
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) text[0] = '\0';
}
