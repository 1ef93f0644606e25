/* What the subcommands say to people and hear from them: errors, usage, numbers, the progress line, Ctrl-C.
 * Relies on: data/dataset/progress.h, engine/core/status.h.
 * Relied on by: tools/data. */
#ifndef SIPCNN_TOOLS_DATA_CONSOLE_H
#define SIPCNN_TOOLS_DATA_CONSOLE_H

#include "data/dataset/progress.h"
#include "engine/core/status.h"

enum { EXIT_USAGE = 2 };

/* Prints the error's line to stderr; returns EXIT_FAILURE. */
int console_fail(const CoreError *error);

/* Prints a formatted line and a hint at --help to stderr; returns EXIT_USAGE. */
int console_usage(const char *format, ...) CORE_PRINTF(1, 2);

/* Reads an argument that is a whole number of 0 .. most, or a number of least .. most; false: it is none. */
bool console_count(const char *text, uint64_t most, uint64_t *value);
bool console_number(const char *text, double least, double most, double *value);

/* Seconds since some fixed point. */
double console_seconds(void);

/* A progress line on stderr: once something has lasted over two seconds, if stderr is a terminal or `always`.
 */
typedef struct Console {
    bool shown, visible;
    double start, last;
    const char *what;  /* shown in front */
    uint64_t *counted; /* things done so far, for the rate; may be NULL */
    const char *unit;
} Console;

void console_progress_begin(Console *console, const char *what, bool always);
/* A DatasetProgress function whose user is a Console; false once Ctrl-C was pressed. */
bool console_progress(void *console, uint64_t done, uint64_t total);
/* Removes the line. */
void console_progress_end(Console *console);

/* From now on Ctrl-C and SIGTERM only make console_progress return false. */
void console_catch_signals(void);

#endif
