/* Writing what the capture point saw: pcap, labels per message, and the table of runs.
 * Relies on: data/synth/frame.h, data/dataset (temporary files).
 * Relied on by: data/synth/world.c, tools/data. */
#include "data/synth/output.h"

#include "data/dataset/temporary.h"
#include "data/synth/frame.h"
#include "data/synth/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A label while its run is not judged yet. */
typedef struct Pending {
    int64_t time_ns;
    uint64_t frame;
    SynthMark mark;
} Pending;

struct SynthOutput {
    char *path, *temporary; /* NULL: messages are kept */
    FILE *file;
    uint64_t frames, messages, sip_bytes;
    Pending *labels;
    uint64_t labels_room;
    SynthRow *rows;
    uint64_t rows_room;
    uint8_t *bytes;
    uint64_t bytes_room;
    FrameMaker maker;
};

enum { FILE_BUFFER = 1 << 20, RECORD_HEADER = 16 };

static CoreStatus fail_file(const char *path, CoreError *error) {
    return core_fail(error, CORE_IO, "%s: cannot write: %s", path, strerror(errno));
}

/* ---- opening ------------------------------------------------------------------------------------------- */

CoreStatus synth_output_open(const char *path, SynthOutput **output, CoreError *error) {
    SynthOutput *made = calloc(1, sizeof *made);
    *output = NULL;
    if (!made) return core_fail(error, CORE_MEMORY, "no memory for the output");
    if (path) {
        CoreStatus status = CORE_OK;
        made->path = strdup(path);
        if (!made->path)
            status = core_fail(error, CORE_MEMORY, "%s: no memory for its name", path);
        else
            status = temporary_create(path, &made->temporary, error);
        if (status == CORE_OK && !(made->file = fopen(made->temporary, "wb")))
            status = fail_file(path, error);
        if (status != CORE_OK) {
            synth_output_free(made);
            return status;
        }
        setvbuf(made->file, NULL, _IOFBF, FILE_BUFFER);
    }
    *output = made;
    return CORE_OK;
}

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

CoreStatus synth_output_begin(SynthOutput *output, SynthLink link, SynthRandom random, CoreError *error) {
    uint8_t head[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0}; /* microseconds, version 2.4 */
    output->maker.link = link;
    output->maker.key = synth_bits(&random);
    output->maker.vlan = (uint16_t)synth_between(&random, 2, 4000);
    put32(head + 16, 262144);
    put32(head + 20, frame_link_type(link));
    if (output->file && fwrite(head, sizeof head, 1, output->file) != 1)
        return fail_file(output->path, error);
    return CORE_OK;
}

/* ---- packets ------------------------------------------------------------------------------------------- */

static bool grow(void *array, uint64_t *room, uint64_t needed, size_t size) {
    void *old;
    if (needed <= *room) return true;
    uint64_t next = *room + *room / 2 + 4096;
    if (next < needed) next = needed;
    memcpy(&old, array, sizeof old);
    void *grown = realloc(old, next * size);
    if (!grown) return false;
    memcpy(array, &grown, sizeof grown);
    *room = next;
    return true;
}

static CoreStatus write_frames(SynthOutput *output, int64_t time_us, CoreError *error) {
    uint8_t record[RECORD_HEADER + FRAME_ROOM];
    uint32_t length;
    while ((length = frame_next(&output->maker, record + RECORD_HEADER)) != 0) {
        put32(record, (uint32_t)(time_us / 1000000));
        put32(record + 4, (uint32_t)(time_us % 1000000));
        put32(record + 8, length);
        put32(record + 12, length);
        if (output->file && fwrite(record, RECORD_HEADER + length, 1, output->file) != 1)
            return fail_file(output->path, error);
        output->frames++;
    }
    return CORE_OK;
}

/* In memory nothing is framed, but frames are counted as if. */
static uint64_t frames_of(const WireAddress *source, uint32_t length) {
    uint32_t room = wire_is_ipv4(source) ? FRAME_MTU - 20 : FRAME_MTU - 40;
    if (length + 8 <= room) return 1;
    room = (room - (room == FRAME_MTU - 20 ? 0 : 8)) / 8 * 8;
    return (length + 8 + room - 1) / room;
}

static CoreStatus keep(SynthOutput *output, const SynthRow *row, const uint8_t *bytes, CoreError *error) {
    if (!grow(&output->rows, &output->rows_room, output->messages + 1, sizeof *output->rows) ||
        !grow(&output->bytes, &output->bytes_room, output->sip_bytes + row->length, 1))
        return core_fail(error, CORE_MEMORY, "no memory for %llu messages",
                         (unsigned long long)output->messages);
    output->rows[output->messages] = *row;
    memcpy(output->bytes + output->sip_bytes, bytes, row->length);
    return CORE_OK;
}

CoreStatus synth_output_packet(SynthOutput *output, int64_t time_ns, const WireAddress *source,
                               const WireAddress *destination, const uint8_t *bytes, uint32_t length,
                               const SynthMark *mark, CoreError *error) {
    int64_t time_us = time_ns / 1000;
    CoreStatus status = CORE_OK;
    uint64_t before = output->frames;
    if (output->file) {
        if (!frame_begin(&output->maker, source, destination, bytes, length))
            return core_fail(error, CORE_LIMIT, "a datagram of %u bytes", length);
        status = write_frames(output, time_us, error);
    } else {
        output->frames += frames_of(source, length);
    }
    if (status != CORE_OK || !mark) return status;
    if (output->file) {
        if (!grow(&output->labels, &output->labels_room, output->messages + 1, sizeof *output->labels))
            return core_fail(error, CORE_MEMORY, "no memory for %llu labels",
                             (unsigned long long)output->messages);
        Pending label = {time_us * 1000, output->frames, *mark};
        output->labels[output->messages] = label;
    } else {
        SynthRow row = {time_us * 1000, output->frames, output->sip_bytes,
                        length,         *mark,          output->frames - before > 1,
                        *source,        *destination};
        status = keep(output, &row, bytes, error);
    }
    output->messages++;
    output->sip_bytes += length;
    return status;
}

uint64_t synth_output_messages(const SynthOutput *output) {
    return output->messages;
}

uint64_t synth_output_bytes(const SynthOutput *output) {
    return output->sip_bytes;
}

uint64_t synth_output_in_doubt(const SynthOutput *output, const SynthRuns *runs) {
    uint64_t count = 0;
    for (uint64_t i = 0; i < output->messages; i++) {
        uint32_t client = output->path ? output->labels[i].mark.client : output->rows[i].mark.client;
        int64_t time_ns = output->path ? output->labels[i].time_ns : output->rows[i].time_ns;
        count += synth_client_in_doubt(runs, client, time_ns);
    }
    return count;
}

const SynthRow *synth_output_kept(const SynthOutput *output, uint64_t *count, const uint8_t **bytes) {
    *count = output->path ? 0 : output->messages;
    *bytes = output->bytes;
    return output->rows;
}

/* ---- labels -------------------------------------------------------------------------------------------- */

static const char *const part_names[DATASET_PARTS] = {"request", "reply", "relay", "onset"};

static void put_also(SynthText *text, uint32_t also) {
    const char *comma = "";
    for (uint32_t i = 0; i < SYNTH_CLASSES; i++) {
        if (!(also >> i & 1)) continue;
        synth_put_text(text, comma);
        synth_put_text(text, synth_class_names[i]);
        comma = ",";
    }
}

static void put_label(SynthText *text, const Pending *label, const SynthRuns *runs) {
    const SynthRun *run = label->mark.run ? &runs->runs[label->mark.run - 1] : NULL;
    synth_put_number(text, label->frame);
    synth_put_text(text, "\t0\t");
    if (!run) {
        bool doubt = synth_client_in_doubt(runs, label->mark.client, label->time_ns);
        synth_put_text(text, doubt ? "ignore\t\t0" : "benign\t\t0");
    } else if (!run->valid || label->mark.part == DATASET_RELAY) {
        synth_put_text(text, "ignore\t\t");
        synth_put_number(text, run->valid ? run->number : 0);
    } else {
        synth_put_text(text, synth_class_names[run->class]);
        synth_put_char(text, '\t');
        put_also(text, run->also);
        synth_put_char(text, '\t');
        synth_put_number(text, run->number);
    }
    synth_put_char(text, '\t');
    synth_put_text(text, part_names[label->mark.part]);
    synth_put_char(text, '\n');
}

static bool write_labels(const SynthOutput *output, const SynthRuns *runs, FILE *file) {
    bool good = fputs("frame\tindex\tprimary\talso\trun\tpart\n", file) >= 0;
    for (uint64_t i = 0; i < output->messages && good; i++) {
        char line[512];
        SynthText text = synth_text(line, sizeof line);
        put_label(&text, &output->labels[i], runs);
        good = fwrite(line, text.length, 1, file) == 1;
    }
    return good;
}

/* Epoch seconds with six digits; a negative time does not occur. */
static bool put_time(FILE *file, int64_t time_ns) {
    return fprintf(file, "%lld.%06lld\t", (long long)(time_ns / 1000000000),
                   (long long)(time_ns / 1000 % 1000000)) > 0;
}

static bool write_run(const SynthRun *run, FILE *file) {
    bool good = fprintf(file, "%u\t%s\t%s\t%s\t", run->number, synth_class_names[run->class], run->tool,
                        run->settings) > 0 &&
                put_time(file, run->start_ns) && put_time(file, run->end_ns);
    for (uint32_t i = 0; i < run->n_clients && good; i++) {
        char text[WIRE_ADDRESS_TEXT_MAX];
        good = fprintf(file, "%s%s", i ? "," : "",
                       wire_address_text(&run->clients[i], false, text, sizeof text)) > 0;
    }
    return good && fputc('\n', file) != EOF;
}

static bool write_runs(const SynthOutput *output, const SynthRuns *runs, FILE *file) {
    bool good = fputs("run\tclass\ttool\tsettings\tstart\tend\tclients\n", file) >= 0;
    (void)output;
    for (uint32_t i = 0; i < runs->count && good; i++)
        if (runs->runs[i].valid) good = write_run(&runs->runs[i], file);
    return good;
}

typedef bool TableWriter(const SynthOutput *output, const SynthRuns *runs, FILE *file);

/* Writes one table beside the capture: NAME + ending. */
static CoreStatus write_table(const SynthOutput *output, const SynthRuns *runs, const char *ending,
                              TableWriter *write, CoreError *error) {
    char path[4096];
    char *temporary;
    size_t length = strlen(output->path);
    if (length > 5 && strcmp(output->path + length - 5, ".pcap") == 0) length -= 5;
    if (snprintf(path, sizeof path, "%.*s%s", (int)length, output->path, ending) >= (int)sizeof path)
        return core_fail(error, CORE_ARGUMENT, "%s: the name is too long", output->path);
    CoreStatus status = temporary_create(path, &temporary, error);
    if (status != CORE_OK) return status;
    FILE *file = fopen(temporary, "w");
    bool good = file && write(output, runs, file);
    if (file && fclose(file) != 0) good = false;
    if (good) return temporary_commit(temporary, path, false, error);
    fail_file(path, error);
    temporary_discard(temporary);
    return CORE_IO;
}

CoreStatus synth_output_close(SynthOutput *output, const SynthRuns *runs, CoreError *error) {
    if (!output->file) return CORE_OK;
    int closed = fclose(output->file);
    output->file = NULL;
    if (closed != 0) return fail_file(output->path, error);
    CoreStatus status = write_table(output, runs, ".labels.tsv", write_labels, error);
    if (status == CORE_OK) status = write_table(output, runs, ".runs.tsv", write_runs, error);
    if (status != CORE_OK) return status;
    char *temporary = output->temporary;
    output->temporary = NULL;
    return temporary_commit(temporary, output->path, false, error);
}

void synth_output_free(SynthOutput *output) {
    if (!output) return;
    if (output->file) fclose(output->file);
    if (output->temporary) temporary_discard(output->temporary);
    free(output->path);
    free(output->labels);
    free(output->rows);
    free(output->bytes);
    free(output);
}
