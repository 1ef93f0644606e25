/* A collector that misbehaves on demand: answers from a script, slowly, too long, elsewhere, over TLS.
 * Relies on: libmicrohttpd.
 * Relied on by: tests/reporter. */
#include "tests/reporter/fake_collector.h"

#include <check.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Body {
    char *bytes;
    size_t length;
} Body;

int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(unsigned ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static void copy_header(struct MHD_Connection *connection, const char *name, char *out, size_t size) {
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    snprintf(out, size, "%s", value != NULL ? value : "");
}

static void take_incidents(FakeCollector *fake, const char *body) {
    size_t batch = 0;
    for (const char *at = body; (at = strstr(at, "\"n\":")) != NULL; at += 4, batch++)
        if (fake->id_count < FAKE_IDS) fake->ids[fake->id_count++] = (int)strtol(at + 4, NULL, 10);
    if (batch > fake->largest_batch) fake->largest_batch = batch;
}

/* Notes the request and chooses the answer. */
static FakeAnswer judge(FakeCollector *fake, struct MHD_Connection *connection, const char *url,
                        const Body *body) {
    FakeAnswer answer = {0};
    pthread_mutex_lock(&fake->mutex);
    if (fake->requests < FAKE_SCRIPT_LENGTH) {
        answer = fake->script[fake->requests];
        fake->times_ms[fake->requests] = clock_ms();
    }
    fake->requests++;
    if (fake->poison != NULL && strstr(body->bytes, fake->poison) != NULL) answer.status = 400;
    if (answer.status == 0) answer.status = 200;
    copy_header(connection, "Authorization", fake->authorization, sizeof fake->authorization);
    copy_header(connection, "Content-Type", fake->content_type, sizeof fake->content_type);
    snprintf(fake->url, sizeof fake->url, "%s", url);
    if (body->length > fake->largest_body) fake->largest_body = body->length;
    if (answer.status == 200 && answer.reply_bytes == 0 && answer.delay_ms == 0 && !answer.endless)
        take_incidents(fake, body->bytes);
    pthread_mutex_unlock(&fake->mutex);
    return answer;
}

static ssize_t send_more(void *context, uint64_t position, char *buffer, size_t size) {
    (void)context, (void)position;
    memset(buffer, 'x', size);
    return (ssize_t)size;
}

static enum MHD_Result reply_endlessly(struct MHD_Connection *connection) {
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 8192, send_more, NULL, NULL);
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply(struct MHD_Connection *connection, const FakeAnswer *answer) {
    static const char text[] = "{\"error\":\"first line\"}\nsecond\x1b[31m line";
    char *bytes = calloc(1, answer->reply_bytes + sizeof text);
    memcpy(bytes, text, sizeof text);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->reply_bytes > 0 ? answer->reply_bytes : sizeof text - 1, bytes, MHD_RESPMEM_MUST_FREE);
    if (answer->retry_after != NULL) MHD_add_response_header(response, "Retry-After", answer->retry_after);
    if (answer->location != NULL) MHD_add_response_header(response, "Location", answer->location);
    if (answer->delay_ms > 0) sleep_ms(answer->delay_ms);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload, size_t *size,
                                  void **state) {
    Body *body = *state;
    (void)method, (void)version;
    if (body == NULL) {
        *state = body = calloc(1, sizeof *body);
        body->bytes = calloc(1, 1);
        return MHD_YES;
    }
    if (*size > 0) {
        body->bytes = realloc(body->bytes, body->length + *size + 1);
        memcpy(body->bytes + body->length, upload, *size);
        body->length += *size;
        body->bytes[body->length] = '\0';
        *size = 0;
        return MHD_YES;
    }
    FakeAnswer answer = judge(context, connection, url, body);
    return answer.endless ? reply_endlessly(connection) : reply(connection, &answer);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
    Body *body = *state;
    (void)context, (void)connection, (void)code;
    if (body != NULL) free(body->bytes);
    free(body);
}

void fake_start(FakeCollector *fake, const char *certificate, const char *key) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    ck_assert_int_eq(pthread_mutex_init(&fake->mutex, NULL), 0);
    if (certificate == NULL)
        fake->daemon =
            MHD_start_daemon(flags, 0, NULL, NULL, on_request, fake, MHD_OPTION_SOCK_ADDR, &address,
                             MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    else
        fake->daemon = MHD_start_daemon(flags | MHD_USE_TLS, 0, NULL, NULL, on_request, fake,
                                        MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
                                        on_completed, NULL, MHD_OPTION_HTTPS_MEM_CERT, certificate,
                                        MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_END);
    ck_assert_ptr_nonnull(fake->daemon);
    snprintf(fake->base, sizeof fake->base, "http%s://127.0.0.1:%u", certificate != NULL ? "s" : "",
             (unsigned)MHD_get_daemon_info(fake->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
}

unsigned fake_requests(FakeCollector *fake) {
    pthread_mutex_lock(&fake->mutex);
    unsigned requests = fake->requests;
    pthread_mutex_unlock(&fake->mutex);
    return requests;
}

void fake_stop(FakeCollector *fake) {
    MHD_stop_daemon(fake->daemon);
    pthread_mutex_destroy(&fake->mutex);
}
