/* The dataset file that a command makes: sealed, or discarded, with a line for people.
 * Relies on: data/dataset/writer.h.
 * Relied on by: tools/data (import, merge). */
#include "tools/data/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *output_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

CoreStatus output_end(DatasetWriter *writer, CoreStatus status, CoreError *error) {
    if (status == CORE_OK) return dataset_writer_seal(writer, error);
    dataset_writer_discard(writer);
    return status;
}

CoreStatus output_seal(DatasetWriter *writer, const char *made, const char *path, CoreStatus status,
                       CoreError *error) {
    struct stat info;
    unsigned long long messages = dataset_writer_count(writer);
    uint32_t captures = dataset_writer_head(writer)->n_captures, runs = dataset_writer_head(writer)->n_runs;
    status = output_end(writer, status, error);
    if (status != CORE_OK) return status;
    if (strcmp(made, path) != 0 && rename(made, path) != 0)
        return core_fail(error, CORE_IO, "%s: cannot write: %s", path, strerror(errno));
    printf("%s: %llu messages, %u captures, %u runs", path, messages, captures, runs);
    if (stat(path, &info) == 0) printf(", %.1f MiB", (double)info.st_size / (1 << 20));
    printf("\n");
    return CORE_OK;
}
