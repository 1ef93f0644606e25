/* The reporter: a thread that delivers incidents to a REST collector over HTTP(S), batched and with retries.
 * Relies on: engine/core/status, infer/report_queue, infer/token, libcurl, pthreads.
 * Relied on by: sipcnn-infer, programs that embed libsipcnn. */
#include "infer/reporter.h"

#include "engine/core/mix.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "infer/report_queue.h"
#include "infer/token.h"

enum {
    REPLY_LIMIT = 64 * 1024, /* more is no answer of a collector */
    REPLY_EXCERPT = 128,     /* what of it may appear in an error */
    LOW_SPEED_BYTES = 30,    /* per second; slower for LOW_SPEED_SECONDS is a failure */
    LOW_SPEED_SECONDS = 10
};

static const char body_head[] = "{\"incidents\":[", body_tail[] = "]}";

struct SipcnnReporter {
    /* Fixed after _new. */
    SipcnnReporterOptions options; /* numbers only */
    char *url;
    char authorization[SIPCNN_TOKEN_SIZE + 32];
    pthread_t thread;

    /* Of the reporter's thread alone. */
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    char curl_error[CURL_ERROR_SIZE];
    ReportItem *batch[SIPCNN_REPORTER_BATCH_LIMIT];
    size_t batch_count;
    char *body; /* SIPCNN_REPORTER_BATCH_BYTES */
    size_t body_length;
    char reply[REPLY_EXCERPT];
    size_t reply_length; /* as received, may exceed the excerpt */
    uint64_t random;

    /* Shared, under the mutex, which is never held during I/O. */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    ReportQueue queue;
    SipcnnReporterState state;
    long cause; /* of state.error */
    bool closing;
    int64_t deadline_ms; /* valid when closing */
};

typedef enum Outcome { DELIVERED, RETRY, SPLIT, REFUSED, WRONG_TOKEN, OUT_OF_TIME } Outcome;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- errors for people ----------------------------------------------------------------------------------
 */

/* Appends to `text` what of `from` is printable ASCII, up to its first line break. */
static void append_printable(char *text, size_t size, const char *from, size_t length) {
    size_t used = strlen(text);
    for (size_t i = 0; i < length && used + 1 < size; i++) {
        if (from[i] == '\n' || from[i] == '\r' || from[i] == '\0') break;
        text[used++] = from[i] >= 0x20 && from[i] < 0x7f ? from[i] : '?';
    }
    text[used] = '\0';
}

/* `cause` is libcurl's code or the HTTP status; the two do not overlap. libcurl's texts hold times, so that
 * the same problem rarely has the same text twice: what is news is decided by the cause. */
static void set_problem(SipcnnReporter *reporter, long cause, const char *what, const char *detail,
                        size_t detail_length) {
    char text[sizeof reporter->state.error] = "";
    append_printable(text, sizeof text, reporter->url, strlen(reporter->url));
    append_printable(text, sizeof text, ": ", 2);
    append_printable(text, sizeof text, what, strlen(what));
    if (detail_length > 0) {
        append_printable(text, sizeof text, ": ", 2);
        append_printable(text, sizeof text, detail, detail_length);
    }
    pthread_mutex_lock(&reporter->mutex);
    SipcnnReporterState *state = &reporter->state;
    if (!state->failing || reporter->cause != cause) state->problem++;
    reporter->cause = cause;
    state->failing = true;
    memcpy(state->error, text, sizeof text);
    pthread_mutex_unlock(&reporter->mutex);
}

/* ---- waiting --------------------------------------------------------------------------------------------
 */

/* Waits until `until_ms` or a signal on the condition. Mutex held. */
static void wait_until(SipcnnReporter *reporter, int64_t until_ms) {
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000) * 1000000};
    pthread_cond_timedwait(&reporter->wake, &reporter->mutex, &until);
}

static bool out_of_time(SipcnnReporter *reporter, int64_t *left_ms) {
    pthread_mutex_lock(&reporter->mutex);
    *left_ms = reporter->closing ? reporter->deadline_ms - now_ms() : INT64_MAX;
    pthread_mutex_unlock(&reporter->mutex);
    return *left_ms <= 0;
}

/* It only has to differ between sensors. */
static uint64_t next_random(SipcnnReporter *reporter) {
    return core_mix(reporter->random += CORE_MIX_STEP);
}

static int64_t backoff_ms(SipcnnReporter *reporter, unsigned attempt) {
    uint64_t most = reporter->options.backoff_first_ms;
    for (unsigned i = 0; i < attempt && most < reporter->options.backoff_cap_ms; i++)
        most *= 2;
    if (most > reporter->options.backoff_cap_ms) most = reporter->options.backoff_cap_ms;
    return (int64_t)(next_random(reporter) % (most + 1));
}

/* Waits before a retry; close cuts the back-off short, not the collector's Retry-After. False: out of time.
 */
static bool wait_for_retry(SipcnnReporter *reporter, unsigned attempt, int64_t retry_after_ms) {
    pthread_mutex_lock(&reporter->mutex);
    bool draining = reporter->closing; /* has had its immediate attempt: short back-offs until the deadline */
    int64_t start = now_ms(), wait = backoff_ms(reporter, draining ? 0 : attempt);
    for (;;) {
        int64_t until = start + (reporter->closing && !draining ? 0 : wait);
        if (until < start + retry_after_ms) until = start + retry_after_ms;
        bool late = reporter->closing && until >= reporter->deadline_ms;
        if (late || until <= now_ms()) {
            if (!late) reporter->state.counters.retried++;
            pthread_mutex_unlock(&reporter->mutex);
            return !late;
        }
        wait_until(reporter, until);
    }
}

/* ---- one request ----------------------------------------------------------------------------------------
 */

static size_t on_reply(char *data, size_t size, size_t count, void *context) {
    SipcnnReporter *reporter = context;
    size_t length = size * count;
    if (length > REPLY_LIMIT - reporter->reply_length) return 0;
    if (reporter->reply_length < REPLY_EXCERPT) {
        size_t room = REPLY_EXCERPT - reporter->reply_length;
        memcpy(reporter->reply + reporter->reply_length, data, length < room ? length : room);
    }
    reporter->reply_length += length;
    return length;
}

static void append_body(SipcnnReporter *reporter, const char *text, size_t length) {
    memcpy(reporter->body + reporter->body_length, text, length);
    reporter->body_length += length;
}

/* collect_batch has made sure that any part of the batch fits. */
static void write_body(SipcnnReporter *reporter, size_t first, size_t count) {
    reporter->body_length = 0;
    append_body(reporter, body_head, sizeof body_head - 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) append_body(reporter, ",", 1);
        append_body(reporter, reporter->batch[first + i]->json, reporter->batch[first + i]->length);
    }
    append_body(reporter, body_tail, sizeof body_tail - 1);
}

/* Drives the transfer to its end or to close's deadline. */
static CURLcode transfer(SipcnnReporter *reporter, bool *late) {
    CURLcode result = CURLE_FAILED_INIT;
    *late = false;
    if (curl_multi_add_handle(reporter->multi, reporter->easy) != CURLM_OK) return result;
    for (int running = 1;;) {
        int64_t left = 0;
        if (curl_multi_perform(reporter->multi, &running) != CURLM_OK || running == 0) break;
        if ((*late = out_of_time(reporter, &left))) break;
        curl_multi_poll(reporter->multi, NULL, 0, left < 1000 ? (int)left : 1000, NULL);
    }
    int messages = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(reporter->multi, &messages)) != NULL;)
        if (message->msg == CURLMSG_DONE) result = message->data.result;
    if (*late) curl_easy_setopt(reporter->easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a resolver */
    curl_multi_remove_handle(reporter->multi, reporter->easy);
    return result;
}

static Outcome judge_transport(SipcnnReporter *reporter, CURLcode result) {
    const char *text = reporter->curl_error[0] != '\0' ? reporter->curl_error : curl_easy_strerror(result);
    if (result == CURLE_WRITE_ERROR || result == CURLE_FILESIZE_EXCEEDED)
        text = "reply is longer than 64 KiB";
    set_problem(reporter, (long)result, text, NULL, 0);
    return RETRY;
}

static Outcome judge_reply(SipcnnReporter *reporter, long code) {
    size_t excerpt = reporter->reply_length < REPLY_EXCERPT ? reporter->reply_length : REPLY_EXCERPT;
    char what[96];
    if (code >= 200 && code < 300) return DELIVERED;
    if (code == 401 || code == 403) {
        snprintf(what, sizeof what, "wrong token (the collector answered %ld)", code);
        set_problem(reporter, code, what, NULL, 0);
        return WRONG_TOKEN;
    }
    if (code >= 300 && code < 400) {
        snprintf(what, sizeof what, "the collector answered with a redirect (%ld), which is not followed",
                 code);
        set_problem(reporter, code, what, NULL, 0);
        return REFUSED;
    }
    snprintf(what, sizeof what, "the collector answered %ld", code);
    set_problem(reporter, code, what, reporter->reply, excerpt);
    if (code == 408 || code == 425 || code == 429 || code >= 500) return RETRY;
    return code == 400 || code == 413 || code == 422 ? SPLIT : REFUSED;
}

/* Sends batch[first .. first + count) once. */
static Outcome post(SipcnnReporter *reporter, size_t first, size_t count, int64_t *retry_after_ms) {
    *retry_after_ms = 0;
    write_body(reporter, first, count);
    reporter->reply_length = 0;
    reporter->curl_error[0] = '\0';
    curl_easy_setopt(reporter->easy, CURLOPT_POSTFIELDS, reporter->body);
    curl_easy_setopt(reporter->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)reporter->body_length);
    bool late = false;
    CURLcode result = transfer(reporter, &late);
    if (late) return OUT_OF_TIME;
    if (result != CURLE_OK) return judge_transport(reporter, result);
    long code = 0;
    curl_off_t seconds = 0;
    curl_easy_getinfo(reporter->easy, CURLINFO_RESPONSE_CODE, &code);
    if (curl_easy_getinfo(reporter->easy, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0) {
        curl_off_t cap = reporter->options.retry_after_cap_ms;
        *retry_after_ms = seconds > cap / 1000 ? cap : seconds * 1000;
    }
    return judge_reply(reporter, code);
}

/* ---- batches --------------------------------------------------------------------------------------------
 */

/* Takes what waits into the batch, as far as limits allow. Mutex held. */
static void take_batch(SipcnnReporter *reporter) {
    size_t bytes = sizeof body_head + sizeof body_tail;
    while (reporter->batch_count < SIPCNN_REPORTER_BATCH_LIMIT && reporter->queue.first != NULL) {
        bytes += reporter->queue.first->length + 1;
        if (bytes > SIPCNN_REPORTER_BATCH_BYTES) break;
        reporter->batch[reporter->batch_count++] = report_queue_pop(&reporter->queue);
    }
}

/* Waits for a full batch or an old enough incident. False when closing and nothing more can be sent. */
static bool collect_batch(SipcnnReporter *reporter) {
    pthread_mutex_lock(&reporter->mutex);
    while (reporter->queue.count < SIPCNN_REPORTER_BATCH_LIMIT && !reporter->closing) {
        if (reporter->queue.count == 0) {
            pthread_cond_wait(&reporter->wake, &reporter->mutex);
            continue;
        }
        int64_t due = reporter->queue.first->queued_ms + reporter->options.batch_delay_ms;
        if (due <= now_ms()) break;
        wait_until(reporter, due);
    }
    if (!reporter->closing || now_ms() < reporter->deadline_ms) take_batch(reporter);
    pthread_mutex_unlock(&reporter->mutex);
    return reporter->batch_count > 0;
}

/* Counts batch[first .. first + count) as done. */
static void settle(SipcnnReporter *reporter, size_t first, size_t count, Outcome outcome) {
    for (size_t i = first; i < first + count; i++)
        free(reporter->batch[i]);
    pthread_mutex_lock(&reporter->mutex);
    SipcnnReporterCounters *counters = &reporter->state.counters;
    counters->queued -= count;
    switch (outcome) {
    case DELIVERED:
        counters->delivered += count;
        reporter->state.failing = false;
        break;
    case WRONG_TOKEN: counters->dropped_token += count; break;
    case OUT_OF_TIME: counters->dropped_undelivered += count; break;
    case RETRY:
    case SPLIT:
    case REFUSED: counters->dropped_refused += count; break;
    }
    pthread_mutex_unlock(&reporter->mutex);
}

static void deliver_batch(SipcnnReporter *reporter) {
    size_t sent = 0, chunk = reporter->batch_count;
    unsigned attempt = 0;
    while (sent < reporter->batch_count) {
        if (chunk > reporter->batch_count - sent) chunk = reporter->batch_count - sent;
        int64_t retry_after_ms = 0;
        Outcome outcome = post(reporter, sent, chunk, &retry_after_ms);
        if (outcome == RETRY) {
            if (wait_for_retry(reporter, attempt++, retry_after_ms)) continue;
            outcome = OUT_OF_TIME;
        }
        if (outcome == SPLIT && chunk > 1) {
            chunk /= 2;
            continue;
        }
        if (outcome == OUT_OF_TIME) chunk = reporter->batch_count - sent;
        settle(reporter, sent, chunk, outcome);
        sent += chunk;
        attempt = 0;
        if (outcome == DELIVERED) chunk *= 2; /* grows back after a split */
    }
    reporter->batch_count = 0;
}

static void drop_rest(SipcnnReporter *reporter) {
    pthread_mutex_lock(&reporter->mutex);
    for (ReportItem *item; (item = report_queue_pop(&reporter->queue)) != NULL; free(item)) {
        reporter->state.counters.dropped_undelivered++;
        reporter->state.counters.queued--;
    }
    pthread_mutex_unlock(&reporter->mutex);
}

static void *reporter_main(void *argument) {
    SipcnnReporter *reporter = argument;
    while (collect_batch(reporter))
        deliver_batch(reporter);
    drop_rest(reporter);
    return NULL;
}

/* ---- set-up ---------------------------------------------------------------------------------------------
 */

static bool is_loopback(const char *host) {
    struct in_addr v4;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) return true;
    return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

static CoreStatus check_url(CURLU *url, const SipcnnReporterOptions *options, char *parts[3],
                            CoreError *error) {
    CURLUcode result = curl_url_set(url, CURLUPART_URL, options->url, 0);
    if (result != CURLUE_OK)
        return core_fail(error, CORE_ARGUMENT, "%s: %s", options->url, curl_url_strerror(result));
    if (curl_url_get(url, CURLUPART_USER, &parts[0], 0) == CURLUE_OK)
        return core_fail(error, CORE_ARGUMENT,
                         "collector URL must not hold a user name or password; use a token file");
    if (curl_url_get(url, CURLUPART_SCHEME, &parts[0], 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &parts[1], 0) != CURLUE_OK)
        return core_fail(error, CORE_ARGUMENT, "%s: URL without host", options->url);
    if (strcmp(parts[0], "https") != 0 && strcmp(parts[0], "http") != 0)
        return core_fail(error, CORE_ARGUMENT, "%s: only http and https are supported", options->url);
    if (strcmp(parts[0], "http") == 0 && !options->insecure && !is_loopback(parts[1]))
        return core_fail(
            error, CORE_ARGUMENT,
            "%s: http to another machine sends incidents and token unencrypted; use https or allow "
            "insecure transport",
            options->url);
    if (curl_url_get(url, CURLUPART_PATH, &parts[2], 0) == CURLUE_OK && strcmp(parts[2], "/") != 0)
        return CORE_OK;
    if (curl_url_set(url, CURLUPART_PATH, "/v1/incidents", 0) != CURLUE_OK)
        return core_fail(error, CORE_MEMORY, "out of memory");
    return CORE_OK;
}

static CoreStatus set_url(SipcnnReporter *reporter, const SipcnnReporterOptions *options, CoreError *error) {
    if (options->url == NULL) return core_fail(error, CORE_ARGUMENT, "no collector URL given");
    CURLU *url = curl_url();
    if (url == NULL) return core_fail(error, CORE_MEMORY, "out of memory");
    char *parts[3] = {NULL, NULL, NULL}, *whole = NULL;
    CoreStatus status = check_url(url, options, parts, error);
    if (status == CORE_OK && curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK)
        reporter->url = strdup(whole);
    if (status == CORE_OK && reporter->url == NULL) status = core_fail(error, CORE_MEMORY, "out of memory");
    curl_free(whole);
    for (int i = 0; i < 3; i++)
        curl_free(parts[i]);
    curl_url_cleanup(url);
    return status;
}

static bool add_header(SipcnnReporter *reporter, const char *header) {
    struct curl_slist *longer = curl_slist_append(reporter->headers, header);
    if (longer != NULL) reporter->headers = longer;
    return longer != NULL;
}

static CoreStatus set_headers(SipcnnReporter *reporter, const SipcnnReporterOptions *options,
                              CoreError *error) {
    bool fits = add_header(reporter, "Content-Type: application/json") && add_header(reporter, "Expect:");
    if (fits && options->token_file != NULL) {
        char token[SIPCNN_TOKEN_SIZE];
        CoreStatus status = sipcnn_token_read(options->token_file, token, error);
        if (status != CORE_OK) return status;
        snprintf(reporter->authorization, sizeof reporter->authorization, "Authorization: Bearer %s", token);
        explicit_bzero(token, sizeof token);
        fits = add_header(reporter, reporter->authorization);
        explicit_bzero(reporter->authorization, sizeof reporter->authorization);
    }
    return fits ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory");
}

static CoreStatus set_transport(SipcnnReporter *reporter, const SipcnnReporterOptions *options,
                                CoreError *error) {
    CURL *easy = reporter->easy = curl_easy_init();
    reporter->multi = curl_multi_init();
    if (easy == NULL || reporter->multi == NULL)
        return core_fail(error, CORE_UNAVAILABLE, "libcurl could not be set up");
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0)
        return core_fail(error, CORE_IO, "%s: %s", options->ca_file, strerror(errno));
    const char *scheme = strncmp(reporter->url, "https:", 6) == 0 ? "https" : "http";
    bool set = curl_easy_setopt(easy, CURLOPT_URL, reporter->url) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, scheme) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_USERAGENT, "sipcnn/" SIPCNN_VERSION) == CURLE_OK;
    if (set && options->ca_file != NULL)
        set = curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (!set) return core_fail(error, CORE_UNAVAILABLE, "libcurl lacks TLS or is out of memory");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)reporter->options.connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)reporter->options.request_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_SECONDS);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)REPLY_LIMIT);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, reporter);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reporter->curl_error);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, reporter->headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    return CORE_OK;
}

static void default_to(uint32_t *option, uint32_t value) {
    if (*option == 0) *option = value;
}

static void set_numbers(SipcnnReporter *reporter, const SipcnnReporterOptions *options) {
    SipcnnReporterOptions *own = &reporter->options;
    *own = *options;
    own->url = own->token_file = own->ca_file = NULL;
    default_to(&own->connect_timeout_ms, 3000);
    default_to(&own->request_timeout_ms, 10000);
    default_to(&own->batch_delay_ms, 250);
    default_to(&own->backoff_first_ms, 500);
    default_to(&own->backoff_cap_ms, 60000);
    default_to(&own->retry_after_cap_ms, 300000);
    default_to(&own->queue_limit, SIPCNN_REPORTER_QUEUE_LIMIT);
    if (own->queue_limit > SIPCNN_REPORTER_QUEUE_LIMIT) own->queue_limit = SIPCNN_REPORTER_QUEUE_LIMIT;
    reporter->queue.count_limit = own->queue_limit;
    reporter->queue.bytes_limit = SIPCNN_REPORTER_QUEUE_BYTES;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    reporter->random = (uint64_t)now.tv_nsec ^ ((uint64_t)now.tv_sec << 20) ^ ((uint64_t)getpid() << 40);
}

static void reporter_free(SipcnnReporter *reporter) {
    if (reporter->easy != NULL) curl_easy_cleanup(reporter->easy);
    if (reporter->multi != NULL) curl_multi_cleanup(reporter->multi);
    for (struct curl_slist *header = reporter->headers; header != NULL; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(reporter->headers);
    pthread_cond_destroy(&reporter->wake);
    pthread_mutex_destroy(&reporter->mutex);
    free(reporter->body);
    free(reporter->url);
    free(reporter);
}

/* Signals stay with the caller's threads; SIGPIPE of a broken connection becomes an error code. */
static CoreStatus start_thread(SipcnnReporter *reporter, CoreError *error) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&reporter->thread, NULL, reporter_main, reporter);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) return core_fail(error, CORE_UNAVAILABLE, "reporter thread: %s", strerror(result));
    return CORE_OK;
}

static bool init_lock(SipcnnReporter *reporter) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) return false;
    bool clock = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0;
    bool wake = clock && pthread_cond_init(&reporter->wake, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (wake && pthread_mutex_init(&reporter->mutex, NULL) == 0) return true;
    if (wake) pthread_cond_destroy(&reporter->wake);
    return false;
}

/* ---- the interface --------------------------------------------------------------------------------------
 */

static CURLcode global_result;

static void global_init(void) {
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

CoreStatus sipcnn_reporter_global_init(CoreError *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_init);
    if (global_result == CURLE_OK) return CORE_OK;
    return core_fail(error, CORE_UNAVAILABLE, "libcurl: %s", curl_easy_strerror(global_result));
}

CoreStatus sipcnn_reporter_new(const SipcnnReporterOptions *options, SipcnnReporter **reporter,
                               CoreError *error) {
    *reporter = NULL;
    SipcnnReporter *made = calloc(1, sizeof *made);
    if (made == NULL) return core_fail(error, CORE_MEMORY, "out of memory");
    if (!init_lock(made)) {
        free(made);
        return core_fail(error, CORE_UNAVAILABLE, "reporter: no lock available");
    }
    set_numbers(made, options);
    made->body = malloc(SIPCNN_REPORTER_BATCH_BYTES);
    CoreStatus status = made->body != NULL ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory");
    if (status == CORE_OK) status = set_url(made, options, error);
    if (status == CORE_OK) status = set_headers(made, options, error);
    if (status == CORE_OK) status = set_transport(made, options, error);
    if (status == CORE_OK) status = start_thread(made, error);
    if (status != CORE_OK) {
        reporter_free(made);
        return status;
    }
    *reporter = made;
    return CORE_OK;
}

void sipcnn_reporter_submit(SipcnnReporter *reporter, const char *json, size_t length) {
    bool valid = length > 0 && length <= SIPCNN_REPORTER_LINE_LIMIT;
    ReportItem *item = valid ? report_item_new(json, length, now_ms()) : NULL;
    pthread_mutex_lock(&reporter->mutex);
    SipcnnReporterCounters *counters = &reporter->state.counters;
    counters->submitted++;
    if (!valid)
        counters->dropped_invalid++;
    else if (item == NULL)
        counters->dropped_memory++;
    else {
        uint64_t before = counters->dropped_update + counters->dropped_state;
        report_queue_push(&reporter->queue, item, &counters->dropped_update, &counters->dropped_state);
        counters->queued += 1 + before - (counters->dropped_update + counters->dropped_state);
        size_t waiting = reporter->queue.count;
        if (waiting == 1 || waiting == SIPCNN_REPORTER_BATCH_LIMIT) pthread_cond_signal(&reporter->wake);
    }
    pthread_mutex_unlock(&reporter->mutex);
}

void sipcnn_reporter_state(SipcnnReporter *reporter, SipcnnReporterState *state) {
    pthread_mutex_lock(&reporter->mutex);
    *state = reporter->state;
    pthread_mutex_unlock(&reporter->mutex);
}

void sipcnn_reporter_close(SipcnnReporter *reporter, uint32_t drain_ms, SipcnnReporterCounters *counters) {
    if (reporter == NULL) return;
    pthread_mutex_lock(&reporter->mutex);
    reporter->closing = true;
    reporter->deadline_ms = now_ms() + drain_ms;
    pthread_cond_signal(&reporter->wake);
    pthread_mutex_unlock(&reporter->mutex);
    curl_multi_wakeup(reporter->multi);
    pthread_join(reporter->thread, NULL);
    if (counters != NULL) *counters = reporter->state.counters;
    reporter_free(reporter);
}
