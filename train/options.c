/* Reading the command line of sipcnn-train.
 * Relies on: getopt_long, train/checkpoint.h (TRAIN_OPTIONS).
 * Relied on by: main.c. */
#include "train/options.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Options beside TRAIN_OPTIONS: X(letter, NAME, name, argument or NULL, help). A command lists the letters
 * that it takes; 'T' there stands for all of TRAIN_OPTIONS. */
#define PLAIN_OPTIONS(X)                                                                                     \
    X('d', DATASET, "dataset", "FILE", "the dataset (sipcnn-data import makes one)")                         \
    X('s', SPLIT, "split", "NAME", "its split (sipcnn-data split makes one)")                                \
    X('S', SIDE, "side", "SIDE", "train, validation, test or unused")                                        \
    X('C', CACHE, "cache", "DIR", "where the feature cache lies; else beside the dataset")                   \
    X('o', OUTPUT, "output", "FILE", "the file to write")                                                    \
    X('c', CHECKPOINT, "checkpoint", "FILE", "a training run, as fit writes it")                             \
    X('m', MODEL, "model", "FILE", "a model file, as export writes it")                                      \
    X('x', EXPORT, "export", "FILE", "when the run ends, calibrate it and write this model file")            \
    X('O', ONNX, "onnx", "FILE", "write the network as an ONNX model too, for other runtimes")               \
    X('l', LOCAL, "local", "CIDR", "addresses of the operator's own hosts; may be repeated")                 \
    X('r', DROP_RUNS, "drop-runs", "N,N...", "leave these runs out, with all messages of their calls")       \
    X('f', FALSE_RATE, "false-per-million", "N", "false messages per million that the thresholds may admit") \
    X('g', MARGIN, "margin", "LOGITS", "how far above the greatest benign score a threshold is put")         \
    X('n', NOVELTY, "novelty-margin", "FACTOR",                                                              \
      "the novelty threshold, as a multiple of the greatest benign one")                                     \
    X('i', SHIFT, "shift", "CLASS=LOGITS", "move a class's threshold, up or down; may be repeated")          \
    X('t', THREADS, "threads", "N", "threads to compute with; the result does not depend on it")             \
    X('j', JSON, "json", NULL, "print JSON")                                                                 \
    X('q', QUIET, "quiet", NULL, "no progress lines")                                                        \
    X('h', HELP, "help", NULL, "this text")

enum {
    OPTION_FIRST = 256,
#define PLAIN_ENUM(letter, NAME, name, argument, help) OPTION_##NAME,
    PLAIN_OPTIONS(PLAIN_ENUM)
#undef PLAIN_ENUM
#define TRAIN_ENUM(name, whole, standard, least, most, help) OPTION_TRAIN_##name,
        TRAIN_OPTIONS(TRAIN_ENUM)
#undef TRAIN_ENUM
            OPTION_END
};

typedef struct OptionRow {
    char letter;
    int value;
    const char *name, *argument, *help;
} OptionRow;

static const OptionRow plain_rows[] = {
#define PLAIN_ROW(letter, NAME, name, argument, help) {letter, OPTION_##NAME, name, argument, help},
    PLAIN_OPTIONS(PLAIN_ROW)
#undef PLAIN_ROW
};

typedef struct TrainRow {
    int value;
    const char *name, *help;
    bool whole;
    double standard, least, most;
    size_t offset; /* in TrainOptions */
} TrainRow;

static const TrainRow train_rows[] = {
#define TRAIN_ROW(name, whole, standard, least, most, help)                                                  \
    {OPTION_TRAIN_##name, #name, help, whole, standard, least, most, offsetof(TrainOptions, name)},
    TRAIN_OPTIONS(TRAIN_ROW)
#undef TRAIN_ROW
};

enum {
    PLAIN_ROWS = sizeof plain_rows / sizeof *plain_rows,
    TRAIN_ROWS = sizeof train_rows / sizeof *train_rows
};

/* "weight_decay" -> "weight-decay". */
static const char *dashed(const char *name, char text[32]) {
    snprintf(text, 32, "%s", name);
    for (char *c = text; *c; c++)
        if (*c == '_') *c = '-';
    return text;
}

static bool takes(const Command *command, char letter) {
    return letter == 'h' || strchr(command->takes, letter) != NULL;
}

void options_help(const Command *command, FILE *stream) {
    fprintf(stream, "usage: sipcnn-train %s %s\n\noptions:\n", command->name, command->usage);
    for (int i = 0; i < PLAIN_ROWS; i++) {
        char left[40];
        const OptionRow *row = &plain_rows[i];
        snprintf(left, sizeof left, "--%s%s%s", row->name, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        if (takes(command, row->letter)) fprintf(stream, "  %-26s %s\n", left, row->help);
    }
    if (!takes(command, 'T')) return;
    fprintf(stream, "\nwhat and how it learns:\n");
    for (int i = 0; i < TRAIN_ROWS; i++) {
        char name[32], left[40];
        snprintf(left, sizeof left, "--%s N", dashed(train_rows[i].name, name));
        fprintf(stream, "  %-26s %s (%g)\n", left, train_rows[i].help, train_rows[i].standard);
    }
}

/* ---- values ---- */

static bool read_number(const char *text, double least, double most, bool whole, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= least && *value <= most && (!whole || *value == floor(*value));
}

static int bad_value(const char *name, const char *text, const char *wanted) {
    fprintf(stderr, "sipcnn-train: --%s: \"%s\" is not %s\n", name, text, wanted);
    return EXIT_USAGE;
}

static int read_train_option(const TrainRow *row, const char *text, TrainOptions *options) {
    char name[32], wanted[80];
    double *field = (double *)((char *)options + row->offset);
    if (read_number(text, row->least, row->most, row->whole, field)) return EXIT_OK;
    snprintf(wanted, sizeof wanted, "a %snumber from %g to %g", row->whole ? "whole " : "", row->least,
             row->most);
    return bad_value(dashed(row->name, name), text, wanted);
}

static int read_side(const char *text, DatasetSide *side) {
    for (int s = 0; s < DATASET_SIDES; s++)
        if (strcmp(text, dataset_side_name((DatasetSide)s)) == 0) {
            *side = (DatasetSide)s;
            return EXIT_OK;
        }
    return bad_value("side", text, "train, validation, test or unused");
}

static int read_local(const char *text, Arguments *arguments) {
    CoreError error;
    if (arguments->n_local == TRAIN_LOCAL_MAX) return bad_value("local", text, "one of 32 ranges at most");
    if (feature_local_parse(text, &arguments->local[arguments->n_local], &error)) {
        fprintf(stderr, "sipcnn-train: --local: %s\n", error.text);
        return EXIT_USAGE;
    }
    arguments->n_local++;
    return EXIT_OK;
}

static int read_runs(const char *text, Arguments *arguments) {
    for (const char *c = text; *c;) {
        char *end;
        unsigned long run = strtoul(c, &end, 10);
        if (end == c || (*end && *end != ',') || run == 0 || run > UINT32_MAX ||
            arguments->n_drop_runs == TRAIN_DROP_RUNS_MAX)
            return bad_value("drop-runs", text, "a list of run numbers");
        arguments->drop_runs[arguments->n_drop_runs++] = (uint32_t)run;
        c = *end ? end + 1 : end;
    }
    return EXIT_OK;
}

static int read_shift(const char *text, Arguments *arguments) {
    const char *equals = strchr(text, '=');
    double logits;
    if (!equals || !read_number(equals + 1, -16, 16, false, &logits) ||
        arguments->n_shifts == DATASET_CLASSES_MAX)
        return bad_value("shift", text, "CLASS=LOGITS, with a number from -16 to 16");
    arguments->shifts[arguments->n_shifts++] = text;
    return EXIT_OK;
}

static int read_plain_option(int value, const char *text, Arguments *a) {
    double number;
    switch (value) {
    case OPTION_DATASET: a->dataset = text; return EXIT_OK;
    case OPTION_SPLIT: a->split = text; return EXIT_OK;
    case OPTION_SIDE: return read_side(text, &a->side);
    case OPTION_CACHE: a->cache = text; return EXIT_OK;
    case OPTION_OUTPUT: a->output = text; return EXIT_OK;
    case OPTION_CHECKPOINT: a->checkpoint = text; return EXIT_OK;
    case OPTION_MODEL: a->model = text; return EXIT_OK;
    case OPTION_EXPORT: a->export_path = text; return EXIT_OK;
    case OPTION_ONNX: a->onnx = text; return EXIT_OK;
    case OPTION_LOCAL: return read_local(text, a);
    case OPTION_DROP_RUNS: return read_runs(text, a);
    case OPTION_FALSE_RATE:
        return read_number(text, 0, 1e6, false, &a->calibrate.threshold.false_per_million)
                   ? EXIT_OK
                   : bad_value("false-per-million", text, "a number from 0 to 1000000");
    case OPTION_MARGIN:
        if (!read_number(text, 0, 20, false, &number))
            return bad_value("margin", text, "a number from 0 to 20");
        a->calibrate.threshold.margin = (float)number;
        return EXIT_OK;
    case OPTION_NOVELTY:
        if (!read_number(text, 1, 1e6, false, &number))
            return bad_value("novelty-margin", text, "a number from 1 up");
        a->calibrate.novelty_margin = (float)number;
        return EXIT_OK;
    case OPTION_SHIFT: return read_shift(text, a);
    case OPTION_THREADS:
        if (!read_number(text, 1, 256, true, &number))
            return bad_value("threads", text, "a number from 1 to 256");
        a->threads = (int)number;
        return EXIT_OK;
    case OPTION_JSON: a->json = true; return EXIT_OK;
    default: a->quiet = true; return EXIT_OK;
    }
}

/* ---- the line ---- */

static int long_options(const Command *command, struct option *options, char names[][32]) {
    int n = 0;
    for (int i = 0; i < PLAIN_ROWS; i++)
        if (takes(command, plain_rows[i].letter))
            options[n++] =
                (struct option){plain_rows[i].name, plain_rows[i].argument ? required_argument : no_argument,
                                NULL, plain_rows[i].value};
    for (int i = 0; i < TRAIN_ROWS && takes(command, 'T'); i++)
        options[n++] = (struct option){dashed(train_rows[i].name, names[i]), required_argument, NULL,
                                       train_rows[i].value};
    options[n] = (struct option){0};
    return n;
}

static void join_line(const Command *command, int argc, char **argv, char *line, size_t capacity) {
    size_t used = (size_t)snprintf(line, capacity, "sipcnn-train %s", command->name);
    for (int i = 1; i < argc && used < capacity; i++) {
        bool quote = argv[i][strcspn(argv[i], " \t\"'\\$*?;&|<>()")] != '\0';
        used += (size_t)snprintf(line + used, capacity - used, quote ? " '%s'" : " %s", argv[i]);
    }
}

int options_read(const Command *command, int argc, char **argv, Arguments *arguments) {
    struct option options[PLAIN_ROWS + TRAIN_ROWS + 1];
    char names[TRAIN_ROWS][32];
    long_options(command, options, names);
    *arguments = (Arguments){
        .options = train_options_defaults(), .calibrate = train_calibrate_defaults(), .side = DATASET_SIDES};
    join_line(command, argc, argv, arguments->command, sizeof arguments->command);
    for (int value; (value = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        int result;
        if (value == 'h' || value == OPTION_HELP) {
            options_help(command, stdout);
            return -1;
        }
        if (value >= OPTION_TRAIN_seed)
            result = read_train_option(&train_rows[value - OPTION_TRAIN_seed], optarg, &arguments->options);
        else if (value > OPTION_FIRST)
            result = read_plain_option(value, optarg, arguments);
        else
            result = EXIT_USAGE;
        if (result) return result;
    }
    if (optind < argc && takes(command, 'p') && !arguments->checkpoint)
        arguments->checkpoint = argv[optind++];
    if (optind == argc) return EXIT_OK;
    fprintf(stderr, "sipcnn-train %s: unexpected argument \"%s\"\n", command->name, argv[optind]);
    return EXIT_USAGE;
}
