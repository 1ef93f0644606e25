/* A program that embeds libsipcnn with its public headers only: embed MODEL CAPTURE writes the verdict lines.
 * Relies on: infer/sipcnn.h, infer/verdict_json.h, data/wire/source.h.
 * Relied on by: tests/infer/test_command.py. */
#include <stdio.h>

#include "data/wire/source.h"
#include "infer/sipcnn.h"
#include "infer/verdict_json.h"

static CoreStatus judge(const SipcnnModel *model, SipcnnDetector *detector, WireSource *source,
                        CoreError *error) {
    static char line[SIPCNN_LINE_MAX];
    WireMessage message;
    FeatureEncoded encoded;
    SipcnnVerdict verdict;
    CoreStatus status;
    while ((status = wire_source_next(source, -1, &message, error)) == CORE_OK) {
        feature_encode(&message, &encoded);
        sipcnn_detector_step(detector, &message, &encoded, &verdict);
        fwrite(line, 1, sipcnn_verdict_line(model, &message, &encoded, &verdict, line), stdout);
    }
    return status == CORE_END ? CORE_OK : status;
}

int main(int argc, char **argv) {
    SipcnnModel *model = NULL;
    SipcnnDetector *detector = NULL;
    WireSource *source = NULL;
    CoreError error;
    if (argc != 3) {
        fputs("usage: embed MODEL CAPTURE\n", stderr);
        return 2;
    }
    CoreStatus status = sipcnn_init(&error);
    if (status == CORE_OK) status = sipcnn_model_load(argv[1], &model, &error);
    if (status == CORE_OK) status = sipcnn_detector_new(model, NULL, &detector, &error);
    if (status == CORE_OK) status = wire_source_open_file(argv[2], &source, &error);
    if (status == CORE_OK) status = judge(model, detector, source, &error);
    if (status != CORE_OK) fprintf(stderr, "embed: %s\n", error.text);
    if (source != NULL) wire_source_free(source);
    sipcnn_detector_free(detector);
    sipcnn_model_free(model);
    return status == CORE_OK && fflush(stdout) == 0 ? 0 : 1;
}
