/* What the subcommands say to people and hear from them: errors, usage, numbers, the progress line, Ctrl-C.
 * Relies on: data/dataset/progress.h, engine/core/status.h.
 * Relied on by: tools/data. */
#include "tools/data/console.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

int console_fail(const CoreError *error) {
    fprintf(stderr, "sipcnn-data: %s\n", error->text[0] ? error->text : core_status_text(error->status));
    return EXIT_FAILURE;
}

int console_usage(const char *format, ...) {
    va_list values;
    va_start(values, format);
    fputs("sipcnn-data: ", stderr);
    vfprintf(stderr, format, values);
    fputs("; see --help\n", stderr);
    va_end(values);
    return EXIT_USAGE;
}

bool console_count(const char *text, uint64_t most, uint64_t *value) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    *value = number;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && number <= most;
}

bool console_number(const char *text, double least, double most, double *value) {
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && *value >= least && *value <= most;
}

double console_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void console_progress_begin(Console *console, const char *what, bool always) {
    memset(console, 0, sizeof *console);
    console->visible = always || isatty(STDERR_FILENO);
    console->start = console->last = console_seconds();
    console->what = what;
}

bool console_progress(void *user, uint64_t done, uint64_t total) {
    Console *console = user;
    double now = console_seconds(), elapsed = now - console->start;
    if (!console->visible || elapsed < 2 || now - console->last < 0.25) return !stopped;
    console->last = now;
    console->shown = true;
    fprintf(stderr, "\r\033[K%s", console->what);
    if (total) {
        double part = (double)done / (double)total;
        fprintf(stderr, " %3.0f %%, %.0f s left", 100 * part, part > 0 ? elapsed * (1 - part) / part : 0.0);
    }
    if (console->counted)
        fprintf(stderr, ", %llu %s, %.0f/s", (unsigned long long)*console->counted, console->unit,
                (double)*console->counted / elapsed);
    fflush(stderr);
    return !stopped;
}

void console_progress_end(Console *console) {
    if (console->shown) fputs("\r\033[K", stderr);
    console->shown = false;
}

static void on_signal(int number) {
    (void)number;
    stopped = 1;
}

void console_catch_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}
