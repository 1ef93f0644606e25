/* Signals of sipcnn-infer: SIGINT and SIGTERM stop the source, SIGUSR1 asks for the summary.
 * Relies on: data/wire/source.h, POSIX signals.
 * Relied on by: infer/main, infer/pipeline. */
#ifndef SIPCNN_INFER_SIGNALS_H
#define SIPCNN_INFER_SIGNALS_H

#include <stdbool.h>

#include "data/wire/source.h"

/* From now on SIGINT and SIGTERM interrupt `source` (a second one kills as usual), SIGUSR1 is noted, SIGPIPE
 * becomes a write error. Once, on the main thread. */
void signals_install(WireSource *source);

/* Stops the source's part; to be called before the source is freed. */
void signals_remove(void);

/* SIGINT or SIGTERM came. */
bool signals_stopped(void);

/* SIGUSR1 came since the last call. */
bool signals_summary(void);

/* Blocks all of them in the calling thread and in those it creates afterwards, so that they reach the main
 * one. */
void signals_block(void);
void signals_unblock(void);

#endif
