/* The reporter: a thread that delivers incidents to a REST collector over HTTP(S), batched and with retries.
 * Relies on: engine/core/status, infer/report_queue, infer/token, libcurl, pthreads.
 * Relied on by: sipcnn-infer, programs that embed libsipcnn. */
#ifndef SIPCNN_INFER_REPORTER_H
#define SIPCNN_INFER_REPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

/* What goes over the wire: POST of {"incidents":[...]} with at most 100 incidents and 1 MiB (the collector's
 * limit), sent when that many wait or when the oldest has waited for batch_delay_ms. A 2xx reply means
 * delivered. Failures to connect, time-outs, 408, 425, 429 and 5xx are retried for ever, after rand(0,
 * min(backoff_cap, backoff_first * 2^n)) ms ("full jitter") and never before the collector's Retry-After. Any
 * other reply is final and its incidents are dropped; 400, 413 and 422 first halve the batch, so that one bad
 * incident costs no other. A delivery may be repeated after a lost reply; the incident's id and change make
 * that harmless. Redirects are not followed, proxies of the environment are not used, replies are read up to
 * 64 KiB. */
enum {
    SIPCNN_REPORTER_LINE_LIMIT = 64 * 1024,         /* bytes of one incident */
    SIPCNN_REPORTER_QUEUE_LIMIT = 8192,             /* incidents that wait */
    SIPCNN_REPORTER_QUEUE_BYTES = 16 * 1024 * 1024, /* bytes that wait */
    SIPCNN_REPORTER_BATCH_LIMIT = 100,              /* incidents per request */
    SIPCNN_REPORTER_BATCH_BYTES = 1024 * 1024       /* bytes per request */
};

typedef struct SipcnnReporter SipcnnReporter;

/* A zero value means the default in brackets. Strings are copied or used only during _new. */
typedef struct SipcnnReporterOptions {
    const char *url;             /* http(s)://host[:port][/path]; without a path, /v1/incidents is appended */
    const char *token_file;      /* bearer token, see infer/token.h [none] */
    const char *ca_file;         /* PEM certificates to trust [the system's] */
    bool insecure;               /* allow http to a host that is not loopback [no] */
    uint32_t connect_timeout_ms; /* [3,000] */
    uint32_t request_timeout_ms; /* [10,000] */
    uint32_t batch_delay_ms;     /* [250] */
    uint32_t backoff_first_ms;   /* [500] */
    uint32_t backoff_cap_ms;     /* [60,000] */
    uint32_t retry_after_cap_ms; /* longest Retry-After that is honoured [300,000] */
    uint32_t queue_limit;        /* at most SIPCNN_REPORTER_QUEUE_LIMIT [that] */
} SipcnnReporterOptions;

/* Incidents, each counted once: submitted = delivered + queued + the dropped; `retried` counts requests. */
typedef struct SipcnnReporterCounters {
    uint64_t submitted;
    uint64_t delivered;
    uint64_t queued;              /* waiting or on their way; 0 after close */
    uint64_t retried;             /* requests that were sent again */
    uint64_t dropped_update;      /* queue full: an update made room */
    uint64_t dropped_state;       /* queue full of openings and closings: the oldest made room */
    uint64_t dropped_invalid;     /* empty or longer than SIPCNN_REPORTER_LINE_LIMIT */
    uint64_t dropped_memory;      /* no memory to queue it */
    uint64_t dropped_token;       /* the collector answered 401 or 403 */
    uint64_t dropped_refused;     /* any other final answer */
    uint64_t dropped_undelivered; /* still waiting when close's time was over */
} SipcnnReporterCounters;

/* How delivery stands, for one line to the user. `problem` grows when delivery begins to fail and when it
 * then fails for another cause (libcurl's code or the HTTP status), not with each retry: print `error` when
 * it has grown since the last look. */
typedef struct SipcnnReporterState {
    SipcnnReporterCounters counters;
    bool failing;     /* the last request failed */
    uint64_t problem; /* 0: never a problem */
    char error[512];  /* the last problem, one line of printable ASCII, "" if none; kept after recovery */
} SipcnnReporterState;

/* Process-wide set-up of libcurl. Call once before any thread starts and before sipcnn_reporter_new; further
 * calls return the first one's result. Errors: CORE_UNAVAILABLE. */
CoreStatus sipcnn_reporter_global_init(CoreError *error);

/* Starts a reporter and its thread; nothing is sent yet. Errors: CORE_ARGUMENT (URL, http to another host
 * without `insecure`), those of sipcnn_token_read, CORE_IO (CA file), CORE_MEMORY, CORE_UNAVAILABLE (libcurl
 * or thread). The caller owns *reporter and ends it with sipcnn_reporter_close. */
CoreStatus sipcnn_reporter_new(const SipcnnReporterOptions *options, SipcnnReporter **reporter,
                               CoreError *error);

/* Queues one incident: one JSON object of `length` bytes, copied. Never waits for the network; when the queue
 * is full, the oldest update goes, and openings and closings only when no update is left. Every loss is
 * counted. Thread-safe until close. */
void sipcnn_reporter_submit(SipcnnReporter *reporter, const char *json, size_t length);

/* Copies how delivery stands. Thread-safe until close. */
void sipcnn_reporter_state(SipcnnReporter *reporter, SipcnnReporterState *state);

/* Delivers what waits, for at most `drain_ms` (a pending back-off is cut short, a Retry-After is not), then
 * stops the thread and frees the reporter. `counters` (may be NULL) receives the final counts. NULL is
 * allowed. */
void sipcnn_reporter_close(SipcnnReporter *reporter, uint32_t drain_ms, SipcnnReporterCounters *counters);

#endif
