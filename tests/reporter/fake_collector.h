/* A collector that misbehaves on demand: answers from a script, slowly, too long, elsewhere, over TLS.
 * Relies on: libmicrohttpd.
 * Relied on by: tests/reporter. */
#ifndef SIPCNN_TEST_FAKE_COLLECTOR_H
#define SIPCNN_TEST_FAKE_COLLECTOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_SCRIPT_LENGTH = 16, FAKE_IDS = 1024 };

/* One scripted answer; a zero status means 200. */
typedef struct FakeAnswer {
    unsigned status;
    const char *retry_after;
    const char *location;
    unsigned delay_ms;
    size_t reply_bytes; /* 0: a short JSON text */
    bool endless;       /* a reply of unannounced length that never ends */
} FakeAnswer;

typedef struct FakeCollector {
    FakeAnswer script[FAKE_SCRIPT_LENGTH]; /* set before start; after its end every answer is 200 */
    const char *poison;                    /* bodies with this text get 400 */

    /* Read after the reporter's close, or through fake_requests. */
    unsigned requests;
    int ids[FAKE_IDS]; /* the "n" of every incident in bodies that were answered with 2xx */
    size_t id_count, largest_batch, largest_body;
    char authorization[128], content_type[64], url[128];
    int64_t times_ms[FAKE_SCRIPT_LENGTH];

    struct MHD_Daemon *daemon;
    pthread_mutex_t mutex;
    char base[64]; /* "http://127.0.0.1:PORT" */
} FakeCollector;

/* Listens on a free port of 127.0.0.1; with `certificate` and `key` (PEM texts) over TLS. */
void fake_start(FakeCollector *fake, const char *certificate, const char *key);
unsigned fake_requests(FakeCollector *fake);
void fake_stop(FakeCollector *fake);

int64_t clock_ms(void);
void sleep_ms(unsigned ms);

/* A self-signed certificate for `name` ("IP:127.0.0.1" or "DNS:example.org") and its key, as PEM in malloc'd
 * memory; also written to `path`, for the reporter's ca_file. */
void make_certificate(const char *name, const char *path, char **certificate, char **key);

#endif
