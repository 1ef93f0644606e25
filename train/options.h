/* The command line of sipcnn-train: one table of options for all commands.
 * Relies on: train/checkpoint.h, train/calibrate.h, getopt_long.
 * Relied on by: main.c and the command files. */
#ifndef SIPCNN_TRAIN_OPTIONS_H
#define SIPCNN_TRAIN_OPTIONS_H

#include "train/calibrate.h"
#include "train/checkpoint.h"

#include <stdio.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What a command line said. Strings are borrowed from argv; NULL where nothing was said. */
typedef struct Arguments {
    const char *dataset, *split, *cache, *output, *checkpoint, *model, *export_path, *onnx;
    DatasetSide side;
    TrainOptions options;
    TrainCalibrateOptions calibrate;         /* but for its shift */
    const char *shifts[DATASET_CLASSES_MAX]; /* CLASS=LOGITS */
    uint32_t n_shifts;
    FeatureLocal local[TRAIN_LOCAL_MAX];
    uint32_t n_local;
    uint32_t drop_runs[TRAIN_DROP_RUNS_MAX];
    uint32_t n_drop_runs;
    int threads;
    bool json, quiet;
    char command[TRAIN_COMMAND_SIZE]; /* the whole line, for provenance */
} Arguments;

typedef struct Command {
    const char *name;
    const char *summary;
    const char *usage; /* arguments, and examples below */
    const char *takes; /* letters of the options that it takes (options.c) */
    int (*run)(const Arguments *arguments);
} Command;

/* Reads argv behind the command's name. EXIT_OK: go on; EXIT_USAGE: a message was printed; -1: help was
 * printed. */
int options_read(const Command *command, int argc, char **argv, Arguments *arguments);

/* Prints the command's help to `stream`. */
void options_help(const Command *command, FILE *stream);

int fit_command(const Arguments *arguments);
int resume_command(const Arguments *arguments);
int evaluate_command(const Arguments *arguments);
int calibrate_command(const Arguments *arguments);
int export_command(const Arguments *arguments);

#endif
