/* The collector's HTTP interface: routes, authentication, replies (docs/collector-api.md).
 * Relies on: tools/collector/store, tools/collector/page, libmicrohttpd, jansson, libcrypto.
 * Relied on by: tools/collector/main. */
#ifndef SIPCNN_COLLECTOR_SERVER_H
#define SIPCNN_COLLECTOR_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/status.h"
#include "tools/collector/store.h"

typedef struct CollectorServer CollectorServer;

typedef struct CollectorServerOptions {
    const char *listen; /* ADDRESS[:PORT], [IPV6][:PORT] or a host name */
    int port;           /* overrides the port in `listen`; 0: any free one; negative: not given */
    const char *token;  /* bearer token, NULL for none; borrowed for the server's life */
} CollectorServerOptions;

enum { COLLECTOR_DEFAULT_PORT = 8700 };

/* Listens. On loopback, reading is open and sending needs the token if there is one; a host name or origin
 * that is not loopback is refused, so that no web page can reach it through the user's browser. On any other
 * address a token is required, for reading too. Everything runs in collector_server_run, on the caller's
 * thread, with the store, which stays the caller's. Errors: CORE_ARGUMENT, CORE_IO (cannot listen),
 * CORE_UNAVAILABLE, CORE_MEMORY. */
CoreStatus collector_server_new(const CollectorServerOptions *options, CollectorStore *store,
                                CollectorServer **server, CoreError *error);

/* The address for a browser, "http://127.0.0.1:8700/". Borrowed. */
const char *collector_server_url(const CollectorServer *server);

/* A descriptor that is readable when collector_server_run has work, and the longest time in ms until it must
 * be called anyway (at most `most_ms`). */
int collector_server_descriptor(const CollectorServer *server, uint64_t most_ms, uint64_t *wait_ms);

/* Serves what is ready; never waits. */
void collector_server_run(CollectorServer *server);

/* The last database problem, NULL when the last request had none. Borrowed until the next run. */
const char *collector_server_problem(const CollectorServer *server);

/* Ends all connections. NULL is allowed. */
void collector_server_free(CollectorServer *server);

#endif
