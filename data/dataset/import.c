/* Import: one capture with its labels becomes rows of a dataset.
 * Relies on: data/wire (source, scan), data/dataset/labels.h, data/dataset/compressed.h.
 * Relied on by: tools/data, tests. */
#include "data/dataset/import.h"

#include "data/dataset/compressed.h"
#include "data/dataset/filehash.h"
#include "data/dataset/onset.h"
#include "data/dataset/store.h"
#include "data/digest/digest.h"
#include "data/wire/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_ROOM = 4096,
    CHECK_EVERY = 4096, /* messages between two calls of the progress function */
    TOLERATED = 1000,   /* one label in so many may miss its message, or the reverse */
};
/* A capture that is inflated into a temporary file. */
#define CAPTURE_MAX (UINT64_C(64) << 30)

typedef struct Importer {
    const char *path;
    const DatasetImportOptions *options;
    DatasetWriter *writer;
    const Dataset *head; /* the writer's tables */
    DatasetImportReport *report;
    CoreError *error;
    DatasetLabels labels;
    char label_path[PATH_ROOM];
    uint32_t
        first_run;   /* runs in the dataset before this capture: run i of the labels gets first_run + i + 1 */
    bool *row_used;  /* [labels.n_rows] */
    size_t next_row; /* of the labels: most likely the next message's */
    Onset *onset;    /* [labels.n_runs], of rules */
    uint64_t first_without_label[2]; /* frame and index */
    WireScan scan;
} Importer;

/* ---- names --------------------------------------------------------------------------------------------- */

static bool cut_suffix(char *text, const char *suffix) {
    size_t length = strlen(text), cut = strlen(suffix);
    if (length <= cut || strcmp(text + length - cut, suffix) != 0) return false;
    text[length - cut] = '\0';
    return true;
}

/* "dir/lab1.pcap.xz" -> "dir/lab1". */
static CoreStatus stem_of(const char *path, char stem[PATH_ROOM], CoreError *error) {
    int length = snprintf(stem, PATH_ROOM, "%s", path);
    if (length < 0 || length >= PATH_ROOM)
        return core_fail(error, CORE_ARGUMENT, "%.80s...: too long a name", path);
    cut_suffix(stem, ".xz");
    if (!cut_suffix(stem, ".pcap") && !cut_suffix(stem, ".pcapng")) cut_suffix(stem, ".cap");
    return CORE_OK;
}

static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The first file of stem + suffix, or of that + ".xz", that is there; false if none is. */
static bool find_beside(const char *stem, const char *suffix, char found[PATH_ROOM]) {
    static const char *const endings[] = {"", ".xz"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        int length = snprintf(found, PATH_ROOM, "%s%s%s", stem, suffix, endings[i]);
        if (length > 0 && length < PATH_ROOM && access(found, F_OK) == 0) return true;
    }
    found[0] = '\0';
    return false;
}

/* ---- labels -------------------------------------------------------------------------------------------- */

/* NAME.runs.tsv beside NAME.labels.tsv; false if there is none. */
static bool find_runs_beside(const char *label_path, char path[PATH_ROOM]) {
    char stem[PATH_ROOM];
    snprintf(stem, sizeof stem, "%s", label_path);
    cut_suffix(stem, ".xz");
    if (!cut_suffix(stem, ".labels.tsv")) cut_suffix(stem, ".tsv");
    return find_beside(stem, ".runs.tsv", path);
}

static CoreStatus read_runs_beside(Importer *im) {
    char path[PATH_ROOM];
    if (!find_runs_beside(im->label_path, path)) return CORE_OK;
    return dataset_labels_read_runs(path, im->head, &im->labels, im->error);
}

static CoreStatus find_label_file(Importer *im, const char *stem) {
    if (!im->options->labels) {
        if (!find_beside(stem, ".labels.tsv", im->label_path))
            find_beside(stem, ".labels.csv", im->label_path);
        return CORE_OK;
    }
    int length = snprintf(im->label_path, PATH_ROOM, "%s", im->options->labels);
    if (length >= 0 && length < PATH_ROOM) return CORE_OK;
    return core_fail(im->error, CORE_ARGUMENT, "%.80s...: too long a name", im->options->labels);
}

/* Every run that a row names must be described. */
static CoreStatus check_row_runs(const Importer *im) {
    for (size_t i = 0; i < im->labels.n_rows; i++) {
        const DatasetLabelRow *row = &im->labels.rows[i];
        if (row->run && !dataset_labels_find_run(&im->labels, row->run))
            return core_fail(im->error, CORE_FORMAT, "%s line %u, run: run %u is not in the runs file",
                             im->label_path, (unsigned)row->line, (unsigned)row->run);
    }
    return CORE_OK;
}

static CoreStatus read_labels(Importer *im, const char *stem) {
    CoreStatus status = find_label_file(im, stem);
    if (status != CORE_OK || !im->label_path[0]) return status;
    status = dataset_labels_read(im->label_path, im->head, &im->labels, im->error);
    if (status == CORE_OK && im->labels.form == DATASET_LABELS_ROWS) status = read_runs_beside(im);
    if (status == CORE_OK) status = check_row_runs(im);
    if (status != CORE_OK) return status;
    im->row_used = calloc(im->labels.n_rows + 1, sizeof *im->row_used);
    im->onset = calloc(im->labels.n_runs + 1, sizeof *im->onset);
    return im->row_used && im->onset
               ? CORE_OK
               : core_fail(im->error, CORE_MEMORY, "%s: no memory for labels", im->path);
}

static void count_without_label(Importer *im, const WireMessage *message) {
    if (im->report->without_label++ == 0) {
        im->first_without_label[0] = message->frame;
        im->first_without_label[1] = message->index;
    }
}

/* The run's index in the labels. */
static uint32_t run_index(const Importer *im, uint32_t number) {
    return (uint32_t)(dataset_labels_find_run(&im->labels, number) - im->labels.runs);
}

/* Rows and messages come in the same order, all but always. */
static const DatasetLabelRow *find_row(Importer *im, const WireMessage *message) {
    const DatasetLabelRow *row = im->next_row < im->labels.n_rows ? &im->labels.rows[im->next_row] : NULL;
    if (!row || row->frame != message->frame || row->index != message->index)
        row = dataset_labels_find(&im->labels, message->frame, message->index);
    if (row) im->next_row = (size_t)(row - im->labels.rows) + 1;
    return row;
}

static void label_by_row(Importer *im, const WireMessage *message, DatasetLabel *label) {
    const DatasetLabelRow *row = find_row(im, message);
    if (!row) {
        count_without_label(im, message);
        label->primary = DATASET_UNLABELLED;
        return;
    }
    im->row_used[row - im->labels.rows] = true;
    label->primary = row->primary;
    label->classes = row->classes;
    label->part = row->part;
    if (row->run) label->run = im->first_run + run_index(im, row->run) + 1;
}

static void label_by_rule(Importer *im, const WireMessage *message, DatasetLabel *label) {
    const WireScan *scan = &im->scan;
    wire_scan(message->bytes, message->length, message->flags & WIRE_FLAG_TRUNCATED, &im->scan);
    const WireAddress *client = scan->request ? &message->source : &message->destination;
    const WireAddress *target = scan->request ? &message->destination : &message->source;
    const char *call_id = (const char *)message->bytes + scan->call_id.offset;
    label->part = scan->request ? DATASET_REQUEST : DATASET_REPLY;
    const DatasetRule *rule =
        dataset_labels_match(&im->labels, message->time_ns, client, target, call_id, scan->call_id.length);
    if (!rule) {
        count_without_label(im, message);
        label->primary = im->options->otherwise;
        return;
    }
    label->primary = rule->primary;
    label->classes = rule->classes;
    if (!rule->run) return;
    uint32_t run = run_index(im, rule->run);
    label->run = im->first_run + run + 1;
    uint32_t grace = rule->primary >= 1 && rule->primary <= im->head->n_classes
                         ? im->head->class_list[rule->primary - 1].onset
                         : 0;
    if (onset_step(&im->onset[run], grace, message, scan, client)) label->part = DATASET_ONSET;
}

static void label_message(Importer *im, const WireMessage *message, DatasetLabel *label) {
    memset(label, 0, sizeof *label);
    switch (im->labels.form) {
    case DATASET_LABELS_ROWS: label_by_row(im, message, label); return;
    case DATASET_LABELS_RULES: label_by_rule(im, message, label); return;
    case DATASET_LABELS_NONE: break;
    }
    im->report->without_label++;
    label->primary = im->options->otherwise;
    label->part =
        message->length >= 4 && memcmp(message->bytes, "SIP/", 4) == 0 ? DATASET_REPLY : DATASET_REQUEST;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static CoreStatus stop_or_go_on(Importer *im, WireSource *source) {
    uint64_t done = 0, total = 0;
    wire_source_progress(source, &done, &total);
    if (dataset_progress(im->options->progress, done, total)) return CORE_OK;
    return core_fail(im->error, CORE_INTERRUPTED, "%s: interrupted", im->path);
}

/* What was inflated has only the name of its descriptor; an error shall name the capture instead. */
static void name_capture(Importer *im, CoreStatus status, const char *name) {
    size_t length = strlen(name);
    char *text = im->error ? im->error->text : NULL;
    if (text && strncmp(text, name, length) == 0 && strncmp(text + length, ": ", 2) == 0)
        memmove(text, text + length + 2, strlen(text + length + 2) + 1);
    core_fail_context(im->error, status, "%s", im->path);
}

/* `inflated_name`: the source's name if that is not the capture's. */
static CoreStatus import_messages(Importer *im, WireSource *source, const char *inflated_name) {
    CoreStatus status;
    WireMessage message;
    DatasetLabel label;
    while ((status = wire_source_next(source, -1, &message, im->error)) == CORE_OK) {
        label_message(im, &message, &label);
        status = dataset_writer_add_message(im->writer, &message, &label, im->error);
        if (status == CORE_OK && ++im->report->messages % CHECK_EVERY == 0)
            status = stop_or_go_on(im, source);
        if (status != CORE_OK) return status;
    }
    im->report->wire = wire_source_counters(source);
    if (status != CORE_END) {
        if (inflated_name) name_capture(im, status, inflated_name);
        return status;
    }
    if (im->report->messages) return CORE_OK;
    return core_fail(im->error, CORE_NOT_FOUND, "%s: no SIP message in its %llu packets", im->path,
                     (unsigned long long)im->report->wire.packets);
}

/* ---- runs and the match -------------------------------------------------------------------------------- */

static CoreStatus add_runs(Importer *im) {
    for (size_t i = 0; i < im->labels.n_runs; i++) {
        DatasetRunRow *row = &im->labels.runs[i];
        const WireAddress *clients = row->clients;
        size_t n_clients = row->n_clients;
        if (im->labels.form == DATASET_LABELS_RULES) {
            const Onset *seen = &im->onset[i];
            row->run.start_ns = seen->start_ns;
            row->run.end_ns = seen->end_ns;
            clients = seen->clients;
            n_clients = seen->n_clients;
        }
        CoreStatus status = dataset_writer_add_run(im->writer, &row->run, clients, n_clients, im->error);
        if (status != CORE_OK) return status;
    }
    im->report->runs = (uint32_t)im->labels.n_runs;
    return CORE_OK;
}

static CoreStatus check_match(Importer *im) {
    DatasetImportReport *report = im->report;
    const DatasetLabelRow *first = NULL;
    if (im->labels.form != DATASET_LABELS_ROWS) return CORE_OK;
    for (size_t i = 0; i < im->labels.n_rows; i++) {
        if (im->row_used[i]) continue;
        if (report->without_message++ == 0) first = &im->labels.rows[i];
    }
    if (report->without_label * TOLERATED > report->messages)
        return core_fail(
            im->error, CORE_FORMAT,
            "%s: %llu of the capture's %llu messages have no row, the first is frame %llu index %llu",
            im->label_path, (unsigned long long)report->without_label, (unsigned long long)report->messages,
            (unsigned long long)im->first_without_label[0], (unsigned long long)im->first_without_label[1]);
    if (first && report->without_message * TOLERATED > im->labels.n_rows)
        return core_fail(
            im->error, CORE_FORMAT,
            "%s line %u: %llu of %zu rows have no message in the capture, the first is frame %llu index %u",
            im->label_path, (unsigned)first->line, (unsigned long long)report->without_message,
            im->labels.n_rows, (unsigned long long)first->frame, (unsigned)first->index);
    return CORE_OK;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static CoreStatus add_capture(Importer *im, const char *stem, const uint8_t sha256[DATASET_HASH_SIZE]) {
    DatasetCapture capture;
    const Dataset *d = im->head;
    memset(&capture, 0, sizeof capture);
    snprintf(capture.name, sizeof capture.name, "%s", base_of(stem));
    snprintf(capture.session, sizeof capture.session, "%s",
             im->options->session ? im->options->session : capture.name);
    memcpy(capture.sha256, sha256, sizeof capture.sha256);
    capture.follows = im->options->follows && d->n_captures ? d->n_captures - 1 : DATASET_NO_CAPTURE;
    for (uint32_t i = 0; i < d->n_captures; i++) {
        if (strcmp(d->captures[i].name, capture.name) == 0)
            return core_fail(im->error, CORE_ARGUMENT, "%s: a capture named %s is in the dataset already",
                             im->path, capture.name);
        if (memcmp(d->captures[i].sha256, sha256, DATASET_HASH_SIZE) == 0)
            return core_fail(im->error, CORE_ARGUMENT, "%s: the same capture as %s", im->path,
                             d->captures[i].name);
    }
    im->first_run = d->n_runs;
    return dataset_writer_add_capture(im->writer, &capture, im->error);
}

static CoreStatus import_packets(Importer *im, int fd, bool inflated) {
    char name[64];
    WireSource *source;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    CoreStatus status = wire_source_open_file(inflated ? name : im->path, &source, im->error);
    if (status == CORE_OK) {
        status = import_messages(im, source, inflated ? name : NULL);
        wire_source_free(source);
    } else if (inflated) {
        name_capture(im, status, name);
    }
    return status;
}

static CoreStatus import_file(Importer *im) {
    char stem[PATH_ROOM];
    uint8_t sha256[DATASET_HASH_SIZE];
    bool inflated;
    int fd;
    CoreStatus status = stem_of(im->path, stem, im->error);
    if (status == CORE_OK) status = read_labels(im, stem);
    if (status == CORE_OK) status = compressed_open(im->path, CAPTURE_MAX, &fd, &inflated, sha256, im->error);
    if (status != CORE_OK) return status;
    status = add_capture(im, stem, sha256);
    if (status == CORE_OK) status = import_packets(im, fd, inflated);
    if (status == CORE_OK) status = check_match(im);
    if (status == CORE_OK) status = add_runs(im);
    close(fd);
    return status;
}

CoreStatus dataset_import_to(const char *path, const DatasetImportOptions *options, DatasetWriter *writer,
                             DatasetImportReport *report, CoreError *error) {
    Importer *im = calloc(1, sizeof *im);
    memset(report, 0, sizeof *report);
    if (!im) return core_fail(error, CORE_MEMORY, "%s: no memory to import it", path);
    im->path = path;
    im->options = options;
    im->writer = writer;
    im->head = dataset_writer_head(writer);
    im->report = report;
    im->error = error;
    CoreStatus status = import_file(im);
    report->form = im->labels.form;
    for (size_t i = 0; im->onset && i < im->labels.n_runs; i++)
        onset_free(&im->onset[i]);
    free(im->onset);
    free(im->row_used);
    dataset_labels_free(&im->labels);
    free(im);
    return status;
}

CoreStatus dataset_import(const char *path, const DatasetImportOptions *options, Dataset *dataset,
                          DatasetImportReport *report, CoreError *error) {
    DatasetWriter *writer;
    CoreStatus status = dataset_writer_in_memory(dataset, &writer, error);
    if (status != CORE_OK) return status;
    status = dataset_import_to(path, options, writer, report, error);
    if (status == CORE_OK) return dataset_writer_seal(writer, error);
    dataset_writer_discard(writer);
    return status;
}

/* ---- what an import depends on ------------------------------------------------------------------------- */

/* The parts of a fingerprint, hashed together at the end; zeroed before. */
typedef struct Ingredients {
    uint32_t schema, n_classes;
    uint8_t otherwise;
    char program[32];
    char name[DATASET_NAME_SIZE], session[DATASET_NAME_SIZE];
    uint8_t files[3][DATASET_HASH_SIZE]; /* capture, labels, runs */
    DatasetClass classes[DATASET_CLASSES_MAX];
} Ingredients;

static CoreStatus hash_files(Importer *im, const char *stem, Ingredients *in) {
    char runs[PATH_ROOM];
    CoreStatus status = find_label_file(im, stem);
    if (status == CORE_OK) status = dataset_hash(im->path, in->files[0], im->error);
    if (status != CORE_OK || !im->label_path[0]) return status;
    status = dataset_hash(im->label_path, in->files[1], im->error);
    if (status != CORE_OK || !find_runs_beside(im->label_path, runs)) return status;
    return dataset_hash(runs, in->files[2], im->error);
}

static CoreStatus gather_ingredients(Importer *im, Ingredients *in) {
    char stem[PATH_ROOM];
    CoreStatus status = stem_of(im->path, stem, im->error);
    if (status != CORE_OK) return status;
    in->schema = DATASET_SCHEMA_VERSION;
    in->otherwise = im->options->otherwise;
    snprintf(in->program, sizeof in->program, "%s", SIPCNN_VERSION);
    snprintf(in->name, sizeof in->name, "%s", base_of(stem));
    if (im->options->session) snprintf(in->session, sizeof in->session, "%s", im->options->session);
    in->n_classes = im->head->n_classes;
    memcpy(in->classes, im->head->class_list, in->n_classes * sizeof *in->classes);
    return hash_files(im, stem, in);
}

CoreStatus dataset_import_fingerprint(const char *path, const DatasetImportOptions *options,
                                      const Dataset *head, uint8_t fingerprint[DATASET_HASH_SIZE],
                                      CoreError *error) {
    Importer *im = calloc(1, sizeof *im);
    Ingredients *in = calloc(1, sizeof *in);
    CoreStatus status = CORE_OK;
    if (im && in) {
        im->path = path;
        im->options = options;
        im->head = head;
        im->error = error;
        status = gather_ingredients(im, in);
        if (status == CORE_OK) status = digest_sha256(in, sizeof *in, fingerprint);
    } else {
        status = core_fail(error, CORE_MEMORY, "%s: no memory to import it", path);
    }
    free(im);
    free(in);
    return status;
}
