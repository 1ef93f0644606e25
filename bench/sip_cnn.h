/* The SIP CNN itself: steps of its training, and the sensor's forward pass, on rows of random bytes.
 * Relies on: train/model.h, infer/executor.h, bench/timing.h.
 * Relied on by: bench/kernels_command.c. */
#ifndef SIPCNN_BENCH_SIP_CNN_H
#define SIPCNN_BENCH_SIP_CNN_H

#include "bench/timing.h"
#include "engine/core/status.h"

enum { BENCH_SIP_BATCH = 256, BENCH_SIP_THREADS = 2 };

typedef struct BenchSipCnn {
    BenchSeries
        training[BENCH_SIP_THREADS]; /* seconds of a step of BENCH_SIP_BATCH rows on 1 and 2 threads */
    BenchSeries forward;             /* seconds of a row in the sensor's executor */
} BenchSipCnn;

/* Adds a value of about `sample` seconds to each series, `rounds` times, turn by turn. The rows have 16 to 48
 * tokens, up to 64 bytes of text and 1 to 16 events; what real messages take tells sipcnn-bench latency.
 * Errors as those of train_model_new and sipcnn_executor_new. */
CORE_NODISCARD CoreStatus bench_sip_cnn(int rounds, double sample, BenchSipCnn *result, CoreError *error);

#endif
