/* Fuzz target: the reader of packet comments.
 * Relies on: data/dataset/comments.h.
 * Relied on by: ctest, libFuzzer. */
#include "data/dataset/comments.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    DatasetComments comments;
    CoreError error = {CORE_OK, ""};
    uint64_t last = 0;
    if (dataset_comments_parse("fuzz", data, size, &comments, &error) != CORE_OK && !error.text[0]) abort();
    for (size_t i = 0; i < comments.n; i++) {
        if (comments.items[i].frame < last || comments.items[i].frame > comments.frames) abort();
        last = comments.items[i].frame;
        if (strlen(comments.items[i].text) > UINT16_MAX) abort();
    }
    dataset_comments_free(&comments);
    return 0;
}
