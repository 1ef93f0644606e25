/* Fuzz target: the parsers of label and run files.
 * Relies on: data/dataset/labels.h.
 * Relied on by: ctest, libFuzzer. */
#include "data/dataset/labels.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const DatasetClass classes[] = {{"flood", 5}, {"scan", 5}, {"malformed", 0}};
    Dataset dataset;
    DatasetLabels labels;
    CoreError error = {CORE_OK, ""};
    const char *text = (const char *)data;
    WireAddress address = {{0}, 0};
    if (dataset_init(&dataset, classes, 3, &error) != CORE_OK) return 0;
    if (dataset_labels_parse("fuzz", text, size, &dataset, &labels, &error) == CORE_OK) {
        (void)dataset_labels_find(&labels, 3, 0);
        (void)dataset_labels_match(&labels, 1000, &address, &address, text, size < 8 ? size : 8);
    } else if (!error.text[0]) {
        abort();
    }
    dataset_labels_free(&labels);
    if (dataset_labels_parse_runs("fuzz", text, size, &dataset, &labels, &error) == CORE_OK)
        (void)dataset_labels_find_run(&labels, 3);
    dataset_labels_free(&labels);
    dataset_free(&dataset);
    return 0;
}
