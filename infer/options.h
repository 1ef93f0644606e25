/* The command line of sipcnn-infer.
 * Relies on: getopt_long, data/features/features.h (address ranges).
 * Relied on by: the other files of sipcnn-infer. */
#ifndef SIPCNN_INFER_OPTIONS_H
#define SIPCNN_INFER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "data/features/features.h"

enum {
    LOCALS_MAX = 256,
    WORKERS_MAX = 64,
    SENSOR_NAME_MAX = 64, /* with the final zero */
};

/* Exit codes. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct Options {
    const char *model; /* the installed one unless given */
    bool rules_only;
    const char *read;      /* file or "-"; NULL with an interface */
    const char *interface; /* NULL with a file */
    const char *filter;    /* NULL: none */
    const char *verdicts;  /* file, "-" or NULL */
    bool json;
    const char *report, *token_file, *ca_file; /* NULL: none */
    bool insecure;
    FeatureLocal local[LOCALS_MAX];
    size_t n_local;
    unsigned workers; /* encode threads; 0: everything on one thread */
    char sensor[SENSOR_NAME_MAX];
    bool quiet;
} Options;

/* Reads the command line. True: go on. False: *exit_code says how to end; help or one line of complaint has
 * been written. */
bool options_read(int argc, char **argv, Options *options, int *exit_code);

#endif
