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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int ends[2];
    Dataset dataset;
    CoreError error = {CORE_OK, ""};
    if (size > PIPE_HOLDS || pipe(ends) != 0) return 0;
    if (write(ends[1], data, size) == (ssize_t)size) {
        close(ends[1]);
        if (stream_receive(ends[0], MEMORY, &dataset, &error) == CORE_OK) {
            if (dataset_check(&dataset, &error) != CORE_OK) abort();
        } else if (!error.text[0] || dataset.offset) {
            abort();
        }
        dataset_free(&dataset);
    } else {
        close(ends[1]);
    }
    close(ends[0]);
    return 0;
}
