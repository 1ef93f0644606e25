/* Signals of sipcnn-infer.
 * Relies on: data/wire/source.h, POSIX signals.
 * Relied on by: infer/main, infer/pipeline. */
#include "infer/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/* Lock-free atomics are what a handler and threads may share (C17 7.14.1.1). */
static _Atomic(WireSource *) interrupted;
static atomic_int stopped, summary;

static void on_stop(int signal_number) {
    (void)signal_number;
    atomic_store(&stopped, 1);
    WireSource *source = atomic_load(&interrupted);
    if (source != NULL) wire_source_interrupt(source);
}

static void on_summary(int signal_number) {
    (void)signal_number;
    atomic_store(&summary, 1);
}

void signals_install(WireSource *source) {
    /* No SA_RESTART: a read of standard input that waits is to end. SA_RESETHAND: the second Ctrl-C kills. */
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESETHAND};
    struct sigaction ask = {.sa_handler = on_summary, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    atomic_store(&interrupted, source);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGUSR1, &ask, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

void signals_remove(void) {
    atomic_store(&interrupted, NULL);
}

bool signals_stopped(void) {
    return atomic_load(&stopped) != 0;
}

bool signals_summary(void) {
    return atomic_load_explicit(&summary, memory_order_relaxed) != 0 && atomic_exchange(&summary, 0) != 0;
}

static void mask(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(how, &set, NULL);
}

void signals_block(void) {
    mask(SIG_BLOCK);
}

void signals_unblock(void) {
    mask(SIG_UNBLOCK);
}
