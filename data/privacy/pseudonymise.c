/* A dataset under other names.
 * Relies on: data/privacy/pseudonyms.h, data/dataset (reader, writer).
 * Relied on by: tools/data. */
#include "data/privacy/pseudonymise.h"

#include "data/dataset/writer.h"
#include "data/privacy/pseudonyms.h"

#include <stdio.h>
#include <stdlib.h>

/* Columns of a window that other names change; the others are the window's own. */
typedef struct Changed {
    uint8_t *bytes;
    uint64_t *offset;
    uint8_t (*source)[DATASET_ADDRESS_SIZE];
    uint8_t (*destination)[DATASET_ADDRESS_SIZE];
    uint32_t *wire_flags;
    uint64_t rows, room; /* of the columns, and of bytes */
} Changed;

typedef struct Job {
    DatasetReader *from;
    DatasetWriter *to;
    Pseudonyms *pseudonyms;
    const PseudonymiseOptions *options;
    PseudonymiseReport *report;
    Changed changed;
    CoreError *error;
} Job;

/* ---- memory ---- */

static bool grow(void **array, uint64_t count, size_t size) {
    void *larger = realloc(*array, (size_t)count * size);
    if (larger) *array = larger;
    return larger != NULL;
}

static CoreStatus make_room(Job *job, uint64_t rows) {
    Changed *c = &job->changed;
    if (rows <= c->rows) return CORE_OK;
    bool room = grow((void **)&c->offset, rows + 1, sizeof *c->offset) &&
                grow((void **)&c->source, rows, sizeof *c->source) &&
                grow((void **)&c->destination, rows, sizeof *c->destination) &&
                grow((void **)&c->wire_flags, rows, sizeof *c->wire_flags);
    if (!room) return core_fail(job->error, CORE_MEMORY, "no memory for a window of messages");
    c->rows = rows;
    return CORE_OK;
}

/* For one more message of any length behind `used` bytes. */
static CoreStatus make_byte_room(Job *job, uint64_t used) {
    Changed *c = &job->changed;
    if (c->room - used >= WIRE_MESSAGE_MAX) return CORE_OK;
    uint64_t room = 2 * c->room + 2 * (uint64_t)WIRE_MESSAGE_MAX;
    if (!grow((void **)&c->bytes, room, 1))
        return core_fail(job->error, CORE_MEMORY, "no memory for a window of messages");
    c->room = room;
    return CORE_OK;
}

static void free_changed(Changed *c) {
    free(c->bytes);
    free(c->offset);
    free(c->source);
    free(c->destination);
    free(c->wire_flags);
}

/* ---- rows ---- */

static void store_address(const WireAddress *address, uint8_t out[DATASET_ADDRESS_SIZE]) {
    memcpy(out, address->ip, DATASET_IP_SIZE);
    out[DATASET_IP_SIZE] = (uint8_t)(address->port >> 8);
    out[DATASET_IP_SIZE + 1] = (uint8_t)address->port;
}

/* By its label, or by its run's: a relayed leg is labelled as ignored. */
static bool is_kept(const Job *job, const Dataset *rows, uint64_t row) {
    uint32_t classes = rows->classes[row], run = rows->run[row];
    uint32_t primary = run ? rows->runs[run - 1].primary : DATASET_BENIGN;
    if (primary >= 1 && primary <= rows->n_classes) classes |= UINT32_C(1) << (primary - 1);
    return classes & job->options->kept_classes;
}

static CoreStatus change_row(Job *job, const Dataset *rows, uint64_t row) {
    Changed *c = &job->changed;
    PseudonymiseReport *report = job->report;
    WireMessage message;
    uint64_t used = c->offset[row];
    uint32_t kept = 0;
    CoreStatus status = make_byte_room(job, used);
    if (status != CORE_OK) return status;
    dataset_message_view(rows, row, &message);
    c->wire_flags[row] = message.flags;
    uint32_t length = pseudonyms_message(job->pseudonyms, &message, is_kept(job, rows, row), c->bytes + used,
                                         &c->wire_flags[row], &kept);
    pseudonyms_address(job->pseudonyms, &message.source);
    pseudonyms_address(job->pseudonyms, &message.destination);
    store_address(&message.source, c->source[row]);
    store_address(&message.destination, c->destination[row]);
    c->offset[row + 1] = used + length;
    report->messages++;
    report->kept_messages += kept > 0;
    report->kept_fields += kept;
    report->longer += length > message.length;
    report->shorter += length < message.length;
    return CORE_OK;
}

static CoreStatus change_window(Job *job, const Dataset *rows) {
    CoreStatus status = make_room(job, rows->count);
    if (status == CORE_OK && rows->count) job->changed.offset[0] = 0;
    for (uint64_t row = 0; status == CORE_OK && row < rows->count; row++)
        status = change_row(job, rows, row);
    if (status == CORE_OK) status = pseudonyms_status(job->pseudonyms, job->error);
    if (status != CORE_OK) return status;
    Dataset window = *rows;
    window.bytes = job->changed.bytes;
    window.offset = job->changed.offset;
    window.source = job->changed.source;
    window.destination = job->changed.destination;
    window.wire_flags = job->changed.wire_flags;
    return dataset_writer_add_rows(job->to, &window, 0, window.count, NULL, job->error);
}

static CoreStatus change_rows(Job *job) {
    const Dataset *rows;
    uint64_t first;
    CoreStatus status;
    while ((status = dataset_reader_next(job->from, &rows, &first, job->error)) == CORE_OK) {
        status = change_window(job, rows);
        if (status == CORE_OK &&
            !dataset_progress(job->options->progress, first + rows->count, dataset_reader_count(job->from)))
            status = core_fail(job->error, CORE_INTERRUPTED, "interrupted");
        if (status != CORE_OK) return status;
    }
    return status == CORE_END ? CORE_OK : status;
}

/* ---- tables ---- */

static void change_tables(Job *job, Dataset *tables) {
    static const uint8_t unknown[DATASET_HASH_SIZE] = {0};
    for (uint32_t c = 0; c < tables->n_captures; c++)
        if (memcmp(tables->captures[c].sha256, unknown, sizeof unknown) != 0)
            pseudonyms_hash(job->pseudonyms, tables->captures[c].sha256);
    for (uint32_t r = 0; r < tables->n_runs; r++)
        pseudonyms_settings(job->pseudonyms, tables->runs[r].settings, sizeof tables->runs[r].settings);
    for (uint64_t i = 0; i < tables->n_client_ips; i++) {
        WireAddress client = {{0}, 0};
        memcpy(client.ip, tables->client_ips[i], sizeof client.ip);
        pseudonyms_address(job->pseudonyms, &client);
        memcpy(tables->client_ips[i], client.ip, sizeof client.ip);
    }
}

static CoreStatus open_copy(Job *job, const char *path) {
    const Dataset *head = dataset_reader_head(job->from);
    Dataset tables;
    CoreStatus status = dataset_init(&tables, head->class_list, head->n_classes, job->error);
    if (status != CORE_OK) return status;
    status = dataset_copy_tables(&tables, head, job->error);
    if (status == CORE_OK) {
        change_tables(job, &tables);
        status = dataset_writer_open_copy(path, &tables, &job->to, job->error);
    }
    dataset_free(&tables);
    return status;
}

/* The first 200 bytes are ours; what the dataset said of itself is cut to what is left. */
static void describe(Job *job) {
    char text[DATASET_PROVENANCE_SIZE];
    const PseudonymiseReport *report = job->report;
    int length = snprintf(text, sizeof text, "%s (fields of %llu messages kept as the attack's text) [%.*s]",
                          job->options->made_by, (unsigned long long)report->kept_messages,
                          DATASET_PROVENANCE_SIZE - 200, dataset_reader_head(job->from)->provenance);
    if (length > 0) dataset_writer_describe(job->to, text, 1);
}

CoreStatus pseudonymise(DatasetReader *from, const char *path, const PseudonymiseOptions *options,
                        PseudonymiseReport *report, CoreError *error) {
    Job job = {.from = from, .options = options, .report = report, .error = error};
    *report = (PseudonymiseReport){0};
    if (dataset_reader_head(from)->pseudonymised)
        return core_fail(error, CORE_ARGUMENT, "it is pseudonymised already");
    CoreStatus status = pseudonyms_new(options->key, &job.pseudonyms, error);
    if (status == CORE_OK) status = open_copy(&job, path);
    if (status == CORE_OK) status = change_rows(&job);
    if (status == CORE_OK) {
        describe(&job);
        status = dataset_writer_seal(job.to, error);
    } else {
        dataset_writer_discard(job.to);
    }
    free_changed(&job.changed);
    pseudonyms_free(job.pseudonyms);
    return status;
}
