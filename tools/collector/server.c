/* The collector's HTTP interface: routes, authentication, replies (docs/collector-api.md).
 * Relies on: tools/collector/store, tools/collector/page, libmicrohttpd, jansson, libcrypto.
 * Relied on by: tools/collector/main. */
#include "tools/collector/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/collector/page.h"

enum {
    CONNECTION_LIMIT = 256,
    CONNECTION_MEMORY = 32 * 1024, /* headers and URL of a request */
    CONNECTION_SECONDS = 15,       /* silent for longer: closed */
    BACKLOG = 64,
    DEFAULT_PAGE = 100
};

struct CollectorServer {
    struct MHD_Daemon *daemon;
    int listener;
    CollectorStore *store;
    bool loopback;
    bool has_token;
    unsigned char token_digest[32];
    char url[160];
    char policy[512]; /* Content-Security-Policy of the page */
    CoreError problem;
    bool has_problem;
};

/* A request while its body arrives. */
typedef struct Request {
    unsigned refusal; /* HTTP status decided before the body; the body is then thrown away */
    const char *reason;
    char *body;
    size_t length, capacity;
} Request;

typedef struct MHD_Connection Connection;
typedef enum MHD_Result Result;

/* ---- replies --------------------------------------------------------------------------------------------
 */

static Result send_reply(Connection *connection, unsigned status, struct MHD_Response *response) {
    if (response == NULL) return MHD_NO;
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Takes over `object`, which may be NULL for lack of memory. */
static Result send_json(Connection *connection, unsigned status, json_t *object) {
    char *text = object != NULL
                     ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(16))
                     : NULL;
    json_decref(object);
    if (text == NULL) return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (status == MHD_HTTP_UNAUTHORIZED) MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, "Allow", "GET, HEAD, POST");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE) MHD_add_response_header(response, "Retry-After", "1");
    return send_reply(connection, status, response);
}

/* {"error":text}; the text may quote a request, so anything but ASCII becomes '?'. */
static Result send_error(Connection *connection, unsigned status, const char *text) {
    char safe[sizeof((CoreError *)0)->text];
    snprintf(safe, sizeof safe, "%s", text);
    for (char *c = safe; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e) *c = '?';
    return send_json(connection, status, json_pack("{s:s}", "error", safe));
}

/* What the store said, as a reply; problems of the database itself are kept for the log. */
static Result send_status(CollectorServer *server, Connection *connection, CoreStatus status,
                          const CoreError *error) {
    if (status == CORE_NOT_FOUND) return send_error(connection, MHD_HTTP_NOT_FOUND, error->text);
    server->problem = *error;
    server->has_problem = true;
    return send_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE, error->text);
}

static Result send_stored(CollectorServer *server, Connection *connection, CoreStatus status, json_t *reply,
                          const CoreError *error) {
    if (status != CORE_OK) return send_status(server, connection, status, error);
    server->has_problem = false;
    return send_json(connection, MHD_HTTP_OK, reply);
}

/* ---- who may ask ----------------------------------------------------------------------------------------
 */

static bool digest(const char *text, unsigned char out[32]) {
    return EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL) == 1;
}

/* Digests of equal length are compared, so that time tells nothing about the token, not even its length. */
static bool has_token(const CollectorServer *server, Connection *connection) {
    static const char scheme[] = "Bearer ";
    unsigned char given[32];
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    if (header == NULL || strncasecmp(header, scheme, sizeof scheme - 1) != 0) return false;
    return digest(header + sizeof scheme - 1, given) &&
           CRYPTO_memcmp(given, server->token_digest, sizeof given) == 0;
}

static bool is_loopback_name(const char *host) {
    char name[64];
    struct in_addr v4;
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (length >= sizeof name) return false;
    snprintf(name, sizeof name, "%.*s", (int)length, host);
    if (strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0) return true;
    return inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* A web page of somebody else's in the user's browser can send requests here, but cannot choose these
 * headers. */
static bool is_foreign(const CollectorServer *server, Connection *connection) {
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    const char *origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin");
    if (server->loopback && host != NULL && !is_loopback_name(host)) return true;
    if (origin == NULL) return false;
    const char *slashes = strstr(origin, "://");
    return host == NULL || slashes == NULL || strcasecmp(slashes + 3, host) != 0;
}

/* 0, or the status with which the request is refused. The page itself and the health check hold nothing
 * secret. */
static unsigned refuse(const CollectorServer *server, Connection *connection, bool writes, const char *url,
                       const char **reason) {
    bool open = !writes && (server->loopback || strcmp(url, "/") == 0 || strcmp(url, "/healthz") == 0);
    if (is_foreign(server, connection)) {
        *reason = "request for another host or from another origin";
        return MHD_HTTP_FORBIDDEN;
    }
    if (server->has_token && !open && !has_token(server, connection)) {
        *reason = "wrong or missing bearer token";
        return MHD_HTTP_UNAUTHORIZED;
    }
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------------------
 */

/* A decimal argument of the URL in [low, high], or `missing`. */
static bool read_argument(Connection *connection, const char *name, int64_t low, int64_t high,
                          int64_t missing, int64_t *number) {
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
    char *end = NULL;
    *number = missing;
    if (text == NULL || text[0] == '\0') return true;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && *number >= low && *number <= high;
}

static const char *read_filter(Connection *connection, const char *name) {
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static Result get_list(CollectorServer *server, Connection *connection) {
    int64_t limit = 0;
    CollectorQuery query = {.state = read_filter(connection, "state"),
                            .class_name = read_filter(connection, "class"),
                            .client = read_filter(connection, "client")};
    if (!read_argument(connection, "limit", 1, COLLECTOR_PAGE_LIMIT, DEFAULT_PAGE, &limit))
        return send_error(connection, MHD_HTTP_BAD_REQUEST, "limit: expected a number from 1 to 1000");
    if (!read_argument(connection, "after", 0, INT64_MAX, 0, &query.after))
        return send_error(connection, MHD_HTTP_BAD_REQUEST, "after: expected the \"next\" of a list");
    if (!read_argument(connection, "since", 0, INT64_MAX, 0, &query.since))
        return send_error(connection, MHD_HTTP_BAD_REQUEST, "since: expected the \"revision\" of a list");
    if (query.state != NULL && strcmp(query.state, "open") != 0 && strcmp(query.state, "update") != 0 &&
        strcmp(query.state, "closed") != 0)
        return send_error(connection, MHD_HTTP_BAD_REQUEST, "state: expected open, update or closed");
    query.limit = (int)limit;
    CoreError error;
    json_t *reply = NULL;
    CoreStatus status = collector_store_list(server->store, &query, &reply, &error);
    return send_stored(server, connection, status, reply, &error);
}

static Result get_detail(CollectorServer *server, Connection *connection, const char *id) {
    CoreError error;
    json_t *reply = NULL;
    CoreStatus status = collector_store_detail(server->store, id, &reply, &error);
    return send_stored(server, connection, status, reply, &error);
}

static Result get_stats(CollectorServer *server, Connection *connection) {
    CoreError error;
    json_t *reply = NULL;
    CoreStatus status = collector_store_stats(server->store, &reply, &error);
    return send_stored(server, connection, status, reply, &error);
}

/* Healthy means that the database answers. */
static Result get_health(CollectorServer *server, Connection *connection) {
    CoreError error;
    json_t *reply = NULL;
    CollectorQuery query = {.limit = 1};
    CoreStatus status = collector_store_list(server->store, &query, &reply, &error);
    json_decref(reply);
    return send_stored(server, connection, status, json_pack("{s:s}", "status", "ok"), &error);
}

static Result get_page(const CollectorServer *server, Connection *connection) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        collector_page_size, (void *)(uintptr_t)collector_page, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "text/html; charset=utf-8");
    MHD_add_response_header(response, "Content-Security-Policy", server->policy);
    return send_reply(connection, MHD_HTTP_OK, response);
}

static Result on_get(CollectorServer *server, Connection *connection, const char *url) {
    static const char list[] = "/v1/incidents", detail[] = "/v1/incidents/";
    if (strcmp(url, "/") == 0) return get_page(server, connection);
    if (strcmp(url, "/healthz") == 0) return get_health(server, connection);
    if (strcmp(url, "/v1/stats") == 0) return get_stats(server, connection);
    if (strcmp(url, list) == 0) return get_list(server, connection);
    if (strncmp(url, detail, sizeof detail - 1) == 0)
        return get_detail(server, connection, url + sizeof detail - 1);
    return send_error(connection, MHD_HTTP_NOT_FOUND, "no such path; see /v1/incidents, /v1/stats");
}

/* ---- storing --------------------------------------------------------------------------------------------
 */

static double wall_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)(now.tv_nsec / 1000) * 1e-6;
}

static Result store_body(CollectorServer *server, Connection *connection, const Request *request) {
    CollectorBatch batch;
    CoreError error;
    CoreStatus status =
        collector_batch_parse(request->body != NULL ? request->body : "", request->length, &batch, &error);
    Result result = MHD_NO;
    if (status == CORE_MEMORY)
        result = send_status(server, connection, status, &error);
    else if (status != CORE_OK)
        result = send_error(connection, MHD_HTTP_BAD_REQUEST, error.text);
    else {
        status = collector_store_put(server->store, &batch, wall_clock(), &error);
        json_t *reply = json_pack("{s:I}", "accepted", (json_int_t)batch.count);
        if (status != CORE_OK) json_decref(reply);
        result = send_stored(server, connection, status, reply, &error);
    }
    collector_batch_free(&batch);
    return result;
}

static void set_refusal(Request *request, unsigned status, const char *reason) {
    free(request->body);
    *request = (Request){.refusal = status, .reason = reason};
}

static void append_upload(Request *request, const char *upload, size_t size) {
    if (request->refusal != 0) return;
    if (size > COLLECTOR_BODY_LIMIT - request->length) {
        set_refusal(request, MHD_HTTP_CONTENT_TOO_LARGE, "body is larger than 1 MiB");
        return;
    }
    if (request->length + size > request->capacity) {
        size_t capacity = request->capacity == 0 ? 16384 : request->capacity;
        while (capacity < request->length + size)
            capacity *= 2;
        char *larger = realloc(request->body, capacity);
        if (larger == NULL) {
            set_refusal(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
            return;
        }
        request->body = larger;
        request->capacity = capacity;
    }
    memcpy(request->body + request->length, upload, size);
    request->length += size;
}

/* The first call has the headers only; answering there would end the connection. A refused body is read and
 * dropped, so that the client sees the answer rather than a reset. */
static Result start_request(CollectorServer *server, Connection *connection, const char *url, bool writes,
                            void **state) {
    Request *request = calloc(1, sizeof *request);
    if (request == NULL) return MHD_NO;
    *state = request;
    request->refusal = refuse(server, connection, writes, url, &request->reason);
    if (request->refusal == 0 && writes && strcmp(url, "/v1/incidents") != 0)
        set_refusal(request, MHD_HTTP_NOT_FOUND, "incidents are sent to /v1/incidents");
    return MHD_YES;
}

static Result on_request(void *context, Connection *connection, const char *url, const char *method,
                         const char *version, const char *upload, size_t *upload_size, void **state) {
    CollectorServer *server = context;
    Request *request = *state;
    bool writes = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    (void)version;
    if (request == NULL) return start_request(server, connection, url, writes, state);
    if (*upload_size > 0) {
        append_upload(request, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (request->refusal != 0) return send_error(connection, request->refusal, request->reason);
    if (writes) return store_body(server, connection, request);
    if (reads) return on_get(server, connection, url);
    return send_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "use GET, HEAD or POST");
}

static void on_completed(void *context, Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
    Request *request = *state;
    (void)context, (void)connection, (void)code;
    if (request != NULL) free(request->body);
    free(request);
    *state = NULL;
}

/* ---- set-up ---------------------------------------------------------------------------------------------
 */

/* "'sha256-…'" of the page's only <tag> element, which CSP then allows and nothing else. */
static bool element_hash(const char *tag, char *out, size_t size) {
    char opening[16], closing[16], base64[64];
    unsigned char hash[32];
    const char *page = (const char *)collector_page;
    snprintf(opening, sizeof opening, "<%s>", tag);
    snprintf(closing, sizeof closing, "</%s>", tag);
    const char *start = strstr(page, opening);
    const char *end = start != NULL ? strstr(start, closing) : NULL;
    if (end == NULL) return false;
    start += strlen(opening);
    if (EVP_Digest(start, (size_t)(end - start), hash, NULL, EVP_sha256(), NULL) != 1) return false;
    EVP_EncodeBlock((unsigned char *)base64, hash, sizeof hash);
    snprintf(out, size, "'sha256-%s'", base64);
    return true;
}

static CoreStatus set_policy(CollectorServer *server, CoreError *error) {
    char style[80], script[80];
    if (!element_hash("style", style, sizeof style) || !element_hash("script", script, sizeof script))
        return core_fail(error, CORE_UNAVAILABLE, "the page's style and script could not be hashed");
    snprintf(server->policy, sizeof server->policy,
             "default-src 'none'; style-src %s; script-src %s; connect-src 'self'; img-src data:; base-uri "
             "'none'; "
             "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types "
             "'none'",
             style, script);
    return CORE_OK;
}

/* Splits ADDRESS[:PORT] and [IPV6][:PORT]; an IPv6 address without brackets has no port. */
static CoreStatus split_listen(const CollectorServerOptions *options, char host[128], char port[16],
                               CoreError *error) {
    const char *text = options->listen;
    const char *end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');
    bool bare_v6 = text[0] != '[' && end != NULL && strchr(end + 1, ':') != NULL;
    if (text[0] == '[' && end == NULL)
        return core_fail(error, CORE_ARGUMENT, "--listen %s: no closing bracket", text);
    const char *start = text[0] == '[' ? text + 1 : text;
    size_t length = end != NULL && !bare_v6 ? (size_t)(end - start) : strlen(start);
    const char *colon = end != NULL && !bare_v6 ? end + (*end == ']') : "";
    if (length == 0 || length >= 128 || (*colon != '\0' && *colon != ':'))
        return core_fail(error, CORE_ARGUMENT, "--listen %s: expected ADDRESS[:PORT] or [IPV6][:PORT]", text);
    snprintf(host, 128, "%.*s", (int)length, start);
    char *stop = NULL;
    long number = *colon == ':' ? strtol(colon + 1, &stop, 10) : COLLECTOR_DEFAULT_PORT;
    if (*colon == ':' && (stop == colon + 1 || *stop != '\0' || number < 0 || number > 65535))
        return core_fail(error, CORE_ARGUMENT, "--listen %s: port must be a number from 0 to 65535", text);
    if (options->port >= 0) number = options->port;
    snprintf(port, 16, "%ld", number);
    return CORE_OK;
}

static bool is_loopback_address(const struct sockaddr *address) {
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    if (address->sa_family == AF_INET) return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int open_listener(const struct addrinfo *address) {
    const int on = 1;
    int listener = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return -1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, address->ai_addr, address->ai_addrlen) == 0 && listen(listener, BACKLOG) == 0)
        return listener;
    int reason = errno;
    close(listener);
    errno = reason;
    return -1;
}

static CoreStatus set_url(CollectorServer *server, CoreError *error) {
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getsockname(server->listener, (struct sockaddr *)&bound, &size) != 0 ||
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return core_fail(error, CORE_IO, "cannot read the address that the collector listens on");
    snprintf(server->url, sizeof server->url,
             strchr(host, ':') != NULL ? "http://[%.64s]:%s/" : "http://%.64s:%s/", host, port);
    return CORE_OK;
}

static CoreStatus start_listening(CollectorServer *server, const CollectorServerOptions *options,
                                  CoreError *error) {
    char host[128], port[16];
    struct addrinfo *address = NULL;
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    CoreStatus status = split_listen(options, host, port, error);
    if (status != CORE_OK) return status;
    int result = getaddrinfo(host, port, &hints, &address);
    if (result != 0)
        return core_fail(error, CORE_ARGUMENT, "--listen %s: %s", options->listen, gai_strerror(result));
    server->loopback = is_loopback_address(address->ai_addr);
    if (!server->loopback && options->token == NULL)
        status = core_fail(
            error, CORE_ARGUMENT,
            "--listen %s: everybody on that network could read and send incidents; add --token-file",
            options->listen);
    if (status == CORE_OK && (server->listener = open_listener(address)) < 0)
        status = core_fail(error, CORE_IO, "cannot listen on %s port %s: %s", host, port, strerror(errno));
    freeaddrinfo(address);
    return status == CORE_OK ? set_url(server, error) : status;
}

static CoreStatus start_daemon(CollectorServer *server, CoreError *error) {
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, server->listener,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTION_LIMIT, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (server->daemon == NULL) return core_fail(error, CORE_UNAVAILABLE, "libmicrohttpd could not start");
    server->listener = -1; /* now the daemon's */
    return CORE_OK;
}

CoreStatus collector_server_new(const CollectorServerOptions *options, CollectorStore *store,
                                CollectorServer **server, CoreError *error) {
    *server = NULL;
    CollectorServer *made = calloc(1, sizeof *made);
    if (made == NULL) return core_fail(error, CORE_MEMORY, "out of memory");
    made->listener = -1;
    made->store = store;
    made->has_token = options->token != NULL;
    CoreStatus status = set_policy(made, error);
    if (status == CORE_OK && made->has_token && !digest(options->token, made->token_digest))
        status = core_fail(error, CORE_UNAVAILABLE, "libcrypto has no SHA-256");
    if (status == CORE_OK) status = start_listening(made, options, error);
    if (status == CORE_OK) status = start_daemon(made, error);
    if (status != CORE_OK) {
        collector_server_free(made);
        return status;
    }
    *server = made;
    return CORE_OK;
}

const char *collector_server_url(const CollectorServer *server) {
    return server->url;
}

int collector_server_descriptor(const CollectorServer *server, uint64_t most_ms, uint64_t *wait_ms) {
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    *wait_ms = most_ms;
    if (MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout < most_ms) *wait_ms = timeout;
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void collector_server_run(CollectorServer *server) {
    MHD_run(server->daemon);
}

const char *collector_server_problem(const CollectorServer *server) {
    return server->has_problem ? server->problem.text : NULL;
}

void collector_server_free(CollectorServer *server) {
    if (server == NULL) return;
    if (server->daemon != NULL) MHD_stop_daemon(server->daemon);
    if (server->listener >= 0) close(server->listener);
    free(server);
}
