/* A large dataset out of a small one: multiply INPUT COPIES OUTPUT writes every capture of INPUT so many
 * times, each copy with runs of its own, and copies its splits. Relies on: data/dataset (reader, writer).
 * Relied on by: tests/long/out_of_core.sh, ctest (a small one). */
#include "data/dataset/reader.h"
#include "data/dataset/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CoreError error;

/* The runs of capture `c`, as those of the latest capture; map[r] becomes the id of run r. */
static CoreStatus copy_runs(const Dataset *head, uint32_t c, DatasetWriter *writer, uint32_t *map) {
    CoreStatus status = CORE_OK;
    for (uint32_t r = 0; r < head->n_runs && status == CORE_OK; r++) {
        if (head->runs[r].capture != c) continue;
        uint64_t begin, end;
        dataset_run_clients(head, r, &begin, &end);
        WireAddress *clients = calloc((size_t)(end - begin) + 1, sizeof *clients);
        if (!clients) return core_fail(&error, CORE_MEMORY, "out of memory");
        for (uint64_t i = begin; i < end; i++)
            memcpy(clients[i - begin].ip, head->client_ips[i], DATASET_IP_SIZE);
        status = dataset_writer_add_run(writer, &head->runs[r], clients, (size_t)(end - begin), &error);
        map[r] = dataset_writer_head(writer)->n_runs;
        free(clients);
    }
    return status;
}

static CoreStatus copy_rows(DatasetReader *reader, uint32_t c, const uint32_t *map, DatasetWriter *writer) {
    uint64_t begin, end, first;
    const Dataset *rows;
    dataset_reader_capture_rows(reader, c, &begin, &end);
    CoreStatus status = begin < end ? dataset_reader_seek(reader, begin, end, &error) : CORE_END;
    while (status == CORE_OK && (status = dataset_reader_next(reader, &rows, &first, &error)) == CORE_OK)
        status = dataset_writer_add_rows(writer, rows, 0, rows->count, map, &error);
    return status == CORE_END ? CORE_OK : status;
}

static CoreStatus copy_capture(DatasetReader *reader, uint32_t c, int copy, DatasetWriter *writer) {
    const Dataset *head = dataset_reader_head(reader);
    DatasetCapture capture = head->captures[c];
    uint32_t *map = calloc(head->n_runs + 1u, sizeof *map);
    if (!map) return core_fail(&error, CORE_MEMORY, "out of memory");
    snprintf(capture.name, sizeof capture.name, "%.40s-%d", head->captures[c].name, copy);
    memcpy(capture.sha256, &copy, sizeof copy);
    if (capture.follows != DATASET_NO_CAPTURE) capture.follows += dataset_writer_head(writer)->n_captures - c;
    CoreStatus status = dataset_writer_add_capture(writer, &capture, &error);
    if (status == CORE_OK) status = copy_runs(head, c, writer, map);
    if (status == CORE_OK) status = copy_rows(reader, c, map, writer);
    free(map);
    return status;
}

static CoreStatus copy_splits(const Dataset *head, int copies, DatasetWriter *writer) {
    CoreStatus status = CORE_OK;
    for (uint32_t s = 0; s < head->n_splits && status == CORE_OK; s++) {
        DatasetSplit *split;
        status = dataset_writer_split(writer, head->splits[s].name, &split, &error);
        for (int copy = 0; copy < copies && status == CORE_OK; copy++) {
            memcpy(split->captures + (size_t)copy * head->n_captures, head->splits[s].captures,
                   head->n_captures);
            memcpy(split->runs + (size_t)copy * head->n_runs, head->splits[s].runs, head->n_runs);
        }
    }
    return status;
}

static CoreStatus multiply(DatasetReader *reader, int copies, const char *path) {
    const Dataset *head = dataset_reader_head(reader);
    DatasetWriter *writer;
    CoreStatus status = dataset_writer_open(path, head->class_list, head->n_classes, &writer, &error);
    if (status != CORE_OK) return status;
    for (int copy = 0; copy < copies && status == CORE_OK; copy++)
        for (uint32_t c = 0; c < head->n_captures && status == CORE_OK; c++)
            status = copy_capture(reader, c, copy, writer);
    if (status == CORE_OK) status = copy_splits(head, copies, writer);
    dataset_writer_describe(writer, "tests/train/multiply", 0);
    if (status == CORE_OK) return dataset_writer_seal(writer, &error);
    dataset_writer_discard(writer);
    return status;
}

int main(int argc, char **argv) {
    DatasetReader *reader;
    int copies = argc == 4 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (copies < 1) {
        fprintf(stderr, "usage: multiply INPUT COPIES OUTPUT\n");
        return 2;
    }
    CoreStatus status = dataset_reader_open(argv[1], &reader, &error);
    if (status == CORE_OK) {
        status = multiply(reader, copies, argv[3]);
        dataset_reader_close(reader);
    }
    if (status != CORE_OK) fprintf(stderr, "multiply: %s\n", error.text);
    return status == CORE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
