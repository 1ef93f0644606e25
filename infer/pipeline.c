/* Capture, encoding and judging side by side, with the same verdicts for any number of workers.
 * Relies on: data/wire/source.h, data/features/features.h, infer/sensor, pthreads.
 * Relied on by: infer/main. */
#include "infer/pipeline.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "infer/signals.h"
#include "infer/text.h"

enum {
    BATCHES = 16,                /* between reader and judge */
    BATCH_MESSAGES = 64,         /* small enough for the cache, large enough to make locking cheap */
    BATCH_BYTES = 4 * (1 << 16), /* at least one message of WIRE_MESSAGE_MAX */
    IDLE_MS = 200,               /* a live source without messages is asked this often */
};

/* The unit that travels. It belongs to the reader until it is filled, then to one worker, then to the judge.
 */
typedef struct Batch {
    unsigned count;    /* 0: only what stands below */
    bool idle;         /* the live source is silent */
    bool summary;      /* SIGUSR1 came */
    WireCounters wire; /* with summary: the source's counters */
    bool encoded;      /* under the lock */
    size_t used;       /* of bytes */
    WireMessage messages[BATCH_MESSAGES];
    FeatureEncoded encodings[BATCH_MESSAGES];
    uint8_t bytes[BATCH_BYTES];
} Batch;

typedef struct Ring {
    const Pipeline *pipeline;
    Batch *batches; /* [BATCHES]; batch i of the stream is batches[i % BATCHES] */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock; filled >= taken >= judged, filled - judged <= BATCHES. */
    uint64_t filled, taken, judged;
    bool ended;        /* no batch will follow `filled` */
    CoreStatus failed; /* an output failed: everybody stops */
    CoreError error;
} Ring;

/* ---- what both ways share ---- */

void pipeline_summary(const Pipeline *pipeline, const WireCounters *wire) {
    SensorCounters counters;
    sensor_counters(pipeline->sensor, &counters);
    int64_t until = pipeline->ended_ns != 0 ? pipeline->ended_ns : progress_clock();
    if (pipeline->progress != NULL) progress_end(pipeline->progress);
    text_summary(stderr, pipeline->model, wire, &counters, (double)(until - pipeline->started_ns) / 1e9);
}

/* True if the next read of standard input would wait: what is at hand should then be handed on first.
 * (libpcap may hold some more in its buffer; handing on early is harmless.) */
static bool input_waits(const Pipeline *pipeline) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return pipeline->pipe && poll(&input, 1, 0) == 0;
}

/* What a read that did not deliver means for the whole run. */
static CoreStatus end_status(CoreStatus status) {
    if (signals_stopped()) return CORE_INTERRUPTED;
    return status == CORE_END ? CORE_OK : status;
}

/* ---- one thread ---- */

static CoreStatus run_inline(const Pipeline *pipeline, CoreError *error) {
    WireMessage message;
    FeatureEncoded encoded;
    CoreStatus status = CORE_OK;
    bool flushed = true;
    for (unsigned count = 0; status == CORE_OK && !signals_stopped(); count++) {
        if (signals_summary()) {
            WireCounters wire = wire_source_counters(pipeline->source);
            pipeline_summary(pipeline, &wire);
        }
        if (count % BATCH_MESSAGES == 0 || input_waits(pipeline)) {
            status = sensor_flush(pipeline->sensor, error);
            if (status != CORE_OK) return status;
            if (pipeline->progress != NULL) progress_tick(pipeline->progress, pipeline->source);
        }
        status = wire_source_next(pipeline->source, flushed ? IDLE_MS : 0, &message, error);
        if (status == CORE_OK) {
            feature_encode(&message, &encoded);
            sensor_step(pipeline->sensor, &message, &encoded);
            flushed = false;
        } else if (status == CORE_AGAIN) {
            if (flushed) sensor_idle(pipeline->sensor);
            status = sensor_flush(pipeline->sensor, error);
            if (status != CORE_OK) return status;
            flushed = true;
        }
    }
    return end_status(status);
}

/* ---- reader ---- */

/* Waits for a free batch; NULL when an output has failed. */
static Batch *take_free(Ring *ring) {
    pthread_mutex_lock(&ring->lock);
    while (ring->filled - ring->judged == BATCHES && ring->failed == CORE_OK)
        pthread_cond_wait(&ring->changed, &ring->lock);
    Batch *batch = ring->failed == CORE_OK ? &ring->batches[ring->filled % BATCHES] : NULL;
    pthread_mutex_unlock(&ring->lock);
    if (batch == NULL) return NULL;
    batch->count = 0;
    batch->used = 0;
    batch->idle = false;
    batch->summary = false;
    batch->encoded = false;
    return batch;
}

static void hand_on(Ring *ring, Batch *batch) {
    if (signals_summary()) {
        batch->summary = true;
        batch->wire = wire_source_counters(ring->pipeline->source);
    }
    if (ring->pipeline->progress != NULL) progress_tick(ring->pipeline->progress, ring->pipeline->source);
    pthread_mutex_lock(&ring->lock);
    ring->filled++;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

static bool copy_message(Batch *batch, const WireMessage *message) {
    if (batch->count == BATCH_MESSAGES || message->length > BATCH_BYTES - batch->used) return false;
    WireMessage *copy = &batch->messages[batch->count++];
    *copy = *message;
    copy->bytes = batch->bytes + batch->used;
    if (message->length > 0) memcpy(batch->bytes + batch->used, message->bytes, message->length);
    batch->used += message->length;
    return true;
}

/* Until the source ends or an output fails. The batch in hand is handed on when it is full or the source
 * pauses. */
static CoreStatus read_source(Ring *ring, CoreError *error) {
    const Pipeline *pipeline = ring->pipeline;
    WireMessage message;
    CoreStatus status = CORE_OK;
    Batch *batch = take_free(ring);
    while (batch != NULL && !signals_stopped()) {
        status = wire_source_next(pipeline->source, batch->count > 0 ? 0 : IDLE_MS, &message, error);
        if (status != CORE_OK && status != CORE_AGAIN) break;
        batch->idle = status == CORE_AGAIN && batch->count == 0;
        bool complete = status == CORE_AGAIN;
        if (status == CORE_OK && !copy_message(batch, &message)) {
            hand_on(ring, batch);
            batch = take_free(ring);
            if (batch == NULL) break;
            complete = !copy_message(batch, &message); /* an empty batch has room for any message */
        }
        if (batch->count == BATCH_MESSAGES || complete || input_waits(pipeline)) {
            hand_on(ring, batch);
            batch = take_free(ring);
        }
    }
    if (batch != NULL && batch->count > 0) hand_on(ring, batch);
    return status;
}

/* ---- workers ---- */

static void *encode_batches(void *argument) {
    Ring *ring = argument;
    pthread_mutex_lock(&ring->lock);
    for (;;) {
        while (ring->taken == ring->filled && !ring->ended)
            pthread_cond_wait(&ring->changed, &ring->lock);
        if (ring->taken == ring->filled) break;
        Batch *batch = &ring->batches[ring->taken++ % BATCHES];
        pthread_mutex_unlock(&ring->lock);
        for (unsigned i = 0; i < batch->count; i++)
            feature_encode(&batch->messages[i], &batch->encodings[i]);
        pthread_mutex_lock(&ring->lock);
        batch->encoded = true;
        pthread_cond_broadcast(&ring->changed);
    }
    pthread_mutex_unlock(&ring->lock);
    return NULL;
}

/* ---- judge ---- */

static CoreStatus judge_batch(const Ring *ring, const Batch *batch, CoreError *error) {
    Sensor *sensor = ring->pipeline->sensor;
    for (unsigned i = 0; i < batch->count; i++)
        sensor_step(sensor, &batch->messages[i], &batch->encodings[i]);
    if (batch->idle) sensor_idle(sensor);
    if (batch->summary) pipeline_summary(ring->pipeline, &batch->wire);
    return sensor_flush(sensor, error);
}

static void *judge_batches(void *argument) {
    Ring *ring = argument;
    pthread_mutex_lock(&ring->lock);
    for (;;) {
        Batch *batch = &ring->batches[ring->judged % BATCHES];
        while (!(ring->judged < ring->filled && batch->encoded) &&
               !(ring->ended && ring->judged == ring->filled))
            pthread_cond_wait(&ring->changed, &ring->lock);
        if (ring->judged == ring->filled) break;
        CoreError error;
        pthread_mutex_unlock(&ring->lock);
        CoreStatus status = judge_batch(ring, batch, &error);
        pthread_mutex_lock(&ring->lock);
        if (status != CORE_OK && ring->failed == CORE_OK) {
            ring->failed = status;
            ring->error = error;
            wire_source_interrupt(ring->pipeline->source);
        }
        ring->judged++;
        pthread_cond_broadcast(&ring->changed);
    }
    pthread_mutex_unlock(&ring->lock);
    return NULL;
}

/* ---- threads ---- */

static CoreStatus start_threads(Ring *ring, pthread_t *threads, unsigned *started, CoreError *error) {
    unsigned wanted = ring->pipeline->workers + 1;
    int failure = 0;
    signals_block();
    while (*started < wanted && failure == 0) {
        failure =
            pthread_create(&threads[*started], NULL, *started == 0 ? judge_batches : encode_batches, ring);
        *started += failure == 0;
    }
    signals_unblock();
    return failure == 0 ? CORE_OK
                        : core_fail(error, CORE_UNAVAILABLE, "cannot start a thread: %s", strerror(failure));
}

static CoreStatus run_threads(Ring *ring, CoreError *error) {
    pthread_t threads[WORKERS_MAX + 1];
    unsigned started = 0;
    CoreStatus status = start_threads(ring, threads, &started, error);
    if (status == CORE_OK) status = end_status(read_source(ring, error));
    pthread_mutex_lock(&ring->lock);
    ring->ended = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (ring->failed == CORE_OK) return status;
    return core_fail(error, ring->failed, "%s", ring->error.text);
}

CoreStatus pipeline_run(const Pipeline *pipeline, CoreError *error) {
    if (pipeline->workers == 0) return run_inline(pipeline, error);
    Ring ring = {.pipeline = pipeline, .failed = CORE_OK};
    ring.batches = malloc(BATCHES * sizeof *ring.batches);
    if (ring.batches == NULL) return core_fail(error, CORE_MEMORY, "no memory for batches of messages");
    pthread_mutex_init(&ring.lock, NULL);
    pthread_cond_init(&ring.changed, NULL);
    CoreStatus status = run_threads(&ring, error);
    pthread_cond_destroy(&ring.changed);
    pthread_mutex_destroy(&ring.lock);
    free(ring.batches);
    return status;
}
