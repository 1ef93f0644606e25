/* Export: a capture of a dataset becomes a pcap file with its labels again.
 * Relies on: data/dataset/reader.h, data/dataset/frames.h, data/dataset/temporary.h.
 * Relied on by: tools/data/export, tests. */
#include "data/dataset/export.h"

#include "data/dataset/frames.h"
#include "data/dataset/temporary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_ROOM = 4096,
    FILE_BUFFER = 1 << 18,
};

/* A file that appears when all is written. */
typedef struct Output {
    char path[PATH_ROOM];
    char *temporary;
    FILE *file;
} Output;

typedef enum OutputKind { LABELS, RUNS, CAPTURE, OUTPUTS } OutputKind; /* in order of appearance */

typedef struct Exporter {
    DatasetReader *reader;
    const Dataset *head;
    uint32_t capture;
    const DatasetExportOptions *options;
    DatasetExportReport *report;
    Output outputs[OUTPUTS];
    FrameWriter frames;
    uint32_t *numbers; /* [n_runs] of the capture's runs in the files */
    bool *run_used;    /* [n_runs] */
    CoreError *error;
} Exporter;

/* ---- files --------------------------------------------------------------------------------------------- */

static CoreStatus cannot_write(const Output *o, CoreError *error) {
    return core_fail(error, CORE_IO, "%s: cannot write: %s", o->path, strerror(errno));
}

/* The name comes from the dataset, which anybody may have made. */
static bool is_file_name(const char *name) {
    if (!name[0] || name[0] == '.') return false;
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f || *at == '/') return false;
    return true;
}

static CoreStatus open_outputs(Exporter *x, const char *folder) {
    static const char *const suffixes[OUTPUTS] = {"labels.tsv", "runs.tsv", "pcap"};
    const char *name = x->head->captures[x->capture].name;
    if (!is_file_name(name))
        return core_fail(x->error, CORE_ARGUMENT, "captures/name[%u] cannot be the name of a file",
                         x->capture);
    for (int i = 0; i < OUTPUTS; i++) {
        Output *o = &x->outputs[i];
        int length = snprintf(o->path, sizeof o->path, "%s/%s.%s", folder, name, suffixes[i]);
        if (length < 0 || (size_t)length >= sizeof o->path)
            return core_fail(x->error, CORE_ARGUMENT, "%.80s...: too long a name", folder);
        CoreStatus status = temporary_create(o->path, &o->temporary, x->error);
        if (status != CORE_OK) return status;
        o->file = fopen(o->temporary, "wb");
        if (!o->file) return cannot_write(o, x->error);
        (void)setvbuf(o->file, NULL, _IOFBF, FILE_BUFFER);
    }
    return CORE_OK;
}

/* The capture comes last: where it is, its labels are. */
static CoreStatus commit_outputs(Exporter *x) {
    CoreStatus status = CORE_OK;
    for (int i = 0; i < OUTPUTS && status == CORE_OK; i++) {
        Output *o = &x->outputs[i];
        bool failed = ferror(o->file);
        FILE *file = o->file;
        o->file = NULL;
        if (fclose(file) != 0 || failed) return cannot_write(o, x->error);
        char *temporary = o->temporary;
        o->temporary = NULL;
        status = temporary_commit(temporary, o->path, true, x->error);
    }
    return status;
}

static void discard_outputs(Exporter *x) {
    for (int i = 0; i < OUTPUTS; i++) {
        if (x->outputs[i].file) fclose(x->outputs[i].file);
        if (x->outputs[i].temporary) temporary_discard(x->outputs[i].temporary);
    }
}

/* ---- labels -------------------------------------------------------------------------------------------- */

static void write_also(const Exporter *x, FILE *file, uint8_t primary, uint32_t classes) {
    const char *comma = "";
    for (uint32_t i = 0; i < x->head->n_classes; i++) {
        if (!(classes >> i & 1) || i + 1 == primary) continue;
        fprintf(file, "%s%s", comma, x->head->class_list[i].name);
        comma = ",";
    }
}

static void write_label(Exporter *x, const Dataset *rows, uint64_t row, uint64_t frame, uint32_t index) {
    static const char *const parts[DATASET_PARTS] = {"request", "reply", "relay", "onset"};
    FILE *file = x->outputs[LABELS].file;
    uint32_t run = rows->run[row];
    fprintf(file, "%" PRIu64 "\t%" PRIu32 "\t%s\t", frame, index,
            dataset_primary_name(x->head, rows->primary[row]));
    write_also(x, file, rows->primary[row], rows->classes[row]);
    fprintf(file, "\t%" PRIu32 "\t%s\n", run ? x->numbers[run - 1] : 0, parts[rows->part[row]]);
    if (run) x->run_used[run - 1] = true;
}

/* A text as one field: no tab or line end may come from a dataset that somebody else made. */
static void write_field(FILE *file, const char *text) {
    for (; *text; text++)
        putc((unsigned char)*text < ' ' ? ' ' : *text, file);
}

static void write_time(FILE *file, int64_t time_ns) {
    if (time_ns < 0) time_ns = 0;
    fprintf(file, "\t%" PRId64 ".%09" PRId64, time_ns / 1000000000, time_ns % 1000000000);
}

static void write_clients(const Exporter *x, FILE *file, uint32_t run) {
    uint64_t begin, end;
    char text[WIRE_ADDRESS_TEXT_MAX];
    dataset_run_clients(x->head, run, &begin, &end);
    for (uint64_t i = begin; i < end; i++) {
        WireAddress address = {.port = 0};
        memcpy(address.ip, x->head->client_ips[i], DATASET_IP_SIZE);
        fprintf(file, "%s%s", i > begin ? "," : "", wire_address_text(&address, false, text, sizeof text));
    }
}

static void write_runs(Exporter *x) {
    FILE *file = x->outputs[RUNS].file;
    bool filtered = x->options->primaries || x->options->runs;
    fputs("run\tclass\ttool\tsettings\tstart\tend\tclients\n", file);
    for (uint32_t r = 0; r < x->head->n_runs; r++) {
        const DatasetRun *run = &x->head->runs[r];
        if (run->capture != x->capture || (filtered && !x->run_used[r])) continue;
        fprintf(file, "%" PRIu32 "\t%s\t", x->numbers[r],
                run->primary == DATASET_UNLABELLED ? "ignore" : dataset_primary_name(x->head, run->primary));
        write_field(file, run->tool);
        putc('\t', file);
        write_field(file, run->settings);
        write_time(file, run->start_ns);
        write_time(file, run->end_ns);
        putc('\t', file);
        write_clients(x, file, r);
        putc('\n', file);
        x->report->runs++;
    }
}

/* Runs keep the numbers of their label file, or are numbered anew if those do not tell them apart. */
static void number_runs(Exporter *x) {
    uint32_t last = 0, next = 1;
    bool ascending = true;
    for (uint32_t r = 0; r < x->head->n_runs; r++) {
        if (x->head->runs[r].capture != x->capture) continue;
        ascending = ascending && x->head->runs[r].number > last;
        last = x->head->runs[r].number;
    }
    for (uint32_t r = 0; r < x->head->n_runs; r++)
        if (x->head->runs[r].capture == x->capture)
            x->numbers[r] = ascending ? x->head->runs[r].number : next++;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static bool is_wanted(const Exporter *x, const Dataset *rows, uint64_t row) {
    const DatasetExportOptions *o = x->options;
    uint32_t run = rows->run[row];
    if (o->runs && (run == 0 || !o->runs[run - 1])) return false;
    if (!o->primaries || o->primaries[rows->primary[row]]) return true;
    for (uint32_t i = 0; i < x->head->n_classes; i++)
        if (rows->classes[row] >> i & 1 && o->primaries[i + 1]) return true;
    return false;
}

static CoreStatus export_row(Exporter *x, const Dataset *rows, uint64_t row, uint64_t first) {
    WireMessage message;
    uint64_t frame = 0;
    uint32_t index = 0;
    dataset_message_view(rows, row, &message);
    CoreStatus status = frames_put(&x->frames, &message, &frame, &index, x->error);
    if (status == CORE_IO) return core_fail_context(x->error, status, "%s", x->outputs[CAPTURE].path);
    if (status != CORE_OK)
        return core_fail_context(x->error, status, "message %llu", (unsigned long long)(first + row));
    write_label(x, rows, row, frame, index);
    x->report->messages++;
    return CORE_OK;
}

static CoreStatus export_window(Exporter *x, const Dataset *rows, uint64_t first) {
    CoreStatus status = CORE_OK;
    for (uint64_t row = 0; row < rows->count && status == CORE_OK; row++)
        if (is_wanted(x, rows, row)) status = export_row(x, rows, row, first);
    return status;
}

static CoreStatus export_rows(Exporter *x) {
    const Dataset *rows;
    uint64_t begin, end, first;
    dataset_reader_capture_rows(x->reader, x->capture, &begin, &end);
    CoreStatus status = dataset_reader_seek(x->reader, begin, end, x->error);
    while (status == CORE_OK &&
           (status = dataset_reader_next(x->reader, &rows, &first, x->error)) == CORE_OK) {
        status = export_window(x, rows, first);
        if (status == CORE_OK &&
            !dataset_progress(x->options->progress, first + rows->count - begin, end - begin))
            status = core_fail(x->error, CORE_INTERRUPTED, "%s: interrupted", x->outputs[CAPTURE].path);
    }
    if (status != CORE_END) return status;
    status = frames_finish(&x->frames, x->error);
    return status == CORE_OK ? status : core_fail_context(x->error, status, "%s", x->outputs[CAPTURE].path);
}

static CoreStatus export_capture(Exporter *x, const char *folder) {
    x->numbers = calloc(x->head->n_runs + 1u, sizeof *x->numbers);
    x->run_used = calloc(x->head->n_runs + 1u, sizeof *x->run_used);
    if (!x->numbers || !x->run_used)
        return core_fail(x->error, CORE_MEMORY, "no memory for %u runs", x->head->n_runs);
    number_runs(x);
    CoreStatus status = open_outputs(x, folder);
    if (status == CORE_OK)
        status = frames_init(&x->frames, x->outputs[CAPTURE].file, x->options->keep_frames, x->error);
    if (status != CORE_OK) return status;
    fputs("frame\tindex\tprimary\talso\trun\tpart\n", x->outputs[LABELS].file);
    status = export_rows(x);
    x->report->frames = x->frames.frames;
    x->report->fillers = x->frames.fillers;
    x->report->named = x->report->messages > 0;
    if (status != CORE_OK || !x->report->named) return status;
    write_runs(x);
    return commit_outputs(x);
}

CoreStatus dataset_export_capture(DatasetReader *reader, uint32_t capture, const char *folder,
                                  const DatasetExportOptions *options, DatasetExportReport *report,
                                  CoreError *error) {
    Exporter *x = calloc(1, sizeof *x);
    memset(report, 0, sizeof *report);
    if (!x) return core_fail(error, CORE_MEMORY, "no memory to export");
    x->reader = reader;
    x->head = dataset_reader_head(reader);
    x->capture = capture;
    x->options = options;
    x->report = report;
    x->error = error;
    CoreStatus status = export_capture(x, folder);
    discard_outputs(x);
    frames_free(&x->frames);
    free(x->numbers);
    free(x->run_used);
    free(x);
    return status;
}
