/* sipcnn-data: makes datasets from captures, tells about them and splits them.
 * Relies on: tools/data/command.h.
 * Relied on by: nobody; it is a command. */
#include "tools/data/command.h"
#include "tools/data/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "sipcnn-data: makes datasets from captures, tells about them and splits them.\n"
                           "\n"
                           "usage: sipcnn-data import --output FILE [options] CAPTURE...\n"
                           "       sipcnn-data merge --output FILE DATASET...\n"
                           "       sipcnn-data augment FILE --output FILE [options]\n"
                           "       sipcnn-data pseudonymise FILE --output FILE --key KEY [options]\n"
                           "       sipcnn-data encrypt|decrypt FILE --output FILE --key KEY\n"
                           "       sipcnn-data label CAPTURE [options]\n"
                           "       sipcnn-data export DATASET --output FOLDER [options]\n"
                           "       sipcnn-data info FILE [--json]\n"
                           "       sipcnn-data check FILE [--split NAME] [--model MODEL] [options]\n"
                           "       sipcnn-data split FILE --name NAME --by capture|run|tool|time [options]\n"
                           "       sipcnn-data synth --output FILE [--attacks SPEC] [options]\n"
                           "       sipcnn-data COMMAND --help\n"
                           "\n"
                           "examples:\n"
                           "  sipcnn-data import --output lab.h5 data/samples/*.pcap.xz\n"
                           "  sipcnn-data split lab.h5 --name first --by capture --validation 0.2\n"
                           "  sipcnn-data info lab.h5\n"
                           "\n"
                           "Exit status: 0 done, 1 failure, 2 wrong usage.\n";

typedef struct Command {
    const char *name;
    int (*run)(int count, char **arguments);
} Command;

static const Command commands[] = {{"import", command_import},
                                   {"merge", command_merge},
                                   {"export", command_export},
                                   {"check", command_check},
                                   {"augment", command_augment},
                                   {"label", command_label},
                                   {"pseudonymise", command_pseudonymise},
                                   {"encrypt", command_encrypt},
                                   {"decrypt", command_decrypt},
                                   {"info", command_info},
                                   {"split", command_split},
                                   {"synth", command_synth}};

static int run(int count, char **arguments) {
    if (count < 2) return console_usage("a command is missing");
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(arguments[1], "--version") == 0) {
        puts("sipcnn-data " SIPCNN_VERSION);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(arguments[1], commands[i].name) == 0) return commands[i].run(count - 1, arguments + 1);
    return console_usage("unknown command '%s'", arguments[1]);
}

/* What did not reach standard output (a full disk, say) is a failure too. */
static int finish(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fputs("sipcnn-data: standard output: not all of it could be written\n", stderr);
    return EXIT_FAILURE;
}

int main(int count, char **arguments) {
    return finish(run(count, arguments));
}
