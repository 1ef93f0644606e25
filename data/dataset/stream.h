/* The pipe between the child that opens a dataset file and the process that wants its rows.
 * Relies on: data/dataset/schema.h, POSIX.
 * Relied on by: store_child.c (sends), store_read.c (receives). Internal to data/dataset.
 *
 * The stream is a sequence of frames: u32 length (native order: both ends are one machine), then that many
 * bytes. The bytes of all frames together are the dataset: a head, each column of the schema packed, each
 * split (name, sides of captures, sides of runs), a tail. A length of STREAM_FAILURE instead announces a
 * StreamFailure and ends the stream. */
#ifndef SIPCNN_DATASET_STREAM_H
#define SIPCNN_DATASET_STREAM_H

#include "data/dataset/schema.h"

enum { STREAM_FRAME_MAX = 1 << 16 };
#define STREAM_FAILURE UINT32_MAX
#define STREAM_MAGIC   UINT64_C(0x31535443504953)

typedef struct StreamHead {
    uint64_t magic;
    SchemaSizes sizes;
    uint32_t n_splits;
    uint32_t pseudonymised;
    char provenance[DATASET_PROVENANCE_SIZE];
} StreamHead;

typedef struct StreamFailure {
    uint32_t status; /* CoreStatus */
    char text[512];
} StreamFailure;

typedef struct StreamWriter {
    int fd;
    bool failed; /* the other end is gone */
    uint32_t used;
    uint8_t frame[STREAM_FRAME_MAX];
} StreamWriter;

void stream_writer_init(StreamWriter *writer, int fd);
void stream_write(StreamWriter *writer, const void *bytes, size_t size);
/* Sends what is left; false if anything could not be sent. */
bool stream_flush(StreamWriter *writer);
/* Announces a failure in place of whatever is left of the dataset. */
void stream_write_failure(StreamWriter *writer, const CoreError *error);

/* Receives a dataset from `fd` and checks every value of it (dataset_check). At most `limit` bytes of memory.
 * CORE_FORMAT: a stream that ends early, breaks the framing or carries values out of range; or the failure
 * that the other end announced. On failure *dataset is empty. The caller closes fd. */
CORE_NODISCARD CoreStatus stream_receive(int fd, uint64_t limit, Dataset *dataset, CoreError *error);

#endif
