/* Packet comments of a pcapng capture (option opt_comment of IETF draft-ietf-opsawg-pcapng), which libpcap
 * passes over: what people wrote beside frames, in Wireshark for instance.
 * Relies on: engine/core/status.h, data/dataset/compressed.h.
 * Relied on by: tools/data/label. */
#ifndef SIPCNN_DATASET_COMMENTS_H
#define SIPCNN_DATASET_COMMENTS_H

#include "engine/core/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct DatasetComment {
    uint64_t frame; /* 1-based, as in verdicts and label rows */
    char *text;     /* zero bytes replaced by blanks */
} DatasetComment;

/* In order of frames; a frame may have several. Zeroed: none. */
typedef struct DatasetComments {
    DatasetComment *items; /* [n] */
    size_t n;
    uint64_t frames; /* packets in the file */
} DatasetComments;

/* Reads all packet comments of a pcapng file (may be xz). CORE_FORMAT: another kind of file, or a damaged
 * block, by its offset; CORE_IO, CORE_LIMIT (over 4 GiB), CORE_MEMORY. Free with dataset_comments_free, also
 * after a failure. Thread-safe. */
CORE_NODISCARD CoreStatus dataset_comments_read(const char *path, DatasetComments *comments,
                                                CoreError *error);

/* The same from memory; `name` stands for the file in errors. */
CORE_NODISCARD CoreStatus dataset_comments_parse(const char *name, const uint8_t *bytes, size_t size,
                                                 DatasetComments *comments, CoreError *error);

void dataset_comments_free(DatasetComments *comments);

#endif
