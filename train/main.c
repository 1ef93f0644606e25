/* sipcnn-train: fit, resume, evaluate, calibrate, export.
 * Relies on: train/options.h.
 * Relied on by: people, demo.sh. */
#include "train/options.h"

#include <string.h>

static const Command commands[] = {
    {"fit", "learn a network from a dataset",
     "--dataset FILE --output RUN.ckpt [option...]\n\n"
     "Learns from the training side of a split, watches the validation side, and keeps the weights of the "
     "epoch\n"
     "with the best macro F1 there. The run is saved after each epoch and on Ctrl-C; resume continues "
     "it.\n\n"
     "examples:\n"
     "  sipcnn-train fit --dataset lab.h5 --split first --output run.ckpt\n"
     "  sipcnn-train fit --dataset lab.h5 --output run.ckpt --export lab.sipcnn --seed 7 --epochs 20",
     "dsCoxlrfgnitqT", fit_command},
    {"resume", "continue an interrupted run",
     "RUN.ckpt [option...]\n\n"
     "Continues where the run stopped; the result has the same bits as that of a run that never stopped.\n\n"
     "examples:\n"
     "  sipcnn-train resume run.ckpt\n"
     "  sipcnn-train resume run.ckpt --dataset /other/place/lab.h5 --export lab.sipcnn",
     "pdCoxfgnitq", resume_command},
    {"evaluate", "judge a side of a dataset and count",
     "--checkpoint RUN.ckpt | --model FILE.sipcnn [option...]\n\n"
     "Prints recall, precision and F1 of each class with confusion counts, the macro F1 over requests after "
     "onset, and\n"
     "the false messages per million benign ones. A checkpoint brings its dataset and split; with --dataset "
     "and no\n"
     "--split every message counts.\n\n"
     "examples:\n"
     "  sipcnn-train evaluate --checkpoint run.ckpt --side test\n"
     "  sipcnn-train evaluate --model lab.sipcnn --dataset other.h5 --json",
     "cmdsSCltjq", evaluate_command},
    {"calibrate", "choose thresholds and incident rules",
     "--checkpoint RUN.ckpt [option...]\n\n"
     "Chooses each class's threshold, its k of n and the novelty threshold from the validation side, and "
     "saves them in\n"
     "the run. A class that the first message decides (as the dataset says) opens an incident at once.\n\n"
     "examples:\n"
     "  sipcnn-train calibrate --checkpoint run.ckpt\n"
     "  sipcnn-train calibrate --checkpoint run.ckpt --false-per-million 10 --margin 2 --output strict.ckpt",
     "cdsCofgnitjq", calibrate_command},
    {"export", "write the model file, or an ONNX model",
     "--checkpoint RUN.ckpt [--output FILE.sipcnn] [--onnx FILE.onnx] | --model FILE.sipcnn --onnx "
     "FILE.onnx\n\n"
     "Writes the calibrated network for sipcnn-infer, with where it came from (dataset hash, command, seed, "
     "metrics),\n"
     "and as an ONNX model that takes a message's features and gives its logits.\n\n"
     "examples:\n"
     "  sipcnn-train export --checkpoint run.ckpt --output lab.sipcnn\n"
     "  sipcnn-train export --model lab.sipcnn --onnx lab.onnx",
     "cmoOq", export_command},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *stream) {
    fprintf(stream, "usage: sipcnn-train COMMAND [option...]\n\ncommands:\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(stream,
            "\nsipcnn-train COMMAND --help tells more.\n\nexamples:\n"
            "  sipcnn-data import --output lab.h5 data/samples/*.pcap.xz\n"
            "  sipcnn-data split lab.h5 --name first --by capture\n"
            "  sipcnn-train fit --dataset lab.h5 --split first --output run.ckpt --export lab.sipcnn\n"
            "  sipcnn-train evaluate --model lab.sipcnn --dataset lab.h5 --split first --side test\n");
    return stream == stdout ? EXIT_OK : EXIT_USAGE;
}

static int run(int argc, char **argv) {
    if (argc < 2) return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return usage(stdout);
    if (strcmp(argv[1], "--version") == 0)
        return puts("sipcnn-train " SIPCNN_VERSION) < 0 ? EXIT_FAILED : EXIT_OK;
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0) continue;
        Arguments *arguments = &(Arguments){0};
        int result = options_read(&commands[i], argc - 1, argv + 1, arguments);
        if (result) return result < 0 ? EXIT_OK : result;
        return commands[i].run(arguments);
    }
    fprintf(stderr, "sipcnn-train: no command \"%s\"\n", argv[1]);
    return usage(stderr);
}

/* What did not reach standard output (a full disk, say) is a failure too. */
static int finish(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fputs("sipcnn-train: standard output: not all of it could be written\n", stderr);
    return EXIT_FAILED;
}

int main(int argc, char **argv) {
    return finish(run(argc, argv));
}
