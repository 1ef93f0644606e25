/* Fuzz target: what the process that wants a dataset accepts from the child that read the file.
 * Relies on: data/dataset/stream.h.
 * Relied on by: ctest, libFuzzer. */
#include "data/dataset/stream.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    PIPE_HOLDS = 1 << 16, /* bytes that a pipe takes without a reader */
    MEMORY = 16 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every window that follows the head, each asked for where the one before it ended. */
static void receive_windows(StreamReader *reader, const StreamTables *tables, Dataset *window) {
    CoreError error = {CORE_OK, ""};
    uint64_t first = 0;
    while (first < tables->count && stream_receive_window(reader, tables, first, window, &error) == CORE_OK) {
        if (window->count == 0 || dataset_check(window, &error) != CORE_OK) abort();
        first += window->count;
    }
    if (first < tables->count && (!error.text[0] || window->count)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static StreamReader reader;
    int ends[2];
    Dataset window;
    StreamTables tables;
    CoreError error = {CORE_OK, ""};
    if (size > PIPE_HOLDS || pipe(ends) != 0) return 0;
    bool written = write(ends[1], data, size) == (ssize_t)size;
    close(ends[1]);
    if (written) {
        stream_reader_init(&reader, ends[0]);
        if (stream_receive_head(&reader, MEMORY, &window, &tables, &error) == CORE_OK)
            receive_windows(&reader, &tables, &window);
        else if (!error.text[0] || window.offset || tables.ends)
            abort();
        dataset_free(&window);
        free(tables.ends);
    }
    close(ends[0]);
    return 0;
}
