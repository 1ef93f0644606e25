/* The pipes between the child that opens a dataset file and the process that wants its rows.
 * Relies on: data/dataset/schema.h, data/dataset/reader.h (sizes of windows), POSIX.
 * Relied on by: store_child.c (sends), reader.c (receives). Internal to data/dataset.
 *
 * The child's stream is a sequence of frames: u32 length (native order: both ends are one machine), then that
 * many bytes. First comes the head: StreamHead, each column of the schema's tables packed, the row behind
 * each capture's last (u64), each split (name, sides of captures, sides of runs), a tail. Then, for every
 * StreamRequest on the other pipe, a window: StreamWindow and each column of /messages packed, offsets
 * counted from the window's first byte. Head and windows end with a frame. A length of STREAM_FAILURE instead
 * announces a StreamFailure and ends the stream. */
#ifndef SIPCNN_DATASET_STREAM_H
#define SIPCNN_DATASET_STREAM_H

#include "data/dataset/reader.h"
#include "data/dataset/schema.h"

enum { STREAM_FRAME_MAX = 1 << 16 };
#define STREAM_FAILURE UINT32_MAX
#define STREAM_MAGIC   UINT64_C(0x32535443504953)

typedef struct StreamHead {
    uint64_t magic;
    SchemaSizes sizes;
    uint32_t n_splits;
    uint32_t pseudonymised;
    char provenance[DATASET_PROVENANCE_SIZE];
} StreamHead;

/* Wants rows from `first` on, as many as a window takes. */
typedef struct StreamRequest {
    uint64_t first;
} StreamRequest;

typedef struct StreamWindow {
    uint64_t magic;
    uint64_t first, rows, bytes;
} StreamWindow;

typedef struct StreamFailure {
    uint32_t status; /* CoreStatus */
    char text[512];
} StreamFailure;

/* ---- the child's end ---- */

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

/* ---- the other end: nothing that arrives is trusted ---- */

typedef struct StreamReader {
    int fd;
    uint32_t used, size; /* of the frame */
    CoreError *error;    /* of the current call */
    uint8_t frame[STREAM_FRAME_MAX];
} StreamReader;

void stream_reader_init(StreamReader *reader, int fd);

/* What the head says beside the tables. */
typedef struct StreamTables {
    uint64_t count, bytes; /* of all messages */
    uint64_t *ends;        /* [n_captures] the row behind each capture's last; free it */
} StreamTables;

/* Receives the head: *window becomes a dataset without rows that has the tables, checked, and room for one
 * window of rows (dataset_free). At most `limit` bytes of memory. CORE_FORMAT: a stream that ends early,
 * breaks the framing or carries values out of range; or the failure that the other end announced; CORE_LIMIT,
 * CORE_MEMORY. On failure *window is empty and tables->ends NULL. */
CORE_NODISCARD CoreStatus stream_receive_head(StreamReader *reader, uint64_t limit, Dataset *window,
                                              StreamTables *tables, CoreError *error);

/* Receives the window that was requested from row `first` on into the room that *window has, and checks every
 * value of it. Errors as above; *window then has no rows. */
CORE_NODISCARD CoreStatus stream_receive_window(StreamReader *reader, const StreamTables *tables,
                                                uint64_t first, Dataset *window, CoreError *error);

#endif
