/* Capture, encoding and judging side by side, with the same verdicts for any number of workers.
 * Relies on: data/wire/source.h, data/features/features.h, infer/sensor, pthreads.
 * Relied on by: infer/main.
 *
 * The calling thread reads messages and copies each once into a batch; `workers` threads encode batches, in
 * any order; one thread judges them in capture order. A ring of batches lies between them: when it is full
 * the reader waits, so a file is never shed and a live interface drops in the kernel, where it is counted.
 * With no workers the calling thread does everything and nothing is copied. */
#ifndef SIPCNN_INFER_PIPELINE_H
#define SIPCNN_INFER_PIPELINE_H

#include <stdbool.h>

#include "data/wire/source.h"
#include "engine/core/status.h"
#include "infer/progress.h"
#include "infer/sensor.h"

typedef struct Pipeline {
    WireSource *source;
    Sensor *sensor;
    const SipcnnModel *model; /* NULL: rules only */
    Progress *progress;       /* NULL: none */
    unsigned workers;
    bool pipe;          /* standard input: libpcap waits in read when it pauses */
    int64_t started_ns; /* monotonic clock */
    int64_t ended_ns;   /* 0: still running */
} Pipeline;

/* Runs until the source ends (CORE_OK), is interrupted (CORE_INTERRUPTED), is damaged (CORE_FORMAT, CORE_IO;
 * all before it has been judged) or an output fails (CORE_IO). CORE_MEMORY and CORE_UNAVAILABLE (threads)
 * before anything was read. */
CORE_NODISCARD CoreStatus pipeline_run(const Pipeline *pipeline, CoreError *error);

/* The summary on stderr as of `wire`, the source's counters. On the thread that judges, or after
 * pipeline_run. */
void pipeline_summary(const Pipeline *pipeline, const WireCounters *wire);

#endif
