/* The dataset file that a command makes: sealed, or discarded, with a line for people.
 * Relies on: data/dataset/writer.h.
 * Relied on by: tools/data (import, merge). */
#ifndef SIPCNN_TOOLS_DATA_OUTPUT_H
#define SIPCNN_TOOLS_DATA_OUTPUT_H

#include "data/dataset/writer.h"

/* The name of a file without its folders. Borrowed. */
const char *output_base(const char *path);

/* Seals the file if `status` is CORE_OK, else discards it; returns what came of it. Ends the writer. */
CORE_NODISCARD CoreStatus output_end(DatasetWriter *writer, CoreStatus status, CoreError *error);

/* The same; then the file, which was made at `made`, moves to `path` if that is another place of the same
 * file system, and a line says what it holds. */
CORE_NODISCARD CoreStatus output_seal(DatasetWriter *writer, const char *made, const char *path,
                                      CoreStatus status, CoreError *error);

#endif
