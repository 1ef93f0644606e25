/* From what was kept in memory to rows of a dataset.
 * Relies on: data/synth/output.h, data/dataset (writer), data/digest.
 * Relied on by: tools/data. */
#include "data/synth/output.h"

#include "data/digest/digest.h"

#include <stdio.h>
#include <string.h>

static CoreStatus add_runs(const SynthRuns *runs, DatasetWriter *writer, uint32_t *first, CoreError *error) {
    const Dataset *head = dataset_writer_head(writer);
    CoreStatus status = CORE_OK;
    *first = head->n_runs;
    for (uint32_t i = 0; i < runs->count && status == CORE_OK; i++) {
        const SynthRun *run = &runs->runs[i];
        if (!run->valid) continue;
        DatasetRun row = {.capture = head->n_captures - 1,
                          .number = run->number,
                          .primary = run->class + 1u,
                          .start_ns = run->start_ns,
                          .end_ns = run->end_ns};
        snprintf(row.tool, sizeof row.tool, "%s", run->tool);
        snprintf(row.settings, sizeof row.settings, "%s", run->settings);
        status = dataset_writer_add_run(writer, &row, run->clients, run->n_clients, error);
    }
    return status;
}

static DatasetLabel label_of(const SynthRow *row, const SynthRuns *runs, uint32_t first) {
    const SynthMark *mark = &row->mark;
    DatasetLabel label = {0, 0, DATASET_BENIGN, mark->part};
    if (!mark->run && synth_client_in_doubt(runs, mark->client, row->time_ns)) label.primary = DATASET_IGNORE;
    if (!mark->run) return label;
    const SynthRun *run = &runs->runs[mark->run - 1];
    label.primary = DATASET_IGNORE;
    if (!run->valid) return label;
    label.run = first + run->number;
    if (mark->part == DATASET_RELAY) return label;
    label.primary = (uint8_t)(run->class + 1);
    label.classes = 1u << run->class | run->also;
    return label;
}

/* The capture has no file; its identity is that of its messages. */
static CoreStatus identify(const SynthRow *rows, uint64_t count, const uint8_t *bytes,
                           DatasetCapture *capture, CoreError *error) {
    uint64_t length = count ? rows[count - 1].offset + rows[count - 1].length : 0;
    CoreStatus status = digest_sha256(bytes ? bytes : (const uint8_t *)"", (size_t)length, capture->sha256);
    if (status != CORE_OK) return core_fail(error, status, "%s: cannot hash it", capture->name);
    return CORE_OK;
}

CoreStatus synth_output_rows(SynthOutput *output, const SynthRuns *runs, const char *name,
                             DatasetWriter *writer, CoreError *error) {
    uint64_t count;
    uint32_t first = 0;
    const uint8_t *bytes;
    const SynthRow *rows = synth_output_kept(output, &count, &bytes);
    DatasetCapture capture = {.follows = DATASET_NO_CAPTURE};
    snprintf(capture.name, sizeof capture.name, "%s", name);
    snprintf(capture.session, sizeof capture.session, "%s", name);
    CoreStatus status = identify(rows, count, bytes, &capture, error);
    if (status == CORE_OK) status = dataset_writer_add_capture(writer, &capture, error);
    if (status == CORE_OK) status = add_runs(runs, writer, &first, error);
    for (uint64_t i = 0; i < count && status == CORE_OK; i++) {
        WireMessage message = {.bytes = bytes + rows[i].offset,
                               .length = rows[i].length,
                               .flags = rows[i].fragmented ? WIRE_FLAG_FRAGMENTED : 0,
                               .time_ns = rows[i].time_ns,
                               .frame = rows[i].frame,
                               .transport = WIRE_UDP,
                               .source = rows[i].source,
                               .destination = rows[i].destination};
        DatasetLabel label = label_of(&rows[i], runs, first);
        status = dataset_writer_add_message(writer, &message, &label, error);
    }
    return status;
}
